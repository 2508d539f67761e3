/* graphql_persisted.c - documents by their hash: automatically, as Apollo's clients do it (a hash
 * that is not known is answered with PERSISTED_QUERY_NOT_FOUND, and then sent with its document),
 * or from a list that is all that may be asked (--graphql-documents). */
#include "api/graphql.h"
#include "base/err.h"
#include "crypto/digest.h"

#include <stdlib.h>

enum { KEPT_MAX = 1000, KEPT_BYTES = 8 << 20, HASH_TEXT = 2 * SHA256_BYTES };

struct kept {
    char hash[HASH_TEXT + 1];
    struct slice text;
    struct kept *prev, *next; /* by use, the latest first */
};

struct persisted {
    struct map by_hash;
    struct kept *first, *last;
    size_t n, bytes;
    bool closed; /* nothing else may be asked, and nothing is added */
};

static void hash_of(struct slice text, char out[static HASH_TEXT + 1])
{
    unsigned char d[SHA256_BYTES];
    static const char digits[] = "0123456789abcdef";
    digest_sha256(text, d);
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digits[d[i] >> 4];
        out[2 * i + 1] = digits[d[i] & 15];
    }
    out[HASH_TEXT] = 0;
}

static void unlink_kept(struct persisted *p, struct kept *k)
{
    *(k->prev ? &k->prev->next : &p->first) = k->next;
    *(k->next ? &k->next->prev : &p->last) = k->prev;
}

static void put_first(struct persisted *p, struct kept *k)
{
    k->prev = NULL;
    k->next = p->first;
    *(p->first ? &p->first->prev : &p->last) = k;
    p->first = k;
}

static void forget(struct persisted *p, struct kept *k)
{
    unlink_kept(p, k);
    map_remove(&p->by_hash, slice_of(k->hash, HASH_TEXT));
    p->n--;
    p->bytes -= k->text.n;
    free(k);
}

static void keep(struct persisted *p, struct slice text)
{
    struct kept *k = malloc(sizeof *k + text.n + 1);
    if (!k)
        return;
    char *copy = (char *)(k + 1);
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    k->text = slice_of(copy, text.n);
    hash_of(text, k->hash);
    if (map_get(&p->by_hash, slice_of(k->hash, HASH_TEXT)) ||
        map_put(&p->by_hash, slice_of(k->hash, HASH_TEXT), k, NULL)) {
        free(k);
        return;
    }
    put_first(p, k);
    p->n++;
    p->bytes += text.n;
}

void persisted_keep(struct graphql *g, struct slice text)
{
    struct persisted *p = g->persisted;
    if (p->closed)
        return;
    keep(p, text);
    while (p->n > KEPT_MAX || p->bytes > KEPT_BYTES)
        forget(p, p->last);
}

/* [text, ...] or {"name": text, ...}, as tools that gather documents write it. */
static int read_list(struct persisted *p, const char *list)
{
    struct arena *a = arena_new();
    struct jval *all = NULL;
    int err = a ? jdoc_parse(a, slice_str(list), &all, NULL) : ERR_NOMEM;
    for (const struct jval *v = err ? NULL : all->first; v && !err; v = v->next) {
        if (v->type == J_STRING)
            keep(p, v->text);
        else
            err = ERR_INVALID;
    }
    arena_free(a);
    return err;
}

int persisted_new(const char *list, struct persisted **ret)
{
    struct persisted *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NOMEM;
    int err = list ? read_list(p, list) : 0;
    p->closed = list;
    if (err)
        persisted_free(p);
    else
        *ret = p;
    return err;
}

void persisted_free(struct persisted *p)
{
    while (p && p->first)
        forget(p, p->first);
    if (p)
        map_release(&p->by_hash);
    free(p);
}

static bool refuse(struct question *q, const char *rule, const char *message)
{
    struct gql_error *e = arena_zalloc(q->arena, sizeof *e);
    if (!e)
        return false;
    *e = (struct gql_error){.rule = rule, .message = message};
    *q->errors.last = e;
    q->errors.last = &e->next;
    q->errors.n++;
    return false;
}

bool persisted_find(struct question *q, const struct gql_request *r, struct slice *ret)
{
    struct persisted *p = q->g->persisted;
    char hash[HASH_TEXT + 1];
    if (r->query.p)
        hash_of(r->query, hash);
    struct slice wanted = r->hash.p ? r->hash : slice_of(hash, HASH_TEXT);
    struct kept *k = r->hash.p || p->closed ? map_get(&p->by_hash, wanted) : NULL;
    if (r->hash.p && r->query.p && !slice_is(r->hash, hash))
        return refuse(q, "PersistedQuery", "The document does not have that hash.");
    if (k) {
        unlink_kept(p, k);
        put_first(p, k);
        *ret = k->text;
        return true;
    }
    if (p->closed)
        return refuse(q, "PersistedQuery", "This server answers documents of its list only.");
    if (!r->query.p)
        return refuse(q, "PersistedQueryNotFound", "PersistedQueryNotFound");
    *ret = r->query;
    return true;
}
