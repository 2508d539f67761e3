/* Tests of passkeys with what Chromium 156 sent: its authenticators in software, asked over the
 * DevTools protocol, at http://localhost:33369 with the bytes 1, 8, 15 ... as the challenge. */
#include "base/err.h"
#include "crypto/encode.h"
#include "crypto/webauthn.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* clang-format off */
static const struct recorded {
    const char *name, *id, *attestation, *data, *signature; /* in hexadecimal */
    bool verified, backed_up;
} recorded[] = {
    {"ES256, a key of this device",
     "793db4e92664cf5c4e1c99e576c8a147c230925f1d8c8176b0eea0d5f892ca0e",
     "a363666d74646e6f6e656761747453746d74a068617574684461746158a449960de5880e8c687434170f6476"
     "605b8fe4aeb9a28632c7995cf3ba831d97634500000001010203040506070801020304050607080020793db4"
     "e92664cf5c4e1c99e576c8a147c230925f1d8c8176b0eea0d5f892ca0ea50102032620012158203c97be82c2"
     "b9185ef1666b29ec3015f87df366f8b2609e39f5935d182a28608e225820e6373051886cf9ddff176ef7ce10"
     "2c0bb38a22a7e092e7d8293500fa266b4512",
     "49960de5880e8c687434170f6476605b8fe4aeb9a28632c7995cf3ba831d97630500000002",
     "3045022100ea58eedb12c2b7557f5e06055acbea70839a94bc8c9f07481ee8661ca6f2b99c02205a2270377c"
     "ed75a28d99b8c44b811a5396e0441e9afe90377d2765e4b98186bb",
     true, false},
    {"ES256, backed up",
     "704f808a8642eebfe2d93a6232693f950329118899ac1e8a022ad7746aaf0780",
     "a363666d74646e6f6e656761747453746d74a068617574684461746158a449960de5880e8c687434170f6476"
     "605b8fe4aeb9a28632c7995cf3ba831d97635d00000001010203040506070801020304050607080020704f80"
     "8a8642eebfe2d93a6232693f950329118899ac1e8a022ad7746aaf0780a5010203262001215820e317a3317a"
     "b26557fce3c54672b6c38318335fe3b5858bd9a03ac71a2b4c16202258205629ffaa6ac2e2627b05e78d2b74"
     "be4e4d4990df7975707d7edfc42e0f422de4",
     "49960de5880e8c687434170f6476605b8fe4aeb9a28632c7995cf3ba831d97631d00000002",
     "304502206250fc29bd4a8b5d67658e2742b9b0e39310c0fdeb9cdc8dd8bc95fae7c17f3c022100f2a0b62a71"
     "346c4e9ba40a9fe65106879aa33a4c5161f680962cab8a1d43134b",
     true, true},
    {"EdDSA",
     "e850689433ea8d01c9bcf6ba62f789ac128632598a93b40ac159ef5990037b51",
     "a363666d74646e6f6e656761747453746d74a0686175746844617461588149960de5880e8c687434170f6476"
     "605b8fe4aeb9a28632c7995cf3ba831d97634500000001010203040506070801020304050607080020e85068"
     "9433ea8d01c9bcf6ba62f789ac128632598a93b40ac159ef5990037b51a40101032720062158201e5c8a848a"
     "02742b9aaa3b2a4302b37ef98dbd55ce470ed524e546ca5c31b9dc",
     "49960de5880e8c687434170f6476605b8fe4aeb9a28632c7995cf3ba831d97630500000002",
     "a8625d7dd549ac3ad18c38d5187d4ae836084506dbc8c63092c2211329955daf9a11d2281d6654c8efc90263"
     "cf8854073e9fd12adaf4b85b0d66e5dabffaa400",
     true, false},
    {"RS256",
     "b300cafbc19044831502fca297e3fa1d35aeadffafab65d0074199e5793fc2c0",
     "a363666d74646e6f6e656761747453746d74a068617574684461746159016749960de5880e8c687434170f64"
     "76605b8fe4aeb9a28632c7995cf3ba831d97634500000001010203040506070801020304050607080020b300"
     "cafbc19044831502fca297e3fa1d35aeadffafab65d0074199e5793fc2c0a401030339010020590100e4577f"
     "6325de21653c03c4902f3594a7ef0cd7517d97798c66add77bc2d9f98f5ee0ca236cf3176ee0d3aa219f39d8"
     "b93fe28ad4a14ce04f0c88f629ceaf076dfd52696837dbf12db2ecaa322461ec46511a47b435be4e4f696447"
     "0eb2336c86590c924345a0fa5fff34c1f2e2e0c680057e755e5db0418fbb5d54bae26b2e39b950e2bdd7f52d"
     "600878db959c531e457d569e8800ce50b2d06f3483940dba15f7fd5ae0fe42fe667113fe81ab8f3a105085e3"
     "f34412bf10ad1ddf1389e6e81dd49a59c58b92f43328966268025b51f16df7684aab928ac1b52bf18db1e430"
     "63787d4bcd9c8afe16969732fdfa4ee6e158d41a3d7b5682ae45cf563ace8096af2143010001",
     "49960de5880e8c687434170f6476605b8fe4aeb9a28632c7995cf3ba831d97630500000002",
     "1977c6130c727ad08e9ea4c81bf9a23d007fef694cc349ac98a426e99bf498f23a8bfee503885ae5bf6799f6"
     "1c8bd8ab1d27e42f98a97144f9945793723ed3aad47bff46b4484ba82c5eba7c25017efcb743e42a3a248a9e"
     "51c77602855b4ee7f83898b367a4cba187dacf7413aaec467a613717ec7ee466f234d94e870773492fa64680"
     "1566f9af5f30429c041f07439612d173b0a125d7b2e4d7ffae13becd4940d7270c6cc35ce82d4daab246c5bc"
     "1d56904d265f70b8ae734201e1f702bdeccc07800a743f618a13223750520ceaca89a0c94d48be1ab9fe7410"
     "f33848f3bd007fda79cc65af229085253ef3e991b5d0208798b818bb2b6a65041c95e902",
     true, false},
    {"ES256 of a U2F key, nobody verified",
     "7446ea109884dac28a47bd41ca172f6698a3e84d51116df3058ad86e26f81387",
     "a363666d74646e6f6e656761747453746d74a068617574684461746158a449960de5880e8c687434170f6476"
     "605b8fe4aeb9a28632c7995cf3ba831d976341000000000000000000000000000000000000000000207446ea"
     "109884dac28a47bd41ca172f6698a3e84d51116df3058ad86e26f81387a50102032620012158202dfef4154b"
     "4e3e0ab6055a6085b46236bf30d1ad90e07b074e5d5ecf06f8bc97225820fb37a1ef035d87e68f16f91a4059"
     "89d633836958275ac63cfec42edb7c3f87f1",
     "49960de5880e8c687434170f6476605b8fe4aeb9a28632c7995cf3ba831d97630100000002",
     "3045022024b93d32cc82935d5b5da79d24fe82ca9ae47ba8bd80d8857a3a239d503f9a7f022100c53e6cd433"
     "e04f6c105be2033a3dea5318b3994e0d5c5863135d1d4d265d6297",
     false, false},
};
/* clang-format on */

