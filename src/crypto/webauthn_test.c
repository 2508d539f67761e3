/* Tests of passkeys: each algorithm from making to use, and every step of sections 7.1 and 7.2 that
 * can fail, failing. */
#include "base/err.h"
#include "crypto/webauthn_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct slice origins[] = {{"https://other.example.org", 25},
                                       {"https://doppel.example.org:8443", 31}};
static const struct webauthn_party party = {
    .id = {"doppel.example.org", 18}, .origins = origins, .origins_n = 2, .verify_user = true};
static const struct slice challenge = {"0123456789abcdef0123456789abcd\xff\xfe", 32};
static const struct slice id = {"\x01\x02\xffpasskey", 10};
static struct soft_key es256, eddsa, rs256;

static struct soft_saying creating(const struct soft_key *k)
{
    return (struct soft_saying){.type = "webauthn.create",
                                .origin = "https://doppel.example.org:8443",
                                .party = "doppel.example.org",
                                .challenge = challenge,
                                .id = id,
                                .aaguid = SLICE_LIT("sixteen bytes it"),
                                .flags = WEBAUTHN_USER_PRESENT | WEBAUTHN_USER_VERIFIED |
                                         WEBAUTHN_CREDENTIAL,
                                .count = 7,
                                .key = buf_slice(&k->cose)};
}

static struct soft_saying getting(void)
{
    struct soft_saying s = creating(&es256);
    s.type = "webauthn.get";
    s.flags = WEBAUTHN_USER_PRESENT | WEBAUTHN_USER_VERIFIED;
    s.count = 8;
    return s;
}

/* ---- registration ---- */

/* What comes of an attestation object; *ret points into b. */
static int register_object(const struct soft_saying *s, struct slice attestation,
                           struct webauthn_credential *ret, const char **ret_why)
{
    struct buf client = {0};
    soft_client(&client, s);
    struct webauthn_registration made = {id, buf_slice(&client), attestation};
    int err = webauthn_register(&party, challenge, &made, ret, ret_why);
    buf_release(&client);
    return err;
}

static int say_register(const struct soft_saying *s, struct webauthn_credential *ret,
                        struct buf *object, const char **ret_why)
{
    struct buf data = {0};
    soft_data(&data, s);
    soft_attestation(object, "none", SLICE_LIT("\xa0"), buf_slice(&data));
    buf_release(&data);
    return register_object(s, buf_slice(object), ret, ret_why);
}

static void refused(const struct soft_saying *s, int wanted, const char *part)
{
    struct webauthn_credential c = {.sign_count = 99};
    struct buf object = {0};
    const char *why = NULL;
    int err = say_register(s, &c, &object, &why);
    if (err != wanted || !strstr(why, part))
        fail_msg("%d \"%s\", not %d \"%s\"", err, why, wanted, part);
    assert_int_equal(c.sign_count, 99); /* left alone */
    buf_release(&object);
}

static void each_algorithm_can_be_registered(void **state)
{
    (void)state;
    const struct soft_key *keys[] = {&es256, &eddsa, &rs256};
    for (size_t i = 0; i < 3; i++) {
        struct soft_saying s = creating(keys[i]);
        struct webauthn_credential c;
        struct buf object = {0};
        const char *why = NULL;
        int err = say_register(&s, &c, &object, &why);
        if (err)
            fail_msg("%d: %s", keys[i]->algorithm, why);
        assert_true(slice_eq(c.id, id));
        assert_true(slice_eq(c.key, buf_slice(&keys[i]->cose)));
        assert_int_equal(c.sign_count, 7);
        assert_true(c.user_verified && !c.backup_eligible && !c.backed_up);
        assert_memory_equal(c.aaguid, "sixteen bytes it", 16);
        buf_release(&object);
    }
    assert_int_equal(webauthn_algorithm(0), -8);
    assert_int_equal(webauthn_algorithm(1), -7);
    assert_int_equal(webauthn_algorithm(2), -257);
    assert_int_equal(webauthn_algorithm(3), 0);
}

