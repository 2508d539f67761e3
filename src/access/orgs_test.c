/* Organisations and who belongs to them, over a real catalog. */
#include "access/orgs.h"

#include "access/access_testing.h"
#include "base/clock.h"
#include "crypto/encode.h"

static void organisations(void **state)
{
    struct world *w = *state;
    struct ask none = {0};
    assert_int_equal(ask(w, "p_ada", org_make, none, "{\"id\":\"beta\"}"), ERR_FORBIDDEN);
    assert_int_equal(ask(w, "p_root", org_make, none, "{\"id\":\"home\"}"), ERR_EXISTS);
    static const char *const bad[] = {"A", "a", "-a", "a-", "a~b", "a/b", "\u00e4\u00e4", "a b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char body[64];
        snprintf(body, sizeof body, "{\"id\":\"%s\"}", bad[i]);
        assert_int_equal(ask(w, "p_root", org_make, none, body), ERR_INVALID);
    }
    assert_int_equal(ask(w, "p_root", org_make, none, "{\"id\":\"beta\",\"first\":true}"),
                     ERR_INVALID);
    assert_non_null(strstr(w->detail, "\"first\""));
    assert_int_equal(ask(w, "p_root", org_make, none, "{\"id\":\"beta\",\"name\":\"Beta\"}"), 0);
    struct org *beta = access_org(w->access, SLICE_LIT("beta"));
    assert_string_equal(beta->name, "Beta");
    struct member *m = map_get(&beta->members, SLICE_LIT("p_root"));
    assert_int_equal(m->role, ROLE_ADMINISTRATOR);
    assert_int_equal(ask(w, "p_ada", org_rename, IN("beta"), "{\"name\":\"Mine\"}"), ERR_NOT_FOUND);
    assert_int_equal(ask(w, "p_root", org_rename, IN("beta"), "{\"name\":\"Bee\"}"), 0);
    assert_string_equal(access_org(w->access, SLICE_LIT("beta"))->name, "Bee");
    assert_int_equal(ask(w, "p_root", org_set_quotas, IN("beta"), "{\"twins\":5}"), 0);
    assert_int_equal(beta->quotas.twins, 5);
    assert_int_equal(ask(w, "p_root", org_set_quotas, IN("beta"), "{\"twins\":-1}"), ERR_INVALID);
    assert_int_equal(ask(w, "p_root", org_set_quotas, IN("beta"), "{\"twins\":null}"), 0);
    assert_int_equal(beta->quotas.twins, 0);
    beta->twins_n = 1;
    assert_int_equal(ask(w, "p_root", org_remove, IN("beta"), NULL), ERR_CONFLICT);
    beta->twins_n = 0;
    assert_int_equal(ask(w, "p_root", org_remove, IN("home"), NULL), ERR_CONFLICT);
    assert_int_equal(ask(w, "p_root", org_remove, IN("beta"), NULL), 0);
    assert_null(access_org(w->access, SLICE_LIT("beta")));
    /* what is left under the name is nobody else's */
    assert_int_equal(ask(w, "p_root", org_make, none, "{\"id\":\"beta\"}"), ERR_EXISTS);
}

