/* state.h - what the room knows, in memory; the fields of its records.
 *
 * Read by front ends' handlers that show it; changed by kinds.c and credentials.c alone, when a
 * record is read.  Every entity stays at its address as long as its record is there; strings live
 * in its arena and are replaced with the record.  Organisations, people and services stay when
 * their record goes (`gone`), others are freed: whoever waits for something looks them up by their
 * id again. */
#ifndef ACCESS_STATE_H
#define ACCESS_STATE_H

#include "access/access.h"
#include "access/change.h"
#include "base/arena.h"
#include "base/map.h"

enum { TOKEN_HASH = 32 };

/* What every entity begins with. */
struct entity {
    char *id; /* the record's */
    struct arena *arena;
    const struct jval *doc; /* the record itself, for what has no field here */
    struct entity *next;    /* of those whose record has gone */
};

/* {"name","created","quotas":{"twins","series","readingsPerSecond","storageBytes"}} */
struct org {
    struct entity e;           /* id: the slug */
    const char *name, *prefix; /* prefix: of its twins' keys, "acme~" */
    int64_t created_us;
    struct quotas quotas;
    struct map members; /* struct member by person's id */
    struct map teams;   /* struct team by id within the organisation */
    struct map services;
    size_t ruled;     /* twins of it that have a policy or grants, and grants on its space */
    uint64_t twins_n; /* kept by the core */
    /* The core's too; its thread of the catalog reads them.  coming: of what is being made. */
    _Atomic(uint64_t) series_n, series_coming, twins_there, twins_coming;
    uint64_t storage_bytes, storage_counted; /* of history; core/usage.c */
    int64_t paid_until_us;                   /* pace.c; monotonic */
    uint64_t readings_n, readings_seen_n;    /* quota.c */
    double readings_rate;                    /* a second, smoothed */
    bool first;                              /* its twins' keys have no prefix */
    bool gone;
};

/* {"name","email","emailVerified","password":PHC,"totp":SEALED,"totpStep","recovery":[HASH],
 *  "installation","created","passkeys":[...],"identities":[{"provider","issuer","subject","linked"}],
 *  "disabled"}; what belongs to signing in is read from the document by people.c */
struct person {
    struct entity e;          /* id: "p_..." */
    const char *name, *email; /* email lower case; "" while there is none */
    bool email_verified;
    int64_t created_us, seen_us;
    bool installation, disabled, provisional; /* provisional: cannot sign in again yet */
    bool second_factor;
    struct map memberships; /* struct member by the organisation's slug */
    bool gone;
};

/* {"role","since"} */
struct member {
    struct entity e; /* id: org/person */
    struct org *org;
    struct person *person;
    enum access_role role;
    int64_t since_us;
};

/* {"name","members":[person id],"created"} */
struct team {
    struct entity e; /* id: org/team */
    struct org *org;
    const char *name, *key; /* key: the id within the organisation */
    struct map members;     /* person id -> struct team (itself): a set */
};

/* {"name","role","created"} */
struct service {
    struct entity e; /* id: org/service */
    struct org *org;
    const char *name, *key;
    enum access_role role;
    int64_t created_us;
    bool gone;
};

/* {"kind":"pat"|"svc","hash":hex,"person"|"service","organization","name","scopes":[..],
 *  "created","expires","used","revoked"} */
struct api_token {
    struct entity e; /* id: public */
    unsigned char hash[TOKEN_HASH];
    struct person *person;
    struct service *service;
    struct org *org;
    const char *name;
    uint64_t scopes;
    int64_t created_us, expires_us, used_us, revoked_us;
    struct principal *principal; /* while somebody holds it */
    bool gone;
};

/* {"hash":hex,"person"|"grant","organization","created","seen","authenticated","expires",
 *  "address","agent","how"} */
struct session {
    struct entity e; /* id: public */
    unsigned char hash[TOKEN_HASH];
    struct person *person;
    struct grant *grant; /* of a link */
    struct org *org;
    int64_t created_us, seen_us, authenticated_us, expires_us;
    const char *address, *agent, *how;
    bool gone;
};

/* {"twin":KEY,"hash":hex | "fingerprint":hex,"name","created","expires","used","revoked"}: many, so
 * without an arena of its own */
struct credential {
    char *id;
    char *twin, *name;              /* in the same block */
    unsigned char hash[TOKEN_HASH]; /* of the token, or the certificate's fingerprint */
    bool certificate;
    int64_t created_us, expires_us, used_us, revoked_us;
    struct principal *principal;
    struct credential *next; /* of the same twin */
    bool gone;
};

/* {"object":"twin:KEY"|"space:ORG","twinCreated","to":{"kind","id"|"email"},"role","parts":["/sensors/x"],"created","by",
 *  "expires","hash":hex of a link's token} */
