/* rights.c - who may publish and hear which topics; the table of docs/mqtt.md.
 *
 * A topic is about something: readings of a twin, orders to it, the server, or nothing but
 * messages.  What that is follows from its words alone and costs a look at the first bytes; the
 * twin's key is worked out only where the rights of somebody differ from twin to twin.  Somebody
 * with plain rights is judged by the bits of their operations.
 *
 * Filters are judged when they are subscribed to, only so far as to tell a client that asks in
 * vain; what counts is that every message is judged for every session that it is to go to, when it
 * goes there. */
#include "core/spark_in.h"
#include "mqtt/internal.h"

#include <stdio.h>

#define BIT(name) OP_BIT(OP_##name)

static const struct {
    uint64_t hear, say; /* one of them is enough */
} needs[] = {
    [ABOUT_MESSAGES] = {BIT(MESSAGES_READ), BIT(MESSAGES_WRITE)},
    [ABOUT_SERVER] = {BIT(STATUS_READ) | BIT(METRICS_READ), 0},
    [ABOUT_READING] = {BIT(DATA_READ), BIT(DATA_WRITE)},
    [ABOUT_TELEMETRY] = {BIT(DATA_READ), BIT(DATA_WRITE)},
    [ABOUT_ORDERS] = {BIT(DATA_READ) | BIT(COMMANDS_RECEIVE),
                      BIT(COMMANDS_SEND) | BIT(COMMANDS_RECEIVE)},
    [ABOUT_SETTINGS] = {BIT(DATA_READ) | BIT(COMMANDS_RECEIVE),
                        BIT(SETTINGS_WRITE) | BIT(COMMANDS_RECEIVE)},
    [ABOUT_SPARK_DATA] = {BIT(DATA_READ), BIT(DATA_WRITE)},
    [ABOUT_SPARK_ORDERS] = {BIT(DATA_READ) | BIT(COMMANDS_RECEIVE), BIT(COMMANDS_SEND)},
    [ABOUT_SPARK_STATE] = {BIT(MESSAGES_READ) | BIT(COMMANDS_RECEIVE), BIT(MESSAGES_WRITE)},
};

/* ---- what a topic is about ---- */

static enum about_kind twin_kind(struct about *a, struct slice rest)
{
    struct slice word, name = {0};
    if (!slice_cut(&rest, '/', &a->twin) || !a->twin.n || !slice_cut(&rest, '/', &word))
        return ABOUT_MESSAGES;
    slice_cut(&rest, '/', &name);
    a->name = name;
    if (slice_is(word, "sensors"))
        return ABOUT_READING;
    if (slice_is(word, "telemetry"))
        return ABOUT_TELEMETRY;
    return slice_is(word, "settings") ? ABOUT_SETTINGS : ABOUT_ORDERS;
}

static enum about_kind spark_kind(struct slice topic)
{
    struct spark_topic t;
    struct slice rest = slice_skip(topic, 8), group = {0}, type = {0};
    spark_topic_parse(topic, &t);
    if (t.kind == SPARK_BAD)
        return ABOUT_MESSAGES;
    if (t.kind != SPARK_NONE)
        return ABOUT_SPARK_DATA;
    slice_cut(&rest, '/', &group);
    slice_cut(&rest, '/', &type);
    return slice_is(group, "STATE") ? ABOUT_SPARK_STATE : ABOUT_SPARK_ORDERS;
}

void about_topic(struct broker *b, struct space *space, struct slice topic, struct about *ret)
{
    ret->kind = ABOUT_MESSAGES;
    ret->space = space;
    ret->topic = topic;
    ret->worked_out = false;
    ret->twin = ret->name = slice_of("", 0);
    if (topic.n && topic.p[0] == 't' && b->core && slice_starts(topic, "twins/"))
        ret->kind = twin_kind(ret, slice_skip(topic, 6));
    else if (topic.n && topic.p[0] == 's' && b->spark && slice_starts(topic, "spBv1.0/"))
        ret->kind = spark_kind(topic);
    else if (topic.n && topic.p[0] == '$' && slice_starts(topic, "$SYS"))
        ret->kind = ABOUT_SERVER;
}

void about_sensor(struct broker *b, const struct sensor *s, struct about *ret)
{
    const struct twin *t = s->twin;
    *ret = (struct about){.kind = ABOUT_READING, .space = space_of_twin(b, t), .worked_out = true};
    ret->object = (struct access_object){
        .org = t->org, .twin = slice_str(t->key), .part = PART_SENSOR, .name = slice_str(s->id)};
}

