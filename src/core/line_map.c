/* line_map.c - names by rules, and without. */
#include "core/line_map.h"
#include "base/err.h"
#include "codec/json.h"
#include "core/made_id.h"

#include <stdio.h>

enum { RULES_MAX = 1000, WORDS_MAX = 64 };

struct rule {
    struct slice database, measurement, field; /* patterns; p NULL: any */
    const struct line_tag *tags;               /* key, pattern */
    size_t tags_n;
    struct slice twin, sensor; /* templates; p NULL: as without a rule */
    struct slice type, unit, twin_type;
};

struct line_map {
    struct arena *arena; /* all of it */
    struct slice twin_tags[WORDS_MAX];
    size_t twin_tags_n;
    struct slice *databases;
    size_t databases_n;
    bool any_database, by_database;
    struct rule *rules;
    size_t rules_n;
};

/* ---- without a rule ---- */

static const struct line_tag *find_tag(const struct line_origin *o, struct slice key)
{
    for (size_t i = 0; i < o->tags_n; i++)
        if (slice_eq(o->tags[i].key, key))
            return &o->tags[i];
    return NULL;
}

/* The tag that names the twin; NULL: the measurement does. */
static const struct line_tag *twin_tag(const struct line_map *m, const struct line_origin *o)
{
    const struct line_tag *tag = NULL;
    for (size_t i = 0; i < m->twin_tags_n && !tag; i++)
        tag = find_tag(o, m->twin_tags[i]);
    return tag;
}

/* How a point without a rule of its own for this is named. */
struct naming {
    const struct line_tag *tag; /* it names the twin */
    struct slice twin;          /* or this template does */
    bool measurement;           /* the sensor's name needs it: the twin's is another */
};

/* Is the tag in the name of the twin already? */
static bool is_spent(const struct naming *how, const struct line_tag *tag)
{
    char word[256];
    if (!how->twin.p)
        return tag == how->tag;
    int n = snprintf(word, sizeof word, "{tag.%.*s}", SLICE_ARG(tag->key));
    return n > 0 && (size_t)n < sizeof word && memmem(how->twin.p, how->twin.n, word, (size_t)n);
}

static struct slice plain_sensor(struct arena *a, const struct line_origin *o,
                                 const struct naming *how)
{
    struct made_id id = {0};
    bool underscore = slice_find(o->measurement, '_') >= 0;
    bool value = how->measurement && !underscore && slice_is(o->field, "value");
    if (how->measurement)
        made_id_part(&id, o->measurement, MADE_ID_PART);
    if (how->measurement && !value)
        made_id_byte(&id, underscore ? ':' : '_');
    if (!value)
        made_id_part(&id, o->field, MADE_ID_PART);
    for (size_t i = 0; i < o->tags_n; i++) {
        if (is_spent(how, &o->tags[i]))
            continue;
        made_id_byte(&id, ':');
        made_id_part(&id, o->tags[i].key, MADE_ID_PART);
        made_id_byte(&id, ':');
        made_id_part(&id, o->tags[i].value, MADE_ID_PART);
    }
    return made_id_end(&id, a);
}

/* For people: "cpu usage_idle, cpu=cpu0". */
static struct slice sensor_name(struct arena *a, const struct line_origin *o,
                                const struct naming *how)
{
    struct buf b = {0};
    buf_add_slice(&b, o->measurement);
    if (!slice_is(o->field, "value")) {
        buf_add_byte(&b, ' ');
        buf_add_slice(&b, o->field);
    }
    for (size_t i = 0; i < o->tags_n; i++) {
        if (is_spent(how, &o->tags[i]))
            continue;
        buf_add_str(&b, ", ");
        buf_add_slice(&b, o->tags[i].key);
        buf_add_byte(&b, '=');
        buf_add_slice(&b, o->tags[i].value);
    }
    struct slice name = b.failed ? (struct slice){0} : arena_dup(a, buf_slice(&b));
    buf_release(&b);
    return name;
}

/* ---- rules ---- */

/* The next piece of a template: literal, or what {..} stands for.  False: at its end, or (missing)
 * a tag is not there, or (bad) it is no template. */
static bool next_piece(struct slice *rest, const struct line_origin *o, struct slice *ret,
                       bool *missing, bool *bad)
{
    if (!rest->n)
        return false;
    ptrdiff_t open = slice_find(*rest, '{');
    if (open != 0) {
        size_t n = open < 0 ? rest->n : (size_t)open;
        *ret = slice_of(rest->p, n);
        *rest = slice_skip(*rest, n);
        return true;
    }
    ptrdiff_t close = slice_find(*rest, '}');
    struct slice name = slice_of(rest->p + 1, close < 1 ? 0 : (size_t)close - 1);
    if (slice_is(name, "measurement")) {
        *ret = o->measurement;
    } else if (slice_is(name, "field")) {
        *ret = o->field;
    } else if (slice_is(name, "db")) {
        *ret = o->database;
    } else if (slice_starts(name, "tag.") && name.n > 4) {
        const struct line_tag *tag = find_tag(o, slice_skip(name, 4));
        *ret = tag ? tag->value : slice_of("", 0);
        *missing |= !tag;
    } else {
        *bad = true;
        return false;
    }
    *rest = slice_skip(*rest, (size_t)close + 1);
    return true;
}

