#include "crypto/authority.h"

#include "base/clock.h"
#include "base/err.h"
#include "crypto/key_ring.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

enum { SERIAL_BYTES = 16, PBKDF2_ROUNDS = 600000, SALT_BYTES = 16, RSA_MIN = 2048, RSA_MAX = 8192 };
#define SKEW_US INT64_C(3600000000) /* whose clock is a little behind must accept it, too */

struct authority {
    EVP_PKEY *key;
    X509 *cert;
};

/* ---- text ---- */

/* A PEM writer's output, behind what is in out. */
static int take_pem(BIO *b, bool written, struct buf *out)
{
    char *p = NULL;
    long n = BIO_get_mem_data(b, &p);
    if (written && n > 0)
        buf_add(out, p, (size_t)n);
    BIO_free(b);
    ERR_clear_error();
    return !written || n <= 0 || out->failed ? ERR_NOMEM : 0;
}

static BIO *secret_bio(void)
{
    return BIO_new(BIO_s_secmem()); /* is wiped when it is freed */
}

static int cert_pem(X509 *cert, struct buf *out)
{
    BIO *b = BIO_new(BIO_s_mem());
    return b ? take_pem(b, PEM_write_bio_X509(b, cert) == 1, out) : ERR_NOMEM;
}

static bool write_encrypted(BIO *b, EVP_PKEY *key, struct slice passphrase)
{
    unsigned char salt[SALT_BYTES];
    PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
    X509_ALGOR *how = NULL;
    X509_SIG *sealed = NULL;
    bool ok = plain && RAND_bytes(salt, sizeof salt) == 1 &&
              (how = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), PBKDF2_ROUNDS, salt, sizeof salt, NULL,
                                       NID_hmacWithSHA256)) &&
              (sealed = PKCS8_set0_pbe(passphrase.p, (int)passphrase.n, plain, how));
    if (sealed)
        how = NULL; /* it is the other's now */
    ok = ok && PEM_write_bio_PKCS8(b, sealed) == 1;
    X509_SIG_free(sealed);
    X509_ALGOR_free(how);
    PKCS8_PRIV_KEY_INFO_free(plain);
    return ok;
}

static int key_pem(EVP_PKEY *key, struct slice passphrase, struct buf *out)
{
    BIO *b = secret_bio();
    if (!b)
        return ERR_NOMEM;
    bool ok = passphrase.n ? write_encrypted(b, key, passphrase)
                           : PEM_write_bio_PKCS8PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) == 1;
    return take_pem(b, ok, out);
}

static void hex(const unsigned char *bytes, size_t n, char *ret)
{
    for (size_t i = 0; i < n; i++)
        snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

static int64_t time_us(const ASN1_TIME *t)
{
    struct tm tm;
    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) * 1000000 : INT64_MAX;
}

/* ---- parts of a certificate ---- */

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static bool set_serial(X509 *cert)
{
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool ok = number && !BN_is_zero(number) &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return ok;
}

static bool add_to_name(X509_NAME *name, int nid, const char *text)
{
    return !text || !*text ||
           X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, (const unsigned char *)text, -1, -1,
                                      0) == 1;
}

static bool set_times(X509 *cert, int64_t from_us, int64_t until_us)
{
    return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(from_us / 1000000)) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(until_us / 1000000));
}

static X509 *begin(EVP_PKEY *key, const char *common_name, const char *organization)
{
    X509 *cert = X509_new();
    X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;
    if (cert && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
        X509_set_pubkey(cert, key) == 1 && add_to_name(name, NID_organizationName, organization) &&
        add_to_name(name, NID_commonName, common_name))
        return cert;
    X509_free(cert);
    return NULL;
}

/* ---- the authority ---- */

int authority_new(const struct authority_opts *o, struct authority **ret)
{
    struct authority *a = calloc(1, sizeof *a);
    if (!a)
        return ERR_NOMEM;
    a->key = EVP_EC_gen("P-256");
    a->cert = a->key ? begin(a->key, o->common_name, o->organization) : NULL;
    X509 *c = a->cert;
    bool ok = c && set_times(c, clock_now_us() - SKEW_US, o->until_us) &&
              X509_set_issuer_name(c, X509_get_subject_name(c)) == 1 &&
              add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
              add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign") &&
              add_extension(c, c, NID_subject_key_identifier, "hash") &&
              (!o->constraints || add_extension(c, c, NID_name_constraints, o->constraints)) &&
              X509_sign(c, a->key, EVP_sha256()) > 0;
    ERR_clear_error();
    if (!ok) {
        authority_free(a);
        return ERR_NOMEM;
    }
    *ret = a;
    return 0;
}

