/* devices.c - what devices show: credentials, claim codes, provisioning keys; and how devices do.
 *
 * Claiming and provisioning are for nobody in particular: who shows the code or the key may.  So
 * they are slow for an address from which wrong ones came. */
#include "api/internal.h"

#include "access/devices.h"
#include "access/knock.h"
#include "access/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "core/provision.h"
#include "crypto/encode.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEVICES_DEFAULT = 1000, DEVICES_MAX = 10000, CERTIFICATE_MAX = 1 << 16 };

/* A request that changes something, in its arena. */
struct device_ask {
    struct device_change change; /* the first: what prepare() gets */
    struct call *call;
    void (*answer)(struct device_ask *ask, struct json_writer *w); /* NULL: 204 */
    struct provision_grant grant;                                  /* POST /provision */
    struct provision *making;
    struct principal *device; /* in whose name the twin is made */
};

static struct device_ask *ask_new(struct call *call)
{
    struct device_ask *ask = arena_zalloc(call->arena, sizeof *ask);
    if (ask)
        ask->call = call;
    else
        call_problem(call, ERR_NOMEM, NULL);
    return ask;
}

static void on_changed(struct change *ch)
{
    struct device_ask *ask = ch->arg;
    struct call *call = ask->call;
    struct buf b = {0};
    struct json_writer w;
    if (ch->err == ERR_CREDENTIALS)
        knock_wrong(access_knocks(ch->access), call->from.address);
    if (!call_alive(call))
        return;
    if (ch->err == ERR_FORBIDDEN && call->route->op != OP_PUBLIC) {
        call_denied(call, ch->err, call->route->op, ch->detail);
    } else if (ch->err) {
        call_problem(call, ch->err, ch->detail);
    } else if (!ask->answer) {
        http_respond(call->req, 204, NULL, slice_of("", 0));
    } else {
        json_writer_init(&w, &b, 0);
        json_open(&w, '{');
        ask->answer(ask, &w);
        json_close(&w, '}');
        call_json(call, 201, &b);
    }
}

static void change(struct device_ask *ask, int (*prepare)(struct change *ch))
{
    struct call *call = ask->call;
    call_wait(call, NULL);
    access_change(core_access(call->core), &(struct change_plan){.who = call->who,
                                                                 .from = call->from,
                                                                 .prepare = prepare,
                                                                 .done = on_changed,
                                                                 .arg = ask});
}

/* ---- parameters ---- */

/* The members of a body, when there is one.  False: answered. */
static bool read_body(struct call *call)
{
    return !http_body(call->req).n || (call_json_type(call) && call_json_params(call));
}

static bool read_text(struct call *call, const char *name, size_t most, struct slice *ret)
{
    struct slice text = call_param(call, name);
    if (text.n > most) {
        call_problemf(call, ERR_INVALID, "%s has at most %zu bytes.", name, most);
        return false;
    }
    if (text.p)
        *ret = text;
    return true;
}

/* No time is never, and 0 is no such time; after the year 9999 it could not be written. */
static bool read_expires(struct call *call, int64_t *ret_us)
{
    int64_t t_us = 0, last_us = 0;
    if (!call_param(call, "expires").p)
        return true;
    if (!call_time(call, "expires", &t_us))
        return false;
    clock_parse(SLICE_LIT("9999-12-31T23:59:59Z"), &last_us);
    *ret_us = t_us;
    if (t_us > 0 && t_us <= last_us)
        return true;
    call_problem(call, ERR_BAD_TIME, "expires lies before the year 10000, and not in the past.");
    return false;
}

/* The first certificate of a PEM text as DER; ERR_MALFORMED. */
static int read_pem(struct slice pem, struct buf *der)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    const char *from = memmem(pem.p, pem.n, begin, sizeof begin - 1);
    if (!from)
        return ERR_MALFORMED;
    struct slice rest = slice_skip(pem, (size_t)(from - pem.p) + sizeof begin - 1);
    const char *to = memmem(rest.p, rest.n, end, sizeof end - 1);
    struct buf text = {0};
    for (const char *p = rest.p; to && p < to; p++)
        if (!isspace((unsigned char)*p))
            buf_add_byte(&text, (unsigned char)*p);
    int err = to && !text.failed ? decode_add(der, ENCODE_BASE64, buf_slice(&text)) : ERR_MALFORMED;
    buf_release(&text);
    return !err && (!der->n || der->p[0] != 0x30) ? ERR_MALFORMED : err;
}

