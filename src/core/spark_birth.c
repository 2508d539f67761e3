#include "core/spark_birth.h"
#include "core/spark_in.h"

struct spark_birth {
    struct arena *arena;
    struct map by_name, by_alias;
    struct spark_metric *metrics;
    size_t n;
};

/* Metrics of the protocol, not of the machine: the number of the birth, and commands. */
static bool is_control(struct slice name)
{
    return slice_is(name, "bdSeq") || slice_starts(name, "Node Control/") ||
           slice_starts(name, "Device Control/");
}

static struct slice unit_of(const struct spb_metric *m)
{
    static const char *const keys[] = {"engUnit", "EngUnit", "engUnits", "Engineering Units",
                                       "unit"};
    struct slice unit = {0};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && !unit.n; i++)
        unit = spb_property_text(m->properties, keys[i]);
    return unit;
}

static struct slice alias_key(const uint64_t *alias)
{
    return slice_of((const char *)alias, sizeof *alias);
}

static bool add(struct spark_birth *b, const struct spb_metric *m)
{
    struct spark_metric *into = &b->metrics[b->n++];
    struct slice unit = unit_of(m);
    *into = (struct spark_metric){.name = arena_dup(b->arena, m->name),
                                  .sensor = spark_sensor_id(b->arena, m->name),
                                  .alias = m->alias,
                                  .type = m->type,
                                  .control = is_control(m->name)};
    if (unit.n)
        into->unit = arena_dup(b->arena, unit);
    return into->name.p && into->sensor.p && !map_put(&b->by_name, into->name, into, NULL) &&
           (!m->has_alias || !map_put(&b->by_alias, alias_key(&into->alias), into, NULL));
}

struct spark_birth *spark_birth_new(const struct spb_payload *p, const char **ret_why)
{
    struct arena *a = arena_new();
    struct spark_birth *b = a ? arena_zalloc(a, sizeof *b) : NULL;
    struct spb_metric m;
    size_t at = 0;
    *ret_why = "out of memory";
    if (!b) {
        arena_free(a);
        return NULL;
    }
    b->arena = a;
    if (p->metrics > SPARK_METRICS_MAX)
        *ret_why = "a birth has at most 100,000 metrics";
    else
        b->metrics = arena_alloc(a, (p->metrics + 1) * sizeof *b->metrics);
    bool ok = b->metrics != NULL;
    while (ok && spb_next(p, &at, &m)) {
        ok = m.name.n > 0;
        if (!ok)
            *ret_why = "a metric of a birth has no name";
        else
            ok = add(b, &m);
    }
    if (ok)
        return b;
    spark_birth_free(b);
    return NULL;
}

void spark_birth_free(struct spark_birth *b)
{
    if (!b)
        return;
    map_release(&b->by_name);
    map_release(&b->by_alias);
    arena_free(b->arena);
}

size_t spark_birth_bytes(const struct spark_birth *b)
{
    size_t slots = b ? b->by_name.cap + b->by_alias.cap : 0;
    return b ? arena_used(b->arena) + slots * sizeof(struct map_slot) : 0;
}

const struct spark_metric *spark_birth_find(const struct spark_birth *b, const struct spb_metric *m)
{
    if (m->name.n)
        return map_get(&b->by_name, m->name);
    return m->has_alias ? map_get(&b->by_alias, alias_key(&m->alias)) : NULL;
}

void spark_birth_want(const struct spark_birth *b, struct provision *p,
                      const struct provision_twin *twin)
{
    provision_want(p, twin, NULL); /* also of a node without metrics of its own */
    for (size_t i = 0; i < b->n; i++) {
        const struct spark_metric *m = &b->metrics[i];
        enum value_type kind = spb_kind(m->type);
        if (m->control || kind == VALUE_NONE)
            continue;
        struct provision_sensor sensor = {
            .id = m->sensor, .name = m->name, .unit = m->unit, .kind = kind};
        provision_want(p, twin, &sensor);
    }
}
