/* webauthn.h - passkeys: the relying party's side of Web Authentication (W3C, levels 2 and 3).
 *
 * A registration gives a credential, which the caller keeps for the person; an assertion shows
 * that whoever asks has it.  Each answers a challenge: random bytes that the caller made, keeps
 * for some minutes, and takes back the first time they are answered, right or wrong.
 *
 * Browsers' JSON has the bytes as base64url (ENCODE_BASE64URL):
 *
 *     {"id", "rawId", "type": "public-key",
 *      "response": {"clientDataJSON", "attestationObject"}                     registration
 *                  {"clientDataJSON", "authenticatorData", "signature", "userHandle"?}   assertion
 *
 * Ask for `"attestation": "none"`, and for the algorithms below in `pubKeyCredParams`.  Which maker
 * an authenticator is from is no business of ours: statements of attestation must be well-formed
 * and are not looked at.  Extensions neither.  We do not live in frames: `crossOrigin` is refused.
 *
 * Pure and thread-safe; nothing blocks, a signature takes 0.1 ms.  Nothing is allocated that
 * stays: slices of results point into what was given.  On failure *ret_why is a sentence for
 * people, which lives for good:
 *
 *     ERR_MALFORMED  the bytes cannot be read
 *     ERR_FOREIGN    it was made on another site: wrong origin or relying party
 *     ERR_INVALID    anything else that does not fit: challenge, flags, key, signature, counter
 *     ERR_NOMEM */
#ifndef CRYPTO_WEBAUTHN_H
#define CRYPTO_WEBAUTHN_H

#include "base/slice.h"

enum {
    WEBAUTHN_CHALLENGE_BYTES = 32,
    WEBAUTHN_ID_BYTES_MAX = 1023,
    WEBAUTHN_HANDLE_BYTES_MAX = 64,
    WEBAUTHN_CLIENT_DATA_MAX = 8 * 1024,
    WEBAUTHN_ATTESTATION_MAX = 64 * 1024,
    WEBAUTHN_AUTHENTICATOR_DATA_MAX = 4 * 1024, /* of an assertion */
    WEBAUTHN_SIGNATURE_MAX = 1024,
};

/* COSE algorithms that are taken, best first: -8 EdDSA, -7 ES256, -257 RS256; 0 past the end. */
int webauthn_algorithm(size_t index);

struct webauthn_party {
    struct slice id;             /* a domain: "doppel.example.org", "localhost"; never an address */
    const struct slice *origins; /* as browsers write them: "https://doppel.example.org:8443" */
    size_t origins_n;
    bool verify_user; /* the authenticator must have asked for a PIN, a finger, a face: wanted
                       * where a passkey stands for a password, `"userVerification": "required"` */
};

/* What is to be kept of a passkey.  The id is unique; who registers one that exists already is
 * to be refused by the caller. */
struct webauthn_credential {
    struct slice id;
    struct slice key;    /* as COSE */
    struct slice handle; /* of the person it is for, as `user.id` said when it was made;
                          * registration leaves it empty, and empty it is not compared */
    uint32_t sign_count;
    bool backup_eligible; /* it may be on several devices */
    bool backed_up;       /* it is */
    bool user_verified;
    unsigned char aaguid[16]; /* of the authenticator's model, unverified; often zeroes */
};

struct webauthn_registration {
    struct slice id; /* rawId */
    struct slice client_data;
    struct slice attestation;
};

struct webauthn_assertion {
    struct slice id; /* rawId, by which the caller finds the credential */
    struct slice client_data;
    struct slice authenticator_data;
    struct slice signature;
    struct slice handle; /* userHandle; empty when there was none */
};

int webauthn_register(const struct webauthn_party *party, struct slice challenge,
                      const struct webauthn_registration *made, struct webauthn_credential *ret,
                      const char **ret_why);

/* On success sign_count, backed_up and user_verified of *credential are as the assertion tells,
 * and to be kept.  A counter that does not grow is refused: somebody has a copy of the key. */
int webauthn_assert(const struct webauthn_party *party, struct slice challenge,
                    const struct webauthn_assertion *shown, struct webauthn_credential *credential,
                    const char **ret_why);

#endif
