/* reseal.c - secrets that are still under an older key are sealed anew under the newest, when the
 * room is opened; doppel key rm waits for that.
 *
 * Whoever seals something in a record writes a row here: what it was sealed for is needed to open
 * it. */
#include "access/people.h"

#include "base/err.h"
#include "base/log.h"
#include "crypto/seal.h"

enum { RESEAL_MOST = 500 }; /* records in a transaction; others wait for their turn meanwhile */

/* The secrets are members of the record, or of an object in it, sealed for the kind by this name
 * and for the record's id, or what a member says. */
static const struct sealed_kind {
    enum record_kind kind;
    const char *name, *within, *id; /* NULL: the record itself; its id */
} sealed_kinds[] = {
    {RECORD_PERSON, "person", NULL, NULL},
    {RECORD_PROVIDER, "provider", NULL, NULL},
    {RECORD_SESSION, "id-token", "identity", "subject"},
    {RECORD_SETTING, "destination", NULL, NULL},
};

/* What it says under the newest key; p NULL: it stays as it is. */
static struct slice renewed(struct change *ch, const char *kind, struct slice id,
                            const struct jval *v, struct buf *out)
{
    const struct key_ring *keys = ch->access->people->keys;
    struct buf secret = {0};
    if (v->type != J_STRING || !seal_needs_renewal(keys, v->text))
        return (struct slice){0};
    int err = seal_open(keys, slice_str(kind), id, v->text, &secret);
    if (!err)
        err = seal_add(out, keys, slice_str(kind), id, buf_slice(&secret));
    secret_release(&secret);
    if (err)
        log_error("access", "what is sealed in \"%.*s\" of the %s %.*s cannot be sealed anew: %s",
                  SLICE_ARG(v->key), kind, SLICE_ARG(id), err_info(err)->text);
    return err ? (struct slice){0} : buf_slice(out);
}

/* Puts the record when a member of it changes. */
static size_t reseal_record(struct change *ch, const struct entity *e, const struct sealed_kind *k)
{
    const struct jval *object = k->within ? jval_get(e->doc, k->within) : e->doc;
    struct slice id = k->id ? jval_string(jval_get(object, k->id)) : slice_str(e->id);
    struct jval *doc = NULL;
    for (const struct jval *v = object ? object->first : NULL; v; v = v->next) {
        struct buf sealed = {0};
        struct slice fresh = renewed(ch, k->name, id, v, &sealed);
        if (fresh.p && !doc)
            doc = jval_copy(ch->arena, e->doc);
        struct jval *kept = fresh.p && doc ? jval_new_string(ch->arena, fresh) : NULL;
        if (kept)
            jval_set(ch->arena, k->within ? jval_get(doc, k->within) : doc, v->key, kept);
        buf_release(&sealed);
    }
    if (doc)
        change_put(ch, k->kind, e->id, doc);
    return doc != NULL;
}

static int reseal(struct change *ch)
{
    size_t n = 0;
    ch->quiet = true; /* nothing that anybody sees is another than before */
    for (size_t i = 0; i < sizeof sealed_kinds / sizeof sealed_kinds[0]; i++) {
        const struct entity *e;
        size_t at = 0;
        while (n < RESEAL_MOST && (e = map_next(&ch->access->kinds[sealed_kinds[i].kind], &at)))
            n += reseal_record(ch, e, &sealed_kinds[i]);
    }
    ch->access->people->resealed = n;
    return 0;
}

static void on_resealed(struct change *ch)
{
    size_t n = ch->access->people->resealed;
    if (ch->err && ch->err != ERR_CANCELLED)
        log_error("access", "%zu records are still sealed under an older key: %s", n, ch->detail);
    else if (n && !ch->err)
        log_info("access", "%zu records are sealed under the newest key now", n);
    if (n == RESEAL_MOST && !ch->err)
        people_reseal(ch->access);
}

void people_reseal(struct access *a)
{
    if (a->people->keys)
        access_change(
            a, &(struct change_plan){.who = a->system, .prepare = reseal, .done = on_resealed});
}
