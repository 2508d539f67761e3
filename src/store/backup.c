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
 * Private keys are left out unless they are asked for, and that is told: a copy lies in more places
 * than what it is of.  Folders are copied as deep as BACKUP_DEPTH; one that is itself a backup or a
 * data directory is refused, as is a copy inside of what it copies.
 *
 * AN ENCRYPTED BACKUP has the same files under the same names, each an encrypted stream
 * (crypto/cipher.h) under one random key and its own name, and a manifest in clear:
 *
 *   backup.json      {"format":2,...,"encryption":{"locks":[...]},"files":[...]}
 *   manifest.sealed  the manifest of above, a stream like the others
 *
 * The locks (crypto/envelope.h) hold the key for those who may open it; the files of backup.json
 * are told as they lie there, so that who has no key can still tell whether a copy is whole.  What
 * is believed when it is opened is manifest.sealed alone.  Databases and the newest segment, which
 * are looked at before they are good, are copied to DATA/.backup-PID first, so that their text
 * comes to no other disk than that which has it.
 *
 * The copy is made under NAME.partial, synced, and renamed: there is a whole backup or none.  What
 * is put back has a file BACKUP_MARK beside it until all of it is on stable storage; no server
 * starts on a directory that has one. */
#include "store/backup_internal.h"

#include "base/clock.h"
#include "base/err.h"
#include "store/db.h"
#include "store/journal_check.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGE ".backup-"
enum { TRIES = 4 };

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

/* A journal's folder is one with segments, or that could have some. */
static bool is_journal(const char *folder)
{
    return strcmp(folder, "journal") == 0 || strcmp(folder, "mqtt") == 0;
}

/* ---- the stage ---- */

/* Is it a stage that nobody holds, or what SQLite had beside one that is gone? */
static bool is_left(const char *path)
{
    struct slice s = slice_str(path), end = SLICE_LIT("-journal");
    struct backup_path stage;
    struct stat st;
    if (slice_ends(s, end.p)) {
        snprintf(stage.text, sizeof stage.text, "%.*s", (int)(s.n - end.n), path);
        return lstat(stage.text, &st) != 0;
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool left = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0)
        close(fd);
    return left;
}

/* Remove what a backup left behind that was cut short; a stage comes before its journal. */
static void remove_stages(struct backup_job *j)
{
    struct buf names = {0};
    struct backup_path p;
    if (backup_list(j, j->from, false, &names))
        return;
    for (const char *name = names.p; name && name < names.p + names.n; name += strlen(name) + 1) {
        if (begins(name, STAGE) && is_left(backup_path_in(j->from, name, &p)))
            unlink(p.text);
    }
    buf_release(&names);
}

