/* journal_sim.h - a disk that fails and a power that goes, for tests of the journal.
 *
 * Files are real, and hold what the program sees.  Beside that the simulation knows what is on
 * stable storage: writes become stable at fdatasync, names at the sync of the directory.  Any call
 * can be made to fail; a failed fdatasync makes some sectors stable, loses the others for good and
 * calls all of them clean.  When the power goes, at a call chosen before, every later call fails;
 * sim_restart() then leaves in the directory what a machine may find: stable bytes, and of what was
 * not synced any sectors, and any first part of the changes of names.  Included by tests only. */
#ifndef STORE_JOURNAL_SIM_H
#define STORE_JOURNAL_SIM_H

#include "store/journal_io.h"
#include "store/journal_testing.h"

#include <errno.h>
#include <fcntl.h>

enum { SIM_FILES = 64, SIM_FDS = 256, SIM_OPS = 4096, SIM_SECTOR = 512, SIM_FILE_MAX = 1 << 20 };

struct sim_op {
    int file;
    enum { SIM_WRITE, SIM_SIZE } kind;
    size_t at, n;
    unsigned char *bytes;
};

struct sim_file {
    unsigned char *stable; /* SIM_FILE_MAX bytes */
    size_t stable_n;
};

/* Names now, and changes of names that are not stable. */
struct sim_name {
    char name[64];
    int file;
};

struct sim_change {
    char from[64], to[64]; /* from empty: made; to empty: removed */
    int file;
};

struct sim {
    pthread_mutex_t lock;
    unsigned seed;
    long calls, fail_at, fail_n, power_at; /* 0: never */
    int error;                             /* of the failing calls */
    bool short_writes, dead;
    atomic_bool *tally_dead;
    char dir[64];
    struct sim_file files[SIM_FILES];
    int files_n;
    int of_fd[SIM_FDS];
    struct sim_op ops[SIM_OPS];
    int ops_n;
    struct sim_name stable_names[SIM_FILES];
    int stable_names_n;
    struct sim_name names[SIM_FILES];
    int names_n;
    struct sim_change changes[SIM_FILES];
    int changes_n;
};

/* Does this call fail?  Sets errno. */
TESTING bool sim_fails(struct sim *s)
{
    s->calls++;
    if (s->calls == s->power_at) {
        s->dead = true;
        *s->tally_dead = true;
    }
    bool chosen = s->fail_at && s->calls >= s->fail_at && s->calls < s->fail_at + s->fail_n;
    if (!s->dead && !chosen)
        return false;
    errno = s->dead ? EIO : s->error;
    return true;
}

TESTING const char *sim_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

TESTING struct sim_name *sim_find(struct sim_name *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i].name, name) == 0)
            return &names[i];
    return NULL;
}

/* Make a change of names in a list of them. */
TESTING void sim_change(struct sim_name *names, int *n, const struct sim_change *c)
{
    struct sim_name *gone = c->from[0] ? sim_find(names, *n, c->from) : NULL;
    if (gone)
        *gone = names[--*n];
    if (!c->to[0])
        return;
    struct sim_name *there = sim_find(names, *n, c->to);
    if (!there) {
        there = &names[*n];
        ++*n;
    }
    snprintf(there->name, sizeof there->name, "%s", c->to);
    there->file = c->file;
}

TESTING void sim_note(struct sim *s, const char *from, const char *to, int file)
{
    struct sim_change c = {.file = file};
    snprintf(c.from, sizeof c.from, "%s", from);
    snprintf(c.to, sizeof c.to, "%s", to);
    s->changes[s->changes_n++] = c;
    sim_change(s->names, &s->names_n, &c);
    if (s->changes_n == SIM_FILES) { /* old changes become stable by themselves */
        sim_change(s->stable_names, &s->stable_names_n, &s->changes[0]);
        memmove(s->changes, s->changes + 1, sizeof s->changes[0] * (size_t)--s->changes_n);
    }
}

