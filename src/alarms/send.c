/* send.c - how a delivery goes out: a webhook as Standard Webhooks signs them, a mail, a message of
 * MQTT, a command to a twin. */
#include "access/state.h"
#include "alarms/lanes.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/encode.h"
#include "crypto/key_ring.h"

#include <stdio.h>
#include <stdlib.h>

enum { WEBHOOK_TIMEOUT_MS = 15000, ANSWER_MAX = 64 << 10 };

/* ---- webhooks ---- */

static void on_answer(void *arg, const struct fetch_answer *a)
{
    struct lane *l = arg;
    char why[300];
    if (!a->err && a->status >= 200 && a->status < 300) {
        lane_done(l, true, false, "");
        return;
    }
    if (a->err)
        snprintf(why, sizeof why, "%s", a->why ? a->why : err_info(a->err)->text);
    else
        snprintf(why, sizeof why, "it answered %d", a->status);
    /* 410: it is gone, and says so; all else may be better later */
    lane_done(l, false, a->err != ERR_INVALID && a->status != 410, why);
}

/* v1,BASE64(HMAC-SHA256(secret, id.timestamp.body)) */
static void sign(struct buf *out, struct slice secret, const char *id, long long timestamp,
                 struct slice body)
{
    struct buf key = {0}, text = {0};
    unsigned char mac[SHA256_BYTES];
    if (slice_starts(secret, "whsec_") &&
        decode_add(&key, ENCODE_BASE64, slice_skip(secret, 6)) == 0) {
        buf_addf(&text, "%s.%lld.", id, timestamp);
        buf_add_slice(&text, body);
        if (!text.failed) {
            digest_hmac_sha256(buf_slice(&key), buf_slice(&text), mac);
            buf_add_str(out, "webhook-signature: v1,");
            encode_add(out, ENCODE_BASE64, slice_of((const char *)mac, sizeof mac));
        }
    }
    secret_release(&key);
    buf_release(&text);
}

static void send_webhook(struct lane *l, const struct document *to)
{
    struct deliverer *d = l->owner;
    const struct delivery *of = &l->first->d;
    struct buf secret = {0}, signature = {0}, url = {0}, why = {0};
    char id[32], id_header[64], time_header[64];
    long long now = (long long)(clock_now_us() / 1000000);
    snprintf(id, sizeof id, "d-%lld", (long long)of->n);
    snprintf(id_header, sizeof id_header, "webhook-id: %s", id);
    snprintf(time_header, sizeof time_header, "webhook-timestamp: %lld", now);
    if (destination_key(d, to, &secret))
        sign(&signature, buf_slice(&secret), id, now, of->body);
    secret_release(&secret);
    if (signature.n)
        buf_add_byte(&signature, 0);
    buf_add_slice(&url, jval_string(jval_get(to->body, "url")));
    buf_add_byte(&url, 0);
    const char *headers[] = {"Content-Type: application/json", id_header, time_header,
                             signature.n ? signature.p : NULL, NULL};
    int err = url.failed || signature.failed ? ERR_NOMEM : !d->opts.fetch ? ERR_UNSUPPORTED : 0;
    if (!err)
        err = fetch_start(d->opts.fetch,
                          &(struct fetch_ask){.method = "POST",
                                              .url = url.p,
                                              .headers = headers,
                                              .body = of->body,
                                              .max_body = ANSWER_MAX,
                                              .timeout_ms = WEBHOOK_TIMEOUT_MS},
                          on_answer, l, NULL, &why);
    if (err) {
        buf_add_byte(&why, 0);
        lane_done(l, false, err != ERR_INVALID,
                  why.n > 1 && !why.failed ? why.p : err_info(err)->text);
    }
    buf_release(&signature);
    buf_release(&url);
    buf_release(&why);
}

/* ---- mail ---- */

static void on_mailed(void *arg, bool sent, bool temporary, const char *why)
{
    lane_done(arg, sent, temporary, why);
}

static void put_line(struct buf *out, const struct jval *data, const char *label, const char *key,
                     const char *unit)
{
    const struct jval *v = jval_get(data, key);
    if (v && (v->type == J_STRING || v->type == J_NUMBER) && v->text.n)
        buf_addf(out, "%s: %.*s%s%s\n", label, SLICE_ARG(v->text), unit ? " " : "",
                 unit ? unit : "");
}

static void write_alarm(const struct deliverer *d, struct buf *out, const struct jval *body,
                        struct slice on)
{
    const struct jval *data = jval_get(body, "data");
    buf_addf(out, "%.*s\n\n", SLICE_ARG(jval_string(jval_get(data, "message"))));
    buf_addf(out, "What: %.*s\n", SLICE_ARG(on));
    put_line(out, data, "Severity", "severity", NULL);
    put_line(out, data, "Twin", "twin", NULL);
    put_line(out, data, "Sensor", "sensor", NULL);
    put_line(out, data, "Value", "value", NULL);
    put_line(out, data, "Raised", "raised", NULL);
    put_line(out, data, "Cleared", "cleared", NULL);
    if (d->opts.public_url && jval_string(jval_get(data, "id")).n)
        buf_addf(out, "%s/alarms/%.*s\n", d->opts.public_url,
                 SLICE_ARG(jval_string(jval_get(data, "id"))));
}

