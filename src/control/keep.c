/* keep.c - what goes to the catalog, and who hears when it is there.
 *
 * What is to be written in a turn of the loop becomes a batch, which is one transaction; while one
 * is under way the next collects.  A batch that fails (a full disk) is tried again each second,
 * with all that has come since behind it, in order. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "control/internal.h"
#include "store/events.h"

#include <stdio.h>
#include <stdlib.h>

enum { RETRY_US = 1000000, EXPIRE_EVERY_S = 600, EXPIRE_ROWS = 2000 };

static struct batch *next_batch(struct control *c)
{
    if (c->next)
        return c->next;
    struct arena *arena = arena_new();
    struct batch *b = arena ? arena_zalloc(arena, sizeof *b) : NULL;
    if (!b) {
        arena_free(arena);
        return NULL;
    }
    b->control = c;
    b->arena = arena;
    return c->next = b;
}

struct op *control_keep_step(struct control *c, const struct twin_command *command,
                             struct slice who)
{
    struct batch *b = c->stopped ? NULL : next_batch(c);
    struct op *op = b ? arena_zalloc(b->arena, sizeof *op) : NULL;
    if (!op)
        return NULL;
    op->c = *command;
    op->who = arena_dup(b->arena, who);
    if (!op->who.p || command_keep(b->arena, &op->c))
        return NULL;
    *(b->last ? &b->last->next : &b->first) = op;
    b->last = op;
    if (!c->running && !c->starting)
        loop_at_end(c->loop, &c->flush);
    return op;
}

static struct slice keep_text(struct control *c, struct slice s)
{
    struct slice copy = arena_dup(c->next->arena, s);
    return copy.p ? copy : SLICE_LIT("");
}

void control_keep_audit(struct control *c, struct op *op, const struct asker *by,
                        const char *operation)
{
    struct buf object = {0};
    struct audit_entry *e = &op->audit;
    access_audit_by(e, by, access_org(c->access, op->c.org));
    struct slice *const texts[] = {&e->org,     &e->who_kind, &e->who,     &e->who_name,
                                   &e->address, &e->via,      &e->request, &e->detail};
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
        *texts[t] = keep_text(c, *texts[t]);
    buf_addf(&object, "command:c-%lld %.*s of twin:%.*s", (long long)op->c.n, SLICE_ARG(op->c.name),
             SLICE_ARG(op->c.twin));
    e->operation = slice_str(operation);
    e->object = keep_text(c, buf_slice(&object));
    e->after = op->c.state == COMMAND_PENDING ? op->c.input : SLICE_LIT("");
    op->audited = true;
    buf_release(&object);
}

/* ---- on the catalog's thread ---- */

static int write_event(struct catalog *c, const struct op *op)
{
    char kind[32], id[32];
    struct buf what = {0};
    struct json_writer w;
    snprintf(kind, sizeof kind, "command.%s", command_state_name(op->c.state));
    snprintf(id, sizeof id, "c-%lld", (long long)op->c.n);
    json_writer_init(&w, &what, 0);
    json_open(&w, '{');
    json_key(&w, "command");
    json_put_cstr(&w, id);
    json_key(&w, "name");
    json_put_string(&w, op->c.name);
    if (op->c.late) {
        json_key(&w, "late");
        json_put_bool(&w, true);
    }
    json_close(&w, '}');
    const struct event e = {.at_us = op->c.changed_us,
                            .org = op->c.org,
                            .twin = op->c.twin,
                            .kind = slice_str(kind),
                            .what = buf_slice(&what)};
    int err = what.failed ? ERR_NOMEM : catalog_event_add(c, &e);
    buf_release(&what);
    return err;
}

static void write_work(void *arg)
{
    struct batch *b = arg;
    struct catalog *c = core_catalog(b->control->core);
    int err = c ? catalog_begin(c) : ERR_CANCELLED;
    b->err = err;
    if (err)
        return;
    for (const struct op *op = b->first; op && !err; op = op->next) {
        err = catalog_command_put(c, &op->c, op->who);
        if (!err)
            err = write_event(c, op);
        if (!err && op->audited)
            err = catalog_audit_add(c, &op->audit);
    }
    if (err)
        catalog_fail(c, err);
    b->err = catalog_commit(c);
}

