/* utf8.h - RFC 3629. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/slice.h"

/* Well-formed: no overlong forms, no surrogates, nothing past U+10FFFF. */
bool utf8_valid(struct slice s);

/* Length of the well-formed sequence at p (n > 0 bytes are there), or 0. */
size_t utf8_sequence(const unsigned char *p, size_t n);

/* Write a code point (a scalar value) to out; the number of bytes, 1 to 4. */
size_t utf8_encode(uint32_t cp, char out[static 4]);

#endif
