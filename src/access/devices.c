#include "access/devices.h"

#include "access/change.h"
#include "access/orgs.h"
#include "access/sharing.h"
#include "access/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/encode.h"

#include <stdio.h>
#include <stdlib.h>

#define USED_EVERY_US INT64_C(3600000000) /* how often it is kept when a credential was used */
enum { CLAIMS_SWEPT = 100 /* expired ones that go with a new one */ };

/* ---- documents ---- */

static void doc_hex(struct change *ch, struct jval *doc, const char *key, const void *bytes,
                    size_t n)
{
    struct buf text = {0};
    encode_add(&text, ENCODE_HEX, slice_of(bytes, n));
    doc_slice(ch, doc, key, buf_slice(&text));
    buf_release(&text);
}

static int64_t time_in(const struct jval *doc, const char *key)
{
    int64_t t = 0;
    struct slice text = jval_string(jval_get(doc, key));
    return text.p && clock_parse(text, &t) == 0 ? t : 0;
}

static uint64_t number_in(const struct jval *doc, const char *key)
{
    double v = 0;
    return jval_number(jval_get(doc, key), &v) && v > 0 ? (uint64_t)v : 0;
}

static struct slice text_in(const struct jval *doc, const char *key)
{
    return jval_string(jval_get(doc, key));
}

static const char *twin_object_name(struct change *ch, struct slice key)
{
    const char *name = arena_printf(ch->arena, "twin:%.*s", SLICE_ARG(key));
    return name ? name : "twin";
}

static void audit_in(struct change *ch, const struct org *org)
{
    if (org)
        ch->audit.org = slice_str(org->e.id);
}

/* ---- credentials ---- */

const struct credential *device_credentials(const struct access *a, struct slice twin)
{
    return map_get(&a->twin_credentials, twin);
}

static bool is_valid(const struct credential *c, int64_t now_us)
{
    return !(c->revoked_us && now_us >= c->revoked_us) &&
           !(c->expires_us && now_us >= c->expires_us);
}

size_t device_credentials_valid(const struct access *a, struct slice twin)
{
    size_t n = 0;
    int64_t now_us = clock_now_us();
    for (const struct credential *c = device_credentials(a, twin); c; c = c->next)
        n += is_valid(c, now_us);
    return n;
}

struct slice device_of_token(const struct access *a, struct slice token)
{
    unsigned char hash[SHA256_BYTES];
    digest_sha256(token, hash);
    const struct credential *c =
        map_get(&a->credentials, slice_of((const char *)hash, sizeof hash));
    return slice_str(c ? c->twin : "");
}

static struct jval *credential_doc(struct change *ch, const struct credential *c)
{
    struct jval *doc = change_doc(ch);
    doc_string(ch, doc, "twin", c->twin);
    doc_hex(ch, doc, c->certificate ? "fingerprint" : "hash", c->hash, sizeof c->hash);
    doc_string(ch, doc, "name", c->name);
    doc_time(ch, doc, "created", c->created_us);
    doc_time(ch, doc, "expires", c->expires_us);
    doc_time(ch, doc, "used", c->used_us);
    doc_time(ch, doc, "revoked", c->revoked_us);
    return doc;
}

/* Room for one more: those that do not hold any more make it.  False: there is none. */
static bool make_room(struct change *ch, const struct credential *first)
{
    size_t n = 0;
    for (const struct credential *c = first; c; c = c->next)
        n++;
    for (const struct credential *c = first; c && n >= DEVICE_CREDENTIALS_MAX; c = c->next) {
        if (is_valid(c, ch->now_us))
            continue;
        change_remove(ch, RECORD_CREDENTIAL, c->id);
        n--;
    }
    return n < DEVICE_CREDENTIALS_MAX;
}

/* The certificate of a credential stands for itself, a token is made. */
static int choose_secret(struct change *ch, struct device_change *d)
{
    if (!d->certificate) {
        token_make(TOKEN_DEVICE, d->text, &d->token);
        return 0;
    }
    memcpy(d->token.hash, d->fingerprint, sizeof d->fingerprint);
    struct buf hex = {0};
    encode_add(&hex, ENCODE_HEX, slice_of((const char *)d->fingerprint, TOKEN_ID_CHARACTERS / 2));
    snprintf(d->token.id, sizeof d->token.id, "%.*s", (int)hex.n, hex.p ? hex.p : "");
    buf_release(&hex);
    struct slice hash = slice_of((const char *)d->token.hash, sizeof d->token.hash);
    if (map_get(&ch->access->credentials, hash))
        return change_refuse(ch, ERR_EXISTS, "This certificate is a twin's already.");
    return 0;
}

