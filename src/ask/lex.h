/* lex.h - the words of a question, and AS OF.
 *
 * Pure; any thread.  SQLite reads the SQL; this reads only as much of it as is needed to find words
 * outside of strings, names in quotes and comments, by SQLite's own rules of what those are. */
#ifndef ASK_LEX_H
#define ASK_LEX_H

#include "base/buf.h"

enum lex_kind {
    LEX_END,
    LEX_WORD,   /* a bare word: keyword, name */
    LEX_NAME,   /* "name", [name], `name` */
    LEX_STRING, /* 'text' */
    LEX_PARAM,  /* :name */
    LEX_OTHER,  /* an operator, a number, a broken piece */
};

struct lex_token {
    enum lex_kind kind;
    struct slice text; /* as it stands there, quotes and all */
};

/* The next token of *rest, behind spaces and comments. */
struct lex_token lex_next(struct slice *rest);
/* What is within the quotes of a LEX_STRING or LEX_NAME, doubled quotes made one; else its text. */
void lex_put_text(struct buf *out, struct lex_token t);

/* Take AS OF 'TIME' out of a question, in place: behind a table it becomes that table's argument,
 * at the end it is the whole question's.  The text keeps its length and every other byte its place.
 * TIME is as in time_of_text().  0; ERR_BAD_TIME: it is none, or stands where none can. */
struct as_of {
    int64_t at_us; /* of the whole question; 0: now */
    size_t place;  /* ERR_BAD_TIME: of what is wrong, in the text */
};
int as_of_take(char *sql, size_t n, int64_t now_us, struct as_of *ret);

/* A time as people write it: RFC 3339 (seconds may be missing, a space may stand for T, no offset
 * is UTC), a date, "now", or how long ago ("-1h").  ERR_BAD_TIME. */
int time_of_text(struct slice text, int64_t now_us, int64_t *ret_t_us);

#endif