/* The id that a template makes; p NULL and *missing: the point lacks a tag of it. */
static struct slice fill(struct arena *a, struct slice template, const struct line_origin *o,
                         bool *missing)
{
    struct made_id id = {0};
    struct slice piece;
    bool bad = false;
    while (next_piece(&template, o, &piece, missing, &bad))
        made_id_part(&id, piece, MADE_ID_WHOLE);
    return *missing ? (struct slice){0} : made_id_end(&id, a);
}

static bool has_tags(const struct line_origin *o, struct slice template)
{
    struct slice piece;
    bool missing = false, bad = false;
    while (next_piece(&template, o, &piece, &missing, &bad))
        ;
    return !missing;
}

static bool fits_rule(const struct rule *r, const struct line_origin *o)
{
    if ((r->measurement.p && !slice_like(r->measurement, o->measurement)) ||
        (r->field.p && !slice_like(r->field, o->field)) ||
        (r->database.p && !slice_like(r->database, o->database)))
        return false;
    for (size_t i = 0; i < r->tags_n; i++) {
        const struct line_tag *tag = find_tag(o, r->tags[i].key);
        if (!tag || !slice_like(r->tags[i].value, tag->value))
            return false;
    }
    return has_tags(o, r->twin) && has_tags(o, r->sensor);
}

int line_map_names(const struct line_map *m, struct arena *a, const struct line_origin *o,
                   struct line_names *ret)
{
    static const struct rule none;
    const struct rule *r = &none;
    bool missing = false;
    for (size_t i = 0; i < m->rules_n && r == &none; i++)
        if (fits_rule(&m->rules[i], o))
            r = &m->rules[i];
    struct naming how = {.tag = twin_tag(m, o), .twin = r->twin};
    how.measurement = how.tag || how.twin.p;
    struct slice twin = how.tag ? how.tag->value : o->measurement;
    struct made_id id = {0};
    made_id_part(&id, twin, MADE_ID_WHOLE);
    struct line_names names = {.twin_name = r->twin.p ? slice_of(NULL, 0) : twin,
                               .sensor_name = sensor_name(a, o, &how),
                               .twin_type = r->twin_type,
                               .type = r->type,
                               .unit = r->unit};
    names.twin = r->twin.p ? fill(a, r->twin, o, &missing) : made_id_end(&id, a);
    names.sensor = r->sensor.p ? fill(a, r->sensor, o, &missing) : plain_sensor(a, o, &how);
    if (!names.twin.p || !names.sensor.p || !names.sensor_name.p)
        return ERR_NOMEM;
    *ret = names;
    return 0;
}

bool line_map_has_database(const struct line_map *m, struct slice database)
{
    for (size_t i = 0; i < m->databases_n; i++)
        if (slice_like(m->databases[i], database))
            return true;
    return m->any_database;
}

bool line_map_by_database(const struct line_map *m)
{
    return m->by_database;
}

/* ---- the rules' text ---- */

struct loading {
    struct line_map *map;
    struct buf *why;
    int err;
};

static void complain(struct loading *l, const struct jval *v, const char *wanted)
{
    if (l->err)
        return;
    l->err = ERR_INVALID;
    jval_path(l->why, v);
    buf_addf(l->why, "%s%s", l->why->n ? " " : "", wanted);
}

static struct slice text_of(struct loading *l, const struct jval *v)
{
    struct slice s = jval_string(v);
    if (!s.p || !s.n)
        complain(l, v, "is a text that is not empty");
    struct slice kept = arena_dup(l->map->arena, s);
    if (!kept.p && !l->err)
        l->err = ERR_NOMEM;
    return kept;
}

static struct slice template_of(struct loading *l, const struct jval *v)
{
    static const struct line_origin nothing;
    struct slice kept = text_of(l, v), rest = kept, piece;
    bool missing = false, bad = false;
    while (next_piece(&rest, &nothing, &piece, &missing, &bad))
        ;
    if (bad)
        complain(l, v, "is a text with {measurement}, {field}, {db} or {tag.NAME} in it");
    return kept;
}

