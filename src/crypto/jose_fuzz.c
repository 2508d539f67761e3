/* Any bytes as a set of keys, as a token, and as claims.  Nothing that nobody signed is good. */
#include "base/err.h"
#include "crypto/jose.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* One of each kind; nobody has their private parts. */
static const char some_keys[] =
    "{\"keys\":["
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},"
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"1\","
    "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"},"
    "{\"kty\":\"RSA\",\"kid\":\"r\",\"e\":\"AQAB\","
    "\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc"
    "_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2"
    "QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6W"
    "eZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct jwks *keys;
    const char *why = NULL;
    if (!keys) {
        int err = jwks_parse(SLICE_LIT(some_keys), &keys, &why);
        assert(!err && jwks_count(keys) == 3);
    }
    struct slice input = slice_of((const char *)data, n);
    struct arena *a = arena_new();
    struct jwks *own;
    struct jwt t = {.alg = JOSE_ES256};
    if (jwks_parse(input, &own, &why) == 0) {
        assert(jwks_count(own) <= JOSE_KEYS_MAX);
        jwks_free(own);
    } else {
        assert(why);
    }
    assert(jwt_verify(a, input, keys, JOSE_ALL, &t) != JOSE_OK && !t.claims);
    struct jval *claims;
    if (jdoc_parse(a, input, &claims, NULL) == 0 && claims->type == J_OBJECT) {
        const struct jwt_expect e = {.issuer = SLICE_LIT("i"),
                                     .audience = SLICE_LIT("a"),
                                     .nonce = SLICE_LIT("n"),
                                     .access_token = SLICE_LIT("t"),
                                     .now_s = 1000,
                                     .max_age_s = 10};
        t.claims = claims;
        if (jwt_check(&t, &e) == JOSE_OK)
            assert(slice_is(jval_string(jval_get(claims, "iss")), "i") &&
                   slice_is(jval_string(jval_get(claims, "nonce")), "n"));
    }
    arena_free(a);
    return 0;
}
