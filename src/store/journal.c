/* The journal: what is acknowledged and has no other place yet.
 *
 * LAYOUT, version 1.  All numbers are little-endian.  The directory holds segments,
 * "journal-" and sixteen hexadecimal digits, their number; and spares, "spare-" and sixteen
 * digits, whose content means nothing.  A segment:
 *
 *      0   segment header, 64 bytes
 *   2048   the same again, should a sector be lost
 *   4096   frames, one behind the other, each at a multiple of 8
 *
 *   segment header                          frame
 *      0  8  "DPLJRNL" and a zero              0  4  "DJF1"
 *      8  4  version, 1                        4  4  bytes of the payload
 *     12  4  content: 0 readings, 1 records    8  8  the segment's id
 *     16  8  number                           16  8  sequence number of its first batch
 *     24  8  id: drawn at random at           24  4  batches
 *            each use of the file             28  4  readings
 *     32  8  sequence number of the           32  4  CRC-32C of the payload
 *            first batch to come              36  4  CRC-32C of bytes 0 to 35
 *     40  8  the last batch kept before       40     payload, then zeroes up to a multiple of 8
 *     48  8  made at, microseconds
 *     56  4  zero
 *     60  4  CRC-32C of bytes 0 to 59
 *
 * A payload is batches; a batch is a varint n and n readings; a reading is a byte (bits 0-2 type,
 * 3-4 quality, 5 the value of a boolean), the zigzag varint difference of its series and of its
 * time to the reading before in the payload (0 at the start), then eight bytes for a double, a
 * zigzag varint for a whole number, a varint length and the bytes of a text.  In a journal of
 * records a batch is a varint length and the bytes of one record, and no readings are counted.
 *
 * WRITING.  Appending encodes straight into the pending buffer, under a lock.  The journal's thread
 * takes the buffer, leaving an empty one, writes it as one frame with one pwrite and one fdatasync,
 * and reports it; what is appended meanwhile is the next frame.  Lazy records alone do not wake it:
 * they ride along with what comes next.  The write goes on with zeroes to
 * the end of a page, with room for a frame header at least: so no page is read before it is
 * written, and what a recycled file holds behind the last frame starts with zeroes.
 *
 * Files are allocated whole and used again: on ext4 over a virtual disk here a write of 64 KiB and
 * its fdatasync took 170 us at the end of a growing file, 155 us in an allocated one (the extent
 * has still to be marked as written) and 90 us over blocks written before.  O_DIRECT saved 10 us
 * more and was turned down: it needs aligned buffers and fails on some file systems.
 *
 * How large a file is, its owner says; or it is the 64th part of what is free on the disk, between
 * 4 and 64 MiB, so that a small disk is not filled with room for what may come.
 *
 * A new or recycled file gets its header under the name of a spare, is synced, then renamed, and
 * the directory is synced before a frame goes in.  So a file called journal-* always had a header,
 * whenever the program was killed.  The directory is also synced before a recycled file gets its
 * new header, so that this never stands under the file's old name.
 *
 * WHY RECOVERY IS RIGHT.  A frame counts when its id is the segment's and both checksums hold.
 * Stale frames of a recycled file carry another id.  A torn frame fails its checksum.  Nothing is
 * ever written over an acknowledged frame: a file is used again only when all its batches are in
 * history, and after every start a new file is begun.  Behind damage, the next frame is searched
 * for at every multiple of 8 up to the end of the file, so one bad sector costs only the frames in
 * it.  Within a segment sequence numbers have no gap, and each segment tells the last number kept
 * before it, so that missing batches are known as such (those before the first segment of a journal
 * of records are not: where it was trimmed to, its records tell).  What is replayed is synced
 * first: a crash between write and sync leaves frames in the page cache that nobody was told about.
 *
 * WHEN WRITING FAILS.  After a failed fdatasync the kernel may call pages clean that never reached
 * the disk, so nothing is tried twice in the same place.  The frame is cut off (ftruncate and
 * fdatasync; should that fail, its header is overwritten with zeroes), so that what was refused
 * does not come back after a restart; the segment ends there and the next frame goes to another.
 * Everything not yet reported is reported with ERR_STORAGE, and until an empty frame was written
 * and synced, tried once a second, appending answers ERR_STORAGE.  Should even the cutting fail, it
 * is tried again first thing every second and nothing is written before it worked; a process that
 * dies in that state may show the refused group again. */