static void what_was_made_elsewhere_is_foreign(void **state)
{
    (void)state;
    static const char *const bad[] = {"https://doppel.example.org",
                                      "http://doppel.example.org:8443",
                                      "https://doppel.example.org:8443/",
                                      "https://evil.example.org",
                                      "https://doppel.example.org:84430",
                                      "null",
                                      ""};
    struct soft_saying s = creating(&es256);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        s.origin = bad[i];
        refused(&s, ERR_FOREIGN, "another site");
    }
    s = creating(&es256);
    s.party = "example.org";
    refused(&s, ERR_FOREIGN, "another site");
    s = creating(&es256);
    s.more = ",\"crossOrigin\":true";
    refused(&s, ERR_FOREIGN, "in a frame");
    s.more = ",\"crossOrigin\":\"false\"";
    refused(&s, ERR_FOREIGN, "in a frame");
    s.more = ",\"crossOrigin\":false,\"topOrigin\":\"https://doppel.example.org:8443\"";
    refused(&s, ERR_FOREIGN, "in a frame");
}

static void client_data_may_have_more_members(void **state)
{
    (void)state;
    struct soft_saying s = creating(&es256);
    struct webauthn_credential c;
    struct buf object = {0};
    const char *why = NULL;
    s.more = ",\"crossOrigin\":false,\"other_keys_can_be_added_here\":[\"\\u00e4\",{}]";
    assert_int_equal(say_register(&s, &c, &object, &why), 0);
    buf_release(&object);
}

static void client_data_must_fit(void **state)
{
    (void)state;
    struct soft_saying s = creating(&es256);
    s.type = "webauthn.get";
    refused(&s, ERR_INVALID, "another kind");
    s = creating(&es256);
    s.challenge = SLICE_LIT("0123456789abcdef0123456789abcd\xff\xff");
    refused(&s, ERR_INVALID, "another challenge");
    s.challenge = slice_of(challenge.p, 31);
    refused(&s, ERR_INVALID, "another challenge");
    s.challenge = SLICE_LIT("");
    refused(&s, ERR_INVALID, "another challenge");
    s = creating(&es256);
    s.more = ",\"type\":\"webauthn.create\""; /* twice */
    refused(&s, ERR_MALFORMED, "cannot be read");
    s.more = ",";
    refused(&s, ERR_MALFORMED, "cannot be read");
    char *much = malloc(WEBAUTHN_CLIENT_DATA_MAX + 1);
    memset(much, ' ', WEBAUTHN_CLIENT_DATA_MAX);
    much[WEBAUTHN_CLIENT_DATA_MAX] = 0;
    s.more = much;
    refused(&s, ERR_MALFORMED, "too long");
    free(much);
}

static void other_forms_of_client_data_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *part;
        int err;
    } rows[] = {
        {"", "cannot be read", ERR_MALFORMED},
        {"[]", "cannot be read", ERR_MALFORMED},
        {"\"webauthn.create\"", "cannot be read", ERR_MALFORMED},
        {"{}", "another kind", ERR_INVALID},
        {"{\"type\":7}", "another kind", ERR_INVALID},
        {"{\"type\":\"webauthn.create\"}", "another challenge", ERR_INVALID},
        {"{\"type\":\"webauthn.create\",\"challenge\":null}", "another challenge", ERR_INVALID},
        {"{\"type\":\"webauthn.create\",\"challenge\":\"*\"}", "another challenge", ERR_INVALID},
        {"\xef\xbb\xbf{\"type\":\"webauthn.create\"}", "cannot be read", ERR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct webauthn_registration made = {id, slice_str(rows[i].json), SLICE_LIT("\xa0")};
        struct webauthn_credential c;
        const char *why = NULL;
        assert_int_equal(webauthn_register(&party, challenge, &made, &c, &why), rows[i].err);
        assert_non_null(strstr(why, rows[i].part));
    }
}

