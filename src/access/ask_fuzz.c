/* Any bytes as the body of a change: the first says of which.  What is taken keeps an administrator
 * an administrator, gives nobody more than who gave it, and can be read again. */
#include "access/orgs.h"
#include "access/sharing.h"

#include "base/err.h"
#include "base/log.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int (*const changes[])(struct change *) = {
    policy_put,      grant_make,   invitation_make,    team_make,  service_make,
    service_change,  request_make, service_token_make, org_make,   org_set_quotas,
    member_set_role, team_change,  grant_change,       org_rename, invitation_accept,
    request_decide,  link_enter};
enum { CHANGES = sizeof changes / sizeof changes[0] };

static int64_t made_once(void *arg, struct slice key)
{
    (void)arg;
    return slice_is(key, "pump-1") ? 1 : 0;
}

static void load(struct access *a, enum record_kind kind, const char *id, const char *doc)
{
    assert(access_load(a, kind, slice_str(id), slice_str(doc)) == 0);
}

static struct access *world(void)
{
    static struct access *a;
    if (a)
        return a;
    a = calloc(1, sizeof *a);
    assert(a);
    load(a, RECORD_ORG, "home", "{\"name\":\"Home\",\"first\":true}");
    load(a, RECORD_PERSON, "p_a", "{\"name\":\"A\",\"email\":\"a@b\",\"installation\":true}");
    load(a, RECORD_PERSON, "p_e", "{\"name\":\"E\",\"email\":\"e@b\"}");
    load(a, RECORD_MEMBER, "home/p_a", "{\"role\":\"administrator\"}");
    load(a, RECORD_MEMBER, "home/p_e", "{\"role\":\"editor\"}");
    load(a, RECORD_TEAM, "home/t_1", "{\"name\":\"Night\"}");
    load(a, RECORD_SERVICE, "home/s_1", "{\"name\":\"Gate\",\"role\":\"operator\"}");
    a->twin_created = made_once;
    return a;
}

static int (*chosen)(struct change *ch);
static int answered;

/* Decide, and write nothing: there is no catalog here. */
static int only_prepare(struct change *ch)
{
    answered = chosen(ch);
    assert(!answered || (ch->detail && ch->err == answered) || answered == ERR_NOMEM);
    return answered ? answered : ERR_CANCELLED;
}

static void ask_as(struct access *a, const char *id, struct ask *ask)
{
    struct principal *who =
        principal_of_person(a, access_find(a, RECORD_PERSON, slice_str(id)), a->first);
    assert(who);
    access_change(a, &(struct change_plan){.who = who, .prepare = only_prepare, .arg = ask});
    principal_unref(who);
}

/* A policy that was taken, read as it is kept. */
static void try_policy(struct access *a, struct slice text)
{
    struct access_object pump = {.org = a->first, .twin = SLICE_LIT("pump-1")};
    struct principal *admin =
        principal_of_person(a, access_find(a, RECORD_PERSON, SLICE_LIT("p_a")), a->first);
    assert(admin && access_load(a, RECORD_POLICY, pump.twin, text) == 0);
    const struct policy *p = policy_of(a, pump.twin);
    assert(p && p->rules_n <= POLICY_RULES_MAX);
    assert(access_may(a, admin, OP_TWIN_WRITE, &pump) && access_may(a, admin, OP_SHARE, &pump));
    for (size_t i = 0; i < p->rules_n; i++) {
        struct access_object at = resource_object(&pump, p->rules[i].resource);
        assert(resource_is_valid(p->rules[i].resource));
        assert(access_may(a, admin, OP_DATA_READ, &at));
        assert(path_covers(p->rules[i].resource, p->rules[i].resource));
    }
    principal_unref(admin);
    access_unload(a, RECORD_POLICY, pump.twin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct access *a = world();
    struct slice text = slice_of((const char *)data + 1, n ? n - 1 : 0);
    struct arena *arena = arena_new();
    struct ask ask = {.org = SLICE_LIT("home"), .if_created_us = -1};
    struct jval *root;
    if (!n || !arena || jdoc_parse(arena, text, &root, NULL)) {
        arena_free(arena);
        return 0;
    }
    chosen = changes[data[0] % CHANGES];
    ask.body = root;
    ask.id = chosen == policy_put                                       ? SLICE_LIT("pump-1")
             : chosen == team_change                                    ? SLICE_LIT("t_1")
             : chosen == service_change || chosen == service_token_make ? SLICE_LIT("s_1")
                                                                        : SLICE_LIT("p_e");
    ask_as(a, "p_e", &ask);
    bool needs_more = chosen != policy_put && chosen != grant_make && chosen != request_make &&
                      chosen != link_enter && chosen != invitation_accept;
    assert(!needs_more || answered); /* an editor manages nobody */
    ask_as(a, "p_a", &ask);
    if (!answered && chosen == policy_put)
        try_policy(a, text);
    arena_free(arena);
    return 0;
}
