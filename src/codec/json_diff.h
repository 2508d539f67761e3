/* json_diff.h - in what two documents differ. */
#ifndef CODEC_JSON_DIFF_H
#define CODEC_JSON_DIFF_H

#include "codec/json.h"

/* A JSON array of {"pointer","before"?,"after"?}, the pointer RFC 6901, in the order of the
 * documents: one for each value that differs, the smallest that do.  Numbers are compared by value,
 * members in any order, objects in lists by their "id" or "name".  Either may be NULL: it is not
 * there.  How many. */
size_t json_diff(struct json_writer *w, const struct jval *before, const struct jval *after);

#endif
