/* cbor_diag.c - CBOR for people: the diagnostic notation of RFC 8949, section 8. */
#include "codec/cbor.h"
#include "codec/json.h"

#include <math.h>

static void add_hex(struct buf *out, struct slice bytes, size_t max)
{
    static const char digits[] = "0123456789abcdef";
    buf_add_str(out, "h'");
    for (size_t i = 0; i < bytes.n && i < max; i++) {
        buf_add_byte(out, (unsigned char)digits[(unsigned char)bytes.p[i] >> 4]);
        buf_add_byte(out, (unsigned char)digits[bytes.p[i] & 15]);
    }
    buf_add_str(out, bytes.n > max ? "…'" : "'");
}

static void add_real(struct buf *out, double v)
{
    size_t from = out->n;
    if (isnan(v)) {
        buf_add_str(out, "NaN");
    } else if (isinf(v)) {
        buf_add_str(out, v < 0 ? "-Infinity" : "Infinity");
    } else {
        buf_add_double(out, v);
        struct slice text = slice_of(out->p + from, out->n - from);
        if (out->p && slice_find(text, '.') < 0 && slice_find(text, 'e') < 0)
            buf_add_str(out, ".0");
    }
}

static void add_string(struct buf *out, enum cbor_event e, struct slice text, size_t max)
{
    if (e == CBOR_BYTES) {
        add_hex(out, text, max);
        return;
    }
    struct slice shown = text.n > max ? slice_of(text.p, max) : text;
    json_quote(out, shown);
    if (text.n > max)
        buf_add_str(out, "…");
}

static void add_chunks(struct buf *out, enum cbor_event e, struct slice text, size_t max)
{
    struct cbor_reader chunks;
    const char *comma = "";
    cbor_reader_init(&chunks, text);
    chunks.sequence = true;
    buf_add_str(out, "(_ ");
    for (size_t end = out->n + max; out->n < end; comma = ", ") {
        if (cbor_next(&chunks, &e) || e == CBOR_END)
            break;
        buf_add_str(out, comma);
        add_string(out, e, chunks.text, max);
    }
    buf_add_byte(out, ')');
}

static void add_scalar(struct buf *out, const struct cbor_reader *r, enum cbor_event e, size_t max)
{
    static const char *const words[] = {[CBOR_FALSE] = "false",
                                        [CBOR_TRUE] = "true",
                                        [CBOR_NULL] = "null",
                                        [CBOR_UNDEFINED] = "undefined"};
    if (e == CBOR_UINT) {
        buf_add_u64(out, r->number);
    } else if (e == CBOR_NEGATIVE && r->number == UINT64_MAX) {
        buf_add_str(out, "-18446744073709551616");
    } else if (e == CBOR_NEGATIVE) {
        buf_add_byte(out, '-');
        buf_add_u64(out, r->number + 1);
    } else if (e == CBOR_FLOAT) {
        add_real(out, r->real);
    } else if (e == CBOR_SIMPLE) {
        buf_addf(out, "simple(%u)", (unsigned)r->number);
    } else if (r->chunked && (e == CBOR_BYTES || e == CBOR_TEXT)) {
        add_chunks(out, e, r->text, max);
    } else if (e == CBOR_BYTES || e == CBOR_TEXT) {
        add_string(out, e, r->text, max);
    } else {
        buf_add_str(out, words[e]);
    }
}

/* Where the walk stands: tags[0] are those of the outermost level. */
struct walk {
    size_t tags[CBOR_DEPTH + 1]; /* brackets of tags that close behind the next item */
    bool first[CBOR_DEPTH + 1];
};

/* Behind an item: the brackets of its tags. */
static void close_tags(struct buf *out, struct walk *w, uint16_t depth)
{
    for (; w->tags[depth]; w->tags[depth]--)
        buf_add_byte(out, ')');
}

static void add_event(struct buf *out, struct walk *w, const struct cbor_reader *r,
                      enum cbor_event e, size_t max)
{
    uint16_t depth = r->depth;
    if (e == CBOR_ARRAY_END || e == CBOR_MAP_END) {
        buf_add_byte(out, e == CBOR_MAP_END ? '}' : ']');
        close_tags(out, w, depth);
        return;
    }
    bool opens = e == CBOR_ARRAY || e == CBOR_MAP;
    uint16_t around = opens ? (uint16_t)(depth - 1) : depth;
    if (!w->tags[around]) { /* in front of the item and all its tags */
        bool value = around && r->stack[around - 1].map && e != CBOR_TAG && !r->is_key;
        if (around && e == CBOR_TAG)
            value = r->stack[around - 1].map && r->stack[around - 1].value_next;
        if (value)
            buf_add_str(out, ": ");
        else if (!w->first[around])
            buf_add_str(out, ", ");
    }
    w->first[around] = false;
    if (e == CBOR_TAG) {
        buf_add_u64(out, r->number);
        buf_add_byte(out, '(');
        w->tags[around]++;
    } else if (opens) {
        buf_add_byte(out, e == CBOR_MAP ? '{' : '[');
        if (r->stack[around].open)
            buf_add_str(out, "_ ");
        w->tags[depth] = 0;
        w->first[depth] = true;
    } else {
        add_scalar(out, r, e, max);
        close_tags(out, w, around);
    }
}

void cbor_diagnose(struct buf *out, struct slice items, size_t max)
{
    struct walk w = {.first = {true}};
    struct cbor_reader r;
    enum cbor_event e;
    size_t end = out->n + max;
    cbor_reader_init(&r, items);
    r.sequence = true;
    for (;;) {
        size_t from = r.at;
        if (cbor_next(&r, &e)) {
            if (out->n)
                buf_add_byte(out, ' ');
            add_hex(out, slice_skip(r.input, from), 64);
            return;
        }
        if (e == CBOR_END)
            return;
        add_event(out, &w, &r, e, max);
        if (out->n >= end || out->failed) {
            buf_add_str(out, "…");
            return;
        }
    }
}
