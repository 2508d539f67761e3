/* disk_sim.h - a disk that fails and a power that goes, under everything that writes: SQLite too.
 *
 * The calls of the system that change files are defined here, in the test's own program, and so
 * come before those of the C library, for the libraries that it uses as well.  Outside the
 * directory under test they only pass on.  Inside it they are counted, and any can be made to fail;
 * a write that fails has often written a part.
 *
 * Files are real, and hold what the program sees.  Beside that the simulation knows what is on
 * stable storage: bytes become stable at fsync, names at that of the directory; a failed fsync
 * makes some sectors stable and loses the others for good.  When the power goes, at a call chosen
 * before, every later call fails; disk_restart() then leaves in the directory what a machine may
 * find: stable bytes and names, and of what was not synced any sectors and any names.  The power
 * works for a directory without folders and renames.  One thread.  Included by tests only. */
#ifndef STORE_DISK_SIM_H
#define STORE_DISK_SIM_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DISK __attribute__((unused)) static

enum {
    DISK_FILES = 16,
    DISK_FDS = 256,
    DISK_OPS = 1 << 14,
    DISK_SECTOR = 512,
    DISK_OUTSIDE = -1, /* not in the directory under test */
    DISK_INSIDE = -2,  /* in it, but a folder, or a file whose bytes no power loss keeps */
};

struct disk_file {
    char name[64];
    bool there, kept; /* the name: now, on stable storage */
    unsigned char *stable;
    size_t stable_n, stable_cap;
};

struct disk_op {
    int file;
    bool is_size; /* the file becomes `at` bytes long; else n bytes are written there */
    size_t at, n;
    unsigned char *bytes;
};

static struct disk {
    char dir[64]; /* empty: nothing is simulated */
    unsigned seed;
    long calls, fail_at, fail_n, power_at; /* 0: never */
    int error;                             /* of the failing calls */
    bool dead;
    struct disk_file files[DISK_FILES];
    int files_n;
    struct disk_op ops[DISK_OPS];
    int ops_n;
    int of_fd[DISK_FDS]; /* DISK_*, or the number of a file, each + 1: 0 is outside */
} disk;

DISK bool disk_draw(void)
{
    return rand_r(&disk.seed) % 2;
}

DISK bool disk_fails(void)
{
    disk.calls++;
    if (disk.calls == disk.power_at)
        disk.dead = true;
    bool chosen =
        disk.fail_at && disk.calls >= disk.fail_at && disk.calls - disk.fail_at < disk.fail_n;
    if (!disk.dead && !chosen)
        return false;
    errno = disk.dead ? EIO : disk.error;
    return true;
}

/* ---- what is stable ---- */

DISK void disk_resize(struct disk_file *f, size_t n)
{
    if (n > f->stable_cap) {
        f->stable_cap = 2 * n;
        f->stable = realloc(f->stable, f->stable_cap);
        assert_non_null(f->stable);
    }
    if (n > f->stable_n)
        memset(f->stable + f->stable_n, 0, n - f->stable_n);
    f->stable_n = n;
}

/* Make an operation stable, all of it or any sectors. */
DISK void disk_apply(const struct disk_op *op, bool all)
{
    struct disk_file *f = &disk.files[op->file];
    if (op->is_size) {
        if (all || disk_draw())
            disk_resize(f, op->at);
        return;
    }
    for (size_t at = op->at, end; at < op->at + op->n; at = end) {
        end = (at / DISK_SECTOR + 1) * DISK_SECTOR;
        end = end < op->at + op->n ? end : op->at + op->n;
        if (!all && disk_draw())
            continue;
        if (end > f->stable_n)
            disk_resize(f, end);
        memcpy(f->stable + at, op->bytes + (at - op->at), end - at);
    }
}

/* All that waits for a file (-1: any) goes to stable storage, or some of it. */
DISK void disk_settle(int file, bool all)
{
    int kept = 0;
    for (int i = 0; i < disk.ops_n; i++) {
        if (file >= 0 && disk.ops[i].file != file) {
            disk.ops[kept++] = disk.ops[i];
            continue;
        }
        disk_apply(&disk.ops[i], all);
        free(disk.ops[i].bytes);
    }
    disk.ops_n = kept;
}

DISK void disk_note(struct disk_op op, const void *bytes)
{
    if (op.file < 0)
        return;
    if (op.n) {
        op.bytes = malloc(op.n);
        assert_non_null(op.bytes);
        memcpy(op.bytes, bytes, op.n);
    }
    assert_true(disk.ops_n < DISK_OPS);
    disk.ops[disk.ops_n++] = op;
}

/* ---- names ---- */

DISK bool disk_is_inside(const char *path)
{
    size_t n = strlen(disk.dir);
    return n && strncmp(path, disk.dir, n) == 0 && (path[n] == '/' || !path[n]);
}

/* The number of a file directly in the directory, which is made; or DISK_*. */
DISK int disk_find(const char *path)
{
    if (!disk_is_inside(path))
        return DISK_OUTSIDE;
    const char *name = path + strlen(disk.dir);
    size_t n = strlen(name);
    if (n < 2 || n > sizeof disk.files[0].name || strchr(name + 1, '/') ||
        (n > 4 && strcmp(name + n - 4, "-shm") == 0))
        return DISK_INSIDE;
    for (int i = 0; i < disk.files_n; i++)
        if (strcmp(disk.files[i].name, name + 1) == 0)
            return i;
    assert_true(disk.files_n < DISK_FILES);
    struct disk_file *f = &disk.files[disk.files_n];
    *f = (struct disk_file){0};
    snprintf(f->name, sizeof f->name, "%s", name + 1);
    return disk.files_n++;
}

