/* COMPACTION writes history.db anew, beside the old one, and then puts it in its place.
 *
 * CHUNKS.  All of a series is read as anybody reads it, so that of two points of one time the later
 * write holds, and written as full chunks of the newest version at the level that the profile asks
 * for.  A rest of less than half a chunk stays open, as the one chunk of the fresh line's stack,
 * and the edge is the end of the last finished one (history.c): so what comes afterwards finds what
 * it would have found anyway.  Chunks lie in the file in order of series and time.
 *
 * ROLL-UPS are taken over, in full rows, and so is what is known to be dirty: nothing is made anew.
 *
 * WHAT IS DAMAGED stays damaged.  A series with a chunk that cannot be read is taken over row by
 * row, in the same order of writing; it may be of a newer program.  The same holds for roll-ups.
 *
 * WHAT GOES is the past of series that the catalog has given out and does not know any more: their
 * twins were deleted.  Numbers above the highest that it has given are none of these: there the
 * catalog is older than the history, and they stay.
 *
 * NOTHING IS LOST ON THE WAY.  The new file is closed, opened again and read from one end to the
 * other; for each series the count, sum and checksum of all readings and roll-ups must be those
 * that were seen in the old file.  Then it is synced, renamed over the old one, and the directory
 * is synced: at any moment there is one of the two under the name, whole.  Before that the old file
 * has taken in its WAL and left that mode, which SQLite does only for one who is alone; from then
 * on the file is locked, so that nobody opens it with a WAL of its own, which would then lie beside
 * the new file.  What a compaction leaves behind that was killed, the next start removes. */
#include "store/compact.h"

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"
#include "store/catalog.h"
#include "store/history_compact.h"
#include "twin/packed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TELL_EVERY = 64, BUSY_MS = 2000 };

struct compacting {
    const struct compact_watch *watch;
    struct compact_report *report;
    const char *dir;
    char old_path[PATH_MAX], new_path[PATH_MAX], catalog_path[PATH_MAX];
    struct catalog *catalog;
    struct history *old, *new;
    uint8_t *levels; /* by number of series: 1 + enum chunk_level; 0: the catalog has none such */
    size_t levels_n;
    uint32_t *series; /* of the history, rising */
    size_t series_n, series_cap;
    struct compact_digest *digests; /* of those that were written */
    size_t digests_n;
};

__attribute__((format(printf, 3, 4))) static int fail(struct compacting *c, int err,
                                                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->report->why, sizeof c->report->why, format, args);
    va_end(args);
    return err;
}

static int fail_reading(struct compacting *c, int err, const char *path)
{
    if (err == ERR_BUSY)
        return fail(c, err, "%s is being read by another program, a backup or a check; wait for it",
                    path);
    return fail(c, err, "%s cannot be read: %s; doppel check %s tells more", path,
                err_info(err)->text, c->dir);
}

static int fail_writing(struct compacting *c, int err)
{
    if (err == ERR_STORAGE)
        return fail(c, err,
                    "%s cannot be written: the disk is full or broken; the new file may need as "
                    "much room as the old one (%llu bytes); nothing has changed",
                    c->new_path, (unsigned long long)c->report->before.history_bytes);
    return fail(c, err, "%s cannot be written: %s; nothing has changed", c->new_path,
                err_info(err)->text);
}

__attribute__((format(printf, 2, 3))) static void say(struct compacting *c, const char *format, ...)
{
    char sentence[512];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (c->watch && c->watch->say)
        c->watch->say(c->watch->arg, sentence);
}

static void tell(struct compacting *c, const char *what, size_t done)
{
    if (c->watch && c->watch->progress && done % TELL_EVERY == 0)
        c->watch->progress(c->watch->arg, what, done, c->series_n);
}

static uint64_t size_of(const char *path)
{
    char wal[PATH_MAX + 8];
    struct stat st;
    uint64_t bytes = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    snprintf(wal, sizeof wal, "%s-wal", path);
    return bytes + (stat(wal, &st) == 0 ? (uint64_t)st.st_size : 0);
}

static struct compact_size sizes(const struct history *h, const char *history, const char *catalog)
{
    struct history_totals t = history_totals(h);
    return (struct compact_size){.history_bytes = size_of(history),
                                 .catalog_bytes = size_of(catalog),
                                 .chunks = (uint64_t)t.chunks,
                                 .points = (uint64_t)t.points,
                                 .rollup_rows = (uint64_t)t.rollup_rows};
}

/* ---- which series there are ---- */

static int set_level(struct compacting *c, uint32_t series, uint8_t level)
{
    if (series >= c->levels_n) {
        size_t n = 2 * (size_t)series + 64;
        uint8_t *more = realloc(c->levels, n);
        if (!more)
            return ERR_NOMEM;
        memset(more + c->levels_n, 0, n - c->levels_n);
        c->levels = more;
        c->levels_n = n;
    }
    c->levels[series] = (uint8_t)(level + 1);
    return 0;
}

