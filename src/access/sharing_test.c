/* Grants, links and policies, over a real catalog. */
#include "access/sharing.h"

#include "access/access_testing.h"
#include "base/clock.h"

static struct ask any = {.if_created_us = -1};

static void grants(void **state)
{
    struct world *w = *state;
    char id[ASK_ID_MAX];
    const char *to_acme = "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"organization\",\"id\":"
                          "\"acme\"},\"role\":\"operator\",\"parts\":[\"/sensors/temp-*\"]}";
    assert_int_equal(ask(w, "p_vi", grant_make, any, to_acme), ERR_FORBIDDEN);
    /* in acme pump-1 is another */
    struct principal *bo = person(w, "p_bo", "home");
    assert_int_equal(ask_as(w, bo, grant_make, any, to_acme), ERR_NOT_FOUND);
    principal_unref(bo);
    assert_int_equal(ask(w, "p_ada", grant_make, any, to_acme), 0);
    snprintf(id, sizeof id, "%s", w->ask.made);
    assert_true(may(w, "p_bo", "acme", OP_DATA_WRITE, "pump-1", "temp-1"));
    assert_false(may(w, "p_bo", "acme", OP_DATA_READ, "pump-1", "rpm"));
    assert_int_equal(ask(w, "p_ada", grant_make, any, to_acme), ERR_EXISTS);
    assert_int_equal(ask(w, "p_ada", grant_make, any,
                         "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"common\"},"
                         "\"role\":\"administrator\"}"),
                     ERR_INVALID);
    assert_int_equal(ask(w, "p_ada", grant_make, any,
                         "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"common\"},"
                         "\"role\":\"viewer\",\"parts\":[\"/secrets\"]}"),
                     ERR_INVALID);
    assert_int_equal(ask(w, "p_ada", grant_make, any,
                         "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"person\",\"id\":"
                         "\"p_bo\"},\"role\":\"viewer\"}"),
                     ERR_NOT_FOUND);
    assert_int_equal(ask(w, "p_ada", grant_make, any,
                         "{\"object\":\"space:home\",\"to\":{\"kind\":\"common\"},"
                         "\"role\":\"viewer\"}"),
                     ERR_FORBIDDEN);
    assert_int_equal(ask(w, "p_root", grant_make, any,
                         "{\"object\":\"space:home\",\"to\":{\"kind\":\"common\"},"
                         "\"role\":\"viewer\"}"),
                     0);
    assert_true(may(w, "p_bo", "acme", OP_DATA_READ, "pump-1", "rpm"));
    struct ask one = any;
    one.id = slice_str(id);
    assert_int_equal(ask(w, "p_bo", grant_remove, one, NULL), ERR_FORBIDDEN);
    assert_int_equal(ask(w, "p_ada", grant_change, one, "{\"role\":\"viewer\"}"), 0);
    assert_false(may(w, "p_bo", "acme", OP_DATA_WRITE, "pump-1", "temp-1"));
    assert_int_equal(ask(w, "p_ada", grant_remove, one, NULL), 0);
    assert_int_equal(ask(w, "p_ada", grant_remove, one, NULL), ERR_NOT_FOUND);
}

static void to_address(char body[static 256], const char *email)
{
    snprintf(body, 256,
             "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"person\",\"email\":\"%s\"},"
             "\"role\":\"viewer\"}",
             email);
}

/* Nothing tells whether somebody elsewhere has an account; an address counts when it is believed.
 */
static void by_address(void **state)
{
    struct world *w = *state;
    char body[256];
    to_address(body, "bo@example.org");
    assert_int_equal(ask(w, "p_ada", grant_make, any, body), 0);
    struct grant *g = access_find(w->access, RECORD_GRANT, slice_str(w->ask.made));
    assert_string_equal(g->to_id, "");
    assert_true(may(w, "p_bo", "acme", OP_TWIN_READ, "pump-1", NULL));
    to_address(body, "nobody@example.org");
    assert_int_equal(ask(w, "p_ada", grant_make, any, body), 0);
    put(w, RECORD_PERSON, "p_no", "{\"name\":\"No\",\"email\":\"nobody@example.org\"}");
    assert_false(may(w, "p_no", "acme", OP_TWIN_READ, "pump-1", NULL));
    put(w, RECORD_PERSON, "p_no",
        "{\"name\":\"No\",\"email\":\"nobody@example.org\",\"emailVerified\":true}");
    assert_true(may(w, "p_no", "acme", OP_TWIN_READ, "pump-1", NULL));
    to_address(body, "vi@example.org"); /* a member is meant as that */
    assert_int_equal(ask(w, "p_ada", grant_make, any, body), 0);
    g = access_find(w->access, RECORD_GRANT, slice_str(w->ask.made));
    assert_string_equal(g->to_id, "p_vi");
}

