/* THE FORMAT.  Numbers are little-endian; a varint has seven bits a byte, lowest first, and bit 7
 * set on all but its last byte; zigzag makes 0, -1, 1, -2 ... 0, 1, 2, 3 ... of it.
 *
 * VERSION 2
 *
 *   0  1  version, 2
 *   1  1  enum value_type of all points, or 0: types differ
 *   2  2  number of points, 1 to 4096
 *   4  4  CRC-32C of everything else
 *   8  1  1 << quality for each that occurs
 *   9     zigzag varint, the first time; varint, how much later the last one is
 *         summary: varint, how many numbers; unless none the first, and when there are more the
 *         last, least, greatest and sum, each a short double
 *         varint, how many bytes the times take; the times less the first one, a sequence; they
 *         rise strictly
 *         qualities, runs
 *         types, runs, only when they differ
 *         for each type that occurs, in order of its number, its column
 *
 * Summary: of doubles and whole numbers, NaN left out, -0.0 never the least or greatest.
 *
 * Short double: a byte e up to 22 and zigzag varint m: m / 10^e.  Or 66 and the eight bytes.
 *
 * Runs: a varint, how many; each a varint, length * 8 + value, lengths adding up to the number of
 * points.  No run at all: every value is 0, which for qualities is good.
 *
 * Columns.  Whole numbers, and booleans as 0 and 1: a sequence.  Texts: a varint, how many
 * different ones; each a varint length and its bytes; a sequence, which of them each point has.
 * Doubles: a byte, the form.
 *   0 to 22  decimals m / 10^form (ALP).  A varint, how many are not quite; for each of these the
 *            varint number of doubles between it and the one before, and zigzag varint, what its
 *            bits are more than those of its decimal, modulo 2^64.  Then m, a sequence.
 *   64       the bits of the doubles, a sequence.
 *   65       real numbers (ALP-RD): a byte, the cut, 1 to 63; the bits from the cut up, a sequence,
 *            which with few different ones is a dictionary; the bits below it, a sequence.
 *
 * Sequence of n whole numbers of 64 bits: a byte, the mode.
 *   Bits 0 and 1 are the order: 0 are the numbers themselves, 1 their differences, 2 the
 *   differences of these, all modulo 2^64.  Order 1 and 2: zigzag varint, the number before the
 *   first; 2: zigzag varint, the difference before that of the first.  So there are always n
 *   differences.
 *   Bit 7: they are all the same, a zigzag varint, and this is the end.
 *   Bit 6: zigzag varint, an offset, and varint, a scale: what follows is multiplied by the scale,
 *   then the offset added.
 *   Then blocks of 256 and a rest.  A block: a byte, the width w in bits 0 to 6 and in bit 7
 * whether there are patches; zigzag varint, the base, which is added to every number; the numbers
 * in w bits each; with patches a byte, how many less one, and for each a byte, its place in the
 * block, and zigzag varint: this times 2^w is added to the number there. Numbers in w bits: a rest
 * one after the other, lowest bit first, filled up to a byte.  A whole block in 8 lanes, number i
 * in lane i % 8: a lane is its 32 numbers one after the other, lowest bit first, in words of 32
 * bits, and the words of the lanes alternate.  So a row of eight numbers is shifted and masked at
 * once.  Wider than 32: first the lower 32 bits of all, then the others. Mode 3, a dictionary:
 * varint, how many different numbers, 1 to 1024; these, a sequence; the place of each of the n
 * among them, a sequence; neither is a dictionary. What mode, scale, width, patches are best is the
 * writer's business: by size, not by rule.
 *
 * VERSION 1, read only
 *
 *   0  8  as in version 2
 *   8     times, a sequence; qualities, types, columns as in version 2
 *
 * Sequence: a byte, the order in bits 0 and 1 and in bit 7 whether the rest is constant.  As many
 * zigzag varints as the order says: the first number, the first difference.  Then the rest, n -
 * order numbers: when constant one zigzag varint; else in blocks of 128 the least of the block as a
 * zigzag varint, a byte w, and each number less the least in w bits, lowest bit first, filled up to
 * a byte.
 * Doubles: a byte e.  Up to 17 the values are decimals m / 10^e: a sequence of m, then a varint,
 * how many are not, and for each of these the varint number of doubles between it and the one
 * before, and its eight bytes.  64: a sequence of the bits of the doubles.
 *
 * VERSIONS.  The first byte chooses the reader; a new way of writing is a new number, and every
 * reader stays.  tests/corpus/chunks has chunks of each with what is in them. */