static void members(void **state)
{
    struct world *w = *state;
    struct org *home = access_org(w->access, SLICE_LIT("home"));
    const char *editor = "{\"role\":\"editor\"}";
    assert_int_equal(ask(w, "p_ada", member_set_role, AT("home", "p_vi"), editor), ERR_FORBIDDEN);
    assert_non_null(strstr(w->detail, "administrator"));
    assert_int_equal(ask(w, "p_bo", member_set_role, AT("home", "p_vi"), editor), ERR_NOT_FOUND);
    /* of another organisation: not there */
    assert_int_equal(ask(w, "p_root", member_set_role, AT("home", "p_bo"), editor), ERR_NOT_FOUND);
    assert_int_equal(ask(w, "p_root", member_set_role, AT("home", "p_vi"),
                         "{\"role\":\"editor\",\"installation\":true}"),
                     ERR_INVALID);
    assert_int_equal(ask(w, "p_root", member_set_role, AT("home", "p_root"), editor), ERR_CONFLICT);
    assert_int_equal(ask(w, "p_root", member_remove, AT("home", "p_root"), NULL), ERR_CONFLICT);
    assert_int_equal(ask(w, "p_root", member_set_role, AT("home", "p_vi"), editor), 0);
    assert_true(may(w, "p_vi", "home", OP_TWIN_WRITE, "pump-1", NULL));
    /* what was somebody's there goes with them */
    put(w, RECORD_TEAM, "home/t_1", "{\"name\":\"Night\",\"members\":[\"p_vi\",\"p_ada\"]}");
    put(w, RECORD_TOKEN, "tok",
        "{\"hash\":"
        "\"00000000000000000000000000000000"
        "00000000000000000000000000000000\",\"person\":\"p_vi\","
        "\"organization\":\"home\"}");
    put(w, RECORD_GRANT, "g_1",
        "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"person\",\"id\":\"p_vi\"},"
        "\"role\":\"viewer\"}");
    assert_int_equal(ask(w, "p_vi", member_remove, AT("home", "p_ada"), NULL), ERR_FORBIDDEN);
    assert_int_equal(ask(w, "p_vi", member_remove, AT("home", "p_vi"), NULL), 0);
    assert_null(map_get(&home->members, SLICE_LIT("p_vi")));
    struct team *t = map_get(&home->teams, SLICE_LIT("t_1"));
    assert_int_equal(t->members.count, 1);
    assert_null(access_find(w->access, RECORD_TOKEN, SLICE_LIT("tok")));
    assert_null(access_find(w->access, RECORD_GRANT, SLICE_LIT("g_1")));
    assert_false(may(w, "p_vi", "home", OP_TWIN_READ, "pump-1", NULL));
}

static void teams(void **state)
{
    struct world *w = *state;
    struct org *home = access_org(w->access, SLICE_LIT("home"));
    assert_int_equal(ask(w, "p_ada", team_make, IN("home"), "{\"name\":\"Night\"}"), ERR_FORBIDDEN);
    assert_int_equal(ask(w, "p_root", team_make, IN("home"),
                         "{\"name\":\"Night\",\"members\":[\"p_ada\",\"p_ada\"]}"),
                     0);
    const char *key = strchr(w->ask.made, '/') + 1;
    char id[ASK_ID_MAX];
    snprintf(id, sizeof id, "%s", key);
    struct team *t = map_get(&home->teams, slice_str(id));
    assert_int_equal(t->members.count, 1);
    assert_int_equal(ask(w, "p_root", team_make, IN("home"), "{\"name\":\"Night\"}"), ERR_EXISTS);
    assert_int_equal(ask(w, "p_root", team_change, AT("home", id), "{\"members\":[\"p_bo\"]}"),
                     ERR_NOT_FOUND);
    struct ask in = AT("home", id);
    in.sub = SLICE_LIT("p_vi");
    assert_int_equal(ask(w, "p_root", team_add, in, NULL), 0);
    assert_int_equal(ask(w, "p_root", team_add, in, NULL), 0); /* again is the same */
    assert_int_equal(t->members.count, 2);
    assert_int_equal(ask(w, "p_root", team_drop, in, NULL), 0);
    assert_int_equal(t->members.count, 1);
    assert_int_equal(ask(w, "p_root", team_change, AT("home", id), "{\"name\":\"Day\"}"), 0);
    assert_string_equal(t->name, "Day");
    assert_int_equal(t->members.count, 1);
    assert_int_equal(ask(w, "p_root", team_remove, AT("acme", id), NULL), ERR_NOT_FOUND);
    assert_int_equal(ask(w, "p_root", team_remove, AT("home", id), NULL), 0);
    assert_int_equal(home->teams.count, 0);
}

