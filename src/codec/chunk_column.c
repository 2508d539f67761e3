/* Values of points gathered into columns, and back.  See chunk.c for the format. */
#include "codec/chunk_column.h"

#include "base/err.h"
#include "base/map.h"
#include "codec/chunk_doubles.h"
#include "codec/chunk_v1.h"

#include <assert.h>
#include <stdlib.h>

bool column_numbers(int version, struct slice *in, int64_t *v, size_t n)
{
    return version == 1 ? v1_numbers(in, v, n) : unpack_numbers(in, v, n);
}

static void encode_doubles(const struct point *points, size_t n, size_t count,
                           enum chunk_level level, const struct column_scratch *scratch,
                           struct buf *out)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        if (points[i].type == VALUE_DOUBLE)
            scratch->doubles[at++] = points[i].as.d;
    pack_doubles(out, scratch->doubles, count, level, scratch->numbers, &scratch->pack);
}

static int decode_doubles(int version, struct slice *in, struct point *points, size_t n,
                          size_t count, double *v)
{
    if (!(version == 1 ? v1_doubles(in, v, count) : unpack_doubles(in, v, count)))
        return ERR_CORRUPT;
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        if (points[i].type == VALUE_DOUBLE)
            points[i].as.d = v[at++];
    return 0;
}

static void encode_numbers(uint8_t type, const struct point *points, size_t n, size_t count,
                           enum chunk_level level, const struct column_scratch *scratch,
                           struct buf *out)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        if (points[i].type == type)
            scratch->numbers[at++] = type == VALUE_INT ? points[i].as.i : points[i].as.b;
    pack_numbers(out, scratch->numbers, count, level, &scratch->pack);
}

static int decode_numbers(int version, uint8_t type, struct slice *in, struct point *points,
                          size_t n, size_t count, int64_t *numbers)
{
    if (!column_numbers(version, in, numbers, count))
        return ERR_CORRUPT;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (points[i].type != type)
            continue;
        int64_t v = numbers[at++];
        if (type == VALUE_INT)
            points[i].as.i = v;
        else if (v == 0 || v == 1)
            points[i].as.b = v == 1;
        else
            return ERR_CORRUPT;
    }
    return 0;
}

/* Each different text once, in order of its first use; then each point's number of its text. */
static int encode_texts(const struct point *points, size_t n, size_t count, enum chunk_level level,
                        const struct column_scratch *scratch, struct buf *out)
{
    struct map numbers = {0};
    struct buf texts = {0};
    const char *base = (const char *)points; /* a number k is kept as the address base + k + 1 */
    size_t at = 0, different = 0;
    int err = 0;
    for (size_t i = 0; i < n && !err; i++) {
        if (points[i].type != VALUE_TEXT)
            continue;
        struct slice text = slice_of(points[i].as.text->bytes, points[i].as.text->n);
        const char *known = map_get(&numbers, text);
        if (known) {
            scratch->numbers[at++] = known - base - 1;
            continue;
        }
        scratch->numbers[at++] = (int64_t)different++;
        pack_varint(&texts, text.n);
        buf_add_slice(&texts, text);
        void *old;
        err = map_put(&numbers, text, (void *)(uintptr_t)(base + different), &old);
    }
    if (texts.failed)
        err = ERR_NOMEM;
    if (!err) {
        pack_varint(out, different);
        buf_add_slice(out, buf_slice(&texts));
        pack_numbers(out, scratch->numbers, count, level, &scratch->pack);
    }
    buf_release(&texts);
    map_release(&numbers);
    return err;
}

static size_t text_room(uint64_t n)
{
    return (sizeof(struct point_text) + (size_t)n + 3) & ~(size_t)3;
}

/* Room for the different texts one behind the other, and where each is. */
static int read_texts(struct slice *in, size_t different, struct point_text **where, void **ret)
{
    struct slice ahead = *in;
    size_t bytes = 0;
    uint64_t n;
    for (size_t i = 0; i < different; i++) {
        if (!unpack_varint(&ahead, &n) || n > ahead.n || n > UINT32_MAX)
            return ERR_CORRUPT;
        ahead = slice_skip(ahead, (size_t)n);
        bytes += text_room(n);
    }
    char *room = malloc(bytes ? bytes : 1);
    if (!room)
        return ERR_NOMEM;
    *ret = room;
    for (size_t i = 0; i < different; i++) {
        struct point_text *text = (struct point_text *)(void *)room;
        unpack_varint(in, &n);
        text->n = (uint32_t)n;
        memcpy(text->bytes, in->p, (size_t)n);
        *in = slice_skip(*in, (size_t)n);
        where[i] = text;
        room += text_room(n);
    }
    return 0;
}

static int decode_texts(int version, struct slice *in, struct point *points, size_t n, size_t count,
                        int64_t *numbers, void **ret_texts)
{
    uint64_t different;
    if (!unpack_varint(in, &different) || different == 0 || different > count)
        return ERR_CORRUPT;
    struct point_text **where = malloc((size_t)different * sizeof *where);
    void *texts = NULL;
    int err = where ? read_texts(in, (size_t)different, where, &texts) : ERR_NOMEM;
    if (!err && !column_numbers(version, in, numbers, count))
        err = ERR_CORRUPT;
    size_t at = 0;
    for (size_t i = 0; i < n && !err; i++) {
        if (points[i].type != VALUE_TEXT)
            continue;
        int64_t number = numbers[at++];
        if (number < 0 || (uint64_t)number >= different)
            err = ERR_CORRUPT;
        else
            points[i].as.text = where[number];
    }
    free(where);
    if (err)
        free(texts);
    else
        *ret_texts = texts;
    return err;
}

int column_encode(uint8_t type, const struct point *points, size_t n, size_t count,
                  enum chunk_level level, const struct column_scratch *scratch, struct buf *out)
{
    if (type == VALUE_DOUBLE)
        encode_doubles(points, n, count, level, scratch, out);
    else if (type == VALUE_TEXT)
        return encode_texts(points, n, count, level, scratch, out);
    else
        encode_numbers(type, points, n, count, level, scratch, out);
    return 0;
}

int column_decode(int version, uint8_t type, struct slice *in, struct point *points, size_t n,
                  size_t count, int64_t *numbers, void **ret_texts)
{
    if (type == VALUE_DOUBLE)
        return decode_doubles(version, in, points, n, count, (double *)(void *)numbers);
    if (type == VALUE_TEXT)
        return decode_texts(version, in, points, n, count, numbers, ret_texts);
    return decode_numbers(version, type, in, points, n, count, numbers);
}
