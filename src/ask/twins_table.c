/* twins_table.c - twins as they stand, and what their profiles list beside sensors: assets. */
#include "ask/asof.h"
#include "ask/internal.h"
#include "ask/live.h"

#include "base/err.h"
#include "codec/json.h"
#include "twin/relations.h"

#include <stdlib.h>

static const char *const states[] = {"waiting", "live", "stale"};

double rows_of_twins(const struct core *core)
{
    return (double)core_twin_count(core);
}

/* ---- profiles, which are in the catalog ---- */

int profile_read_kept(struct question *q, const char *key, struct arena *a, struct jval **ret)
{
    struct catalog_twin row;
    int err = catalog_get(q->catalog, slice_str(key), a, &row);
    if (err == ERR_NOT_FOUND)
        return err;
    if (!err)
        err = jdoc_parse(a, row.profile, ret, NULL);
    if (err)
        return question_fail(q, err == ERR_MALFORMED ? ERR_CORRUPT : err, NULL);
    loop_enter(q->loop);
    const struct twin *t = core_twin(q->core, slice_str(key));
    bool sees = t && profile_seen(q, t->org, slice_str(key));
    if (sees)
        core_hide_sensors(q->core, q->who, t, *ret);
    loop_leave(q->loop);
    return sees ? 0 : ERR_NOT_FOUND;
}

/* ---- twins ---- */

enum {
    T_ID,
    T_NAME,
    T_DESCRIPTION,
    T_TYPE,
    T_TWIN_TYPE,
    T_TWIN_TYPES,
    T_STATE,
    T_VERSION,
    T_CREATED,
    T_MODIFIED,
    T_SYNCED,
    T_LATENCY,
    T_SIMULATED,
    T_PROFILE,
    T_AS_OF
};

/* clang-format off */
static const struct ask_column twin_columns[] = {
    COLUMN("id", "TEXT", "as you call it", .match = true, .rows = 1e-9),
    COLUMN("name", "TEXT", "from the profile"),
    COLUMN("description", "TEXT", "from the profile"),
    COLUMN("type", "TEXT", "what it mirrors: subjectOf.name", .match = true, .rows = 0.1),
    COLUMN("twin_type", "TEXT", "the first of doppel:twinType; NULL: it says none", .match = true, .rows = 0.1),
    COLUMN("twin_types", "json", "all of them"),
    COLUMN("state", "TEXT", "waiting, live or stale", .match = true, .rows = 0.4),
    COLUMN("version", "INTEGER", "of the profile"),
    COLUMN("created", "time", ""),
    COLUMN("modified", "time", "when the profile was changed last"),
    COLUMN("synced", "time", "of the newest reading"),
    COLUMN("latency", "REAL", "milliseconds from a reading's time to its arrival, smoothed"),
    COLUMN("simulated", "INTEGER", "1: the profile says that it is simulated"),
    COLUMN("profile", "json", "as it is kept"),
    COLUMN("as_of", "time", "AS OF this time", .hidden = true),
    {0}};
/* clang-format on */

enum { PROFILES_AT_ONCE = 16 };

struct twins {
    struct twins_of of;
    size_t first; /* rows whose profiles are missing begin here */
    const char *keys[ROWS_MAX];
};

static int open_twins(struct scan *s)
{
    struct twins *w = s->state;
    twins_of_begin(&w->of, s, T_ID);
    return 0;
}

static bool fits(const struct scan *s, int column, const char *text)
{
    return !scan_has(s, column) || slice_is(scan_eq(s, column), text);
}

static void put_types(struct scan *s, struct cell *row, const struct twin *t)
{
    struct buf b = {0};
    struct json_writer w;
    if (*t->twin_types)
        cell_text(s, row, T_TWIN_TYPE, slice_str(t->twin_types));
    if (!scan_wants(s, T_TWIN_TYPES))
        return;
    json_writer_init(&w, &b, 0);
    json_open(&w, '[');
    for (const char *at = t->twin_types; *at; at += strlen(at) + 1)
        json_put_cstr(&w, at);
    json_close(&w, ']');
    cell_text(s, row, T_TWIN_TYPES, buf_slice(&b));
    buf_release(&b);
}

