/* http_h2_fuzz.c - HTTP/2: the frames of a client behind its preface. */
#include "http/http_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char begin[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    fuzz_setup();
    if (size < 1)
        return 0;
    struct buf b = {0};
    buf_add(&b, begin, sizeof begin - 1);
    buf_add(&b, data + 1, size - 1);
    fuzz_feed(buf_slice(&b), data[0], NULL);
    buf_release(&b);
    return 0;
}
