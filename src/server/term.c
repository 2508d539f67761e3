#include "server/term.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool term_colours(FILE *out)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(out)) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

int term_width(FILE *out)
{
    struct winsize size;
    if (!isatty(fileno(out)))
        return 0;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

const char *term_style(FILE *out, enum style style)
{
    static const char *const sequences[] = {
        [STYLE_PLAIN] = "",      [STYLE_BOLD] = "\033[1m",  [STYLE_DIM] = "\033[2m",
        [STYLE_OK] = "\033[32m", [STYLE_WARN] = "\033[33m", [STYLE_BAD] = "\033[31m",
    };
    return term_colours(out) ? sequences[style] : "";
}

const char *term_end(FILE *out)
{
    return term_colours(out) ? "\033[0m" : "";
}

void term_problem(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fprintf(stderr, "%sdoppel:%s ", term_style(stderr, STYLE_BAD), term_end(stderr));
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

/* The bytes of the character at s.p (1 when it is not UTF-8), and whether a terminal may see it. */
static size_t character(struct slice s, bool *ret_printable)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    *ret_printable = n > 0 && n <= s.n && c >= 0x20 && c != 0x7F;
    for (size_t i = 1; *ret_printable && i < n; i++)
        *ret_printable = ((unsigned char)s.p[i] & 0xC0) == 0x80;
    if (!*ret_printable)
        return 1;
    /* U+0080 to U+009F are control characters too, as are U+2028 to U+202E and U+2066 to U+2069,
     * which break lines or turn the direction of what follows */
    unsigned char d = n > 1 ? (unsigned char)s.p[1] : 0, e = n > 2 ? (unsigned char)s.p[2] : 0;
    if ((c == 0xC2 && d < 0xA0) || (c == 0xE2 && d == 0x80 && e >= 0xA8 && e <= 0xAE) ||
        (c == 0xE2 && d == 0x81 && e >= 0xA6 && e <= 0xA9))
        *ret_printable = false;
    return n;
}

size_t term_columns(struct slice s)
{
    size_t columns = 0;
    bool printable;
    for (; s.n > 0; columns++)
        s = slice_skip(s, character(s, &printable));
    return columns;
}

void term_clean(struct buf *out, struct slice s, size_t columns)
{
    bool cut = columns > 0 && term_columns(s) > columns, printable;
    for (size_t at = 0; s.n > 0 && !(cut && at + 1 >= columns); at++) {
        size_t n = character(s, &printable);
        if (printable)
            buf_add(out, s.p, n);
        else
            buf_add_str(out, "\xEF\xBF\xBD");
        s = slice_skip(s, n);
    }
    if (cut)
        buf_add_str(out, "\xE2\x80\xA6");
}

enum { MOST_COLUMNS = 16 };

struct cell {
    char *text;
    enum style style;
};

struct table {
    size_t columns, cells_n, cap;
    bool right[MOST_COLUMNS];
    struct cell *cells; /* row by row, the headings first */
};

struct table *table_new(const char *const *headings, size_t n)
{
    struct table *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->columns = n < MOST_COLUMNS ? n : MOST_COLUMNS;
    for (size_t i = 0; i < t->columns; i++)
        table_cell(t, STYLE_DIM, slice_str(headings[i]));
    return t;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->cells_n; i++)
        free(t->cells[i].text);
    free(t->cells);
    free(t);
}

void table_align_right(struct table *t, size_t column)
{
    if (t && column < t->columns)
        t->right[column] = true;
}

void table_cell(struct table *t, enum style style, struct slice text)
{
    if (!t)
        return;
    if (t->cells_n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 64;
        struct cell *cells = realloc(t->cells, cap * sizeof *cells);
        if (!cells)
            return;
        t->cells = cells;
        t->cap = cap;
    }
    struct buf b = {0};
    term_clean(&b, text, 0);
    t->cells[t->cells_n++] = (struct cell){buf_take(&b), style};
}

void table_cellf(struct table *t, enum style style, const char *format, ...)
{
    struct buf b = {0};
    va_list args;
    va_start(args, format);
    buf_vaddf(&b, format, args);
    va_end(args);
    table_cell(t, style, buf_slice(&b));
    buf_release(&b);
}

static void print_cell(FILE *out, const struct cell *c, size_t width, size_t room, bool right)
{
    struct buf b = {0};
    term_clean(&b, slice_str(c->text), room);
    size_t used = term_columns(buf_slice(&b));
    int pad = used < width ? (int)(width - used) : 0;
    fprintf(out, "%*s%s%.*s%s%*s", right ? pad : 0, "", term_style(out, c->style),
            SLICE_ARG(buf_slice(&b)), c->style == STYLE_PLAIN ? "" : term_end(out), right ? 0 : pad,
            "");
    buf_release(&b);
}

void table_print(struct table *t, FILE *out)
{
    if (!t || t->columns == 0)
        return;
    size_t width[MOST_COLUMNS] = {0}, before = 0, edge = (size_t)term_width(out);
    for (size_t i = 0; i < t->cells_n; i++) {
        size_t n = term_columns(slice_str(t->cells[i].text));
        if (n > width[i % t->columns])
            width[i % t->columns] = n;
    }
    for (size_t c = 0; c + 1 < t->columns; c++)
        before += width[c] + 2;
    for (size_t i = 0; i < t->cells_n; i++) {
        size_t c = i % t->columns;
        bool last = c + 1 == t->columns;
        size_t room = last && edge > before + 8 ? edge - before : 0;
        print_cell(out, &t->cells[i], last && !t->right[c] ? 0 : width[c], room, t->right[c]);
        fputs(last ? "\n" : "  ", out);
    }
}
