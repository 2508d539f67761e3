/* Reading a segment back: why what comes out is what was acknowledged is told in journal.c. */
#include "base/crc32c.h"
#include "base/err.h"
#include "store/journal_format.h"

#include <errno.h>
#include <stdlib.h>

enum { WINDOW = 1 << 20 };

struct scan {
    struct journal_recovery *r;
    struct journal_segment_found *found;
    int fd;
    uint64_t size;
    uint64_t expected_seq; /* of the next batch, if none is missing */
    int stopped;           /* what on_replay answered */
};

void journal_recovery_release(struct journal_recovery *r)
{
    free(r->window);
    journal_batch_release(&r->batch);
    r->window = NULL;
    r->window_cap = r->window_n = 0;
}

/* Fill p from the file; a page that cannot be read is taken for zeroes and counted. */
static void read_bytes(struct scan *s, unsigned char *p, size_t n, uint64_t at)
{
    const struct journal_io *io = s->r->io;
    size_t piece = n;
    while (n) {
        ssize_t got = io->pread(io->arg, s->fd, p, piece < n ? piece : n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got < 0 && piece > JOURNAL_PAGE) {
                piece = JOURNAL_PAGE;
                continue;
            }
            got = n < JOURNAL_PAGE ? (ssize_t)n : JOURNAL_PAGE;
            memset(p, 0, (size_t)got);
            s->r->damaged_bytes += (uint64_t)got;
        }
        p += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
}

/* n bytes at a place that is inside the file; they live until the next call.  NULL: no memory. */
static const unsigned char *bytes_at(struct scan *s, uint64_t at, size_t n)
{
    struct journal_recovery *r = s->r;
    if (at >= r->window_at && at + n <= r->window_at + r->window_n)
        return r->window + (at - r->window_at);
    uint64_t want = n > WINDOW ? n : WINDOW;
    if (want > s->size - at)
        want = s->size - at;
    if (want > r->window_cap) {
        unsigned char *more = realloc(r->window, (size_t)want);
        if (!more)
            return NULL;
        r->window = more;
        r->window_cap = (size_t)want;
    }
    read_bytes(s, r->window, (size_t)want, at);
    r->window_at = at;
    r->window_n = (size_t)want;
    return r->window;
}

/* The segment's header or its copy; should both be gone, the first frame tells the id. */
static int read_header(struct scan *s)
{
    struct journal_segment_found *found = s->found;
    uint64_t head = s->size < JOURNAL_FIRST_FRAME ? s->size : JOURNAL_FIRST_FRAME;
    const unsigned char *p = bytes_at(s, 0, (size_t)head);
    if (!p)
        return ERR_NOMEM;
    int err = ERR_CORRUPT;
    if (head >= JOURNAL_SEGMENT_HEADER)
        err = journal_get_segment_header(p, &found->header);
    if (err && head >= JOURNAL_SECOND_HEADER + JOURNAL_SEGMENT_HEADER) {
        int other = journal_get_segment_header(p + JOURNAL_SECOND_HEADER, &found->header);
        if (other != ERR_CORRUPT) {
            if (err == ERR_CORRUPT)
                s->r->damaged_bytes += JOURNAL_SEGMENT_HEADER;
            err = other;
        }
    }
    if (err != ERR_CORRUPT)
        return err;
    s->r->damaged_bytes += head;
    if (s->size < JOURNAL_FIRST_FRAME + JOURNAL_FRAME_HEADER)
        return ERR_CORRUPT;
    p = bytes_at(s, JOURNAL_FIRST_FRAME, JOURNAL_FRAME_HEADER);
    if (!p)
        return ERR_NOMEM;
    struct journal_frame_header frame;
    if (!journal_get_frame_header(p, &frame))
        return ERR_CORRUPT;
    found->header = (struct journal_segment_header){
        .id = frame.id,
        .base_seq = frame.first_seq,
        .kept_seq = frame.first_seq - 1,
        .content = s->r->opts->on_record ? JOURNAL_RECORDS : JOURNAL_READINGS};
    return 0;
}

