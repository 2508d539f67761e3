#include "os/file.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static _Thread_local int last_errno;

static int failed(int err)
{
    last_errno = errno;
    return err;
}

static int read_all(int fd, size_t max, struct buf *out)
{
    for (size_t total = 0;;) {
        char *p = buf_reserve(out, 65536);
        if (!p)
            return ERR_NOMEM;
        ssize_t n = read(fd, p, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(ERR_IO);
        if (n == 0)
            return 0;
        out->n += (size_t)n;
        total += (size_t)n;
        if (total > max)
            return ERR_TOO_LARGE;
    }
}

int file_read(const char *path, size_t max, struct buf *out)
{
    size_t before = out->n;
    bool input = strcmp(path, "-") == 0;
    int fd = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return failed(errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO);
    int err = read_all(fd, max, out);
    if (!input)
        close(fd);
    if (err)
        out->n = before;
    return err;
}

const char *file_why(int err)
{
    if (err == ERR_NOMEM)
        return "out of memory";
    if (err == ERR_TOO_LARGE)
        return "it is too large";
    return last_errno ? strerror(last_errno) : err_info(err)->text;
}

static int write_all(int fd, struct slice bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(ERR_IO);
        bytes = slice_skip(bytes, (size_t)n);
    }
    return fsync(fd) ? failed(ERR_IO) : 0;
}

static char *directory_of(const char *path)
{
    struct buf b = {0};
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') /* of a directory itself */
        n--;
    const char *slash = memrchr(path, '/', n);
    if (slash)
        buf_add(&b, path, (size_t)(slash - path) + 1);
    else
        buf_add_str(&b, ".");
    return buf_take(&b);
}

int file_give(const char *path)
{
    struct stat st;
    if (geteuid() != 0)
        return 0;
    char *dir = directory_of(path);
    int err = !dir                                                             ? ERR_NOMEM
              : stat(dir, &st) != 0 || lchown(path, st.st_uid, st.st_gid) != 0 ? failed(ERR_IO)
                                                                               : 0;
    free(dir);
    return err;
}

/* The new name is as durable as the bytes only when the directory was synced, too. */
static int sync_directory(const char *path)
{
    char *dir = directory_of(path);
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int err = !dir ? ERR_NOMEM : fd < 0 || fsync(fd) != 0 ? failed(ERR_IO) : 0;
    if (fd >= 0)
        close(fd);
    free(dir);
    return err;
}

int file_write(const char *path, struct slice bytes, unsigned mode)
{
    struct buf b = {0};
    buf_addf(&b, "%s.new", path);
    char *fresh = buf_take(&b);
    if (!fresh)
        return ERR_NOMEM;
    unlink(fresh); /* of a write that was cut short; its mode might be another */
    int err = 0, fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0) {
        err = failed(ERR_IO);
        goto done;
    }
    err = write_all(fd, bytes);
    if (close(fd) != 0 && !err)
        err = failed(ERR_IO);
    if (!err && rename(fresh, path) != 0)
        err = failed(ERR_IO);
    if (err)
        unlink(fresh);
    else
        err = sync_directory(path);
done:
    free(fresh);
    return err;
}
