/* gate.c - who asks, from where, and whether this host is meant: before any handler.
 *
 * A request shows who it is by, in this order: Authorization (Bearer TOKEN; Token TOKEN as clients
 * of InfluxDB 2 have it; Basic, whose password is the token), the session's cookie, the client
 * certificate of its connection.  Who shows one that does not hold is told so, and is not taken for
 * nobody.
 *
 * A cookie is sent by the browser by itself, whoever's page asks.  So with a cookie whatever
 * changes something must come with an Origin, and that must be ours; the cookie is SameSite=Strict
 * besides. */
#include "api/internal.h"
#include "base/utf8.h"

#include "access/ask.h"
#include "access/bucket.h"
#include "access/devices.h"
#include "access/knock.h"
#include "access/state.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/encode.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* ---- refusals ---- */

/* Where it was asked for: in the organisation of the address or the twin. */
static enum access_role role_there(const struct call *call)
{
    return call->who && call->org ? role_of_asker(call->who, call->org) : ROLE_NONE;
}

static bool has_role(const struct call *call, const struct access_op_info *info)
{
    return info->from <= ROLE_ADMINISTRATOR && (int)role_there(call) >= info->from;
}

static void name_missing(struct json_writer *w, const struct call *call, enum access_op op)
{
    const struct access_op_info *info = op_info(op);
    json_key(w, "operation");
    json_put_cstr(w, info->name);
    if (info->from <= ROLE_ADMINISTRATOR && !has_role(call, info)) {
        json_key(w, "role");
        json_put_cstr(w, role_name((enum access_role)info->from));
    }
    const struct org *org = call->org ? call->org : call->who ? call->who->org : NULL;
    if (org) {
        json_key(w, "organization");
        json_put_cstr(w, org_slug(org));
    }
}

static void sentence(char out[static 256], const struct call *call, int err, enum access_op op)
{
    const struct access_op_info *info = op == OP_PUBLIC ? NULL : op_info(op);
    bool scoped = info && call->who && !(call->who->scopes & OP_BIT(op));
    if (err == ERR_UNAUTHENTICATED)
        snprintf(out, 256, "Sign in, or send a token: Authorization: Bearer TOKEN.");
    else if (err != ERR_FORBIDDEN || !info)
        snprintf(out, 256, "%s.", err_info(err)->text);
    else if (scoped)
        snprintf(out, 256, "The scopes of this token do not hold %s.", info->name);
    else if (info->from == FOR_PERSON)
        snprintf(out, 256, "This is for a person who is signed in.");
    else if (call->who && call->who->kind == WHO_DEVICE)
        snprintf(out, 256, "A device may send its readings and receive its commands, and no more.");
    else if (info->from == FOR_INSTALLATION)
        snprintf(out, 256, "%s is for administrators of the installation.", info->name);
    else if (has_role(call, info))
        snprintf(out, 256, "The policy of the twin keeps %s from you.", info->name);
    else
        snprintf(out, 256, "%s needs the role %s; you have %s here.", info->name,
                 role_name((enum access_role)info->from), role_name(role_there(call)));
}

void call_denied(struct call *call, int err, enum access_op op, const char *detail)
{
    char text[256];
    struct buf b = {0};
    struct json_writer w;
    if (!detail) {
        sentence(text, call, err, op);
        detail = text;
    }
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    problem_write(&w, err, detail);
    if (err == ERR_FORBIDDEN && op != OP_PUBLIC)
        name_missing(&w, call, op);
    json_close(&w, '}');
    if (err_info(err)->http == 401)
        http_add_header(call->req, "WWW-Authenticate", "Bearer realm=\"doppel\"");
    if (call->who && (err == ERR_FORBIDDEN || err == ERR_UNAUTHENTICATED) && op != OP_PUBLIC) {
        char object[160];
        snprintf(object, sizeof object, "%s %.*s", call->route ? call->route->method : "",
                 http_path(call->req).n > 120 ? 120 : (int)http_path(call->req).n,
                 http_path(call->req).p);
        access_refused(core_access(call->core), call->who, &call->from, err, op, object, detail);
    }
    http_respond(call->req, err_info(err)->http, "application/problem+json", buf_slice(&b));
    buf_release(&b);
}

bool call_reason(struct call *call, struct slice reason)
{
    enum { REASON_BYTES = 500 };
    if (reason.n > REASON_BYTES || !utf8_valid(reason)) {
        call_problemf(call, ERR_INVALID, "A reason is text of at most %d bytes.", REASON_BYTES);
        return false;
    }
    const char *kept = arena_strndup(call->arena, reason.p, reason.n);
    call->from.reason = kept ? kept : "";
    return true;
}

