/* tls_context.c - what the TLS sessions of a listener share: files, options, and how they are
 * replaced while the server runs.
 *
 * Only TLS 1.2 and 1.3 with ephemeral key exchange and authenticated encryption are spoken;
 * renegotiation, compression and early data are off.
 *
 * A reload builds a whole new SSL_CTX and puts it in the place of the old one only when everything
 * in it is right.  Sessions count references to the SSL_CTX they began with, so connections go on
 * as they are, and the old key goes with the last of them.
 *
 * Tickets.  Sessions are resumed by tickets alone (nothing is cached), under keys that live in this
 * process and are drawn anew every TICKET_KEY_US, and by a reload: whoever steals the memory of the
 * server can read the recorded past of half a day at most.  Where certificates of clients are asked
 * for there are no tickets: a resumed session is not verified again, so a certificate that was
 * revoked meanwhile would be good for two more hours. */
#include "base/clock.h"
#include "base/err.h"
#include "os/tls_internal.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define TICKET_KEY_US INT64_C(43200000000) /* twelve hours */

enum { VERIFY_DEPTH = 4, TICKET_KEYS = 80, SECURITY_LEVEL = 2 };

static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                              "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                              "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static char groups[] = "X25519:P-256:P-384"; /* OpenSSL's macros want these two writable */
static char signatures[] =
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:"
    "RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512";

/* "the key file: reason", for the operator; valid until the next call of the same thread. */
static const char *reason(const char *what, const char *file, const char *otherwise)
{
    static _Thread_local char text[512];
    const char *detail = ERR_reason_error_string(ERR_peek_last_error());
    snprintf(text, sizeof text, "%s %.300s: %s", what, file, detail ? detail : otherwise);
    ERR_clear_error();
    return text;
}

/* ---- options ---- */

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

static bool read_alpn(struct net_tls *t, const char *names)
{
    struct slice rest = slice_str(names), name;
    while (slice_cut(&rest, ',', &name)) {
        if (!name.n || name.n > 255 || t->alpn_len + 1 + name.n > TLS_ALPN_MAX)
            return false;
        t->alpn[t->alpn_len++] = (unsigned char)name.n;
        memcpy(t->alpn + t->alpn_len, name.p, name.n);
        t->alpn_len += (unsigned)name.n;
    }
    return true;
}

/* A key under a passphrase: nobody is there to be asked. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)arg;
    return -1;
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
    SSL_CTX_set_security_level(ctx, SECURITY_LEVEL); /* whatever the system's file says */
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    static const unsigned char id[] = "doppel";
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, ciphers) == 1 &&
           SSL_CTX_set1_groups_list(ctx, groups) == 1 &&
           SSL_CTX_set1_sigalgs_list(ctx, signatures) == 1 &&
           SSL_CTX_set1_client_sigalgs_list(ctx, signatures) == 1 &&
           SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1) == 1;
}

/* ---- files ---- */

static bool load_own(SSL_CTX *ctx, char *const files[TLS_FILES], const char **ret_why)
{
    if (SSL_CTX_use_certificate_chain_file(ctx, files[TLS_CERT]) != 1)
        *ret_why = reason("the certificate", files[TLS_CERT], "it cannot be read");
    else if (SSL_CTX_use_PrivateKey_file(ctx, files[TLS_KEY], SSL_FILETYPE_PEM) != 1)
        *ret_why = reason("the key", files[TLS_KEY], "it cannot be read");
    else if (SSL_CTX_check_private_key(ctx) != 1)
        *ret_why = reason("the key", files[TLS_KEY], "it is not that of the certificate");
    else
        return true;
    return false;
}

/* The lists of the revoked: one for each authority that issues, one behind the other. */
static bool load_revoked(SSL_CTX *ctx, const char *file, const char **ret_why)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    BIO *in = BIO_new_file(file, "r");
    X509_CRL *crl = NULL;
    size_t n = 0;
    bool ok = true;
    while (in && ok && (crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL))) {
        ok = X509_STORE_add_crl(store, crl) == 1;
        X509_CRL_free(crl);
        n++;
    }
    bool at_end = in && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    BIO_free(in);
    if (ok && n && at_end) {
        ERR_clear_error();
        return X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) == 1;
    }
    *ret_why = reason("the list of revoked certificates", file, "there is none in it");
    return false;
}

