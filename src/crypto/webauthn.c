/* webauthn.c - the two ceremonies: sections 7.1 and 7.2 of the recommendation, whose steps are in
 * their order where nothing depends on it. */
#include "crypto/webauthn.h"

#include "base/err.h"
#include "crypto/pubkey.h"
#include "crypto/webauthn_internal.h"

#include <openssl/evp.h>

/* What both have in common of the authenticator data. */
static int check_data(const struct webauthn_party *party, const struct webauthn_data *d,
                      const char **ret_why)
{
    unsigned char hash[SHA256_BYTES];
    digest_sha256(party->id, hash);
    if (!digest_equal(d->party_hash, slice_of((char *)hash, sizeof hash)))
        return webauthn_fail(ret_why, ERR_FOREIGN, "The passkey is one of another site.");
    if (!(d->flags & WEBAUTHN_USER_PRESENT))
        return webauthn_fail(ret_why, ERR_INVALID, "The passkey was used with nobody present.");
    if (party->verify_user && !(d->flags & WEBAUTHN_USER_VERIFIED))
        return webauthn_fail(ret_why, ERR_INVALID,
                             "The passkey did not verify who used it; set a PIN for it, or use "
                             "another.");
    if (d->flags & WEBAUTHN_BACKED_UP && !(d->flags & WEBAUTHN_BACKUP_ELIGIBLE))
        return webauthn_fail(ret_why, ERR_INVALID,
                             "The passkey says that it is backed up and that it cannot be.");
    return 0;
}

static int check_key(struct slice cose, const char **ret_why)
{
    struct webauthn_key key;
    int err = webauthn_read_key(cose, &key, ret_why);
    if (!err)
        EVP_PKEY_free(key.key);
    return err;
}

int webauthn_register(const struct webauthn_party *party, struct slice challenge,
                      const struct webauthn_registration *made, struct webauthn_credential *ret,
                      const char **ret_why)
{
    struct slice bytes;
    struct webauthn_data d;
    *ret_why = "The server is out of memory.";
    int err =
        webauthn_check_client(party, challenge, "webauthn.create", made->client_data, ret_why);
    if (!err)
        err = webauthn_read_attestation(made->attestation, &bytes, ret_why);
    if (!err)
        err = webauthn_read_data(bytes, &d, ret_why);
    if (!err)
        err = check_data(party, &d, ret_why);
    if (!err && !(d.flags & WEBAUTHN_CREDENTIAL))
        err = webauthn_fail(ret_why, ERR_INVALID, "There is no new passkey in the answer.");
    if (!err && !slice_eq(d.id, made->id))
        err = webauthn_fail(ret_why, ERR_INVALID, "The answer names another passkey than it has.");
    if (!err)
        err = check_key(d.key, ret_why);
    if (err)
        return err;
    *ret = (struct webauthn_credential){.id = d.id,
                                        .key = d.key,
                                        .sign_count = d.sign_count,
                                        .backup_eligible = d.flags & WEBAUTHN_BACKUP_ELIGIBLE,
                                        .backed_up = d.flags & WEBAUTHN_BACKED_UP,
                                        .user_verified = d.flags & WEBAUTHN_USER_VERIFIED};
    memcpy(ret->aaguid, d.aaguid.p, sizeof ret->aaguid);
    return 0;
}

/* The key signs the authenticator data and the SHA-256 of the client data behind it. */
static int check_signature(const struct webauthn_assertion *shown, struct slice cose,
                           const char **ret_why)
{
    unsigned char text[WEBAUTHN_AUTHENTICATOR_DATA_MAX + SHA256_BYTES];
    struct slice data = shown->authenticator_data; /* no longer than that, as was seen */
    struct webauthn_key key;
    int err = webauthn_read_key(cose, &key, ret_why);
    if (err)
        return err;
    memcpy(text, data.p, data.n);
    digest_sha256(shown->client_data, text + data.n);
    err = pubkey_verify(key.key, key.digest, slice_of((char *)text, data.n + SHA256_BYTES),
                        shown->signature);
    EVP_PKEY_free(key.key);
    if (err == ERR_INVALID)
        *ret_why = "The passkey's signature is wrong.";
    return err;
}

static int check_against_kept(const struct webauthn_data *d, const struct webauthn_assertion *shown,
                              const struct webauthn_credential *kept, const char **ret_why)
{
    if (d->flags & WEBAUTHN_CREDENTIAL)
        return webauthn_fail(ret_why, ERR_INVALID,
                             "The passkey's answer has another passkey in it.");
    if (!slice_eq(shown->id, kept->id))
        return webauthn_fail(ret_why, ERR_INVALID, "The answer is that of another passkey.");
    if (shown->handle.n && kept->handle.n && !digest_equal(shown->handle, kept->handle))
        return webauthn_fail(ret_why, ERR_INVALID, "The passkey is that of another person.");
    if (!(d->flags & WEBAUTHN_BACKUP_ELIGIBLE) != !kept->backup_eligible)
        return webauthn_fail(ret_why, ERR_INVALID,
                             "The passkey says otherwise than before whether it can be backed up.");
    return 0;
}

int webauthn_assert(const struct webauthn_party *party, struct slice challenge,
                    const struct webauthn_assertion *shown, struct webauthn_credential *credential,
                    const char **ret_why)
{
    struct webauthn_data d;
    *ret_why = "The server is out of memory.";
    if (shown->authenticator_data.n > WEBAUTHN_AUTHENTICATOR_DATA_MAX ||
        shown->signature.n > WEBAUTHN_SIGNATURE_MAX)
        return webauthn_fail(ret_why, ERR_MALFORMED, "The passkey's answer is too long.");
    int err = webauthn_check_client(party, challenge, "webauthn.get", shown->client_data, ret_why);
    if (!err)
        err = webauthn_read_data(shown->authenticator_data, &d, ret_why);
    if (!err)
        err = check_data(party, &d, ret_why);
    if (!err)
        err = check_against_kept(&d, shown, credential, ret_why);
    if (!err)
        err = check_signature(shown, credential->key, ret_why);
    if (!err && (d.sign_count || credential->sign_count) && d.sign_count <= credential->sign_count)
        err = webauthn_fail(ret_why, ERR_INVALID,
                            "The passkey was used elsewhere since: there may be a copy of it. "
                            "Remove it, and make another.");
    if (err)
        return err;
    credential->sign_count = d.sign_count;
    credential->backed_up = d.flags & WEBAUTHN_BACKED_UP;
    credential->user_verified = d.flags & WEBAUTHN_USER_VERIFIED;
    return 0;
}