/* The twin's key, of the id that the topic names; empty when it can be none. */
static struct slice key_of(struct broker *b, struct about *a, struct slice id)
{
    size_t prefix = access_key_prefix(id);
    const struct org *org =
        prefix ? access_org(b->access, slice_of(id.p, prefix - 1)) : a->space->org;
    struct slice bare = slice_skip(id, prefix);
    if (!org || !slice_is_id(bare))
        return slice_of("", 0);
    int n = snprintf(a->key, sizeof a->key, "%s%s%.*s", org == b->home.org ? "" : org_slug(org),
                     org == b->home.org ? "" : "~", SLICE_ARG(bare));
    return slice_of(a->key, n < (int)sizeof a->key ? (size_t)n : 0);
}

static void spark_twin(struct broker *b, struct about *a)
{
    struct slice rest = slice_skip(a->topic, 8), group = {0}, type = {0}, node = {0};
    struct arena *arena = arena_new();
    slice_cut(&rest, '/', &group);
    slice_cut(&rest, '/', &type);
    slice_cut(&rest, '/', &node);
    if (arena)
        a->object.twin = key_of(b, a, spark_twin_id(arena, group, node, rest));
    arena_free(arena);
}

static void work_out(struct broker *b, struct about *a)
{
    static const enum access_part parts[] = {[ABOUT_READING] = PART_SENSOR,
                                             [ABOUT_ORDERS] = PART_COMMANDS,
                                             [ABOUT_SETTINGS] = PART_SETTINGS,
                                             [ABOUT_SPARK_ORDERS] = PART_COMMANDS};
    a->worked_out = true;
    a->object = (struct access_object){.org = a->space->org, .name = a->name};
    if (a->kind < sizeof parts / sizeof parts[0])
        a->object.part = parts[a->kind];
    if (a->kind == ABOUT_SPARK_DATA || a->kind == ABOUT_SPARK_ORDERS)
        spark_twin(b, a);
    else
        a->object.twin = key_of(b, a, a->twin);
    if (a->object.twin.n)
        a->object.org = access_org_of_key(b->access, a->object.twin);
    if (a->object.part == PART_WHOLE)
        a->object.name = slice_of("", 0);
}

/* ---- may they ---- */

static bool of_twin(enum about_kind kind)
{
    return kind >= ABOUT_READING && kind <= ABOUT_SPARK_ORDERS;
}

/* Of the server's own state: whoever sees how the first organisation's server does. */
static bool may_hear_server(const struct broker *b, const struct principal *who)
{
    if (who->installation || access_may(b->access, who, OP_METRICS_READ, NULL))
        return true;
    return who->org == b->home.org && (who->ops & BIT(STATUS_READ));
}

static bool may_one(const struct broker *b, const struct principal *who, uint64_t set,
                    const struct access_object *o)
{
    for (int op = 0; op < OP_COUNT; op++)
        if ((set & OP_BIT(op)) && access_may(b->access, who, (enum access_op)op, o))
            return true;
    return false;
}

/* A message with many sensors is only for who may hear all of them. */
static bool may_all_sensors(struct broker *b, const struct principal *who, struct about *a,
                            uint64_t set)
{
    const struct twin *t = core_twin(b->core, a->object.twin);
    struct access_object o = a->object;
    o.part = PART_SENSOR;
    for (size_t i = 0; t && i < t->sensors_n; i++) {
        o.name = slice_str(t->sensors[i]->id);
        if (!may_one(b, who, set, &o))
            return false;
    }
    return may_one(b, who, set, &a->object);
}

static bool may(struct broker *b, const struct principal *who, struct about *a, uint64_t set)
{
    if (who->gone)
        return false;
    if (a->kind == ABOUT_SERVER)
        return set && may_hear_server(b, who);
    if (!of_twin(a->kind)) /* the messages of an organisation are its own */
        return who->org == a->space->org && (who->ops & set);
    bool own = !a->twin.n || slice_find(a->twin, '~') < 0;
    if (own && !a->worked_out && access_is_plain(b->access, who, a->space->org))
        return who->ops & set;
    if (!a->worked_out)
        work_out(b, a);
    if (!a->object.twin.n || !a->object.org)
        return false;
    return a->kind == ABOUT_TELEMETRY ? may_all_sensors(b, who, a, set)
                                      : may_one(b, who, set, &a->object);
}

