/* Tests of digests: the vectors of FIPS 180-4, RFC 2202 and RFC 4231. */
#include "crypto/digest.h"

#include "crypto/encode.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void check(const unsigned char *digest, size_t n, const char *hex)
{
    struct buf text = {0};
    encode_add(&text, ENCODE_HEX, slice_of((const char *)digest, n));
    buf_add_byte(&text, 0);
    assert_string_equal(text.p, hex);
    buf_release(&text);
}

static void sha256_is_that_of_fips_180(void **state)
{
    (void)state;
    unsigned char out[SHA256_BYTES];
    digest_sha256((struct slice){0}, out);
    check(out, sizeof out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_sha256(SLICE_LIT("abc"), out);
    check(out, sizeof out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_sha256(SLICE_LIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), out);
    check(out, sizeof out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void hmac_is_that_of_the_rfcs(void **state)
{
    (void)state;
    unsigned char out[SHA256_BYTES];
    char key[131];
    memset(key, 0x0b, 20);
    digest_hmac_sha256(slice_of(key, 20), SLICE_LIT("Hi There"), out);
    check(out, SHA256_BYTES, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_int_equal(digest_hmac_sha1(slice_of(key, 20), SLICE_LIT("Hi There"), out), 0);
    check(out, SHA1_BYTES, "b617318655057264e28bc0b6fb378c8ef146be00");

    struct slice what = SLICE_LIT("what do ya want for nothing?");
    digest_hmac_sha256(SLICE_LIT("Jefe"), what, out);
    check(out, SHA256_BYTES, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(digest_hmac_sha1(SLICE_LIT("Jefe"), what, out), 0);
    check(out, SHA1_BYTES, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");

    memset(key, 0xaa, sizeof key); /* longer than a block */
    digest_hmac_sha256(slice_of(key, sizeof key),
                       SLICE_LIT("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    check(out, SHA256_BYTES, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void only_the_same_is_equal(void **state)
{
    (void)state;
    assert_true(digest_equal(SLICE_LIT("abc"), SLICE_LIT("abc")));
    assert_true(digest_equal((struct slice){0}, SLICE_LIT("")));
    assert_false(digest_equal(SLICE_LIT("abc"), SLICE_LIT("abd")));
    assert_false(digest_equal(SLICE_LIT("abc"), SLICE_LIT("ab")));
    assert_false(digest_equal(SLICE_LIT(""), SLICE_LIT("ab")));
}

static void chance_does_not_come_twice(void **state)
{
    (void)state;
    unsigned char a[32], b[32];
    unsigned seen = 0;
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    for (int i = 0; i < 1000; i++) { /* 10 * 0.9^1000 = 1e-45 of a chance to miss one */
        uint32_t v = random_below(10);
        assert_true(v < 10);
        seen |= 1U << v;
    }
    assert_int_equal(seen, 0x3ff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_is_that_of_fips_180),
        cmocka_unit_test(hmac_is_that_of_the_rfcs),
        cmocka_unit_test(only_the_same_is_equal),
        cmocka_unit_test(chance_does_not_come_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
