/* lex.c - words of SQL, as SQLite's tokenizer cuts them (https://sqlite.org/lang.html), and AS OF.
 *
 * AS OF is no SQL of SQLite's.  "FROM twins AS OF '2026-11-02T14:00Z' t" is handed on as
 * "FROM twins ('2026-11-02T14:00Z')      t": the first hidden column of a table that has a past is
 * the time as of which it is read, and arguments of a table are its hidden columns.  As the text
 * keeps its length, what SQLite says about places holds for the text that was sent. */
#include "ask/lex.h"

#include "base/clock.h"
#include "base/err.h"

#include <ctype.h>
#include <stdio.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* How many bytes of spaces and comments s begins with. */
static size_t blank(struct slice s)
{
    size_t i = 0;
    while (i < s.n) {
        if (is_space(s.p[i])) {
            i++;
        } else if (slice_starts(slice_skip(s, i), "--")) {
            while (i < s.n && s.p[i] != '\n')
                i++;
        } else if (slice_starts(slice_skip(s, i), "/*")) {
            const char *end = s.n - i > 2 ? memmem(s.p + i + 2, s.n - i - 2, "*/", 2) : NULL;
            i = end ? (size_t)(end - s.p) + 2 : s.n;
        } else {
            break;
        }
    }
    return i;
}

/* The length of what is in quotes: up to the closing one that is not doubled, or to the end. */
static size_t quoted(struct slice s, char close)
{
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] != close)
            continue;
        if (close == ']' || i + 1 == s.n || s.p[i + 1] != close)
            return i + 1;
        i++;
    }
    return s.n;
}

static size_t word(struct slice s, size_t from)
{
    while (from < s.n && is_word(s.p[from]))
        from++;
    return from;
}

static struct lex_token cut(struct slice s)
{
    char c = s.p[0];
    if (c == '\'')
        return (struct lex_token){LEX_STRING, slice_of(s.p, quoted(s, '\''))};
    if (c == '"' || c == '`' || c == '[')
        return (struct lex_token){LEX_NAME, slice_of(s.p, quoted(s, c == '[' ? ']' : c))};
    if (c == ':' || c == '@' || c == '#')
        return (struct lex_token){LEX_PARAM, slice_of(s.p, word(s, 1))};
    if (isdigit((unsigned char)c)) /* also 1e5 and 0xff; what is no number, SQLite tells */
        return (struct lex_token){LEX_OTHER, slice_of(s.p, word(s, 1))};
    if ((c == 'x' || c == 'X') && s.n > 1 && s.p[1] == '\'')
        return (struct lex_token){LEX_OTHER, slice_of(s.p, 1 + quoted(slice_skip(s, 1), '\''))};
    if (is_word(c))
        return (struct lex_token){LEX_WORD, slice_of(s.p, word(s, 1))};
    return (struct lex_token){LEX_OTHER, slice_of(s.p, 1)};
}

struct lex_token lex_next(struct slice *rest)
{
    struct slice s = slice_skip(*rest, blank(*rest));
    struct lex_token t = {LEX_END, slice_of(s.p, 0)};
    if (s.n)
        t = cut(s);
    *rest = slice_skip(s, t.text.n);
    return t;
}

void lex_put_text(struct buf *out, struct lex_token t)
{
    if (t.kind != LEX_STRING && t.kind != LEX_NAME) {
        buf_add_slice(out, t.text);
        return;
    }
    char close = t.text.p[0] == '[' ? ']' : t.text.p[0];
    size_t end = t.text.n - (t.text.n > 1 && t.text.p[t.text.n - 1] == close);
    for (size_t i = 1; i < end; i++) {
        buf_add_byte(out, (unsigned char)t.text.p[i]);
        if (t.text.p[i] == close && i + 1 < end)
            i++;
    }
}

/* ---- times ---- */

