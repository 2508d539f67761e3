/* webauthn_data.c - authenticator data, bytes in fixed places (section 6.1), and the attestation
 * object, a map of CBOR that it comes in (section 6.5).
 *
 *     32 SHA-256 of the relying party's id
 *      1 flags
 *      4 signature counter
 *        with WEBAUTHN_CREDENTIAL: 16 AAGUID, 2 length of the id, the id, the key as a map of CBOR
 *        with WEBAUTHN_EXTENSIONS: a map of CBOR
 *
 * and nothing behind it.  Numbers are big-endian. */
#include "base/err.h"
#include "codec/cbor.h"
#include "crypto/webauthn_internal.h"

enum { AAGUID = 16, MAJOR_MAP = 5 };

static const char cut_off[] = "The passkey's authenticator data ends too early.";

/* The next n bytes; false when there are not as many. */
static bool take(struct slice *rest, size_t n, struct slice *ret)
{
    if (rest->n < n)
        return false;
    *ret = slice_of(rest->p, n);
    *rest = slice_skip(*rest, n);
    return true;
}

static uint32_t big_endian(struct slice bytes)
{
    uint32_t v = 0;
    for (size_t i = 0; i < bytes.n; i++)
        v = v << 8 | (unsigned char)bytes.p[i];
    return v;
}

/* A map of CBOR that stands at the beginning of the rest. */
static bool take_map(struct slice *rest, struct slice *ret)
{
    size_t n;
    return rest->n && (unsigned char)*rest->p >> 5 == MAJOR_MAP && cbor_item_size(*rest, &n) == 0 &&
           take(rest, n, ret);
}

static int read_credential(struct slice *rest, struct webauthn_data *d, const char **ret_why)
{
    struct slice length;
    if (!take(rest, AAGUID, &d->aaguid) || !take(rest, 2, &length))
        return webauthn_fail(ret_why, ERR_MALFORMED, cut_off);
    uint32_t n = big_endian(length);
    if (n == 0 || n > WEBAUTHN_ID_BYTES_MAX)
        return webauthn_fail(ret_why, ERR_MALFORMED,
                             "The passkey's id has no length that ids have.");
    if (!take(rest, n, &d->id))
        return webauthn_fail(ret_why, ERR_MALFORMED, cut_off);
    if (!take_map(rest, &d->key))
        return webauthn_fail(ret_why, ERR_MALFORMED, "The passkey's public key is no map of CBOR.");
    return 0;
}

int webauthn_read_data(struct slice bytes, struct webauthn_data *ret, const char **ret_why)
{
    struct webauthn_data d = {0};
    struct slice flags, count, extensions;
    if (!take(&bytes, SHA256_BYTES, &d.party_hash) || !take(&bytes, 1, &flags) ||
        !take(&bytes, 4, &count))
        return webauthn_fail(ret_why, ERR_MALFORMED, cut_off);
    d.flags = (uint8_t)*flags.p;
    d.sign_count = big_endian(count);
    if (d.flags & WEBAUTHN_CREDENTIAL) {
        int err = read_credential(&bytes, &d, ret_why);
        if (err)
            return err;
    }
    if (d.flags & WEBAUTHN_EXTENSIONS && !take_map(&bytes, &extensions))
        return webauthn_fail(ret_why, ERR_MALFORMED,
                             "The passkey's extensions are no map of CBOR.");
    if (bytes.n)
        return webauthn_fail(ret_why, ERR_MALFORMED,
                             "The passkey's authenticator data has more bytes behind it.");
    *ret = d;
    return 0;
}

/* The members of an attestation object. */
enum member { FORMAT, STATEMENT, DATA, MEMBERS };

static const struct {
    const char *name;
    enum cbor_event type;
} members[MEMBERS] = {
    [FORMAT] = {"fmt", CBOR_TEXT},
    [STATEMENT] = {"attStmt", CBOR_MAP},
    [DATA] = {"authData", CBOR_BYTES},
};

struct attestation {
    struct slice value[MEMBERS];
    bool seen[MEMBERS];
    bool stated; /* the statement is not empty */
};

static enum member find_member(struct slice name)
{
    enum member m = 0;
    while (m < MEMBERS && !slice_is(name, members[m].name))
        m++;
    return m;
}

/* A key of the map was read; read its value.  What is none of the three is stepped over. */
static int read_member(struct cbor_reader *r, struct attestation *a)
{
    enum member m = find_member(r->text);
    enum cbor_event e;
    size_t start = r->at;
    int err = cbor_next(r, &e);
    if (err)
        return err;
    if (m < MEMBERS) {
        if (a->seen[m] || e != members[m].type || (e != CBOR_MAP && r->chunked))
            return ERR_MALFORMED;
        a->seen[m] = true;
        a->value[m] = r->text;
    }
    err = cbor_skip(r, e);
    if (m == STATEMENT)
        a->stated = r->at - start != 1; /* an empty map is one byte */
    return err;
}

static int read_members(struct slice bytes, struct attestation *a)
{
    struct cbor_reader r;
    enum cbor_event e;
    cbor_reader_init(&r, bytes);
    int err = cbor_next(&r, &e);
    if (err || e != CBOR_MAP)
        return ERR_MALFORMED;
    while ((err = cbor_next(&r, &e)) == 0 && e != CBOR_MAP_END) {
        if (e != CBOR_TEXT || r.chunked)
            return ERR_MALFORMED;
        if ((err = read_member(&r, a)))
            return err;
    }
    if (!err)
        err = cbor_next(&r, &e); /* nothing may follow */
    return err ? err : a->seen[FORMAT] && a->seen[STATEMENT] && a->seen[DATA] ? 0 : ERR_MALFORMED;
}

int webauthn_read_attestation(struct slice bytes, struct slice *ret_data, const char **ret_why)
{
    struct attestation a = {0};
    if (bytes.n > WEBAUTHN_ATTESTATION_MAX)
        return webauthn_fail(ret_why, ERR_MALFORMED, "The passkey's attestation is too long.");
    if (read_members(bytes, &a))
        return webauthn_fail(ret_why, ERR_MALFORMED,
                             "The passkey's attestation object cannot be read.");
    if (slice_is(a.value[FORMAT], "none") && a.stated)
        return webauthn_fail(ret_why, ERR_MALFORMED,
                             "The passkey's attestation says \"none\" and has a statement.");
    *ret_data = a.value[DATA];
    return 0;
}
