/* account.h - what a person changes of their own account.
 *
 * All are prepare functions for access_change(), with the struct beside them as arg; what they
 * answer stands in it.  What could let somebody in wants a fresh sign-in (sessions.h).
 *
 * The loop's thread. */
#ifndef ACCESS_ACCOUNT_H
#define ACCESS_ACCOUNT_H

#include "access/people.h"
#include "crypto/code.h"

/* ---- who they are ---- */

struct account_profile {
    struct slice name, email; /* p NULL: stays */
};
int account_profile_set(struct change *ch);

/* Everything goes that is about them; in the audit log the pseudonym stays.  Refused to who is the
 * only administrator of the installation or of an organisation.  fn hears once: 0 when it is done,
 * or an ERR_* with a sentence (until fn returns). */
typedef void account_erased_fn(void *arg, int err, const char *detail);
void account_erase(struct access *a, const struct asker *by, account_erased_fn *fn, void *arg);
void erasures_resume(struct access *a); /* at the start: what the last run did not finish */

/* All that is kept about a person, without secrets, as the members of an open object; what stands
 * of them in the audit log is the caller's to add. */
void account_export(const struct access *a, const struct person *p, struct json_writer *w);

/* ---- one-time codes and recovery codes ---- */

struct account_codes {
    struct slice code;                                      /* account_totp_confirm() */
    char recovery[RECOVERY_CODES][CODE_CHARACTERS_MAX + 1]; /* made anew, to be shown once */
};
/* A seed for an app, awaited to be confirmed; no change.  ERR_REAUTHENTICATE, ERR_UNSUPPORTED. */
int account_totp_begin(struct access *a, const struct principal *who, char ret_secret[static 33],
                       struct buf *ret_uri, const char **ret_why);
int account_totp_confirm(struct change *ch);
int account_totp_disable(struct change *ch); /* no arg */
int account_recovery_codes(struct change *ch);

/* ---- tokens ---- */

enum { TOKENS_OF_PERSON = 100 };
struct account_token {
    struct slice name, organization; /* organization p NULL: the session's */
    const struct jval *scopes;       /* NULL: all */
    int64_t expires_us;              /* 0: never */
    char text[TOKEN_CHARACTERS_MAX + 1], id[TOKEN_ID_CHARACTERS + 1];
};
int account_token_make(struct change *ch);
struct account_revoking {
    struct slice id;
};
int account_token_revoke(struct change *ch);
/* A token was used just now. */
void api_token_seen(struct access *a, struct api_token *t);

/* Do scopes name operations?  Else the one that does not, as p. */
struct slice scopes_fault(const struct jval *scopes);

#endif
