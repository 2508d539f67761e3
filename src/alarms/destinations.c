/* destinations.c - documents of the kind destination: are they right, and what do they want to
 * hear.
 *
 * A webhook's secret is no part of the document, which has versions that many may read: it is a
 * record of its own, "destination:org/id", sealed, and shown once when it is made. */
#include "access/orgs.h"
#include "access/state.h"
#include "alarms/lanes.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/encode.h"
#include "crypto/seal.h"
#include "twin/kinds.h"

#include <stdio.h>

enum { RECIPIENTS_MAX = 20, SECRET_BYTES = 24 };
#define SECRET_PREFIX "whsec_"

static const char *const words[] = {"raised", "acknowledged", "cleared", NULL};

bool list_has(const struct jval *list, const char *word)
{
    if (!list || list->type != J_ARRAY)
        return strcmp(word, "raised") == 0; /* what is meant when nothing is said */
    for (const struct jval *v = list->first; v; v = v->next)
        if (slice_is(jval_string(v), word))
            return true;
    return false;
}

bool destination_on(const struct document *d)
{
    const struct jval *enabled = jval_get(d->body, "enabled");
    return !enabled || enabled->type != J_BOOL || enabled->boolean;
}

/* ---- is it right ---- */

static int refuse(struct change *ch, const char *pointer, const char *text)
{
    return change_refuse(ch, ERR_INVALID, "%s: %s", pointer, text);
}

static int check_webhook(const struct deliverer *dl, struct change *ch, const struct jval *body)
{
    struct slice url = jval_string(jval_get(body, "url"));
    struct buf why = {0};
    int err = 0;
    if (!url.n)
        return refuse(ch, "/url", "a webhook has a url.");
    const char *text = arena_strndup(ch->arena, url.p, url.n);
    if (!text)
        return ERR_NOMEM;
    if (dl->opts.fetch && fetch_check_url(dl->opts.fetch, text, &why))
        err = change_refuse(ch, ERR_INVALID, "/url: %.*s.", SLICE_ARG(buf_slice(&why)));
    buf_release(&why);
    return err;
}

static int check_email(const struct deliverer *dl, struct change *ch, const struct jval *body)
{
    const struct jval *to = jval_get(body, "to");
    if (!dl->opts.mailer)
        return refuse(ch, "/kind", "this server has no mail server: --smtp names one.");
    if (!to || to->type != J_ARRAY || !to->count || to->count > RECIPIENTS_MAX)
        return refuse(ch, "/to", "a list of 1 to 20 e-mail addresses.");
    for (const struct jval *v = to->first; v; v = v->next)
        if (!mail_is_address(jval_string(v)))
            return refuse(ch, "/to", "one of them is no e-mail address.");
    return 0;
}

static int check_mqtt(struct change *ch, const struct jval *body)
{
    struct slice topic = jval_string(jval_get(body, "topic"));
    if (!topic.n || topic.n > 1024 || memchr(topic.p, '+', topic.n) ||
        memchr(topic.p, '#', topic.n) || topic.p[0] == '$' || slice_starts(topic, "twins/") ||
        slice_starts(topic, "organizations/"))
        return refuse(ch, "/topic",
                      "a topic without + and #, and none of twins/, such as "
                      "\"plant/alarms/{alarm.twin}\".");
    return 0;
}

static int check_wishes(struct change *ch, const struct jval *wishes)
{
    int64_t us;
    if (!wishes)
        return 0;
    if (wishes->type != J_OBJECT)
        return refuse(ch, "/alarms", "an object such as {\"severity\": \"major\"}.");
    for (const struct jval *v = wishes->first; v; v = v->next) {
        if (slice_is(v->key, "severity") && severity_parse(jval_string(v)) >= 0)
            continue;
        if (slice_is(v->key, "after") && duration_parse(jval_string(v), &us) == 0)
            continue;
        if (slice_is(v->key, "twins") && v->type == J_ARRAY)
            continue;
        if (slice_is(v->key, "on") && v->type == J_ARRAY) {
            bool good = true;
            for (const struct jval *w = v->first; w; w = w->next) {
                size_t i = 0;
                while (words[i] && !slice_is(jval_string(w), words[i]))
                    i++;
                good &= words[i] != NULL;
            }
            if (good)
                continue;
        }
        return change_refuse(ch, ERR_INVALID,
                             "/alarms/%.*s: alarms has severity (info, warning, major or "
                             "critical: that and worse), on (a list of raised, acknowledged, "
                             "cleared), twins (a list of patterns of ids) and after (a duration "
                             "without acknowledgement).",
                             v->key.n > 64 ? 64 : (int)v->key.n, v->key.p);
    }
    return 0;
}

int destination_check(void *arg, struct change *ch, struct org *org, struct slice id,
                      const struct jval *body)
{
    const struct deliverer *dl = arg;
    struct slice kind = jval_string(jval_get(body, "kind"));
    int err;
    (void)org;
    (void)id;
    if (!body)
        return 0; /* what is to be sent there ends as dead, with the reason */
    if (slice_is(kind, "webhook"))
        err = check_webhook(dl, ch, body);
    else if (slice_is(kind, "email"))
        err = check_email(dl, ch, body);
    else if (slice_is(kind, "mqtt"))
        err = check_mqtt(ch, body);
    else
        return refuse(ch, "/kind", "webhook, email or mqtt.");
    return err ? err : check_wishes(ch, jval_get(body, "alarms"));
}

/* ---- what does it want ---- */

