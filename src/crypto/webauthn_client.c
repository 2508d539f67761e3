/* webauthn_client.c - clientDataJSON: what the browser says of where it was asked. */
#include "base/err.h"
#include "codec/json.h"
#include "crypto/encode.h"
#include "crypto/webauthn_internal.h"

static bool is_challenge(struct slice challenge, struct slice text)
{
    struct buf given = {0};
    bool same = decode_add(&given, ENCODE_BASE64URL, text) == 0 && given.n == challenge.n &&
                digest_equal(challenge, buf_slice(&given));
    buf_release(&given);
    return same;
}

static bool is_origin(const struct webauthn_party *party, struct slice origin)
{
    for (size_t i = 0; i < party->origins_n; i++)
        if (slice_eq(origin, party->origins[i]))
            return true;
    return false;
}

static int check(const struct webauthn_party *party, struct slice challenge, const char *type,
                 const struct jval *client, const char **ret_why)
{
    const struct jval *cross = jval_get(client, "crossOrigin");
    struct slice text = jval_string(jval_get(client, "challenge"));
    if (!slice_is(jval_string(jval_get(client, "type")), type))
        return webauthn_fail(ret_why, ERR_INVALID, "The passkey's answer is of another kind.");
    if (!text.p || !is_challenge(challenge, text))
        return webauthn_fail(ret_why, ERR_INVALID,
                             "The passkey answers another challenge than this; begin again.");
    if (!is_origin(party, jval_string(jval_get(client, "origin"))))
        return webauthn_fail(ret_why, ERR_FOREIGN, "The passkey was asked for on another site.");
    if (cross && (cross->type != J_BOOL || cross->boolean))
        return webauthn_fail(ret_why, ERR_FOREIGN, "The passkey was asked for in a frame.");
    if (jval_get(client, "topOrigin"))
        return webauthn_fail(ret_why, ERR_FOREIGN, "The passkey was asked for in a frame.");
    return 0;
}

int webauthn_check_client(const struct webauthn_party *party, struct slice challenge,
                          const char *type, struct slice json, const char **ret_why)
{
    struct jval *client;
    if (json.n > WEBAUTHN_CLIENT_DATA_MAX)
        return webauthn_fail(ret_why, ERR_MALFORMED, "The passkey's client data is too long.");
    struct arena *a = arena_new();
    int err = a ? jdoc_parse(a, json, &client, NULL) : ERR_NOMEM;
    if (err == ERR_MALFORMED || (!err && client->type != J_OBJECT))
        err = webauthn_fail(ret_why, ERR_MALFORMED, "The passkey's client data cannot be read.");
    else if (!err)
        err = check(party, challenge, type, client, ret_why);
    arena_free(a);
    return err;
}
