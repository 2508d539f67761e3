/* catalog.h - twins and their series, in SQLite (catalog.db, WAL, synchronous=FULL).
 *
 * Blocks; writes come from one thread, reads from any (each read borrows a connection).  A write
 * that answered 0 is on stable storage. */
#ifndef STORE_CATALOG_H
#define STORE_CATALOG_H

#include "base/arena.h"
#include "base/value.h"

struct catalog; /* opaque */

struct catalog_series {
    uint32_t series;
    struct slice sensor;
    uint8_t kind; /* enum value_type that the sensor is bound to, VALUE_NONE: not yet */
    bool retired; /* the sensor has left the profile; its history is kept until the twin goes */
};

struct catalog_twin {
    struct slice id;
    struct slice profile;       /* JSON text, as kept */
    struct slice findings;      /* JSON text: what validation said of it; may be empty */
    struct slice view, sensors; /* what was read of it (twin/packed.h); empty in a twin that an
                                   older program wrote */
    uint64_t version;           /* 1, 2, ... of this id; the ETag */
    int64_t created_us, modified_us;
    bool demo;                           /* made by the demo */
    const struct catalog_series *series; /* retired ones too; in rising order */
    size_t series_n;
};

/* The checksum that stands beside a document. */
int64_t catalog_crc(struct slice profile, struct slice findings);

int catalog_open(const char *path, struct catalog **ret);
void catalog_close(struct catalog *c);

/* All twins in order of id, without profile and findings; what is passed lives until fn returns.
 * Non-zero ends.  fn may write. */
int catalog_each(struct catalog *c, int (*fn)(void *arg, const struct catalog_twin *t), void *arg);

/* Add or replace a twin and its series, all or nothing; in a transaction of its own, unless
 * catalog_begin() has begun one for many: then each can fail alone, and what answered 0 is on
 * stable storage only when catalog_commit() answers 0 as well.  When that fails, none is. */
int catalog_put(struct catalog *c, const struct catalog_twin *t);
int catalog_remove(struct catalog *c, struct slice id); /* with its series; ERR_NOT_FOUND */
int catalog_begin(struct catalog *c);
int catalog_commit(struct catalog *c);
/* Between the two: what belongs together came only in part, so nothing of the transaction is kept,
 * and catalog_commit() answers err. */
void catalog_fail(struct catalog *c, int err);

/* Write the file anew without what is free in it, all or nothing. */
int catalog_vacuum(struct catalog *c);

/* ERR_NOT_FOUND.  The latest is what the writer has written, committed or not: its thread's. */
int catalog_get(struct catalog *c, struct slice id, struct arena *a, struct catalog_twin *ret);
int catalog_get_latest(struct catalog *c, struct slice id, struct arena *a,
                       struct catalog_twin *ret);

/* The highest series number ever used, also by twins that are gone. */
uint32_t catalog_last_series(struct catalog *c);

/* ---- records: what the room access keeps, by kind and id, as JSON ---- */

/* In order of kind and id; what is passed lives until fn returns.  Non-zero ends. */
typedef int catalog_record_fn(void *arg, int kind, struct slice id, struct slice doc);
int catalog_record_each(struct catalog *c, catalog_record_fn *fn, void *arg);
int catalog_record_put(struct catalog *c, int kind, struct slice id, struct slice doc);
int catalog_record_remove(struct catalog *c, int kind, struct slice id); /* 0 also when none was */

/* ---- the audit log: rows are only ever added, and hold each other by their hashes; how they are
 * read, checked, expired and rid of persons: store/audit.h ---- */

struct audit_entry {
    int64_t at_us;
    struct slice org;           /* whose log it stands in; empty: the installation's */
    struct slice who_kind, who; /* "person", "p_..." */
    struct slice via, request;  /* "http", the request's id */
    struct slice operation;     /* "twins:write" */
    struct slice object;        /* "twin:pump-1": never a name or an address of a person */
    struct slice outcome;       /* "done", "refused", "failed" */
    /* what can be erased */
    struct slice who_name, address;     /* "Ada", "127.0.0.1" */
    struct slice detail, before, after; /* before and after: JSON, or empty */
};
/* In the transaction that is under way, or in one of its own; the writer's thread. */
int catalog_audit_add(struct catalog *c, const struct audit_entry *e);

/* Small facts under a name, such as the installation's id.  ERR_NOT_FOUND. */
int catalog_meta_get(struct catalog *c, const char *name, struct arena *a, struct slice *ret);
int catalog_meta_set(struct catalog *c, const char *name, struct slice value);

#endif
