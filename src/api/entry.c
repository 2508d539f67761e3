/* entry.c - how somebody comes into an organisation, or to more in it: services and their tokens,
 * invitations, requests for a role. */
#include "api/people.h"

#include "access/join.h"
#include "access/orgs.h"
#include "base/clock.h"
#include "base/err.h"

static struct access *access_of(const struct call *call)
{
    return core_access(call->core);
}

static const char *key_of(const char *id)
{
    const char *slash = strchr(id, '/');
    return slash ? slash + 1 : id;
}

/* Of records that are kept as documents: is it this organisation's? */
static bool is_in_org(struct call *call, const void *entity)
{
    return slice_is(doc_text(entity, "organization"), org_slug(call->org));
}

static void put_doc(struct json_writer *w, const struct entity *e, const char *key)
{
    const struct jval *v = jval_get(e->doc, key);
    json_key(w, key);
    if (v)
        jval_write(w, v);
    else
        json_put_null(w);
}

/* ---- services ---- */

static void write_service(struct call *call, struct json_writer *w, const void *entity)
{
    const struct service *s = entity;
    const struct api_token *t;
    size_t at = 0, n = 0;
    while ((t = map_next(&access_of(call)->kinds[RECORD_TOKEN], &at)))
        n += t->service == s && !t->revoked_us;
    put_text(w, "id", s->key);
    put_text(w, "name", s->name);
    put_text(w, "role", role_name(s->role));
    put_time_or_null(w, "created", s->created_us);
    json_key(w, "tokens");
    json_put_uint(w, n);
}

void services_list(struct call *call)
{
    call_list(call, &(struct entity_list){
                        .name = "services", .of = &call->org->services, .write = write_service});
}

static void answer_service(struct call *call, struct ask *ask)
{
    const struct service *s =
        ask->made[0] ? access_find(access_of(call), RECORD_SERVICE, slice_str(ask->made))
                     : map_get(&call->org->services, ask->id);
    if (s && ask->made[0])
        http_add_headerf(call->req, "Location", "/api/v1/organizations/%s/services/%s",
                         org_slug(call->org), s->key);
    call_entity(call, ask->made[0] ? 201 : 200, write_service, s, NULL, NULL);
}

void service_create(struct call *call)
{
    call_ask(call, service_make, answer_service);
}

void service_patch(struct call *call)
{
    call_ask(call, service_change, answer_service);
}

void service_delete(struct call *call)
{
    call_ask(call, service_remove, NULL);
}

/* ---- their tokens ---- */

static bool is_of_service(struct call *call, const void *entity)
{
    const struct api_token *t = entity;
    return t->service && !t->revoked_us &&
           t->service == map_get(&call->org->services, call->parts[1]);
}

static void write_token(struct call *call, struct json_writer *w, const void *entity)
{
    const struct api_token *t = entity;
    (void)call;
    put_text(w, "id", t->e.id);
    put_text(w, "name", t->name);
    put_doc(w, &t->e, "scopes");
    put_time_or_null(w, "created", t->created_us);
    put_time_or_null(w, "expires", t->expires_us);
    put_time_or_null(w, "used", t->used_us);
}

void service_tokens_list(struct call *call)
{
    if (map_get(&call->org->services, call->parts[1]))
        call_list(call, &(struct entity_list){.name = "tokens",
                                              .of = &access_of(call)->kinds[RECORD_TOKEN],
                                              .has = is_of_service,
                                              .write = write_token});
    else
        call_problem(call, ERR_NOT_FOUND, "There is no such service.");
}

static void answer_token(struct call *call, struct ask *ask)
{
    call_entity(call, 201, write_token,
                access_find(access_of(call), RECORD_TOKEN, slice_str(ask->made)), "token",
                ask->secret);
}

void service_token_create(struct call *call)
{
    call_ask(call, service_token_make, answer_token);
}

void service_token_delete(struct call *call)
{
    call_ask(call, service_token_remove, NULL);
}

/* ---- invitations ---- */

static void write_invitation(struct call *call, struct json_writer *w, const void *entity)
{
    const struct entity *e = entity;
    put_text(w, "id", e->id);
    put_doc(w, e, "email");
    put_doc(w, e, "role");
    json_key(w, "teams");
    if (jval_get(e->doc, "teams"))
        jval_write(w, jval_get(e->doc, "teams"));
    else
        json_put_raw(w, SLICE_LIT("[]"));
    put_doc(w, e, "created");
    put_doc(w, e, "expires");
    put_text(w, "invitedBy", doc_name_of(access_of(call), e, "by"));
}

static bool is_open_invitation(struct call *call, const void *entity)
{
    return is_in_org(call, entity) && clock_now_us() < doc_when(entity, "expires");
}

void invitations_list(struct call *call)
{
    call_list(call, &(struct entity_list){.name = "invitations",
                                          .of = &access_of(call)->kinds[RECORD_INVITATION],
                                          .has = is_open_invitation,
                                          .write = write_invitation});
}

static void answer_invitation(struct call *call, struct ask *ask)
{
    const char *link = arena_printf(call->arena, "/invitation#%s", ask->secret);
    call_entity(call, 201, write_invitation,
                access_find(access_of(call), RECORD_INVITATION, slice_str(ask->made)), "link",
                link);
}

void invitation_create(struct call *call)
{
    call_ask(call, invitation_make, answer_invitation);
}

void invitation_delete(struct call *call)
{
    call_ask(call, invitation_remove, NULL);
}

