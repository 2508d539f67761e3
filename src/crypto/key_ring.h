/* key_ring.h - the keys under which secrets are sealed: the newest seals, every one opens.
 *
 * A key is 32 random bytes and goes about as one word,
 *
 *   doppel-key-v1:2026-11-28T03:00:00Z:AAAA...      (when it was made; base64url without padding)
 *
 * so that it can stand in a file, in the environment and in a password manager, and be found by who
 * looks for secrets that leaked.  A file has a key a line, the newest last, and comments behind #.
 * Its id, 12 hexadecimal digits, is derived from its bytes and so cannot be a wrong one; keys for
 * each use are derived as well (BLAKE2b, keyed), so that no two uses share one.
 *
 * The ring lies in memory of its own that is locked, kept out of core dumps, fenced by pages that
 * cannot be touched, and cleared when it is freed.  After it was filled it only changes by the
 * calls below; those who hold it constant may use it from any thread.  Reading and saving block. */
#ifndef CRYPTO_KEY_RING_H
#define CRYPTO_KEY_RING_H

#include "base/buf.h"

enum { KEY_BYTES = 32, KEY_ID_TEXT = 12, KEY_RING_MAX = 64 };

struct key_ring; /* opaque */

struct key_about {
    char id[KEY_ID_TEXT + 1];
    int64_t made_us;
};

struct key_ring *key_ring_new(void); /* without a key; NULL: out of memory */
void key_ring_free(struct key_ring *r);

/* A new random key, which seals from now on.  ERR_TOO_LARGE: there are KEY_RING_MAX already. */
int key_ring_make(struct key_ring *r, int64_t now_us);

/* Take keys from text, in this order behind those that are there; one that is there already moves
 * to the end.  Words may be parted by blanks, commas and line ends.  ERR_MALFORMED and
 * ERR_TOO_LARGE append a sentence to why, which repeats nothing of the text; the ring then may have
 * some of it. */
int key_ring_read(struct key_ring *r, struct slice text, struct buf *why);

/* The same from a file.  ERR_NOT_FOUND: there is none (nothing is said).  ERR_FOREIGN: others may
 * read it.  ERR_IO. */
int key_ring_load(struct key_ring *r, const char *path, struct buf *why);

/* Write all keys, so that the file is there whole or as it was: mode 0600, the owner that it had or
 * that of the directory.  ERR_IO, ERR_STORAGE and ERR_NOMEM append a sentence. */
int key_ring_save(const struct key_ring *r, const char *path, struct buf *why);

/* The words themselves, secrets, a line each; to be wiped with secret_release(). */
void key_ring_write(const struct key_ring *r, struct buf *out);

bool key_ring_remove(struct key_ring *r, const char *id); /* false: there is no such key */

size_t key_ring_count(const struct key_ring *r);
/* From the oldest (0) to the one that seals (count - 1); false past the end. */
bool key_ring_at(const struct key_ring *r, size_t i, struct key_about *ret);
bool key_ring_has(const struct key_ring *r, struct slice id);

/* For seal.c: the 32 bytes that seal under this id; id p NULL is the newest.  NULL: no such key. */
const unsigned char *key_ring_sealing(const struct key_ring *r, struct slice id);

/* Clear a buffer that held a secret, then free it. */
void secret_release(struct buf *b);

#endif
