/* The system's own calls.  A file system that cannot allocate ahead gets a file with holes. */
#include "store/journal_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int io_open(void *arg, const char *path, int flags)
{
    (void)arg;
    return open(path, flags | O_CLOEXEC, 0600);
}

static ssize_t io_pread(void *arg, int fd, void *p, size_t n, off_t at)
{
    (void)arg;
    return pread(fd, p, n, at);
}

static ssize_t io_pwrite(void *arg, int fd, const void *p, size_t n, off_t at)
{
    (void)arg;
    return pwrite(fd, p, n, at);
}

static int io_fdatasync(void *arg, int fd)
{
    (void)arg;
    return fdatasync(fd);
}

static int io_sync_dir(void *arg, int fd)
{
    (void)arg;
    return fsync(fd);
}

static int io_allocate(void *arg, int fd, off_t n)
{
    (void)arg;
    if (fallocate(fd, 0, 0, n) == 0)
        return 0;
    return errno == EOPNOTSUPP || errno == ENOSYS ? ftruncate(fd, n) : -1;
}

static int io_truncate(void *arg, int fd, off_t n)
{
    (void)arg;
    return ftruncate(fd, n);
}

static int io_rename(void *arg, const char *from, const char *to)
{
    (void)arg;
    return rename(from, to);
}

static int io_unlink(void *arg, const char *path)
{
    (void)arg;
    return unlink(path);
}

static uint64_t io_room(void *arg, int fd)
{
    struct statvfs fs;
    (void)arg;
    return fstatvfs(fd, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : UINT64_MAX;
}

const struct journal_io journal_io_system = {
    .open = io_open,
    .pread = io_pread,
    .pwrite = io_pwrite,
    .fdatasync = io_fdatasync,
    .sync_dir = io_sync_dir,
    .allocate = io_allocate,
    .truncate = io_truncate,
    .rename = io_rename,
    .unlink = io_unlink,
    .room = io_room,
    .retry_ms = 1000,
};
