/* oidc_internal.h - what the files of the relying party share. */
#ifndef ACCESS_OIDC_INTERNAL_H
#define ACCESS_OIDC_INTERNAL_H

#include "access/oidc.h"
#include "base/map.h"
#include "crypto/digest.h"
#include "crypto/jose.h"

enum {
    OIDC_WORD = 43, /* characters of 32 random bytes in base64url */
    ATTEMPTS_MAX = 4096,
    ATTEMPTS_OF_ONE = 64, /* of an address */
};

/* ---- oidc_metadata.c: pure ---- */

/* What a provider says about itself (Discovery 1.0, section 3). */
struct oidc_metadata {
    const char *authorization, *token, *jwks;
    const char *userinfo, *end_session; /* NULL: there is none */
    unsigned algs;                      /* those of its ID tokens that we take */
    bool basic, post;                   /* how a client shows its secret */
    bool says_iss;                      /* RFC 9207 */
};
int oidc_metadata_parse(struct arena *a, struct slice text, const char *issuer,
                        struct oidc_metadata *ret, const char **ret_why);

/* Claims of an ID token or of UserInfo.  What is there already stays. */
void oidc_identity_read(struct arena *a, const struct jval *claims, struct oidc_identity *who);
bool oidc_then_ok(struct slice then); /* a path of our own, which no browser takes for another */

/* ---- oidc_attempt.c ---- */

struct oidc_attempt {
    char state[OIDC_WORD + 1], nonce[OIDC_WORD + 1], verifier[OIDC_WORD + 1];
    unsigned char browser[SHA256_BYTES]; /* of the cookie */
    int64_t begun_us;
    const char *provider, *redirect_uri, *then, *address, *person; /* behind it */
    struct oidc_attempt *older, *newer;
};

struct oidc_attempts {
    struct map by_state;
    struct oidc_attempt *oldest, *newest;
};

/* cookie: OIDC_WORD characters and a NUL; a new one unless the browser's own is of an attempt. */
struct oidc_attempt *attempt_begin(struct oidc_attempts *all, const struct oidc_start *s,
                                   char cookie[static OIDC_WORD + 1]);
/* Out of the list, to be freed with free(); NULL: there is none of that state. */
struct oidc_attempt *attempt_take(struct oidc_attempts *all, struct slice state);
void attempts_release(struct oidc_attempts *all);
void oidc_word(char out[static OIDC_WORD + 1]); /* one that nobody guesses */

/* ---- oidc_provider.c: what is known of a provider, and how ---- */

struct oidc_call;

struct oidc_provider {
    unsigned refs;
    struct fetch *fetch;
    struct arena *arena;
    struct oidc_settings settings;
    struct arena *metadata_arena;
    struct oidc_metadata metadata;
    int64_t metadata_us, keys_us; /* when they came; 0: never */
    struct jwks *keys;
    struct oidc_call *want_metadata, *want_keys;
    int64_t refresh_us; /* since when refreshes are counted */
    int refreshes;
};

struct oidc_provider *provider_new(struct fetch *f, const struct oidc_settings *s);
void provider_unref(struct oidc_provider *p);

/* Then c->step() is called, maybe out of here; or call_fail(). */
void provider_want_metadata(struct oidc_call *c);
void provider_want_keys(struct oidc_call *c);
/* Fetch the keys again, because a token names one that is not there; false: not so soon. */
bool provider_refresh_keys(struct oidc_call *c);

/* ---- oidc.c ---- */

struct oidc {
    struct fetch *fetch;
    struct map providers;
    struct oidc_attempts attempts;
    struct map replays; /* jti of logout tokens */
    struct replay *replay_oldest, *replay_newest;
    size_t calls;
};

/* Something that is under way. */
struct oidc_call {
    struct oidc *oidc;
    struct oidc_provider *provider; /* referenced */
    struct arena *arena;
    oidc_fn *fn;
    void *arg;
    void (*step)(struct oidc_call *c); /* what comes next */
    struct oidc_call *next;            /* of those that want the same */
    struct oidc_start start;
    struct oidc_attempt *attempt;           /* its own */
    struct slice code, token, access_token; /* of a logout: where it goes back to, the hint */
    void (*verified)(struct oidc_call *c);
    struct jwt jwt;
    bool refreshed;
    bool anonymous; /* what came back does not say by whom (RFC 9207) */
    struct oidc_outcome out;
};

struct oidc_call *oidc_call_new(struct oidc *o, struct slice provider, oidc_fn *fn, void *arg);
void oidc_call_done(struct oidc_call *c);
void oidc_call_fail(struct oidc_call *c, enum oidc_fault fault, const char *detail);
void oidc_call_token_fault(struct oidc_call *c, enum jose_fault fault);
/* Did it come, with status 200?  detail: what the log is to say of it. */
enum { OIDC_DETAIL = 640 };
enum oidc_fault oidc_transfer_fault(const struct fetch_answer *a, char detail[static OIDC_DETAIL]);
/* Verify c->token, with fresh keys where it names one that is not known; then go on. */
void oidc_call_verify(struct oidc_call *c, void (*verified)(struct oidc_call *c));
struct slice oidc_call_dup(struct oidc_call *c, struct slice s);

/* name=value of a form, escaped */
void oidc_form(struct buf *b, const char *name, struct slice value);
void oidc_escape(struct buf *b, struct slice s);

void replays_release(struct oidc *o);

#endif