/* What is over neither holds nor counts. */
static void what_is_over(void **state)
{
    struct world *w = *state;
    const char *to_acme = "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"organization\",\"id\":"
                          "\"acme\"},\"role\":\"viewer\",\"expires\":\"2100-01-01T00:00:00Z\"}";
    assert_int_equal(ask(w, "p_ada", grant_make, any, to_acme), ERR_INVALID);
    assert_non_null(strstr(w->detail, "days away"));
    put(w, RECORD_GRANT, "g_old",
        "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"organization\",\"id\":\"acme\"},"
        "\"role\":\"viewer\",\"expires\":\"2020-01-01T00:00:00Z\"}");
    assert_false(may(w, "p_bo", "acme", OP_TWIN_READ, "pump-1", NULL));
    assert_int_equal(ask(w, "p_ada", grant_make, any,
                         "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"organization\",\"id\":"
                         "\"acme\"},\"role\":\"viewer\"}"),
                     0);
    assert_null(access_find(w->access, RECORD_GRANT, SLICE_LIT("g_old")));
    assert_int_equal(w->access->kinds[RECORD_GRANT].count, 1);
}

static void links(void **state)
{
    struct world *w = *state;
    char id[ASK_ID_MAX], body[256], cookie[TOKEN_CHARACTERS_MAX + 1];
    struct principal *p = NULL;
    assert_int_equal(ask(w, "p_ada", grant_make, any,
                         "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"link\"},"
                         "\"role\":\"operator\"}"),
                     ERR_INVALID);
    assert_int_equal(ask(w, "p_ada", grant_make, any,
                         "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"link\"},"
                         "\"expires\":null}"),
                     ERR_INVALID);
    assert_int_equal(
        ask(w, "p_ada", grant_make, any, "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"link\"}}"),
        0);
    snprintf(id, sizeof id, "%s", w->ask.made);
    struct grant *g = access_find(w->access, RECORD_GRANT, slice_str(id));
    assert_true(g->expires_us > clock_now_us() + 6 * DAY_US);
    snprintf(body, sizeof body, "{\"token\":\"%s\"}", w->ask.secret);
    struct principal *nobody = access_anonymous(w->access);
    assert_int_equal(ask_as(w, nobody, link_enter, any, body), 0);
    snprintf(cookie, sizeof cookie, "%s", w->ask.secret);
    assert_int_equal(access_by_session(w->access, slice_str(cookie), slice_of("", 0), &p), 0);
    struct access_object pump = {.org = access_first_org(w->access), .twin = SLICE_LIT("pump-1")};
    struct access_object other = {.org = pump.org, .twin = SLICE_LIT("pump-2")};
    assert_true(access_may(w->access, p, OP_DATA_READ, &pump));
    assert_false(access_may(w->access, p, OP_DATA_WRITE, &pump));
    assert_false(access_may(w->access, p, OP_DATA_READ, &other));
    assert_int_equal(ask_as(w, nobody, link_enter, any, "{\"token\":\"dop_link_no\"}"),
                     ERR_UNAUTHENTICATED);
    principal_unref(nobody);
    struct ask one = any;
    one.id = slice_str(id);
    assert_int_equal(ask(w, "p_ada", grant_remove, one, NULL), 0);
    assert_true(p->gone);
    principal_unref(p);
    assert_int_equal(access_by_session(w->access, slice_str(cookie), slice_of("", 0), &p),
                     ERR_UNAUTHENTICATED);
}

