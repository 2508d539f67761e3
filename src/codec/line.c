/* line.c - see line.h.
 *
 * The key of a line is only measured: whoever knows it by its bytes need not take it apart, and
 * whoever sees it first does so once.  A line that is wrong is measured again, by where InfluxDB
 * would end it: at the first line end that is in no text, so that what stands in a text is never
 * taken for a line. */
#include "codec/line.h"
#include "base/err.h"
#include "codec/number.h"

#include <endian.h>
#include <stdlib.h>

int line_precision(struct slice name, int64_t *ret_unit)
{
    static const struct {
        const char *name;
        int64_t unit;
    } units[] = {
        {"", -1000},     {"n", -1000}, {"ns", -1000},  {"u", 1},        {"us", 1},
        {"\xc2\xb5", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", INT64_C(3600000000)}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (slice_is(name, units[i].name)) {
            *ret_unit = units[i].unit;
            return 0;
        }
    }
    return ERR_INVALID;
}

void line_reader_init(struct line_reader *r, struct slice input, int64_t unit)
{
    r->at = input.n ? input.p : "";
    r->end = r->at + input.n;
    r->number = 1;
    r->unit = unit;
}

void line_reader_release(struct line_reader *r)
{
    free(r->fields);
    *r = (struct line_reader){0};
}

/* ---- finding ---- */

/* Where the first of a space, a backslash or a line end stands: eight bytes at a time, as in
 * json_plain(). */
static const char *find_space(const char *p, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        w = le64toh(w);
        uint64_t space = w ^ ones * ' ', slash = w ^ ones * '\\', line = w ^ ones * '\n';
        uint64_t hit =
            ((space - ones) & ~space) | ((slash - ones) & ~slash) | ((line - ones) & ~line);
        hit &= tops;
        if (hit)
            return p + (__builtin_ctzll(hit) >> 3);
        p += 8;
    }
    while (p < end && *p != ' ' && *p != '\\' && *p != '\n')
        p++;
    return p;
}

/* The end of the key at p: an unescaped space, or the line's end. */
static const char *key_end(const char *p, const char *end)
{
    for (;;) {
        p = find_space(p, end);
        if (p == end || *p != '\\')
            return p;
        p += p + 1 < end && p[1] != '\n' ? 2 : 1;
    }
}

/* The first of these that no backslash stands before, or a line end. */
static const char *find_plain(const char *p, const char *end, char a, char b, char c)
{
    while (p < end && *p != a && *p != b && *p != c && *p != '\n')
        p += *p == '\\' && p + 1 < end && p[1] != '\n' ? 2 : 1;
    return p;
}

/* Where the line that begins at p ends: at a line end that is in no text.  A text begins with a
 * quote behind an equals sign, once the key is over. */
static const char *line_end(const char *p, const char *end)
{
    bool fields = false, quoted = false;
    for (const char *start = p; p < end; p++) {
        if (*p == '\\' && p + 1 < end && (p[1] != '\n' || quoted)) {
            p++;
        } else if (*p == ' ') {
            fields = true;
        } else if (*p == '"' && (quoted || (fields && p > start && p[-1] == '='))) {
            quoted = !quoted;
        } else if (*p == '\n' && !quoted) {
            return p;
        }
    }
    return end;
}

static size_t count_lines(const char *p, const char *end)
{
    size_t n = 0;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
        n++;
        p++;
    }
    return n;
}

/* ---- values ---- */

/* The text at the quote p: behind its end quote, or NULL. */
static const char *read_text(const char *p, const char *end, struct line_field *f)
{
    const char *start = ++p;
    for (; p < end && *p != '"'; p++) {
        if (*p != '\\')
            continue;
        f->escaped = true;
        if (++p == end)
            return NULL;
    }
    if (p == end)
        return NULL;
    f->value = (struct value){VALUE_TEXT, {.text = {start, (size_t)(p - start)}}};
    return p + 1;
}

static bool read_bool(struct slice word, bool *ret)
{
    static const char *const words[] = {"t", "T", "true",  "True",  "TRUE",
                                        "f", "F", "false", "False", "FALSE"};
    for (size_t i = 0; i < 10; i++) {
        if (slice_is(word, words[i])) {
            *ret = i < 5;
            return true;
        }
    }
    return false;
}

