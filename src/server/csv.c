/* Bytes come into one buffer; a row is cut out of its front when its end is there.  Quotes are
 * taken off in place, which never lengthens a field, so fields are slices of the buffer.  The scan
 * for the end of a row remembers where it was, so that a row that comes in many pieces is looked at
 * once. */
#include "server/csv.h"

#include "base/buf.h"
#include "base/err.h"

#include <stdlib.h>

struct csv {
    csv_fill_fn *fill;
    void *arg;
    struct buf in;
    size_t at;      /* where the next row begins */
    size_t scanned; /* the row's bytes before this were looked at */
    bool quoted;    /* is a quote open there? */
    bool closed;    /* was one closed by the byte before? */
    bool after_cr;  /* was that a CR? */
    bool ended, begun, broken;
    char separator;
    size_t line, next_line;
    uint64_t bytes;
    const char *why;
    struct slice *fields;
    size_t fields_n, fields_cap;
};

int csv_new(csv_fill_fn *fill, void *arg, char separator, struct csv **ret)
{
    struct csv *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    c->fill = fill;
    c->arg = arg;
    c->separator = separator;
    c->next_line = 1;
    *ret = c;
    return 0;
}

void csv_free(struct csv *c)
{
    if (!c)
        return;
    buf_release(&c->in);
    free(c->fields);
    free(c);
}

size_t csv_line(const struct csv *c)
{
    return c->line;
}

const char *csv_why(const struct csv *c)
{
    return c->why ? c->why : "";
}

uint64_t csv_bytes(const struct csv *c)
{
    return c->bytes;
}

static int fail(struct csv *c, int err, const char *why)
{
    c->broken = true;
    c->why = why;
    return err;
}

static int fill(struct csv *c)
{
    enum { PIECE = 65536 };
    if (c->at > 0) {
        buf_drop(&c->in, c->at);
        c->scanned -= c->at;
        c->at = 0;
    }
    char *p = buf_reserve(&c->in, PIECE);
    if (!p)
        return fail(c, ERR_NOMEM, "out of memory");
    ptrdiff_t n = c->fill(c->arg, p, PIECE);
    if (n < 0)
        return fail(c, ERR_IO, "reading failed");
    c->ended = n == 0;
    c->in.n += (size_t)n;
    c->bytes += (uint64_t)n;
    return 0;
}

/* Which of the usual separators stands most often, outside of quotes, in the first rows. */
static char find_separator(struct slice s)
{
    static const char usual[] = ",;\t|";
    size_t counts[4] = {0}, rows = 0;
    bool quoted = false;
    for (size_t i = 0; i < s.n && rows < 10; i++) {
        if (s.p[i] == '"')
            quoted = !quoted;
        const char *which = quoted ? NULL : strchr(usual, s.p[i]);
        if (which && *which)
            counts[which - usual]++;
        rows += !quoted && s.p[i] == '\n';
    }
    size_t best = 0;
    for (size_t i = 1; i < 4; i++) {
        if (counts[i] > counts[best])
            best = i;
    }
    return usual[best];
}

static int begin(struct csv *c)
{
    c->begun = true;
    while (!c->ended && c->in.n < 16384) {
        int err = fill(c);
        if (err)
            return err;
    }
    if (slice_starts(buf_slice(&c->in), "\xEF\xBB\xBF"))
        c->at = c->scanned = 3;
    if (!c->separator)
        c->separator = find_separator(slice_skip(buf_slice(&c->in), c->at));
    return 0;
}

char csv_separator(struct csv *c)
{
    if (!c->begun)
        begin(c);
    return c->separator;
}

/* Where the row's line end is, or the end of everything.  A quote opens only at the front of a
 * field; elsewhere it is a character. */