#include "codec/chunk.h"

#include "base/crc32c.h"
#include "base/err.h"
#include "codec/chunk_column.h"
#include "codec/chunk_doubles.h"
#include "codec/chunk_head.h"
#include "codec/chunk_lanes.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { HEADER = 8, CRC_AT = 4 };

static uint32_t checksum(const char *p, size_t n)
{
    return crc32c(crc32c(0, p, CRC_AT), p + HEADER, n - HEADER);
}

/* ---- writing ---- */

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
        pack_varint(out, (to - from) * CHUNK_RUN_VALUES + value);
    }
}

static void count_types(const struct point *points, size_t n, size_t counts[VALUE_TEXT + 1])
{
    memset(counts, 0, (VALUE_TEXT + 1) * sizeof counts[0]);
    for (size_t i = 0; i < n; i++) {
        assert(points[i].type <= VALUE_TEXT);
        counts[points[i].type]++;
    }
}

static void put_times(const struct point *points, size_t n, enum chunk_level level,
                      const struct column_scratch *scratch, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        assert(i == 0 || points[i].t_us > points[i - 1].t_us);
        scratch->numbers[i] = (int64_t)((uint64_t)points[i].t_us - (uint64_t)points[0].t_us);
    }
    pack_numbers(out, scratch->numbers, n, level, &scratch->pack);
}

static uint8_t qualities_of(const struct point *points, size_t n)
{
    unsigned qualities = 0;
    for (size_t i = 0; i < n; i++) {
        assert(points[i].quality <= QUALITY_BAD);
        qualities |= 1u << points[i].quality;
    }
    return (uint8_t)qualities;
}

void chunk_sum_points(const struct point *points, size_t n, struct chunk_numbers *ret)
{
    struct chunk_numbers s = {0};
    for (size_t i = 0; i < n; i++) {
        const struct point *p = &points[i];
        double d = p->type == VALUE_INT ? (double)p->as.i : p->as.d;
        if ((p->type != VALUE_INT && p->type != VALUE_DOUBLE) || d != d)
            continue;
        if (s.n++ == 0)
            s.least = s.greatest = s.first = d;
        s.least = d < s.least ? d : s.least;
        s.greatest = d > s.greatest ? d : s.greatest;
        s.sum += d;
        s.last = d;
    }
    s.least += 0.0; /* no -0.0 */
    s.greatest += 0.0;
    if (s.sum != s.sum) /* infinities of both signs: one NaN everywhere */
        s.sum = NAN;
    *ret = s;
}

static void put_summary(const struct chunk_numbers *s, struct buf *out)
{
    pack_varint(out, s->n);
    if (s->n)
        pack_double(out, s->first);
    if (s->n > 1) {
        pack_double(out, s->last);
        pack_double(out, s->least);
        pack_double(out, s->greatest);
        pack_double(out, s->sum);
    }
}

/* Columns, and the summary as a reader will find it. */
static int put_columns(const struct point *points, size_t n, uint8_t type, enum chunk_level level,
                       const struct column_scratch *scratch, struct chunk_numbers *ret,
                       struct buf *out)
{
    size_t counts[VALUE_TEXT + 1], start = out->n;
    count_types(points, n, counts);
    assert(counts[VALUE_NONE] == 0);
    for (uint8_t each = VALUE_NONE + 1; each <= VALUE_TEXT; each++) {
        if (!counts[each])
            continue;
        int err = column_encode(each, points, n, counts[each], level, scratch, out);
        if (err)
            return err;
    }
    if (out->failed)
        return ERR_NOMEM;
    struct slice column = slice_of(out->p + start, out->n - start);
    if (type == VALUE_DOUBLE || type == VALUE_INT) {
        struct column_sum one = {.end = n};
        struct column_sums ask = {.list = &one, .n = 1};
        bool ok = (type == VALUE_INT ? sum_whole : sum_doubles)(&column, n, &ask);
        assert(ok);
        (void)ok;
        *ret = one.numbers;
    } else {
        chunk_sum_points(points, n, ret);
    }
    return 0;
}

