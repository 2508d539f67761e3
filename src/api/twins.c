/* twins.c - /api/v1/twins: list, make, read, change, delete; and what validation says. */
#include "access/state.h"
#include "api/asof.h"
#include "api/versions.h"
#include "base/err.h"
#include "core/types.h"

#include <stdio.h>
#include <stdlib.h>

enum { LIST_DEFAULT = 50, LIST_MAX = 500, SENSORS_DEFAULT = 6, SENSORS_MAX = 10000 };

/* ---- the list ---- */

struct filter {
    struct slice name, type, twin_type, state, fits;
};

static bool contains_nocase(const char *text, struct slice part)
{
    if (!part.n)
        return true;
    for (size_t n = strlen(text); n >= part.n; text++, n--)
        if (strncasecmp(text, part.p, part.n) == 0)
            return true;
    return false;
}

static bool passes(struct core *c, const struct filter *f, const struct twin *t)
{
    if (f->name.p && !contains_nocase(t->name, f->name) && !contains_nocase(t->id, f->name))
        return false;
    if (f->type.p && !slice_is_nocase(f->type, t->type))
        return false;
    if (f->twin_type.p && !core_twin_is(c, t, f->twin_type))
        return false;
    if (f->fits.p && slice_is(f->fits, "true") != !t->misfits)
        return false;
    return !f->state.p || slice_is(f->state, state_name(t->state));
}

/* The first twin behind the cursor, which is a key. */
static size_t behind(struct twin *const *all, size_t n, struct slice cursor)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        size_t len = strlen(all[mid]->key), least = len < cursor.n ? len : cursor.n;
        int order = memcmp(all[mid]->key, cursor.p, least);
        if (order < 0 || (order == 0 && len <= cursor.n))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* What is listed: the twins of their organisation that they may see. */
struct listing {
    const struct org *org;
    bool plain;          /* all of them */
    struct slice cursor; /* as a key */
    size_t from;         /* the first of the organisation, but for others' between */
};

static struct listing listing_of(struct call *call, struct slice cursor)
{
    const struct access *a = core_access(call->core);
    struct org *org = call->who->org;
    struct listing l = {.org = org, .plain = org && access_is_plain(a, call->who, org)};
    const char *prefix = org ? org->prefix : "";
    if (org && org->first)
        prefix = "";
    if (cursor.n)
        l.cursor = slice_str(arena_printf(call->arena, "%s%.*s", prefix, SLICE_ARG(cursor)));
    if (*prefix) {
        size_t n;
        struct twin *const *all = core_twins(call->core, &n);
        l.from = behind(all, n, slice_str(prefix));
    }
    return l;
}

/* Keys of another organisation than the first stand side by side. */
static bool is_behind_own(const struct listing *l, const struct twin *t)
{
    return !l->org || (t->org != l->org && !l->org->first);
}

static bool is_listed(const struct call *call, const struct listing *l, const struct twin *t)
{
    const struct access_object o = twin_object(t);
    return t->org == l->org &&
           (l->plain || access_may(core_access(call->core), call->who, OP_TWIN_READ, &o));
}

void own_twins_begin(struct call *call, struct slice cursor, struct own_twins *ret)
{
    size_t n;
    struct listing l = listing_of(call, cursor);
    struct twin *const *all = core_twins(call->core, &n);
    *ret = (struct own_twins){l.org, l.plain, l.cursor.n ? behind(all, n, l.cursor) : l.from};
}

struct twin *own_twins_next(struct call *call, struct own_twins *own)
{
    struct listing l = {.org = own->org, .plain = own->plain};
    size_t n;
    struct twin *const *all = core_twins(call->core, &n);
    while (own->at < n && !is_behind_own(&l, all[own->at])) {
        struct twin *t = all[own->at++];
        if (is_listed(call, &l, t))
            return t;
    }
    return NULL;
}

