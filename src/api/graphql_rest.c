/* graphql_rest.c - answers fields: from the JSON that their object is, or by a request of REST.
 *
 * The same GET is asked once in a question, whoever needs it: `lookups` keeps what it came to, and
 * those who wait for it.  A change forgets what was asked before it. */
#include "api/graphql.h"
#include "base/err.h"

#include <stdio.h>

struct waiting {
    struct gql_cell *cell;
    const struct way *way;
    struct jval *source;
    const struct jval *args;
    struct waiting *next;
};

struct lookup {
    struct question *question; /* NULL: nobody wants it any more */
    struct http_req *req;      /* under way */
    struct slice target;
    bool reads; /* a GET */
    int status; /* 0: not yet, -1: it was too large or broke off */
    struct jval *body;
    struct waiting *waiting;
    struct lookup *next;
};

/* ---- JSON as an answer ---- */

static void put(struct gql_cell *cell, struct jval *v);

static void put_raw(struct gql_cell *cell, const struct jval *v)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    jval_write(&w, v);
    gql_put_json(cell, buf_slice(&b));
    buf_release(&b);
}

/* What REST calls timed-out is timed_out here: names have no hyphens. */
static void put_enum(struct gql_cell *cell, struct slice text)
{
    char *name = arena_strndup(gql_cell_arena(cell), text.p ? text.p : "", text.n);
    for (char *p = name; p && *p; p++)
        if (*p == '-')
            *p = '_';
    gql_put_static(cell, name);
}

static void put_list(struct gql_cell *cell, struct jval *v)
{
    struct gql_cell *items = gql_put_list(cell, v->count);
    size_t i = 0;
    for (struct jval *item = v->first; item && items; item = item->next)
        put(gql_list_at(items, i++), item);
}

static void put_scalar(struct gql_cell *cell, const struct jval *v)
{
    const struct gql_type *t = gql_cell_type(cell);
    struct value number;
    if (t->kind == GQL_T_ENUM)
        put_enum(cell, v->text);
    else if (v->type == J_BOOL)
        gql_put_bool(cell, v->boolean);
    else if (v->type == J_STRING)
        gql_put_text(cell, v->text);
    else if (t->scalar == GQL_S_ID)
        gql_put_text(cell, v->text);
    else if (json_number(v->text, &number))
        gql_put_null(cell);
    else if (number.type == VALUE_INT)
        gql_put_int(cell, number.as.i);
    else
        gql_put_double(cell, number.as.d);
}

static void put(struct gql_cell *cell, struct jval *v)
{
    const struct gql_type *t = gql_cell_type(cell);
    if (!v || v->type == J_NULL)
        gql_put_null(cell);
    else if (t->kind == GQL_T_SCALAR && t->scalar == GQL_S_OWN)
        put_raw(cell, v);
    else if (v->type == J_ARRAY && t->kind == GQL_T_LIST)
        put_list(cell, v);
    else if (gql_is_composite(t))
        gql_put_object(cell, v, NULL);
    else if (v->type == J_OBJECT || v->type == J_ARRAY || t->kind == GQL_T_LIST)
        gql_fail(cell, "internal", NULL, "What is there does not fit the schema.");
    else
        put_scalar(cell, v);
}

static void put_items(struct gql_cell *cell, const struct jval *source, const struct way *way)
{
    struct jval *item = jval_at(source, way->item);
    if (!way->rest_of_items) {
        put(cell, item);
        return;
    }
    struct gql_cell *items =
        gql_put_list(cell, source->count > way->item ? source->count - way->item : 0);
    size_t i = 0;
    for (; item && items; item = item->next)
        put(gql_list_at(items, i++), item);
}

/* ---- twins, which most is asked of ---- */

