/* A backup is a directory like the data directory, with a manifest beside:
 *
 *   backup.json   {"format":1,"program":"0.1.0","made":"2026-...Z",
 *                  "files":[{"path":"journal/journal-...","bytes":N,"sha256":"..."},...]}
 *
 * WHAT AND IN WHICH ORDER.  Journals first, then history.db, then catalog.db, then all else (not
 * the lock).  What was acknowledged before the backup began is in the journal or in history at any
 * moment, and moves only from the first to the second; so who copies them in this order misses
 * nothing.  What moved meanwhile is in both, which recovery takes once: history carries the number
 * up to which it has the journal.  A segment that is used again while it is copied holds only what
 * history has by then.  Twins made meanwhile are in the catalog and have, at worst, no past.
 *
 * The databases are copied with VACUUM INTO: one state of the file, whatever is written meanwhile,
 * and packed.  Segments are copied as they lie, holes kept.  A frame that is written in this very
 * moment may be copied by half.  It was not acknowledged when the backup began; behind it there is
 * nothing, or the segment is copied again.
 *
 * The copy is made under NAME.partial, synced, and renamed: there is a whole backup or none.  What
 * is put back has a file BACKUP_MARK beside it until all of it is on stable storage; no server
 * starts on a directory that has one. */
#include "store/backup.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/json.h"
#include "store/db.h"
#include "store/journal_check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORMAT = 1, PIECE = 1 << 20, TRIES = 4, MANIFEST_MAX = 64 << 20, PATH_PART = 256 };

struct copied {
    char path[PATH_PART]; /* within the directory */
    uint64_t bytes;
    char sha256[65];
};

struct job {
    const char *from;
    char to[PATH_MAX];
    const struct backup_watch *watch;
    struct backup_report *report;
    struct copied *files;
    size_t n, cap;
    unsigned char piece[PIECE];
};

struct path {
    char text[PATH_MAX];
};

static const char *path_in(const char *dir, const char *name, struct path *p)
{
    snprintf(p->text, sizeof p->text, "%s/%s", dir, name);
    return p->text;
}

__attribute__((format(printf, 3, 4))) static int fail(struct job *j, int err, const char *format,
                                                      ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(j->report->why, sizeof j->report->why, format, args);
    va_end(args);
    return err;
}

static int fail_errno(struct job *j, const char *what, const char *path)
{
    int number = errno;
    bool full = number == ENOSPC || number == EDQUOT || number == EIO || number == EROFS;
    return fail(j, full ? ERR_STORAGE : ERR_IO, "%s cannot be %s: %s", path, what,
                strerror(number));
}

static void tell(struct job *j, const char *file, uint64_t done, uint64_t total)
{
    if (j->watch && j->watch->progress)
        j->watch->progress(j->watch->arg, file, done, total);
}

static struct copied *add_file(struct job *j, const char *path)
{
    if (j->n == j->cap) {
        size_t cap = j->cap ? 2 * j->cap : 16;
        struct copied *more = realloc(j->files, cap * sizeof *more);
        if (!more)
            return NULL;
        j->files = more;
        j->cap = cap;
    }
    struct copied *c = &j->files[j->n++];
    *c = (struct copied){0};
    snprintf(c->path, sizeof c->path, "%s", path);
    return c;
}

/* ---- bytes ---- */

static int read_some(int fd, unsigned char *p, size_t n, uint64_t at, size_t *ret)
{
    for (*ret = 0; *ret < n;) {
        ssize_t got = pread(fd, p + *ret, n - *ret, (off_t)(at + *ret));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        *ret += (size_t)got;
    }
    return 0;
}