static int find_end(struct csv *c, size_t *ret_end)
{
    for (;;) {
        const char *p = c->in.p;
        for (size_t i = c->scanned; i < c->in.n; i++) {
            char b = p[i];
            bool was_closed = c->closed;
            c->closed = false;
            if (b == '"' && c->quoted) {
                c->quoted = false;
                c->closed = true;
            } else if (b == '"') {
                /* behind one that closed it is a doubled one */
                c->quoted = was_closed || i == c->at || p[i - 1] == c->separator;
            } else if (!c->quoted && (b == '\n' || b == '\r')) {
                *ret_end = i;
                return 0;
            }
            if (i - c->at >= CSV_ROW_MAX)
                return fail(c, ERR_TOO_LARGE,
                            c->quoted ? "a quote is opened here and not closed within 1 MiB"
                                      : "a row has more than 1 MiB");
        }
        c->scanned = c->in.n;
        if (c->ended) {
            *ret_end = c->in.n;
            return 0;
        }
        int err = fill(c);
        if (err)
            return err;
    }
}

static bool add_field(struct csv *c, struct slice field)
{
    if (c->fields_n == CSV_FIELDS_MAX) {
        c->why = "a row has more than 4096 fields";
        return false;
    }
    if (c->fields_n == c->fields_cap) {
        size_t cap = c->fields_cap ? c->fields_cap * 2 : 32;
        struct slice *fields = realloc(c->fields, cap * sizeof *fields);
        if (!fields) {
            fail(c, ERR_NOMEM, "out of memory");
            return false;
        }
        c->fields = fields;
        c->fields_cap = cap;
    }
    c->fields[c->fields_n++] = field;
    return true;
}

/* A field in quotes at p[i]; the place behind it, or SIZE_MAX. */
static size_t take_quoted(struct csv *c, char *p, size_t i, size_t end)
{
    size_t from = i + 1, to = from;
    for (i++; i < end; i++) {
        if (p[i] == '"') {
            if (i + 1 >= end || p[i + 1] != '"')
                break;
            i++;
        }
        p[to++] = p[i];
    }
    if (i >= end) {
        c->why = "the closing quote is missing";
        return SIZE_MAX;
    }
    i++;
    if (i < end && p[i] != c->separator) {
        c->why = "something stands behind a closing quote";
        return SIZE_MAX;
    }
    return add_field(c, slice_of(p + from, to - from)) ? i : SIZE_MAX;
}

static bool split(struct csv *c, char *p, size_t end)
{
    size_t i = 0;
    c->fields_n = 0;
    for (;;) {
        if (i < end && p[i] == '"') {
            i = take_quoted(c, p, i, end);
            if (i == SIZE_MAX)
                return false;
        } else {
            const char *next = end > i ? memchr(p + i, c->separator, end - i) : NULL;
            size_t n = next ? (size_t)(next - p) - i : end - i;
            if (!add_field(c, slice_of(p + i, n)))
                return false;
            i += n;
        }
        if (i >= end)
            return true;
        i++; /* the separator; behind a last one stands an empty field */
    }
}

/* Line ends before the row: of the row before, and empty lines. */
static int skip_line_ends(struct csv *c)
{
    for (;;) {
        for (; c->at < c->in.n; c->at++) {
            char b = c->in.p[c->at];
            if (b != '\n' && b != '\r')
                break;
            c->next_line += !(b == '\n' && c->after_cr);
            c->after_cr = b == '\r';
        }
        c->scanned = c->at;
        if (c->at < c->in.n || c->ended)
            break;
        int err = fill(c);
        if (err)
            return err;
    }
    c->after_cr = c->quoted = c->closed = false;
    return 0;
}

int csv_next(struct csv *c, const struct slice **ret_fields, size_t *ret_n)
{
    size_t end;
    int err = c->broken ? ERR_IO : c->begun ? 0 : begin(c);
    if (err || (err = skip_line_ends(c)))
        return err;
    if (c->at >= c->in.n)
        return 0;
    c->line = c->next_line;
    if ((err = find_end(c, &end)))
        return err;
    char *row = c->in.p + c->at;
    size_t n = end - c->at;
    for (size_t i = 0; i < n; i++)
        c->next_line += row[i] == '\n';
    c->at = c->scanned = end; /* the bytes stay where they are until the next call */
    if (!split(c, row, n))
        return c->broken ? ERR_NOMEM : ERR_MALFORMED;
    *ret_fields = c->fields;
    *ret_n = c->fields_n;
    return 1;
}
