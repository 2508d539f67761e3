/* term.h - output for people: colours only where they help, tables that line up.
 *
 * One thread.  What comes from outside goes through term_clean(), so that nobody's text can steer
 * the terminal. */
#ifndef SERVER_TERM_H
#define SERVER_TERM_H

#include "base/buf.h"

#include <stdio.h>

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_OK, STYLE_WARN, STYLE_BAD };

/* Is it a terminal that wants colours?  Not when NO_COLOR is set or TERM is dumb. */
bool term_colours(FILE *out);
int term_width(FILE *out); /* columns; 0 when it is no terminal */

/* The sequence that begins a style, and the one that ends it; empty without colours. */
const char *term_style(FILE *out, enum style style);
const char *term_end(FILE *out);

/* "doppel: SENTENCE" on standard error. */
void term_problem(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Append s without control characters (they become U+FFFD), cut to so many columns (0: whole). */
void term_clean(struct buf *out, struct slice s, size_t columns);
size_t term_columns(struct slice s); /* how many it takes */

/* A table: begin a row with cells, print it all at the end. */
struct table;                                                   /* opaque */
struct table *table_new(const char *const *headings, size_t n); /* NULL: out of memory */
void table_align_right(struct table *t, size_t column);
void table_cell(struct table *t, enum style style, struct slice text); /* row by row */
void table_cellf(struct table *t, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void table_print(struct table *t, FILE *out); /* the last column is cut at a terminal's edge */
void table_free(struct table *t);

#endif
