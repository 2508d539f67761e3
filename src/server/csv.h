/* csv.h - rows out of a table of text, RFC 4180 and what is found in the wild.
 *
 * Fields are separated by comma, semicolon, tab or |, which is found out from the first rows; they
 * may stand in quotes, with doubled quotes, separators and line ends inside.  Lines end in LF, CRLF
 * or CR.  Empty lines are passed over, a byte order mark too.  One thread; blocks where fill does.
 */
#ifndef SERVER_CSV_H
#define SERVER_CSV_H

#include "base/slice.h"

struct csv; /* opaque */

/* Up to cap bytes into the place; 0 at the end, negative on failure. */
typedef ptrdiff_t csv_fill_fn(void *arg, char *into, size_t cap);

enum { CSV_ROW_MAX = 1 << 20, CSV_FIELDS_MAX = 4096 };

/* separator 0: find out.  ERR_NOMEM. */
int csv_new(csv_fill_fn *fill, void *arg, char separator, struct csv **ret);
void csv_free(struct csv *c);

/* The next row: 1 with its fields (living until the next call), 0 at the end, ERR_MALFORMED with
 * csv_why() for a row that cannot be read (the next call goes on behind it), ERR_TOO_LARGE,
 * ERR_IO, ERR_NOMEM (nothing follows these). */
int csv_next(struct csv *c, const struct slice **ret_fields, size_t *ret_n);

size_t csv_line(const struct csv *c); /* in which the last row began, from 1 */
const char *csv_why(const struct csv *c);
char csv_separator(struct csv *c);       /* the one in use */
uint64_t csv_bytes(const struct csv *c); /* read so far, for telling how far it is */

#endif
