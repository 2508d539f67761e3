/* life.c - the steps of an alarm's life, and floods.
 *
 * A flood: where more alarms come in a minute than anybody can read, of a twin or of an
 * organisation, those beyond are kept as any, but one alarm tells of them in their stead, with
 * their number.  It ends when a whole minute has brought no more than the limit. */
#include "access/state.h"
#include "alarms/deliver.h"
#include "alarms/internal.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

enum { MINUTE_US = 60000000 };

/* ---- texts ---- */

void life_set_text(struct slice *at, struct slice text)
{
    char *copy = malloc(text.n + 1);
    if (!copy)
        return; /* it stays as it was */
    if (text.n)
        memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    free((char *)(uintptr_t)at->p);
    *at = slice_of(copy, text.n);
}

static void texts_of(struct alarm *a, struct slice *ret[14])
{
    struct slice *const texts[14] = {&a->org,      &a->twin,       &a->sensor,  &a->rule,
                                     &a->readings, &a->limit,      &a->actions, &a->escalate,
                                     &a->message,  &a->value,      &a->peak,    &a->acknowledged_by,
                                     &a->assignee, &a->shelved_why};
    memcpy(ret, texts, sizeof texts);
}

char *life_key(const struct alarms *a, const char *twin, const char *kind, struct slice name)
{
    struct buf b = {0};
    (void)a;
    buf_addf(&b, "%s|%s|%.*s", twin, kind, SLICE_ARG(name));
    return buf_take(&b);
}

/* ---- in memory ---- */

static struct crowd *crowd_of(struct alarms *a, const char *key, struct org *org)
{
    struct crowd *c = map_get(&a->crowds, slice_str(key));
    if (c)
        return c;
    c = calloc(1, sizeof *c);
    if (c && !(c->key = strdup(key))) {
        free(c);
        return NULL;
    }
    if (c && map_put(&a->crowds, slice_str(c->key), c, NULL)) {
        free(c->key);
        free(c);
        return NULL;
    }
    if (c)
        c->org = org;
    return c;
}

static struct crowd *crowd_of_org(struct alarms *a, struct org *org)
{
    char key[256];
    snprintf(key, sizeof key, "~%s", org ? org_slug(org) : "");
    return crowd_of(a, key, org);
}

struct item *life_find(const struct alarms *a, int64_t n)
{
    size_t low = 0, high = a->items_n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (a->by_n[mid]->a.n < n)
            low = mid + 1;
        else
            high = mid;
    }
    return low < a->items_n && a->by_n[low]->a.n == n ? a->by_n[low] : NULL;
}

struct item *life_of(const struct alarms *a, const char *key)
{
    return map_get(&a->items, slice_str(key));
}

struct org *life_org(const struct alarms *a, const struct alarm *alarm)
{
    return access_org(a->access, alarm->org);
}

static void item_free(struct item *i)
{
    struct slice *texts[14];
    texts_of(&i->a, texts);
    for (size_t t = 0; t < 14; t++)
        free((char *)(uintptr_t)texts[t]->p);
    free(i->key);
    free(i);
}

static int put_in_order(struct alarms *a, struct item *i)
{
    if (a->items_n == a->items_cap) {
        size_t cap = a->items_cap ? a->items_cap * 2 : 64;
        struct item **more = realloc(a->by_n, cap * sizeof *more);
        if (!more)
            return ERR_NOMEM;
        a->by_n = more;
        a->items_cap = cap;
    }
    size_t at = a->items_n++;
    for (; at && a->by_n[at - 1]->a.n > i->a.n; at--)
        a->by_n[at] = a->by_n[at - 1];
    a->by_n[at] = i;
    return 0;
}

