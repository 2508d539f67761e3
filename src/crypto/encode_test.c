/* Tests of the forms of RFC 4648: its vectors, and what is not taken. */
#include "crypto/encode.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void the_vectors_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        enum encoding as;
        const char *text[7]; /* of "", "f", "fo" ... "foobar" */
    } rows[] = {
        {ENCODE_HEX, {"", "66", "666f", "666f6f", "666f6f62", "666f6f6261", "666f6f626172"}},
        {ENCODE_BASE32, {"", "MY", "MZXQ", "MZXW6", "MZXW6YQ", "MZXW6YTB", "MZXW6YTBOI"}},
        {ENCODE_BASE64, {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"}},
        {ENCODE_BASE64URL, {"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"}},
    };
    struct buf b = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t n = 0; n <= 6; n++) {
            struct slice text = slice_str(rows[i].text[n]), bytes = slice_of("foobar", n);
            buf_clear(&b);
            encode_add(&b, rows[i].as, bytes);
            assert_true(slice_eq(buf_slice(&b), text));
            buf_clear(&b);
            assert_int_equal(decode_add(&b, rows[i].as, text), 0);
            assert_true(slice_eq(buf_slice(&b), bytes));
        }
    buf_release(&b);
}

static void every_byte_goes_there_and_back(void **state)
{
    (void)state;
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)(i * 7 + 3);
    struct buf text = {0}, bytes = {0};
    for (enum encoding as = ENCODE_HEX; as <= ENCODE_BASE64URL; as++)
        for (size_t n = 0; n <= sizeof all; n++) {
            buf_clear(&text);
            buf_clear(&bytes);
            encode_add(&text, as, slice_of(all, n));
            assert_int_equal(decode_add(&bytes, as, buf_slice(&text)), 0);
            assert_true(slice_eq(buf_slice(&bytes), slice_of(all, n)));
        }
    buf_release(&text);
    buf_release(&bytes);
}

static void other_spellings_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum encoding as;
        const char *text;
    } rows[] = {
        {ENCODE_HEX, "6"},           {ENCODE_HEX, "6F"},          {ENCODE_HEX, "6g"},
        {ENCODE_BASE32, "my"},       {ENCODE_BASE32, "MY======"}, {ENCODE_BASE32, "MZ"},
        {ENCODE_BASE32, "M"},        {ENCODE_BASE32, "MZX"},      {ENCODE_BASE32, "M1"},
        {ENCODE_BASE64, "Zg"},       {ENCODE_BASE64, "Zg="},      {ENCODE_BASE64, "Zh=="},
        {ENCODE_BASE64, "Z==="},     {ENCODE_BASE64, "===="},     {ENCODE_BASE64, "Zm9v===="},
        {ENCODE_BASE64, "Zm9v\n"},   {ENCODE_BASE64, "Zm 9"},     {ENCODE_BASE64, "Zg==Zg=="},
        {ENCODE_BASE64, "-_-_"},     {ENCODE_BASE64URL, "+/+/"},  {ENCODE_BASE64URL, "Zg=="},
        {ENCODE_BASE64URL, "Zm9vY"}, {ENCODE_BASE64URL, "Zh"},    {ENCODE_BASE64URL, "Zm9"},
        {ENCODE_BASE64URL, "Z\xc3"},
    };
    struct buf b = {0};
    buf_add_str(&b, "kept");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (decode_add(&b, rows[i].as, slice_str(rows[i].text)) != ERR_MALFORMED)
            fail_msg("\"%s\" was taken", rows[i].text);
        assert_true(slice_is(buf_slice(&b), "kept"));
    }
    buf_release(&b);
}

static void a_length_can_be_asked_for(void **state)
{
    (void)state;
    char out[4] = "abc";
    assert_int_equal(decode_exact(out, 3, ENCODE_BASE64URL, SLICE_LIT("Zm9v")), 0);
    assert_memory_equal(out, "foo", 3);
    assert_int_equal(decode_exact(out, 3, ENCODE_BASE64URL, SLICE_LIT("Zm8")), ERR_MALFORMED);
    assert_int_equal(decode_exact(out, 3, ENCODE_BASE64URL, SLICE_LIT("Zm9vYg")), ERR_MALFORMED);
    assert_int_equal(decode_exact(out, 0, ENCODE_BASE64URL, SLICE_LIT("")), 0);
    assert_memory_equal(out, "foo", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc),
        cmocka_unit_test(every_byte_goes_there_and_back),
        cmocka_unit_test(other_spellings_are_refused),
        cmocka_unit_test(a_length_can_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
