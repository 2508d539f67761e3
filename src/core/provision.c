/* provision.c - what is wanted, what may be made of it, and making it.
 *
 * What a grant allows is taken from it when the making begins and given back for whatever was not
 * made after all, because it failed or because somebody else was first. */
#include "core/provision.h"
#include "base/clock.h"
#include "base/err.h"
#include "core/internal.h"

#define MINUTE_US INT64_C(60000000)

struct want_sensor {
    struct provision_sensor spec;
    struct want_sensor *next;
    bool asked; /* it goes to the catalog */
    int err;
    const char *detail;
};

struct want {
    struct provision *owner;
    struct provision_twin twin;
    struct want_sensor *first, **last;
    struct want *next;
    bool is_new;  /* the twin was not there when this began */
    size_t asked; /* sensors that go to the catalog */
    int err;      /* of the twin as a whole */
    const char *detail;
};

struct provision {
    struct core *core;
    struct asker by;
    struct provision_grant *grant;
    struct arena *arena;      /* all of it */
    struct map twins, things; /* by twin; by twin and sensor with a NUL between */
    struct want *first, **last;
    size_t wants, pending;
    bool failed; /* memory ran out */
    provision_done_fn *done;
    void *arg;
};

struct provision *provision_begin(struct core *c, const struct asker *by,
                                  struct provision_grant *grant)
{
    struct arena *a = arena_new();
    struct provision *p = a ? arena_zalloc(a, sizeof *p) : NULL;
    if (!p) {
        arena_free(a);
        return NULL;
    }
    *p = (struct provision){.core = c, .by = *by, .grant = grant, .arena = a};
    p->by.from = (struct origin){.via = by->from.via, .address = "", .request = "", .agent = ""};
    const char *address = by->from.address;
    if (address && (address = arena_strndup(a, address, strlen(address))))
        p->by.from.address = address;
    p->last = &p->first;
    return p;
}

void provision_free(struct provision *p)
{
    if (!p)
        return;
    map_release(&p->twins);
    map_release(&p->things);
    arena_free(p->arena);
}

size_t provision_wants(const struct provision *p)
{
    return p->wants;
}

/* ---- collecting ---- */

static bool copy(struct provision *p, struct slice *s)
{
    *s = arena_dup(p->arena, *s);
    p->failed |= !s->p;
    return s->p;
}

static struct want *want_twin(struct provision *p, const struct provision_twin *t)
{
    struct want *w = map_get(&p->twins, t->id);
    if (w)
        return w;
    w = arena_zalloc(p->arena, sizeof *w);
    if (!w) {
        p->failed = true;
        return NULL;
    }
    *w = (struct want){.owner = p, .twin = *t};
    w->last = &w->first;
    if (!copy(p, &w->twin.id) || !copy(p, &w->twin.name) || !copy(p, &w->twin.description) ||
        !copy(p, &w->twin.type))
        return NULL;
    if (map_put(&p->twins, w->twin.id, w, NULL)) {
        p->failed = true;
        return NULL;
    }
    *p->last = w;
    p->last = &w->next;
    return w;
}

static struct slice thing_key(struct arena *a, struct slice twin, struct slice sensor)
{
    char *key = arena_alloc(a, twin.n + 1 + sensor.n);
    if (!key)
        return (struct slice){0};
    memcpy(key, twin.p, twin.n);
    key[twin.n] = 0;
    memcpy(key + twin.n + 1, sensor.p, sensor.n);
    return slice_of(key, twin.n + 1 + sensor.n);
}

void provision_want(struct provision *p, const struct provision_twin *t,
                    const struct provision_sensor *s)
{
    struct want *w = want_twin(p, t);
    if (w && !s)
        p->wants++;
    if (!w || !s)
        return;
    struct slice key = thing_key(p->arena, t->id, s->id);
    if (key.p && map_get(&p->things, key))
        return;
    struct want_sensor *made = key.p ? arena_zalloc(p->arena, sizeof *made) : NULL;
    if (!made) {
        p->failed = true;
        return;
    }
    made->spec = *s;
    if (!copy(p, &made->spec.id) || !copy(p, &made->spec.name) || !copy(p, &made->spec.type) ||
        !copy(p, &made->spec.unit))
        return;
    if (map_put(&p->things, key, made, NULL)) {
        p->failed = true;
        return;
    }
    *w->last = made;
    w->last = &made->next;
    p->wants++;
}

/* ---- the grant ---- */

static void turn_minute(struct provision_grant *g)
{
    int64_t now = clock_mono_us();
    if (g->minute_us && now - g->minute_us < MINUTE_US)
        return;
    g->minute_us = now;
    g->minute_twins = g->minute_sensors = 0;
}

/* Take one of total and of the minute; else the reason why not. */
static int spend(struct provision *p, bool twin, const char **ret_detail)
{
    struct provision_grant *g = p->grant;
    uint64_t *total = twin ? &g->twins : &g->sensors;
    uint64_t *minute = twin ? &g->minute_twins : &g->minute_sensors;
    uint64_t most = twin ? g->limits.twins : g->limits.sensors;
    uint64_t pace = twin ? g->limits.twins_per_minute : g->limits.sensors_per_minute;
    const char *what = twin ? "twins" : "sensors";
    int err = 0;
    if (*total >= most) {
        err = twin ? ERR_UNKNOWN_TWIN : ERR_UNKNOWN_SENSOR;
        *ret_detail = arena_printf(
            p->arena, "it is not there, and no more than %llu %s are made by themselves here",
            (unsigned long long)most, what);
    } else if (*minute >= pace) {
        err = ERR_OVERLOAD;
        *ret_detail = arena_printf(
            p->arena,
            "no more than %llu %s are made by themselves in a minute here: send it again later",
            (unsigned long long)pace, what);
    }
    if (err && !*ret_detail)
        *ret_detail = "a limit of what is made by itself was reached";
    if (err)
        return err;
    ++*total;
    ++*minute;
    return 0;
}

