/* webauthn_key.c - COSE keys: maps of CBOR with small numbers as names.  One row an algorithm. */
#include "base/err.h"
#include "codec/cbor.h"
#include "crypto/pubkey.h"
#include "crypto/webauthn_internal.h"

#include <openssl/evp.h>

/* RFC 9052, table 4; RFC 9053, tables 17 to 20; RFC 8230, table 4 */
enum { TYPE = 1, ALGORITHM = 3 }; /* of all keys */
enum { CURVE = -1, POINT_X = -2, POINT_Y = -3 };
enum { RSA_MODULUS = -1, RSA_EXPONENT = -2 };

enum { LABELS_MAX = 16 };

struct entry {
    int64_t label;
    bool is_number;
    int64_t number;
    struct slice bytes; /* p NULL: it is none */
};

struct cose {
    struct entry entry[LABELS_MAX];
    size_t n;
};

static const struct entry *find(const struct cose *c, int64_t label)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->entry[i].label == label)
            return &c->entry[i];
    return NULL;
}

static struct slice bytes_at(const struct cose *c, int64_t label)
{
    const struct entry *e = find(c, label);
    return e ? e->bytes : (struct slice){0};
}

static bool has(const struct cose *c, int64_t label, int64_t number)
{
    const struct entry *e = find(c, label);
    return e && e->is_number && e->number == number;
}

/* Of a whole number that was read; false when it is none, or larger than any of COSE. */
static bool whole(const struct cbor_reader *r, enum cbor_event e, int64_t *ret)
{
    if ((e != CBOR_UINT && e != CBOR_NEGATIVE) || r->number > INT64_MAX)
        return false;
    *ret = e == CBOR_UINT ? (int64_t)r->number : -1 - (int64_t)r->number;
    return true;
}

static int read_entry(struct cbor_reader *r, enum cbor_event e, struct cose *c)
{
    struct entry entry = {0};
    int err;
    if (!whole(r, e, &entry.label) || c->n == LABELS_MAX || find(c, entry.label))
        return ERR_MALFORMED;
    if ((err = cbor_next(r, &e)))
        return err;
    if (e == CBOR_BYTES && r->chunked)
        return ERR_MALFORMED;
    if (e == CBOR_BYTES)
        entry.bytes = r->text;
    entry.is_number = whole(r, e, &entry.number);
    c->entry[c->n++] = entry;
    return cbor_skip(r, e);
}

static int read_cose(struct slice bytes, struct cose *c)
{
    struct cbor_reader r;
    enum cbor_event e;
    cbor_reader_init(&r, bytes);
    int err = cbor_next(&r, &e);
    if (err || e != CBOR_MAP)
        return ERR_MALFORMED;
    while (!(err = cbor_next(&r, &e)) && e != CBOR_MAP_END)
        if ((err = read_entry(&r, e, c)))
            return err;
    return err ? err : cbor_next(&r, &e); /* nothing may follow */
}

static int make_p256(const struct cose *c, EVP_PKEY **ret)
{
    return pubkey_ec(PUBKEY_P256, bytes_at(c, POINT_X), bytes_at(c, POINT_Y), ret);
}

static int make_ed25519(const struct cose *c, EVP_PKEY **ret)
{
    return pubkey_ed25519(bytes_at(c, POINT_X), ret);
}

static int make_rsa(const struct cose *c, EVP_PKEY **ret)
{
    return pubkey_rsa(bytes_at(c, RSA_MODULUS), bytes_at(c, RSA_EXPONENT), ret);
}

static const struct algorithm {
    int number; /* IANA's registry of COSE algorithms */
    int type;   /* of key: 1 OKP, 2 EC2, 3 RSA */
    int curve;  /* 0: none */
    int (*make)(const struct cose *c, EVP_PKEY **ret);
    const EVP_MD *(*digest)(void); /* NULL: the algorithm has its own */
} algorithms[] = {
    {-8, 1, 6, make_ed25519, NULL},
    {-7, 2, 1, make_p256, EVP_sha256},
    {-257, 3, 0, make_rsa, EVP_sha256},
};

enum { ALGORITHMS = sizeof algorithms / sizeof algorithms[0] };

int webauthn_algorithm(size_t index)
{
    return index < ALGORITHMS ? algorithms[index].number : 0;
}

int webauthn_read_key(struct slice cose, struct webauthn_key *ret, const char **ret_why)
{
    struct cose c = {0};
    const struct algorithm *a = algorithms;
    if (read_cose(cose, &c))
        return webauthn_fail(ret_why, ERR_MALFORMED, "The passkey's public key cannot be read.");
    while (a < algorithms + ALGORITHMS && !has(&c, ALGORITHM, a->number))
        a++;
    if (a == algorithms + ALGORITHMS)
        return webauthn_fail(ret_why, ERR_INVALID,
                             "The passkey's algorithm is none of EdDSA, ES256 and RS256.");
    if (!has(&c, TYPE, a->type) || (a->curve && !has(&c, CURVE, a->curve)))
        return webauthn_fail(ret_why, ERR_INVALID,
                             "The passkey's public key does not fit its algorithm.");
    EVP_PKEY *key;
    int err = a->make(&c, &key);
    if (err == ERR_INVALID)
        *ret_why = "The passkey's public key is no key of its kind.";
    if (err)
        return err;
    *ret = (struct webauthn_key){key, a->digest ? a->digest() : NULL};
    return 0;
}
