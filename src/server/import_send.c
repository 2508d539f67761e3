#include "server/import_send.h"

#include "base/map.h"
#include "server/flight.h"
#include "server/term.h"

#include <stdlib.h>

enum {
    BATCH_BYTES = 1 << 20,
    OPEN_BYTES = 64 << 20, /* in all open batches: then the oldest goes */
    OPEN_ROWS = 200000,    /* a batch is open no longer, so that a restart repeats little */
    TURN_MS = 200,
    TOLD_MAX = 20,
    LINE_MAX = 1000,
};

struct batch {
    struct batch *next, **link; /* of all that are not settled, in order of their first row */
    struct target *to;
    struct buf body;
    struct json_writer w;
    uint64_t *lines; /* of each reading */
    size_t n, cap;
    uint64_t first_row, row;
    int64_t from_us, to_us; /* the times in it */
    bool under_way;
};

struct target {
    char *id, *path;
    struct batch *open;
    bool missing;
};

struct import_send {
    struct import_send_opts opts;
    struct flight *flight;
    struct map targets;
    struct batch *first, **last;
    size_t open_bytes;
    struct import_counts counts;
    int code; /* of the first answer that ends it all */
};

/* ---- errors ---- */

bool import_errors_full(const struct import_errors *e)
{
    return e->limit && e->n > e->limit;
}

void import_error(struct import_errors *e, uint64_t line, uint64_t count, const char *format, ...)
{
    struct buf b = {0}, clean = {0};
    va_list args;
    e->n += count;
    va_start(args, format);
    buf_vaddf(&b, format, args);
    va_end(args);
    term_clean(&clean, buf_slice(&b), LINE_MAX);
    if (e->report)
        fprintf(e->report, "%s:%llu: %.*s\n", e->file, (unsigned long long)line,
                SLICE_ARG(buf_slice(&clean)));
    if (!e->quiet && e->told < TOLD_MAX)
        term_problem("%s:%llu: %.*s", e->file, (unsigned long long)line,
                     SLICE_ARG(buf_slice(&clean)));
    if (!e->quiet && ++e->told == TOLD_MAX)
        term_problem(e->report ? "more of this is written into the report only"
                               : "more of this is only counted; --report FILE keeps it");
    buf_release(&b);
    buf_release(&clean);
}

/* ---- open and close ---- */

static void on_answer(void *arg, void *tag, const struct flight_answer *a);

static int no_memory(void)
{
    term_problem("out of memory");
    return CODE_FAILED;
}

int import_send_open(const struct import_send_opts *opts, struct import_send **ret)
{
    struct import_send *s = calloc(1, sizeof *s);
    if (!s)
        return no_memory();
    *s = (struct import_send){.opts = *opts, .last = &s->first};
    struct flight_opts flight = {opts->most, opts->patience_us, on_answer, s};
    int code = flight_new(opts->client, &flight, &s->flight);
    if (code != CODE_OK)
        free(s);
    else
        *ret = s;
    return code;
}

static void batch_free(struct import_send *s, struct batch *b)
{
    *b->link = b->next;
    if (b->next)
        b->next->link = b->link;
    else
        s->last = b->link;
    buf_release(&b->body);
    free(b->lines);
    free(b);
}

void import_send_close(struct import_send *s)
{
    struct target *t;
    size_t at = 0;
    if (!s)
        return;
    flight_free(s->flight);
    while (s->first)
        batch_free(s, s->first);
    while ((t = map_next(&s->targets, &at))) {
        free(t->id);
        free(t->path);
        free(t);
    }
    map_release(&s->targets);
    free(s);
}

void import_send_counts(const struct import_send *s, struct import_counts *ret)
{
    *ret = s->counts;
}

const char *import_send_trouble(const struct import_send *s)
{
    return flight_trouble(s->flight);
}

uint64_t import_send_settled(const struct import_send *s, uint64_t next)
{
    return s->first ? s->first->first_row : next;
}

/* ---- twins ---- */

static int make_twin(struct import_send *s, struct target *t, const char *path)
{
    struct buf profile = {0};
    struct answer a;
    s->opts.profile(s->opts.arg, slice_str(t->id), &profile);
    int code = profile.failed ? no_memory()
                              : client_call(s->opts.client, "PUT", path, "application/json",
                                            buf_slice(&profile), &a);
    if (code == CODE_OK && a.status != 200 && a.status != 201)
        code = client_problem(&a, "the twin cannot be made");
    s->counts.made += code == CODE_OK;
    buf_release(&profile);
    return code;
}