/* The item of an alarm; it goes by its key.  NULL: out of memory. */
static struct item *item_new(struct alarms *a, const struct alarm *from, struct slice key,
                             struct org *org)
{
    struct item *i = calloc(1, sizeof *i);
    struct slice *to[14], *texts[14];
    struct alarm copy = *from;
    if (!i)
        return NULL;
    i->a = *from;
    texts_of(&i->a, to);
    texts_of(&copy, texts);
    for (size_t t = 0; t < 14; t++) {
        *to[t] = (struct slice){0};
        life_set_text(to[t], *texts[t]);
    }
    i->key = strndup(key.p ? key.p : "", key.n);
    i->crowd = i->a.twin.n ? crowd_of(a, i->a.twin.p, org) : crowd_of_org(a, org);
    struct crowd *all = crowd_of_org(a, org);
    if (!i->key || !i->crowd || !all || map_put(&a->items, slice_str(i->key), i, NULL)) {
        item_free(i);
        return NULL;
    }
    if (put_in_order(a, i)) {
        map_remove(&a->items, slice_str(i->key));
        item_free(i);
        return NULL;
    }
    all->open++;
    i->link = &i->crowd->items;
    i->next = i->crowd->items;
    if (i->next)
        i->next->link = &i->next;
    i->crowd->items = i;
    return i;
}

void life_end(struct alarms *a, struct item *i)
{
    struct crowd *c = i->crowd, *all = crowd_of_org(a, c->org);
    size_t at = 0;
    while (a->by_n[at] != i)
        at++;
    memmove(a->by_n + at, a->by_n + at + 1, (--a->items_n - at) * sizeof(struct item *));
    map_remove(&a->items, slice_str(i->key));
    *i->link = i->next;
    if (i->next)
        i->next->link = i->link;
    if (c->flood == i)
        c->flood = NULL;
    if (all)
        all->open--;
    item_free(i);
}

void life_settle_if(struct alarms *a, struct item *i)
{
    if (!alarm_is_open(&i->a))
        life_end(a, i);
}

/* ---- steps ---- */

static void wait_for_answer(struct item *i)
{
    i->waits_us = i->a.acknowledged ? 0 : clock_mono_us();
    i->unanswered = 0;
}

void life_step(struct alarms *a, struct item *i, enum alarm_step step, const char *text)
{
    i->a.changed_us = clock_now_us();
    keep_step(a, i, step, SLICE_LIT(""), SLICE_LIT(""), slice_str(text ? text : ""));
    deliver_plan(a->deliverer, &i->a, step, 0);
}

static void set_peak(struct item *i, const struct raising *r)
{
    i->peak = r->number;
    i->numeric = r->numeric;
    i->upwards = r->upwards;
    life_set_text(&i->a.peak, r->value);
}

/* ---- floods ---- */

static void flood_message(struct alarms *a, struct item *flood, unsigned limit)
{
    char text[512];
    struct crowd *all = crowd_of_org(a, flood->crowd->org);
    bool full = all && all->open >= OPEN_MAX;
    const char *twin = flood->a.twin.p;
    const char *id = twin + access_key_prefix(slice_str(twin));
    snprintf(text, sizeof text,
             "%llu more alarms of %s%s: more than %u in a minute. They are listed, but not told "
             "one by one%s",
             (unsigned long long)flood->a.count, flood->a.twin.n ? "twin " : "the organisation ",
             flood->a.twin.n ? id : flood->a.org.p, limit,
             full ? ", and beyond 50,000 open ones they are counted alone" : "");
    life_set_text(&flood->a.message, slice_str(text));
}

static unsigned limit_of(const struct alarms *a, const struct crowd *c)
{
    return c->key[0] == '~' ? a->opts.org_flood : a->opts.twin_flood;
}

/* One more.  Is it beyond what is told? */
static bool crowd_counts(struct alarms *a, struct crowd *c)
{
    int64_t now = clock_mono_us();
    if (now - c->since_us >= MINUTE_US) {
        c->before = now - c->since_us < 2 * MINUTE_US ? c->came : 0;
        c->came = 0;
        c->since_us = now;
    }
    return ++c->came > limit_of(a, c);
}

static struct item *flood_of(struct alarms *a, struct crowd *c, enum alarm_severity severity)
{
    bool all = c->key[0] == '~';
    char *key = life_key(a, c->key, "flood", SLICE_LIT(""));
    struct item *i = key ? life_of(a, key) : NULL;
    int64_t now = clock_now_us();
    if (i && !i->a.active) {
        i->a.active = true;
        i->a.acknowledged = false;
        i->a.cleared_us = 0;
        i->a.count = 0;
        i->a.severity = severity;
    } else if (!i && key) {
        const struct alarm made = {.n = ++a->last_n,
                                   .source = ALARM_FLOOD,
                                   .org = slice_str(c->org ? org_slug(c->org) : ""),
                                   .twin = slice_str(all ? "" : c->key),
                                   .raised_us = now,
                                   .changed_us = now,
                                   .severity = severity,
                                   .active = true};
        i = item_new(a, &made, slice_str(key), c->org);
    }
    free(key);
    c->flood = i;
    return i;
}