/* Put a new one; nothing was asked. */
static int put_credential(struct change *ch, struct device_change *d, const char *operation)
{
    int err = choose_secret(ch, d);
    if (err)
        return err;
    if (!make_room(ch, device_credentials(ch->access, d->twin)))
        return change_refuse(ch, ERR_QUOTA,
                             "A twin has at most %d credentials: remove one that is not used.",
                             DEVICE_CREDENTIALS_MAX);
    if (d->expires_us && d->expires_us <= ch->now_us)
        return change_refuse(ch, ERR_BAD_TIME, "expires is in the past.");
    const struct credential made = {.twin = (char *)(uintptr_t)arena_dup(ch->arena, d->twin).p,
                                    .name = (char *)(uintptr_t)arena_dup(ch->arena, d->name).p,
                                    .certificate = d->certificate,
                                    .created_us = ch->now_us,
                                    .expires_us = d->expires_us};
    struct credential c = made;
    memcpy(c.hash, d->token.hash, sizeof c.hash);
    const struct jval *doc = credential_doc(ch, &c);
    change_put(ch, RECORD_CREDENTIAL, d->token.id, doc);
    change_audit(ch, operation, twin_object_name(ch, d->twin), NULL, doc);
    audit_in(ch, access_org_of_key(ch->access, d->twin));
    return 0;
}

static int check_twin(struct change *ch, struct slice twin)
{
    const struct access_object o = {.org = access_org_of_key(ch->access, twin), .twin = twin};
    return change_check(ch, OP_DEVICES_MANAGE, &o);
}

/* A device may send readings of all sensors: who may not gives no device that. */
static int check_giving(struct change *ch, struct slice twin)
{
    const struct access_object o = {.org = access_org_of_key(ch->access, twin), .twin = twin};
    const uint8_t rights = 1u << RIGHT_WRITE | 1u << RIGHT_EXECUTE;
    int err = check_twin(ch, twin);
    if (!err && policy_narrows(ch->access, ch->who, &o, rights, SLICE_LIT("/")))
        err = change_refuse(ch, ERR_FORBIDDEN,
                            "The policy of the twin keeps some of what a device may from you; ask "
                            "an administrator.");
    return err;
}

int credential_prepare(struct change *ch)
{
    struct device_change *d = ch->arg;
    int err = check_giving(ch, d->twin);
    return err ? err : put_credential(ch, d, "devices:manage");
}

static const struct credential *find(struct change *ch, const struct device_change *d)
{
    const struct credential *c = map_get(&ch->access->kinds[RECORD_CREDENTIAL], d->id);
    if (c && slice_is(d->twin, c->twin) && !(c->revoked_us && ch->now_us >= c->revoked_us))
        return c;
    change_refuse(ch, ERR_NOT_FOUND, "The twin has no credential \"%.*s\".",
                  d->id.n > 64 ? 64 : (int)d->id.n, d->id.p);
    return NULL;
}

/* It stays, so that it is known when it is shown again; and a certificate cannot come back. */
int credential_remove_prepare(struct change *ch)
{
    struct device_change *d = ch->arg;
    int err = check_twin(ch, d->twin);
    const struct credential *c = err ? NULL : find(ch, d);
    if (!c)
        return ch->err;
    change_audit(ch, "devices:manage", twin_object_name(ch, d->twin), credential_doc(ch, c), NULL);
    audit_in(ch, access_org_of_key(ch->access, d->twin));
    struct credential revoked = *c;
    revoked.revoked_us = ch->now_us;
    change_put(ch, RECORD_CREDENTIAL, c->id, credential_doc(ch, &revoked));
    return 0;
}

