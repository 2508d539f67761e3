/* internal.h - what the files of this room share; nobody outside includes it. */
#ifndef RULES_INTERNAL_H
#define RULES_INTERNAL_H

#include "codec/json.h"
#include "rules/rules.h"

enum { MESSAGE_PARTS_MAX = 33 };

/* A piece of a message: a text, or (expr not NULL) what stood in braces. */
struct message_part {
    struct slice text;
    const struct expr *expr;
};

/* What a document of the kind rule says (rule.c). */
struct rule_spec {
    struct program *program;
    const struct expr *when, *clear;
    struct message_part message[MESSAGE_PARTS_MAX];
    size_t message_n;
    enum alarm_severity severity;
    bool enabled;
    char *id, *type;          /* type: of the twins; NULL: twins */
    const struct jval *twins; /* an array of ids, of the document */
    struct slice when_text;   /* of the document */
    struct buf actions, escalate, limit;
};
/* ERR_INVALID with a sentence and a JSON Pointer, which live in `a` or for good; ERR_NOMEM. */
int rule_read(const struct jval *body, struct arena *a, struct rule_spec *ret, const char **ret_why,
              const char **ret_pointer);
void rule_release(struct rule_spec *s);

/* Rules of thumb about a twin (resolve.c). */
enum resolved { RESOLVED, RESOLVED_NONE, RESOLVED_SEVERAL };
/* The sensor that a name means: its id, else the only one of that type, else of that name. */
enum resolved resolve_sensor(const struct twin *t, struct slice name, struct sensor **ret);
/* The sensors behind an input, at most `max`; how many. */
size_t resolve_input(struct core *c, const struct twin *t, const struct program_input *in,
                     struct sensor **ret, size_t max);
/* A sentence: it has no such sensor, and which come near. */
const char *resolve_advice(struct arena *a, const struct twin *t, struct slice name);

#endif
