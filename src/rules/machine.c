/* machine.c - programs, and machines at work.
 *
 * Every call that is more than a function of values is a node of the program; the tree's slot is
 * the number of the node, or of the input.  Nodes are numbered from the inside out, so that one
 * pass over them in their order steps inner ones first. */
#include "rules/machine.h"
#include "base/clock.h"
#include "base/err.h"
#include "rules/memory.h"

#include <stdio.h>
#include <stdlib.h>

enum node_kind {
    NODE_MEMORY, /* of numbers */
    NODE_FOR,
    NODE_SINCE,
    NODE_STALE,
    NODE_ABSENT,
    NODE_QUALITY,
    NODE_CLOCK, /* now, hour, minute, weekday */
    NODE_EACH,  /* avg, sum, count, any, all, min, max over neighbours */
};
enum each { EACH_AVG, EACH_SUM, EACH_COUNT, EACH_ANY, EACH_ALL, EACH_MIN, EACH_MAX };
enum clock_part { CLOCK_NOW, CLOCK_HOUR, CLOCK_MINUTE, CLOCK_WEEKDAY };
/* How the arguments behind the first are read. */
enum rest {
    REST_NONE,
    REST_SPAN,
    REST_SPAN_MAYBE,
    REST_COUNT,
    REST_COUNT_MAYBE,
    REST_CHART,
    REST_MORE
};

struct fn {
    struct machine_fn_info info;
    uint8_t kind, which, rest;
    uint8_t args; /* before the rest */
};
static const struct fn functions[] = {
    {{"avg_over", "x, 'span'", "Mean of the readings in the span"},
     NODE_MEMORY,
     MEMORY_AVG,
     REST_SPAN,
     1},
    {{"min_over", "x, 'span'", "Least of the readings in the span"},
     NODE_MEMORY,
     MEMORY_MIN,
     REST_SPAN,
     1},
    {{"max_over", "x, 'span'", "Greatest of the readings in the span"},
     NODE_MEMORY,
     MEMORY_MAX,
     REST_SPAN,
     1},
    {{"sum_over", "x, 'span'", "Sum of the readings in the span"},
     NODE_MEMORY,
     MEMORY_SUM,
     REST_SPAN,
     1},
    {{"count_over", "x, 'span'", "How many readings are in the span"},
     NODE_MEMORY,
     MEMORY_COUNT,
     REST_SPAN,
     1},
    {{"stddev_over", "x, 'span'", "Deviation of the readings in the span, of a sample"},
     NODE_MEMORY,
     MEMORY_STDDEV,
     REST_SPAN,
     1},
    {{"delta", "x, 'span'", "The newest reading less the oldest in the span"},
     NODE_MEMORY,
     MEMORY_DELTA,
     REST_SPAN,
     1},
    {{"rate", "x[, 'span']", "Change per second, over the span or between the newest two readings"},
     NODE_MEMORY,
     MEMORY_RATE,
     REST_SPAN_MAYBE,
     1},
    {{"lag", "x[, n]", "The reading n before the newest; 1 when n is not given"},
     NODE_MEMORY,
     MEMORY_LAG,
     REST_COUNT_MAYBE,
     1},
    {{"zscore", "x, n", "How many deviations x is from the mean of the n readings before it"},
     NODE_MEMORY,
     MEMORY_ZSCORE,
     REST_COUNT,
     1},
    {{"robust_z", "x, n",
      "The same with median and median absolute deviation (Iglewicz and Hoaglin)"},
     NODE_MEMORY,
     MEMORY_ROBUST_Z,
     REST_COUNT,
     1},
    {{"ewma", "x[, lambda[, learn]]",
      "Exponentially weighted moving average, in deviations of the first readings (Roberts)"},
     NODE_MEMORY,
     MEMORY_EWMA,
     REST_CHART,
     1},
    {{"cusum", "x[, slack[, learn]]", "Cumulative sum, in deviations of the first readings (Page)"},
     NODE_MEMORY,
     MEMORY_CUSUM,
     REST_CHART,
     1},
    {{"holt_winters", "x, period",
      "What is left of x when level, trend and season of so many readings are gone, in deviations"},
     NODE_MEMORY,
     MEMORY_HOLT_WINTERS,
     REST_COUNT,
     1},
    {{"iforest", "x, y, ...",
      "How odd the readings are together, 0 to 1; learnt from the first 512 (Liu, Ting, Zhou)"},
     NODE_MEMORY,
     MEMORY_IFOREST,
     REST_MORE,
     1},
    {{"since", "sensor", "Seconds since its newest reading"}, NODE_SINCE, 0, REST_NONE, 1},
    {{"stale", "sensor", "1 when it has been quiet for longer than its profile says"},
     NODE_STALE,
     0,
     REST_NONE,
     1},
    {{"absent", "sensor, 'span'", "1 when nothing came for so long; NULL before the first reading"},
     NODE_ABSENT,
     0,
     REST_SPAN,
     1},
    {{"quality", "sensor", "'good', 'uncertain' or 'bad'"}, NODE_QUALITY, 0, REST_NONE, 1},
    {{"now", "", "Unix seconds"}, NODE_CLOCK, CLOCK_NOW, REST_NONE, 0},
    {{"hour", "", "Hour of the day, UTC"}, NODE_CLOCK, CLOCK_HOUR, REST_NONE, 0},
    {{"minute", "", "Minute of the hour"}, NODE_CLOCK, CLOCK_MINUTE, REST_NONE, 0},
    {{"weekday", "", "1 on Monday to 7 on Sunday, UTC"}, NODE_CLOCK, CLOCK_WEEKDAY, REST_NONE, 0},
    {{"avg", "x", "Mean over several neighbours"}, NODE_EACH, EACH_AVG, REST_NONE, 1},
    {{"sum", "x", "Sum over several neighbours"}, NODE_EACH, EACH_SUM, REST_NONE, 1},
    {{"count", "x", "Of how many neighbours x is known"}, NODE_EACH, EACH_COUNT, REST_NONE, 1},
    {{"any", "condition", "Does it hold of a neighbour"}, NODE_EACH, EACH_ANY, REST_NONE, 1},
    {{"all", "condition", "Does it hold of all neighbours"}, NODE_EACH, EACH_ALL, REST_NONE, 1},
    {{"min", "x", "Least over several neighbours"}, NODE_EACH, EACH_MIN, REST_NONE, 1},
    {{"max", "x", "Greatest over several neighbours"}, NODE_EACH, EACH_MAX, REST_NONE, 1},
};