static bool load_client_ca(SSL_CTX *ctx, const struct net_tls *t, const char **ret_why)
{
    const char *file = t->files[TLS_CLIENT_CA], *crl = t->files[TLS_CLIENT_CRL];
    if (!file)
        return true;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(file);
    if (!names || SSL_CTX_load_verify_file(ctx, file) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        *ret_why = reason("the authority of clients", file, "there is no certificate in it");
        return false;
    }
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify_depth(ctx, VERIFY_DEPTH);
    SSL_CTX_set_verify(
        ctx, SSL_VERIFY_PEER | (t->cert_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ctx, 0);
    return !crl || load_revoked(ctx, crl, ret_why);
}

static int build(const struct net_tls *t, SSL_CTX **ret, const char **ret_why)
{
    ERR_clear_error();
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx || !set_options(ctx)) {
        *ret_why = "out of memory";
        SSL_CTX_free(ctx);
        return ERR_NOMEM;
    }
    if (t->alpn_len)
        SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, (void *)(uintptr_t)t);
    if (!load_own(ctx, t->files, ret_why) || !load_client_ca(ctx, t, ret_why)) {
        SSL_CTX_free(ctx);
        ERR_clear_error();
        return ERR_INVALID;
    }
    *ret = ctx;
    return 0;
}

/* ---- life ---- */

static bool copy_names(struct net_tls *t, const struct net_tls_opts *o)
{
    const char *const names[TLS_FILES] = {[TLS_CERT] = o->cert_file,
                                          [TLS_KEY] = o->key_file,
                                          [TLS_CLIENT_CA] = o->client_ca_file,
                                          [TLS_CLIENT_CRL] = o->client_crl_file};
    for (size_t i = 0; i < TLS_FILES; i++) {
        if (names[i] && !(t->files[i] = strdup(names[i])))
            return false;
    }
    return true;
}

int net_tls_new(const struct net_tls_opts *opts, struct net_tls **ret, const char **ret_why)
{
    struct net_tls *t = calloc(1, sizeof *t);
    int rc = ERR_NOMEM;
    *ret_why = "out of memory";
    if (!t)
        return rc;
    t->refs = 1;
    t->tickets_us = clock_mono_us();
    t->cert_required = opts->client_cert_required;
    if (!copy_names(t, opts))
        goto fail;
    rc = ERR_INVALID;
    *ret_why = "the list of ALPN names is not usable";
    if (opts->alpn && !read_alpn(t, opts->alpn))
        goto fail;
    if ((rc = build(t, &t->ctx, ret_why)))
        goto fail;
    *ret = t;
    return 0;
fail:
    net_tls_unref(t);
    return rc;
}

struct net_tls_fresh {
    SSL_CTX *ctx;
};

int net_tls_read(const struct net_tls *t, struct net_tls_fresh **ret, const char **ret_why)
{
    struct net_tls_fresh *f = calloc(1, sizeof *f);
    *ret_why = "out of memory";
    int rc = f ? build(t, &f->ctx, ret_why) : ERR_NOMEM;
    if (!rc && X509_cmp_current_time(X509_get0_notAfter(SSL_CTX_get0_certificate(f->ctx))) < 0) {
        *ret_why = reason("the certificate", t->files[TLS_CERT], "it has expired");
        rc = ERR_INVALID;
    }
    if (rc)
        net_tls_fresh_free(f);
    else
        *ret = f;
    return rc;
}

void net_tls_use(struct net_tls *t, struct net_tls_fresh *fresh)
{
    SSL_CTX *old = t->ctx;
    t->ctx = fresh->ctx;
    t->tickets_us = clock_mono_us();
    fresh->ctx = old;
    net_tls_fresh_free(fresh);
}

void net_tls_fresh_free(struct net_tls_fresh *fresh)
{
    if (!fresh)
        return;
    SSL_CTX_free(fresh->ctx);
    free(fresh);
}

int net_tls_reload(struct net_tls *t, const char **ret_why)
{
    struct net_tls_fresh *fresh;
    int rc = net_tls_read(t, &fresh, ret_why);
    if (!rc)
        net_tls_use(t, fresh);
    return rc;
}

int64_t net_tls_expires_us(const struct net_tls *t)
{
    struct tm tm;
    const X509 *own = SSL_CTX_get0_certificate(t->ctx);
    if (!own || ASN1_TIME_to_tm(X509_get0_notAfter(own), &tm) != 1)
        return INT64_MAX;
    return (int64_t)timegm(&tm) * 1000000;
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
    for (size_t i = 0; i < TLS_FILES; i++)
        free(t->files[i]);
    free(t);
}

static void draw_ticket_keys(struct net_tls *t)
{
    unsigned char keys[TICKET_KEYS];
    int64_t now = clock_mono_us();
    if (now - t->tickets_us < TICKET_KEY_US || RAND_bytes(keys, sizeof keys) != 1)
        return;
    SSL_CTX_set_tlsext_ticket_keys(t->ctx, keys, sizeof keys);
    OPENSSL_cleanse(keys, sizeof keys);
    t->tickets_us = now;
}

SSL *context_session(struct net_tls *t)
{
    draw_ticket_keys(t);
    return SSL_new(t->ctx);
}
