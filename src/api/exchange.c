/* exchange.c - types and twins in the words of others: POST /api/v1/import/{format}, GET
 * /api/v1/export/{format}; what maps to what stands in docs/exchange.md.
 *
 * An import is read whole first.  When something in it cannot be read nothing is made; else types
 * are put one after the other, then twins, each on its own, and the answer tells of each. */
#include "exchange/exchange.h"

#include "access/documents.h"
#include "api/internal.h"
#include "base/err.h"
#include "twin/type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 10000, EXPORT_DEFAULT = 100, EXPORT_MAX = 1000 };

static bool format_of(struct call *call, enum exchange_format *ret)
{
    if (exchange_by_name(call->parts[0], ret))
        return true;
    call_problem(call, ERR_NOT_FOUND, "The formats are dtdl, wot and ngsi-ld.");
    return false;
}

static void write_notes(struct json_writer *w, const struct exchange *x)
{
    json_key(w, "notes");
    json_open(w, '[');
    for (size_t i = 0; i < x->notes_n; i++) {
        json_open(w, '{');
        json_key(w, "error");
        json_put_bool(w, x->notes[i].error);
        put_text(w, "pointer", x->notes[i].pointer);
        put_text(w, "message", x->notes[i].message);
        json_close(w, '}');
    }
    json_close(w, ']');
}

/* ---- in ---- */

struct import {
    struct call *call;
    struct exchange x;
    const struct jval *next; /* of types, then of twins */
    struct buf out;
    struct json_writer w;
    struct ask ask; /* of the type under way */
    bool twins, dry, running, again;
    size_t refused;
};

static void go_on(struct import *m);

static void on_gone(struct call *call)
{
    struct import *m = call->data;
    buf_release(&m->out);
}

static void item_begin(struct import *m, struct slice id)
{
    json_open(&m->w, '{');
    json_key(&m->w, "id");
    json_put_string(&m->w, id);
}

static void item_refused(struct import *m, int err, const char *detail)
{
    m->refused++;
    json_key(&m->w, "problem");
    json_open(&m->w, '{');
    problem_write(&m->w, err, detail);
    json_close(&m->w, '}');
}

static void item_kept(struct import *m, bool created, uint64_t version)
{
    json_key(&m->w, "created");
    json_put_bool(&m->w, created);
    json_key(&m->w, "version");
    json_put_uint(&m->w, version);
}

static void on_type(struct change *ch)
{
    struct ask *ask = ch->arg;
    struct import *m = (struct import *)((char *)ask - offsetof(struct import, ask));
    struct call *call = m->call;
    if (!call_alive(call))
        return;
    const struct document *d =
        document_find(core_access(call->core), DOCUMENT_TYPE, call->who->org, ask->id);
    item_begin(m, ask->id);
    if (ch->err || !d)
        item_refused(m, ch->err ? ch->err : ERR_NOT_FOUND, ch->detail);
    else
        item_kept(m, d->version == 1, d->version);
    json_close(&m->w, '}');
    call_wait(call, on_gone);
    go_on(m);
}

static void put_type(struct import *m, const struct jval *type)
{
    struct call *call = m->call;
    m->ask = (struct ask){.kind = DOCUMENT_TYPE,
                          .id = jval_string(jval_get(type, "id")),
                          .body = type,
                          .if_created_us = -1};
    access_change(core_access(call->core), &(struct change_plan){.who = call->who,
                                                                 .from = call->from,
                                                                 .prepare = document_put,
                                                                 .done = on_type,
                                                                 .arg = &m->ask});
}

static void on_twin(void *arg, const struct twin_result *r)
{
    struct import *m = arg;
    struct call *call = m->call;
    if (!call_alive(call))
        return;
    item_begin(m, r->err ? jval_string(jval_pointer(m->x.twins->first, "/identifier/value"))
                         : slice_str(r->id));
    if (r->err)
        item_refused(m, r->err, r->detail);
    else
        item_kept(m, r->created, r->version);
    json_close(&m->w, '}');
    jval_take_out(m->x.twins->first);
    call_wait(call, on_gone);
    go_on(m);
}

static void put_twin(struct import *m, const struct jval *profile)
{
    const struct asker by = call_asker(m->call);
    /* named, so that it is judged as a change of the twin where there is one */
    struct slice id = jval_string(jval_get(jval_get(profile, "identifier"), "value"));
    struct buf text = {0};
    struct json_writer w;
    json_writer_init(&w, &text, 2);
    jval_write(&w, profile);
    if (text.failed)
        on_twin(m, &(struct twin_result){.err = ERR_NOMEM});
    else
        core_twin_put(m->call->core, &by, TWIN_PUT, id, buf_slice(&text), 0, false, on_twin, m);
    buf_release(&text);
}

