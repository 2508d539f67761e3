/* body.h - the body of a message as events, whatever it is written in.
 *
 * What messages may say is told once, in ingest_body.c, in terms of these; JSON and CBOR differ
 * here and nowhere else.  Pure; a CBOR body's strings in chunks are joined in the caller's arena.
 * A body is copied to look ahead. */
#ifndef CORE_BODY_H
#define CORE_BODY_H

#include "base/err.h"
#include "codec/cbor.h"
#include "codec/json.h"

enum body_format { BODY_JSON, BODY_CBOR };

/* Those of JSON, and one more. */
enum body_event {
    BODY_END = JSON_END,
    BODY_OBJECT = JSON_OBJECT,
    BODY_OBJECT_END = JSON_OBJECT_END,
    BODY_ARRAY = JSON_ARRAY,
    BODY_ARRAY_END = JSON_ARRAY_END,
    BODY_KEY = JSON_KEY,
    BODY_STRING = JSON_STRING,
    BODY_NUMBER = JSON_NUMBER,
    BODY_TRUE = JSON_TRUE,
    BODY_FALSE = JSON_FALSE,
    BODY_NULL = JSON_NULL,
    BODY_OTHER, /* bytes, a large number of CBOR and the like: no value, and why() says so */
};

struct body {
    enum body_format format;
    size_t from;  /* where the last event began; in JSON spaces and a comma may stand before it */
    uint64_t tag; /* CBOR: the innermost tag of the last item, UINT64_MAX: none */
    const char *why; /* of BODY_OTHER, a sentence without full stop */
    enum cbor_event number;
    union {
        struct json_reader json;
        struct cbor_reader cbor;
    } as;
};

void body_init(struct body *b, enum body_format format, struct slice input);

static inline void body_copy(struct body *to, const struct body *from)
{
    if (from->format == BODY_JSON)
        memcpy(to, from, offsetof(struct body, as) + sizeof from->as.json);
    else
        *to = *from;
}

int body_next_cbor(struct body *b, enum body_event *ret); /* for body_next() */

/* The next event; ERR_MALFORMED with body_error() and body_at(). */
static inline int body_next(struct body *b, enum body_event *ret)
{
    enum json_event e;
    if (b->format == BODY_CBOR)
        return body_next_cbor(b, ret);
    b->from = b->as.json.at;
    int err = json_next(&b->as.json, &e);
    if (!err)
        *ret = (enum body_event)e;
    return err;
}

/* After an event that opened an object or array: read to its end.  After any other: nothing. */
static inline int body_skip(struct body *b, enum body_event opened)
{
    if (b->format == BODY_JSON)
        return json_skip(&b->as.json, (enum json_event)opened);
    return cbor_skip(&b->as.cbor, opened == BODY_OBJECT  ? CBOR_MAP
                                  : opened == BODY_ARRAY ? CBOR_ARRAY
                                                         : CBOR_NULL);
}

static inline size_t body_at(const struct body *b)
{
    return b->format == BODY_JSON ? b->as.json.at : b->as.cbor.at;
}

static inline const char *body_error(const struct body *b)
{
    return b->format == BODY_JSON ? b->as.json.error : b->as.cbor.error;
}

/* Are the characters of the last key or string more than a slice of the input? */
static inline bool body_is_plain(const struct body *b)
{
    return b->format == BODY_JSON ? !b->as.json.escaped : !b->as.cbor.chunked;
}

/* The characters of the last key or string; a may be NULL where it is plain.  p NULL: no memory. */
struct slice body_text(const struct body *b, struct arena *a);

/* The last number.  ERR_INVALID: it is none that we keep (1e999, NaN). */
int body_number(const struct body *b, struct value *ret);

/* The last number as a time: Unix milliseconds, or the seconds of CBOR's tag 1. */
int body_time(const struct body *b, int64_t *ret_us);
int body_time_of_ms(double ms, int64_t *ret_us); /* ERR_INVALID: out of all reason */

/* The bytes from there to where the reader is, without what only parts them from others. */
struct slice body_raw(const struct body *b, size_t from);

/* What a body is written in: CBOR when its media type says so ("application/cbor; charset=x" too)
 * or when it begins with the tag that says so (d9 d9 f7), which no text can. */
enum body_format body_format_of(struct slice media, struct slice payload);

#endif
