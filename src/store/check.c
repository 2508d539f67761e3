#include "store/check.h"

#include "base/arena.h"
#include "base/err.h"
#include "codec/chunk.h"
#include "codec/json.h"
#include "store/audit.h"
#include "store/catalog.h"
#include "store/catalog_series.h"
#include "store/db.h"
#include "store/history_internal.h"
#include "store/journal_check.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { TOLD_MAX = 100 }; /* findings of one kind that are told one by one */

struct check {
    const char *dir;
    const struct check_watch *watch;
    struct check_report *report;
    const char *file; /* the one that is looked at */
    sqlite3 *db;
    uint64_t told;
    struct chunk_points points;
    uint64_t checkpoint;
    uint8_t *known;      /* a bit for each series of the catalog */
    size_t known_n;      /* bits */
    int64_t last_series; /* the highest that the catalog had given when it was looked at */
};

__attribute__((format(printf, 3, 4))) static void say(struct check *c, enum check_level level,
                                                      const char *format, ...)
{
    char sentence[1024];
    va_list args;
    c->report->errors += level == CHECK_ERROR;
    c->report->warnings += level == CHECK_WARNING;
    if (level != CHECK_NOTE && c->told++ >= TOLD_MAX)
        return;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (c->watch && c->watch->say)
        c->watch->say(c->watch->arg, level, c->file, sentence);
}

static void begin_file(struct check *c, const char *file)
{
    if (c->told > TOLD_MAX && c->watch && c->watch->say) {
        char sentence[64];
        snprintf(sentence, sizeof sentence, "and %llu more of these",
                 (unsigned long long)(c->told - TOLD_MAX));
        c->watch->say(c->watch->arg, CHECK_NOTE, c->file, sentence);
    }
    c->file = file;
    c->told = 0;
}

static void tell(struct check *c, uint64_t done, uint64_t total)
{
    if (c->watch && c->watch->progress && done % 1024 == 0)
        c->watch->progress(c->watch->arg, c->file, done, total);
}

/* ---- databases ---- */

static void path_of(const struct check *c, const char *name, char path[static PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", c->dir, name);
}

/* False: said already. */
static bool open_database(struct check *c, const char *name, int application_id)
{
    char path[PATH_MAX];
    begin_file(c, name);
    path_of(c, name, path);
    int code = sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(c->db, "PRAGMA query_only=1; PRAGMA cell_size_check=1; BEGIN", NULL,
                            NULL, NULL);
    sqlite3_busy_timeout(c->db, 10000);
    sqlite3_stmt *s = NULL;
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(c->db, "PRAGMA application_id", -1, &s, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(s);
    bool ours = code == SQLITE_ROW && sqlite3_column_int(s, 0) == application_id;
    sqlite3_finalize(s);
    if (ours)
        return true;
    say(c, CHECK_ERROR, "it cannot be read: %s",
        code == SQLITE_ROW ? "it is not a database of Doppel" : sqlite3_errmsg(c->db));
    sqlite3_close(c->db);
    c->db = NULL;
    return false;
}

static void close_database(struct check *c)
{
    sqlite3_close(c->db);
    c->db = NULL;
}

static sqlite3_stmt *prepare(struct check *c, const char *sql)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(c->db, sql, -1, &s, NULL) != SQLITE_OK)
        say(c, CHECK_ERROR, "it cannot be read: %s", sqlite3_errmsg(c->db));
    return s;
}

static bool next(struct check *c, sqlite3_stmt *s)
{
    int code = s ? sqlite3_step(s) : SQLITE_DONE;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        say(c, CHECK_ERROR, "reading it ended early: %s", sqlite3_errmsg(c->db));
    return code == SQLITE_ROW;
}

static int64_t meta(struct check *c, const char *name)
{
    int64_t value = 0;
    sqlite3_stmt *s = prepare(c, "SELECT value FROM meta WHERE name=?");
    if (s)
        sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
    if (next(c, s))
        value = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return value;
}

static void check_pages(struct check *c)
{
    sqlite3_stmt *s = prepare(c, "PRAGMA integrity_check(100)");
    while (next(c, s)) {
        const char *word = (const char *)sqlite3_column_text(s, 0);
        if (word && strcmp(word, "ok") != 0)
            say(c, CHECK_ERROR, "SQLite says: %s", word);
    }
    sqlite3_finalize(s);
}

static bool is_known(const struct check *c, uint32_t series)
{
    return series < c->known_n && c->known[series / 8] >> (series % 8) & 1;
}