static void flags_must_fit(void **state)
{
    (void)state;
    struct soft_saying s = creating(&es256);
    s.flags &= (uint8_t)~WEBAUTHN_USER_PRESENT;
    refused(&s, ERR_INVALID, "nobody present");
    s = creating(&es256);
    s.flags &= (uint8_t)~WEBAUTHN_USER_VERIFIED;
    refused(&s, ERR_INVALID, "did not verify");
    s = creating(&es256);
    s.flags &= (uint8_t)~WEBAUTHN_CREDENTIAL;
    refused(&s, ERR_INVALID, "no new passkey");
    s = creating(&es256);
    s.flags |= WEBAUTHN_BACKED_UP;
    refused(&s, ERR_INVALID, "backed up");
    s = creating(&es256);
    s.flags |= WEBAUTHN_EXTENSIONS; /* and there are none */
    refused(&s, ERR_MALFORMED, "extensions");
    s.extensions = SLICE_LIT("\x81\x01"); /* an array */
    refused(&s, ERR_MALFORMED, "extensions");
    s.flags &= (uint8_t)~WEBAUTHN_EXTENSIONS;
    s.extensions = SLICE_LIT("\xa1\x63hmk\xf5"); /* and no flag */
    refused(&s, ERR_MALFORMED, "more bytes");
}

static void extensions_are_stepped_over(void **state)
{
    (void)state;
    struct soft_saying s = creating(&eddsa);
    struct webauthn_credential c;
    struct buf object = {0};
    const char *why = NULL;
    s.flags |= WEBAUTHN_EXTENSIONS | WEBAUTHN_BACKUP_ELIGIBLE | WEBAUTHN_BACKED_UP;
    s.extensions = SLICE_LIT("\xa2\x63hmk\xf5\x6b"
                             "credProtect\x02");
    assert_int_equal(say_register(&s, &c, &object, &why), 0);
    assert_true(c.backup_eligible && c.backed_up);
    buf_release(&object);
    s.behind = SLICE_LIT("\x00");
    refused(&s, ERR_MALFORMED, "more bytes");
}

static void a_user_may_be_unverified_where_that_is_enough(void **state)
{
    (void)state;
    struct soft_saying s = creating(&es256);
    struct webauthn_party lenient = party;
    struct webauthn_credential c;
    struct buf client = {0}, data = {0}, object = {0};
    const char *why = NULL;
    lenient.verify_user = false;
    s.flags &= (uint8_t)~WEBAUTHN_USER_VERIFIED;
    soft_client(&client, &s);
    soft_data(&data, &s);
    soft_attestation(&object, "none", SLICE_LIT("\xa0"), buf_slice(&data));
    struct webauthn_registration made = {id, buf_slice(&client), buf_slice(&object)};
    assert_int_equal(webauthn_register(&lenient, challenge, &made, &c, &why), 0);
    assert_false(c.user_verified);
    buf_release(&client);
    buf_release(&data);
    buf_release(&object);
}

static void ids_must_fit(void **state)
{
    (void)state;
    char much[WEBAUTHN_ID_BYTES_MAX + 1] = {1};
    struct soft_saying s = creating(&es256);
    s.id = SLICE_LIT("\x01\x02\xffpasskex");
    refused(&s, ERR_INVALID, "another passkey");
    s.id = SLICE_LIT("");
    refused(&s, ERR_MALFORMED, "no length");
    s.id = slice_of(much, sizeof much);
    refused(&s, ERR_MALFORMED, "no length");
}

static void data_may_end_nowhere_else(void **state)
{
    (void)state;
    struct soft_saying s = creating(&es256);
    struct buf data = {0}, object = {0};
    s.flags |= WEBAUTHN_EXTENSIONS;
    s.extensions = SLICE_LIT("\xa1\x63hmk\xf5");
    soft_data(&data, &s);
    for (size_t n = 0; n < data.n; n++) {
        struct webauthn_credential c;
        const char *why = NULL;
        char *copy = malloc(n ? n : 1); /* its own block: a read behind it is seen */
        memcpy(copy, data.p, n);
        buf_clear(&object);
        soft_attestation(&object, "none", SLICE_LIT("\xa0"), slice_of(copy, n));
        assert_int_equal(register_object(&s, buf_slice(&object), &c, &why), ERR_MALFORMED);
        free(copy);
    }
    buf_clear(&object);
    soft_attestation(&object, "none", SLICE_LIT("\xa0"), buf_slice(&data));
    for (size_t n = 0; n < object.n; n++) {
        struct webauthn_credential c;
        const char *why = NULL;
        assert_int_equal(register_object(&s, slice_of(object.p, n), &c, &why), ERR_MALFORMED);
    }
    buf_release(&data);
    buf_release(&object);
}

