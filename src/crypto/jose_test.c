/* jose_test.c - tokens that npm jose made, attacks among them (tests/corpus/jose), and claims. */
#include "base/err.h"
#include "crypto/jose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW 1700000100

struct fixture {
    struct arena *a;
    struct buf text;
    struct jval *root;
    struct jwks *keys;
};

static void read_file(const char *path, struct buf *b)
{
    FILE *in = fopen(path, "rb");
    size_t n;
    assert_non_null(in);
    do {
        char *to = buf_reserve(b, 65536);
        assert_non_null(to);
        n = fread(to, 1, 65536, in);
        b->n += n;
    } while (n);
    fclose(in);
}

static int setup(void **state)
{
    static struct fixture f;
    struct buf jwks = {0};
    struct json_writer w;
    const char *why = "";
    f.a = arena_new();
    read_file("tests/corpus/jose/tokens.json", &f.text);
    assert_int_equal(jdoc_parse(f.a, buf_slice(&f.text), &f.root, NULL), 0);
    json_writer_init(&w, &jwks, 0);
    jval_write(&w, jval_get(f.root, "jwks"));
    assert_int_equal(jwks_parse(buf_slice(&jwks), &f.keys, &why), 0);
    buf_release(&jwks);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    jwks_free(f->keys);
    buf_release(&f->text);
    arena_free(f->a);
    return 0;
}

static unsigned allowed_of(const struct jval *token)
{
    const struct jval *list = jval_get(token, "allowed");
    unsigned bits = 0;
    for (const struct jval *v = list ? list->first : NULL; v; v = v->next)
        bits |= JOSE_BIT(jose_alg_of(v->text));
    return list ? bits : JOSE_ALL;
}

static void tokens_are_judged(void **state)
{
    struct fixture *f = *state;
    int faulty = 0, n = 0;
    for (const struct jval *t = jval_get(f->root, "tokens")->first; t; t = t->next, n++) {
        struct jwt jwt = {0};
        enum jose_fault fault =
            jwt_verify(f->a, jval_get(t, "token")->text, f->keys, allowed_of(t), &jwt);
        if (!slice_is(jval_get(t, "expect")->text, jose_fault_code(fault))) {
            print_error("%.*s: %s\n", SLICE_ARG(jval_get(t, "name")->text), jose_fault_code(fault));
            faulty++;
        }
        assert_true(!fault == !!jwt.claims);
    }
    assert_int_equal(faulty, 0);
    assert_true(n > 80);
    /* those that must not be used, and what is no key, are not even kept */
    assert_int_equal(jwks_count(f->keys), 14);
}

static void good_one_is_read(void **state)
{
    struct fixture *f = *state;
    struct jwt t;
    const struct slice text = jval_get(f->root, "good")->text;
    assert_int_equal(jwt_verify(f->a, text, f->keys, JOSE_BIT(JOSE_RS256), &t), JOSE_OK);
    assert_string_equal(jose_alg_name(t.alg), "RS256");
    assert_true(slice_is(t.kid, "rs256"));
    assert_null(t.typ.p);
    assert_true(slice_is(jval_get(t.claims, "sub")->text, "248289761001"));
    /* whatever bit is another, it is refused */
    char copy[4096];
    assert_true(text.n < sizeof copy);
    memcpy(copy, text.p, text.n);
    for (size_t i = 0; i < text.n; i += 3) {
        struct jwt other;
        copy[i] ^= 1;
        assert_int_not_equal(jwt_verify(f->a, slice_of(copy, text.n), f->keys, JOSE_ALL, &other),
                             JOSE_OK);
        copy[i] ^= 1;
    }
    for (size_t n = 0; n < text.n; n += 7) {
        struct jwt other;
        assert_int_not_equal(jwt_verify(f->a, slice_of(copy, n), f->keys, JOSE_ALL, &other),
                             JOSE_OK);
    }
}

