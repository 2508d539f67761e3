/* http_h1_fuzz.c - HTTP/1 (and WebSocket behind its handshake): the bytes of a connection.
 *
 * The first byte is the size of the pieces; however they are cut, the handler must be asked the
 * same. */
#include "http/http_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_setup();
    if (size < 1)
        return 0;
    struct slice bytes = slice_of((const char *)data + 1, size - 1);
    fuzz_seen = 0;
    fuzz_feed(bytes, 0, NULL);
    uint64_t whole = fuzz_seen;
    fuzz_seen = 0;
    fuzz_feed(bytes, 1 + data[0] % 16, NULL);
    if (whole != fuzz_seen)
        abort();
    return 0;
}