static void end(struct import *m)
{
    struct call *call = m->call;
    json_close(&m->w, ']');
    json_key(&m->w, "refused");
    json_put_uint(&m->w, m->refused);
    write_notes(&m->w, &m->x);
    json_close(&m->w, '}');
    struct buf out = m->out; /* the request ends, and m with it */
    call_json(call, 200, &out);
}

/* False: it is over, and m is gone. */
static bool step(struct import *m)
{
    if (!m->twins && !m->next) {
        json_close(&m->w, ']');
        json_key(&m->w, "twins");
        json_open(&m->w, '[');
        m->twins = true;
    }
    if (!m->twins) {
        const struct jval *type = m->next;
        m->next = type->next;
        put_type(m, type);
        return true;
    }
    if (m->x.twins->first) {
        put_twin(m, m->x.twins->first);
        return true;
    }
    end(m);
    return false;
}

/* What is answered at once comes back here before step() returns: no deeper for it. */
static void go_on(struct import *m)
{
    m->again = true;
    if (m->running)
        return;
    m->running = true;
    while (m->again) {
        m->again = false;
        if (!step(m))
            return;
    }
    m->running = false;
}

/* What would be made, by its ids. */
static void answer_dry(struct import *m)
{
    for (const struct jval *t = m->x.types->first; t; t = t->next) {
        item_begin(m, jval_string(jval_get(t, "id")));
        json_close(&m->w, '}');
    }
    json_close(&m->w, ']');
    json_key(&m->w, "twins");
    json_open(&m->w, '[');
    for (struct jval *t = m->x.twins->first; t; t = t->next) {
        item_begin(m, jval_string(jval_pointer(t, "/identifier/value")));
        json_close(&m->w, '}');
    }
    end(m);
}

static void answer_unreadable(struct import *m)
{
    struct call *call = m->call;
    struct buf b = {0};
    struct json_writer w;
    char detail[120];
    snprintf(detail, sizeof detail, "%zu things in it cannot be read, so nothing was made.",
             m->x.errors);
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    problem_write(&w, ERR_PROFILE, detail);
    write_notes(&w, &m->x);
    json_close(&w, '}');
    http_respond(call->req, err_info(ERR_PROFILE)->http, "application/problem+json", buf_slice(&b));
    buf_release(&b);
}

static bool read_import(struct call *call, enum exchange_format format, struct import *m)
{
    struct json_error e;
    struct jval *root;
    struct slice body;
    struct slice media = call_media(call);
    if (!slice_is_nocase(media, "application/td+json") && !call_json_type(call))
        return false;
    if (!call_content(call, &body))
        return false;
    if (jdoc_parse(call->arena, body, &root, &e)) {
        call_problemf(call, ERR_MALFORMED, "The body is no JSON: %s (line %d, column %d).",
                      e.message, e.line, e.column);
        return false;
    }
    if (exchange_read(call->arena, format, root, &m->x)) {
        call_problem(call, ERR_NOMEM, NULL);
        return false;
    }
    if (!(m->x.types = types_in_order(call->arena, m->x.types))) {
        call_problem(call, ERR_NOMEM, NULL);
        return false;
    }
    if (m->x.types->count + m->x.twins->count > ITEMS_MAX) {
        call_problemf(call, ERR_TOO_LARGE, "At most %d types and twins at once.", ITEMS_MAX);
        return false;
    }
    return true;
}

static void import(struct call *call)
{
    enum exchange_format format;
    struct import *m = arena_zalloc(call->arena, sizeof *m);
    const struct access_object o = {.org = call->who->org};
    if (!m) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    m->call = call;
    call->data = m;
    if (!call_may(call, OP_TWIN_CREATE, &o) || !format_of(call, &format) ||
        !call_bool(call, "dry", &m->dry) || !read_import(call, format, m))
        return;
    if (m->x.errors) {
        answer_unreadable(m);
        return;
    }
    json_writer_init(&m->w, &m->out, 0);
    json_open(&m->w, '{');
    json_key(&m->w, "dry");
    json_put_bool(&m->w, m->dry);
    json_key(&m->w, "types");
    json_open(&m->w, '[');
    m->next = m->x.types->first;
    if (m->dry) {
        answer_dry(m);
        return;
    }
    call_wait(call, on_gone);
    go_on(m);
}

/* ---- out ---- */

struct export
{
    struct call *call;
    enum exchange_format format;
    struct exchange_opts opts;
    struct jval *types, *twins;
    struct slice *ids; /* of twins that are to come */
    size_t ids_n, at;
    bool single, running, again;
    int err;
};

static void next_twin(struct export *e);