static void attestation_objects_have_three_members(void **state)
{
    (void)state;
    struct soft_saying s = creating(&es256);
    struct buf data = {0}, authdata = {0};
    soft_data(&data, &s);
    soft_string(&authdata, SOFT_TEXT, SLICE_LIT("authData"));
    soft_string(&authdata, SOFT_BYTES, buf_slice(&data));
    static const struct {
        struct slice before; /* the authenticator data */
        struct slice behind;
        bool good;
    } rows[] = {
        {SLICE_LIT("\xa3\x63"
                   "fmt\x64none\x67"
                   "attStmt\xa0"),
         {0},
         true},
        {SLICE_LIT("\xa3\x63"
                   "fmt\x66packed\x67"
                   "attStmt\xa1\x63"
                   "alg\x26"),
         {0},
         true},
        {SLICE_LIT("\xa4\x63"
                   "fmt\x64none\x67"
                   "attStmt\xa0\x65"
                   "epAtt\xf4"),
         {0},
         true},
        {SLICE_LIT("\xbf\x63"
                   "fmt\x64none\x67"
                   "attStmt\xa0"),
         SLICE_LIT("\xff"), true},
        {SLICE_LIT("\xa3\x63"
                   "fmt\x64none\x67"
                   "attStmt\xa0"),
         SLICE_LIT("\x00"), false},
        {SLICE_LIT("\xa3\x63"
                   "fmt\x64none\x67"
                   "attStmt\xa1\x63"
                   "alg\x26"),
         {0},
         false},
        {SLICE_LIT("\xa3\x63"
                   "fmt\x44none\x67"
                   "attStmt\xa0"),
         {0},
         false},
        {SLICE_LIT("\xa3\x43"
                   "fmt\x64none\x67"
                   "attStmt\xa0"),
         {0},
         false},
        {SLICE_LIT("\xa3\x63"
                   "fmt\x64none\x67"
                   "attStmt\x80"),
         {0},
         false},
        {SLICE_LIT("\xa2\x63"
                   "fmt\x64none"),
         {0},
         false},
        {SLICE_LIT("\xa2\x67"
                   "attStmt\xa0"),
         {0},
         false},
        {SLICE_LIT("\xa4\x63"
                   "fmt\x64none\x63"
                   "fmt\x64none\x67"
                   "attStmt\xa0"),
         {0},
         false},
        {SLICE_LIT("\xa4\x63"
                   "fmt\x64none\x67"
                   "attStmt\xa0\x67"
                   "attStmt\xa0"),
         {0},
         false},
        {SLICE_LIT("\x83\x63"
                   "fmt\x64none\x67"
                   "attStmt\xa0"),
         {0},
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf object = {0};
        struct webauthn_credential c;
        const char *why = NULL;
        buf_add_slice(&object, rows[i].before);
        buf_add_slice(&object, buf_slice(&authdata));
        buf_add_slice(&object, rows[i].behind);
        int err = register_object(&s, buf_slice(&object), &c, &why);
        if (err != (rows[i].good ? 0 : ERR_MALFORMED))
            fail_msg("row %zu: %d %s", i, err, why);
        buf_release(&object);
    }
    struct buf twice = {0};
    buf_add_slice(&twice, SLICE_LIT("\xa4\x63"
                                    "fmt\x64none\x67"
                                    "attStmt\xa0"));
    buf_add_slice(&twice, buf_slice(&authdata));
    buf_add_slice(&twice, buf_slice(&authdata));
    struct webauthn_credential c;
    const char *why = NULL;
    assert_int_equal(register_object(&s, buf_slice(&twice), &c, &why), ERR_MALFORMED);
    char *much = calloc(1, WEBAUTHN_ATTESTATION_MAX + 1);
    assert_int_equal(register_object(&s, slice_of(much, WEBAUTHN_ATTESTATION_MAX + 1), &c, &why),
                     ERR_MALFORMED);
    assert_non_null(strstr(why, "too long"));
    free(much);
    buf_release(&twice);
    buf_release(&authdata);
    buf_release(&data);
}

/* A key with one thing changed, by its place in the map. */
static void keys_must_be_keys(void **state)
{
    (void)state;
    struct soft_saying s = creating(&es256);
    struct buf key = {0};
    static const struct {
        size_t at; /* a5 01 02 03 26 20 01 21 58 20 <x> 22 58 20 <y> */
        unsigned char byte;
        int err;
        const char *part;
    } rows[] = {
        {2, 0x01, ERR_INVALID, "does not fit its algorithm"}, /* type OKP */
        {2, 0x41, ERR_MALFORMED, ""},                         /* bytes: all shifts */
        {4, 0x27, ERR_INVALID, "does not fit its algorithm"}, /* EdDSA */
        {4, 0x25, ERR_INVALID, "none of EdDSA"},              /* -6 */
        {4, 0x07, ERR_INVALID, "none of EdDSA"},              /* 7 */
        {6, 0x02, ERR_INVALID, "does not fit its algorithm"}, /* P-384 */
        {3, 0x01, ERR_MALFORMED, "cannot be read"},           /* label 1 twice */
        {7, 0x20, ERR_MALFORMED, "cannot be read"},           /* label -1 twice */
        {7, 0x23, ERR_INVALID, "no key of its kind"},         /* no x */
        {7, 0xf5, ERR_MALFORMED, "cannot be read"},           /* a label that is no number */
        {20, 0x55, ERR_INVALID, "no key of its kind"},        /* not on the curve */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&key);
        buf_add_slice(&key, buf_slice(&es256.cose));
        key.p[rows[i].at] = (char)(key.p[rows[i].at] == (char)rows[i].byte ? 0x56 : rows[i].byte);
        s.key = buf_slice(&key);
        refused(&s, rows[i].err, rows[i].part);
    }
    /* the sign of y instead of y: a compressed point */
    buf_clear(&key);
    buf_add(&key, es256.cose.p, 10 + 32);
    buf_add_slice(&key, SLICE_LIT("\x22\xf5"));
    s.key = buf_slice(&key);
    refused(&s, ERR_INVALID, "no key of its kind");
    s.key = SLICE_LIT("\xa0");
    refused(&s, ERR_INVALID, "none of EdDSA");
    s.key = SLICE_LIT("\x80");
    refused(&s, ERR_MALFORMED, "no map");
    s.key = SLICE_LIT("\xa2\x01\x02\x03"); /* cut */
    refused(&s, ERR_MALFORMED, "no map");
    buf_clear(&key);
    soft_head(&key, SOFT_MAP, 17);
    for (int i = 0; i < 17; i++) {
        soft_int(&key, i);
        soft_int(&key, -7);
    }
    s.key = buf_slice(&key);
    refused(&s, ERR_MALFORMED, "cannot be read");
    buf_release(&key);
}

