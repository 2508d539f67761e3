/* pending.h - what was asked of a browser and is awaited from it: challenges of passkeys, a seed of
 * one-time codes that is not confirmed yet.
 *
 * Bound to who was asked (a session's id, or the hash of a cookie), of one kind each; asked anew it
 * is replaced, taken it is gone, and after PENDING_US it is no more.  There is a most, and then the
 * oldest goes; so those that anybody may have made are kept apart from those of who is signed in,
 * and are many.  In memory alone: a start forgets them.  The loop's thread. */
#ifndef ACCESS_PENDING_H
#define ACCESS_PENDING_H

#include "base/slice.h"

#define PENDING_US (INT64_C(5) * 60 * 1000000)
enum { PENDING_OF_PEOPLE = 8192, PENDING_OF_ANYBODY = 65536, PENDING_BYTES = 32 };

enum pending_kind { PENDING_SIGN_IN, PENDING_PASSKEY, PENDING_TOTP };

struct pendings; /* opaque */

struct pendings *pendings_new(size_t most); /* NULL: out of memory */
void pendings_free(struct pendings *p);

/* ERR_NOMEM */
int pending_put(struct pendings *p, enum pending_kind kind, struct slice whom,
                struct slice bytes /* PENDING_BYTES at most */, int64_t mono_us);
/* False: nothing of that kind is awaited from them, or no longer.  ret may be NULL. */
bool pending_take(struct pendings *p, enum pending_kind kind, struct slice whom,
                  unsigned char ret[PENDING_BYTES], size_t *ret_n, int64_t mono_us);
/* The same, and it stays: a code that was typed wrongly may be typed again. */
bool pending_see(struct pendings *p, enum pending_kind kind, struct slice whom,
                 unsigned char ret[PENDING_BYTES], size_t *ret_n, int64_t mono_us);

#endif
