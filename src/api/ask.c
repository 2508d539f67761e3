/* ask.c - requests that change what the room access keeps, and lists of it. */
#include "api/internal.h"

#include "access/ask.h"
#include "base/err.h"

#include <stdlib.h>

enum { BODY_MAX = 1 << 20, LIST_MAX = 1000 };

/* ---- changes ---- */

struct asking {
    struct ask ask; /* first: it is what the change has */
    struct call *call;
    void (*answer)(struct call *call, struct ask *ask);
};

/* Somebody is not allowed what the change needs. */
static void refuse(struct call *call, const struct change *ch)
{
    if (ch->refused_in)
        call->org = access_org(core_access(call->core), slice_str(org_slug(ch->refused_in)));
    if (ch->refused != OP_PUBLIC) {
        call_denied(call, ch->err, (enum access_op)ch->refused, ch->detail);
        return;
    }
    /* the role would do, and still it must not be: for a reason that the sentence gives */
    if (call->route->op != OP_PUBLIC)
        access_refused(core_access(call->core), call->who, &call->from, ch->err, call->route->op,
                       call->route->path, ch->detail);
    call_denied(call, ch->err, OP_PUBLIC, ch->detail);
}

static void on_changed(struct change *ch)
{
    struct asking *asking = ch->arg;
    struct call *call = asking->call;
    if (!call_alive(call))
        return;
    if (ch->err == ERR_FORBIDDEN || err_info(ch->err)->http == 401)
        refuse(call, ch);
    else if (ch->err)
        call_problem(call, ch->err, ch->detail);
    else if (asking->answer)
        asking->answer(call, &asking->ask);
    else
        http_respond(call->req, 204, NULL, slice_of("", 0));
}

static bool read_body(struct call *call, struct ask *ask)
{
    struct json_error e;
    struct jval *root = NULL;
    struct slice body;
    if (!call_json_type(call) || !call_content(call, &body))
        return false;
    if (body.n > BODY_MAX) {
        call_problemf(call, ERR_TOO_LARGE, "The body has at most %d bytes.", BODY_MAX);
        return false;
    }
    if (jdoc_parse(call->arena, body, &root, &e)) {
        call_problemf(call, ERR_MALFORMED, "The body is no JSON: %s (line %d, column %d).",
                      e.message, e.line, e.column);
        return false;
    }
    ask->body = root;
    return true;
}

void call_ask_as(struct call *call, int (*prepare)(struct change *ch),
                 void (*answer)(struct call *call, struct ask *ask), const struct ask *like)
{
    struct asking *asking = arena_zalloc(call->arena, sizeof *asking);
    bool in_org = strncmp(call->route->path, ORGANIZATION_PATH, sizeof ORGANIZATION_PATH - 1) == 0;
    if (!asking) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    asking->call = call;
    asking->answer = answer;
    asking->ask = (struct ask){.org = in_org ? call->parts[0] : slice_of("", 0),
                               .id = call->parts[in_org ? 1 : 0],
                               .sub = call->parts[in_org ? 2 : 1],
                               .kind = like->kind,
                               .body = like->body,
                               .if_created_us = like->if_created_us,
                               .if_version = like->if_version};
    if (!like->body && call->route->body && !read_body(call, &asking->ask))
        return;
    call_wait(call, NULL);
    access_change(core_access(call->core), &(struct change_plan){.who = call->who,
                                                                 .from = call->from,
                                                                 .prepare = prepare,
                                                                 .done = on_changed,
                                                                 .arg = &asking->ask});
}

void call_ask(struct call *call, int (*prepare)(struct change *ch),
              void (*answer)(struct call *call, struct ask *ask))
{
    call_ask_as(call, prepare, answer, &(struct ask){.if_created_us = -1});
}

/* ---- lists ---- */

static int by_entity_id(const void *a, const void *b)
{
    const struct entity *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

/* Those that are to be listed, behind the cursor, in order of id. */
static const struct entity **gather(struct call *call, const struct entity_list *l,
                                    struct slice cursor, size_t *ret_n)
{
    const struct entity **all = malloc((l->of->count + 1) * sizeof *all), *e;
    const char *behind = cursor.n ? arena_strndup(call->arena, cursor.p, cursor.n) : NULL;
    size_t at = 0, n = 0;
    while (all && (e = map_next(l->of, &at)))
        if ((!l->has || l->has(call, e)) && (!behind || strcmp(e->id, behind) > 0))
            all[n++] = e;
    if (n)
        qsort(all, n, sizeof *all, by_entity_id);
    *ret_n = n;
    return all;
}

void call_list(struct call *call, const struct entity_list *l)
{
    uint64_t limit = LIST_MAX;
    size_t n;
    if (!call_uint(call, "limit", 1, LIST_MAX, &limit))
        return;
    const struct entity **all = gather(call, l, http_query(call->req, "cursor"), &n);
    if (!all) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, l->name);
    json_open(&w, '[');
    for (size_t i = 0; i < n && i < limit; i++) {
        json_open(&w, '{');
        l->write(call, &w, all[i]);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    if (n > limit) {
        json_key(&w, "next");
        json_put_cstr(&w, all[limit - 1]->id);
    }
    json_close(&w, '}');
    free(all);
    call_json(call, 200, &b);
}

void call_entity(struct call *call, int status, entity_write_fn *write, const void *entity,
                 const char *key, const char *value)
{
    struct buf b = {0};
    struct json_writer w;
    if (!entity) { /* it has gone in the same moment */
        call_problem(call, ERR_NOT_FOUND, NULL);
        return;
    }
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    write(call, &w, entity);
    if (key)
        put_text(&w, key, value);
    json_close(&w, '}');
    call_json(call, status, &b);
}

/* ---- members of objects ---- */

void put_text(struct json_writer *w, const char *key, const char *text)
{
    json_key(w, key);
    json_put_cstr(w, text);
}

void put_text_or_null(struct json_writer *w, const char *key, struct slice text)
{
    json_key(w, key);
    if (text.n)
        json_put_string(w, text);
    else
        json_put_null(w);
}

void put_time_or_null(struct json_writer *w, const char *key, int64_t t_us)
{
    json_key(w, key);
    if (t_us)
        json_put_time(w, t_us);
    else
        json_put_null(w);
}
