/* cbor.c - the pull reader.
 *
 * An item is a head, whose upper three bits are the major type and whose lower five say where its
 * argument stands, and what the head announces.  One call reads one head; nothing recurses: the
 * open arrays and maps are a stack of how many items each still has to come.  A string in chunks
 * is checked whole and comes as one event. */
#include "codec/cbor.h"
#include "base/err.h"
#include "base/utf8.h"

#include <math.h>

enum major { UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, OTHER };
enum { INFO_BYTE = 24, INFO_LAST = 27, INFO_OPEN = 31, BREAK = 0xff };

struct head {
    uint8_t major, info;
    uint64_t argument;
};

void cbor_reader_init(struct cbor_reader *r, struct slice input)
{
    memset(r, 0, offsetof(struct cbor_reader, stack)); /* a level is set when it opens */
    r->input = input.p ? input : SLICE_LIT("");
}

static int fail(struct cbor_reader *r, size_t at, const char *error)
{
    r->at = at;
    r->error = error;
    return ERR_MALFORMED;
}

static const char too_short[] = "it ends too early";

static uint8_t byte_at(const struct cbor_reader *r, size_t at)
{
    return (uint8_t)r->input.p[at];
}

/* Read the head at r->at and step behind it. */
static int read_head(struct cbor_reader *r, struct head *h)
{
    size_t start = r->at;
    if (start == r->input.n)
        return fail(r, start, too_short);
    uint8_t first = byte_at(r, start);
    *h = (struct head){.major = first >> 5, .info = first & 31};
    if (h->info < INFO_BYTE) {
        h->argument = h->info;
    } else if (h->info <= INFO_LAST) {
        size_t n = (size_t)1 << (h->info - INFO_BYTE);
        if (r->input.n - start - 1 < n)
            return fail(r, start, too_short);
        for (size_t i = 0; i < n; i++)
            h->argument = h->argument << 8 | byte_at(r, start + 1 + i);
        r->at += n;
    } else if (h->info != INFO_OPEN || h->major == UINT || h->major == NEGATIVE ||
               h->major == TAG) {
        return fail(r, start, "no item begins with this byte");
    }
    r->at++;
    return 0;
}

/* A half float (section D of the RFC): 1 bit sign, 5 exponent, 10 mantissa. */
static double half(uint64_t bits)
{
    int exponent = bits >> 10 & 31;
    double mantissa = (double)(bits & 1023), v;
    if (exponent == 0)
        v = ldexp(mantissa, -24);
    else if (exponent != 31)
        v = ldexp(mantissa + 1024, exponent - 25);
    else
        v = bits & 1023 ? (double)NAN : (double)INFINITY;
    return bits >> 15 ? -v : v;
}

static double real_of(const struct head *h)
{
    if (h->info == 25)
        return half(h->argument);
    if (h->info == 26) {
        uint32_t bits = (uint32_t)h->argument;
        float f;
        memcpy(&f, &bits, sizeof f);
        return (double)f;
    }
    double d;
    memcpy(&d, &h->argument, sizeof d);
    return d;
}

/* The bytes of a string or of one of its chunks, behind its head. */
static int read_bytes(struct cbor_reader *r, const struct head *h, size_t start)
{
    if (h->argument > r->input.n - r->at)
        return fail(r, start, too_short);
    struct slice bytes = slice_of(r->input.p + r->at, (size_t)h->argument);
    if (h->major == TEXT && !utf8_valid(bytes))
        return fail(r, start, "the text is not UTF-8");
    r->at += bytes.n;
    return 0;
}

static int read_string(struct cbor_reader *r, const struct head *h, size_t start)
{
    size_t from = r->at;
    int err = 0;
    r->chunked = h->info == INFO_OPEN;
    if (!r->chunked)
        err = read_bytes(r, h, start);
    while (!err && r->chunked) {
        struct head chunk;
        size_t chunk_at = r->at;
        if (chunk_at < r->input.n && byte_at(r, chunk_at) == BREAK)
            break;
        err = read_head(r, &chunk);
        if (!err && (chunk.major != h->major || chunk.info == INFO_OPEN))
            err = fail(r, chunk_at, "a chunk of a string is not a string of its kind");
        if (!err)
            err = read_bytes(r, &chunk, chunk_at);
    }
    if (err)
        return err;
    r->text = slice_of(r->input.p + from, r->at - from);
    r->at += r->chunked;
    return 0;
}

static int open_level(struct cbor_reader *r, const struct head *h, size_t start)
{
    bool map = h->major == MAP;
    /* every item has a byte at least, so that a count is never more than what is there */
    if (h->info != INFO_OPEN && h->argument > (r->input.n - r->at) / (map ? 2 : 1))
        return fail(r, start, too_short);
    if (r->depth == CBOR_DEPTH)
        return fail(r, start, "it is nested too deeply");
    r->stack[r->depth++] =
        (struct cbor_level){.left = h->argument << map, .map = map, .open = h->info == INFO_OPEN};
    return 0;
}