/* The body is made first, for the summary comes out of it. */
static int encode(const struct point *points, size_t n, enum chunk_level level,
                  const struct column_scratch *scratch, struct buf *body, struct buf *out)
{
    uint8_t type = points[0].type;
    for (size_t i = 1; i < n && type; i++)
        if (points[i].type != type)
            type = VALUE_NONE;
    put_times(points, n, level, scratch, body);
    size_t times = body->n;
    put_runs(points, n, false, body);
    if (type == VALUE_NONE)
        put_runs(points, n, true, body);
    struct chunk_numbers numbers;
    int err = put_columns(points, n, type, level, scratch, &numbers, body);
    if (err)
        return err;
    const unsigned char header[HEADER + 1] = {
        CHUNK_VERSION, type, (unsigned char)n,
        (unsigned char)(n >> 8), [HEADER] = qualities_of(points, n)};
    size_t start = out->n;
    buf_add(out, header, sizeof header);
    pack_zigzag(out, points[0].t_us);
    pack_varint(out, (uint64_t)points[n - 1].t_us - (uint64_t)points[0].t_us);
    put_summary(&numbers, out);
    pack_varint(out, times);
    buf_add_slice(out, buf_slice(body));
    if (out->failed)
        return ERR_NOMEM;
    uint32_t crc = checksum(out->p + start, out->n - start);
    for (int i = 0; i < 4; i++)
        out->p[start + CRC_AT + (size_t)i] = (char)(unsigned char)(crc >> 8 * i);
    return 0;
}

int chunk_encode_at(const struct point *points, size_t n, enum chunk_level level, struct buf *out)
{
    enum { ARRAYS = 4 };
    assert(n > 0 && n <= CHUNK_POINTS_MAX);
    if (out->failed)
        return ERR_NOMEM;
    size_t start = out->n;
    int64_t *memory = malloc(ARRAYS * n * sizeof *memory);
    if (!memory)
        return ERR_NOMEM;
    struct column_scratch scratch = {memory,
                                     (double *)(void *)(memory + n),
                                     {.residuals = memory + 2 * n, .places = memory + 3 * n}};
    struct buf body = {0};
    int err = encode(points, n, level, &scratch, &body, out);
    buf_release(&body);
    free(memory);
    if (err) {
        out->n = start;
        out->failed = false;
    }
    return err;
}

int chunk_encode(const struct point *points, size_t n, struct buf *out)
{
    return chunk_encode_at(points, n, CHUNK_MEDIUM, out);
}

/* ---- reading ---- */

static bool get_summary(struct slice *in, size_t n, struct chunk_numbers *ret)
{
    uint64_t numbers;
    *ret = (struct chunk_numbers){0};
    if (!unpack_varint(in, &numbers) || numbers > n)
        return false;
    ret->n = (uint32_t)numbers;
    if (!numbers)
        return true;
    if (!unpack_double(in, &ret->first))
        return false;
    if (numbers > 1)
        return unpack_double(in, &ret->last) && unpack_double(in, &ret->least) &&
               unpack_double(in, &ret->greatest) && unpack_double(in, &ret->sum);
    ret->last = ret->first;
    ret->least = ret->greatest = ret->sum = ret->first + 0.0; /* no -0.0 */
    return true;
}

static int open_v2(struct slice in, struct chunk_head *h)
{
    uint64_t times;
    if (in.n < 1)
        return ERR_CORRUPT;
    h->qualities = (uint8_t)*in.p;
    in = slice_skip(in, 1);
    if (!h->qualities || h->qualities >= 1 << (QUALITY_BAD + 1) ||
        !unpack_zigzag(&in, &h->t_first) || !unpack_varint(&in, &h->span) ||
        !get_summary(&in, h->n, &h->numbers) || !unpack_varint(&in, &times) || times > in.n)
        return ERR_CORRUPT;
    if (h->span > (uint64_t)INT64_MAX - (uint64_t)h->t_first || (h->span == 0) != (h->n == 1))
        return ERR_CORRUPT;
    h->times = slice_of(in.p, (size_t)times);
    h->rest = slice_skip(in, (size_t)times);
    return 0;
}