/* As the server does: from what the catalog has packed, or else from the profile. */
static int read_level(struct compacting *c, const struct catalog_twin *row, uint8_t *ret)
{
    struct profile_view view = {0};
    int err = view_unpack(row->view, &view);
    if (err == ERR_CORRUPT || err == ERR_UNSUPPORTED) {
        struct arena *a = arena_new();
        struct catalog_twin whole;
        struct jval *root;
        err = a ? catalog_get(c->catalog, row->id, a, &whole) : ERR_NOMEM;
        if (!err)
            err = jdoc_parse(a, whole.profile, &root, NULL);
        if (!err)
            err = profile_read(a, root, &view);
        arena_free(a);
    }
    *ret = view.compression;
    return err == ERR_MALFORMED ? ERR_CORRUPT : err;
}

static int take_twin(void *arg, const struct catalog_twin *row)
{
    struct compacting *c = arg;
    uint8_t level = CHUNK_MEDIUM;
    int err = read_level(c, row, &level);
    for (size_t i = 0; i < row->series_n && !err; i++)
        err = set_level(c, row->series[i].series, level);
    return err;
}

static int list_series(struct compacting *c)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(c->old->writer.handle,
                           "SELECT series FROM last UNION SELECT series FROM chunk WHERE open=0"
                           " UNION SELECT series FROM chunk WHERE open=1"
                           " UNION SELECT series FROM rollup ORDER BY series",
                           -1, &s, NULL) != SQLITE_OK)
        return db_error(&c->old->writer);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        if (c->series_n == c->series_cap) {
            size_t cap = c->series_cap ? 2 * c->series_cap : 256;
            uint32_t *more = realloc(c->series, cap * sizeof *more);
            if (!more) {
                code = SQLITE_NOMEM;
                break;
            }
            c->series = more;
            c->series_cap = cap;
        }
        c->series[c->series_n++] = (uint32_t)sqlite3_column_int64(s, 0);
    }
    sqlite3_finalize(s);
    return db_map_error(code);
}

static bool is_orphan(const struct compacting *c, uint32_t series)
{
    bool known = series < c->levels_n && c->levels[series];
    return !known && series <= catalog_last_series(c->catalog);
}

/* ---- opening ---- */

