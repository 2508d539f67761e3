/* http_ws_fuzz.c - the frames of a WebSocket.
 *
 * The first byte chooses the terms of permessage-deflate, and messages or a stream; the second one
 * the size of the pieces.  However they are cut, the same messages or bytes must come out. */
#include "http/http_fuzz.h"

static const char *const offers[] = {
    "",
    "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; "
    "server_no_context_takeover\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=9; "
    "server_max_window_bits=8\r\n",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_setup();
    if (size < 2)
        return 0;
    struct buf b = {0};
    buf_addf(&b,
             "GET /%c HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
             "dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
             data[0] & 0x40 ? 'm' : 'w', offers[data[0] % 4]);
    buf_add(&b, data + 2, size - 2);
    fuzz_seen = 0;
    fuzz_feed(buf_slice(&b), 0, NULL);
    uint64_t whole = fuzz_seen;
    fuzz_seen = 0;
    fuzz_feed(buf_slice(&b), 1 + data[1] % 32, NULL);
    /* zlib sees whether a client looks back past its small window only between two calls; and of
     * a stream that cannot be decompressed more or less has come out before that is seen */
    bool vague = data[0] % 4 == 3 || (data[0] & 0x40 && data[0] % 4);
    if (whole != fuzz_seen && !vague)
        abort();
    buf_release(&b);
    return 0;
}
