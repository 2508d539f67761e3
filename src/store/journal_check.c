#include "store/journal_check.h"

#include "base/err.h"
#include "store/journal_format.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int ignore_record(void *arg, uint64_t seq, struct slice record)
{
    (void)arg, (void)seq, (void)record;
    return 0;
}

/* The segment's header, or the copy of it; ERR_CORRUPT when both are gone. */
static int read_header(int fd, struct journal_segment_header *ret)
{
    unsigned char bytes[JOURNAL_SEGMENT_HEADER];
    static const off_t places[] = {0, JOURNAL_SECOND_HEADER};
    int err = ERR_CORRUPT;
    for (size_t i = 0; i < 2 && err == ERR_CORRUPT; i++)
        if (pread(fd, bytes, sizeof bytes, places[i]) == sizeof bytes)
            err = journal_get_segment_header(bytes, ret);
    return err;
}

struct check {
    struct journal_opts opts;
    struct journal_recovery r;
};

static int check_file(struct check *c, const char *path, bool newest, uint64_t *ret_bytes)
{
    struct journal_segment_header h = {0};
    struct journal_segment_found found;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    int err = fstat(fd, &st) == 0 ? read_header(fd, &h) : ERR_IO;
    if (!err)
        c->opts.on_record = h.content == JOURNAL_RECORDS ? ignore_record : NULL;
    if (!err && !c->r.begun && !c->opts.from)
        c->opts.from = c->r.last_seq = c->r.kept_seq = c->r.used_seq = h.kept_seq;
    if (!err || err == ERR_CORRUPT)
        err = journal_recover_segment(&c->r, fd, (uint64_t)st.st_size, newest, &found);
    *ret_bytes = (uint64_t)st.st_size;
    close(fd);
    return err;
}

static void begin(struct check *c, uint64_t from)
{
    *c = (struct check){.opts = {.from = from}};
    c->r = (struct journal_recovery){.io = &journal_io_system,
                                     .opts = &c->opts,
                                     .last_seq = from,
                                     .kept_seq = from,
                                     .used_seq = from};
}

int journal_check_file(const char *path, bool *ret_damaged)
{
    struct check c;
    uint64_t bytes;
    begin(&c, 0);
    int err = check_file(&c, path, true, &bytes);
    if (!err)
        *ret_damaged = c.r.damaged_bytes > c.r.torn_bytes;
    journal_recovery_release(&c.r);
    return err;
}

static int is_segment(const struct dirent *e)
{
    return strncmp(e->d_name, "journal-", 8) == 0 && strlen(e->d_name) == 24;
}

int journal_check(const char *dir, uint64_t from, struct journal_health *ret,
                  void (*on_damage)(void *arg, const char *file, uint64_t bytes), void *arg)
{
    struct dirent **list = NULL;
    struct check c;
    int n = scandir(dir, &list, is_segment, alphasort), err = 0;
    if (n < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    *ret = (struct journal_health){0};
    begin(&c, from);
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        uint64_t bytes = 0, damage = c.r.damaged_bytes - c.r.torn_bytes;
        snprintf(path, sizeof path, "%s/%s", dir, list[i]->d_name);
        int one = err ? err : check_file(&c, path, i + 1 == n, &bytes);
        if (one != ERR_NOT_FOUND) { /* it was let go of meanwhile */
            err = one;
            ret->segments += !err;
            ret->bytes += bytes;
        }
        damage = c.r.damaged_bytes - c.r.torn_bytes - damage;
        if (damage && on_damage)
            on_damage(arg, list[i]->d_name, damage);
        free(list[i]);
    }
    free(list);
    ret->batches = c.r.batches;
    ret->readings = c.r.readings;
    ret->damaged_bytes = c.r.damaged_bytes - c.r.torn_bytes;
    ret->torn_bytes = c.r.torn_bytes;
    ret->missing_batches = c.r.missing_batches;
    ret->last_seq = c.r.last_seq;
    journal_recovery_release(&c.r);
    return err;
}
