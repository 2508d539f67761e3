/* Tests of chunks: whatever goes in comes out bit for bit, damage is seen, bytes are few. */
#include "codec/chunk.h"

#include "base/crc32c.h"
#include "base/err.h"
#include "codec/chunk_pack.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t seed = 1;

static uint64_t draw(void) /* xorshift */
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static struct point_text *make_text(const char *s, size_t n)
{
    struct point_text *text = malloc(sizeof *text + n);
    assert_non_null(text);
    text->n = (uint32_t)n;
    memcpy(text->bytes, s, n);
    return text;
}

static void free_texts(struct point *points, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (points[i].type == VALUE_TEXT)
            free(points[i].as.text);
}

static void assert_same(const struct point *a, const struct point *b)
{
    assert_true(a->t_us == b->t_us);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->quality, b->quality);
    switch (a->type) {
    case VALUE_DOUBLE:
        assert_memory_equal(&a->as.d, &b->as.d, 8);
        break;
    case VALUE_INT:
        assert_true(a->as.i == b->as.i);
        break;
    case VALUE_BOOL:
        assert_int_equal(a->as.b, b->as.b);
        break;
    default:
        assert_int_equal(a->as.text->n, b->as.text->n);
        assert_memory_equal(a->as.text->bytes, b->as.text->bytes, a->as.text->n);
    }
}

/* Encode and decode; the bytes that it took. */
static size_t there_and_back(const struct point *points, size_t n)
{
    static struct chunk_points got; /* used again and again, on purpose */
    struct buf out = {0};
    buf_add_str(&out, "before");
    assert_int_equal(chunk_encode(points, n, &out), 0);
    assert_memory_equal(out.p, "before", 6);
    size_t bytes = out.n - 6;
    char *exact = malloc(bytes); /* so that a read past the end is seen */
    assert_non_null(exact);
    memcpy(exact, out.p + 6, bytes);
    assert_int_equal(chunk_decode(slice_of(exact, bytes), &got), 0);
    assert_int_equal(got.n, n);
    for (size_t i = 0; i < n; i++)
        assert_same(&points[i], &got.points[i]);
    free(exact);
    buf_release(&out);
    if (draw() % 16 == 0)
        chunk_points_release(&got);
    return bytes;
}

static struct point *make_points(size_t n, int64_t step)
{
    struct point *points = calloc(n, sizeof *points);
    assert_non_null(points);
    for (size_t i = 0; i < n; i++) {
        points[i].t_us = 1700000000000000 + (int64_t)i * step;
        points[i].type = VALUE_DOUBLE;
    }
    return points;
}

static void a_steady_sensor_takes_few_bytes(void **state)
{
    (void)state;
    struct point *p = make_points(4096, 1000000);
    for (size_t i = 0; i < 4096; i++)
        p[i].as.d = 21.5;
    assert_true(there_and_back(p, 4096) < 64);
    for (size_t i = 0; i < 4096; i++)
        p[i].as.d = round(sin((double)i / 200) * 1000) / 100; /* -10.00 to 10.00 */
    assert_true(there_and_back(p, 4096) < 4096);
    for (size_t i = 0; i < 4096; i++) {
        p[i].t_us += (int64_t)(draw() % 2000); /* a millisecond of jitter either way */
        p[i].as.d = 20 + (double)(draw() % 100) / 10;
    }
    assert_true(there_and_back(p, 4096) < 4096 * 20 / 8);
    for (size_t i = 0; i < 4096; i++)
        p[i].as.d = sin((double)i); /* no decimal: hardly more than its own bytes */
    assert_true(there_and_back(p, 4096) < 4096 * 10);
    free(p);
}

static const double odd_doubles[] = {0.0,
                                     -0.0,
                                     1e308,
                                     -1e308,
                                     4.9e-324,
                                     0.1,
                                     0.30000000000000004,
                                     1.0 / 3.0,
                                     9007199254740992.0,
                                     9007199254740993.0,
                                     -9007199254740992.0,
                                     1e15,
                                     1e16,
                                     1e17,
                                     1e18,
                                     1e22,
                                     123456789.123456789,
                                     1e-17,
                                     1e-18,
                                     0.5,
                                     1e-5,
                                     2.2250738585072014e-308,
                                     HUGE_VAL,
                                     -HUGE_VAL,
                                     NAN};
