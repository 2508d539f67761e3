/* seal.h - a secret inside a record, readable for who has the key: connectors' passwords, TOTP
 * seeds.
 *
 *   sealed:v1:0123456789ab:BASE64URL            (id of the key; nonce of 24 bytes and ciphertext)
 *
 * XChaCha20-Poly1305 with a random nonce.  What the secret belongs to (its kind, such as "person",
 * and its id there) is authenticated with it, so that a sealed text that is put into another
 * record does not open; so is the id of the key.  The secret is padded to a multiple of 32 bytes:
 * its length tells little.  Sealing needs the ring alone: any thread, nothing blocks. */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "crypto/key_ring.h"

#define SEAL_PREFIX "sealed:v1:"
enum { SEAL_SECRET_MAX = 64 * 1024 };

/* Append the sealed text.  ERR_TOO_LARGE; ERR_NOT_FOUND: the ring has no key; ERR_INVALID: the
 * kind has a NUL in it; ERR_NOMEM. */
int seal_add(struct buf *out, const struct key_ring *r, struct slice kind, struct slice id,
             struct slice secret);

/* The secret, into an empty buffer that the caller clears with secret_release().  ERR_MALFORMED: it
 * is no sealed text; ERR_NOT_FOUND: the ring has not its key (seal_key_of() names it); ERR_CORRUPT:
 * it was changed, or belongs to something else. */
int seal_open(const struct key_ring *r, struct slice kind, struct slice id, struct slice sealed,
              struct buf *ret_secret);

/* Is it under a key of the ring that is not the newest?  Whoever keeps it seals it again then. */
bool seal_needs_renewal(const struct key_ring *r, struct slice sealed);

bool seal_is_sealed(struct slice text); /* by its form alone */

/* The id of the key that a sealed text names; p NULL when it is none. */
struct slice seal_key_of(struct slice sealed);

#endif
