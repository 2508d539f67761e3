/* api.c - from a request to its handler, by the table of routes. */
#include "api/api.h"

#include "access/bucket.h"
#include "api/graphql.h"
#include "api/internal.h"
#include "base/err.h"
#include "crypto/digest.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_PROFILE = 1 << 20, MAX_WATCHED = 1000000, RATES_MAX = 20000 };

const char api_security_headers[] =
    "Content-Security-Policy: default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' blob:; "
    "worker-src 'self'; frame-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Frame-Options: SAMEORIGIN\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n";

static char *copy_or_null(const char *s)
{
    return s ? strdup(s) : NULL;
}

void api_set_addresses(struct api *a, const struct api_addresses *from)
{
    struct api_addresses old = a->addresses;
    a->addresses = (struct api_addresses){copy_or_null(from->http), copy_or_null(from->https),
                                          copy_or_null(from->mqtt), copy_or_null(from->mqtts)};
    const char *gone[] = {old.http, old.https, old.mqtt, old.mqtts};
    for (size_t i = 0; i < 4; i++)
        free((void *)(uintptr_t)gone[i]);
}

int api_new(struct loop *l, struct core *c, struct broker *b, const struct api_opts *opts,
            struct api **ret)
{
    struct api *a = calloc(1, sizeof *a);
    if (!a)
        return ERR_NOMEM;
    a->loop = l;
    a->core = c;
    a->broker = b;
    a->alarms = opts->alarms;
    a->rules = opts->rules;
    a->control = opts->control;
    a->opts = *opts;
    unsigned char chance[4];
    random_bytes(chance, sizeof chance);
    snprintf(a->request_prefix, sizeof a->request_prefix, "%02x%02x%02x%02x", chance[0], chance[1],
             chance[2], chance[3]);
    if (!a->opts.max_profile)
        a->opts.max_profile = MAX_PROFILE;
    if (!a->opts.max_watched)
        a->opts.max_watched = MAX_WATCHED;
    struct buf why = {0};
    a->rates = buckets_new(RATES_MAX);
    int err = a->rates ? stream_new(a, &a->stream) : ERR_NOMEM;
    if (!err && !a->opts.line_map)
        err = line_map_new(SLICE_LIT(""), SLICE_LIT(LINE_TWIN_TAGS), &a->opts.line_map, &why);
    buf_release(&why);
    if (!err)
        err = line_in_new(c, a->opts.line_map, &a->lines);
    if (!err)
        err = graphql_new(a, &a->graphql);
    if (err) {
        line_in_free(a->lines);
        line_map_free(a->opts.line_map);
        stream_free(a->stream);
        buckets_free(a->rates);
        free(a);
        return err;
    }
    devices_watch(a);
    control_api_watch(a);
    *ret = a;
    return 0;
}

void api_free(struct api *a)
{
    if (!a)
        return;
    control_api_unwatch(a);
    devices_unwatch(a);
    graphql_free(a->graphql);
    stream_free(a->stream);
    line_in_free(a->lines);
    buckets_free(a->rates);
    buf_release(&a->openapi);
    api_set_addresses(a, &(struct api_addresses){0});
    free(a);
}

/* ---- dispatch ---- */

/* Does the path fit the pattern?  Its parts then stand in parts. */
static bool fits(const char *pattern, struct slice path, struct slice parts[PARTS_MAX])
{
    size_t n = 0;
    while (*pattern) {
        if (*pattern == '{') {
            size_t len = 0;
            while (len < path.n && path.p[len] != '/')
                len++;
            if (!len || n == PARTS_MAX)
                return false;
            parts[n++] = slice_of(path.p, len);
            path = slice_skip(path, len);
            pattern = strchr(pattern, '}') + 1;
        } else {
            if (!path.n || path.p[0] != *pattern)
                return false;
            path = slice_skip(path, 1);
            pattern++;
        }
    }
    return path.n == 0;
}

/* A page of another site must not change anything here through somebody's browser: such a
 * request carries an Origin whose host is not ours. */
static bool is_foreign(struct http_req *r)
{
    struct slice origin = http_header(r, "origin"), host = http_header(r, "host");
    if (!origin.p)
        return false;
    const char *at = memmem(origin.p, origin.n, "://", 3);
    if (!at)
        return true;
    struct slice theirs = slice_skip(origin, (size_t)(at - origin.p) + 3);
    return theirs.n != host.n || strncasecmp(theirs.p, host.p, host.n) != 0;
}

/* %2F is no "/": it stands in no name that we have. */
static bool hides_slash(struct slice raw)
{
    for (size_t i = 0; i + 2 < raw.n; i++)
        if (raw.p[i] == '%' && raw.p[i + 1] == '2' && (raw.p[i + 2] | 0x20) == 'f')
            return true;
    return false;
}

