/* rule.c - what a document of the kind rule says. */
#include "base/clock.h"
#include "base/err.h"
#include "rules/internal.h"

#include <stdio.h>
#include <stdlib.h>

struct reading_of {
    const struct jval *body;
    struct arena *a;
    struct rule_spec *spec;
    const char **why, **pointer;
    int err;
};

static void __attribute__((format(printf, 3, 4)))
fault(struct reading_of *r, const char *pointer, const char *format, ...)
{
    char message[700];
    va_list args;
    if (r->err)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    *r->why = arena_strndup(r->a, message, strlen(message));
    *r->pointer = pointer;
    r->err = *r->why ? ERR_INVALID : ERR_NOMEM;
}

/* A member that is a text; empty when it is not there. */
static struct slice text(struct reading_of *r, const char *key, const char *pointer)
{
    const struct jval *v = jval_get(r->body, key);
    if (v && v->type != J_STRING)
        fault(r, pointer, "\"%s\" is a text.", key);
    return v && v->type == J_STRING ? v->text : slice_of("", 0);
}

static int64_t duration(struct reading_of *r, const char *key, const char *pointer)
{
    struct slice s = text(r, key, pointer);
    int64_t us = 0;
    if (s.n && !slice_is(s, "0") && !slice_is(s, "0s") && clock_parse_duration(s, &us))
        fault(r, pointer, "\"%s\" is a duration such as \"2m\".", key);
    else if (us > 366LL * 86400 * 1000000)
        fault(r, pointer, "\"%s\" is a year at most.", key);
    return us;
}

static void said(struct reading_of *r, int err, const struct expr_error *e, const char *pointer)
{
    if (err == ERR_INVALID)
        fault(r, pointer, "%s (line %d, column %d)", e->message, e->line, e->column);
    else if (err && !r->err)
        r->err = err;
}

static void read_conditions(struct reading_of *r)
{
    struct rule_spec *s = r->spec;
    struct expr_error e;
    struct slice clear = text(r, "clear", "/clear");
    int64_t for_us = duration(r, "for", "/for");
    int64_t clear_us = duration(r, "clearFor", "/clearFor");
    s->when_text = text(r, "when", "/when");
    if (!s->when_text.n)
        fault(r, "/when", "\"when\" is the condition, e.g. \"temperature > 80\".");
    if (r->err)
        return;
    said(r, program_add_for(s->program, s->when_text, for_us, &s->when, &e), &e, "/when");
    if (r->err)
        return;
    if (clear.n)
        said(r, program_add_for(s->program, clear, clear_us, &s->clear, &e), &e, "/clear");
    else
        said(r, program_unless(s->program, s->when, clear_us, &s->clear), &e, "/clearFor");
}

/* {expression} between texts; {{ is a brace. */
static void read_message(struct reading_of *r)
{
    struct rule_spec *s = r->spec;
    struct slice rest = text(r, "message", "/message");
    struct expr_error e;
    if (rest.n > 4096)
        fault(r, "/message", "\"message\" has 4,096 bytes at most.");
    while (rest.n && !r->err) {
        ptrdiff_t at = slice_find(rest, '{');
        size_t n = at < 0 ? rest.n : (size_t)at;
        if (s->message_n + 2 > MESSAGE_PARTS_MAX) {
            fault(r, "/message", "\"message\" has 16 expressions at most.");
            return;
        }
        s->message[s->message_n++] = (struct message_part){slice_of(rest.p, n), NULL};
        rest = slice_skip(rest, n);
        if (!rest.n)
            return;
        ptrdiff_t end = slice_find(rest, '}');
        if (end < 0) {
            fault(r, "/message", "A brace { in \"message\" has no end: close it with }.");
            return;
        }
        struct slice inside = slice_of(rest.p + 1, (size_t)end - 1);
        struct message_part *part = &s->message[s->message_n++];
        said(r, program_add(s->program, inside, &part->expr, &e), &e, "/message");
        rest = slice_skip(rest, (size_t)end + 1);
    }
}

static void read_severity(struct reading_of *r)
{
    static const char *const names[] = {
#define X(name, word) [name] = word,
        ALARM_SEVERITIES(X)
#undef X
    };
    struct slice s = text(r, "severity", "/severity");
    r->spec->severity = ALARM_WARNING;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_is(s, names[i])) {
            r->spec->severity = (enum alarm_severity)i;
            return;
        }
    if (s.n)
        fault(r, "/severity", "\"severity\" is info, warning, major or critical.");
}