enum { ODD = sizeof odd_doubles / sizeof odd_doubles[0] };

static void odd_doubles_come_back_bit_for_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < ODD; i++) {
        struct point p = {.t_us = (int64_t)i, .type = VALUE_DOUBLE, .as.d = odd_doubles[i]};
        there_and_back(&p, 1);
    }
    struct point *p = make_points(1000, 10);
    for (int round = 0; round < 300; round++) {
        size_t n = 1 + draw() % 1000;
        unsigned odd_of = 1 + (unsigned)(draw() % 50); /* one in so many is odd */
        double scale = pow(10, (double)(draw() % 12));
        for (size_t i = 0; i < n; i++) {
            if (draw() % odd_of == 0) {
                p[i].as.d = odd_doubles[draw() % ODD];
            } else if (draw() % 64 == 0) {
                uint64_t bits = draw(); /* also NaN with a payload */
                memcpy(&p[i].as.d, &bits, 8);
            } else {
                p[i].as.d = (double)(int64_t)(draw() % 200000 - 100000) / scale;
            }
        }
        there_and_back(p, n);
    }
    free(p);
}

static void a_few_odd_values_do_not_spoil_the_rest(void **state)
{
    (void)state;
    struct point *p = make_points(4096, 1000000);
    for (size_t i = 0; i < 4096; i++)
        p[i].as.d = (double)(draw() % 1000) / 10;
    size_t plain = there_and_back(p, 4096);
    for (size_t i = 0; i < 4096; i += 100)
        p[i].as.d = 1.0 / 3.0 + (double)i;
    assert_true(there_and_back(p, 4096) < plain + 41 * 16);
    free(p);
}

static void whole_numbers_of_any_size_come_back(void **state)
{
    (void)state;
    struct point *p = make_points(1000, 10);
    static const int64_t edges[] = {INT64_MIN, INT64_MAX, 0, -1, 1, INT64_MIN + 1};
    for (int round = 0; round < 300; round++) {
        size_t n = 1 + draw() % 1000;
        unsigned bits = (unsigned)(draw() % 64);
        for (size_t i = 0; i < n; i++) {
            p[i].type = VALUE_INT;
            p[i].as.i = draw() % 32 ? (int64_t)(draw() >> bits) : edges[draw() % 6];
        }
        there_and_back(p, n);
    }
    free(p);
}

static void assert_packed(const int64_t *v, size_t n, enum chunk_level level)
{
    static int64_t residuals[CHUNK_POINTS_MAX], places[CHUNK_POINTS_MAX], got[CHUNK_POINTS_MAX];
    const struct pack_scratch scratch = {residuals, places};
    struct buf out = {0};
    pack_numbers(&out, v, n, level, &scratch);
    char *exact = malloc(out.n);
    assert_non_null(exact);
    memcpy(exact, out.p, out.n);
    for (size_t cut = 0; cut < out.n; cut += cut < 20 ? 1 : 1 + out.n / 10) {
        char *less = malloc(cut ? cut : 1);
        assert_non_null(less);
        memcpy(less, exact, cut);
        struct slice in = slice_of(less, cut);
        assert_false(unpack_numbers(&in, got, n));
        free(less);
    }
    struct slice in = slice_of(exact, out.n);
    assert_true(unpack_numbers(&in, got, n));
    assert_int_equal(in.n, 0);
    assert_memory_equal(v, got, n * sizeof v[0]);
    free(exact);
    buf_release(&out);
}

static void packed_numbers_of_every_width_come_back(void **state)
{
    (void)state;
    static int64_t v[700];
    for (unsigned width = 0; width <= 64; width++)
        for (size_t n = 1; n < 700; n = n < 8 ? n + 1 : n * 2 - 5) {
            for (size_t i = 0; i < n; i++)
                v[i] = width ? (int64_t)(draw() >> (64 - width)) - 7 : -7;
            assert_packed(v, n, (enum chunk_level)(draw() % 4));
        }
}

