/* sharing.c - /api/v1/grants, /shared, /people, /twins/{id}/policy. */
#include "api/people.h"

#include "access/sharing.h"
#include "base/err.h"

#include <stdlib.h>

enum { PEOPLE_FOUND = 20, SHARED_MAX = 1000 };

static struct access *access_of(const struct call *call)
{
    return core_access(call->core);
}

/* ---- grants ---- */

static void write_to(struct call *call, struct json_writer *w, const struct grant *g)
{
    const struct person *p = g->to == TO_PERSON
                                 ? access_find(access_of(call), RECORD_PERSON, slice_str(g->to_id))
                                 : NULL;
    const struct team *t = g->to == TO_TEAM ? map_get(&g->org->teams, slice_str(g->to_id)) : NULL;
    json_key(w, "to");
    json_open(w, '{');
    put_text(w, "kind", grantee_name(g->to));
    if (g->to_id[0])
        put_text(w, "id", g->to_id);
    if (g->to_email[0])
        put_text(w, "email", g->to_email);
    if (p && p->email[0])
        put_text(w, "email", p->email);
    if (p || t)
        put_text(w, "name", p ? p->name : t->name);
    json_close(w, '}');
}

static void write_grant(struct call *call, struct json_writer *w, const void *entity)
{
    const struct grant *g = entity;
    struct buf object = {0};
    grant_put_object(access_of(call), call->who, g, &object);
    put_text(w, "id", g->e.id);
    json_key(w, "object");
    json_put_string(w, buf_slice(&object));
    buf_release(&object);
    write_to(call, w, g);
    put_text(w, "role", role_name(g->role));
    if (g->parts_n) {
        json_key(w, "parts");
        jval_write(w, jval_get(g->e.doc, "parts"));
    }
    put_time_or_null(w, "created", g->created_us);
    put_time_or_null(w, "expires", g->expires_us);
    put_text(w, "by", doc_name_of(access_of(call), &g->e, "by"));
}

static bool is_asked_for(struct call *call, const void *entity)
{
    const struct grant *g = entity;
    const struct access_object *o = call->data;
    return g->org == o->org && slice_eq(g->twin, o->twin);
}

void grants_list(struct call *call)
{
    struct access_object *o = arena_zalloc(call->arena, sizeof *o);
    struct slice object = http_query(call->req, "object");
    struct buf scratch = {0};
    int err = o ? sharing_object(access_of(call), call->who, object, &scratch, o) : ERR_NOMEM;
    if (!err && o->twin.n)
        o->twin = arena_dup(call->arena, o->twin);
    buf_release(&scratch);
    if (!err)
        err = access_check(access_of(call), call->who, OP_SHARE, o);
    if (err == ERR_INVALID)
        call_problem(call, err, "object is twin:ID or space:ORGANIZATION.");
    else if (err == ERR_NOT_FOUND)
        call_problem(call, err, "There is nothing of that name.");
    else if (err)
        call_denied(call, err, OP_SHARE, NULL);
    if (err)
        return;
    call->data = o;
    call_list(call, &(struct entity_list){.name = "grants",
                                          .of = &access_of(call)->kinds[RECORD_GRANT],
                                          .has = is_asked_for,
                                          .write = write_grant});
}

static void answer_made(struct call *call, struct ask *ask)
{
    const char *link = ask->secret[0] ? arena_printf(call->arena, "/share#%s", ask->secret) : NULL;
    http_add_headerf(call->req, "Location", "/api/v1/grants/%s", ask->made);
    call_entity(call, 201, write_grant,
                access_find(access_of(call), RECORD_GRANT, slice_str(ask->made)),
                link ? "link" : NULL, link);
}

void grant_create(struct call *call)
{
    call_ask(call, grant_make, answer_made);
}

static void answer_grant(struct call *call, struct ask *ask)
{
    call_entity(call, 200, write_grant, access_find(access_of(call), RECORD_GRANT, ask->id), NULL,
                NULL);
}

void grant_patch(struct call *call)
{
    call_ask(call, grant_change, answer_grant);
}

void grant_delete(struct call *call)
{
    call_ask(call, grant_remove, NULL);
}

/* ---- links ---- */

static void answer_link(struct call *call, struct ask *ask)
{
    struct slice cookie = call_cookie(call, session_cookie_name(call));
    const char *own = arena_strndup(call->arena, cookie.p ? cookie.p : "", cookie.n);
    session_begin(call, ask->secret[0] || !own ? ask->secret : own, NULL);
}

void session_link(struct call *call)
{
    call_ask(call, link_enter, answer_link);
}

/* ---- what others have shared ---- */

static void write_shared(struct call *call, struct json_writer *w, const struct twin *t,
                         enum access_role role)
{
    const struct access_object o = twin_object(t);
    struct buf id = {0};
    if (!access_may(access_of(call), call->who, OP_TWIN_READ, &o))
        return;
    access_put_id(access_of(call), call->who, slice_str(t->key), &id);
    json_open(w, '{');
    json_key(w, "id");
    json_put_string(w, buf_slice(&id));
    put_text(w, "name", t->name);
    put_text(w, "organization", t->org ? org_slug(t->org) : "");
    put_text(w, "role", role_name(role));
    json_close(w, '}');
    buf_release(&id);
}

/* Everything of an organisation; those of its twins that are shared by themselves are in list too.
 */
static void write_space(struct call *call, struct json_writer *w, const struct shared *space,
                        const struct shared *list, size_t n, size_t *left)
{
    size_t all_n;
    struct twin *const *all = core_twins(call->core, &all_n);
    for (size_t i = 0; i < all_n && *left; i++) {
        bool named = all[i]->org != space->org;
        for (size_t k = 0; k < n && !named; k++)
            named = slice_is(list[k].twin, all[i]->key);
        if (named)
            continue;
        write_shared(call, w, all[i], space->role);
        --*left;
    }
}

