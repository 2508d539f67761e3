/* tls_peer.c - the certificate of the other side: whom it names, and whether it still counts. */
#include "base/err.h"
#include "os/tls_internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

static const char twin_urn[] = "urn:doppel:twin:";

static void hex(const unsigned char *bytes, size_t n, char *ret)
{
    for (size_t i = 0; i < n; i++)
        snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

static bool copy(char *to, size_t size, struct slice text)
{
    if (text.n >= size)
        return false;
    memcpy(to, text.p, text.n);
    to[text.n] = 0;
    return true;
}

/* "urn:doppel:twin:ORG:TWIN".  A twin's id may have colons in it, an organisation's has none. */
static bool read_urn(struct slice uri, struct net_cert *c)
{
    struct slice twin, org;
    if (!slice_starts(uri, twin_urn))
        return false;
    twin = slice_skip(uri, sizeof twin_urn - 1);
    return slice_cut(&twin, ':', &org) && slice_is_id(org) && slice_is_id(twin) &&
           copy(c->org, sizeof c->org, org) && copy(c->twin, sizeof c->twin, twin);
}

/* A certificate that names several twins, or one in a way that cannot be read, names none. */
static void read_twin(const X509 *x, struct net_cert *c)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    size_t found = 0;
    bool ok = true;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI)
            continue;
        const ASN1_IA5STRING *text = name->d.uniformResourceIdentifier;
        struct slice uri =
            slice_of((const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
        if (!slice_starts(uri, "urn:doppel:"))
            continue;
        found++;
        ok = ok && read_urn(uri, c);
    }
    GENERAL_NAMES_free(names);
    if (found != 1 || !ok)
        c->org[0] = c->twin[0] = 0;
}

static bool read_subject(const X509 *x, struct net_cert *c)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool ok = out && X509_NAME_print_ex(out, X509_get_subject_name(x), 0, XN_FLAG_RFC2253) >= 0;
    long n = ok ? BIO_get_mem_data(out, &text) : 0;
    size_t kept = n > 0 ? (size_t)n : 0;
    if (kept >= sizeof c->subject)
        kept = sizeof c->subject - 1;
    if (kept)
        memcpy(c->subject, text, kept);
    c->subject[kept] = 0;
    BIO_free(out);
    return ok;
}

static bool read_numbers(const X509 *x, struct net_cert *c)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    size_t serial_n = (size_t)ASN1_STRING_length(serial);
    struct tm end;
    if (X509_digest(x, EVP_sha256(), hash, &n) != 1 || n * 2 >= sizeof c->fingerprint ||
        serial_n * 2 >= sizeof c->serial || ASN1_TIME_to_tm(X509_get0_notAfter(x), &end) != 1)
        return false;
    hex(hash, n, c->fingerprint);
    hex(ASN1_STRING_get0_data(serial), serial_n, c->serial);
    c->expires_us = (int64_t)timegm(&end) * 1000000;
    return true;
}

int peer_read(SSL *ssl, struct net_cert **ret)
{
    const X509 *x = SSL_get0_peer_certificate(ssl);
    *ret = NULL;
    if (!x || SSL_get_verify_result(ssl) != X509_V_OK)
        return 0;
    struct net_cert *c = calloc(1, sizeof *c);
    if (!c || !read_subject(x, c) || !read_numbers(x, c)) {
        ERR_clear_error();
        free(c);
        return ERR_NOMEM; /* or something that the verification would not have let pass */
    }
    read_twin(x, c);
    *ret = c;
    return 0;
}

/* ---- does it still count? ---- */

static bool is_anchor(X509_STORE *store, X509 *x)
{
    bool found = false;
    X509_STORE_lock(store);
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects) && !found; i++) {
        const X509 *other = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        found = other && X509_cmp(other, x) == 0;
    }
    X509_STORE_unlock(store);
    return found;
}

static bool is_revoked(X509_STORE *store, X509 *x)
{
    bool found = false;
    X509_STORE_lock(store);
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects) && !found; i++) {
        X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        X509_REVOKED *entry;
        found = crl && X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(x)) == 0 &&
                X509_CRL_get0_by_cert(crl, &entry, x) == 1;
    }
    X509_STORE_unlock(store);
    return found;
}

bool peer_trusted(SSL *ssl, SSL_CTX *now)
{
    X509_STORE *store = SSL_CTX_get_cert_store(now);
    X509 *x = SSL_get0_peer_certificate(ssl);
    if (!x)
        return true;
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
    int n = sk_X509_num(chain);
    return n > 0 && X509_cmp_current_time(X509_get0_notAfter(x)) > 0 &&
           is_anchor(store, sk_X509_value(chain, n - 1)) && !is_revoked(store, x);
}
