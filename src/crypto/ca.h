/* ca.h - a small certificate authority for devices, kept in a directory.
 *
 *   ca.pem      its certificate: what a server is given as --client-ca
 *   ca-key.pem  its key, mode 0600, under a passphrase when there is one
 *   index       what was issued and revoked, a line each (ca.c tells the form)
 *   crl.pem     the list of the revoked: what a server is given as --client-crl
 *
 * A device's certificate names its twin as the URI urn:doppel:twin:ORG:TWIN.  Whoever has opened
 * the directory with its key has it alone; others wait.  Everything blocks. */
#ifndef CRYPTO_CA_H
#define CRYPTO_CA_H

#include "crypto/authority.h"

struct ca; /* opaque */

enum { CA_ORG_TEXT = 65, CA_TWIN_TEXT = 129 };

struct ca_entry {
    char serial[CERT_SERIAL_TEXT], fingerprint[CERT_FINGERPRINT_TEXT];
    char org[CA_ORG_TEXT], twin[CA_TWIN_TEXT];
    int64_t from_us, until_us;
    int64_t revoked_us; /* 0: it is not */
    enum cert_reason reason;
};

/* Make an authority in a directory, which is made when missing, with an empty list of the revoked.
 * Each of these appends a sentence to why when it fails.  ERR_EXISTS: there is one. */
int ca_make(const char *dir, const struct authority_opts *opts, struct slice passphrase,
            struct buf *why);

/* ERR_NOT_FOUND: there is none; ERR_FOREIGN: the passphrase (n 0: none) is not that of the key, or
 * others can read the key; ERR_CORRUPT: the index. */
int ca_open(const char *dir, struct slice passphrase, struct ca **ret, struct buf *why);
int ca_look(const char *dir, struct ca **ret, struct buf *why); /* without the key: to see only */
void ca_close(struct ca *c);                                    /* NULL allowed */

size_t ca_count(const struct ca *c);
const struct ca_entry *ca_at(const struct ca *c, size_t i); /* in the order of issue */

struct ca_order {
    const char *org, *twin;
    int64_t until_us;
    struct slice request; /* PKCS#10 in PEM; n 0: a new key is made */
};

/* The certificate stands in the index before it is given away.  ERR_INVALID: the ids, or the
 * request. */
int ca_issue(struct ca *c, const struct ca_order *order, struct cert_issued *ret, struct buf *why);

/* One certificate by its serial number.  It stands in the index and in crl.pem then.
 * ERR_NOT_FOUND: none was issued under it; ERR_EXISTS: it is revoked already. */
int ca_revoke(struct ca *c, struct slice serial, enum cert_reason reason, struct buf *why);

/* Write crl.pem anew, good until then. */
int ca_list_revoked(struct ca *c, int64_t until_us, struct buf *why);

int64_t ca_until_us(const struct ca *c); /* when its own certificate expires */

/* For the fuzz target: an index of these bytes; ERR_CORRUPT with the line in why. */
int ca_read_index(struct slice text, struct ca **ret, struct buf *why);

#endif
