/* orgs.c - /api/v1/organizations: organisations, members, teams, their use; /api/v1/operations. */
#include "api/internal.h"

#include "access/orgs.h"
#include "base/err.h"

static struct access *access_of(const struct call *call)
{
    return core_access(call->core);
}

/* ---- organisations ---- */

static bool sees_org(struct call *call, const void *entity)
{
    const struct org *o = entity;
    return !o->gone && (call->who->installation || role_of_asker(call->who, o) != ROLE_NONE);
}

static void write_org(struct call *call, struct json_writer *w, const void *entity)
{
    const struct org *o = entity;
    enum access_role role = role_of_asker(call->who, o);
    put_text(w, "id", o->e.id);
    put_text(w, "name", o->name);
    put_time_or_null(w, "created", o->created_us);
    put_text(w, "role", role ? role_name(role) : NULL);
    json_key(w, "members");
    json_put_uint(w, o->members.count);
    json_key(w, "twins");
    json_put_uint(w, o->twins_n);
}

void organizations_list(struct call *call)
{
    call_list(call, &(struct entity_list){.name = "organizations",
                                          .of = &access_of(call)->kinds[RECORD_ORG],
                                          .has = sees_org,
                                          .write = write_org});
}

static void answer_org(struct call *call, struct ask *ask)
{
    bool made = ask->made[0];
    struct org *o = access_org(access_of(call), made ? slice_str(ask->made) : ask->org);
    if (made)
        http_add_headerf(call->req, "Location", "/api/v1/organizations/%s", ask->made);
    call_entity(call, made ? 201 : 200, write_org, o, NULL, NULL);
}

void organization_make(struct call *call)
{
    call_ask(call, org_make, answer_org);
}

void organization_read(struct call *call)
{
    if (sees_org(call, call->org))
        call_entity(call, 200, write_org, call->org, NULL, NULL);
    else
        call_problem(call, ERR_NOT_FOUND, "There is no such organisation.");
}

void organization_change(struct call *call)
{
    call_ask(call, org_rename, answer_org);
}

void organization_delete(struct call *call)
{
    call_ask(call, org_remove, NULL);
}

/* ---- what it uses, and may use ---- */

static void write_use(struct json_writer *w, const char *name, uint64_t used, uint64_t limit)
{
    json_key(w, name);
    json_open(w, '{');
    json_key(w, "used");
    json_put_uint(w, used);
    json_key(w, "limit");
    if (limit)
        json_put_uint(w, limit);
    else
        json_put_null(w);
    json_close(w, '}');
}

static void answer_usage(struct call *call, struct ask *ask)
{
    const struct org *o = call->org;
    struct buf b = {0};
    struct json_writer w;
    (void)ask;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    write_use(&w, "twins", o->twins_n, o->quotas.twins);
    write_use(&w, "series", o->series_n, o->quotas.series);
    write_use(&w, "readingsPerSecond", (uint64_t)(o->readings_rate + 0.5),
              o->quotas.readings_per_s);
    write_use(&w, "storageBytes", o->storage_bytes, o->quotas.storage_bytes);
    json_close(&w, '}');
    call_json(call, 200, &b);
}

void usage_read(struct call *call)
{
    answer_usage(call, NULL);
}

void quotas_set(struct call *call)
{
    call_ask(call, org_set_quotas, answer_usage);
}

/* ---- members ---- */

static void write_member(struct call *call, struct json_writer *w, const void *entity)
{
    const struct member *m = entity;
    const struct access_object o = {.org = m->org};
    bool own = call->who->person == m->person;
    put_text(w, "id", m->person->e.id);
    put_text(w, "name", m->person->name);
    put_text_or_null(w, "email", slice_str(m->person->email));
    put_text(w, "role", role_name(m->role));
    put_time_or_null(w, "since", m->since_us);
    /* how well somebody's account is kept is not everybody's to know */
    if (!own && !access_may(access_of(call), call->who, OP_MEMBERS_MANAGE, &o))
        return;
    json_key(w, "secondFactor");
    json_put_bool(w, m->person->second_factor);
    put_time_or_null(w, "seen", m->person->seen_us);
}

void members_list(struct call *call)
{
    call_list(call, &(struct entity_list){
                        .name = "members", .of = &call->org->members, .write = write_member});
}

static void answer_member(struct call *call, struct ask *ask)
{
    call_entity(call, 200, write_member, map_get(&call->org->members, ask->id), NULL, NULL);
}

void member_change(struct call *call)
{
    call_ask(call, member_set_role, answer_member);
}

void member_delete(struct call *call)
{
    call_ask(call, member_remove, NULL);
}

/* ---- teams ---- */

static void write_team(struct call *call, struct json_writer *w, const void *entity)
{
    const struct team *t = entity;
    const struct jval *list = jval_get(t->e.doc, "members");
    (void)call;
    put_text(w, "id", t->key);
    put_text(w, "name", t->name);
    json_key(w, "members");
    json_open(w, '[');
    for (const struct jval *v = list ? list->first : NULL; v; v = v->next)
        json_put_string(w, jval_string(v));
    json_close(w, ']');
}

void teams_list(struct call *call)
{
    call_list(call,
              &(struct entity_list){.name = "teams", .of = &call->org->teams, .write = write_team});
}

static void answer_team(struct call *call, struct ask *ask)
{
    const struct team *t = ask->made[0]
                               ? access_find(access_of(call), RECORD_TEAM, slice_str(ask->made))
                               : map_get(&call->org->teams, ask->id);
    if (t && ask->made[0])
        http_add_headerf(call->req, "Location", "/api/v1/organizations/%s/teams/%s",
                         call->org->e.id, t->key);
    call_entity(call, ask->made[0] ? 201 : 200, write_team, t, NULL, NULL);
}

void team_create(struct call *call)
{
    call_ask(call, team_make, answer_team);
}

void team_rename(struct call *call)
{
    call_ask(call, team_change, answer_team);
}

void team_delete(struct call *call)
{
    call_ask(call, team_remove, NULL);
}

void team_put_member(struct call *call)
{
    call_ask(call, team_add, NULL);
}

void team_delete_member(struct call *call)
{
    call_ask(call, team_drop, NULL);
}

/* ---- what can be asked for at all ---- */

static const char *from_name(int from)
{
    static const char *const others[] = {"installation", "person", "device"};
    return from <= ROLE_ADMINISTRATOR ? role_name((enum access_role)from)
                                      : others[from - FOR_INSTALLATION];
}

void operations_list(struct call *call)
{
    struct buf b = {0};
    struct json_writer w;
    call_rows_begin(&w, &b, "operations");
    for (int op = 0; op < OP_COUNT; op++) {
        const struct access_op_info *info = op_info((enum access_op)op);
        json_open(&w, '{');
        put_text(&w, "name", info->name);
        put_text(&w, "from", from_name(info->from));
        put_text(&w, "what", info->what);
        json_close(&w, '}');
    }
    json_close(&w, ']');
    json_key(&w, "roles");
    json_open(&w, '[');
    for (int role = ROLE_VIEWER; role <= ROLE_ADMINISTRATOR; role++)
        json_put_cstr(&w, role_name((enum access_role)role));
    call_rows_end(call, &w, &b);
}
