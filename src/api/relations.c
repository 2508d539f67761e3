/* relations.c - the relationships of a twin: they stand in its profile, so a change of one is a
 * change of that, with its version and its line in the audit log. */
#include "twin/relations.h"

#include "api/asof.h"
#include "api/graph.h"
#include "base/err.h"

#include <stdio.h>

enum { LIST_DEFAULT = 100, LIST_MAX = 1000 };

/* ---- reading ---- */

void edge_write(struct json_writer *w, const struct edge *e)
{
    struct buf id = {0};
    edge_put_id(&id, e);
    json_open(w, '{');
    json_key(w, "id");
    json_put_string(w, buf_slice(&id));
    put_text(w, "source", e->source->id);
    put_text(w, "kind", e->kind->name);
    put_text(w, "target", e->target->id);
    json_key(w, "properties");
    json_put_raw(w, slice_str(e->properties ? e->properties : "{}"));
    json_key(w, "dangling");
    json_put_bool(w, !e->target->twin);
    json_close(w, '}');
    w->out->failed |= id.failed;
    buf_release(&id);
}

bool graph_params(struct call *call, struct graph_wish *ret)
{
    struct slice direction = call_param(call, "direction");
    struct slice kinds = call_param(call, "kinds");
    ret->out = !direction.p || slice_is(direction, "out") || slice_is(direction, "both");
    ret->in = slice_is(direction, "in") || slice_is(direction, "both");
    if (!ret->out && !ret->in) {
        call_problem(call, ERR_INVALID, "direction is out, in or both.");
        return false;
    }
    ret->all_kinds = !kinds.n;
    for (struct slice kind; kinds.n && slice_cut(&kinds, ',', &kind);) {
        if (!slice_is_id(kind) || ret->names_n == GRAPH_KINDS_MAX) {
            call_problemf(call, ERR_INVALID,
                          "kinds are at most %d names of relationships with commas between.",
                          GRAPH_KINDS_MAX);
            return false;
        }
        const struct edge_kind *known = graph_kind(call->core, kind);
        ret->names[ret->names_n++] = kind;
        if (known)
            ret->kinds[ret->kinds_n++] = known;
    }
    return true;
}

bool graph_wants(const struct graph_wish *wish, const struct edge *e)
{
    for (size_t i = 0; i < wish->kinds_n; i++)
        if (e->kind == wish->kinds[i])
            return true;
    return wish->all_kinds;
}

/* Their page: what is counted from the offset on; the order is that of the profile, then of those
 * that point here. */
struct page {
    struct json_writer w;
    uint64_t from, limit, seen;
};

static void list_direction(struct call *call, struct page *p, const struct twin *t,
                           const struct graph_wish *wish, enum graph_direction direction)
{
    const struct edge *e = graph_first(t, direction, NULL);
    for (; e; e = graph_next(e, direction, NULL)) {
        if (!graph_wants(wish, e) || !graph_shows(call->core, call->who, e) ||
            (direction == GRAPH_IN && wish->out && e->source == e->target))
            continue; /* what points to itself is told once */
        if (p->seen >= p->from && p->seen - p->from < p->limit)
            edge_write(&p->w, e);
        p->seen++;
    }
}

static void relationships_list(struct call *call)
{
    int64_t at_us = 0;
    bool answered, past = call_asks_then(call, &at_us, &answered);
    if (answered)
        return;
    struct twin *t = past ? NULL : call_twin(call);
    struct graph_wish wish = {0};
    struct page p = {.limit = LIST_DEFAULT};
    struct buf b = {0};
    char etag[64], next[32];
    if ((!t && !past) || !graph_params(call, &wish) ||
        !call_uint(call, "limit", 1, LIST_MAX, &p.limit) ||
        !call_uint(call, "cursor", 0, UINT32_MAX, &p.from))
        return;
    if (past) { /* of a twin that may be gone now */
        relationships_past(call, &wish, p.limit, p.from, at_us);
        return;
    }
    call_rows_begin(&p.w, &b, "items");
    if (wish.out)
        list_direction(call, &p, t, &wish, GRAPH_OUT);
    if (wish.in)
        list_direction(call, &p, t, &wish, GRAPH_IN);
    json_close(&p.w, ']');
    bool more = p.seen > p.from && p.seen - p.from > p.limit;
    snprintf(next, sizeof next, "%llu", (unsigned long long)(p.from + p.limit));
    json_key(&p.w, "next");
    json_put_cstr(&p.w, more ? next : NULL);
    json_key(&p.w, "total");
    json_put_uint(&p.w, p.seen);
    json_close(&p.w, '}');
    etag_write(etag, t);
    http_add_header(call->req, "ETag", etag);
    call_json(call, 200, &b);
}

