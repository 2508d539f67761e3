/* line_in.c - see line_in.h. */
#include "core/line_in.h"
#include "base/err.h"
#include "base/utf8.h"
#include "core/ingest.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CACHE_BYTES = 256 << 20, /* then it starts anew */
    CACHED_KEY = 2048,
    CACHED_FIELDS = 1024, /* of a key; what is behind is looked up each time */
    WANTS_MAX = 100000,   /* of one body */
    TOLD_MAX = 10,        /* refusals whose words go back */
    RAW_SHOWN = 256,
};

/* ---- what is known of a key ---- */

struct known_field {
    struct slice name; /* as written */
    uint32_t series;
};

struct known {
    struct slice key;
    struct known *next; /* the key that came after it the last time */
    struct known_field *fields;
    size_t n, cap;
};

struct line_in {
    struct core *core;
    struct line_map *map;
    struct arena *arena; /* of the cache: all of it dies at once */
    struct map known;
    struct known *last;        /* the key that came last */
    struct buf cache_key;      /* database and key, where names depend on both */
    struct line_field *fields; /* lent to the reader of the body that is being read */
    size_t fields_cap;
    struct line_key names; /* of the key that was taken apart last */
    struct arena *scratch; /* of one point */
    size_t jobs;
};

int line_in_new(struct core *c, struct line_map *take_map, struct line_in **ret)
{
    struct line_in *l = calloc(1, sizeof *l);
    if (l) {
        l->core = c;
        l->arena = arena_new();
        l->scratch = arena_new();
    }
    if (!l || !l->arena || !l->scratch) {
        line_in_free(l);
        return ERR_NOMEM;
    }
    l->map = take_map;
    *ret = l;
    return 0;
}

void line_in_free(struct line_in *l)
{
    if (!l)
        return;
    assert(!l->jobs);
    map_release(&l->known);
    buf_release(&l->cache_key);
    arena_free(l->arena);
    arena_free(l->scratch);
    line_map_free(l->map);
    free(l->fields);
    free(l);
}

const struct line_map *line_in_map(const struct line_in *l)
{
    return l->map;
}

/* What is known of a key.  Points come in the same order again and again: look behind the last one
 * before hashing. */
static struct known *look_up(struct line_in *l, struct slice key)
{
    struct known *last = l->last, *k = last ? last->next : NULL;
    if (k && slice_eq(k->key, key)) {
        l->last = k;
        return k;
    }
    k = map_get(&l->known, key);
    if (k && last)
        last->next = k;
    if (k)
        l->last = k;
    return k;
}

/* Remember a key; NULL is no failure. */
static struct known *know(struct line_in *l, struct slice key)
{
    if (key.n > CACHED_KEY)
        return NULL;
    if (arena_used(l->arena) > CACHE_BYTES) {
        map_release(&l->known);
        arena_reset(l->arena);
        l->last = NULL;
    }
    struct known *k = arena_zalloc(l->arena, sizeof *k);
    struct slice kept = arena_dup(l->arena, key);
    if (!k || !kept.p)
        return NULL;
    k->key = kept;
    return map_put(&l->known, kept, k, NULL) ? NULL : k;
}

static void know_field(struct line_in *l, struct known *k, size_t at, struct slice name,
                       uint32_t series)
{
    if (at < k->n) { /* its sensor was another one */
        k->fields[at].series = series;
        return;
    }
    if (k->n == k->cap) {
        size_t cap = k->cap ? k->cap * 2 : 4;
        struct known_field *fields =
            cap <= CACHED_FIELDS ? arena_alloc(l->arena, cap * sizeof *fields) : NULL;
        if (!fields)
            return;
        if (k->n)
            memcpy(fields, k->fields, k->n * sizeof *fields);
        k->fields = fields;
        k->cap = cap;
    }
    struct slice kept = arena_dup(l->arena, name);
    if (kept.p)
        k->fields[k->n++] = (struct known_field){kept, series};
}

/* Fields come in the same order again and again: look behind the last one first. */
static size_t find_field(const struct known *k, struct slice name, size_t hint)
{
    if (hint < k->n && slice_eq(k->fields[hint].name, name))
        return hint;
    size_t i = 0;
    while (i < k->n && !slice_eq(k->fields[i].name, name))
        i++;
    return i;
}

/* ---- a body under way ---- */

struct line_job {
    struct line_in *owner;
    struct line_body body;
    struct ingest *in;
    struct line_reader reader, here; /* here: where it stood before it was looked through */
    struct ingest_turn turn;
    size_t from;           /* field of the next line: those before are in already */
    size_t refused_before; /* when that line began */
    struct provision *asking;
    bool made; /* what was asked for is there, or will not be */
    struct line_result result;
    struct buf told;
    size_t told_n, kept;
    line_done_fn *done;
    void *arg;
};