static int note_series(struct check *c, uint32_t series)
{
    if (series >= c->known_n) {
        size_t n = c->known_n ? c->known_n : 1024;
        while (n <= series)
            n *= 2;
        uint8_t *known = realloc(c->known, n / 8);
        if (!known)
            return ERR_NOMEM;
        memset(known + c->known_n / 8, 0, (n - c->known_n) / 8);
        c->known = known;
        c->known_n = n;
    }
    c->known[series / 8] |= (uint8_t)(1u << (series % 8));
    c->report->series++;
    return 0;
}

static int check_series(struct check *c, struct slice id, struct slice bytes, struct arena *a)
{
    const struct catalog_series *series;
    size_t n = 0;
    int err = catalog_series_unpack(bytes, a, &series, &n);
    if (err == ERR_CORRUPT || err == ERR_UNSUPPORTED)
        say(c, CHECK_ERROR, "the series of the twin %.*s are damaged", SLICE_ARG(id));
    for (size_t i = 0; i < n && !err; i++) {
        if (is_known(c, series[i].series))
            say(c, CHECK_ERROR, "series %u of the twin %.*s is another's, too", series[i].series,
                SLICE_ARG(id));
        else
            err = note_series(c, series[i].series);
    }
    return err == ERR_NOMEM ? err : 0;
}

static int check_twin(struct check *c, sqlite3_stmt *s, struct arena *a)
{
    struct slice id = db_column(s, 0), profile = db_column(s, 1);
    struct jval *root;
    struct json_error e;
    c->report->twins++;
    if (jdoc_parse(a, profile, &root, &e))
        say(c, CHECK_ERROR, "the profile of the twin %.*s is damaged: %s", SLICE_ARG(id),
            e.message);
    else if (!slice_eq(jval_string(jval_pointer(root, "/identifier/value")), id))
        say(c, CHECK_ERROR, "the profile of the twin %.*s is that of another", SLICE_ARG(id));
    else if (sqlite3_column_type(s, 4) != SQLITE_NULL &&
             sqlite3_column_int64(s, 4) != catalog_crc(profile, db_column(s, 3)))
        say(c, CHECK_ERROR, "the profile of the twin %.*s is damaged: its checksum differs",
            SLICE_ARG(id));
    if (sqlite3_column_type(s, 2) == SQLITE_NULL)
        return 0;
    return check_series(c, id, db_column(s, 2), a);
}

/* Those that a program wrote whose catalog had version 1. */
static int check_old_series(struct check *c)
{
    int err = 0;
    sqlite3_stmt *s = prepare(c, "SELECT series, twin NOT IN (SELECT id FROM twin) FROM series");
    while (!err && next(c, s)) {
        err = note_series(c, (uint32_t)sqlite3_column_int64(s, 0));
        if (sqlite3_column_int(s, 1))
            say(c, CHECK_ERROR, "series %lld belongs to no twin",
                (long long)sqlite3_column_int64(s, 0));
    }
    sqlite3_finalize(s);
    return err;
}

static int64_t schema_version(struct check *c)
{
    sqlite3_stmt *s = prepare(c, "PRAGMA user_version");
    int64_t version = next(c, s) ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    return version;
}

static int check_catalog(struct check *c)
{
    if (!open_database(c, "catalog.db", 0x44506331))
        return 0;
    check_pages(c);
    int err = 0;
    int64_t version = schema_version(c);
    sqlite3_stmt *s =
        prepare(c, version < 2   ? "SELECT id, profile, NULL, findings, NULL FROM twin"
                   : version < 3 ? "SELECT id, profile, series, findings, NULL FROM twin"
                                   " JOIN document USING (n)"
                                 : "SELECT id, profile, series, findings, crc FROM twin"
                                   " JOIN document USING (n)");
    while (!err && next(c, s)) {
        struct arena *a = arena_new();
        err = a ? check_twin(c, s, a) : ERR_NOMEM;
        arena_free(a);
        tell(c, c->report->twins, 0);
    }
    sqlite3_finalize(s);
    if (!err)
        err = check_old_series(c);
    c->last_series = meta(c, "catalog.last_series");
    close_database(c);
    return err;
}

/* ---- history ---- */

enum { ROW_ID, ROW_SERIES, ROW_T_MIN, ROW_T_MAX, ROW_SPAN, ROW_N, ROW_TYPE, ROW_DATA };

