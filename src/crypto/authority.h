/* authority.h - a certificate that issues others (RFC 5280), with an ECDSA key over P-256.
 *
 * Makes keys, certificates and lists of the revoked, in PEM; keeps nothing: files and what was
 * issued are the caller's (ca.h, server/own_cert.c).  Needs chance and the clock; one thread an
 * authority; nothing blocks, but a passphrase costs half a second. */
#ifndef CRYPTO_AUTHORITY_H
#define CRYPTO_AUTHORITY_H

#include "base/buf.h"

struct authority; /* opaque */

enum { CERT_SERIAL_TEXT = 33, CERT_FINGERPRINT_TEXT = 65 };

struct authority_opts {
    const char *common_name, *organization; /* organization may be NULL */
    int64_t until_us;
    /* What it may issue for, in OpenSSL's notation ("permitted;DNS:lan,permitted;IP:..."): whoever
     * trusts it trusts it for these names alone.  NULL: for anything. */
    const char *constraints;
};

int authority_new(const struct authority_opts *opts, struct authority **ret);
/* From PEM.  ERR_INVALID: they do not fit each other, or cannot issue; ERR_FOREIGN: the passphrase
 * (n 0: none) is not that of the key.  *ret_why has a sentence (static). */
int authority_read(struct slice cert, struct slice key, struct slice passphrase,
                   struct authority **ret, const char **ret_why);
void authority_free(struct authority *a); /* NULL allowed; the key is wiped */

int authority_cert(const struct authority *a, struct buf *out);
/* PKCS#8, under a passphrase when there is one (PBES2: PBKDF2 with 600,000 rounds, AES-256). */
int authority_key(const struct authority *a, struct slice passphrase, struct buf *out);
int64_t authority_until_us(const struct authority *a);
int authority_fingerprint(const struct authority *a, char ret[static CERT_FINGERPRINT_TEXT]);

enum cert_use { CERT_SERVER, CERT_CLIENT };
enum cert_name_kind { CERT_DNS, CERT_IP, CERT_URI };

struct cert_name {
    enum cert_name_kind kind;
    const char *text;
};

struct cert_order {
    enum cert_use use;
    const char *common_name, *organization; /* organization may be NULL */
    const struct cert_name *names;          /* subjectAltName */
    size_t names_n;
    int64_t until_us;     /* not beyond the authority's own end */
    struct slice request; /* PKCS#10 in PEM, whose key is taken and nothing else; n 0: a new key */
};

struct cert_issued {
    struct buf cert, key;                    /* PEM; the key is empty when there was a request */
    char serial[CERT_SERIAL_TEXT];           /* 128 random bits, as net.h tells them */
    char fingerprint[CERT_FINGERPRINT_TEXT]; /* SHA-256, the same */
    int64_t from_us, until_us;
};

/* ERR_INVALID: the request, or a name in the order; ERR_FOREIGN: the authority is constrained to
 * other names.  *ret_why says what is wrong (static). */
int authority_issue(const struct authority *a, const struct cert_order *order,
                    struct cert_issued *ret, const char **ret_why);
/* Is the name one of those that it is constrained to? */
bool authority_permits(const struct authority *a, const struct cert_name *name);
void cert_issued_release(struct cert_issued *i); /* the key is wiped */

/* RFC 5280 section 5.3.1; the numbers are its own. */
#define CERT_REASON_TABLE(X)                                                                       \
    X(CERT_UNSPECIFIED, 0, "unspecified")                                                          \
    X(CERT_KEY_COMPROMISE, 1, "key-compromise")                                                    \
    X(CERT_AFFILIATION_CHANGED, 3, "affiliation-changed")                                          \
    X(CERT_SUPERSEDED, 4, "superseded")                                                            \
    X(CERT_CESSATION, 5, "cessation-of-operation")                                                 \
    X(CERT_WITHDRAWN, 9, "privilege-withdrawn")
enum cert_reason {
#define X(name, number, text) name = number,
    CERT_REASON_TABLE(X)
#undef X
};
const char *cert_reason_text(enum cert_reason reason);
int cert_reason_parse(struct slice text, enum cert_reason *ret); /* ERR_INVALID */

struct cert_revoked {
    const char *serial;
    int64_t at_us;
    enum cert_reason reason;
};

/* The list of the revoked, in PEM; number rises with each. */
int authority_crl(const struct authority *a, const struct cert_revoked *list, size_t n,
                  uint64_t number, int64_t until_us, struct buf *out);

#endif
