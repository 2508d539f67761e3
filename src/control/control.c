/* control.c - beginning and end, what is asked and who may, and how it looks outside. */
#include "access/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/json_schema.h"
#include "control/internal.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- asking ---- */

/* An ask whose twin's profile is being read. */
struct sending {
    struct control *control;
    struct arena *arena; /* this too */
    struct twin_command c;
    struct slice id; /* of the twin, as its key */
    struct principal *who;
    struct asker by;
    int64_t timeout_us, expires_in_us;
    command_done_fn *done;
    void *arg;
};

static void sending_end(struct sending *s, int err, const char *why)
{
    s->done(s->arg, err, why, NULL);
    principal_unref(s->who);
    arena_free(s->arena);
}

/* The input that is meant when none is said: {}, unless only null will do. */
static const char *judge_input(struct sending *s, const struct definition *d, int *ret_err)
{
    static const char *const nothing[] = {"{}", "null"};
    struct json_schema_error first = {"", ""}, e = first;
    struct jval *v = NULL;
    bool said = s->c.input.n;
    *ret_err = ERR_INVALID;
    for (int i = 0; i < (said ? 1 : 2) && *ret_err; i++) {
        struct slice text = said ? s->c.input : slice_str(nothing[i]);
        if (jdoc_parse(s->arena, text, &v, NULL))
            return "The input is not JSON.";
        *ret_err = d->input ? json_schema_check(s->arena, d->input, &e) : 0;
        if (*ret_err) {
            *ret_err = ERR_INVALID;
            return arena_printf(s->arena, "The profile's schema of the input is at fault at %s: %s",
                                e.pointer, e.message);
        }
        *ret_err = d->input ? json_schema_judge(s->arena, d->input, v, &e) : 0;
        if (!i)
            first = e;
        if (!*ret_err)
            s->c.input = arena_dup(s->arena, text);
    }
    if (!*ret_err)
        return NULL;
    return arena_printf(s->arena, "The input%s%s: %s", first.pointer[0] ? " at " : "",
                        first.pointer, first.message);
}

static void take(struct sending *s, const struct definition *d)
{
    struct control *c = s->control;
    struct queue *q = map_get(&c->queues, s->c.twin);
    if (q && q->n >= c->opts.queue) {
        sending_end(s, ERR_OVERLOAD,
                    "Too many commands wait for this twin: cancel some, or wait until its device "
                    "takes them.");
        return;
    }
    if (c->items_n >= COMMANDS_ALL_MAX) {
        sending_end(s, ERR_OVERLOAD, "Too many commands wait for devices.");
        return;
    }
    s->c.n = ++c->last_n;
    s->c.state = COMMAND_PENDING;
    s->c.created_us = s->c.changed_us = clock_now_us();
    s->c.timeout_us = s->timeout_us ? s->timeout_us : d->timeout_us;
    int64_t wait = s->expires_in_us ? s->expires_in_us : d->expires_us;
    s->c.expires_us = s->c.created_us + (wait > INT64_MAX / 4 ? INT64_MAX / 4 : wait);
    struct item *i = control_life_add(c, &s->c);
    struct op *op = i ? control_keep_step(c, &i->c, s->c.who) : NULL;
    if (!op) {
        if (i)
            control_life_end(c, i);
        sending_end(s, c->stopped ? ERR_CANCELLED : ERR_NOMEM, NULL);
        return;
    }
    control_life_plan(i, s->c.created_us, clock_mono_us());
    control_keep_audit(c, op, &s->by, "commands:send");
    op->done = s->done;
    op->arg = s->arg;
    principal_unref(s->who);
    arena_free(s->arena);
}

static void on_profile(void *arg, const struct twin_result *r)
{
    struct sending *s = arg;
    struct definition d;
    struct jval *root = NULL;
    int err = r->err;
    if (s->control->stopped)
        err = ERR_CANCELLED;
    if (!err)
        err = jdoc_parse(s->arena, r->profile, &root, NULL);
    if (err) {
        sending_end(s, err, NULL);
        return;
    }
    if (control_define(root, s->c.name, &d)) {
        sending_end(s, ERR_NOT_FOUND,
                    arena_printf(s->arena,
                                 "The twin has no command \"%.*s\": its profile lists "
                                 "them in doppel:commands.",
                                 s->c.name.n > 128 ? 128 : (int)s->c.name.n, s->c.name.p));
        return;
    }
    const char *why = judge_input(s, &d, &err);
    if (err)
        sending_end(s, err, why);
    else
        take(s, &d);
}