/* "AB:CD:..." or "abcd...", 32 bytes. */
static int read_fingerprint(struct slice text, unsigned char ret[static SHA256_BYTES])
{
    char hex[2 * SHA256_BYTES];
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == ':')
            continue;
        if (n == sizeof hex)
            return ERR_MALFORMED;
        hex[n++] = (char)tolower((unsigned char)text.p[i]);
    }
    return decode_exact(ret, SHA256_BYTES, ENCODE_HEX, slice_of(hex, n));
}

/* Which certificate is meant: by itself, or by its fingerprint. */
static bool read_certificate(struct call *call, struct device_change *d)
{
    struct slice pem = call_param(call, "certificate"), print = call_param(call, "fingerprint");
    struct buf der = {0};
    int err = ERR_INVALID;
    d->certificate = true;
    if (pem.n && pem.n <= CERTIFICATE_MAX && (err = read_pem(pem, &der)) == 0)
        digest_sha256(buf_slice(&der), d->fingerprint);
    else if (!pem.n && print.n)
        err = read_fingerprint(print, d->fingerprint);
    buf_release(&der);
    if (err)
        call_problem(call, ERR_INVALID,
                     "A certificate is named by \"certificate\" (PEM) or by \"fingerprint\" (its "
                     "SHA-256, 64 hexadecimal digits).");
    return !err;
}

static bool read_overlap(struct call *call, int64_t *ret)
{
    struct slice text = call_param(call, "overlap");
    *ret = OVERLAP_DEFAULT_US;
    if (!text.p)
        return true;
    if (slice_is(text, "PT0S") || slice_is(text, "0s")) {
        *ret = 0;
        return true;
    }
    if (clock_parse_duration(text, ret) == 0 && *ret <= OVERLAP_MAX_US)
        return true;
    call_problem(call, ERR_INVALID,
                 "overlap is how long the old token holds on, such as \"PT1H\"; at most 30 days.");
    return false;
}

/* ---- answers ---- */

static void put_credential(struct json_writer *w, const struct credential *c)
{
    struct buf print = {0};
    put_text_or_null(w, "id", slice_str(c->id));
    put_text_or_null(w, "name", slice_str(c->name));
    put_text_or_null(w, "kind", c->certificate ? SLICE_LIT("certificate") : SLICE_LIT("token"));
    put_time_or_null(w, "created", c->created_us);
    put_time_or_null(w, "expires", c->expires_us);
    put_time_or_null(w, "used", c->used_us);
    if (!c->certificate)
        return;
    encode_add(&print, ENCODE_HEX, slice_of((const char *)c->hash, sizeof c->hash));
    put_text_or_null(w, "fingerprint", buf_slice(&print));
    buf_release(&print);
}

static void answer_credential(struct device_ask *ask, struct json_writer *w)
{
    const struct device_change *d = &ask->change;
    struct access *a = core_access(ask->call->core);
    const struct credential *c = access_find(a, RECORD_CREDENTIAL, slice_str(d->token.id));
    if (c)
        put_credential(w, c);
    if (!d->certificate)
        put_text_or_null(w, "token", slice_str(d->text));
}

static void answer_code(struct device_ask *ask, struct json_writer *w)
{
    put_text_or_null(w, "code", slice_str(ask->change.code));
    put_time_or_null(w, "expires", ask->change.expires_us);
}

/* Where the device goes with its token: by the name under which we were asked. */
static void put_address(struct json_writer *w, const char *key, const struct call *call,
                        const char *scheme, const char *listener)
{
    struct slice host = http_header(call->req, "host");
    const char *port = listener ? strrchr(listener, ':') : NULL;
    ptrdiff_t colon = host.n && host.p[0] != '[' ? slice_find(host, ':') : -1;
    const char *end = host.n && host.p[0] == '[' ? memchr(host.p, ']', host.n) : NULL;
    struct buf text = {0};
    if (!port)
        return;
    host.n = end ? (size_t)(end - host.p) + 1 : colon >= 0 ? (size_t)colon : host.n;
    if (host.n)
        buf_addf(&text, "%s://%.*s%s", scheme, SLICE_ARG(host), port);
    else
        buf_addf(&text, "%s://%s", scheme, listener);
    put_text_or_null(w, key, buf_slice(&text));
    buf_release(&text);
}

