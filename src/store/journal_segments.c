/* See the top of journal.c for the rules that these functions keep. */
#include "store/journal_segments.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SPARES_LEAST = 2,
    SPARES_BYTES = 32 << 20, /* of small ones there may be more */
    SEGMENT_MIN = 4 * JOURNAL_PAGE,
    /* Where the disk says how large a file is: at most this part of what is free. */
    FIT_MOST = 64 << 20,
    FIT_LEAST = 4 << 20,
    FIT_PART = 64,
};

struct segment {
    uint64_t number;
    uint64_t size;
    uint64_t last_seq; /* 0: no batch in it */
};

struct segment_list {
    struct segment *items;
    size_t n, cap;
};

struct journal_segments {
    struct journal_io io;
    char *dir;
    int dir_fd;
    uint64_t segment_bytes;
    bool fits; /* segment_bytes follows the free space */
    uint32_t content;
    uint64_t next_number;
    struct segment_list sealed; /* in rising order of number */
    struct segment_list spares;
    bool dir_changed; /* names have changed since the directory was synced */

    int fd; /* of the current segment, -1: none */
    struct segment current;
    uint64_t id;
    uint64_t at;   /* where the next frame goes */
    bool cut_owed; /* what stands at `at` and behind must go before anything is written */
};

static int list_add(struct segment_list *l, struct segment s)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 8;
        struct segment *more = realloc(l->items, cap * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        l->items = more;
        l->cap = cap;
    }
    l->items[l->n++] = s;
    return 0;
}

static void list_remove(struct segment_list *l, size_t at)
{
    memmove(&l->items[at], &l->items[at + 1], (l->n - at - 1) * sizeof l->items[0]);
    l->n--;
}

