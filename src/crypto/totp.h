/* totp.h - one-time codes of an authenticator app: RFC 6238 over RFC 4226.
 *
 * SHA-1, six digits and steps of 30 seconds: what every app takes; SHA-1 is no weakness in a HMAC.
 * Pure and thread-safe; nothing blocks. */
#ifndef CRYPTO_TOTP_H
#define CRYPTO_TOTP_H

#include "base/buf.h"

enum { TOTP_SECRET_BYTES = 20, TOTP_DIGITS = 6, TOTP_STEP_S = 30, TOTP_WINDOW = 1 };

/* The code of a step, of so many digits (6 to 8). */
int totp_code(struct slice secret, uint64_t step, unsigned digits, uint32_t *ret);

/* Is what was typed the code of this step, of the one before or of the one after?  Blanks do not
 * count.  A code works once (section 5.2): steps up to `used` do not match, and the caller keeps
 * *ret_step as the next `used`; 0 at first.  False: it is wrong, too old or used. */
bool totp_verify(struct slice secret, struct slice typed, int64_t t_us, uint64_t used,
                 uint64_t *ret_step);

/* Append the otpauth: URI of a secret, for a QR code. */
void totp_uri(struct buf *out, struct slice issuer, struct slice account, struct slice secret);

#endif