struct node {
    const struct fn *fn; /* NULL: FOR */
    const struct expr *e;
    uint64_t reads; /* a bit an input */
    struct memory_spec spec;
    int64_t span_us;
};

struct program {
    struct arena *arena;
    struct program_input inputs[PROGRAM_INPUTS_MAX];
    struct node nodes[PROGRAM_NODES_MAX];
    size_t inputs_n, nodes_n;
    int64_t window_us;
    bool watches_time, ticks_seconds, ticks_minutes;
};

const struct machine_fn_info *machine_fn_at(size_t index)
{
    return index < sizeof functions / sizeof *functions ? &functions[index].info : NULL;
}

static const struct fn *fn_find(struct slice name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (slice_is_nocase(name, functions[i].info.name))
            return &functions[i];
    return NULL;
}

/* ---- compiling ---- */

struct compile {
    struct program *p;
    struct expr_error *error;
    struct slice text;
    int err;
    bool inside_each; /* of neighbours: nothing is remembered there */
};

static int __attribute__((format(printf, 3, 4)))
fault(struct compile *c, const struct expr *e, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    const char *kept = arena_strndup(c->p->arena, message, strlen(message));
    if (!c->err) {
        c->err = kept ? ERR_INVALID : ERR_NOMEM;
        *c->error = (struct expr_error){.at = e->at, .end = e->end, .message = kept};
        expr_place(c->text, c->error);
    }
    return c->err;
}