DISK int disk_of(int fd)
{
    return fd >= 0 && fd < DISK_FDS && *disk.dir ? disk.of_fd[fd] - 1 : DISK_OUTSIDE;
}

/* ---- the calls ---- */

DISK int disk_open(const char *path, int flags, mode_t mode)
{
    int file = disk_find(path);
    struct stat st;
    bool new = file >= 0 && flags &O_CREAT &&stat(path, &st) != 0;
    if (file != DISK_OUTSIDE && flags & O_CREAT && disk_fails())
        return -1;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fd < 0 || fd >= DISK_FDS)
        return fd;
    disk.of_fd[fd] = file + 1;
    if (file < 0)
        return fd;
    if (new || flags & O_TRUNC)
        disk_note((struct disk_op){.file = file, .is_size = true}, NULL);
    disk.files[file].there = true;
    return fd;
}

#define DISK_OPEN(name)                                                                            \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, flags);                                                                     \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;                    \
        va_end(args);                                                                              \
        return disk_open(path, flags, mode);                                                       \
    }
int open(const char *path, int flags, ...);
int open64(const char *path, int flags, ...);
DISK_OPEN(open)
DISK_OPEN(open64)

DISK ssize_t disk_write(int fd, const void *p, size_t n, off_t at)
{
    int file = disk_of(fd);
    bool fails = file != DISK_OUTSIDE && disk_fails();
    int error = errno;
    if (fails) {
        n = disk.dead || disk_draw() ? 0 : (size_t)rand_r(&disk.seed) % (n + 1);
        if (!n)
            return -1;
    }
    ssize_t done = syscall(SYS_pwrite64, fd, p, n, at);
    if (done > 0)
        disk_note((struct disk_op){.file = file, .at = (size_t)at, .n = (size_t)done}, p);
    errno = fails ? error : errno;
    return fails ? -1 : done;
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
    return disk_write(fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return disk_write(fd, p, n, at);
}

DISK int disk_truncate(int fd, off_t n)
{
    int file = disk_of(fd);
    if (file != DISK_OUTSIDE && disk_fails())
        return -1;
    int err = (int)syscall(SYS_ftruncate, fd, n);
    if (!err)
        disk_note((struct disk_op){.file = file, .is_size = true, .at = (size_t)n}, NULL);
    return err;
}

int ftruncate64(int fd, off_t n)
{
    return disk_truncate(fd, n);
}

int ftruncate(int fd, off_t n)
{
    return disk_truncate(fd, n);
}

DISK int disk_sync(int fd)
{
    int file = disk_of(fd);
    if (file == DISK_OUTSIDE)
        return (int)syscall(SYS_fdatasync, fd);
    bool fails = disk_fails();
    int error = errno;
    if (file >= 0 && !disk.dead)
        disk_settle(file, !fails);
    for (int i = 0; file == DISK_INSIDE && !fails && i < disk.files_n; i++)
        disk.files[i].kept = disk.files[i].there;
    errno = error;
    return fails ? -1 : 0;
}

int fdatasync(int fd)
{
    return disk_sync(fd);
}

int fsync(int fd)
{
    return disk_sync(fd);
}

int unlink(const char *path)
{
    int file = disk_find(path);
    if (file != DISK_OUTSIDE && disk_fails())
        return -1;
    int err = (int)syscall(SYS_unlink, path);
    if (!err && file >= 0) {
        disk.files[file].there = false;
        disk_note((struct disk_op){.file = file, .is_size = true}, NULL);
    }
    return err;
}

int rename(const char *from, const char *to)
{
    if (disk_is_inside(to) && disk_fails())
        return -1;
    return (int)syscall(SYS_rename, from, to);
}

/* SQLite waits for others who are not there. */
int usleep(useconds_t us)
{
    return *disk.dir ? 0
                     : (int)syscall(SYS_nanosleep, &(struct timespec){.tv_nsec = us * 1000L}, NULL);
}

/* ---- for the test ---- */

DISK void disk_end(void)
{
    for (int i = 0; i < disk.ops_n; i++)
        free(disk.ops[i].bytes);
    for (int i = 0; i < disk.files_n; i++)
        free(disk.files[i].stable);
    disk = (struct disk){0};
}

/* From now on the directory, an empty one, is on the simulated disk. */
DISK void disk_begin(const char *dir, unsigned seed)
{
    disk_end();
    disk.seed = seed;
    disk.error = EIO;
    snprintf(disk.dir, sizeof disk.dir, "%s", dir);
}

/* The disk works again. */
DISK void disk_heal(void)
{
    disk.fail_at = disk.power_at = 0;
}

/* What the machine finds after the power went; the simulation ends. */
DISK void disk_restart(void)
{
    disk_settle(-1, false);
    for (int i = 0; i < disk.files_n; i++) {
        const struct disk_file *f = &disk.files[i];
        char path[160];
        snprintf(path, sizeof path, "%s/%s-shm", disk.dir, f->name); /* memory, not a file */
        syscall(SYS_unlink, path);
        snprintf(path, sizeof path, "%s/%s", disk.dir, f->name);
        syscall(SYS_unlink, path);
        if (f->there != f->kept ? disk_draw() : !f->there)
            continue;
        int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(syscall(SYS_pwrite64, fd, f->stable, f->stable_n, 0), f->stable_n);
        syscall(SYS_close, fd);
    }
    disk_end();
}

#endif
