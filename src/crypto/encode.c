/* encode.c - all forms are one: bits gather and leave a few at a time, each few as a character. */
#include "crypto/encode.h"

#include "base/err.h"

enum { NO_VALUE = 0xff };

static const struct form {
    const char *alphabet;
    uint8_t bits;  /* of a character */
    uint8_t group; /* characters that padding fills up to; 0: none */
} forms[] = {
    [ENCODE_HEX] = {"0123456789abcdef", 4, 0},
    [ENCODE_BASE32] = {"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5, 0},
    [ENCODE_BASE64] = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6, 4},
    [ENCODE_BASE64URL] = {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 6, 0},
};

void encode_add(struct buf *out, enum encoding as, struct slice bytes)
{
    const struct form *f = &forms[as];
    size_t n = bytes.n / f->bits * 8 + (bytes.n % f->bits * 8 + f->bits - 1U) / f->bits;
    size_t padding = f->group ? (f->group - n % f->group) % f->group : 0;
    char *to = buf_reserve(out, n + padding + 1); /* never none */
    if (!to)
        return;
    uint32_t gathered = 0;
    unsigned have = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        gathered = gathered << 8 | (unsigned char)bytes.p[i];
        for (have += 8; have >= f->bits; gathered &= (1U << have) - 1) {
            have -= f->bits;
            *to++ = f->alphabet[gathered >> have];
        }
    }
    if (have)
        *to++ = f->alphabet[gathered << (f->bits - have)];
    memset(to, '=', padding);
    out->n += n + padding;
}

/* The value of each character. */
static void invert(const struct form *f, uint8_t values[static 256])
{
    memset(values, NO_VALUE, 256);
    for (uint8_t i = 0; f->alphabet[i]; i++)
        values[(unsigned char)f->alphabet[i]] = i;
}

/* Without the padding, which must be what the form wants; false: it is not. */
static bool strip_padding(const struct form *f, struct slice *text)
{
    size_t n = text->n;
    if (!f->group)
        return true;
    if (n % f->group)
        return false;
    for (int most = f->group - 2; most > 0 && n && text->p[n - 1] == '='; most--)
        n--;
    text->n = n;
    return true;
}

/* Room for n bytes is at out. */
static int decode(const struct form *f, struct slice text, unsigned char *out)
{
    uint8_t values[256];
    uint32_t gathered = 0;
    unsigned have = 0;
    invert(f, values);
    for (size_t i = 0; i < text.n; i++) {
        uint8_t value = values[(unsigned char)text.p[i]];
        if (value == NO_VALUE)
            return ERR_MALFORMED;
        gathered = gathered << f->bits | value;
        have += f->bits;
        if (have >= 8) {
            have -= 8;
            *out++ = (unsigned char)(gathered >> have);
            gathered &= (1U << have) - 1;
        }
    }
    /* a last character that adds no byte stands for nothing */
    return have >= f->bits || gathered ? ERR_MALFORMED : 0;
}

int decode_add(struct buf *out, enum encoding as, struct slice text)
{
    const struct form *f = &forms[as];
    if (!strip_padding(f, &text))
        return ERR_MALFORMED;
    size_t n = text.n / 8 * f->bits + text.n % 8 * f->bits / 8;
    char *to = buf_reserve(out, n + 1);
    if (!to)
        return ERR_NOMEM;
    int err = decode(f, text, (unsigned char *)to);
    if (!err)
        out->n += n;
    return err;
}

int decode_exact(void *out, size_t n, enum encoding as, struct slice text)
{
    struct buf b = {0};
    int err = decode_add(&b, as, text);
    if (!err && b.n != n)
        err = ERR_MALFORMED;
    if (!err && n)
        memcpy(out, b.p, n);
    if (b.n) /* it may be a secret */
        explicit_bzero(b.p, b.n);
    buf_release(&b);
    return err;
}
