/* graphql.c - what all of GraphQL shares: the schema, its limits, and the clock of those who wait.
 */
#include "api/graphql.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include <stdlib.h>

enum {
    TOKENS = 10000,
    DEPTH = 20,
    ALIASES = 200,
    COST = 50000,
    TIMEOUT_MS = 30000,
    INIT_MS = 10000,
    ANSWER_BYTES = 16 << 20,
    CELLS = 1000000,
    AT_ONCE = 100,
    TICK_MS = 500
};

static void on_timer(void *arg)
{
    struct graphql *g = arg;
    int64_t now = clock_mono_us();
    for (struct question *q = g->waiting; q; q = q->next)
        if (now > q->until_us)
            loop_at_end(g->api->loop, &q->hook); /* it finds that out itself */
    sockets_tick(g);
    if (!g->waiting && !g->sockets)
        loop_timer_stop(g->timer);
}

void graphql_tick(struct graphql *g)
{
    loop_timer_start(g->timer, TICK_MS, TICK_MS);
}

static void on_access(void *arg)
{
    sockets_judge(arg);
}

static int make_schema(struct graphql *g)
{
    struct gql_errors errors;
    gql_errors_init(&errors, g->arena);
    int err = gql_schema_new(g->arena, slice_str(graphql_sdl), &g->schema, &errors);
    for (const struct gql_error *e = errors.first; e; e = e->next)
        log_error("graphql", "the schema, line %u: %s", e->places_n ? e->places[0].line : 0,
                  e->message);
    return err ? err : ways_make(g);
}

static void set_limits(struct graphql *g)
{
    const struct api_opts *o = &g->api->opts;
    g->limits = (struct graphql_limits){.tokens = TOKENS,
                                        .depth = o->graphql_depth ? o->graphql_depth : DEPTH,
                                        .aliases = ALIASES,
                                        .cost = o->graphql_cost ? o->graphql_cost : COST,
                                        .timeout_ms = o->graphql_timeout_ms ? o->graphql_timeout_ms
                                                                            : TIMEOUT_MS,
                                        .init_ms = INIT_MS,
                                        .answer_bytes = ANSWER_BYTES,
                                        .cells = CELLS,
                                        .at_once = AT_ONCE};
}

int graphql_new(struct api *a, struct graphql **ret)
{
    struct graphql *g = calloc(1, sizeof *g);
    if (!g)
        return ERR_NOMEM;
    g->api = a;
    g->arena = arena_new();
    set_limits(g);
    int err = g->arena ? make_schema(g) : ERR_NOMEM;
    if (!err)
        err = persisted_new(a->opts.graphql_documents, &g->persisted);
    if (!err)
        err = prepareds_new(&g->prepareds);
    if (!err)
        err = loop_timer_new(a->loop, on_timer, g, &g->timer);
    if (!err)
        err = live_new(g, &g->live);
    g->watch = (struct access_watch){.on_change = on_access, .arg = g};
    access_watch_add(core_access(a->core), &g->watch);
    if (err)
        graphql_free(g);
    else
        *ret = g;
    return err;
}

void graphql_free(struct graphql *g)
{
    if (!g)
        return;
    access_watch_remove(core_access(g->api->core), &g->watch);
    live_free(g->live);
    loop_timer_free(g->timer);
    persisted_free(g->persisted);
    prepareds_free(g->prepareds);
    gql_schema_release(g->schema);
    arena_free(g->arena);
    free(g);
}