TESTING void sim_op(struct sim *s, struct sim_op op, const void *bytes)
{
    op.bytes = op.n ? malloc(op.n) : NULL;
    if (op.n)
        memcpy(op.bytes, bytes, op.n);
    assert_true(s->ops_n < SIM_OPS);
    s->ops[s->ops_n++] = op;
}

/* Make an operation stable, all of it or any sectors. */
TESTING void sim_apply(struct sim *s, const struct sim_op *op, bool all)
{
    struct sim_file *f = &s->files[op->file];
    if (op->kind == SIM_SIZE) {
        if (!all && rand_r(&s->seed) % 2)
            return;
        if (op->at > f->stable_n)
            memset(f->stable + f->stable_n, 0, op->at - f->stable_n);
        f->stable_n = op->at;
        return;
    }
    for (size_t at = op->at; at < op->at + op->n;) {
        size_t end = (at / SIM_SECTOR + 1) * SIM_SECTOR;
        if (end > op->at + op->n)
            end = op->at + op->n;
        if (all || rand_r(&s->seed) % 2) {
            if (at > f->stable_n)
                memset(f->stable + f->stable_n, 0, at - f->stable_n);
            memcpy(f->stable + at, op->bytes + (at - op->at), end - at);
            if (end > f->stable_n)
                f->stable_n = end;
        }
        at = end;
    }
}

/* All that waits for a file goes to stable storage, or some of it. */
TESTING void sim_settle(struct sim *s, int file, bool all)
{
    int kept = 0;
    for (int i = 0; i < s->ops_n; i++) {
        if (s->ops[i].file != file && file >= 0) {
            s->ops[kept++] = s->ops[i];
            continue;
        }
        sim_apply(s, &s->ops[i], all);
        free(s->ops[i].bytes);
    }
    s->ops_n = kept;
}

TESTING int sim_open(void *arg, const char *path, int flags)
{
    struct sim *s = arg;
    pthread_mutex_lock(&s->lock);
    int fd = sim_fails(s) ? -1 : open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0 && !(flags & O_DIRECTORY)) {
        struct sim_name *name = sim_find(s->names, s->names_n, sim_base(path));
        int file = name ? name->file : s->files_n;
        if (!name) {
            assert_true(s->files_n < SIM_FILES);
            s->files[s->files_n++].stable = calloc(1, SIM_FILE_MAX);
            sim_note(s, "", sim_base(path), file);
        } else if (flags & O_TRUNC) {
            sim_op(s, (struct sim_op){.file = file, .kind = SIM_SIZE}, NULL);
        }
        s->of_fd[fd] = file;
    }
    pthread_mutex_unlock(&s->lock);
    return fd;
}

TESTING ssize_t sim_pread(void *arg, int fd, void *p, size_t n, off_t at)
{
    struct sim *s = arg;
    pthread_mutex_lock(&s->lock);
    ssize_t got = sim_fails(s) ? -1 : pread(fd, p, n, at);
    pthread_mutex_unlock(&s->lock);
    return got;
}

TESTING ssize_t sim_pwrite(void *arg, int fd, const void *p, size_t n, off_t at)
{
    struct sim *s = arg;
    pthread_mutex_lock(&s->lock);
    bool fails = sim_fails(s);
    if (fails && !s->dead && rand_r(&s->seed) % 2) { /* some of it came through all the same */
        size_t part = (size_t)rand_r(&s->seed) % (n + 1);
        if (part && pwrite(fd, p, part, at) == (ssize_t)part)
            sim_op(s, (struct sim_op){s->of_fd[fd], SIM_WRITE, (size_t)at, part, NULL}, p);
        errno = s->error;
    }
    if (!fails && s->short_writes && n > 1)
        n = 1 + (size_t)rand_r(&s->seed) % n;
    ssize_t done = fails ? -1 : pwrite(fd, p, n, at);
    if (done > 0)
        sim_op(s, (struct sim_op){s->of_fd[fd], SIM_WRITE, (size_t)at, (size_t)done, NULL}, p);
    pthread_mutex_unlock(&s->lock);
    return done;
}