static void answer_device(struct device_ask *ask, struct json_writer *w)
{
    const struct device_change *d = &ask->change;
    const struct api_addresses *at = &ask->call->api->addresses;
    struct slice key = d->twin;
    put_text_or_null(w, "token", slice_str(d->text));
    put_text_or_null(w, "twin", slice_skip(key, access_key_prefix(key)));
    put_text_or_null(w, "organization", slice_str(org_slug(d->twin_org)));
    put_address(w, "mqtt", ask->call, at->mqtts ? "mqtts" : "mqtt",
                at->mqtts ? at->mqtts : at->mqtt);
    put_address(w, "http", ask->call, at->https ? "https" : "http",
                at->https ? at->https : at->http);
}

static void answer_key(struct device_ask *ask, struct json_writer *w)
{
    const struct device_change *d = &ask->change;
    put_text_or_null(w, "id", slice_str(d->token.id));
    put_text_or_null(w, "key", slice_str(d->text));
    put_text_or_null(w, "name", d->name);
    put_text_or_null(w, "twinPattern", d->pattern);
    json_key(w, "limit");
    if (d->limit)
        json_put_uint(w, d->limit);
    else
        json_put_cstr(w, NULL);
    put_time_or_null(w, "expires", d->expires_us);
}

/* ---- GET /devices ---- */

static void put_refusal(struct json_writer *w, const struct device_note *note)
{
    json_key(w, "lastRefused");
    if (!note || !note->refused_us) {
        json_put_cstr(w, NULL);
        return;
    }
    json_open(w, '{');
    put_time_or_null(w, "time", note->refused_us);
    put_text_or_null(w, "why", slice_str(err_info(note->refused)->text));
    put_text_or_null(w, "address", slice_str(note->address));
    json_close(w, '}');
}

/* False: it is no device's. */
static bool put_device(struct call *call, struct json_writer *w, const struct twin *t)
{
    struct access *a = core_access(call->core);
    const struct device_note *note = device_note(a, slice_str(t->key));
    if (!note && !device_credentials(a, slice_str(t->key)))
        return false;
    json_open(w, '{');
    put_text_or_null(w, "twin", slice_str(t->id));
    put_text_or_null(w, "name", slice_str(t->name));
    json_key(w, "credentials");
    json_put_uint(w, device_credentials_valid(a, slice_str(t->key)));
    json_key(w, "connected");
    json_put_bool(w, note && note->connected);
    put_time_or_null(w, "seen", note ? note->seen_us : 0);
    put_refusal(w, note);
    json_close(w, '}');
    return true;
}

static bool is_behind(const char *id, struct slice cursor)
{
    size_t n = strlen(id), least = n < cursor.n ? n : cursor.n;
    int order = memcmp(id, cursor.p, least);
    return order > 0 || (order == 0 && n > cursor.n);
}

static bool may_manage(struct call *call)
{
    return call_may(call, OP_DEVICES_MANAGE, &(struct access_object){.org = call->org});
}

void devices_list(struct call *call)
{
    uint64_t limit = DEVICES_DEFAULT, given = 0;
    struct slice cursor = http_query(call->req, "cursor");
    const struct twin *last = NULL;
    bool more = false;
    size_t n;
    struct buf b = {0};
    struct json_writer w;
    if (!may_manage(call) || !call_uint(call, "limit", 1, DEVICES_MAX, &limit))
        return;
    struct twin *const *all = core_twins(call->core, &n);
    call_rows_begin(&w, &b, "devices");
    for (size_t i = 0; i < n && !more; i++) {
        const struct twin *t = all[i];
        if (t->org != call->org || (cursor.n && !is_behind(t->id, cursor)))
            continue;
        if (given == limit)
            more = true;
        else if (put_device(call, &w, t) && ++given)
            last = t;
    }
    json_close(&w, ']');
    if (more && last)
        put_text_or_null(&w, "next", slice_str(last->id));
    json_close(&w, '}');
    call_json(call, 200, &b);
}

/* ---- credentials ---- */

void credentials_list(struct call *call)
{
    const struct twin *t = call_twin(call);
    struct buf b = {0};
    struct json_writer w;
    if (!t)
        return;
    call_rows_begin(&w, &b, "credentials");
    const struct credential *c = device_credentials(core_access(call->core), slice_str(t->key));
    for (; c; c = c->next) {
        if (c->revoked_us)
            continue;
        json_open(&w, '{');
        put_credential(&w, c);
        json_close(&w, '}');
    }
    call_rows_end(call, &w, &b);
}

/* The change of a twin's, with what the address says.  NULL: answered. */
static struct device_ask *ask_twin(struct call *call)
{
    const struct twin *t = call_twin(call);
    struct device_ask *ask = t ? ask_new(call) : NULL;
    if (!ask || !read_body(call))
        return NULL;
    ask->change.twin = arena_dup(call->arena, slice_str(t->key));
    ask->change.id = call->parts[1];
    return ask;
}