/* A new token beside the old one, which ends after the overlap if it would not before. */
int credential_rotate_prepare(struct change *ch)
{
    struct device_change *d = ch->arg;
    int err = check_giving(ch, d->twin);
    const struct credential *old = err ? NULL : find(ch, d);
    if (!old)
        return ch->err;
    if (old->certificate)
        return change_refuse(
            ch, ERR_INVALID,
            "A certificate is replaced by adding the new one, then removing this.");
    if (!is_valid(old, ch->now_us))
        return change_refuse(ch, ERR_TOKEN_EXPIRED, "It does not hold any more: make a new one.");
    d->name = slice_str(old->name);
    err = put_credential(ch, d, "devices:manage");
    if (err)
        return err;
    struct credential until = *old;
    int64_t end_us = ch->now_us + d->overlap_us;
    until.expires_us = old->expires_us && old->expires_us < end_us ? old->expires_us : end_us;
    change_put(ch, RECORD_CREDENTIAL, old->id, credential_doc(ch, &until));
    return 0;
}

/* ---- claim codes ---- */

/* The record's id: it says no more than the hash, and finds it. */
static const char *claim_id(struct change *ch, const unsigned char hash[SHA256_BYTES])
{
    struct buf hex = {0};
    encode_add(&hex, ENCODE_HEX, slice_of((const char *)hash, SHA256_BYTES));
    const char *id = arena_strndup(ch->arena, hex.p ? hex.p : "", hex.n);
    buf_release(&hex);
    return id ? id : "";
}

/* Those of the twin, of which only the newest holds, and some that have expired. */
static void sweep_claims(struct change *ch, struct slice twin)
{
    const struct entity *e;
    size_t at = 0, n = 0;
    while (n < CLAIMS_SWEPT && (e = map_next(&ch->access->kinds[RECORD_CLAIM], &at))) {
        if (!slice_eq(text_in(e->doc, "twin"), twin) && ch->now_us < time_in(e->doc, "expires"))
            continue;
        change_remove(ch, RECORD_CLAIM, e->id);
        n++;
    }
}

int claim_code_prepare(struct change *ch)
{
    struct device_change *d = ch->arg;
    unsigned char hash[SHA256_BYTES];
    int err = check_giving(ch, d->twin);
    if (err)
        return err;
    if (!d->expires_us)
        d->expires_us = ch->now_us + CLAIM_DEFAULT_US;
    if (d->expires_us <= ch->now_us || d->expires_us > ch->now_us + CLAIM_MAX_US)
        return change_refuse(ch, ERR_BAD_TIME, "A claim code expires within a day.");
    sweep_claims(ch, d->twin);
    code_make(CLAIM_GROUPS, d->code, hash);
    struct jval *doc = change_doc(ch);
    doc_slice(ch, doc, "twin", d->twin);
    doc_time(ch, doc, "created", ch->now_us);
    doc_time(ch, doc, "expires", d->expires_us);
    doc_string(ch, doc, "by", ch->who->id);
    change_put(ch, RECORD_CLAIM, claim_id(ch, hash), doc);
    change_audit(ch, "devices:manage", twin_object_name(ch, d->twin), NULL, doc);
    audit_in(ch, access_org_of_key(ch->access, d->twin));
    return 0;
}

static void tell_twin(struct device_change *d, struct access *a, struct slice twin)
{
    snprintf(d->twin_key, sizeof d->twin_key, "%.*s", SLICE_ARG(twin));
    d->twin = slice_str(d->twin_key);
    d->twin_org = access_org_of_key(a, twin);
}

int claim_prepare(struct change *ch)
{
    struct device_change *d = ch->arg;
    unsigned char hash[SHA256_BYTES];
    const struct entity *e = NULL;
    if (code_read(d->secret, CLAIM_GROUPS, hash) == 0)
        e = access_find(ch->access, RECORD_CLAIM, slice_str(claim_id(ch, hash)));
    if (!e || ch->now_us >= time_in(e->doc, "expires"))
        return change_refuse(ch, ERR_CREDENTIALS,
                             "The claim code is not known, has expired or was used.");
    tell_twin(d, ch->access, text_in(e->doc, "twin"));
    if (!d->twin_org || d->twin_org->gone)
        return change_refuse(ch, ERR_CREDENTIALS, "The twin of this claim code is no more.");
    d->name = SLICE_LIT("claimed");
    change_remove(ch, RECORD_CLAIM, e->id);
    return put_credential(ch, d, "claim");
}

/* ---- provisioning keys ---- */

static int check_org(struct change *ch, struct org *org)
{
    return change_check(ch, OP_DEVICES_MANAGE, &(struct access_object){.org = org});
}

