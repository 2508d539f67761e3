/* sharing.h - what is granted to others, and policies.
 *
 * What ends in (struct change *) is prepare() of a change whose arg is a struct ask (ask.h); see
 * docs/access.md, "Sharing".  All on the loop's thread.
 *
 * A grant or a policy is of one twin, not of its name: it carries when the twin was made
 * ("twinCreated"), and goes with the twin.  A later twin of the same id never has it. */
#ifndef ACCESS_SHARING_H
#define ACCESS_SHARING_H

#include "access/ask.h"

enum {
    GRANTS_MAX = 100, /* of one object */
    PARTS_MAX_LISTED = 50,
    POLICY_ENTRIES_MAX = 50,
    POLICY_RULES_MAX = 500, /* subjects times resources, of all entries */
    POLICY_LABEL_CHARACTERS = 80,
    LINK_SESSIONS_MAX = 100,
};
#define LINK_EXPIRES_US (7 * DAY_US)
#define LINK_EXPIRES_MOST_US (366 * DAY_US)

/* sharing.c */
int grant_make(struct change *ch);   /* {"object","to":{..},"role"?,"parts"?,"expires"?} */
int grant_change(struct change *ch); /* {"role"?,"parts"?,"expires"?}; id: the grant's */
int grant_remove(struct change *ch);
int link_enter(struct change *ch); /* {"token"}: a session, whose cookie is ask->secret */

/* What a grant is about, as who names it: "twin:acme~pump-1". */
void grant_put_object(const struct access *a, const struct principal *who, const struct grant *g,
                      struct buf *out);
const char *grantee_name(enum grantee to); /* "person" */
/* The object that "twin:ID" or "space:ORG" names.  ERR_INVALID: it is neither; ERR_NOT_FOUND. */
int sharing_object(const struct access *a, const struct principal *who, struct slice text,
                   struct buf *scratch, struct access_object *ret);
/* The grants on an object; NULL: there are none.  Linked by next. */
const struct grant *sharing_grants(const struct access *a, const struct access_object *o);

/* What others have shared with somebody, in order of key, each once: a twin, or with an empty key
 * everything of an organisation.  *ret_list is to be freed. */
struct shared {
    struct org *org;
    struct slice twin;
    enum access_role role;
};
int sharing_list(const struct access *a, const struct principal *who, struct shared **ret_list,
                 size_t *ret_n);

/* Put a grant on a twin for a person, as somebody who may has decided. */
int grant_to_person(struct change *ch, const struct access_object *o, const char *person,
                    enum access_role role, const struct jval **ret_doc);

/* policy.c */
int policy_put(struct change *ch); /* id: the twin as the asker calls it; if_*: what it replaces */
int policy_remove(struct change *ch);
const struct policy *policy_of(const struct access *a, struct slice key);
void policy_version(const struct policy *p, int64_t *ret_created_us, uint64_t *ret_version);
/* Is it "/", "/profile", "/sensors/temp-*" ...? */
bool resource_is_valid(struct slice path);
struct access_object resource_object(const struct access_object *twin, struct slice path);
/* Does the policy take something of these rights from who, at this part or below it? */
bool policy_narrows(const struct access *a, const struct principal *who,
                    const struct access_object *o, uint8_t rights, struct slice part);
/* Can who give others this role on these parts (NULL: all) of the object?  Nobody gives what a
 * policy does not let them have. */
int sharing_may_give(struct change *ch, const struct access_object *o, enum access_role role,
                     const struct jval *parts);

/* ---- twins, which the core knows ---- */

/* When the twin of that key was made; 0: there is none. */
int64_t twin_stamp(const struct access *a, struct slice key);
/* Says what twin an object's record is of. */
void doc_twin_stamp(struct change *ch, struct jval *doc, struct slice key);

#endif