static void read_on(struct reading_of *r)
{
    const struct jval *on = jval_get(r->body, "on"), *type = jval_get(on, "type");
    const struct jval *twins = jval_get(on, "twins");
    if (!on || on->type != J_OBJECT || !type == !twins) {
        fault(r, "/on",
              "\"on\" says of which twins: {\"type\": \"Pump\"} or {\"twins\": "
              "[\"pump-1\"]}.");
        return;
    }
    if (type) {
        if (!slice_is_id(jval_string(type)))
            fault(r, "/on/type", "\"type\" is the id of a type of twins.");
        else if (!(r->spec->type = strndup(type->text.p, type->text.n)))
            r->err = ERR_NOMEM;
        return;
    }
    if (twins->type != J_ARRAY || !twins->count || twins->count > 1000)
        fault(r, "/on/twins", "\"twins\" lists 1 to 1,000 ids.");
    for (const struct jval *v = twins->type == J_ARRAY ? twins->first : NULL; v; v = v->next)
        if (!slice_is_id(jval_string(v)))
            fault(r, "/on/twins", "\"twins\" lists ids of twins.");
    r->spec->twins = twins;
}

static void keep_list(struct reading_of *r, const char *key, const char *pointer, struct buf *ret)
{
    const struct jval *v = jval_get(r->body, key);
    struct json_writer w;
    if (!v)
        return;
    if (v->type != J_ARRAY || v->count > 20) {
        fault(r, pointer, "\"%s\" is a list of 20 at most.", key);
        return;
    }
    json_writer_init(&w, ret, 0);
    jval_write(&w, v);
    if (ret->failed)
        r->err = ERR_NOMEM;
}

static void read_rest(struct reading_of *r)
{
    static const char *const known[] = {"id",      "name",    "description", "enabled", "when",
                                        "for",     "clear",   "clearFor",    "on",      "severity",
                                        "message", "actions", "escalate"};
    const struct jval *enabled = jval_get(r->body, "enabled");
    struct json_writer w;
    if (enabled && enabled->type != J_BOOL)
        fault(r, "/enabled", "\"enabled\" is true or false.");
    r->spec->enabled = !enabled || enabled->boolean;
    for (const struct jval *v = r->body->first; v; v = v->next) {
        bool found = slice_starts(v->key, "doppel:");
        for (size_t i = 0; i < sizeof known / sizeof *known && !found; i++)
            found = slice_is(v->key, known[i]);
        if (!found)
            fault(r, "", "A rule has no member \"%.*s\".", v->key.n > 64 ? 64 : (int)v->key.n,
                  v->key.p);
    }
    json_writer_init(&w, &r->spec->limit, 0);
    json_open(&w, '{');
    json_key(&w, "when");
    json_put_string(&w, r->spec->when_text);
    json_close(&w, '}');
    struct slice id = jval_string(jval_get(r->body, "id"));
    r->spec->id = strndup(id.p ? id.p : "", id.n);
    if (!r->spec->id || r->spec->limit.failed)
        r->err = ERR_NOMEM;
}

int rule_read(const struct jval *body, struct arena *a, struct rule_spec *ret, const char **ret_why,
              const char **ret_pointer)
{
    struct rule_spec s = {.program = program_new()};
    struct reading_of r = {body, a, &s, ret_why, ret_pointer, s.program ? 0 : ERR_NOMEM};
    void (*const parts[])(struct reading_of *) = {read_conditions, read_message, read_severity,
                                                  read_on, read_rest};
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !r.err; i++)
        parts[i](&r);
    if (!r.err)
        keep_list(&r, "actions", "/actions", &s.actions);
    if (!r.err)
        keep_list(&r, "escalate", "/escalate", &s.escalate);
    if (r.err)
        rule_release(&s);
    else
        *ret = s;
    return r.err;
}

void rule_release(struct rule_spec *s)
{
    program_free(s->program);
    buf_release(&s->actions);
    buf_release(&s->escalate);
    buf_release(&s->limit);
    free(s->id);
    free(s->type);
    *s = (struct rule_spec){0};
}