static void services(void **state)
{
    struct world *w = *state;
    char id[ASK_ID_MAX], token[ASK_ID_MAX], secret[TOKEN_CHARACTERS_MAX + 1];
    struct principal *p = NULL;
    assert_int_equal(
        ask(w, "p_ada", service_make, IN("home"), "{\"name\":\"Gate\",\"role\":\"viewer\"}"),
        ERR_FORBIDDEN);
    assert_int_equal(
        ask(w, "p_root", service_make, IN("home"), "{\"name\":\"Gate\",\"role\":\"operator\"}"), 0);
    snprintf(id, sizeof id, "%s", strchr(w->ask.made, '/') + 1);
    assert_int_equal(ask(w, "p_root", service_token_make, AT("home", id),
                         "{\"name\":\"one\",\"scopes\":[\"data:write\",\"nothing\"]}"),
                     ERR_INVALID);
    assert_int_equal(ask(w, "p_root", service_token_make, AT("home", id),
                         "{\"name\":\"one\",\"expires\":\"2001-01-01T00:00:00Z\"}"),
                     ERR_INVALID);
    assert_int_equal(ask(w, "p_root", service_token_make, AT("home", id),
                         "{\"name\":\"one\",\"scopes\":[\"data:write\"]}"),
                     0);
    snprintf(token, sizeof token, "%s", w->ask.made);
    snprintf(secret, sizeof secret, "%s", w->ask.secret);
    assert_int_equal(access_by_token(w->access, slice_str(secret), &p), 0);
    struct access_object pump = {.org = p->org, .twin = SLICE_LIT("pump-1")};
    assert_true(access_may(w->access, p, OP_DATA_WRITE, &pump));
    assert_false(access_may(w->access, p, OP_DATA_READ, &pump));
    /* a token that may make services makes none that may more than itself */
    put(w, RECORD_SERVICE, "home/s_admin", "{\"name\":\"Admin\",\"role\":\"administrator\"}");
    assert_int_equal(ask(w, "p_root", service_token_make, AT("home", "s_admin"),
                         "{\"name\":\"narrow\",\"scopes\":[\"services:manage\",\"data:read\"]}"),
                     0);
    struct principal *narrow = NULL;
    assert_int_equal(access_by_token(w->access, slice_str(w->ask.secret), &narrow), 0);
    assert_int_equal(ask_as(w, narrow, service_make, IN("home"),
                            "{\"name\":\"More\",\"role\":\"administrator\"}"),
                     ERR_FORBIDDEN);
    assert_int_equal(
        ask_as(w, narrow, service_token_make, AT("home", "s_admin"), "{\"name\":\"more\"}"),
        ERR_FORBIDDEN);
    assert_int_equal(ask_as(w, narrow, service_token_make, AT("home", "s_admin"),
                            "{\"name\":\"same\",\"scopes\":[\"data:read\"]}"),
                     0);
    principal_unref(narrow);
    struct ask one = AT("home", "s_admin");
    one.sub = slice_str(token); /* another's */
    assert_int_equal(ask(w, "p_root", service_token_remove, one, NULL), ERR_NOT_FOUND);
    one.id = slice_str(id);
    assert_int_equal(ask(w, "p_root", service_token_remove, one, NULL), 0);
    assert_true(p->gone);
    principal_unref(p);
    assert_int_equal(ask(w, "p_root", service_remove, AT("home", id), NULL), 0);
    assert_int_equal(access_by_token(w->access, slice_str(secret), &p), ERR_UNAUTHENTICATED);
}

static void invitations(void **state)
{
    struct world *w = *state;
    char body[256];
    struct org *home = access_org(w->access, SLICE_LIT("home"));
    assert_int_equal(ask(w, "p_ada", invitation_make, IN("home"), "{\"role\":\"viewer\"}"),
                     ERR_FORBIDDEN);
    assert_int_equal(ask(w, "p_root", invitation_make, IN("home"),
                         "{\"role\":\"viewer\",\"email\":\"no address\"}"),
                     ERR_INVALID);
    assert_int_equal(ask(w, "p_root", invitation_make, IN("home"),
                         "{\"role\":\"viewer\",\"email\":\"Ada@Example.org\"}"),
                     ERR_EXISTS);
    assert_int_equal(ask(w, "p_root", invitation_make, IN("home"),
                         "{\"role\":\"operator\",\"email\":\"Bo@example.org\"}"),
                     0);
    snprintf(body, sizeof body, "{\"token\":\"%s\"}", w->ask.secret);
    assert_int_equal(ask(w, "p_vi", invitation_accept, (struct ask){0}, body), ERR_FORBIDDEN);
    assert_int_equal(ask(w, "p_bo", invitation_accept, (struct ask){0}, body), 0);
    struct member *m = map_get(&home->members, SLICE_LIT("p_bo"));
    assert_int_equal(m->role, ROLE_OPERATOR);
    assert_int_equal(ask(w, "p_bo", invitation_accept, (struct ask){0}, body), ERR_NOT_FOUND);
    assert_int_equal(
        ask(w, "p_bo", invitation_accept, (struct ask){0}, "{\"token\":\"dop_inv_no\"}"),
        ERR_NOT_FOUND);
    /* it is over, or who made it has gone */
    assert_int_equal(ask(w, "p_root", invitation_make, IN("acme"), "{\"role\":\"viewer\"}"), 0);
    snprintf(body, sizeof body, "{\"token\":\"%s\"}", w->ask.secret);
    clock_set(clock_now_us() + 8 * DAY_US);
    assert_int_equal(ask(w, "p_vi", invitation_accept, (struct ask){0}, body), ERR_TOKEN_EXPIRED);
    clock_real();
    assert_int_equal(
        ask(w, "p_root", member_set_role, AT("acme", "p_bo"), "{\"role\":\"administrator\"}"), 0);
    assert_int_equal(ask(w, "p_bo", member_set_role, AT("acme", "p_root"), "{\"role\":\"editor\"}"),
                     0);
    assert_int_equal(ask(w, "p_vi", invitation_accept, (struct ask){0}, body), ERR_NOT_FOUND);
    assert_int_equal(ask(w, "p_bo", member_remove, AT("acme", "p_root"), NULL), 0);
    assert_int_equal(ask(w, "p_vi", invitation_accept, (struct ask){0}, body), ERR_NOT_FOUND);
}