/* ---- assertion ---- */

struct shown {
    struct buf client, data, signature;
};

static struct shown say_assert(const struct soft_saying *s, const struct soft_key *k)
{
    struct shown shown = {0};
    soft_client(&shown.client, s);
    soft_data(&shown.data, s);
    soft_sign(&shown.signature, k, buf_slice(&shown.data), buf_slice(&shown.client));
    return shown;
}

static struct webauthn_assertion assertion_of(const struct shown *shown)
{
    return (struct webauthn_assertion){.id = id,
                                       .client_data = buf_slice(&shown->client),
                                       .authenticator_data = buf_slice(&shown->data),
                                       .signature = buf_slice(&shown->signature),
                                       .handle = SLICE_LIT("person-1")};
}

static struct webauthn_credential kept(const struct soft_key *k)
{
    return (struct webauthn_credential){
        .id = id, .key = buf_slice(&k->cose), .handle = SLICE_LIT("person-1"), .sign_count = 7};
}

static void shown_release(struct shown *shown)
{
    buf_release(&shown->client);
    buf_release(&shown->data);
    buf_release(&shown->signature);
}

static void not_let_in(const struct soft_saying *s, const struct webauthn_credential *c, int wanted,
                       const char *part)
{
    struct shown shown = say_assert(s, &es256);
    struct webauthn_assertion a = assertion_of(&shown);
    struct webauthn_credential before = *c;
    const char *why = NULL;
    int err = webauthn_assert(&party, challenge, &a, &before, &why);
    if (err != wanted || !strstr(why, part))
        fail_msg("%d \"%s\", not %d \"%s\"", err, why, wanted, part);
    assert_int_equal(before.sign_count, c->sign_count);
    shown_release(&shown);
}