/* A point on its way: its names are found when they are needed. */
struct opened {
    const struct line *line;
    struct known *known;
    struct slice cache_key;
    bool open; /* origin stands */
    struct line_origin origin;
};

static bool worth_again(int err)
{
    return err == ERR_OVERLOAD || err == ERR_STORAGE || err == ERR_NOMEM || err == ERR_CANCELLED;
}

/* The words of the first refusals go back to the sender. */
static void tell(struct line_job *job, const struct line *line, int err, const char *detail)
{
    struct line_result *r = &job->result;
    if (!r->err)
        r->line = line->number;
    r->unreadable = err == ERR_MALFORMED && (!r->err || r->unreadable);
    if (!r->err || (worth_again(err) && !worth_again(r->err)))
        r->err = err;
    if (job->told_n++ >= TOLD_MAX)
        return;
    if (job->told.n)
        buf_add_byte(&job->told, '\n');
    size_t n = line->raw.n > RAW_SHOWN ? RAW_SHOWN : line->raw.n;
    if (line->error || err == ERR_MALFORMED)
        buf_addf(&job->told, "unable to parse '%.*s': %s", (int)n, line->raw.p, detail);
    else
        buf_addf(&job->told, "%sline %zu: %s", err == ERR_WRONG_TYPE ? "field type conflict: " : "",
                 line->number, detail);
}

static void refuse_line(struct line_job *job, const struct line *line, const char *error)
{
    static const struct slice none;
    ingest_refusef(job->in, none, none, ERR_MALFORMED, line->raw, "line %zu: %s", line->number,
                   error);
    job->in->index++;
    tell(job, line, ERR_MALFORMED, error);
}

/* ---- names ---- */

/* Take the key apart, names meant.  NULL, or what is wrong. */
static const char *open_point(struct line_job *job, struct opened *p)
{
    struct line_in *l = job->owner;
    if (p->open)
        return NULL;
    const char *error = line_key_read(p->line->key, &l->names);
    if (error)
        return error;
    arena_reset(l->scratch);
    for (size_t i = 0; i < l->names.n; i++) {
        struct line_tag *tag = &l->names.tags[i];
        *tag =
            (struct line_tag){line_name(l->scratch, tag->key), line_name(l->scratch, tag->value)};
        if (!tag->key.p || !tag->value.p)
            return "out of memory";
    }
    p->origin = (struct line_origin){.database = job->body.database,
                                     .measurement = line_name(l->scratch, l->names.measurement),
                                     .tags = l->names.tags,
                                     .tags_n = l->names.n};
    p->open = p->origin.measurement.p;
    return p->open ? NULL : "out of memory";
}

static int name_field(struct line_job *job, struct opened *p, const struct line_field *f,
                      struct line_names *ret)
{
    struct line_in *l = job->owner;
    *ret = (struct line_names){0};
    if (open_point(job, p))
        return ERR_NOMEM; /* that it can be read was seen before */
    p->origin.field = line_name(l->scratch, f->key);
    return p->origin.field.p ? line_map_names(l->map, l->scratch, &p->origin, ret) : ERR_NOMEM;
}

/* The sensor of a field, from the cache or by its names, which stand in *ret_names when there is
 * none.  hint: the place of the field in the cache, most likely. */
static struct sensor *find(struct line_job *job, struct opened *p, const struct line_field *f,
                           size_t *hint, struct line_names *ret_names, int *ret_err)
{
    struct line_in *l = job->owner;
    size_t at = p->known ? find_field(p->known, f->key, *hint) : 0;
    *hint = at + 1;
    if (p->known && at < p->known->n) {
        struct sensor *s = core_series(l->core, p->known->fields[at].series);
        if (s && !s->retired && ingest_enter(job->in, s->twin) == 0)
            return s;
    }
    if ((*ret_err = name_field(job, p, f, ret_names)))
        return NULL;
    struct twin *t = NULL;
    int err = ingest_find(job->in, ret_names->twin, &t);
    struct sensor *s = t ? core_sensor(t, ret_names->sensor) : NULL;
    if (s && !p->known)
        p->known = know(l, p->cache_key);
    if (s && p->known)
        know_field(l, p->known, at, f->key, s->series);
    if (!s)
        *ret_err = err ? err : ERR_UNKNOWN_SENSOR;
    return s;
}

/* ---- one point ---- */

