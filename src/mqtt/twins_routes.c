/* Who hears a series: worked out once, kept in an array by the series' number, and worked out again
 * at the series' next reading after a subscription that could match a twin has come or gone
 * (`generation`).  A kept audience may name sessions that are gone; then its generation is over and
 * it is compared, never looked into. */
#include "mqtt/twins_out.h"

#include <stdlib.h>

bool twins_filter(struct slice filter)
{
    struct slice level;
    static const char *const want[] = {"twins", NULL, "sensors", NULL};
    for (size_t i = 0; i < 4; i++) {
        if (!slice_cut(&filter, '/', &level))
            return false;
        if (slice_is(level, "#"))
            return true;
        if (want[i] && !slice_is(level, "+") && !slice_is(level, want[i]))
            return false;
    }
    return !filter.p || slice_is(filter, "#");
}

static void begin_anew(struct twins_out *t)
{
    if (++t->generation == 0)
        t->generation = 1;
}

void twins_subscribers_changed(struct broker *b, struct space *space, struct slice filter, int by)
{
    struct twins_out *t = b->twins;
    if (!t || !twins_filter(filter))
        return;
    t->filters += (size_t)by;
    space->twin_filters += (size_t)by;
    begin_anew(t);
}

void twins_rights_changed(struct broker *b)
{
    if (b->twins)
        begin_anew(b->twins);
}

void twins_write_topic(struct buf *out, const struct sensor *s, bool foreign)
{
    buf_clear(out);
    buf_add_str(out, "twins/");
    if (foreign) {
        buf_add_str(out, org_slug(s->twin->org));
        buf_add_byte(out, '~');
    }
    buf_add_str(out, s->twin->id);
    buf_add_str(out, "/sensors/");
    buf_add_str(out, s->id);
}

static void audience_unref(struct twins_out *t, struct audience *a)
{
    if (!a || --a->refs)
        return;
    map_remove(&t->audiences, a->key);
    free(a);
}

/* Those of a match as listeners, behind the others in t->key; their identifiers in t->ids. */
static void add_listeners(struct twins_out *t, const struct match *m, bool foreign)
{
    for (size_t i = 0; i < m->n + m->shares_n; i++) {
        struct listener l;
        memset(&l, 0, sizeof l); /* padding too: it is compared */
        l.foreign = foreign;
        if (i < m->n) {
            const struct target *from = &m->items[i];
            l.session = from->session;
            l.qos = from->qos ? 1 : 0;
            l.ids_at = (uint32_t)t->ids.n;
            l.ids_n = (uint32_t)from->ids.n;
            buf_add_slice(&t->ids, buf_slice(&from->ids));
        } else {
            l.share = m->shares[i - m->n];
        }
        buf_add(&t->key, &l, sizeof l);
        t->key_n++;
    }
}

static void add_space(struct twins_out *t, struct space *space, const struct sensor *s,
                      bool foreign)
{
    if (!space || !space->twin_filters)
        return;
    twins_write_topic(&t->topic, s, foreign);
    if (!t->topic.failed)
        add_listeners(t, route_match(t->broker, space, buf_slice(&t->topic), NULL), foreign);
}

/* The listeners and their identifiers as the bytes of an audience, in t->key: those of the twin's
 * organisation, then those of others, who may have been let see it. */
static void write_key(struct twins_out *t, const struct sensor *s)
{
    struct broker *b = t->broker;
    struct space *own = space_of_twin(b, s->twin), *other;
    size_t at = 0;
    buf_clear(&t->key);
    buf_clear(&t->ids);
    t->key_n = 0;
    add_space(t, own, s, false);
    if (own != &b->home)
        add_space(t, &b->home, s, true);
    while (b->spaces.count && (other = map_next(&b->spaces, &at)))
        if (other != own)
            add_space(t, other, s, true);
    for (size_t i = 0; i < t->key_n; i++)
        ((struct listener *)(void *)t->key.p)[i].ids_at +=
            (uint32_t)(t->key_n * sizeof(struct listener));
    buf_add_slice(&t->key, buf_slice(&t->ids));
}

static struct audience *audience_of_key(struct twins_out *t, size_t n)
{
    struct audience *a = map_get(&t->audiences, buf_slice(&t->key));
    if (a) {
        a->refs++;
        return a;
    }
    a = malloc(sizeof *a + t->key.n);
    if (!a)
        return NULL;
    a->refs = 1;
    a->n = n;
    if (t->key.n)
        memcpy(a->listeners, t->key.p, t->key.n);
    a->key = slice_of((const char *)a->listeners, t->key.n);
    if (map_put(&t->audiences, a->key, a, NULL)) {
        free(a);
        return NULL;
    }
    return a;
}

static struct audience *work_out(struct twins_out *t, struct route *r, const struct sensor *s)
{
    write_key(t, s);
    bool failed = t->topic.failed || t->key.failed || t->ids.failed;
    struct audience *a = failed ? NULL : audience_of_key(t, t->key_n);
    if (!a)
        return NULL; /* tried again at the next reading */
    audience_unref(t, r->audience);
    *r = (struct route){t->generation, a};
    return a;
}

const struct audience *twins_audience(struct twins_out *t, const struct sensor *s)
{
    if (s->series >= t->routes_n) {
        size_t n = t->routes_n ? t->routes_n : 256;
        while (n <= s->series)
            n *= 2;
        struct route *routes = realloc(t->routes, n * sizeof *routes);
        if (!routes)
            return NULL;
        memset(routes + t->routes_n, 0, (n - t->routes_n) * sizeof *routes);
        t->routes = routes;
        t->routes_n = n;
    }
    struct route *r = &t->routes[s->series];
    return r->generation == t->generation ? r->audience : work_out(t, r, s);
}

void twins_routes_release(struct twins_out *t)
{
    for (size_t i = 0; i < t->routes_n; i++)
        audience_unref(t, t->routes[i].audience);
    free(t->routes);
    map_release(&t->audiences);
    buf_release(&t->key);
    buf_release(&t->ids);
}
