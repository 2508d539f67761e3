/* backup_files.c - what every job of copying needs: names, lists, folders, the end. */
#include "store/backup_internal.h"

#include "base/err.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *backup_path_in(const char *dir, const char *name, struct backup_path *p)
{
    snprintf(p->text, sizeof p->text, "%s/%s", dir, name);
    return p->text;
}

int backup_fail(struct backup_job *j, int err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(j->report->why, sizeof j->report->why, format, args);
    va_end(args);
    return err;
}

int backup_fail_errno(struct backup_job *j, const char *what, const char *path)
{
    int number = errno;
    bool full = number == ENOSPC || number == EDQUOT || number == EIO || number == EROFS;
    return backup_fail(j, full ? ERR_STORAGE : ERR_IO, "%s cannot be %s: %s", path, what,
                       strerror(number));
}

void backup_tell(struct backup_job *j, const char *file, uint64_t done, uint64_t total)
{
    if (j->watch && j->watch->progress)
        j->watch->progress(j->watch->arg, file, done, total);
}

struct backup_file *backup_add_file(struct backup_job *j, const char *path)
{
    if (j->n == j->cap) {
        size_t cap = j->cap ? 2 * j->cap : 16;
        struct backup_file *more = realloc(j->files, cap * sizeof *more);
        if (!more)
            return NULL;
        j->files = more;
        j->cap = cap;
    }
    struct backup_file *c = &j->files[j->n++];
    *c = (struct backup_file){0};
    snprintf(c->path, sizeof c->path, "%s", path);
    return c;
}

int backup_sync(struct backup_job *j, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd < 0 || fsync(fd) != 0 ? backup_fail_errno(j, "synced", path) : 0;
    if (fd >= 0)
        close(fd);
    return err;
}

/* ---- directories ---- */

/* The names of a directory's files or folders, sorted; each ends with a zero. */
int backup_list(struct backup_job *j, const char *dir, bool folders, struct buf *out)
{
    struct dirent **list = NULL;
    struct backup_path p;
    int n = scandir(dir, &list, NULL, alphasort);
    if (n < 0)
        return errno == ENOENT ? 0 : backup_fail_errno(j, "listed", dir);
    for (int i = 0; i < n; i++) {
        const char *name = list[i]->d_name;
        struct stat st;
        bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        if (!dots && strlen(name) < BACKUP_PATH_PART / 2 &&
            lstat(backup_path_in(dir, name, &p), &st) == 0 &&
            (folders ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode))) {
            buf_add_str(out, name);
            buf_add_byte(out, 0);
        }
        free(list[i]);
    }
    free(list);
    return out->failed ? backup_fail(j, ERR_NOMEM, "out of memory") : 0;
}

struct backup_job *backup_begin(const char *from, const struct backup_watch *w,
                                struct backup_report *report)
{
    struct backup_job *j = calloc(1, sizeof *j);
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

int backup_end(struct backup_job *j, int err)
{
    for (size_t i = 0; i < j->n && !err; i++) {
        j->report->files++;
        j->report->bytes += j->files[i].bytes;
    }
    sodium_memzero(j->key, sizeof j->key);
    free(j->files);
    buf_release(&j->locks);
    buf_release(&j->folders);
    free(j);
    return err;
}

void backup_leave_out(struct backup_job *j, const char *path)
{
    struct backup_report *r = j->report;
    size_t used = strlen(r->left);
    if (used + strlen(path) + 3 < sizeof r->left)
        snprintf(r->left + used, sizeof r->left - used, "%s%s", used ? ", " : "", path);
    r->left_out++;
}

int backup_make_folder(struct backup_job *j, const char *folder)
{
    char path[BACKUP_PATH_PART];
    struct backup_path p;
    snprintf(path, sizeof path, "%s", folder);
    for (char *end = path; end; end = strchr(end + 1, '/')) {
        char *slash = strchr(end + 1, '/');
        if (slash)
            *slash = 0;
        if (mkdir(backup_path_in(j->to, path, &p), 0700) == 0) {
            buf_add(&j->folders, path, strlen(path) + 1);
        } else if (errno != EEXIST) {
            return backup_fail_errno(j, "made", p.text);
        }
        if (!slash)
            break;
        *slash = '/';
    }
    return j->folders.failed ? backup_fail(j, ERR_NOMEM, "out of memory") : 0;
}

/* What is left of a copy that failed: names of ours only, nothing is followed. */
void backup_remove_copy(struct backup_job *j)
{
    static const char *const more[] = {"history.db",         "history.db-journal", "catalog.db",
                                       "catalog.db-journal", BACKUP_SEALED,        BACKUP_MANIFEST};
    struct backup_path p;
    for (size_t i = 0; i < j->n; i++)
        unlink(backup_path_in(j->to, j->files[i].path, &p));
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        unlink(backup_path_in(j->to, more[i], &p));
    while (j->folders.n) { /* the last one that was made is the first to go */
        size_t at = j->folders.n - 1;
        while (at && j->folders.p[at - 1])
            at--;
        rmdir(backup_path_in(j->to, j->folders.p + at, &p));
        j->folders.n = at;
    }
    rmdir(j->to);
}
