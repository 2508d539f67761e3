/* webauthn_internal.h - what the files of webauthn.h share: the parsers of what comes. */
#ifndef CRYPTO_WEBAUTHN_INTERNAL_H
#define CRYPTO_WEBAUTHN_INTERNAL_H

#include "crypto/digest.h"
#include "crypto/webauthn.h"

#include <openssl/types.h>

/* Sets the sentence and gives the error back. */
static inline int webauthn_fail(const char **ret_why, int err, const char *why)
{
    *ret_why = why;
    return err;
}

/* ---- webauthn_client.c: clientDataJSON ---- */

/* Is it of this type ("webauthn.create"), for this challenge, from an origin of the party? */
int webauthn_check_client(const struct webauthn_party *party, struct slice challenge,
                          const char *type, struct slice json, const char **ret_why);

/* ---- webauthn_data.c: authenticator data and the attestation object ---- */

/* Section 6.1. */
enum webauthn_flags {
    WEBAUTHN_USER_PRESENT = 0x01,
    WEBAUTHN_USER_VERIFIED = 0x04,
    WEBAUTHN_BACKUP_ELIGIBLE = 0x08,
    WEBAUTHN_BACKED_UP = 0x10,
    WEBAUTHN_CREDENTIAL = 0x40,
    WEBAUTHN_EXTENSIONS = 0x80,
};

struct webauthn_data {
    struct slice party_hash; /* SHA-256 of the relying party's id */
    uint8_t flags;
    uint32_t sign_count;
    struct slice aaguid, id, key; /* with WEBAUTHN_CREDENTIAL */
};

int webauthn_read_data(struct slice bytes, struct webauthn_data *ret, const char **ret_why);

/* The authenticator data that is in an attestation object. */
int webauthn_read_attestation(struct slice bytes, struct slice *ret_data, const char **ret_why);

/* ---- webauthn_key.c: COSE keys (RFC 9052, 9053) ---- */

struct webauthn_key {
    EVP_PKEY *key; /* to be freed */
    const EVP_MD *digest;
};

int webauthn_read_key(struct slice cose, struct webauthn_key *ret, const char **ret_why);

#endif
