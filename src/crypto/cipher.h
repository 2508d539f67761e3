/* cipher.h - files of any length, encrypted piece by piece: backups, assets.
 *
 *   0   8  "DPLSTRM1"
 *   8  24  header of libsodium's secretstream (XChaCha20-Poly1305)
 *  32      chunks: 65,536 bytes each and 17 more; the last may be shorter, has at least 17 bytes,
 *          and the tag FINAL
 *
 * A chunk that was changed, left out, repeated or moved does not open, nor does the rest behind it;
 * an end before the last chunk, and anything behind it, are noticed.  The name that a stream is
 * given is authenticated with every chunk: one that is put in the place of another under the same
 * key does not open.
 *
 * Bytes go in in pieces of any size and come out at a sink; a reader gives text as it is known to
 * be genuine and in its place, and only cipher_end() says that all of it was there.  A writer or
 * reader belongs to one thread at a time; nothing blocks but what the sink does. */
#ifndef CRYPTO_CIPHER_H
#define CRYPTO_CIPHER_H

#include "base/slice.h"

enum { CIPHER_KEY = 32, CIPHER_CHUNK = 65536, CIPHER_HEAD = 32, CIPHER_CHUNK_MORE = 17 };

/* Takes n bytes (some, at most CIPHER_CHUNK + 17); an answer that is not 0 ends everything. */
typedef int cipher_sink(void *arg, const void *p, size_t n);

struct cipher; /* opaque: a writer or a reader */

/* NULL: out of memory.  The name is copied; at most 1,024 bytes. */
struct cipher *cipher_writer_new(const unsigned char key[static CIPHER_KEY], struct slice name,
                                 cipher_sink *sink, void *arg);
struct cipher *cipher_reader_new(const unsigned char key[static CIPHER_KEY], struct slice name,
                                 cipher_sink *sink, void *arg);
void cipher_free(struct cipher *s);

/* Text into a writer, or encrypted bytes into a reader.  ERR_CORRUPT: they are not what was
 * written under this key and name; else what the sink said.  After a failure nothing more may be
 * fed. */
int cipher_feed(struct cipher *s, const void *p, size_t n);
/* That was all: a writer closes, a reader says whether it was whole. */
int cipher_end(struct cipher *s);

/* How many bytes so much text becomes. */
uint64_t cipher_sealed_bytes(uint64_t text);

#endif
