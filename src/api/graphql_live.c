/* graphql_live.c - what subscriptions wait for: readings, steps of alarms, what happens to twins.
 *
 * A reading costs a look into a map where anybody subscribes to readings at all, and nothing where
 * nobody does.  Each event is judged by what whoever listens may see when it happens. */
#include "alarms/alarms.h"
#include "api/graphql.h"
#include "base/err.h"

#include <stdlib.h>

enum live_kind { LIVE_READINGS, LIVE_TWINS, LIVE_ALARMS, LIVE_KINDS };

struct listener {
    struct live *live;
    struct gql_asker by;
    const char *twin; /* its key; NULL: all of them */
    struct slice *sensors;
    size_t sensors_n;
    enum live_kind kind;
    void (*on_event)(void *arg, struct slice root);
    void *arg;
    struct listener *next; /* with the same twin */
    struct chain *in;
    char text[]; /* the twin's key */
};

struct chain {
    char *twin; /* NULL: of all */
    struct listener *first;
};

struct live {
    struct graphql *g;
    struct core_tap tap;
    struct alarms_watch alarms;
    struct map by_twin; /* struct chain */
    struct chain everywhere;
    size_t n[LIVE_KINDS]; /* listeners of each kind */
};

/* ---- telling ---- */

static void put_id(struct json_writer *w, const struct listener *n, const struct twin *t)
{
    struct buf id = {0};
    access_put_id(core_access(n->live->g->api->core), n->by.who, slice_str(t->key), &id);
    json_key(w, "twin");
    json_put_string(w, buf_slice(&id));
    w->out->failed |= id.failed;
    buf_release(&id);
}

static void tell(struct listener *n, struct buf *b)
{
    if (!b->failed)
        n->on_event(n->arg, buf_slice(b));
    buf_release(b);
}

static bool wants_sensor(const struct listener *n, const struct sensor *s)
{
    for (size_t i = 0; i < n->sensors_n; i++)
        if (slice_is(n->sensors[i], s->id))
            return true;
    return !n->sensors;
}

static void tell_reading(struct listener *n, const struct sensor *s, const struct reading *r)
{
    static const char *const levels[] = {"unknown", "normal", "warning", "critical"};
    struct buf b = {0};
    struct json_writer w;
    if (n->kind != LIVE_READINGS || !wants_sensor(n, s) ||
        !core_may(n->live->g->api->core, n->by.who, OP_DATA_READ, s))
        return;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "readings");
    json_open(&w, '{');
    put_id(&w, n, s->twin);
    put_text(&w, "sensor", s->id);
    json_key(&w, "value");
    json_put_value(&w, r->value);
    json_key(&w, "t");
    json_put_time_ms(&w, r->t_us);
    put_text(&w, "quality", quality_name(r->quality));
    put_text(&w, "level", levels[s->level + 1]);
    json_close(&w, '}');
    json_close(&w, '}');
    tell(n, &b);
}

static void on_reading(void *arg, struct sensor *s, const struct reading *r)
{
    struct live *l = arg;
    if (!l->n[LIVE_READINGS])
        return;
    const struct chain *c = map_get(&l->by_twin, slice_str(s->twin->key));
    for (struct listener *n = c ? c->first : NULL, *next; n; n = next) {
        next = n->next;
        tell_reading(n, s, r);
    }
    for (struct listener *n = l->everywhere.first, *next; n; n = next) {
        next = n->next;
        if (s->twin->org == n->by.who->org)
            tell_reading(n, s, r);
    }
}

static void tell_twin(struct listener *n, const struct core_event *e)
{
    static const char *const names[] = {"created", "changed", "deleted", "state"};
    const struct access_object o = twin_object(e->twin);
    struct buf b = {0};
    struct json_writer w;
    if (n->kind != LIVE_TWINS ||
        !access_may(core_access(n->live->g->api->core), n->by.who, OP_TWIN_READ, &o))
        return;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "twinEvents");
    json_open(&w, '{');
    put_text(&w, "event", names[e->kind]);
    put_id(&w, n, e->twin);
    put_text(&w, "state", state_name(e->twin->state));
    json_close(&w, '}');
    json_close(&w, '}');
    tell(n, &b);
}