/* ---- and back ---- */

static void tell(struct control *c, const struct op *op)
{
    for (struct control_watch *w = c->watches, *next; w; w = next) {
        next = w->next;
        w->on_step(w->arg, &op->c);
    }
}

static void write_done(void *arg);

static void submit(struct control *c, struct batch *b)
{
    b->job = (struct pool_job){.work = write_work, .done = write_done, .arg = b};
    pool_submit(core_writes(c->core), &b->job);
}

static void write_done(void *arg)
{
    struct batch *b = arg;
    struct control *c = b->control;
    if (b->err && !c->stopped) {
        if (!c->failing)
            log_error("control",
                      "what became of commands cannot be written, and is tried again each "
                      "second: %s",
                      err_info(b->err)->text);
        c->failing = true;
        c->retry_us = clock_mono_us() + RETRY_US;
        return;
    }
    if (c->failing && !b->err)
        log_info("control", "what became of commands can be written again");
    c->failing = false;
    for (const struct op *op = b->first; op; op = op->next) {
        if (op->done)
            op->done(op->arg, b->err, NULL, b->err ? NULL : &op->c);
        if (!b->err)
            tell(c, op);
    }
    if (c->running == b)
        c->running = NULL;
    arena_free(b->arena);
    if (c->next && !c->running && !c->stopped)
        loop_at_end(c->loop, &c->flush);
}

void control_keep_flush(void *arg)
{
    struct control *c = arg;
    if (c->running || !c->next || !core_writes(c->core))
        return;
    c->running = c->next;
    c->next = NULL;
    submit(c, c->running);
}

/* ---- what expires ---- */

struct expiry {
    struct pool_job job;
    struct control *control;
    int64_t before_us;
    size_t n;
    int err;
};

static void expire_work(void *arg)
{
    struct expiry *e = arg;
    struct catalog *c = core_catalog(e->control->core);
    int err = c ? catalog_begin(c) : ERR_CANCELLED;
    e->err = err;
    if (err)
        return;
    err = catalog_command_expire(c, e->before_us, EXPIRE_ROWS, &e->n);
    if (err)
        catalog_fail(c, err);
    e->err = catalog_commit(c);
}

static void expire_done(void *arg)
{
    struct expiry *e = arg;
    struct control *c = e->control;
    bool more = e->n == EXPIRE_ROWS && !e->err;
    c->expiring = false;
    c->expire_us = clock_mono_us() + (more ? 1 : EXPIRE_EVERY_S) * INT64_C(1000000);
    free(e);
}

static void expire_if_due(struct control *c, int64_t mono_us)
{
    if (!c->opts.retention_us || c->expiring || mono_us < c->expire_us || !core_writes(c->core))
        return;
    struct expiry *e = calloc(1, sizeof *e);
    if (!e)
        return;
    e->control = c;
    e->before_us = clock_now_us() - c->opts.retention_us;
    e->job = (struct pool_job){.work = expire_work, .done = expire_done, .arg = e};
    c->expiring = true;
    pool_submit(core_writes(c->core), &e->job);
}

void control_keep_tick(struct control *c)
{
    int64_t mono = clock_mono_us();
    if (c->failing && c->running && mono >= c->retry_us) {
        c->retry_us = INT64_MAX; /* until it has ended */
        submit(c, c->running);
    }
    expire_if_due(c, mono);
}

void control_keep_stop(struct control *c)
{
    struct batch *last = c->next;
    loop_disarm(c->loop, &c->flush);
    c->stopped = true;
    c->next = NULL;
    if (!core_writes(c->core))
        return;
    if (c->failing && c->running && c->retry_us != INT64_MAX)
        submit(c, c->running);
    if (last)
        submit(c, last); /* behind the one that is under way: the pool keeps the order */
}

void control_keep_free(struct control *c)
{
    if (c->next)
        arena_free(c->next->arena);
    if (c->running) /* it failed, and the end came before it could be tried again */
        arena_free(c->running->arena);
}
