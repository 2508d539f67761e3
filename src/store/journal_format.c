/* Headers and readings of the journal as bytes; see the top of journal.c. */
#include "store/journal_format.h"

#include "base/crc32c.h"
#include "base/err.h"

#include <assert.h>
#include <stdlib.h>

static const unsigned char segment_magic[8] = "DPLJRNL";
static const uint64_t seq_max = UINT64_C(1) << 62; /* far from overflow, and never reached */
static const char frame_magic[4] = {'D', 'J', 'F', '1'};

static void put32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

static void put64(unsigned char *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

static uint32_t get32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const unsigned char *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

void journal_put_segment_header(unsigned char out[static JOURNAL_SEGMENT_HEADER],
                                const struct journal_segment_header *h)
{
    memset(out, 0, JOURNAL_SEGMENT_HEADER);
    memcpy(out, segment_magic, sizeof segment_magic);
    put32(out + 8, JOURNAL_VERSION);
    put32(out + 12, h->content);
    put64(out + 16, h->number);
    put64(out + 24, h->id);
    put64(out + 32, h->base_seq);
    put64(out + 40, h->kept_seq);
    put64(out + 48, (uint64_t)h->created_us);
    put32(out + 60, crc32c(0, out, 60));
}

int journal_get_segment_header(const unsigned char in[static JOURNAL_SEGMENT_HEADER],
                               struct journal_segment_header *ret)
{
    if (memcmp(in, segment_magic, sizeof segment_magic) != 0 || get32(in + 60) != crc32c(0, in, 60))
        return ERR_CORRUPT;
    if (get32(in + 8) != JOURNAL_VERSION)
        return ERR_UNSUPPORTED;
    struct journal_segment_header h = {
        .number = get64(in + 16),
        .id = get64(in + 24),
        .base_seq = get64(in + 32),
        .kept_seq = get64(in + 40),
        .created_us = (int64_t)get64(in + 48),
        .content = get32(in + 12),
    };
    if (h.id == 0 || h.base_seq == 0 || h.base_seq > seq_max || h.kept_seq >= h.base_seq)
        return ERR_CORRUPT;
    *ret = h;
    return 0;
}

void journal_put_frame_header(unsigned char out[static JOURNAL_FRAME_HEADER],
                              const struct journal_frame_header *h)
{
    memcpy(out, frame_magic, sizeof frame_magic);
    put32(out + 4, h->payload_bytes);
    put64(out + 8, h->id);
    put64(out + 16, h->first_seq);
    put32(out + 24, h->batches);
    put32(out + 28, h->readings);
    put32(out + 32, h->payload_crc);
    put32(out + 36, crc32c(0, out, 36));
}

bool journal_get_frame_header(const unsigned char in[static JOURNAL_FRAME_HEADER],
                              struct journal_frame_header *ret)
{
    if (!journal_is_frame(in) || get32(in + 36) != crc32c(0, in, 36))
        return false;
    *ret = (struct journal_frame_header){
        .payload_bytes = get32(in + 4),
        .id = get64(in + 8),
        .first_seq = get64(in + 16),
        .batches = get32(in + 24),
        .readings = get32(in + 28),
        .payload_crc = get32(in + 32),
    };
    return ret->id != 0 && ret->first_seq > 0 && ret->first_seq <= seq_max;
}

/* A reading's first byte: type in bits 0 to 2, quality in 3 and 4, a boolean's value in 5. */
enum { TAG_TYPE = 7, TAG_QUALITY_SHIFT = 3, TAG_TRUE = 1 << 5, TAG_UNUSED = 3 << 6 };

size_t journal_batch_bound(const struct reading *readings, size_t n)
{
    if (n == 0 || n > UINT32_MAX / JOURNAL_READING_MAX)
        return 0;
    size_t bytes = 5 + n * JOURNAL_READING_MAX;
    for (size_t i = 0; i < n; i++) {
        enum value_type type = readings[i].value.type;
        if (type == VALUE_NONE || type > VALUE_TEXT || readings[i].quality > QUALITY_BAD)
            return 0;
        if (type == VALUE_TEXT) {
            if (readings[i].value.as.text.n > VALUE_TEXT_MAX)
                return 0;
            bytes += readings[i].value.as.text.n;
        }
    }
    return bytes;
}

static unsigned char *put_varint(unsigned char *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (unsigned char)(v | 0x80);
        v >>= 7;
    }
    *p++ = (unsigned char)v;
    return p;
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

static unsigned char *put_reading(unsigned char *p, struct journal_delta *delta,
                                  const struct reading *r)
{
    const struct value *v = &r->value;
    unsigned tag = (unsigned)v->type | (unsigned)r->quality << TAG_QUALITY_SHIFT;
    if (v->type == VALUE_BOOL && v->as.b)
        tag |= TAG_TRUE;
    *p++ = (unsigned char)tag;
    p = put_varint(p, zigzag((int64_t)r->series - (int64_t)delta->series));
    p = put_varint(p, zigzag((int64_t)((uint64_t)r->t_us - (uint64_t)delta->t_us)));
    delta->series = r->series;
    delta->t_us = r->t_us;
    switch (v->type) {
    case VALUE_DOUBLE: {
        uint64_t bits;
        memcpy(&bits, &v->as.d, sizeof bits);
        put64(p, bits);
        return p + 8;
    }
    case VALUE_INT:
        return put_varint(p, zigzag(v->as.i));
    case VALUE_TEXT:
        p = put_varint(p, v->as.text.n);
        if (v->as.text.n)
            memcpy(p, v->as.text.p, v->as.text.n);
        return p + v->as.text.n;
    default:
        return p;
    }
}

unsigned char *journal_put_batch(unsigned char *out, struct journal_delta *delta,
                                 const struct reading *readings, size_t n)
{
    out = put_varint(out, n);
    for (size_t i = 0; i < n; i++)
        out = put_reading(out, delta, &readings[i]);
    return out;
}

static bool get_varint(struct slice *in, uint64_t *ret)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (!in->n)
            return false;
        unsigned char c = (unsigned char)*in->p;
        *in = slice_skip(*in, 1);
        if (shift == 63 && c > 1)
            return false;
        v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) {
            *ret = v;
            return true;
        }
    }
    return false;
}

