#include "access/passkeys.h"

#include "access/signin.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/encode.h"

#include <stdio.h>

enum { TIMEOUT_MS = 300000, JSON_TEXT_MAX = 100 * 1024 };

/* ---- words ---- */

struct slice passkey_domain(struct slice host)
{
    ptrdiff_t colon = host.n && host.p[0] != '[' ? slice_find(host, ':') : -1;
    bool digits = true;
    if (colon >= 0)
        host.n = (size_t)colon;
    for (size_t i = 0; i < host.n; i++)
        digits &= (host.p[i] >= '0' && host.p[i] <= '9') || host.p[i] == '.';
    return !host.n || digits || host.p[0] == '[' ? slice_of(NULL, 0) : host;
}

static void put_bytes(struct json_writer *w, const char *key, struct slice bytes)
{
    struct buf text = {0};
    encode_add(&text, ENCODE_BASE64URL, bytes);
    json_key(w, key);
    json_put_string(w, buf_slice(&text));
    w->out->failed |= text.failed;
    buf_release(&text);
}

static void put_word(struct json_writer *w, const char *key, const char *word)
{
    json_key(w, key);
    json_put_cstr(w, word);
}

/* Bytes of a member that is base64url; false: it is none. */
static bool bytes_of(struct change *ch, const struct jval *object, const char *key, bool needed,
                     struct slice *ret)
{
    struct slice text = jval_string(jval_get(object, key));
    struct buf bytes = {0};
    if (!text.p)
        return !needed;
    if (text.n > JSON_TEXT_MAX || decode_add(&bytes, ENCODE_BASE64URL, text)) {
        buf_release(&bytes);
        return false;
    }
    *ret = bytes.n ? arena_dup(ch->arena, buf_slice(&bytes)) : slice_of("", 0);
    buf_release(&bytes);
    return ret->p;
}

static void short_id(struct slice credential, char ret[static PASSKEY_ID + 1])
{
    unsigned char hash[SHA256_BYTES];
    digest_sha256(credential, hash);
    for (size_t i = 0; i < PASSKEY_ID / 2; i++)
        snprintf(ret + 2 * i, 3, "%02x", hash[i]);
}

/* change_refuse() of a sentence, for who reads this file alone: what is returned is never 0. */
static int refused(struct change *ch, int err, const char *text)
{
    change_refuse(ch, err, "%s", text);
    return err;
}

/* ---- challenges ---- */

static struct pendings *pendings_for(const struct people *p, enum pending_kind kind)
{
    return kind == PENDING_SIGN_IN ? p->challenges : p->pendings;
}

static int challenge(struct access *a, enum pending_kind kind, struct slice whom,
                     struct json_writer *w)
{
    unsigned char bytes[WEBAUTHN_CHALLENGE_BYTES];
    const struct slice made = slice_of((const char *)bytes, sizeof bytes);
    random_bytes(bytes, sizeof bytes);
    put_bytes(w, "challenge", made);
    return pending_put(pendings_for(a->people, kind), kind, whom, made, clock_mono_us());
}

int passkey_ask(struct access *a, struct slice whom, struct slice host, struct json_writer *w)
{
    struct slice domain = passkey_domain(host);
    if (!domain.p)
        return ERR_UNSUPPORTED;
    json_key(w, "publicKey");
    json_open(w, '{');
    int err = challenge(a, PENDING_SIGN_IN, whom, w);
    json_key(w, "rpId");
    json_put_string(w, domain);
    json_key(w, "timeout");
    json_put_int(w, TIMEOUT_MS);
    put_word(w, "userVerification", "required");
    json_key(w, "allowCredentials");
    json_open(w, '[');
    json_close(w, ']');
    json_close(w, '}');
    return err;
}

static void put_user(struct json_writer *w, const struct person *p)
{
    json_key(w, "user");
    json_open(w, '{');
    put_bytes(w, "id", slice_str(p->e.id));
    put_word(w, "name", p->email[0] ? p->email : p->name);
    put_word(w, "displayName", p->name);
    json_close(w, '}');
}

static void put_algorithms(struct json_writer *w)
{
    int algorithm;
    json_key(w, "pubKeyCredParams");
    json_open(w, '[');
    for (size_t i = 0; (algorithm = webauthn_algorithm(i)); i++) {
        json_open(w, '{');
        put_word(w, "type", "public-key");
        json_key(w, "alg");
        json_put_int(w, algorithm);
        json_close(w, '}');
    }
    json_close(w, ']');
}

