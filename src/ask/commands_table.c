/* commands_table.c - commands to twins, newest first, of those that they may see. */
#include "ask/live.h"

#include "access/state.h"
#include "base/err.h"
#include "store/commands.h"

#include <stdio.h>

enum { LOOKED_MAX = 2000 }; /* rows that do not fit, before somebody may cancel */

enum {
    C_ID,
    C_TWIN,
    C_NAME,
    C_INPUT,
    C_WHO,
    C_CREATED,
    C_STATE,
    C_DELIVERED,
    C_ENDED,
    C_OUTPUT,
    C_ERROR
};

/* clang-format off */
static const struct ask_column columns[] = {
    COLUMN("id", "TEXT", "c- and a number"),
    COLUMN("twin", "TEXT", "the twin's id", .match = true, .rows = 0.01),
    COLUMN("name", "TEXT", "of the command", .match = true, .rows = 0.1),
    COLUMN("input", "json", ""),
    COLUMN("who", "TEXT", "person:p_1; NULL: the server"),
    COLUMN("created", "time", "", .time = true),
    COLUMN("state", "TEXT", "pending, delivered, accepted, done, failed, timed-out, expired or cancelled"),
    COLUMN("delivered", "time", ""),
    COLUMN("ended", "time", ""),
    COLUMN("output", "json", "what it came to"),
    COLUMN("error", "TEXT", "why it failed"),
    {0}};
/* clang-format on */

struct commands_walk {
    struct scan *s;
    size_t looked;
    char org[130], key[300];
    struct buf name;
    struct command_query query;
};

static double rows_of_commands(const struct core *core)
{
    (void)core;
    return 10000;
}

static int open_commands(struct scan *s)
{
    struct commands_walk *w = s->state;
    struct question *q = s->q;
    struct slice id = scan_eq(s, C_TWIN);
    int64_t to = s->at_us && s->at_us < s->to_us ? s->at_us + 1 : s->to_us;
    w->s = s;
    loop_enter(q->loop);
    snprintf(w->org, sizeof w->org, "%s", q->org ? org_slug(q->org) : "");
    loop_leave(q->loop);
    if (id.p)
        snprintf(w->key, sizeof w->key, "%s%.*s", q->prefix, id.n > 128 ? 128 : (int)id.n, id.p);
    s->done = !q->org || (scan_has(s, C_TWIN) && !id.p);
    w->query = (struct command_query){.org = slice_str(w->org),
                                      .twin = id.p ? slice_str(w->key) : (struct slice){0},
                                      .name = scan_eq(s, C_NAME),
                                      .from_us = s->from_us,
                                      .to_us = to == INT64_MAX ? 0 : to};
    return 0;
}

static void close_commands(struct scan *s)
{
    struct commands_walk *w = s->state;
    buf_release(&w->name);
}

static bool sees(struct commands_walk *w, const struct twin_command *c)
{
    struct question *q = w->s->q;
    loop_enter(q->loop);
    const struct access_object o = {
        .org = q->org, .twin = c->twin, .part = PART_COMMANDS, .name = c->name};
    bool may = question_may_go_on(q) && access_may(core_access(q->core), q->who, OP_TWIN_READ, &o);
    if (may)
        key_name(q, c->twin, &w->name);
    loop_leave(q->loop);
    return may;
}

static struct slice some(struct slice s)
{
    return s.n ? s : (struct slice){0};
}

/* AS OF a time before its newest step only what stays is known. */
static void put_command(struct scan *s, const struct twin_command *c, struct slice twin)
{
    char id[32];
    struct cell *row = scan_row(s);
    snprintf(id, sizeof id, "c-%lld", (long long)c->n);
    cell_text(s, row, C_ID, slice_str(id));
    cell_text(s, row, C_TWIN, twin);
    cell_text(s, row, C_NAME, c->name);
    cell_text(s, row, C_INPUT, some(c->input));
    cell_text(s, row, C_WHO, some(c->who));
    cell_time(s, row, C_CREATED, c->created_us);
    if (s->at_us && c->changed_us > s->at_us)
        return;
    cell_text(s, row, C_STATE, slice_str(command_state_name(c->state)));
    cell_time(s, row, C_DELIVERED, c->delivered_us);
    cell_time(s, row, C_ENDED, c->ended_us);
    cell_text(s, row, C_OUTPUT, some(c->output));
    cell_text(s, row, C_ERROR, some(c->error));
}

static int on_command(void *arg, const struct twin_command *c)
{
    struct commands_walk *w = arg;
    struct scan *s = w->s;
    w->query.before_n = c->n;
    if (sees(w, c))
        put_command(s, c, buf_slice(&w->name));
    return s->q->err || scan_full(s) || ++w->looked >= LOOKED_MAX;
}

static int fill_commands(struct scan *s)
{
    struct commands_walk *w = s->state;
    w->looked = 0;
    int code = catalog_command_each(s->q->catalog, &w->query, on_command, w);
    if (code < 0)
        return question_fail(s->q, code, NULL);
    s->done = !code;
    return s->q->err;
}

const struct ask_table table_commands = {.name = "commands",
                                         .text = "commands to twins, newest first",
                                         .columns = columns,
                                         .state = sizeof(struct commands_walk),
                                         .rows = rows_of_commands,
                                         .open = open_commands,
                                         .fill = fill_commands,
                                         .close = close_commands};