static bool is_zero(const unsigned char *p, size_t n)
{
    return !n || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static int write_piece(int fd, const unsigned char *p, size_t n, uint64_t at)
{
    for (size_t done = 0; done < n;) {
        ssize_t put = pwrite(fd, p + done, n - done, (off_t)(at + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return -1;
        done += (size_t)put;
    }
    return 0;
}

static void hex(const unsigned char *digest, unsigned n, char out[65])
{
    for (unsigned i = 0; i < n && i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* Read a file of size bytes to its end; write it too when out is not -1, zeroes as holes.  The sum
 * is of what was read. */
static int pass_file(struct job *j, const char *name, int in, uint64_t size, int out,
                     struct copied *c)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_n = 0;
    uint64_t at = 0;
    int failed = !md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1;
    while (!failed && at < size) {
        size_t got, want = size - at < PIECE ? (size_t)(size - at) : PIECE;
        failed = read_some(in, j->piece, want, at, &got) != 0;
        if (failed || got == 0)
            break;
        failed = EVP_DigestUpdate(md, j->piece, got) != 1;
        if (!failed && out >= 0 && !is_zero(j->piece, got))
            failed = write_piece(out, j->piece, got, at) != 0;
        at += got;
        tell(j, name, at, size);
    }
    if (!failed && out >= 0)
        failed = ftruncate(out, (off_t)at) != 0 || fsync(out) != 0;
    if (!failed)
        failed = EVP_DigestFinal_ex(md, digest, &digest_n) != 1;
    EVP_MD_CTX_free(md);
    c->bytes = at;
    hex(digest, digest_n, c->sha256);
    return failed ? -1 : 0;
}

/* Copy one file, or only read it when there is nowhere to copy it to. */
static int copy_file(struct job *j, const char *name, struct copied *c)
{
    struct path from, to;
    struct stat st;
    int in = open(path_in(j->from, name, &from), O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out = -1;
    int err = 0;
    if (in < 0 || fstat(in, &st) != 0) {
        err = errno == ENOENT ? ERR_NOT_FOUND : fail_errno(j, "read", from.text);
        goto end;
    }
    if (*j->to) {
        out = open(path_in(j->to, name, &to), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                   0600);
        if (out < 0) {
            err = fail_errno(j, "written", to.text);
            goto end;
        }
    }
    if (pass_file(j, name, in, (uint64_t)st.st_size, out, c) != 0)
        err = fail_errno(j, "copied", from.text);
end:
    if (in >= 0)
        close(in);
    if (out >= 0 && close(out) != 0 && !err)
        err = fail_errno(j, "written", to.text);
    return err;
}

static int sync_directory(struct job *j, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd < 0 || fsync(fd) != 0 ? fail_errno(j, "synced", path) : 0;
    if (fd >= 0)
        close(fd);
    return err;
}

/* ---- directories ---- */

/* The names of a directory's files or folders, sorted; each ends with a zero. */
static int list_names(struct job *j, const char *dir, bool folders, struct buf *out)
{
    struct dirent **list = NULL;
    struct path p;
    int n = scandir(dir, &list, NULL, alphasort);
    if (n < 0)
        return errno == ENOENT ? 0 : fail_errno(j, "listed", dir);
    for (int i = 0; i < n; i++) {
        const char *name = list[i]->d_name;
        struct stat st;
        bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        if (!dots && strlen(name) < PATH_PART / 2 && lstat(path_in(dir, name, &p), &st) == 0 &&
            (folders ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode))) {
            buf_add_str(out, name);
            buf_add_byte(out, 0);
        }
        free(list[i]);
    }
    free(list);
    return out->failed ? fail(j, ERR_NOMEM, "out of memory") : 0;
}

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

/* A journal's folder is one with segments, or that could have some. */
static bool is_journal(const char *folder)
{
    return strcmp(folder, "journal") == 0 || strcmp(folder, "mqtt") == 0;
}

static int copy_segment(struct job *j, const char *folder, const char *name, bool newest)
{
    char path[PATH_PART];
    struct path to;
    int err = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    struct copied *c = add_file(j, path);
    if (!c)
        return fail(j, ERR_NOMEM, "out of memory");
    for (int i = 0; i < TRIES; i++) {
        bool half = false;
        err = copy_file(j, path, c);
        if (err == ERR_NOT_FOUND) { /* history has taken it meanwhile */
            j->n--;
            return 0;
        }
        if (err || !newest || journal_check_file(path_in(j->to, path, &to), &half) != 0 || !half)
            return err;
    }
    return err; /* the damage is in the original: it is kept as it is, and check tells of it */
}

static int copy_folder(struct job *j, const char *folder)
{
    struct buf names = {0};
    struct path from, to;
    int err = list_names(j, path_in(j->from, folder, &from), false, &names);
    if (!err && mkdir(path_in(j->to, folder, &to), 0700) != 0 && errno != EEXIST)
        err = fail_errno(j, "made", to.text);
    for (const char *name = names.p; !err && name && name < names.p + names.n;
         name += strlen(name) + 1) {
        const char *next = name + strlen(name) + 1;
        bool segment = begins(name, "journal-");
        if (begins(name, "spare-"))
            continue; /* means nothing */
        if (is_journal(folder) && segment) {
            bool newest = next >= names.p + names.n || !begins(next, "journal-");
            err = copy_segment(j, folder, name, newest);
            continue;
        }
        char path[PATH_PART];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        struct copied *c = add_file(j, path);
        err = c ? copy_file(j, path, c) : fail(j, ERR_NOMEM, "out of memory");
        if (err == ERR_NOT_FOUND) {
            j->n--;
            err = 0;
        }
    }
    buf_release(&names);
    return err ? err : sync_directory(j, to.text);
}

/* ---- databases ---- */

struct vacuum {
    struct job *job;
    const char *name;
    struct path to;
    uint64_t total;
};

static int on_steps(void *arg)
{
    struct vacuum *v = arg;
    struct stat st;
    if (stat(v->to.text, &st) == 0)
        tell(v->job, v->name, (uint64_t)st.st_size, v->total);
    return 0;
}

static int copy_database(struct job *j, const char *name)
{
    struct path from;
    struct stat st;
    struct vacuum v = {.job = j, .name = name};
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    path_in(j->from, name, &from);
    path_in(j->to, name, &v.to);
    if (stat(from.text, &st) != 0)
        return errno == ENOENT ? 0 : fail_errno(j, "read", from.text);
    v.total = (uint64_t)st.st_size;
    int code = sqlite3_open_v2(from.text, &db, SQLITE_OPEN_READWRITE, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(db, 10000);
    if (code == SQLITE_OK) {
        sqlite3_progress_handler(db, 100000, on_steps, &v);
        code = sqlite3_prepare_v2(db, "VACUUM INTO ?", -1, &s, NULL);
    }
    if (code == SQLITE_OK) {
        sqlite3_bind_text(s, 1, v.to.text, -1, SQLITE_STATIC);
        code = sqlite3_step(s);
    }
    int err = code == SQLITE_DONE ? 0 : db_map_error(code);
    if (err || code != SQLITE_DONE)
        err = fail(j, err ? err : ERR_IO, "%s cannot be copied: %s", from.text, sqlite3_errmsg(db));
    sqlite3_finalize(s);
    sqlite3_close(db);
    if (err)
        return err;
    struct copied *c = add_file(j, name);
    struct job reread = {.from = j->to, .watch = j->watch, .report = j->report};
    if (!c)
        return fail(j, ERR_NOMEM, "out of memory");
    int fd = open(v.to.text, O_RDWR | O_CLOEXEC);
    if (fd < 0 || chmod(v.to.text, 0600) != 0 || fsync(fd) != 0)
        err = fail_errno(j, "synced", v.to.text);
    if (fd >= 0)
        close(fd);
    return err ? err : copy_file(&reread, name, c);
}

/* ---- the manifest ---- */

static void write_manifest(const struct job *j, struct buf *out)
{
    struct json_writer w;
    struct buf made = {0};
    clock_format(&made, j->report->made_us);
    json_writer_init(&w, out, 2);
    json_open(&w, '{');
    json_key(&w, "format");
    json_put_int(&w, FORMAT);
    json_key(&w, "program");
    json_put_cstr(&w, DOPPEL_VERSION);
    json_key(&w, "made");
    json_put_string(&w, buf_slice(&made));
    json_key(&w, "files");
    json_open(&w, '[');
    for (size_t i = 0; i < j->n; i++) {
        json_open(&w, '{');
        json_key(&w, "path");
        json_put_cstr(&w, j->files[i].path);
        json_key(&w, "bytes");
        json_put_int(&w, (int64_t)j->files[i].bytes);
        json_key(&w, "sha256");
        json_put_cstr(&w, j->files[i].sha256);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_close(&w, '}');
    buf_add_byte(out, '\n');
    buf_release(&made);
}

static int save_manifest(struct job *j)
{
    struct path p;
    struct buf text = {0};
    int err = 0;
    write_manifest(j, &text);
    int fd =
        open(path_in(j->to, BACKUP_MANIFEST, &p), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (text.failed)
        err = fail(j, ERR_NOMEM, "out of memory");
    else if (fd < 0 || write_piece(fd, (const unsigned char *)text.p, text.n, 0) != 0 ||
             fsync(fd) != 0)
        err = fail_errno(j, "written", p.text);
    if (fd >= 0)
        close(fd);
    buf_release(&text);
    return err;
}

/* A name of ours: one folder deep at most, no way out of the directory. */
static bool is_plain(struct slice path)
{
    size_t slashes = 0;
    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] == 0)
            return false;
        slashes += path.p[i] == '/';
    }
    return path.n && path.n < PATH_PART && slashes <= 1 && path.p[0] != '/' && path.p[0] != '.' &&
           !memmem(path.p, path.n, "/.", 2) && path.p[path.n - 1] != '/';
}

static int take_entry(struct job *j, struct jval *entry)
{
    char path[PATH_PART] = "";
    struct slice name = jval_string(jval_get(entry, "path"));
    struct slice sum = jval_string(jval_get(entry, "sha256"));
    double bytes = -1;
    if (!is_plain(name) || sum.n != 64 || !jval_number(jval_get(entry, "bytes"), &bytes) ||
        bytes < 0 || bytes > 9e15)
        return fail(j, ERR_CORRUPT,
                    "%s/" BACKUP_MANIFEST " is damaged: an entry of it means nothing", j->from);
    memcpy(path, name.p, name.n);
    struct copied *c = add_file(j, path);
    if (!c)
        return fail(j, ERR_NOMEM, "out of memory");
    c->bytes = (uint64_t)bytes;
    memcpy(c->sha256, sum.p, sum.n);
    return 0;
}

static int read_text(struct job *j, const char *path, struct buf *out)
{
    struct stat st;
    size_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
    if (fd < 0 || fstat(fd, &st) != 0)
        err = errno == ENOENT
                  ? fail(j, ERR_NOT_FOUND, "%s is no backup: it has no " BACKUP_MANIFEST, j->from)
                  : fail_errno(j, "read", path);
    else if (st.st_size > MANIFEST_MAX)
        err = fail(j, ERR_CORRUPT, "%s is damaged: it is too large", path);
    else if (!buf_reserve(out, (size_t)st.st_size + 1))
        err = fail(j, ERR_NOMEM, "out of memory");
    else if (read_some(fd, (unsigned char *)out->p, (size_t)st.st_size, 0, &got) != 0)
        err = fail_errno(j, "read", path);
    out->n = got;
    if (fd >= 0)
        close(fd);
    return err;
}

static int load_manifest(struct job *j)
{
    struct path p;
    struct buf text = {0};
    struct arena *a = arena_new();
    struct jval *root = NULL;
    double format = 0;
    int err = a ? read_text(j, path_in(j->from, BACKUP_MANIFEST, &p), &text)
                : fail(j, ERR_NOMEM, "out of memory");
    if (!err && (jdoc_parse(a, buf_slice(&text), &root, NULL) || !root ||
                 !jval_number(jval_get(root, "format"), &format)))
        err = fail(j, ERR_CORRUPT, "%s is damaged: it is no manifest", p.text);
    if (!err && format > FORMAT)
        err = fail(j, ERR_UNSUPPORTED, "%s was written by a newer Doppel (format %.0f)", p.text,
                   format);
    struct jval *files = err ? NULL : jval_get(root, "files");
    if (!err && (!files || files->type != J_ARRAY))
        err = fail(j, ERR_CORRUPT, "%s is damaged: it lists no files", p.text);
    for (struct jval *f = files ? files->first : NULL; f && !err; f = f->next)
        err = take_entry(j, f);
    if (!err)
        clock_parse(jval_string(jval_get(root, "made")), &j->report->made_us);
    arena_free(a);
    buf_release(&text);
    return err;
}

/* ---- the three ---- */

static struct job *job_new(const char *from, const struct backup_watch *w,
                           struct backup_report *report)
{
    struct job *j = calloc(1, sizeof *j);
    *report = (struct backup_report){0};
    if (!j) {
        snprintf(report->why, sizeof report->why, "out of memory");
        return NULL;
    }
    j->from = from;
    j->watch = w;
    j->report = report;
    return j;
}

static int job_end(struct job *j, int err)
{
    for (size_t i = 0; i < j->n && !err; i++) {
        j->report->files++;
        j->report->bytes += j->files[i].bytes;
    }
    free(j->files);
    free(j);
    return err;
}

/* Beside the databases and what belongs to them: the configuration of this directory. */
static bool is_setting(const char *name)
{
    return strcmp(name, "lock") != 0 && strcmp(name, "reserve") != 0 &&
           !begins(name, "catalog.db") && !begins(name, "history.db") &&
           strcmp(name, BACKUP_MANIFEST) != 0 && name[0] != '.';
}

static int copy_settings(struct job *j)
{
    struct buf names = {0};
    int err = list_names(j, j->from, false, &names);
    for (const char *name = names.p; !err && name && name < names.p + names.n;
         name += strlen(name) + 1) {
        if (!is_setting(name))
            continue;
        struct copied *c = add_file(j, name);
        err = c ? copy_file(j, name, c) : fail(j, ERR_NOMEM, "out of memory");
    }
    buf_release(&names);
    return err;
}

static int copy_all(struct job *j)
{
    static const char *const journals[] = {"journal", "mqtt"};
    static const char *const databases[] = {"history.db", "catalog.db"};
    struct buf folders = {0};
    int err = 0;
    for (size_t i = 0; i < 2 && !err; i++)
        err = copy_folder(j, journals[i]);
    for (size_t i = 0; i < 2 && !err; i++)
        err = copy_database(j, databases[i]);
    if (!err)
        err = copy_settings(j);
    if (!err)
        err = list_names(j, j->from, true, &folders);
    for (const char *name = folders.p; !err && name && name < folders.p + folders.n;
         name += strlen(name) + 1)
        if (!is_journal(name))
            err = copy_folder(j, name);
    buf_release(&folders);
    return err;
}

/* What is left of a copy that failed: names of ours only, nothing is followed. */
static void remove_copy(struct job *j)
{
    struct path p;
    for (size_t i = 0; i < j->n; i++)
        unlink(path_in(j->to, j->files[i].path, &p));
    static const char *const more[] = {"history.db", "history.db-journal", "catalog.db",
                                       "catalog.db-journal", BACKUP_MANIFEST};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        unlink(path_in(j->to, more[i], &p));
    struct buf folders = {0};
    if (list_names(j, j->to, true, &folders) == 0)
        for (const char *name = folders.p; name && name < folders.p + folders.n;
             name += strlen(name) + 1)
            rmdir(path_in(j->to, name, &p));
    buf_release(&folders);
    rmdir(j->to);
}

static int sync_parent(struct job *j, const char *path)
{
    struct path parent;
    snprintf(parent.text, sizeof parent.text, "%s", path);
    char *slash = strrchr(parent.text, '/');
    if (!slash)
        return sync_directory(j, ".");
    slash[slash == parent.text] = 0;
    return sync_directory(j, parent.text);
}

int backup_make(const char *data, const char *to, const struct backup_watch *w,
                struct backup_report *ret)
{
    struct path p;
    struct stat st;
    struct job *j = job_new(data, w, ret);
    if (!j)
        return ERR_NOMEM;
    ret->made_us = clock_now_us();
    if (stat(path_in(data, "catalog.db", &p), &st) != 0)
        return job_end(
            j, fail(j, ERR_NOT_FOUND, "%s is no data directory: it has no catalog.db", data));
    if (lstat(to, &st) == 0)
        return job_end(j, fail(j, ERR_EXISTS, "%s is there already; choose a new name", to));
    snprintf(j->to, sizeof j->to, "%s.partial", to);
    if (mkdir(j->to, 0700) != 0) {
        int err = errno == EEXIST ? fail(j, ERR_EXISTS,
                                         "%s is there: another backup is under way, "
                                         "or one was cut short; remove it, then try again",
                                         j->to)
                                  : fail_errno(j, "made", j->to);
        return job_end(j, err);
    }
    int err = copy_all(j);
    if (!err)
        err = save_manifest(j);
    if (!err)
        err = sync_directory(j, j->to);
    if (!err && rename(j->to, to) != 0)
        err = fail_errno(j, "renamed", j->to);
    if (err)
        remove_copy(j);
    else
        err = sync_parent(j, to);
    return job_end(j, err);
}

static int verify_files(struct job *j)
{
    for (size_t i = 0; i < j->n; i++) {
        const struct copied *c = &j->files[i];
        struct copied seen = {0};
        int err = copy_file(j, c->path, &seen);
        if (err == ERR_NOT_FOUND)
            return fail(j, ERR_CORRUPT, "%s/%s is missing", j->from, c->path);
        if (err)
            return err;
        if (seen.bytes != c->bytes)
            return fail(j, ERR_CORRUPT, "%s/%s has %llu bytes instead of %llu", j->from, c->path,
                        (unsigned long long)seen.bytes, (unsigned long long)c->bytes);
        if (strcmp(seen.sha256, c->sha256) != 0)
            return fail(j, ERR_CORRUPT, "%s/%s is damaged: its SHA-256 is not that of the manifest",
                        j->from, c->path);
    }
    return 0;
}

int backup_verify(const char *from, const struct backup_watch *w, struct backup_report *ret)
{
    struct job *j = job_new(from, w, ret);
    if (!j)
        return ERR_NOMEM;
    int err = load_manifest(j);
    if (!err)
        err = verify_files(j);
    return job_end(j, err);
}

/* True for a directory that is not there, or has nothing in it but the lock of who restores. */
static int check_target(struct job *j, const char *data)
{
    struct buf names = {0};
    struct stat st;
    if (lstat(data, &st) != 0)
        return errno == ENOENT ? 0 : fail_errno(j, "read", data);
    int err = list_names(j, data, false, &names);
    if (!err)
        err = list_names(j, data, true, &names);
    if (!err && names.n && !(strcmp(names.p, "lock") == 0 && names.n == sizeof "lock"))
        err = fail(j, ERR_EXISTS,
                   "%s is not empty; restore into a new directory, then start the server on it",
                   data);
    buf_release(&names);
    return err;
}

static int make_folders(struct job *j)
{
    struct path p;
    for (size_t i = 0; i < j->n; i++) {
        char folder[PATH_PART];
        snprintf(folder, sizeof folder, "%s", j->files[i].path);
        char *slash = strchr(folder, '/');
        if (!slash)
            continue;
        *slash = 0;
        if (mkdir(path_in(j->to, folder, &p), 0700) != 0 && errno != EEXIST)
            return fail_errno(j, "made", p.text);
    }
    return 0;
}

/* From here until end_restore() the directory is half of something, and says so. */
static int begin_restore(struct job *j)
{
    struct path p;
    if (mkdir(j->to, 0700) != 0 && errno != EEXIST)
        return fail_errno(j, "made", j->to);
    int fd = open(path_in(j->to, BACKUP_MARK, &p), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_errno(j, "written", p.text);
    close(fd);
    return sync_directory(j, j->to);
}

static int put_back(struct job *j)
{
    struct buf folders = {0};
    int err = make_folders(j);
    if (!err)
        err = verify_files(j); /* reads again what it writes */
    if (!err)
        err = list_names(j, j->to, true, &folders);
    for (const char *name = folders.p; !err && name && name < folders.p + folders.n;
         name += strlen(name) + 1) {
        struct path p;
        err = sync_directory(j, path_in(j->to, name, &p));
    }
    buf_release(&folders);
    return err ? err : sync_directory(j, j->to);
}

/* Is nothing left of a copy but the mark and the lock of who restores? */
static bool is_bare(struct job *j)
{
    struct buf names = {0};
    bool bare = list_names(j, j->to, true, &names) == 0 && !names.n &&
                list_names(j, j->to, false, &names) == 0;
    for (const char *name = names.p; bare && name && name < names.p + names.n;
         name += strlen(name) + 1)
        bare = strcmp(name, BACKUP_MARK) == 0 || strcmp(name, "lock") == 0;
    buf_release(&names);
    return bare;
}

/* All of it is there, or what is there goes, or the mark stays. */
static int end_restore(struct job *j, int err)
{
    struct path p;
    path_in(j->to, BACKUP_MARK, &p);
    if (err) {
        remove_copy(j);
        if (is_bare(j) && unlink(p.text) == 0)
            rmdir(j->to);
        return err;
    }
    if (unlink(p.text) != 0)
        return fail_errno(j, "removed", p.text);
    return sync_directory(j, j->to);
}

int backup_restore(const char *from, const char *data, const struct backup_watch *w,
                   struct backup_report *ret)
{
    struct job *j = job_new(from, w, ret);
    if (!j)
        return ERR_NOMEM;
    int err = load_manifest(j);
    if (!err)
        err = check_target(j, data);
    if (!err)
        err = verify_files(j); /* before anything is written */
    if (err)
        return job_end(j, err);
    snprintf(j->to, sizeof j->to, "%s", data);
    err = begin_restore(j);
    if (!err)
        err = put_back(j);
    return job_end(j, end_restore(j, err));
}