void twins_list(struct call *call)
{
    uint64_t limit = LIST_DEFAULT, sensors = SENSORS_DEFAULT;
    struct filter f = {http_query(call->req, "name"), http_query(call->req, "type"),
                       http_query(call->req, "twinType"), http_query(call->req, "state"),
                       http_query(call->req, "fits")};
    struct slice cursor = http_query(call->req, "cursor");
    if (!call_uint(call, "limit", 1, LIST_MAX, &limit) ||
        !call_uint(call, "sensors", 0, SENSORS_MAX, &sensors))
        return;
    bool fits;
    if (!call_bool(call, "fits", &fits))
        return;
    if (f.state.p && !slice_is(f.state, "live") && !slice_is(f.state, "stale") &&
        !slice_is(f.state, "waiting")) {
        call_problem(call, ERR_INVALID, "state is live, stale or waiting.");
        return;
    }
    if (cursor.p && !slice_is_id(cursor)) {
        call_problem(call, ERR_INVALID, "cursor is what an earlier answer gave as next.");
        return;
    }
    size_t n, total = 0, given = 0;
    struct twin *const *all = core_twins(call->core, &n);
    struct listing own = listing_of(call, cursor);
    size_t from = own.cursor.n ? behind(all, n, own.cursor) : own.from;
    const struct twin *last = NULL;
    bool more = false;
    struct buf b = {0};
    struct json_writer w;
    call_rows_begin(&w, &b, "items");
    /* else all are counted without a look */
    bool some = f.name.p || f.type.p || f.twin_type.p || f.fits.p || f.state.p || !own.plain;
    for (size_t i = some ? own.from : from; i < n && (some || !more); i++) {
        if (is_behind_own(&own, all[i]))
            break;
        if (!is_listed(call, &own, all[i]) || !passes(call->core, &f, all[i]))
            continue;
        total++;
        if (i < from)
            continue;
        if (given == limit) {
            more = true;
            continue;
        }
        write_summary(&w, call, all[i], sensors);
        last = all[i];
        given++;
    }
    json_close(&w, ']');
    json_key(&w, "next");
    json_put_cstr(&w, more ? last->id : NULL);
    json_key(&w, "total");
    json_put_uint(&w, some ? total : own.org->twins_n);
    json_close(&w, '}');
    call_json(call, 200, &b);
}

/* ---- conditions (RFC 9110, section 13) ---- */

/* What a change must meet: checked here, and once more where changes are in order. */
struct demand {
    uint64_t version; /* 0: any */
    bool there, free; /* the twin must be there; the id must be free */
};

/* If-Match and If-None-Match of a request.  False: answered. */
static bool conditions(struct call *call, const struct twin *t, struct demand *ret)
{
    struct slice match = http_header(call->req, "if-match");
    struct slice none = http_header(call->req, "if-none-match");
    char etag[64] = "";
    if (t)
        etag_write(etag, t);
    if (match.p && !etag_listed(match, etag, false)) {
        call_problem(
            call, ERR_PRECONDITION,
            t ? "The twin was changed since you read it. Read it again, then repeat the change."
              : "There is no such twin.");
        return false;
    }
    if (none.p && etag_listed(none, etag, true)) {
        call_problem(call, ERR_PRECONDITION, "The twin exists already.");
        return false;
    }
    bool any = match.p && slice_is(slice_trim(match), "*");
    *ret = (struct demand){.version = match.p && !any ? t->version : 0,
                           .there = any,
                           .free = none.p && slice_is(slice_trim(none), "*")};
    call->flag = match.p || none.p;
    return true;
}

bool call_twin_version(struct call *call, const struct twin *t, uint64_t *ret_version)
{
    struct demand d;
    if (!conditions(call, t, &d))
        return false;
    *ret_version = d.version;
    return true;
}

/* ---- changes ---- */

static void put_raw(struct json_writer *w, const char *key, struct slice json, const char *empty)
{
    json_key(w, key);
    json_put_raw(w, json.n ? json : slice_str(empty));
}

/* What the twin had become by the time of the change is told as the condition that it broke. */
static int failure_of(const struct call *call, const struct twin_result *r)
{
    bool met = r->err != ERR_EXISTS && r->err != ERR_UNKNOWN_TWIN;
    return met || !call->flag ? r->err : ERR_PRECONDITION;
}

