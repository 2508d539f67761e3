/* documents.c - documents of all kinds: list, make, read, change, delete, and what they were. */
#include "access/documents.h"
#include "api/asof.h"
#include "api/graph.h"
#include "api/versions.h"
#include "base/err.h"

#include <string.h>

static struct access *access_of(const struct call *call)
{
    return core_access(call->core);
}

/* Of which kind a route is: "/api/v1/types/{id}". */
static enum document_kind kind_of(const struct call *call)
{
    struct slice path = slice_str(call->route->path + sizeof "/api/v1/" - 1), many;
    slice_cut(&path, '/', &many);
    for (int k = 0; k < DOCUMENT_KINDS; k++)
        if (slice_is(many, document_info((enum document_kind)k)->many))
            return (enum document_kind)k;
    return DOCUMENT_TYPE;
}

static struct document *find(struct call *call)
{
    enum document_kind kind = kind_of(call);
    struct document *d = document_find(access_of(call), kind, call->who->org, call->parts[0]);
    if (!d)
        call_problemf(call, ERR_NOT_FOUND, "There is no %s \"%.*s\".", document_info(kind)->one,
                      call->parts[0].n > 128 ? 128 : (int)call->parts[0].n, call->parts[0].p);
    return d;
}

/* ---- reading ---- */

static bool is_listed(struct call *call, const void *entity)
{
    const struct document *d = entity;
    return d->body && d->org == call->who->org && d->kind == kind_of(call);
}

static void write(struct call *call, struct json_writer *w, const void *entity)
{
    const struct document *d = entity;
    (void)call;
    put_text(w, "id", d->id);
    json_key(w, "version");
    json_put_uint(w, d->version);
    json_key(w, "created");
    json_put_time(w, d->created_us);
    json_key(w, "modified");
    json_put_time(w, d->modified_us);
    json_key(w, "document");
    jval_write(w, d->body);
}

static void documents_list(struct call *call)
{
    call_list(call, &(struct entity_list){.name = document_info(kind_of(call))->many,
                                          .of = &access_of(call)->kinds[RECORD_DOCUMENT],
                                          .has = is_listed,
                                          .write = write});
}

static void answer_document(struct call *call, const struct document *d, int status)
{
    char etag[64];
    struct buf b = {0};
    struct json_writer w;
    etag_of(etag, d->created_us, d->version);
    http_add_header(call->req, "ETag", etag);
    if (status == 200 && etag_listed(http_header(call->req, "if-none-match"), etag, true)) {
        http_respond(call->req, 304, NULL, slice_of("", 0));
        return;
    }
    json_writer_init(&w, &b, 0);
    jval_write(&w, d->body);
    call_json(call, status, &b);
}

static bool versions_of(struct call *call, struct versions_of *ret);

static void document_show(struct call *call)
{
    struct versions_of of;
    int64_t at_us;
    bool answered;
    if (call_asks_then(call, &at_us, &answered)) {
        if (!answered && versions_of(call, &of))
            then_answer(call, &of, at_us);
        return;
    }
    const struct document *d = find(call);
    if (d && (d->kind != DOCUMENT_TYPE || !type_show_resolved(call)))
        answer_document(call, d, 200);
}

/* ---- changes ---- */

static void answer_changed(struct call *call, struct ask *ask)
{
    enum document_kind kind = (enum document_kind)ask->kind;
    struct slice id = ask->made[0] ? slice_str(ask->made) : ask->id;
    const struct document *d = document_find(access_of(call), kind, call->who->org, id);
    if (!d) { /* deleted in the same moment */
        call_problem(call, ERR_NOT_FOUND, NULL);
        return;
    }
    bool made = d->version == 1 && ask->made[0];
    if (made)
        http_add_headerf(call->req, "Location", "/api/v1/%s/%s", document_info(kind)->many, d->id);
    answer_document(call, d, made ? 201 : 200);
}

/* If-Match and If-None-Match.  False: answered. */
static bool condition(struct call *call, const struct document *d, struct ask *ret)
{
    struct slice match = http_header(call->req, "if-match");
    struct slice none = http_header(call->req, "if-none-match");
    char etag[64] = "";
    if (d)
        etag_of(etag, d->created_us, d->version);
    ret->if_created_us = -1;
    if ((match.p && !etag_listed(match, etag, false)) ||
        (none.p && etag_listed(none, etag, true))) {
        call_problem(call, ERR_PRECONDITION,
                     d ? "It was changed since you read it. Read it again, then repeat the change."
                       : "There is nothing of that id.");
        return false;
    }
    if (match.p || none.p) {
        ret->if_created_us = d ? d->created_us : 0;
        ret->if_version = d ? d->version : 0;
    }
    return true;
}