static size_t keys_of(const struct access *a, const struct org *org)
{
    const struct entity *e;
    size_t at = 0, n = 0;
    while ((e = map_next(&a->kinds[RECORD_PROVISIONING], &at)))
        n += slice_is(text_in(e->doc, "organization"), org->e.id);
    return n;
}

int provisioning_key_prepare(struct change *ch)
{
    struct device_change *d = ch->arg;
    int err = check_org(ch, d->org);
    if (err)
        return err;
    if (d->expires_us && d->expires_us <= ch->now_us)
        return change_refuse(ch, ERR_BAD_TIME, "expires is in the past.");
    if (keys_of(ch->access, d->org) >= PROVISIONING_KEYS_MAX)
        return change_refuse(ch, ERR_QUOTA, "An organisation has at most %d provisioning keys.",
                             PROVISIONING_KEYS_MAX);
    token_make(TOKEN_PROVISIONING, d->text, &d->token);
    struct jval *doc = change_doc(ch);
    doc_string(ch, doc, "organization", d->org->e.id);
    doc_hex(ch, doc, "hash", d->token.hash, sizeof d->token.hash);
    doc_slice(ch, doc, "name", d->name);
    doc_slice(ch, doc, "twinPattern", d->pattern);
    if (d->limit)
        doc_int(ch, doc, "limit", (int64_t)d->limit);
    doc_int(ch, doc, "used", 0);
    doc_time(ch, doc, "created", ch->now_us);
    doc_time(ch, doc, "expires", d->expires_us);
    change_put(ch, RECORD_PROVISIONING, d->token.id, doc);
    change_audit(ch, "devices:manage", "provisioning-key", NULL, doc);
    audit_in(ch, d->org);
    return 0;
}

int provisioning_key_remove_prepare(struct change *ch)
{
    struct device_change *d = ch->arg;
    int err = check_org(ch, d->org);
    const struct entity *e = err ? NULL : access_find(ch->access, RECORD_PROVISIONING, d->id);
    if (err)
        return err;
    if (!e || !slice_is(text_in(e->doc, "organization"), d->org->e.id))
        return change_refuse(ch, ERR_NOT_FOUND, "There is no such provisioning key.");
    change_audit(ch, "devices:manage", "provisioning-key", e->doc, NULL);
    audit_in(ch, d->org);
    change_remove(ch, RECORD_PROVISIONING, e->id);
    return 0;
}

static const struct entity *key_of(const struct access *a, struct slice text)
{
    struct token t;
    unsigned char kept[TOKEN_HASH];
    if (token_read(text, &t) || t.kind != TOKEN_PROVISIONING)
        return NULL;
    const struct entity *e = access_find(a, RECORD_PROVISIONING, slice_str(t.id));
    if (!e || !hash_read(jval_get(e->doc, "hash"), kept) ||
        !digest_equal(slice_of((const char *)kept, sizeof kept),
                      slice_of((const char *)t.hash, sizeof t.hash)))
        return NULL;
    return e;
}

static int judge_key(const struct entity *e, struct slice twin, const char **ret_why)
{
    int64_t expires = time_in(e->doc, "expires");
    uint64_t limit = number_in(e->doc, "limit");
    if (expires && clock_now_us() >= expires) {
        *ret_why = "The provisioning key has expired.";
        return ERR_TOKEN_EXPIRED;
    }
    if (!slice_like(text_in(e->doc, "twinPattern"), twin)) {
        *ret_why = "The provisioning key is for twins with other names.";
        return ERR_FORBIDDEN;
    }
    if (limit && number_in(e->doc, "used") >= limit) {
        *ret_why = "The provisioning key was used as often as it may be.";
        return ERR_QUOTA;
    }
    return 0;
}

int provisioning_judge(struct access *a, struct slice key, struct slice twin, struct org **ret_org,
                       const char **ret_why)
{
    const struct entity *e = key_of(a, key);
    struct org *org = e ? access_org(a, text_in(e->doc, "organization")) : NULL;
    *ret_why = "The provisioning key is not known here.";
    if (!org || org->gone)
        return ERR_CREDENTIALS;
    int err = judge_key(e, twin, ret_why);
    if (!err)
        *ret_org = org;
    return err;
}

