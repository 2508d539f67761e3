/* reseal.c - secrets that are still under an older key are sealed anew under the newest, when the
 * room is opened; doppel key rm waits for that.
 *
 * A secret in a record is a member of it that is sealed for (the name of its kind below, the
 * record's id).  Whoever seals in another kind of record writes a row. */
#include "access/people.h"

#include "base/err.h"
#include "base/log.h"
#include "crypto/seal.h"

enum { RESEAL_MOST = 500 }; /* records in a transaction; others wait for their turn meanwhile */

static const struct {
    enum record_kind kind;
    const char *name;
} sealed_kinds[] = {{RECORD_PERSON, "person"}, {RECORD_PROVIDER, "provider"}};

/* The member under the newest key; p NULL: it stays as it is. */
static struct slice renewed(struct change *ch, const char *kind, const char *id,
                            const struct jval *v, struct buf *out)
{
    const struct key_ring *keys = ch->access->people->keys;
    struct buf secret = {0};
    if (v->type != J_STRING || !seal_needs_renewal(keys, v->text))
        return (struct slice){0};
    int err = seal_open(keys, slice_str(kind), slice_str(id), v->text, &secret);
    if (!err)
        err = seal_add(out, keys, slice_str(kind), slice_str(id), buf_slice(&secret));
    secret_release(&secret);
    if (err)
        log_error("access", "what is sealed in \"%.*s\" of the %s %s cannot be sealed anew: %s",
                  SLICE_ARG(v->key), kind, id, err_info(err)->text);
    return err ? (struct slice){0} : buf_slice(out);
}

/* Puts the record when a member of it changes. */
static size_t reseal_record(struct change *ch, const struct entity *e, enum record_kind kind,
                            const char *name)
{
    struct jval *doc = NULL;
    for (const struct jval *v = e->doc->first; v; v = v->next) {
        struct buf sealed = {0};
        struct slice fresh = renewed(ch, name, e->id, v, &sealed);
        if (fresh.p && !doc)
            doc = jval_copy(ch->arena, e->doc);
        struct jval *kept = fresh.p && doc ? jval_new_string(ch->arena, fresh) : NULL;
        if (kept)
            jval_set(ch->arena, doc, v->key, kept);
        buf_release(&sealed);
    }
    if (doc)
        change_put(ch, kind, e->id, doc);
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
            n += reseal_record(ch, e, sealed_kinds[i].kind, sealed_kinds[i].name);
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
