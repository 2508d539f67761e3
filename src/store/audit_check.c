/* audit_check.c - the whole chain once again, from the anchor to the last row. */
#include "store/audit.h"

#include "base/err.h"
#include "store/catalog_internal.h"

#include <stdio.h>
#include <stdlib.h>

struct verify {
    struct audit_report *report;
    const struct audit_head *noted;
    struct audit_head anchor, at; /* the last row that held */
    bool anchor_told;             /* a row says that the anchor came about by expiry */
    bool noted_found;
};

__attribute__((format(printf, 3, 4))) static int broken(struct verify *v, int64_t n,
                                                        const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(v->report->why, sizeof v->report->why, format, args);
    va_end(args);
    v->report->broken = n;
    return 1; /* no need to look further */
}

/* What may be erased: does it agree with what was committed to? */
static int check_part(struct verify *v, int64_t n, const char *what, struct slice salt,
                      const struct slice *texts, size_t texts_n, struct slice digest)
{
    unsigned char made[AUDIT_HASH];
    bool empty = true;
    for (size_t i = 0; i < texts_n; i++)
        empty &= !texts[i].n;
    if (!salt.n)
        return empty ? 0
                     : broken(v, n, "row %lld: %s was erased and has been filled again",
                              (long long)n, what);
    if (audit_digest(salt, texts, texts_n, made))
        return ERR_NOMEM;
    if (digest_equal(slice_of((const char *)made, AUDIT_HASH), digest))
        return 0;
    return broken(v, n, "row %lld: %s is not what was written", (long long)n, what);
}

static int check_row(struct verify *v, const struct audit_row *row)
{
    const struct audit_entry *e = &row->e;
    const struct slice who[] = {e->who_name, e->address}, what[] = {e->detail, e->before, e->after};
    unsigned char made[AUDIT_HASH];
    long long n = row->n, want = v->at.n + 1;
    if (n != want && n == want + 1)
        return broken(v, want, "row %lld is missing", want);
    if (n != want)
        return broken(v, want, "the rows from %lld to %lld are missing", want, n - 1);
    int err = check_part(v, n, "the name or the address of who it was", row->who_salt, who, 2,
                         row->who_digest);
    if (!err)
        err = check_part(v, n, "the detail, before or after", row->what_salt, what, 3,
                         row->what_digest);
    if (err)
        return err;
    if (audit_row_hash(v->at.hash, row, made))
        return ERR_NOMEM;
    if (!digest_equal(slice_of((const char *)made, AUDIT_HASH), row->hash))
        return broken(v, n,
                      "row %lld is not what was written, or not behind the row that was "
                      "before it: its hash differs",
                      n);
    v->at.n = n;
    memcpy(v->at.hash, made, AUDIT_HASH);
    return 0;
}

static bool tells_anchor(const struct verify *v, const struct audit_entry *e)
{
    struct audit_head told;
    return slice_is(e->operation, "audit:expire") && slice_starts(e->object, "audit:") &&
           audit_head_parse(slice_skip(e->object, 6), &told) && told.n == v->anchor.n &&
           memcmp(told.hash, v->anchor.hash, AUDIT_HASH) == 0;
}

static int look_at(struct verify *v, const struct audit_row *row)
{
    struct audit_report *r = v->report;
    int err = check_row(v, row);
    if (err)
        return err;
    r->first = r->first ? r->first : row->n;
    r->last = row->n;
    r->rows++;
    r->erased += !row->who_salt.n || !row->what_salt.n;
    v->anchor_told |= tells_anchor(v, &row->e);
    if (!v->noted || v->noted->n != row->n)
        return 0;
    v->noted_found = true;
    if (memcmp(v->noted->hash, v->at.hash, AUDIT_HASH) == 0)
        return 0;
    return broken(v, row->n,
                  "row %lld has another hash than the one that was noted: the log was "
                  "written anew",
                  (long long)row->n);
}

static int read_anchor(struct db *db, struct audit_head *ret)
{
    sqlite3_stmt *s = db_stmt(db, SQL_META_GET);
    if (!s)
        return db_error(db);
    db_bind_text(s, 1, SLICE_LIT(AUDIT_ANCHOR));
    int code = sqlite3_step(s);
    *ret = (struct audit_head){0};
    int err = code == SQLITE_DONE                                            ? 0
              : code == SQLITE_ROW && audit_head_parse(db_column(s, 0), ret) ? 0
                                                                             : ERR_CORRUPT;
    sqlite3_reset(s);
    return err;
}

/* What only the end shows. */
static void conclude(struct verify *v)
{
    long long noted = v->noted ? v->noted->n : 0;
    if (v->anchor.n && !v->anchor_told)
        broken(v, v->anchor.n, "the rows up to %lld are gone, and no row says that they expired",
               (long long)v->anchor.n);
    else if (v->noted && noted > v->at.n)
        broken(v, v->at.n + 1,
               "the log ends with row %lld, and row %lld was noted: rows were "
               "taken off its end",
               (long long)v->at.n, noted);
    else if (v->noted && noted == v->anchor.n &&
             memcmp(v->noted->hash, v->anchor.hash, AUDIT_HASH) != 0)
        broken(v, noted, "row %lld has expired, and had another hash than the one that was noted",
               noted);
}

static int walk(struct db *db, struct verify *v,
                void (*progress)(void *arg, uint64_t done, uint64_t total), void *arg)
{
    struct audit_row row;
    int64_t total = 0;
    int err = 0, code = SQLITE_ERROR;
    sqlite3_stmt *s = db_stmt(db, SQL_AUDIT_ENDS);
    if (s && sqlite3_step(s) == SQLITE_ROW)
        total = sqlite3_column_int64(s, 1) - sqlite3_column_int64(s, 0) + 1;
    sqlite3_reset(s);
    s = db_stmt(db, SQL_AUDIT_CHAIN);
    while (s && !err && (code = sqlite3_step(s)) == SQLITE_ROW) {
        audit_read_row(s, &row);
        err = look_at(v, &row);
        if (progress && v->report->rows % 1024 == 0)
            progress(arg, v->report->rows, (uint64_t)total);
    }
    if (!err && code != SQLITE_DONE)
        err = db_error(db);
    sqlite3_reset(s);
    if (!err)
        conclude(v);
    return err > 0 ? 0 : err;
}

int audit_verify(const char *dir, const struct audit_head *noted,
                 void (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
                 struct audit_report *ret)
{
    struct db db;
    struct verify v = {.report = ret, .noted = noted};
    int err = audit_open_in(dir, &db);
    if (err)
        return err;
    *ret = (struct audit_report){0};
    err = db_exec(&db, "BEGIN"); /* one state of it, whatever the server does meanwhile */
    if (!err)
        err = read_anchor(&db, &v.anchor);
    v.at = v.anchor;
    ret->expired = v.anchor.n;
    if (!err)
        err = walk(&db, &v, progress, arg);
    ret->head = v.at;
    db_close(&db);
    return err;
}