static int give_passphrase(char *buf, int size, int writing, void *arg)
{
    const struct slice *passphrase = arg;
    (void)writing;
    if (!passphrase->n || passphrase->n > (size_t)size)
        return -1;
    memcpy(buf, passphrase->p, passphrase->n);
    return (int)passphrase->n;
}

static BIO *reader(struct slice s)
{
    return BIO_new_mem_buf(s.p ? s.p : "", (int)s.n);
}

int authority_read(struct slice cert, struct slice key, struct slice passphrase,
                   struct authority **ret, const char **ret_why)
{
    struct authority *a = calloc(1, sizeof *a);
    BIO *in = reader(cert), *key_in = reader(key);
    int rc = ERR_NOMEM;
    *ret_why = "out of memory";
    if (!a || !in || !key_in)
        goto done;
    rc = ERR_INVALID;
    *ret_why = "there is no certificate in it that may issue others";
    a->cert = PEM_read_bio_X509(in, NULL, give_passphrase, &(struct slice){0});
    if (!a->cert || X509_check_ca(a->cert) != 1)
        goto done;
    a->key = PEM_read_bio_PrivateKey(key_in, NULL, give_passphrase, &passphrase);
    if (!a->key) {
        bool sealed = key.p && memmem(key.p, key.n, "ENCRYPTED", 9) != NULL;
        rc = sealed ? ERR_FOREIGN : ERR_INVALID;
        *ret_why = !sealed        ? "there is no private key in it"
                   : passphrase.n ? "the passphrase is not that of the key"
                                  : "the key is under a passphrase";
        goto done;
    }
    *ret_why = "key and certificate do not belong to each other";
    if (X509_check_private_key(a->cert, a->key) != 1)
        goto done;
    *ret = a;
    a = NULL;
    rc = 0;
done:
    ERR_clear_error();
    BIO_free(in);
    BIO_free(key_in);
    authority_free(a);
    return rc;
}

void authority_free(struct authority *a)
{
    if (!a)
        return;
    EVP_PKEY_free(a->key);
    X509_free(a->cert);
    free(a);
}

int authority_cert(const struct authority *a, struct buf *out)
{
    return cert_pem(a->cert, out);
}

int authority_key(const struct authority *a, struct slice passphrase, struct buf *out)
{
    return key_pem(a->key, passphrase, out);
}

int64_t authority_until_us(const struct authority *a)
{
    return time_us(X509_get0_notAfter(a->cert));
}

/* ---- issuing ---- */

static GENERAL_NAME *name_of(const struct cert_name *n)
{
    static const int kinds[] = {[CERT_DNS] = GEN_DNS, [CERT_IP] = GEN_IPADD, [CERT_URI] = GEN_URI};
    for (const char *p = n->text; *p; p++) /* an IA5String, and nothing that could be misread */
        if (*p <= ' ' || *p > '~')
            return NULL;
    return a2i_GENERAL_NAME(NULL, NULL, NULL, kinds[n->kind], n->text, 0);
}

static bool add_names(X509 *cert, const struct cert_order *o)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    bool ok = names != NULL;
    for (size_t i = 0; i < o->names_n && ok; i++) {
        GENERAL_NAME *name = name_of(&o->names[i]);
        ok = name && sk_GENERAL_NAME_push(names, name) > 0;
        if (!ok)
            GENERAL_NAME_free(name);
    }
    ok = ok && (!o->names_n ||
                X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND) == 1);
    GENERAL_NAMES_free(names);
    return ok;
}

static bool key_is_strong(EVP_PKEY *key)
{
    char group[64] = "";
    int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_is_a(key, "RSA"))
        return bits >= RSA_MIN && bits <= RSA_MAX;
    if (EVP_PKEY_is_a(key, "EC"))
        return EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
               (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0);
    return EVP_PKEY_is_a(key, "ED25519");
}