enum grantee { TO_PERSON, TO_TEAM, TO_ORGANIZATION, TO_COMMON, TO_LINK };
struct grant {
    struct entity e;
    struct org *org;   /* of the object */
    struct slice twin; /* key; empty: everything of org */
    enum grantee to;
    const char *to_id, *to_email; /* of a person one of them, the other "" */
    enum access_role role;
    struct slice *parts;
    size_t parts_n; /* 0: all of it */
    int64_t created_us, expires_us;
    unsigned char hash[TOKEN_HASH];
    const char *by;
    struct grant *next; /* of the same object */
    bool gone;
};

/* {"entries":{LABEL:{"subjects":[..],"resources":{PATH:{"grant":[..],"revoke":[..]}}}}} */
struct policy_rule {
    struct slice subject;    /* "person:p_1", "team:t", "role:viewer", "service:s", "everyone" */
    struct slice resource;   /* "/", "/sensors/temp-*" */
    uint8_t grants, revokes; /* bits of enum access_right */
};
struct policy {
    struct entity e; /* id: the twin's key */
    struct policy_rule *rules;
    size_t rules_n;
};

/* What is said about one object beside roles. */
struct ruling {
    struct slice key; /* a twin's key, or "space:ORG" */
    char *kept;
    struct grant *grants;
    struct policy *policy;
    bool lost; /* the twin is there no more: all of it goes (lost.c) */
};

struct access_kind; /* kinds.c */

struct access {
    struct loop *loop;
    struct catalog *catalog;
    struct pool *writes, *reads;
    bool open, stopped;
    struct map kinds[RECORD_KINDS]; /* entities by id; the value begins with a struct entity, but
                                       for credentials */
    struct map tokens, sessions, links; /* by hash: 32 bytes */
    struct map credentials;             /* by hash */
    struct map twin_credentials;        /* the first of each twin, by its key */
    struct map emails;                  /* struct person */
    struct map passkeys;                /* struct person by the credential's id, base64url */
    struct map identities;              /* struct person by identity_key() */
    struct map rulings;                 /* struct ruling by key */
    struct document_watch *document_watches;
    struct entity *graveyard;
    struct org *first;
    size_t administrators; /* of the installation, who may sign in */
    struct principal *principals;
    struct principal *anonymous, *ingest, *system, *local;
    unsigned char local_hash[TOKEN_HASH];
    bool has_local;
    struct knocks *knocks;
    struct map notes; /* devices.c: struct device_note by the twin's key */
    struct access_watch *watches;
    uint64_t generation;
    struct change_job *jobs_first, *jobs_last, *running;
    struct loop_timer *tick;
    struct quotas new_quotas; /* of organisations that are made */
    struct people *people;    /* people.h: what signing in needs beside the records */
    struct map refusals;      /* refused.c: those of the last minute */
    uint64_t refusals_lost;
    int64_t (*twin_created)(void *arg, struct slice key); /* the core's: access_set_twins() */
    void *twins;
    bool sweeping; /* what is lost goes with a change that waits for its turn */
    struct access_stats stats;
    size_t audit_out; /* lines of the audit log on their way */
    int64_t audit_retention_us;
    int expire_in_s, head_in_s; /* of the tick */
    bool expiring;
};

/* kinds.c: read a record into memory, or take it out; as at the start.  ERR_CORRUPT: told in the
 * log, and left out. */
int access_load(struct access *a, enum record_kind kind, struct slice id, struct slice doc);
void access_unload(struct access *a, enum record_kind kind, struct slice id);
void access_settle(struct access *a);     /* when all are read: what points to what came later */
void access_unload_all(struct access *a); /* at the end */
void *access_find(const struct access *a, enum record_kind kind, struct slice id);

/* credentials.c: the same of RECORD_CREDENTIAL, for kinds.c */
int credential_load(struct access *a, struct slice id, const struct jval *doc);
void credential_unload(struct access *a, struct credential *c);

/* principal.c */
struct principal *principal_of_person(struct access *a, struct person *p, struct org *org);
void principals_judge(struct access *a); /* what they may now; tells the watchers */
void principals_forget(struct access *a,
                       const struct entity *e); /* it goes: who came by it does too */

/* refused.c: write what was counted, of minutes that are over, or all */
void refusals_turn(struct access *a, bool all);

/* devices.c */
void device_notes_release(struct access *a);

/* decide.c */
bool path_covers(struct slice pattern, struct slice path); /* "/sensors/t*" covers what is below */
bool op_can_be_granted(enum access_op op);
bool access_is_grantee(const struct principal *who, const struct grant *g);
enum access_role access_granted_role(const struct principal *who,
                                     const struct grant *g); /* of who is a grantee */
bool access_is_subject(const struct principal *who, const struct org *org, enum access_role role,
                       struct slice subject);

/* What an identity of a person is found by: the issuer (no URL has a blank), the subject. */
void identity_key(struct buf *out, struct slice issuer, struct slice subject);

/* hex of a record, into 32 bytes; false: it is none */
bool hash_read(const struct jval *text, unsigned char ret[TOKEN_HASH]);
struct slice hash_key(const unsigned char *hash);           /* what maps have it under */
int64_t time_read(const struct jval *doc, const char *key); /* 0: it has none */

#endif