static bool about(const struct jval *wishes, const struct alarm *alarm)
{
    const struct jval *twins = jval_get(wishes, "twins");
    int least = severity_parse(jval_string(jval_get(wishes, "severity")));
    if (least > (int)alarm->severity)
        return false;
    if (!twins || twins->type != J_ARRAY)
        return true;
    struct slice id = slice_skip(alarm->twin, access_key_prefix(alarm->twin));
    for (const struct jval *v = twins->first; v; v = v->next)
        if (slice_like(jval_string(v), id))
            return true;
    return false;
}

int64_t destination_after(const struct document *d, const struct alarm *alarm)
{
    const struct jval *wishes = jval_get(d->body, "alarms");
    int64_t us;
    if (!wishes || !destination_on(d) || !about(wishes, alarm) ||
        duration_parse(jval_string(jval_get(wishes, "after")), &us))
        return 0;
    return us;
}

bool destination_wants(const struct document *d, const struct alarm *alarm, const char *word,
                       int64_t after_us)
{
    const struct jval *wishes = jval_get(d->body, "alarms");
    if (!wishes || !destination_on(d) || !about(wishes, alarm))
        return false;
    if (after_us)
        return destination_after(d, alarm) == after_us;
    return !jval_get(wishes, "after") && list_has(jval_get(wishes, "on"), word);
}

/* ---- templates: {alarm.message}, {twin.name} ---- */

void fill_in(struct buf *out, struct slice template, const struct jval *body)
{
    const struct jval *data = jval_get(body, "data");
    while (template.n) {
        const char *open = memchr(template.p, '{', template.n);
        const char *end = open ? memchr(open, '}', template.n - (size_t)(open - template.p)) : NULL;
        if (!end) {
            buf_add_slice(out, template);
            return;
        }
        struct slice name = slice_of(open + 1, (size_t)(end - open) - 1);
        buf_add(out, template.p, (size_t)(open - template.p));
        const struct jval *v =
            slice_is(name, "twin.name")                           ? jval_get(data, "twinName")
            : slice_is(name, "twin.id") || slice_is(name, "twin") ? jval_get(data, "twin")
            : slice_starts(name, "alarm.") ? jval_get_slice(data, slice_skip(name, 6))
                                           : NULL;
        if (v && (v->type == J_STRING || v->type == J_NUMBER))
            buf_add_slice(out, v->text);
        template = slice_skip(template, (size_t)(end - template.p) + 1);
    }
}

/* ---- secrets ---- */

void secret_id(struct buf *out, const struct org *org, struct slice id)
{
    buf_addf(out, "destination:%s/%.*s", org_slug(org), SLICE_ARG(id));
}

bool destination_key(const struct deliverer *dl, const struct document *d, struct buf *ret)
{
    struct buf id = {0};
    secret_id(&id, d->org, slice_str(d->id));
    const struct entity *e = access_find(dl->alarms->access, RECORD_SETTING, buf_slice(&id));
    struct slice sealed = e ? jval_string(jval_get(e->doc, "secret")) : (struct slice){0};
    bool there =
        sealed.n && dl->opts.keys &&
        seal_open(dl->opts.keys, SLICE_LIT("destination"), buf_slice(&id), sealed, ret) == 0;
    buf_release(&id);
    return there;
}

static const struct deliverer *deliverer_of(const struct access *a)
{
    for (const struct document_watch *w = a->document_watches; w; w = w->next)
        if (w->kind == DOCUMENT_DESTINATION)
            return w->arg;
    return NULL;
}

int destination_secret(struct change *ch)
{
    struct ask *ask = ask_of(ch);
    const struct deliverer *dl = deliverer_of(ch->access);
    struct org *org = ch->who->org;
    unsigned char bytes[SECRET_BYTES];
    struct buf text = {0}, id = {0}, sealed = {0};
    const struct access_object o = {.org = org};
    int err = change_check(ch, OP_DESTINATIONS_MANAGE, &o);
    if (err)
        return err;
    const struct document *d = document_find(ch->access, DOCUMENT_DESTINATION, org, ask->id);
    if (!d || !slice_is(jval_string(jval_get(d->body, "kind")), "webhook"))
        return change_refuse(ch, ERR_NOT_FOUND, "there is no webhook \"%.*s\"",
                             ask->id.n > 128 ? 128 : (int)ask->id.n, ask->id.p);
    if (!dl || !dl->opts.keys)
        return change_refuse(ch, ERR_UNSUPPORTED,
                             "a secret cannot be kept: this server has no key to seal it under");
    random_bytes(bytes, sizeof bytes);
    buf_add_str(&text, SECRET_PREFIX);
    encode_add(&text, ENCODE_BASE64, slice_of((const char *)bytes, sizeof bytes));
    secret_id(&id, org, ask->id);
    struct jval *doc = change_doc(ch);
    err = text.failed || id.failed || text.n >= sizeof ask->secret
              ? ERR_NOMEM
              : seal_add(&sealed, dl->opts.keys, SLICE_LIT("destination"), buf_slice(&id),
                         buf_slice(&text));
    if (!err) {
        struct slice kept = arena_dup(ch->arena, buf_slice(&sealed));
        const char *record = arena_strndup(ch->arena, id.p, id.n);
        doc_slice(ch, doc, "secret", kept);
        doc_time(ch, doc, "created", ch->now_us);
        change_put(ch, RECORD_SETTING, record, doc);
        change_audit(ch, "destinations:manage", record, NULL, NULL);
        ch->audit.detail = SLICE_LIT("a new secret");
        ch->audit.org = slice_str(org_slug(org));
        memcpy(ask->secret, text.p, text.n);
        ask->secret[text.n] = 0;
    }
    explicit_bzero(bytes, sizeof bytes);
    buf_release(&text);
    buf_release(&id);
    buf_release(&sealed);
    return err ? change_refuse(ch, err, "the secret could not be kept") : 0;
}
