/* backtest.c - readings are gathered sensor by sensor, then merged through the course. */
#include "rules/backtest.h"
#include "base/clock.h"
#include "base/err.h"
#include "rules/course.h"
#include "rules/internal.h"

#include <stdatomic.h>
#include <stdlib.h>

struct sample {
    int64_t t_us;
    struct value v;
    uint8_t quality;
};

/* What one sensor said. */
struct column {
    struct sample *items;
    size_t n, cap, at; /* at: the next of the merge */
    size_t input, k;
};

struct backtest {
    struct loop *loop;
    struct core *core;
    struct rule_spec spec;
    struct arena *texts, *kept; /* of the machine; values of the columns */
    struct machine_words words;
    char *word_of[4];
    size_t counts[PROGRAM_INPUTS_MAX];
    struct sensor **sensors; /* of the loop's thread, until they are gathered */
    uint32_t *series;
    struct column *columns;
    size_t columns_n, gathered;
    struct course course;
    int64_t from_us, to_us;
    size_t total;
    struct history_job *history;
    struct pool_job job;
    struct loop_hook hook;
    struct backtest_period periods[BACKTEST_PERIODS_MAX];
    struct backtest_result result;
    _Atomic(bool) cancelled;
    backtest_done_fn *done;
    void *arg;
};

static void backtest_free(struct backtest *b)
{
    for (size_t i = 0; b->columns && i < b->columns_n; i++)
        free(b->columns[i].items);
    for (size_t i = 0; i < 4; i++)
        free(b->word_of[i]);
    free(b->columns);
    free(b->series);
    free(b->sensors);
    machine_free(b->course.machine);
    rule_release(&b->spec);
    arena_free(b->texts);
    arena_free(b->kept);
    free(b);
}

static void finish(struct backtest *b, int err, const char *why)
{
    b->result.err = err;
    b->result.why = why;
    b->done(b->arg, &b->result);
    backtest_free(b);
}

/* ---- the merge, on a thread of the readers ---- */

static bool turned(void *arg, bool raised)
{
    struct backtest *b = arg;
    struct backtest_result *r = &b->result;
    int64_t now = machine_now(b->course.machine);
    struct backtest_period *last = r->periods_n ? &b->periods[r->periods_n - 1] : NULL;
    if (raised) {
        r->fired += now >= b->from_us;
        if (r->periods_n < BACKTEST_PERIODS_MAX)
            b->periods[r->periods_n++] = (struct backtest_period){now, INT64_MAX};
    } else if (last && last->to_us == INT64_MAX) {
        last->to_us = now;
        if (now <= b->from_us) /* it was over before the span */
            r->periods_n--;
    }
    return true;
}

static struct column *next_column(struct backtest *b)
{
    struct column *least = NULL;
    for (size_t i = 0; i < b->columns_n; i++) {
        struct column *c = &b->columns[i];
        if (c->at < c->n && (!least || c->items[c->at].t_us < least->items[least->at].t_us))
            least = c;
    }
    return least;
}

static void work(void *arg)
{
    enum { LOOK = 4096 };
    struct backtest *b = arg;
    struct column *c;
    for (uint64_t n = 0; (c = next_column(b)); n++) {
        const struct sample *s = &c->items[c->at++];
        if (n % LOOK == 0) {
            arena_reset(b->texts);
            if (atomic_load(&b->cancelled))
                return;
        }
        course_put(&b->course, c->input, c->k, s->t_us, s->v, s->quality);
    }
    if (machine_now(b->course.machine) != INT64_MIN)
        course_pass(&b->course, b->to_us - 1);
}

static void worked(void *arg)
{
    struct backtest *b = arg;
    b->result.periods = b->periods;
    b->result.readings = b->total;
    finish(b, atomic_load(&b->cancelled) ? ERR_CANCELLED : 0, NULL);
}

/* ---- gathering ---- */

static void gather(struct backtest *b);

static int keep(struct backtest *b, struct column *c, const struct history_row *row)
{
    if (c->n == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 1024;
        struct sample *items = realloc(c->items, cap * sizeof *items);
        if (!items)
            return ERR_NOMEM;
        c->items = items;
        c->cap = cap;
    }
    struct sample s = {row->t_us, row->values[0], row->quality};
    if (s.v.type == VALUE_TEXT) {
        const struct sample *last = c->n ? &c->items[c->n - 1] : NULL;
        if (last && value_eq(last->v, s.v))
            s.v = last->v;
        else if (arena_used(b->kept) > BACKTEST_TEXT_MAX)
            return ERR_TOO_LARGE;
        else if (!(s.v.as.text = arena_dup(b->kept, s.v.as.text)).p)
            return ERR_NOMEM;
    }
    c->items[c->n++] = s;
    b->total++;
    return 0;
}

static bool on_row(void *arg, const struct history_row *row)
{
    struct backtest *b = arg;
    if (b->result.err || b->total >= BACKTEST_READINGS_MAX)
        b->result.err = b->result.err ? b->result.err : ERR_TOO_LARGE;
    else if (row->n)
        b->result.err = keep(b, &b->columns[b->gathered], row);
    return b->result.err == 0;
}

static void on_turn(void *arg, const struct history_turn *turn)
{
    struct backtest *b = arg;
    if (!turn->ended) {
        if (b->result.err || atomic_load(&b->cancelled))
            history_cancel(b->history);
        else
            history_go(b->history);
        return;
    }
    b->history = NULL;
    int err = b->result.err ? b->result.err : turn->err;
    if (atomic_load(&b->cancelled))
        err = ERR_CANCELLED;
    if (err) {
        finish(b, err,
               err == ERR_TOO_LARGE ? "The span has more than 2,000,000 readings of the "
                                      "sensors that the rule reads: choose a shorter one."
                                    : NULL);
        return;
    }
    b->gathered++;
    gather(b);
}