#include "store/journal.h"

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/log.h"
#include "store/journal_segments.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum {
    PENDING_BYTES = 64 << 20,
    BUFFER_KEPT = 1 << 20, /* a buffer that grew larger is given back */
    LAZY_BYTES = 1 << 20,  /* so many lazy bytes do not wait any longer */
    /* Behind the payload: up to a multiple of 8, then zeroes; see journal_segments_write(). */
    BUFFER_SLACK = 8 + JOURNAL_FRAME_HEADER + JOURNAL_PAGE,
};

/* A frame in the making: room for its header, then the payload. */
struct frame_buffer {
    unsigned char *p;
    size_t n, cap;
    uint32_t batches, readings;
    struct journal_delta delta;
};

struct journal {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool has_thread;

    /* under the lock */
    struct frame_buffer pending;
    size_t in_flight; /* bytes that the thread is writing */
    size_t pending_max;
    uint64_t next_seq;
    uint64_t trim_seq;
    bool stop, failing, trim_wanted;
    bool urgent; /* of what is pending, something is waited for */
    struct journal_stats stats;

    /* the thread's own */
    struct frame_buffer writing;
    struct journal_segments *segments;
    uint64_t reported_seq; /* the last that on_synced was told of */
    uint64_t kept_seq;     /* the last on stable storage */
    int retry_ms;
    bool records;
    const char *what;
    void (*on_synced)(void *arg, uint64_t seq, int err);
    void *arg;
};

static void buffer_clear(struct frame_buffer *b)
{
    b->n = JOURNAL_FRAME_HEADER;
    b->batches = b->readings = 0;
    b->delta = (struct journal_delta){0};
}

static int buffer_reserve(struct frame_buffer *b, size_t n)
{
    size_t need = b->n + n + BUFFER_SLACK;
    if (need <= b->cap)
        return 0;
    size_t cap = b->cap ? b->cap : 64 << 10;
    while (cap < need)
        cap *= 2;
    unsigned char *more = realloc(b->p, cap);
    if (!more)
        return ERR_NOMEM;
    b->p = more;
    b->cap = cap;
    return 0;
}

/* Clear, and give memory back after a rare large group. */
static void buffer_reuse(struct frame_buffer *b)
{
    if (b->cap > BUFFER_KEPT && b->n < b->cap / 4) {
        free(b->p);
        b->p = NULL;
        b->cap = 0;
    }
    buffer_clear(b);
}

/* Room for a batch of at most bound bytes in the pending buffer.  Under the lock. */
static int reserve(struct journal *j, size_t bound)
{
    if (bound > j->pending_max)
        return ERR_TOO_LARGE;
    if (j->failing)
        return ERR_STORAGE;
    if (j->stop || j->pending.n + j->in_flight + bound > j->pending_max + JOURNAL_FRAME_HEADER)
        return ERR_OVERLOAD;
    return buffer_reserve(&j->pending, bound);
}

/* A batch has been put up to end.  Under the lock; true: the thread must be woken. */
static bool added(struct journal *j, const unsigned char *end, size_t readings, bool lazy,
                  uint64_t *ret_seq)
{
    struct frame_buffer *b = &j->pending;
    b->n = (size_t)(end - b->p);
    b->batches++;
    b->readings += (uint32_t)readings;
    *ret_seq = j->next_seq++;
    if (j->urgent || (lazy && b->n < LAZY_BYTES))
        return false;
    return j->urgent = true;
}

int journal_append(struct journal *j, const struct reading *readings, size_t n, uint64_t *ret_seq)
{
    size_t bound = journal_batch_bound(readings, n);
    if (!bound)
        return ERR_INVALID;
    assert(!j->records);
    bool wake = false;
    pthread_mutex_lock(&j->lock);
    struct frame_buffer *b = &j->pending;
    int err = reserve(j, bound);
    if (!err)
        wake = added(j, journal_put_batch(b->p + b->n, &b->delta, readings, n), n, false, ret_seq);
    pthread_mutex_unlock(&j->lock);
    if (wake)
        pthread_cond_signal(&j->wake);
    return err;
}

int journal_append_record(struct journal *j, struct slice record, bool lazy, uint64_t *ret_seq)
{
    if (!record.n || record.n > JOURNAL_RECORD_MAX)
        return record.n ? ERR_TOO_LARGE : ERR_INVALID;
    assert(j->records);
    bool wake = false;
    pthread_mutex_lock(&j->lock);
    int err = reserve(j, record.n + JOURNAL_VARINT_MAX);
    if (!err)
        wake = added(j, journal_put_record(j->pending.p + j->pending.n, record), 0, lazy, ret_seq);
    pthread_mutex_unlock(&j->lock);
    if (wake)
        pthread_cond_signal(&j->wake);
    return err;
}