static void write_invited(struct call *call, struct json_writer *w, const void *entity)
{
    const struct org *org = invitation_org(access_of(call), entity);
    json_key(w, "organization");
    json_open(w, '{');
    put_text(w, "id", org_slug(org));
    put_text(w, "name", org->name);
    json_close(w, '}');
    put_doc(w, entity, "role");
    put_doc(w, entity, "email");
    put_text(w, "invitedBy", doc_name_of(access_of(call), entity, "by"));
    put_doc(w, entity, "expires");
}

void invitation_inspect(struct call *call)
{
    struct entity *e = NULL;
    if (!call_json_type(call) || !call_json_params(call))
        return;
    int err = invitation_find(access_of(call), call_param(call, "token"), clock_now_us(), &e);
    if (err)
        call_problem(call, err,
                     err == ERR_TOKEN_EXPIRED
                         ? "The invitation has expired; ask for another."
                         : "There is no such invitation, or it was used already.");
    else
        call_entity(call, 200, write_invited, e, NULL, NULL);
}

static void answer_joined_person(struct call *call, struct ask *ask)
{
    struct slice cookie = call_cookie(call, session_cookie_name(call));
    const char *session = cookie.n ? arena_strndup(call->arena, cookie.p, cookie.n) : NULL;
    (void)ask;
    if (session && call->who->session)
        session_begin(call, session, NULL);
    else
        http_respond(call->req, 204, NULL, slice_of("", 0));
}

static void answer_joined(struct call *call)
{
    const struct joining *j = call->data;
    session_begin(call, j->session.secret, NULL);
}

static void on_hashed(void *arg, const struct new_password *r)
{
    struct call *call = arg;
    struct joining *j = call->data;
    if (r->err) {
        if (call_alive(call))
            call_problem(call, r->err, r->detail);
        return;
    }
    j->password = arena_strndup(call->arena, r->hash, strlen(r->hash));
    if (call_alive(call))
        call_change(call, invitation_join, j, answer_joined);
}

/* By who is signed in already, or with an account that is made for it. */
void invitation_take(struct call *call)
{
    static const char *const members[] = {"token", "name", "email", "password", NULL};
    struct entity *invitation;
    struct slice password;
    if (call->who->kind == WHO_PERSON) {
        call_ask(call, invitation_accept, answer_joined_person);
        return;
    }
    if (!call_may_knock(call, "Too many addresses that have an account came from here."))
        return;
    struct joining *j = call_alloc(call, sizeof *j);
    if (!j || !call_members(call, members) || !call_text(call, "token", true, &j->token) ||
        !call_text(call, "name", false, &j->name) || !call_text(call, "email", false, &j->email) ||
        !call_text(call, "password", false, &password))
        return;
    /* nothing is hashed for who has no invitation */
    int err = invitation_find(access_of(call), j->token, clock_now_us(), &invitation);
    if (err || !password.p) {
        call_change(call, invitation_join, j, answer_joined);
        return;
    }
    call->data = j;
    call_wait(call, NULL);
    people_new_password(core_access(call->core), password, j->name,
                        j->email.n ? j->email : doc_text(invitation, "email"), on_hashed, call);
}

/* ---- requests for a role ---- */

static bool may_manage(struct call *call)
{
    return access_may(access_of(call), call->who, OP_MEMBERS_MANAGE,
                      &(struct access_object){.org = call->org});
}

/* One's own; those who decide see all. */
static bool sees_request(struct call *call, const void *entity)
{
    return is_in_org(call, entity) &&
           (slice_is(doc_text(entity, "person"), call->who->id) || may_manage(call));
}

/* A twin as who asks calls it. */
static void put_object(struct call *call, struct json_writer *w, const struct entity *e)
{
    struct slice object = doc_text(e, "object");
    struct buf text = {0};
    json_key(w, "object");
    if (object.n) {
        buf_add_str(&text, "twin:");
        access_put_id(access_of(call), call->who, slice_skip(object, 5), &text);
        json_put_string(w, buf_slice(&text));
    } else {
        json_put_null(w);
    }
    buf_release(&text);
}

static void write_request(struct call *call, struct json_writer *w, const void *entity)
{
    const struct entity *e = entity;
    const struct person *p = access_find(access_of(call), RECORD_PERSON, doc_text(e, "person"));
    put_text(w, "id", key_of(e->id));
    json_key(w, "who");
    json_open(w, '{');
    json_key(w, "id");
    json_put_string(w, doc_text(e, "person"));
    put_text(w, "name", p ? p->name : "");
    put_text_or_null(w, "email", slice_str(p ? p->email : ""));
    json_close(w, '}');
    put_doc(w, e, "operation");
    put_object(call, w, e);
    put_doc(w, e, "message");
    put_doc(w, e, "created");
    put_doc(w, e, "state");
    put_doc(w, e, "role");
    put_doc(w, e, "decided");
    put_text_or_null(w, "decidedBy", slice_str(doc_name_of(access_of(call), e, "decidedBy")));
}

void requests_list(struct call *call)
{
    call_list(call, &(struct entity_list){.name = "requests",
                                          .of = &access_of(call)->kinds[RECORD_REQUEST],
                                          .has = sees_request,
                                          .write = write_request});
}

static void answer_request(struct call *call, struct ask *ask)
{
    const char *id = ask->made[0] ? ask->made
                                  : arena_printf(call->arena, "%s/%.*s", org_slug(call->org),
                                                 SLICE_ARG(ask->id));
    call_entity(call, ask->made[0] ? 201 : 200, write_request,
                id ? access_find(access_of(call), RECORD_REQUEST, slice_str(id)) : NULL, NULL,
                NULL);
}

void request_create(struct call *call)
{
    call_ask(call, request_make, answer_request);
}

void request_answer(struct call *call)
{
    call_ask(call, request_decide, answer_request);
}
