#include "twin/check.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct profile_rule *rule_find(const char *id)
{
    const struct profile_rule *r = profile_rules;
    while (r->id && strcmp(r->id, id) != 0)
        r++;
    return r;
}

static void __attribute__((format(printf, 5, 0)))
add(struct check *c, struct pile *pile, const char *rule, const struct jval *at, const char *format,
    va_list args)
{
    pile->count++;
    if (c->failed || pile->n == FINDINGS_MAX)
        return;
    if (pile->n == pile->cap) {
        size_t cap = pile->cap ? pile->cap * 2 : 16;
        struct raw_finding *items = arena_alloc(c->arena, cap * sizeof *items);
        if (!items) {
            c->failed = true;
            return;
        }
        if (pile->n)
            memcpy(items, pile->items, pile->n * sizeof *items);
        pile->items = items;
        pile->cap = cap;
    }
    struct buf b = {0};
    buf_vaddf(&b, format, args);
    char *message = b.failed ? NULL : arena_strndup(c->arena, b.p, b.n);
    buf_release(&b);
    if (!message) {
        c->failed = true;
        return;
    }
    pile->items[pile->n++] = (struct raw_finding){rule, at, message, pile->count};
}

bool check_room_error(struct check *c, const char *rule)
{
    if (c->errors.n < FINDINGS_MAX)
        return true;
    c->errors.count++;
    c->core_errors += rule_find(rule)->core;
    return false;
}

bool check_room_warn(struct check *c)
{
    if (c->warnings.n < FINDINGS_MAX)
        return true;
    c->warnings.count++;
    return false;
}

void check_error(struct check *c, const char *rule, const struct jval *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(c, &c->errors, rule, at, format, args);
    va_end(args);
    c->core_errors += rule_find(rule)->core;
}

void check_warn(struct check *c, const char *rule, const struct jval *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(c, &c->warnings, rule, at, format, args);
    va_end(args);
}

/* By place in the text; what stands in none comes last, and what stands in one place comes in the
 * order in which it was found. */
static int by_place(const void *a, const void *b)
{
    const struct raw_finding *x = a, *y = b;
    if (x->at->offset != y->at->offset)
        return x->at->offset < y->at->offset ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Lists are walked from front to back, so an item's index is mostly near the last one's. */
static size_t index_of(struct check *c, const struct jval *item)
{
    const struct jval *at = NULL;
    size_t index = 0;
    if (c->last_item && c->last_item->parent == item->parent)
        for (at = c->last_item, index = c->last_index; at && at != item; at = at->next)
            index++;
    if (!at)
        for (at = item->parent->first, index = 0; at != item; at = at->next)
            index++;
    c->last_item = item;
    c->last_index = index;
    return index;
}

enum { DEEPEST = JSON_DEPTH + 1 };

/* A value and what it stands in, without the root; the number of them. */
static size_t chain_of(const struct jval *v, const struct jval *chain[static DEEPEST])
{
    size_t n = 0;
    for (; v->parent && n < DEEPEST; v = v->parent)
        chain[n++] = v;
    return n;
}

static const char *keep(struct check *c, struct buf *b)
{
    char *p = b->failed ? NULL : arena_strndup(c->arena, b->p, b->n);
    buf_release(b);
    if (p)
        return p;
    c->failed = true;
    return "";
}

static const char *pointer_of(struct check *c, const struct jval *v)
{
    const struct jval *chain[DEEPEST];
    size_t n = chain_of(v, chain);
    struct buf b = {0};
    while (n--) {
        buf_add_byte(&b, '/');
        if (chain[n]->parent->type == J_ARRAY)
            buf_add_u64(&b, index_of(c, chain[n]));
        for (size_t i = 0; i < chain[n]->key.n; i++) {
            char k = chain[n]->key.p[i];
            if (k == '~' || k == '/')
                buf_add_str(&b, k == '~' ? "~0" : "~1");
            else
                buf_add_byte(&b, (unsigned char)k);
        }
    }
    return keep(c, &b);
}

/* One pass over the text for all of them: each position is told from the one before it. */
static int place(struct check *c, struct slice text, const struct raw_finding *raw, size_t n,
                 struct finding *items)
{
    size_t at = 0;
    int line = 1, column = 1;
    for (size_t i = 0; i < n; i++) {
        const struct profile_rule *rule = rule_find(raw[i].rule);
        struct finding *f = &items[i];
        size_t offset = raw[i].at->offset;
        f->rule = rule->id ? rule->id : raw[i].rule;
        f->core = rule->core;
        f->message = raw[i].message;
        f->pointer = pointer_of(c, raw[i].at);
        if (!text.p || offset > text.n)
            continue; /* added later */
        int lines, columns;
        json_position(slice_skip(text, at), offset - at, &lines, &columns);
        column = lines > 1 ? columns : column + columns - 1;
        line += lines - 1;
        at = offset;
        f->line = line;
        f->column = column;
    }
    return c->failed ? ERR_NOMEM : 0;
}

int check_finish(struct check *c, struct slice text, struct findings *ret)
{
    size_t errors = c->errors.n, warnings = c->warnings.n;
    if (errors + warnings > FINDINGS_MAX)
        warnings = FINDINGS_MAX - errors;
    size_t n = errors + warnings;
    struct raw_finding *raw = arena_alloc(c->arena, (n + 1) * sizeof *raw);
    struct finding *items = arena_zalloc(c->arena, (n + 1) * sizeof *items);
    if (c->failed || !raw || !items)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        raw[i] = i < errors ? c->errors.items[i] : c->warnings.items[i - errors];
        if (i >= errors)
            raw[i].order += c->errors.count; /* an error before a warning of the same place */
    }
    qsort(raw, n, sizeof *raw, by_place);
    for (size_t i = 0; i < n; i++)
        items[i].severity = raw[i].order > c->errors.count ? SEVERITY_WARNING : SEVERITY_ERROR;
    int err = place(c, text, raw, n, items);
    if (err)
        return err;
    *ret = (struct findings){items, n, c->errors.count, c->core_errors, c->warnings.count};
    return 0;
}