static struct jval *summary(struct question *q, const struct twin *t, bool sensors)
{
    const struct call call = {.api = q->g->api, .core = q->g->api->core, .who = q->by.who};
    struct buf b = {0};
    struct json_writer w;
    struct jval *v = NULL;
    json_writer_init(&w, &b, 0);
    write_summary(&w, &call, t, sensors ? SIZE_MAX : 0);
    struct slice text = b.failed ? slice_of(NULL, 0) : arena_dup(q->arena, buf_slice(&b));
    buf_release(&b);
    if (text.p && jdoc_parse(q->arena, text, &v, NULL))
        v = NULL;
    return v;
}

/* One that is not there and one that is hidden are the same: null. */
static void put_twin(struct question *q, struct gql_cell *cell, struct slice id)
{
    struct twin *t = NULL;
    int err = id.p ? core_find(q->g->api->core, q->by.who, id, OP_TWIN_READ, &t) : ERR_UNKNOWN_TWIN;
    if (err == ERR_UNKNOWN_TWIN || err == ERR_NOT_FOUND) {
        gql_put_null(cell);
        return;
    }
    if (err) {
        gql_fail(cell, err_info(err)->code, NULL, "%s.", err_info(err)->text);
        return;
    }
    struct jval *v = summary(q, t, gql_cell_selects(cell, "sensors"));
    if (v)
        gql_put_object(cell, v, NULL);
    else
        gql_fail(cell, "out-of-memory", NULL, "The server is out of memory.");
}

static bool is_wanted(const struct jval *ids, struct slice id)
{
    if (!ids || ids->type != J_ARRAY)
        return true;
    for (const struct jval *v = ids->first; v; v = v->next)
        if (slice_eq(v->text, id))
            return true;
    return false;
}

/* Those of the list that are asked for, each with the twin that it is of. */
static void put_sensors(struct question *q, struct gql_cell *cell, const struct jval *source,
                        struct jval *list, const struct jval *args)
{
    const struct jval *ids = jval_get(args, "ids");
    struct slice twin = jval_string(jval_get(source, "id"));
    size_t n = 0, i = 0;
    for (struct jval *v = list ? list->first : NULL; v; v = v->next) {
        struct jval *of = jval_get(v, "twin") ? NULL : jval_new_string(q->arena, twin);
        if (of)
            jval_set(q->arena, v, SLICE_LIT("twin"), of);
        n += is_wanted(ids, jval_string(jval_get(v, "id")));
    }
    struct gql_cell *items = gql_put_list(cell, n);
    for (struct jval *v = list ? list->first : NULL; v && items; v = v->next)
        if (is_wanted(ids, jval_string(jval_get(v, "id"))))
            put(gql_list_at(items, i++), v);
}

/* ---- connections (Relay's) ---- */

static struct jval *set(struct question *q, struct jval *object, const char *key, struct jval *v)
{
    return v ? jval_set(q->arena, object, slice_str(key), v) : NULL;
}

static struct jval *copy_or_null(struct question *q, const struct jval *v)
{
    return v ? jval_copy(q->arena, v) : jval_new(q->arena, J_NULL);
}

static struct jval *connection(struct question *q, const struct jval *answer, struct slice rows)
{
    struct arena *a = q->arena;
    struct jval *all = jval_new(a, J_OBJECT), *edges = jval_new(a, J_ARRAY);
    struct jval *nodes = jval_get_slice(answer, rows), *page = jval_new(a, J_OBJECT);
    const struct jval *next = jval_get(answer, "next"), *total = jval_get(answer, "total");
    if (!all || !edges || !nodes || !page)
        return NULL;
    for (const struct jval *n = nodes->first; n; n = n->next) {
        struct jval *edge = jval_new(a, J_OBJECT);
        if (!edge || !set(q, edge, "cursor", copy_or_null(q, jval_get(n, "id"))) ||
            !set(q, edge, "node", jval_copy(a, n)))
            return NULL;
        jval_append(edges, edge);
    }
    bool more = next && next->type != J_NULL;
    const struct jval *first = nodes->first, *last = nodes->last;
    if (!set(q, page, "hasNextPage", jval_new_bool(a, more)) ||
        !set(q, page, "startCursor", copy_or_null(q, first ? jval_get(first, "id") : NULL)) ||
        !set(q, page, "endCursor", copy_or_null(q, last ? jval_get(last, "id") : NULL)))
        return NULL;
    jval_take_out(nodes);
    return set(q, all, "edges", edges) && set(q, all, "nodes", nodes) &&
                   set(q, all, "pageInfo", page) &&
                   set(q, all, "totalCount", copy_or_null(q, total))
               ? all
               : NULL;
}