static int read_other(struct cbor_reader *r, const struct head *h, size_t start,
                      enum cbor_event *ret)
{
    static const enum cbor_event named[] = {CBOR_FALSE, CBOR_TRUE, CBOR_NULL, CBOR_UNDEFINED};
    if (h->info > INFO_BYTE) {
        r->real = real_of(h);
        *ret = CBOR_FLOAT;
    } else if (h->info == INFO_BYTE && h->argument < 32) {
        return fail(r, start, "a simple value under 32 has one byte, not two");
    } else if (h->argument >= 20 && h->argument < 24) {
        *ret = named[h->argument - 20];
    } else {
        *ret = CBOR_SIMPLE;
    }
    return 0;
}

/* Note in the level around it that an item begins. */
static void count_item(struct cbor_reader *r, struct cbor_level *level)
{
    r->is_key = level && level->map && !level->value_next;
    if (!level) {
        r->items++;
        return;
    }
    level->value_next = r->is_key;
    if (!level->open)
        level->left--;
}

static int close_level(struct cbor_reader *r, enum cbor_event *ret)
{
    struct cbor_level *level = &r->stack[--r->depth];
    r->is_key = r->depth && r->stack[r->depth - 1].map && r->stack[r->depth - 1].value_next;
    *ret = level->map ? CBOR_MAP_END : CBOR_ARRAY_END;
    return 0;
}

static int read_item(struct cbor_reader *r, struct cbor_level *level, enum cbor_event *ret)
{
    static const enum cbor_event events[] = {CBOR_UINT,  CBOR_NEGATIVE, CBOR_BYTES, CBOR_TEXT,
                                             CBOR_ARRAY, CBOR_MAP,      CBOR_TAG,   CBOR_FLOAT};
    struct head h;
    size_t start = r->at;
    int err = read_head(r, &h);
    if (err)
        return err;
    if (h.major == OTHER && h.info == INFO_OPEN) {
        if (!level || !level->open || r->tagged || level->value_next)
            return fail(r, start, "a break stands where an item is due");
        return close_level(r, ret);
    }
    r->number = h.argument;
    r->tagged = h.major == TAG;
    *ret = events[h.major];
    if (r->tagged)
        return 0;
    count_item(r, level);
    if (h.major == BYTES || h.major == TEXT)
        return read_string(r, &h, start);
    if (h.major == ARRAY || h.major == MAP)
        return open_level(r, &h, start);
    return h.major == OTHER ? read_other(r, &h, start, ret) : 0;
}

int cbor_next(struct cbor_reader *r, enum cbor_event *ret)
{
    struct cbor_level *level = r->depth ? &r->stack[r->depth - 1] : NULL;
    if (r->error)
        return ERR_MALFORMED;
    if (!r->tagged && level && !level->open && !level->left)
        return close_level(r, ret);
    if (!r->tagged && !level && (r->items || r->sequence)) {
        if (r->at == r->input.n) {
            *ret = CBOR_END;
            return 0;
        }
        if (!r->sequence)
            return fail(r, r->at, "more bytes follow the item");
    }
    return read_item(r, level, ret);
}

int cbor_skip(struct cbor_reader *r, enum cbor_event opened)
{
    int err = 0;
    while (!err && opened == CBOR_TAG)
        err = cbor_next(r, &opened);
    if (err || (opened != CBOR_ARRAY && opened != CBOR_MAP))
        return err;
    for (uint16_t outside = (uint16_t)(r->depth - 1); !err && r->depth > outside;)
        err = cbor_next(r, &opened);
    return err;
}

struct slice cbor_text(struct arena *a, struct slice text, bool chunked)
{
    if (!chunked)
        return text;
    char *joined = arena_alloc(a, text.n + 1);
    if (!joined)
        return (struct slice){0};
    struct cbor_reader r;
    enum cbor_event e;
    size_t n = 0;
    cbor_reader_init(&r, text);
    r.sequence = true;
    while (cbor_next(&r, &e) == 0 && e != CBOR_END) {
        if (r.text.n)
            memcpy(joined + n, r.text.p, r.text.n);
        n += r.text.n;
    }
    return slice_of(joined, n);
}

int cbor_item_size(struct slice input, size_t *ret_n)
{
    struct cbor_reader r;
    enum cbor_event e;
    cbor_reader_init(&r, input);
    int err = cbor_next(&r, &e);
    if (!err)
        err = cbor_skip(&r, e);
    if (!err)
        *ret_n = r.at;
    return err;
}
