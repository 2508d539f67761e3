/* graphql_lex.c - the tokens of GraphQL text (section 2.1 of the standard). */
#include "base/err.h"
#include "base/utf8.h"
#include "codec/graphql_internal.h"

static int fail(struct gql_lexer *lx, size_t at, const char *why)
{
    lx->error_at = at;
    lx->error = why;
    return ERR_MALFORMED;
}

/* 0 at the end, as no text of ours is read behind it. */
static unsigned char at(const struct gql_lexer *lx, size_t pos)
{
    return pos < lx->text.n ? (unsigned char)lx->text.p[pos] : 0;
}

static bool is_name_start(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_bom(const struct gql_lexer *lx, size_t pos)
{
    return at(lx, pos) == 0xEF && at(lx, pos + 1) == 0xBB && at(lx, pos + 2) == 0xBF;
}

static void skip_ignored(struct gql_lexer *lx)
{
    while (lx->pos < lx->text.n) {
        unsigned char c = at(lx, lx->pos);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',')
            lx->pos++;
        else if (is_bom(lx, lx->pos))
            lx->pos += 3;
        else if (c == '#')
            while (lx->pos < lx->text.n && at(lx, lx->pos) != '\n' && at(lx, lx->pos) != '\r')
                lx->pos++;
        else
            break;
    }
}

/* ---- numbers ---- */

static int digits(struct gql_lexer *lx, size_t *pos)
{
    if (!is_digit(at(lx, *pos)))
        return fail(lx, *pos, "Invalid number: a digit is expected");
    while (is_digit(at(lx, *pos)))
        ++*pos;
    return 0;
}

static int number(struct gql_lexer *lx, struct gql_token *t)
{
    size_t pos = lx->pos;
    int err = 0;
    t->kind = GQL_TOKEN_INT;
    if (at(lx, pos) == '-')
        pos++;
    if (at(lx, pos) == '0') {
        if (is_digit(at(lx, ++pos)))
            return fail(lx, pos, "Invalid number: no digit stands behind a leading 0");
    } else {
        err = digits(lx, &pos);
    }
    if (!err && at(lx, pos) == '.') {
        t->kind = GQL_TOKEN_FLOAT;
        pos++;
        err = digits(lx, &pos);
    }
    if (!err && (at(lx, pos) | 0x20) == 'e') {
        t->kind = GQL_TOKEN_FLOAT;
        pos++;
        if (at(lx, pos) == '+' || at(lx, pos) == '-')
            pos++;
        err = digits(lx, &pos);
    }
    if (err)
        return err;
    if (at(lx, pos) == '.' || is_name_start(at(lx, pos)))
        return fail(lx, pos, "Invalid number: a digit is expected");
    t->text = slice_of(lx->text.p + lx->pos, pos - lx->pos);
    lx->pos = pos;
    return 0;
}

/* ---- strings ---- */