/* Those that the person has already: an authenticator makes no second one. */
static void put_excluded(struct json_writer *w, const struct person *p)
{
    const struct jval *list = jval_get(p->e.doc, "passkeys");
    json_key(w, "excludeCredentials");
    json_open(w, '[');
    for (const struct jval *v = list ? list->first : NULL; v; v = v->next) {
        json_open(w, '{');
        put_word(w, "type", "public-key");
        json_key(w, "id");
        json_put_string(w, jval_string(jval_get(v, "credential")));
        json_close(w, '}');
    }
    json_close(w, ']');
}

int passkey_ask_new(struct access *a, const struct principal *who, struct slice host,
                    struct json_writer *w)
{
    struct slice domain = passkey_domain(host);
    if (!session_is_fresh(who, clock_now_us()))
        return ERR_REAUTHENTICATE;
    if (!domain.p)
        return ERR_UNSUPPORTED;
    json_key(w, "publicKey");
    json_open(w, '{');
    int err = challenge(a, PENDING_PASSKEY, slice_str(who->session->e.id), w);
    json_key(w, "rp");
    json_open(w, '{');
    json_key(w, "id");
    json_put_string(w, domain);
    put_word(w, "name", "Doppel");
    json_close(w, '}');
    put_user(w, who->person);
    put_algorithms(w);
    put_excluded(w, who->person);
    json_key(w, "timeout");
    json_put_int(w, TIMEOUT_MS);
    put_word(w, "attestation", "none");
    json_key(w, "authenticatorSelection");
    json_open(w, '{');
    put_word(w, "residentKey", "required");
    json_key(w, "requireResidentKey");
    json_put_bool(w, true);
    put_word(w, "userVerification", "required");
    json_close(w, '}');
    json_close(w, '}');
    return err;
}

/* ---- answers ---- */

struct answer {
    unsigned char challenge[PENDING_BYTES];
    size_t challenge_n;
    struct slice origins[2];
    struct webauthn_party party;
};

/* Take the challenge back, whatever comes of it, and say who we are. */
static int begin_answer(struct change *ch, enum pending_kind kind, const struct passkey_shown *s,
                        struct answer *ret)
{
    struct pendings *pendings = pendings_for(ch->access->people, kind);
    if (!s->whom.n ||
        !pending_take(pendings, kind, s->whom, ret->challenge, &ret->challenge_n, clock_mono_us()))
        return refused(ch, kind == PENDING_PASSKEY ? ERR_PRECONDITION : ERR_CREDENTIALS,
                       "Nothing was asked of this browser in the last 5 minutes: try again.");
    const char *over_tls = arena_printf(ch->arena, "https://%.*s", SLICE_ARG(s->host));
    const char *plain = arena_printf(ch->arena, "http://%.*s", SLICE_ARG(s->host));
    if (!over_tls || !plain)
        return refused(ch, ERR_NOMEM, err_info(ERR_NOMEM)->text);
    /* TLS may end in front of us; a browser has passkeys over it alone, but for localhost */
    ret->origins[0] = slice_str(over_tls);
    ret->origins[1] = slice_str(plain);
    ret->party = (struct webauthn_party){.id = passkey_domain(s->host),
                                         .origins = ret->origins,
                                         .origins_n = 2,
                                         .verify_user = true};
    return 0;
}

static int read_assertion(struct change *ch, const struct jval *json,
                          struct webauthn_assertion *ret)
{
    const struct jval *response = jval_get(json, "response");
    bool whole = bytes_of(ch, json, "rawId", true, &ret->id) &&
                 bytes_of(ch, response, "clientDataJSON", true, &ret->client_data) &&
                 bytes_of(ch, response, "authenticatorData", true, &ret->authenticator_data) &&
                 bytes_of(ch, response, "signature", true, &ret->signature) &&
                 bytes_of(ch, response, "userHandle", false, &ret->handle);
    return whole ? 0 : refused(ch, ERR_MALFORMED, "This is no answer of a passkey.");
}

static int not_taken(struct change *ch, int err, const char *why)
{
    change_refuse(ch, err, "The passkey was not taken: %s", why ? why : "it does not fit.");
    return err;
}

static struct person *person_of(struct access *a, struct slice credential)
{
    struct buf text = {0};
    encode_add(&text, ENCODE_BASE64URL, credential);
    struct person *p = map_get(&a->passkeys, buf_slice(&text));
    buf_release(&text);
    return p;
}

/* The entry of a document; NULL: there is none. */
static struct jval *entry_of(const struct jval *doc, struct slice id)
{
    const struct jval *list = jval_get(doc, "passkeys");
    for (struct jval *v = list ? list->first : NULL; v; v = v->next)
        if (slice_eq(jval_string(jval_get(v, "id")), id))
            return v;
    return NULL;
}