static void give_back(struct provision_grant *g, bool twin, size_t n)
{
    uint64_t *total = twin ? &g->twins : &g->sensors;
    uint64_t *minute = twin ? &g->minute_twins : &g->minute_sensors;
    *total -= n;
    *minute -= n < *minute ? n : *minute; /* it may be another minute by now */
}

/* ---- making ---- */

static void finish_one(struct provision *p)
{
    if (--p->pending == 0)
        p->done(p->arg, p);
}

static void fail_sensors(struct want *w, int err, const char *detail)
{
    for (struct want_sensor *s = w->first; s; s = s->next) {
        if (!s->asked)
            continue;
        s->err = err;
        s->detail = detail;
    }
}

static void on_grown(void *arg, const struct twin_result *r)
{
    struct want *w = arg;
    struct provision *p = w->owner;
    if (r->err) {
        const char *kept = arena_strndup(p->arena, r->detail, strlen(r->detail));
        w->err = r->err;
        w->detail = kept ? kept : err_info(r->err)->text;
        fail_sensors(w, w->err, w->detail);
    }
    give_back(p->grant, false, w->asked - (r->err ? 0 : r->grown));
    if (w->is_new && (r->err || !r->created))
        give_back(p->grant, true, 1);
    finish_one(p);
}

static int choose_sensor(struct provision *p, const struct twin *t, struct want_sensor *s,
                         size_t asked)
{
    if (t && core_sensor(t, s->spec.id))
        return 0;
    if (!slice_is_id(s->spec.id)) {
        s->detail = "it can be no id: letters, digits, . _ - : and 1 to 128 of them";
        return ERR_INVALID;
    }
    _Static_assert(TWIN_SENSORS_MAX == 10000, "the sentence below");
    if ((t ? t->sensors_n : 0) + asked >= TWIN_SENSORS_MAX) {
        s->detail = "the twin has 10000 sensors, and none can have more";
        return ERR_TOO_LARGE;
    }
    int err = spend(p, false, &s->detail);
    s->asked = !err;
    return err;
}

static void refuse_twin(struct want *w, int err, const char *detail)
{
    w->err = err;
    w->detail = detail;
    for (struct want_sensor *s = w->first; s; s = s->next)
        s->asked = true;
    fail_sensors(w, err, detail);
}

static const struct twin *find(struct provision *p, struct slice id)
{
    struct buf scratch = {0};
    struct slice key;
    struct org *org;
    bool known = access_key(p->core->access, p->by.who, id, &scratch, &key, &org) == 0;
    const struct twin *t = known ? core_twin(p->core, key) : NULL;
    buf_release(&scratch);
    return t;
}

static void make_one(struct provision *p, struct want *w)
{
    const struct twin *t = find(p, w->twin.id);
    const char *detail = "it can be no id: letters, digits, . _ - : and 1 to 128 of them";
    int err = slice_is_id(w->twin.id) ? 0 : ERR_INVALID;
    size_t n = 0;
    w->is_new = !t;
    for (struct want_sensor *s = w->first; s; s = s->next)
        n++;
    struct provision_sensor *specs = arena_alloc(p->arena, (n + 1) * sizeof *specs);
    if (!err && !specs)
        err = ERR_NOMEM, detail = err_info(err)->text;
    if (!err && !t)
        err = spend(p, true, &detail);
    if (err) {
        refuse_twin(w, err, detail);
        return;
    }
    for (struct want_sensor *s = w->first; s; s = s->next) {
        s->err = choose_sensor(p, t, s, w->asked);
        if (s->asked)
            specs[w->asked++] = s->spec;
    }
    if (!w->asked && (t || w->first)) { /* a twin is not made for sensors that it may not have */
        if (!t)
            give_back(p->grant, true, 1);
        return;
    }
    p->pending++;
    core_twin_grow(p->core, &p->by, &w->twin, specs, w->asked, on_grown, w);
}

void provision_commit(struct provision *p, provision_done_fn *done, void *arg)
{
    p->done = done;
    p->arg = arg;
    p->pending = 1; /* this call itself */
    turn_minute(p->grant);
    for (struct want *w = p->first; w; w = w->next)
        make_one(p, w);
    finish_one(p);
}

int provision_why(const struct provision *p, struct slice twin, struct slice sensor,
                  const char **ret_detail)
{
    char key[2 * 128 + 1];
    const struct want *w = map_get(&p->twins, twin);
    *ret_detail = err_info(ERR_NOMEM)->text;
    if (!w)
        return p->failed ? ERR_NOMEM : 0;
    if (w->err || !sensor.n) {
        *ret_detail = w->detail;
        return w->err;
    }
    if (twin.n + sensor.n + 1 > sizeof key) {
        *ret_detail = "it can be no id: letters, digits, . _ - : and 1 to 128 of them";
        return ERR_INVALID;
    }
    memcpy(key, twin.p, twin.n);
    key[twin.n] = 0;
    memcpy(key + twin.n + 1, sensor.p, sensor.n);
    const struct want_sensor *s = map_get(&p->things, slice_of(key, twin.n + 1 + sensor.n));
    if (!s)
        return p->failed ? ERR_NOMEM : 0;
    *ret_detail = s->detail;
    return s->err;
}
