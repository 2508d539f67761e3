/* journal_format.h - bytes of the journal: headers, frames, readings; and reading a segment back.
 *
 * Private to the store.  The layout is told at the top of journal.c.  Numbers are little-endian. */
#ifndef STORE_JOURNAL_FORMAT_H
#define STORE_JOURNAL_FORMAT_H

#include "store/journal_io.h"

enum {
    JOURNAL_VERSION = 1,
    JOURNAL_PAGE = 4096,
    JOURNAL_FIRST_FRAME = 4096,
    JOURNAL_SEGMENT_HEADER = 64,
    JOURNAL_SECOND_HEADER = 2048, /* where the copy stands */
    JOURNAL_FRAME_HEADER = 40,
    JOURNAL_READING_MAX = 26, /* bytes of one without its text */
    JOURNAL_VARINT_MAX = 10,
    JOURNAL_RECORD_MAX = 1 << 29,
};

enum journal_content { JOURNAL_READINGS, JOURNAL_RECORDS };

struct journal_segment_header {
    uint64_t number;   /* rises from segment to segment, never used twice */
    uint64_t id;       /* drawn anew at each use of a file; frames carry it */
    uint64_t base_seq; /* of the first batch to come */
    uint64_t kept_seq; /* the last batch on stable storage when this segment began */
    int64_t created_us;
    uint32_t content; /* enum journal_content */
};

struct journal_frame_header {
    uint32_t payload_bytes;
    uint64_t id;
    uint64_t first_seq;
    uint32_t batches, readings;
    uint32_t payload_crc;
};

/* What the differences within a frame are taken against; all zeroes at its start. */
struct journal_delta {
    uint32_t series;
    int64_t t_us;
};

void journal_put_segment_header(unsigned char out[static JOURNAL_SEGMENT_HEADER],
                                const struct journal_segment_header *h);
/* ERR_CORRUPT: not one; ERR_UNSUPPORTED: intact, of a newer program. */
int journal_get_segment_header(const unsigned char in[static JOURNAL_SEGMENT_HEADER],
                               struct journal_segment_header *ret);
void journal_put_frame_header(unsigned char out[static JOURNAL_FRAME_HEADER],
                              const struct journal_frame_header *h);
bool journal_get_frame_header(const unsigned char in[static JOURNAL_FRAME_HEADER],
                              struct journal_frame_header *ret);

/* Do these four bytes begin a frame header? */
static inline bool journal_is_frame(const unsigned char *p)
{
    return p[0] == 'D' && p[1] == 'J' && p[2] == 'F' && p[3] == '1';
}

/* Where the frame behind this one starts. */
static inline uint64_t journal_frame_bytes(uint64_t payload_bytes)
{
    return (JOURNAL_FRAME_HEADER + payload_bytes + 7) & ~UINT64_C(7);
}

/* The most that a batch can need; 0 when it is not one: empty, a value without type, a text or
 * quality out of bounds. */
size_t journal_batch_bound(const struct reading *readings, size_t n);
unsigned char *journal_put_batch(unsigned char *out, struct journal_delta *delta,
                                 const struct reading *readings, size_t n); /* its end */

struct journal_batch {
    struct reading *readings;
    size_t n, cap;
};

/* The next batch of a payload; texts point into it.  ERR_CORRUPT, ERR_NOMEM. */
int journal_get_batch(struct slice *payload, struct journal_delta *delta, struct journal_batch *b);
void journal_batch_release(struct journal_batch *b);

/* The same for a record, of at most JOURNAL_RECORD_MAX bytes; it points into the payload. */
unsigned char *journal_put_record(unsigned char *out, struct slice record);
int journal_get_record(struct slice *payload, struct slice *ret);

/* Reading back.  What it carries, opts tell. */
struct journal_recovery {
    const struct journal_io *io;
    const struct journal_opts *opts;
    uint64_t last_seq; /* the highest delivered; from at the start */
    uint64_t kept_seq; /* the highest known to have been kept; from at the start */
    uint64_t used_seq; /* the highest known to have been given out; from at the start */
    bool begun;        /* a segment has been read */
    uint64_t batches, readings, damaged_bytes, torn_bytes, missing_batches;
    struct journal_batch batch;
    unsigned char *window; /* bytes of the file from window_at on */
    uint64_t window_at;
    size_t window_n, window_cap;
};

struct journal_segment_found {
    struct journal_segment_header header; /* id 0: nothing of it is known */
    uint64_t last_seq;                    /* 0: no batch in it */
    uint64_t end;                         /* behind the last intact frame */
};

/* Deliver what the file of size bytes holds.  newest: an unfinished write at the end is to be
 * expected.  Damage is counted, not an error; ERR_UNSUPPORTED (also: it carries something else),
 * ERR_NOMEM, what on_replay or on_record answered. */
int journal_recover_segment(struct journal_recovery *r, int fd, uint64_t size, bool newest,
                            struct journal_segment_found *ret);
void journal_recovery_release(struct journal_recovery *r);

#endif
