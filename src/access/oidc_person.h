/* oidc_person.h - whom an identity provider has named: a person here, what they are a member of,
 * and a session.
 *
 * An identity is an issuer and a subject; both stand in the person's record, so that a provider
 * that is set up anew under an old name inherits nobody.  Who has none yet is found by the e-mail
 * address alone that both sides have verified; who is not found is made when the provider may make
 * people or somebody has invited that address.
 *
 * Memberships that come of the provider (its groups, its default role) are marked as such, follow
 * it at each sign-in, and never touch one that somebody here has given.
 *
 * The loop's thread; nothing blocks. */
#ifndef ACCESS_OIDC_PERSON_H
#define ACCESS_OIDC_PERSON_H

#include "access/change.h"
#include "access/oidc.h"
#include "crypto/key_ring.h"

struct oidc_arrived {
    enum oidc_fault fault;
    int err;             /* 0 and a fault: it was refused; ERR_*: it could not be kept */
    const char *detail;  /* a sentence */
    const char *session; /* the secret of the new one; "": none, the identity was linked */
};
typedef void oidc_arrived_fn(void *arg, const struct oidc_arrived *r);

/* out is of an oidc_callback() that was good, and is copied.  keys: the ID token is sealed under
 * them into the session; NULL: it is not kept. */
void oidc_arrive(struct access *a, struct oidc *o, const struct key_ring *keys,
                 const struct oidc_outcome *out, struct principal *who, const struct origin *from,
                 oidc_arrived_fn *fn, void *arg);

/* End the sessions that the provider means, of an oidc_backchannel() that was good. */
void oidc_end_sessions(struct access *a, const struct oidc_identity *who, const struct origin *from,
                       oidc_arrived_fn *fn, void *arg);

/* A change: one identity less of who asks, who needs another way to sign in.  arg: struct
 * oidc_unlinking. */
struct oidc_unlinking {
    struct slice id;
};
int oidc_unlink(struct change *ch);

/* What an identity of a person goes by where it is listed; it tells nothing of it. */
enum { OIDC_IDENTITY_ID = 16 };
void oidc_identity_id(const struct jval *identity, char ret[static OIDC_IDENTITY_ID + 1]);

/* By which provider did a session come, and with which ID token?  provider NULL: by none.  The
 * token is appended to id_token, when it can be opened. */
void oidc_session_origin(const struct session *s, const struct key_ring *keys,
                         struct slice *ret_provider, struct buf *id_token);

#endif
