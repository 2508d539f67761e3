/* own_cert.h - a certificate for those who have none: for this machine, by an authority of the data
 * directory's own.
 *
 *   DATA/tls/ca.pem, ca-key.pem   the authority: whoever trusts ca.pem once trusts what follows
 *   DATA/tls/cert.pem, key.pem    what the server shows
 *
 * The authority is constrained to this machine's names, to names and addresses of private networks
 * and to what was named: who gets hold of its key cannot be anybody's bank.  Blocks. */
#ifndef SERVER_OWN_CERT_H
#define SERVER_OWN_CERT_H

#include "base/buf.h"

struct own_cert_opts {
    const char *const *names; /* host names and addresses beside those of this machine */
    size_t names_n;
    bool force;         /* also when there is one */
    bool new_authority; /* and by a new authority, which everybody has to trust anew */
};

struct own_cert {
    char *cert, *key, *ca; /* paths */
    struct buf names;      /* what it is good for, each with a NUL behind */
    int64_t until_us;
    char ca_fingerprint[65];
    bool ca_is_new;
};

/* Each appends a sentence to why when it fails.  ERR_EXISTS: there is one, and no force. */
int own_cert_make(const char *data, const struct own_cert_opts *opts, struct own_cert *ret,
                  struct buf *why);

/* Make one when there is none; make it anew when it expires within a month or this machine has got
 * a name or an address that it lacks.  *ret_changed tells. */
int own_cert_keep(const char *data, bool *ret_changed, struct buf *why);

bool own_cert_is_there(const char *data); /* whatever it is worth */

void own_cert_release(struct own_cert *c);

#endif
