#include "crypto/token.h"

#include "base/err.h"

#include <assert.h>
#include <stdio.h>
#include <zlib.h>

enum { SECRET = 43, CHECKSUM = 6 };

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const char *const prefixes[TOKEN_KINDS] = {
    [TOKEN_PERSON] = "dop_pat_",  [TOKEN_SERVICE] = "dop_svc_",
    [TOKEN_DEVICE] = "dop_dev_",  [TOKEN_PROVISIONING] = "dop_prov_",
    [TOKEN_LINK] = "dop_link_",   [TOKEN_INVITATION] = "dop_inv_",
    [TOKEN_SETUP] = "dop_setup_", [TOKEN_SESSION] = "dop_ses_",
    [TOKEN_LOCAL] = "dop_local_",
};

const char *token_prefix(enum token_kind kind)
{
    return prefixes[kind];
}

/* Of the first n characters, as digits of base 62. */
static void write_checksum(const char *text, size_t n, char out[static CHECKSUM])
{
    unsigned long sum = crc32(0, (const unsigned char *)text, (unsigned)n);
    for (int i = CHECKSUM; i-- > 0; sum /= 62)
        out[i] = digits[sum % 62];
}

static void fill(struct token *t, enum token_kind kind, struct slice text)
{
    t->kind = kind;
    digest_sha256(text, t->hash);
    for (size_t i = 0; i < TOKEN_ID_CHARACTERS / 2; i++)
        snprintf(t->id + 2 * i, 3, "%02x", t->hash[i]);
}

void token_make(enum token_kind kind, char text[static TOKEN_CHARACTERS_MAX + 1], struct token *ret)
{
    size_t n = strlen(prefixes[kind]);
    assert(n + SECRET + CHECKSUM <= TOKEN_CHARACTERS_MAX);
    memcpy(text, prefixes[kind], n);
    for (int i = 0; i < SECRET; i++)
        text[n++] = digits[random_below(62)];
    write_checksum(text, n, text + n);
    n += CHECKSUM;
    text[n] = 0;
    fill(ret, kind, slice_of(text, n));
}

int token_read(struct slice text, struct token *ret)
{
    for (enum token_kind kind = 0; kind < TOKEN_KINDS; kind++) {
        size_t prefix = strlen(prefixes[kind]);
        if (!slice_starts(text, prefixes[kind]) || text.n != prefix + SECRET + CHECKSUM)
            continue;
        char sum[CHECKSUM];
        for (size_t i = prefix; i < text.n; i++)
            if (!memchr(digits, text.p[i], sizeof digits - 1))
                return ERR_MALFORMED;
        write_checksum(text.p, text.n - CHECKSUM, sum);
        if (memcmp(text.p + text.n - CHECKSUM, sum, CHECKSUM) != 0)
            return ERR_MALFORMED;
        fill(ret, kind, text);
        return 0;
    }
    return ERR_MALFORMED;
}
