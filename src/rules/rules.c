/* rules.c - rules at work: bound to twins, fed as readings come, looked at as time passes.
 *
 * What a sensor's readings are for stands in a table by series, so that a reading nobody asks about
 * costs a look into it.  What waits for time is a heap by the time at which it is due; a binding
 * whose time moves on with every reading stays where it is, and is put back when its turn comes. */
#include "rules/rules.h"
#include "access/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/types.h"
#include "rules/course.h"
#include "rules/internal.h"

#include <stdlib.h>

enum { TICK_MS = 200, TEXTS_KEPT = 256 };

struct binding {
    struct rule *rule;
    struct twin *twin;
    struct course course;
    struct machine_words words;
    struct sensor **sensors; /* of all inputs, one after the other */
    size_t *counts, sensors_n;
    int64_t anchor_t_us, anchor_mono_us; /* the machine's time at a time of the clock */
    int64_t due_us, queued_us;           /* monotonic; queued: its place in the heap */
    size_t heap_at;                      /* from 1; 0: not in there */
    struct binding *next, **link;        /* of the rule */
};

struct rule {
    struct rules *all;
    struct org *org;
    struct rule_spec spec;
    uint64_t version;
    bool walks; /* it reads neighbours */
    bool stale; /* is to be bound anew */
    struct binding *bindings;
    size_t n;
    struct rule *next, **link;
};

struct watch {
    struct binding *binding;
    uint32_t input, k;
};
struct watchers {
    struct watch *items;
    size_t n, cap;
};

struct rules {
    struct loop *loop;
    struct core *core;
    struct alarms *alarms;
    struct document_watch documents, types;
    struct core_tap tap;
    struct loop_timer *timer;
    struct loop_hook hook;
    struct rule *first;
    struct watchers *by_series;
    size_t by_series_n;
    struct binding **heap;
    size_t heap_n, heap_cap;
    struct arena *texts;
    size_t texts_n;
    struct rules_stats stats;
};

/* ---- the heap ---- */

static void heap_set(struct rules *r, size_t at, struct binding *b)
{
    r->heap[at] = b;
    b->heap_at = at + 1;
}

static void heap_up(struct rules *r, size_t at)
{
    struct binding *b = r->heap[at];
    while (at && r->heap[(at - 1) / 2]->queued_us > b->queued_us) {
        heap_set(r, at, r->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_set(r, at, b);
}

static void heap_down(struct rules *r, size_t at)
{
    struct binding *b = r->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < r->heap_n && r->heap[child + 1]->queued_us < r->heap[child]->queued_us)
            child++;
        if (child >= r->heap_n || r->heap[child]->queued_us >= b->queued_us)
            break;
        heap_set(r, at, r->heap[child]);
        at = child;
    }
    heap_set(r, at, b);
}

static void heap_remove(struct rules *r, struct binding *b)
{
    if (!b->heap_at)
        return;
    size_t at = b->heap_at - 1;
    struct binding *last = r->heap[--r->heap_n];
    b->heap_at = 0;
    if (last == b)
        return;
    heap_set(r, at, last);
    heap_up(r, at);
    heap_down(r, last->heap_at - 1);
}

/* Its due_us is another. */
static void heap_note(struct rules *r, struct binding *b)
{
    if (b->due_us == INT64_MAX || (b->heap_at && b->queued_us <= b->due_us))
        return; /* it comes up early, and is put back then */
    b->queued_us = b->due_us;
    if (!b->heap_at) {
        if (r->heap_n == r->heap_cap) {
            size_t cap = r->heap_cap ? 2 * r->heap_cap : 64;
            struct binding **heap = realloc(r->heap, cap * sizeof *heap);
            if (!heap)
                return; /* it is tried again with the next reading */
            r->heap = heap;
            r->heap_cap = cap;
        }
        heap_set(r, r->heap_n++, b);
    }
    heap_up(r, b->heap_at - 1);
}

/* ---- firing ---- */

static void put_part(struct buf *out, struct expr_value v)
{
    if (v.type == EXPR_TEXT)
        buf_add_slice(out, expr_slice(v));
    else if (v.type == EXPR_INT)
        buf_add_i64(out, v.as.i);
    else if (v.type == EXPR_REAL)
        buf_addf(out, "%.6g", v.as.d);
    else
        buf_add_str(out, "?");
}