/* Alone with the file, its WAL taken in and gone. */
static int lock_old(struct compacting *c)
{
    struct db *db = &c->old->writer;
    sqlite3_busy_timeout(db->handle, BUSY_MS);
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(db->handle, "PRAGMA journal_mode=DELETE", -1, &s, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(s);
    const char *mode = code == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
    bool alone = mode && strcmp(mode, "delete") == 0;
    sqlite3_finalize(s);
    if (!alone)
        return code == SQLITE_ROW ? ERR_BUSY : db_map_error(code);
    return db_exec(db, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE");
}

static int open_old(struct compacting *c)
{
    struct stat st;
    if (stat(c->catalog_path, &st) != 0)
        return fail(c, ERR_NOT_FOUND, "%s is no data directory: it has no catalog.db", c->dir);
    int err = catalog_open(c->catalog_path, &c->catalog);
    if (!err)
        err = catalog_each(c->catalog, take_twin, c);
    if (err)
        return fail_reading(c, err, c->catalog_path);
    err = history_open(c->old_path, &c->old);
    if (!err)
        c->report->before = sizes(c->old, c->old_path, c->catalog_path);
    if (!err)
        err = lock_old(c);
    if (!err)
        err = list_series(c);
    return err ? fail_reading(c, err, c->old_path) : 0;
}

/* What is thrown away when it fails is synced once, at the end. */
static int open_new(struct compacting *c)
{
    int err = history_open(c->new_path, &c->new);
    if (!err)
        err = db_exec(&c->new->writer, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=OFF");
    if (!err && chmod(c->new_path, 0600) != 0)
        err = ERR_IO;
    return err ? fail_writing(c, err) : 0;
}

/* ---- writing and reading again ---- */

static int write_series(struct compacting *c, struct compact_copy *copy, uint32_t series)
{
    struct compact_digest *d = &c->digests[c->digests_n];
    if (is_orphan(c, series)) {
        int err = compact_digest_of(&c->old->writer, series, d);
        c->report->orphans++;
        c->report->orphan_points += err ? 0 : d->points;
        return err;
    }
    bool known = series < c->levels_n && c->levels[series];
    enum chunk_level level = known ? (enum chunk_level)(c->levels[series] - 1) : CHUNK_MEDIUM;
    int err = compact_copy_series(copy, series, level, d);
    if (err)
        return err;
    c->digests_n++;
    c->report->series++;
    c->report->damaged += d->damaged;
    if (d->damaged)
        say(c, "series %u has something damaged and stays as it is", series);
    return 0;
}

static int write_all(struct compacting *c)
{
    struct compact_copy *copy = NULL;
    c->digests = calloc(c->series_n + 1, sizeof *c->digests);
    if (!c->digests)
        return fail(c, ERR_NOMEM, "out of memory");
    int err = compact_copy_new(c->old, c->new, &copy);
    for (size_t i = 0; i < c->series_n && !err; i++) {
        err = write_series(c, copy, c->series[i]);
        tell(c, "writing", i);
    }
    if (!err)
        err = compact_copy_end(copy);
    compact_copy_free(copy);
    if (c->report->orphans && !err)
        say(c,
            "the past of %llu series whose twins were deleted (%llu readings) is left out: a "
            "deletion had been cut short",
            (unsigned long long)c->report->orphans, (unsigned long long)c->report->orphan_points);
    return err ? fail_writing(c, err) : 0;
}

static bool is_same(const struct compact_digest *a, const struct compact_digest *b)
{
    return a->points == b->points && a->points_crc == b->points_crc && a->rollups == b->rollups &&
           a->rollups_crc == b->rollups_crc && memcmp(&a->sum, &b->sum, sizeof a->sum) == 0 &&
           a->damaged == b->damaged;
}

/* The new file as it is on the disk, against what was read of the old one. */
static int verify(struct compacting *c)
{
    struct history *h = NULL;
    int err = history_open(c->new_path, &h);
    if (!err)
        err = db_exec(&h->writer, "PRAGMA journal_mode=DELETE"); /* nothing beside it */
    for (size_t i = 0; i < c->digests_n && !err; i++) {
        struct compact_digest seen;
        err = compact_digest_of(&h->writer, c->digests[i].series, &seen);
        if (!err && !is_same(&seen, &c->digests[i]))
            err = fail(c, ERR_CORRUPT,
                       "series %u reads differently in %s (%llu readings and %llu buckets instead "
                       "of %llu and %llu); nothing has changed",
                       seen.series, c->new_path, (unsigned long long)seen.points,
                       (unsigned long long)seen.rollups, (unsigned long long)c->digests[i].points,
                       (unsigned long long)c->digests[i].rollups);
        tell(c, "reading again", i);
    }
    if (!err)
        c->report->after = sizes(h, c->new_path, c->catalog_path);
    history_close(h);
    return err && !*c->report->why ? fail_writing(c, err) : err;
}

/* ---- in the place of the old ---- */

static int sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    int err = fd < 0 || fsync(fd) != 0 ? ERR_STORAGE : 0;
    if (fd >= 0)
        close(fd);
    return err;
}

static int replace(struct compacting *c)
{
    int err = sync_path(c->new_path, O_RDWR);
    if (!err && rename(c->new_path, c->old_path) != 0)
        err = errno == ENOSPC ? ERR_STORAGE : ERR_IO;
    if (err)
        return fail_writing(c, err);
    err = sync_path(c->dir, O_RDONLY | O_DIRECTORY);
    if (err)
        return fail(c, err, "%s cannot be synced: %s", c->dir, strerror(errno));
    err = catalog_vacuum(c->catalog);
    if (err)
        return fail(c, err, "history.db is small now, but %s cannot be written anew: %s",
                    c->catalog_path, err_info(err)->text);
    c->report->after.catalog_bytes = size_of(c->catalog_path);
    return 0;
}

static void set_paths(struct compacting *c, const char *dir)
{
    c->dir = dir;
    snprintf(c->old_path, sizeof c->old_path, "%s/history.db", dir);
    snprintf(c->new_path, sizeof c->new_path, "%s/history.db" HISTORY_COMPACT_END, dir);
    snprintf(c->catalog_path, sizeof c->catalog_path, "%s/catalog.db", dir);
}

static void release(struct compacting *c)
{
    history_close(c->new);
    unlink(c->new_path); /* not there any more when it took the old one's place */
    history_close(c->old);
    catalog_close(c->catalog);
    free(c->levels);
    free(c->series);
    free(c->digests);
    free(c);
}

int compact_directory(const char *dir, bool dry, const struct compact_watch *w,
                      struct compact_report *ret)
{
    struct compacting *c = calloc(1, sizeof *c);
    *ret = (struct compact_report){0};
    if (!c) {
        snprintf(ret->why, sizeof ret->why, "out of memory");
        return ERR_NOMEM;
    }
    c->watch = w;
    c->report = ret;
    set_paths(c, dir);
    int err = open_old(c);
    if (!err)
        err = open_new(c);
    if (!err)
        err = write_all(c);
    history_close(c->new);
    c->new = NULL;
    if (!err)
        err = verify(c);
    if (!err) {
        uint64_t kept = 0;
        for (size_t i = 0; i < c->digests_n; i++)
            kept += c->digests[i].points;
        uint64_t seen = kept + ret->orphan_points;
        ret->superseded = ret->before.points > seen ? ret->before.points - seen : 0;
    }
    if (!err && !dry)
        err = replace(c);
    release(c);
    return err;
}