/* ---- what a request came to ---- */

/* The problem document's members but those that the error has itself. */
static void put_problem(struct gql_cell *cell, const struct lookup *f)
{
    struct slice detail = jval_string(jval_get(f->body, "detail"));
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    for (const struct jval *m = f->body ? f->body->first : NULL; m; m = m->next) {
        if (slice_is(m->key, "type") || slice_is(m->key, "title") || slice_is(m->key, "detail"))
            continue;
        json_key_slice(&w, m->key);
        jval_write(&w, m);
    }
    if (!jval_get(f->body, "code")) {
        json_key(&w, "code");
        json_put_cstr(&w, f->status < 0 ? "too-large" : "internal");
    }
    json_close(&w, '}');
    buf_add_byte(&b, 0);
    gql_fail(cell, "internal", b.failed ? NULL : b.p, "%.*s",
             SLICE_ARG(detail.p ? detail : SLICE_LIT("The answer is too large; ask for less.")));
    buf_release(&b);
}

static void put_fetched(const struct lookup *f, struct gql_cell *cell, const struct way *way,
                        const struct jval *source, const struct jval *args)
{
    struct question *q = f->question;
    const struct gql_type *t = gql_cell_type(cell);
    bool well = f->status >= 200 && f->status < 300;
    struct jval *v = f->body;
    if (f->status == 404 && f->reads && t->kind != GQL_T_LIST) {
        gql_put_null(cell);
    } else if (!well) {
        put_problem(cell, f);
    } else if (way->kind == WAY_SENSORS) {
        put_sensors(q, cell, source, jval_get_slice(v, way->member), args);
    } else if (t->scalar == GQL_S_BOOLEAN && !way->member.n) {
        gql_put_bool(cell, true); /* it was done */
    } else if (way->connection) {
        v = connection(q, v, way->member);
        if (v)
            put(cell, v);
        else
            gql_fail(cell, "out-of-memory", NULL, "The server is out of memory.");
    } else {
        put(cell, way->member.n ? jval_get_slice(v, way->member) : v);
    }
}

static void on_answer(void *arg, int status, struct slice body)
{
    struct lookup *f = arg;
    struct question *q = f->question;
    f->req = NULL;
    f->status = status ? status : -1;
    struct slice text = body.n ? arena_dup(q->arena, body) : slice_of(NULL, 0);
    if (text.p && jdoc_parse(q->arena, text, &f->body, NULL))
        f->body = NULL;
    struct waiting *w = f->waiting;
    f->waiting = NULL;
    for (; w; w = w->next)
        put_fetched(f, w->cell, w->way, w->source, w->args);
}

/* ---- asking ---- */

static void put_escaped(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     c == '-' || c == '_' || c == '.' || c == '~' || c == ':' || c == ',';
        if (plain)
            buf_add_byte(out, c);
        else
            buf_addf(out, "%%%02X", c);
    }
}

static void put_param(struct buf *out, const struct gql_input *in, const struct jval *v)
{
    if (v->type == J_ARRAY) {
        for (const struct jval *item = v->first; item; item = item->next) {
            put_param(out, in, item);
            if (item->next)
                buf_add_byte(out, ',');
        }
    } else if (v->type == J_BOOL) {
        buf_add_str(out, v->boolean ? "true" : "false");
    } else if (gql_bare(in->type)->kind == GQL_T_ENUM) {
        for (size_t i = 0; i < v->text.n; i++)
            buf_add_byte(out, v->text.p[i] == '_' ? '-' : (unsigned char)v->text.p[i]);
    } else {
        put_escaped(out, v->text);
    }
}