static void each_algorithm_lets_in(void **state)
{
    (void)state;
    const struct soft_key *keys[] = {&es256, &eddsa, &rs256};
    for (size_t i = 0; i < 3; i++) {
        struct soft_saying s = getting();
        struct shown shown = say_assert(&s, keys[i]);
        struct webauthn_assertion a = assertion_of(&shown);
        struct webauthn_credential c = kept(keys[i]);
        const char *why = NULL;
        if (webauthn_assert(&party, challenge, &a, &c, &why))
            fail_msg("%d: %s", keys[i]->algorithm, why);
        assert_int_equal(c.sign_count, 8);
        assert_true(c.user_verified);
        /* the same again is no news: the counter stands */
        assert_int_equal(webauthn_assert(&party, challenge, &a, &c, &why), ERR_INVALID);
        assert_non_null(strstr(why, "copy"));
        /* another key's signature */
        c = kept(keys[(i + 1) % 3]);
        assert_int_equal(webauthn_assert(&party, challenge, &a, &c, &why), ERR_INVALID);
        assert_non_null(strstr(why, "signature is wrong"));
        shown_release(&shown);
    }
}

static void every_signed_byte_counts(void **state)
{
    (void)state;
    struct soft_saying s = getting();
    struct shown shown = say_assert(&s, &es256);
    struct buf *parts[] = {&shown.client, &shown.data, &shown.signature};
    for (size_t p = 0; p < 3; p++)
        for (size_t i = 0; i < parts[p]->n; i++) {
            struct webauthn_credential c = kept(&es256);
            const char *why = NULL;
            parts[p]->p[i] ^= 2;
            struct webauthn_assertion a = assertion_of(&shown);
            assert_int_not_equal(webauthn_assert(&party, challenge, &a, &c, &why), 0);
            assert_int_equal(c.sign_count, 7);
            parts[p]->p[i] ^= 2;
        }
    struct webauthn_assertion a = assertion_of(&shown);
    struct webauthn_credential c = kept(&es256);
    const char *why = NULL;
    a.signature.n = 0;
    assert_int_equal(webauthn_assert(&party, challenge, &a, &c, &why), ERR_INVALID);
    shown_release(&shown);
}

static void assertions_must_fit(void **state)
{
    (void)state;
    struct webauthn_credential c = kept(&es256);
    struct soft_saying s = getting();
    s.type = "webauthn.create";
    not_let_in(&s, &c, ERR_INVALID, "another kind");
    s = getting();
    s.origin = "https://evil.example.org";
    not_let_in(&s, &c, ERR_FOREIGN, "another site");
    s = getting();
    s.party = "evil.example.org";
    not_let_in(&s, &c, ERR_FOREIGN, "another site");
    s = getting();
    s.challenge = SLICE_LIT("an old one");
    not_let_in(&s, &c, ERR_INVALID, "another challenge");
    s = getting();
    s.flags = WEBAUTHN_USER_VERIFIED;
    not_let_in(&s, &c, ERR_INVALID, "nobody present");
    s.flags = WEBAUTHN_USER_PRESENT;
    not_let_in(&s, &c, ERR_INVALID, "did not verify");
    s = getting();
    s.flags |= WEBAUTHN_CREDENTIAL;
    not_let_in(&s, &c, ERR_INVALID, "another passkey");
    s = getting();
    s.flags |= WEBAUTHN_BACKUP_ELIGIBLE;
    not_let_in(&s, &c, ERR_INVALID, "otherwise than before");
    s = getting();
    s.behind = SLICE_LIT("\xa0");
    not_let_in(&s, &c, ERR_MALFORMED, "more bytes");
    s = getting();
    c.id = SLICE_LIT("another");
    not_let_in(&s, &c, ERR_INVALID, "another passkey");
    c = kept(&es256);
    c.handle = SLICE_LIT("person-2");
    not_let_in(&s, &c, ERR_INVALID, "another person");
    c = kept(&es256);
    c.key = SLICE_LIT("\xa0");
    not_let_in(&s, &c, ERR_INVALID, "none of EdDSA");
}

