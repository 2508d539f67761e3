/* envelope.h - one random key, locked for several who may open it: how an encrypted backup is kept.
 *
 * The key encrypts; each lock holds it under something else, and any one of them opens:
 *
 *   {"type":"recipient","recipient":"doppel-recipient-v1:...","sealed":B}
 *       a sealed box (X25519, XSalsa20-Poly1305) for whoever has the identity.  Who locks needs no
 *       secret, so a machine cannot read the backups that it made yesterday.
 *   {"type":"passphrase","operations":3,"memory":268435456,"salt":B,"sealed":B}
 *       XChaCha20-Poly1305 (nonce, then ciphertext) under Argon2id of the passphrase.
 *
 * B is base64url.  A lock that was changed does not open.  That nobody exchanged all of it, locks
 * and what they lock, is shown by a passphrase alone: anyone can lock something for a recipient.
 *
 * An identity is a word doppel-identity-v1:..., its recipient doppel-recipient-v1:...; both end
 * with a checksum, for a recipient that was mistyped would lock everybody out.
 *
 * Pure, but for identity files, which block; Argon2id takes a second and the memory it is given. */
#ifndef CRYPTO_ENVELOPE_H
#define CRYPTO_ENVELOPE_H

#include "base/buf.h"
#include "codec/json.h"

enum {
    ENVELOPE_KEY = 32,
    ENVELOPE_LOCKS_MAX = 32,
    ENVELOPE_WORD_MAX = 96, /* of an identity or a recipient, with its NUL */
    ENVELOPE_PASSPHRASE_MIN = 12,
    ENVELOPE_PASSPHRASE_MAX = 4096,
};

/* What Argon2id takes; {0}: three operations over 256 MiB. */
struct envelope_cost {
    uint64_t operations, memory;
};

/* Who is to open it. */
struct envelope_locks {
    const char *const *recipients;
    size_t recipients_n;
    struct slice passphrase; /* n 0: none */
    struct envelope_cost cost;
};

/* With what it is to be opened. */
struct envelope_means {
    struct slice
        identities; /* words, parted by line ends or blanks, comments behind #; n 0: none */
    struct slice passphrase;
};

/* A new identity and its recipient. */
int envelope_identity(char identity[static ENVELOPE_WORD_MAX],
                      char recipient[static ENVELOPE_WORD_MAX]);

/* The array of locks.  ERR_INVALID appends a sentence to why: a recipient that is none, a
 * passphrase that is too short or long, no lock at all; ERR_NOMEM: Argon2id had no memory. */
int envelope_lock(struct json_writer *w, const unsigned char key[static ENVELOPE_KEY],
                  const struct envelope_locks *locks, struct buf *why);

/* The key.  ERR_MALFORMED: these are no locks; ERR_FOREIGN: none of them opens with these means,
 * and the sentence says which there are; ERR_UNSUPPORTED: one wants more than 1 GiB or 64
 * operations. */
int envelope_open(const struct jval *locks, const struct envelope_means *means,
                  unsigned char ret_key[static ENVELOPE_KEY], struct buf *why);

/* Are these words identities, all of them, and one at least?  ERR_INVALID with a sentence that
 * repeats nothing of them. */
int envelope_check_identities(struct slice words, struct buf *why);

#endif
