/* access.h - who is it, and may they: the one place where that is decided.
 *
 * Owner: the loop's thread calls everything here, and nothing here blocks.  All of it is in memory,
 * read from the catalog at the start; changes go through access/change.h.
 *
 * A front end finds out who speaks (a struct principal, by token, cookie or certificate), passes it
 * with whatever it asks of the core, and the core asks access_may().  A principal lives as long as
 * somebody holds it; when its credential ends, `gone` is set and the watchers are told, so that
 * connections end as well. */
#ifndef ACCESS_ACCESS_H
#define ACCESS_ACCESS_H

#include "access/ops.h"
#include "base/buf.h"
#include "crypto/password.h"
#include "os/loop.h"

struct access; /* opaque */
struct key_ring;
struct catalog; /* store/catalog.h */
struct knocks;  /* access/knock.h */
struct org;     /* access/state.h, as all that follows */
struct person;
struct service;
struct api_token;
struct session;
struct credential;
struct grant;

enum principal_kind {
    WHO_ANONYMOUS,
    WHO_PERSON,
    WHO_SERVICE,
    WHO_DEVICE,
    WHO_LINK,
    WHO_LOCAL,  /* the command line of the same user on the same machine */
    WHO_SYSTEM, /* the server itself: the demo, the start */
};

struct principal {
    enum principal_kind kind;
    bool gone;               /* its credential has ended */
    bool everything;         /* the system, the local command line, everybody with --access open */
    bool installation;       /* an administrator of the installation */
    enum access_role role;   /* in org */
    uint64_t ops;            /* what it may in org: of the role, within the scopes */
    uint64_t scopes;         /* what the credential may at most, anywhere */
    struct org *org;         /* whose twins' ids are meant when none is named; NULL: none is */
    const char *id, *name;   /* for the audit log: "p_...", "Ada"; never NULL; its own */
    struct slice twin;       /* WHO_DEVICE: the key of its twin; its own */
    struct person *person;   /* WHO_PERSON */
    struct service *service; /* WHO_SERVICE */
    struct api_token *token; /* by which it came, or NULL */
    struct session *session; /* the same */
    struct credential *credential; /* WHO_DEVICE */
    struct grant *link;            /* WHO_LINK */
    int64_t expires_us;            /* 0: never */
    unsigned refs;
    struct principal *next, **at; /* of all that live */
};

struct principal *principal_ref(struct principal *p);
void principal_unref(struct principal *p);                 /* NULL too */
const char *principal_kind_name(enum principal_kind kind); /* "person" */

/* From where somebody speaks; for the audit log, and limits by address. */
struct origin {
    const char *via;     /* "http", "mqtt", "websocket" */
    const char *address; /* "127.0.0.1", without the port */
    const char *request; /* id of the request; "" */
    const char *agent;   /* User-Agent; "" */
    const char *reason;  /* why they change something, in their words; NULL or "": not said */
};

/* Who asks, and from where: what every command of the core is given. */
struct asker {
    struct principal *who;
    struct origin from;
};

/* How much an organisation may use; 0: no limit. */
struct quotas {
    uint64_t twins, series, readings_per_s, storage_bytes;
};

struct access_opts {
    bool open;                   /* everybody may do everything: --access open */
    const struct key_ring *keys; /* seals the seeds of one-time codes; NULL: there are none */
    struct password_cost cost;   /* all zeroes: PASSWORD_COST_DEFAULT */
    struct pool *reads;          /* where the audit log is read; NULL: where it is written */
    int64_t audit_retention_us;  /* how long its lines stay; 0: for ever */
    struct quotas quotas;        /* of organisations that are made from now on */
};

/* Reads the records of the catalog; blocks.  writes: the catalog's one thread. */
int access_new(struct loop *l, struct catalog *c, struct pool *writes,
               const struct access_opts *opts, struct access **ret);
void access_stop(struct access *a); /* before `writes` goes: what waits is answered ERR_CANCELLED */
void access_written(struct access *a); /* `writes` has gone, the catalog not yet; blocks */
void access_free(struct access *a);

struct access_stats { /* since the start */
    uint64_t refusals, sign_ins, sign_ins_failed;
    uint64_t audit_failures; /* lines that could not be written */
};
const struct access_stats *access_stats(const struct access *a);

/* ---- who is it ---- */

/* By a token, whatever its kind: ERR_UNAUTHENTICATED, ERR_TOKEN_EXPIRED, ERR_TOKEN_REVOKED.  What
 * is returned is the caller's reference, here and below. */
int access_by_token(struct access *a, struct slice token, struct principal **ret);
/* By a session's cookie; org: a slug that the request names, or empty for the session's own.
 * ERR_UNAUTHENTICATED, or ERR_FORBIDDEN when the person is no member of org. */
int access_by_session(struct access *a, struct slice cookie, struct slice org,
                      struct principal **ret);
/* By a client certificate that TLS has verified: the twin that it names, and which one it is. */
int access_by_certificate(struct access *a, struct slice org, struct slice twin,
                          struct slice fingerprint, struct principal **ret);