void call_twin_failed(struct call *call, const struct twin_result *r)
{
    if (r->err == ERR_FORBIDDEN || r->err == ERR_UNAUTHENTICATED) {
        call_denied(call, r->err, call->route->op, NULL);
        return;
    }
    int err = failure_of(call, r);
    struct buf b = {0};
    struct json_writer w;
    if (err == ERR_QUOTA)
        access_refused(core_access(call->core), call->who, &call->from, err, call->route->op,
                       "quota", r->detail);
    if (err_info(err)->http == 503)
        http_add_header(call->req, "Retry-After", "1");
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    problem_write(&w, err, r->detail);
    if (r->findings.n)
        put_raw(&w, "findings", r->findings, "[]");
    json_close(&w, '}');
    http_respond(call->req, err_info(err)->http, "application/problem+json", buf_slice(&b));
    buf_release(&b);
}

void call_twin_kept(void *arg, const struct twin_result *r)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    if (r->err) {
        call_twin_failed(call, r);
        return;
    }
    char etag[64], location[160];
    struct twin *t = core_twin(call->core, slice_str(r->key));
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "id");
    json_put_cstr(&w, r->id);
    put_raw(&w, "profile", r->profile, "null");
    json_key(&w, "filled");
    json_open(&w, '[');
    for (const char *const *f = r->filled; f && *f; f++)
        json_put_cstr(&w, *f);
    json_close(&w, ']');
    put_raw(&w, "findings", r->findings, "[]");
    json_close(&w, '}');
    if (t) {
        etag_write(etag, t);
        http_add_header(call->req, "ETag", etag);
    }
    snprintf(location, sizeof location, "/api/v1/twins/%s", r->id);
    if (r->created)
        http_add_header(call->req, "Location", location);
    call_json(call, r->created ? 201 : 200, &b);
}

static bool profile_body(struct call *call)
{
    size_t most = call->api->opts.max_profile;
    if (http_body(call->req).n <= most)
        return true;
    call_problemf(call, ERR_TOO_LARGE, "A profile has at most %zu bytes.", most);
    return false;
}

void twins_create(struct call *call)
{
    if (!call_json_type(call) || !profile_body(call))
        return;
    call_wait(call, NULL);
    const struct asker by = call_asker(call);
    core_twin_put(call->core, &by, TWIN_CREATE, slice_of("", 0), http_body(call->req), 0, false,
                  call_twin_kept, call);
}

static bool usable_id(struct call *call)
{
    if (slice_is_id(slice_skip(call->parts[0], access_key_prefix(call->parts[0]))))
        return true;
    call_problem(call, ERR_INVALID,
                 "A twin's id has letters, digits, \".\", \"_\", \"-\", \":\" and 1 to 128 bytes.");
    return false;
}

/* The twin, or the organisation in which the address would make one.  False: answered. */
static bool addressed(struct call *call, const struct twin *t, struct access_object *ret)
{
    struct buf scratch = {0};
    struct slice key;
    struct org *org = NULL;
    int err = access_key(core_access(call->core), call->who, call->parts[0], &scratch, &key, &org);
    buf_release(&scratch);
    if (err)
        call_problem(call, err == ERR_NOT_FOUND ? ERR_UNKNOWN_TWIN : err, NULL);
    *ret = t ? twin_object(t) : (struct access_object){.org = org};
    return !err;
}

void twin_replace(struct call *call)
{
    struct demand d;
    struct twin *t = NULL;
    const struct asker by = call_asker(call);
    if (!usable_id(call))
        return;
    int err = core_find(call->core, call->who, call->parts[0], OP_TWIN_READ, &t);
    if (t)
        call->org = t->org;
    if (err && err != ERR_UNKNOWN_TWIN) {
        call_denied(call, err, call->route->op, NULL);
        return;
    }
    struct access_object o;
    if (!addressed(call, t, &o) || !call_may(call, t ? OP_TWIN_WRITE : OP_TWIN_CREATE, &o) ||
        !call_json_type(call) || !profile_body(call) || !conditions(call, t, &d))
        return;
    call_wait(call, NULL);
    core_twin_put(call->core, &by,
                  d.free    ? TWIN_CREATE
                  : d.there ? TWIN_REPLACE
                            : TWIN_PUT,
                  call->parts[0], http_body(call->req), d.version, false, call_twin_kept, call);
}

