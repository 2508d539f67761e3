#include "server/datadir.h"

#include "base/buf.h"
#include "base/err.h"
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char why[512];

/* Every part of the path, like mkdir -p; the last one for its owner alone. */
static int make_all(const char *dir)
{
    char *path = strdup(dir);
    int err = path ? 0 : ERR_NOMEM;
    for (char *p = path; p && !err; p++) {
        if (*p && (*p != '/' || p == path))
            continue;
        bool last = !*p;
        *p = 0;
        if (mkdir(path, last ? 0700 : 0777) != 0 && errno != EEXIST) {
            snprintf(why, sizeof why, "the data directory %s cannot be made: %s", dir,
                     strerror(errno));
            err = ERR_IO;
        }
        if (last)
            break;
        *p = '/';
    }
    free(path);
    return err;
}

static void tell_owner(int fd, const char *dir)
{
    char pid[32] = "";
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? n : 0] = 0;
    long number = strtol(pid, NULL, 10);
    if (number > 0)
        snprintf(why, sizeof why,
                 "the data directory %s is in use by process %ld; end that one, or choose another "
                 "with --data DIR",
                 dir, number);
    else
        snprintf(
            why, sizeof why,
            "the data directory %s is in use by another process; choose another with --data DIR",
            dir);
}

/* Was a backup being put back into it when that was cut short? */
static bool is_half(const char *dir)
{
    struct buf b = {0};
    struct stat st;
    buf_addf(&b, "%s/" BACKUP_MARK, dir);
    char *path = buf_take(&b);
    bool half = path && stat(path, &st) == 0;
    free(path);
    if (half)
        snprintf(why, sizeof why,
                 "the data directory %s is half of a backup: putting it back was cut short; remove "
                 "the directory and restore again",
                 dir);
    return half;
}

int datadir_take(const char *dir, int *ret_fd, const char **ret_why)
{
    struct buf b = {0};
    char *path = NULL, pid[32];
    struct stat st;
    int fd = -1, err = make_all(dir), n;
    *ret_why = why;
    if (err)
        goto fail;
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        snprintf(why, sizeof why, "%s is not a directory; choose another with --data DIR", dir);
        err = ERR_IO;
        goto fail;
    }
    buf_addf(&b, "%s/lock", dir);
    path = buf_take(&b);
    err = path ? 0 : ERR_NOMEM;
    if (err)
        goto fail;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        snprintf(why, sizeof why, "nothing can be written in the data directory %s: %s", dir,
                 strerror(errno));
        err = ERR_IO;
        goto fail;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        err = errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO;
        if (err == ERR_BUSY)
            tell_owner(fd, dir);
        else
            snprintf(why, sizeof why, "the data directory %s cannot be locked: %s", dir,
                     strerror(errno));
        goto fail;
    }
    if (is_half(dir)) {
        err = ERR_CORRUPT;
        goto fail;
    }
    n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
        snprintf(why, sizeof why, "nothing can be written in the data directory %s: %s", dir,
                 strerror(errno));
        err = ERR_IO;
        goto fail;
    }
    free(path);
    *ret_fd = fd;
    return 0;
fail:
    if (err == ERR_NOMEM)
        snprintf(why, sizeof why, "out of memory");
    if (fd >= 0)
        close(fd);
    free(path);
    return err;
}
