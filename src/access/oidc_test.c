/* oidc_test.c - what providers and administrators say, and attempts; the whole way of a sign-in is
 * tests/scenario/oidc.test.mjs. */
#include "access/oidc_internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECONDS INT64_C(1000000)

static struct arena *a;

static int setup(void **state)
{
    (void)state;
    a = arena_new();
    return a ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    clock_real();
    arena_free(a);
    return 0;
}

static struct jval *json(const char *text)
{
    struct jval *v;
    assert_int_equal(jdoc_parse(a, slice_str(text), &v, NULL), 0);
    return v;
}

/* ---- descriptions ---- */

#define ISSUER "\"issuer\":\"https://idp.example\""
#define ENDPOINTS                                                                                  \
    "\"authorization_endpoint\":\"https://idp.example/auth?x=1\","                                 \
    "\"token_endpoint\":\"https://idp.example/token\",\"jwks_uri\":\"https://idp.example/jwks\""

static int metadata(const char *text, const char *issuer, struct oidc_metadata *m)
{
    const char *why = NULL;
    int err = oidc_metadata_parse(a, slice_str(text), issuer, m, &why);
    assert_true(!err == !why);
    return err;
}

static void descriptions_are_read(void **state)
{
    (void)state;
    struct oidc_metadata m;
    assert_int_equal(metadata("{" ISSUER "," ENDPOINTS "}", "https://idp.example", &m), 0);
    assert_string_equal(m.authorization, "https://idp.example/auth?x=1");
    assert_null(m.userinfo);
    assert_int_equal(m.algs, JOSE_BIT(JOSE_RS256));
    assert_true(m.basic && !m.post && !m.says_iss);
    assert_int_equal(
        metadata("{" ISSUER "," ENDPOINTS ",\"userinfo_endpoint\":\"https://u.example/\","
                 "\"id_token_signing_alg_values_supported\":[\"none\",\"HS256\",\"ES256\",\"X\"],"
                 "\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"],"
                 "\"authorization_response_iss_parameter_supported\":true,"
                 "\"code_challenge_methods_supported\":[\"plain\",\"S256\"]}",
                 "https://idp.example", &m),
        0);
    assert_string_equal(m.userinfo, "https://u.example/");
    assert_int_equal(m.algs, JOSE_BIT(JOSE_ES256));
    assert_true(!m.basic && m.post && m.says_iss);
    assert_int_equal(
        metadata(
            "{\"issuer\":\"http://10.0.0.1/r\",\"authorization_endpoint\":\"http://10.0.0.1/a\","
            "\"token_endpoint\":\"https://10.0.0.1/t\",\"jwks_uri\":\"http://10.0.0.1/j\"}",
            "http://10.0.0.1/r", &m),
        0);
}

static void descriptions_that_lie_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "[]",
        "{",
        "{" ENDPOINTS "}",
        "{\"issuer\":\"https://idp.example/\"," ENDPOINTS "}",
        "{\"issuer\":\"https://IDP.example\"," ENDPOINTS "}",
        "{\"issuer\":[\"https://idp.example\"]," ENDPOINTS "}",
        "{" ISSUER "}",
        "{" ISSUER ",\"issuer\":\"https://evil.example\"," ENDPOINTS "}",
        "{" ISSUER "," ENDPOINTS ",\"userinfo_endpoint\":\"http://idp.example/u\"}",
        "{" ISSUER "," ENDPOINTS ",\"userinfo_endpoint\":\"file:///etc/passwd\"}",
        "{" ISSUER "," ENDPOINTS ",\"userinfo_endpoint\":7}",
        "{" ISSUER "," ENDPOINTS ",\"end_session_endpoint\":\"javascript:alert(1)\"}",
        "{" ISSUER "," ENDPOINTS ",\"end_session_endpoint\":\"https://u:p@idp.example/\"}",
        "{" ISSUER "," ENDPOINTS ",\"end_session_endpoint\":\"https://idp.example/\\r\\nX: y\"}",
        "{" ISSUER "," ENDPOINTS ",\"end_session_endpoint\":\"https:///x\"}",
        "{" ISSUER "," ENDPOINTS ",\"end_session_endpoint\":\"https://idp.example/#x\"}",
        "{" ISSUER "," ENDPOINTS ",\"response_types_supported\":[\"token\"]}",
        "{" ISSUER "," ENDPOINTS ",\"code_challenge_methods_supported\":[\"plain\"]}",
        "{" ISSUER "," ENDPOINTS ",\"id_token_signing_alg_values_supported\":[\"none\",\"HS256\"]}",
        "{" ISSUER "," ENDPOINTS ",\"id_token_signing_alg_values_supported\":[]}",
    };
    struct oidc_metadata m;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (metadata(rows[i], "https://idp.example", &m) != ERR_MALFORMED)
            fail_msg("%s", rows[i]);
    }
}

