/* oidc.h - sign-in by other identity providers: a relying party of OpenID Connect 1.0.
 *
 * Discovery, the authorisation code with PKCE (S256), state and nonce; the ID token verified
 * against the provider's keys, UserInfo where the token lacks what is needed; RP-initiated and
 * back-channel logout.  Whom the provider names becomes a person in access/oidc_person.c; here is
 * who it says it is.
 *
 * A sign-in that is begun is an attempt.  It is kept here and not in the browser: found by `state`,
 * bound to the browser by a cookie, taken once, gone after ten minutes, limited in number.  Nothing
 * of what comes back is believed before the ID token's signature, issuer, audience, times and nonce
 * are right (crypto/jose.h).
 *
 * Owner: the loop's thread; nothing blocks.  What goes out goes through os/fetch.h. */
#ifndef ACCESS_OIDC_H
#define ACCESS_OIDC_H

#include "access/ops.h"
#include "codec/json.h"
#include "os/fetch.h"

struct oidc; /* opaque */

/* Why a sign-in or a logout failed: a code that stays, the status of HTTP, a sentence.  With
 * OIDC_TOKEN the code and the sentence are those of crypto/jose.h. */
/* clang-format off */
#define OIDC_FAULT_TABLE(X)                                                                        \
    X(OIDC_OK, "ok", 200, "")                                                                      \
    X(OIDC_NOMEM, "out-of-memory", 503, "The server is out of memory.")                            \
    X(OIDC_ENDING, "cancelled", 503, "The server is ending.")                                      \
    X(OIDC_NO_PROVIDER, "oidc-no-provider", 404, "There is no such identity provider.")            \
    X(OIDC_THEN, "oidc-then", 400,                                                                 \
      "then has to be a path of this server, such as /twins.")                                     \
    X(OIDC_REQUEST, "oidc-request", 400,                                                           \
      "That is not how an identity provider sends somebody back: a state and a code are needed.")  \
    X(OIDC_STATE, "oidc-state", 400,                                                               \
      "This sign-in was not begun here, is over already, or took longer than ten minutes. "        \
      "Please begin again.")                                                                       \
    X(OIDC_BROWSER, "oidc-browser", 400,                                                           \
      "This sign-in was begun in another browser, or cookies are not kept. Please begin again.")   \
    X(OIDC_MIXED_UP, "oidc-mixed-up", 400,                                                         \
      "Another identity provider answered than the one that was asked.")                           \
    X(OIDC_DENIED, "oidc-denied", 403, "The identity provider did not let you in.")                \
    X(OIDC_ANSWER, "oidc-answer", 502, "The identity provider answered with an error.")            \
    X(OIDC_UNREACHABLE, "oidc-unreachable", 502, "The identity provider cannot be reached.")       \
    X(OIDC_METADATA, "oidc-metadata", 502,                                                         \
      "What the identity provider says about itself cannot be used.")                              \
    X(OIDC_KEYS, "oidc-keys", 502, "The keys of the identity provider cannot be read.")            \
    X(OIDC_EXCHANGE, "oidc-exchange", 502,                                                         \
      "The identity provider gave no token for its code.")                                         \
    X(OIDC_TOKEN, "oidc-token", 403, "The token of the identity provider is not good.")            \
    X(OIDC_USERINFO, "oidc-userinfo", 502,                                                         \
      "What the identity provider says about you cannot be used.")                                 \
    X(OIDC_SUBJECT, "oidc-subject", 403, "The identity provider did not say who you are.")         \
    X(OIDC_NO_EMAIL, "oidc-no-email", 403,                                                         \
      "The identity provider told no e-mail address, and you have no account here that is linked " \
      "to it.")                                                                                    \
    X(OIDC_EMAIL_UNVERIFIED, "oidc-email-unverified", 403,                                         \
      "The identity provider has not verified your e-mail address. Verify it there, then sign in " \
      "again.")                                                                                    \
    X(OIDC_EMAIL_TAKEN, "oidc-email-taken", 403,                                                   \
      "There is an account with your e-mail address already, and nobody has verified that it is "  \
      "yours. Sign in to it in another way, then link it in your account.")                        \
    X(OIDC_LINKED, "oidc-linked", 409,                                                             \
      "That account of the identity provider is linked to somebody else here.")                    \
    X(OIDC_NOT_INVITED, "oidc-not-invited", 403,                                                   \
      "You have no account here yet, and this identity provider makes none. Ask an administrator " \
      "for an invitation to your e-mail address.")                                                 \
    X(OIDC_DISABLED, "oidc-disabled", 403, "Your account here is disabled.")                       \
    X(OIDC_LOGOUT, "oidc-logout", 400, "That is no logout token.")                                 \
    X(OIDC_REPLAYED, "oidc-replayed", 400, "The token was used already.")