static const struct edge *addressed(struct call *call, const struct twin *t)
{
    const struct edge *e = graph_edge(t, call->parts[1]);
    if (e && graph_shows(call->core, call->who, e))
        return e;
    call_problemf(call, ERR_NOT_FOUND, "%s has no relationship \"%.*s\".", t->id,
                  call->parts[1].n > 256 ? 256 : (int)call->parts[1].n, call->parts[1].p);
    return NULL;
}

static void answer_edge(struct call *call, const struct twin *t, const struct edge *e, int status)
{
    struct buf b = {0};
    struct json_writer w;
    char etag[64];
    json_writer_init(&w, &b, 0);
    edge_write(&w, e);
    etag_write(etag, t);
    http_add_header(call->req, "ETag", etag);
    call_json(call, status, &b);
}

static void relationship_read(struct call *call)
{
    struct twin *t = call_twin(call);
    const struct edge *e = t ? addressed(call, t) : NULL;
    if (e)
        answer_edge(call, t, e, 200);
}

/* ---- changing ---- */

/* In the arena of the request, which waits for the end of the change. */
struct edit {
    struct call *call;
    struct jval *body;  /* NULL: take it out */
    struct slice id;    /* by which it is addressed */
    bool create, named; /* it must not be there; the address names it */
    bool created;
};

/* The member for the profile: what the body says, in its order, and what it does not know. */
static struct jval *make_member(struct edit *e, struct arena *a)
{
    struct jval *v = jval_copy(a, e->body);
    if (v && !jval_get(v, "id") && e->named) {
        struct relation r = {.kind = jval_string(jval_get(v, "kind")),
                             .target = jval_string(jval_get(v, "target"))};
        if (!slice_eq(relation_id(a, &r), e->id) &&
            !jval_set(a, v, SLICE_LIT("id"), jval_new_string(a, e->id)))
            return NULL;
    }
    return v;
}

static int edit_profile(void *arg, struct arena *a, struct jval *root, const char **ret_why)
{
    struct edit *e = arg;
    struct jval *list = jval_get(root, "doppel:relationships");
    struct jval *old = relation_find(root, e->id);
    if (!e->body) {
        if (!old) {
            *ret_why = "the relationship is not there any more";
            return ERR_NOT_FOUND;
        }
        jval_take_out(old);
        if (!list->count)
            jval_remove(root, SLICE_LIT("doppel:relationships"));
        return 0;
    }
    if (old && e->create) {
        *ret_why = arena_printf(a, "there is a relationship \"%.*s\" already", SLICE_ARG(e->id));
        return ERR_EXISTS;
    }
    struct jval *v = make_member(e, a);
    if (!v)
        return ERR_NOMEM;
    e->created = !old;
    if (!list || list->type != J_ARRAY)
        list = jval_set(a, root, SLICE_LIT("doppel:relationships"), jval_new(a, J_ARRAY));
    if (!list || !jval_append(list, v))
        return ERR_NOMEM;
    if (old) { /* in its place */
        struct jval *behind = old->next;
        jval_take_out(old);
        for (struct jval *next; behind && behind != v; behind = next) {
            next = behind->next;
            jval_take_out(behind);
            jval_append(list, behind);
        }
    }
    return 0;
}

static void on_edited(void *arg, const struct twin_result *r)
{
    struct edit *e = arg;
    struct call *call = e->call;
    char location[640], etag[64];
    if (!call_alive(call))
        return;
    if (r->err) {
        call_twin_failed(call, r);
        return;
    }
    const struct twin *t = core_twin(call->core, slice_str(r->key));
    const struct edge *edge = t && e->body ? graph_edge(t, e->id) : NULL;
    if (!edge) {
        if (t) {
            etag_write(etag, t);
            http_add_header(call->req, "ETag", etag);
        }
        http_respond(call->req, 204, NULL, slice_of("", 0));
        return;
    }
    snprintf(location, sizeof location, "/api/v1/twins/%s/relationships/%.*s", r->id,
             SLICE_ARG(e->id));
    if (e->created)
        http_add_header(call->req, "Location", location);
    answer_edge(call, t, edge, e->created ? 201 : 200);
}

/* The object in the body with what it must have.  False: answered. */
static bool read_body(struct call *call, struct edit *e, struct relation *r)
{
    struct json_error where = {.message = ""};
    if (!call_json_type(call))
        return false;
    if (jdoc_parse(call->arena, http_body(call->req), &e->body, &where)) {
        call_problemf(call, ERR_MALFORMED, "The body is not JSON: line %d, column %d: %s.",
                      where.line, where.column, where.message);
        return false;
    }
    const struct jval *id = jval_get(e->body, "id"), *properties = jval_get(e->body, "properties");
    *r = (struct relation){.id = jval_string(id),
                           .kind = jval_string(jval_get(e->body, "kind")),
                           .target = jval_string(jval_get(e->body, "target"))};
    if (!slice_is_id(r->kind) || !slice_is_id(r->target) || (id && !slice_is_id(r->id)))
        call_problem(call, ERR_INVALID,
                     "A relationship is an object such as {\"kind\": \"feeds\", \"target\": "
                     "\"pump-2\"}; kind, target and id have 1 to 128 letters, digits, \".\", "
                     "\"_\", \"-\" and \":\".");
    else if (properties && properties->type != J_OBJECT)
        call_problem(call, ERR_INVALID, "properties is an object.");
    else
        return true;
    return false;
}