void credential_create(struct call *call)
{
    struct device_ask *ask = ask_twin(call);
    if (!ask)
        return;
    struct device_change *d = &ask->change;
    struct slice kind = call_param(call, "kind");
    if (!read_text(call, "name", DEVICE_NAME_MAX, &d->name) || !read_expires(call, &d->expires_us))
        return;
    if (kind.p && !slice_is(kind, "token") && !slice_is(kind, "certificate")) {
        call_problem(call, ERR_INVALID, "kind is token or certificate.");
        return;
    }
    if (slice_is(kind, "certificate") && !read_certificate(call, d))
        return;
    ask->answer = answer_credential;
    change(ask, credential_prepare);
}

void credential_delete(struct call *call)
{
    struct device_ask *ask = ask_twin(call);
    if (ask)
        change(ask, credential_remove_prepare);
}

void credential_rotate(struct call *call)
{
    struct device_ask *ask = ask_twin(call);
    if (!ask || !read_overlap(call, &ask->change.overlap_us) ||
        !read_expires(call, &ask->change.expires_us))
        return;
    ask->answer = answer_credential;
    change(ask, credential_rotate_prepare);
}

/* ---- claiming ---- */

void claim_code_create(struct call *call)
{
    struct device_ask *ask = ask_twin(call);
    if (!ask || !read_expires(call, &ask->change.expires_us))
        return;
    ask->answer = answer_code;
    change(ask, claim_code_prepare);
}

/* Is it not too soon for this address?  False: answered. */
static bool may_try(struct call *call)
{
    return call_may_knock(call, "Too many wrong codes and keys came from this address.");
}

/* With the secret of this name.  NULL: answered. */
static struct device_ask *ask_secret(struct call *call, const char *name)
{
    struct device_ask *ask = may_try(call) && read_body(call) ? ask_new(call) : NULL;
    if (!ask || !read_text(call, name, 200, &ask->change.secret))
        return NULL;
    if (ask->change.secret.n)
        return ask;
    call_problemf(call, ERR_INVALID, "Send {\"%s\": ...}.", name);
    return NULL;
}

void claim(struct call *call)
{
    struct device_ask *ask = ask_secret(call, "code");
    if (!ask)
        return;
    ask->answer = answer_device;
    change(ask, claim_prepare);
}

/* ---- provisioning ---- */

static void put_key(struct json_writer *w, const struct entity *e)
{
    static const char *const shown[] = {"name", "twinPattern", "limit",
                                        "used", "created",     "expires"};
    json_open(w, '{');
    put_text_or_null(w, "id", slice_str(e->id));
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        const struct jval *v = jval_get(e->doc, shown[i]);
        json_key(w, shown[i]);
        if (v)
            jval_write(w, v);
        else
            json_put_cstr(w, NULL);
    }
    json_close(w, '}');
}

void provisioning_keys_list(struct call *call)
{
    const struct access *a = core_access(call->core);
    const struct entity *e;
    size_t at = 0;
    struct buf b = {0};
    struct json_writer w;
    if (!may_manage(call))
        return;
    call_rows_begin(&w, &b, "provisioningKeys");
    while ((e = map_next(&a->kinds[RECORD_PROVISIONING], &at)))
        if (slice_is(jval_string(jval_get(e->doc, "organization")), org_slug(call->org)))
            put_key(&w, e);
    call_rows_end(call, &w, &b);
}

static bool is_pattern(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '*' && !slice_is_id(slice_of(text.p + i, 1)))
            return false;
    return text.n > 0;
}

void provisioning_key_create(struct call *call)
{
    struct device_ask *ask = may_manage(call) && read_body(call) ? ask_new(call) : NULL;
    if (!ask)
        return;
    struct device_change *d = &ask->change;
    d->org = call->org;
    if (!read_text(call, "name", DEVICE_NAME_MAX, &d->name) ||
        !read_text(call, "twinPattern", 128, &d->pattern) ||
        !call_uint(call, "limit", 1, PROVISIONING_LIMIT_MAX, &d->limit) ||
        !read_expires(call, &d->expires_us))
        return;
    if (!is_pattern(d->pattern)) {
        call_problem(call, ERR_INVALID,
                     "twinPattern says for which twins it is, such as \"pump-*\": letters, digits, "
                     ". _ - : and * for any of them.");
        return;
    }
    ask->answer = answer_key;
    change(ask, provisioning_key_prepare);
}