static const char *keep_str(struct arena *a, const char *s)
{
    return s ? arena_strndup(a, s, strlen(s)) : "";
}

static struct sending *sending_new(struct control *c, const struct asker *by,
                                   const struct command_ask *ask, const struct twin *t)
{
    struct arena *arena = arena_new();
    struct sending *s = arena ? arena_zalloc(arena, sizeof *s) : NULL;
    struct buf who = {0};
    if (!s)
        return NULL;
    access_put_subject(by->who, &who);
    *s = (struct sending){.control = c,
                          .arena = arena,
                          .timeout_us = ask->timeout_us,
                          .expires_in_us = ask->expires_in_us,
                          .by = {.who = by->who,
                                 .from = {.via = by->from.via,
                                          .address = keep_str(arena, by->from.address),
                                          .request = keep_str(arena, by->from.request),
                                          .agent = "",
                                          .reason = keep_str(arena, by->from.reason)}}};
    s->c = (struct twin_command){.org = slice_str(org_slug(t->org)),
                                 .twin = slice_str(t->key),
                                 .name = ask->name,
                                 .input = ask->input,
                                 .who = buf_slice(&who),
                                 .who_name = slice_str(by->who->name),
                                 .reason = slice_str(s->by.from.reason),
                                 .reply = ask->reply};
    bool good = !command_keep(arena, &s->c) && !who.failed;
    buf_release(&who);
    if (good)
        return s;
    arena_free(arena);
    return NULL;
}

void control_send(struct control *c, const struct asker *by, const struct command_ask *ask,
                  command_done_fn *done, void *arg)
{
    struct twin *t = NULL;
    struct sending *s = NULL;
    int err = c->stopped ? ERR_CANCELLED : core_find(c->core, by->who, ask->twin, OP_TWIN_READ, &t);
    if (err == ERR_FORBIDDEN && t)
        err = 0; /* who may only send commands need not see all of it */
    if (!err) {
        const struct access_object o = {
            .org = t->org, .twin = slice_str(t->key), .part = PART_COMMANDS, .name = ask->name};
        if (!access_may(c->access, by->who, OP_COMMANDS_SEND, &o))
            err = ERR_FORBIDDEN;
        else if (ask->input.n > COMMAND_INPUT_MAX)
            err = ERR_TOO_LARGE;
        else if (!(s = sending_new(c, by, ask, t)))
            err = ERR_NOMEM;
    }
    if (err) {
        done(arg, err,
             err == ERR_TOO_LARGE ? "The input of a command has at most 65536 bytes." : NULL, NULL);
        return;
    }
    s->who = principal_ref(by->who);
    s->done = done;
    s->arg = arg;
    const struct asker system = core_system(c->core);
    core_twin_get(c->core, &system, s->c.twin, on_profile, s);
}

/* ---- what becomes of it ---- */

static const struct {
    const char *operation; /* in the audit log; NULL: none, the command's steps tell */
    enum access_op op;
} deeds[] = {
    [DEED_DELIVER] = {NULL, OP_COMMANDS_RECEIVE},
    [DEED_ACCEPT] = {"commands:accept", OP_COMMANDS_RECEIVE},
    [DEED_FINISH] = {"commands:result", OP_COMMANDS_RECEIVE},
    [DEED_FAIL] = {"commands:result", OP_COMMANDS_RECEIVE},
    [DEED_CANCEL] = {"commands:cancel", OP_COMMANDS_SEND},
};

/* A deed on a command that is not open (any more): its row is read first. */
struct looking {
    struct control *control;
    struct arena *arena; /* this too */
    struct pool_job job;
    struct command_act act;
    struct twin_command c;
    struct principal *who;
    int err;
    command_done_fn *done;
    void *arg;
};

static void look_work(void *arg)
{
    struct looking *l = arg;
    struct catalog *c = core_catalog(l->control->core);
    l->err = c ? catalog_command_get(c, l->act.n, l->arena, &l->c) : ERR_CANCELLED;
}

