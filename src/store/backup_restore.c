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
        struct backup_file seen = {0};
        int err = backup_copy_file(j, c->path, &seen);
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

int backup_verify(const char *from, const struct backup_watch *w, struct backup_report *ret)
{
    struct backup_job *j = backup_begin(from, w, ret);
    if (!j)
        return ERR_NOMEM;
    int err = backup_load_manifest(j);
    if (!err)
        err = verify_files(j);
    return backup_end(j, err);
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

int backup_restore(const char *from, const char *data, const struct backup_watch *w,
                   struct backup_report *ret)
{
    struct backup_job *j = backup_begin(from, w, ret);
    if (!j)
        return ERR_NOMEM;
    int err = backup_load_manifest(j);
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
