/* json_write.c - JSON into a buffer.
 *
 * What stands between two values is written before the second one, by before_value(); a value
 * that came after its key needs nothing.  At the top level nothing is put between values: what
 * separates the lines of NDJSON is the caller's. */
#include "base/clock.h"
#include "base/utf8.h"
#include "codec/json_internal.h"

#include <assert.h>
#include <math.h>

void json_writer_init(struct json_writer *w, struct buf *out, uint8_t indent)
{
    *w = (struct json_writer){.out = out, .indent = indent};
}

static void new_line(struct json_writer *w)
{
    size_t n = 1 + (size_t)w->indent * w->depth;
    char *p = buf_reserve(w->out, n);
    if (!p)
        return;
    p[0] = '\n';
    memset(p + 1, ' ', n - 1);
    w->out->n += n;
}

static inline void before_value(struct json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
    } else if (w->depth) {
        if (w->comma)
            buf_add_byte(w->out, ',');
        if (w->indent)
            new_line(w);
    }
    w->comma = true;
}

void json_open(struct json_writer *w, char bracket)
{
    before_value(w);
    buf_add_byte(w->out, (unsigned char)bracket);
    w->depth++;
    w->comma = false;
}

void json_close(struct json_writer *w, char bracket)
{
    assert(w->depth > 0);
    w->depth--;
    if (w->indent && w->comma)
        new_line(w);
    buf_add_byte(w->out, (unsigned char)bracket);
    w->comma = true;
}

void json_key_slice(struct json_writer *w, struct slice key)
{
    before_value(w);
    json_quote(w->out, key);
    buf_add_byte(w->out, ':');
    if (w->indent)
        buf_add_byte(w->out, ' ');
    w->after_key = true;
}

void json_key(struct json_writer *w, const char *key)
{
    json_key_slice(w, slice_str(key));
}

/* The short escape of a character, or 0. */
static char escape_of(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    }
    return 0;
}

/* What json_plain() stopped at; answers how many bytes that was. */
static size_t quote_special(struct buf *out, const unsigned char *p, const unsigned char *end)
{
    static const char hex[] = "0123456789abcdef";
    if (*p >= 0x80) {
        size_t n = utf8_sequence(p, (size_t)(end - p));
        buf_add(out, n ? (const char *)p : "\xef\xbf\xbd", n ? n : 3);
        return n ? n : 1;
    }
    char c = escape_of(*p);
    if (c)
        buf_add(out, (const char[]){'\\', c}, 2);
    else
        buf_add(out, (const char[]){'\\', 'u', '0', '0', hex[*p >> 4], hex[*p & 15]}, 6);
    return 1;
}

void json_quote(struct buf *out, struct slice s)
{
    const unsigned char *p = (const unsigned char *)(s.p ? s.p : ""), *end = p + s.n;
    const unsigned char *stop = json_plain(p, end);
    if (stop == end) { /* nothing to escape: nearly always */
        char *to = buf_reserve(out, s.n + 2);
        if (!to)
            return;
        to[0] = '"';
        memcpy(to + 1, p, s.n);
        to[s.n + 1] = '"';
        out->n += s.n + 2;
        return;
    }
    buf_add_byte(out, '"');
    while (p < end) {
        buf_add(out, p, (size_t)(stop - p));
        p = stop;
        if (p < end)
            p += quote_special(out, p, end);
        stop = json_plain(p, end);
    }
    buf_add_byte(out, '"');
}

void json_put_string(struct json_writer *w, struct slice s)
{
    before_value(w);
    json_quote(w->out, s);
}

void json_put_cstr(struct json_writer *w, const char *s)
{
    if (s)
        json_put_string(w, slice_str(s));
    else
        json_put_null(w);
}

void json_put_double(struct json_writer *w, double v)
{
    if (!isfinite(v)) {
        json_put_null(w);
        return;
    }
    before_value(w);
    buf_add_double(w->out, v);
}

void json_put_int(struct json_writer *w, int64_t v)
{
    before_value(w);
    buf_add_i64(w->out, v);
}

void json_put_uint(struct json_writer *w, uint64_t v)
{
    before_value(w);
    buf_add_u64(w->out, v);
}

void json_put_bool(struct json_writer *w, bool v)
{
    json_put_raw(w, v ? SLICE_LIT("true") : SLICE_LIT("false"));
}

void json_put_null(struct json_writer *w)
{
    json_put_raw(w, SLICE_LIT("null"));
}

void json_put_raw(struct json_writer *w, struct slice json)
{
    before_value(w);
    buf_add_slice(w->out, json);
}

void json_put_value(struct json_writer *w, struct value v)
{
    switch (v.type) {
    case VALUE_DOUBLE:
        json_put_double(w, v.as.d);
        return;
    case VALUE_INT:
        json_put_int(w, v.as.i);
        return;
    case VALUE_BOOL:
        json_put_bool(w, v.as.b);
        return;
    case VALUE_TEXT:
        json_put_string(w, v.as.text);
        return;
    case VALUE_NONE:
        break;
    }
    json_put_null(w);
}

void json_put_time(struct json_writer *w, int64_t t_us)
{
    before_value(w);
    buf_add_byte(w->out, '"');
    clock_format(w->out, t_us);
    buf_add_byte(w->out, '"');
}

void json_put_time_ms(struct json_writer *w, int64_t t_us)
{
    before_value(w);
    clock_format_ms(w->out, t_us);
}