TESTING int sim_fdatasync(void *arg, int fd)
{
    struct sim *s = arg;
    pthread_mutex_lock(&s->lock);
    bool fails = sim_fails(s);
    if (!s->dead)
        sim_settle(s, s->of_fd[fd], !fails);
    if (fails)
        errno = s->dead ? EIO : s->error;
    pthread_mutex_unlock(&s->lock);
    return fails ? -1 : 0;
}

TESTING int sim_sync_dir(void *arg, int fd)
{
    (void)fd;
    struct sim *s = arg;
    pthread_mutex_lock(&s->lock);
    bool fails = sim_fails(s);
    for (int i = 0; !fails && i < s->changes_n; i++)
        sim_change(s->stable_names, &s->stable_names_n, &s->changes[i]);
    s->changes_n = fails ? s->changes_n : 0;
    pthread_mutex_unlock(&s->lock);
    return fails ? -1 : 0;
}

TESTING int sim_size(void *arg, int fd, off_t n)
{
    struct sim *s = arg;
    pthread_mutex_lock(&s->lock);
    int err = sim_fails(s) ? -1 : ftruncate(fd, n);
    if (!err)
        sim_op(s, (struct sim_op){.file = s->of_fd[fd], .kind = SIM_SIZE, .at = (size_t)n}, NULL);
    pthread_mutex_unlock(&s->lock);
    return err;
}

TESTING int sim_rename(void *arg, const char *from, const char *to)
{
    struct sim *s = arg;
    pthread_mutex_lock(&s->lock);
    int err = sim_fails(s) ? -1 : rename(from, to);
    if (!err) {
        struct sim_name *name = sim_find(s->names, s->names_n, sim_base(from));
        assert_non_null(name);
        sim_note(s, sim_base(from), sim_base(to), name->file);
    }
    pthread_mutex_unlock(&s->lock);
    return err;
}

TESTING int sim_unlink(void *arg, const char *path)
{
    struct sim *s = arg;
    pthread_mutex_lock(&s->lock);
    int err = sim_fails(s) ? -1 : unlink(path);
    if (!err)
        sim_note(s, sim_base(path), "", 0);
    pthread_mutex_unlock(&s->lock);
    return err;
}

TESTING struct journal_io sim_io(struct sim *s)
{
    return (struct journal_io){
        .arg = s,
        .open = sim_open,
        .pread = sim_pread,
        .pwrite = sim_pwrite,
        .fdatasync = sim_fdatasync,
        .sync_dir = sim_sync_dir,
        .allocate = sim_size,
        .truncate = sim_size,
        .rename = sim_rename,
        .unlink = sim_unlink,
        .retry_ms = 1,
    };
}

TESTING struct sim *sim_new(const char *dir, unsigned seed, atomic_bool *tally_dead)
{
    struct sim *s = calloc(1, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    snprintf(s->dir, sizeof s->dir, "%s", dir);
    s->seed = seed;
    s->error = EIO;
    s->fail_n = 1;
    s->tally_dead = tally_dead;
    return s;
}

/* What the machine finds after the power went. */
TESTING void sim_restart(struct sim *s)
{
    sim_settle(s, -1, false);
    int kept = s->changes_n ? rand_r(&s->seed) % (s->changes_n + 1) : 0;
    for (int i = 0; i < kept; i++)
        sim_change(s->stable_names, &s->stable_names_n, &s->changes[i]);
    testing_remove_dir(s->dir);
    assert_int_equal(mkdir(s->dir, 0700), 0);
    for (int i = 0; i < s->stable_names_n; i++) {
        char path[160];
        const struct sim_file *f = &s->files[s->stable_names[i].file];
        snprintf(path, sizeof path, "%s/%s", s->dir, s->stable_names[i].name);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, f->stable, f->stable_n), f->stable_n);
        close(fd);
    }
}

TESTING void sim_free(struct sim *s)
{
    for (int i = 0; i < s->ops_n; i++)
        free(s->ops[i].bytes);
    for (int i = 0; i < s->files_n; i++)
        free(s->files[i].stable);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

#endif
