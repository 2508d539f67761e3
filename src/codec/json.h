/* json.h - RFC 8259: a pull reader for what comes fast, a writer, and a document that keeps
 * what people wrote.
 *
 * All pure: no threads, no blocking, memory from the caller's arena or buffer.  Text must be UTF-8
 * (a byte order mark is refused); at most JSON_DEPTH levels. */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/value.h"

enum { JSON_DEPTH = 128 };

/* ---- the pull reader: no allocation, one pass, nothing copied ---- */

enum json_event {
    JSON_END, /* the text is over, and it was one whole value */
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
    JSON_KEY,    /* text: between the quotes, as written */
    JSON_STRING, /* the same */
    JSON_NUMBER, /* text: as written */
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

struct json_reader {
    struct slice input;
    size_t at;         /* offset of the next byte; after an error, of the byte at fault */
    struct slice text; /* of the last key, string or number */
    bool escaped;      /* text has backslashes in it: json_unescape() */
    const char *error; /* what was wrong, a sentence without full stop; NULL while all is well */
    uint8_t state;
    uint16_t depth;
    uint8_t stack[JSON_DEPTH / 8]; /* a bit a level: object or array */
};

void json_reader_init(struct json_reader *r, struct slice input);

/* The next event; ERR_MALFORMED with r->error and r->at.  Strings are checked whole (escapes,
 * surrogate pairs, UTF-8, control characters), numbers too. */
int json_next(struct json_reader *r, enum json_event *ret);

/* After an event that opened an object or array: read to its end.  After any other: nothing. */
int json_skip(struct json_reader *r, enum json_event opened);

/* The characters that a key or string stands for.  Without escapes it is r->text itself. */
struct slice json_unescape(struct arena *a, struct slice text, bool escaped);

/* A JSON number as a value: double, or VALUE_INT where a double would lose digits.
 * ERR_INVALID when it does not fit in either (1e999). */
int json_number(struct slice text, struct value *ret);

/* The same of the number that begins at p: where it ends; NULL: none begins, or none that fits.
 * What stands behind it is the caller's business. */
const char *json_number_at(const char *p, const char *end, struct value *ret);

/* ---- the writer: appends to a buffer; commas are its business ---- */

struct json_writer {
    struct buf *out;
    uint16_t depth;
    uint8_t indent; /* spaces a level; 0 writes it all on one line */
    bool comma;     /* a value stands before the next one on this level */
    bool after_key;
};

void json_writer_init(struct json_writer *w, struct buf *out, uint8_t indent);
void json_open(struct json_writer *w, char bracket);  /* '{' or '[' */
void json_close(struct json_writer *w, char bracket); /* '}' or ']' */
void json_key(struct json_writer *w, const char *key);
void json_key_slice(struct json_writer *w, struct slice key);
void json_put_string(struct json_writer *w, struct slice s); /* faulty UTF-8 becomes U+FFFD */
void json_put_cstr(struct json_writer *w, const char *s);    /* NULL is null */
void json_put_double(struct json_writer *w, double v);       /* not finite: null */
void json_put_int(struct json_writer *w, int64_t v);
void json_put_uint(struct json_writer *w, uint64_t v);
void json_put_bool(struct json_writer *w, bool v);
void json_put_null(struct json_writer *w);
void json_put_raw(struct json_writer *w, struct slice json); /* a value that is JSON already */
void json_put_value(struct json_writer *w, struct value v);
void json_put_time(struct json_writer *w, int64_t t_us);    /* RFC 3339 string */
void json_put_time_ms(struct json_writer *w, int64_t t_us); /* Unix milliseconds */

/* Just the quoted string, for those who write JSON by hand on a hot path. */
void json_quote(struct buf *out, struct slice s);

/* ---- the document: a tree that keeps order, unknown members and the digits of numbers ---- */

enum jtype { J_NULL, J_BOOL, J_NUMBER, J_STRING, J_ARRAY, J_OBJECT };

struct jval {
    enum jtype type;
    bool boolean;
    struct slice key;  /* in an object: the member's name, unescaped */
    struct slice text; /* number: as written; string: unescaped */
    size_t offset;     /* where the value begins in the text; key_offset: where its key does */
    size_t key_offset; /* SIZE_MAX both for what was added later */
    struct jval *parent, *prev, *next, *first, *last; /* siblings and children in order */
    size_t count;                                     /* children */
};

struct json_error {
    size_t offset;
    int line, column;    /* from 1; the column counts characters, not bytes */
    const char *message; /* a sentence without full stop; lives in the arena or for good */
    char pointer[256];   /* of the value at fault, cut when longer */
};

/* Parse; the tree lives in the arena and points into text, which must live as long.  A member that
 * stands twice in an object is an error.  ERR_MALFORMED fills *ret_error (may be NULL). */
int jdoc_parse(struct arena *a, struct slice text, struct jval **ret, struct json_error *ret_error);

struct jval *jval_get(const struct jval *object, const char *key); /* NULL: none, or no object */
struct jval *jval_get_slice(const struct jval *object, struct slice key);
struct jval *jval_at(const struct jval *array, size_t index);
struct jval *jval_pointer(struct jval *root,
                          const char *pointer);      /* RFC 6901; NULL: nothing there */
struct slice jval_string(const struct jval *v);      /* of a string, else p NULL */
bool jval_number(const struct jval *v, double *ret); /* of a number, else false */

/* The JSON Pointer of a value from its root. */
void jval_path(struct buf *out, const struct jval *v);

/* Make and change.  All from the arena; NULL when memory ran out.  A value that is put somewhere
 * stands nowhere else; a copy has no offsets; a double that is not finite becomes null; digits
 * that are no JSON number are answered with NULL. */
struct jval *jval_new(struct arena *a, enum jtype type);
struct jval *jval_new_string(struct arena *a, struct slice s); /* copied */
struct jval *jval_new_number(struct arena *a, double v);
struct jval *jval_new_raw_number(struct arena *a, struct slice digits);
struct jval *jval_new_bool(struct arena *a, bool v);
struct jval *jval_copy(struct arena *a, const struct jval *v);
struct jval *jval_set(struct arena *a, struct jval *object, struct slice key,
                      struct jval *v); /* replace in place or append; returns v */
struct jval *jval_append(struct jval *array, struct jval *v);
bool jval_remove(struct jval *object, struct slice key);
void jval_take_out(struct jval *v); /* of the array or object in which it stands */

void jval_write(struct json_writer *w, const struct jval *v);
bool jval_equal(const struct jval *a,
                const struct jval *b); /* numbers by value, members in any order */

/* RFC 7396.  Changes target (NULL: nothing there yet) where that is an object; the result is to
 * be taken in its place.  It shares nothing with patch; NULL when memory ran out. */
struct jval *jval_merge_patch(struct arena *a, struct jval *target, const struct jval *patch);

/* Line and column (from 1) of an offset. */
void json_position(struct slice text, size_t offset, int *ret_line, int *ret_column);

#endif