static void the_counter_must_grow_where_there_is_one(void **state)
{
    (void)state;
    static const struct {
        uint32_t kept, shown;
        bool good;
    } rows[] = {{0, 0, true},
                {0, 1, true},
                {7, 8, true},
                {7, 4000000000U, true},
                {7, 7, false},
                {7, 6, false},
                {4000000000U, 1, false},
                {7, 0, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct soft_saying s = getting();
        struct webauthn_credential c = kept(&es256);
        const char *why = NULL;
        s.count = rows[i].shown;
        c.sign_count = rows[i].kept;
        struct shown shown = say_assert(&s, &es256);
        struct webauthn_assertion a = assertion_of(&shown);
        int err = webauthn_assert(&party, challenge, &a, &c, &why);
        assert_int_equal(err, rows[i].good ? 0 : ERR_INVALID);
        assert_int_equal(c.sign_count, rows[i].good ? rows[i].shown : rows[i].kept);
        shown_release(&shown);
    }
}

static void what_is_too_long_is_not_read(void **state)
{
    (void)state;
    char *much = calloc(1, WEBAUTHN_AUTHENTICATOR_DATA_MAX + 1);
    struct soft_saying s = getting();
    struct shown shown = say_assert(&s, &es256);
    struct webauthn_assertion a = assertion_of(&shown);
    struct webauthn_credential c = kept(&es256);
    const char *why = NULL;
    a.authenticator_data = slice_of(much, WEBAUTHN_AUTHENTICATOR_DATA_MAX + 1);
    assert_int_equal(webauthn_assert(&party, challenge, &a, &c, &why), ERR_MALFORMED);
    a = assertion_of(&shown);
    a.signature = slice_of(much, WEBAUTHN_SIGNATURE_MAX + 1);
    assert_int_equal(webauthn_assert(&party, challenge, &a, &c, &why), ERR_MALFORMED);
    /* as long as can be, and extensions that fill it */
    struct buf extensions = {0};
    s.flags |= WEBAUTHN_EXTENSIONS;
    soft_head(&extensions, SOFT_MAP, 1);
    soft_int(&extensions, 1);
    soft_string(&extensions, SOFT_BYTES, slice_of(much, WEBAUTHN_AUTHENTICATOR_DATA_MAX - 37 - 5));
    s.extensions = buf_slice(&extensions);
    shown_release(&shown);
    shown = say_assert(&s, &es256);
    assert_int_equal(shown.data.n, WEBAUTHN_AUTHENTICATOR_DATA_MAX);
    a = assertion_of(&shown);
    assert_int_equal(webauthn_assert(&party, challenge, &a, &c, &why), 0);
    buf_release(&extensions);
    shown_release(&shown);
    free(much);
}

static int make_keys(void **state)
{
    (void)state;
    es256 = soft_key_new(-7);
    eddsa = soft_key_new(-8);
    rs256 = soft_key_new(-257);
    return 0;
}

static int drop_keys(void **state)
{
    (void)state;
    soft_key_release(&es256);
    soft_key_release(&eddsa);
    soft_key_release(&rs256);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_algorithm_can_be_registered),
        cmocka_unit_test(what_was_made_elsewhere_is_foreign),
        cmocka_unit_test(client_data_may_have_more_members),
        cmocka_unit_test(client_data_must_fit),
        cmocka_unit_test(other_forms_of_client_data_are_refused),
        cmocka_unit_test(flags_must_fit),
        cmocka_unit_test(extensions_are_stepped_over),
        cmocka_unit_test(a_user_may_be_unverified_where_that_is_enough),
        cmocka_unit_test(ids_must_fit),
        cmocka_unit_test(data_may_end_nowhere_else),
        cmocka_unit_test(attestation_objects_have_three_members),
        cmocka_unit_test(keys_must_be_keys),
        cmocka_unit_test(each_algorithm_lets_in),
        cmocka_unit_test(every_signed_byte_counts),
        cmocka_unit_test(assertions_must_fit),
        cmocka_unit_test(the_counter_must_grow_where_there_is_one),
        cmocka_unit_test(what_is_too_long_is_not_read),
    };
    return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