/* What the row says of its bytes that is not so; NULL: nothing. */
static const char *row_fault(struct check *c, sqlite3_stmt *s, int *ret_err)
{
    int err = chunk_decode(db_column(s, ROW_DATA), &c->points);
    const struct point *p = c->points.points;
    size_t n = c->points.n;
    *ret_err = err == ERR_NOMEM ? err : 0;
    if (err)
        return err == ERR_UNSUPPORTED ? "it is of a newer Doppel" : "it does not check";
    if (sqlite3_column_int64(s, ROW_N) != (int64_t)n)
        return "the index has another number of points";
    if (sqlite3_column_int64(s, ROW_T_MIN) != p[0].t_us ||
        sqlite3_column_int64(s, ROW_T_MAX) != p[n - 1].t_us)
        return "the index has other times";
    if (sqlite3_column_int(s, ROW_SPAN) != history_span(p[0].t_us, p[n - 1].t_us))
        return "the index has another length in time";
    int type = p[0].type;
    for (size_t i = 1; i < n; i++)
        if (p[i].type != type)
            type = VALUE_NONE;
    return sqlite3_column_int(s, ROW_TYPE) != type ? "the index has another type" : NULL;
}

static int check_chunks(struct check *c)
{
    int err = 0;
    int64_t total = meta(c, "chunks"), points = 0, bytes = 0;
    sqlite3_stmt *s = prepare(c, "SELECT id, series, t_min, t_max, span, n, type, data FROM chunk");
    while (!err && next(c, s)) {
        const char *fault = row_fault(c, s, &err);
        if (fault)
            say(c, CHECK_ERROR, "chunk %lld of series %lld: %s",
                (long long)sqlite3_column_int64(s, ROW_ID),
                (long long)sqlite3_column_int64(s, ROW_SERIES), fault);
        points += sqlite3_column_int64(s, ROW_N);
        bytes += sqlite3_column_bytes(s, ROW_DATA);
        tell(c, ++c->report->chunks, (uint64_t)total);
    }
    sqlite3_finalize(s);
    c->report->points = (uint64_t)points;
    c->report->chunk_bytes = (uint64_t)bytes;
    if (!err && (total != (int64_t)c->report->chunks || meta(c, "points") != points ||
                 meta(c, "bytes") != bytes))
        say(c, CHECK_WARNING,
            "the running totals (%lld chunks, %lld points, %lld bytes) are not those of the rows "
            "(%llu, %lld, %lld)",
            (long long)total, (long long)meta(c, "points"), (long long)meta(c, "bytes"),
            (unsigned long long)c->report->chunks, (long long)points, (long long)bytes);
    return err;
}

/* What the row of a roll-up says of its bytes that is not so; NULL: nothing. */
static const char *rollup_fault(sqlite3_stmt *s, struct rollups *list, int *ret_err)
{
    rollups_clear(list);
    int err = rollup_decode(db_column(s, 5), list);
    *ret_err = err == ERR_NOMEM ? err : 0;
    if (err)
        return err == ERR_UNSUPPORTED ? "it is of a newer Doppel" : "it does not check";
    if (sqlite3_column_int64(s, 4) != (int64_t)list->n ||
        sqlite3_column_int64(s, 2) != list->items[0].t_us ||
        sqlite3_column_int64(s, 3) != list->items[list->n - 1].t_us)
        return "the index has other buckets";
    return NULL;
}

static int check_rollups(struct check *c)
{
    struct rollups list = {0};
    int64_t rows = 0, bytes = 0;
    int err = 0;
    sqlite3_stmt *s = prepare(c, "SELECT 1 FROM sqlite_schema WHERE name='rollup'");
    bool any = next(c, s); /* not in a file of an older version */
    sqlite3_finalize(s);
    s = any ? prepare(c, "SELECT series, tier, t, t_last, n, data FROM rollup") : NULL;
    while (s && !err && next(c, s)) {
        const char *fault = rollup_fault(s, &list, &err);
        if (fault)
            say(c, CHECK_ERROR, "roll-up of series %lld, tier %d, from %lld: %s",
                (long long)sqlite3_column_int64(s, 0), sqlite3_column_int(s, 1),
                (long long)sqlite3_column_int64(s, 2), fault);
        rows++;
        bytes += sqlite3_column_bytes(s, 5);
    }
    sqlite3_finalize(s);
    rollups_release(&list);
    if (!err && (meta(c, "rollup_rows") != rows || meta(c, "rollup_bytes") != bytes))
        say(c, CHECK_WARNING, "the running totals of roll-ups are not those of the rows");
    return err;
}

static int check_last(struct check *c)
{
    int err = 0;
    sqlite3_stmt *s = prepare(c, "SELECT series, t, point FROM last");
    while (!err && next(c, s)) {
        if (sqlite3_column_bytes(s, 2) == 0)
            continue; /* there is none any more */
        err = chunk_decode(db_column(s, 2), &c->points);
        if (err == ERR_NOMEM)
            break;
        if (err || c->points.n != 1 || c->points.points[0].t_us != sqlite3_column_int64(s, 1))
            say(c, CHECK_ERROR, "the newest reading of series %lld does not check",
                (long long)sqlite3_column_int64(s, 0));
        err = 0;
    }
    sqlite3_finalize(s);
    return err;
}

