/* second_factor.c - one-time codes and recovery codes of a person, and their browsers: what their
 * record keeps of it.
 *
 *   "totp": the seed, sealed (crypto/seal.h) for ("person", its id)
 *   "totpStep": the step whose code was used last
 *   "recovery": [SHA-256 of each code that is left]
 *   "browsers": [{"hash", "seen"}], the newest last */
#include "access/account.h"

#include "access/signin.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/code.h"
#include "crypto/encode.h"
#include "crypto/seal.h"
#include "crypto/totp.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- codes ---- */

static uint64_t used_step(const struct jval *doc)
{
    double step;
    return jval_number(jval_get(doc, "totpStep"), &step) && step > 0 ? (uint64_t)step : 0;
}

static int take_totp(struct change *ch, const struct person *p, struct jval *doc, struct slice code)
{
    struct buf secret = {0};
    uint64_t step = 0;
    const struct key_ring *keys = ch->access->people->keys;
    int err = keys ? seal_open(keys, SLICE_LIT("person"), slice_str(p->e.id),
                               jval_string(jval_get(doc, "totp")), &secret)
                   : ERR_NOT_FOUND;
    bool right = !err && totp_verify(buf_slice(&secret), code, ch->now_us, used_step(doc), &step);
    secret_release(&secret);
    if (err)
        return change_refuse(ch, ERR_CORRUPT,
                             "The server cannot open the seed of the one-time codes: the key that "
                             "sealed it is missing. A recovery code still works.");
    if (!right)
        return change_refuse(ch, ERR_CREDENTIALS,
                             "The code is not right, is too old, or was used already.");
    doc_int(ch, doc, "totpStep", (int64_t)step);
    return 0;
}

static int take_recovery(struct change *ch, struct jval *doc, const unsigned char *hash)
{
    struct jval *list = jval_get(doc, "recovery"), *left = jval_new(ch->arena, J_ARRAY);
    bool found = false;
    for (const struct jval *v = list ? list->first : NULL; v && left; v = v->next) {
        unsigned char kept[TOKEN_HASH];
        bool same = hash_read(v, kept) && digest_equal(slice_of((const char *)kept, TOKEN_HASH),
                                                       slice_of((const char *)hash, TOKEN_HASH));
        found |= same;
        struct jval *copy = same ? NULL : jval_copy(ch->arena, v);
        if (copy)
            jval_append(left, copy);
    }
    if (!found)
        return change_refuse(ch, ERR_CREDENTIALS, "The code is not right, or was used already.");
    if (left)
        jval_set(ch->arena, doc, SLICE_LIT("recovery"), left);
    return 0;
}

int second_factor_take(struct change *ch, const struct person *p, struct jval *doc,
                       struct slice code)
{
    unsigned char hash[SHA256_BYTES];
    if (code_read(code, RECOVERY_GROUPS, hash) == 0)
        return take_recovery(ch, doc, hash);
    if (!jval_string(jval_get(doc, "totp")).n)
        return change_refuse(ch, ERR_CREDENTIALS, "The code is not right, or was used already.");
    return take_totp(ch, p, doc, code);
}

/* New ones; all that there were are void.  NULL: out of memory. */
static struct jval *make_recovery(struct change *ch, struct jval *doc, struct account_codes *c)
{
    struct jval *list = jval_new(ch->arena, J_ARRAY);
    for (size_t i = 0; i < RECOVERY_CODES && list; i++) {
        unsigned char hash[SHA256_BYTES];
        struct buf hex = {0};
        code_make(RECOVERY_GROUPS, c->recovery[i], hash);
        encode_add(&hex, ENCODE_HEX, slice_of((const char *)hash, sizeof hash));
        struct jval *v = jval_new_string(ch->arena, buf_slice(&hex));
        list = v && jval_append(list, v) ? list : NULL;
        buf_release(&hex);
    }
    return list && doc && jval_set(ch->arena, doc, SLICE_LIT("recovery"), list) ? doc : NULL;
}

/* ---- enrolling ---- */

int account_totp_begin(struct access *a, const struct principal *who, char ret_secret[static 33],
                       struct buf *ret_uri, const char **ret_why)
{
    unsigned char seed[TOTP_SECRET_BYTES];
    struct buf text = {0};
    *ret_why = NULL;
    if (!session_is_fresh(who, clock_now_us()))
        return ERR_REAUTHENTICATE;
    if (!a->people->keys) {
        *ret_why = "This server has no key to seal the seed with.";
        return ERR_UNSUPPORTED;
    }
    random_bytes(seed, sizeof seed);
    int err = pending_put(a->people->pendings, PENDING_TOTP, slice_str(who->session->e.id),
                          slice_of((const char *)seed, sizeof seed), clock_mono_us());
    encode_add(&text, ENCODE_BASE32, slice_of((const char *)seed, sizeof seed));
    totp_uri(ret_uri, SLICE_LIT("Doppel"),
             slice_str(who->person->email[0] ? who->person->email : who->person->name),
             slice_of((const char *)seed, sizeof seed));
    if (!err && (text.failed || text.n > 32))
        err = ERR_NOMEM;
    if (!err)
        snprintf(ret_secret, 33, "%.*s", (int)text.n, text.p);
    explicit_bzero(seed, sizeof seed);
    secret_release(&text);
    return err;
}