static void put_twin(struct scan *s, const struct twin *t)
{
    struct buf name = {0};
    struct cell *row = scan_row(s);
    cell_text(s, row, T_ID, twin_name(s->q, t, &name));
    buf_release(&name);
    cell_text(s, row, T_NAME, slice_str(t->name));
    cell_text(s, row, T_DESCRIPTION, slice_str(t->description));
    cell_text(s, row, T_TYPE, slice_str(t->type));
    put_types(s, row, t);
    cell_text(s, row, T_STATE, slice_str(states[t->state]));
    cell_int(s, row, T_VERSION, (int64_t)t->version);
    cell_time(s, row, T_CREATED, t->created_us);
    cell_time(s, row, T_MODIFIED, t->modified_us);
    cell_time(s, row, T_SYNCED, t->synced_us);
    if (t->latency_us >= 0)
        cell_real(s, row, T_LATENCY, (double)t->latency_us / 1000);
    cell_int(s, row, T_SIMULATED, t->simulated);
}

static void put_profiles(struct scan *s, const struct twins *w)
{
    for (size_t i = 0; i < s->rows && !s->q->err; i++) {
        struct arena *a = arena_new();
        struct buf b = {0};
        struct json_writer json;
        struct jval *root;
        if (a && !profile_read_kept(s->q, w->keys[i], a, &root)) {
            json_writer_init(&json, &b, 0);
            jval_write(&json, root);
            cell_text(s, &s->cells[i * s->width], T_PROFILE, buf_slice(&b));
        }
        buf_release(&b);
        arena_free(a);
    }
}

static int fill_twins(struct scan *s)
{
    struct twins *w = s->state;
    struct question *q = s->q;
    bool profiles = scan_wants(s, T_PROFILE);
    struct twin *t = NULL, *last = NULL;
    if (profiles && s->room > PROFILES_AT_ONCE)
        s->room = PROFILES_AT_ONCE;
    gate_enter(s);
    struct twin_look look = twin_look(q);
    for (size_t n = 1; question_may_go_on(q) && !scan_full(s) && (n % 64 || !scan_late(s)); n++) {
        if (!(t = twins_of_next(&w->of, &look))) {
            s->done = true;
            break;
        }
        last = t;
        if (!fits(s, T_TYPE, t->type) || (scan_has(s, T_TWIN_TYPE) && !*t->twin_types) ||
            !fits(s, T_TWIN_TYPE, t->twin_types) || !fits(s, T_STATE, states[t->state]))
            continue;
        w->keys[s->rows] = profiles ? arena_strndup(s->arena, t->key, strlen(t->key)) : NULL;
        put_twin(s, t);
    }
    twins_of_leave(&w->of, last);
    loop_leave(q->loop);
    if (profiles)
        put_profiles(s, w);
    return q->err;
}

static size_t twin_then(struct scan *s, const struct asof_twin *t, size_t at)
{
    const struct profile_view *v = &t->view;
    struct slice types = v->types, first, rest = v->types;
    struct buf b = {0};
    struct json_writer w;
    (void)at;
    if (!twin_types_next(&rest, &first))
        first = (struct slice){0};
    if ((scan_has(s, T_TYPE) && !slice_eq(scan_eq(s, T_TYPE), v->type)) ||
        (scan_has(s, T_TWIN_TYPE) && !(first.n && slice_eq(scan_eq(s, T_TWIN_TYPE), first))) ||
        scan_has(s, T_STATE)) /* which is not known of then */
        return SIZE_MAX;
    struct cell *row = scan_row(s);
    cell_text(s, row, T_ID, t->id);
    cell_text(s, row, T_NAME, v->name);
    cell_text(s, row, T_DESCRIPTION, v->description);
    cell_text(s, row, T_TYPE, v->type);
    json_writer_init(&w, &b, 0);
    json_open(&w, '[');
    for (bool more = false; twin_types_next(&types, &first); more = true) {
        if (!more)
            cell_text(s, row, T_TWIN_TYPE, first);
        json_put_string(&w, first);
    }
    json_close(&w, ']');
    cell_text(s, row, T_TWIN_TYPES, buf_slice(&b));
    buf_release(&b);
    cell_int(s, row, T_VERSION, (int64_t)t->version.n);
    cell_time(s, row, T_MODIFIED, t->version.at_us);
    cell_int(s, row, T_SIMULATED, v->simulated);
    if (t->sees_profile)
        cell_text(s, row, T_PROFILE, t->profile);
    return SIZE_MAX;
}

const struct ask_table table_twins = {.name = "twins",
                                      .text = "twins that you may see, as they stand",
                                      .exact = true,
                                      .columns = twin_columns,
                                      .state = sizeof(struct twins),
                                      .rows = rows_of_twins,
                                      .open = open_twins,
                                      .fill = fill_twins,
                                      .then = twin_then};

