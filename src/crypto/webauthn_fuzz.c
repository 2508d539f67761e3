/* Any bytes as each thing that a passkey sends; the first byte says which.  What is read lies
 * within what was given. */
#include "crypto/webauthn_internal.h"

#include <assert.h>
#include <openssl/evp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct slice origins[] = {{"https://doppel.example.org:8443", 31}};
static const struct webauthn_party party = {
    .id = {"doppel.example.org", 18}, .origins = origins, .origins_n = 1};
static const struct slice challenge = {"0123456789abcdef0123456789abcd\xff\xfe", 32};

static void within(struct slice part, struct slice all)
{
    assert(!part.n || (part.p >= all.p && part.p + part.n <= all.p + all.n));
}

static void data_and_key(struct slice input, const char **why)
{
    struct webauthn_data d;
    struct webauthn_key key;
    if (webauthn_read_data(input, &d, why) == 0) {
        within(d.id, input);
        within(d.key, input);
        assert(d.id.n <= WEBAUTHN_ID_BYTES_MAX);
        if (d.flags & WEBAUTHN_CREDENTIAL && webauthn_read_key(d.key, &key, why) == 0)
            EVP_PKEY_free(key.key);
    }
    if (webauthn_read_key(input, &key, why) == 0)
        EVP_PKEY_free(key.key);
}

/* Client data of the first byte times 2, and the rest. */
static void ceremonies(struct slice input, const char **why)
{
    size_t n = input.n ? 2 * (size_t)(unsigned char)*input.p : 0;
    if (n + 1 > input.n)
        return;
    struct slice client = slice_of(input.p + 1, n), rest = slice_skip(input, n + 1);
    struct webauthn_credential c;
    struct webauthn_registration made = {SLICE_LIT("\x01\x02\xffpasskey"), client, rest};
    if (webauthn_register(&party, challenge, &made, &c, why))
        return;
    within(c.id, rest);
    within(c.key, rest);
    struct webauthn_assertion shown = {
        .id = c.id, .client_data = client, .authenticator_data = rest, .signature = client};
    int err = webauthn_assert(&party, challenge, &shown, &c, why);
    assert(err && **why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0)
        return 0;
    struct slice input = slice_of((const char *)data + 1, n - 1), found;
    const char *why = NULL;
    int err = 0;
    switch (*data) {
    case 'c':
        err = webauthn_check_client(&party, challenge, "webauthn.create", input, &why);
        break;
    case 'a':
        err = webauthn_read_attestation(input, &found, &why);
        if (!err)
            within(found, input);
        break;
    case 'd':
        data_and_key(input, &why);
        break;
    default:
        ceremonies(input, &why);
    }
    assert(!err || *why);
    return 0;
}