/* Does the path name it, so that it is nowhere else? */
static bool in_path(const struct way *w, struct slice name)
{
    char hole[80];
    size_t n = (size_t)snprintf(hole, sizeof hole, "{%.*s}", SLICE_ARG(name));
    return memmem(w->path.p, w->path.n, hole, n);
}

/* The name by which REST has the argument, and whether it is a header there. */
static struct slice rest_name(const struct gql_input *in, bool *ret_header)
{
    *ret_header = false;
    for (const struct gql_node *d = in->node->directives; d; d = d->next) {
        if (!slice_is(d->name, "param") || !d->args)
            continue;
        *ret_header = slice_is(d->args->name, "header");
        return d->args->value->text;
    }
    return in->name;
}

/* Why something is changed goes beside the body; a reason that must be given is part of it. */
static bool is_why(const struct gql_field *field, struct slice name)
{
    const struct gql_input *in = gql_input(field->args, field->args_n, name);
    return slice_is(name, "reason") && in && !gql_is_required(in);
}

static void put_path(struct buf *out, const struct way *w, const struct gql_field *field,
                     const struct jval *source, const struct jval *args)
{
    struct slice rest = w->path, part;
    while (slice_cut(&rest, '{', &part)) {
        struct slice name;
        buf_add_slice(out, part);
        if (!rest.p || !slice_cut(&rest, '}', &name))
            break;
        bool own = name.n && name.p[0] == '.';
        const struct jval *v =
            jval_get_slice(own ? source : args, own ? slice_skip(name, 1) : name);
        const struct gql_input *in = own ? NULL : gql_input(field->args, field->args_n, name);
        if (v && in)
            put_param(out, in, v);
        else if (v)
            put_escaped(out, v->text);
    }
}

static void put_query(struct buf *out, const struct way *w, const struct gql_field *field,
                      const struct jval *args)
{
    bool reads = strcmp(w->method, "GET") == 0 || strcmp(w->method, "DELETE") == 0;
    char before = memchr(w->path.p, '?', w->path.n) ? '&' : '?';
    for (const struct jval *v = args->first; v; v = v->next) {
        const struct gql_input *in = gql_input(field->args, field->args_n, v->key);
        bool header, always = is_why(field, v->key);
        struct slice name = rest_name(in, &header);
        if (header || v->type == J_NULL || in_path(w, v->key) || (!reads && !always))
            continue;
        buf_addf(out, "%c%.*s=", before, SLICE_ARG(name));
        put_param(out, in, v);
        before = '&';
    }
}

static void put_body(struct buf *out, const struct way *w, const struct gql_field *field,
                     const struct jval *args)
{
    struct json_writer j;
    json_writer_init(&j, out, 0);
    if (w->body.n) {
        const struct jval *v = jval_get_slice(args, w->body);
        if (v)
            jval_write(&j, v);
        return;
    }
    json_open(&j, '{');
    for (const struct jval *v = args->first; v; v = v->next) {
        bool header;
        struct slice name = rest_name(gql_input(field->args, field->args_n, v->key), &header);
        if (header || in_path(w, v->key) || is_why(field, v->key))
            continue;
        json_key_slice(&j, name);
        jval_write(&j, v);
    }
    json_close(&j, '}');
}

static void add_headers(struct http_req *req, const struct gql_field *field,
                        const struct jval *args)
{
    for (const struct jval *v = args->first; v; v = v->next) {
        bool header;
        struct slice name = rest_name(gql_input(field->args, field->args_n, v->key), &header);
        char text[64];
        if (!header || v->type != J_STRING || name.n >= sizeof text)
            continue;
        memcpy(text, name.p, name.n);
        text[name.n] = 0;
        http_inner_header(req, text, v->text);
    }
}