static void policies(void **state)
{
    struct world *w = *state;
    struct ask one = any;
    one.id = SLICE_LIT("pump-1");
    static const char *const bad[] = {
        "{}",
        "{\"entries\":[]}",
        "{\"entries\":{\"a\":{}}}",
        "{\"entries\":{\"a\":{\"subjects\":[],\"resources\":{\"/\":{}}}}}",
        "{\"entries\":{\"a\":{\"subjects\":[\"person:p_bo\"],\"resources\":{\"/\":{}}}}}",
        "{\"entries\":{\"a\":{\"subjects\":[\"role:king\"],\"resources\":{\"/\":{}}}}}",
        "{\"entries\":{\"a\":{\"subjects\":[\"everyone\"],\"resources\":{\"/x\":{}}}}}",
        "{\"entries\":{\"a\":{\"subjects\":[\"everyone\"],\"resources\":{\"/sensors/a/b\":{}}}}}",
        "{\"entries\":{\"a\":{\"subjects\":[\"everyone\"],\"resources\":{\"/\":{\"give\":[]}}}}}",
        "{\"entries\":{\"a\":{\"subjects\":[\"everyone\"],\"resources\":{\"/\":{\"grant\":"
        "[\"all\"]}}}}}",
        "{\"entries\":{\"a\":{\"subjects\":[\"role:administrator\"],\"resources\":{\"/\":{"
        "\"revoke\":[\"write\"]}}}}}",
        "{\"entries\":{},\"version\":3}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ask(w, "p_ada", policy_put, one, bad[i]), ERR_INVALID);
    const char *narrow = "{\"entries\":{\"a\":{\"subjects\":[\"role:editor\"],\"resources\":{"
                         "\"/sensors/secret\":{\"revoke\":[\"read\"]}}}}}";
    assert_int_equal(ask(w, "p_vi", policy_put, one, narrow), ERR_FORBIDDEN);
    assert_int_equal(ask(w, "p_bo", policy_put, one, narrow), ERR_UNKNOWN_TWIN);
    assert_int_equal(ask(w, "p_ada", policy_put, one, narrow), 0);
    assert_false(may(w, "p_ada", "home", OP_DATA_READ, "pump-1", "secret"));
    assert_true(may(w, "p_root", "home", OP_DATA_READ, "pump-1", "secret"));
    /* who is narrowed neither changes that nor goes around it */
    assert_int_equal(ask(w, "p_ada", policy_put, one, "{\"entries\":{}}"), ERR_FORBIDDEN);
    assert_int_equal(ask(w, "p_ada", policy_remove, one, NULL), ERR_FORBIDDEN);
    assert_int_equal(ask(w, "p_ada", grant_make, any,
                         "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"common\"},"
                         "\"role\":\"viewer\"}"),
                     ERR_FORBIDDEN);
    assert_int_equal(ask(w, "p_ada", grant_make, any,
                         "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"common\"},"
                         "\"role\":\"viewer\",\"parts\":[\"/sensors/s*\"]}"),
                     ERR_FORBIDDEN);
    assert_int_equal(ask(w, "p_ada", grant_make, any,
                         "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"common\"},"
                         "\"role\":\"viewer\",\"parts\":[\"/sensors/temp-*\"]}"),
                     0);
    const struct policy *p = policy_of(w->access, SLICE_LIT("pump-1"));
    struct ask if_match = one;
    policy_version(p, &if_match.if_created_us, &if_match.if_version);
    assert_int_equal(ask(w, "p_root", policy_put, if_match, "{\"entries\":{}}"), 0);
    assert_int_equal(ask(w, "p_root", policy_put, if_match, "{\"entries\":{}}"), ERR_PRECONDITION);
    assert_int_equal(ask(w, "p_root", policy_remove, one, NULL), 0);
    assert_true(may(w, "p_ada", "home", OP_DATA_READ, "pump-1", "secret"));
}

/* The past of a sensor is under /sensors and under /history, for grants and for policies. */
static void the_past(void **state)
{
    struct world *w = *state;
    struct ask one = any;
    struct access_object temp = {.org = access_first_org(w->access),
                                 .twin = SLICE_LIT("pump-1"),
                                 .part = PART_SENSOR,
                                 .name = SLICE_LIT("temp-1")};
    one.id = SLICE_LIT("pump-1");
    assert_int_equal(ask(w, "p_ada", grant_make, any,
                         "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"organization\",\"id\":"
                         "\"acme\"},\"role\":\"viewer\",\"parts\":[\"/history/temp-1\"]}"),
                     0);
    struct principal *bo = person(w, "p_bo", "acme");
    assert_true(access_may(w->access, bo, OP_HISTORY_READ, &temp));
    assert_false(access_may(w->access, bo, OP_DATA_READ, &temp));
    principal_unref(bo);
    assert_int_equal(ask(w, "p_root", policy_put, one,
                         "{\"entries\":{\"a\":{\"subjects\":[\"role:editor\"],\"resources\":{"
                         "\"/history/temp-1\":{\"revoke\":[\"read\"]}}}}}"),
                     0);
    assert_int_equal(ask(w, "p_ada", grant_make, any,
                         "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"common\"},"
                         "\"role\":\"viewer\",\"parts\":[\"/sensors/temp-*\"]}"),
                     ERR_FORBIDDEN);
    assert_int_equal(ask(w, "p_ada", grant_make, any,
                         "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"common\"},"
                         "\"role\":\"viewer\",\"parts\":[\"/sensors/temp-2\"]}"),
                     0);
}

/* A grant is of the twin that it was made for, and of no later one of that name. */
static void with_the_twin(void **state)
{
    struct world *w = *state;
    struct ask one = any;
    one.id = SLICE_LIT("pump-1");
    const char *to_acme = "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"organization\",\"id\":"
                          "\"acme\"},\"role\":\"viewer\"}";
    assert_int_equal(ask(w, "p_ada", grant_make, any, to_acme), 0);
    assert_int_equal(ask(w, "p_ada", policy_put, one, "{\"entries\":{}}"), 0);
    assert_true(may(w, "p_bo", "acme", OP_TWIN_READ, "pump-1", NULL));
    w->pump_made_us = 2000000; /* it went, and another came */
    access_twin_gone(w->access, SLICE_LIT("pump-1"));
    assert_false(may(w, "p_bo", "acme", OP_TWIN_READ, "pump-1", NULL)); /* at once */
    assert_int_equal(ask(w, "p_ada", grant_make, any, to_acme), 0);
    assert_true(may(w, "p_bo", "acme", OP_TWIN_READ, "pump-1", NULL));
    assert_null(policy_of(w->access, SLICE_LIT("pump-1")));
    assert_int_equal(w->access->kinds[RECORD_GRANT].count, 1);
    w->pump_made_us = 3000000; /* and this while nobody looked: the next start finds it */
    close_world(w);
    open_world(w);
    assert_false(may(w, "p_bo", "acme", OP_TWIN_READ, "pump-1", NULL));
    assert_int_equal(ask(w, "p_root", grant_make, any, to_acme), 0); /* behind it in the queue */
    assert_int_equal(w->access->kinds[RECORD_GRANT].count, 1);
}

static void what_is_shared(void **state)
{
    struct world *w = *state;
    struct shared *list;
    size_t n;
    struct principal *bo = person(w, "p_bo", "acme"), *vi = person(w, "p_vi", "home");
    static const char *const bodies[] = {
        ("{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"organization\",\"id\":\"acme\"},\"role\":"
         "\"viewer\"}"),
        "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"common\"},\"role\":\"editor\"}",
        "{\"object\":\"space:home\",\"to\":{\"kind\":\"common\"},\"role\":\"viewer\"}"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ask(w, "p_root", grant_make, any, bodies[i]), 0);
    assert_int_equal(sharing_list(w->access, bo, &list, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(list[0].twin.n, 0);
    assert_true(slice_is(list[1].twin, "pump-1"));
    assert_int_equal(list[1].role, ROLE_EDITOR);
    free(list);
    assert_int_equal(sharing_list(w->access, vi, &list, &n), 0);
    assert_int_equal(n, 0); /* one's own is not shared with one */
    free(list);
    principal_unref(bo);
    principal_unref(vi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(grants, world_begin, world_end),
        cmocka_unit_test_setup_teardown(by_address, world_begin, world_end),
        cmocka_unit_test_setup_teardown(what_is_over, world_begin, world_end),
        cmocka_unit_test_setup_teardown(links, world_begin, world_end),
        cmocka_unit_test_setup_teardown(policies, world_begin, world_end),
        cmocka_unit_test_setup_teardown(the_past, world_begin, world_end),
        cmocka_unit_test_setup_teardown(with_the_twin, world_begin, world_end),
        cmocka_unit_test_setup_teardown(what_is_shared, world_begin, world_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