static const char *no_more(struct arena *a, const struct twin_command *c)
{
    return arena_printf(a, "The command is %s: that cannot be done to it any more.",
                        command_state_name(c->state));
}

/* The first result after the timeout is kept with it. */
static bool keep_late(struct looking *l)
{
    struct buf who = {0};
    if (l->c.state != COMMAND_TIMED_OUT || l->c.late ||
        (l->act.deed != DEED_FINISH && l->act.deed != DEED_FAIL))
        return false;
    l->c.late = true;
    l->c.changed_us = clock_now_us();
    l->c.output = l->act.output;
    l->c.error = l->act.error;
    access_put_subject(l->who, &who);
    struct op *op = control_keep_step(l->control, &l->c, buf_slice(&who));
    buf_release(&who);
    if (!op)
        return false;
    op->done = l->done;
    op->arg = l->arg;
    return true;
}

static void look_done(void *arg)
{
    struct looking *l = arg;
    struct control *c = l->control;
    bool same, told = false;
    int err = l->err;
    if (!err && !command_may(c, l->who, OP_TWIN_READ, &l->c) &&
        !command_may(c, l->who, deeds[l->act.deed].op, &l->c))
        err = ERR_NOT_FOUND;
    else if (!err && !command_may(c, l->who, deeds[l->act.deed].op, &l->c))
        err = ERR_FORBIDDEN;
    if (!err && command_after(l->c.state, l->act.deed, &same) < 0)
        err = ERR_CONFLICT;
    if (!err)
        told = keep_late(l);
    if (!told)
        l->done(l->arg, err, err == ERR_CONFLICT ? no_more(l->arena, &l->c) : NULL,
                err ? NULL : &l->c);
    principal_unref(l->who);
    arena_free(l->arena);
}

static void look(struct control *c, const struct asker *by, const struct command_act *act,
                 command_done_fn *done, void *arg)
{
    struct arena *arena = arena_new();
    struct looking *l = arena ? arena_zalloc(arena, sizeof *l) : NULL;
    if (!l || !core_reads(c->core)) {
        arena_free(arena);
        done(arg, l ? ERR_CANCELLED : ERR_NOMEM, NULL, NULL);
        return;
    }
    *l = (struct looking){.control = c,
                          .arena = arena,
                          .act = *act,
                          .who = principal_ref(by->who),
                          .done = done,
                          .arg = arg};
    l->act.output = arena_dup(arena, act->output);
    l->act.error = arena_dup(arena, act->error);
    l->job = (struct pool_job){.work = look_work, .done = look_done, .arg = l};
    pool_submit(core_reads(c->core), &l->job);
}

static void step_on(struct twin_command *next, enum command_state state,
                    const struct command_act *act)
{
    int64_t now = clock_now_us();
    next->state = state;
    next->changed_us = now;
    if (!next->delivered_us && state != COMMAND_CANCELLED)
        next->delivered_us = now;
    if (state == COMMAND_ACCEPTED)
        next->accepted_us = now;
    if (!command_is_open(state))
        next->ended_us = now;
    if (act->deed == DEED_FINISH)
        next->output = act->output;
    if (act->deed == DEED_FAIL)
        next->error = act->error;
}

static void do_it(struct control *c, const struct asker *by, struct item *i,
                  const struct command_act *act, command_done_fn *done, void *arg)
{
    bool same;
    int state = command_after(i->c.state, act->deed, &same);
    if (state < 0 || same) {
        char why[128];
        snprintf(why, sizeof why, "The command is %s: that cannot be done to it any more.",
                 command_state_name(i->c.state));
        done(arg, state < 0 ? ERR_CONFLICT : 0, state < 0 ? why : NULL, state < 0 ? NULL : &i->c);
        return;
    }
    struct twin_command next = i->c;
    struct buf who = {0};
    bool first = !i->c.delivered_us;
    step_on(&next, (enum command_state)state, act);
    access_put_subject(by->who, &who);
    struct op *op = control_keep_step(c, &next, buf_slice(&who));
    buf_release(&who);
    if (!op) {
        done(arg, c->stopped ? ERR_CANCELLED : ERR_NOMEM, NULL, NULL);
        return;
    }
    if (deeds[act->deed].operation)
        control_keep_audit(c, op, by, deeds[act->deed].operation);
    op->done = done;
    op->arg = arg;
    if (!command_is_open(next.state)) {
        control_life_end(c, i);
        return;
    }
    i->c = next; /* its texts are the item's still: only what ends has others */
    if (first)
        control_life_plan(i, next.changed_us, clock_mono_us());
}

