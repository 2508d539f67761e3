#include "crypto/cipher.h"

#include "base/err.h"

#include <sodium.h>
#include <stdlib.h>

#define MAGIC "DPLSTRM1"
enum { MAGIC_BYTES = 8, NAME_MAX_BYTES = 1024 };

_Static_assert(CIPHER_HEAD == MAGIC_BYTES + crypto_secretstream_xchacha20poly1305_HEADERBYTES,
               "the head is the magic and the header");
_Static_assert(CIPHER_CHUNK_MORE == crypto_secretstream_xchacha20poly1305_ABYTES, "as libsodium");
_Static_assert(CIPHER_KEY == crypto_secretstream_xchacha20poly1305_KEYBYTES, "as libsodium");

struct cipher {
    crypto_secretstream_xchacha20poly1305_state state;
    cipher_sink *sink;
    void *arg;
    bool writes, head, final;
    size_t n; /* bytes in `in` */
    size_t name_n;
    unsigned char name[NAME_MAX_BYTES];
    unsigned char key[CIPHER_KEY]; /* of a reader, until the head has come */
    unsigned char in[CIPHER_CHUNK + CIPHER_CHUNK_MORE];
    unsigned char out[CIPHER_CHUNK + CIPHER_CHUNK_MORE];
};

static struct cipher *cipher_new(struct slice name, cipher_sink *sink, void *arg, bool writes)
{
    if (name.n > NAME_MAX_BYTES || sodium_init() < 0)
        return NULL;
    struct cipher *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->sink = sink;
    s->arg = arg;
    s->writes = writes;
    s->name_n = name.n;
    if (name.n)
        memcpy(s->name, name.p, name.n);
    return s;
}

struct cipher *cipher_writer_new(const unsigned char key[static CIPHER_KEY], struct slice name,
                                 cipher_sink *sink, void *arg)
{
    struct cipher *s = cipher_new(name, sink, arg, true);
    if (!s)
        return NULL;
    memcpy(s->out, MAGIC, MAGIC_BYTES);
    crypto_secretstream_xchacha20poly1305_init_push(&s->state, s->out + MAGIC_BYTES, key);
    return s;
}

struct cipher *cipher_reader_new(const unsigned char key[static CIPHER_KEY], struct slice name,
                                 cipher_sink *sink, void *arg)
{
    struct cipher *s = cipher_new(name, sink, arg, false);
    if (s)
        memcpy(s->key, key, CIPHER_KEY);
    return s;
}

void cipher_free(struct cipher *s)
{
    if (!s)
        return;
    sodium_memzero(s, sizeof *s);
    free(s);
}

/* The head leaves with the first chunk, so that making a writer cannot fail by its sink. */
static int write_chunk(struct cipher *s, bool final)
{
    int err = s->head ? 0 : s->sink(s->arg, s->out, CIPHER_HEAD);
    s->head = true;
    if (err)
        return err;
    unsigned char tag = final ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                              : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
    unsigned long long n = 0;
    crypto_secretstream_xchacha20poly1305_push(&s->state, s->out, &n, s->in, s->n, s->name,
                                               s->name_n, tag);
    s->n = 0;
    return s->sink(s->arg, s->out, (size_t)n);
}

static int read_head(struct cipher *s)
{
    if (memcmp(s->in, MAGIC, MAGIC_BYTES) != 0 || crypto_secretstream_xchacha20poly1305_init_pull(
                                                      &s->state, s->in + MAGIC_BYTES, s->key) != 0)
        return ERR_CORRUPT;
    sodium_memzero(s->key, sizeof s->key);
    s->head = true;
    s->n = 0;
    return 0;
}

static int read_chunk(struct cipher *s)
{
    unsigned long long n = 0;
    unsigned char tag = 0;
    if (s->n < CIPHER_CHUNK_MORE ||
        crypto_secretstream_xchacha20poly1305_pull(&s->state, s->out, &n, &tag, s->in, s->n,
                                                   s->name, s->name_n) != 0)
        return ERR_CORRUPT;
    s->final = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    if (!s->final && (tag != crypto_secretstream_xchacha20poly1305_TAG_MESSAGE ||
                      n != CIPHER_CHUNK)) /* only the last is shorter */
        return ERR_CORRUPT;
    s->n = 0;
    return n ? s->sink(s->arg, s->out, (size_t)n) : 0;
}

/* What `in` has to hold before something is done with it. */
static size_t full(const struct cipher *s)
{
    return s->writes ? CIPHER_CHUNK : s->head ? CIPHER_CHUNK + CIPHER_CHUNK_MORE : CIPHER_HEAD;
}

int cipher_feed(struct cipher *s, const void *p, size_t n)
{
    const unsigned char *from = p;
    while (n > 0) {
        if (s->final)
            return ERR_CORRUPT; /* something behind the end */
        /* a writer lets a full chunk wait for more: the last one has another tag */
        int err = s->n < full(s) ? 0 : s->writes ? write_chunk(s, false) : read_chunk(s);
        if (err)
            return err;
        size_t room = full(s) - s->n, part = n < room ? n : room;
        memcpy(s->in + s->n, from, part);
        s->n += part;
        from += part;
        n -= part;
        if (!s->writes && s->n == full(s) && (err = s->head ? read_chunk(s) : read_head(s)))
            return err;
    }
    return 0;
}

int cipher_end(struct cipher *s)
{
    if (s->writes)
        return write_chunk(s, true);
    if (!s->head)
        return ERR_CORRUPT;
    int err = s->final ? 0 : read_chunk(s);
    return err ? err : s->final ? 0 : ERR_CORRUPT;
}

uint64_t cipher_sealed_bytes(uint64_t text)
{
    uint64_t chunks = text ? (text + CIPHER_CHUNK - 1) / CIPHER_CHUNK : 1;
    return CIPHER_HEAD + text + chunks * CIPHER_CHUNK_MORE;
}
