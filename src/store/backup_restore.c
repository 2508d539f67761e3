/* backup_restore.c - a backup held against its manifest, and put back. */
#include "store/backup_internal.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int verify_files(struct backup_job *j)
{
    for (size_t i = 0; i < j->n; i++) {
        const struct backup_file *c = &j->files[i];
        struct backup_file seen = {.bytes = c->bytes};
        int err = backup_copy_file(j, j->opened ? BACKUP_OPEN : BACKUP_PLAIN, c->path, &seen);
        if (err == ERR_NOT_FOUND)
            return backup_fail(j, ERR_CORRUPT, "%s/%s is missing", j->from, c->path);
        if (err)
            return err;
        if (seen.bytes != c->bytes)
            return backup_fail(j, ERR_CORRUPT, "%s/%s has %llu bytes instead of %llu", j->from,
                               c->path, (unsigned long long)seen.bytes,
                               (unsigned long long)c->bytes);
        if (strcmp(seen.sha256, c->sha256) != 0)
            return backup_fail(j, ERR_CORRUPT,
                               "%s/%s is damaged: its SHA-256 is not that of the manifest", j->from,
                               c->path);
    }
    return 0;
}

/* Load what is to be believed.  Whoever has a key for it expects an encrypted one. */
static int load(struct backup_job *j, const struct envelope_means *means)
{
    int err = backup_load_manifest(j, means);
    if (!err && !j->encrypted && means && (means->identities.n || means->passphrase.n))
        err =
            backup_fail(j, ERR_INVALID,
                        "%s is not encrypted, though a key for it was given: somebody may have put "
                        "it in the place of one that is.  If that is as it should be, give no key",
                        j->from);
    return err;
}

int backup_verify(const char *from, const struct envelope_means *means,
                  const struct backup_watch *w, struct backup_report *ret)
{
    struct backup_job *j = backup_begin(from, w, ret);
    if (!j)
        return ERR_NOMEM;
    int err = load(j, means);
    if (!err)
        err = verify_files(j);
    return backup_end(j, err);
}

int backup_about(const char *from, struct backup_report *ret)
{
    struct backup_job *j = backup_begin(from, NULL, ret);
    return j ? backup_end(j, backup_load_manifest(j, NULL)) : ERR_NOMEM;
}

static int rekey(struct backup_job *j, const struct envelope_means *means,
                 const struct envelope_locks *locks)
{
    struct buf why = {0};
    struct json_writer w;
    int err = backup_load_manifest(j, means);
    if (!err && !j->encrypted)
        err = backup_fail(j, ERR_INVALID, "%s is not encrypted", j->from);
    if (!err)
        err = backup_refuse_closed(j);
    if (!err) /* it opens; now what lies there, which the manifest in clear lists */
        err = backup_load_manifest(j, NULL);
    if (err)
        return err;
    buf_clear(&j->locks);
    json_writer_init(&w, &j->locks, 0);
    err = envelope_lock(&w, j->key, locks, &why);
    if (err)
        backup_fail(j, err, "%.*s", SLICE_ARG(buf_slice(&why)));
    buf_release(&why);
    return err ? err : backup_save_locks(j);
}

int backup_rekey(const char *from, const struct envelope_means *means,
                 const struct envelope_locks *locks, struct backup_report *ret)
{
    struct backup_job *j = backup_begin(from, NULL, ret);
    if (!j)
        return ERR_NOMEM;
    snprintf(j->to, sizeof j->to, "%s", from);
    return backup_end(j, rekey(j, means, locks));
}

/* True for a directory that is not there, or has nothing in it but the lock of who restores. */
static int check_target(struct backup_job *j, const char *data)
{
    struct buf names = {0};
    struct stat st;
    if (lstat(data, &st) != 0)
        return errno == ENOENT ? 0 : backup_fail_errno(j, "read", data);
    int err = backup_list(j, data, false, &names);
    if (!err)
        err = backup_list(j, data, true, &names);
    if (!err && names.n && !(strcmp(names.p, "lock") == 0 && names.n == sizeof "lock"))
        err = backup_fail(
            j, ERR_EXISTS,
            "%s is not empty; restore into a new directory, then start the server on it", data);
    buf_release(&names);
    return err;
}

static int make_folders(struct backup_job *j)
{
    int err = 0;
    for (size_t i = 0; i < j->n && !err; i++) {
        char folder[BACKUP_PATH_PART];
        snprintf(folder, sizeof folder, "%s", j->files[i].path);
        char *slash = strrchr(folder, '/');
        if (!slash)
            continue;
        *slash = 0;
        err = backup_make_folder(j, folder);
    }
    return err;
}

/* From here until end_restore() the directory is half of something, and says so. */
static int begin_restore(struct backup_job *j)
{
    struct backup_path p;
    if (mkdir(j->to, 0700) != 0 && errno != EEXIST)
        return backup_fail_errno(j, "made", j->to);
    int fd = open(backup_path_in(j->to, BACKUP_MARK, &p), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return backup_fail_errno(j, "written", p.text);
    close(fd);
    return backup_sync(j, j->to);
}

static int put_back(struct backup_job *j)
{
    int err = make_folders(j);
    if (!err)
        err = verify_files(j); /* reads again what it writes */
    for (const char *name = j->folders.p; !err && name && name < j->folders.p + j->folders.n;
         name += strlen(name) + 1) {
        struct backup_path p;
        err = backup_sync(j, backup_path_in(j->to, name, &p));
    }
    return err ? err : backup_sync(j, j->to);
}

/* Is nothing left of a copy but the mark and the lock of who restores? */
static bool is_bare(struct backup_job *j)
{
    struct buf names = {0};
    bool bare = backup_list(j, j->to, true, &names) == 0 && !names.n &&
                backup_list(j, j->to, false, &names) == 0;
    for (const char *name = names.p; bare && name && name < names.p + names.n;
         name += strlen(name) + 1)
        bare = strcmp(name, BACKUP_MARK) == 0 || strcmp(name, "lock") == 0;
    buf_release(&names);
    return bare;
}

/* All of it is there, or what is there goes, or the mark stays. */
static int end_restore(struct backup_job *j, int err)
{
    struct backup_path p;
    backup_path_in(j->to, BACKUP_MARK, &p);
    if (err) {
        backup_remove_copy(j);
        if (is_bare(j) && unlink(p.text) == 0)
            rmdir(j->to);
        return err;
    }
    if (unlink(p.text) != 0)
        return backup_fail_errno(j, "removed", p.text);
    return backup_sync(j, j->to);
}

int backup_restore(const char *from, const char *data, const struct envelope_means *means,
                   const struct backup_watch *w, struct backup_report *ret)
{
    struct backup_job *j = backup_begin(from, w, ret);
    if (!j)
        return ERR_NOMEM;
    int err = load(j, means);
    if (!err)
        err = backup_refuse_closed(j);
    if (!err)
        err = check_target(j, data);
    if (!err)
        err = verify_files(j); /* before anything is written */
    if (err)
        return backup_end(j, err);
    snprintf(j->to, sizeof j->to, "%s", data);
    err = begin_restore(j);
    if (!err)
        err = put_back(j);
    return backup_end(j, end_restore(j, err));
}
