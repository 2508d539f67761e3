/* What was not allowed, into the audit log.  Somebody who tries again and again must not fill the
 * disk: the same refusal (who, from where, what, on which object) is written once, and within the
 * next minute only counted; what was counted is written when the minute is over.  At most
 * REFUSALS_MAX different ones are remembered at a time; beyond that they are counted together. */
#include "access/audit.h"
#include "access/state.h"

#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

#define MINUTE_US INT64_C(60000000)
enum { REFUSALS_MAX = 1000, TEXT_MAX = 200 };

struct refusal {
    char *key;
    int64_t since_us; /* monotonic */
    uint64_t again;
    struct audit_entry entry; /* its texts in the same block */
};

static struct slice keep(char **at, struct slice s)
{
    char *p = *at;
    size_t n = s.n < TEXT_MAX ? s.n : TEXT_MAX;
    if (n)
        memcpy(p, s.p, n);
    *at = p + n;
    return slice_of(p, n);
}

enum { TEXTS = 11 };

static void each_text(struct audit_entry *e, struct slice *ret[TEXTS])
{
    struct slice *const all[TEXTS] = {&e->org,     &e->who_kind, &e->who,     &e->who_name,
                                      &e->address, &e->via,      &e->request, &e->operation,
                                      &e->object,  &e->outcome,  &e->detail};
    memcpy(ret, all, sizeof all);
}

/* Copy the texts behind the block. */
static void own_texts(struct audit_entry *e, char *at)
{
    struct slice *texts[TEXTS];
    each_text(e, texts);
    for (size_t i = 0; i < TEXTS; i++)
        *texts[i] = keep(&at, *texts[i]);
}

static void submit(struct access *a, const struct audit_entry *e)
{
    char text[TEXT_MAX + 64];
    struct audit_entry copy = *e;
    if (a->refusals_lost) {
        int n = snprintf(text, sizeof text, "%.*s (%llu others were not written)",
                         e->detail.n < TEXT_MAX ? (int)e->detail.n : TEXT_MAX, e->detail.p,
                         (unsigned long long)a->refusals_lost);
        copy.detail = slice_of(text, (size_t)n);
    }
    if (access_audit(a, &copy))
        a->refusals_lost = 0;
    else
        a->refusals_lost++;
}

static void forget(struct access *a, struct refusal *r)
{
    map_remove(&a->refusals, slice_str(r->key));
    if (r->again) {
        char text[64];
        int n = snprintf(text, sizeof text, "%llu more times within a minute",
                         (unsigned long long)r->again);
        r->entry.detail = slice_of(text, (size_t)n);
        r->entry.at_us = clock_now_us();
        submit(a, &r->entry);
    }
    free(r->key);
    free(r);
}

void refusals_turn(struct access *a, bool all)
{
    int64_t now = clock_mono_us();
    for (bool some = true; some;) {
        struct refusal *r;
        size_t at = 0;
        some = false;
        while (!some && (r = map_next(&a->refusals, &at)))
            some = all || now - r->since_us >= MINUTE_US;
        if (some)
            forget(a, r);
    }
}

void access_refused(struct access *a, const struct principal *who, const struct origin *from,
                    int err, enum access_op op, const char *object, const char *detail)
{
    char key[TEXT_MAX * 2];
    const char *operation = op == OP_PUBLIC ? "sign-in" : op_info(op)->name;
    snprintf(key, sizeof key, "%d %s %s %s %s", who->kind, who->id, from->address, operation,
             object);
    struct refusal *r = map_get(&a->refusals, slice_str(key));
    a->stats.refusals++;
    a->stats.sign_ins_failed += op == OP_PUBLIC;
    if (r) {
        r->again++;
        return;
    }
    struct audit_entry e;
    access_audit_by(&e, &(struct asker){(struct principal *)(uintptr_t)who, *from}, who->org);
    e.operation = slice_str(operation);
    e.object = slice_str(object);
    e.outcome = SLICE_LIT("refused");
    e.detail = slice_str(detail ? detail : err_info(err)->text);
    submit(a, &e);
    r = a->refusals.count < REFUSALS_MAX ? malloc(sizeof *r + TEXTS * (size_t)TEXT_MAX) : NULL;
    if (!r)
        return;
    *r = (struct refusal){.key = strdup(key), .since_us = clock_mono_us(), .entry = e};
    own_texts(&r->entry, (char *)(r + 1));
    if (!r->key || map_put(&a->refusals, slice_str(r->key), r, NULL)) {
        free(r->key);
        free(r);
    }
}