/* d->twin is the key of a twin that is there. */
int provision_prepare(struct change *ch)
{
    struct device_change *d = ch->arg;
    struct org *org = NULL;
    const char *why = "";
    struct slice id = slice_skip(d->twin, access_key_prefix(d->twin));
    int err = provisioning_judge(ch->access, d->secret, id, &org, &why);
    if (err)
        return change_refuse(ch, err, "%s", why);
    if (device_credentials_valid(ch->access, d->twin))
        return change_refuse(ch, ERR_EXISTS,
                             "The twin has a credential already: a claim code gives another.");
    const struct entity *e = key_of(ch->access, d->secret);
    struct jval *doc = jval_copy(ch->arena, e->doc);
    if (!doc)
        return ERR_NOMEM;
    doc_int(ch, doc, "used", (int64_t)number_in(e->doc, "used") + 1);
    change_put(ch, RECORD_PROVISIONING, e->id, doc);
    tell_twin(d, ch->access, d->twin);
    d->name = text_in(e->doc, "name");
    return put_credential(ch, d, "provision");
}

/* ---- when the twin goes ---- */

int device_forget_prepare(struct change *ch)
{
    struct device_change *d = ch->arg;
    struct access *a = ch->access;
    const struct ruling *r = map_get(&a->rulings, d->twin);
    const struct entity *e;
    size_t at = 0;
    for (const struct credential *c = device_credentials(a, d->twin); c; c = c->next)
        change_remove(ch, RECORD_CREDENTIAL, c->id);
    while ((e = map_next(&a->kinds[RECORD_CLAIM], &at)))
        if (slice_eq(text_in(e->doc, "twin"), d->twin))
            change_remove(ch, RECORD_CLAIM, e->id);
    for (const struct grant *g = r ? r->grants : NULL; g; g = g->next)
        forget_grant(ch, g);
    if (r && r->policy)
        change_remove(ch, RECORD_POLICY, r->policy->e.id);
    change_audit(ch, "twins:delete", twin_object_name(ch, d->twin), NULL, NULL);
    audit_in(ch, access_org_of_key(a, d->twin));
    ch->audit.detail = SLICE_LIT("credentials, claim codes, grants and policy went with the twin");
    return 0;
}

/* ---- how they do ---- */

enum { NOTES_MAX = 1000000 };

static struct device_note *note_for(struct access *a, struct slice twin)
{
    struct device_note *n = map_get(&a->notes, twin);
    if (n || a->notes.count >= NOTES_MAX || !twin.n || twin.n > 199)
        return n;
    n = calloc(1, sizeof *n + twin.n + 1);
    if (!n)
        return NULL;
    memcpy(n->key, twin.p, twin.n);
    if (map_put(&a->notes, slice_of(n->key, twin.n), n, NULL)) {
        free(n);
        return NULL;
    }
    return n;
}

static int note_used(struct change *ch)
{
    const struct credential *c = access_find(ch->access, RECORD_CREDENTIAL, slice_str(ch->arg));
    ch->quiet = true;
    if (!c || ch->now_us - c->used_us < USED_EVERY_US)
        return 0;
    struct credential used = *c;
    used.used_us = ch->now_us;
    change_put(ch, RECORD_CREDENTIAL, c->id, credential_doc(ch, &used));
    return 0;
}

static void forget_id(struct change *ch)
{
    free(ch->arg);
}

static void keep_used(struct access *a, const struct credential *c)
{
    char *id =
        c && clock_now_us() - c->used_us >= USED_EVERY_US && !a->stopped ? strdup(c->id) : NULL;
    if (id)
        access_change(a, &(struct change_plan){
                             .who = a->system, .prepare = note_used, .done = forget_id, .arg = id});
}

void device_met(struct access *a, const struct principal *who, int by)
{
    struct device_note *n = note_for(a, who->twin);
    if (by >= 0)
        keep_used(a, who->credential);
    if (!n)
        return;
    n->seen_us = clock_now_us();
    if (by > 0)
        n->connected++;
    else if (by < 0 && n->connected)
        n->connected--;
}

void device_turned_away(struct access *a, struct slice twin, int err, const char *address)
{
    struct device_note *n = note_for(a, twin);
    if (!n)
        return;
    n->refused = err;
    n->refused_us = clock_now_us();
    snprintf(n->address, sizeof n->address, "%s", address);
}

const struct device_note *device_note(const struct access *a, struct slice twin)
{
    return map_get(&a->notes, twin);
}

void device_notes_release(struct access *a)
{
    struct device_note *n;
    size_t at = 0;
    while ((n = map_next(&a->notes, &at)))
        free(n);
    map_release(&a->notes);
}