static void put_message(struct buf *out, const struct binding *b)
{
    const struct rule_spec *s = &b->rule->spec;
    for (size_t i = 0; i < s->message_n; i++)
        if (s->message[i].expr)
            put_part(out, machine_eval(b->course.machine, s->message[i].expr));
        else
            buf_add_slice(out, s->message[i].text);
    if (!s->message_n)
        buf_addf(out, "%.*s", SLICE_ARG(s->when_text));
}

static size_t newest_readings(const struct binding *b, struct alarm_reading *list, size_t max)
{
    size_t inputs, n = 0, at = 0;
    program_inputs(b->rule->spec.program, &inputs);
    for (size_t i = 0; i < inputs; i++)
        for (size_t k = 0; k < b->counts[i]; k++, at++) {
            struct alarm_reading one = {.sensor = slice_str(b->sensors[at]->id)};
            if (n == max || !machine_newest(b->course.machine, i, k, &one.t_us, &one.value))
                continue;
            size_t place = n++;
            for (; place && list[place - 1].t_us > one.t_us; place--)
                list[place] = list[place - 1];
            list[place] = one;
        }
    return n;
}

static bool raise(struct rules *r, struct binding *b)
{
    const struct rule_spec *s = &b->rule->spec;
    struct alarm_reading readings[ALARM_READINGS_MAX];
    struct buf message = {0};
    struct value value = {.type = VALUE_NONE};
    int64_t t;
    put_message(&message, b);
    if (b->sensors_n && b->counts[0])
        machine_newest(b->course.machine, 0, 0, &t, &value);
    struct alarm_raise what = {.twin = b->twin,
                               .sensor = b->sensors_n && b->sensors[0]->twin == b->twin
                                             ? slice_str(b->sensors[0]->id)
                                             : slice_of("", 0),
                               .rule = slice_str(s->id),
                               .rule_version = b->rule->version,
                               .severity = s->severity,
                               .message = buf_slice(&message),
                               .at_us = machine_now(b->course.machine),
                               .value = value,
                               .limit = buf_slice(&s->limit),
                               .readings = readings,
                               .readings_n = newest_readings(b, readings, ALARM_READINGS_MAX),
                               .actions = buf_slice(&s->actions),
                               .escalate = buf_slice(&s->escalate)};
    bool done = !message.failed && alarms_raise(r->alarms, &what) == 0;
    if (!done)
        log_error("rules", "an alarm of the rule %s is not raised: out of memory", s->id);
    r->stats.raised += done;
    buf_release(&message);
    return done;
}

static bool turned(void *arg, bool raised)
{
    struct binding *b = arg;
    struct rules *r = b->rule->all;
    if (raised)
        return raise(r, b);
    alarms_clear(r->alarms, b->twin, slice_str(b->rule->spec.id), machine_now(b->course.machine));
    r->stats.cleared++;
    return true;
}

static void set_due(struct rules *r, struct binding *b)
{
    int64_t due = machine_due(b->course.machine);
    b->due_us = due == INT64_MAX ? due : b->anchor_mono_us + (due - b->anchor_t_us);
    heap_note(r, b);
}

static void feed(struct rules *r, const struct watch *w, const struct reading *reading)
{
    struct binding *b = w->binding;
    if (!course_put(&b->course, w->input, w->k, reading->t_us, reading->value, reading->quality))
        return;
    r->stats.evaluations++;
    if (++r->texts_n % TEXTS_KEPT == 0)
        arena_reset(r->texts);
    if (!b->course.timed)
        return;
    b->anchor_t_us = machine_now(b->course.machine);
    b->anchor_mono_us = clock_mono_us();
    set_due(r, b);
}

static void on_reading(void *arg, struct sensor *s, const struct reading *reading)
{
    struct rules *r = arg;
    if (s->series >= r->by_series_n)
        return;
    const struct watchers *w = &r->by_series[s->series];
    for (size_t i = 0; i < w->n; i++)
        feed(r, &w->items[i], reading);
}