static void gather(struct backtest *b)
{
    static const struct history_taker_fns fns = {on_row, on_turn};
    if (b->gathered == b->columns_n) {
        b->job = (struct pool_job){.work = work, .done = worked, .arg = b};
        pool_submit(core_reads(b->core), &b->job);
        return;
    }
    const struct history_query q = {
        .from_us = b->from_us - program_window_us(b->spec.program),
        .to_us = b->to_us,
        .how = PAST_RAW,
        .before = true,
    };
    /* the series may have gone meanwhile, with its twin */
    struct sensor *s = core_series(b->core, b->series[b->gathered]);
    b->history = s ? core_history(b->core, s, &q, &fns, b) : NULL;
    if (!b->history)
        finish(b, s ? ERR_NOMEM : ERR_UNKNOWN_SENSOR, s ? NULL : "A sensor of the rule has gone.");
}

static void first_turn(void *arg)
{
    gather(arg);
}

/* ---- beginning ---- */

static struct expr_value word(void *arg, struct slice member)
{
    static const char *const names[] = {"name", "id", "description", "type"};
    const struct backtest *b = arg;
    for (size_t i = 0; i < 4; i++)
        if (slice_is_nocase(member, names[i]))
            return expr_text(slice_str(b->word_of[i]));
    return expr_null();
}

static int find(struct backtest *b, struct twin *t, struct arena *a, const char **ret_why)
{
    size_t inputs, room = 0;
    const struct program_input *in = program_inputs(b->spec.program, &inputs);
    for (size_t i = 0; i < inputs; i++)
        room += in[i].path ? RULE_NEIGHBOURS_MAX : 1;
    b->sensors = calloc(room + 1, sizeof *b->sensors);
    b->series = calloc(room + 1, sizeof *b->series);
    b->columns = calloc(room + 1, sizeof *b->columns);
    if (!b->sensors || !b->series || !b->columns)
        return ERR_NOMEM;
    for (size_t i = 0; i < inputs; i++) {
        b->counts[i] = resolve_input(b->core, t, &in[i], b->sensors + b->columns_n,
                                     in[i].path ? RULE_NEIGHBOURS_MAX : 1);
        if (!in[i].path && !b->counts[i]) {
            *ret_why = resolve_advice(a, t, in[i].name);
            return ERR_INVALID;
        }
        for (size_t k = 0; k < b->counts[i]; k++) {
            b->series[b->columns_n] = b->sensors[b->columns_n]->series;
            b->columns[b->columns_n++] = (struct column){.input = i, .k = k};
        }
    }
    return 0;
}

static int set_up(struct backtest *b, struct twin *t, struct arena *a, const char **ret_why)
{
    const char *const words[] = {t->name, t->id, t->description, t->type};
    int err = find(b, t, a, ret_why);
    b->texts = arena_new();
    b->kept = arena_new();
    for (size_t i = 0; i < 4; i++)
        if (!(b->word_of[i] = strdup(words[i] ? words[i] : "")))
            err = ERR_NOMEM;
    if (err || !b->texts || !b->kept)
        return err ? err : ERR_NOMEM;
    b->words = (struct machine_words){word, b};
    b->course =
        (struct course){.machine = machine_new(b->spec.program, b->counts, &b->words, b->texts),
                        .when = b->spec.when,
                        .clear = b->spec.clear,
                        .timed = program_watches_time(b->spec.program),
                        .turned = turned,
                        .arg = b};
    if (!b->course.machine)
        return ERR_NOMEM;
    for (size_t i = 0; i < b->columns_n; i++)
        machine_stale_after(b->course.machine, b->columns[i].input, b->columns[i].k,
                            sensor_patience_us(b->sensors[i]));
    return 0;
}

struct backtest *backtest_begin(struct loop *l, struct core *c, struct twin *t,
                                const struct jval *body, int64_t from_us, int64_t to_us,
                                struct arena *a, backtest_done_fn *done, void *arg, int *ret_err,
                                const char **ret_why)
{
    const char *pointer = "";
    struct backtest *b = calloc(1, sizeof *b);
    *ret_why = NULL;
    if (!b) {
        *ret_err = ERR_NOMEM;
        return NULL;
    }
    b->loop = l;
    b->core = c;
    b->from_us = from_us;
    b->to_us = to_us;
    b->done = done;
    b->arg = arg;
    *ret_err = rule_read(body, a, &b->spec, ret_why, &pointer);
    if (*ret_err && *ret_why)
        *ret_why = arena_printf(a, "%s (at \"%s\")", *ret_why, pointer);
    if (!*ret_err)
        *ret_err = set_up(b, t, a, ret_why);
    if (*ret_err) {
        backtest_free(b);
        return NULL;
    }
    b->hook = (struct loop_hook){.fn = first_turn, .arg = b};
    loop_at_end(l, &b->hook);
    return b;
}

void backtest_cancel(struct backtest *b)
{
    atomic_store(&b->cancelled, true);
}

size_t backtest_sensors_n(const struct backtest *b)
{
    return b->columns_n;
}

const struct sensor *backtest_sensor(const struct backtest *b, size_t i)
{
    return b->sensors[i];
}

void backtest_drop(struct backtest *b)
{
    loop_disarm(b->loop, &b->hook);
    backtest_free(b);
}