/* clang-format on */

enum oidc_fault {
#define X(name, ...) name,
    OIDC_FAULT_TABLE(X)
#undef X
        OIDC_FAULTS
};

const char *oidc_fault_text(enum oidc_fault fault);
const char *oidc_fault_code(enum oidc_fault fault);
int oidc_fault_status(enum oidc_fault fault);

/* ---- providers ---- */

struct oidc_group {
    const char *group, *organization;
    enum access_role role;
};

/* What an administrator says of a provider; in an arena.  Its JSON stands in docs/access.md. */
struct oidc_settings {
    const char *id, *name, *issuer, *client_id;
    const char *client_secret; /* NULL: a public client */
    const char *scopes;        /* "openid email profile" */
    const char *groups_claim;  /* NULL: none.  "groups", "realm_access.roles" */
    const char *organization;  /* of new people; NULL: the first */
    enum access_role role;     /* the same */
    bool create, logout;
    bool fixed; /* it stands in the configuration: nobody changes it over REST */
    const struct oidc_group *groups;
    size_t groups_n;
};

enum {
    OIDC_PROVIDERS_MAX = 32,
    OIDC_GROUPS_MAX = 256,
};

/* From the JSON of a provider.  ERR_INVALID with a sentence in *why; nothing is fetched. */
int oidc_settings_read(struct arena *a, const struct jval *doc, struct oidc_settings *ret,
                       struct buf *why);

int oidc_new(struct fetch *f, struct oidc **ret);
void oidc_free(struct oidc *o); /* behind fetch_free(): nothing is under way then */

/* Add, or replace that of the same id, whose cached keys go.  Copied.  ERR_TOO_LARGE: there are
 * too many; ERR_NOMEM. */
int oidc_set(struct oidc *o, const struct oidc_settings *s);
void oidc_remove(struct oidc *o, struct slice id);
const struct oidc_settings *oidc_settings(const struct oidc *o, struct slice id); /* NULL */
/* Walk: size_t at = 0; while ((s = oidc_next(o, &at))) ... in order of their ids. */
const struct oidc_settings *oidc_next(const struct oidc *o, size_t *at);

/* ---- what comes of it ---- */

struct oidc_identity {
    const struct oidc_settings *provider;
    struct slice subject;
    struct slice email; /* lower case; empty: none */
    bool email_verified;
    struct slice name;
    struct slice sid;          /* of the provider's session; empty: none */
    struct slice id_token;     /* to say goodbye with */
    const struct jval *groups; /* NULL, a text or a list */
};

struct oidc_outcome {
    enum oidc_fault fault;
    int status;              /* of HTTP */
    const char *code, *text; /* of a fault: "jwt-issuer", a sentence */
    const char *detail;      /* for the operator's log; "" */
    const char *location;    /* of a start: where the browser is to go */
    const char *cookie;      /* the same: what is to be kept in it */
    const char *then;        /* where it wanted to */
    struct slice person;     /* who wanted the identity linked; empty: nobody */
    struct oidc_identity who;
};
/* Once, maybe before the call that asked returns; what is in *out ends with it. */
typedef void oidc_fn(void *arg, const struct oidc_outcome *out);

struct oidc_start {
    struct slice provider;
    struct slice redirect_uri; /* our callback, whole */
    struct slice then;         /* a path of our own; empty: "/" */
    struct slice cookie;       /* of the browser; empty: it has none yet */
    struct slice address;      /* where it speaks from */
    struct slice person;       /* signed in, and wants the identity linked; empty: no */
};
void oidc_start(struct oidc *o, const struct oidc_start *s, oidc_fn *fn, void *arg);

struct oidc_callback {
    struct slice provider;
    struct slice state, code, error, iss; /* parameters; p NULL: not there */
    struct slice cookie;
};
void oidc_callback(struct oidc *o, const struct oidc_callback *c, oidc_fn *fn, void *arg);

/* Whom the provider wants signed out: out->who has subject, sid or both. */
void oidc_backchannel(struct oidc *o, struct slice provider, struct slice logout_token, oidc_fn *fn,
                      void *arg);

/* out->location: where a browser goes to sign out at the provider as well; NULL: it has no such
 * place, or it is not wanted.  back_to: a whole URL of ours that is registered there, or empty. */
void oidc_logout(struct oidc *o, struct slice provider, struct slice id_token, struct slice back_to,
                 oidc_fn *fn, void *arg);

/* The name of the cookie that binds an attempt to a browser. */
const char *oidc_cookie_name(bool tls);
enum { OIDC_ATTEMPT_S = 600 };

#endif