static int hex_digit(unsigned char c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four digits at pos; -1: they are none. */
static int32_t hex4(const struct gql_lexer *lx, size_t pos)
{
    int32_t v = 0;
    for (size_t i = 0; i < 4; i++) {
        int d = pos + i < lx->text.n ? hex_digit(at(lx, pos + i)) : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

static void put_utf8(struct buf *out, uint32_t c)
{
    char bytes[4];
    buf_add(out, bytes, utf8_encode(c, bytes));
}

static bool is_scalar(int64_t c)
{
    return (c >= 0 && c <= 0xD7FF) || (c >= 0xE000 && c <= 0x10FFFF);
}

/* \u{1F600} at pos, which is the backslash. */
static int escape_braced(struct gql_lexer *lx, size_t *pos, struct buf *out)
{
    int64_t v = 0;
    size_t n = 3; /* \u{ */
    for (; n < 12; n++) {
        unsigned char c = at(lx, *pos + n);
        if (c == '}') {
            if (n < 4 || !is_scalar(v))
                break;
            put_utf8(out, (uint32_t)v);
            *pos += n + 1;
            return 0;
        }
        int d = hex_digit(c);
        if (d < 0)
            break;
        v = v * 16 + d;
    }
    return fail(lx, *pos, "Invalid Unicode escape sequence");
}

static int escape_unicode(struct gql_lexer *lx, size_t *pos, struct buf *out)
{
    if (at(lx, *pos + 2) == '{')
        return escape_braced(lx, pos, out);
    int32_t v = hex4(lx, *pos + 2);
    if (v >= 0 && is_scalar(v)) {
        put_utf8(out, (uint32_t)v);
        *pos += 6;
        return 0;
    }
    if (v >= 0xD800 && v <= 0xDBFF && at(lx, *pos + 6) == '\\' && at(lx, *pos + 7) == 'u') {
        int32_t low = hex4(lx, *pos + 8);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            put_utf8(out, (uint32_t)(0x10000 + ((v - 0xD800) << 10) + (low - 0xDC00)));
            *pos += 12;
            return 0;
        }
    }
    return fail(lx, *pos, "Invalid Unicode escape sequence");
}

static int escape(struct gql_lexer *lx, size_t *pos, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    unsigned char c = at(lx, *pos + 1);
    if (c == 'u')
        return escape_unicode(lx, pos, out);
    const char *found = c ? strchr(from, c) : NULL;
    if (!found)
        return fail(lx, *pos, "Invalid character escape sequence");
    buf_add_byte(out, (unsigned char)to[found - from]);
    *pos += 2;
    return 0;
}

static int keep(struct gql_lexer *lx, struct gql_token *t, struct buf *out)
{
    t->text = arena_dup(lx->arena, buf_slice(out));
    bool failed = out->failed || !t->text.p;
    buf_release(out);
    return failed ? ERR_NOMEM : 0;
}

static int string(struct gql_lexer *lx, struct gql_token *t)
{
    size_t start = lx->pos + 1, pos = start;
    struct buf out = {0};
    bool escaped = false;
    t->kind = GQL_TOKEN_STRING;
    for (;;) {
        unsigned char c = at(lx, pos);
        int err = 0;
        if (pos >= lx->text.n || c == '\n' || c == '\r')
            err = fail(lx, pos, "Unterminated string");
        else if (c == '"')
            break;
        if (!err && c == '\\') {
            if (!escaped)
                buf_add(&out, lx->text.p + start, pos - start);
            escaped = true;
            err = escape(lx, &pos, &out);
        } else if (!err) {
            if (escaped)
                buf_add_byte(&out, c);
            pos++;
        }
        if (err) {
            buf_release(&out);
            return err;
        }
    }
    lx->pos = pos + 1;
    if (escaped)
        return keep(lx, t, &out);
    t->text = slice_of(lx->text.p + start, pos - start);
    return 0;
}

/* ---- block strings (section 2.9.4, BlockStringValue) ---- */

static size_t leading(struct slice line)
{
    size_t n = 0;
    while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t'))
        n++;
    return n;
}

/* Cut at the next end of a line; false: that was the last. */
static bool cut_line(struct slice *rest, struct slice *ret)
{
    if (!rest->p)
        return false;
    size_t n = 0;
    while (n < rest->n && rest->p[n] != '\n' && rest->p[n] != '\r')
        n++;
    *ret = slice_of(rest->p, n);
    if (n == rest->n) {
        *rest = slice_of(NULL, 0);
        return true;
    }
    n += n + 1 < rest->n && rest->p[n] == '\r' && rest->p[n + 1] == '\n' ? 2 : 1;
    *rest = slice_skip(*rest, n);
    return true;
}

static void dedent(struct slice raw, struct buf *out)
{
    size_t common = SIZE_MAX, first = SIZE_MAX, last = 0, i = 0;
    struct slice rest = raw, line;
    for (; cut_line(&rest, &line); i++) {
        size_t n = leading(line);
        if (n == line.n)
            continue;
        first = first == SIZE_MAX ? i : first;
        last = i;
        if (i && n < common)
            common = n;
    }
    rest = raw;
    for (i = 0; cut_line(&rest, &line); i++) {
        if (first == SIZE_MAX || i < first || i > last)
            continue;
        if (i > first)
            buf_add_byte(out, '\n');
        if (i && common != SIZE_MAX)
            line = slice_skip(line, common < line.n ? common : line.n);
        buf_add_slice(out, line);
    }
}

static int block(struct gql_lexer *lx, struct gql_token *t)
{
    size_t pos = lx->pos + 3;
    struct buf raw = {0}, out = {0};
    t->kind = GQL_TOKEN_BLOCK;
    for (;;) {
        struct slice rest = slice_of(lx->text.p + pos, pos < lx->text.n ? lx->text.n - pos : 0);
        if (!rest.n) {
            buf_release(&raw);
            return fail(lx, lx->text.n, "Unterminated string");
        }
        if (slice_starts(rest, "\"\"\""))
            break;
        if (slice_starts(rest, "\\\"\"\"")) {
            buf_add_str(&raw, "\"\"\"");
            pos += 4;
        } else {
            buf_add_byte(&raw, (unsigned char)rest.p[0]);
            pos++;
        }
    }
    lx->pos = pos + 3;
    dedent(raw.n ? buf_slice(&raw) : SLICE_LIT(""), &out);
    out.failed |= raw.failed;
    buf_release(&raw);
    return keep(lx, t, &out);
}

int gql_lex(struct gql_lexer *lx, struct gql_token *ret)
{
    struct gql_token t = {0};
    skip_ignored(lx);
    unsigned char c = at(lx, lx->pos);
    int err = 0;
    t.at = (uint32_t)lx->pos;
    if (lx->pos >= lx->text.n) {
        t.kind = GQL_TOKEN_END;
    } else if (is_name_start(c)) {
        t.kind = GQL_TOKEN_NAME;
        while (is_name_start(at(lx, lx->pos)) || is_digit(at(lx, lx->pos)))
            lx->pos++;
        t.text = slice_of(lx->text.p + t.at, lx->pos - t.at);
    } else if (is_digit(c) || c == '-') {
        err = number(lx, &t);
    } else if (c == '"') {
        bool blocks = at(lx, lx->pos + 1) == '"' && at(lx, lx->pos + 2) == '"';
        err = blocks ? block(lx, &t) : string(lx, &t);
    } else if (c && strchr("!$&():=@[]{}|", c)) {
        t.kind = c;
        lx->pos++;
    } else if (c == '.' && at(lx, lx->pos + 1) == '.' && at(lx, lx->pos + 2) == '.') {
        t.kind = GQL_TOKEN_SPREAD;
        lx->pos += 3;
    } else {
        err = fail(lx, lx->pos, "Unexpected character");
    }
    t.end = (uint32_t)lx->pos;
    if (!err)
        *ret = t;
    return err;
}