static int begin_stage(struct backup_job *j)
{
    remove_stages(j);
    snprintf(j->stage, sizeof j->stage, "%s/" STAGE "%ld", j->from, (long)getpid());
    j->stage_fd = open(j->stage, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (j->stage_fd >= 0 && flock(j->stage_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return backup_fail_errno(j, "made", j->stage);
}

static void end_stage(struct backup_job *j)
{
    char journal[PATH_MAX + 16];
    if (!*j->stage || j->stage_fd < 0)
        return;
    snprintf(journal, sizeof journal, "%s-journal", j->stage);
    unlink(j->stage);
    unlink(journal);
    close(j->stage_fd);
}

/* What lies on the stage goes into the backup. */
static int seal_stage(struct backup_job *j, const char *name, struct backup_file *c)
{
    struct backup_path to;
    int err = backup_pass(j, BACKUP_SEAL, j->stage, backup_path_in(j->to, name, &to), name, c);
    if (!err && ftruncate(j->stage_fd, 0) != 0)
        err = backup_fail_errno(j, "written", j->stage);
    return err;
}

/* ---- journals ---- */

/* A copy that may be of half a frame, until it is not; the damage of the original is kept as it
 * is, and check tells of it. */
static int copy_newest(struct backup_job *j, const char *path, const char *to,
                       struct backup_file *c)
{
    struct backup_path from;
    bool half = true;
    int err = 0;
    backup_path_in(j->from, path, &from);
    for (int i = 0; i < TRIES && half && !err; i++) {
        half = false;
        err = backup_pass(j, BACKUP_PLAIN, from.text, to, path, c);
        if (!err && journal_check_file(to, &half) != 0)
            break;
    }
    return err;
}

static int copy_segment(struct backup_job *j, const char *folder, const char *name, bool newest)
{
    char path[BACKUP_PATH_PART];
    struct backup_path to;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    struct backup_file *c = backup_add_file(j, path);
    int err;
    if (!c)
        return backup_fail(j, ERR_NOMEM, "out of memory");
    if (!newest)
        err = backup_copy_file(j, j->encrypted ? BACKUP_SEAL : BACKUP_PLAIN, path, c);
    else if (!j->encrypted)
        err = copy_newest(j, path, backup_path_in(j->to, path, &to), c);
    else if (!(err = copy_newest(j, path, j->stage, c)))
        err = seal_stage(j, path, c);
    if (err == ERR_NOT_FOUND) { /* history has taken it meanwhile */
        j->n--;
        return 0;
    }
    return err;
}

/* Keys of ours and of certificates: whoever has one of these is us. */
static bool is_private(const char *name)
{
    struct slice s = slice_str(name);
    return begins(name, "secret.key") || slice_is(s, "key.pem") || slice_ends(s, "-key.pem") ||
           slice_ends(s, ".key");
}

/* Copy a file, or leave it out and say so; one that has gone meanwhile is none. */
static int copy_plain(struct backup_job *j, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (is_private(slash ? slash + 1 : path) && !j->with_keys && !j->encrypted) {
        backup_leave_out(j, path);
        return 0;
    }
    struct backup_file *c = backup_add_file(j, path);
    enum backup_how how = j->encrypted ? BACKUP_SEAL : BACKUP_PLAIN;
    int err = c ? backup_copy_file(j, how, path, c) : backup_fail(j, ERR_NOMEM, "out of memory");
    if (err == ERR_NOT_FOUND)
        j->n--;
    return err == ERR_NOT_FOUND ? 0 : err;
}

/* A copy of a copy would grow with each one, and nobody would look for it there. */
static int refuse_nested(struct backup_job *j, const char *folder)
{
    static const char *const marks[] = {BACKUP_MANIFEST, "catalog.db"};
    struct backup_path at, mark;
    struct stat st;
    backup_path_in(j->from, folder, &at);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (lstat(backup_path_in(at.text, marks[i], &mark), &st) == 0)
            return backup_fail(j, ERR_INVALID,
                               "%s is %s inside the data directory; move it out, then try again",
                               at.text, i ? "another data directory" : "a backup");
    }
    return 0;
}

static int copy_folder(struct backup_job *j, const char *folder, int depth);

static int copy_folders(struct backup_job *j, const char *folder, int depth)
{
    struct buf names = {0};
    struct backup_path from;
    int err = backup_list(j, backup_path_in(j->from, folder, &from), true, &names);
    for (const char *name = names.p; !err && name && name < names.p + names.n;
         name += strlen(name) + 1) {
        char path[BACKUP_PATH_PART];
        int n = snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", name);
        if (name[0] == '.' || (!*folder && is_journal(name)))
            continue;
        if (depth == BACKUP_DEPTH || n < 0 || (size_t)n >= sizeof path)
            err = backup_fail(j, ERR_INVALID, "%s/%s is nested too deep", from.text, name);
        else
            err = copy_folder(j, path, depth + 1);
    }
    buf_release(&names);
    return err;
}

static int copy_files(struct backup_job *j, const char *folder, const struct buf *names)
{
    int err = 0;
    for (const char *name = names->p; !err && name && name < names->p + names->n;
         name += strlen(name) + 1) {
        const char *next = name + strlen(name) + 1;
        bool segment = begins(name, "journal-");
        char path[BACKUP_PATH_PART];
        if (begins(name, "spare-"))
            continue; /* means nothing */
        if (is_journal(folder) && segment) {
            bool newest = next >= names->p + names->n || !begins(next, "journal-");
            err = copy_segment(j, folder, name, newest);
            continue;
        }
        int n = snprintf(path, sizeof path, "%s/%s", folder, name);
        err =
            n < 0 || (size_t)n >= sizeof path
                ? backup_fail(j, ERR_INVALID, "%s/%s/%s has too long a name", j->from, folder, name)
                : copy_plain(j, path);
    }
    return err;
}

static int copy_folder(struct backup_job *j, const char *folder, int depth)
{
    struct buf names = {0};
    struct backup_path from, to;
    int err = is_journal(folder) ? 0 : refuse_nested(j, folder);
    if (!err)
        err = backup_list(j, backup_path_in(j->from, folder, &from), false, &names);
    if (!err)
        err = backup_make_folder(j, folder);
    if (!err)
        err = copy_files(j, folder, &names);
    buf_release(&names);
    if (!err && !is_journal(folder))
        err = copy_folders(j, folder, depth);
    return err ? err : backup_sync(j, backup_path_in(j->to, folder, &to));
}

/* ---- databases ---- */

struct vacuum {
    struct backup_job *job;
    const char *name;
    struct backup_path to;
    uint64_t total;
};

static int on_steps(void *arg)
{
    struct vacuum *v = arg;
    struct stat st;
    if (stat(v->to.text, &st) == 0)
        backup_tell(v->job, v->name, (uint64_t)st.st_size, v->total);
    return 0;
}

/* One state of the database, into a file that is not there or empty. */
static int vacuum_into(struct vacuum *v, const char *from)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    int code = sqlite3_open_v2(from, &db, SQLITE_OPEN_READWRITE, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(db, 10000);
    if (code == SQLITE_OK) {
        sqlite3_progress_handler(db, 100000, on_steps, v);
        code = sqlite3_prepare_v2(db, "VACUUM INTO ?", -1, &s, NULL);
    }
    if (code == SQLITE_OK) {
        sqlite3_bind_text(s, 1, v->to.text, -1, SQLITE_STATIC);
        code = sqlite3_step(s);
    }
    int err = code == SQLITE_DONE ? 0 : db_map_error(code);
    if (err || code != SQLITE_DONE)
        err = backup_fail(v->job, err ? err : ERR_IO, "%s cannot be copied: %s", from,
                          sqlite3_errmsg(db));
    sqlite3_finalize(s);
    sqlite3_close(db);
    return err;
}

static int sync_database(struct backup_job *j, const char *path)
{
    int err = 0, fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || chmod(path, 0600) != 0 || fsync(fd) != 0)
        err = backup_fail_errno(j, "synced", path);
    if (fd >= 0)
        close(fd);
    return err;
}

static int copy_database(struct backup_job *j, const char *name)
{
    struct backup_path from;
    struct stat st;
    struct vacuum v = {.job = j, .name = name};
    backup_path_in(j->from, name, &from);
    if (j->encrypted)
        snprintf(v.to.text, sizeof v.to.text, "%s", j->stage);
    else
        backup_path_in(j->to, name, &v.to);
    if (stat(from.text, &st) != 0)
        return errno == ENOENT ? 0 : backup_fail_errno(j, "read", from.text);
    v.total = (uint64_t)st.st_size;
    int err = vacuum_into(&v, from.text);
    struct backup_file *c = err ? NULL : backup_add_file(j, name);
    if (!err && !c)
        err = backup_fail(j, ERR_NOMEM, "out of memory");
    if (err)
        return err;
    if (j->encrypted)
        return seal_stage(j, name, c);
    err = sync_database(j, v.to.text);
    return err ? err : backup_pass(j, BACKUP_PLAIN, v.to.text, NULL, name, c);
}

/* Beside the databases and what belongs to them: the configuration of this directory. */
static bool is_setting(const char *name)
{
    return strcmp(name, "lock") != 0 && strcmp(name, "reserve") != 0 &&
           !begins(name, "catalog.db") && !begins(name, "history.db") &&
           strcmp(name, BACKUP_MANIFEST) != 0 && name[0] != '.';
}

static int copy_settings(struct backup_job *j)
{
    struct buf names = {0};
    int err = backup_list(j, j->from, false, &names);
    for (const char *name = names.p; !err && name && name < names.p + names.n;
         name += strlen(name) + 1) {
        if (is_setting(name))
            err = copy_plain(j, name);
    }
    buf_release(&names);
    return err;
}

static int copy_all(struct backup_job *j)
{
    static const char *const journals[] = {"journal", "mqtt"};
    static const char *const databases[] = {"history.db", "catalog.db"};
    int err = 0;
    for (size_t i = 0; i < 2 && !err; i++)
        err = copy_folder(j, journals[i], 0);
    for (size_t i = 0; i < 2 && !err; i++)
        err = copy_database(j, databases[i]);
    if (!err)
        err = copy_settings(j);
    return err ? err : copy_folders(j, "", 0);
}

/* Neither inside the directory that is copied, nor inside another backup. */
static int check_place(struct backup_job *j, const char *to)
{
    struct backup_path parent, mark;
    snprintf(parent.text, sizeof parent.text, "%s", to);
    char *slash = strrchr(parent.text, '/');
    if (slash)
        slash[slash == parent.text] = 0;
    char *data = realpath(j->from, NULL), *at = realpath(slash ? parent.text : ".", NULL);
    size_t n = data ? strlen(data) : 0;
    int err = 0;
    if (data && at && begins(at, data) && (at[n] == '/' || !at[n]))
        err =
            backup_fail(j, ERR_INVALID,
                        "%s is inside the data directory %s; a backup goes elsewhere", to, j->from);
    while (!err && at && *at) {
        struct stat st;
        if (lstat(backup_path_in(at, BACKUP_MANIFEST, &mark), &st) == 0)
            err = backup_fail(j, ERR_INVALID, "%s is inside the backup %s; choose another place",
                              to, at);
        *strrchr(at, '/') = 0;
    }
    free(data);
    free(at);
    return err;
}

static int sync_parent(struct backup_job *j, const char *path)
{
    struct backup_path parent;
    snprintf(parent.text, sizeof parent.text, "%s", path);
    char *slash = strrchr(parent.text, '/');
    if (!slash)
        return backup_sync(j, ".");
    slash[slash == parent.text] = 0;
    return backup_sync(j, parent.text);
}

/* A random key, and who can open it. */
static int begin_encryption(struct backup_job *j, const struct envelope_locks *locks)
{
    struct buf why = {0};
    struct json_writer w;
    if (!locks)
        return 0;
    j->encrypted = j->report->encrypted = true;
    json_writer_init(&w, &j->locks, 0);
    randombytes_buf(j->key, sizeof j->key);
    int err = envelope_lock(&w, j->key, locks, &why);
    if (err)
        backup_fail(j, err, "%.*s", SLICE_ARG(buf_slice(&why)));
    buf_release(&why);
    return err;
}

static int check_make(struct backup_job *j, const char *to)
{
    struct backup_path p;
    struct stat st;
    if (stat(backup_path_in(j->from, "catalog.db", &p), &st) != 0)
        return backup_fail(j, ERR_NOT_FOUND, "%s is no data directory: it has no catalog.db",
                           j->from);
    if (lstat(to, &st) == 0)
        return backup_fail(j, ERR_EXISTS, "%s is there already; choose a new name", to);
    return check_place(j, to);
}

static int begin_make(struct backup_job *j, const char *to)
{
    snprintf(j->to, sizeof j->to, "%s.partial", to);
    if (mkdir(j->to, 0700) == 0)
        return 0;
    return errno == EEXIST ? backup_fail(j, ERR_EXISTS,
                                         "%s is there: another backup is under way, "
                                         "or one was cut short; remove it, then try again",
                                         j->to)
                           : backup_fail_errno(j, "made", j->to);
}

int backup_make(const char *data, const char *to, const struct backup_opts *opts,
                struct backup_report *ret)
{
    struct backup_job *j = backup_begin(data, opts->watch, ret);
    if (!j)
        return ERR_NOMEM;
    j->with_keys = opts->with_keys;
    ret->made_us = clock_now_us();
    int err = check_make(j, to);
    if (!err)
        err = begin_encryption(j, opts->locks);
    if (!err)
        err = begin_make(j, to);
    if (err)
        return backup_end(j, err);
    if (j->encrypted)
        err = begin_stage(j);
    if (!err)
        err = copy_all(j);
    end_stage(j);
    if (!err)
        err = backup_save_manifest(j);
    if (!err)
        err = backup_sync(j, j->to);
    if (!err && rename(j->to, to) != 0)
        err = backup_fail_errno(j, "renamed", j->to);
    if (err)
        backup_remove_copy(j);
    else
        err = sync_parent(j, to);
    return backup_end(j, err);
}
