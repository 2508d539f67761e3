/* encode.h - bytes as text and back: RFC 4648.
 *
 * Pure.  What is read is read strictly, so that bytes have one spelling: no blanks, no line ends,
 * letters in the alphabet's own case, padding where the form has it and nowhere else, and the bits
 * that are left over are zero. */
#ifndef CRYPTO_ENCODE_H
#define CRYPTO_ENCODE_H

#include "base/buf.h"

enum encoding {
    ENCODE_HEX,       /* small letters */
    ENCODE_BASE32,    /* section 6, capitals, not padded: as the secrets of otpauth: URIs */
    ENCODE_BASE64,    /* section 4, padded */
    ENCODE_BASE64URL, /* section 5, not padded: as JOSE and WebAuthn write it */
};

/* Append bytes to out as text. */
void encode_add(struct buf *out, enum encoding as, struct slice bytes);

/* Append what the text stands for.  ERR_MALFORMED (out keeps what it had) or ERR_NOMEM. */
int decode_add(struct buf *out, enum encoding as, struct slice text);

/* The same where exactly n bytes must come of it. */
int decode_exact(void *out, size_t n, enum encoding as, struct slice text);

#endif