/* ---- assets ---- */

enum { A_TWIN, A_KIND, A_NAME, A_URL, A_FORMAT, A_DOCUMENT };
/* clang-format off */
static const struct ask_column asset_columns[] = {
    COLUMN("twin", "TEXT", "the twin's id", .match = true, .rows = 1e-9),
    COLUMN("kind", "TEXT", "media, or model: a prediction model's name"),
    COLUMN("name", "TEXT", ""),
    COLUMN("url", "TEXT", "contentUrl"),
    COLUMN("format", "TEXT", "encodingFormat"),
    COLUMN("document", "json", "the whole entry of the profile"),
    COLUMN("as_of", "time", "AS OF this time", .hidden = true),
    {0}};
/* clang-format on */

struct assets {
    struct twins_of of;
};

static int open_assets(struct scan *s)
{
    struct assets *w = s->state;
    twins_of_begin(&w->of, s, A_TWIN);
    return 0;
}

static void put_asset(struct scan *s, struct slice twin, const char *kind, const struct jval *v)
{
    if (s->rows == ROWS_MAX)
        return;
    struct cell *row = scan_row(s);
    struct buf b = {0};
    struct json_writer w;
    struct slice url = jval_string(jval_get(v, "contentUrl"));
    cell_text(s, row, A_TWIN, twin);
    cell_text(s, row, A_KIND, slice_str(kind));
    cell_text(s, row, A_NAME, v->type == J_STRING ? v->text : jval_string(jval_get(v, "name")));
    cell_text(s, row, A_URL, url.p ? url : jval_string(jval_get(v, "url")));
    cell_text(s, row, A_FORMAT, jval_string(jval_get(v, "encodingFormat")));
    json_writer_init(&w, &b, 0);
    jval_write(&w, v);
    cell_text(s, row, A_DOCUMENT, buf_slice(&b));
    buf_release(&b);
}

static void put_assets(struct scan *s, struct slice twin, const struct jval *root)
{
    const struct jval *media = jval_get(root, "associatedMedia");
    const struct jval *models = jval_get(jval_get(root, "analytics"), "predictionModels");
    if (media && media->type == J_OBJECT)
        put_asset(s, twin, "media", media);
    for (const struct jval *v = media && media->type == J_ARRAY ? media->first : NULL; v;
         v = v->next)
        put_asset(s, twin, "media", v);
    for (const struct jval *v = models ? models->first : NULL; v; v = v->next)
        put_asset(s, twin, "model", v);
}

/* A profile at a time: the twin is found in the gate, its profile outside. */
static size_t assets_then(struct scan *s, const struct asof_twin *t, size_t at)
{
    if (!t->sees_profile)
        return SIZE_MAX;
    s->room = ROWS_MAX;
    if (make_room(s))
        put_assets(s, t->id, t->root);
    else
        question_fail(s->q, ERR_NOMEM, NULL);
    if (s->rows) /* a batch of its own */
        s->room = s->rows;
    (void)at;
    return SIZE_MAX;
}

static int fill_assets(struct scan *s)
{
    struct assets *w = s->state;
    struct question *q = s->q;
    struct arena *a = arena_new();
    struct buf name = {0};
    struct jval *root;
    const char *key = NULL;
    if (!a)
        return question_fail(q, ERR_NOMEM, NULL);
    if (ROWS_MAX > s->room)
        s->room = ROWS_MAX; /* a profile has more or less */
    if (!make_room(s)) {
        arena_free(a);
        return question_fail(q, ERR_NOMEM, NULL);
    }
    gate_enter(s);
    struct twin_look look = twin_look(q);
    struct twin *t = question_may_go_on(q) ? twins_of_next(&w->of, &look) : NULL;
    s->done = !t;
    if (t) {
        struct slice called = twin_name(q, t, &name);
        if (called.p != name.p)
            buf_add_slice(&name, called);
        key = arena_strndup(a, t->key, strlen(t->key));
    }
    twins_of_leave(&w->of, t);
    loop_leave(q->loop);
    if (key && !profile_read_kept(q, key, a, &root))
        put_assets(s, buf_slice(&name), root);
    buf_release(&name);
    arena_free(a);
    return q->err;
}

const struct ask_table table_assets = {.name = "assets",
                                       .text = "media and prediction models that profiles list",
                                       .columns = asset_columns,
                                       .state = sizeof(struct assets),
                                       .rows = rows_of_twins,
                                       .open = open_assets,
                                       .fill = fill_assets,
                                       .then = assets_then};
