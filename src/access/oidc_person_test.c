/* oidc_person_test.c - whom a provider has named, over a real catalog. */
#include "access/oidc_person.h"
#include "access/state.h"
#include "base/err.h"
#include "store/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct world {
    char dir[64], path[96];
    struct loop *loop;
    struct pool *writes;
    struct catalog *catalog;
    struct access *access;
    struct fetch *fetch;
    struct oidc *oidc;
    struct key_ring *keys;
    struct arena *arena;

    /* the outcome */
    enum oidc_fault fault;
    int err;
    char session[128];
};

static int begin(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct buf why = {0};
    snprintf(w->dir, sizeof w->dir, "/tmp/doppel-person-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->path, sizeof w->path, "%s/catalog.db", w->dir);
    w->arena = arena_new();
    w->keys = key_ring_new();
    assert_int_equal(key_ring_make(w->keys, 1), 0);
    assert_int_equal(loop_new(&w->loop), 0);
    assert_int_equal(pool_new(w->loop, "catalog", 1, &w->writes), 0);
    assert_int_equal(catalog_open(w->path, &w->catalog), 0);
    assert_int_equal(
        access_new(w->loop, w->catalog, w->writes, &(struct access_opts){0}, &w->access), 0);
    assert_int_equal(fetch_new(w->loop, &(struct fetch_opts){0}, &w->fetch, &why), 0);
    assert_int_equal(oidc_new(w->fetch, &w->oidc), 0);
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    char command[160];
    fetch_free(w->fetch);
    access_stop(w->access);
    pool_free(w->writes);
    oidc_free(w->oidc);
    access_free(w->access);
    catalog_close(w->catalog);
    loop_free(w->loop);
    key_ring_free(w->keys);
    arena_free(w->arena);
    snprintf(command, sizeof command, "rm -r %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static void put(struct world *w, enum record_kind kind, const char *id, const char *doc)
{
    assert_int_equal(catalog_record_put(w->catalog, (int)kind, slice_str(id), slice_str(doc)), 0);
    assert_int_equal(access_load(w->access, kind, slice_str(id), slice_str(doc)), 0);
}

static struct jval *json(struct world *w, const char *text)
{
    struct jval *v;
    assert_int_equal(jdoc_parse(w->arena, slice_str(text), &v, NULL), 0);
    return v;
}

static void provider(struct world *w, const char *more)
{
    char text[1024];
    struct oidc_settings s;
    struct buf why = {0};
    snprintf(text, sizeof text,
             "{\"id\":\"corp\",\"clientId\":\"c\",\"groupsClaim\":\"groups\",\"logout\":true,%s}",
             more);
    if (oidc_settings_read(w->arena, json(w, arena_printf(w->arena, "%s", text)), &s, &why))
        fail_msg("%.*s", SLICE_ARG(buf_slice(&why)));
    assert_int_equal(oidc_set(w->oidc, &s), 0);
}

#define IDP "\"issuer\":\"https://idp.example\""

static void arrived(void *arg, const struct oidc_arrived *r)
{
    struct world *w = arg;
    w->fault = r->fault;
    w->err = r->err;
    snprintf(w->session, sizeof w->session, "%s", r->session ? r->session : "");
    assert_true((r->fault || r->err) == !!*r->detail);
    loop_stop(w->loop);
}

static struct oidc_outcome outcome(struct world *w, const char *claims)
{
    struct oidc_outcome out = {.detail = "", .then = "/"};
    out.who.provider = oidc_settings(w->oidc, SLICE_LIT("corp"));
    const struct jval *c = json(w, claims);
    struct slice email = jval_string(jval_get(c, "email"));
    out.who.subject = jval_string(jval_get(c, "sub"));
    out.who.email = email.p ? email : slice_of("", 0);
    out.who.email_verified = email.p && !jval_get(c, "unverified");
    out.who.sid = jval_string(jval_get(c, "sid"));
    out.who.id_token = SLICE_LIT("an.id.token");
    out.who.groups = jval_get(c, "groups");
    return out;
}

static void arrive_for(struct world *w, const char *claims, const char *link)
{
    struct oidc_outcome out = outcome(w, claims);
    struct principal *nobody = access_anonymous(w->access);
    const struct origin from = {.via = "http", .address = "1.2.3.4", .request = "", .agent = ""};
    out.person = slice_str(link);
    oidc_arrive(w->access, w->oidc, w->keys, &out, nobody, &from, arrived, w);
    principal_unref(nobody);
    loop_run(w->loop);
}

static void arrive(struct world *w, const char *claims)
{
    arrive_for(w, claims, "");
}

/* Who has got the session; NULL: nobody has. */
static struct person *signed_in(struct world *w)
{
    struct principal *p = NULL;
    if (w->fault || w->err ||
        access_by_session(w->access, slice_str(w->session), slice_of("", 0), &p))
        return NULL;
    struct person *person = p->person;
    assert_true(!person->memberships.count || p->org);
    principal_unref(p);
    return person;
}

static enum access_role role_in(struct world *w, const char *claims, const char *org)
{
    arrive(w, claims);
    struct person *p = signed_in(w);
    assert_non_null(p);
    const struct member *m = map_get(&p->memberships, slice_str(org));
    return m ? m->role : ROLE_NONE;
}

static void strangers_come_where_they_may(void **state)
{
    struct world *w = *state;
    provider(w, IDP);
    arrive(w, "{\"sub\":\"1\",\"email\":\"ada@example.org\"}");
    assert_int_equal(w->fault, OIDC_NOT_INVITED);
    assert_null(signed_in(w));
    provider(w, IDP ",\"create\":true,\"role\":\"editor\"");
    arrive(w, "{\"sub\":\"1\"}");
    assert_int_equal(w->fault, OIDC_NO_EMAIL);
    arrive(w, "{\"sub\":\"1\",\"email\":\"ada@example.org\",\"unverified\":1}");
    assert_int_equal(w->fault, OIDC_EMAIL_UNVERIFIED);
    assert_int_equal(w->access->kinds[RECORD_PERSON].count, 0);
    arrive(w, "{\"sub\":\"1\",\"email\":\"ada@example.org\",\"sid\":\"s1\"}");
    struct person *ada = signed_in(w);
    assert_non_null(ada);
    assert_string_equal(ada->name, "ada");
    assert_string_equal(ada->email, "ada@example.org");
    assert_true(ada->email_verified && !ada->installation && !ada->provisional);
    const struct member *m = map_get(&ada->memberships, SLICE_LIT("home"));
    assert_int_equal(m->role, ROLE_EDITOR);
    /* the same subject is the same person, with whatever address */
    arrive(w, "{\"sub\":\"1\",\"email\":\"other@example.org\",\"unverified\":1}");
    assert_ptr_equal(signed_in(w), ada);
    assert_int_equal(w->access->kinds[RECORD_PERSON].count, 1);
    /* another subject of that address is the same person too: the provider has verified it */
    arrive(w, "{\"sub\":\"2\",\"email\":\"ada@example.org\"}");
    assert_ptr_equal(signed_in(w), ada);
    arrive(w, "{\"sub\":\"3\",\"email\":\"eve@example.org\"}");
    assert_ptr_not_equal(signed_in(w), ada);
}

static void invitations_are_used(void **state)
{
    struct world *w = *state;
    put(w, RECORD_ORG, "acme", "{\"name\":\"Acme\"}");
    put(w, RECORD_INVITATION, "i1",
        "{\"organization\":\"acme\",\"email\":\"ada@example.org\",\"role\":\"editor\","
        "\"expires\":\"2999-01-01T00:00:00Z\"}");
    put(w, RECORD_INVITATION, "i2",
        "{\"organization\":\"home\",\"email\":\"ada@example.org\",\"role\":\"administrator\","
        "\"expires\":\"2001-01-01T00:00:00Z\"}");
    provider(w, IDP);
    arrive(w, "{\"sub\":\"1\",\"email\":\"bo@example.org\"}");
    assert_int_equal(w->fault, OIDC_NOT_INVITED);
    arrive(w, "{\"sub\":\"1\",\"email\":\"ada@example.org\",\"unverified\":1}");
    assert_int_equal(w->fault, OIDC_EMAIL_UNVERIFIED);
    arrive(w, "{\"sub\":\"1\",\"email\":\"ada@example.org\"}");
    struct person *ada = signed_in(w);
    assert_non_null(ada);
    const struct member *m = map_get(&ada->memberships, SLICE_LIT("acme"));
    assert_int_equal(m->role, ROLE_EDITOR);
    assert_null(map_get(&ada->memberships, SLICE_LIT("home"))); /* it has expired */
    assert_int_equal(w->access->kinds[RECORD_INVITATION].count, 1);
}

static void accounts_are_not_taken_over(void **state)
{
    struct world *w = *state;
    put(w, RECORD_PERSON, "p_ada",
        "{\"name\":\"Ada\",\"email\":\"ada@example.org\",\"password\":\"x\"}");
    put(w, RECORD_PERSON, "p_bo",
        "{\"name\":\"Bo\",\"email\":\"bo@example.org\",\"emailVerified\":true}");
    put(w, RECORD_PERSON, "p_cy",
        "{\"name\":\"Cy\",\"email\":\"cy@example.org\",\"emailVerified\":true,\"disabled\":true}");
    provider(w, IDP ",\"create\":true");
    arrive(w, "{\"sub\":\"1\",\"email\":\"ada@example.org\"}");
    assert_int_equal(w->fault, OIDC_EMAIL_TAKEN);
    arrive(w, "{\"sub\":\"2\",\"email\":\"bo@example.org\",\"unverified\":1}");
    assert_int_equal(w->fault, OIDC_EMAIL_UNVERIFIED);
    arrive(w, "{\"sub\":\"2\",\"email\":\"bo@example.org\"}");
    assert_string_equal(signed_in(w)->e.id, "p_bo");
    assert_int_equal(map_get(&signed_in(w)->memberships, SLICE_LIT("home")) != NULL, false);
    arrive(w, "{\"sub\":\"3\",\"email\":\"cy@example.org\"}");
    assert_int_equal(w->fault, OIDC_DISABLED);
    /* a provider that is set up anew for somebody else's issuer inherits nobody */
    provider(w, "\"issuer\":\"https://other.example\"");
    arrive(w, "{\"sub\":\"2\",\"email\":\"x@example.org\"}");
    assert_int_equal(w->fault, OIDC_NOT_INVITED);
    oidc_remove(w->oidc, SLICE_LIT("corp"));
}

static void removed_provider_lets_nobody_in(void **state)
{
    struct world *w = *state;
    provider(w, IDP ",\"create\":true");
    struct oidc_outcome out = outcome(w, "{\"sub\":\"1\",\"email\":\"ada@example.org\"}");
    struct principal *nobody = access_anonymous(w->access);
    const struct origin from = {.via = "http", .address = "", .request = "", .agent = ""};
    struct oidc_settings kept = *out.who.provider;
    kept.id = "corp";
    kept.issuer = "https://idp.example";
    out.who.provider = &kept;
    oidc_remove(w->oidc, SLICE_LIT("corp"));
    oidc_arrive(w->access, w->oidc, w->keys, &out, nobody, &from, arrived, w);
    principal_unref(nobody);
    if (!w->fault)
        loop_run(w->loop);
    assert_int_equal(w->fault, OIDC_NO_PROVIDER);
}

static void groups_are_followed(void **state)
{
    struct world *w = *state;
    put(w, RECORD_ORG, "acme", "{\"name\":\"Acme\"}");
    provider(w, IDP ",\"create\":true,\"groups\":["
                    "{\"group\":\"ops\",\"role\":\"operator\"},"
                    "{\"group\":\"makers\",\"role\":\"editor\"},"
                    "{\"group\":\"a\",\"organization\":\"acme\",\"role\":\"administrator\"},"
                    "{\"group\":\"x\",\"organization\":\"nowhere\",\"role\":\"administrator\"}]");
#define ADA "{\"sub\":\"1\",\"email\":\"ada@example.org\",\"groups\":"
    assert_int_equal(role_in(w, ADA "[\"ops\",\"makers\",7]}", "home"), ROLE_EDITOR);
    assert_int_equal(role_in(w, ADA "[\"ops\"]}", "home"), ROLE_OPERATOR);
    assert_int_equal(role_in(w, ADA "\"ops\"}", "acme"), ROLE_NONE);
    assert_int_equal(role_in(w, ADA "[\"a\",\"x\"]}", "acme"), ROLE_ADMINISTRATOR);
    assert_int_equal(role_in(w, ADA "[]}", "home"), ROLE_VIEWER); /* what everybody gets */
    /* the last administrator stays */
    assert_int_equal(role_in(w, ADA "[]}", "acme"), ROLE_ADMINISTRATOR);
    put(w, RECORD_PERSON, "p_bo", "{\"name\":\"Bo\"}");
    put(w, RECORD_MEMBER, "acme/p_bo", "{\"role\":\"administrator\"}");
    assert_int_equal(role_in(w, ADA "[]}", "acme"), ROLE_NONE);
    /* what somebody here has given stays */
    char id[80];
    snprintf(id, sizeof id, "home/%s", signed_in(w)->e.id);
    put(w, RECORD_MEMBER, id, "{\"role\":\"administrator\"}");
    assert_int_equal(role_in(w, ADA "[\"ops\"]}", "home"), ROLE_ADMINISTRATOR);
    assert_int_equal(role_in(w, "{\"sub\":\"1\"}", "home"), ROLE_ADMINISTRATOR);
}

static const char *session_of(struct world *w)
{
    struct principal *p = NULL;
    assert_int_equal(access_by_session(w->access, slice_str(w->session), slice_of("", 0), &p), 0);
    const char *id = p->session->e.id;
    principal_unref(p);
    return id;
}

static void identities_are_linked(void **state)
{
    struct world *w = *state;
    char mine[80];
    provider(w, IDP ",\"create\":true");
    arrive(w, "{\"sub\":\"1\",\"email\":\"ada@example.org\"}");
    struct person *ada = signed_in(w);
    snprintf(mine, sizeof mine, "%s", session_of(w));
    arrive_for(w, "{\"sub\":\"9\",\"email\":\"private@example.com\",\"unverified\":1}", mine);
    assert_int_equal(w->fault, OIDC_OK);
    assert_string_equal(w->session, "");
    arrive(w, "{\"sub\":\"9\"}");
    assert_ptr_equal(signed_in(w), ada);
    arrive(w, "{\"sub\":\"2\",\"email\":\"bo@example.org\"}");
    arrive_for(w, "{\"sub\":\"2\",\"email\":\"bo@example.org\"}", mine);
    assert_int_equal(w->fault, OIDC_LINKED);
    arrive_for(w, "{\"sub\":\"10\"}", "no such session");
    assert_int_equal(w->err, ERR_UNAUTHENTICATED);
}

static void goodbye(struct world *w, const char *claims)
{
    struct oidc_outcome out = outcome(w, claims);
    const struct origin from = {.via = "http", .address = "", .request = "", .agent = ""};
    oidc_end_sessions(w->access, &out.who, &from, arrived, w);
    loop_run(w->loop);
    assert_int_equal(w->err, 0);
}

static void providers_end_sessions(void **state)
{
    struct world *w = *state;
    char one[128], two[128], bo[128];
    struct slice by;
    struct buf token = {0};
    struct principal *p;
    provider(w, IDP ",\"create\":true");
    arrive(w, "{\"sub\":\"1\",\"email\":\"ada@example.org\",\"sid\":\"a\"}");
    memcpy(one, w->session, sizeof one);
    arrive(w, "{\"sub\":\"1\",\"sid\":\"b\"}");
    memcpy(two, w->session, sizeof two);
    arrive(w, "{\"sub\":\"2\",\"email\":\"bo@example.org\",\"sid\":\"c\"}");
    memcpy(bo, w->session, sizeof bo);
    assert_int_equal(access_by_session(w->access, slice_str(two), slice_of("", 0), &p), 0);
    oidc_session_origin(p->session, w->keys, &by, &token);
    assert_true(slice_is(by, "corp") && slice_is(buf_slice(&token), "an.id.token"));
    principal_unref(p);
    buf_release(&token);

    goodbye(w, "{\"sub\":\"2\",\"sid\":\"a\"}"); /* fits nobody */
    goodbye(w, "{\"sid\":\"a\"}");
    assert_int_equal(access_by_session(w->access, slice_str(one), slice_of("", 0), &p),
                     ERR_UNAUTHENTICATED);
    assert_int_equal(access_by_session(w->access, slice_str(two), slice_of("", 0), &p), 0);
    principal_unref(p);
    goodbye(w, "{\"sub\":\"1\"}");
    assert_int_equal(access_by_session(w->access, slice_str(two), slice_of("", 0), &p),
                     ERR_UNAUTHENTICATED);
    assert_int_equal(access_by_session(w->access, slice_str(bo), slice_of("", 0), &p), 0);
    principal_unref(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(strangers_come_where_they_may), TEST(invitations_are_used),
        TEST(accounts_are_not_taken_over),   TEST(removed_provider_lets_nobody_in),
        TEST(groups_are_followed),           TEST(identities_are_linked),
        TEST(providers_end_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