void journal_hurry(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    bool wake = j->pending.batches && !j->urgent;
    j->urgent |= wake;
    pthread_mutex_unlock(&j->lock);
    if (wake)
        pthread_cond_signal(&j->wake);
}

/* Write the buffer as a frame and sync it. */
static int write_frame(struct journal *j, struct frame_buffer *b, uint64_t first_seq)
{
    struct journal_frame_header h = {
        .payload_bytes = (uint32_t)(b->n - JOURNAL_FRAME_HEADER),
        .first_seq = first_seq,
        .batches = b->batches,
        .readings = b->readings,
        .payload_crc = crc32c(0, b->p + JOURNAL_FRAME_HEADER, b->n - JOURNAL_FRAME_HEADER),
    };
    return journal_segments_write(j->segments, &h, j->kept_seq, b->p, b->cap);
}

static void note_segments(struct journal *j)
{
    journal_segments_count(j->segments, &j->stats.segments, &j->stats.segment_bytes);
}

/* After a failed group: refuse what waits too, and everything from now on. */
static void start_failing(struct journal *j, int error)
{
    pthread_mutex_lock(&j->lock);
    j->failing = true;
    j->stats.failures++;
    j->stats.last_error = ERR_STORAGE;
    j->stats.last_errno = error;
    buffer_reuse(&j->pending);
    j->urgent = false;
    uint64_t seq = j->next_seq - 1;
    note_segments(j);
    pthread_mutex_unlock(&j->lock);
    log_error("journal", "%s cannot be kept (%s) and are refused until they can", j->what,
              strerror(error));
    if (seq > j->reported_seq) {
        j->reported_seq = seq;
        if (j->on_synced)
            j->on_synced(j->arg, seq, ERR_STORAGE);
    }
}

/* Take what waits, write it, report it.  Called and returns with the lock held. */
static void write_group(struct journal *j)
{
    struct frame_buffer group = j->pending;
    j->pending = j->writing;
    j->writing = group;
    j->in_flight = group.n;
    j->urgent = false;
    uint64_t last_seq = j->next_seq - 1, first_seq = j->next_seq - group.batches;
    pthread_mutex_unlock(&j->lock);

    int error = write_frame(j, &j->writing, first_seq);
    buffer_reuse(&j->writing);

    pthread_mutex_lock(&j->lock);
    j->in_flight = 0;
    if (!error) {
        j->stats.batches += group.batches;
        j->stats.readings += group.readings;
        j->stats.bytes += group.n;
        j->stats.syncs++;
        note_segments(j);
    }
    pthread_mutex_unlock(&j->lock);

    if (error) {
        start_failing(j, error);
    } else {
        j->reported_seq = j->kept_seq = last_seq;
        if (j->on_synced)
            j->on_synced(j->arg, last_seq, 0);
    }
    pthread_mutex_lock(&j->lock);
}

/* Is the disk well again?  An empty frame tells.  Called and returns with the lock held. */
static void try_again(struct journal *j)
{
    uint64_t next_seq = j->next_seq;
    pthread_mutex_unlock(&j->lock);
    int error = journal_segments_settle(j->segments);
    if (!error) {
        buffer_clear(&j->writing);
        error = buffer_reserve(&j->writing, 0) ? ENOMEM : write_frame(j, &j->writing, next_seq);
    }
    if (!error)
        log_info("journal", "%s are kept again", j->what);
    pthread_mutex_lock(&j->lock);
    note_segments(j);
    j->stats.last_errno = error;
    if (error) {
        j->stats.failures++;
        return;
    }
    j->failing = false;
    j->stats.last_error = 0;
}

static void trim(struct journal *j)
{
    uint64_t seq = j->trim_seq;
    j->trim_wanted = false;
    pthread_mutex_unlock(&j->lock);
    journal_segments_trim(j->segments, seq);
    pthread_mutex_lock(&j->lock);
    note_segments(j);
}

static struct timespec in_ms(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000L;
    }
    return t;
}

/* While failing: wait until it is time to try again, or somebody wants something else. */
static void wait_and_try(struct journal *j)
{
    struct timespec due = in_ms(j->retry_ms);
    while (!j->stop && !j->trim_wanted)
        if (pthread_cond_timedwait(&j->wake, &j->lock, &due) == ETIMEDOUT) {
            try_again(j);
            return;
        }
    if (j->trim_wanted) {
        trim(j);
        try_again(j); /* it may have made room */
    }
}

