/* json_schema.h - JSON Schema 2020-12, the part of it that forms and devices need.
 *
 * Pure: one thread an arena, nothing blocks.  A schema is a document as people wrote it; it is
 * checked once with json_schema_check(), which refuses what would not be held to: a keyword that
 * is not among those of docs/commands.md, or one of the wrong form.  So nothing is promised by a
 * schema and then not looked at.  Members with a ":" in their name are somebody's own and mean
 * nothing here.
 *
 * What is left out and why: $ref (documents here are small, and what refers to itself has no end),
 * pattern (a regular expression of others may take for ever), and everything that depends on what
 * other keywords have looked at (unevaluatedProperties and the like). */
#ifndef CODEC_JSON_SCHEMA_H
#define CODEC_JSON_SCHEMA_H

#include "codec/json.h"

enum {
    JSON_SCHEMA_DEPTH = 16,
    JSON_SCHEMA_NODES = 10000,  /* values in a schema's document */
    JSON_SCHEMA_STEPS = 1000000 /* in judging one value */
};

struct json_schema_error {
    const char *message; /* a sentence; lives in the arena or for good */
    const char *pointer; /* of the value at fault, in the value (or the schema); "" is all of it */
};

/* Is it a schema that can be held to?  0; ERR_INVALID, ERR_TOO_LARGE, ERR_NOMEM with *ret. */
int json_schema_check(struct arena *a, const struct jval *schema, struct json_schema_error *ret);

/* Is the value as the schema says?  The schema must have been found good.  0; ERR_INVALID with the
 * first fault; ERR_TOO_LARGE: it would take too long to tell; ERR_NOMEM. */
int json_schema_judge(struct arena *a, const struct jval *schema, const struct jval *value,
                      struct json_schema_error *ret);

#endif
