/* audit.h - the audit log in catalog.db: how it is read, checked, expired, and rid of persons.
 *
 * Blocks.  What writes runs on the catalog's one thread, what reads on any.  The form of the rows
 * and why the chain holds are told at the top of audit.c. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "base/buf.h"
#include "store/catalog.h"

enum { AUDIT_HASH = 32, AUDIT_SALT = 16 };

/* A row as it is kept; what it points to lives until the callback returns. */
struct audit_row {
    int64_t n;
    struct audit_entry e;
    struct slice who_salt, who_digest;   /* salt empty: who_name and address were erased */
    struct slice what_salt, what_digest; /* the same of detail, before and after */
    struct slice hash;
};

/* ---- reading ---- */

/* Empty (p NULL) asks for nothing in particular. */
struct audit_query {
    struct slice org, who, operation, object, outcome;
    int64_t from_us, to_us;      /* from <= t < to */
    int64_t before_us, before_n; /* behind this row, as the one before has ended; 0, 0: none */
};

/* Rows that fit, by time, the newest first.  Non-zero ends and is returned.  A row that did
 * not fit is told too, with fits false, so that whoever counts the time can end. */
typedef int audit_row_fn(void *arg, const struct audit_row *row, bool fits);
int catalog_audit_each(struct catalog *c, const struct audit_query *q, audit_row_fn *fn, void *arg);

/* The same of a directory or a backup, beside a server that may be running.  ERR_NOT_FOUND: there
 * is no catalog, or it has no audit log. */
int audit_each_in(const char *dir, const struct audit_query *q, audit_row_fn *fn, void *arg);

/* ---- the end of the chain, to be noted elsewhere ---- */

struct audit_head {
    int64_t n; /* 0: there are no rows yet */
    unsigned char hash[AUDIT_HASH];
};
void audit_head_put(const struct audit_head *h, struct buf *out); /* "12:9f86..." */
bool audit_head_parse(struct slice text, struct audit_head *ret);
int catalog_audit_head(struct catalog *c, struct audit_head *ret);
int audit_head_in(const char *dir, struct audit_head *ret);

/* ---- checking ---- */

struct audit_report {
    int64_t first, last;    /* the rows that are there */
    int64_t expired;        /* up to which they have expired; 0: none have */
    uint64_t rows, erased;  /* erased: rows of which something was erased */
    struct audit_head head; /* of the last row */
    int64_t broken;         /* the first row that does not hold, 0: all do */
    char why[256];          /* a sentence about it */
};
/* noted: a head that must be in there, or NULL.  0 also when the chain is broken: broken and why
 * tell.  progress may be NULL. */
int audit_verify(const char *dir, const struct audit_head *noted,
                 void (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
                 struct audit_report *ret);

/* ---- what goes ---- */

/* Takes out the oldest rows, those before the first that is not older than before_us, at most
 * `most` of them, and adds a row that says so.  *ret_n: how many; when it is `most`, there may be
 * more. */
int catalog_audit_expire(struct catalog *c, int64_t now_us, int64_t before_us, size_t most,
                         size_t *ret_n);

/* Take a person out of rows from..to: name and addresses from what `who` did, all content from rows
 * that are about them or in which one of the words stands (an e-mail address, a name).  The rows
 * stay, with the pseudonym, and the chain holds.  Returns an error, or 0 and how many rows. */
struct audit_erasure {
    struct slice who;          /* "p_..." */
    const struct slice *words; /* none of them empty */
    size_t words_n;
};
int catalog_audit_erase(struct catalog *c, const struct audit_erasure *e, int64_t from, int64_t to,
                        size_t *ret_n);
int catalog_audit_ends(struct catalog *c, int64_t *ret_first, int64_t *ret_last); /* 0, 0: none */

/* ---- the chain, for who checks it ---- */

int audit_row_hash(const unsigned char before[AUDIT_HASH], const struct audit_row *row,
                   unsigned char ret[AUDIT_HASH]);

#endif