static void *run(void *arg)
{
    struct journal *j = arg;
    pthread_setname_np(pthread_self(), "journal");
    pthread_mutex_lock(&j->lock);
    for (;;) {
        if (j->failing && !j->stop)
            wait_and_try(j);
        else if (!j->failing && j->pending.batches && (j->urgent || j->stop))
            write_group(j);
        else if (j->trim_wanted)
            trim(j);
        else if (j->stop)
            break;
        else
            pthread_cond_wait(&j->wake, &j->lock);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

static int start_thread(struct journal *j)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    int error = pthread_create(&j->thread, NULL, run, j);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    j->has_thread = error == 0;
    return error ? ERR_NOMEM : 0;
}

/* Replay what is there and make ready for writing. */
static int recover(struct journal *j, const char *dir, const struct journal_opts *opts,
                   const struct journal_io *io)
{
    struct journal_recovery r = {.io = io,
                                 .opts = opts,
                                 .last_seq = opts->from,
                                 .kept_seq = opts->from,
                                 .used_seq = opts->from};
    int err = journal_segments_open(dir, opts->segment_bytes, &r, &j->segments);
    journal_recovery_release(&r);
    if (err)
        return err;
    j->next_seq = r.used_seq + 1;
    j->reported_seq = r.used_seq;
    j->kept_seq = r.kept_seq;
    j->stats.damaged_bytes = r.damaged_bytes;
    j->stats.torn_bytes = r.torn_bytes;
    j->stats.missing_batches = r.missing_batches;
    if (r.damaged_bytes > r.torn_bytes || r.missing_batches)
        log_warn("journal", "%s is damaged: %llu bytes passed over, %llu batches missing", dir,
                 (unsigned long long)r.damaged_bytes, (unsigned long long)r.missing_batches);
    int error = journal_segments_begin(j->segments, j->next_seq, j->kept_seq);
    if (error == ENOSPC || error == EDQUOT) {
        start_failing(j, error); /* a full disk: start all the same, and wait for room */
        return 0;
    }
    note_segments(j);
    if (error)
        log_error("journal", "%s cannot be written to: %s", dir, strerror(error));
    return error ? ERR_IO : 0;
}

int journal_open_with(const char *dir, const struct journal_opts *opts, const struct journal_io *io,
                      struct journal **ret)
{
    struct journal *j = calloc(1, sizeof *j);
    if (!j)
        return ERR_NOMEM;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->wake, &attr);
    pthread_condattr_destroy(&attr);
    j->pending_max = opts->pending_bytes ? opts->pending_bytes : PENDING_BYTES;
    if (j->pending_max > 1u << 30)
        j->pending_max = 1u << 30; /* a frame counts its bytes in 32 bits */
    j->retry_ms = io->retry_ms;
    j->records = opts->on_record != NULL;
    j->what = opts->what ? opts->what : "readings";
    j->on_synced = opts->on_synced;
    j->arg = opts->arg;
    buffer_clear(&j->pending);
    buffer_clear(&j->writing);
    int err = recover(j, dir, opts, io);
    if (!err)
        err = start_thread(j);
    if (err) {
        journal_close(j);
        return err;
    }
    *ret = j;
    return 0;
}

int journal_open(const char *dir, const struct journal_opts *opts, struct journal **ret)
{
    return journal_open_with(dir, opts, &journal_io_system, ret);
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->has_thread) {
        pthread_mutex_lock(&j->lock);
        j->stop = true;
        pthread_mutex_unlock(&j->lock);
        pthread_cond_signal(&j->wake);
        pthread_join(j->thread, NULL);
    }
    journal_segments_close(j->segments);
    free(j->pending.p);
    free(j->writing.p);
    pthread_cond_destroy(&j->wake);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

void journal_trim(struct journal *j, uint64_t seq)
{
    pthread_mutex_lock(&j->lock);
    assert(seq < j->next_seq);
    if (seq > j->trim_seq) {
        j->trim_seq = seq;
        j->trim_wanted = true;
    }
    pthread_mutex_unlock(&j->lock);
    pthread_cond_signal(&j->wake);
}

void journal_stats(const struct journal *j, struct journal_stats *ret)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&j->lock; /* the lock is not the state */
    pthread_mutex_lock(lock);
    *ret = j->stats;
    pthread_mutex_unlock(lock);
}
