/* graphql_ways.c - what the schema says of where values come from, read once. */
#include "api/graphql.h"
#include "base/err.h"

static const struct gql_node *directive(const struct gql_field *f, const char *name)
{
    for (const struct gql_node *d = f->node->directives; d; d = d->next)
        if (slice_is(d->name, name))
            return d;
    return NULL;
}

static const struct gql_node *value(const struct gql_node *d, const char *name)
{
    for (const struct gql_node *a = d ? d->args : NULL; a; a = a->next)
        if (slice_is(a->name, name))
            return a->value;
    return NULL;
}

static struct slice text(const struct gql_node *d, const char *name)
{
    const struct gql_node *v = value(d, name);
    return v ? v->text : slice_of(NULL, 0);
}

static void read_rest(struct way *w, const struct gql_node *rest)
{
    static const struct {
        const char *name, *method;
    } methods[] = {
        {"get", "GET"}, {"post", "POST"}, {"put", "PUT"}, {"patch", "PATCH"}, {"delete", "DELETE"}};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        const struct gql_node *path = value(rest, methods[i].name);
        if (!path)
            continue;
        w->method = methods[i].method;
        w->path = path->text;
    }
    w->kind = WAY_REST;
    w->body = text(rest, "body");
    w->member = text(rest, "rows");
    w->connection = slice_is(text(rest, "connection"), "true");
}

static void read_way(struct way *w, const struct gql_field *f)
{
    const struct gql_node *rest = directive(f, "rest"), *member = directive(f, "member");
    const struct gql_node *item = directive(f, "item"), *twin = directive(f, "twin");
    uint64_t at = 0;
    w->member = f->name;
    if (rest) {
        read_rest(w, rest);
        if (directive(f, "sensors"))
            w->kind = WAY_SENSORS;
    } else if (twin) {
        w->kind = WAY_TWIN;
        w->member = text(twin, "id");
    } else if (item) {
        w->kind = WAY_ITEM;
        slice_to_u64(text(item, "from"), &at);
        w->item = (size_t)at;
        w->rest_of_items = slice_is(text(item, "all"), "true");
    } else if (directive(f, "live")) {
        w->kind = WAY_LIVE;
    } else if (member) {
        w->member = text(member, "name");
    }
}

int ways_make(struct graphql *g)
{
    const struct gql_type *t;
    for (size_t at = 0; (t = gql_type_next(g->schema, &at));) {
        for (size_t i = 0; i < t->fields_n && t->kind == GQL_T_OBJECT; i++) {
            struct way *w = arena_zalloc(g->arena, sizeof *w);
            if (!w)
                return ERR_NOMEM;
            read_way(w, &t->fields[i]);
            t->fields[i].user = w;
        }
    }
    return 0;
}