static int by_number(const void *a, const void *b)
{
    const struct segment *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

struct path {
    char text[PATH_MAX];
};

static const char *path_of(const struct journal_segments *s, const char *kind, uint64_t number,
                           struct path *p)
{
    snprintf(p->text, sizeof p->text, "%s/%s-%016" PRIx64, s->dir, kind, number);
    return p->text;
}

/* errno of a failed call, never 0. */
static int failed(void)
{
    return errno ? errno : EIO;
}

static int write_all(struct journal_segments *s, int fd, const unsigned char *p, size_t n,
                     uint64_t at)
{
    while (n) {
        ssize_t done = s->io.pwrite(s->io.arg, fd, p, n, (off_t)at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? failed() : EIO;
        p += done;
        n -= (size_t)done;
        at += (uint64_t)done;
    }
    return 0;
}

static size_t spares_max(const struct journal_segments *s)
{
    uint64_t n = s->fits || s->content == JOURNAL_RECORDS ? SPARES_BYTES / s->segment_bytes : 0;
    return n > SPARES_LEAST ? (size_t)n : SPARES_LEAST;
}

/* Spares of another size, such as one that was being made, and too many of them go. */
static void sort_out_spares(struct journal_segments *s)
{
    for (size_t i = 0; i < s->spares.n;) {
        struct path path;
        if (s->spares.items[i].size == s->segment_bytes && i < spares_max(s)) {
            i++;
            continue;
        }
        s->io.unlink(s->io.arg, path_of(s, "spare", s->spares.items[i].number, &path));
        list_remove(&s->spares, i);
    }
}

/* How large the next file is to be.  Spares of another size go: where room has become scarce they
 * hold much of it. */
static void fit(struct journal_segments *s)
{
    if (!s->fits)
        return;
    uint64_t room = s->io.room ? s->io.room(s->io.arg, s->dir_fd) : UINT64_MAX;
    uint64_t bytes = FIT_MOST;
    while (bytes > FIT_LEAST && bytes > room / FIT_PART)
        bytes /= 2;
    if (bytes == s->segment_bytes)
        return;
    s->segment_bytes = bytes;
    sort_out_spares(s);
}

/* A segment whose batches are all in history: keep the file for another use, or remove it.  error,
 * and then it is still there. */
static int retire(struct journal_segments *s, const struct segment *g)
{
    struct path from, to;
    path_of(s, "journal", g->number, &from);
    s->dir_changed = true;
    if (g->size == s->segment_bytes && s->spares.n < spares_max(s)) {
        if (list_add(&s->spares, *g) != 0)
            return ENOMEM;
        if (s->io.rename(s->io.arg, from.text, path_of(s, "spare", g->number, &to)) == 0)
            return 0;
        s->spares.n--;
    }
    return s->io.unlink(s->io.arg, from.text) == 0 || errno == ENOENT ? 0 : failed();
}

void journal_segments_trim(struct journal_segments *s, uint64_t seq)
{
    fit(s);
    for (size_t i = 0; i < s->sealed.n;)
        if (s->sealed.items[i].last_seq <= seq && retire(s, &s->sealed.items[i]) == 0)
            list_remove(&s->sealed, i);
        else
            i++; /* a file that could not be removed is tried again next time */
}

void journal_segments_count(const struct journal_segments *s, uint64_t *ret_n, uint64_t *ret_bytes)
{
    uint64_t n = s->sealed.n + (s->fd >= 0), bytes = s->fd >= 0 ? s->current.size : 0;
    for (size_t i = 0; i < s->sealed.n; i++)
        bytes += s->sealed.items[i].size;
    for (size_t i = 0; i < s->spares.n; i++)
        bytes += s->spares.items[i].size;
    *ret_n = n;
    *ret_bytes = bytes;
}

/* The current segment takes no more frames. */
static int seal(struct journal_segments *s)
{
    if (s->fd < 0)
        return 0;
    if (list_add(&s->sealed, s->current) != 0)
        return ENOMEM;
    close(s->fd);
    s->fd = -1;
    return 0;
}

static int cut(struct journal_segments *s)
{
    int error = 0;
    if (s->io.truncate(s->io.arg, s->fd, (off_t)s->at) == 0) {
        s->current.size = s->at;
        if (s->io.fdatasync(s->io.arg, s->fd) == 0)
            return 0;
        error = failed();
    } else {
        error = failed();
    }
    static const unsigned char zeroes[JOURNAL_FRAME_HEADER];
    if (write_all(s, s->fd, zeroes, sizeof zeroes, s->at) == 0 &&
        s->io.fdatasync(s->io.arg, s->fd) == 0)
        return 0;
    return error;
}

int journal_segments_settle(struct journal_segments *s)
{
    if (!s->cut_owed)
        return 0;
    int error = cut(s);
    if (error)
        return error;
    s->cut_owed = false;
    return seal(s);
}

static int sync_dir(struct journal_segments *s)
{
    if (s->io.sync_dir(s->io.arg, s->dir_fd) != 0)
        return failed();
    s->dir_changed = false;
    return 0;
}

/* An open file of at least need bytes under a spare's name, which is stable: else a new header
 * could stand under the old name after a crash, before older segments. */
static int take_file(struct journal_segments *s, uint64_t need, struct segment *g, int *ret_fd)
{
    struct path path;
    if (!s->spares.n)
        fit(s);
    int error = s->dir_changed ? sync_dir(s) : 0;
    if (error)
        return error;
    if (need <= s->segment_bytes && s->spares.n) {
        *g = s->spares.items[s->spares.n - 1];
        int fd = s->io.open(s->io.arg, path_of(s, "spare", g->number, &path), O_RDWR);
        s->spares.n--;
        if (fd >= 0) {
            *ret_fd = fd;
            return 0;
        }
        s->io.unlink(s->io.arg, path.text);
    }
    g->number = s->next_number;
    g->size = need <= s->segment_bytes ? s->segment_bytes : need;
    path_of(s, "spare", g->number, &path);
    int fd = s->io.open(s->io.arg, path.text, O_RDWR | O_CREAT | O_TRUNC);
    if (fd < 0)
        return failed();
    if (s->io.allocate(s->io.arg, fd, (off_t)g->size) != 0) {
        error = failed();
        close(fd);
        s->io.unlink(s->io.arg, path.text);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

static uint64_t draw_id(void)
{
    uint64_t id = 0;
    while (id == 0)
        if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id)
            id = (uint64_t)clock_now_us() * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)getpid();
    return id;
}

/* Both headers, and zeroes where the first frame will be. */
static int write_header(struct journal_segments *s, int fd, const struct journal_segment_header *h)
{
    enum { BYTES = 2 * JOURNAL_PAGE };
    unsigned char *bytes = calloc(1, BYTES);
    if (!bytes)
        return ENOMEM;
    journal_put_segment_header(bytes, h);
    memcpy(bytes + JOURNAL_SECOND_HEADER, bytes, JOURNAL_SEGMENT_HEADER);
    int error = write_all(s, fd, bytes, BYTES, 0);
    free(bytes);
    if (!error && s->io.fdatasync(s->io.arg, fd) != 0)
        error = failed();
    return error;
}

static int begin(struct journal_segments *s, uint64_t base_seq, uint64_t kept_seq, uint64_t need)
{
    assert(s->fd < 0);
    struct segment g = {0};
    int fd = -1;
    int error = take_file(s, need, &g, &fd);
    if (error)
        return error;
    struct path spare, path;
    path_of(s, "spare", g.number, &spare);
    g.number = s->next_number++;
    g.last_seq = 0;
    path_of(s, "journal", g.number, &path);
    struct journal_segment_header h = {
        .number = g.number,
        .id = draw_id(),
        .base_seq = base_seq,
        .kept_seq = kept_seq,
        .created_us = clock_now_us(),
        .content = s->content,
    };
    const char *name = spare.text;
    error = write_header(s, fd, &h);
    if (!error && s->io.rename(s->io.arg, spare.text, path.text) != 0)
        error = failed();
    else if (!error)
        name = path.text;
    if (!error)
        error = sync_dir(s);
    if (error) { /* what was not synced is not tried again */
        close(fd);
        s->io.unlink(s->io.arg, name);
        return error;
    }
    s->fd = fd;
    s->current = g;
    s->id = h.id;
    s->at = JOURNAL_FIRST_FRAME;
    return 0;
}

int journal_segments_begin(struct journal_segments *s, uint64_t base_seq, uint64_t kept_seq)
{
    return begin(s, base_seq, kept_seq, 0);
}

int journal_segments_write(struct journal_segments *s, const struct journal_frame_header *h,
                           uint64_t kept_seq, unsigned char *bytes, size_t cap)
{
    assert(!s->cut_owed);
    uint64_t need = journal_frame_bytes(h->payload_bytes);
    int error = 0;
    if (s->fd >= 0 && s->at + need > s->current.size)
        error = seal(s);
    if (!error && s->fd < 0) {
        uint64_t pages = (need + JOURNAL_FIRST_FRAME + JOURNAL_PAGE - 1) / JOURNAL_PAGE;
        error = begin(s, h->first_seq, kept_seq, pages * JOURNAL_PAGE);
    }
    if (error)
        return error;

    struct journal_frame_header header = *h;
    header.id = s->id;
    journal_put_frame_header(bytes, &header);
    uint64_t end =
        (s->at + need + JOURNAL_FRAME_HEADER + JOURNAL_PAGE - 1) / JOURNAL_PAGE * JOURNAL_PAGE;
    if (end > s->current.size)
        end = s->current.size;
    size_t used = JOURNAL_FRAME_HEADER + h->payload_bytes, whole = (size_t)(end - s->at);
    assert(whole >= used && whole <= cap);
    memset(bytes + used, 0, whole - used);
    error = write_all(s, s->fd, bytes, whole, s->at);
    if (!error && s->io.fdatasync(s->io.arg, s->fd) != 0)
        error = failed();
    if (error) {
        s->cut_owed = true;
        journal_segments_settle(s);
        return error;
    }
    s->at += need;
    if (h->batches)
        s->current.last_seq = h->first_seq + h->batches - 1;
    return 0;
}

static int make_dir(const char *dir)
{
    if (mkdir(dir, 0700) != 0)
        return errno == EEXIST ? 0 : ERR_IO;
    char parent[PATH_MAX]; /* the name of the directory must last too */
    snprintf(parent, sizeof parent, "%s/..", dir);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    int err = fsync(fd) == 0 ? 0 : ERR_IO;
    close(fd);
    return err;
}

static bool read_name(const char *name, const char *kind, uint64_t *ret)
{
    size_t n = strlen(kind);
    if (strncmp(name, kind, n) != 0 || strlen(name) != n + 16)
        return false;
    char *end;
    errno = 0;
    *ret = strtoull(name + n, &end, 16);
    return *end == '\0' && errno == 0;
}

static int list_files(struct journal_segments *s)
{
    DIR *d = opendir(s->dir);
    if (!d)
        return ERR_IO;
    int err = 0;
    struct dirent *entry;
    while (!err && (entry = readdir(d))) {
        struct segment g = {0};
        struct stat st;
        bool spare = false;
        if (!read_name(entry->d_name, "journal-", &g.number)) {
            spare = read_name(entry->d_name, "spare-", &g.number);
            if (!spare)
                continue;
        }
        if (fstatat(dirfd(d), entry->d_name, &st, 0) != 0)
            err = ERR_IO;
        g.size = (uint64_t)st.st_size;
        if (g.number >= s->next_number)
            s->next_number = g.number + 1;
        if (!err)
            err = list_add(spare ? &s->spares : &s->sealed, g);
    }
    closedir(d);
    if (s->sealed.n)
        qsort(s->sealed.items, s->sealed.n, sizeof s->sealed.items[0], by_number);
    return err;
}

/* Replay one segment.  What is behind its last frame is given back to the file system: nothing will
 * be written there. */
static int recover(struct journal_segments *s, struct journal_recovery *r, size_t i)
{
    struct segment *g = &s->sealed.items[i];
    struct journal_segment_found found;
    struct path path;
    path_of(s, "journal", g->number, &path);
    int fd = s->io.open(s->io.arg, path.text, O_RDWR);
    if (fd < 0)
        return ERR_IO;
    int err = s->io.fdatasync(s->io.arg, fd) == 0 ? 0 : ERR_IO;
    if (!err)
        err = journal_recover_segment(r, fd, g->size, i + 1 == s->sealed.n, &found);
    if (err == ERR_UNSUPPORTED)
        log_error("journal",
                  "%s was written by a newer Doppel, or belongs to another directory of the data",
                  path.text);
    if (!err) {
        g->last_seq = found.last_seq;
        if (found.last_seq > r->opts->from && found.end < g->size &&
            s->io.truncate(s->io.arg, fd, (off_t)found.end) == 0)
            g->size = found.end;
    }
    close(fd);
    return err;
}

int journal_segments_open(const char *dir, size_t segment_bytes, struct journal_recovery *r,
                          struct journal_segments **ret)
{
    struct journal_segments *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NOMEM;
    s->io = *r->io;
    s->fd = s->dir_fd = -1;
    s->dir_changed = true;
    s->content = r->opts->on_record ? JOURNAL_RECORDS : JOURNAL_READINGS;
    s->next_number = 1;
    s->fits = !segment_bytes;
    s->segment_bytes = segment_bytes < SEGMENT_MIN ? SEGMENT_MIN : segment_bytes;
    s->segment_bytes = (s->segment_bytes + JOURNAL_PAGE - 1) / JOURNAL_PAGE * JOURNAL_PAGE;
    int err = ERR_NOMEM;
    s->dir = strdup(dir);
    if (!s->dir)
        goto fail;
    err = make_dir(dir);
    if (err)
        goto fail;
    err = ERR_IO;
    s->dir_fd = s->io.open(s->io.arg, dir, O_RDONLY | O_DIRECTORY);
    if (s->dir_fd < 0)
        goto fail;
    err = list_files(s);
    for (size_t i = 0; !err && i < s->sealed.n; i++)
        err = recover(s, r, i);
    if (err)
        goto fail;
    fit(s);
    sort_out_spares(s);
    journal_segments_trim(s, r->opts->from);
    *ret = s;
    return 0;
fail:
    journal_segments_close(s);
    return err;
}

void journal_segments_close(struct journal_segments *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    if (s->dir_fd >= 0)
        close(s->dir_fd);
    free(s->sealed.items);
    free(s->spares.items);
    free(s->dir);
    free(s);
}