int chunk_open(struct slice bytes, struct chunk_head *ret)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    if (bytes.n < 1 || p[0] == 0)
        return ERR_CORRUPT;
    if (p[0] > CHUNK_VERSION)
        return ERR_UNSUPPORTED;
    if (bytes.n < HEADER)
        return ERR_CORRUPT;
    *ret = (struct chunk_head){.version = p[0], .type = p[1], .n = p[2] | (size_t)p[3] << 8};
    uint32_t crc = p[4] | (uint32_t)p[5] << 8 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 24;
    if (ret->n == 0 || ret->n > CHUNK_POINTS_MAX || ret->type > VALUE_TEXT ||
        checksum(bytes.p, bytes.n) != crc)
        return ERR_CORRUPT;
    struct slice in = slice_skip(bytes, HEADER);
    if (ret->version > 1)
        return open_v2(in, ret);
    ret->times = in;
    return 0;
}

bool chunk_times(const struct chunk_head *h, int64_t *times)
{
    struct slice in = h->times;
    if (!unpack_numbers(&in, times, h->n) || in.n || times[0] != 0 ||
        (uint64_t)times[h->n - 1] != h->span)
        return false;
    return chunk_lanes()->rise(times, h->n, (uint64_t)h->t_first);
}

static bool get_runs(struct slice *in, struct point *points, size_t n, bool types)
{
    uint64_t runs, run;
    if (!unpack_varint(in, &runs) || runs > n)
        return false;
    size_t at = 0;
    for (uint64_t i = 0; i < runs; i++) {
        if (!unpack_varint(in, &run) || run / CHUNK_RUN_VALUES == 0 ||
            run / CHUNK_RUN_VALUES > n - at)
            return false;
        uint8_t value = run % CHUNK_RUN_VALUES;
        if (types ? value == VALUE_NONE || value > VALUE_TEXT : value > QUALITY_BAD)
            return false;
        for (size_t to = at + (size_t)(run / CHUNK_RUN_VALUES); at < to; at++)
            *(types ? &points[at].type : &points[at].quality) = value;
    }
    if (runs)
        return at == n;
    for (size_t i = 0; i < n && !types; i++)
        points[i].quality = QUALITY_GOOD;
    return !types;
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

/* Leaves in *in what comes behind the times. */
static bool decode_times(const struct chunk_head *h, struct slice *in, int64_t *times)
{
    if (h->version > 1) {
        *in = h->rest;
        return chunk_times(h, times);
    }
    *in = h->times;
    return column_numbers(1, in, times, h->n) && chunk_lanes()->rise(times, h->n, 0);
}

static int decode(const struct chunk_head *h, struct chunk_points *c)
{
    struct slice in;
    size_t n = h->n, counts[VALUE_TEXT + 1];
    if (!decode_times(h, &in, c->numbers))
        return ERR_CORRUPT;
    for (size_t i = 0; i < n; i++) {
        c->points[i].t_us = c->numbers[i];
        c->points[i].type = h->type;
    }
    if (!get_runs(&in, c->points, n, false) ||
        (h->type == VALUE_NONE && !get_runs(&in, c->points, n, true)))
        return ERR_CORRUPT;
    if (h->version > 1 && h->qualities != qualities_of(c->points, n))
        return ERR_CORRUPT;
    count_types(c->points, n, counts);
    for (uint8_t each = VALUE_NONE + 1; each <= VALUE_TEXT; each++) {
        int err = counts[each] ? column_decode(h->version, each, &in, c->points, n, counts[each],
                                               c->numbers, &c->texts)
                               : 0;
        if (err)
            return err;
    }
    return in.n ? ERR_CORRUPT : 0;
}

int chunk_decode(struct slice bytes, struct chunk_points *ret)
{
    struct chunk_head head;
    ret->n = 0;
    free(ret->texts);
    ret->texts = NULL;
    int err = chunk_open(bytes, &head);
    if (!err)
        err = make_room(ret, head.n);
    if (!err)
        err = decode(&head, ret);
    if (!err)
        ret->n = head.n;
    return err;
}

void chunk_points_release(struct chunk_points *c)
{
    free(c->points);
    free(c->numbers);
    free(c->texts);
    *c = (struct chunk_points){0};
}
