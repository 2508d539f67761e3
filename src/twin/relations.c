/* FORMAT.  A relation is its id, kind, target and properties, each as its length (a varint, seven
 * bits a byte, the lowest first), its bytes and a zero; relations stand one behind the other.  They
 * are packed as texts because most of a twin's edges have neither an id of their own nor
 * properties, and then cost what their two names cost. */
#include "twin/relations.h"

#include "base/err.h"
#include "base/map.h"

static void put_text(struct buf *out, struct slice s)
{
    size_t n = s.n;
    for (; n >= 0x80; n >>= 7)
        buf_add_byte(out, (unsigned char)(n | 0x80));
    buf_add_byte(out, (unsigned char)n);
    buf_add_slice(out, s);
    buf_add_byte(out, 0);
}

static bool take_text(struct slice *rest, struct slice *ret)
{
    size_t n = 0, at = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (at == rest->n || shift > 28)
            return false;
        unsigned char byte = (unsigned char)rest->p[at++];
        n |= (size_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    if (n >= rest->n - at || rest->p[at + n] != 0)
        return false;
    *ret = slice_of(rest->p + at, n);
    *rest = slice_skip(*rest, at + n + 1);
    return true;
}

bool relations_next(struct slice *rest, struct relation *ret)
{
    struct relation r;
    struct slice left = *rest;
    if (!left.n || !take_text(&left, &r.id) || !take_text(&left, &r.kind) ||
        !take_text(&left, &r.target) || !take_text(&left, &r.properties))
        return false;
    *rest = left;
    *ret = r;
    return true;
}

bool relations_sound(struct slice packed)
{
    struct relation r;
    while (relations_next(&packed, &r))
        if (!r.kind.n || !r.target.n)
            return false;
    return !packed.n;
}

struct slice relation_id(struct arena *a, const struct relation *r)
{
    if (r->id.n)
        return r->id;
    return slice_str(arena_printf(a, "%.*s:%.*s", SLICE_ARG(r->kind), SLICE_ARG(r->target)));
}

/* What is usable of a member of the list. */
static bool read_one(const struct jval *v, struct relation *r)
{
    const struct jval *id = jval_get(v, "id"), *properties = jval_get(v, "properties");
    struct slice kind = jval_string(jval_get(v, "kind"));
    struct slice target = jval_string(jval_get(v, "target"));
    if (!slice_is_id(kind) || !slice_is_id(target) || (id && !slice_is_id(jval_string(id))) ||
        (properties && properties->type != J_OBJECT))
        return false;
    *r = (struct relation){.id = jval_string(id), .kind = kind, .target = target};
    return true;
}

static const struct jval *list_of(const struct jval *root)
{
    const struct jval *list = jval_get(root, "doppel:relationships");
    return list && list->type == J_ARRAY ? list : NULL;
}

static void pack_one(struct buf *out, const struct jval *v, const struct relation *r)
{
    const struct jval *properties = jval_get(v, "properties");
    struct buf text = {0};
    if (properties && properties->count) {
        struct json_writer w;
        json_writer_init(&w, &text, 0);
        jval_write(&w, properties);
        out->failed |= text.failed;
    }
    put_text(out, r->id);
    put_text(out, r->kind);
    put_text(out, r->target);
    put_text(out, buf_slice(&text));
    buf_release(&text);
}

int relations_read(struct arena *a, const struct jval *root, struct slice *ret)
{
    const struct jval *list = list_of(root);
    struct buf out = {0};
    struct map seen = {0};
    size_t n = 0;
    int err = 0;
    for (const struct jval *v = list ? list->first : NULL; v && !err; v = v->next) {
        struct relation r;
        if (!read_one(v, &r))
            continue;
        struct slice id = relation_id(a, &r);
        if (!id.p || out.failed)
            err = ERR_NOMEM;
        else if (map_get(&seen, id))
            continue; /* the second of its name */
        else if (n++ == RELATIONS_MAX)
            break;
        else if (!(err = map_put(&seen, id, (void *)(uintptr_t)v, NULL)))
            pack_one(&out, v, &r);
    }
    map_release(&seen);
    struct slice packed = out.n && !err ? arena_dup(a, buf_slice(&out)) : SLICE_LIT("");
    if (!err && (out.failed || !packed.p))
        err = ERR_NOMEM;
    buf_release(&out);
    if (!err)
        *ret = packed;
    return err;
}

struct jval *relation_find(const struct jval *root, struct slice id)
{
    const struct jval *list = list_of(root);
    for (struct jval *v = list ? list->first : NULL; v; v = v->next) {
        struct relation r;
        if (!read_one(v, &r))
            continue;
        size_t n = r.kind.n;
        if (r.id.n ? slice_eq(r.id, id)
                   : id.n == n + 1 + r.target.n && memcmp(id.p, r.kind.p, n) == 0 &&
                         id.p[n] == ':' && slice_eq(slice_skip(id, n + 1), r.target))
            return v;
    }
    return NULL;
}

/* ---- types ---- */

int twin_types_read(struct arena *a, const struct jval *root, struct slice *ret)
{
    const struct jval *said = jval_get(root, "doppel:twinType");
    const struct jval *v = said && said->type == J_ARRAY ? said->first : said;
    struct buf out = {0};
    for (size_t n = 0; v && n < TWIN_TYPES_MAX; v = v == said ? NULL : v->next) {
        struct slice id = jval_string(v);
        if (!slice_is_id(id))
            continue;
        buf_add_slice(&out, id);
        buf_add_byte(&out, 0);
        n++;
    }
    struct slice packed = out.n ? arena_dup(a, buf_slice(&out)) : SLICE_LIT("");
    bool failed = out.failed || !packed.p;
    buf_release(&out);
    if (!failed)
        *ret = packed;
    return failed ? ERR_NOMEM : 0;
}

bool twin_types_next(struct slice *rest, struct slice *ret)
{
    ptrdiff_t n = slice_find(*rest, 0);
    if (n < 1)
        return false;
    *ret = slice_of(rest->p, (size_t)n);
    *rest = slice_skip(*rest, (size_t)n + 1);
    return true;
}