/* Series that have a past and are unknown to the catalog: a deletion was cut short. */
static void check_orphans(struct check *c)
{
    long long orphans = 0;
    sqlite3_stmt *s = prepare(c, "SELECT series FROM last");
    while (next(c, s)) {
        int64_t series = sqlite3_column_int64(s, 0);
        orphans += series <= c->last_series && !is_known(c, (uint32_t)series);
    }
    sqlite3_finalize(s);
    if (orphans)
        say(c, CHECK_WARNING,
            "it has the past of %lld series that catalog.db does not know: a deletion was cut "
            "short",
            orphans);
}

static int check_history(struct check *c)
{
    if (!open_database(c, "history.db", 0x44506831))
        return 0;
    c->checkpoint = (uint64_t)meta(c, "checkpoint");
    check_pages(c);
    int err = check_chunks(c);
    if (!err)
        err = check_rollups(c);
    if (!err)
        err = check_last(c);
    if (!err)
        check_orphans(c);
    close_database(c);
    return err;
}

/* ---- journals ---- */

static void on_damage(void *arg, const char *file, uint64_t bytes)
{
    say(arg, CHECK_ERROR, "%s: %llu bytes are damaged and passed over", file,
        (unsigned long long)bytes);
}

/* A running server may have flushed since history was looked at, and let go of segments: is the
 * journal in history further than it was? */
static bool has_moved_on(struct check *c)
{
    char path[PATH_MAX];
    uint64_t before = c->checkpoint;
    path_of(c, "history.db", path);
    if (sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
        sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        sqlite3_busy_timeout(c->db, 10000);
        c->checkpoint = (uint64_t)meta(c, "checkpoint");
    }
    close_database(c);
    return c->checkpoint > before;
}

static int check_journal(struct check *c, const char *name, bool readings)
{
    char path[PATH_MAX];
    struct journal_health h;
    begin_file(c, name);
    path_of(c, name, path);
    int err = journal_check(path, readings ? c->checkpoint : 0, &h, NULL, NULL);
    while (!err && readings && h.missing_batches && has_moved_on(c))
        err = journal_check(path, c->checkpoint, &h, NULL, NULL);
    if (!err && h.damaged_bytes) /* once more, for the names */
        err = journal_check(path, readings ? c->checkpoint : 0, &h, on_damage, c);
    if (err == ERR_NOT_FOUND)
        return 0;
    if (err == ERR_NOMEM)
        return err;
    if (err) {
        say(c, CHECK_ERROR, "it cannot be read: %s", err_info(err)->text);
        return 0;
    }
    c->report->journal_batches += h.batches;
    c->report->journal_readings += h.readings;
    c->report->journal_bytes += h.bytes;
    if (h.torn_bytes)
        say(c, CHECK_NOTE, "%llu bytes at its end were being written; nobody was told of them",
            (unsigned long long)h.torn_bytes);
    if (h.missing_batches)
        say(c, CHECK_ERROR, "%llu batches that were kept are missing",
            (unsigned long long)h.missing_batches);
    return 0;
}

/* A catalog of a version that had no audit log has none. */
static void check_audit(struct check *c)
{
    struct audit_report r;
    begin_file(c, "catalog.db");
    int err = audit_verify(c->dir, NULL, NULL, NULL, &r);
    if (!err && r.broken)
        say(c, CHECK_ERROR, "the audit log does not hold: %s", r.why);
    else if (err && err != ERR_NOT_FOUND)
        say(c, CHECK_ERROR, "the audit log cannot be read: %s", err_info(err)->text);
}

int check_directory(const char *dir, const struct check_watch *w, struct check_report *ret)
{
    struct check *c = calloc(1, sizeof *c);
    char path[PATH_MAX];
    struct stat st;
    if (!c)
        return ERR_NOMEM;
    *ret = (struct check_report){0};
    *c = (struct check){.dir = dir, .watch = w, .report = ret, .file = dir};
    path_of(c, "catalog.db", path);
    int err = stat(path, &st) == 0 ? 0 : ERR_NOT_FOUND;
    /* journals after history: what moved meanwhile is then in both, and not in neither */
    if (!err)
        err = check_catalog(c);
    if (!err)
        check_audit(c);
    path_of(c, "history.db", path);
    if (!err && stat(path, &st) == 0)
        err = check_history(c);
    if (!err)
        err = check_journal(c, "journal", true);
    if (!err)
        err = check_journal(c, "mqtt", false);
    begin_file(c, dir);
    chunk_points_release(&c->points);
    free(c->known);
    free(c);
    return err;
}
