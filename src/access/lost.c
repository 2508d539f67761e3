/* lost.c - grants and policies of twins that are there no more.
 *
 * They go from memory in the moment in which the twin goes, and from the catalog right after, in a
 * change of its own.  If the program ends between, the next start finds them by what they carry:
 * the time at which their twin was made, which no other twin of that id has. */
#include "access/orgs.h"
#include "access/sharing.h"

#include "base/err.h"
#include "base/log.h"

static bool is_lost(const struct access *a, const struct entity *e, struct slice key)
{
    return !key.n || doc_when(e, "twinCreated") != twin_stamp(a, key);
}

static void mark(const struct access *a, struct slice key)
{
    struct ruling *r = map_get(&a->rulings, key);
    if (r)
        r->lost = true;
}

/* Changes take turns: a grant that was under way when its twin went has come by now. */
static int remove_lost(struct change *ch)
{
    const struct access *a = ch->access;
    struct grant *g;
    struct policy *p;
    size_t at = 0;
    ch->quiet = true;
    ch->access->sweeping = false;
    while ((g = map_next(&a->kinds[RECORD_GRANT], &at)))
        if (g->twin.n && is_lost(a, &g->e, g->twin)) {
            mark(a, g->twin);
            forget_grant(ch, g);
        }
    for (at = 0; (p = map_next(&a->kinds[RECORD_POLICY], &at));)
        if (is_lost(a, &p->e, slice_str(p->e.id))) {
            mark(a, slice_str(p->e.id));
            change_remove(ch, RECORD_POLICY, p->e.id);
        }
    return 0;
}

static void on_removed(struct change *ch)
{
    if (ch->err && ch->err != ERR_CANCELLED)
        log_error("access", "what was granted on twins that are gone is still in the catalog: %s",
                  ch->detail);
}

static void sweep(struct access *a)
{
    if (a->sweeping)
        return;
    a->sweeping = true;
    access_change(
        a, &(struct change_plan){.who = a->system, .prepare = remove_lost, .done = on_removed});
}

void access_set_twins(struct access *a, int64_t (*created)(void *arg, struct slice key), void *arg)
{
    a->twin_created = created;
    a->twins = arg;
    sweep(a);
}

void access_twin_gone(struct access *a, struct slice key)
{
    if (!map_get(&a->rulings, key) && !a->running)
        return;
    mark(a, key);
    sweep(a);
}