/* Without seconds, without an offset: '2026-11-02 14:00'. */
static int short_time(struct slice text, int64_t *ret)
{
    char full[48];
    if (text.n < 16 || text.n > 36 || text.p[13] != ':')
        return ERR_BAD_TIME;
    struct slice rest = slice_skip(text, 16);
    bool seconds = rest.n && rest.p[0] == ':', offset = false;
    for (size_t i = 0; i < rest.n; i++)
        offset |= strchr("Zz+-", rest.p[i]) && rest.p[i];
    snprintf(full, sizeof full, "%.16s%s%.*s%s", text.p, seconds ? "" : ":00", SLICE_ARG(rest),
             offset ? "" : "Z");
    return clock_parse(slice_str(full), ret);
}

int time_of_text(struct slice text, int64_t now_us, int64_t *ret)
{
    int64_t ago;
    text = slice_trim(text);
    if (slice_is_nocase(text, "now")) {
        *ret = now_us;
        return 0;
    }
    if (text.n > 1 && (text.p[0] == '-' || text.p[0] == '+') &&
        !clock_parse_duration(slice_skip(text, 1), &ago)) {
        bool back = text.p[0] == '-';
        return __builtin_add_overflow(now_us, back ? -ago : ago, ret) ? ERR_BAD_TIME : 0;
    }
    if (!clock_parse(text, ret) || !clock_parse_date(text, ret))
        return 0;
    return short_time(text, ret);
}

/* ---- AS OF ---- */

static bool is_keyword(struct lex_token t, const char *word)
{
    return t.kind == LEX_WORD && slice_is_nocase(t.text, word);
}

static int time_of(struct lex_token t, int64_t now_us, int64_t *ret)
{
    if (t.text.n < 3 || t.text.p[t.text.n - 1] != '\'')
        return ERR_BAD_TIME;
    return time_of_text(slice_of(t.text.p + 1, t.text.n - 2), now_us, ret);
}

/* What stands behind: nothing more, or ")" and so on, which end no table's clause. */
static bool is_end(struct lex_token t)
{
    return t.kind == LEX_END || (t.kind == LEX_OTHER && slice_is(t.text, ";"));
}

/* "AS OF 'T'" to "('T')" or nothing, and spaces.  It is shorter, so it moves to the front. */
static void rewrite(char *clause, size_t n, struct slice time, bool table)
{
    size_t kept = 0;
    if (table) {
        memmove(clause + 1, time.p, time.n);
        clause[0] = '(';
        clause[1 + time.n] = ')';
        kept = time.n + 2;
    }
    for (size_t i = kept; i < n; i++)
        clause[i] = ' ';
}

int as_of_take(char *sql, size_t n, int64_t now_us, struct as_of *ret)
{
    struct slice rest = slice_of(sql, n);
    struct lex_token before = {LEX_END, {0}}, t;
    bool table = false; /* the last word is where a table's name stands */
    *ret = (struct as_of){0};
    while ((t = lex_next(&rest)).kind != LEX_END) {
        struct slice ahead = rest;
        struct lex_token time = {LEX_END, {0}};
        if (is_keyword(t, "as") && is_keyword(lex_next(&ahead), "of"))
            time = lex_next(&ahead);
        if (time.kind != LEX_STRING) { /* "of" is a name here: SELECT 1 AS of */
            bool opens = is_keyword(before, "from") || is_keyword(before, "join") ||
                         (before.kind == LEX_OTHER && slice_is(before.text, ","));
            table = opens && (t.kind == LEX_WORD || t.kind == LEX_NAME);
            before = t;
            continue;
        }
        struct slice behind = ahead;
        bool whole = is_end(lex_next(&behind));
        size_t at = (size_t)(t.text.p - sql);
        int64_t at_us;
        ret->place = (size_t)(time.text.p - sql);
        if (time_of(time, now_us, &at_us))
            return ERR_BAD_TIME;
        ret->place = at;
        if (!whole && !table)
            return ERR_BAD_TIME;
        if (whole)
            ret->at_us = at_us;
        rewrite(sql + at, (size_t)(ahead.p - sql) - at, time.text, !whole);
        rest = ahead;
        before = time;
        table = false;
    }
    return 0;
}