static void requests(void **state)
{
    struct world *w = *state;
    char id[ASK_ID_MAX];
    const char *wish = "{\"operation\":\"twins:write\",\"object\":\"twin:pump-1\"}";
    assert_int_equal(ask(w, "p_bo", request_make, IN("home"), "{\"operation\":\"twins:write\"}"),
                     ERR_NOT_FOUND);
    assert_int_equal(ask(w, "p_ada", request_make, IN("home"), wish), ERR_CONFLICT);
    assert_int_equal(
        ask(w, "p_vi", request_make, IN("home"), "{\"operation\":\"installation:manage\"}"),
        ERR_INVALID);
    assert_int_equal(ask(w, "p_vi", request_make, IN("home"),
                         "{\"operation\":\"twins:write\",\"object\":\"twin:none\"}"),
                     ERR_UNKNOWN_TWIN);
    assert_int_equal(ask(w, "p_vi", request_make, IN("home"), wish), 0);
    snprintf(id, sizeof id, "%s", strchr(w->ask.made, '/') + 1);
    assert_int_equal(ask(w, "p_vi", request_make, IN("home"), wish), ERR_EXISTS);
    assert_int_equal(ask(w, "p_ada", request_decide, AT("home", id), "{\"decision\":\"approve\"}"),
                     ERR_FORBIDDEN);
    assert_int_equal(ask(w, "p_root", request_decide, AT("home", id),
                         "{\"decision\":\"approve\",\"role\":\"operator\"}"),
                     ERR_INVALID);
    assert_int_equal(ask(w, "p_root", request_decide, AT("home", id), "{\"decision\":\"approve\"}"),
                     0);
    /* on that twin, and nowhere else */
    assert_true(may(w, "p_vi", "home", OP_TWIN_WRITE, "pump-1", NULL));
    assert_false(may(w, "p_vi", "home", OP_TWIN_WRITE, "pump-2", NULL));
    assert_int_equal(ask(w, "p_root", request_decide, AT("home", id), "{\"decision\":\"deny\"}"),
                     ERR_CONFLICT);
    assert_int_equal(ask(w, "p_vi", request_make, IN("home"), "{\"operation\":\"data:write\"}"), 0);
    snprintf(id, sizeof id, "%s", strchr(w->ask.made, '/') + 1);
    assert_int_equal(ask(w, "p_root", request_decide, AT("home", id), "{\"decision\":\"approve\"}"),
                     0);
    assert_true(may(w, "p_vi", "home", OP_DATA_WRITE, "pump-2", NULL));
}

