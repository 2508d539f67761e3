/* Tests of crc32c: the vectors of RFC 3720 B.4, and that both ways agree. */
#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void vectors_of_the_rfc(void **state)
{
    (void)state;
    unsigned char bytes[48];
    memset(bytes, 0, 32);
    assert_int_equal(crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    assert_int_equal(crc32c(0, bytes, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(crc32c(0, bytes, 32), 0x46dd794e);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)(31 - i);
    assert_int_equal(crc32c(0, bytes, 32), 0x113fdb5c);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c_portable(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, "", 0), 0);
}

static void both_ways_agree_in_any_pieces(void **state)
{
    (void)state;
    static unsigned char bytes[10000];
    srand(1);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)rand();
    for (int round = 0; round < 2000; round++) {
        size_t from = (size_t)rand() % 500, n = (size_t)rand() % (round % 2 ? 500 : 9500);
        size_t cut = n ? (size_t)rand() % n : 0;
        uint32_t whole = crc32c(0, bytes + from, n);
        assert_int_equal(crc32c_portable(0, bytes + from, n), whole);
        assert_int_equal(crc32c(crc32c(0, bytes + from, cut), bytes + from + cut, n - cut), whole);
        uint32_t head = crc32c_portable(0, bytes + from, cut);
        assert_int_equal(crc32c_portable(head, bytes + from + cut, n - cut), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc),
        cmocka_unit_test(both_ways_agree_in_any_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