void shared_list(struct call *call)
{
    struct shared *list = NULL;
    size_t n = 0, left = SHARED_MAX;
    int err = sharing_list(access_of(call), call->who, &list, &n);
    if (err) {
        call_problem(call, err, NULL);
        return;
    }
    struct buf b = {0};
    struct json_writer w;
    call_rows_begin(&w, &b, "twins");
    for (size_t i = 0; i < n && left; i++) {
        struct twin *t = list[i].twin.n ? core_twin(call->core, list[i].twin) : NULL;
        if (!list[i].twin.n)
            write_space(call, &w, &list[i], list, n, &left);
        else if (t && left--)
            write_shared(call, &w, t, list[i].role);
    }
    json_close(&w, ']');
    json_close(&w, '}');
    free(list);
    call_json(call, 200, &b);
}

/* ---- whom a grant can name ---- */

static bool contains_nocase(const char *text, struct slice part)
{
    for (size_t n = strlen(text); n >= part.n; text++, n--)
        if (strncasecmp(text, part.p ? part.p : "", part.n) == 0)
            return true;
    return false;
}

static void write_people(struct call *call, struct json_writer *w, struct slice query)
{
    const struct member *m;
    size_t at = 0, found = 0;
    while (found < PEOPLE_FOUND && (m = map_next(&call->org->members, &at))) {
        const struct person *p = m->person;
        if (!contains_nocase(p->name, query) && !contains_nocase(p->email, query))
            continue;
        found++;
        json_open(w, '{');
        put_text(w, "kind", "person");
        put_text(w, "id", p->e.id);
        put_text(w, "name", p->name);
        put_text_or_null(w, "email", slice_str(p->email));
        json_close(w, '}');
    }
}

static void write_teams(struct call *call, struct json_writer *w, struct slice query)
{
    const struct team *t;
    size_t at = 0, found = 0;
    while (found < PEOPLE_FOUND && (t = map_next(&call->org->teams, &at))) {
        if (!contains_nocase(t->name, query))
            continue;
        found++;
        json_open(w, '{');
        put_text(w, "kind", "team");
        put_text(w, "id", t->key);
        put_text(w, "name", t->name);
        json_close(w, '}');
    }
}

void people_find(struct call *call)
{
    struct slice query = slice_trim(http_query(call->req, "query"));
    struct buf b = {0};
    struct json_writer w;
    call_rows_begin(&w, &b, "people");
    if (call->org)
        write_people(call, &w, query);
    json_close(&w, ']');
    json_key(&w, "teams");
    json_open(&w, '[');
    if (call->org)
        write_teams(call, &w, query);
    call_rows_end(call, &w, &b);
}

/* ---- policies ---- */

static void add_etag(struct call *call, const struct policy *p, char etag[static 64])
{
    int64_t created_us;
    uint64_t version;
    policy_version(p, &created_us, &version);
    etag[0] = 0;
    if (!p)
        return;
    etag_of(etag, created_us, version);
    http_add_header(call->req, "ETag", etag);
}

static void answer_policy_of(struct call *call, const struct twin *t, int status)
{
    const struct policy *p = policy_of(access_of(call), slice_str(t->key));
    struct buf b = {0};
    struct json_writer w;
    char etag[64];
    add_etag(call, p, etag);
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "entries");
    if (p && jval_get(p->e.doc, "entries"))
        jval_write(&w, jval_get(p->e.doc, "entries"));
    else
        json_put_raw(&w, SLICE_LIT("{}"));
    json_close(&w, '}');
    call_json(call, status, &b);
}

void policy_read(struct call *call)
{
    struct twin *t = call_twin(call);
    if (t)
        answer_policy_of(call, t, 200);
}

static void answer_policy(struct call *call, struct ask *ask)
{
    struct twin *t = NULL;
    int err = core_find(call->core, call->who, ask->id, OP_TWIN_READ, &t);
    if (err) /* what was just written takes it from who wrote it */
        http_respond(call->req, 204, NULL, slice_of("", 0));
    else
        answer_policy_of(call, t, 200);
}

/* What If-Match and If-None-Match ask of the policy that is there.  False: answered. */
static bool condition(struct call *call, const struct twin *t, int64_t *ret_created_us,
                      uint64_t *ret_version)
{
    const struct policy *p = policy_of(access_of(call), slice_str(t->key));
    struct slice match = http_header(call->req, "if-match");
    struct slice none = http_header(call->req, "if-none-match");
    char etag[64] = "";
    *ret_created_us = -1;
    *ret_version = 0;
    if (!match.p && !none.p)
        return true;
    policy_version(p, ret_created_us, ret_version);
    if (p)
        etag_of(etag, *ret_created_us, *ret_version);
    if ((match.p && !etag_listed(match, etag, false)) ||
        (none.p && etag_listed(none, etag, true))) {
        call_problem(call, ERR_PRECONDITION,
                     "The policy was changed since you read it. Read it again, then repeat the "
                     "change.");
        return false;
    }
    return true;
}

static void change_policy(struct call *call, int (*prepare)(struct change *ch),
                          void (*answer)(struct call *call, struct ask *ask))
{
    int64_t created_us;
    uint64_t version;
    struct twin *t = call_twin(call);
    if (t && condition(call, t, &created_us, &version))
        call_ask_as(call, prepare, answer,
                    &(struct ask){.if_created_us = created_us, .if_version = version});
}

void policy_replace(struct call *call)
{
    change_policy(call, policy_put, answer_policy);
}

void policy_delete(struct call *call)
{
    change_policy(call, policy_remove, NULL);
}