/* Who signed in an hour ago lets nobody in for good without showing who they are. */
static void what_wants_a_fresh_sign_in(void **state)
{
    struct world *w = *state;
    struct principal *p = NULL;
    unsigned char hash[TOKEN_HASH];
    struct buf doc = {0};
    digest_sha256(SLICE_LIT("cookie"), hash);
    buf_add_str(&doc, "{\"hash\":\"");
    encode_add(&doc, ENCODE_HEX, slice_of((const char *)hash, TOKEN_HASH));
    buf_add_str(&doc, "\",\"person\":\"p_root\",\"organization\":\"home\",\"authenticated\":\"");
    clock_format(&doc, clock_now_us() - INT64_C(3600) * 1000000);
    buf_add_str(&doc, "\",\"seen\":\"");
    clock_format(&doc, clock_now_us());
    buf_add_str(&doc, "\",\"expires\":\"");
    clock_format(&doc, clock_now_us() + DAY_US);
    buf_add_str(&doc, "\"}");
    buf_add_byte(&doc, 0);
    put(w, RECORD_SESSION, "ses", doc.p);
    put(w, RECORD_SERVICE, "home/s_1", "{\"name\":\"Gate\",\"role\":\"viewer\"}");
    assert_int_equal(access_by_session(w->access, SLICE_LIT("cookie"), slice_of("", 0), &p), 0);
    const char *boss = "{\"role\":\"administrator\"}";
    assert_int_equal(ask_as(w, p, member_set_role, AT("home", "p_ada"), boss), ERR_REAUTHENTICATE);
    assert_int_equal(ask_as(w, p, invitation_make, IN("home"), boss), ERR_REAUTHENTICATE);
    assert_int_equal(ask_as(w, p, service_token_make, AT("home", "s_1"), "{\"name\":\"x\"}"),
                     ERR_REAUTHENTICATE);
    assert_int_equal(ask_as(w, p, service_change, AT("home", "s_1"), boss), ERR_REAUTHENTICATE);
    assert_int_equal(ask(w, "p_vi", request_make, IN("home"), "{\"operation\":\"audit:read\"}"), 0);
    char id[ASK_ID_MAX];
    snprintf(id, sizeof id, "%s", strchr(w->ask.made, '/') + 1);
    assert_int_equal(ask_as(w, p, request_decide, AT("home", id), "{\"decision\":\"approve\"}"),
                     ERR_REAUTHENTICATE);
    assert_int_equal(ask_as(w, p, invitation_make, IN("home"), "{\"role\":\"viewer\"}"), 0);
    principal_unref(p);
    buf_release(&doc);
}

static int erase_ada(struct change *ch)
{
    struct person *p = access_find(ch->access, RECORD_PERSON, SLICE_LIT("p_ada"));
    int err = forget_person(ch, p);
    change_remove(ch, RECORD_PERSON, "p_ada");
    ch->quiet = true;
    return err;
}

static void what_goes_with_a_person(void **state)
{
    struct world *w = *state;
    put(w, RECORD_TEAM, "home/t_1", "{\"name\":\"Night\",\"members\":[\"p_vi\",\"p_ada\"]}");
    put(w, RECORD_GRANT, "g_1",
        "{\"object\":\"twin:acme~pump-1\",\"to\":{\"kind\":\"person\",\"id\":\"p_ada\"},"
        "\"role\":\"viewer\"}");
    assert_int_equal(ask(w, "p_root", erase_ada, (struct ask){0}, NULL), 0);
    assert_null(access_find(w->access, RECORD_GRANT, SLICE_LIT("g_1")));
    assert_null(access_find(w->access, RECORD_MEMBER, SLICE_LIT("home/p_ada")));
    struct team *t = access_find(w->access, RECORD_TEAM, SLICE_LIT("home/t_1"));
    assert_int_equal(t->members.count, 1);
    close_world(w);
    open_world(w);
    assert_null(access_find(w->access, RECORD_PERSON, SLICE_LIT("p_ada")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(organisations, world_begin, world_end),
        cmocka_unit_test_setup_teardown(members, world_begin, world_end),
        cmocka_unit_test_setup_teardown(teams, world_begin, world_end),
        cmocka_unit_test_setup_teardown(services, world_begin, world_end),
        cmocka_unit_test_setup_teardown(invitations, world_begin, world_end),
        cmocka_unit_test_setup_teardown(requests, world_begin, world_end),
        cmocka_unit_test_setup_teardown(what_wants_a_fresh_sign_in, world_begin, world_end),
        cmocka_unit_test_setup_teardown(what_goes_with_a_person, world_begin, world_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
