/* ask.h - a change that somebody asks for in words: an address and a JSON body.
 *
 * The functions of orgs.h and sharing.h are prepare() of a change whose arg is a struct ask.  They
 * read the body here, strictly: a member that nobody knows is refused by its name, so that nothing
 * is set that the asker was not meant to set, and no misspelt word is passed over.
 *
 * What stands here answers 0 or a refusal that is written already (change_refuse). */
#ifndef ACCESS_ASK_H
#define ACCESS_ASK_H

#include "access/change.h"
#include "access/state.h"
#include "crypto/token.h"

enum {
    NAME_CHARACTERS = 80,
    MESSAGE_CHARACTERS = 500,
    EMAIL_BYTES = 254,
    ASK_ID_MAX = 200, /* "org/person" and the like, with the NUL */
};

struct ask {
    struct slice org, id, sub; /* of the address: /organizations/{org}/teams/{id}/members/{sub} */
    const struct jval *body;   /* an object, or NULL */
    int kind;                  /* of what several kinds share a prepare() for */
    /* What a conditional change must find: made at, and its version.  -1: anything, 0: nothing. */
    int64_t if_created_us;
    uint64_t if_version;
    /* What came of it, for the answer. */
    char made[ASK_ID_MAX];                 /* the id of the record that was made */
    char secret[TOKEN_CHARACTERS_MAX + 1]; /* shown once */
};

struct ask *ask_of(const struct change *ch);

/* The organisation of the address, in which the asker may do op; the audit log is its. */
int ask_org(struct change *ch, enum access_op op, struct org **ret);

/* Is body an object with no other members than these (NULL-ended)? */
int ask_only(struct change *ch, const struct jval *body, const char *const *members);

/* One member each.  One that is not there leaves *ret as it is, or is refused when it must be. */
int ask_text(struct change *ch, const struct jval *body, const char *key, size_t characters,
             bool needed, struct slice *ret); /* one line, not blank */
int ask_role(struct change *ch, const struct jval *body, bool needed, enum access_role *ret);
int ask_email(struct change *ch, const struct jval *body, struct slice *ret); /* small letters */
/* A time to come, at most so far away; without it `otherwise_us` from now (0: never, and so with
 * null). */
int ask_expires(struct change *ch, const struct jval *body, int64_t otherwise_us, int64_t most_us,
                int64_t *ret);
/* A list of texts, at most so many; *ret is the array, or NULL without one. */
int ask_list(struct change *ch, const struct jval *body, const char *key, size_t most,
             const struct jval **ret);

/* Nobody gives more than they have: their role, and of that what a token's scopes leave. */
int ask_may_give(struct change *ch, const struct org *org, enum access_role role);
/* What lets somebody else in for good wants a sign-in of the last 15 minutes of who came by one. */
int ask_fresh(struct change *ch);
/* The role of who in org, also of those who may everything. */
enum access_role role_of_asker(const struct principal *who, const struct org *org);
uint64_t ops_of_asker(const struct principal *who, const struct org *org);

/* A new id: the prefix and 80 bits of chance. */
void ask_new_id(const char *prefix, char out[static 32]);
/* Copies of documents: all but a member; with the hash left out, for the audit log. */
struct jval *doc_copy(struct change *ch, const struct jval *doc);
/* Put text into a list of texts, or take it out. */
void doc_list_change(struct change *ch, struct jval *doc, const char *key, struct slice text,
                     bool in);
void doc_hash(struct change *ch, struct jval *doc, const unsigned char hash[TOKEN_HASH]);
void ask_audit(struct change *ch, enum access_op op, const char *kind, const char *id,
               const struct jval *before, const struct jval *after);

/* A member of a document as text or time: for records that have no struct of their own. */
/* The name of who is named there by id: a person, a service, the command line; "" when they are no
 * more.  Names are not kept beside ids: somebody may change theirs, and may want to be forgotten.
 */
const char *doc_name_of(const struct access *a, const struct entity *e, const char *key);
struct slice doc_text(const struct entity *e, const char *key);
int64_t doc_when(const struct entity *e, const char *key);

#define DAY_US (INT64_C(86400) * 1000000)

#endif