/* Outliers of any size, above and below; few different ones; multiples; steps. */
static void packed_numbers_of_every_kind_come_back(void **state)
{
    (void)state;
    static int64_t v[1100];
    for (int round = 0; round < 400; round++) {
        size_t n = 1 + draw() % 1100;
        uint64_t scale = draw() % 3 ? 1 : 1 + (draw() >> draw() % 64), x = draw();
        unsigned width = (unsigned)(draw() % 64), few = (unsigned)(1 + draw() % 1500);
        for (size_t i = 0; i < n; i++) {
            uint64_t u = width ? draw() >> (64 - width) : 0;
            switch (round % 4) {
            case 0:
                x = u;
                break;
            case 1:
                x += u;
                break;
            case 2:
                x = UINT64_C(0x9e3779b97f4a7c15) * (draw() % few);
                break;
            default:
                x += i * 1000;
            }
            if (draw() % 40 == 0)
                x += draw() >> draw() % 64;
            v[i] = (int64_t)(x * scale);
        }
        assert_packed(v, n, (enum chunk_level)(draw() % 4));
    }
}

static void booleans_take_a_bit(void **state)
{
    (void)state;
    struct point *p = make_points(4096, 1000000);
    for (size_t i = 0; i < 4096; i++) {
        p[i].type = VALUE_BOOL;
        p[i].as.b = i > 2000;
    }
    assert_true(there_and_back(p, 4096) < 200);
    for (size_t i = 0; i < 4096; i++)
        p[i].as.b = draw() & 1;
    assert_true(there_and_back(p, 4096) < 4096 / 8 + 200);
    free(p);
}

static void texts_repeat_cheaply(void **state)
{
    (void)state;
    struct point *p = make_points(3000, 1000000);
    static const char *const states[] = {"idle", "running", "", "maintenance due"};
    for (size_t i = 0; i < 3000; i++) {
        const char *s = states[i / 50 % 4];
        p[i].type = VALUE_TEXT;
        p[i].as.text = make_text(s, strlen(s));
    }
    assert_true(there_and_back(p, 3000) < 3000);
    free_texts(p, 3000);
    for (size_t i = 0; i < 300; i++) { /* all different, any bytes */
        char s[600];
        size_t n = draw() % sizeof s;
        for (size_t k = 0; k < n; k++)
            s[k] = (char)draw();
        p[i].as.text = make_text(s, n);
    }
    there_and_back(p, 300);
    free_texts(p, 300);
    free(p);
}

static void types_and_qualities_mix(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        size_t n = 1 + draw() % 500;
        struct point *p = make_points(n, 1 + (int64_t)(draw() % 5));
        unsigned types = 1 + (unsigned)(draw() % 4), first = (unsigned)(draw() % 4);
        for (size_t i = 0; i < n; i++) {
            p[i].type = (uint8_t)(VALUE_DOUBLE + (first + draw() % types) % 4);
            p[i].quality = (uint8_t)(draw() % 20 ? QUALITY_GOOD : draw() % 3);
            switch (p[i].type) {
            case VALUE_DOUBLE:
                p[i].as.d = (double)(draw() % 1000) / 10;
                break;
            case VALUE_INT:
                p[i].as.i = (int64_t)draw();
                break;
            case VALUE_BOOL:
                p[i].as.b = draw() & 1;
                break;
            default:
                p[i].as.text = make_text("some text", draw() % 10);
            }
        }
        there_and_back(p, n);
        free_texts(p, n);
        free(p);
    }
}

static void times_of_any_distance_come_back(void **state)
{
    (void)state;
    struct point p[] = {
        {.t_us = INT64_MIN, .type = VALUE_BOOL, .as.b = true},
        {.t_us = -1, .type = VALUE_BOOL, .as.b = false},
        {.t_us = 0, .type = VALUE_BOOL, .as.b = true, .quality = QUALITY_BAD},
        {.t_us = INT64_MAX, .type = VALUE_BOOL, .as.b = true, .quality = QUALITY_BAD},
    };
    for (size_t n = 1; n <= 4; n++)
        there_and_back(p, n);
}

