/* enter.c - who a client is, and whether they still are.
 *
 * A client shows a token as its password, a certificate, or came by a carrier whose request has
 * said who asks.  What it gets is a principal (access/access.h), which its session holds on to,
 * also while the client is away: so what comes meanwhile is judged by what its owner may.
 *
 * A session belongs to a subject, which outlives credentials: a device whose token is replaced
 * finds its session again, and nobody else gets it.  When a credential ends, its connection does,
 * and the session is judged by its subject alone; when the subject has gone, so has the session.
 *
 * Changes of rights are told by a flag and judged at the next tick, once for many of them; what is
 * asked in between is answered by the new rights already, for a principal that is gone may nothing.
 */
#include "access/devices.h"
#include "access/knock.h"
#include "crypto/encode.h"
#include "mqtt/persist.h"

#include <stdio.h>
#include <stdlib.h>

enum { USER_NAME_MAX = 1024 };

/* ---- CONNECT ---- */

/* The address without the port. */
static void write_host(const struct conn *c, char out[static 64])
{
    struct slice at = slice_str(mqtt_conn_address(c));
    while (at.n && at.p[at.n - 1] != ':')
        at.n--;
    int n = at.n > 63 ? 63 : at.n ? (int)at.n - 1 : 0;
    snprintf(out, 64, "%.*s", n, at.p);
}

static int by_certificate(struct conn *c, const struct net_cert *cert, struct principal **ret)
{
    unsigned char print[32];
    bool known = decode_exact(print, sizeof print, ENCODE_HEX, slice_str(cert->fingerprint)) == 0;
    return access_by_certificate(
        c->broker->access, slice_str(cert->org), slice_str(cert->twin),
        slice_of(known ? (const char *)print : "", known ? sizeof print : 0), ret);
}

/* 0 and c->who, or the error. */
static int find_out(struct conn *c, const struct mqtt_connect *m)
{
    struct access *a = c->broker->access;
    const struct net_cert *cert = mqtt_conn_cert(c);
    struct principal *who = NULL;
    int err = 0;
    if (access_is_open(a))
        who = access_anonymous(a);
    else if (m->has_password && m->password.n)
        err = access_by_token(a, m->password, &who);
    else if (cert)
        err = by_certificate(c, cert, &who);
    else if (c->who)
        return c->who->gone ? ERR_TOKEN_EXPIRED : 0;
    else if (c->anonymous)
        who = access_ingest(a);
    else
        return ERR_UNAUTHENTICATED;
    if (err == ERR_UNAUTHENTICATED && !cert)
        err = ERR_CREDENTIALS;
    if (err)
        return err;
    principal_unref(c->who);
    c->who = who;
    return 0;
}

static const char *why_not(int err)
{
    switch (err) {
    case ERR_UNAUTHENTICATED:
        return "who it is was not said: a token goes as the password, or a client certificate of "
               "a twin";
    case ERR_CREDENTIALS:
        return "the password is no token that is known here";
    default:
        return err_info(err)->text;
    }
}

/* So that whoever looks after the device sees it. */
static void note_refusal(const struct conn *c, const struct mqtt_connect *m, int err,
                         const char *host)
{
    struct access *a = c->broker->access;
    struct slice twin = m->has_password ? device_of_token(a, m->password) : slice_of("", 0);
    if (twin.n)
        device_turned_away(a, twin, err, host);
}

uint8_t enter(struct conn *c, const struct mqtt_connect *m)
{
    struct broker *b = c->broker;
    if (!b->access)
        return 0;
    if (m->username.n > USER_NAME_MAX)
        return broker_refuse(b, MQTT_BAD_CREDENTIALS, "the user name is too long");
    char host[64];
    int64_t wait;
    write_host(c, host);
    bool may_knock = knock_may(access_knocks(b->access), host, &wait);
    int err = find_out(c, m);
    if (!err) /* also then: nobody guesses a token, and others may share the address */
        return 0;
    if (err == ERR_CREDENTIALS && !may_knock)
        return broker_refuse(b, MQTT_CONNECTION_RATE,
                             "too many wrong secrets came from this address: try again later");
    note_refusal(c, m, err, host);
    if (err == ERR_CREDENTIALS)
        knock_wrong(access_knocks(b->access), host);
    tell_refusal(c, OP_PUBLIC, m->client_id, err, why_not(err), slice_of("", 0));
    return broker_refuse(b, err_info(err)->mqtt, why_not(err));
}

/* ---- whose a session is ---- */

bool session_suits(struct session *s, const struct principal *who, bool *ret_new)
{
    struct buf subject = {0};
    *ret_new = false;
    if (!who || who->everything)
        return true;
    *ret_new = !s->subject;
    if (!s->subject)
        return true;
    access_put_subject(who, &subject);
    bool same = !subject.failed && slice_is(buf_slice(&subject), s->subject);
    buf_release(&subject);
    return same;
}