static void answer_export(struct export *e)
{
    static const char *const types[] = {[EXCHANGE_DTDL] = "application/json",
                                        [EXCHANGE_WOT] = "application/td+json",
                                        [EXCHANGE_NGSI_LD] = "application/ld+json"};
    struct call *call = e->call;
    struct exchange x;
    struct jval *list;
    struct buf b = {0};
    struct json_writer w;
    if (exchange_write(call->arena, e->format, e->types, e->twins, &e->opts, &x, &list)) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    if (x.notes_n)
        http_add_headerf(call->req, "Doppel-Notes", "%zu; %s", x.notes_n, x.notes[0].message);
    json_writer_init(&w, &b, 2);
    jval_write(&w, e->single && list->count == 1 ? list->first : list);
    buf_add_byte(&b, '\n');
    if (b.failed)
        call_problem(call, ERR_NOMEM, NULL);
    else
        http_respond(call->req, 200, types[e->format], buf_slice(&b));
    buf_release(&b);
}

static void on_profile(void *arg, const struct twin_result *r)
{
    struct export *e = arg;
    struct call *call = e->call;
    struct jval *root = NULL;
    struct buf b = {0};
    if (!call_alive(call))
        return;
    e->err = r->err == ERR_UNKNOWN_TWIN ? 0 : r->err; /* deleted meanwhile: it is not there */
    struct twin *t = r->err ? NULL : core_twin(call->core, slice_str(r->key));
    if (t)
        e->err = core_live_profile(call->core, call->who, t, call->arena, r->profile, &b);
    struct slice text = t && !e->err ? arena_dup(call->arena, buf_slice(&b)) : SLICE_LIT("null");
    buf_release(&b);
    if (!e->err && (!text.p || jdoc_parse(call->arena, text, &root, NULL)))
        e->err = ERR_NOMEM;
    else if (!e->err && t)
        jval_append(e->twins, root);
    call_wait(call, NULL);
    e->again = true;
    if (!e->running)
        next_twin(e);
}

static void next_twin(struct export *e)
{
    const struct asker by = call_asker(e->call);
    e->running = true;
    do {
        e->again = false;
        if (e->err) {
            call_problem(e->call, e->err, NULL);
            return;
        }
        if (e->at == e->ids_n) {
            answer_export(e); /* the request ends, and e with it */
            return;
        }
        core_twin_get(e->call->core, &by, e->ids[e->at++], on_profile, e);
    } while (e->again);
    e->running = false;
}

static int by_id(const void *a, const void *b)
{
    const struct document *const *x = a, *const *y = b;
    return strcmp((*x)->id, (*y)->id);
}

static bool add_all_types(struct export *e)
{
    struct call *call = e->call;
    struct access *a = core_access(call->core);
    const struct document **all = arena_alloc(call->arena, DOCUMENTS_MAX * sizeof *all), *d;
    size_t at = 0, n = 0;
    if (!all) {
        call_problem(call, ERR_NOMEM, NULL);
        return false;
    }
    while (n < DOCUMENTS_MAX && (d = document_next(a, DOCUMENT_TYPE, call->who->org, &at)))
        all[n++] = d;
    qsort(all, n, sizeof *all, by_id);
    for (size_t i = 0; i < n; i++)
        jval_append(e->types, jval_copy(call->arena, all[i]->body));
    return true;
}

static bool add_types(struct export *e, struct slice wanted)
{
    struct call *call = e->call;
    struct access *a = core_access(call->core);
    const struct access_object o = {.org = call->who->org};
    const struct document *d;
    struct slice id;
    if (!wanted.n)
        return true;
    if (!call_may(call, OP_RULES_READ, &o))
        return false;
    if (slice_is(wanted, "*"))
        return add_all_types(e);
    while (slice_cut(&wanted, ',', &id)) {
        d = document_find(a, DOCUMENT_TYPE, call->who->org, id);
        if (!d) {
            call_problemf(call, ERR_NOT_FOUND, "There is no type \"%.*s\".",
                          id.n > 128 ? 128 : (int)id.n, id.p);
            return false;
        }
        jval_append(e->types, jval_copy(call->arena, d->body));
    }
    return true;
}

static void add_all_twins(struct export *e, uint64_t limit)
{
    struct call *call = e->call;
    struct own_twins own;
    struct twin *t = NULL;
    own_twins_begin(call, http_query(call->req, "cursor"), &own);
    while (e->ids_n < limit && (t = own_twins_next(call, &own)))
        e->ids[e->ids_n++] = arena_dup(call->arena, slice_str(t->id));
    if (t && own_twins_next(call, &own))
        http_add_headerf(
            call->req, "Link", "</api/v1/export/%s?twins=*&limit=%llu&cursor=%.*s>; rel=\"next\"",
            exchange_name(e->format), (unsigned long long)limit, SLICE_ARG(e->ids[e->ids_n - 1]));
}