static bool same_path(const struct expr *a, const struct expr *b)
{
    bool same = (!a && !b) || (a && b && a->n == b->n);
    for (size_t i = 0; same && a && i < a->n; i++)
        same = slice_eq(a->steps[i].kind, b->steps[i].kind) &&
               slice_eq(a->steps[i].filter, b->steps[i].filter) &&
               a->steps[i].inward == b->steps[i].inward;
    return same;
}

static uint64_t input(struct compile *c, struct expr *e, const struct expr *path, struct slice name)
{
    struct program *p = c->p;
    for (size_t i = 0; i < p->inputs_n; i++)
        if (slice_eq(p->inputs[i].name, name) && same_path(p->inputs[i].path, path)) {
            e->slot = (uint32_t)i;
            return 1ULL << i;
        }
    if (p->inputs_n == PROGRAM_INPUTS_MAX) {
        fault(c, e, "It reads more than %d sensors.", PROGRAM_INPUTS_MAX);
        return 0;
    }
    p->inputs[p->inputs_n] = (struct program_input){name, path, e};
    e->slot = (uint32_t)p->inputs_n;
    return 1ULL << p->inputs_n++;
}

static uint64_t compile(struct compile *c, struct expr *e);

static bool is_at(const struct expr *e)
{
    return e->kind == EXPR_CALL && slice_is_nocase(e->name, "at");
}

static bool is_sensor(const struct expr *e)
{
    return (e->kind == EXPR_NAME && !e->member.p) || is_at(e);
}

static uint64_t compile_at(struct compile *c, struct expr *e)
{
    if (e->n != 2 || e->args[1]->kind != EXPR_NAME || e->args[1]->member.p) {
        fault(c, e, "at(path, sensor) is how a neighbour is read, e.g. at(feeds.pump, pressure).");
        return 0;
    }
    return input(c, e, e->args[0], e->args[1]->name);
}

static void read_span(struct compile *c, const struct expr *e, int64_t *ret)
{
    enum { YEAR_DAYS = 366 };
    bool text = e->kind == EXPR_LITERAL && e->value.type == EXPR_TEXT;
    if (!text || clock_parse_duration(expr_slice(e->value), ret))
        fault(c, e, "Here stands a duration in single quotes, such as '30s', '5m', '2h' or '7d'.");
    else if (*ret > YEAR_DAYS * 86400LL * 1000000)
        fault(c, e, "A duration is a year at most.");
}

static void read_count(struct compile *c, const struct expr *e, size_t least, size_t most,
                       size_t *ret)
{
    bool number = e->kind == EXPR_LITERAL && e->value.type == EXPR_INT;
    if (!number || e->value.as.i < (int64_t)least || e->value.as.i > (int64_t)most)
        fault(c, e, "Here stands a whole number from %zu to %zu.", least, most);
    else
        *ret = (size_t)e->value.as.i;
}

static void read_chart(struct compile *c, const struct expr *e, struct node *n)
{
    bool ewma = n->fn->which == MEMORY_EWMA;
    n->spec.a = ewma ? 0.2 : 0.5;
    n->spec.learn = 100;
    if (e->n > 1) {
        double a = e->args[1]->kind == EXPR_LITERAL ? expr_as_double(e->args[1]->value) : NAN;
        if (!(a > 0) || a > (ewma ? 1 : 100))
            fault(c, e->args[1], "Here stands a number above 0, at most %d.", ewma ? 1 : 100);
        n->spec.a = a;
    }
    if (e->n > 2)
        read_count(c, e->args[2], 2, 1000000, &n->spec.learn);
}

static void read_rest(struct compile *c, const struct expr *e, struct node *n)
{
    switch (n->fn->rest) {
    case REST_SPAN:
    case REST_SPAN_MAYBE:
        n->spec.n = 1;
        if (e->n > 1)
            read_span(c, e->args[1], &n->span_us);
        n->spec.span_us = n->span_us;
        break;
    case REST_COUNT_MAYBE:
        n->spec.n = 1;
        if (e->n > 1)
            read_count(c, e->args[1], 1, 10000, &n->spec.n);
        break;
    case REST_COUNT:
        read_count(c, e->args[1], n->fn->which == MEMORY_HOLT_WINTERS ? 1 : WINDOW_LEAST,
                   WINDOW_MOST, &n->spec.n);
        break;
    case REST_CHART:
        read_chart(c, e, n);
        break;
    case REST_MORE:
        n->spec.n = e->n;
        n->spec.learn = 512;
        break;
    default:
        break;
    }
    if (n->span_us > c->p->window_us)
        c->p->window_us = n->span_us;
}