static void change(struct call *call, int (*prepare)(struct change *ch),
                   void (*answer)(struct call *call, struct ask *ask), const struct jval *body)
{
    enum document_kind kind = kind_of(call);
    struct ask like = {.kind = (int)kind, .body = body};
    const struct document *d = document_find(access_of(call), kind, call->who->org, call->parts[0]);
    if (condition(call, d, &like))
        call_ask_as(call, prepare, answer, &like);
}

static void document_create(struct call *call)
{
    change(call, document_make, answer_changed, NULL);
}

static void document_replace(struct call *call)
{
    change(call, document_put, answer_changed, NULL);
}

static void document_merge(struct call *call)
{
    change(call, document_patch, answer_changed, NULL);
}

static void document_delete(struct call *call)
{
    change(call, document_remove, NULL, NULL);
}

/* ---- what it was ---- */

static void now(struct call *call, void (*fn)(struct call *call, struct jval *body))
{
    const struct document *d =
        document_find(access_of(call), kind_of(call), call->who->org, call->parts[0]);
    fn(call, d ? jval_copy(call->arena, d->body) : NULL);
}

static void put_back(struct call *call, struct jval *body)
{
    change(call, document_put, answer_changed, body);
}

/* Also of one that is gone, which can be restored. */
static bool versions_of(struct call *call, struct versions_of *ret)
{
    const char *id =
        arena_printf(call->arena, "%s/%s/%.*s", call->who->org ? org_slug(call->who->org) : "",
                     document_info(kind_of(call))->one, SLICE_ARG(call->parts[0]));
    if (!id)
        call_problem(call, ERR_NOMEM, NULL);
    *ret = (struct versions_of){.kind = VERSION_DOCUMENT,
                                .id = slice_str(id ? id : ""),
                                .missing = ERR_NOT_FOUND,
                                .now = now,
                                .restore = put_back};
    return id;
}

#define ANSWER(name, answer)                                                                       \
    static void name(struct call *call)                                                            \
    {                                                                                              \
        struct versions_of of;                                                                     \
        if (versions_of(call, &of))                                                                \
            answer(call, &of);                                                                     \
    }
ANSWER(document_versions, versions_answer)
ANSWER(document_version, version_answer)
ANSWER(document_diff, diff_answer)
ANSWER(document_restore, restore_answer)

/* ---- routes ---- */

#define TEXT "{\"type\":\"string\"}"
#define NUMBER "{\"type\":\"integer\",\"minimum\":1}"
static const struct route_param page_params[] = {
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000}", "at most so many"},
    {"cursor", TEXT, "what an earlier answer gave as next"},
    {0}};
static const struct route_param read_params[] = {
    {"at", "{\"type\":\"string\",\"format\":\"date-time\"}", "as it was at that time"}, {0}};
static const struct route_param diff_params[] = {
    {"from", NUMBER, "the number of a version"},
    {"to", NUMBER, "that of another (default: as it is now)"},
    {0}};
static const struct route_answer list_answers[] = {
    {200, "DocumentList", NULL}, {400, "Problem", NULL}, {0}};
static const struct route_answer read_answers[] = {
    {200, "Object", NULL}, {304, NULL, NULL}, {404, "Problem", NULL}, {0}};
static const struct route_answer change_answers[] = {{200, "Object", NULL},
                                                     {201, "Object", NULL},
                                                     {400, "Problem", NULL},
                                                     {403, "Refusal", NULL},
                                                     {404, "Problem", NULL},
                                                     {409, "Problem", NULL},
                                                     {412, "Problem", NULL},
                                                     {413, "Problem", NULL},
                                                     {415, "Problem", NULL},
                                                     {422, "Problem", NULL},
                                                     {0}};
static const struct route_answer gone_answers[] = {{204, NULL, NULL},      {403, "Refusal", NULL},
                                                   {404, "Problem", NULL}, {409, "Problem", NULL},
                                                   {412, "Problem", NULL}, {0}};
static const struct route_answer versions_answers[] = {
    {200, "VersionList", NULL}, {400, "Problem", NULL}, {404, "Problem", NULL}, {0}};
static const struct route_answer version_answers[] = {
    {200, "Version", NULL}, {404, "Problem", NULL}, {0}};
static const struct route_answer diff_answers[] = {
    {200, "Difference", NULL}, {400, "Problem", NULL}, {404, "Problem", NULL}, {0}};

