/* signin.h - from an e-mail address and a password to a session.
 *
 * In this order: the attempt is counted (throttle.h); the password is verified on a thread of its
 * own, against a hash that takes as long when there is no such account; a second factor is asked
 * for when one-time codes are enrolled; then a session is made.  Whoever has not the right password
 * hears the same sentence after the same time, whatever there is.  A passkey is both factors at
 * once and comes by passkeys.h.
 *
 * The browser keeps a secret beside the session, for a year: signed in before, it is told apart
 * from those who guess.  Its hash stands in the person's record.
 *
 * The loop's thread; a callback is called exactly once, maybe before the call returns. */
#ifndef ACCESS_SIGNIN_H
#define ACCESS_SIGNIN_H

#include "access/people.h"

struct sign_in { /* copied */
    struct slice email, password;
    struct slice code;     /* a one-time code or a recovery code; p NULL: none was sent */
    struct slice browser;  /* what its cookie says; may be empty */
    struct principal *who; /* who asks so far */
    struct origin from;
};

struct signed_in {
    int err;
    const char *detail;
    int64_t wait_us;               /* ERR_RATE: until the next attempt */
    bool totp, recovery, passkey;  /* ERR_SECOND_FACTOR: what would do */
    const char *session, *browser; /* secrets for the cookies; browser NULL: it has one already */
};
typedef void signed_in_fn(void *arg, const struct signed_in *r);

void sign_in(struct access *a, const struct sign_in *in, signed_in_fn *fn, void *arg);

/* Once more, by who is signed in: their session is fresh after it. */
void sign_in_confirm(struct access *a, const struct sign_in *in, signed_in_fn *fn, void *arg);

/* A new password.  in->password is the one until now, when it is shown instead of a fresh sign-in;
 * their other sessions end. */
void sign_in_new_password(struct access *a, const struct sign_in *in, struct slice password,
                          signed_in_fn *fn, void *arg);

/* ---- in prepare(), for those who sign in by other ways ---- */

/* Has this person signed in with the browser whose cookie says so? */
bool browser_is_known(const struct person *p, struct slice cookie);
/* Make the browser one that is known to be theirs.  ret_secret gets what its cookie is to say; "":
 * it says so already. */
void browser_note(struct change *ch, struct jval *person, struct slice cookie, bool known,
                  char ret_secret[static BROWSER_SECRET + 1]);
/* Who signs in stands in the audit log, not who has asked. */
void sign_in_audit(struct change *ch, const struct person *p, const char *how);
/* Is it right and not used?  Then the document says that it is used now. */
int second_factor_take(struct change *ch, const struct person *p, struct jval *doc,
                       struct slice code);

#endif
