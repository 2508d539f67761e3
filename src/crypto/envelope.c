#include "crypto/envelope.h"

#include "base/err.h"
#include "crypto/encode.h"

#include <sodium.h>
#include <stdio.h>

#define IDENTITY "doppel-identity-v1:"
#define RECIPIENT "doppel-recipient-v1:"

enum {
    POINT = crypto_box_PUBLICKEYBYTES,
    CHECK = 4,
    WORD_TEXT = (POINT + CHECK) * 8 / 6, /* base64url of a point or scalar and its checksum */
    BOX = ENVELOPE_KEY + crypto_box_SEALBYTES,
    SALT = crypto_pwhash_SALTBYTES,
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    SEALED = NONCE + ENVELOPE_KEY + crypto_aead_xchacha20poly1305_ietf_ABYTES,
};

static const uint64_t memory_max = 1ULL << 30, operations_max = 64;
static const struct slice lock_use = SLICE_LIT("doppel: lock by a passphrase");

/* ---- words ---- */

static void word_check(unsigned char out[static CHECK], const char *prefix,
                       const unsigned char bytes[static POINT])
{
    unsigned char sum[32];
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, sizeof sum);
    crypto_generichash_update(&h, (const unsigned char *)prefix, strlen(prefix));
    crypto_generichash_update(&h, bytes, POINT);
    crypto_generichash_final(&h, sum, sizeof sum);
    memcpy(out, sum, CHECK);
}

