/* What a change of a profile says in the audit log: the members that differ, as they were and as
 * they are, not two whole profiles.  What is too long for that is told by its size and checksum. */
#include "core/twins_audit.h"

#include "base/crc32c.h"
#include "codec/json.h"

enum { DIFFERENCE_MAX = 32 << 10 };

static bool is_object(const struct jval *v)
{
    return v && v->type == J_OBJECT;
}

/* Take out of both what is the same in both. */
static void keep_differences(struct jval *a, struct jval *b)
{
    for (struct jval *x = a->first, *next; x; x = next) {
        struct jval *y = jval_get_slice(b, x->key);
        next = x->next;
        if (!y)
            continue;
        if (jval_equal(x, y)) {
            struct slice key = x->key;
            jval_remove(b, key);
            jval_remove(a, key);
        } else if (is_object(x) && is_object(y)) {
            keep_differences(x, y);
        }
    }
}

static struct slice write_doc(struct arena *a, const struct jval *doc, struct slice whole)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    jval_write(&w, doc);
    if (b.n > DIFFERENCE_MAX) {
        buf_clear(&b);
        buf_addf(&b, "{\"bytes\":%zu,\"crc32c\":\"%08x\"}", whole.n,
                 (unsigned)crc32c(0, whole.p, whole.n));
    }
    struct slice kept = b.failed ? SLICE_LIT("") : arena_dup(a, buf_slice(&b));
    buf_release(&b);
    return kept;
}

void twins_audit_difference(struct arena *a, struct slice before, struct slice after,
                            struct audit_entry *e)
{
    struct jval *old = NULL, *new = NULL;
    if (before.n && jdoc_parse(a, before, &old, NULL))
        return;
    if (after.n && jdoc_parse(a, after, &new, NULL))
        return;
    if (is_object(old) && is_object(new))
        keep_differences(old, new);
    if (old)
        e->before = write_doc(a, old, before);
    if (new)
        e->after = write_doc(a, new, after);
}