static const char *refuse(const struct command_act *act, int *ret_err)
{
    struct arena *a = arena_new();
    struct jval *v;
    *ret_err = !a ? ERR_NOMEM : 0;
    if (a && (act->output.n > COMMAND_INPUT_MAX || act->error.n > COMMAND_ERROR_MAX))
        *ret_err = ERR_TOO_LARGE;
    else if (a && act->output.n && jdoc_parse(a, act->output, &v, NULL))
        *ret_err = ERR_INVALID;
    arena_free(a);
    return *ret_err == ERR_TOO_LARGE
               ? "The output of a command has at most 65536 bytes, its error at most 2000."
           : *ret_err == ERR_INVALID ? "The output is not JSON."
                                     : NULL;
}

void control_act(struct control *c, const struct asker *by, const struct command_act *act,
                 command_done_fn *done, void *arg)
{
    int err = c->stopped ? ERR_CANCELLED : 0;
    const char *why = NULL;
    struct item *i = err ? NULL : control_life_find(c, act->n);
    if (!err && !i) {
        look(c, by, act, done, arg);
        return;
    }
    if (!err && !command_may(c, by->who, deeds[act->deed].op, &i->c))
        err = command_may(c, by->who, OP_TWIN_READ, &i->c) ? ERR_FORBIDDEN : ERR_NOT_FOUND;
    if (!err)
        why = refuse(act, &err);
    if (err)
        done(arg, err, why, NULL);
    else
        do_it(c, by, i, act, done, arg);
}

/* ---- those that are open ---- */

const struct twin_command *control_find(const struct control *c, int64_t n)
{
    const struct item *i = control_life_find(c, n);
    return i ? &i->c : NULL;
}

const struct twin_command *control_next(const struct control *c, struct slice key, int64_t after)
{
    const struct queue *q = map_get(&c->queues, key);
    for (const struct item *i = q ? q->first : NULL; i; i = i->next)
        if (i->c.n > after && i->c.state < COMMAND_ACCEPTED)
            return &i->c;
    return NULL;
}

size_t control_open(const struct control *c)
{
    return c->items_n;
}

bool command_number(struct slice id, int64_t *ret_n)
{
    return slice_starts(id, "c-") && id.n > 2 && id.p[2] != '-' && id.p[2] != '+' &&
           !slice_to_i64(slice_skip(id, 2), ret_n) && *ret_n > 0;
}

void command_put_id(struct buf *out, int64_t n)
{
    buf_addf(out, "c-%lld", (long long)n);
}

bool command_may(const struct control *c, const struct principal *who, enum access_op op,
                 const struct twin_command *command)
{
    const struct access_object o = {.org = access_org(c->access, command->org),
                                    .twin = command->twin,
                                    .part = PART_COMMANDS,
                                    .name = command->name};
    return o.org && access_may(c->access, who, op, &o);
}

/* ---- how it looks ---- */

static void put_id(struct json_writer *w, const char *key, int64_t n)
{
    char text[32];
    snprintf(text, sizeof text, "c-%lld", (long long)n);
    json_key(w, key);
    json_put_cstr(w, text);
}

static void put_text(struct json_writer *w, const char *key, struct slice s)
{
    if (!s.n)
        return;
    json_key(w, key);
    json_put_string(w, s);
}

static void put_raw(struct json_writer *w, const char *key, struct slice s)
{
    if (!s.n)
        return;
    json_key(w, key);
    json_put_raw(w, s);
}

static void put_time(struct json_writer *w, const char *key, int64_t t_us)
{
    if (!t_us)
        return;
    json_key(w, key);
    json_put_time(w, t_us);
}

void command_write_request(struct json_writer *w, const struct twin_command *command)
{
    json_open(w, '{');
    put_id(w, "id", command->n);
    put_text(w, "name", command->name);
    put_raw(w, "input", command->input);
    put_time(w, "created", command->created_us);
    put_time(w, "expires", command->expires_us);
    json_key(w, "timeout");
    json_put_double(w, (double)command->timeout_us / 1e6);
    json_close(w, '}');
}

