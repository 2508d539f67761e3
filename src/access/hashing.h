/* hashing.h - passwords are hashed on threads of their own, and not too many wait for that.
 *
 * Argon2id takes a tenth of a second and 64 MiB by intention.  So it never runs on the loop's
 * thread; a few threads do it, which is the limit of memory, and the queue before them is short:
 * who comes when it is full is sent away (ERR_OVERLOAD) instead of waiting for seconds.
 *
 * The loop's thread calls everything here; a callback is called exactly once, maybe before the call
 * returns.  Passwords are copied, and wiped as soon as they are hashed. */
#ifndef ACCESS_HASHING_H
#define ACCESS_HASHING_H

#include "crypto/password.h"
#include "os/loop.h"

enum { HASHING_THREADS = 2, HASHING_WAITING_MAX = 32 };

struct hashing; /* opaque */

struct hashed {
    int err; /* ERR_OVERLOAD, ERR_CANCELLED, ERR_NOMEM, ERR_INVALID, ERR_CORRUPT */
    enum password_verdict verdict;
    const char *hash; /* what is to be kept: of hashing_make(), and of a verification that found the
                         password kept at another cost.  NULL: nothing new.  Until fn returns */
};
typedef void hashed_fn(void *arg, const struct hashed *r);

int hashing_new(struct loop *l, const struct password_cost *cost, struct hashing **ret);
/* Waits for the hashes that are under way; the others, and whoever comes later, are answered with
 * ERR_CANCELLED. */
void hashing_stop(struct hashing *h);
void hashing_free(struct hashing *h);

/* Is it the password that is kept?  kept NULL: there is no such account; it takes as long. */
void hashing_verify(struct hashing *h, struct slice password, const char *kept, hashed_fn *fn,
                    void *arg);
void hashing_make(struct hashing *h, struct slice password, hashed_fn *fn, void *arg);

#endif
