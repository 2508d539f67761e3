/* THE FORMAT, version 1.  Numbers are little-endian.
 *
 *   0  1  version
 *   1  1  enum value_type of all points, or 0: types differ
 *   2  2  number of points, 1 to 4096
 *   4  4  CRC-32C of everything else
 *   8     times, a packed sequence; they rise strictly
 *         qualities, runs
 *         types, runs, only when they differ
 *         for each type that occurs, in order of its number, its column
 *
 * Runs: a varint, how many; each a varint, length * 8 + value, lengths adding up to the number of
 * points.  No run at all: every value is 0, which for qualities is good.
 *
 * A packed sequence of n whole numbers of 64 bits: a byte, the order in bits 0 and 1 and in bit 7
 * whether the rest is constant.  Order 0 is the numbers themselves, 1 their differences, 2 the
 * differences of these, all modulo 2^64.  Then as many zigzag varints as the order says: the first
 * number, the first difference.  Then the rest, n - order numbers: when constant one zigzag
 * varint; else in blocks of 128 the least of the block as a zigzag varint, a byte w, and each
 * number less the least in w bits, lowest bit first, filled up to a byte.  The order that gives the
 * fewest bytes is taken: a sensor read every second has times of order 1, constant, in a dozen
 * bytes.
 *
 * Columns.  Whole numbers, and booleans as 0 and 1: a packed sequence.  Doubles: a byte e.  Up to
 * 17 the values are decimals m / 10^e: a packed sequence of m, then a varint, how many are not, and
 * for each of these the varint number of doubles between it and the one before, and its eight
 * bytes.  64: a packed sequence of the bits of the doubles.  Texts: a varint, how many different
 * ones; each a varint length and its bytes; a packed sequence, which of them each point has.
 *
 * VERSIONS.  The first byte chooses the reader; a new way of writing is a new number, and every
 * reader stays. */
#include "codec/chunk.h"

#include "base/crc32c.h"
#include "base/err.h"
#include "codec/chunk_column.h"
#include "codec/chunk_pack.h"

#include <assert.h>
#include <stdlib.h>

enum { HEADER = 8, CRC_AT = 4, RUN_VALUES = 8 };

static uint32_t checksum(const char *p, size_t n)
{
    return crc32c(crc32c(0, p, CRC_AT), p + HEADER, n - HEADER);
}

static uint8_t run_value(const struct point *p, bool types)
{
    return types ? p->type : p->quality;
}

static void put_runs(const struct point *points, size_t n, bool types, struct buf *out)
{
    size_t runs = 1;
    for (size_t i = 1; i < n; i++)
        runs += run_value(&points[i], types) != run_value(&points[i - 1], types);
    if (runs == 1 && run_value(&points[0], types) == 0)
        runs = 0;
    pack_varint(out, runs);
    for (size_t from = 0, to; runs && from < n; from = to) {
        uint8_t value = run_value(&points[from], types);
        for (to = from + 1; to < n && run_value(&points[to], types) == value;)
            to++;
        pack_varint(out, (to - from) * RUN_VALUES + value);
    }
}

static bool get_runs(struct slice *in, struct point *points, size_t n, bool types)
{
    uint64_t runs, run;
    if (!unpack_varint(in, &runs) || runs > n)
        return false;
    size_t at = 0;
    for (uint64_t i = 0; i < runs; i++) {
        if (!unpack_varint(in, &run) || run / RUN_VALUES == 0 || run / RUN_VALUES > n - at)
            return false;
        uint8_t value = run % RUN_VALUES;
        if (types ? value == VALUE_NONE || value > VALUE_TEXT : value > QUALITY_BAD)
            return false;
        for (size_t to = at + (size_t)(run / RUN_VALUES); at < to; at++)
            *(types ? &points[at].type : &points[at].quality) = value;
    }
    if (runs)
        return at == n;
    for (size_t i = 0; i < n && !types; i++)
        points[i].quality = QUALITY_GOOD;
    return !types;
}

static void count_types(const struct point *points, size_t n, size_t counts[VALUE_TEXT + 1])
{
    memset(counts, 0, (VALUE_TEXT + 1) * sizeof counts[0]);
    for (size_t i = 0; i < n; i++) {
        assert(points[i].type <= VALUE_TEXT);
        counts[points[i].type]++;
    }
}