/* Batches after seq and before next were kept, and are not here. */
static void count_missing(struct journal_recovery *r, uint64_t seq, uint64_t next)
{
    if (seq < r->opts->from)
        seq = r->opts->from;
    if (next > seq + 1)
        r->missing_batches += next - seq - 1;
}

static void lift(uint64_t *seq, uint64_t to)
{
    *seq = to > *seq ? to : *seq;
}

/* Read the next batch, or record, and hand it on when it is new. */
static int take_batch(struct scan *s, struct slice *payload, struct journal_delta *delta,
                      uint64_t seq)
{
    struct journal_recovery *r = s->r;
    const struct journal_opts *o = r->opts;
    struct slice record = {NULL, 0};
    int err = o->on_record ? journal_get_record(payload, &record)
                           : journal_get_batch(payload, delta, &r->batch);
    if (err)
        return err;
    s->found->last_seq = seq;
    s->expected_seq = seq + 1;
    lift(&r->kept_seq, seq);
    lift(&r->used_seq, seq);
    if (seq <= r->last_seq)
        return 0;
    r->last_seq = seq;
    r->batches++;
    r->readings += o->on_record ? 0 : r->batch.n;
    if (o->on_record)
        s->stopped = o->on_record(o->arg, seq, record);
    else if (o->on_replay)
        s->stopped = o->on_replay(o->arg, seq, r->batch.readings, r->batch.n);
    return 0;
}

/* Hand on the batches of an intact frame that are new. */
static int deliver(struct scan *s, const struct journal_frame_header *h, struct slice payload)
{
    struct journal_recovery *r = s->r;
    struct journal_delta delta = {0};
    if (h->batches)
        count_missing(r, s->expected_seq - 1, h->first_seq);
    for (uint32_t i = 0; i < h->batches; i++) {
        int err = take_batch(s, &payload, &delta, h->first_seq + i);
        if (err || s->stopped)
            return err;
    }
    return payload.n ? ERR_CORRUPT : 0;
}

/* Is there an intact frame of this segment at this place?  ERR_CORRUPT when not; *ret_bytes is how
 * far to go on in either case, 8 when nothing is known. */
static int take_frame(struct scan *s, uint64_t at, uint64_t *ret_bytes)
{
    struct journal_frame_header h;
    const unsigned char *p = bytes_at(s, at, JOURNAL_FRAME_HEADER);
    *ret_bytes = 8;
    if (!p)
        return ERR_NOMEM;
    if (!journal_get_frame_header(p, &h) || h.id != s->found->header.id ||
        h.payload_bytes > s->size - at - JOURNAL_FRAME_HEADER)
        return ERR_CORRUPT;
    p = bytes_at(s, at, JOURNAL_FRAME_HEADER + (size_t)h.payload_bytes);
    if (!p)
        return ERR_NOMEM;
    *ret_bytes = journal_frame_bytes(h.payload_bytes);
    p += JOURNAL_FRAME_HEADER;
    if (crc32c(0, p, h.payload_bytes) != h.payload_crc)
        return ERR_CORRUPT;
    return deliver(s, &h, slice_of((const char *)p, h.payload_bytes));
}

/* How much behind the last intact frame was once written in this use of the file: up to a stretch
 * of zeroes as long as a header, or to a frame of an earlier use. */
