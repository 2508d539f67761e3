/* audit.c - the rows of the audit log, and how they hold each other.
 *
 * Rows are numbered without a gap, and the hash of each is
 *
 *   SHA-256(hash of the row before | n | at_us | org | who_kind | who | via | request | operation
 *           | object | outcome | who_digest | what_digest)
 *
 * with numbers as 8 bytes, the highest first, and each text as its length (8 bytes likewise) and
 * its bytes.  Before the first row stand 32 zero bytes.  Who takes a row out, puts one in, or
 * changes one must write all that follow anew, and then the last hash, the head, is another than
 * the one that was noted elsewhere.
 *
 * What may be about a person beyond their pseudonym is not hashed itself, but committed to:
 *
 *   who_digest  = SHA-256(who_salt | who_name | address)
 *   what_digest = SHA-256(what_salt | detail | before | after)
 *
 * The salts are 16 bytes of chance.  To erase a person the texts and the salt go, and the digest
 * stays: the chain holds as before, and without the salt nobody can find out by trying what stood
 * there.  A row whose salt is there must have texts that agree; one whose salt is gone must have
 * none.  Texts cannot come back or be replaced by others.  That they went is told by the number
 * of such rows, and by the entry that whoever erases a person makes.
 *
 * Old rows expire from the front.  meta "audit.anchor" then has number and hash of the last that
 * went, in the form of a head, and the chain begins with that.  An anchor that somebody made up to
 * hide that rows were cut off is found, because each expiry adds a row of its own, whose object is
 * "audit:" and the anchor. */
#include "store/audit.h"

#include "base/err.h"
#include "store/catalog_internal.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

enum audit_column {
    COL_N,
    COL_AT,
    COL_FIRST_TEXT,
    COL_WHO_NAME = COL_FIRST_TEXT + 8,
    COL_ADDRESS,
    COL_WHO_SALT,
    COL_WHO_DIGEST,
    COL_DETAIL,
    COL_BEFORE,
    COL_AFTER,
    COL_WHAT_SALT,
    COL_WHAT_DIGEST,
    COL_HASH,
};
enum { TEXTS = COL_WHO_NAME - COL_FIRST_TEXT };

/* ---- hashes ---- */

static void add_number(struct buf *b, uint64_t v)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        buf_add_byte(b, (unsigned char)(v >> shift));
}

static void add_text(struct buf *b, struct slice text)
{
    add_number(b, text.n);
    buf_add_slice(b, text);
}

static int end_hash(struct buf *b, unsigned char ret[AUDIT_HASH])
{
    int err = b->failed ? ERR_NOMEM : 0;
    if (!err)
        digest_sha256(buf_slice(b), ret);
    buf_release(b);
    return err;
}

static void texts_of(const struct audit_entry *e, struct slice ret[TEXTS])
{
    const struct slice all[TEXTS] = {e->org,     e->who_kind,  e->who,    e->via,
                                     e->request, e->operation, e->object, e->outcome};
    memcpy(ret, all, sizeof all);
}

int audit_row_hash(const unsigned char before[AUDIT_HASH], const struct audit_row *row,
                   unsigned char ret[AUDIT_HASH])
{
    struct slice texts[TEXTS];
    struct buf b = {0};
    texts_of(&row->e, texts);
    buf_add(&b, before, AUDIT_HASH);
    add_number(&b, (uint64_t)row->n);
    add_number(&b, (uint64_t)row->e.at_us);
    for (size_t i = 0; i < TEXTS; i++)
        add_text(&b, texts[i]);
    buf_add_slice(&b, row->who_digest);
    buf_add_slice(&b, row->what_digest);
    return end_hash(&b, ret);
}

int audit_digest(struct slice salt, const struct slice *texts, size_t n,
                 unsigned char ret[AUDIT_HASH])
{
    struct buf b = {0};
    buf_add_slice(&b, salt);
    for (size_t i = 0; i < n; i++)
        add_text(&b, texts[i]);
    return end_hash(&b, ret);
}

/* ---- heads ---- */

