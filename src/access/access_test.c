/* Roles, grants, policies and tokens, over a real catalog. */
#include "access/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "store/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

struct world {
    char dir[64], path[96];
    struct loop *loop;
    struct pool *writes;
    struct catalog *catalog;
    struct access *access;
};

static void open_world(struct world *w, bool open)
{
    assert_int_equal(loop_new(&w->loop), 0);
    assert_int_equal(pool_new(w->loop, "catalog", 1, &w->writes), 0);
    assert_int_equal(catalog_open(w->path, &w->catalog), 0);
    assert_int_equal(
        access_new(w->loop, w->catalog, w->writes, &(struct access_opts){.open = open}, &w->access),
        0);
}

static void close_world(struct world *w)
{
    access_stop(w->access);
    pool_free(w->writes);
    access_free(w->access);
    catalog_close(w->catalog);
    loop_free(w->loop);
}

static int begin(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/doppel-access-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->path, sizeof w->path, "%s/catalog.db", w->dir);
    open_world(w, false);
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    char command[160];
    close_world(w);
    snprintf(command, sizeof command, "rm -r %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static void nothing(void *arg)
{
    (void)arg;
}

static void stop(void *arg)
{
    loop_stop(arg);
}

/* Until the catalog's thread has written what it was given, such as when a token was used. */
static void settle(struct world *w)
{
    do {
        struct pool_job last = {.work = nothing, .done = stop, .arg = w->loop};
        pool_submit(w->writes, &last);
        assert_int_equal(loop_run(w->loop), 0);
    } while (w->access->running);
}

static void put(struct world *w, enum record_kind kind, const char *id, const char *doc)
{
    settle(w);
    assert_int_equal(catalog_record_put(w->catalog, (int)kind, slice_str(id), slice_str(doc)), 0);
    assert_int_equal(access_load(w->access, kind, slice_str(id), slice_str(doc)), 0);
    principals_judge(w->access);
}

static void put_token(struct world *w, const char *id, const char *text, const char *rest)
{
    unsigned char hash[TOKEN_HASH];
    char doc[512], hex[2 * TOKEN_HASH + 1];
    digest_sha256(slice_str(text), hash);
    for (size_t i = 0; i < TOKEN_HASH; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    snprintf(doc, sizeof doc, "{\"hash\":\"%s\",%s}", hex, rest);
    put(w, RECORD_TOKEN, id, doc);
}

/* home and acme; Ada edits at home, Bo looks at acme. */
static void people(struct world *w)
{
    put(w, RECORD_ORG, "acme", "{\"name\":\"Acme\"}");
    put(w, RECORD_PERSON, "p_ada", "{\"name\":\"Ada\",\"email\":\"ada@example.org\"}");
    put(w, RECORD_PERSON, "p_bo", "{\"name\":\"Bo\",\"email\":\"bo@example.org\"}");
    put(w, RECORD_MEMBER, "home/p_ada", "{\"role\":\"editor\"}");
    put(w, RECORD_MEMBER, "acme/p_bo", "{\"role\":\"viewer\"}");
    put_token(w, "t1", "ada's", "\"person\":\"p_ada\",\"organization\":\"home\"");
    put_token(w, "t2", "bo's", "\"person\":\"p_bo\",\"organization\":\"acme\"");
}

static struct principal *who(struct world *w, const char *token)
{
    struct principal *p = NULL;
    assert_int_equal(access_by_token(w->access, slice_str(token), &p), 0);
    return p;
}

static struct access_object twin(struct world *w, const char *key)
{
    return (struct access_object){.org = access_org_of_key(w->access, slice_str(key)),
                                  .twin = slice_str(key)};
}

static struct access_object sensor(struct world *w, const char *key, const char *name)
{
    struct access_object o = twin(w, key);
    o.part = PART_SENSOR;
    o.name = slice_str(name);
    return o;
}

static void roles_and_tenants(void **state)
{
    struct world *w = *state;
    people(w);
    struct principal *ada = who(w, "ada's"), *bo = who(w, "bo's");
    struct access_object home = twin(w, "pump-1"), acme = twin(w, "acme~pump-1");
    assert_true(access_may(w->access, ada, OP_TWIN_WRITE, &home));
    assert_false(access_may(w->access, ada, OP_MEMBERS_MANAGE, &home));
    assert_int_equal(
        access_check(w->access, ada, OP_MEMBERS_MANAGE, &(struct access_object){.org = home.org}),
        ERR_FORBIDDEN);
    assert_int_equal(access_check(w->access, ada, OP_TWIN_READ, &acme), ERR_NOT_FOUND);
    assert_true(access_may(w->access, bo, OP_TWIN_READ, &acme));
    assert_int_equal(access_check(w->access, bo, OP_TWIN_WRITE, &acme), ERR_FORBIDDEN);
    assert_int_equal(access_check(w->access, bo, OP_TWIN_READ, &home), ERR_NOT_FOUND);
    struct principal *nobody = access_anonymous(w->access);
    assert_int_equal(access_check(w->access, nobody, OP_TWIN_READ, &home), ERR_UNAUTHENTICATED);
    principal_unref(nobody);
    /* a role that changes reaches who is there already, and one that goes as well */
    put(w, RECORD_MEMBER, "home/p_ada", "{\"role\":\"viewer\"}");
    assert_false(access_may(w->access, ada, OP_TWIN_WRITE, &home));
    access_unload(w->access, RECORD_MEMBER, SLICE_LIT("home/p_ada"));
    principals_judge(w->access);
    assert_int_equal(access_check(w->access, ada, OP_TWIN_READ, &home), ERR_NOT_FOUND);
    principal_unref(ada);
    principal_unref(bo);
}

static void grants(void **state)
{
    struct world *w = *state;
    people(w);
    struct principal *bo = who(w, "bo's");
    struct access_object pump = twin(w, "pump-1"), fan = twin(w, "fan-1");
    put(w, RECORD_GRANT, "g1",
        "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"person\",\"id\":\"p_bo\"},"
        "\"role\":\"operator\",\"parts\":[\"/sensors/temp-*\"]}");
    struct access_object temp = sensor(w, "pump-1", "temp-1"), rpm = sensor(w, "pump-1", "rpm");
    assert_true(access_may(w->access, bo, OP_TWIN_READ, &pump));
    assert_true(access_may(w->access, bo, OP_DATA_READ, &temp));
    assert_true(access_may(w->access, bo, OP_DATA_WRITE, &temp));
    assert_false(access_may(w->access, bo, OP_DATA_READ, &rpm));
    assert_false(access_may(w->access, bo, OP_TWIN_WRITE, &pump));
    assert_false(access_may(w->access, bo, OP_SHARE, &pump));
    assert_int_equal(access_check(w->access, bo, OP_TWIN_READ, &fan), ERR_NOT_FOUND);
    put(w, RECORD_GRANT, "g2",
        "{\"object\":\"space:home\",\"to\":{\"kind\":\"organization\",\"id\":\"acme\"},"
        "\"role\":\"viewer\"}");
    assert_true(access_may(w->access, bo, OP_TWIN_READ, &fan));
    access_unload(w->access, RECORD_GRANT, SLICE_LIT("g2"));
    assert_false(access_may(w->access, bo, OP_TWIN_READ, &fan));
    put(w, RECORD_GRANT, "g1",
        "{\"object\":\"twin:pump-1\",\"to\":{\"kind\":\"person\",\"id\":\"p_bo\"},"
        "\"role\":\"operator\",\"expires\":\"2020-01-01T00:00:00Z\"}");
    assert_false(access_may(w->access, bo, OP_TWIN_READ, &pump));
    principal_unref(bo);
}

static void policies(void **state)
{
    struct world *w = *state;
    people(w);
    struct principal *ada = who(w, "ada's");
    put(w, RECORD_POLICY, "pump-1",
        "{\"entries\":{\"a\":{\"subjects\":[\"person:p_ada\"],\"resources\":{"
        "\"/\":{\"grant\":[\"read\"],\"revoke\":[\"write\"]},"
        "\"/sensors/temp-1\":{\"grant\":[\"write\"]},"
        "\"/sensors/secret\":{\"revoke\":[\"read\"]}}}}}");
    struct access_object pump = twin(w, "pump-1"), fan = twin(w, "fan-1");
    struct access_object temp = sensor(w, "pump-1", "temp-1"), rpm = sensor(w, "pump-1", "rpm"),
                         secret = sensor(w, "pump-1", "secret");
    assert_true(access_may(w->access, ada, OP_TWIN_READ, &pump));
    assert_false(access_may(w->access, ada, OP_TWIN_WRITE, &pump));
    assert_true(access_may(w->access, ada, OP_DATA_WRITE, &temp));
    assert_false(access_may(w->access, ada, OP_DATA_WRITE, &rpm));
    assert_true(access_may(w->access, ada, OP_DATA_READ, &rpm));
    assert_false(access_may(w->access, ada, OP_DATA_READ, &secret));
    assert_false(access_may(w->access, ada, OP_TWIN_DELETE, &pump));
    assert_true(access_may(w->access, ada, OP_TWIN_WRITE, &fan));
    put(w, RECORD_POLICY, "fan-1",
        "{\"entries\":{\"a\":{\"subjects\":[\"person:p_ada\"],\"resources\":{"
        "\"/sensors/b\":{\"revoke\":[\"write\"]}}}}}");
    assert_false(access_may(w->access, ada, OP_TWIN_DELETE, &fan)); /* b would go with it */
    access_unload(w->access, RECORD_POLICY, SLICE_LIT("pump-1"));
    assert_true(access_may(w->access, ada, OP_TWIN_WRITE, &pump));
    principal_unref(ada);
}

static void scopes_expiry_revocation(void **state)
{
    struct world *w = *state;
    people(w);
    put_token(w, "t3", "narrow",
              "\"person\":\"p_ada\",\"organization\":\"home\",\"scopes\":[\"data:write\"]");
    put_token(
        w, "t4", "old",
        "\"person\":\"p_ada\",\"organization\":\"home\",\"expires\":\"2020-01-01T00:00:00Z\"");
    struct principal *narrow = who(w, "narrow"), *p = NULL;
    struct access_object pump = twin(w, "pump-1");
    assert_true(access_may(w->access, narrow, OP_DATA_WRITE, &pump));
    assert_false(access_may(w->access, narrow, OP_TWIN_READ, &pump));
    assert_int_equal(access_check(w->access, narrow, OP_TWIN_WRITE, &pump), ERR_FORBIDDEN);
    assert_int_equal(access_by_token(w->access, SLICE_LIT("old"), &p), ERR_TOKEN_EXPIRED);
    assert_int_equal(access_by_token(w->access, SLICE_LIT("what"), &p), ERR_UNAUTHENTICATED);
    put_token(
        w, "t3", "narrow",
        "\"person\":\"p_ada\",\"organization\":\"home\",\"revoked\":\"2026-01-01T00:00:00Z\"");
    assert_true(narrow->gone);
    assert_false(access_may(w->access, narrow, OP_DATA_WRITE, &pump));
    assert_int_equal(access_by_token(w->access, SLICE_LIT("narrow"), &p), ERR_TOKEN_REVOKED);
    principal_unref(narrow);
    p = who(w, "ada's");
    access_unload(w->access, RECORD_TOKEN, SLICE_LIT("t1"));
    assert_true(p->gone);
    principal_unref(p);
}

static void devices(void **state)
{
    struct world *w = *state;
    people(w);
    unsigned char hash[TOKEN_HASH];
    char doc[256], hex[2 * TOKEN_HASH + 1];
    digest_sha256(SLICE_LIT("device"), hash);
    for (size_t i = 0; i < TOKEN_HASH; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    snprintf(doc, sizeof doc, "{\"hash\":\"%s\",\"twin\":\"acme~pump-1\"}", hex);
    put(w, RECORD_CREDENTIAL, "c1", doc);
    struct principal *d = who(w, "device");
    struct access_object own = twin(w, "acme~pump-1"), other = twin(w, "acme~pump-2");
    assert_true(access_may(w->access, d, OP_DATA_WRITE, &own));
    assert_true(access_may(w->access, d, OP_COMMANDS_RECEIVE, &own));
    assert_false(access_may(w->access, d, OP_TWIN_READ, &own));
    assert_int_equal(access_check(w->access, d, OP_TWIN_READ, &own), ERR_FORBIDDEN);
    assert_int_equal(access_check(w->access, d, OP_DATA_WRITE, &other), ERR_NOT_FOUND);
    put(w, RECORD_CREDENTIAL, "c1", doc); /* again: the same principal goes on */
    assert_false(d->gone);
    access_unload(w->access, RECORD_CREDENTIAL, SLICE_LIT("c1"));
    assert_true(d->gone);
    principal_unref(d);
}

static void names(void **state)
{
    struct world *w = *state;
    people(w);
    struct principal *ada = who(w, "ada's"), *bo = who(w, "bo's");
    struct buf scratch = {0}, out = {0};
    struct slice key;
    struct org *org;
    assert_int_equal(access_key(w->access, bo, SLICE_LIT("pump-1"), &scratch, &key, &org), 0);
    assert_true(slice_is(key, "acme~pump-1"));
    assert_int_equal(access_key(w->access, ada, SLICE_LIT("pump-1"), &scratch, &key, &org), 0);
    assert_true(slice_is(key, "pump-1"));
    assert_int_equal(access_key(w->access, bo, SLICE_LIT("home~pump-1"), &scratch, &key, &org), 0);
    assert_true(slice_is(key, "pump-1"));
    assert_int_equal(access_key(w->access, bo, SLICE_LIT("none~pump-1"), &scratch, &key, &org),
                     ERR_NOT_FOUND);
    access_put_id(w->access, bo, SLICE_LIT("pump-1"), &out);
    assert_true(slice_is(buf_slice(&out), "home~pump-1"));
    buf_clear(&out);
    access_put_id(w->access, bo, SLICE_LIT("acme~pump-1"), &out);
    assert_true(slice_is(buf_slice(&out), "pump-1"));
    buf_release(&out);
    buf_release(&scratch);
    principal_unref(ada);
    principal_unref(bo);
}

/* A change in its three steps, and what of it is there after a start. */
static int make_team(struct change *ch)
{
    struct jval *doc = change_doc(ch);
    if (ch->arg)
        return change_refuse(ch, ERR_EXISTS, "There is a team of that name.");
    doc_string(ch, doc, "name", "Night shift");
    change_put(ch, RECORD_TEAM, "home/night", doc);
    change_audit(ch, "members:manage", "team:night", NULL, doc);
    return 0;
}

static int heard;

static void on_done(struct change *ch)
{
    heard = ch->err ? ch->err : 1;
    if (ch->access->jobs_first == NULL)
        loop_stop(ch->access->loop);
}

static void changes_take_turns(void **state)
{
    struct world *w = *state;
    struct change_plan plan = {.who = w->access->system,
                               .from = {.via = "test", .address = "127.0.0.1"},
                               .prepare = make_team,
                               .done = on_done};
    int refused = 1;
    access_change(w->access, &plan);
    plan.arg = &refused;
    access_change(w->access, &plan);
    assert_int_equal(loop_run(w->loop), 0);
    assert_int_equal(heard, ERR_EXISTS);
    struct team *t = access_find(w->access, RECORD_TEAM, SLICE_LIT("home/night"));
    assert_non_null(t);
    assert_string_equal(t->name, "Night shift");
    close_world(w);
    open_world(w, false);
    assert_non_null(access_find(w->access, RECORD_TEAM, SLICE_LIT("home/night")));
}

static void sql(const struct world *w, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* A change whose line cannot be written leaves nothing behind, also after a start. */
static void no_change_without_its_line(void **state)
{
    struct world *w = *state;
    struct change_plan plan = {.who = w->access->system,
                               .from = {.via = "test", .address = "127.0.0.1"},
                               .prepare = make_team,
                               .done = on_done};
    sql(w, "ALTER TABLE audit RENAME TO away");
    access_change(w->access, &plan);
    assert_int_equal(loop_run(w->loop), 0);
    assert_true(heard < 0);
    assert_null(access_find(w->access, RECORD_TEAM, SLICE_LIT("home/night")));
    close_world(w);
    sql(w, "ALTER TABLE away RENAME TO audit");
    open_world(w, false);
    assert_null(access_find(w->access, RECORD_TEAM, SLICE_LIT("home/night")));
}

static void open_door(void **state)
{
    struct world *w = *state;
    close_world(w);
    open_world(w, true);
    struct principal *p = access_anonymous(w->access);
    struct access_object pump = twin(w, "pump-1");
    assert_true(access_may(w->access, p, OP_INSTALLATION_MANAGE, &pump));
    assert_false(access_needs_setup(w->access));
    principal_unref(p);
}

static void expect_subject(struct world *w, struct principal *p, const char *want)
{
    struct buf text = {0};
    struct principal *again = NULL;
    access_put_subject(p, &text);
    assert_true(slice_is(buf_slice(&text), want));
    assert_int_equal(access_by_subject(w->access, buf_slice(&text), p->org, &again), 0);
    assert_int_equal(again->kind, p->kind);
    principal_unref(again);
    principal_unref(p);
    buf_release(&text);
}

static void subjects(void **state)
{
    struct world *w = *state;
    struct principal *p = NULL;
    people(w);
    put(w, RECORD_SERVICE, "home/gate", "{\"name\":\"Gate\",\"role\":\"operator\"}");
    put_token(w, "t3", "gate's", "\"service\":\"home/gate\"");
    expect_subject(w, who(w, "ada's"), "person:p_ada");
    expect_subject(w, who(w, "gate's"), "service:home/gate");
    assert_int_equal(access_by_subject(w->access, SLICE_LIT("device:acme~pump-1"), NULL, &p), 0);
    assert_ptr_equal(p->org, access_org(w->access, SLICE_LIT("acme")));
    expect_subject(w, p, "device:acme~pump-1");
    expect_subject(w, access_ingest(w->access), "anonymous");
    access_unload(w->access, RECORD_PERSON, SLICE_LIT("p_ada"));
    assert_int_equal(access_by_subject(w->access, SLICE_LIT("person:p_ada"), NULL, &p),
                     ERR_NOT_FOUND);
    assert_int_equal(access_by_subject(w->access, SLICE_LIT("device:no~pump-1"), NULL, &p),
                     ERR_NOT_FOUND);
    assert_int_equal(access_by_subject(w->access, SLICE_LIT(""), NULL, &p), ERR_NOT_FOUND);
}

/* Readings into the first organisation, and nothing else. */
static void readings_of_anybody(void **state)
{
    struct world *w = *state;
    people(w);
    struct principal *p = access_ingest(w->access);
    struct access_object own = twin(w, "pump-1"), other = twin(w, "acme~pump-1");
    principals_judge(w->access);
    assert_true(access_may(w->access, p, OP_DATA_WRITE, &own));
    assert_false(access_may(w->access, p, OP_DATA_WRITE, &other));
    assert_false(access_may(w->access, p, OP_DATA_READ, &own));
    assert_false(access_may(w->access, p, OP_TWIN_READ, &own));
    principal_unref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(roles_and_tenants, begin, end),
        cmocka_unit_test_setup_teardown(grants, begin, end),
        cmocka_unit_test_setup_teardown(policies, begin, end),
        cmocka_unit_test_setup_teardown(scopes_expiry_revocation, begin, end),
        cmocka_unit_test_setup_teardown(devices, begin, end),
        cmocka_unit_test_setup_teardown(names, begin, end),
        cmocka_unit_test_setup_teardown(changes_take_turns, begin, end),
        cmocka_unit_test_setup_teardown(no_change_without_its_line, begin, end),
        cmocka_unit_test_setup_teardown(open_door, begin, end),
        cmocka_unit_test_setup_teardown(subjects, begin, end),
        cmocka_unit_test_setup_teardown(readings_of_anybody, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