static bool count_fits(const struct fn *f, size_t n)
{
    static const uint8_t more[][2] = {[REST_NONE] = {0, 0},
                                      [REST_SPAN] = {1, 1},
                                      [REST_SPAN_MAYBE] = {0, 1},
                                      [REST_COUNT] = {1, 1},
                                      [REST_COUNT_MAYBE] = {0, 1},
                                      [REST_CHART] = {0, 2},
                                      [REST_MORE] = {0, FOREST_SENSORS_MAX - 1}};
    return n >= (size_t)f->args + more[f->rest][0] && n <= (size_t)f->args + more[f->rest][1];
}

static struct node *add_node(struct compile *c, struct expr *e, const struct fn *f)
{
    struct program *p = c->p;
    if (p->nodes_n == PROGRAM_NODES_MAX) {
        fault(c, e, "It has more than %d windows, detectors and conditions with FOR.",
              PROGRAM_NODES_MAX);
        return NULL;
    }
    e->slot = (uint32_t)p->nodes_n;
    struct node *n = &p->nodes[p->nodes_n++];
    *n = (struct node){.fn = f, .e = e};
    return n;
}

static void note_time(struct program *p, const struct node *n)
{
    if (!n->fn || n->fn->kind == NODE_STALE || n->fn->kind == NODE_ABSENT ||
        n->fn->kind == NODE_SINCE || n->fn->kind == NODE_CLOCK || n->span_us)
        p->watches_time = true;
    if (n->fn &&
        (n->fn->kind == NODE_SINCE || (n->fn->kind == NODE_CLOCK && n->fn->which == CLOCK_NOW)))
        p->ticks_seconds = true;
    else if (n->fn && n->fn->kind == NODE_CLOCK)
        p->ticks_minutes = true;
}

static uint64_t compile_call(struct compile *c, struct expr *e)
{
    const struct fn *f = fn_find(e->name);
    if (is_at(e))
        return compile_at(c, e);
    if (!f) {
        fault(c, e, "There is no function %.*s. docs/rules.md lists them all.",
              e->name.n > 64 ? 64 : (int)e->name.n, e->name.p);
        return 0;
    }
    if (!count_fits(f, e->n)) {
        fault(c, e, "%s(%s) is how the function is called.", f->info.name, f->info.arguments);
        return 0;
    }
    bool sensor = f->kind >= NODE_SINCE && f->kind <= NODE_QUALITY, each = f->kind == NODE_EACH;
    if (sensor && !is_sensor(e->args[0])) {
        fault(c, e->args[0], "%s() is of a sensor, by its name or by at().", f->info.name);
        return 0;
    }
    if (c->inside_each && (each || f->kind == NODE_MEMORY)) {
        fault(c, e,
              "%s() cannot stand inside an aggregate over neighbours: make it a virtual "
              "sensor of theirs.",
              f->info.name);
        return 0;
    }
    uint64_t reads = 0;
    bool before = c->inside_each;
    c->inside_each |= each;
    size_t own = f->rest == REST_MORE ? e->n : f->args;
    for (size_t i = 0; i < own && !c->err; i++)
        reads |= compile(c, e->args[i]);
    c->inside_each = before;
    struct node *n = c->err ? NULL : add_node(c, e, f);
    if (!n)
        return 0;
    n->reads = reads;
    n->spec.kind = f->kind == NODE_MEMORY ? (enum memory_kind)f->which : MEMORY_NONE;
    read_rest(c, e, n);
    note_time(c->p, n);
    return reads;
}

static void add_lasting(struct compile *c, struct expr *e, int64_t span_us)
{
    struct node *n = add_node(c, e, NULL);
    if (!n)
        return;
    n->span_us = span_us;
    note_time(c->p, n);
    if (span_us > c->p->window_us)
        c->p->window_us = span_us;
}