static void write_subject(struct buf *out, const struct document *to, const struct jval *body,
                          const struct lane *l)
{
    struct slice template = jval_string(jval_get(to->body, "subject"));
    if (l->out > 1)
        buf_addf(out, "%zu alarms", l->out);
    else
        fill_in(out,
                template.n ? template
                           : SLICE_LIT("[{alarm.severity}] {twin.name}: {alarm.message}"),
                body);
}

static size_t recipients(struct arena *arena, const struct document *to, const char **ret)
{
    const struct jval *list = jval_get(to->body, "to");
    size_t n = 0;
    for (const struct jval *v = list ? list->first : NULL; v && n < 20; v = v->next)
        if (mail_is_address(jval_string(v)))
            ret[n++] = arena_strndup(arena, v->text.p, v->text.n);
    ret[n] = NULL;
    return n;
}

static void send_mail(struct lane *l, const struct document *to)
{
    struct deliverer *d = l->owner;
    struct arena *arena = arena_new();
    struct buf subject = {0}, text = {0};
    const char *addresses[21];
    char id[32];
    size_t n = l->out, some = arena ? recipients(arena, to, addresses) : 0;
    for (struct parcel *p = l->first; p && n && arena; p = p->next, n--) {
        struct jval *body = NULL;
        if (jdoc_parse(arena, p->d.body, &body, NULL))
            continue;
        if (p == l->first)
            write_subject(&subject, to, body, l);
        else
            buf_add_str(&text, "\n----\n\n");
        write_alarm(d, &text, body, p->d.on);
    }
    snprintf(id, sizeof id, "d-%lld", (long long)l->first->d.n);
    bool bad = !some || subject.failed || text.failed || !d->opts.mailer;
    if (bad || mail_send(d->opts.mailer,
                         &(struct mail){.to = addresses,
                                        .subject = buf_slice(&subject),
                                        .text = buf_slice(&text),
                                        .id = id},
                         on_mailed, l))
        lane_done(l, false, true,
                  d->opts.mailer ? "out of memory" : "this server has no mail server: --smtp");
    buf_release(&subject);
    buf_release(&text);
    arena_free(arena);
}

/* ---- MQTT, and commands ---- */

static void send_mqtt(struct lane *l, const struct document *to)
{
    struct deliverer *d = l->owner;
    struct arena *arena = arena_new();
    struct jval *body = NULL;
    struct buf topic = {0};
    int err = ERR_UNSUPPORTED;
    if (arena && jdoc_parse(arena, l->first->d.body, &body, NULL) == 0)
        fill_in(&topic, jval_string(jval_get(to->body, "topic")), body);
    if (d->opts.publish && topic.n && !topic.failed)
        err = d->opts.publish(d->opts.arg, to->org, buf_slice(&topic), l->first->d.body);
    buf_release(&topic);
    arena_free(arena);
    lane_done(l, !err, err != ERR_UNSUPPORTED && err != ERR_INVALID,
              err == ERR_UNSUPPORTED ? "MQTT is off on this server"
              : err                  ? err_info(err)->text
                                     : "");
}

void lane_send(struct lane *l, const struct document *to)
{
    struct slice kind = jval_string(jval_get(to->body, "kind"));
    if (slice_is(kind, "webhook"))
        send_webhook(l, to);
    else if (slice_is(kind, "email"))
        send_mail(l, to);
    else
        send_mqtt(l, to);
}

void lane_command(struct lane *l)
{
    struct deliverer *d = l->owner;
    const struct delivery *of = &l->first->d;
    struct arena *arena = arena_new();
    struct jval *command = NULL, *body = NULL;
    struct buf twin = {0}, input = {0}, why = {0};
    int err = ERR_NOMEM;
    if (arena && jdoc_parse(arena, of->command, &command, NULL) == 0 &&
        jdoc_parse(arena, of->body, &body, NULL) == 0) {
        struct slice whose = jval_string(jval_get(command, "twin"));
        struct json_writer w;
        fill_in(&twin, whose.n ? whose : SLICE_LIT("{twin}"), body);
        json_writer_init(&w, &input, 0);
        if (jval_get(command, "input"))
            jval_write(&w, jval_get(command, "input"));
        else
            buf_add_str(&input, "{}");
        err = d->opts.command
                  ? d->opts.command(d->opts.arg, access_org(d->alarms->access, of->org),
                                    buf_slice(&twin), jval_string(jval_get(command, "name")),
                                    buf_slice(&input), &why)
                  : ERR_UNSUPPORTED;
    }
    buf_add_byte(&why, 0);
    const char *text = why.n > 1 && !why.failed ? why.p : err ? err_info(err)->text : "";
    lane_done(l, !err, err == ERR_NOMEM || err == ERR_OVERLOAD || err == ERR_STORAGE, text);
    buf_release(&twin);
    buf_release(&input);
    buf_release(&why);
    arena_free(arena);
}