static void sizes_are_limited(void **state)
{
    struct fixture *f = *state;
    struct jwt t;
    struct jwks *keys;
    const char *why = NULL;
    struct buf b = {0};
    while (b.n <= JOSE_JWKS_MAX)
        buf_add_str(&b, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_int_equal(jwt_verify(f->a, buf_slice(&b), f->keys, JOSE_ALL, &t), JOSE_MALFORMED);
    assert_int_equal(jwks_parse(buf_slice(&b), &keys, &why), ERR_TOO_LARGE);
    buf_clear(&b);
    buf_add_str(&b, "{\"keys\":[{}");
    for (int i = 0; i < JOSE_KEYS_MAX; i++)
        buf_add_str(&b, ",{}");
    buf_add_str(&b, "]}");
    assert_int_equal(jwks_parse(buf_slice(&b), &keys, &why), ERR_TOO_LARGE);
    buf_release(&b);
}

static void sets_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "[]",           "{}",   "{\"keys\":{}}",
        "{\"keys\":", "{\"keys\":1}", "null", "{\"keys\":[],\"keys\":[]}"};
    struct jwks *keys;
    const char *why;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        why = NULL;
        assert_int_equal(jwks_parse(slice_str(bad[i]), &keys, &why), ERR_MALFORMED);
        assert_non_null(why);
    }
    assert_int_equal(jwks_parse(SLICE_LIT("{\"keys\":[]}"), &keys, &why), 0);
    assert_int_equal(jwks_count(keys), 0);
    jwks_free(keys);
}

/* ---- claims ---- */

static enum jose_fault check(struct arena *a, const char *json, const struct jwt_expect *e)
{
    struct jval *claims;
    assert_int_equal(jdoc_parse(a, slice_str(json), &claims, NULL), 0);
    const struct jwt t = {.alg = JOSE_RS256, .claims = claims};
    return jwt_check(&t, e);
}

#define REST ",\"exp\":1700000600,\"iat\":1700000000}"
#define WHO "{\"iss\":\"https://idp\",\"aud\":\"me\""

static void claims_are_judged(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *json;
        enum jose_fault fault;
    } rows[] = {
        {WHO REST, JOSE_OK},
        {"{\"iss\":\"https://idp/\",\"aud\":\"me\"" REST, JOSE_ISSUER},
        {"{\"iss\":\"HTTPS://idp\",\"aud\":\"me\"" REST, JOSE_ISSUER},
        {"{\"iss\":[\"https://idp\"],\"aud\":\"me\"" REST, JOSE_ISSUER},
        {"{\"aud\":\"me\"" REST, JOSE_CLAIMS},
        {"{\"iss\":\"https://idp\"" REST, JOSE_CLAIMS},
        {"{\"iss\":\"https://idp\",\"aud\":\"you\"" REST, JOSE_AUDIENCE},
        {"{\"iss\":\"https://idp\",\"aud\":\"me too\"" REST, JOSE_AUDIENCE},
        {"{\"iss\":\"https://idp\",\"aud\":[]" REST, JOSE_AUDIENCE},
        {"{\"iss\":\"https://idp\",\"aud\":[\"me\"]" REST, JOSE_OK},
        {"{\"iss\":\"https://idp\",\"aud\":{\"me\":1}" REST, JOSE_AUDIENCE},
        {"{\"iss\":\"https://idp\",\"aud\":[\"me\",1],\"azp\":\"me\"" REST, JOSE_AUDIENCE},
        {"{\"iss\":\"https://idp\",\"aud\":[\"me\",\"you\"]" REST, JOSE_AUDIENCE},
        {"{\"iss\":\"https://idp\",\"aud\":[\"me\",\"you\"],\"azp\":\"you\"" REST, JOSE_AUDIENCE},
        {"{\"iss\":\"https://idp\",\"aud\":[\"you\",\"me\"],\"azp\":\"me\"" REST, JOSE_OK},
        {WHO ",\"azp\":\"you\"" REST, JOSE_AUDIENCE},
        {WHO ",\"azp\":null" REST, JOSE_AUDIENCE},
        {WHO ",\"iat\":1700000000}", JOSE_CLAIMS},
        {WHO ",\"exp\":1700000600}", JOSE_CLAIMS},
        {WHO ",\"exp\":\"1700000600\",\"iat\":1700000000}", JOSE_CLAIMS},
        {WHO ",\"exp\":1e400,\"iat\":1700000000}", JOSE_CLAIMS},
        {WHO ",\"exp\":1e15,\"iat\":1700000000}", JOSE_CLAIMS},
        {WHO ",\"exp\":1700000600,\"iat\":-1}", JOSE_CLAIMS},
        {WHO ",\"exp\":1700000600.5,\"iat\":1.7e9}", JOSE_OK},
        {WHO ",\"exp\":1700000041,\"iat\":1700000000}", JOSE_OK}, /* 59 s ago */
        {WHO ",\"exp\":1700000040,\"iat\":1700000000}", JOSE_EXPIRED},
        {WHO ",\"exp\":0,\"iat\":0}", JOSE_EXPIRED},
        {WHO ",\"exp\":1700000600,\"iat\":1700000160}", JOSE_OK},
        {WHO ",\"exp\":1700000600,\"iat\":1700000161}", JOSE_NOT_YET},
        {WHO ",\"nbf\":1700000160" REST, JOSE_OK},
        {WHO ",\"nbf\":1700000161" REST, JOSE_NOT_YET},
        {WHO ",\"nbf\":\"soon\"" REST, JOSE_CLAIMS},
    };
    const struct jwt_expect e = {
        .issuer = SLICE_LIT("https://idp"), .audience = SLICE_LIT("me"), .now_s = NOW};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum jose_fault fault = check(f->a, rows[i].json, &e);
        if (fault != rows[i].fault)
            fail_msg("%s: %s", rows[i].json, jose_fault_code(fault));
    }
}