static int encode_body(const struct point *points, size_t n, int64_t *scratch, struct buf *out)
{
    size_t counts[VALUE_TEXT + 1];
    count_types(points, n, counts);
    assert(counts[VALUE_NONE] == 0);
    uint8_t type = counts[points[0].type] == n ? points[0].type : VALUE_NONE;
    const unsigned char header[HEADER] = {CHUNK_VERSION, type, (unsigned char)n,
                                          (unsigned char)(n >> 8)};
    buf_add(out, header, sizeof header);
    for (size_t i = 0; i < n; i++) {
        assert(i == 0 || points[i].t_us > points[i - 1].t_us);
        scratch[i] = points[i].t_us;
    }
    pack_numbers(out, scratch, n, pack_plan(scratch, n));
    put_runs(points, n, false, out);
    if (type == VALUE_NONE)
        put_runs(points, n, true, out);
    for (uint8_t each = VALUE_NONE + 1; each <= VALUE_TEXT; each++)
        if (counts[each]) {
            int err = column_encode(each, points, n, counts[each], scratch, out);
            if (err)
                return err;
        }
    return out->failed ? ERR_NOMEM : 0;
}

int chunk_encode(const struct point *points, size_t n, struct buf *out)
{
    assert(n > 0 && n <= CHUNK_POINTS_MAX);
    if (out->failed)
        return ERR_NOMEM;
    size_t start = out->n;
    int64_t *scratch = malloc(n * sizeof *scratch);
    int err = scratch ? encode_body(points, n, scratch, out) : ERR_NOMEM;
    free(scratch);
    if (err) {
        out->n = start;
        out->failed = false;
        return err;
    }
    uint32_t crc = checksum(out->p + start, out->n - start);
    for (int i = 0; i < 4; i++)
        out->p[start + CRC_AT + (size_t)i] = (char)(unsigned char)(crc >> 8 * i);
    return 0;
}

static int make_room(struct chunk_points *c, size_t n)
{
    if (n <= c->cap)
        return 0;
    struct point *points = realloc(c->points, n * sizeof *points);
    if (points)
        c->points = points;
    int64_t *numbers = realloc(c->numbers, n * sizeof *numbers);
    if (numbers)
        c->numbers = numbers;
    if (!points || !numbers)
        return ERR_NOMEM;
    c->cap = n;
    return 0;
}

static int decode_times(struct slice *in, struct chunk_points *c, size_t n)
{
    if (!unpack_numbers(in, c->numbers, n))
        return ERR_CORRUPT;
    for (size_t i = 0; i < n; i++) {
        if (i && c->numbers[i] <= c->numbers[i - 1])
            return ERR_CORRUPT;
        c->points[i].t_us = c->numbers[i];
    }
    return 0;
}

static int decode_v1(struct slice bytes, struct chunk_points *c)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    if (bytes.n < HEADER)
        return ERR_CORRUPT;
    uint8_t type = p[1];
    size_t n = p[2] | (size_t)p[3] << 8;
    uint32_t crc = p[4] | (uint32_t)p[5] << 8 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 24;
    if (n == 0 || n > CHUNK_POINTS_MAX || type > VALUE_TEXT || checksum(bytes.p, bytes.n) != crc)
        return ERR_CORRUPT;
    int err = make_room(c, n);
    if (err)
        return err;
    struct slice in = slice_skip(bytes, HEADER);
    err = decode_times(&in, c, n);
    if (err)
        return err;
    for (size_t i = 0; i < n; i++)
        c->points[i].type = type;
    if (!get_runs(&in, c->points, n, false) ||
        (type == VALUE_NONE && !get_runs(&in, c->points, n, true)))
        return ERR_CORRUPT;
    size_t counts[VALUE_TEXT + 1];
    count_types(c->points, n, counts);
    for (uint8_t each = VALUE_NONE + 1; each <= VALUE_TEXT && !err; each++)
        if (counts[each])
            err = column_decode(each, &in, c->points, n, counts[each], c->numbers, &c->texts);
    if (!err && in.n)
        err = ERR_CORRUPT;
    if (!err)
        c->n = n;
    return err;
}

int chunk_decode(struct slice bytes, struct chunk_points *ret)
{
    ret->n = 0;
    free(ret->texts);
    ret->texts = NULL;
    if (bytes.n < 1 || bytes.p[0] == 0)
        return ERR_CORRUPT;
    switch ((unsigned char)bytes.p[0]) {
    case 1:
        return decode_v1(bytes, ret);
    default:
        return ERR_UNSUPPORTED;
    }
}

void chunk_points_release(struct chunk_points *c)
{
    free(c->points);
    free(c->numbers);
    free(c->texts);
    *c = (struct chunk_points){0};
}