static void on_event(void *arg, const struct core_event *e)
{
    struct live *l = arg;
    if (!l->n[LIVE_TWINS] || !e->twin || e->kind > EVENT_STATE)
        return;
    const struct chain *c = map_get(&l->by_twin, slice_str(e->twin->key));
    for (struct listener *n = c ? c->first : NULL, *next; n; n = next) {
        next = n->next;
        tell_twin(n, e);
    }
    for (struct listener *n = l->everywhere.first, *next; n; n = next) {
        next = n->next;
        if (e->twin->org == n->by.who->org)
            tell_twin(n, e);
    }
}

static void tell_alarm(struct listener *n, const struct alarm *alarm, enum alarm_step step)
{
    const struct alarms *all = n->live->g->api->alarms;
    struct buf b = {0};
    struct json_writer w;
    if (n->kind != LIVE_ALARMS || !alarm_may(all, n->by.who, OP_ALARMS_READ, alarm))
        return;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "alarms");
    json_open(&w, '{');
    put_text(&w, "step", alarm_step_name(step));
    json_key(&w, "alarm");
    alarm_write(&w, all, n->by.who, alarm);
    json_close(&w, '}');
    json_close(&w, '}');
    tell(n, &b);
}

static void on_alarm(void *arg, const struct alarm *alarm, enum alarm_step step)
{
    struct live *l = arg;
    if (!l->n[LIVE_ALARMS] || alarm->group) /* a flood tells of those of its group */
        return;
    const struct chain *c = alarm->twin.n ? map_get(&l->by_twin, alarm->twin) : NULL;
    for (struct listener *n = c ? c->first : NULL, *next; n; n = next) {
        next = n->next;
        tell_alarm(n, alarm, step);
    }
    for (struct listener *n = l->everywhere.first, *next; n; n = next) {
        next = n->next;
        tell_alarm(n, alarm, step);
    }
}

/* ---- listening ---- */

static const struct gql_node *fragment(const struct question *q, struct slice name)
{
    const struct gql_node *n = q->doc->first;
    while (n && (n->kind != GQL_FRAGMENT || !slice_eq(n->name, name)))
        n = n->next;
    return n;
}

/* The one field of a valid subscription. */
static const struct gql_node *root_field(const struct question *q, const struct gql_node *node)
{
    const struct gql_node *found = NULL;
    for (const struct gql_node *n = node->kids; n && !found; n = n->next) {
        if (!gql_is_included(n, q->variables))
            continue;
        const struct gql_node *f = n->kind == GQL_SPREAD ? fragment(q, n->name) : n;
        found = n->kind == GQL_FIELD ? n : f ? root_field(q, f) : NULL;
    }
    return found;
}

static void refuse(struct question *q, const char *code, const char *message)
{
    struct gql_error *e = arena_zalloc(q->arena, sizeof *e);
    if (!e)
        return;
    *e = (struct gql_error){.rule = code, .message = message};
    *q->errors.last = e;
    q->errors.last = &e->next;
    q->errors.n++;
}

static struct chain *chain_of(struct live *l, const char *key)
{
    if (!key)
        return &l->everywhere;
    struct chain *c = map_get(&l->by_twin, slice_str(key));
    if (c)
        return c;
    c = calloc(1, sizeof *c);
    if (!c || !(c->twin = strdup(key)) || map_put(&l->by_twin, slice_str(c->twin), c, NULL)) {
        free(c ? c->twin : NULL);
        free(c);
        return NULL;
    }
    return c;
}

static bool take_sensors(struct listener *n, struct question *q, const struct jval *ids)
{
    if (!ids || ids->type != J_ARRAY)
        return true;
    n->sensors = arena_alloc(q->arena, (ids->count + 1) * sizeof *n->sensors);
    for (const struct jval *v = ids->first; v && n->sensors; v = v->next)
        n->sensors[n->sensors_n++] = v->text;
    return n->sensors;
}

