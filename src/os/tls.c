/* tls.c - TLS by OpenSSL, between buffers.
 *
 * OpenSSL reads and writes through a BIO of our own: it takes its input straight out of the bytes
 * that just came from the socket and appends its output to the connection's buffer, so an idle
 * session holds no buffers at all (SSL_MODE_RELEASE_BUFFERS gives back OpenSSL's own).
 *
 * Only TLS 1.2 and 1.3 with ephemeral key exchange and authenticated encryption are spoken;
 * renegotiation and compression are off.  Sessions are resumed by tickets, whose keys OpenSSL
 * draws for each start of the program. */
#include "base/err.h"
#include "base/log.h"
#include "os/internal.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                              "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                              "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

enum { ALPN_MAX = 128 };

struct net_tls {
    int refs;
    SSL_CTX *ctx;
    unsigned char alpn[ALPN_MAX]; /* each name behind its length, in order of preference */
    unsigned alpn_len;
};

struct tls {
    SSL *ssl;
    struct slice in; /* not read yet */
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

/* ---- the context ---- */

/* The peer's names are searched for ours, so that our order decides. */
static int choose_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
                       const unsigned char *theirs, unsigned theirs_len, void *arg)
{
    const struct net_tls *t = arg;
    (void)ssl;
    for (unsigned i = 0; i < t->alpn_len; i += 1u + t->alpn[i]) {
        for (unsigned j = 0; j < theirs_len && j + theirs[j] < theirs_len; j += 1u + theirs[j]) {
            if (theirs[j] == t->alpn[i] &&
                memcmp(theirs + j + 1, t->alpn + i + 1, t->alpn[i]) == 0) {
                *ret = theirs + j + 1;
                *ret_len = theirs[j];
                return SSL_TLSEXT_ERR_OK;
            }
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301: no_application_protocol */
}

static bool set_alpn(struct net_tls *t, const char *names)
{
    struct slice rest = slice_str(names), name;
    while (slice_cut(&rest, ',', &name)) {
        if (!name.n || name.n > 255 || t->alpn_len + 1 + name.n > ALPN_MAX)
            return false;
        t->alpn[t->alpn_len++] = (unsigned char)name.n;
        memcpy(t->alpn + t->alpn_len, name.p, name.n);
        t->alpn_len += (unsigned)name.n;
    }
    SSL_CTX_set_alpn_select_cb(t->ctx, choose_alpn, t);
    return true;
}

/* "the key file: reason", for the operator; valid until the next call of the same thread. */
static const char *reason(const char *what)
{
    static _Thread_local char text[256];
    const char *detail = ERR_reason_error_string(ERR_peek_last_error());
    snprintf(text, sizeof text, "%s: %s", what, detail ? detail : "it cannot be read");
    ERR_clear_error();
    return text;
}

static bool set_options(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                 SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_read_ahead(ctx, 0);
    static const unsigned char id[] = "doppel";
    char groups[] = "X25519:P-256:P-384"; /* OpenSSL's macro wants it writable */
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, ciphers) == 1 &&
           SSL_CTX_set1_groups_list(ctx, groups) == 1 &&
           SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1) == 1;
}

int net_tls_new(const char *cert_file, const char *key_file, const char *alpn, struct net_tls **ret,
                const char **ret_why)
{
    struct net_tls *t = calloc(1, sizeof *t);
    int rc = ERR_NOMEM;
    *ret_why = "out of memory";
    if (!t)
        return rc;
    t->refs = 1;
    ERR_clear_error();
    t->ctx = SSL_CTX_new(TLS_server_method());
    if (!t->ctx || !set_options(t->ctx))
        goto fail;
    rc = ERR_INVALID;
    *ret_why = "the list of ALPN names is not usable";
    if (alpn && !set_alpn(t, alpn))
        goto fail;
    if (SSL_CTX_use_certificate_chain_file(t->ctx, cert_file) != 1) {
        *ret_why = reason("the certificate");
        goto fail;
    }
    if (SSL_CTX_use_PrivateKey_file(t->ctx, key_file, SSL_FILETYPE_PEM) != 1) {
        *ret_why = reason("the key");
        goto fail;
    }
    if (SSL_CTX_check_private_key(t->ctx) != 1) {
        *ret_why = reason("certificate and key");
        goto fail;
    }
    *ret = t;
    return 0;
fail:
    ERR_clear_error();
    net_tls_unref(t);
    return rc;
}

struct net_tls *net_tls_ref(struct net_tls *t)
{
    t->refs++;
    return t;
}

void net_tls_unref(struct net_tls *t)
{
    if (!t || --t->refs)
        return;
    SSL_CTX_free(t->ctx);
    free(t);
}

/* ---- a session ---- */

int tls_new(struct net_tls *t, struct buf *cipher, struct tls **ret)
{
    pthread_once(&method_once, make_method);
    struct tls *s = calloc(1, sizeof *s);
    BIO *bio = method ? BIO_new(method) : NULL;
    if (!s || !bio || !(s->ssl = SSL_new(t->ctx))) {
        BIO_free(bio);
        free(s);
        return ERR_NOMEM;
    }
    s->out = cipher;
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