void twin_patch(struct call *call)
{
    struct slice media = call_media(call);
    struct demand d;
    struct twin *t = call_twin(call);
    if (!t || !profile_body(call))
        return;
    if (!slice_is_nocase(media, "application/merge-patch+json") &&
        !slice_is_nocase(media, "application/json")) {
        http_add_header(call->req, "Accept-Patch", "application/merge-patch+json");
        call_problem(call, ERR_MEDIA_TYPE, "Send application/merge-patch+json (RFC 7396).");
        return;
    }
    if (!conditions(call, t, &d))
        return;
    call_wait(call, NULL);
    const struct asker by = call_asker(call);
    core_twin_patch(call->core, &by, call->parts[0], http_body(call->req), d.version,
                    call_twin_kept, call);
}

static void on_removed(void *arg, const struct twin_result *r)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    if (r->err)
        call_twin_failed(call, r);
    else
        http_respond(call->req, 204, NULL, slice_of("", 0));
}

void twin_delete(struct call *call)
{
    struct demand d;
    struct twin *t = call_twin(call);
    if (!t || !conditions(call, t, &d))
        return;
    call_wait(call, NULL);
    const struct asker by = call_asker(call);
    core_twin_remove(call->core, &by, call->parts[0], d.version, on_removed, call);
}

/* ---- reading ---- */

static void write_kept(struct call *call, const struct twin *t, struct slice profile, struct buf *b)
{
    struct jval *root;
    struct json_writer w;
    json_writer_init(&w, b, 2);
    if (jdoc_parse(call->arena, profile, &root, NULL))
        b->failed = true;
    else {
        core_hide_sensors(call->core, call->who, t, root);
        jval_write(&w, root);
    }
}

static void on_read(void *arg, const struct twin_result *r)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    struct twin *t = r->err ? NULL : core_twin(call->core, slice_str(r->key));
    if (r->err || !t) {
        call_problem(call, r->err ? r->err : ERR_UNKNOWN_TWIN, r->detail);
        return;
    }
    struct buf b = {0};
    char etag[64];
    if (call->flag)
        b.failed =
            core_live_profile(call->core, call->who, t, call->arena, r->profile, &b) || b.failed;
    else
        write_kept(call, t, r->profile, &b);
    buf_add_byte(&b, '\n');
    etag_write(etag, t);
    http_add_header(call->req, "ETag", etag);
    call_json(call, 200, &b);
}

/* The twin, when they may read its profile. */
static struct twin *profile_twin(struct call *call)
{
    struct twin *t = call_twin(call);
    if (!t)
        return NULL;
    struct access_object profile = twin_object(t);
    profile.part = PART_PROFILE;
    return call_may(call, OP_TWIN_READ, &profile) ? t : NULL;
}

static void write_then(struct asof *a)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 2);
    jval_write(&w, a->root);
    buf_add_byte(&b, '\n');
    call_json(a->call, 200, &b);
}

void twin_read(struct call *call)
{
    int64_t at_us;
    bool answered;
    if (call_asks_then(call, &at_us, &answered)) {
        if (!answered && twin_profile_is_seen(call))
            call_then(call, at_us, write_then);
        return;
    }
    struct slice match = http_header(call->req, "if-match");
    struct slice none = http_header(call->req, "if-none-match");
    struct twin *t = profile_twin(call);
    call->flag = true;
    if (!t || !call_bool(call, "live", &call->flag))
        return;
    char etag[64];
    etag_write(etag, t);
    if (match.p && !etag_listed(match, etag, false)) {
        call_problem(call, ERR_PRECONDITION, "The twin is not the one you name.");
        return;
    }
    /* the live view changes with every reading; only the kept one can be the same */
    if (!call->flag && none.p && etag_listed(none, etag, true)) {
        http_add_header(call->req, "ETag", etag);
        http_respond(call->req, 304, NULL, slice_of("", 0));
        return;
    }
    call_wait(call, NULL);
    const struct asker by = call_asker(call);
    core_twin_get(call->core, &by, call->parts[0], on_read, call);
}