/* Is it there?  Made when it is missing and that was asked for. */
static int look_for(struct import_send *s, struct target *t)
{
    struct buf b = {0};
    struct answer a;
    buf_add_str(&b, "/api/v1/twins/");
    client_escape(&b, slice_str(t->id));
    char *path = buf_take(&b);
    int code =
        path ? client_call(s->opts.client, "GET", path, NULL, (struct slice){0}, &a) : no_memory();
    if (code == CODE_OK && a.status == 404 && s->opts.profile) {
        code = make_twin(s, t, path);
    } else if (code == CODE_OK && a.status == 404 && s->opts.must_exist) {
        term_problem("there is no twin %s; \"create\": true in the mapping makes it", t->id);
        code = CODE_MISSING;
    } else if (code == CODE_OK && a.status == 404) {
        t->missing = true;
    } else if (code == CODE_OK && a.status != 200) {
        code = client_problem(&a, NULL);
    }
    buf_addf(&b, "%s/readings", path ? path : "");
    t->path = buf_take(&b);
    free(path);
    return code == CODE_OK && !t->path ? no_memory() : code;
}

static int find_target(struct import_send *s, struct slice id, struct target **ret)
{
    struct target *t = map_get(&s->targets, id);
    if (t) {
        *ret = t;
        return CODE_OK;
    }
    if (!(t = calloc(1, sizeof *t)))
        return no_memory();
    t->id = strndup(id.p, id.n);
    int code = t->id ? look_for(s, t) : no_memory();
    if (code == CODE_OK && map_put(&s->targets, slice_str(t->id), t, NULL))
        code = no_memory();
    if (code != CODE_OK) {
        free(t->id);
        free(t->path);
        free(t);
        return code;
    }
    s->counts.twins++;
    *ret = t;
    return CODE_OK;
}

/* ---- answers ---- */

static void tell_refused(struct import_send *s, const struct batch *b, const struct jval *json,
                         uint64_t refused)
{
    struct import_errors *errors = s->opts.errors;
    const struct jval *rejected = jval_get(json, "rejected");
    uint64_t told = 0;
    for (const struct jval *r = rejected ? rejected->first : NULL; r; r = r->next, told++) {
        double index = member_number(r, "index", -1);
        uint64_t line = index >= 0 && index < (double)b->n ? b->lines[(size_t)index] : b->lines[0];
        import_error(errors, line, 1, "%s/%.*s: %.*s (%.*s)", b->to->id,
                     SLICE_ARG(member(r, "sensor")), SLICE_ARG(member(r, "detail")),
                     SLICE_ARG(member(r, "code")));
    }
    if (refused > told)
        import_error(errors, b->lines[0], refused - told,
                     "%s: %llu more readings up to line %llu are refused", b->to->id,
                     (unsigned long long)(refused - told), (unsigned long long)b->lines[b->n - 1]);
}

static void on_answer(void *arg, void *tag, const struct flight_answer *a)
{
    struct import_send *s = arg;
    struct batch *b = tag;
    uint64_t accepted = (uint64_t)member_number(a->json, "accepted", 0);
    uint64_t refused = (uint64_t)member_number(a->json, "refused", 0);
    if (a->status == 200 || (refused && a->status != 503 && a->status != 507)) {
        s->counts.accepted += accepted;
        s->counts.refused += refused;
        if (refused)
            tell_refused(s, b, a->json, refused);
        batch_free(s, b);
        return;
    }
    /* nothing more is sent, and its rows are not settled */
    b->under_way = false;
    if (s->code != CODE_OK)
        return;
    struct answer problem = {.status = a->status, .body = a->body, .json = a->json};
    if (a->status == 0)
        term_problem("%s", a->why);
    s->code = a->status == 0 ? CODE_REACH : client_problem(&problem, "the import cannot go on");
}

/* ---- batches ---- */

/* Is one under way that has times of this one? */
static bool must_wait(const struct import_send *s, const struct batch *b)
{
    for (const struct batch *o = s->first; o; o = o->next)
        if (o->under_way && o->to == b->to && o->from_us <= b->to_us && o->to_us >= b->from_us)
            return true;
    return !flight_has_room(s->flight);
}

