/* audit_table.c - the audit log of their organisation, for those who may read it. */
#include "ask/live.h"

#include "access/state.h"
#include "base/err.h"
#include "store/audit.h"

enum {
    L_N,
    L_TIME,
    L_WHO_KIND,
    L_WHO,
    L_WHO_NAME,
    L_VIA,
    L_OPERATION,
    L_OBJECT,
    L_OUTCOME,
    L_DETAIL,
    L_BEFORE,
    L_AFTER
};

/* clang-format off */
static const struct ask_column columns[] = {
    COLUMN("n", "INTEGER", "its number"),
    COLUMN("time", "time", "", .time = true),
    COLUMN("who_kind", "TEXT", "person, service, device, ..."),
    COLUMN("who", "TEXT", "the id of who did it", .match = true, .rows = 0.1),
    COLUMN("who_name", "TEXT", "the name of who did it"),
    COLUMN("via", "TEXT", "http, mqtt, ..."),
    COLUMN("operation", "TEXT", "twins:write", .match = true, .rows = 0.1),
    COLUMN("object", "TEXT", "twin:pump-1", .match = true, .rows = 0.01),
    COLUMN("outcome", "TEXT", "done, refused or failed", .match = true, .rows = 0.5),
    COLUMN("detail", "TEXT", "a sentence"),
    COLUMN("before", "json", "what it was"),
    COLUMN("after", "json", "what it became"),
    {0}};
/* clang-format on */

enum { LOOKED_MAX = 5000 }; /* lines that do not fit, before somebody may cancel */

struct audit_walk {
    struct audit_query query;
    struct scan *s;
    size_t looked;
};

static double rows_of_audit(const struct core *core)
{
    (void)core;
    return 100000;
}

static int open_audit(struct scan *s)
{
    struct audit_walk *w = s->state;
    struct question *q = s->q;
    loop_enter(q->loop);
    bool may = question_may(q, OP_AUDIT_READ);
    const char *slug =
        q->org ? arena_strndup(s->bound, org_slug(q->org), strlen(org_slug(q->org))) : NULL;
    loop_leave(q->loop);
    s->done = !may || !slug;
    w->query =
        (struct audit_query){.org = slice_str(slug),
                             .who = scan_eq(s, L_WHO),
                             .operation = scan_eq(s, L_OPERATION),
                             .object = scan_eq(s, L_OBJECT),
                             .outcome = scan_eq(s, L_OUTCOME),
                             .from_us = s->from_us,
                             .to_us = s->at_us && s->at_us < s->to_us ? s->at_us + 1 : s->to_us};
    return 0;
}

static int on_row(void *arg, const struct audit_row *r, bool fits)
{
    struct audit_walk *w = arg;
    struct scan *s = w->s;
    const struct audit_entry *e = &r->e;
    w->query.before_us = e->at_us;
    w->query.before_n = r->n;
    if (!fits)
        return ++w->looked >= LOOKED_MAX;
    struct cell *row = scan_row(s);
    const struct {
        int column;
        struct slice text;
    } texts[] = {{L_WHO_KIND, e->who_kind},   {L_WHO, e->who},
                 {L_WHO_NAME, e->who_name},   {L_VIA, e->via},
                 {L_OPERATION, e->operation}, {L_OBJECT, e->object},
                 {L_OUTCOME, e->outcome},     {L_DETAIL, e->detail},
                 {L_BEFORE, e->before},       {L_AFTER, e->after}};
    cell_int(s, row, L_N, r->n);
    cell_time(s, row, L_TIME, e->at_us);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].text.n)
            cell_text(s, row, texts[i].column, texts[i].text);
    return scan_full(s);
}

static int fill_audit(struct scan *s)
{
    struct audit_walk *w = s->state;
    w->s = s;
    w->looked = 0;
    int code = catalog_audit_each(s->q->catalog, &w->query, on_row, w);
    if (code < 0)
        return question_fail(s->q, code, NULL);
    s->done = !code;
    return 0;
}

const struct ask_table table_audit = {.name = "audit",
                                      .text = "the audit log, for who may read it; newest first",
                                      .columns = columns,
                                      .state = sizeof(struct audit_walk),
                                      .rows = rows_of_audit,
                                      .open = open_audit,
                                      .fill = fill_audit};