void audit_head_put(const struct audit_head *h, struct buf *out)
{
    buf_addf(out, "%lld:", (long long)h->n);
    for (size_t i = 0; i < AUDIT_HASH; i++)
        buf_addf(out, "%02x", h->hash[i]);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

bool audit_head_parse(struct slice text, struct audit_head *ret)
{
    struct audit_head h = {0};
    struct slice number;
    uint64_t n;
    slice_cut(&text, ':', &number);
    if (slice_to_u64(number, &n) || n > INT64_MAX || text.n != 2 * (size_t)AUDIT_HASH)
        return false;
    h.n = (int64_t)n;
    for (size_t i = 0; i < AUDIT_HASH; i++) {
        int high = hex_digit(text.p[2 * i]), low = hex_digit(text.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        h.hash[i] = (unsigned char)(high << 4 | low);
    }
    *ret = h;
    return true;
}

static int get_head(struct db *db, struct audit_head *ret)
{
    sqlite3_stmt *s = db_stmt(db, SQL_LAST_AUDIT);
    struct audit_head h = {0};
    int code = s ? sqlite3_step(s) : SQLITE_ERROR;
    int err = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : db_error(db);
    if (code == SQLITE_ROW) {
        struct slice kept = db_column(s, 1);
        h.n = sqlite3_column_int64(s, 0);
        if (kept.n == AUDIT_HASH)
            memcpy(h.hash, kept.p, AUDIT_HASH);
        else
            err = ERR_CORRUPT;
    }
    if (s)
        sqlite3_reset(s);
    if (!err)
        *ret = h;
    return err;
}

int catalog_audit_head(struct catalog *c, struct audit_head *ret)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    err = get_head(db, ret);
    db_pool_give(c->readers, db);
    return err;
}

/* ---- adding ---- */

struct salts {
    unsigned char who[AUDIT_SALT], what[AUDIT_SALT];
    unsigned char who_digest[AUDIT_HASH], what_digest[AUDIT_HASH];
};

static struct slice bytes_of(const unsigned char *p, size_t n)
{
    return slice_of((const char *)p, n);
}

/* Of the entry, the row that stands behind the head; its salts and digests are in *s. */
static int make_row(const struct audit_head *head, const struct audit_entry *e, struct salts *s,
                    struct audit_row *ret)
{
    const struct slice who[] = {e->who_name, e->address}, what[] = {e->detail, e->before, e->after};
    random_bytes(s->who, AUDIT_SALT);
    random_bytes(s->what, AUDIT_SALT);
    *ret = (struct audit_row){.n = head->n + 1,
                              .e = *e,
                              .who_salt = bytes_of(s->who, AUDIT_SALT),
                              .who_digest = bytes_of(s->who_digest, AUDIT_HASH),
                              .what_salt = bytes_of(s->what, AUDIT_SALT),
                              .what_digest = bytes_of(s->what_digest, AUDIT_HASH)};
    int err = audit_digest(ret->who_salt, who, 2, s->who_digest);
    return err ? err : audit_digest(ret->what_salt, what, 3, s->what_digest);
}

static int insert_row(struct db *db, const struct audit_row *row, struct slice hash)
{
    const struct audit_entry *e = &row->e;
    struct slice texts[TEXTS];
    sqlite3_stmt *s = db_stmt(db, SQL_ADD_AUDIT);
    texts_of(e, texts);
    if (!s)
        return db_error(db);
    sqlite3_bind_int64(s, 1 + COL_N, row->n);
    sqlite3_bind_int64(s, 1 + COL_AT, e->at_us);
    for (int i = 0; i < TEXTS; i++)
        db_bind_text(s, 1 + COL_FIRST_TEXT + i, texts[i]);
    db_bind_text(s, 1 + COL_WHO_NAME, e->who_name);
    db_bind_text(s, 1 + COL_ADDRESS, e->address);
    db_bind_blob(s, 1 + COL_WHO_SALT, row->who_salt);
    db_bind_blob(s, 1 + COL_WHO_DIGEST, row->who_digest);
    db_bind_text(s, 1 + COL_DETAIL, e->detail);
    db_bind_text(s, 1 + COL_BEFORE, e->before);
    db_bind_text(s, 1 + COL_AFTER, e->after);
    db_bind_blob(s, 1 + COL_WHAT_SALT, row->what_salt);
    db_bind_blob(s, 1 + COL_WHAT_DIGEST, row->what_digest);
    db_bind_blob(s, 1 + COL_HASH, hash);
    return db_run(db, s);
}

static int add_audit(struct db *db, const struct audit_entry *e)
{
    struct audit_head head;
    struct audit_row row;
    struct salts salts;
    unsigned char hash[AUDIT_HASH];
    int err = get_head(db, &head);
    if (!err)
        err = make_row(&head, e, &salts, &row);
    if (!err)
        err = audit_row_hash(head.hash, &row, hash);
    return err ? err : insert_row(db, &row, bytes_of(hash, AUDIT_HASH));
}

int catalog_audit_add(struct catalog *c, const struct audit_entry *e)
{
    int err = catalog_change_begin(c);
    return err ? err : catalog_change_end(c, add_audit(&c->writer, e));
}

/* ---- reading ---- */

void audit_read_row(sqlite3_stmt *s, struct audit_row *row)
{
    struct audit_entry *e = &row->e;
    struct slice *const texts[TEXTS] = {&e->org,     &e->who_kind,  &e->who,    &e->via,
                                        &e->request, &e->operation, &e->object, &e->outcome};
    row->n = sqlite3_column_int64(s, COL_N);
    e->at_us = sqlite3_column_int64(s, COL_AT);
    for (int i = 0; i < TEXTS; i++)
        *texts[i] = db_column(s, COL_FIRST_TEXT + i);
    e->who_name = db_column(s, COL_WHO_NAME);
    e->address = db_column(s, COL_ADDRESS);
    row->who_salt = db_column(s, COL_WHO_SALT);
    row->who_digest = db_column(s, COL_WHO_DIGEST);
    e->detail = db_column(s, COL_DETAIL);
    e->before = db_column(s, COL_BEFORE);
    e->after = db_column(s, COL_AFTER);
    row->what_salt = db_column(s, COL_WHAT_SALT);
    row->what_digest = db_column(s, COL_WHAT_DIGEST);
    row->hash = db_column(s, COL_HASH);
}

static bool fits(const struct audit_query *q, const struct audit_entry *e)
{
    const struct slice *const wanted[] = {&q->org, &q->who, &q->operation, &q->object, &q->outcome};
    const struct slice *const have[] = {&e->org, &e->who, &e->operation, &e->object, &e->outcome};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (wanted[i]->p && !slice_eq(*wanted[i], *have[i]))
            return false;
    return true;
}

/* By the index that leaves the least to look at. */
static sqlite3_stmt *begin_read(struct db *db, const struct audit_query *q)
{
    int sql = q->object.p ? SQL_AUDIT_OF_OBJECT
              : q->who.p  ? SQL_AUDIT_OF_WHO
              : q->org.p  ? SQL_AUDIT_OF_ORG
                          : SQL_AUDIT_ALL;
    struct slice key = q->object.p ? q->object : q->who.p ? q->who : q->org;
    bool behind = q->before_n && q->before_us < q->to_us;
    sqlite3_stmt *s = db_stmt(db, sql);
    if (!s)
        return NULL;
    sqlite3_bind_int64(s, 1, behind ? q->before_us : q->to_us);
    sqlite3_bind_int64(s, 2, behind ? q->before_n : 0);
    sqlite3_bind_int64(s, 3, q->from_us);
    if (sql != SQL_AUDIT_ALL)
        db_bind_text(s, 4, key);
    return s;
}

static int each(struct db *db, const struct audit_query *q, audit_row_fn *fn, void *arg)
{
    struct audit_row row;
    int err = 0, code = SQLITE_ERROR;
    sqlite3_stmt *s = begin_read(db, q);
    while (s && !err && (code = sqlite3_step(s)) == SQLITE_ROW) {
        audit_read_row(s, &row);
        err = fn(arg, &row, fits(q, &row.e));
    }
    if (!err && code != SQLITE_DONE)
        err = db_error(db);
    if (s)
        sqlite3_reset(s);
    return err;
}

int catalog_audit_each(struct catalog *c, const struct audit_query *q, audit_row_fn *fn, void *arg)
{
    struct db *db;
    int err = db_pool_take(c->readers, &db);
    if (err)
        return err;
    err = each(db, q, fn, arg);
    db_pool_give(c->readers, db);
    return err;
}

int catalog_audit_ends(struct catalog *c, int64_t *ret_first, int64_t *ret_last)
{
    struct db *db = &c->writer;
    sqlite3_stmt *s = db_stmt(db, SQL_AUDIT_ENDS);
    if (!s || sqlite3_step(s) != SQLITE_ROW)
        return db_error(db);
    *ret_first = sqlite3_column_int64(s, 0);
    *ret_last = sqlite3_column_int64(s, 1);
    sqlite3_reset(s);
    return 0;
}

/* ---- of a directory, beside a server that may be running ---- */

int audit_open_in(const char *dir, struct db *ret)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/catalog.db", dir);
    if (stat(path, &st))
        return ERR_NOT_FOUND;
    int err = db_open_read(ret, path, &catalog_kind);
    if (err)
        return err;
    if (db_stmt(ret, SQL_LAST_AUDIT)) /* else of a version that had none, or no catalog at all */
        return 0;
    err = db_error(ret);
    db_close(ret);
    return err == ERR_CORRUPT || err == ERR_STORAGE ? err : ERR_NOT_FOUND;
}