/* Is the target one of the organisation that they see?  False: answered. */
static bool target_is_there(struct call *call, const struct twin *t, const struct relation *r)
{
    struct slice dangling = call_param(call, "dangling");
    if (dangling.p && !slice_is(dangling, "allow") && !slice_is(dangling, "refuse")) {
        call_problem(call, ERR_INVALID, "dangling is allow or refuse.");
        return false;
    }
    char *key =
        arena_printf(call->arena, "%.*s%.*s", (int)(t->id - t->key), t->key, SLICE_ARG(r->target));
    const struct twin *to = key ? core_twin(call->core, slice_str(key)) : NULL;
    const struct access_object o = to ? twin_object(to) : (struct access_object){0};
    if (slice_is(dangling, "allow") ||
        (to && access_may(core_access(call->core), call->who, OP_TWIN_READ, &o)))
        return true;
    call_problemf(call, ERR_CONFLICT,
                  "There is no twin \"%.*s\" to point to. Make it first, or say ?dangling=allow.",
                  SLICE_ARG(r->target));
    return false;
}

static void edit(struct call *call, const struct twin *t, struct edit *e)
{
    uint64_t version = 0;
    if (!call_twin_version(call, t, &version))
        return;
    call_wait(call, NULL);
    const struct asker by = call_asker(call);
    core_twin_edit(call->core, &by, call->parts[0], edit_profile, e, version, on_edited, e);
}

/* By its address when named, else by what the body says. */
static void put(struct call *call, bool named)
{
    struct twin *t = call_twin(call);
    struct edit *e = t ? arena_zalloc(call->arena, sizeof *e) : NULL;
    struct relation r;
    if (!e) {
        if (t)
            call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    e->call = call;
    e->named = named;
    e->create = !named;
    if (!read_body(call, e, &r))
        return;
    e->id = named ? call->parts[1] : relation_id(call->arena, &r);
    if (!slice_eq(relation_id(call->arena, &r), e->id) && (r.id.n || !slice_is_id(e->id))) {
        call_problem(call, ERR_INVALID,
                     "The address names another relationship than the body, or one that has more "
                     "than letters, digits, \".\", \"_\", \"-\" and \":\".");
        return;
    }
    if (target_is_there(call, t, &r))
        edit(call, t, e);
}

static void relationship_create(struct call *call)
{
    put(call, false);
}

static void relationship_put(struct call *call)
{
    put(call, true);
}

static void relationship_delete(struct call *call)
{
    struct twin *t = call_twin(call);
    if (!t || !addressed(call, t))
        return;
    struct edit *e = arena_zalloc(call->arena, sizeof *e);
    if (!e) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    e->call = call;
    e->id = call->parts[1];
    edit(call, t, e);
}

/* ---- the tables ---- */

#define DIRECTION_PARAM                                                                            \
    {                                                                                              \
        "direction", "{\"enum\":[\"out\",\"in\",\"both\"]}", "which way; out unless told"          \
    }
#define KINDS_PARAM                                                                                \
    {                                                                                              \
        "kinds", "{\"type\":\"string\"}", "of these kinds alone, with commas between"              \
    }
#define AT_PARAM                                                                                   \
    {                                                                                              \
        "at", "{\"type\":\"string\"}", "as it was at that time"                                    \
    }
static const struct route_param list_params[] = {
    DIRECTION_PARAM,
    KINDS_PARAM,
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":100}",
     "at most so many"},
    {"cursor", "{\"type\":\"string\"}", "next of the page before"},
    AT_PARAM,
    {0}};
static const struct route_param dangling_params[] = {
    {"dangling", "{\"enum\":[\"refuse\",\"allow\"],\"default\":\"refuse\"}",
     "whether the target may be missing"},
    {0}};
static const struct route_param graph_query_params[] = {
    {"root", "{\"type\":\"string\"}",
     "ids of twins to begin from, with commas between; all twins unless given"},
    {"depth", "{\"type\":\"integer\",\"minimum\":0,\"maximum\":64,\"default\":2}",
     "so many steps from there"},
    DIRECTION_PARAM,
    KINDS_PARAM,
    {"linked", "{\"type\":\"boolean\",\"default\":false}",
     "leave out twins that no relationship touches"},
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000,\"default\":1000}",
     "at most so many twins"},
    {"cursor", "{\"type\":\"string\"}", "next of the page before; without root"},
    AT_PARAM,
    {0}};