void command_write(struct json_writer *w, const struct control *c, const struct principal *reader,
                   const struct twin_command *command)
{
    struct buf id = {0};
    json_open(w, '{');
    put_id(w, "id", command->n);
    if (reader)
        access_put_id(c->access, reader, command->twin, &id);
    else
        buf_add_slice(&id, slice_skip(command->twin, access_key_prefix(command->twin)));
    put_text(w, "twin", buf_slice(&id));
    w->out->failed |= id.failed;
    buf_release(&id);
    put_text(w, "name", command->name);
    json_key(w, "state");
    json_put_cstr(w, command_state_name(command->state));
    put_raw(w, "input", command->input);
    put_raw(w, "output", command->output);
    put_text(w, "error", command->error);
    json_key(w, "late");
    json_put_bool(w, command->late);
    put_text(w, "who", command->who);
    put_text(w, "whoName", command->who_name);
    put_text(w, "reason", command->reason);
    put_time(w, "created", command->created_us);
    put_time(w, "changed", command->changed_us);
    put_time(w, "expires", command->expires_us);
    json_key(w, "timeout");
    json_put_double(w, (double)command->timeout_us / 1e6);
    put_time(w, "delivered", command->delivered_us);
    put_time(w, "accepted", command->accepted_us);
    put_time(w, "ended", command->ended_us);
    json_close(w, '}');
}

/* ---- who looks on ---- */

void control_watch_add(struct control *c, struct control_watch *w)
{
    w->next = c->watches;
    c->watches = w;
}

void control_watch_remove(struct control *c, struct control_watch *w)
{
    for (struct control_watch **at = &c->watches; *at; at = &(*at)->next) {
        if (*at == w) {
            *at = w->next;
            return;
        }
    }
}

/* ---- life ---- */

static void on_tick(void *arg)
{
    struct control *c = arg;
    control_life_tick(c);
    control_keep_tick(c);
}

static void on_event(void *arg, const struct core_event *e)
{
    if (e->kind == EVENT_TWIN_DELETED)
        control_life_twin_gone(arg, slice_str(e->twin->key));
}

static int on_loaded(void *arg, const struct twin_command *from)
{
    struct control *c = arg;
    struct item *i = control_life_add(c, from);
    if (!i)
        return ERR_NOMEM;
    control_life_plan(i, clock_now_us(), clock_mono_us());
    return 0;
}

static int load(struct control *c)
{
    struct catalog *catalog = core_catalog(c->core);
    const struct command_query q = {.states = 1U << COMMAND_PENDING | 1U << COMMAND_DELIVERED |
                                              1U << COMMAND_ACCEPTED};
    c->last_n = catalog_command_last(catalog);
    return catalog_command_each(catalog, &q, on_loaded, c);
}

/* Those whose twins have gone while nobody looked. */
static void sweep(struct control *c)
{
    for (size_t k = c->items_n; k-- > 0;)
        if (k < c->items_n && !core_twin(c->core, c->items[k]->c.twin))
            control_life_twin_gone(c, c->items[k]->c.twin);
}

int control_new(struct loop *l, struct core *core, const struct control_opts *opts,
                struct control **ret)
{
    struct control *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    c->loop = l;
    c->core = core;
    c->access = core_access(core);
    c->opts = *opts;
    if (!c->opts.queue)
        c->opts.queue = COMMANDS_OPEN_MAX;
    c->flush = (struct loop_hook){.fn = control_keep_flush, .arg = c};
    int err = loop_timer_new(l, on_tick, c, &c->tick);
    if (!err)
        err = load(c);
    if (err) {
        control_free(c);
        return err;
    }
    sweep(c);
    c->tap = (struct core_tap){.on_event = on_event, .arg = c};
    core_tap_add(core, &c->tap);
    loop_timer_start(c->tick, TICK_MS, TICK_MS);
    *ret = c;
    return 0;
}

void control_stop(struct control *c)
{
    if (!c || c->stopped)
        return;
    loop_timer_stop(c->tick);
    core_tap_remove(c->core, &c->tap);
    control_keep_stop(c);
}

void control_free(struct control *c)
{
    if (!c)
        return;
    loop_disarm(c->loop, &c->flush);
    loop_timer_free(c->tick);
    control_keep_free(c);
    control_life_free(c);
    free(c);
}
