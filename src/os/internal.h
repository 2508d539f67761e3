/* internal.h - what the files of this room share. */
#ifndef OS_INTERNAL_H
#define OS_INTERNAL_H

#include "base/buf.h"
#include "os/loop.h"
#include "os/net.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

struct loop_task {
    loop_fn *fn;
    void *arg;
    struct loop_task *next;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;        /* something was posted, or stop was asked for */
    uv_prepare_t turn_end;  /* runs the hooks, just before the loop would sleep */
    uv_idle_t again;        /* active while hooks wait for the next turn: the loop must not sleep */
    struct loop_hook hooks; /* head of the ring of armed ones */
    pthread_mutex_t lock;   /* posted_* */
    pthread_mutex_t gate;   /* loop_enter(): held while the loop is awake */
    bool awake;             /* the loop's thread alone */
    _Atomic(unsigned) waiting, entered; /* at the gate; ever */
    struct loop_task *posted_first, **posted_end;
    atomic_bool stop;

    /* net.c keeps what all connections of this loop share in here.  stop() closes the handles,
     * free() comes when the loop is through with them. */
    void *net;
    void (*net_stop)(void *net);
    void (*net_free)(void *net);
};

/* The first thing in every function that libuv calls: the loop is awake, and the gate shut. */
static inline void loop_wake(struct loop *l)
{
    if (!l->awake) {
        pthread_mutex_lock(&l->gate);
        l->awake = true;
    }
}

/* ---- tls.c: one TLS session between two buffers, without a socket ---- */

struct tls; /* opaque */

/* What the session sends is appended to *cipher, which outlives it.  ERR_NOMEM. */
int tls_new(struct net_tls *t, struct buf *cipher, struct tls **ret);
void tls_free(struct tls *s);

/* From here on the session reads these bytes; they stay the caller's.  tls_rest() is what it has
 * not read yet. */
void tls_input(struct tls *s, struct slice cipher);
struct slice tls_rest(const struct tls *s);
bool tls_pending(const struct tls *s); /* decrypted bytes wait inside */

int tls_handshake(struct tls *s); /* 0 when done; ERR_AGAIN: needs more input; ERR_IO */
/* Plain bytes: how many, 0 at the peer's end, ERR_AGAIN when the input is used up, ERR_IO. */
ptrdiff_t tls_read(struct tls *s, char *p, size_t n);
int tls_write(struct tls *s, const char *p, size_t n);
void tls_say_bye(struct tls *s); /* close_notify */
struct slice tls_alpn(const struct tls *s);

/* The certificate that the peer has shown, which was verified; NULL: none.  ERR_NOMEM. */
int tls_peer_cert(const struct tls *s, struct net_cert **ret);
const char *tls_peer_refused(const struct tls *s); /* why it was not taken; NULL: it was */
bool tls_is_of(const struct tls *s, const struct net_tls *t);
bool tls_peer_trusted(const struct tls *s); /* would it be taken now, too? */

struct net_tls *net_tls_ref(struct net_tls *t);

/* ---- address.c ---- */

/* "HOST:PORT" to a socket address; names are looked up (blocks).  ERR_INVALID with a reason. */
int address_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len,
                  const char **ret_why);
enum { ADDRESS_TEXT = 64 };
void address_format(const struct sockaddr *a, char text[static ADDRESS_TEXT]);

#endif
