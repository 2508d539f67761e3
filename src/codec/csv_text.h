/* csv_text.h - a field of CSV, written (RFC 4180; lines end in a line feed alone).  Pure. */
#ifndef CODEC_CSV_TEXT_H
#define CODEC_CSV_TEXT_H

#include "base/buf.h"

void csv_put_text(struct buf *out, struct slice s);

/* A text that somebody else chose: what a spreadsheet would take for a formula gets an apostrophe
 * before it, which spreadsheets take for "this is text". */
void csv_put_foreign(struct buf *out, struct slice s);

#endif