/* Is it right?  Then the entry of doc says what the authenticator has told. */
static int verify(struct change *ch, const struct passkey_shown *s, struct person **ret_person,
                  struct jval **ret_doc)
{
    struct answer a;
    struct webauthn_assertion shown = {0};
    struct webauthn_credential kept = {0};
    const char *why = NULL;
    char id[PASSKEY_ID + 1];
    double count = 0;
    int err = begin_answer(ch, PENDING_SIGN_IN, s, &a);
    if (!err)
        err = read_assertion(ch, s->json, &shown);
    if (err)
        return err;
    struct person *p = person_of(ch->access, shown.id);
    struct jval *doc = p && !p->disabled ? person_doc(ch, p) : NULL;
    short_id(shown.id, id);
    struct jval *entry = entry_of(doc, slice_str(id));
    if (!p || !entry || !bytes_of(ch, entry, "key", true, &kept.key))
        return refused(ch, ERR_CREDENTIALS, "This passkey is not known here.");
    jval_number(jval_get(entry, "signCount"), &count);
    kept.id = shown.id;
    kept.handle = slice_str(p->e.id);
    kept.sign_count = (uint32_t)count;
    const struct slice challenge = slice_of((const char *)a.challenge, a.challenge_n);
    if ((err = webauthn_assert(&a.party, challenge, &shown, &kept, &why)))
        return not_taken(ch, err == ERR_NOMEM ? err : ERR_CREDENTIALS, why);
    doc_int(ch, entry, "signCount", kept.sign_count);
    doc_bool(ch, entry, "backedUp", kept.backed_up);
    doc_time(ch, entry, "used", ch->now_us);
    *ret_person = p;
    *ret_doc = doc;
    return 0;
}

int passkey_sign_in(struct change *ch)
{
    struct passkey_shown *s = ch->arg;
    struct person *p;
    struct jval *doc;
    int err = verify(ch, s, &p, &doc);
    if (err)
        return err;
    doc_time(ch, doc, "seen", ch->now_us);
    browser_note(ch, doc, s->browser, browser_is_known(p, s->browser), s->new_browser);
    person_put(ch, p, doc);
    s->session = (struct session_plan){.person = p->e.id, .how = "passkey"};
    session_put(ch, &s->session);
    sign_in_audit(ch, p, "passkey");
    return 0;
}

int passkey_confirm(struct change *ch)
{
    struct passkey_shown *s = ch->arg;
    struct person *p, *shown;
    struct jval *doc;
    int err = change_person(ch, &p);
    if (!err && !ch->who->session)
        err = refused(ch, ERR_UNAUTHENTICATED, "There is no session to confirm.");
    if (!err)
        err = verify(ch, s, &shown, &doc);
    if (err)
        return err;
    if (shown != p)
        return change_refuse(ch, ERR_CREDENTIALS, "This passkey is of another account.");
    struct jval *session = jval_copy(ch->arena, ch->who->session->e.doc);
    person_put(ch, p, doc);
    doc_time(ch, session, "authenticated", ch->now_us);
    session_put_again(ch, ch->who->session, session);
    person_audit(ch, "session:confirm", p->e.id);
    return 0;
}

/* ---- adding, naming, removing ---- */

static int check_new(struct change *ch, const struct passkey_shown *s, const struct person *p)
{
    const struct jval *list = jval_get(p->e.doc, "passkeys");
    if (s->name.n && !person_name_ok(s->name))
        return change_refuse(ch, ERR_INVALID, "A name has 1 to %d bytes and no control characters.",
                             PERSON_NAME_MAX);
    if (list && list->count >= PASSKEYS_OF_PERSON)
        return change_refuse(ch, ERR_QUOTA, "You have %d passkeys already: remove one.",
                             PASSKEYS_OF_PERSON);
    return 0;
}

static int read_registration(struct change *ch, const struct jval *json,
                             struct webauthn_registration *ret)
{
    const struct jval *response = jval_get(json, "response");
    bool whole = bytes_of(ch, json, "rawId", true, &ret->id) &&
                 bytes_of(ch, response, "clientDataJSON", true, &ret->client_data) &&
                 bytes_of(ch, response, "attestationObject", true, &ret->attestation);
    return whole ? 0 : refused(ch, ERR_MALFORMED, "This is no new passkey.");
}

static void doc_bytes(struct change *ch, struct jval *doc, const char *key, struct slice bytes)
{
    struct buf text = {0};
    encode_add(&text, ENCODE_BASE64URL, bytes);
    doc_slice(ch, doc, key, buf_slice(&text));
    buf_release(&text);
}