/* ---- settings ---- */

static int settings(const char *text, struct oidc_settings *s)
{
    struct buf why = {0};
    int err = oidc_settings_read(a, json(text), s, &why);
    assert_true(!err == !why.n);
    buf_release(&why);
    return err;
}

#define NEEDED "\"id\":\"idp\",\"issuer\":\"https://idp.example/realm\",\"clientId\":\"doppel\""

static void settings_are_read(void **state)
{
    (void)state;
    struct oidc_settings s;
    assert_int_equal(settings("{" NEEDED "}", &s), 0);
    assert_string_equal(s.name, "idp");
    assert_string_equal(s.scopes, "openid email profile");
    assert_null(s.client_secret);
    assert_true(!s.create && !s.logout && s.role == ROLE_VIEWER && !s.groups_n);
    assert_int_equal(
        settings("{" NEEDED ",\"name\":\"Our \\u00fc\",\"clientSecret\":\"s\",\"create\":true,"
                 "\"role\":\"editor\",\"organization\":\"acme\",\"scopes\":\"email openid\","
                 "\"groupsClaim\":\"realm_access.roles\",\"logout\":true,\"groups\":["
                 "{\"group\":\"ops\",\"role\":\"operator\"},"
                 "{\"group\":\"boss\",\"organization\":\"acme\",\"role\":\"administrator\"}]}",
                 &s),
        0);
    assert_true(s.create && s.logout && s.role == ROLE_EDITOR && s.groups_n == 2);
    assert_null(s.groups[0].organization);
    assert_string_equal(s.groups[1].organization, "acme");
    assert_int_equal(s.groups[1].role, ROLE_ADMINISTRATOR);
}

static void faulty_settings_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "[]",
        "{}",
        "{\"id\":\"idp\",\"issuer\":\"https://idp.example\"}",
        "{\"id\":\"Idp\",\"issuer\":\"https://idp.example\",\"clientId\":\"x\"}",
        "{\"id\":\"a/b\",\"issuer\":\"https://idp.example\",\"clientId\":\"x\"}",
        "{\"id\":\"..\",\"issuer\":\"https://idp.example\",\"clientId\":\"x\"}",
        "{\"id\":\"a\",\"issuer\":\"idp.example\",\"clientId\":\"x\"}",
        "{\"id\":\"a\",\"issuer\":\"https://idp.example?x\",\"clientId\":\"x\"}",
        "{\"id\":\"a\",\"issuer\":\"https://u@idp.example\",\"clientId\":\"x\"}",
        "{\"id\":\"a\",\"issuer\":\"file:///x\",\"clientId\":\"x\"}",
        "{" NEEDED ",\"installation\":true}",
        "{" NEEDED ",\"create\":\"yes\"}",
        "{" NEEDED ",\"role\":\"god\"}",
        "{" NEEDED ",\"role\":4}",
        "{" NEEDED ",\"scopes\":\"email\"}",
        "{" NEEDED ",\"name\":\"\"}",
        "{" NEEDED ",\"name\":\"a\\nb\"}",
        "{" NEEDED ",\"clientSecret\":\"a\\u0000b\"}",
        "{" NEEDED ",\"groups\":{}}",
        "{" NEEDED ",\"groupsClaim\":\"g\",\"groups\":[1]}",
        "{" NEEDED ",\"groupsClaim\":\"g\",\"groups\":[{\"group\":\"x\"}]}",
        "{" NEEDED ",\"groupsClaim\":\"g\",\"groups\":[{\"role\":\"viewer\"}]}",
        "{" NEEDED ",\"groups\":[{\"group\":\"x\",\"role\":\"viewer\"}]}",
    };
    struct oidc_settings s;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (settings(rows[i], &s) != ERR_INVALID)
            fail_msg("%s", rows[i]);
    }
}

