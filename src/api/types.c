/* types.c - what types of twins have beside being documents: the whole of one, what would be wrong
 * with one, who is of it, and a twin made from it. */
#include "access/documents.h"
#include "api/graph.h"
#include "base/err.h"
#include "core/types_keep.h"

static const struct twin_type *find(struct call *call)
{
    const struct type_set *set = core_types(call->core, call->who->org);
    const struct twin_type *t = type_set_get(set, call->parts[0]);
    if (!t)
        call_problemf(call, ERR_NOT_FOUND, "There is no type \"%.*s\".",
                      call->parts[0].n > 128 ? 128 : (int)call->parts[0].n, call->parts[0].p);
    return t;
}

bool type_show_resolved(struct call *call)
{
    bool resolved = false;
    const struct twin_type *t;
    struct buf b = {0};
    struct json_writer w;
    if (!call_bool(call, "resolved", &resolved))
        return true;
    if (!resolved)
        return false;
    if (!(t = find(call)))
        return true;
    if (!t->resolved) {
        call_problem(call, ERR_CONFLICT, t->problem);
        return true;
    }
    json_writer_init(&w, &b, 0);
    jval_write(&w, t->resolved);
    call_json(call, 200, &b);
    return true;
}

/* ---- who is of it ---- */

static void type_use(struct call *call)
{
    const struct twin_type *t = find(call), *other;
    struct type_use use;
    struct buf b = {0};
    struct json_writer w;
    size_t at = 0;
    if (!t)
        return;
    const struct type_set *set = core_types(call->core, call->who->org);
    core_type_use(call->core, call->who->org, t->id, &use);
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "twins");
    json_put_uint(&w, use.twins);
    json_key(&w, "direct");
    json_put_uint(&w, use.direct);
    json_key(&w, "misfits");
    json_put_uint(&w, use.misfits);
    json_key(&w, "extends");
    json_open(&w, '[');
    for (size_t i = 0; t->above[i]; i++)
        json_put_string(&w, t->above[i]->id);
    json_close(&w, ']');
    json_key(&w, "extendedBy");
    json_open(&w, '[');
    while ((other = type_set_next(set, &at)))
        if (other != t && type_is(set, other->id, t->id))
            json_put_string(&w, other->id);
    json_close(&w, ']');
    put_text_or_null(&w, "problem", slice_str(t->problem));
    json_close(&w, '}');
    call_json(call, 200, &b);
}

/* ---- what would be wrong with one ---- */

static const struct finding *trial(struct call *call, const struct jval *body)
{
    const char *pointer = "", *why = NULL;
    if (!call->who->org)
        return NULL; /* of nobody's types is there anything to contradict */
    int err = types_try(call->core, call->who->org, body, call->arena, &pointer, &why);
    struct finding *f = err && why ? arena_zalloc(call->arena, sizeof *f) : NULL;
    if (f)
        *f = (struct finding){
            .rule = "type.extends", .severity = SEVERITY_ERROR, .pointer = pointer, .message = why};
    return f;
}

static void type_validate(struct call *call)
{
    struct slice text = http_body(call->req);
    struct json_error where = {.message = ""};
    struct findings f = {0};
    struct jval *root = NULL;
    struct finding broken = {.rule = "type", .severity = SEVERITY_ERROR, .pointer = ""};
    struct buf b = {0};
    struct json_writer w;
    if (!call_json_type(call))
        return;
    if (jdoc_parse(call->arena, text, &root, &where)) {
        broken.pointer = where.pointer;
        broken.line = where.line;
        broken.column = where.column;
        broken.message = arena_printf(call->arena, "This is not JSON: %s.", where.message);
        f = (struct findings){&broken, 1, 1, 1, 0};
    } else if (type_check(call->arena, root, text, &f)) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    } else if (!f.errors) {
        const struct finding *found = trial(call, root);
        if (found) {
            const struct jval *at = jval_pointer(root, found->pointer);
            broken = *found;
            if (at)
                json_position(text, at->offset, &broken.line, &broken.column);
            f = (struct findings){&broken, 1, 1, 1, 0};
        }
    }
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "complete");
    json_put_bool(&w, !f.errors);
    json_key(&w, "core");
    json_put_bool(&w, !f.errors);
    json_key(&w, "errors");
    json_put_uint(&w, f.errors);
    json_key(&w, "warnings");
    json_put_uint(&w, f.warnings);
    json_key(&w, "findings");
    findings_write(&w, &f);
    json_close(&w, '}');
    call_json(call, 200, &b);
}

