/* change.h - how anything that the room keeps is changed.
 *
 * A change has three steps.  prepare(), on the loop's thread when its turn has come, looks at what
 * is in memory, decides whether it may be, and says which records are to be written or removed and
 * what the audit log is to say.  Then all of it goes to the catalog in one transaction.  Then the
 * records are read into memory exactly as at the start (kinds.c), principals are judged anew, and
 * done() hears.  Changes take turns: what prepare() saw is still so when it is written.
 *
 * A record is a kind, an id and a JSON object; state.h tells what stands in it. */
#ifndef ACCESS_CHANGE_H
#define ACCESS_CHANGE_H

#include "access/access.h"
#include "codec/json.h"
#include "store/catalog.h"

enum record_kind { /* numbers are kept: only ever add */
                   RECORD_ORG = 1,
                   RECORD_PERSON,
                   RECORD_MEMBER,       /* org/person */
                   RECORD_TEAM,         /* org/team */
                   RECORD_SERVICE,      /* org/service */
                   RECORD_TOKEN,        /* its public id */
                   RECORD_SESSION,      /* its public id */
                   RECORD_CREDENTIAL,   /* its public id */
                   RECORD_GRANT,        /* its id */
                   RECORD_POLICY,       /* the twin's key */
                   RECORD_INVITATION,   /* its public id */
                   RECORD_REQUEST,      /* org/number: somebody asks for a role */
                   RECORD_PROVIDER,     /* slug: an identity provider */
                   RECORD_CLAIM,        /* a claim code */
                   RECORD_PROVISIONING, /* a provisioning key */
                   RECORD_SETTING,      /* name: quotas' defaults and such */
                   RECORD_DOCUMENT,     /* org/kind/id: access/documents.h */
                   RECORD_KINDS
};

struct change {
    struct access *access;
    const struct principal *who;
    struct origin from;
    struct arena *arena; /* all that is put must live in it, or be for good */
    void *arg;
    int64_t now_us;
    int err;                      /* done(): 0, or what prepare() or the catalog answered */
    const char *detail;           /* a sentence when err is not 0 */
    int refused;                  /* enum access_op: what change_check() refused, else OP_PUBLIC */
    const struct org *refused_in; /* where */
    bool quiet; /* no line in the audit log: bookkeeping, such as when a token was used */
    struct audit_entry audit; /* prepare() fills operation, object, org, before, after, detail */
    struct change_record *first, *last;
    struct change_version *versions;
};

struct change_plan {
    struct principal *who; /* referenced until done() */
    struct origin from;    /* copied */
    /* 0, or ERR_* by change_refuse() */
    int (*prepare)(struct change *ch);
    void (*done)(struct change *ch); /* exactly once; the change is gone after it.  May be NULL */
    void *arg;
};
void access_change(struct access *a, const struct change_plan *plan);

struct change_version;

/* In prepare().  They remember that memory ran out. */
struct jval *change_doc(struct change *ch); /* an empty object */
void change_put(struct change *ch, enum record_kind kind, const char *id, const struct jval *doc);
void change_remove(struct change *ch, enum record_kind kind, const char *id);
/* The document becomes another, or goes: a version of it (store/versions.h), by who asks, with
 * their reason.  before: as it was since before_us; NULL: it was not there. */
void change_version(struct change *ch, const char *id, const struct jval *before, int64_t before_us,
                    bool gone);
/* Secrets and their hashes are left out of before and after here, for all kinds of records. */
void change_audit(struct change *ch, const char *operation, const char *object,
                  const struct jval *before, const struct jval *after); /* either may be NULL */
int change_refuse(struct change *ch, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* May they?  0, or the refusal, which names the role that is missing. */
int change_check(struct change *ch, enum access_op op, const struct access_object *o);

/* Members of a document; a string of NULL is left out. */
void doc_string(struct change *ch, struct jval *doc, const char *key, const char *value);
void doc_slice(struct change *ch, struct jval *doc, const char *key, struct slice value);
void doc_time(struct change *ch, struct jval *doc, const char *key, int64_t t_us); /* 0: left out */
void doc_int(struct change *ch, struct jval *doc, const char *key, int64_t value);
void doc_bool(struct change *ch, struct jval *doc, const char *key, bool value);

#endif