/* ---- people ---- */

static void people_are_read(void **state)
{
    (void)state;
    const struct oidc_settings p = {.groups_claim = "realm_access.roles"};
    struct oidc_identity who = {.provider = &p};
    oidc_identity_read(a,
                       json("{\"sub\":\"1\",\"sid\":\"s\",\"name\":\"a\\nb\","
                            "\"realm_access\":{\"roles\":[\"x\"]}}"),
                       &who);
    assert_true(slice_is(who.subject, "1") && slice_is(who.sid, "s"));
    assert_true(!who.email.n && !who.email_verified && !who.name.n);
    assert_int_equal(who.groups->count, 1);
    /* what is there stays */
    oidc_identity_read(a,
                       json("{\"sub\":\"2\",\"email\":\"Ada@Example.ORG\",\"email_verified\":true,"
                            "\"preferred_username\":\"ada\"}"),
                       &who);
    assert_true(slice_is(who.subject, "1") && slice_is(who.email, "ada@example.org"));
    assert_true(who.email_verified && slice_is(who.name, "ada"));
    static const char *const unverified[] = {
        "{\"email\":\"a@b\"}",
        "{\"email\":\"a@b\",\"email_verified\":false}",
        "{\"email\":\"a@b\",\"email_verified\":\"false\"}",
        "{\"email\":\"a@b\",\"email_verified\":1}",
        "{\"email\":\"a@b\",\"email_verified\":null}",
        "{\"email\":\"a@b\",\"email_verified\":[true]}",
    };
    for (size_t i = 0; i < sizeof unverified / sizeof unverified[0]; i++) {
        who = (struct oidc_identity){.provider = &p};
        oidc_identity_read(a, json(unverified[i]), &who);
        assert_true(slice_is(who.email, "a@b") && !who.email_verified);
    }
    static const char *const none[] = {"{\"email\":\"ab\",\"email_verified\":true}",
                                       "{\"email\":\"@b\",\"email_verified\":true}",
                                       "{\"email\":\"a@\",\"email_verified\":true}",
                                       "{\"email\":\"a@b@c\",\"email_verified\":true}",
                                       "{\"email\":\"a @b\",\"email_verified\":true}",
                                       "{\"email\":[\"a@b\"],\"email_verified\":true}",
                                       "{\"email\":\"a@b\\u0000\",\"email_verified\":true}",
                                       "{\"email_verified\":true}"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        who = (struct oidc_identity){.provider = &p};
        oidc_identity_read(a, json(none[i]), &who);
        assert_true(!who.email.n && !who.email_verified);
    }
}