void session_set_subject(struct session *s, struct slice subject)
{
    free(s->subject);
    s->subject = subject.n ? strndup(subject.p, subject.n) : NULL;
}

void session_own(struct session *s, struct principal *who)
{
    struct buf subject = {0};
    if (!who)
        return;
    principal_ref(who);
    principal_unref(s->who);
    s->who = who;
    if (who->kind == WHO_DEVICE)
        device_met(s->broker->access, who, 1);
    if (s->subject)
        return;
    access_put_subject(who, &subject);
    session_set_subject(s, buf_slice(&subject));
    buf_release(&subject);
}

void session_left(const struct session *s)
{
    if (s->who && s->who->kind == WHO_DEVICE)
        device_met(s->broker->access, s->who, -1);
}

/* ---- when rights change ---- */

static void on_change(void *arg)
{
    struct broker *b = arg;
    b->rights_changed = true;
    twins_rights_changed(b);
}

void enter_watch(struct broker *b)
{
    if (!b->access)
        return;
    b->watch = (struct access_watch){.on_change = on_change, .arg = b};
    access_watch_add(b->access, &b->watch);
    b->rights_changed = true; /* sessions that were read at the start */
}

void enter_unwatch(struct broker *b)
{
    if (b->watch.on_change)
        access_watch_remove(b->access, &b->watch);
    b->watch.on_change = NULL;
}

static void send_away(struct session *s)
{
    const struct principal *who = s->who;
    bool expired = who->expires_us && clock_now_us() >= who->expires_us;
    mqtt_conn_close(s->conn, expired ? MQTT_CONNECT_TIME : MQTT_ADMINISTRATIVE,
                    expired ? "what it has shown has expired" : "what it has shown was revoked");
}

static bool has_lost_its_twin(const struct session *s)
{
    struct slice subject = slice_str(s->subject);
    return slice_starts(subject, "device:") && !core_twin(s->broker->core, slice_skip(subject, 7));
}

/* False: its owner is no more. */
static bool find_owner(struct session *s)
{
    struct broker *b = s->broker;
    struct principal *who = NULL;
    if (!s->subject)
        return true;
    struct slice subject = slice_str(s->subject);
    if (has_lost_its_twin(s))
        return false;
    if (s->who && !s->who->gone)
        return true;
    int err = access_by_subject(b->access, subject, s->space->org, &who);
    if (err)
        return err == ERR_NOMEM;
    principal_unref(s->who);
    s->who = who;
    return true;
}

static void judge(struct session *s)
{
    struct broker *b = s->broker;
    if (s->conn && s->who && (s->who->gone || has_lost_its_twin(s))) {
        b->rights_changed = true; /* the session, if there still is one, comes next */
        send_away(s);
    } else if (!s->conn && !find_owner(s)) {
        session_end(s);
    } else if (s->queue.n && s->who) {
        session_drop_unheard(s);
    }
}

void enter_tick(struct broker *b)
{
    if (!b->rights_changed)
        return;
    size_t n = 0, at = 0;
    spaces_judge(b);
    struct session *s, **all = malloc((b->sessions.count + 1) * sizeof(struct session *));
    if (!all)
        return; /* again at the next tick */
    b->rights_changed = false;
    while ((s = map_next(&b->sessions, &at)))
        all[n++] = s;
    for (at = 0; at < n; at++) /* none of them ends with another */
        judge(all[at]);
    free(all);
}

/* ---- telling ---- */

static void tell_audit(struct conn *c, enum access_op op, struct slice topic, int err,
                       const char *detail)
{
    struct access *a = c->broker->access;
    char host[64], object[160];
    write_host(c, host);
    const struct origin from = {
        .via = c->carrier ? "websocket" : "mqtt", .address = host, .request = "", .agent = ""};
    struct principal *who = c->who ? principal_ref(c->who) : access_anonymous(a);
    snprintf(object, sizeof object, "%s %.*s", c->session ? "topic" : "client",
             topic.n > 120 ? 120 : (int)topic.n, topic.p);
    access_refused(a, who, &from, err, op, object, detail);
    principal_unref(who);
}

void tell_refusal(struct conn *c, enum access_op op, struct slice topic, int err,
                  const char *detail, struct slice payload)
{
    struct broker *b = c->broker;
    struct slice twin = {0}, sensor = {0};
    struct ingest_source src = {.who = c->who ? c->who : access_nobody(core_access(b->core)),
                                .via = "mqtt",
                                .peer = c->peer ? c->peer : mqtt_conn_address(c),
                                .topic = topic};
    if (c->session)
        twin_topic_parse(topic, &twin, &sensor);
    struct ingest *in = ingest_begin(b->core, &src);
    if (in) {
        ingest_refuse(in, twin, sensor, err, detail, payload);
        ingest_drop(in);
    }
    tell_audit(c, op, topic, err, detail);
}