int account_totp_confirm(struct change *ch)
{
    struct account_codes *c = ch->arg;
    struct people *people = ch->access->people;
    unsigned char seed[PENDING_BYTES];
    struct buf sealed = {0};
    struct person *p;
    uint64_t step = 0;
    size_t n = 0;
    int err = change_fresh_person(ch, &p);
    if (err)
        return err;
    struct slice whom = slice_str(ch->who->session->e.id);
    if (!pending_see(people->pendings, PENDING_TOTP, whom, seed, &n, clock_mono_us()))
        return change_refuse(ch, ERR_INVALID, "Begin anew: the seed was made over 5 minutes ago.");
    const struct slice secret = slice_of((const char *)seed, n);
    struct jval *doc = person_doc(ch, p);
    if (!totp_verify(secret, c->code, ch->now_us, 0, &step))
        err =
            change_refuse(ch, ERR_CREDENTIALS,
                          "The code is not right: look whether the clocks of both devices agree.");
    else if (seal_add(&sealed, people->keys, SLICE_LIT("person"), slice_str(p->e.id), secret))
        err = change_refuse(ch, ERR_UNSUPPORTED, "The seed cannot be sealed: there is no key.");
    if (!err) {
        doc_slice(ch, doc, "totp", buf_slice(&sealed));
        doc_int(ch, doc, "totpStep", (int64_t)step);
        person_put(ch, p, make_recovery(ch, doc, c));
        person_audit(ch, "account:totp", p->e.id);
        pending_take(people->pendings, PENDING_TOTP, whom, seed, &n, clock_mono_us());
    }
    explicit_bzero(seed, sizeof seed);
    buf_release(&sealed);
    return err;
}

static int fresh_with_codes(struct change *ch, struct person **ret)
{
    int err = change_fresh_person(ch, ret);
    if (!err && !jval_string(jval_get((*ret)->e.doc, "totp")).n)
        err = change_refuse(ch, ERR_NOT_FOUND, "One-time codes are not enrolled.");
    return err;
}

int account_totp_disable(struct change *ch)
{
    struct person *p;
    int err = fresh_with_codes(ch, &p);
    if (err)
        return err;
    struct jval *doc = person_doc(ch, p);
    jval_remove(doc, SLICE_LIT("totp"));
    jval_remove(doc, SLICE_LIT("totpStep"));
    jval_remove(doc, SLICE_LIT("recovery"));
    person_put(ch, p, doc);
    person_audit(ch, "account:totp-off", p->e.id);
    return 0;
}

int account_recovery_codes(struct change *ch)
{
    struct account_codes *c = ch->arg;
    struct person *p;
    int err = fresh_with_codes(ch, &p);
    if (err)
        return err;
    person_put(ch, p, make_recovery(ch, person_doc(ch, p), c));
    person_audit(ch, "account:recovery-codes", p->e.id);
    return 0;
}

/* ---- browsers ---- */

static void browser_hash(struct slice cookie, char ret[static 2 * TOKEN_HASH + 1])
{
    unsigned char hash[SHA256_BYTES];
    digest_sha256(cookie, hash);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(ret + 2 * i, 3, "%02x", hash[i]);
}

bool browser_is_known(const struct person *p, struct slice cookie)
{
    char hex[2 * TOKEN_HASH + 1];
    const struct jval *list = p ? jval_get(p->e.doc, "browsers") : NULL;
    if (cookie.n != BROWSER_SECRET || !list)
        return false;
    browser_hash(cookie, hex);
    for (const struct jval *v = list->first; v; v = v->next)
        if (slice_is(jval_string(jval_get(v, "hash")), hex))
            return true;
    return false;
}

/* Those of the list that are kept beside the new one, whose hash it is. */
static struct jval *others(struct change *ch, const struct jval *list, const char *hex)
{
    struct jval *kept = jval_new(ch->arena, J_ARRAY);
    size_t skip = list && list->count >= PERSON_BROWSERS ? list->count - PERSON_BROWSERS + 1 : 0;
    for (const struct jval *v = list ? list->first : NULL; v && kept; v = v->next) {
        if (skip && skip--)
            continue;
        struct jval *copy =
            slice_is(jval_string(jval_get(v, "hash")), hex) ? NULL : jval_copy(ch->arena, v);
        if (copy)
            jval_append(kept, copy);
    }
    return kept;
}

void browser_note(struct change *ch, struct jval *doc, struct slice cookie, bool known,
                  char ret_secret[static BROWSER_SECRET + 1])
{
    char hex[2 * TOKEN_HASH + 1];
    unsigned char chance[32];
    struct buf secret = {0};
    ret_secret[0] = 0;
    if (!known) { /* one that somebody else could have put there is not taken over */
        random_bytes(chance, sizeof chance);
        encode_add(&secret, ENCODE_BASE64URL, slice_of((const char *)chance, sizeof chance));
        snprintf(ret_secret, BROWSER_SECRET + 1, "%.*s", SLICE_ARG(buf_slice(&secret)));
        buf_release(&secret);
        cookie = slice_str(ret_secret);
    }
    browser_hash(cookie, hex);
    struct jval *one = change_doc(ch), *list = others(ch, jval_get(doc, "browsers"), hex);
    doc_string(ch, one, "hash", hex);
    doc_time(ch, one, "seen", ch->now_us);
    if (list && one && jval_append(list, one))
        jval_set(ch->arena, doc, SLICE_LIT("browsers"), list);
}