static void redirects_stay_here(void **state)
{
    (void)state;
    static const char *const good[] = {"/",      "/twins/x?a=b#c",       "/a//b", "/@evil.example",
                                       "/%09/x", "/twins?next=https://x"};
    static const char *const bad[] = {"",
                                      "twins",
                                      "//evil.example",
                                      "/\\evil.example",
                                      "\\\\x",
                                      "/a\\b",
                                      "https://x",
                                      "/\t/evil.example",
                                      "/ x",
                                      "/x\r\nY: z",
                                      "javascript:x",
                                      "/\xc3\xa4",
                                      "\t//x",
                                      "///x",
                                      "?x",
                                      "/a\x7f"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(oidc_then_ok(slice_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(oidc_then_ok(slice_str(bad[i])));
}

/* ---- attempts ---- */

static struct oidc_attempt *begin(struct oidc_attempts *all, const char *address, struct slice own,
                                  char cookie[static OIDC_WORD + 1])
{
    struct oidc_start s = {.provider = SLICE_LIT("idp"),
                           .redirect_uri = SLICE_LIT("http://x/cb"),
                           .then = SLICE_LIT("/"),
                           .cookie = own,
                           .address = slice_str(address)};
    struct oidc_attempt *t = attempt_begin(all, &s, cookie);
    assert_non_null(t);
    return t;
}

static void attempts_are_taken_once(void **state)
{
    (void)state;
    struct oidc_attempts all = {0};
    char one[OIDC_WORD + 1], two[OIDC_WORD + 1], three[OIDC_WORD + 1];
    struct oidc_attempt *t = begin(&all, "1.2.3.4", slice_of("", 0), one);
    char state_1[OIDC_WORD + 1];
    memcpy(state_1, t->state, sizeof state_1);
    assert_string_not_equal(t->state, t->nonce);
    assert_string_not_equal(t->nonce, t->verifier);
    assert_int_equal(strlen(t->verifier), 43);
    /* a browser with two tabs keeps its cookie; one that nobody gave it is not taken over */
    begin(&all, "1.2.3.4", slice_str(one), two);
    assert_string_equal(one, two);
    begin(&all, "1.2.3.4", SLICE_LIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), three);
    assert_string_not_equal(one, three);
    assert_string_not_equal(three, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    free(attempt_take(&all, slice_str(state_1)));
    assert_int_equal(all.by_state.count, 2);
    assert_null(attempt_take(&all, slice_str(state_1)));
    assert_null(attempt_take(&all, SLICE_LIT("nothing")));
    attempts_release(&all);
}

static void attempts_end_and_are_limited(void **state)
{
    (void)state;
    struct oidc_attempts all = {0};
    char cookie[OIDC_WORD + 1], first[OIDC_WORD + 1], address[32];
    clock_set(1000 * SECONDS);
    memcpy(first, begin(&all, "1.1.1.1", slice_of("", 0), cookie)->state, sizeof first);
    clock_set((1000 + OIDC_ATTEMPT_S + 1) * SECONDS);
    assert_null(attempt_take(&all, slice_str(first)));
    /* who begins many pushes out their own alone */
    memcpy(first, begin(&all, "2.2.2.2", slice_of("", 0), cookie)->state, sizeof first);
    for (int i = 0; i < 3 * ATTEMPTS_OF_ONE; i++)
        begin(&all, "3.3.3.3", slice_of("", 0), cookie);
    assert_int_equal(all.by_state.count, 1 + ATTEMPTS_OF_ONE);
    for (int i = 0; i < 2 * ATTEMPTS_MAX; i++) {
        snprintf(address, sizeof address, "%d", i);
        begin(&all, address, slice_of("", 0), cookie);
    }
    assert_int_equal(all.by_state.count, ATTEMPTS_MAX);
    assert_null(attempt_take(&all, slice_str(first)));
    attempts_release(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptions_are_read),
        cmocka_unit_test(descriptions_that_lie_are_refused),
        cmocka_unit_test(settings_are_read),
        cmocka_unit_test(faulty_settings_are_refused),
        cmocka_unit_test(people_are_read),
        cmocka_unit_test(redirects_stay_here),
        cmocka_unit_test(attempts_are_taken_once),
        cmocka_unit_test(attempts_end_and_are_limited),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