static uint64_t compile_for(struct compile *c, struct expr *e)
{
    int64_t span = 0;
    if (c->inside_each)
        fault(c, e, "FOR cannot stand inside an aggregate over neighbours: put it behind.");
    if (clock_parse_duration(expr_slice(e->value), &span) || span > 366LL * 86400 * 1000000)
        fault(c, e, "Behind FOR stands a duration such as '2m', a year at most.");
    uint64_t reads = c->err ? 0 : compile(c, e->args[0]);
    if (!c->err)
        add_lasting(c, e, span);
    return reads;
}

static uint64_t compile(struct compile *c, struct expr *e)
{
    uint64_t reads = 0;
    if (c->err)
        return 0;
    switch ((enum expr_kind)e->kind) {
    case EXPR_NAME:
        if (!e->member.p)
            return input(c, e, NULL, e->name);
        if (!slice_is_nocase(e->name, "twin"))
            fault(c, e,
                  "Only twin.name, twin.id, twin.description and twin.type have a point. A "
                  "sensor with a point in its id stands in double quotes.");
        return 0;
    case EXPR_FOR:
        return compile_for(c, e);
    case EXPR_PATH:
        return 0;
    case EXPR_CALL:
        if (!e->fn)
            return compile_call(c, e);
        break;
    default:
        break;
    }
    for (size_t i = 0; i < e->n; i++)
        reads |= compile(c, e->args[i]);
    return reads;
}

struct program *program_new(void)
{
    struct program *p = calloc(1, sizeof *p);
    if (p && !(p->arena = arena_new())) {
        free(p);
        return NULL;
    }
    return p;
}

void program_free(struct program *p)
{
    if (p)
        arena_free(p->arena);
    free(p);
}

/* The expression with FOR behind it. */
static struct expr *lasting_of(struct program *p, struct expr *e, int64_t for_us)
{
    char *span = arena_printf(p->arena, "%lldms", (long long)(for_us / 1000));
    struct expr *all = arena_zalloc(p->arena, sizeof *all);
    if (!span || !all || !(all->args = arena_zalloc(p->arena, sizeof *all->args)))
        return NULL;
    all->kind = EXPR_FOR;
    all->value = expr_text(slice_str(span));
    all->args[0] = e;
    all->n = 1;
    all->end = e->end;
    return all;
}

int program_add_for(struct program *p, struct slice text, int64_t for_us, const struct expr **ret,
                    struct expr_error *ret_error)
{
    struct slice kept = arena_dup(p->arena, text);
    struct expr *e;
    int err = kept.p ? expr_parse(p->arena, kept, &e, ret_error) : ERR_NOMEM;
    struct compile c = {.p = p, .error = ret_error, .text = kept};
    if (!err && for_us && !(e = lasting_of(p, e, for_us)))
        err = ERR_NOMEM;
    if (err)
        return err;
    compile(&c, e);
    if (!c.err)
        *ret = e;
    return c.err;
}

int program_unless(struct program *p, const struct expr *when, int64_t for_us,
                   const struct expr **ret)
{
    struct expr *not = arena_zalloc(p->arena, sizeof *not ), *all = not ;
    struct expr_error error;
    if (!not || !(not ->args = arena_zalloc(p->arena, sizeof *not ->args)))
        return ERR_NOMEM;
    const struct expr *of = when->kind == EXPR_FOR ? when->args[0] : when;
    not ->kind = EXPR_UNARY;
    not ->op = OP_NOT;
    not ->n = 1;
    not ->args[0] = (struct expr *)(uintptr_t)of; /* what it remembers is shared */
    struct compile c = {.p = p, .error = &error, .text = slice_of("", 0)};
    if (for_us && (all = lasting_of(p, not, for_us)))
        add_lasting(&c, all, for_us);
    if (!all)
        return ERR_NOMEM;
    if (!c.err)
        *ret = all;
    return c.err;
}