static void refuse_unknown(struct line_job *job, const struct line *line,
                           const struct line_field *f, const struct line_names *n, int err)
{
    char detail[640];
    const char *why = NULL;
    int reason =
        job->asking && err != ERR_NOMEM ? provision_why(job->asking, n->twin, n->sensor, &why) : 0;
    if (job->asking && job->made && !reason && err != ERR_NOMEM) {
        reason = ERR_OVERLOAD;
        why = "too many new ones in one request: send it again";
    }
    if (reason)
        snprintf(detail, sizeof detail, "%.*s of %.*s: %s", SLICE_ARG(n->sensor),
                 SLICE_ARG(n->twin), why);
    else if (err == ERR_UNKNOWN_TWIN)
        snprintf(detail, sizeof detail,
                 "there is no twin \"%.*s\" (for its sensor \"%.*s\"), " PROVISION_NONE,
                 SLICE_ARG(n->twin), SLICE_ARG(n->sensor));
    else if (err == ERR_UNKNOWN_SENSOR)
        snprintf(detail, sizeof detail, "%.*s has no sensor \"%.*s\", " PROVISION_NONE,
                 SLICE_ARG(n->twin), SLICE_ARG(n->sensor));
    else if (err == ERR_FORBIDDEN)
        snprintf(detail, sizeof detail, "you may not send readings to \"%.*s\"",
                 SLICE_ARG(n->twin));
    else
        snprintf(detail, sizeof detail, "%s", err_info(err)->text);
    err = reason ? reason : err;
    ingest_refuse(job->in, n->twin, n->sensor, err, detail, f->raw);
    job->in->index++;
    tell(job, line, err, detail);
}

static void take_value(struct line_job *job, const struct line *line, const struct line_field *f,
                       struct sensor *s)
{
    struct ingest *in = job->in;
    struct said said = {
        .value = f->value, .has_time = line->has_time, .t_us = line->t_us, .raw = f->raw};
    if (f->value.type == VALUE_TEXT) {
        struct slice text = f->value.as.text;
        if (f->escaped)
            text = ingest_arena(in) ? line_text(in->arena, text) : (struct slice){0};
        in->failed |= !text.p;
        said.value.as.text = text;
        if (text.p && (!utf8_valid(text) || memchr(text.p, 0, text.n))) {
            said.err = ERR_MALFORMED;
            said.detail = "the text is not UTF-8";
        }
    }
    size_t before = in->rejected;
    ingest_take(in, s, &said);
    if (in->rejected == before)
        return;
    const struct ingest_reject *last = in->rejects_n ? &in->rejects[in->rejects_n - 1] : NULL;
    bool told = last && last->index == in->index - 1;
    tell(job, line, told ? last->err : ERR_INVALID, told ? last->detail : "it was refused");
}

static void want(struct line_job *job, const struct line_field *f, const struct line_names *n)
{
    struct provision_twin twin = {.id = n->twin, .name = n->twin_name, .type = n->twin_type};
    struct provision_sensor sensor = {
        .id = n->sensor,
        .name = n->sensor_name,
        .type = n->type,
        .unit = n->unit,
        .kind = f->value.type == VALUE_INT ? VALUE_DOUBLE : f->value.type,
    };
    if (provision_wants(job->asking) < WANTS_MAX)
        provision_want(job->asking, &twin, &sensor);
}

static struct opened open_line(struct line_job *job, const struct line *line)
{
    struct line_in *l = job->owner;
    struct opened p = {.line = line, .cache_key = line->key};
    const struct org *org = job->body.source.who->org;
    bool others = org && !org->first; /* their twins have other keys */
    if (others || line_map_by_database(l->map)) {
        buf_clear(&l->cache_key);
        buf_add_byte(&l->cache_key, '\n'); /* no key of a line begins so */
        if (others)
            buf_add_str(&l->cache_key, org->prefix);
        buf_add_byte(&l->cache_key, '\n'); /* nor is it in a slug: no database looks like one */
        buf_add_slice(&l->cache_key, job->body.database);
        buf_add_byte(&l->cache_key, 0);
        buf_add_slice(&l->cache_key, line->key);
        p.cache_key = buf_slice(&l->cache_key);
    }
    p.known = look_up(l, p.cache_key);
    return p;
}

/* False: something of it must be made first; job->from says how far it came. */
static bool take_line(struct line_job *job, const struct line *line)
{
    struct opened p = {0};
    struct line_names names = {0};
    size_t hint = job->from;
    const char *error = line->error;
    int err = 0;
    if (!error) {
        p = open_line(job, line);
        error = p.known ? NULL : open_point(job, &p);
    }
    if (error) {
        refuse_line(job, line, error);
        return true;
    }
    for (size_t i = job->from; i < line->fields_n; i++) {
        const struct line_field *f = &line->fields[i];
        struct sensor *s = find(job, &p, f, &hint, &names, &err);
        if (!s && err != ERR_NOMEM && job->body.grant && !job->made) {
            job->from = i;
            return false;
        }
        if (s)
            take_value(job, line, f, s);
        else
            refuse_unknown(job, line, f, &names, err);
    }
    job->from = 0;
    return true;
}