static void on_tick(void *arg)
{
    struct rules *r = arg;
    int64_t mono = clock_mono_us();
    while (r->heap_n && r->heap[0]->queued_us <= mono) {
        struct binding *b = r->heap[0];
        heap_remove(r, b);
        if (b->due_us <= mono) {
            course_pass(&b->course, b->anchor_t_us + (mono - b->anchor_mono_us));
            set_due(r, b);
            if (b->due_us <= mono) /* much time has passed: the rest comes with the next turn */
                b->due_us = mono + 1;
        }
        heap_note(r, b);
    }
}

/* ---- binding ---- */

static struct expr_value twin_word(void *arg, struct slice member)
{
    const struct twin *t = ((const struct binding *)arg)->twin;
    const struct {
        const char *name, *text;
    } words[] = {
        {"name", t->name}, {"id", t->id}, {"description", t->description}, {"type", t->type}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_is_nocase(member, words[i].name))
            return expr_text(slice_str(words[i].text ? words[i].text : ""));
    return expr_null();
}

static int watch_add(struct rules *r, struct sensor *s, struct watch w)
{
    if (s->series >= r->by_series_n) {
        size_t n = (size_t)s->series + 1 + s->series / 2;
        struct watchers *by = realloc(r->by_series, n * sizeof *by);
        if (!by)
            return ERR_NOMEM;
        memset(by + r->by_series_n, 0, (n - r->by_series_n) * sizeof *by);
        r->by_series = by;
        r->by_series_n = n;
    }
    struct watchers *at = &r->by_series[s->series];
    if (at->n == at->cap) {
        size_t cap = at->cap ? 2 * at->cap : 2;
        struct watch *items = realloc(at->items, cap * sizeof *items);
        if (!items)
            return ERR_NOMEM;
        at->items = items;
        at->cap = cap;
    }
    at->items[at->n++] = w;
    return 0;
}

static void unbind(struct rules *r, struct binding *b)
{
    heap_remove(r, b);
    for (size_t i = 0; i < b->sensors_n; i++) {
        uint32_t series = b->sensors[i]->series;
        struct watchers *at = series < r->by_series_n ? &r->by_series[series] : NULL;
        for (size_t k = at ? at->n : 0; k-- > 0;)
            if (at->items[k].binding == b)
                at->items[k] = at->items[--at->n];
        if (at && !at->n) {
            free(at->items);
            *at = (struct watchers){0};
        }
    }
    *b->link = b->next;
    if (b->next)
        b->next->link = b->link;
    b->rule->n--;
    r->stats.bindings--;
    machine_free(b->course.machine);
    free(b->sensors);
    free(b->counts);
    free(b);
}

/* Begin with what is known: the newest readings, the older first. */
static void prime(struct binding *b)
{
    size_t inputs;
    program_inputs(b->rule->spec.program, &inputs);
    int64_t done = INT64_MIN, next;
    do {
        next = INT64_MAX;
        for (size_t i = 0; i < b->sensors_n; i++)
            if (b->sensors[i]->has_value && b->sensors[i]->last.t_us > done &&
                b->sensors[i]->last.t_us < next)
                next = b->sensors[i]->last.t_us;
        for (size_t i = 0, at = 0; i < inputs && next != INT64_MAX; i++)
            for (size_t k = 0; k < b->counts[i]; k++, at++) {
                const struct sensor *s = b->sensors[at];
                if (s->has_value && s->last.t_us == next)
                    machine_put(b->course.machine, i, k, next, point_value(&s->last),
                                s->last.quality);
            }
        done = next;
    } while (next != INT64_MAX);
}

