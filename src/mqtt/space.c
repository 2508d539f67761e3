/* space.c - the topics, clients and retained messages of each organisation.
 *
 * An organisation has a tree of topics of its own, so no name has a prefix anywhere and nothing of
 * one can match in another.  The first organisation's is a member of the broker; those of others
 * are made when they are first needed, and go when the organisation has gone.
 *
 * Client identifiers are an organisation's own, too: in the broker's map a session stands under its
 * client identifier, and one of another organisation than the first under slug NUL identifier,
 * which no client can say. */
#include "mqtt/persist.h"

#include <stdlib.h>

static struct space *space_new(struct broker *b, struct slice slug)
{
    struct space *s = calloc(1, sizeof *s + slug.n);
    if (!s)
        return NULL;
    memcpy(s + 1, slug.p, slug.n);
    s->slug = slice_of((char *)(s + 1), slug.n);
    if (map_put(&b->spaces, s->slug, s, NULL)) {
        free(s);
        return NULL;
    }
    if (!b->closing)
        sparkplug_state_in(b, s, true);
    return s;
}

struct space *space_of_slug(struct broker *b, struct slice slug)
{
    if (!slug.n)
        return &b->home;
    struct org *org = b->access ? access_org(b->access, slug) : NULL;
    if (b->access && !org)
        return NULL;
    struct space *s = map_get(&b->spaces, slug);
    if (!s)
        s = space_new(b, slug);
    if (s)
        s->org = org;
    return s;
}

struct space *space_of_org(struct broker *b, const struct org *org)
{
    if (!b->access || !org || org == b->home.org)
        return &b->home;
    return space_of_slug(b, slice_str(org_slug(org)));
}

struct space *space_of_twin(struct broker *b, const struct twin *t)
{
    return t->org && t->org != b->home.org ? map_get(&b->spaces, slice_str(org_slug(t->org)))
                                           : &b->home;
}

struct space *space_of_message(struct broker *b, const struct message *m)
{
    return m->space ? m->space : &b->home;
}

static void drop_sessions(struct broker *b, const struct space *space)
{
    struct session *s;
    size_t at = 0;
    while ((s = map_next(&b->sessions, &at))) {
        if (s->space != space)
            continue;
        if (s->conn)
            mqtt_conn_close(s->conn, MQTT_ADMINISTRATIVE, "the organisation is no more");
        else
            session_end(s);
        at = 0; /* the map has changed */
    }
}

void spaces_judge(struct broker *b)
{
    struct space *space;
    size_t at = 0;
    while ((space = map_next(&b->spaces, &at))) {
        struct org *org = access_org(b->access, space->slug);
        if (org && org == space->org)
            continue;
        drop_sessions(b, space);
        retained_drop_space(b, space);
        space->org = org; /* another of the same name, or NULL */
    }
}

void spaces_release(struct broker *b)
{
    struct space *space;
    size_t at = 0;
    while ((space = map_next(&b->spaces, &at))) {
        tree_release(&space->tree);
        free(space);
    }
    map_release(&b->spaces);
    tree_release(&b->home.tree);
}

/* The key of a session in the map; in b->scratch for other organisations than the first. */
static struct slice session_key(struct broker *b, const struct space *space, struct slice client)
{
    if (!space->slug.n)
        return client;
    buf_clear(&b->scratch);
    buf_add_slice(&b->scratch, space->slug);
    buf_add_byte(&b->scratch, 0);
    buf_add_slice(&b->scratch, client);
    return buf_slice(&b->scratch);
}

struct session *session_find(struct broker *b, const struct space *space, struct slice client)
{
    struct slice key = session_key(b, space, client);
    return b->scratch.failed ? NULL : map_get(&b->sessions, key);
}

struct session *session_alloc(struct broker *b, struct space *space, struct slice client)
{
    struct slice key = session_key(b, space, client);
    struct session *s = b->scratch.failed ? NULL : calloc(1, sizeof *s + key.n);
    if (!s)
        return NULL;
    memcpy(s + 1, key.p, key.n);
    s->broker = b;
    s->space = space;
    s->key = slice_of((char *)(s + 1), key.n);
    s->id = slice_skip(s->key, key.n - client.n);
    return s;
}
