/* Fuzz target: any bytes as a string to write, as a text to unescape, as a number. */
#include "base/utf8.h"
#include "codec/json.h"

#include <assert.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is written is one string that reads as what went in, or as its mended form. */
static void check_quote(struct arena *a, struct slice s)
{
    struct buf out = {0};
    struct json_reader r;
    enum json_event event;
    json_quote(&out, s);
    assert(!out.failed);
    json_reader_init(&r, buf_slice(&out));
    assert(!json_next(&r, &event) && event == JSON_STRING);
    struct slice back = json_unescape(a, r.text, r.escaped);
    assert(utf8_valid(back));
    assert(slice_eq(back, s) == utf8_valid(s));
    assert(!json_next(&r, &event) && event == JSON_END);
    buf_release(&out);
}

static void check_double(struct slice s)
{
    double d;
    if (s.n != sizeof d)
        return;
    memcpy(&d, s.p, sizeof d);
    struct buf out = {0};
    struct json_writer w;
    struct value v;
    json_writer_init(&w, &out, 0);
    json_put_double(&w, d);
    if (!isfinite(d)) {
        assert(slice_is(buf_slice(&out), "null"));
    } else {
        assert(!json_number(buf_slice(&out), &v));
        assert(value_as_double(v) == d);
    }
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice s = slice_of((const char *)data, size);
    struct arena *a = arena_new();
    struct value v;
    double d;
    struct slice plain = json_unescape(a, s, true); /* bytes that no reader has seen */
    assert(plain.n <= s.n);
    check_quote(a, s);
    check_double(s);
    bool number = !json_number(s, &v);
    assert(number == !slice_to_double(s, &d));
    assert(!number || value_as_double(v) == d);
    arena_free(a);
    return 0;
}
