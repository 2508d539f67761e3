/* catalog_internal.h - what catalog.c and catalog_records.c share. */
#ifndef STORE_CATALOG_INTERNAL_H
#define STORE_CATALOG_INTERNAL_H

#include "crypto/digest.h"
#include "store/catalog.h"
#include "store/db.h"

#include <stdatomic.h>

enum catalog_sql {
    SQL_TWINS,
    SQL_TWIN,
    SQL_OLD_SERIES,
    SQL_DROP_OLD_SERIES,
    SQL_PLACE,
    SQL_PUT_TWIN,
    SQL_PUT_DOCUMENT,
    SQL_REMOVE_TWIN,
    SQL_REMOVE_DOCUMENT,
    SQL_LAYOUTS_LIKE,
    SQL_NEW_LAYOUT,
    SQL_COUNT_LAYOUT,
    SQL_REMOVE_LAYOUT,
    SQL_META_GET,
    SQL_META_SET,
    SQL_HIGHEST_SERIES,
    SQL_RECORDS,
    SQL_PUT_RECORD,
    SQL_REMOVE_RECORD,
    SQL_LAST_AUDIT,
    SQL_ADD_AUDIT,
    SQL_COUNT
};

struct catalog {
    struct db writer;
    struct db_pool *readers;
    _Atomic uint32_t last_series;
    bool batch; /* between catalog_begin() and catalog_commit() */
    int fault;  /* what ended the batch's transaction early, such as a full disk; 0: nothing */
};

/* One change: a transaction of its own, or a part of the batch that can be taken back alone. */
int catalog_change_begin(struct catalog *c);
int catalog_change_end(struct catalog *c, int err);

#endif