static bool is_ours(struct slice path)
{
    return slice_starts(path, "/api/") || slice_is(path, "/api") ||
           slice_starts(path, "/schemas/") || slice_starts(path, "/errors/");
}

static bool has_route(struct slice path)
{
    struct slice parts[PARTS_MAX];
    for (const struct route *const *table = route_tables; *table; table++)
        for (const struct route *r = *table; r->method; r++)
            if (fits(r->path, path, parts))
                return true;
    return false;
}

/* What is allowed at this path, for 405 and OPTIONS; empty when nothing is here. */
static void allowed(struct slice path, struct buf *out)
{
    struct slice parts[PARTS_MAX];
    for (const struct route *const *table = route_tables; *table; table++)
        for (const struct route *r = *table; r->method; r++) {
            if (!fits(r->path, path, parts))
                continue;
            buf_addf(out, "%s%s", out->n ? ", " : "", r->method);
            if (strcmp(r->method, "GET") == 0)
                buf_add_str(out, ", HEAD");
        }
    if (!out->n && !is_ours(path))
        buf_add_str(out, "GET, HEAD"); /* the page */
    if (out->n)
        buf_add_str(out, ", OPTIONS");
    buf_add_byte(out, 0);
}

static void no_route(struct call *call)
{
    struct slice path = http_path(call->req), method = http_method(call->req);
    bool reads = slice_is(method, "GET") || slice_is(method, "HEAD");
    struct buf allow = {0};
    allowed(path, &allow);
    if (!allow.failed && allow.n > 1)
        http_add_header(call->req, "Allow", allow.p);
    if (slice_is(method, "OPTIONS") && (allow.n > 1 || slice_is(path, "*")))
        http_respond(call->req, 204, NULL, slice_of("", 0));
    else if (reads && !is_ours(path) && !has_route(path))
        static_serve(call);
    else if (allow.n > 1)
        call_problemf(call, ERR_METHOD, "%.*s is not allowed here; %s are.",
                      method.n > 32 ? 32 : (int)method.n, method.p,
                      allow.failed ? "others" : allow.p);
    else
        call_problem(call, ERR_NOT_FOUND,
                     "There is nothing at this address. /api/v1/openapi.json tells what there is.");
    buf_release(&allow);
}

static const struct route *find_route(struct slice method, struct slice path,
                                      struct slice parts[static PARTS_MAX])
{
    if (slice_is(method, "HEAD"))
        method = SLICE_LIT("GET");
    for (const struct route *const *table = route_tables; *table; table++)
        for (const struct route *r = *table; r->method; r++)
            if (slice_is(method, r->method) && fits(r->path, path, parts))
                return r;
    return NULL;
}

void api_on_request(void *arg, struct http_req *req)
{
    struct api *a = arg;
    struct call *call = arena_zalloc(http_arena(req), sizeof *call);
    struct slice method = http_method(req), path = http_path(req);
    a->requests++;
    if (!call) {
        http_respond(req, 503, NULL, slice_of("", 0));
        return;
    }
    *call = (struct call){.api = a, .core = a->core, .req = req, .arena = http_arena(req)};
    bool reads = slice_is(method, "GET") || slice_is(method, "HEAD") || slice_is(method, "OPTIONS");
    if (is_ours(path))
        http_add_header(req, "Cache-Control", "no-store");
    if (!gate_is_host(a, http_header(req, "host"))) {
        call_problem(call, ERR_MISDIRECTED,
                     "This server does not know that name for itself; --host-names tells it.");
        return;
    }
    if (!reads && is_foreign(req)) {
        call_problem(call, ERR_FOREIGN, "The request comes from the page of another site.");
        return;
    }
    if (is_ours(path) && hides_slash(http_raw_path(req))) {
        call_problem(call, ERR_NOT_FOUND, "No name has a slash in it.");
        return;
    }
    call->route = find_route(method, path, call->parts);
    if (!gate_enter(call))
        return;
    if (call->route)
        call->route->fn(call);
    else
        no_route(call);
}

void api_inner(struct api *a, struct http_req *req, struct principal *who,
               const struct origin *from)
{
    struct call *call = arena_zalloc(http_arena(req), sizeof *call);
    if (!call) {
        http_respond(req, 503, NULL, slice_of("", 0));
        return;
    }
    *call = (struct call){.api = a, .core = a->core, .req = req, .arena = http_arena(req)};
    call->route = find_route(http_method(req), http_path(req), call->parts);
    if (!gate_enter_as(call, who, from))
        return;
    if (call->route)
        call->route->fn(call);
    else
        call_problem(call, ERR_NOT_FOUND, "There is nothing at this address.");
}