static void word_write(char word[static ENVELOPE_WORD_MAX], const char *prefix,
                       const unsigned char bytes[static POINT])
{
    unsigned char all[POINT + CHECK];
    size_t n = strlen(prefix);
    memcpy(all, bytes, POINT);
    word_check(all + POINT, prefix, bytes);
    memcpy(word, prefix, n);
    sodium_bin2base64(word + n, ENVELOPE_WORD_MAX - n, all, sizeof all,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(all, sizeof all);
}

static int word_read(struct slice word, const char *prefix, unsigned char bytes[static POINT])
{
    unsigned char all[POINT + CHECK], check[CHECK];
    size_t n = 0;
    if (!slice_starts(word, prefix) || word.n != strlen(prefix) + WORD_TEXT)
        return ERR_MALFORMED;
    int bad = sodium_base642bin(all, sizeof all, word.p + strlen(prefix), WORD_TEXT, NULL, &n, NULL,
                                sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    if (!bad && n == sizeof all) {
        memcpy(bytes, all, POINT);
        word_check(check, prefix, bytes);
        bad = memcmp(check, all + POINT, CHECK) != 0;
    }
    sodium_memzero(all, sizeof all);
    return bad || n != sizeof all ? ERR_MALFORMED : 0;
}

int envelope_identity(char identity[static ENVELOPE_WORD_MAX],
                      char recipient[static ENVELOPE_WORD_MAX])
{
    unsigned char secret[POINT], point[POINT];
    if (sodium_init() < 0 || crypto_box_keypair(point, secret) != 0)
        return ERR_NOMEM;
    word_write(identity, IDENTITY, secret);
    word_write(recipient, RECIPIENT, point);
    sodium_memzero(secret, sizeof secret);
    return 0;
}

/* The next word of words; false at their end. */
static bool next_word(struct slice *words, struct slice *ret)
{
    while (words->n) {
        size_t n = 0;
        while (n < words->n && !strchr(" \t\r\n#", words->p[n]))
            n++;
        *ret = slice_of(words->p, n);
        if (!n && words->p[0] == '#')
            while (n < words->n && words->p[n] != '\n')
                n++;
        else if (!n)
            n = 1;
        *words = slice_skip(*words, n);
        if (ret->n)
            return true;
    }
    return false;
}

int envelope_check_identities(struct slice words, struct buf *why)
{
    struct slice word;
    unsigned char secret[POINT];
    int n = 0, err = 0;
    while (!err && next_word(&words, &word)) {
        n++;
        err = word_read(word, IDENTITY, secret);
    }
    sodium_memzero(secret, sizeof secret);
    if (!err && n)
        return 0;
    if (!n)
        buf_add_str(why, "there is no identity in it");
    else
        buf_addf(why, "its word %d is no identity; one looks like " IDENTITY "...%s", n,
                 slice_starts(word, RECIPIENT) ? ", and this is a recipient, which only locks"
                                               : "");
    return ERR_INVALID;
}

/* ---- locking ---- */

static void put_bytes(struct json_writer *w, const char *key, const unsigned char *p, size_t n)
{
    struct buf text = {0};
    encode_add(&text, ENCODE_BASE64URL, slice_of((const char *)p, n));
    json_key(w, key);
    json_put_string(w, buf_slice(&text));
    w->out->failed |= text.failed;
    buf_release(&text);
}

static int lock_for(struct json_writer *w, const unsigned char key[static ENVELOPE_KEY],
                    const char *recipient, struct buf *why)
{
    unsigned char point[POINT], box[BOX];
    if (word_read(slice_str(recipient), RECIPIENT, point) ||
        crypto_box_seal(box, key, ENVELOPE_KEY, point) != 0) {
        buf_addf(why,
                 "\"%.100s\" is no recipient; one looks like " RECIPIENT
                 "... and is mistyped when its checksum differs",
                 slice_starts(slice_str(recipient), IDENTITY) ? "the identity, a secret,"
                                                              : recipient);
        return ERR_INVALID;
    }
    json_open(w, '{');
    json_key(w, "type");
    json_put_cstr(w, "recipient");
    json_key(w, "recipient");
    json_put_cstr(w, recipient);
    put_bytes(w, "sealed", box, BOX);
    json_close(w, '}');
    return 0;
}

static int stretch(unsigned char out[static ENVELOPE_KEY], struct slice passphrase,
                   const unsigned char *salt, const struct envelope_cost *cost)
{
    return crypto_pwhash(out, ENVELOPE_KEY, passphrase.p, passphrase.n, salt, cost->operations,
                         (size_t)cost->memory, crypto_pwhash_ALG_ARGON2ID13) != 0
               ? ERR_NOMEM
               : 0;
}

static int lock_by(struct json_writer *w, const unsigned char key[static ENVELOPE_KEY],
                   struct slice passphrase, struct envelope_cost cost, struct buf *why)
{
    unsigned char salt[SALT], sealed[SEALED], under[ENVELOPE_KEY];
    if (passphrase.n < ENVELOPE_PASSPHRASE_MIN || passphrase.n > ENVELOPE_PASSPHRASE_MAX) {
        buf_addf(why, "a passphrase has %d to %d bytes", ENVELOPE_PASSPHRASE_MIN,
                 ENVELOPE_PASSPHRASE_MAX);
        return ERR_INVALID;
    }
    if (!cost.operations)
        cost = (struct envelope_cost){crypto_pwhash_OPSLIMIT_MODERATE,
                                      crypto_pwhash_MEMLIMIT_MODERATE};
    randombytes_buf(salt, sizeof salt);
    randombytes_buf(sealed, NONCE);
    if (stretch(under, passphrase, salt, &cost)) {
        buf_add_str(why, "there is not enough memory for the passphrase");
        return ERR_NOMEM;
    }
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE, NULL, key, ENVELOPE_KEY,
                                               (const unsigned char *)lock_use.p, lock_use.n, NULL,
                                               sealed, under);
    sodium_memzero(under, sizeof under);
    json_open(w, '{');
    json_key(w, "type");
    json_put_cstr(w, "passphrase");
    json_key(w, "operations");
    json_put_uint(w, cost.operations);
    json_key(w, "memory");
    json_put_uint(w, cost.memory);
    put_bytes(w, "salt", salt, SALT);
    put_bytes(w, "sealed", sealed, SEALED);
    json_close(w, '}');
    return 0;
}

int envelope_lock(struct json_writer *w, const unsigned char key[static ENVELOPE_KEY],
                  const struct envelope_locks *locks, struct buf *why)
{
    size_t n = locks->recipients_n + (locks->passphrase.n > 0);
    int err = sodium_init() < 0 ? ERR_NOMEM : 0;
    if (n == 0 || n > ENVELOPE_LOCKS_MAX) {
        buf_addf(why, n ? "there are more than %d locks" : "nobody is named who could open it",
                 ENVELOPE_LOCKS_MAX);
        return ERR_INVALID;
    }
    json_open(w, '[');
    for (size_t i = 0; i < locks->recipients_n && !err; i++)
        err = lock_for(w, key, locks->recipients[i], why);
    if (!err && locks->passphrase.n)
        err = lock_by(w, key, locks->passphrase, locks->cost, why);
    json_close(w, ']');
    return err ? err : w->out->failed ? ERR_NOMEM : 0;
}

/* ---- opening ---- */

static int get_bytes(const struct jval *lock, const char *key, void *out, size_t n)
{
    return decode_exact(out, n, ENCODE_BASE64URL, jval_string(jval_get(lock, key)));
}

/* With each identity: 0, ERR_FOREIGN: none of them is the right one, ERR_MALFORMED. */
static int open_recipient(const struct jval *lock, const struct envelope_means *m,
                          unsigned char key[static ENVELOPE_KEY])
{
    unsigned char box[BOX], named[POINT], point[POINT], secret[POINT];
    struct slice words = m->identities, word;
    int err = ERR_FOREIGN;
    if (get_bytes(lock, "sealed", box, BOX) ||
        word_read(jval_string(jval_get(lock, "recipient")), RECIPIENT, named))
        return ERR_MALFORMED;
    while (err && next_word(&words, &word)) {
        if (word_read(word, IDENTITY, secret) || crypto_scalarmult_base(point, secret) != 0 ||
            memcmp(point, named, POINT) != 0)
            continue;
        if (crypto_box_seal_open(key, box, BOX, point, secret) == 0)
            err = 0;
    }
    sodium_memzero(secret, sizeof secret);
    return err;
}

static bool whole_number(const struct jval *v, uint64_t *ret)
{
    return v && v->type == J_NUMBER && slice_to_u64(v->text, ret) == 0;
}

static int open_passphrase(const struct jval *lock, const struct envelope_means *m,
                           unsigned char key[static ENVELOPE_KEY])
{
    unsigned char salt[SALT], sealed[SEALED], under[ENVELOPE_KEY];
    struct envelope_cost cost;
    if (!whole_number(jval_get(lock, "operations"), &cost.operations) ||
        !whole_number(jval_get(lock, "memory"), &cost.memory) ||
        cost.operations < crypto_pwhash_OPSLIMIT_MIN || cost.memory < crypto_pwhash_MEMLIMIT_MIN ||
        get_bytes(lock, "salt", salt, SALT) || get_bytes(lock, "sealed", sealed, SEALED))
        return ERR_MALFORMED;
    if (cost.operations > operations_max || cost.memory > memory_max)
        return ERR_UNSUPPORTED;
    if (m->passphrase.n == 0 || m->passphrase.n > ENVELOPE_PASSPHRASE_MAX)
        return ERR_FOREIGN;
    if (stretch(under, m->passphrase, salt, &cost))
        return ERR_NOMEM;
    int bad = crypto_aead_xchacha20poly1305_ietf_decrypt(
        key, NULL, NULL, sealed + NONCE, SEALED - NONCE, (const unsigned char *)lock_use.p,
        lock_use.n, sealed, under);
    sodium_memzero(under, sizeof under);
    return bad ? ERR_FOREIGN : 0;
}

static const struct lock_type {
    const char *name;
    int (*open)(const struct jval *lock, const struct envelope_means *m,
                unsigned char key[static ENVELOPE_KEY]);
} types[] = {{"recipient", open_recipient}, {"passphrase", open_passphrase}};

/* ERR_FOREIGN also for a type that a newer program made: another lock may open. */
static int open_lock(const struct jval *lock, const struct envelope_means *m,
                     unsigned char key[static ENVELOPE_KEY])
{
    struct slice type = jval_string(jval_get(lock, "type"));
    if (!type.p)
        return ERR_MALFORMED;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (slice_is(type, types[i].name))
            return types[i].open(lock, m, key);
    }
    return ERR_FOREIGN;
}