static struct jval *entry_for(struct change *ch, const struct passkey_shown *s,
                              const struct webauthn_credential *c)
{
    struct jval *entry = change_doc(ch);
    doc_string(ch, entry, "id", s->id);
    doc_bytes(ch, entry, "credential", c->id);
    doc_bytes(ch, entry, "key", c->key);
    doc_int(ch, entry, "signCount", c->sign_count);
    doc_bool(ch, entry, "backedUp", c->backed_up);
    doc_slice(ch, entry, "name", s->name.n ? slice_trim(s->name) : SLICE_LIT("Passkey"));
    doc_time(ch, entry, "created", ch->now_us);
    return entry;
}

int passkey_add(struct change *ch)
{
    struct passkey_shown *s = ch->arg;
    struct answer a;
    struct webauthn_registration made = {0};
    struct webauthn_credential c = {0};
    const char *why = NULL;
    struct person *p;
    int err = change_fresh_person(ch, &p);
    if (!err)
        s->whom = slice_str(ch->who->session->e.id);
    if (!err)
        err = begin_answer(ch, PENDING_PASSKEY, s, &a);
    if (!err)
        err = check_new(ch, s, p);
    if (!err)
        err = read_registration(ch, s->json, &made);
    if (err)
        return err;
    const struct slice challenge = slice_of((const char *)a.challenge, a.challenge_n);
    if ((err = webauthn_register(&a.party, challenge, &made, &c, &why)))
        return not_taken(ch, err == ERR_NOMEM ? err : ERR_INVALID, why);
    if (person_of(ch->access, c.id))
        return change_refuse(ch, ERR_EXISTS, "This passkey is known already.");
    short_id(c.id, s->id);
    struct jval *doc = person_doc(ch, p), *list = jval_get(doc, "passkeys");
    if (doc && !list)
        list = jval_set(ch->arena, doc, SLICE_LIT("passkeys"), jval_new(ch->arena, J_ARRAY));
    struct jval *entry = entry_for(ch, s, &c);
    person_put(ch, p, list && entry && jval_append(list, entry) ? doc : NULL);
    person_audit(ch, "account:passkey", p->e.id);
    ch->audit.detail = slice_str(arena_printf(ch->arena, "added passkey:%s", s->id));
    return 0;
}

static int find_own(struct change *ch, struct slice id, struct person **ret, struct jval **ret_doc,
                    struct jval **ret_entry)
{
    int err = change_fresh_person(ch, ret);
    if (err)
        return err;
    *ret_doc = person_doc(ch, *ret);
    *ret_entry = entry_of(*ret_doc, id);
    return *ret_entry ? 0 : refused(ch, ERR_NOT_FOUND, "You have no such passkey.");
}

int passkey_rename(struct change *ch)
{
    const struct passkey_named *n = ch->arg;
    struct person *p;
    struct jval *doc, *entry;
    int err = find_own(ch, n->id, &p, &doc, &entry);
    if (!err && !person_name_ok(n->name))
        err = change_refuse(ch, ERR_INVALID, "A name has 1 to %d bytes and no control characters.",
                            PERSON_NAME_MAX);
    if (err)
        return err;
    doc_slice(ch, entry, "name", slice_trim(n->name));
    person_put(ch, p, doc);
    person_audit(ch, "account:passkey", p->e.id);
    return 0;
}

int passkey_remove(struct change *ch)
{
    const struct passkey_named *n = ch->arg;
    struct person *p;
    struct jval *doc, *entry, *left = jval_new(ch->arena, J_ARRAY);
    int err = find_own(ch, n->id, &p, &doc, &entry);
    if (err)
        return err;
    const struct jval *list = jval_get(doc, "passkeys"), *ids = jval_get(doc, "identities");
    bool password = p->email[0] && jval_get(doc, "password");
    if (list->count == 1 && !password && !(ids && ids->count))
        return change_refuse(ch, ERR_CONFLICT,
                             "It is your only way to sign in: set a password or add another "
                             "passkey first.");
    for (const struct jval *v = list->first; v && left; v = v->next) {
        struct jval *copy = v == entry ? NULL : jval_copy(ch->arena, v);
        if (copy)
            jval_append(left, copy);
    }
    person_put(ch, p, left && jval_set(ch->arena, doc, SLICE_LIT("passkeys"), left) ? doc : NULL);
    person_audit(ch, "account:passkey", p->e.id);
    ch->audit.detail = slice_str(arena_printf(ch->arena, "removed passkey:%.*s", SLICE_ARG(n->id)));
    return 0;
}
