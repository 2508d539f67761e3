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
    struct slice view, sensors; /* what was read of it (twin/packed.h) */
    uint64_t version;           /* 1, 2, ... of this id; the ETag */
    int64_t created_us, modified_us;
    bool demo; /* made by the demo */
    const struct catalog_series *series;
    size_t series_n;
};

int catalog_open(const char *path, struct catalog **ret);
void catalog_close(struct catalog *c);

/* All twins in order of id; what is passed lives until fn returns.  Non-zero ends. */
int catalog_each(struct catalog *c, int (*fn)(void *arg, const struct catalog_twin *t), void *arg);

/* Add or replace a twin and its series in one transaction. */
int catalog_put(struct catalog *c, const struct catalog_twin *t);
int catalog_remove(struct catalog *c, struct slice id); /* with its series; ERR_NOT_FOUND */
int catalog_set_kind(struct catalog *c, uint32_t series, uint8_t kind);
int catalog_get(struct catalog *c, struct slice id, struct arena *a,
                struct catalog_twin *ret); /* without series */

/* The series of a twin, retired ones too; none when there is no such twin. */
int catalog_series_of(struct catalog *c, struct slice id, struct arena *a,
                      struct catalog_series **ret, size_t *ret_n);

/* The highest series number ever used, also by twins that are gone. */
uint32_t catalog_last_series(struct catalog *c);

/* Small facts under a name, such as the installation's id.  ERR_NOT_FOUND. */
int catalog_meta_get(struct catalog *c, const char *name, struct arena *a, struct slice *ret);
int catalog_meta_set(struct catalog *c, const char *name, struct slice value);

#endif
