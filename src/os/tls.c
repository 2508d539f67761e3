/* tls.c - TLS by OpenSSL, between buffers.
 *
 * OpenSSL reads and writes through a BIO of our own: it takes its input straight out of the bytes
 * that just came from the socket and appends its output to the connection's buffer, so an idle
 * session holds no buffers at all (SSL_MODE_RELEASE_BUFFERS gives back OpenSSL's own).
 */
#include "base/err.h"
#include "base/log.h"
#include "os/tls_internal.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdlib.h>

struct tls {
    SSL *ssl;
    struct net_tls *shared; /* counted */
    struct slice in;        /* not read yet */
    struct buf *out;
};

/* ---- the BIO ---- */

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static int bio_write(BIO *b, const char *p, size_t n, size_t *ret_n)
{
    struct tls *s = BIO_get_data(b);
    buf_add(s->out, p, n);
    *ret_n = n;
    return !s->out->failed;
}

static int bio_read(BIO *b, char *p, size_t n, size_t *ret_n)
{
    struct tls *s = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (!s->in.n) {
        BIO_set_retry_read(b);
        return 0;
    }
    if (n > s->in.n)
        n = s->in.n;
    memcpy(p, s->in.p, n);
    s->in = slice_skip(s->in, n);
    *ret_n = n;
    return 1;
}

static long bio_ctrl(BIO *b, int command, long number, void *pointer)
{
    (void)b;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static void make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "doppel buffers");
    if (!method)
        return;
    BIO_meth_set_write_ex(method, bio_write);
    BIO_meth_set_read_ex(method, bio_read);
    BIO_meth_set_ctrl(method, bio_ctrl);
}

/* ---- a session ---- */

int tls_new(struct net_tls *t, struct buf *cipher, struct tls **ret)
{
    pthread_once(&method_once, make_method);
    struct tls *s = calloc(1, sizeof *s);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (!s || !bio || !(s->ssl = context_session(t))) {
        BIO_free(bio);
        free(s);
        return ERR_NOMEM;
    }
    s->out = cipher;
    s->shared = net_tls_ref(t);
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio);
    SSL_set_accept_state(s->ssl);
    *ret = s;
    return 0;
}

void tls_free(struct tls *s)
{
    if (!s)
        return;
    SSL_free(s->ssl);
    net_tls_unref(s->shared);
    free(s);
}

void tls_input(struct tls *s, struct slice cipher)
{
    s->in = cipher;
}

struct slice tls_rest(const struct tls *s)
{
    return s->in;
}

bool tls_pending(const struct tls *s)
{
    return SSL_pending(s->ssl) > 0;
}

/* What OpenSSL's refusal means to us; a peer's mistakes are nothing for the operator's log. */
static int refused(struct tls *s, int rc, const char *doing)
{
    int error = SSL_get_error(s->ssl, rc);
    if (error == SSL_ERROR_WANT_READ)
        return ERR_AGAIN;
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    const char *detail = ERR_reason_error_string(ERR_peek_last_error());
    log_debug("tls", "%s: %s", doing, detail ? detail : "failed");
    ERR_clear_error();
    return ERR_IO;
}

int tls_handshake(struct tls *s)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(s->ssl);
    if (rc == 1)
        return 0;
    rc = refused(s, rc, "handshake");
    return rc ? rc : ERR_IO;
}

ptrdiff_t tls_read(struct tls *s, char *p, size_t n)
{
    ERR_clear_error();
    int rc = SSL_read(s->ssl, p, n > INT_MAX ? INT_MAX : (int)n);
    return rc > 0 ? rc : refused(s, rc, "reading");
}

int tls_write(struct tls *s, const char *p, size_t n)
{
    ERR_clear_error();
    while (n) {
        size_t done = 0;
        int rc = SSL_write_ex(s->ssl, p, n, &done);
        if (rc != 1) {
            refused(s, rc, "writing");
            return ERR_IO;
        }
        p += done;
        n -= done;
    }
    return 0;
}

void tls_say_bye(struct tls *s)
{
    ERR_clear_error();
    if (SSL_is_init_finished(s->ssl))
        SSL_shutdown(s->ssl);
    ERR_clear_error();
}

struct slice tls_alpn(const struct tls *s)
{
    const unsigned char *name = NULL;
    unsigned n = 0;
    SSL_get0_alpn_selected(s->ssl, &name, &n);
    return slice_of((const char *)name, n);
}

int tls_peer_cert(const struct tls *s, struct net_cert **ret)
{
    return peer_read(s->ssl, ret);
}

bool tls_is_of(const struct tls *s, const struct net_tls *t)
{
    return s->shared == t;
}

bool tls_peer_trusted(const struct tls *s)
{
    return peer_trusted(s->ssl, s->shared->ctx);
}

const char *tls_peer_refused(const struct tls *s)
{
    long result = SSL_get_verify_result(s->ssl);
    return result == X509_V_OK ? NULL : X509_verify_cert_error_string(result);
}