static void read_tags(struct loading *l, const struct jval *v, struct rule *r)
{
    if (v->type != J_OBJECT) {
        complain(l, v, "is an object: a pattern for each tag");
        return;
    }
    struct line_tag *tags = arena_alloc(l->map->arena, (v->count + 1) * sizeof *tags);
    if (!tags) {
        l->err = ERR_NOMEM;
        return;
    }
    for (const struct jval *t = v->first; t && !l->err; t = t->next)
        tags[r->tags_n++] = (struct line_tag){arena_dup(l->map->arena, t->key), text_of(l, t)};
    r->tags = tags;
}

static void read_rule(struct loading *l, const struct jval *v, struct rule *r)
{
    const struct {
        const char *name;
        struct slice *to;
        bool template;
    } texts[] = {{"db", &r->database, false},  {"measurement", &r->measurement, false},
                 {"field", &r->field, false},  {"twin", &r->twin, true},
                 {"sensor", &r->sensor, true}, {"unit", &r->unit, false},
                 {"type", &r->type, false},    {"twinType", &r->twin_type, false}};
    enum { TEXTS = sizeof texts / sizeof texts[0] };
    if (v->type != J_OBJECT) {
        complain(l, v, "is an object");
        return;
    }
    for (const struct jval *m = v->first; m && !l->err; m = m->next) {
        size_t i = 0;
        while (i < TEXTS && !slice_is(m->key, texts[i].name))
            i++;
        if (i < TEXTS)
            *texts[i].to = texts[i].template ? template_of(l, m) : text_of(l, m);
        else if (slice_is(m->key, "tags"))
            read_tags(l, m, r);
        else
            complain(l, m,
                     "is not known; a rule has db, measurement, tags, field, twin, sensor, unit, "
                     "type, twinType");
    }
    const char *db = "{db}";
    l->map->by_database |= r->database.p || (r->twin.p && memmem(r->twin.p, r->twin.n, db, 4)) ||
                           (r->sensor.p && memmem(r->sensor.p, r->sensor.n, db, 4));
}

static void read_rules(struct loading *l, const struct jval *v)
{
    if (v->type != J_ARRAY || v->count > RULES_MAX) {
        complain(l, v, "is a list of at most 1000 rules");
        return;
    }
    l->map->rules = arena_zalloc(l->map->arena, (v->count + 1) * sizeof *l->map->rules);
    if (!l->map->rules) {
        l->err = ERR_NOMEM;
        return;
    }
    for (const struct jval *r = v->first; r && !l->err; r = r->next)
        read_rule(l, r, &l->map->rules[l->map->rules_n++]);
}

static void read_databases(struct loading *l, const struct jval *v)
{
    struct line_map *m = l->map;
    m->any_database = false;
    if (v->type != J_ARRAY)
        complain(l, v, "is a list of patterns");
    m->databases = arena_alloc(m->arena, (v->count + 1) * sizeof *m->databases);
    if (!m->databases)
        l->err = ERR_NOMEM;
    for (const struct jval *d = v->first; d && !l->err; d = d->next)
        m->databases[m->databases_n++] = text_of(l, d);
}

static void read_document(struct loading *l, struct slice text)
{
    struct jval *root;
    struct json_error at = {.message = ""};
    int err = jdoc_parse(l->map->arena, text, &root, &at);
    if (err) {
        l->err = err;
        buf_addf(l->why, "line %d, column %d: %s", at.line, at.column, at.message);
        return;
    }
    if (root->type != J_OBJECT)
        complain(l, root, "it is an object with rules and databases");
    for (const struct jval *m = root->first; m && !l->err; m = m->next) {
        if (slice_is(m->key, "rules"))
            read_rules(l, m);
        else if (slice_is(m->key, "databases"))
            read_databases(l, m);
        else
            complain(l, m, "is not known; there are rules and databases");
    }
}

static void read_words(struct loading *l, struct slice words)
{
    struct line_map *m = l->map;
    struct slice word;
    while (slice_cut(&words, ',', &word)) {
        word = slice_trim(word);
        if (!word.n)
            continue;
        if (m->twin_tags_n == WORDS_MAX) {
            l->err = ERR_INVALID;
            buf_addf(l->why, "at most %d tags can name a twin", WORDS_MAX);
            return;
        }
        m->twin_tags[m->twin_tags_n++] = arena_dup(m->arena, word);
    }
}

int line_map_new(struct slice rules, struct slice twin_tags, struct line_map **ret, struct buf *why)
{
    struct arena *a = arena_new();
    struct line_map *m = a ? arena_zalloc(a, sizeof *m) : NULL;
    struct loading l = {.map = m, .why = why, .err = m ? 0 : ERR_NOMEM};
    if (m) {
        m->arena = a;
        m->any_database = true;
        read_words(&l, twin_tags);
    }
    rules = slice_trim(rules);
    if (!l.err && rules.n)
        read_document(&l, rules);
    if (l.err) {
        arena_free(a);
        return l.err;
    }
    *ret = m;
    return 0;
}

void line_map_free(struct line_map *m)
{
    if (m)
        arena_free(m->arena);
}