struct asker call_asker(const struct call *call)
{
    return (struct asker){call->who, call->from};
}

bool call_may(struct call *call, enum access_op op, const struct access_object *o)
{
    int err = access_check(core_access(call->core), call->who, op, o);
    if (err && o && o->org)
        call->org = o->org;
    if (err)
        call_denied(call, err, op, NULL);
    return !err;
}

/* ---- who it is ---- */

struct slice call_cookie(const struct call *call, const char *name)
{
    struct slice all = http_header(call->req, "cookie"), one, key;
    while (all.p && slice_cut(&all, ';', &one)) {
        one = slice_trim(one);
        slice_cut(&one, '=', &key);
        if (slice_is(key, name))
            return one;
    }
    return slice_of(NULL, 0);
}

const char *session_cookie_name(const struct call *call)
{
    return http_is_tls(call->req) ? "__Host-doppel" : "doppel-session";
}

static bool starts_nocase(struct slice s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && strncasecmp(s.p, prefix, n) == 0;
}

/* The token of an Authorization header; p NULL: of no kind that is known. */
static struct slice token_in(struct call *call, struct slice header)
{
    if (starts_nocase(header, "bearer "))
        return slice_trim(slice_skip(header, 7));
    if (starts_nocase(header, "token "))
        return slice_trim(slice_skip(header, 6));
    if (!starts_nocase(header, "basic "))
        return slice_of(NULL, 0);
    struct buf plain = {0};
    struct slice user, rest = {0};
    if (decode_add(&plain, ENCODE_BASE64, slice_trim(slice_skip(header, 6))) == 0) {
        rest = arena_dup(call->arena, buf_slice(&plain));
        slice_cut(&rest, ':', &user);
    }
    buf_release(&plain);
    return rest;
}

static void release_who(void *arg)
{
    principal_unref(arg);
}

static bool set_who(struct call *call, struct principal *who)
{
    if (arena_defer(call->arena, release_who, who)) {
        principal_unref(who);
        call_problem(call, ERR_NOMEM, NULL);
        return false;
    }
    call->who = who;
    return true;
}

static int by_token(struct call *call, struct slice token, struct principal **ret)
{
    return token.n ? access_by_token(core_access(call->core), token, ret) : ERR_UNAUTHENTICATED;
}

static int by_cookie(struct call *call, struct slice cookie, struct principal **ret)
{
    return access_by_session(core_access(call->core), cookie,
                             http_header(call->req, "doppel-organization"), ret);
}

/* A certificate goes along by itself, as a cookie does; pages of others are turned away before. */
static int by_certificate(struct call *call, const struct net_cert *cert, struct principal **ret)
{
    unsigned char print[SHA256_BYTES];
    if (decode_exact(print, sizeof print, ENCODE_HEX, slice_str(cert->fingerprint)))
        return ERR_UNAUTHENTICATED;
    return access_by_certificate(core_access(call->core), slice_str(cert->org),
                                 slice_str(cert->twin), slice_of((const char *)print, sizeof print),
                                 ret);
}

static bool changes_something(const struct call *call)
{
    struct slice method = http_method(call->req);
    return !slice_is(method, "GET") && !slice_is(method, "HEAD") && !slice_is(method, "OPTIONS");
}

static void too_many(struct call *call, int64_t wait_us, const char *detail)
{
    enum access_op op = call->route ? call->route->op : OP_PUBLIC;
    struct access *a = core_access(call->core);
    call->api->rate_limited++;
    http_add_headerf(call->req, "Retry-After", "%lld", (long long)((wait_us + 999999) / 1000000));
    access_refused(a, call->who, &call->from, ERR_RATE, op, "requests", detail);
    call_problem(call, ERR_RATE, detail);
}

bool call_may_knock(struct call *call, const char *detail)
{
    int64_t wait_us;
    if (knock_may(access_knocks(core_access(call->core)), call->from.address, &wait_us))
        return true;
    too_many(call, wait_us, detail);
    return false;
}

