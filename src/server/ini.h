/* ini.h - the form of the configuration file.  Pure.
 *
 *     # a comment (or ;), also behind a value
 *     [section]
 *     key = value
 *     other = "a value with # or spaces around"
 *
 * Names of sections and keys are letters, digits, - and _; inside quotes \" and \\ stand for " and
 * \.  Everything else is an error of that line. */
#ifndef SERVER_INI_H
#define SERVER_INI_H

#include "base/buf.h"

struct ini_entry {
    struct slice section, key, value; /* the value without its quotes; lives until fn returns */
    size_t line;
};

/* Each entry in order, and each line that cannot be read. */
struct ini_events {
    void (*on_entry)(void *arg, const struct ini_entry *e);
    void (*on_error)(void *arg, size_t line, const char *sentence);
};

void ini_read(struct slice text, const struct ini_events *events, void *arg);

/* Append a value as the file has it, in quotes where it needs them. */
void ini_quote(struct buf *out, struct slice value);

#endif