static int measure_tail(struct scan *s, uint64_t from, uint64_t *ret)
{
    uint64_t at = from, zeroes = 0;
    if (s->size - from >= JOURNAL_FRAME_HEADER) {
        struct journal_frame_header h;
        const unsigned char *p = bytes_at(s, from, JOURNAL_FRAME_HEADER);
        if (!p)
            return ERR_NOMEM;
        if (journal_get_frame_header(p, &h) && h.id == s->found->header.id)
            at += journal_frame_bytes(h.payload_bytes);
    }
    if (at >= s->size) {
        *ret = s->size - from;
        return 0;
    }
    while (at + 8 <= s->size && zeroes < JOURNAL_FRAME_HEADER) {
        size_t n = s->size - at < JOURNAL_FRAME_HEADER ? 8 : JOURNAL_FRAME_HEADER;
        const unsigned char *p = bytes_at(s, at, n);
        if (!p)
            return ERR_NOMEM;
        struct journal_frame_header h;
        if (n == JOURNAL_FRAME_HEADER && journal_get_frame_header(p, &h) &&
            h.id != s->found->header.id)
            break;
        static const unsigned char none[8];
        zeroes = memcmp(p, none, 8) == 0 ? zeroes + 8 : 0;
        at += 8;
    }
    *ret = at - zeroes - from;
    if (at < s->size && s->size - at < 8) { /* cut in the middle of a word */
        const unsigned char *p = bytes_at(s, at, 1);
        if (!p)
            return ERR_NOMEM;
        *ret += *p != 0;
    }
    return 0;
}

/* The first place at or behind `at` where a frame may begin; behind the file when there is none. */
static int find_frame(struct scan *s, uint64_t at, uint64_t *ret)
{
    while (at + JOURNAL_FRAME_HEADER <= s->size) {
        const unsigned char *p = bytes_at(s, at, JOURNAL_FRAME_HEADER);
        if (!p)
            return ERR_NOMEM;
        size_t n = (size_t)(s->r->window_at + s->r->window_n - at); /* as much as is there */
        for (size_t i = 0; i + JOURNAL_FRAME_HEADER <= n; i += 8)
            if (journal_is_frame(p + i)) {
                *ret = at + i;
                return 0;
            }
        at += (n - JOURNAL_FRAME_HEADER) / 8 * 8 + 8;
    }
    *ret = at;
    return 0;
}

static int scan_frames(struct scan *s, bool newest)
{
    uint64_t at = JOURNAL_FIRST_FRAME, end = at;
    while (at + JOURNAL_FRAME_HEADER <= s->size) {
        uint64_t bytes;
        int err = take_frame(s, at, &bytes);
        if (s->stopped || (err && err != ERR_CORRUPT))
            return s->stopped ? s->stopped : err;
        if (!err) {
            s->r->damaged_bytes += at - end;
            end = at + bytes;
        }
        at += bytes;
        if (err && (err = find_frame(s, at, &at)))
            return err;
    }
    uint64_t tail;
    int err = end < s->size ? measure_tail(s, end, &tail) : (tail = 0, 0);
    if (err)
        return err;
    s->r->damaged_bytes += tail;
    s->r->torn_bytes += newest ? tail : 0;
    s->found->end = end < s->size ? end : s->size;
    return 0;
}

int journal_recover_segment(struct journal_recovery *r, int fd, uint64_t size, bool newest,
                            struct journal_segment_found *ret)
{
    *ret = (struct journal_segment_found){.end = JOURNAL_FIRST_FRAME};
    struct scan s = {.r = r, .found = ret, .fd = fd, .size = size};
    r->window_n = 0;
    if (size < JOURNAL_FIRST_FRAME)
        r->damaged_bytes += JOURNAL_FIRST_FRAME - size;
    if (size == 0)
        return 0;
    int err = read_header(&s);
    if (err == ERR_CORRUPT) { /* nothing in it can be told from what it held before */
        r->damaged_bytes += size > JOURNAL_FIRST_FRAME ? size - JOURNAL_FIRST_FRAME : 0;
        return 0;
    }
    if (!err && ret->header.content != (r->opts->on_record ? JOURNAL_RECORDS : JOURNAL_READINGS))
        err = ERR_UNSUPPORTED;
    if (err)
        return err;
    /* where a journal of records was trimmed to, only its records tell */
    if (r->begun || !r->opts->on_record)
        count_missing(r, r->kept_seq, ret->header.kept_seq + 1);
    r->begun = true;
    lift(&r->kept_seq, ret->header.kept_seq);
    lift(&r->used_seq, ret->header.base_seq - 1);
    s.expected_seq = ret->header.base_seq;
    return scan_frames(&s, newest);
}
