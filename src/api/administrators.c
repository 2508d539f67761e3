/* administrators.c - who looks after the installation. */
#include "access/orgs.h"
#include "api/internal.h"

static struct access *access_of(const struct call *call)
{
    return core_access(call->core);
}

static bool is_administrator(struct call *call, const void *entity)
{
    const struct person *p = entity;
    (void)call;
    return p->installation && !p->gone;
}

static void write(struct call *call, struct json_writer *w, const void *entity)
{
    const struct person *p = entity;
    (void)call;
    put_text(w, "id", p->e.id);
    put_text(w, "name", p->name);
    put_text_or_null(w, "email", slice_str(p->email));
    json_key(w, "disabled");
    json_put_bool(w, p->disabled);
}

static void list(struct call *call)
{
    call_list(call, &(struct entity_list){.name = "administrators",
                                          .of = &access_of(call)->kinds[RECORD_PERSON],
                                          .has = is_administrator,
                                          .write = write});
}

static void add(struct call *call)
{
    call_ask(call, administrator_add, NULL);
}

static void drop(struct call *call)
{
    call_ask(call, administrator_remove, NULL);
}

static const struct route_param page_params[] = {
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":1000}",
     "at most so many"},
    {"cursor", "{\"type\":\"string\"}", "what an earlier answer gave as next"},
    {0}};
static const struct route_answer list_answers[] = {
    {200, "AdministratorList", NULL}, {400, "Problem", NULL}, {0}};
static const struct route_answer change_answers[] = {
    {204, NULL, NULL}, {403, "Refusal", NULL}, {404, "Problem", NULL}, {409, "Problem", NULL}, {0}};

#define AT "/api/v1/administrators"
/* clang-format off */
const struct route administrator_routes[] = {
    {"GET", AT, OP_INSTALLATION_MANAGE, "listAdministrators", list, "Who looks after the installation", page_params, NULL, NULL, list_answers},
    {"PUT", AT "/{person}", OP_INSTALLATION_MANAGE, "addAdministrator", add, "Make somebody an administrator of the installation; wants a fresh sign-in", NULL, NULL, NULL, change_answers},
    {"DELETE", AT "/{person}", OP_INSTALLATION_MANAGE, "removeAdministrator", drop, "Let somebody be one no more; the last one stays", NULL, NULL, NULL, change_answers},
    {0},
};
const struct named_schema administrator_schemas[] = {
    {"AdministratorList", "{\"type\":\"object\",\"required\":[\"administrators\"],\"properties\":{\"administrators\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"id\",\"name\",\"email\",\"disabled\"],\"properties\":{\"id\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},\"email\":{\"type\":[\"string\",\"null\"]},\"disabled\":{\"type\":\"boolean\"}}}},\"next\":{\"type\":\"string\"}}}"},
    {0},
};
/* clang-format on */