/* The one that tells of the alarm in its stead; NULL: it is told itself. */
static struct item *drowned_in(struct alarms *a, const struct item *i, struct crowd *c,
                               enum alarm_severity severity)
{
    if (!crowd_counts(a, c))
        return NULL;
    bool begins = !c->flood || !c->flood->a.active;
    struct item *flood = begins ? flood_of(a, c, severity) : c->flood;
    if (!flood)
        return NULL;
    bool worse = !begins && severity > flood->a.severity;
    flood->a.count++;
    if (worse)
        flood->a.severity = severity;
    flood_message(a, flood, limit_of(a, c));
    flood->counted = !begins && !worse;
    a->suppressed_total++;
    if (begins || worse) {
        flood->a.acknowledged = false;
        wait_for_answer(flood);
        life_step(a, flood, begins ? ALARM_RAISED : ALARM_ESCALATED, NULL);
    }
    if (i)
        deliver_merge(a->deliverer, flood, &i->a);
    return flood;
}

static void judge_flood(struct alarms *a, struct item *i, enum alarm_severity severity)
{
    struct item *flood = i->crowd->key[0] == '~' ? NULL : drowned_in(a, i, i->crowd, severity);
    struct crowd *all = crowd_of_org(a, i->crowd->org);
    if (!flood && all)
        flood = drowned_in(a, i, all, severity);
    i->a.group = flood ? flood->a.n : 0;
}

/* ---- raising ---- */

static void again(struct alarms *a, struct item *i, const struct raising *r, bool repeated)
{
    i->a.severity = repeated || r->severity > i->a.severity ? r->severity : i->a.severity;
    i->a.acknowledged = false;
    i->a.count += repeated;
    life_set_text(&i->a.message, r->message);
    if (repeated) {
        i->a.active = true;
        i->a.cleared_us = 0;
        life_set_text(&i->a.value, r->value);
        set_peak(i, r);
        judge_flood(a, i, r->severity);
    }
    wait_for_answer(i);
    a->raised_total += repeated;
    life_step(a, i, repeated ? ALARM_REPEATED : ALARM_ESCALATED, NULL);
}

static struct item *make(struct alarms *a, const struct raising *r)
{
    const struct alarm made = {.n = a->last_n + 1,
                               .source = r->source,
                               .org = slice_str(r->org ? org_slug(r->org) : ""),
                               .twin = slice_str(r->twin ? r->twin : ""),
                               .sensor = r->sensor,
                               .rule = r->rule,
                               .rule_version = r->version,
                               .raised_us = r->at_us ? r->at_us : clock_now_us(),
                               .changed_us = clock_now_us(),
                               .readings = r->readings,
                               .limit = r->limit,
                               .actions = r->actions,
                               .escalate = r->escalate,
                               .severity = r->severity,
                               .active = true,
                               .message = r->message,
                               .value = r->value,
                               .peak = r->value,
                               .count = 1};
    struct item *i = item_new(a, &made, r->key, r->org);
    if (i)
        a->last_n++;
    return i;
}

int life_raise(struct alarms *a, const struct raising *r)
{
    struct item *i = map_get(&a->items, r->key);
    struct crowd *all = crowd_of_org(a, r->org);
    if (a->stopped)
        return ERR_CANCELLED;
    if (i) {
        i->clear_due_us = 0;
        if (!i->a.active || r->severity > i->a.severity)
            again(a, i, r, !i->a.active);
        return 0;
    }
    if (all && all->open >= OPEN_MAX) { /* told by the flood of the organisation, with its number */
        drowned_in(a, NULL, all, r->severity);
        return 0;
    }
    if (!(i = make(a, r)))
        return ERR_NOMEM;
    set_peak(i, r);
    wait_for_answer(i);
    judge_flood(a, i, r->severity);
    a->raised_total++;
    life_step(a, i, ALARM_RAISED, NULL);
    return 0;
}

void life_clear(struct alarms *a, struct item *i, int64_t at_us, const char *why)
{
    i->clear_due_us = 0;
    if (!i->a.active)
        return;
    i->a.active = false;
    i->a.cleared_us = at_us ? at_us : clock_now_us();
    life_step(a, i, ALARM_CLEARED, why);
    life_settle_if(a, i);
}