/* ---- a twin of it ---- */

static void type_make_twin(struct call *call)
{
    const struct access_object o = {.org = call->who->org};
    const struct twin_type *t = call_may(call, OP_TWIN_CREATE, &o) ? find(call) : NULL;
    struct json_error where = {.message = ""};
    struct jval *more, *root;
    struct buf b = {0};
    struct json_writer w;
    if (!t || !call_json_type(call))
        return;
    if (!t->resolved) {
        call_problem(call, ERR_CONFLICT, t->problem);
        return;
    }
    if (jdoc_parse(call->arena, http_body(call->req), &more, &where)) {
        call_problemf(call, ERR_MALFORMED, "The body is not JSON: line %d, column %d: %s.",
                      where.line, where.column, where.message);
        return;
    }
    struct slice id = jval_string(jval_get(more, "id"));
    if (!slice_is_id(id)) {
        call_problem(call, ERR_INVALID,
                     "Say the id of the twin: {\"id\": \"pump-1\"}; other members of the body are "
                     "put into its profile.");
        return;
    }
    struct slice own = arena_dup(call->arena, id);
    jval_remove(more, SLICE_LIT("id"));
    root = own.p ? type_instance(call->arena, t, own, more) : NULL;
    json_writer_init(&w, &b, 0);
    if (root)
        jval_write(&w, root);
    if (!root || b.failed) {
        call_problem(call, ERR_NOMEM, NULL);
    } else {
        call_wait(call, NULL);
        const struct asker by = call_asker(call);
        core_twin_put(call->core, &by, TWIN_CREATE, slice_of("", 0), buf_slice(&b), 0, false,
                      call_twin_kept, call);
    }
    buf_release(&b);
}

/* ---- the tables ---- */

static const struct route_answer use_answers[] = {
    {200, "TypeUse", NULL}, {404, "Problem", NULL}, {0}};
static const struct route_answer validate_answers[] = {
    {200, "Findings", NULL}, {413, "Problem", NULL}, {415, "Problem", NULL}, {0}};
static const struct route_answer twin_answers[] = {
    {201, "TwinKept", NULL}, {400, "Problem", NULL},        {403, "Refusal", NULL},
    {404, "Problem", NULL},  {409, "Problem", NULL},        {413, "Problem", NULL},
    {415, "Problem", NULL},  {422, "ProfileProblem", NULL}, {0}};

/* clang-format off */
const struct route type_routes[] = {
    {"GET", "/api/v1/types/{id}/use", OP_RULES_READ, "readTypeUse", type_use, "How many twins are of a type, how many of them are not as it says, and which types extend it", NULL, NULL, NULL, use_answers},
    {"POST", "/api/v1/types/{id}/twins", OP_TWIN_CREATE, "createTwinOfType", type_make_twin, "Make a twin of a type, with what the type gives it", NULL, "NewTwinOfType", NULL, twin_answers},
    {"POST", "/api/v1/validate/type", OP_RULES_READ, "validateType", type_validate, "What would be wrong with a type", NULL, "Object", NULL, validate_answers},
    {0},
};

#define S "{\"type\":\"string\"}"
#define U "{\"type\":\"integer\",\"minimum\":0}"
#define LIST(item) "{\"type\":\"array\",\"items\":" item "}"
const struct named_schema type_schemas[] = {
    {"TypeUse", "{\"type\":\"object\",\"required\":[\"twins\",\"direct\",\"misfits\",\"extends\",\"extendedBy\",\"problem\"],\"properties\":{\"twins\":" U ",\"direct\":" U ",\"misfits\":" U ",\"extends\":" LIST(S) ",\"extendedBy\":" LIST(S) ",\"problem\":{\"type\":[\"string\",\"null\"]}}}"},
    {"NewTwinOfType", "{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":" S "}}"},
    {0},
};
/* clang-format on */