static int post(struct import_send *s, struct batch *b)
{
    int code = CODE_OK;
    while (s->code == CODE_OK && must_wait(s, b)) {
        if ((code = flight_wait(s->flight, TURN_MS)) != CODE_OK)
            return code;
        if (!s->opts.turn(s->opts.arg))
            return CODE_OK; /* it stays open, and its rows are not settled */
    }
    if (s->code != CODE_OK)
        return s->code;
    json_close(&b->w, '}');
    json_close(&b->w, ']');
    if (b->body.failed)
        return no_memory();
    b->to->open = NULL;
    s->open_bytes -= b->body.n < s->open_bytes ? b->body.n : s->open_bytes;
    b->under_way = true;
    s->counts.sent += b->n;
    s->counts.batches++;
    return flight_post(s->flight, b->to->path, "application/json", &b->body, b);
}

static struct batch *open_batch(struct import_send *s, struct target *t,
                                const struct import_reading *r)
{
    struct batch *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    *b = (struct batch){.to = t,
                        .first_row = r->row,
                        .row = UINT64_MAX,
                        .from_us = r->t_us,
                        .to_us = r->t_us,
                        .link = s->last};
    *s->last = b;
    s->last = &b->next;
    json_writer_init(&b->w, &b->body, 0);
    json_open(&b->w, '[');
    t->open = b;
    return b;
}

static void write_reading(struct batch *b, const struct import_reading *r)
{
    if (b->row != r->row) {
        if (b->row != UINT64_MAX)
            json_close(&b->w, '}');
        b->row = r->row;
        json_open(&b->w, '{');
        json_key(&b->w, "timestamp");
        json_put_time_ms(&b->w, r->t_us);
    }
    json_key_slice(&b->w, r->sensor);
    /* a text called "sensor" beside a "value" would be another form of reading */
    bool whole = r->unit.p || slice_is(r->sensor, "sensor");
    if (whole) {
        json_open(&b->w, '{');
        json_key(&b->w, "value");
    }
    json_put_raw(&b->w, r->value);
    if (r->unit.p) {
        json_key(&b->w, "unit");
        json_put_string(&b->w, r->unit);
    }
    if (whole)
        json_close(&b->w, '}');
}

static int add(struct import_send *s, struct target *t, const struct import_reading *r)
{
    struct batch *b = t->open ? t->open : open_batch(s, t, r);
    if (!b)
        return no_memory();
    if (b->n == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 256;
        uint64_t *lines = realloc(b->lines, cap * sizeof *lines);
        if (!lines)
            return no_memory();
        b->lines = lines;
        b->cap = cap;
    }
    size_t before = b->body.n;
    write_reading(b, r);
    s->open_bytes += b->body.n - before;
    b->lines[b->n++] = r->line;
    if (r->t_us < b->from_us)
        b->from_us = r->t_us;
    if (r->t_us > b->to_us)
        b->to_us = r->t_us;
    return CODE_OK;
}

static struct batch *oldest_open(struct import_send *s)
{
    struct batch *b = s->first;
    while (b && b->to->open != b)
        b = b->next;
    return b;
}

/* A row goes whole into one batch of its twin: what is full is posted before the next row. */
int import_send_add(struct import_send *s, const struct import_reading *r)
{
    struct target *t;
    int code = s->code != CODE_OK ? s->code : find_target(s, r->twin, &t);
    if (code != CODE_OK)
        return code;
    if (t->missing) {
        import_error(s->opts.errors, r->line, 1, "there is no twin %s", t->id);
        s->counts.refused++;
        return CODE_OK;
    }
    if (t->open && t->open->row != r->row &&
        (t->open->n >= s->opts.readings || t->open->body.n >= BATCH_BYTES))
        code = post(s, t->open);
    bool old = s->first && r->row - s->first->first_row > OPEN_ROWS;
    struct batch *b = old || s->open_bytes > OPEN_BYTES ? oldest_open(s) : NULL;
    if (code == CODE_OK && b && b->row != r->row)
        code = post(s, b);
    return code == CODE_OK ? add(s, t, r) : code;
}

int import_send_turn(struct import_send *s)
{
    int code = flight_wait(s->flight, 0);
    return code == CODE_OK ? s->code : code;
}

int import_send_finish(struct import_send *s)
{
    struct batch *b;
    int code = s->code;
    bool go_on = true;
    while (code == CODE_OK && (go_on = s->opts.turn(s->opts.arg)) && (b = oldest_open(s)))
        code = post(s, b);
    /* whoever wants an end still waits for what is on its way, not for what is sent again */
    while (code == CODE_OK && flight_count(s->flight) && (go_on || !flight_trouble(s->flight))) {
        code = flight_wait(s->flight, TURN_MS);
        if (code == CODE_OK)
            code = s->code;
        go_on = s->opts.turn(s->opts.arg);
    }
    return code;
}
