/* pubkey.h - public keys out of the numbers that others send, for OpenSSL's EVP.
 *
 * What is no key of its kind is refused: a point that is not on its curve, a modulus that is too
 * short to be safe or too long to be quick.  Numbers are big-endian bytes; those of a curve have
 * its whole length.  Pure and thread-safe; nothing blocks. */
#ifndef CRYPTO_PUBKEY_H
#define CRYPTO_PUBKEY_H

#include "base/slice.h"

#include <openssl/types.h>

enum { PUBKEY_RSA_BITS_MIN = 2048, PUBKEY_RSA_BITS_MAX = 8192 };

enum pubkey_curve { PUBKEY_P256, PUBKEY_P384, PUBKEY_P521 };

/* Each: ERR_INVALID or ERR_NOMEM; on success the key is the caller's, for EVP_PKEY_free(). */
int pubkey_ec(enum pubkey_curve curve, struct slice x, struct slice y, EVP_PKEY **ret);
int pubkey_ed25519(struct slice x, EVP_PKEY **ret);
int pubkey_rsa(struct slice modulus, struct slice exponent, EVP_PKEY **ret);

/* Is this the key's signature of the bytes?  digest: NULL for Ed25519, which has its own; RSA signs
 * as in PKCS #1 v1.5, a curve in DER.  ERR_INVALID: it is not; ERR_NOMEM. */
int pubkey_verify(EVP_PKEY *key, const EVP_MD *digest, struct slice bytes, struct slice signature);

#endif
