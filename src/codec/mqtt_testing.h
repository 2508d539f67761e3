/* mqtt_testing.h - packets written down byte by byte, for tests. */
#ifndef CODEC_MQTT_TESTING_H
#define CODEC_MQTT_TESTING_H

#include "codec/mqtt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* "10 @ 'MQTT' 04": hexadecimal bytes and quoted text; @ is the number of bytes that
 * follow, 127 at most. */
static inline struct slice bytes(const char *text)
{
    static char room[8][4096];
    static int next;
    char *out = room[next++ % 8];
    size_t n = 0, length_at = 0;
    for (const char *p = text; *p;) {
        unsigned byte;
        if (*p == ' ') {
            p++;
        } else if (*p == '@') {
            length_at = n++;
            p++;
        } else if (*p == '\'') {
            for (p++; *p != '\''; p++)
                out[n++] = *p;
            p++;
        } else {
            assert_int_equal(sscanf(p, "%2x", &byte), 1);
            out[n++] = (char)byte;
            p += 2;
        }
    }
    assert_true(!length_at || n - length_at <= 128);
    if (length_at)
        out[length_at] = (char)(n - length_at - 1);
    return slice_of(out, n);
}

#endif