/* Nobody tries many of them; one that holds is never asked to wait. */
static void wrong_token(struct call *call, int err)
{
    struct access *a = core_access(call->core);
    const char *detail =
        err == ERR_UNAUTHENTICATED ? "The token is not known here." : err_info(err)->text;
    int64_t wait_us;
    if (!knock_may(access_knocks(a), call->from.address, &wait_us)) {
        too_many(call, wait_us, "Too many tokens that do not hold came from this address.");
        return;
    }
    if (err == ERR_UNAUTHENTICATED)
        knock_wrong(access_knocks(a), call->from.address);
    access_refused(a, call->who, &call->from, err, OP_PUBLIC, "token", detail);
    call_denied(call, err, OP_PUBLIC, detail);
}

static bool identify(struct call *call)
{
    struct access *a = core_access(call->core);
    struct slice header = http_header(call->req, "authorization");
    struct slice cookie = call_cookie(call, session_cookie_name(call));
    const struct net_cert *cert = http_peer_cert(call->req);
    struct principal *who = NULL;
    int err = 0;
    if (access_is_open(a))
        return set_who(call, access_anonymous(a));
    if (header.p)
        err = by_token(call, token_in(call, header), &who);
    else if (cookie.n && changes_something(call) && !http_header(call->req, "origin").p &&
             call->route && call->route->op != OP_PUBLIC)
        err = ERR_FOREIGN;
    else if (cookie.n)
        err = by_cookie(call, cookie, &who);
    else if (cert)
        err = by_certificate(call, cert, &who);
    if (who)
        return set_who(call, who);
    /* a cookie that does not hold any more is nobody's, so that the page can ask what there is */
    if (err == ERR_UNAUTHENTICATED && !header.p)
        err = 0;
    if (!set_who(call, call_takes_anybody(call) ? access_ingest(a) : access_anonymous(a)))
        return false;
    if (!err || (call->route && call->route->op == OP_PUBLIC && err == ERR_UNAUTHENTICATED))
        return true;
    if (err == ERR_FOREIGN)
        call_denied(call, err, OP_PUBLIC,
                    "With a cookie a change needs the Origin of this server.");
    else if (err == ERR_FORBIDDEN)
        call_denied(call, err, OP_PUBLIC,
                    "Doppel-Organization names an organisation of which you are no member.");
    else
        wrong_token(call, err);
    return false;
}

/* ---- from where ---- */

static void set_origin(struct call *call)
{
    struct api *a = call->api;
    const char *peer = http_peer(call->req);
    const char *colon = peer ? strrchr(peer, ':') : NULL;
    struct slice agent = http_header(call->req, "user-agent");
    size_t n = colon ? (size_t)(colon - peer) : peer ? strlen(peer) : 0;
    char *address = arena_strndup(call->arena, peer ? peer : "", n);
    char *id =
        arena_printf(call->arena, "%s-%llx", a->request_prefix, (unsigned long long)a->requests);
    char *kept = arena_strndup(call->arena, agent.p ? agent.p : "", agent.n < 200 ? agent.n : 200);
    call->from = (struct origin){.via = "http",
                                 .address = address ? address : "",
                                 .request = id ? id : "",
                                 .agent = kept ? kept : ""};
    if (id)
        http_add_header(call->req, "Doppel-Request-Id", id);
}

/* ?reason= or, where the address is a form's, a header. */
static bool read_reason(struct call *call)
{
    struct slice reason = http_query(call->req, "reason");
    if (!reason.p)
        reason = http_header(call->req, "doppel-reason");
    return !reason.p || call_reason(call, reason);
}

/* ---- how often ---- */

enum { BURST = 5 /* seconds' worth at once */ };

/* A person counts once, however many tokens and sessions they have; nobody counts by the address.
 * The command line of the machine's own user may do as it likes: it could read the directory. */
static bool take_rate(struct call *call)
{
    const struct api_opts *o = &call->api->opts;
    const struct principal *who = call->who;
    bool named = who->kind != WHO_ANONYMOUS;
    uint64_t rate = named ? o->requests_per_s : o->anonymous_requests_per_s;
    char name[160];
    int64_t wait_us;
    if (!rate || who->kind == WHO_LOCAL)
        return true;
    if (who->kind == WHO_DEVICE)
        snprintf(name, sizeof name, "device %.*s", SLICE_ARG(who->twin));
    else if (named)
        snprintf(name, sizeof name, "%s %s", principal_kind_name(who->kind), who->id);
    else
        knock_network(call->from.address, name, sizeof name);
    if (buckets_take(call->api->rates, slice_str(name), (double)rate, BURST * (double)rate,
                     &wait_us))
        return true;
    too_many(call, wait_us,
             named ? "That is more requests than one account may send; try again later."
                   : "That is more requests than one address may send without a token; try again "
                     "later.");
    return false;
}

