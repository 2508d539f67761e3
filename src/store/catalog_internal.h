/* catalog_internal.h - what catalog.c, catalog_records.c and audit.c share. */
#ifndef STORE_CATALOG_INTERNAL_H
#define STORE_CATALOG_INTERNAL_H

#include "crypto/digest.h"
#include "store/audit.h"
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
    SQL_AUDIT_ALL,
    SQL_AUDIT_OF_ORG,
    SQL_AUDIT_OF_WHO,
    SQL_AUDIT_OF_OBJECT,
    SQL_AUDIT_FIRST_KEPT,
    SQL_AUDIT_NTH,
    SQL_AUDIT_EXPIRE,
    SQL_AUDIT_ERASE_WHO,
    SQL_AUDIT_ERASE_WHAT,
    SQL_AUDIT_ENDS,
    SQL_AUDIT_CHAIN,
    SQL_COUNT
};

/* Of a row of the audit log, but for n, at_us and hash, in the order of enum audit_column. */
#define AUDIT_COLUMNS                                                                              \
    "org, who_kind, who, via, request, operation, object, outcome, who_name, address, who_salt,"   \
    " who_digest, detail, before, after, what_salt, what_digest"

struct catalog {
    struct db writer;
    struct db_pool *readers;
    _Atomic uint32_t last_series;
    bool batch; /* between catalog_begin() and catalog_commit() */
    int fault;  /* what ended the batch's transaction early, such as a full disk; 0: nothing */
};

extern const struct db_kind catalog_kind;
extern const struct db_part versions_part;

/* Tables of other files of the room. */
extern const struct db_part alarms_part, events_part, deliveries_part, causes_part;
extern const struct db_part commands_part;

/* audit.c, for audit_check.c */
#define AUDIT_ANCHOR "audit.anchor" /* in meta: where the chain begins when rows have expired */
int audit_open_in(const char *dir, struct db *ret); /* for reading; ERR_NOT_FOUND */
void audit_read_row(sqlite3_stmt *s, struct audit_row *row);
int audit_digest(struct slice salt, const struct slice *texts, size_t n,
                 unsigned char ret[AUDIT_HASH]);

/* One change: a transaction of its own, or a part of the batch that can be taken back alone. */
int catalog_change_begin(struct catalog *c);
int catalog_change_end(struct catalog *c, int err);

#endif
