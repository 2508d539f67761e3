/* Tests of one-time codes: the vectors of RFC 6238 and RFC 4226, another program's codes, the
 * window and reuse. */
#include "crypto/totp.h"

#include "crypto/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct slice rfc_secret = {"12345678901234567890", 20};

static void the_vectors_of_the_rfcs(void **state)
{
    (void)state;
    static const struct {
        uint64_t time;
        uint32_t code;
    } rows[] = {{59, 94287082},         {1111111109, 7081804},  {1111111111, 14050471},
                {1234567890, 89005924}, {2000000000, 69279037}, {20000000000, 65353130}};
    static const uint32_t counted[] = {755224, 287082, 359152, 969429, 338314,
                                       254676, 287922, 162583, 399871, 520489};
    uint32_t code;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(totp_code(rfc_secret, rows[i].time / TOTP_STEP_S, 8, &code), 0);
        assert_int_equal(code, rows[i].code);
    }
    for (uint64_t i = 0; i < sizeof counted / sizeof counted[0]; i++) {
        assert_int_equal(totp_code(rfc_secret, i, TOTP_DIGITS, &code), 0);
        assert_int_equal(code, counted[i]);
    }
}

/* oathtool of the OATH Toolkit, when it is there. */
static void another_program_has_the_same(void **state)
{
    (void)state;
    static const char *const secrets[] = {"3132333435363738393031323334353637383930",
                                          "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff",
                                          "deadbeefcafe0123456789abcdef0123456789ab"};
    if (system("command -v oathtool >/dev/null 2>&1") != 0)
        skip();
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        char command[256], line[64];
        unsigned char secret[TOTP_SECRET_BYTES];
        int64_t from = 1700000000 + (int64_t)i * 12345678;
        assert_int_equal(decode_exact(secret, sizeof secret, ENCODE_HEX, slice_str(secrets[i])), 0);
        snprintf(command, sizeof command, "oathtool --totp -w 20 -N @%lld %s", (long long)from,
                 secrets[i]);
        FILE *f = popen(command, "re");
        assert_non_null(f);
        for (int64_t t = from; t <= from + 20 * (int64_t)TOTP_STEP_S; t += TOTP_STEP_S) {
            uint64_t step = 0;
            assert_non_null(fgets(line, sizeof line, f));
            struct slice typed = slice_trim(slice_str(line));
            struct slice key = slice_of((const char *)secret, sizeof secret);
            assert_true(totp_verify(key, typed, t * 1000000, 0, &step));
            assert_int_equal(step, t / TOTP_STEP_S);
        }
        assert_int_equal(pclose(f), 0);
    }
}

static int64_t at_step(int64_t step)
{
    return step * TOTP_STEP_S * 1000000;
}

static void a_step_before_and_after_are_taken(void **state)
{
    (void)state;
    struct slice code = SLICE_LIT("969429"); /* of step 3 */
    uint64_t step = 0;
    assert_false(totp_verify(rfc_secret, code, at_step(2) - 1, 0, &step));
    for (int64_t now = 2; now <= 4; now++) {
        assert_true(totp_verify(rfc_secret, code, at_step(now), 0, &step));
        assert_int_equal(step, 3);
    }
    assert_true(totp_verify(rfc_secret, code, at_step(5) - 1, 0, &step));
    assert_false(totp_verify(rfc_secret, code, at_step(5), 0, &step));
    assert_false(totp_verify(rfc_secret, code, -1, 0, &step));
    assert_false(totp_verify(rfc_secret, SLICE_LIT("287082"), at_step(1000), 0, &step));
}

static void a_code_works_once(void **state)
{
    (void)state;
    uint64_t used = 0;
    assert_true(totp_verify(rfc_secret, SLICE_LIT("969 429"), at_step(4), used, &used));
    assert_int_equal(used, 3);
    assert_false(totp_verify(rfc_secret, SLICE_LIT("969429"), at_step(4), used, &used));
    assert_false(totp_verify(rfc_secret, SLICE_LIT("359152"), at_step(3), used, &used)); /* of 2 */
    assert_true(totp_verify(rfc_secret, SLICE_LIT("338314"), at_step(4), used, &used));
    assert_int_equal(used, 4);
}

static void what_is_no_code_is_wrong(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "96942", "9694299", "96942a", "+69429", "969,429"};
    uint64_t step = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(totp_verify(rfc_secret, slice_str(bad[i]), at_step(3), 0, &step));
    assert_int_equal(step, 7);
}

static void the_uri_has_all_that_an_app_wants(void **state)
{
    (void)state;
    struct buf uri = {0};
    totp_uri(&uri, SLICE_LIT("Doppel @ M\xc3\xbcller & Co"), SLICE_LIT("ada@example.org"),
             rfc_secret);
    buf_add_byte(&uri, 0);
    assert_string_equal(uri.p, "otpauth://totp/Doppel%20%40%20M%C3%BCller%20%26%20Co:"
                               "ada%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
                               "&issuer=Doppel%20%40%20M%C3%BCller%20%26%20Co"
                               "&algorithm=SHA1&digits=6&period=30");
    buf_release(&uri);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfcs),
        cmocka_unit_test(another_program_has_the_same),
        cmocka_unit_test(a_step_before_and_after_are_taken),
        cmocka_unit_test(a_code_works_once),
        cmocka_unit_test(what_is_no_code_is_wrong),
        cmocka_unit_test(the_uri_has_all_that_an_app_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