struct principal *access_nobody(const struct access *a); /* the same, no reference */
struct principal *access_anonymous(struct access *a);    /* the one of --access open, when it is */
struct principal *access_the_system(struct access *a);   /* the server itself; no reference */
/* Nobody, on a listener that takes readings from anybody (--anonymous-ingest): may send readings in
 * the first organisation. */
struct principal *access_ingest(struct access *a);

/* Whom a principal stands for, whatever its credential: "person:p_1", "service:home/s",
 * "device:pump-1", "link:g_1", "local", "anonymous"; nothing for everybody of --access open.  What
 * is kept in somebody's name is kept under this, and outlives the credential. */
void access_put_subject(const struct principal *who, struct buf *out);
/* Somebody in org again from that, with all that they may.  ERR_NOT_FOUND: they are no more.  Is a
 * device's twin still there?  That is the core's to know. */
int access_by_subject(struct access *a, struct slice subject, struct org *org,
                      struct principal **ret);
/* The token that the command line of this user shows while this server runs. */
void access_set_local(struct access *a, struct slice token);
struct knocks *access_knocks(struct access *a); /* wrong secrets by address: access/knock.h */
bool access_is_open(const struct access *a);
bool access_needs_setup(const struct access *a); /* there is no administrator */

/* Tell when principals may have lost or gained: gone ones are to be let go of, and whatever was
 * worked out from decisions is to be worked out anew.  Embedded in its owner. */
struct access_watch {
    void (*on_change)(void *arg);
    void *arg;
    struct access_watch *next;
};
void access_watch_add(struct access *a, struct access_watch *w);
void access_watch_remove(struct access *a, struct access_watch *w);
uint64_t access_generation(const struct access *a); /* rises with each change of that kind */

/* ---- may they ---- */

/* What it is about.  part: of a twin, where a policy can tell apart. */
enum access_part {
    PART_WHOLE,
    PART_PROFILE,
    PART_SENSOR,
    PART_HISTORY,
    PART_COMMANDS,
    PART_SETTINGS
};
struct access_object {
    struct org *org;
    struct slice twin; /* its key; empty: the organisation itself, its list of twins and so on */
    enum access_part part;
    struct slice name; /* of the sensor, command or setting; empty: all of them */
};

bool access_may(const struct access *a, const struct principal *who, enum access_op op,
                const struct access_object *o);
/* 0; ERR_NOT_FOUND when who may not even see it; ERR_UNAUTHENTICATED: nobody spoke;
 * ERR_FORBIDDEN.  For the whole of a twin or an organisation. */
int access_check(const struct access *a, const struct principal *who, enum access_op op,
                 const struct access_object *o);
/* Do all decisions about this organisation's twins follow from who->ops alone?  Then there is no
 * need to ask for each sensor. */
bool access_is_plain(const struct access *a, const struct principal *who, const struct org *org);

/* A refusal that reached nobody's change, into the audit log: who was not allowed what.  The same
 * refusal again within a minute is counted, not repeated. */
void access_refused(struct access *a, const struct principal *who, const struct origin *from,
                    int err, enum access_op op, const char *object, const char *detail);
/* What whoever says `by` in an entry of the audit log is; its texts live as long as they do. */
struct audit_entry;
void access_audit_by(struct audit_entry *e, const struct asker *by, const struct org *org);
/* An entry of its own, for what no transaction of the catalog holds.  All texts are copied. */
bool access_audit(struct access *a, const struct audit_entry *e); /* false: it is lost */

/* ---- names ---- */

/* The key of the twin that `who` calls id ("pump-1" in their own organisation, "acme~pump-1"):
 * *ret_key is id itself or in scratch.  ERR_NOT_FOUND: there is no such organisation. */
int access_key(const struct access *a, const struct principal *who, struct slice id,
               struct buf *scratch, struct slice *ret_key, struct org **ret_org);
/* What `who` calls a twin of that key: the id within their organisation, else with the slug. */
void access_put_id(const struct access *a, const struct principal *who, struct slice key,
                   struct buf *out);
/* Tell the room which twins there are: when the one of that key was made, 0 for none.  What is left
 * of others goes.  Once, when they are loaded; and whenever one has gone. */
void access_set_twins(struct access *a, int64_t (*created)(void *arg, struct slice key), void *arg);
void access_twin_gone(struct access *a, struct slice key);
struct org *access_org(const struct access *a, struct slice slug); /* NULL: there is none */
struct org *access_first_org(const struct access *a);
size_t access_org_count(const struct access *a);
struct org *access_org_of_key(const struct access *a, struct slice key);
size_t access_key_prefix(struct slice key); /* bytes before the id: 0, or up to behind "~" */
const char *org_slug(const struct org *o);

/* ---- readings per second, where an organisation has a quota ---- */

void org_spend(struct org *o, size_t readings);
int64_t org_wait_us(const struct org *o); /* until more may be sent; 0: now.  NULL: 0 */

#endif