#define ANSWERS(name, ...) static const struct route_answer name[] = {__VA_ARGS__, {0}}
#define REFUSALS                                                                                   \
    {400, "Problem", NULL}, {404, "Problem", NULL}, {409, "Problem", NULL},                        \
        {412, "Problem", NULL}, {413, "Problem", NULL}, {415, "Problem", NULL},                    \
    {                                                                                              \
        422, "ProfileProblem", NULL                                                                \
    }
ANSWERS(list_answers, {200, "RelationshipList", NULL}, {400, "Problem", NULL},
        {404, "Problem", NULL}, {422, "Problem", NULL});
ANSWERS(create_answers, {201, "Relationship", NULL}, REFUSALS);
ANSWERS(read_answers, {200, "Relationship", NULL}, {404, "Problem", NULL});
ANSWERS(put_answers, {200, "Relationship", NULL}, {201, "Relationship", NULL}, REFUSALS);
ANSWERS(delete_answers, {204, NULL, NULL}, {404, "Problem", NULL}, {412, "Problem", NULL});
ANSWERS(graph_answers, {200, "Graph", NULL}, {400, "Problem", NULL}, {404, "Problem", NULL},
        {422, "Problem", NULL});

#define AT "/api/v1/twins/{id}/relationships"
/* clang-format off */
const struct route graph_routes[] = {
    {"GET", AT, OP_TWIN_READ, "listRelationships", relationships_list, "What a twin is to others, or others to it", list_params, NULL, NULL, list_answers},
    {"POST", AT, OP_TWIN_WRITE, "createRelationship", relationship_create, "Relate a twin to another", dangling_params, "NewRelationship", NULL, create_answers},
    {"GET", AT "/{relationship}", OP_TWIN_READ, "readRelationship", relationship_read, "One relationship of a twin", NULL, NULL, NULL, read_answers},
    {"PUT", AT "/{relationship}", OP_TWIN_WRITE, "replaceRelationship", relationship_put, "Replace a relationship, or make it", dangling_params, "NewRelationship", NULL, put_answers},
    {"DELETE", AT "/{relationship}", OP_TWIN_WRITE, "deleteRelationship", relationship_delete, "Take a relationship out of the twin's profile", NULL, NULL, NULL, delete_answers},
    {"GET", "/api/v1/graph", OP_TWIN_READ, "readGraph", graph_read, "Twins and their relationships: all, or those within some steps of one", graph_query_params, NULL, NULL, graph_answers},
    {0},
};

#define S "{\"type\":\"string\"}"
#define O "{\"type\":\"object\"}"
#define EDGE_MEMBERS "\"id\":" S ",\"source\":" S ",\"kind\":" S ",\"target\":" S ",\"properties\":" O ",\"dangling\":{\"type\":[\"boolean\",\"null\"]}"
#define EDGE_REQUIRED "\"required\":[\"id\",\"source\",\"kind\",\"target\",\"properties\",\"dangling\"]"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
const struct named_schema graph_schemas[] = {
    {"Relationship", "{\"type\":\"object\"," EDGE_REQUIRED ",\"properties\":{" EDGE_MEMBERS "}}"},
    {"NewRelationship", "{\"type\":\"object\",\"required\":[\"kind\",\"target\"],\"properties\":{\"id\":" S ",\"kind\":" S ",\"target\":" S ",\"properties\":" O "}}"},
    {"RelationshipList", "{\"type\":\"object\",\"required\":[\"items\",\"next\",\"total\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":" REF("Relationship") "},\"next\":{\"type\":[\"string\",\"null\"]},\"total\":{\"type\":\"integer\",\"minimum\":0}}}"},
    {"GraphNode", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"type\",\"twinTypes\",\"state\",\"level\",\"out\",\"in\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"type\":" S ",\"twinTypes\":{\"type\":\"array\",\"items\":" S "},\"state\":{\"enum\":[\"live\",\"stale\",\"waiting\",null]},\"level\":{\"enum\":[\"unknown\",\"normal\",\"warning\",\"critical\",null]},\"out\":{\"type\":\"integer\",\"minimum\":0},\"in\":{\"type\":\"integer\",\"minimum\":0}}}"},
    {"Graph", "{\"type\":\"object\",\"required\":[\"nodes\",\"edges\",\"next\",\"truncated\"],\"properties\":{\"nodes\":{\"type\":\"array\",\"items\":" REF("GraphNode") "},\"edges\":{\"type\":\"array\",\"items\":" REF("Relationship") "},\"next\":{\"type\":[\"string\",\"null\"]},\"truncated\":{\"type\":\"boolean\"}}}"},
    {0},
};
/* clang-format on */
