#include "crypto/totp.h"

#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/encode.h"

#include <stdio.h>

int totp_code(struct slice secret, uint64_t step, unsigned digits, uint32_t *ret)
{
    static const uint32_t powers[] = {1000000, 10000000, 100000000};
    unsigned char counter[8], mac[SHA1_BYTES];
    for (int i = 0; i < 8; i++)
        counter[i] = (unsigned char)(step >> (56 - 8 * i));
    int err = digest_hmac_sha1(secret, slice_of((const char *)counter, sizeof counter), mac);
    if (err)
        return err;
    const unsigned char *at = mac + (mac[SHA1_BYTES - 1] & 15); /* RFC 4226, section 5.3 */
    uint32_t number =
        (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    *ret = number % powers[digits - TOTP_DIGITS];
    return 0;
}

/* The digits alone; false when there are other characters, or too few or many. */
static bool read_digits(struct slice typed, char out[static TOTP_DIGITS])
{
    size_t n = 0;
    for (size_t i = 0; i < typed.n; i++) {
        if (typed.p[i] == ' ')
            continue;
        if (n == TOTP_DIGITS || typed.p[i] < '0' || typed.p[i] > '9')
            return false;
        out[n++] = typed.p[i];
    }
    return n == TOTP_DIGITS;
}

bool totp_verify(struct slice secret, struct slice typed, int64_t t_us, uint64_t used,
                 uint64_t *ret_step)
{
    char digits[TOTP_DIGITS], right[16];
    bool found = false;
    if (!read_digits(typed, digits) || t_us < 0)
        return false;
    uint64_t now = (uint64_t)t_us / 1000000 / TOTP_STEP_S, step;
    for (uint64_t i = 0; i <= 2 * TOTP_WINDOW; i++) { /* all, so that the time tells nothing */
        uint32_t code;
        if (now + i < TOTP_WINDOW || (step = now + i - TOTP_WINDOW) <= used)
            continue;
        if (totp_code(secret, step, TOTP_DIGITS, &code))
            return false;
        snprintf(right, sizeof right, "%06u", code);
        if (digest_equal(slice_of(right, TOTP_DIGITS), slice_of(digits, TOTP_DIGITS)) && !found) {
            found = true;
            *ret_step = step;
        }
    }
    return found;
}

static void add_escaped(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     (c && strchr("-._~", c));
        if (plain)
            buf_add_byte(out, c);
        else
            buf_addf(out, "%%%02X", c);
    }
}

void totp_uri(struct buf *out, struct slice issuer, struct slice account, struct slice secret)
{
    buf_add_str(out, "otpauth://totp/");
    add_escaped(out, issuer);
    buf_add_byte(out, ':');
    add_escaped(out, account);
    buf_add_str(out, "?secret=");
    encode_add(out, ENCODE_BASE32, secret);
    buf_add_str(out, "&issuer=");
    add_escaped(out, issuer);
    buf_addf(out, "&algorithm=SHA1&digits=%d&period=%d", TOTP_DIGITS, TOTP_STEP_S);
}