static void nonce_age_and_access_token(void **state)
{
    struct fixture *f = *state;
    struct jwt_expect e = {.issuer = SLICE_LIT("https://idp"),
                           .audience = SLICE_LIT("me"),
                           .nonce = SLICE_LIT("n-1"),
                           .now_s = NOW};
    assert_int_equal(check(f->a, WHO ",\"nonce\":\"n-1\"" REST, &e), JOSE_OK);
    assert_int_equal(check(f->a, WHO ",\"nonce\":\"n-2\"" REST, &e), JOSE_NONCE);
    assert_int_equal(check(f->a, WHO ",\"nonce\":\"\"" REST, &e), JOSE_NONCE);
    assert_int_equal(check(f->a, WHO ",\"nonce\":[\"n-1\"]" REST, &e), JOSE_NONCE);
    assert_int_equal(check(f->a, WHO REST, &e), JOSE_NONCE);
    e.nonce = slice_of(NULL, 0);
    e.max_age_s = 30; /* and a minute of leeway: it was issued 100 s ago */
    assert_int_equal(check(f->a, WHO REST, &e), JOSE_EXPIRED);
    e.max_age_s = 40;
    assert_int_equal(check(f->a, WHO REST, &e), JOSE_OK);
    /* the example of OpenID Connect Core, A.3 */
    e.access_token = SLICE_LIT("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
    assert_int_equal(check(f->a, WHO ",\"at_hash\":\"77QmUPtjPfzWtF2AnpK9RQ\"" REST, &e), JOSE_OK);
    assert_int_equal(check(f->a, WHO REST, &e), JOSE_OK);
    assert_int_equal(check(f->a, WHO ",\"at_hash\":\"77QmUPtjPfzWtF2AnpK9RA\"" REST, &e),
                     JOSE_AT_HASH);
    assert_int_equal(check(f->a, WHO ",\"at_hash\":7" REST, &e), JOSE_AT_HASH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_judged), cmocka_unit_test(good_one_is_read),
        cmocka_unit_test(sizes_are_limited), cmocka_unit_test(sets_are_checked),
        cmocka_unit_test(claims_are_judged), cmocka_unit_test(nonce_age_and_access_token),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
