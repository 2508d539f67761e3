/* ws_utf8.c - RFC 3629 by pieces, so that a text which goes wrong is refused where it does. */
#include "http/ws_internal.h"

/* The first byte of a character; false when none begins like that. */
static bool begin(struct ws_utf8 *u, unsigned char c)
{
    u->low = 0x80;
    u->high = 0xbf;
    if (c >= 0xc2 && c <= 0xdf) {
        u->missing = 1;
    } else if (c >= 0xe0 && c <= 0xef) {
        u->missing = 2;
        if (c == 0xe0)
            u->low = 0xa0; /* no overlong forms */
        else if (c == 0xed)
            u->high = 0x9f; /* no surrogates */
    } else if (c >= 0xf0 && c <= 0xf4) {
        u->missing = 3;
        if (c == 0xf0)
            u->low = 0x90;
        else if (c == 0xf4)
            u->high = 0x8f; /* nothing past U+10FFFF */
    } else {
        return false;
    }
    return true;
}

bool ws_utf8_add(struct ws_utf8 *u, struct slice bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p, *end = p + bytes.n;
    while (p < end) {
        if (u->missing) {
            if (*p < u->low || *p > u->high)
                return false;
            u->low = 0x80;
            u->high = 0xbf;
            u->missing--;
            p++;
            continue;
        }
        uint64_t word;
        while (end - p >= 8) { /* eight ASCII bytes at a time */
            memcpy(&word, p, 8);
            if (word & UINT64_C(0x8080808080808080))
                break;
            p += 8;
        }
        if (p == end)
            break;
        if (*p >= 0x80 && !begin(u, *p))
            return false;
        p++;
    }
    return true;
}