void findings_write(struct json_writer *w, const struct findings *f)
{
    json_open(w, '[');
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *item = &f->items[i];
        json_open(w, '{');
        json_key(w, "rule");
        json_put_cstr(w, item->rule);
        json_key(w, "severity");
        json_put_cstr(w, item->severity == SEVERITY_ERROR ? "error" : "warning");
        json_key(w, "pointer");
        json_put_cstr(w, item->pointer);
        json_key(w, "line");
        json_put_int(w, item->line);
        json_key(w, "column");
        json_put_int(w, item->column);
        json_key(w, "message");
        json_put_cstr(w, item->message);
        json_close(w, '}');
    }
    json_close(w, ']');
}

/* ---- words for messages ---- */

enum { SHOWN = 48 };

/* At most so many bytes, not in the middle of a character. */
static struct slice cut(struct slice s, size_t max)
{
    if (s.n <= max)
        return s;
    while (max && (s.p[max] & 0xC0) == 0x80)
        max--;
    return slice_of(s.p, max);
}

/* A short list as it is written. */
static bool show_list(struct buf *out, const struct jval *list)
{
    struct json_writer w;
    if (list->count > 4)
        return false;
    for (const struct jval *v = list->first; v; v = v->next)
        if (v->type >= J_ARRAY || v->text.n > SHOWN / 4)
            return false;
    buf_add_byte(out, '[');
    for (const struct jval *v = list->first; v; v = v->next) {
        buf_add_str(out, v == list->first ? "" : ", ");
        json_writer_init(&w, out, 0);
        jval_write(&w, v);
    }
    buf_add_byte(out, ']');
    return true;
}

const char *check_show(struct check *c, const struct jval *v)
{
    struct buf b = {0};
    struct slice shown = cut(v->text, SHOWN);
    switch (v->type) {
    case J_NULL:
        return "null";
    case J_BOOL:
        return v->boolean ? "true" : "false";
    case J_ARRAY:
        if (!v->count)
            return "an empty list";
        if (!show_list(&b, v))
            return "a list";
        break;
    case J_OBJECT:
        return "an object";
    case J_NUMBER:
        buf_add_slice(&b, shown);
        if (shown.n < v->text.n)
            buf_add_str(&b, "…");
        break;
    case J_STRING:
        json_quote(&b, shown);
        if (shown.n < v->text.n && b.n) {
            b.n--;
            buf_add_str(&b, "…\"");
        }
        break;
    }
    return keep(c, &b);
}

const char *check_path(struct check *c, const struct jval *v)
{
    const struct jval *chain[DEEPEST];
    size_t n = chain_of(v, chain);
    if (!n)
        return c->root_name ? c->root_name : "the profile";
    struct buf b = {0};
    while (n--) {
        if (chain[n]->parent->type == J_ARRAY) {
            buf_addf(&b, "[%zu]", index_of(c, chain[n]));
            continue;
        }
        if (b.n)
            buf_add_byte(&b, '.');
        buf_add_slice(&b, cut(chain[n]->key, SHOWN));
    }
    struct slice id = jval_string(jval_get(v, "id"));
    if (v->parent->type == J_ARRAY && slice_is_id(id))
        buf_addf(&b, " (%.*s)", SLICE_ARG(id));
    return keep(c, &b);
}

const char *check_quotes(struct check *c, const char *text)
{
    char *copy = arena_strndup(c->arena, text, strlen(text));
    if (!copy) {
        c->failed = true;
        return "";
    }
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    return copy;
}