/* A whole number is one of 64 bits with its sign; unsigned ones beyond would lose digits here. */
static const char *check_whole(const struct decimal *d, char suffix)
{
    uint64_t most = suffix == 'i' ? (uint64_t)INT64_MAX + d->negative : INT64_MAX;
    if (d->real || (suffix == 'u' && d->negative))
        return "invalid number";
    if (!d->cut && d->exponent <= 0 && d->mantissa <= most)
        return NULL;
    return suffix == 'i' ? "unable to parse integer: value out of range"
                         : "unsigned integers above 9223372036854775807 cannot be kept exactly";
}

/* The number or word at p, up to where a value ends. */
static const char *read_plain(const char **at, const char *end, struct line_field *f)
{
    const char *p = *at;
    struct decimal d;
    const char *stop = decimal_scan(p, end, &d);
    char suffix = stop && stop < end && (*stop == 'i' || *stop == 'u') ? *stop : 0;
    const char *over = stop ? stop + (suffix != 0) : p;
    while (over < end && *over != ',' && *over != ' ' && *over != '\n' && *over != '\r')
        over++, stop = NULL;
    struct slice word = {p, (size_t)(over - p)};
    *at = over;
    if (!word.n)
        return "missing field value";
    if (!stop) {
        bool b;
        if (!read_bool(word, &b))
            return memchr("-+.0123456789nNiI", *p, 17) ? "invalid number" : "invalid boolean";
        f->value = (struct value){VALUE_BOOL, {.b = b}};
        return NULL;
    }
    if (decimal_value(&d, slice_of(p, (size_t)(stop - p)), &f->value))
        return "unable to parse float: value out of range";
    return suffix ? check_whole(&d, suffix) : NULL;
}

/* ---- a line ---- */

static bool room_for_field(struct line_reader *r, size_t n)
{
    if (n < r->cap)
        return true;
    size_t cap = r->cap ? r->cap * 2 : 32;
    struct line_field *fields =
        n < LINE_FIELDS_MAX ? realloc(r->fields, cap * sizeof *fields) : NULL;
    if (!fields)
        return false;
    r->fields = fields;
    r->cap = cap;
    return true;
}

/* The fields at *at; NULL, or what is wrong. */
static const char *read_fields(struct line_reader *r, const char **at, size_t *ret_n)
{
    const char *p = *at, *end = r->end, *error;
    size_t n = 0;
    for (;; p++) {
        if (!room_for_field(r, n))
            return "too many fields";
        struct line_field *f = &r->fields[n++];
        const char *equals = p;
        while (equals < end && (unsigned char)*equals > '=' && *equals != '\\') /* letters */
            equals++;
        equals = find_plain(equals, end, '=', ' ', ',');
        *at = equals;
        if (equals == p && equals < end && *equals == '=')
            return "missing field key";
        if (equals == p)
            return n == 1 ? "missing fields" : "invalid field format";
        if (equals == end || *equals != '=')
            return "invalid field format";
        *f = (struct line_field){.key = {p, (size_t)(equals - p)}};
        p = equals + 1;
        if (p < end && *p == '"') {
            f->raw.p = p;
            p = read_text(p, end, f);
            r->quoted = true;
            *at = p ? p : end;
            if (!p)
                return "unbalanced quotes";
            f->raw.n = (size_t)(p - f->raw.p);
        } else {
            f->raw.p = p;
            error = read_plain(&p, end, f);
            f->raw.n = (size_t)(p - f->raw.p);
            *at = p;
            if (error)
                return error;
        }
        if (p == end || *p != ',')
            break;
    }
    *at = p;
    *ret_n = n;
    return NULL;
}

static const char *skip_spaces(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == 0))
        p++;
    return p;
}

static const char *read_time(struct line_reader *r, const char **at, struct line *l)
{
    const char *p = *at, *end = r->end;
    bool negative = p < end && *p == '-';
    uint64_t n = 0;
    p += negative;
    const char *first = p;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
            return "time outside range";
    *at = p;
    if (p == first || (p < end && *p != '\n' && *p != ' ' && *p != '\r' && *p != '\t'))
        return "bad timestamp";
    if (n > INT64_MAX)
        return "time outside range";
    int64_t t = negative ? -(int64_t)n : (int64_t)n;
    if (r->unit < 0)
        t = (t - (t < 0 ? -r->unit - 1 : 0)) / -r->unit;
    else if (__builtin_mul_overflow(t, r->unit, &t))
        return "time outside range";
    l->t_us = t;
    l->has_time = true;
    return NULL;
}