static enum live_kind kind_of(struct slice field)
{
    return slice_is(field, "readings") ? LIVE_READINGS
           : slice_is(field, "alarms") ? LIVE_ALARMS
                                       : LIVE_TWINS;
}

static struct listener *listener_new(struct live *l, struct question *q, const struct gql_node *f,
                                     const struct jval *args)
{
    static const enum access_op ops[] = {OP_DATA_READ, OP_TWIN_READ, OP_ALARMS_READ};
    struct slice id = jval_string(jval_get(args, "twin"));
    struct twin *t = NULL;
    int err = id.p ? core_find(l->g->api->core, q->by.who, id, ops[kind_of(f->name)], &t) : 0;
    if (err) {
        refuse(q, err == ERR_FORBIDDEN ? "forbidden" : "not-found",
               err == ERR_FORBIDDEN ? "That is not allowed." : "There is no such twin.");
        return NULL;
    }
    if (q->by.who->kind == WHO_ANONYMOUS && !q->by.who->everything && !id.p) {
        refuse(q, "Introspection", "Sign in, or send a token with connection_init.");
        return NULL;
    }
    size_t n = t ? strlen(t->key) + 1 : 0;
    struct listener *one = calloc(1, sizeof *one + n);
    if (!one)
        return NULL;
    if (t) {
        memcpy(one->text, t->key, n);
        one->twin = one->text;
    }
    one->live = l;
    one->by = q->by;
    one->kind = kind_of(f->name);
    one->in = chain_of(l, one->twin);
    if (!one->in || !take_sensors(one, q, jval_get(args, "sensors"))) {
        free(one);
        return NULL;
    }
    return one;
}

struct listener *live_listen(struct live *l, struct question *q,
                             void (*on_heard)(void *arg, struct slice root), void *arg)
{
    const struct gql_node *f = root_field(q, q->operation), *at;
    const struct gql_field *field =
        f ? gql_field(gql_root(l->g->schema, GQL_SUBSCRIPTION), f->name) : NULL;
    struct jval *args = NULL;
    const char *why = NULL;
    if (!field) {
        refuse(q, "Request", "The subscription asks for nothing.");
        return NULL;
    }
    if (gql_arguments(q->arena, field->args, field->args_n, f, q->variables, &args, &why, &at)) {
        refuse(q, "VariableValues", why ? why : "The server is out of memory.");
        return NULL;
    }
    struct listener *n = listener_new(l, q, f, args);
    if (!n) {
        if (!q->errors.first)
            refuse(q, "Memory", "The server is out of memory.");
        return NULL;
    }
    n->on_event = on_heard;
    n->arg = arg;
    n->next = n->in->first;
    n->in->first = n;
    l->n[n->kind]++;
    return n;
}

void live_leave(struct listener *n)
{
    if (!n)
        return;
    struct live *l = n->live;
    struct chain *c = n->in;
    struct listener **at = &c->first;
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    l->n[n->kind]--;
    if (!c->first && c->twin) {
        map_remove(&l->by_twin, slice_str(c->twin));
        free(c->twin);
        free(c);
    }
    free(n);
}

int live_new(struct graphql *g, struct live **ret)
{
    struct live *l = calloc(1, sizeof *l);
    if (!l)
        return ERR_NOMEM;
    l->g = g;
    l->tap = (struct core_tap){.on_reading = on_reading, .on_event = on_event, .arg = l};
    core_tap_add(g->api->core, &l->tap);
    l->alarms = (struct alarms_watch){.on_step = on_alarm, .arg = l};
    if (g->api->alarms)
        alarms_watch_add(g->api->alarms, &l->alarms);
    *ret = l;
    return 0;
}

void live_free(struct live *l)
{
    if (!l)
        return;
    core_tap_remove(l->g->api->core, &l->tap);
    if (l->g->api->alarms)
        alarms_watch_remove(l->g->api->alarms, &l->alarms);
    map_release(&l->by_twin);
    free(l);
}