/* clang-format off */
#define PATCH_TYPES "application/merge-patch+json application/json"
#define KIND(AT, READ, WRITE, One, Many, one, many) \
    {"GET", AT, READ, "list" Many, documents_list, "List " many ", in order of id", page_params, NULL, NULL, list_answers}, \
    {"POST", AT, WRITE, "create" One, document_create, "Make a " one, NULL, "Object", NULL, change_answers}, \
    {"GET", AT "/{id}", READ, "read" One, document_show, "One " one, read_params, NULL, NULL, read_answers}, \
    {"PUT", AT "/{id}", WRITE, "replace" One, document_replace, "Replace a " one ", or make it", NULL, "Object", NULL, change_answers}, \
    {"PATCH", AT "/{id}", WRITE, "patch" One, document_merge, "Change a " one " (JSON Merge Patch, RFC 7396)", NULL, "Object", PATCH_TYPES, change_answers}, \
    {"DELETE", AT "/{id}", WRITE, "delete" One, document_delete, "Delete a " one "; its versions stay", NULL, NULL, NULL, gone_answers}, \
    {"GET", AT "/{id}/versions", READ, "list" One "Versions", document_versions, "What a " one " was, newest first", page_params, NULL, NULL, versions_answers}, \
    {"GET", AT "/{id}/versions/{version}", READ, "read" One "Version", document_version, "A version of a " one, NULL, NULL, NULL, version_answers}, \
    {"GET", AT "/{id}/diff", READ, "compare" One, document_diff, "In what two versions of a " one " differ", diff_params, NULL, NULL, diff_answers}, \
    {"POST", AT "/{id}/restore", WRITE, "restore" One, document_restore, "A " one " as it was at a version, as a new one", NULL, "Restore", NULL, change_answers}

const struct route document_routes[] = {
    KIND("/api/v1/types", OP_RULES_READ, OP_TYPES_WRITE, "Type", "Types", "type of twins", "types of twins"),
    KIND("/api/v1/rules", OP_RULES_READ, OP_RULES_WRITE, "Rule", "Rules", "rule", "rules"),
    KIND("/api/v1/destinations", OP_DESTINATIONS_MANAGE, OP_DESTINATIONS_MANAGE, "Destination", "Destinations", "destination of alarms", "destinations of alarms"),
    KIND("/api/v1/queries", OP_RULES_READ, OP_RULES_WRITE, "Query", "Queries", "saved question", "saved questions"),
    {0},
};

#define VERSION "\"n\":{\"type\":\"integer\",\"minimum\":1},\"time\":{\"type\":\"string\",\"format\":\"date-time\"},\"by\":{\"type\":[\"object\",\"null\"],\"required\":[\"kind\",\"id\",\"name\"],\"properties\":{\"kind\":" TEXT ",\"id\":" TEXT ",\"name\":" TEXT "}},\"reason\":" TEXT ",\"gone\":{\"type\":\"boolean\"},\"current\":{\"type\":\"boolean\"}"
#define VERSION_REQUIRED "\"required\":[\"n\",\"time\",\"by\",\"reason\",\"gone\",\"current\""
const struct named_schema document_schemas[] = {
    {"DocumentList", "{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":2,\"properties\":{\"next\":" TEXT "},\"additionalProperties\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"id\",\"version\",\"created\",\"modified\",\"document\"],\"properties\":{\"id\":" TEXT ",\"version\":{\"type\":\"integer\"},\"created\":{\"type\":\"string\",\"format\":\"date-time\"},\"modified\":{\"type\":\"string\",\"format\":\"date-time\"},\"document\":{\"type\":\"object\"}}}}}"},
    {"VersionList", "{\"type\":\"object\",\"required\":[\"versions\",\"next\"],\"properties\":{\"versions\":{\"type\":\"array\",\"items\":{\"type\":\"object\"," VERSION_REQUIRED "],\"properties\":{" VERSION "}}},\"next\":{\"type\":[\"integer\",\"null\"]}}}"},
    {"Version", "{\"type\":\"object\"," VERSION_REQUIRED ",\"document\"],\"properties\":{" VERSION ",\"document\":{\"type\":[\"object\",\"null\"]}}}"},
    {"Difference", "{\"type\":\"object\",\"required\":[\"from\",\"to\",\"changes\"],\"properties\":{\"from\":" NUMBER ",\"to\":" NUMBER ",\"changes\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"pointer\"],\"properties\":{\"pointer\":" TEXT ",\"before\":{},\"after\":{}}}}}}"},
    {"Restore", "{\"type\":\"object\",\"required\":[\"version\"],\"properties\":{\"version\":" NUMBER ",\"reason\":" TEXT "}}"},
    {0},
};
/* clang-format on */
