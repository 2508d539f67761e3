#include "crypto/seal.h"

#include "base/err.h"
#include "crypto/encode.h"

#include <sodium.h>

enum {
    PREFIX = sizeof SEAL_PREFIX - 1,
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    BLOCK = 32,
    SEALED_MAX = NONCE + SEAL_SECRET_MAX + BLOCK + TAG,
};

_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == KEY_BYTES, "a key is a key");

static bool is_hex(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!strchr("0123456789abcdef", s.p[i]) || !s.p[i])
            return false;
    }
    return true;
}

/* Take it apart: the id of the key, and what stands behind it as base64url. */
static bool cut(struct slice text, struct slice *ret_key, struct slice *ret_rest)
{
    if (text.n < PREFIX + KEY_ID_TEXT + 1 || !slice_starts(text, SEAL_PREFIX) ||
        text.p[PREFIX + KEY_ID_TEXT] != ':')
        return false;
    *ret_key = slice_of(text.p + PREFIX, KEY_ID_TEXT);
    *ret_rest = slice_skip(text, PREFIX + KEY_ID_TEXT + 1);
    return is_hex(*ret_key);
}

bool seal_is_sealed(struct slice text)
{
    struct slice key, rest;
    return cut(text, &key, &rest);
}

struct slice seal_key_of(struct slice sealed)
{
    struct slice key = {0}, rest;
    return cut(sealed, &key, &rest) ? key : (struct slice){0};
}

bool seal_needs_renewal(const struct key_ring *r, struct slice sealed)
{
    struct slice key = seal_key_of(sealed);
    const unsigned char *k = key.p ? key_ring_sealing(r, key) : NULL;
    return k && k != key_ring_sealing(r, (struct slice){0});
}

/* What is authenticated beside the secret; the kind ends at the first NUL, so no two places are
 * one.
 */
static void add_place(struct buf *b, struct slice key, struct slice kind, struct slice id)
{
    buf_add_str(b, SEAL_PREFIX);
    buf_add_slice(b, key);
    buf_add_byte(b, ':');
    buf_add_slice(b, kind);
    buf_add_byte(b, 0);
    buf_add_slice(b, id);
}

/* Encrypt into raw: nonce, then the padded secret. */
static int encrypt(struct buf *raw, const unsigned char *key, struct slice place,
                   struct slice secret)
{
    size_t padded = (secret.n / BLOCK + 1) * BLOCK, n = 0;
    unsigned char *nonce = (unsigned char *)buf_reserve(raw, NONCE + padded + TAG);
    if (!nonce)
        return ERR_NOMEM;
    unsigned char *text = nonce + NONCE;
    randombytes_buf(nonce, NONCE);
    if (secret.n)
        memcpy(text, secret.p, secret.n);
    sodium_pad(&n, text, secret.n, BLOCK, padded);
    crypto_aead_xchacha20poly1305_ietf_encrypt(text, NULL, text, n, (const unsigned char *)place.p,
                                               place.n, NULL, nonce, key);
    raw->n = NONCE + n + TAG;
    return 0;
}

int seal_add(struct buf *out, const struct key_ring *r, struct slice kind, struct slice id,
             struct slice secret)
{
    const unsigned char *key = key_ring_sealing(r, (struct slice){0});
    struct key_about about;
    if (!key)
        return ERR_NOT_FOUND;
    if (secret.n > SEAL_SECRET_MAX)
        return ERR_TOO_LARGE;
    if (slice_find(kind, 0) >= 0)
        return ERR_INVALID;
    struct buf place = {0}, raw = {0};
    key_ring_at(r, key_ring_count(r) - 1, &about);
    add_place(&place, slice_str(about.id), kind, id);
    int err = place.failed ? ERR_NOMEM : encrypt(&raw, key, buf_slice(&place), secret);
    if (!err) {
        size_t before = out->n;
        buf_addf(out, SEAL_PREFIX "%s:", about.id);
        encode_add(out, ENCODE_BASE64URL, buf_slice(&raw));
        if (out->failed) {
            err = ERR_NOMEM;
            out->n = before;
        }
    }
    buf_release(&raw);
    buf_release(&place);
    return err;
}

static int decrypt(struct buf *secret, const unsigned char *key, struct slice place,
                   struct slice raw)
{
    unsigned long long n = 0;
    size_t length = 0;
    if (raw.n < NONCE + BLOCK + TAG)
        return ERR_MALFORMED;
    const unsigned char *nonce = (const unsigned char *)raw.p;
    unsigned char *text = (unsigned char *)buf_reserve(secret, raw.n);
    if (!text)
        return ERR_NOMEM;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(text, &n, NULL, nonce + NONCE, raw.n - NONCE,
                                                   (const unsigned char *)place.p, place.n, nonce,
                                                   key) != 0 ||
        sodium_unpad(&length, text, (size_t)n, BLOCK) != 0)
        return ERR_CORRUPT;
    secret->n = length;
    return 0;
}

int seal_open(const struct key_ring *r, struct slice kind, struct slice id, struct slice sealed,
              struct buf *ret_secret)
{
    struct slice name, rest;
    struct buf place = {0}, raw = {0};
    if (!cut(sealed, &name, &rest) || rest.n > (size_t)SEALED_MAX * 4 / 3 + 4)
        return ERR_MALFORMED;
    const unsigned char *key = key_ring_sealing(r, name);
    if (!key)
        return ERR_NOT_FOUND;
    int err = decode_add(&raw, ENCODE_BASE64URL, rest);
    if (!err) {
        add_place(&place, name, kind, id);
        err =
            place.failed ? ERR_NOMEM : decrypt(ret_secret, key, buf_slice(&place), buf_slice(&raw));
    }
    buf_release(&raw);
    buf_release(&place);
    if (err)
        secret_release(ret_secret);
    return err;
}
