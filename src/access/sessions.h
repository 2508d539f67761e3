/* sessions.h - who has signed in, in which browser, and for how long.
 *
 * A session is a record; its secret stands in a cookie, its SHA-256 in the record.  It ends 12
 * hours after it was last used, and 30 days after it began, whatever comes first; when it was used
 * is written every five minutes at most.  Each sign-in makes a new one, and ends the one that the
 * browser had.
 *
 * What could let somebody else in for good (passwords, passkeys, tokens ...) wants a sign-in of the
 * last 15 minutes.  Who came by a set-up link has an hour.
 *
 * The loop's thread. */
#ifndef ACCESS_SESSIONS_H
#define ACCESS_SESSIONS_H

#include "access/change.h"
#include "access/state.h"
#include "crypto/token.h"

#define MINUTES_US(n) (INT64_C(60000000) * (n))
#define SESSION_IDLE_US MINUTES_US(12 * 60)
#define SESSION_WHOLE_US MINUTES_US(30 * 24 * 60)
#define SESSION_SEEN_US MINUTES_US(5)
#define SESSION_FRESH_US MINUTES_US(15)
#define SESSION_FRESH_SETUP_US MINUTES_US(60)

enum { SESSIONS_OF_PERSON = 50 }; /* one more, and the one that was not used for longest ends */

struct session_plan {
    const char *person;          /* its id; the record may be written by the same change */
    const struct grant *grant;   /* instead: of a share link */
    const char *organization;    /* slug, or NULL: one of theirs */
    const char *how;             /* "password", "passkey", "setup", "oidc:corp", "link" */
    const struct jval *identity; /* NULL, or of which provider: {"provider","issuer","subject"..} */
    char secret[TOKEN_CHARACTERS_MAX + 1]; /* what the cookie gets */
};

/* In prepare(): a new session instead of that of ch->who. */
void session_put(struct change *ch, struct session_plan *s);
/* In prepare(): what a session has become; no audit line is made. */
void session_put_again(struct change *ch, const struct session *s, struct jval *doc);
/* In prepare(): end those of a person but one (NULL: all). */
void sessions_remove(struct change *ch, const struct person *p, const struct session *but);

/* It was used just now. */
void session_seen(struct access *a, struct session *s);

/* Has who asks signed in lately? */
bool session_is_fresh(const struct principal *who, int64_t now_us);

/* Changes: of ch->who's own session. */
int session_sign_out(struct change *ch);
struct session_switch {
    struct slice organization;
};
int session_switch_org(struct change *ch); /* arg: struct session_switch */
/* Changes: of other sessions of the same person.  arg: struct session_ending */
struct session_ending {
    struct slice id; /* empty: all but their own */
};
int session_revoke(struct change *ch);

#endif
