#include "server/ini.h"

#include <stdlib.h>

static bool is_name(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return s.n > 0;
}

static bool is_comment(struct slice s)
{
    return s.n == 0 || s.p[0] == '#' || s.p[0] == ';';
}

/* A value in quotes, unescaped into out; what follows may only be a comment. */
static const char *read_quoted(struct slice s, struct buf *out)
{
    size_t i = 1;
    for (; i < s.n && s.p[i] != '"'; i++) {
        if (s.p[i] == '\\') {
            i++;
            if (i >= s.n || (s.p[i] != '"' && s.p[i] != '\\'))
                return "in quotes a backslash stands before \" or \\ only";
        }
        buf_add_byte(out, (unsigned char)s.p[i]);
    }
    if (i >= s.n)
        return "the closing quote is missing";
    return is_comment(slice_trim(slice_skip(s, i + 1))) ? NULL
                                                        : "something stands behind the quote";
}

/* A value without quotes ends before a comment, which begins behind a space. */
static struct slice read_plain(struct slice s)
{
    for (size_t i = 1; i < s.n; i++) {
        if ((s.p[i] == '#' || s.p[i] == ';') && (s.p[i - 1] == ' ' || s.p[i - 1] == '\t'))
            return slice_trim(slice_of(s.p, i));
    }
    return is_comment(s) ? slice_of(s.p, 0) : s;
}

static const char *read_entry(struct slice line, struct ini_entry *e, struct buf *value)
{
    struct slice rest = line;
    if (slice_find(line, '=') < 0)
        return "write it as \"key = value\"";
    slice_cut(&rest, '=', &e->key);
    e->key = slice_trim(e->key);
    if (!is_name(e->key))
        return "the name of a setting has only letters, digits, - and _";
    rest = slice_trim(rest);
    if (rest.n == 0 || rest.p[0] != '"') {
        e->value = read_plain(rest);
        return NULL;
    }
    const char *why = read_quoted(rest, value);
    e->value = buf_slice(value);
    return why;
}

static const char *read_section(struct slice line, struct slice *section)
{
    ptrdiff_t end = slice_find(line, ']');
    if (end < 0)
        return "the closing ] is missing";
    struct slice name = slice_trim(slice_of(line.p + 1, (size_t)end - 1));
    if (!is_name(name))
        return "the name of a section has only letters, digits, - and _";
    if (!is_comment(slice_trim(slice_skip(line, (size_t)end + 1))))
        return "something stands behind the ]";
    *section = name;
    return NULL;
}

void ini_read(struct slice text, const struct ini_events *events, void *arg)
{
    struct slice line, section = {0};
    struct buf value = {0};
    if (slice_starts(text, "\xEF\xBB\xBF"))
        text = slice_skip(text, 3);
    for (size_t n = 1; slice_cut(&text, '\n', &line); n++) {
        struct ini_entry e = {.section = section, .line = n};
        const char *why = NULL;
        line = slice_trim(line);
        buf_clear(&value);
        if (is_comment(line))
            continue;
        if (line.p[0] == '[') {
            why = read_section(line, &section);
        } else {
            why = read_entry(line, &e, &value);
            if (!why && value.failed)
                why = "out of memory";
            if (!why)
                events->on_entry(arg, &e);
        }
        if (why)
            events->on_error(arg, n, why);
    }
    buf_release(&value);
}

void ini_quote(struct buf *out, struct slice value)
{
    bool plain = slice_eq(slice_trim(value), value) && !(value.n && is_comment(value)) &&
                 read_plain(value).n == value.n && slice_find(value, '"') < 0;
    if (plain) {
        buf_add_slice(out, value);
        return;
    }
    buf_add_byte(out, '"');
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '"' || value.p[i] == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, (unsigned char)value.p[i]);
    }
    buf_add_byte(out, '"');
}
