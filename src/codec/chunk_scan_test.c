/* Tests of chunks as columns and sums, of the three ways of the lanes, and of chunks that were
 * written long ago. */
#include "base/crc32c.h"
#include "base/err.h"
#include "codec/chunk.h"
#include "codec/chunk_lanes.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t seed = 7;

static uint64_t draw(void) /* xorshift */
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static double draw_double(void) /* anything at all */
{
    uint64_t bits = draw();
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static const int64_t edges[] = {INT64_MIN,
                                INT64_MIN + 1,
                                -1,
                                0,
                                1,
                                INT64_MAX - 1,
                                INT64_MAX,
                                (1LL << 53) + 1,
                                -(1LL << 53) - 1,
                                (1LL << 31),
                                -(1LL << 31) - 1};
enum { EDGES = sizeof edges / sizeof edges[0] };

static int64_t draw_whole(void)
{
    int64_t v = (int64_t)draw() >> draw() % 64;
    return draw() % 8 ? v : edges[draw() % EDGES];
}

static const double odd[] = {0.0,       -0.0,      INFINITY, -INFINITY, NAN,
                             4.9e-324,  -4.9e-324, 1.7e308,  -1.7e308,  2.2250738585072014e-308,
                             1.0 / 3.0, 0.1};
enum { ODD = sizeof odd / sizeof odd[0] };

/* ---- the lanes ---- */

static void every_way_unpacks_the_same(void **state)
{
    (void)state;
    const struct chunk_lanes *all[3];
    size_t ways = chunk_lanes_all(all);
    for (unsigned width = 1; width <= LANE_WIDTH_MAX; width++)
        for (int high = 0; high < 2; high++) {
            size_t bytes = (size_t)width * 32;
            char *words = malloc(bytes); /* exact, so that a read past the end is seen */
            int64_t start[LANE_BLOCK], expected[LANE_BLOCK], got[LANE_BLOCK];
            int64_t base = (int64_t)draw();
            assert_non_null(words);
            for (size_t i = 0; i < bytes; i++)
                words[i] = (char)draw();
            for (size_t i = 0; i < LANE_BLOCK; i++)
                start[i] = (int64_t)draw();
            memcpy(expected, start, sizeof start);
            all[ways - 1]->unpack(words, width, base, high, expected);
            for (size_t k = 0; k + 1 < ways; k++) {
                memcpy(got, start, sizeof start);
                all[k]->unpack(words, width, base, high, got);
                assert_memory_equal(expected, got, sizeof got);
            }
            free(words);
        }
}

static void every_way_scales_and_totals_the_same(void **state)
{
    (void)state;
    const struct chunk_lanes *all[3];
    size_t ways = chunk_lanes_all(all);
    for (int round = 0; round < 3000; round++) {
        size_t n = draw() % 40;
        int64_t start[40], expected[40], got[40];
        uint64_t a = (uint64_t)draw_whole(), b = (uint64_t)draw_whole();
        for (size_t i = 0; i < n; i++)
            start[i] = draw_whole();
        for (size_t k = 0; k < ways; k++) {
            memcpy(got, start, sizeof got);
            all[k]->scale(got, n, a, b);
            for (size_t i = 0; i < n; i++)
                assert_true((uint64_t)got[i] == (uint64_t)start[i] * a + b);
            memcpy(got, start, sizeof got);
            uint64_t last = all[k]->total(got, n, a), sum = a;
            for (size_t i = 0; i < n; i++) {
                sum += (uint64_t)start[i];
                assert_true((uint64_t)got[i] == sum);
            }
            assert_true(last == sum);
        }
        bool rises = true;
        for (size_t i = 0; i < n; i++) { /* mostly rising */
            start[i] = (i ? start[i - 1] : -5) + (int64_t)(draw() % 64 == 0 ? 0 : 1 + draw() % 9);
            if (draw() % 512 == 0)
                start[i] = draw_whole() / 2;
            expected[i] = (int64_t)((uint64_t)start[i] + a);
            rises = rises && (i == 0 || expected[i] > expected[i - 1]);
        }
        for (size_t k = 0; k < ways; k++) {
            memcpy(got, start, sizeof got);
            assert_int_equal(all[k]->rise(got, n, a), rises);
            assert_memory_equal(got, expected, n * sizeof got[0]);
        }
    }
}

static void every_way_divides_the_same(void **state)
{
    (void)state;
    const struct chunk_lanes *all[3];
    size_t ways = chunk_lanes_all(all);
    for (int round = 0; round < 3000; round++) {
        size_t n = draw() % 40;
        double power = pow(10, (double)(draw() % 23));
        int64_t m[40];
        double expected[40], got[40];
        for (size_t i = 0; i < n; i++) {
            m[i] = draw_whole();
            expected[i] = (double)m[i] / power;
        }
        for (size_t k = 0; k < ways; k++) {
            all[k]->divide(m, n, power, got);
            assert_memory_equal(expected, got, n * sizeof got[0]);
            memcpy(got, m, n * sizeof m[0]);
            all[k]->divide((const int64_t *)(const void *)got, n, power, got); /* in place */
            assert_memory_equal(expected, got, n * sizeof got[0]);
        }
    }
}

static void every_way_ranges_and_folds_the_same(void **state)
{
    (void)state;
    const struct chunk_lanes *all[3];
    size_t ways = chunk_lanes_all(all);
    for (int round = 0; round < 3000; round++) {
        size_t n = draw() % 70;
        int64_t whole[70];
        double doubles[70];
        for (size_t i = 0; i < n; i++) {
            whole[i] = draw_whole();
            doubles[i] = draw() % 4 ? (double)(int64_t)(draw() % 1000) / 10
                                    : (draw() % 2 ? draw_double() : odd[draw() % ODD]);
        }
        struct lane_range range[3];
        struct lane_fold fold[3];
        for (size_t k = 0; k < ways; k++) {
            range[k] = (struct lane_range){INT64_MAX, INT64_MIN, 3};
            memset(&fold[k], 0, sizeof fold[k]);
            for (int i = 0; i < LANES; i++) {
                fold[k].least[i] = INFINITY;
                fold[k].greatest[i] = -INFINITY;
            }
            all[k]->range(whole, n, &range[k]);
            all[k]->fold(doubles, n, &fold[k]);
            for (int i = 0; i < LANES; i++) { /* 0 and -0 are one, and so are all NaN */
                fold[k].least[i] += 0.0;
                fold[k].greatest[i] += 0.0;
                fold[k].sum[i] = isnan(fold[k].sum[i]) ? NAN : fold[k].sum[i];
            }
            assert_memory_equal(&range[k], &range[0], sizeof range[0]);
            assert_memory_equal(&fold[k], &fold[0], sizeof fold[0]);
        }
    }
}

/* ---- columns and sums ---- */

static bool is_number(const struct point *p)
{
    return p->type == VALUE_DOUBLE || p->type == VALUE_INT;
}

static double number_of(const struct point *p)
{
    return p->type == VALUE_INT ? (double)p->as.i : p->as.d;
}

static void assert_columns(const struct chunk_points *points, const struct chunk_columns *c)
{
    size_t at = 0, run = 0, in_run = 0;
    for (size_t i = 0; i < points->n; i++) {
        const struct point *p = &points->points[i];
        if (!is_number(p))
            continue;
        double d = number_of(p);
        assert_true(at < c->n && run < c->runs_n);
        assert_true(c->times[at] == p->t_us);
        assert_memory_equal(&c->numbers[at], &d, sizeof d);
        assert_int_equal(c->runs[run].quality, p->quality);
        at++;
        if (++in_run == c->runs[run].n) {
            run++;
            in_run = 0;
        }
    }
    assert_int_equal(at, c->n);
    assert_int_equal(run, c->runs_n);
}

/* The sum is near that of adding one by one; all else is exact. */
static void assert_sum(const struct chunk_points *points, size_t from, size_t to,
                       const struct chunk_numbers *got)
{
    struct chunk_numbers s = {0};
    long double sum = 0, size = 0;
    for (size_t i = from; i < to; i++) {
        const struct point *p = &points->points[i];
        if (!is_number(p) || isnan(number_of(p)))
            continue;
        double d = number_of(p);
        if (s.n++ == 0)
            s.first = s.least = s.greatest = d;
        s.least = fmin(s.least, d);
        s.greatest = fmax(s.greatest, d);
        s.last = d;
        sum += d;
        size += fabsl(d);
    }
    assert_int_equal(got->n, s.n);
    assert_true(got->least == s.least && got->greatest == s.greatest);
    assert_memory_equal(&got->first, &s.first, sizeof s.first);
    assert_memory_equal(&got->last, &s.last, sizeof s.last);
    assert_false(got->least == 0 && signbit(got->least));
    if (isfinite((double)size))
        assert_true(fabsl(got->sum - sum) <= size * 1e-13L);
}

static void assert_same_numbers(const struct chunk_numbers *a, const struct chunk_numbers *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(&a->least, &b->least, sizeof a->least);
    assert_memory_equal(&a->greatest, &b->greatest, sizeof a->greatest);
    assert_memory_equal(&a->sum, &b->sum, sizeof a->sum);
    assert_memory_equal(&a->first, &b->first, sizeof a->first);
    assert_memory_equal(&a->last, &b->last, sizeof a->last);
}

/* When the first of the least and of the greatest numbers were. */
static void assert_placed(const struct chunk_points *points, size_t from,
                          const struct chunk_stretch *got)
{
    size_t least = SIZE_MAX, greatest = SIZE_MAX;
    for (size_t i = from; i < from + got->n; i++) {
        double d = number_of(&points->points[i]);
        if (isnan(d))
            continue;
        if (least == SIZE_MAX || d < number_of(&points->points[least]))
            least = i;
        if (greatest == SIZE_MAX || d > number_of(&points->points[greatest]))
            greatest = i;
    }
    assert_true(got->t_least == points->points[least].t_us);
    assert_true(got->t_greatest == points->points[greatest].t_us);
}

/* Stretches that begin and end anywhere, some of them empty, are each what their points are. */
static void assert_stretches(struct slice bytes, const struct chunk_points *points,
                             struct chunk_columns *scratch)
{
    const struct chunk_lanes *all[3];
    size_t ways = chunk_lanes_all(all), at = draw() % (points->n + 1) / (1 + draw() % 20);
    size_t ends[CHUNK_STRETCHES_MAX];
    static struct chunk_stretches ask, first;
    struct chunk_summary about;
    ask = (struct chunk_stretches){.n = 1 + draw() % CHUNK_STRETCHES_MAX, .placed = true};
    const size_t from = at, usual = 1 + draw() % (2 * points->n / ask.n + 2);
    int64_t behind = points->points[points->n - 1].t_us + 1;
    ask.from_us = at < points->n ? points->points[at].t_us : behind;
    for (size_t k = 0; k < ask.n; k++) {
        at += draw() % usual;
        ends[k] = at = at < points->n ? at : points->n;
        ask.list[k].to_us = at < points->n ? points->points[at].t_us : behind;
    }
    for (size_t way = 0; way < ways; way++) {
        chunk_lanes_use(all[way]);
        int err = chunk_sum_stretches(bytes, &ask, scratch, &about);
        uint8_t type = points->points[0].type;
        bool straight = type == VALUE_DOUBLE || type == VALUE_INT;
        for (size_t i = 0; i < points->n; i++)
            straight &= points->points[i].type == type;
        assert_int_equal(err, straight && bytes.p[0] > 1 ? 0 : ERR_INVALID);
        if (err)
            return;
        assert_int_equal(about.n, points->n);
        first = way ? first : ask;
        for (size_t k = 0, start = from; k < ask.n; start = ends[k++]) {
            const struct chunk_stretch *one = &ask.list[k];
            assert_int_equal(one->n, ends[k] - start);
            assert_sum(points, start, ends[k], &one->numbers);
            assert_same_numbers(&one->numbers, &first.list[k].numbers);
            if (!one->n)
                continue;
            assert_true(one->t_first == points->points[start].t_us &&
                        one->t_last == points->points[ends[k] - 1].t_us);
            if (one->numbers.n)
                assert_placed(points, start, one);
        }
    }
}

/* Everything that a chunk can tell agrees with its points, whichever way the machine goes. */
static void assert_agrees(struct slice bytes)
{
    static struct chunk_points points;
    static struct chunk_columns columns;
    const struct chunk_lanes *all[3];
    size_t ways = chunk_lanes_all(all);
    assert_int_equal(chunk_decode(bytes, &points), 0);
    int64_t t_first = points.points[0].t_us, t_last = points.points[points.n - 1].t_us;
    struct chunk_summary summary;
    assert_int_equal(chunk_summarize(bytes, &summary), 0);
    assert_int_equal(summary.n, points.n);
    assert_true(summary.t_first == t_first && summary.t_last == t_last);
    assert_sum(&points, 0, points.n, &summary.numbers);
    size_t from = draw() % points.n, to = from + draw() % (points.n - from);
    struct chunk_numbers part, first_part, all_of_it;
    for (size_t k = 0; k < ways; k++) {
        chunk_lanes_use(all[k]);
        assert_int_equal(chunk_to_columns(bytes, &columns), 0);
        assert_columns(&points, &columns);
        assert_int_equal(
            chunk_sum(bytes, points.points[from].t_us, points.points[to].t_us, &columns, &part), 0);
        assert_sum(&points, from, to, &part);
        first_part = k ? first_part : part;
        assert_same_numbers(&part, &first_part);
        if (t_last < INT64_MAX) {
            assert_int_equal(chunk_sum(bytes, t_first, t_last + 1, &columns, &all_of_it), 0);
            assert_same_numbers(&all_of_it, &summary.numbers);
        }
    }
    if (t_last < INT64_MAX)
        assert_stretches(bytes, &points, &columns);
    chunk_lanes_use(NULL);
    if (draw() % 8 == 0) {
        chunk_points_release(&points);
        chunk_columns_release(&columns);
    }
}

static double make_double(int kind)
{
    double decimal = (double)(int64_t)(draw() % 200000) / 1000 - 50;
    switch (kind) {
    case 0:
        return decimal;
    case 1:
        return draw() % 5 ? decimal : nextafter(decimal, 1e9);
    case 2:
        return draw() % 9 ? decimal : odd[draw() % ODD];
    case 3:
        return sin((double)draw()) * 1e-3;
    case 4:
        return draw_double();
    case 5:
        return odd[draw() % ODD];
    default:
        return (double)(draw() % 7) * 0.327927;
    }
}

/* Written with any way of the lanes, the bytes are the same. */
static void assert_written_the_same(const struct point *p, size_t n, enum chunk_level level,
                                    struct slice expected)
{
    const struct chunk_lanes *all[3];
    size_t ways = chunk_lanes_all(all);
    for (size_t k = 0; k < ways; k++) {
        struct buf out = {0};
        chunk_lanes_use(all[k]);
        assert_int_equal(chunk_encode_at(p, n, level, &out), 0);
        assert_true(slice_eq(buf_slice(&out), expected));
        buf_release(&out);
    }
    chunk_lanes_use(NULL);
}

static void columns_and_sums_agree_with_the_points(void **state)
{
    (void)state;
    for (int round = 0; round < 250; round++) {
        size_t n = 1 + draw() % (round % 10 ? 700 : CHUNK_POINTS_MAX);
        struct point *p = calloc(n, sizeof *p);
        struct buf out = {0};
        assert_non_null(p);
        bool mixed = draw() % 8 == 0, whole = draw() % 4 == 0, gaps = draw() % 2;
        int64_t t = (int64_t)draw() / 2;
        for (size_t i = 0; i < n; i++) {
            t += 1000000 + (int64_t)(gaps ? draw() % 1000 : 0);
            p[i].t_us = t;
            p[i].type = mixed   ? (uint8_t)(VALUE_DOUBLE + draw() % 3)
                        : whole ? VALUE_INT
                                : VALUE_DOUBLE;
            p[i].quality = (uint8_t)(draw() % 30 ? QUALITY_GOOD : draw() % 3);
            if (p[i].type == VALUE_DOUBLE)
                p[i].as.d = make_double(round % 7);
            else if (p[i].type == VALUE_INT)
                p[i].as.i = draw_whole();
            else
                p[i].as.b = draw() & 1;
        }
        enum chunk_level level = (enum chunk_level)(draw() % 4);
        assert_int_equal(chunk_encode_at(p, n, level, &out), 0);
        assert_written_the_same(p, n, level, buf_slice(&out));
        assert_agrees(buf_slice(&out));
        buf_release(&out);
        free(p);
    }
}

static void the_sum_of_decimals_is_rounded_once(void **state)
{
    (void)state;
    static struct point p[1000];
    for (size_t i = 0; i < 1000; i++)
        p[i] = (struct point){.t_us = (int64_t)i, .type = VALUE_DOUBLE, .as.d = 0.1};
    struct buf out = {0};
    struct chunk_summary s;
    assert_int_equal(chunk_encode(p, 1000, &out), 0);
    assert_int_equal(chunk_summarize(buf_slice(&out), &s), 0);
    assert_true(s.numbers.sum == 100.0); /* added one by one it would be 99.9999999999986 */
    buf_release(&out);
}

/* ---- chunks of long ago ---- */

static const char *const folder = "tests/corpus/chunks";

static struct buf read_kept(const char *name)
{
    char path[512];
    struct buf b = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s is missing", path);
    for (int c; (c = fgetc(f)) != EOF;)
        buf_add_byte(&b, (unsigned char)c);
    fclose(f);
    return b;
}

static void tell(const struct point *p, struct buf *out)
{
    uint64_t bits;
    buf_addf(out, "%" PRId64 " %d ", p->t_us, p->quality);
    switch (p->type) {
    case VALUE_DOUBLE:
        memcpy(&bits, &p->as.d, sizeof bits);
        buf_addf(out, "double %016" PRIx64 "\n", bits);
        break;
    case VALUE_INT:
        buf_addf(out, "int %" PRId64 "\n", p->as.i);
        break;
    case VALUE_BOOL:
        buf_addf(out, "bool %d\n", p->as.b);
        break;
    default:
        buf_add_str(out, "text ");
        for (uint32_t i = 0; i < p->as.text->n; i++)
            buf_addf(out, "%02x", (unsigned char)p->as.text->bytes[i]);
        buf_add_byte(out, '\n');
    }
}

static void mend(struct buf *b)
{
    uint32_t crc = crc32c(crc32c(0, b->p, 4), b->p + 8, b->n - 8);
    for (int i = 0; i < 4; i++)
        b->p[4 + i] = (char)(unsigned char)(crc >> 8 * i);
}

#ifdef __SANITIZE_THREAD__
enum { STRIDE = 11 }; /* nothing in here has threads, and it is slow */
#else
enum { STRIDE = 1 };
#endif

/* Each byte changed and each cut: seen.  With a checksum that is right for it: refused or read, the
 * same on all ways, and never a crash. */
static void spoil(struct buf *b)
{
    struct chunk_points points = {0};
    struct chunk_columns columns = {0};
    struct chunk_summary summary;
    struct chunk_numbers numbers;
    const struct chunk_lanes *all[3];
    size_t ways = chunk_lanes_all(all);
    for (size_t at = 0; at < b->n; at += STRIDE) {
        char was = b->p[at], crc[4];
        b->p[at] ^= (char)(1 << draw() % 8);
        memcpy(crc, b->p + 4, 4);
        int err = chunk_decode(buf_slice(b), &points);
        assert_true(err == ERR_CORRUPT || (at == 0 && err == ERR_UNSUPPORTED));
        assert_int_equal(chunk_to_columns(buf_slice(b), &columns), err);
        assert_int_equal(chunk_summarize(buf_slice(b), &summary), err);
        assert_int_equal(chunk_sum(buf_slice(b), 0, 1, &columns, &numbers), err);
        mend(b);
        for (size_t k = 0; k < 2 && at > 7; k++) { /* the portable way and one other */
            struct chunk_numbers first = numbers;
            chunk_lanes_use(all[k ? at % ways : ways - 1]);
            err = chunk_to_columns(buf_slice(b), &columns);
            int as_points = chunk_decode(buf_slice(b), &points);
            assert_true(err == 0 || err == ERR_CORRUPT);
            assert_int_equal(as_points, err);
            err = chunk_sum(buf_slice(b), 1700000100000000, INT64_MAX, &columns, &numbers);
            if (k && !err)
                assert_same_numbers(&first, &numbers);
        }
        chunk_lanes_use(NULL);
        b->p[at] = was;
        mend(b);
    }
    for (size_t n = 0; n < b->n; n += STRIDE)
        assert_int_equal(chunk_decode(slice_of(b->p, n), &points), ERR_CORRUPT);
    chunk_points_release(&points);
    chunk_columns_release(&columns);
}

static void kept_chunks_are_read(void **state)
{
    (void)state;
    int versions[CHUNK_VERSION + 1] = {0};
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char *dot = strstr(entry->d_name, ".chunk"), text_name[300];
        if (!dot)
            continue;
        snprintf(text_name, sizeof text_name, "%.*s.txt", (int)(dot - entry->d_name),
                 entry->d_name);
        struct buf bytes = read_kept(entry->d_name), expected = read_kept(text_name), got = {0};
        struct chunk_points points = {0};
        if (chunk_decode(buf_slice(&bytes), &points))
            fail_msg("%s is not read any more", entry->d_name);
        for (size_t i = 0; i < points.n; i++)
            tell(&points.points[i], &got);
        if (!slice_eq(buf_slice(&got), buf_slice(&expected)))
            fail_msg("%s is not what it was", entry->d_name);
        assert_agrees(buf_slice(&bytes));
        int version = bytes.p[0];
        assert_true(entry->d_name[0] == 'v' && entry->d_name[1] == '0' + version);
        versions[version]++;
        spoil(&bytes);
        chunk_points_release(&points);
        buf_release(&bytes);
        buf_release(&expected);
        buf_release(&got);
    }
    closedir(dir);
    for (int version = 1; version <= CHUNK_VERSION; version++)
        assert_true(versions[version] >= 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_unpacks_the_same),
        cmocka_unit_test(every_way_scales_and_totals_the_same),
        cmocka_unit_test(every_way_divides_the_same),
        cmocka_unit_test(every_way_ranges_and_folds_the_same),
        cmocka_unit_test(columns_and_sums_agree_with_the_points),
        cmocka_unit_test(the_sum_of_decimals_is_rounded_once),
        cmocka_unit_test(kept_chunks_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