struct item *life_load(struct alarms *a, const struct alarm *from)
{
    static const char *const kinds[] = {"level",     "level", "connection",
                                        "frequency", "rule",  "flood"};
    struct org *org = access_org(a->access, from->org);
    char scratch[256];
    snprintf(scratch, sizeof scratch, "~%.*s", SLICE_ARG(from->org));
    char *key = life_key(a, from->twin.n ? from->twin.p : scratch, kinds[from->source],
                         from->source == ALARM_RULE ? from->rule : from->sensor);
    struct item *i = key && !life_of(a, key) ? item_new(a, from, slice_str(key), org) : NULL;
    free(key);
    if (!i)
        return NULL;
    i->numeric = slice_to_double(from->peak, &i->peak) == 0;
    i->upwards = memmem(from->limit.p, from->limit.n, "\"above\"", 7) != NULL;
    wait_for_answer(i);
    if (from->source == ALARM_FLOOD)
        i->crowd->flood = i;
    return i;
}

/* ---- as time passes ---- */

static void flood_tick(struct alarms *a, struct item *i, int64_t mono_us)
{
    struct crowd *c = i->crowd;
    bool quiet = mono_us - c->since_us >= MINUTE_US && c->came <= limit_of(a, c);
    if (mono_us - c->since_us >= 2 * MINUTE_US)
        quiet = true;
    if (i->a.active && quiet) {
        life_clear(a, i, 0, NULL);
        return;
    }
    if (mono_us - c->since_us >= MINUTE_US) { /* another minute of it */
        c->came = 0;
        c->since_us = mono_us;
    }
    if (!i->counted || clock_now_us() - i->a.changed_us < 1000000)
        return;
    i->counted = false;
    life_step(a, i, ALARM_COUNTED, NULL);
}

static void unshelve_if_due(struct alarms *a, struct item *i, int64_t now_us)
{
    if (!i->a.shelved_until_us || now_us < i->a.shelved_until_us)
        return;
    i->a.shelved_until_us = 0;
    life_set_text(&i->a.shelved_why, SLICE_LIT(""));
    if (i->a.active)
        i->a.acknowledged = false;
    wait_for_answer(i);
    life_step(a, i, ALARM_UNSHELVED, "its time is up");
    life_settle_if(a, i);
}

static void escalate_if_due(struct alarms *a, struct item *i, int64_t mono_us)
{
    if (!i->waits_us || i->a.acknowledged || i->a.shelved_until_us || i->a.group)
        return;
    int64_t after = deliver_unanswered(a->deliverer, &i->a, i->unanswered);
    if (after < 0 || mono_us - i->waits_us < after)
        return;
    char text[64];
    snprintf(text, sizeof text, "not acknowledged for %lld s", (long long)(after / 1000000));
    i->a.changed_us = clock_now_us();
    keep_step(a, i, ALARM_UNANSWERED, SLICE_LIT(""), SLICE_LIT(""), slice_str(text));
    deliver_plan(a->deliverer, &i->a, ALARM_UNANSWERED, i->unanswered);
    i->unanswered++;
}

void life_tick(struct alarms *a, int64_t mono_us)
{
    int64_t now = clock_now_us();
    for (size_t k = a->items_n; k-- > 0;) { /* from behind: what ends is taken out */
        struct item *i = a->by_n[k];
        if (i->clear_due_us && mono_us >= i->clear_due_us) {
            life_clear(a, i, i->clear_at_us, NULL);
            continue;
        }
        if (i->a.source == ALARM_FLOOD && i->a.active)
            flood_tick(a, i, mono_us);
        else if (i->a.shelved_until_us)
            unshelve_if_due(a, i, now);
        else
            escalate_if_due(a, i, mono_us);
        if (k > a->items_n) /* others went too */
            k = a->items_n;
    }
}

void life_free(struct alarms *a)
{
    for (size_t i = 0; i < a->items_n; i++)
        item_free(a->by_n[i]);
    free(a->by_n);
    map_release(&a->items);
    size_t at = 0;
    for (struct crowd *c; (c = map_next(&a->crowds, &at));) {
        free(c->key);
        free(c);
    }
    map_release(&a->crowds);
}