static void send(struct lookup *f, const struct way *w, const struct gql_field *field,
                 const struct jval *args)
{
    struct question *q = f->question;
    struct buf body = {0};
    bool sends = !f->reads && strcmp(w->method, "DELETE") != 0;
    if (sends)
        put_body(&body, w, field, args);
    const char *type =
        strcmp(w->method, "PATCH") == 0 ? "application/merge-patch+json" : "application/json";
    const struct http_inner what = {.method = w->method,
                                    .target = f->target,
                                    .type = sends ? type : NULL,
                                    .body = buf_slice(&body),
                                    .peer = q->by.peer,
                                    .is_tls = q->by.is_tls,
                                    .max_answer = q->g->limits.answer_bytes,
                                    .done = on_answer,
                                    .arg = f};
    struct http_req *req = body.failed ? NULL : http_inner_new(q->by.server, &what);
    buf_release(&body);
    if (!req) {
        on_answer(f, 0, slice_of(NULL, 0));
        return;
    }
    f->req = req;
    add_headers(req, field, args);
    api_inner(q->g->api, req, q->by.who, &q->by.from);
}

static struct lookup *lookup_new(struct question *q, struct slice target, bool reads)
{
    struct lookup *f = arena_zalloc(q->arena, sizeof *f);
    if (!f)
        return NULL;
    f->question = q;
    f->target = target;
    f->reads = reads;
    f->next = q->all;
    q->all = f;
    if (reads && map_put(&q->lookups, target, f, NULL))
        return NULL;
    return f;
}

static bool wait_for(struct lookup *f, struct gql_cell *cell, const struct way *w,
                     struct jval *source, const struct jval *args)
{
    struct waiting *one = arena_alloc(f->question->arena, sizeof *one);
    if (!one)
        return false;
    *one = (struct waiting){cell, w, source, args, f->waiting};
    f->waiting = one;
    return true;
}

static void ask(struct question *q, struct gql_cell *cell, const struct way *w, struct jval *source,
                const struct jval *args)
{
    const struct gql_field *field = gql_cell_field(cell);
    struct buf target = {0};
    bool reads = strcmp(w->method, "GET") == 0;
    put_path(&target, w, field, source, args);
    put_query(&target, w, field, args);
    struct slice kept = target.failed ? slice_of(NULL, 0) : arena_dup(q->arena, buf_slice(&target));
    buf_release(&target);
    if (!reads) /* what was asked before may be no more */
        map_release(&q->lookups);
    struct lookup *f = reads && kept.p ? map_get(&q->lookups, kept) : NULL;
    if (f && f->status) {
        put_fetched(f, cell, w, source, args);
        return;
    }
    bool known = f;
    if (!f)
        f = kept.p ? lookup_new(q, kept, reads) : NULL;
    if (!f || !wait_for(f, cell, w, source, args))
        gql_fail(cell, "out-of-memory", NULL, "The server is out of memory.");
    else if (!known)
        send(f, w, field, args);
}

void rest_resolve(void *arg, struct gql_cell *cell, void *source, const struct jval *args)
{
    struct question *q = arg;
    const struct way *w = gql_cell_field(cell)->user;
    struct jval *of = source;
    const struct jval *at;
    switch (w->kind) {
    case WAY_REST:
        ask(q, cell, w, of, args);
        break;
    case WAY_TWIN:
        put_twin(q, cell, jval_string(jval_get_slice(of ? of : args, w->member)));
        break;
    case WAY_SENSORS:
        at = jval_get(args, "at");
        if (at && at->type != J_NULL)
            ask(q, cell, w, of, args);
        else
            put_sensors(q, cell, of, jval_get(of, "sensors"), args);
        break;
    case WAY_ITEM:
        put_items(cell, of, w);
        break;
    default:
        put(cell, jval_get_slice(of, w->member));
    }
}

void lookups_end(struct question *q)
{
    for (struct lookup *f = q->all; f; f = f->next) {
        struct http_req *req = f->req;
        f->req = NULL;
        if (req)
            http_inner_stop(req);
    }
    q->all = NULL;
    map_release(&q->lookups);
}