/* ---- validation ---- */

/* How the types of the twin's organisation see it; t NULL: of who asks, and no other twin is known.
 */
struct eyes {
    struct core *core;
    const struct twin *twin;
};

static int is_of(void *arg, struct slice twin, struct slice type)
{
    const struct eyes *e = arg;
    return e->twin ? core_twin_id_is(e->core, e->twin, twin, type) : -1;
}

static void answer_findings(struct call *call, const struct twin *t, struct slice text)
{
    struct eyes seen = {call->core, t};
    const struct type_eyes eyes = {
        .set = core_types(call->core, t ? t->org : call->who->org), .is_of = is_of, .arg = &seen};
    struct findings f = {0};
    struct jval *root;
    struct buf b = {0};
    struct json_writer w;
    if (profile_check(call->arena, text, &root, &f) ||
        (root && eyes.set && profile_check_as(call->arena, root, text, &eyes, &f))) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "complete");
    json_put_bool(&w, f.errors == 0);
    json_key(&w, "core");
    json_put_bool(&w, root && f.core_errors == 0);
    json_key(&w, "errors");
    json_put_uint(&w, f.errors);
    json_key(&w, "warnings");
    json_put_uint(&w, f.warnings);
    json_key(&w, "findings");
    findings_write(&w, &f);
    json_close(&w, '}');
    call_json(call, 200, &b);
}

void validate(struct call *call)
{
    if (call_json_type(call) && profile_body(call))
        answer_findings(call, NULL, http_body(call->req));
}

static void on_read_for_findings(void *arg, const struct twin_result *r)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    if (r->err) {
        call_problem(call, r->err, r->detail);
        return;
    }
    struct buf b = {0}; /* positions are those of what ?live=false shows */
    const struct twin *t = core_twin(call->core, slice_str(r->key));
    if (t)
        write_kept(call, t, r->profile, &b);
    if (b.failed || !t)
        call_problem(call, ERR_CORRUPT, NULL);
    else
        answer_findings(call, t, buf_slice(&b));
    buf_release(&b);
}

void twin_findings(struct call *call)
{
    if (!profile_twin(call))
        return;
    call_wait(call, NULL);
    const struct asker by = call_asker(call);
    core_twin_get(call->core, &by, call->parts[0], on_read_for_findings, call);
}

/* The sample says where this server's MQTT listener really is. */
static struct slice sample_text(struct call *call, struct slice id)
{
    struct slice text = profile_sample(call->arena, id);
    const char *mqtt = call->api->addresses.mqtt;
    struct jval *root, *endpoint;
    struct buf b = {0};
    struct json_writer w;
    char url[512];
    if (!mqtt || jdoc_parse(call->arena, text, &root, NULL))
        return text;
    snprintf(url, sizeof url, "mqtt://%s/twins/%.*s", mqtt, SLICE_ARG(id));
    endpoint = jval_new_string(call->arena, slice_str(url));
    if (!endpoint || !jval_get(root, "synchronization"))
        return text;
    jval_set(call->arena, jval_get(root, "synchronization"), SLICE_LIT("endpoint"), endpoint);
    json_writer_init(&w, &b, 2);
    jval_write(&w, root);
    buf_add_byte(&b, '\n');
    if (!b.failed)
        text = arena_dup(call->arena, buf_slice(&b));
    buf_release(&b);
    return text;
}

void sample(struct call *call)
{
    struct slice id = http_query(call->req, "id");
    if (!id.p)
        id = SLICE_LIT("my-machine");
    if (!slice_is_id(id)) {
        call_problem(call, ERR_INVALID,
                     "id has letters, digits, \".\", \"_\", \"-\", \":\" and 1 to 128 bytes.");
        return;
    }
    http_respond(call->req, 200, "application/json", sample_text(call, id));
}

void schema(struct call *call)
{
    struct buf b = {0};
    profile_schema(&b);
    if (b.failed)
        call_problem(call, ERR_NOMEM, NULL);
    else
        http_respond(call->req, 200, "application/schema+json", buf_slice(&b));
    buf_release(&b);
}
