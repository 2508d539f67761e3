/* body.c - what is CBOR's own about a body, and what both have in common. */
#include "core/body.h"

#include <math.h>

void body_init(struct body *b, enum body_format format, struct slice input)
{
    /* a reader of CBOR is large, and nothing of it is touched for JSON */
    b->format = format;
    b->from = 0;
    b->tag = UINT64_MAX;
    b->why = NULL;
    if (format == BODY_JSON)
        json_reader_init(&b->as.json, input);
    else
        cbor_reader_init(&b->as.cbor, input);
}

/* ---- CBOR ---- */

static enum body_event other(struct body *b, const char *why)
{
    b->why = why;
    return BODY_OTHER;
}

/* An array or a string under a tag that makes a number of it is no array or string here. */
static enum body_event tagged_number(struct body *b, enum cbor_event e, int *err)
{
    *err = cbor_skip(&b->as.cbor, e);
    return other(b, b->tag == CBOR_TAG_BIG || b->tag == CBOR_TAG_BIG_NEGATIVE
                        ? "a big number (tags 2 and 3) is no value: send 64 bits or a float"
                        : "a decimal fraction or big float (tags 4 and 5) is no value: send a "
                          "number or a float");
}

static enum body_event translate(struct body *b, enum cbor_event e, int *err)
{
    static const enum body_event same[] = {
        [CBOR_END] = BODY_END,         [CBOR_UINT] = BODY_NUMBER,
        [CBOR_NEGATIVE] = BODY_NUMBER, [CBOR_FLOAT] = BODY_NUMBER,
        [CBOR_TEXT] = BODY_STRING,     [CBOR_ARRAY] = BODY_ARRAY,
        [CBOR_MAP] = BODY_OBJECT,      [CBOR_ARRAY_END] = BODY_ARRAY_END,
        [CBOR_FALSE] = BODY_FALSE,     [CBOR_MAP_END] = BODY_OBJECT_END,
        [CBOR_TRUE] = BODY_TRUE,       [CBOR_NULL] = BODY_NULL,
        [CBOR_UNDEFINED] = BODY_NULL,
    };
    if (b->tag >= CBOR_TAG_BIG && b->tag <= CBOR_TAG_BIGFLOAT)
        return tagged_number(b, e, err);
    if (e == CBOR_BYTES)
        return other(b, "bytes are no value: send a text or a number");
    if (e == CBOR_SIMPLE)
        return other(b, "a simple value other than true and false is no value");
    return same[e];
}

int body_next_cbor(struct body *b, enum body_event *ret)
{
    struct cbor_reader *r = &b->as.cbor;
    enum cbor_event e;
    int err;
    b->from = r->at;
    b->tag = UINT64_MAX;
    while (!(err = cbor_next(r, &e)) && e == CBOR_TAG)
        b->tag = r->number;
    if (err)
        return err;
    b->number = e;
    if (!r->is_key || e == CBOR_ARRAY_END || e == CBOR_MAP_END) {
        enum body_event event = translate(b, e, &err);
        if (!err)
            *ret = event;
        return err;
    }
    if (e != CBOR_TEXT) {
        r->error = "a key is not a text";
        r->at = b->from;
        return ERR_MALFORMED;
    }
    *ret = BODY_KEY;
    return 0;
}

/* Whole numbers that a double holds are doubles, as in JSON. */
static int cbor_number(const struct body *b, struct value *ret)
{
    const struct cbor_reader *r = &b->as.cbor;
    if (b->number == CBOR_FLOAT) {
        if (!isfinite(r->real))
            return ERR_INVALID;
        *ret = value_double(r->real);
        return 0;
    }
    bool negative = b->number == CBOR_NEGATIVE;
    int64_t whole = negative ? -1 - (int64_t)(r->number & INT64_MAX) : (int64_t)r->number;
    if (r->number > INT64_MAX)
        *ret = value_double(negative ? -1 - (double)r->number : (double)r->number);
    else if (whole == INT64_MIN || ((double)whole < 0x1p63 && (int64_t)(double)whole == whole))
        *ret = value_double((double)whole);
    else
        *ret = (struct value){VALUE_INT, {.i = whole}};
    return 0;
}

/* ---- both ---- */

struct slice body_text(const struct body *b, struct arena *a)
{
    if (b->format == BODY_CBOR)
        return cbor_text(a, b->as.cbor.text, b->as.cbor.chunked);
    return json_unescape(a, b->as.json.text, b->as.json.escaped);
}

int body_number(const struct body *b, struct value *ret)
{
    return b->format == BODY_CBOR ? cbor_number(b, ret) : json_number(b->as.json.text, ret);
}

int body_time(const struct body *b, int64_t *ret_us)
{
    struct value v;
    double ms;
    if (b->format == BODY_JSON) {
        if (slice_to_double(b->as.json.text, &ms))
            return ERR_INVALID;
    } else {
        if (cbor_number(b, &v))
            return ERR_INVALID;
        ms = value_as_double(v) * (b->tag == CBOR_TAG_TIME_EPOCH ? 1000 : 1);
    }
    return body_time_of_ms(ms, ret_us);
}

int body_time_of_ms(double ms, int64_t *ret_us)
{
    if (!(fabs(ms) < 9e12))
        return ERR_INVALID;
    *ret_us = (int64_t)floor(ms * 1000 + 0.5);
    return 0;
}

struct slice body_raw(const struct body *b, size_t from)
{
    if (b->format == BODY_CBOR)
        return slice_of(b->as.cbor.input.p + from, b->as.cbor.at - from);
    struct slice raw = slice_trim(slice_of(b->as.json.input.p + from, b->as.json.at - from));
    if (raw.n && raw.p[0] == ',')
        raw = slice_trim(slice_skip(raw, 1));
    return raw;
}

enum body_format body_format_of(struct slice media, struct slice payload)
{
    struct slice type = {0};
    slice_cut(&media, ';', &type);
    type = slice_trim(type);
    if (slice_is_nocase(type, "application/cbor") || slice_is_nocase(type, "application/cbor-seq"))
        return BODY_CBOR;
    return slice_starts(payload, "\xd9\xd9\xf7") ? BODY_CBOR : BODY_JSON;
}
