/* catalog_records.c - what the room access keeps, and the audit log.
 *
 * The rows of the audit log are numbered without a gap, and the hash of each is
 *
 *   SHA-256(hash of the row before | n | at_us | the texts in the order of their columns)
 *
 * with numbers as 8 bytes, the highest first, and each text as its length (8 bytes likewise) and
 * its bytes. Before the first row stand 32 zero bytes.  Who takes a row out, puts one in, or
 * changes one must write all that follow anew, and then the last hash is another than the one that
 * was noted elsewhere. */
#include "store/catalog_internal.h"

#include "base/buf.h"
#include "base/err.h"

int catalog_record_each(struct catalog *c, catalog_record_fn *fn, void *arg)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    sqlite3_stmt *s = db_stmt(db, SQL_RECORDS);
    int code = s ? SQLITE_ROW : SQLITE_ERROR;
    while (s && !err && (code = sqlite3_step(s)) == SQLITE_ROW)
        err = fn(arg, sqlite3_column_int(s, 0), db_column(s, 1), db_column(s, 2));
    if (!err && code != SQLITE_DONE)
        err = db_error(db);
    if (s)
        sqlite3_reset(s);
    db_pool_give(c->readers, db);
    return err;
}

int catalog_record_put(struct catalog *c, int kind, struct slice id, struct slice doc)
{
    int err = catalog_change_begin(c);
    if (err)
        return err;
    sqlite3_stmt *s = db_stmt(&c->writer, SQL_PUT_RECORD);
    if (s) {
        sqlite3_bind_int(s, 1, kind);
        db_bind_text(s, 2, id);
        db_bind_text(s, 3, doc);
    }
    return catalog_change_end(c, db_run(&c->writer, s));
}

int catalog_record_remove(struct catalog *c, int kind, struct slice id)
{
    int err = catalog_change_begin(c);
    if (err)
        return err;
    sqlite3_stmt *s = db_stmt(&c->writer, SQL_REMOVE_RECORD);
    if (s) {
        sqlite3_bind_int(s, 1, kind);
        db_bind_text(s, 2, id);
    }
    return catalog_change_end(c, db_run(&c->writer, s));
}

/* ---- the audit log ---- */

static void add_number(struct buf *b, uint64_t v)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_add_byte(b, (unsigned char)(v >> shift));
}

enum { AUDIT_TEXTS = 13 };

static void texts_of(const struct audit_entry *e, struct slice ret[AUDIT_TEXTS])
{
    const struct slice all[AUDIT_TEXTS] = {
        e->org,       e->who_kind, e->who,     e->who_name, e->address, e->via,  e->request,
        e->operation, e->object,   e->outcome, e->detail,   e->before,  e->after};
    memcpy(ret, all, sizeof all);
}

int audit_hash(const unsigned char before[AUDIT_HASH], int64_t n, const struct audit_entry *e,
               unsigned char ret[AUDIT_HASH])
{
    struct slice texts[AUDIT_TEXTS];
    struct buf b = {0};
    texts_of(e, texts);
    buf_add(&b, before, AUDIT_HASH);
    add_number(&b, (uint64_t)n);
    add_number(&b, (uint64_t)e->at_us);
    for (size_t i = 0; i < AUDIT_TEXTS; i++) {
        add_number(&b, texts[i].n);
        buf_add_slice(&b, texts[i]);
    }
    int err = b.failed ? ERR_NOMEM : 0;
    if (!err)
        digest_sha256(buf_slice(&b), ret);
    buf_release(&b);
    return err;
}

static int last_audit(struct db *db, int64_t *ret_n, unsigned char hash[AUDIT_HASH])
{
    sqlite3_stmt *s = db_stmt(db, SQL_LAST_AUDIT);
    int code = s ? sqlite3_step(s) : SQLITE_ERROR;
    int err = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : db_error(db);
    *ret_n = 0;
    memset(hash, 0, AUDIT_HASH);
    if (code == SQLITE_ROW) {
        struct slice kept = db_column(s, 1);
        *ret_n = sqlite3_column_int64(s, 0);
        if (kept.n == AUDIT_HASH)
            memcpy(hash, kept.p, AUDIT_HASH);
        else
            err = ERR_CORRUPT;
    }
    if (s)
        sqlite3_reset(s);
    return err;
}

static int add_audit(struct db *db, const struct audit_entry *e)
{
    unsigned char before[AUDIT_HASH], hash[AUDIT_HASH];
    struct slice texts[AUDIT_TEXTS];
    int64_t n;
    int err = last_audit(db, &n, before);
    if (!err)
        err = audit_hash(before, n + 1, e, hash);
    if (err)
        return err;
    sqlite3_stmt *s = db_stmt(db, SQL_ADD_AUDIT);
    texts_of(e, texts);
    if (s) {
        sqlite3_bind_int64(s, 1, n + 1);
        sqlite3_bind_int64(s, 2, e->at_us);
        for (int i = 0; i < AUDIT_TEXTS; i++)
            db_bind_text(s, 3 + i, texts[i].p ? texts[i] : slice_of("", 0));
        db_bind_blob(s, 3 + AUDIT_TEXTS, slice_of((const char *)hash, AUDIT_HASH));
    }
    return db_run(db, s);
}

int catalog_audit_add(struct catalog *c, const struct audit_entry *e)
{
    int err = catalog_change_begin(c);
    return err ? err : catalog_change_end(c, add_audit(&c->writer, e));
}