void provisioning_key_delete(struct call *call)
{
    struct device_ask *ask = may_manage(call) ? ask_new(call) : NULL;
    if (!ask)
        return;
    ask->change.org = call->org;
    ask->change.id = call->parts[0];
    change(ask, provisioning_key_remove_prepare);
}

static struct slice bare_id(const struct device_ask *ask)
{
    struct slice key = ask->change.twin;
    return slice_skip(key, access_key_prefix(key));
}

static void on_made(void *arg, struct provision *p)
{
    struct device_ask *ask = arg;
    struct call *call = ask->call;
    const char *why = NULL;
    int err = provision_why(p, bare_id(ask), slice_of("", 0), &why);
    char *kept = err ? arena_strndup(call->arena, why, strlen(why)) : NULL;
    provision_free(p);
    principal_unref(ask->device);
    if (!call_alive(call))
        return;
    if (err)
        call_problem(call, err, kept);
    else
        change(ask, provision_prepare);
}

static void make_twin(struct device_ask *ask, struct slice name)
{
    struct call *call = ask->call;
    const struct provision_twin twin = {.id = bare_id(ask), .name = name};
    const char *subject = arena_printf(call->arena, "device:%.*s", SLICE_ARG(ask->change.twin));
    struct access *a = core_access(call->core);
    if (!subject || access_by_subject(a, slice_str(subject), NULL, &ask->device)) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    const struct asker by = {.who = ask->device, .from = call->from};
    ask->grant.limits = (struct provision_limits){.twins = 1, .twins_per_minute = 1};
    ask->making = provision_begin(call->core, &by, &ask->grant);
    if (!ask->making) {
        principal_unref(ask->device);
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    call_wait(call, NULL);
    provision_want(ask->making, &twin, NULL);
    provision_commit(ask->making, on_made, ask);
}

void provision(struct call *call)
{
    struct device_ask *ask = ask_secret(call, "key");
    struct slice id = ask ? call_param(call, "twin") : slice_of("", 0), name = id;
    struct org *org = NULL;
    const char *why = NULL;
    if (!ask || !read_text(call, "name", DEVICE_NAME_MAX, &name))
        return;
    if (!slice_is_id(id)) {
        call_problem(call, ERR_INVALID,
                     "twin is the id of the device's twin: letters, digits, . _ - : and 1 to 128 "
                     "of them.");
        return;
    }
    struct access *a = core_access(call->core);
    int err = provisioning_judge(a, ask->change.secret, id, &org, &why);
    if (err == ERR_CREDENTIALS)
        knock_wrong(access_knocks(a), call->from.address);
    if (err) {
        call_problem(call, err, why);
        return;
    }
    char *key = arena_printf(call->arena, "%s%s%.*s", org->first ? "" : org->e.id,
                             org->first ? "" : "~", SLICE_ARG(id));
    if (!key) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    ask->change.twin = slice_str(key);
    ask->answer = answer_device;
    if (core_twin(call->core, ask->change.twin))
        change(ask, provision_prepare);
    else
        make_twin(ask, name);
}

/* ---- when a twin goes ---- */

static void forgotten(struct change *ch)
{
    struct device_change *d = ch->arg;
    free((void *)(uintptr_t)d->twin.p);
    free(d);
}

static void forget(struct api *api, struct slice twin)
{
    struct access *a = core_access(api->core);
    struct device_change *d = calloc(1, sizeof *d);
    char *key = d ? strndup(twin.p, twin.n) : NULL;
    if (key) {
        d->twin = slice_of(key, twin.n);
        access_change(a, &(struct change_plan){.who = access_the_system(a),
                                               .from = {.via = "core"},
                                               .prepare = device_forget_prepare,
                                               .done = forgotten,
                                               .arg = d});
    } else {
        free(d); /* the next start finds it */
    }
}

static void on_event(void *arg, const struct core_event *e)
{
    if (e->kind == EVENT_TWIN_DELETED)
        forget(arg, slice_str(e->twin->key));
}

void devices_watch(struct api *api)
{
    struct access *a = core_access(api->core);
    const struct credential *c;
    size_t at = 0;
    api->tap = (struct core_tap){.on_event = on_event, .arg = api};
    core_tap_add(api->core, &api->tap);
    while ((c = map_next(&a->twin_credentials, &at))) /* the server was killed in between */
        if (!core_twin(api->core, slice_str(c->twin)))
            forget(api, slice_str(c->twin));
}

void devices_unwatch(struct api *api)
{
    core_tap_remove(api->core, &api->tap);
}