/* ---- a body ---- */

static void lend(struct line_job *job)
{
    job->reader.fields = job->owner->fields;
    job->reader.cap = job->owner->fields_cap;
}

static void take_back(struct line_job *job)
{
    job->owner->fields = job->reader.fields;
    job->owner->fields_cap = job->reader.cap;
}

/* What the next of the body wants made; true: it is at its end. */
static bool look_through(struct line_job *job)
{
    struct line line;
    struct line_names names;
    const char *began = job->reader.at;
    while (job->reader.at - began < TURN_BYTES) {
        if (!line_next(&job->reader, &line))
            return true;
        if (line.error)
            continue;
        struct opened p = open_line(job, &line);
        size_t hint = 0;
        int err = 0;
        if (!p.known && open_point(job, &p))
            continue;
        for (size_t i = 0; i < line.fields_n; i++) {
            const struct line_field *f = &line.fields[i];
            if (!find(job, &p, f, &hint, &names, &err) && err != ERR_NOMEM)
                want(job, f, &names);
        }
    }
    return false;
}

enum how_far { AT_END, AT_MISSING, AT_TURN };

/* Read on from where the reader stands; AT_MISSING: it stands at a line of which something must be
 * made. */
static enum how_far take_lines(struct line_job *job)
{
    struct line line;
    const char *began = job->reader.at;
    while (job->reader.at - began < TURN_BYTES) {
        struct line_reader before = job->reader;
        if (!line_next(&job->reader, &line))
            return AT_END;
        if (!job->from)
            job->refused_before = job->in->rejected;
        if (!take_line(job, &line)) {
            job->reader.at = before.at;
            job->reader.number = before.number;
            return AT_MISSING;
        }
        job->result.points++;
        job->result.dropped += job->in->rejected > job->refused_before;
    }
    return AT_TURN;
}

static void on_committed(void *arg, const struct ingest_result *r);
static void look_turn(void *arg);

static void finish(struct line_job *job)
{
    /* that should be kept; at the end of everything there may be more than was read */
    job->kept = job->in->n + (job->in->failed || ingest_is_over(job->owner->core));
    ingest_commit(job->in, on_committed, job);
}

static void take_turn(void *arg)
{
    struct line_job *job = arg;
    enum how_far far = AT_END;
    struct asker by = ingest_asker(&job->body.source);
    job->in->entered = NULL; /* it may have gone since the last turn */
    if (!ingest_is_over(job->owner->core)) {
        lend(job);
        far = take_lines(job);
        take_back(job);
    }
    if (far == AT_END) {
        finish(job);
    } else if (far == AT_TURN) {
        ingest_later(job->owner->core, &job->turn, take_turn, job);
    } else if (!(job->asking = provision_begin(job->owner->core, &by, job->body.grant))) {
        job->in->failed = true; /* what is not there is refused */
        finish(job);
    } else {
        job->here = job->reader;
        look_turn(job);
    }
}

static void on_made(void *arg, struct provision *p)
{
    struct line_job *job = arg;
    (void)p;
    job->made = true;
    take_turn(job);
}

static void look_turn(void *arg)
{
    struct line_job *job = arg;
    if (ingest_is_over(job->owner->core)) {
        finish(job);
        return;
    }
    lend(job);
    bool whole = look_through(job);
    take_back(job);
    if (!whole) {
        ingest_later(job->owner->core, &job->turn, look_turn, job);
        return;
    }
    job->reader.at = job->here.at;
    job->reader.number = job->here.number;
    provision_commit(job->asking, on_made, job);
}

static void on_committed(void *arg, const struct ingest_result *r)
{
    struct line_job *job = arg;
    struct line_result *result = &job->result;
    buf_add_byte(&job->told, 0);
    result->accepted = r->accepted;
    result->detail = job->told.failed ? err_info(result->err)->text : job->told.p;
    if (r->accepted < job->kept) { /* none of it was kept, whatever else was wrong */
        *result = (struct line_result){.points = result->points,
                                       .dropped = result->points,
                                       .err = r->err,
                                       .detail = r->detail};
    }
    job->owner->jobs--;
    job->done(job->arg, result);
    provision_free(job->asking);
    buf_release(&job->told);
    free(job);
}

bool line_in_take(struct line_in *l, const struct line_body *body, line_done_fn *done, void *arg)
{
    struct line_job *job = calloc(1, sizeof *job);
    struct ingest *in = job ? ingest_begin(l->core, &body->source) : NULL;
    if (!in) {
        free(job);
        return false;
    }
    *job = (struct line_job){.owner = l, .body = *body, .in = in, .done = done, .arg = arg};
    line_reader_init(&job->reader, body->text, body->unit);
    l->jobs++;
    take_turn(job);
    return true;
}