static bool add_twins(struct export *e, struct slice wanted)
{
    struct call *call = e->call;
    uint64_t limit = EXPORT_DEFAULT;
    struct twin *t;
    struct slice id;
    if (!call_uint(call, "limit", 1, EXPORT_MAX, &limit))
        return false;
    e->ids = arena_alloc(call->arena, EXPORT_MAX * sizeof *e->ids);
    if (!e->ids) {
        call_problem(call, ERR_NOMEM, NULL);
        return false;
    }
    if (slice_is(wanted, "*")) {
        add_all_twins(e, limit);
        return true;
    }
    while (wanted.n && slice_cut(&wanted, ',', &id)) {
        if (e->ids_n == EXPORT_MAX) {
            call_problemf(call, ERR_TOO_LARGE, "At most %d twins at once.", EXPORT_MAX);
            return false;
        }
        if (core_find(call->core, call->who, id, OP_TWIN_READ, &t)) {
            call_problemf(call, ERR_UNKNOWN_TWIN, "There is no twin \"%.*s\".",
                          id.n > 128 ? 128 : (int)id.n, id.p);
            return false;
        }
        e->ids[e->ids_n++] = id;
    }
    return true;
}

static void export(struct call *call)
{
    struct export *e = arena_zalloc(call->arena, sizeof *e);
    struct slice types = http_query(call->req, "types"), twins = http_query(call->req, "twins");
    if (!e || !(e->types = jval_new(call->arena, J_ARRAY)) ||
        !(e->twins = jval_new(call->arena, J_ARRAY))) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    e->call = call;
    if (!format_of(call, &e->format) || !call_bool(call, "strict", &e->opts.strict) ||
        !call_bool(call, "concise", &e->opts.concise))
        return;
    if (!types.n && !twins.n) {
        call_problem(call, ERR_INVALID, "Say what: types= or twins=, ids with commas or *.");
        return;
    }
    const char *base = call->api->opts.public_url;
    e->opts.base = base;
    e->single = !(types.n && twins.n) && !slice_is(types.n ? types : twins, "*") &&
                slice_find(types.n ? types : twins, ',') < 0 && e->format == EXCHANGE_WOT;
    if (!add_types(e, types) || !add_twins(e, twins))
        return;
    call_wait(call, NULL);
    next_twin(e);
}

#define TEXT "{\"type\":\"string\"}"
#define FLAG "{\"type\":\"boolean\"}"
static const struct route_param import_params[] = {
    {"dry", FLAG, "true: tell what would be made, and make nothing"}, {0}};
static const struct route_param export_params[] = {
    {"types", TEXT, "ids of types with commas between, or *"},
    {"twins", TEXT, "ids of twins with commas between, or *"},
    {"strict", FLAG,
     "true: nothing that the format does not know; what is lost is counted in Doppel-Notes"},
    {"concise", FLAG, "true: values alone (ngsi-ld)"},
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":100}",
     "with twins=*: twins at most; Link names the next page"},
    {"cursor", TEXT, "of that page"},
    {0}};
#define TYPES "application/json application/ld+json application/td+json"
static const struct route_answer import_answers[] = {{200, "Imported", NULL},
                                                     {400, "Problem", NULL},
                                                     {404, "Problem", NULL},
                                                     {413, "Problem", NULL},
                                                     {415, "Problem", NULL},
                                                     {422, "Problem", NULL},
                                                     {0}};
static const struct route_answer export_answers[] = {{200, "Any", TYPES},
                                                     {400, "Problem", NULL},
                                                     {404, "Problem", NULL},
                                                     {413, "Problem", NULL},
                                                     {0}};

/* clang-format off */
const struct route exchange_routes[] = {
    {"POST", "/api/v1/import/{format}", OP_TWIN_CREATE, "importThings", import, "Types and twins of a document in DTDL, WoT or NGSI-LD", import_params, "Any", TYPES, import_answers},
    {"GET", "/api/v1/export/{format}", OP_TWIN_READ, "exportThings", export, "Types and twins as a document in DTDL, WoT or NGSI-LD", export_params, NULL, NULL, export_answers},
    {0},
};
#define ITEMS "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":" TEXT ",\"created\":" FLAG ",\"version\":{\"type\":\"integer\"},\"problem\":{\"type\":\"object\"}}}}"
const struct named_schema exchange_schemas[] = {
    {"Any", "{}"},
    {"Imported", "{\"type\":\"object\",\"required\":[\"dry\",\"types\",\"twins\",\"refused\",\"notes\"],\"properties\":{\"dry\":" FLAG ",\"types\":" ITEMS ",\"twins\":" ITEMS ",\"refused\":{\"type\":\"integer\"},\"notes\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"error\",\"pointer\",\"message\"],\"properties\":{\"error\":" FLAG ",\"pointer\":" TEXT ",\"message\":" TEXT "}}}}}"},
    {0},
};
/* clang-format on */