int audit_each_in(const char *dir, const struct audit_query *q, audit_row_fn *fn, void *arg)
{
    struct db db;
    int err = audit_open_in(dir, &db);
    if (err)
        return err;
    err = each(&db, q, fn, arg);
    db_close(&db);
    return err;
}

int audit_head_in(const char *dir, struct audit_head *ret)
{
    struct db db;
    int err = audit_open_in(dir, &db);
    if (err)
        return err;
    err = get_head(&db, ret);
    db_close(&db);
    return err;
}

/* ---- what goes ---- */

/* The last row that may go, of the oldest `most`; n 0: none. */
static int last_to_expire(struct db *db, int64_t before_us, size_t most, struct audit_head *ret)
{
    int64_t kept = 0;
    sqlite3_stmt *s = db_stmt(db, SQL_AUDIT_FIRST_KEPT);
    int code = SQLITE_ERROR;
    if (s) {
        sqlite3_bind_int64(s, 1, before_us);
        code = sqlite3_step(s);
        kept = code == SQLITE_ROW ? sqlite3_column_int64(s, 0) : INT64_MAX;
        sqlite3_reset(s);
    }
    s = code == SQLITE_ROW || code == SQLITE_DONE ? db_stmt(db, SQL_AUDIT_NTH) : NULL;
    if (!s)
        return db_error(db);
    sqlite3_bind_int64(s, 1, kept);
    sqlite3_bind_int64(s, 2, (int64_t)most);
    code = sqlite3_step(s);
    *ret = (struct audit_head){0};
    if (code == SQLITE_ROW) {
        struct slice hash = db_column(s, 1);
        ret->n = sqlite3_column_int64(s, 0);
        if (hash.n == AUDIT_HASH)
            memcpy(ret->hash, hash.p, AUDIT_HASH);
    }
    sqlite3_reset(s);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : db_error(db);
}