/* ---- the gate ---- */

/* The organisation that the address names: /api/v1/organizations/{org}... */
static bool enter_org(struct call *call)
{
    struct org *org = access_org(core_access(call->core), call->parts[0]);
    struct access_object o = {.org = org};
    int err = org && !org->gone
                  ? access_check(core_access(call->core), call->who, call->route->op, &o)
                  : ERR_NOT_FOUND;
    if (err == ERR_NOT_FOUND) { /* the same whether it is not there or not for them to see */
        call_problem(call, err, "There is no such organisation.");
        return false;
    }
    call->org = org;
    if (err)
        call_denied(call, err, call->route->op, NULL);
    return !err;
}

static bool path_starts(const struct route *r, const char *prefix)
{
    return strncmp(r->path, prefix, strlen(prefix)) == 0;
}

/* Within the readings per second of its organisation? */
static bool is_in_pace(struct call *call)
{
    int64_t wait_us = org_wait_us(call->who->org);
    char text[24];
    if (!wait_us)
        return true;
    snprintf(text, sizeof text, "%lld", (long long)(wait_us / 1000000 + 1));
    http_add_header(call->req, "Retry-After", text);
    call_problem(call, ERR_RATE, "The organisation sends more readings in a second than it may.");
    return false;
}

static bool judge(struct call *call)
{
    const struct route *r = call->route;
    call->org = call->who->org;
    if (!r || r->op == OP_PUBLIC || r->op == OP_EACH)
        return true;
    if (call->who->kind == WHO_ANONYMOUS && !(call->who->ops & OP_BIT(r->op))) {
        call_denied(call, ERR_UNAUTHENTICATED, r->op, NULL);
        return false;
    }
    if (path_starts(r, "/api/v1/organizations/{org}"))
        return enter_org(call);
    bool beyond = call->who->kind == WHO_DEVICE && !(call->who->ops & OP_BIT(r->op));
    if ((beyond || !(call->who->scopes & OP_BIT(r->op))) && !call->who->everything) {
        call_denied(call, ERR_FORBIDDEN, r->op, NULL);
        return false;
    }
    if (r->op == OP_DATA_WRITE && !is_in_pace(call))
        return false;
    if (op_info(r->op)->about == ABOUT_TWIN)
        return true;
    struct access_object o = {.org = call->who->org};
    return call_may(call, r->op, &o);
}

bool gate_enter(struct call *call)
{
    set_origin(call);
    if (!identify(call) || !take_rate(call) || !read_reason(call))
        return false;
    if (call->who->kind == WHO_DEVICE)
        device_met(core_access(call->core), call->who, 0);
    return judge(call);
}

bool gate_enter_as(struct call *call, struct principal *who, const struct origin *from)
{
    call->from = *from;
    return set_who(call, principal_ref(who)) && read_reason(call) && judge(call);
}

/* ---- is this host meant ---- */

/* A page of another site may have its own name point to this machine and then reads what it likes
 * in the browser of whoever visits it.  Such a request names the other site as its Host. */
static bool is_address(struct slice host)
{
    bool digits = true;
    for (size_t i = 0; i < host.n; i++)
        digits &= (host.p[i] >= '0' && host.p[i] <= '9') || host.p[i] == '.';
    return digits || host.p[0] == '[';
}

static bool is_listed(const char *names, struct slice host)
{
    struct slice rest = slice_str(names), one;
    while (rest.p && slice_cut(&rest, ',', &one)) {
        one = slice_trim(one);
        if (one.n && one.n == host.n && strncasecmp(one.p, host.p, host.n) == 0)
            return true;
    }
    return false;
}

bool gate_is_host(const struct api *a, struct slice host)
{
    ptrdiff_t colon = host.n && host.p[0] != '[' ? slice_find(host, ':') : -1;
    if (colon >= 0)
        host.n = (size_t)colon;
    if (!host.n || is_address(host) || slice_is_nocase(host, "localhost") ||
        is_listed(a->opts.host_names, host))
        return true;
    char own[HOST_NAME_MAX + 8] = "";
    if (gethostname(own, HOST_NAME_MAX) == 0) {
        if (slice_is_nocase(host, own))
            return true;
        strcat(own, ".local"); /* as multicast DNS has it */
    }
    return own[0] && slice_is_nocase(host, own);
}
