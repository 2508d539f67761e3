/* twin_versions.c - what a twin's profile was, also of one that was deleted. */
#include "api/versions.h"
#include "base/err.h"

/* ---- as it is now ---- */

struct fetching {
    struct call *call;
    void (*fn)(struct call *call, struct jval *body);
};

static void on_profile(void *arg, const struct twin_result *r)
{
    struct fetching *f = arg;
    struct jval *body = NULL;
    if (!call_alive(f->call))
        return;
    if (!r->err) {
        struct slice text = arena_dup(f->call->arena, r->profile);
        if (!text.p || jdoc_parse(f->call->arena, text, &body, NULL)) {
            call_problem(f->call, text.p ? ERR_CORRUPT : ERR_NOMEM, NULL);
            return;
        }
    }
    f->fn(f->call, body);
}

void twin_version_now(struct call *call, void (*fn)(struct call *call, struct jval *body))
{
    struct fetching *f = arena_alloc(call->arena, sizeof *f);
    const struct asker by = call_asker(call);
    if (!f) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    *f = (struct fetching){call, fn};
    core_twin_get(call->core, &by, call->parts[0], on_profile, f);
}

/* ---- whose it is ---- */

/* Sensors that a policy keeps from them now are kept from them in the past, too. */
static void hide(struct call *call, struct jval *body)
{
    struct twin *t = NULL;
    if (!core_find(call->core, call->who, call->parts[0], OP_TWIN_READ, &t))
        core_hide_sensors(call->core, call->who, t, body);
}

static void put_back(struct call *call, struct jval *body)
{
    const struct asker by = call_asker(call);
    struct twin *t = NULL;
    struct buf b = {0};
    struct json_writer w;
    uint64_t version = 0;
    if (!core_find(call->core, call->who, call->parts[0], OP_TWIN_READ, &t) &&
        !call_twin_version(call, t, &version))
        return;
    json_writer_init(&w, &b, 2);
    jval_write(&w, body);
    if (b.failed)
        call_problem(call, ERR_NOMEM, NULL);
    else
        core_twin_put(call->core, &by, TWIN_PUT, call->parts[0], buf_slice(&b), version, false,
                      call_twin_kept, call);
    buf_release(&b);
}

/* A twin that is there is theirs by its own rules, one that is gone by those of the organisation.
 */
bool twin_versions_of(struct call *call, struct versions_of *ret)
{
    struct access *a = core_access(call->core);
    struct buf scratch = {0};
    struct slice key;
    struct org *org = NULL;
    struct access_object o;
    struct twin *t = NULL;
    int err = access_key(a, call->who, call->parts[0], &scratch, &key, &org);
    struct slice kept = err ? (struct slice){0} : arena_dup(call->arena, key);
    buf_release(&scratch);
    if (!err && kept.p)
        t = core_twin(call->core, kept);
    if (!err && kept.p && !t) {
        o = (struct access_object){.org = org, .twin = slice_of("", 0)};
        if (!access_may(a, call->who, OP_TWIN_CREATE, &o))
            err = ERR_NOT_FOUND;
    }
    if (t ? !call_twin(call) : false)
        return false;
    if (err || !kept.p) {
        call_problemf(call, kept.p || err ? ERR_UNKNOWN_TWIN : ERR_NOMEM,
                      "There is no twin \"%.*s\".",
                      call->parts[0].n > 128 ? 128 : (int)call->parts[0].n, call->parts[0].p);
        return false;
    }
    *ret = (struct versions_of){.kind = VERSION_TWIN,
                                .id = kept,
                                .missing = ERR_UNKNOWN_TWIN,
                                .hide = hide,
                                .now = twin_version_now,
                                .restore = put_back};
    return true;
}

bool twin_profile_is_seen(struct call *call)
{
    struct twin *t = NULL;
    if (core_find(call->core, call->who, call->parts[0], OP_TWIN_READ, &t))
        return true; /* it is gone, or hidden, which twin_versions_of() judges */
    struct access_object profile = twin_object(t);
    profile.part = PART_PROFILE;
    return call_may(call, OP_TWIN_READ, &profile);
}

#define ANSWER(name, answer)                                                                       \
    static void name(struct call *call)                                                            \
    {                                                                                              \
        struct versions_of of;                                                                     \
        if (twin_profile_is_seen(call) && twin_versions_of(call, &of))                             \
            answer(call, &of);                                                                     \
    }
ANSWER(list, versions_answer)
ANSWER(one, version_answer)
ANSWER(diff, diff_answer)
ANSWER(restore, restore_answer)

#define TEXT "{\"type\":\"string\"}"
#define NUMBER "{\"type\":\"integer\",\"minimum\":1}"
static const struct route_param page_params[] = {
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":50}",
     "at most so many"},
    {"cursor", TEXT, "what an earlier answer gave as next"},
    {0}};
static const struct route_param diff_params[] = {
    {"from", NUMBER, "the number of a version"},
    {"to", NUMBER, "that of another (default: as it is now)"},
    {0}};
static const struct route_answer list_answers[] = {
    {200, "VersionList", NULL}, {400, "Problem", NULL}, {404, "Problem", NULL}, {0}};
static const struct route_answer one_answers[] = {
    {200, "Version", NULL}, {404, "Problem", NULL}, {0}};
static const struct route_answer diff_answers[] = {
    {200, "Difference", NULL}, {400, "Problem", NULL}, {404, "Problem", NULL}, {0}};
static const struct route_answer restore_answers[] = {
    {200, "TwinKept", NULL},       {201, "TwinKept", NULL},
    {400, "Problem", NULL},        {403, "Refusal", NULL},
    {404, "Problem", NULL},        {409, "Problem", NULL},
    {412, "Problem", NULL},        {415, "Problem", NULL},
    {422, "ProfileProblem", NULL}, {0}};

/* clang-format off */
#define AT "/api/v1/twins/{id}"
const struct route twin_version_routes[] = {
    {"GET", AT "/versions", OP_TWIN_READ, "listTwinVersions", list, "What a twin's profile was, newest first; also of a deleted one", page_params, NULL, NULL, list_answers},
    {"GET", AT "/versions/{version}", OP_TWIN_READ, "readTwinVersion", one, "A version of a twin's profile", NULL, NULL, NULL, one_answers},
    {"GET", AT "/diff", OP_TWIN_READ, "compareTwin", diff, "In what two versions of a profile differ", diff_params, NULL, NULL, diff_answers},
    {"POST", AT "/restore", OP_TWIN_WRITE, "restoreTwin", restore, "A twin as it was at a version, as a new one; also one that was deleted", NULL, "Restore", NULL, restore_answers},
    {0},
};
/* clang-format on */
