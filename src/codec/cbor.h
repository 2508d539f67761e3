/* cbor.h - RFC 8949: a pull reader of CBOR, and its diagnostic notation.
 *
 * All pure: no threads, no blocking, nothing allocated but what the caller's arena or buffer grows.
 * What comes is checked to be well-formed, and text to be UTF-8; what it means is the caller's
 * business: tags come as events of their own, before what they tag, keys of a map may be anything,
 * and a key that stands twice comes twice.  At most CBOR_DEPTH levels.  A length is never believed
 * before its bytes are there. */
#ifndef CODEC_CBOR_H
#define CODEC_CBOR_H

#include "base/arena.h"
#include "base/buf.h"

enum { CBOR_DEPTH = 64 };

enum cbor_event {
    CBOR_END,      /* the input is over, between two items of the outermost level */
    CBOR_UINT,     /* number */
    CBOR_NEGATIVE, /* -1 - number */
    CBOR_BYTES,    /* text, chunked */
    CBOR_TEXT,     /* text, chunked */
    CBOR_ARRAY,
    CBOR_ARRAY_END,
    CBOR_MAP, /* keys and values in turn */
    CBOR_MAP_END,
    CBOR_TAG, /* number; the item follows, or another tag of it */
    CBOR_FALSE,
    CBOR_TRUE,
    CBOR_NULL,
    CBOR_UNDEFINED,
    CBOR_SIMPLE, /* number */
    CBOR_FLOAT,  /* real: of 16, 32 or 64 bits */
};

/* The tags of section 3.4 that have a meaning here. */
enum {
    CBOR_TAG_TIME_TEXT = 0,  /* RFC 3339 */
    CBOR_TAG_TIME_EPOCH = 1, /* seconds, whole or not */
    CBOR_TAG_BIG = 2,
    CBOR_TAG_BIG_NEGATIVE = 3,
    CBOR_TAG_DECIMAL = 4,
    CBOR_TAG_BIGFLOAT = 5,
    CBOR_TAG_CBOR = 55799, /* "this is CBOR": d9 d9 f7 */
};

struct cbor_level {
    uint64_t left; /* items to come; of no matter when open */
    bool map, open /* until a break */, value_next;
};

struct cbor_reader {
    struct slice input;
    size_t at;         /* offset of the next byte; after an error, of the item at fault */
    struct slice text; /* of the last string; of a chunked one with the heads of its chunks */
    bool chunked;      /* text came in chunks: cbor_text() */
    bool is_key;       /* the last event is a key of a map */
    bool sequence;     /* RFC 8742: items may follow one another */
    uint64_t number;
    double real;
    const char *error; /* what was wrong, a sentence without full stop; NULL while all is well */
    size_t items;      /* of the outermost level, begun so far */
    bool tagged;       /* a tag waits for its item */
    uint16_t depth;
    struct cbor_level stack[CBOR_DEPTH];
};

void cbor_reader_init(struct cbor_reader *r, struct slice input);

/* The next event; ERR_MALFORMED with r->error and r->at. */
int cbor_next(struct cbor_reader *r, enum cbor_event *ret);

/* After an event that opened an array or map: read to its end.  After a tag: read what it tags. */
int cbor_skip(struct cbor_reader *r, enum cbor_event opened);

/* A string in one piece: text itself, or its chunks joined in the arena (p NULL: no memory). */
struct slice cbor_text(struct arena *a, struct slice text, bool chunked);

/* How long is the first item of the input, its tags included? */
int cbor_item_size(struct slice input, size_t *ret_n);

/* Append an item, or a sequence of them, in diagnostic notation (section 8), cut after about max
 * bytes; what is not well-formed is appended in hexadecimal digits.  For people. */
void cbor_diagnose(struct buf *out, struct slice items, size_t max);

#endif