static int expire(struct catalog *c, int64_t now_us, const struct audit_head *last, size_t *ret_n)
{
    struct buf object = {0};
    buf_add_str(&object, "audit:");
    audit_head_put(last, &object);
    const struct audit_entry e = {.at_us = now_us,
                                  .who_kind = SLICE_LIT("system"),
                                  .who = SLICE_LIT("system"),
                                  .who_name = SLICE_LIT("the server"),
                                  .operation = SLICE_LIT("audit:expire"),
                                  .object = buf_slice(&object),
                                  .outcome = SLICE_LIT("done"),
                                  .detail = SLICE_LIT("the rows up to this one have expired")};
    int err = object.failed ? ERR_NOMEM : add_audit(&c->writer, &e);
    sqlite3_stmt *s = err ? NULL : db_stmt(&c->writer, SQL_AUDIT_EXPIRE);
    if (s)
        sqlite3_bind_int64(s, 1, last->n);
    if (!err)
        err = db_run(&c->writer, s);
    *ret_n = err ? 0 : (size_t)sqlite3_changes64(c->writer.handle);
    if (!err)
        err = catalog_meta_set(c, AUDIT_ANCHOR, slice_skip(buf_slice(&object), strlen("audit:")));
    buf_release(&object);
    return err;
}

int catalog_audit_expire(struct catalog *c, int64_t now_us, int64_t before_us, size_t most,
                         size_t *ret_n)
{
    struct audit_head last;
    size_t n = 0;
    int err = last_to_expire(&c->writer, before_us, most, &last);
    if (!err && last.n && !(err = catalog_change_begin(c)))
        err = catalog_change_end(c, expire(c, now_us, &last, &n));
    if (!err)
        *ret_n = n;
    return err;
}

static int erase_rows(struct db *db, int sql, struct slice word, int64_t from, int64_t to,
                      size_t *n)
{
    sqlite3_stmt *s = db_stmt(db, sql);
    if (s) {
        db_bind_text(s, 1, word);
        sqlite3_bind_int64(s, 2, from);
        sqlite3_bind_int64(s, 3, to);
    }
    int err = db_run(db, s);
    *n += err ? 0 : (size_t)sqlite3_changes64(db->handle);
    return err;
}

int catalog_audit_erase(struct catalog *c, const struct audit_erasure *e, int64_t from, int64_t to,
                        size_t *ret_n)
{
    struct db *db = &c->writer;
    size_t n = 0;
    int err = db_exec(db, "PRAGMA secure_delete=1"); /* what was written over is not left behind */
    if (!err)
        err = catalog_change_begin(c);
    if (err)
        return err;
    err = erase_rows(db, SQL_AUDIT_ERASE_WHO, e->who, from, to, &n);
    if (!err)
        err = erase_rows(db, SQL_AUDIT_ERASE_WHAT, e->who, from, to, &n);
    for (size_t i = 0; i < e->words_n && !err; i++)
        err = erase_rows(db, SQL_AUDIT_ERASE_WHAT, e->words[i], from, to, &n);
    err = catalog_change_end(c, err);
    db_exec(db, "PRAGMA secure_delete=0");
    if (!err && !c->batch) /* nor in the write-ahead log */
        db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    if (!err)
        *ret_n = n;
    return err;
}
