/* throttle.h - guesses are slowed down, and nobody is locked out for good by that.
 *
 * Each attempt is counted before it is judged, so that many at once are no way around; a right one
 * is taken back.  What is counted, for so many attempts without a wait, and then with delays that
 * double from one second up to a longest:
 *
 *   the address and the account together    5    15 min
 *   the address                            30    15 min
 *   the account, from anywhere            100    30 s
 *   a browser that has signed in before    10     1 min   (instead of all three)
 *
 * So who is attacked from one place is not hindered elsewhere; attacked from everywhere, they wait
 * half a minute at most between tries in a new browser, and in one that they have used before they
 * notice nothing; passkeys are not counted by account at all, since they cannot be guessed.
 *
 * An entry is forgotten six hours after its last attempt.  There are THROTTLE_MAX at most: then the
 * one whose last attempt is longest ago goes.  Pure but for memory; the loop's thread. */
#ifndef ACCESS_THROTTLE_H
#define ACCESS_THROTTLE_H

#include "base/slice.h"

enum { THROTTLE_MAX = 16384, THROTTLE_KEYS = 3 };

enum throttle_kind { THROTTLE_PAIR, THROTTLE_ADDRESS, THROTTLE_ACCOUNT, THROTTLE_BROWSER };

struct throttle; /* opaque */

struct throttle *throttle_new(void); /* NULL: out of memory */
void throttle_free(struct throttle *t);

/* What one attempt counts for. */
struct throttle_try {
    struct throttle_key {
        unsigned char bytes[32];
    } keys[THROTTLE_KEYS];
    enum throttle_kind kinds[THROTTLE_KEYS];
    size_t n;
};
/* account: the e-mail address or the person's id; address: "192.0.2.1", "2001:db8::1" (its first 64
 * bits count); browser: what shows that it was used before, or empty. */
void throttle_begin(struct throttle_try *ret, struct slice account, struct slice address,
                    struct slice browser);

/* Count an attempt.  0: go on; otherwise so many microseconds are to be waited, and it counts for
 * nothing. */
int64_t throttle_take(struct throttle *t, const struct throttle_try *of, int64_t mono_us);
/* It was wrong: the wait begins now, however long it took to find out. */
void throttle_wrong(struct throttle *t, const struct throttle_try *of, int64_t mono_us);
/* It was right: what it counted for goes; all of what is the person's own, one of what others share
 * with them. */
void throttle_right(struct throttle *t, const struct throttle_try *of);
/* It was neither: one is taken back. */
void throttle_undo(struct throttle *t, const struct throttle_try *of);

size_t throttle_count(const struct throttle *t);

#endif