int program_add(struct program *p, struct slice text, const struct expr **ret,
                struct expr_error *ret_error)
{
    return program_add_for(p, text, 0, ret, ret_error);
}

const struct program_input *program_inputs(const struct program *p, size_t *ret_n)
{
    *ret_n = p->inputs_n;
    return p->inputs;
}

bool program_watches_time(const struct program *p)
{
    return p->watches_time;
}

int64_t program_window_us(const struct program *p)
{
    return p->window_us;
}

/* ---- at work ---- */

struct held {
    struct expr_value v;
    int64_t t_us; /* INT64_MIN: nothing came yet */
    int64_t stale_us;
    uint8_t quality;
    char *text;
};

struct machine {
    struct expr_env env; /* first: leaf() is given it */
    const struct program *p;
    const struct machine_words *words;
    int64_t now_us;
    size_t each; /* the neighbour that an aggregate looks at; SIZE_MAX: none */
    struct held *held;
    size_t first[PROGRAM_INPUTS_MAX + 1]; /* of an input in held */
    struct memory *memories[PROGRAM_NODES_MAX];
    int64_t true_since[PROGRAM_NODES_MAX]; /* FOR; INT64_MIN: it does not hold */
};

/* The sensor that an input means here; NULL: none, or several and no aggregate. */
static const struct held *held_of(const struct machine *m, const struct expr *e)
{
    size_t first = m->first[e->slot], n = m->first[e->slot + 1] - first;
    if (m->each != SIZE_MAX && is_at(e))
        return m->each < n ? &m->held[first + m->each] : NULL;
    return n == 1 ? &m->held[first] : NULL;
}

/* The neighbours that an aggregate is about: as many as the first path inside it leads to. */
static size_t each_count(const struct machine *m, const struct expr *e)
{
    if (is_at(e))
        return m->first[e->slot + 1] - m->first[e->slot];
    for (size_t i = 0; e->kind != EXPR_PATH && i < e->n; i++) {
        size_t n = each_count(m, e->args[i]);
        if (n)
            return n;
    }
    return 0;
}

struct gather {
    double sum, least, greatest;
    int64_t known, truths, falses;
};

static struct expr_value gathered(enum each what, const struct gather *g, size_t n)
{
    switch (what) {
    case EACH_COUNT:
        return expr_int(g->known);
    case EACH_ANY:
        return g->truths ? expr_int(1) : g->falses < (int64_t)n ? expr_null() : expr_int(0);
    case EACH_ALL:
        return g->falses ? expr_int(0) : g->truths < (int64_t)n ? expr_null() : expr_int(1);
    default:
        break;
    }
    if (!g->known)
        return expr_null();
    return expr_real(what == EACH_AVG   ? g->sum / (double)g->known
                     : what == EACH_SUM ? g->sum
                     : what == EACH_MIN ? g->least
                                        : g->greatest);
}

static struct expr_value each(struct machine *m, const struct node *n)
{
    const struct expr *of = n->e->args[0];
    size_t count = each_count(m, of);
    struct gather g = {.least = INFINITY, .greatest = -INFINITY};
    for (m->each = 0; m->each < count; m->each++) {
        struct expr_value v = expr_eval(of, &m->env);
        int truth = expr_truth(v);
        double d = expr_as_double(v);
        g.truths += truth > 0;
        g.falses += truth == 0;
        if (truth < 0)
            continue;
        g.known++;
        g.sum += d;
        g.least = fmin(g.least, d);
        g.greatest = fmax(g.greatest, d);
    }
    m->each = SIZE_MAX;
    return gathered((enum each)n->fn->which, &g, count);
}

static struct expr_value clock_value(const struct machine *m, enum clock_part part)
{
    int64_t s = m->now_us / 1000000;
    s -= m->now_us % 1000000 < 0;
    int64_t day = s / 86400 - (s % 86400 < 0), of_day = s - day * 86400;
    switch (part) {
    case CLOCK_HOUR:
        return expr_int(of_day / 3600);
    case CLOCK_MINUTE:
        return expr_int(of_day / 60 % 60);
    case CLOCK_WEEKDAY: /* 1970-01-01 was a Thursday */
        return expr_int(((day + 3) % 7 + 7) % 7 + 1);
    default:
        return expr_real((double)m->now_us / 1e6);
    }
}