enum { RECORDED = sizeof recorded / sizeof recorded[0] };

#define CLIENT(type)                                                                               \
    SLICE_LIT("{\"type\":\"webauthn." type                                                         \
              "\",\"challenge\":\"AQgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM09o\","                  \
              "\"origin\":\"http://localhost:33369\",\"crossOrigin\":false}")

static const struct slice origin = {"http://localhost:33369", 22};
static char challenge[WEBAUTHN_CHALLENGE_BYTES];

static struct webauthn_party party_for(const struct recorded *r)
{
    return (struct webauthn_party){.id = SLICE_LIT("localhost"),
                                   .origins = &origin,
                                   .origins_n = 1,
                                   .verify_user = r->verified};
}

/* The bytes of a member, to be released. */
static struct buf bytes_of(const char *hex)
{
    struct buf b = {0};
    assert_int_equal(decode_add(&b, ENCODE_HEX, slice_str(hex)), 0);
    return b;
}

static void made_and_shown(const struct recorded *r)
{
    struct buf id = bytes_of(r->id), attestation = bytes_of(r->attestation);
    struct buf data = bytes_of(r->data), signature = bytes_of(r->signature);
    struct webauthn_party party = party_for(r);
    struct webauthn_credential c;
    const char *why = NULL;
    struct slice asked = slice_of(challenge, sizeof challenge);
    struct webauthn_registration made = {buf_slice(&id), CLIENT("create"), buf_slice(&attestation)};
    if (webauthn_register(&party, asked, &made, &c, &why))
        fail_msg("%s: %s", r->name, why);
    assert_int_equal(c.user_verified, r->verified);
    assert_int_equal(c.backed_up, r->backed_up);
    assert_int_equal(c.backup_eligible, r->backed_up);
    assert_in_range(c.sign_count, 0, 1); /* a U2F key begins with none */
    struct webauthn_assertion shown = {.id = buf_slice(&id),
                                       .client_data = CLIENT("get"),
                                       .authenticator_data = buf_slice(&data),
                                       .signature = buf_slice(&signature),
                                       .handle = SLICE_LIT("person-1")};
    c.handle = SLICE_LIT("person-1");
    if (webauthn_assert(&party, asked, &shown, &c, &why))
        fail_msg("%s: %s", r->name, why);
    assert_int_equal(c.sign_count, 2);
    signature.p[signature.n - 1] ^= 1;
    c.sign_count = 1;
    assert_int_equal(webauthn_assert(&party, asked, &shown, &c, &why), ERR_INVALID);
    buf_release(&id);
    buf_release(&attestation);
    buf_release(&data);
    buf_release(&signature);
}

static void what_chromium_sends_is_taken(void **state)
{
    (void)state;
    for (int i = 0; i < WEBAUTHN_CHALLENGE_BYTES; i++)
        challenge[i] = (char)(i * 7 + 1);
    for (size_t i = 0; i < RECORDED; i++)
        made_and_shown(&recorded[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_chromium_sends_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