/* The line at *at; NULL, or what is wrong.  *at is its end then. */
static const char *read_line(struct line_reader *r, const char **at, struct line *l)
{
    const char *p = *at, *end = r->end, *error;
    const char *over = key_end(p, end);
    l->key = slice_of(p, (size_t)(over - p));
    if (!l->key.n || *p == ',')
        return "missing measurement";
    if (l->key.n > LINE_NAME_MAX)
        return "max key length exceeded: 65535";
    p = skip_spaces(over, end);
    if (p == end || *p == '\n')
        return "missing fields";
    error = read_fields(r, &p, &l->fields_n);
    *at = p;
    if (error)
        return error;
    p = skip_spaces(p, end);
    if (p < end && *p != '\n' && (error = read_time(r, &p, l)))
        return error;
    p = skip_spaces(p, end);
    *at = p;
    return p < end && *p != '\n' ? "bad timestamp" : NULL;
}

/* To the next line that says something. */
static const char *skip_nothing(struct line_reader *r)
{
    const char *p = r->at;
    for (;;) {
        p = skip_spaces(p, r->end);
        if (p < r->end && *p == '#') {
            const char *over = memchr(p, '\n', (size_t)(r->end - p));
            p = over ? over : r->end;
        }
        if (p == r->end || *p != '\n')
            return p;
        p++;
        r->number++;
    }
}

bool line_next(struct line_reader *r, struct line *ret)
{
    const char *start = skip_nothing(r), *over = start;
    if (start == r->end) {
        r->at = start;
        return false;
    }
    *ret = (struct line){.number = r->number};
    r->quoted = false;
    ret->error = read_line(r, &over, ret);
    if (ret->error) {
        over = line_end(start, r->end);
        ret->fields_n = 0;
        ret->has_time = false;
        ret->t_us = 0;
        ret->key = (struct slice){0};
    }
    ret->fields = r->fields;
    const char *last = over;
    while (last > start && (last[-1] == '\r' || last[-1] == ' '))
        last--;
    ret->raw = slice_of(start, (size_t)(last - start));
    if (r->quoted || ret->error)
        r->number += count_lines(start, over);
    r->at = over;
    return true;
}

/* ---- names ---- */

static int compare(struct slice a, struct slice b)
{
    int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* Put a tag in its place; false: there is one of that name. */
static bool insert(struct line_key *k, struct line_tag tag)
{
    size_t i = k->n;
    for (; i; i--) {
        int c = compare(k->tags[i - 1].key, tag.key);
        if (!c)
            return false;
        if (c < 0)
            break;
        k->tags[i] = k->tags[i - 1];
    }
    k->tags[i] = tag;
    k->n++;
    return true;
}

const char *line_key_read(struct slice key, struct line_key *ret)
{
    const char *p = key.p, *end = p + key.n, *over = find_plain(p, end, ',', ',', ',');
    ret->measurement = slice_of(p, (size_t)(over - p));
    ret->n = 0;
    if (!ret->measurement.n)
        return "missing measurement";
    while (over < end) {
        struct line_tag tag;
        p = over + 1;
        over = find_plain(p, end, '=', ',', ',');
        tag.key = slice_of(p, (size_t)(over - p));
        if (!tag.key.n)
            return "missing tag key";
        if (over == end || *over != '=')
            return "missing tag value";
        p = over + 1;
        over = find_plain(p, end, ',', '=', '=');
        tag.value = slice_of(p, (size_t)(over - p));
        if (!tag.value.n)
            return "missing tag value";
        if (over < end && *over != ',')
            return "invalid tag format";
        if (ret->n == LINE_TAGS_MAX)
            return "too many tags";
        if (!insert(ret, tag))
            return "duplicate tags";
    }
    return NULL;
}

static struct slice unescape(struct arena *a, struct slice s, const char *meant)
{
    if (slice_find(s, '\\') < 0)
        return s;
    char *to = arena_alloc(a, s.n + 1);
    size_t n = 0;
    if (!to)
        return (struct slice){0};
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] && strchr(meant, s.p[i + 1]))
            i++;
        to[n++] = s.p[i];
    }
    return slice_of(to, n);
}

struct slice line_name(struct arena *a, struct slice name)
{
    return unescape(a, name, ", =");
}

struct slice line_text(struct arena *a, struct slice text)
{
    return unescape(a, text, "\"\\");
}