/* FOR remembers since when it holds; a time that is looked at later than it came true counts from
 * when it came true. */
static struct expr_value lasting(struct machine *m, size_t i)
{
    const struct node *n = &m->p->nodes[i];
    int truth = expr_truth(expr_eval(n->e->args[0], &m->env));
    if (truth <= 0) {
        m->true_since[i] = INT64_MIN;
        return truth < 0 ? expr_null() : expr_int(0);
    }
    if (m->true_since[i] == INT64_MIN)
        m->true_since[i] = m->now_us;
    return expr_int(m->now_us - m->true_since[i] >= n->span_us);
}

static struct expr_value of_sensor(const struct machine *m, const struct node *n)
{
    static const char *const qualities[] = {"good", "uncertain", "bad"};
    const struct held *h = held_of(m, n->e->args[0]);
    int64_t last = h ? h->t_us : 0;
    bool came = h && h->t_us != INT64_MIN;
    switch (n->fn->kind) {
    case NODE_SINCE:
        return came ? expr_real((double)(m->now_us - last) / 1e6) : expr_null();
    case NODE_STALE:
        if (!h || !came)
            return expr_null();
        return expr_int(h->stale_us && m->now_us - last > h->stale_us);
    case NODE_ABSENT:
        return came ? expr_int(m->now_us - last >= n->span_us) : expr_null();
    default:
        return came && h->quality < 3 ? expr_text(slice_str(qualities[h->quality])) : expr_null();
    }
}

static struct expr_value leaf(struct expr_env *env, const struct expr *e)
{
    struct machine *m = (struct machine *)env;
    const struct held *h;
    if (e->kind == EXPR_NAME && e->member.p)
        return m->words->twin(m->words->arg, e->member);
    if (is_sensor(e)) {
        h = held_of(m, e);
        return h ? h->v : expr_null();
    }
    if (e->kind == EXPR_PATH)
        return expr_null();
    const struct node *n = &m->p->nodes[e->slot];
    if (!n->fn)
        return lasting(m, e->slot);
    switch (n->fn->kind) {
    case NODE_MEMORY:
        return memory_value(m->memories[e->slot], m->now_us);
    case NODE_CLOCK:
        return clock_value(m, (enum clock_part)n->fn->which);
    case NODE_EACH:
        return each(m, n);
    default:
        return of_sensor(m, n);
    }
}

struct machine *machine_new(const struct program *p, const size_t *counts,
                            const struct machine_words *words, struct arena *texts)
{
    struct machine *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    *m = (struct machine){.env = {leaf, texts}, .p = p, .words = words, .each = SIZE_MAX};
    m->now_us = INT64_MIN;
    for (size_t i = 0; i < p->inputs_n; i++)
        m->first[i + 1] = m->first[i] + counts[i];
    size_t n = m->first[p->inputs_n];
    m->held = calloc(n + 1, sizeof *m->held);
    for (size_t i = 0; m->held && i < n; i++)
        m->held[i].t_us = INT64_MIN;
    bool failed = !m->held;
    for (size_t i = 0; i < p->nodes_n && !failed; i++) {
        m->true_since[i] = INT64_MIN;
        if (p->nodes[i].spec.kind)
            failed = memory_new(&p->nodes[i].spec, &m->memories[i]) != 0;
    }
    if (failed) {
        machine_free(m);
        return NULL;
    }
    return m;
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->p->nodes_n; i++)
        memory_free(m->memories[i]);
    for (size_t i = 0; m->held && i < m->first[m->p->inputs_n]; i++)
        free(m->held[i].text);
    free(m->held);
    free(m);
}

static void hold(struct held *h, struct value v)
{
    struct expr_value was = expr_of(v);
    if (v.type == VALUE_TEXT) {
        char *text = realloc(h->text, v.as.text.n + 1);
        if (text) {
            memcpy(text, v.as.text.p ? v.as.text.p : "", v.as.text.n);
            h->text = text;
        }
        was = text ? expr_text(slice_of(text, v.as.text.n)) : expr_null();
    }
    h->v = was;
}

