/* passkeys.h - signing in with a passkey (crypto/webauthn.h), which is both factors at once: what
 * one has, and a PIN, a finger or a face that the authenticator has asked for.
 *
 * Passkeys are discoverable: the authenticator knows whose they are, so nobody is asked for an
 * e-mail address, and nobody learns whose exist.  Each challenge stands for one answer, right or
 * wrong, within five minutes, from the browser that was asked: it is bound to a cookie, or to the
 * session of who adds one.
 *
 * A person's record has "passkeys": [{"id": the beginning of the SHA-256 of the credential's id, as
 * it is called in addresses, "credential", "key": base64url, "signCount", "backedUp", "name",
 * "created", "used"}].
 *
 * The loop's thread. */
#ifndef ACCESS_PASSKEYS_H
#define ACCESS_PASSKEYS_H

#include "access/people.h"
#include "crypto/webauthn.h"

enum { PASSKEYS_OF_PERSON = 20, PASSKEY_ID = 16 };

/* Of a request's Host, "doppel.example:8443".  A domain, or p NULL when the host is an address:
 * passkeys belong to names. */
struct slice passkey_domain(struct slice host);

/* A challenge, as the members of an open object.  whom: the cookie's value, or the session's id.
 * ERR_UNSUPPORTED: the host is an address.  ERR_REAUTHENTICATE: to add one. */
int passkey_ask(struct access *a, struct slice whom, struct slice host, struct json_writer *w);
int passkey_ask_new(struct access *a, const struct principal *who, struct slice host,
                    struct json_writer *w);

/* Changes; arg: */
struct passkey_shown {
    struct slice whom, host;
    const struct jval *json; /* of the browser, toJSON() of a PublicKeyCredential */
    struct slice name;       /* passkey_add() */
    struct slice browser;    /* passkey_sign_in(): what its cookie says */
    /* what came of it */
    struct session_plan session;
    char new_browser[BROWSER_SECRET + 1];
    char id[PASSKEY_ID + 1];
};
int passkey_sign_in(struct change *ch);
int passkey_confirm(struct change *ch);
int passkey_add(struct change *ch);

struct passkey_named {
    struct slice id, name;
};
int passkey_rename(struct change *ch);
int passkey_remove(struct change *ch);

#endif