static bool get_value(struct slice *in, unsigned tag, struct value *ret)
{
    uint64_t v;
    ret->type = tag & TAG_TYPE;
    switch (ret->type) {
    case VALUE_DOUBLE:
        if (in->n < 8)
            return false;
        v = get64((const unsigned char *)in->p);
        memcpy(&ret->as.d, &v, sizeof v);
        *in = slice_skip(*in, 8);
        return true;
    case VALUE_INT:
        if (!get_varint(in, &v))
            return false;
        ret->as.i = unzigzag(v);
        return true;
    case VALUE_BOOL:
        ret->as.b = (tag & TAG_TRUE) != 0;
        return true;
    case VALUE_TEXT:
        if (!get_varint(in, &v) || v > VALUE_TEXT_MAX || v > in->n)
            return false;
        ret->as.text = slice_of(in->p, (size_t)v);
        *in = slice_skip(*in, (size_t)v);
        return true;
    default:
        return false;
    }
}

static bool get_reading(struct slice *in, struct journal_delta *delta, struct reading *ret)
{
    if (!in->n)
        return false;
    unsigned tag = (unsigned char)*in->p;
    *in = slice_skip(*in, 1);
    uint64_t series, time;
    if (tag & TAG_UNUSED || !get_varint(in, &series) || !get_varint(in, &time))
        return false;
    int64_t number;
    if (__builtin_add_overflow((int64_t)delta->series, unzigzag(series), &number) || number < 0 ||
        number > UINT32_MAX)
        return false;
    ret->series = delta->series = (uint32_t)number;
    ret->t_us = delta->t_us = (int64_t)((uint64_t)delta->t_us + (uint64_t)unzigzag(time));
    ret->quality = (uint8_t)(tag >> TAG_QUALITY_SHIFT & 3);
    return ret->quality <= QUALITY_BAD && get_value(in, tag, &ret->value);
}

int journal_get_batch(struct slice *payload, struct journal_delta *delta, struct journal_batch *b)
{
    uint64_t n;
    if (!get_varint(payload, &n) || n == 0 || n > payload->n / 3) /* three bytes at least each */
        return ERR_CORRUPT;
    if (n > b->cap) {
        struct reading *more = realloc(b->readings, (size_t)n * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        b->readings = more;
        b->cap = (size_t)n;
    }
    for (b->n = 0; b->n < n; b->n++)
        if (!get_reading(payload, delta, &b->readings[b->n]))
            return ERR_CORRUPT;
    return 0;
}

unsigned char *journal_put_record(unsigned char *out, struct slice record)
{
    out = put_varint(out, record.n);
    memcpy(out, record.p, record.n);
    return out + record.n;
}

int journal_get_record(struct slice *payload, struct slice *ret)
{
    uint64_t n;
    if (!get_varint(payload, &n) || n == 0 || n > payload->n)
        return ERR_CORRUPT;
    *ret = slice_of(payload->p, (size_t)n);
    *payload = slice_skip(*payload, (size_t)n);
    return 0;
}

void journal_batch_release(struct journal_batch *b)
{
    free(b->readings);
    *b = (struct journal_batch){0};
}