bool may_hear(struct broker *b, const struct principal *who, struct about *a)
{
    if (!who || who->everything) /* NULL: judged when its client comes back */
        return true;
    return may(b, who, a, needs[a->kind].hear);
}

bool may_say(struct broker *b, const struct principal *who, struct about *a)
{
    if (!b->access || (who && who->everything))
        return true;
    return who && may(b, who, a, needs[a->kind].say);
}

enum access_op op_to_say(const struct about *a)
{
    for (int op = 0; op < OP_COUNT; op++)
        if (needs[a->kind].say & OP_BIT(op))
            return (enum access_op)op;
    return OP_MESSAGES_WRITE;
}

/* ---- filters ---- */

static bool is_wild(struct slice level)
{
    return slice_is(level, "+") || slice_is(level, "#");
}

/* twins/{id}/sensors/...: is there one that they may hear? */
static bool may_hear_some(struct broker *b, const struct principal *who, struct about *a)
{
    work_out(b, a);
    a->object.name = slice_of("", 0);
    if (!a->object.twin.n || !a->object.org)
        return false;
    if (may_one(b, who, needs[a->kind].hear, &a->object))
        return true;
    const struct twin *t = core_twin(b->core, a->object.twin);
    for (size_t i = 0; t && i < t->sensors_n; i++) {
        a->object.name = slice_str(t->sensors[i]->id);
        if (may_one(b, who, needs[a->kind].hear, &a->object))
            return true;
    }
    return false;
}

/* twins/...: words are the levels behind. */
static bool twins_hope(struct broker *b, struct space *space, const struct principal *who,
                       struct slice filter)
{
    static const char *const words[] = {"sensors/x", "telemetry", "commands/x"};
    struct slice rest = slice_skip(filter, 6), id = {0}, word = {0};
    struct about a;
    char text[320];
    slice_cut(&rest, '/', &id);
    if (is_wild(id) && who->kind != WHO_DEVICE)
        return true;
    slice_cut(&rest, '/', &word);
    if (is_wild(id)) /* its own twin is what it can hear of */
        id = slice_skip(who->twin, access_key_prefix(who->twin));
    if (id.n > 256)
        return false;
    if (word.p && !is_wild(word)) {
        int n = snprintf(text, sizeof text, "twins/%.*s/%.*s/", SLICE_ARG(id),
                         (int)(word.n < 40 ? word.n : 40), word.p);
        about_topic(b, space, slice_of(text, (size_t)n), &a);
        if (!rest.p || mqtt_filter_has_wildcard(rest) || a.kind != ABOUT_READING)
            return may_hear_some(b, who, &a);
        a.name = rest;
        return may_hear(b, who, &a);
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        int n = snprintf(text, sizeof text, "twins/%.*s/%s", SLICE_ARG(id), words[i]);
        about_topic(b, space, slice_of(text, (size_t)n), &a);
        if (may_hear_some(b, who, &a))
            return true;
    }
    return false;
}

bool may_subscribe(struct broker *b, struct space *space, const struct principal *who,
                   struct slice filter)
{
    struct about a;
    struct slice rest = filter, first = {0};
    if (!b->access || who->everything)
        return true;
    if (who->gone || who->kind == WHO_ANONYMOUS)
        return false;
    slice_cut(&rest, '/', &first);
    if (is_wild(first))
        return true;
    if (slice_is(first, "twins") && b->core && rest.p)
        return twins_hope(b, space, who, filter);
    if (mqtt_filter_has_wildcard(filter) && slice_is(first, "spBv1.0") && b->spark)
        return true;
    about_topic(b, space, filter, &a);
    return may_hear(b, who, &a);
}

/* ---- where it belongs ---- */

bool space_of_topic(struct broker *b, struct space **space, struct slice *topic,
                    struct buf *scratch)
{
    if (!b->access || !slice_starts(*topic, "twins/"))
        return true;
    struct slice rest = slice_skip(*topic, 6), id = {0};
    slice_cut(&rest, '/', &id);
    size_t prefix = access_key_prefix(id);
    if (!prefix)
        return true;
    const struct org *org = access_org(b->access, slice_of(id.p, prefix - 1));
    struct space *there = org ? space_of_org(b, org) : NULL;
    if (!there)
        return false;
    buf_clear(scratch);
    buf_add_str(scratch, "twins/");
    buf_add_slice(scratch, slice_skip(*topic, 6 + prefix));
    if (scratch->failed)
        return false;
    *space = there;
    *topic = buf_slice(scratch);
    return true;
}