/* The key of a request whose signature shows that the sender has its other half. */
static EVP_PKEY *key_of_request(struct slice pem, const char **ret_why)
{
    BIO *in = reader(pem);
    X509_REQ *request =
        in ? PEM_read_bio_X509_REQ(in, NULL, give_passphrase, &(struct slice){0}) : NULL;
    EVP_PKEY *key = request ? X509_REQ_get_pubkey(request) : NULL;
    *ret_why =
        !request                             ? "it is no certificate request (PKCS#10 in PEM)"
        : !key                               ? "its key is of no kind that is known"
        : X509_REQ_verify(request, key) != 1 ? "its signature is not right"
        : !key_is_strong(key)
            ? "its key must be ECDSA over P-256 or P-384, Ed25519, or RSA of 2048 bits at least"
            : NULL;
    if (*ret_why) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    X509_REQ_free(request);
    BIO_free(in);
    return key;
}

/* Of a certificate that is signed: OpenSSL reads its extensions then, and not before. */
static bool may_issue(const struct authority *a, X509 *c)
{
    NAME_CONSTRAINTS *only = X509_get_ext_d2i(a->cert, NID_name_constraints, NULL, NULL);
    bool ok = !only ||
              (X509_check_purpose(c, -1, 0) == 1 && NAME_CONSTRAINTS_check(c, only) == X509_V_OK);
    NAME_CONSTRAINTS_free(only);
    return ok;
}

bool authority_permits(const struct authority *a, const struct cert_name *name)
{
    X509 *c = begin(a->key, NULL, NULL);
    const struct cert_order o = {.names = name, .names_n = 1};
    bool ok = c && add_names(c, &o) && X509_sign(c, a->key, EVP_sha256()) > 0 && may_issue(a, c);
    X509_free(c);
    ERR_clear_error();
    return ok;
}

static bool fill(const struct authority *a, const struct cert_order *o, X509 *c)
{
    static const char *const uses[] = {[CERT_SERVER] = "serverAuth", [CERT_CLIENT] = "clientAuth"};
    int64_t end = authority_until_us(a);
    return set_times(c, clock_now_us() - SKEW_US, o->until_us < end ? o->until_us : end) &&
           X509_set_issuer_name(c, X509_get_subject_name(a->cert)) == 1 &&
           add_extension(c, a->cert, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(c, a->cert, NID_key_usage, "critical,digitalSignature") &&
           add_extension(c, a->cert, NID_ext_key_usage, uses[o->use]) &&
           add_extension(c, a->cert, NID_subject_key_identifier, "hash") &&
           add_extension(c, a->cert, NID_authority_key_identifier, "keyid:always") &&
           X509_sign(c, a->key, EVP_sha256()) > 0;
}

static int fingerprint(X509 *c, char ret[static CERT_FINGERPRINT_TEXT])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (X509_digest(c, EVP_sha256(), hash, &n) != 1 || n * 2 >= CERT_FINGERPRINT_TEXT)
        return ERR_NOMEM;
    hex(hash, n, ret);
    return 0;
}

int authority_fingerprint(const struct authority *a, char ret[static CERT_FINGERPRINT_TEXT])
{
    return fingerprint(a->cert, ret);
}

static int describe(X509 *c, struct cert_issued *i)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(c);
    if (fingerprint(c, i->fingerprint) != 0 || cert_pem(c, &i->cert) != 0)
        return ERR_NOMEM;
    hex(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial), i->serial);
    i->from_us = time_us(X509_get0_notBefore(c));
    i->until_us = time_us(X509_get0_notAfter(c));
    return 0;
}

int authority_issue(const struct authority *a, const struct cert_order *o, struct cert_issued *ret,
                    const char **ret_why)
{
    struct cert_issued made = {0};
    X509 *c = NULL;
    int rc = ERR_INVALID;
    EVP_PKEY *key = o->request.n ? key_of_request(o->request, ret_why) : EVP_EC_gen("P-256");
    if (!key && o->request.n)
        goto fail;
    rc = ERR_NOMEM;
    *ret_why = "out of memory";
    if (!key || !(c = begin(key, o->common_name, o->organization)))
        goto fail;
    if (!add_names(c, o)) {
        rc = ERR_INVALID;
        *ret_why = "one of the names cannot stand in a certificate";
        goto fail;
    }
    if (!fill(a, o, c))
        goto fail;
    if (!may_issue(a, c)) {
        rc = ERR_FOREIGN;
        *ret_why = "the authority may not issue for one of the names";
        goto fail;
    }
    if (describe(c, &made) != 0 ||
        (!o->request.n && key_pem(key, slice_of(NULL, 0), &made.key) != 0))
        goto fail;
    *ret = made;
    made = (struct cert_issued){0};
    rc = 0;
fail:
    ERR_clear_error();
    cert_issued_release(&made);
    X509_free(c);
    EVP_PKEY_free(key);
    return rc;
}

