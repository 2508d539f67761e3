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

void twins_subscribers_changed(struct broker *b, struct slice filter, int by)
{
    struct twins_out *t = b->twins;
    if (!t || !twins_filter(filter))
        return;
    t->filters += (size_t)by;
    if (++t->generation == 0)
        t->generation = 1;
}

void twins_write_topic(struct buf *out, const struct sensor *s)
{
    buf_clear(out);
    buf_add_str(out, "twins/");
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

/* The listeners and their identifiers as the bytes of an audience, in t->key. */
static void write_key(struct twins_out *t, const struct match *m)
{
    size_t n = m->n + m->shares_n, at = n * sizeof(struct listener);
    buf_clear(&t->key);
    for (size_t i = 0; i < n; i++) {
        struct listener l;
        memset(&l, 0, sizeof l); /* padding too: it is compared */
        if (i < m->n) {
            const struct target *from = &m->items[i];
            l.session = from->session;
            l.qos = from->qos ? 1 : 0;
            l.ids_at = (uint32_t)at;
            l.ids_n = (uint32_t)from->ids.n;
            at += from->ids.n;
        } else {
            l.share = m->shares[i - m->n];
        }
        buf_add(&t->key, &l, sizeof l);
    }
    for (size_t i = 0; i < m->n; i++)
        buf_add_slice(&t->key, buf_slice(&m->items[i].ids));
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
    twins_write_topic(&t->topic, s);
    if (t->topic.failed)
        return NULL;
    const struct match *m = route_match(t->broker, buf_slice(&t->topic), NULL);
    write_key(t, m);
    struct audience *a = t->key.failed ? NULL : audience_of_key(t, m->n + m->shares_n);
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
}