static void tell_locks(struct buf *why, const struct jval *locks, const struct envelope_means *m)
{
    buf_add_str(why, m->identities.n || m->passphrase.n
                         ? "what was given does not open it; it is for "
                         : "it is encrypted, for ");
    for (const struct jval *l = locks->first; l; l = l->next) {
        struct slice to = jval_string(jval_get(l, "recipient"));
        if (l != locks->first)
            buf_add_str(why, " or ");
        if (to.p)
            buf_addf(why, "the identity of %.*s (--identity FILE)", to.n > 80 ? 80 : (int)to.n,
                     to.p);
        else if (slice_is(jval_string(jval_get(l, "type")), "passphrase"))
            buf_add_str(why, "its passphrase (--passphrase-file FILE)");
        else
            buf_add_str(why, "something that a newer Doppel knows");
    }
}

int envelope_open(const struct jval *locks, const struct envelope_means *means,
                  unsigned char ret_key[static ENVELOPE_KEY], struct buf *why)
{
    unsigned char key[ENVELOPE_KEY];
    int err = ERR_FOREIGN;
    if (!locks || locks->type != J_ARRAY || !locks->count || locks->count > ENVELOPE_LOCKS_MAX ||
        sodium_init() < 0)
        return ERR_MALFORMED;
    for (const struct jval *l = locks->first; l && err == ERR_FOREIGN; l = l->next)
        err = open_lock(l, means, key);
    if (!err)
        memcpy(ret_key, key, ENVELOPE_KEY);
    else if (err == ERR_FOREIGN)
        tell_locks(why, locks, means);
    sodium_memzero(key, sizeof key);
    return err;
}