static int find_sensors(struct rules *r, struct binding *b)
{
    size_t inputs;
    const struct program_input *in = program_inputs(b->rule->spec.program, &inputs);
    b->counts = calloc(inputs + 1, sizeof *b->counts);
    if (!b->counts)
        return ERR_NOMEM;
    for (size_t i = 0; i < inputs; i++) {
        size_t room = in[i].path ? RULE_NEIGHBOURS_MAX : 1;
        struct sensor **more = realloc(b->sensors, (b->sensors_n + room) * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        b->sensors = more;
        b->counts[i] = resolve_input(r->core, b->twin, &in[i], more + b->sensors_n, room);
        if (!in[i].path && !b->counts[i])
            return ERR_NOT_FOUND; /* the rule is not about this twin */
        b->sensors_n += b->counts[i];
    }
    return 0;
}

static int listen(struct rules *r, struct binding *b)
{
    size_t inputs, at = 0;
    int err = 0;
    program_inputs(b->rule->spec.program, &inputs);
    for (size_t i = 0; i < inputs; i++)
        for (size_t k = 0; k < b->counts[i] && !err; k++, at++) {
            machine_stale_after(b->course.machine, i, k, sensor_patience_us(b->sensors[at]));
            err = watch_add(r, b->sensors[at], (struct watch){b, (uint32_t)i, (uint32_t)k});
        }
    return err;
}

static void bind(struct rules *r, struct rule *rule, struct twin *t)
{
    struct binding *b = rule->n < RULE_TWINS_MAX ? calloc(1, sizeof *b) : NULL;
    if (!b)
        return;
    *b = (struct binding){.rule = rule, .twin = t, .due_us = INT64_MAX};
    b->words = (struct machine_words){twin_word, b};
    b->next = rule->bindings;
    b->link = &rule->bindings;
    if (b->next)
        b->next->link = &b->next;
    rule->bindings = b;
    rule->n++;
    r->stats.bindings++;
    int err = find_sensors(r, b);
    if (!err &&
        !(b->course.machine = machine_new(rule->spec.program, b->counts, &b->words, r->texts)))
        err = ERR_NOMEM;
    if (!err)
        err = listen(r, b);
    if (err) {
        if (err == ERR_NOMEM)
            log_error("rules", "the rule %s is not at work on %s: out of memory", rule->spec.id,
                      t->id);
        unbind(r, b);
        return;
    }
    prime(b);
    b->course = (struct course){.machine = b->course.machine,
                                .when = rule->spec.when,
                                .clear = rule->spec.clear,
                                .timed = program_watches_time(rule->spec.program),
                                .active = alarms_is_active(r->alarms, t, slice_str(rule->spec.id)),
                                .turned = turned,
                                .arg = b};
    b->anchor_t_us = machine_now(b->course.machine);
    b->anchor_mono_us = clock_mono_us();
    if (b->anchor_t_us == INT64_MIN)
        return; /* nothing has been said yet */
    course_judge(&b->course);
    set_due(r, b);
}

static bool is_about(struct rules *r, const struct rule *rule, const struct twin *t)
{
    if (t->org != rule->org || !rule->spec.enabled)
        return false;
    if (rule->spec.type)
        return *t->twin_types && core_twin_is(r->core, t, slice_str(rule->spec.type));
    for (const struct jval *v = rule->spec.twins->first; v; v = v->next)
        if (slice_is(v->text, t->id))
            return true;
    return false;
}

static void bind_all(struct rules *r, struct rule *rule)
{
    size_t n;
    while (rule->bindings)
        unbind(r, rule->bindings);
    rule->stale = false;
    if (!rule->spec.enabled)
        return;
    if (!rule->spec.type) {
        struct buf key = {0};
        for (const struct jval *v = rule->spec.twins->first; v; v = v->next) {
            buf_clear(&key);
            if (!rule->org->first)
                buf_addf(&key, "%s~", rule->org->e.id);
            buf_add_slice(&key, v->text);
            struct twin *t = key.failed ? NULL : core_twin(r->core, buf_slice(&key));
            if (t && t->org == rule->org)
                bind(r, rule, t);
        }
        buf_release(&key);
        return;
    }
    struct twin *const *all = core_twins(r->core, &n);
    for (size_t i = 0; i < n; i++)
        if (is_about(r, rule, all[i]))
            bind(r, rule, all[i]);
}

/* ---- what changes ---- */

static void on_turn(void *arg)
{
    struct rules *r = arg;
    for (struct rule *rule = r->first; rule; rule = rule->next)
        if (rule->stale)
            bind_all(r, rule);
}

static bool same_sensors(struct rules *r, const struct binding *b)
{
    struct binding now = {.rule = b->rule, .twin = b->twin};
    bool same = find_sensors(r, &now) == 0 && now.sensors_n == b->sensors_n &&
                (!now.sensors_n ||
                 memcmp(now.sensors, b->sensors, now.sensors_n * sizeof(struct sensor *)) == 0);
    free(now.sensors);
    free(now.counts);
    return same;
}

static void on_changed(struct rules *r, struct twin *t)
{
    for (struct rule *rule = r->first; rule; rule = rule->next) {
        if (rule->org != t->org || rule->stale)
            continue;
        if (rule->walks) {
            rule->stale = true;
            loop_at_end(r->loop, &r->hook);
            continue;
        }
        struct binding *b = rule->bindings;
        while (b && b->twin != t)
            b = b->next;
        bool about = is_about(r, rule, t);
        if (b && about && same_sensors(r, b))
            continue;
        if (b)
            unbind(r, b);
        if (about)
            bind(r, rule, t);
    }
}

static void on_deleted(struct rules *r, struct twin *t)
{
    for (size_t i = 0; i < t->all_n; i++) {
        uint32_t series = t->all[i]->series;
        while (series < r->by_series_n && r->by_series[series].n) {
            struct binding *b = r->by_series[series].items[0].binding;
            if (b->twin != t) {
                b->rule->stale = true;
                loop_at_end(r->loop, &r->hook);
            }
            unbind(r, b);
        }
    }
    for (struct rule *rule = r->first; rule; rule = rule->next)
        for (struct binding *b = rule->org == t->org ? rule->bindings : NULL, *next; b; b = next) {
            next = b->next;
            if (b->twin == t)
                unbind(r, b);
        }
}

static void on_event(void *arg, const struct core_event *e)
{
    struct rules *r = arg;
    if (e->kind == EVENT_TWIN_CREATED || e->kind == EVENT_TWIN_CHANGED)
        on_changed(r, e->twin);
    else if (e->kind == EVENT_TWIN_DELETED)
        on_deleted(r, e->twin);
}

/* ---- documents ---- */

static int check(void *arg, struct change *ch, struct org *org, struct slice id,
                 const struct jval *body)
{
    struct rules *r = arg;
    struct rule_spec s;
    const char *why = NULL, *pointer = "";
    (void)id;
    if (!body)
        return 0;
    int err = rule_read(body, ch->arena, &s, &why, &pointer);
    if (err)
        return err == ERR_INVALID ? change_refuse(ch, err, "%s (at \"%s\")", why, pointer) : err;
    /* one that could not be at work on any of the twins that it names is a slip */
    struct rule rule = {.org = org, .spec = s};
    size_t n, inputs;
    const struct program_input *in = program_inputs(s.program, &inputs);
    rule.spec.enabled = true;
    struct twin *const *all = core_twins(r->core, &n);
    const char *advice = NULL;
    for (size_t i = 0; i < n; i++) {
        const char *here = NULL;
        struct sensor *sensor;
        if (!is_about(r, &rule, all[i]))
            continue;
        for (size_t k = 0; k < inputs && !here; k++)
            if (!in[k].path && resolve_sensor(all[i], in[k].name, &sensor) != RESOLVED)
                here = resolve_advice(ch->arena, all[i], in[k].name);
        if (!here) {
            advice = NULL;
            break;
        }
        advice = advice ? advice : here;
    }
    rule_release(&s);
    return advice ? change_refuse(ch, ERR_INVALID, "%s (at \"/when\")", advice) : 0;
}

static void put(void *arg, struct document *d)
{
    struct rules *r = arg;
    struct rule *rule = calloc(1, sizeof *rule);
    struct arena *a = arena_new();
    const char *why = "out of memory", *pointer;
    if (!rule || !a || rule_read(d->body, a, &rule->spec, &why, &pointer)) {
        log_error("rules", "the rule %s is not at work: %s", d->id, why);
        arena_free(a);
        free(rule);
        return;
    }
    arena_free(a);
    rule->all = r;
    rule->org = d->org;
    rule->version = d->version;
    size_t inputs;
    const struct program_input *in = program_inputs(rule->spec.program, &inputs);
    for (size_t i = 0; i < inputs; i++)
        rule->walks |= in[i].path != NULL;
    rule->next = r->first;
    rule->link = &r->first;
    if (r->first)
        r->first->link = &rule->next;
    r->first = rule;
    r->stats.rules++;
    d->bound = rule;
    if (!rule->spec.enabled)
        alarms_clear_rule(r->alarms, d->org, slice_str(d->id));
    bind_all(r, rule);
}

static void rule_free(struct rules *r, struct rule *rule)
{
    while (rule->bindings)
        unbind(r, rule->bindings);
    *rule->link = rule->next;
    if (rule->next)
        rule->next->link = rule->link;
    rule_release(&rule->spec);
    r->stats.rules--;
    free(rule);
}

static void drop(void *arg, struct document *d)
{
    struct rules *r = arg;
    if (d->bound)
        rule_free(r, d->bound);
    d->bound = NULL;
    loop_at_end(r->loop, &r->hook);
}

static void on_type(void *arg, struct document *d)
{
    struct rules *r = arg;
    for (struct rule *rule = r->first; rule; rule = rule->next)
        rule->stale |= rule->spec.type && rule->org == d->org;
    loop_at_end(r->loop, &r->hook);
}

/* ---- an expression alone ---- */

void rules_check(struct rules *r, struct twin *t, struct slice text, struct arena *a,
                 struct rules_check *ret)
{
    struct rule rule = {.all = r, .spec = {.program = program_new()}};
    struct binding b = {.rule = &rule, .twin = t};
    *ret = (struct rules_check){.program = rule.spec.program};
    if (!ret->program) {
        ret->err = ERR_NOMEM;
        return;
    }
    ret->err = program_add(ret->program, text, &ret->expr, &ret->error);
    if (ret->err || !t)
        return;
    size_t inputs;
    const struct program_input *in = program_inputs(ret->program, &inputs);
    ret->err = find_sensors(r, &b);
    for (size_t i = 0; i < inputs && ret->err == ERR_NOT_FOUND; i++) {
        struct sensor *s;
        if (in[i].path || resolve_sensor(t, in[i].name, &s) == RESOLVED)
            continue;
        ret->err = ERR_INVALID;
        ret->error = (struct expr_error){.at = in[i].from->at,
                                         .end = in[i].from->end,
                                         .message = resolve_advice(a, t, in[i].name)};
        expr_place(text, &ret->error);
    }
    b.words = (struct machine_words){twin_word, &b};
    b.course.machine = ret->err ? NULL : machine_new(ret->program, b.counts, &b.words, a);
    if (!ret->err && !b.course.machine)
        ret->err = ERR_NOMEM;
    if (!ret->err) {
        prime(&b);
        struct expr_value v = machine_eval(b.course.machine, ret->expr);
        if (v.type == EXPR_TEXT)
            v = expr_text(arena_dup(a, expr_slice(v)));
        ret->value = v;
        ret->reads = b.sensors;
        ret->reads_n = b.sensors_n;
        b.sensors = NULL;
    }
    machine_free(b.course.machine);
    free(b.sensors);
    free(b.counts);
}

/* ---- life ---- */

void rules_get_stats(const struct rules *r, struct rules_stats *ret)
{
    *ret = r->stats;
}

int rules_new(struct loop *l, struct core *c, struct alarms *alarms, struct rules **ret)
{
    struct rules *r = calloc(1, sizeof *r);
    int err = r && (r->texts = arena_new()) ? loop_timer_new(l, on_tick, r, &r->timer) : ERR_NOMEM;
    if (err) {
        if (r)
            arena_free(r->texts);
        free(r);
        return err;
    }
    r->loop = l;
    r->core = c;
    r->alarms = alarms;
    r->hook = (struct loop_hook){.fn = on_turn, .arg = r};
    r->tap = (struct core_tap){.on_reading = on_reading, .on_event = on_event, .arg = r};
    r->documents = (struct document_watch){
        .kind = DOCUMENT_RULE, .check = check, .put = put, .drop = drop, .arg = r};
    r->types = (struct document_watch){.kind = DOCUMENT_TYPE, .put = on_type, .arg = r};
    core_tap_add(c, &r->tap);
    documents_watch(core_access(c), &r->documents);
    documents_watch(core_access(c), &r->types);
    loop_timer_start(r->timer, TICK_MS, TICK_MS);
    *ret = r;
    return 0;
}

void rules_free(struct rules *r)
{
    if (!r)
        return;
    documents_unwatch(core_access(r->core), &r->types);
    documents_unwatch(core_access(r->core), &r->documents);
    core_tap_remove(r->core, &r->tap);
    loop_disarm(r->loop, &r->hook);
    loop_timer_free(r->timer);
    while (r->first)
        rule_free(r, r->first);
    for (size_t i = 0; i < r->by_series_n; i++)
        free(r->by_series[i].items);
    free(r->by_series);
    free(r->heap);
    arena_free(r->texts);
    free(r);
}