static struct buf sample(void)
{
    struct point *p = make_points(300, 250000);
    for (size_t i = 0; i < 300; i++) {
        p[i].as.d = (double)(draw() % 1000) / 10;
        p[i].quality = i == 17 ? QUALITY_BAD : QUALITY_GOOD;
    }
    struct buf out = {0};
    assert_int_equal(chunk_encode(p, 300, &out), 0);
    free(p);
    return out;
}

static void any_damage_is_seen(void **state)
{
    (void)state;
    struct buf b = sample();
    struct chunk_points got = {0};
    for (size_t at = 0; at < b.n; at++)
        for (int bit = 0; bit < 8; bit++) {
            b.p[at] ^= (char)(1 << bit);
            int err = chunk_decode(buf_slice(&b), &got);
            assert_true(err == ERR_CORRUPT || (at == 0 && err == ERR_UNSUPPORTED));
            assert_int_equal(got.n, 0);
            b.p[at] ^= (char)(1 << bit);
        }
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(chunk_decode(slice_of(b.p, n), &got), ERR_CORRUPT);
    assert_int_equal(chunk_decode(buf_slice(&b), &got), 0);
    b.p[0] = CHUNK_VERSION + 1;
    assert_int_equal(chunk_decode(buf_slice(&b), &got), ERR_UNSUPPORTED);
    chunk_points_release(&got);
    buf_release(&b);
}

/* Bytes written once must be read for ever: this is version 1. */
static void version_1_is_what_it_was(void **state)
{
    (void)state;
    struct point_text *ab = make_text("ab", 2);
    struct point p[] = {
        {.t_us = 1700000000000000, .type = VALUE_DOUBLE, .as.d = 21.5},
        {.t_us = 1700000001000000, .type = VALUE_DOUBLE, .as.d = 21.75, .quality = QUALITY_BAD},
        {.t_us = 1700000002000000, .type = VALUE_DOUBLE, .as.d = 1.0 / 3.0},
        {.t_us = 1700000003000000, .type = VALUE_INT, .as.i = INT64_MIN},
        {.t_us = 1700000004000001, .type = VALUE_BOOL, .as.b = true},
        {.t_us = 1700000005000000, .type = VALUE_TEXT, .as.text = ab},
        {.t_us = 1700000006000000, .type = VALUE_TEXT, .as.text = ab},
    };
    static const unsigned char expected[] = {
        0x01, 0x00, 0x07, 0x00, 0x13, 0xaf, 0xa0, 0xad, 0x01, 0x80, 0x80, 0xf2, 0x81, 0x83,
        0x89, 0x85, 0x06, 0xfe, 0x88, 0x7a, 0x02, 0x95, 0x04, 0x03, 0x08, 0x0a, 0x28, 0x04,
        0x19, 0x0a, 0x0b, 0x14, 0x02, 0x82, 0xcc, 0x21, 0x32, 0x31, 0x01, 0x02, 0x55, 0x55,
        0x55, 0x55, 0x55, 0x55, 0xd5, 0x3f, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0x01, 0x80, 0x02, 0x01, 0x02, 0x61, 0x62, 0x80, 0x00,
    };
    struct chunk_points got = {0};
    assert_int_equal(chunk_decode(slice_of((const char *)expected, sizeof expected), &got), 0);
    assert_int_equal(got.n, 7);
    for (size_t i = 0; i < 7; i++)
        assert_same(&p[i], &got.points[i]);
    chunk_points_release(&got);
    free(ab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_sensor_takes_few_bytes),
        cmocka_unit_test(odd_doubles_come_back_bit_for_bit),
        cmocka_unit_test(a_few_odd_values_do_not_spoil_the_rest),
        cmocka_unit_test(whole_numbers_of_any_size_come_back),
        cmocka_unit_test(packed_numbers_of_every_width_come_back),
        cmocka_unit_test(packed_numbers_of_every_kind_come_back),
        cmocka_unit_test(booleans_take_a_bit),
        cmocka_unit_test(texts_repeat_cheaply),
        cmocka_unit_test(types_and_qualities_mix),
        cmocka_unit_test(times_of_any_distance_come_back),
        cmocka_unit_test(any_damage_is_seen),
        cmocka_unit_test(version_1_is_what_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