void cert_issued_release(struct cert_issued *i)
{
    secret_release(&i->key);
    buf_release(&i->cert);
}

/* ---- the revoked ---- */

static const struct {
    enum cert_reason reason;
    const char *text;
} reasons[] = {
#define X(name, number, text) {name, text},
    CERT_REASON_TABLE(X)
#undef X
};

enum { REASONS = sizeof reasons / sizeof reasons[0] };

const char *cert_reason_text(enum cert_reason reason)
{
    for (size_t i = 0; i < REASONS; i++)
        if (reasons[i].reason == reason)
            return reasons[i].text;
    return reasons[0].text;
}

int cert_reason_parse(struct slice text, enum cert_reason *ret)
{
    for (size_t i = 0; i < REASONS; i++) {
        if (slice_is(text, reasons[i].text)) {
            *ret = reasons[i].reason;
            return 0;
        }
    }
    return ERR_INVALID;
}

static X509_REVOKED *entry_of(const struct cert_revoked *r)
{
    X509_REVOKED *e = X509_REVOKED_new();
    BIGNUM *number = NULL;
    ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)(r->at_us / 1000000));
    ASN1_INTEGER *serial = BN_hex2bn(&number, r->serial) ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
    bool ok = e && at && serial && reason && X509_REVOKED_set_serialNumber(e, serial) == 1 &&
              X509_REVOKED_set_revocationDate(e, at) == 1 &&
              ASN1_ENUMERATED_set(reason, (long)r->reason) == 1 &&
              (r->reason == CERT_UNSPECIFIED || /* section 5.3.1: then it is left out */
               X509_REVOKED_add1_ext_i2d(e, NID_crl_reason, reason, 0, 0) == 1);
    BN_free(number);
    ASN1_TIME_free(at);
    ASN1_INTEGER_free(serial);
    ASN1_ENUMERATED_free(reason);
    if (ok)
        return e;
    X509_REVOKED_free(e);
    return NULL;
}

static bool add_crl_extensions(const struct authority *a, X509_CRL *crl, uint64_t number)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, a->cert, NULL, NULL, crl, 0);
    X509_EXTENSION *key =
        X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    ASN1_INTEGER *n = ASN1_INTEGER_new();
    bool ok = key && n && X509_CRL_add_ext(crl, key, -1) == 1 &&
              ASN1_INTEGER_set_uint64(n, number) == 1 &&
              X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, 0) == 1;
    X509_EXTENSION_free(key);
    ASN1_INTEGER_free(n);
    return ok;
}

int authority_crl(const struct authority *a, const struct cert_revoked *list, size_t n,
                  uint64_t number, int64_t until_us, struct buf *out)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, (time_t)(clock_now_us() / 1000000));
    ASN1_TIME *next = ASN1_TIME_set(NULL, (time_t)(until_us / 1000000));
    bool ok = crl && now && next && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
              X509_CRL_set_issuer_name(crl, X509_get_subject_name(a->cert)) == 1 &&
              X509_CRL_set1_lastUpdate(crl, now) == 1 && X509_CRL_set1_nextUpdate(crl, next) == 1;
    for (size_t i = 0; i < n && ok; i++) {
        X509_REVOKED *entry = entry_of(&list[i]);
        ok = entry && X509_CRL_add0_revoked(crl, entry) == 1;
        if (!ok)
            X509_REVOKED_free(entry);
    }
    ok = ok && X509_CRL_sort(crl) == 1 && add_crl_extensions(a, crl, number) &&
         X509_CRL_sign(crl, a->key, EVP_sha256()) > 0;
    BIO *b = ok ? BIO_new(BIO_s_mem()) : NULL;
    int rc = b ? take_pem(b, PEM_write_bio_X509_CRL(b, crl) == 1, out) : ERR_NOMEM;
    ERR_clear_error();
    X509_CRL_free(crl);
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
    return rc;
}