static void step(struct machine *m, size_t i)
{
    const struct node *n = &m->p->nodes[i];
    double x[FOREST_SENSORS_MAX];
    size_t args = n->spec.kind == MEMORY_IFOREST ? n->e->n : 1;
    for (size_t k = 0; k < args; k++)
        if (!isfinite(x[k] = expr_as_double(expr_eval(n->e->args[k], &m->env))))
            return;
    memory_step(m->memories[i], m->now_us, x);
}

/* Those behind an AND that was decided already must know as well since when they hold. */
static void step_lasting(struct machine *m)
{
    for (size_t i = 0; i < m->p->nodes_n; i++)
        if (!m->p->nodes[i].fn)
            lasting(m, i);
}

static void set_now(struct machine *m, int64_t now_us)
{
    if (now_us > m->now_us)
        m->now_us = now_us;
}

bool machine_put(struct machine *m, size_t input_at, size_t k, int64_t t_us, struct value v,
                 uint8_t quality)
{
    struct held *h = &m->held[m->first[input_at] + k];
    if (t_us < h->t_us)
        return false;
    h->t_us = t_us;
    h->quality = quality;
    hold(h, v);
    set_now(m, t_us);
    for (size_t i = 0; i < m->p->nodes_n; i++)
        if (m->p->nodes[i].reads >> input_at & 1 && m->memories[i])
            step(m, i);
    step_lasting(m);
    return true;
}

void machine_stale_after(struct machine *m, size_t input_at, size_t k, int64_t us)
{
    m->held[m->first[input_at] + k].stale_us = us;
}

void machine_pass(struct machine *m, int64_t now_us)
{
    set_now(m, now_us);
    step_lasting(m);
}

int64_t machine_now(const struct machine *m)
{
    return m->now_us;
}

struct expr_value machine_eval(struct machine *m, const struct expr *e)
{
    return expr_eval(e, &m->env);
}

static int64_t node_due(const struct machine *m, size_t i)
{
    const struct node *n = &m->p->nodes[i];
    if (!n->fn) {
        int64_t due = m->true_since[i] == INT64_MIN ? INT64_MAX : m->true_since[i] + n->span_us;
        return due > m->now_us ? due : INT64_MAX;
    }
    if (n->fn->kind == NODE_MEMORY)
        return memory_due(m->memories[i]);
    if (n->fn->kind != NODE_ABSENT && n->fn->kind != NODE_STALE)
        return INT64_MAX;
    int64_t least = INT64_MAX;
    for (size_t k = m->first[n->e->args[0]->slot]; k < m->first[n->e->args[0]->slot + 1]; k++) {
        const struct held *h = &m->held[k];
        int64_t due = h->t_us == INT64_MIN         ? INT64_MAX
                      : n->fn->kind == NODE_ABSENT ? h->t_us + n->span_us
                      : h->stale_us                ? h->t_us + h->stale_us + 1
                                                   : INT64_MAX;
        if (due > m->now_us && due < least)
            least = due;
    }
    return least;
}

int64_t machine_due(const struct machine *m)
{
    int64_t least = INT64_MAX;
    if (!m->p->watches_time || m->now_us == INT64_MIN)
        return least;
    if (m->p->ticks_seconds)
        least = m->now_us + 1000000;
    else if (m->p->ticks_minutes)
        least = m->now_us - m->now_us % 60000000 + 60000000;
    for (size_t i = 0; i < m->p->nodes_n; i++) {
        int64_t due = node_due(m, i);
        if (due > m->now_us && due < least)
            least = due;
    }
    return least;
}

bool machine_newest(const struct machine *m, size_t input_at, size_t k, int64_t *ret_t_us,
                    struct value *ret)
{
    const struct held *h = &m->held[m->first[input_at] + k];
    if (h->t_us == INT64_MIN)
        return false;
    *ret_t_us = h->t_us;
    *ret = expr_to_value(h->v);
    return true;
}
