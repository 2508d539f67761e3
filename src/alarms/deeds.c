/* deeds.c - what people do with alarms. */
#include "access/state.h"
#include "alarms/deliver.h"
#include "alarms/internal.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdlib.h>

enum { SHELF_DAYS_MAX = 366 };

static const struct deed {
    const char *operation; /* in the audit log */
    enum alarm_step step;
} deeds[] = {
    [DEED_ACKNOWLEDGE] = {"alarms:acknowledge", ALARM_ACKNOWLEDGED},
    [DEED_CLEAR] = {"alarms:clear", ALARM_CLEARED},
    [DEED_ASSIGN] = {"alarms:assign", ALARM_ASSIGNED},
    [DEED_COMMENT] = {"alarms:comment", ALARM_COMMENTED},
    [DEED_SHELVE] = {"alarms:shelve", ALARM_SHELVED},
    [DEED_UNSHELVE] = {"alarms:unshelve", ALARM_UNSHELVED},
};

/* Is it somebody of the organisation? */
static bool is_assignee(const struct alarms *a, const struct org *org, struct slice whom)
{
    struct slice kind;
    if (!slice_cut(&whom, ':', &kind) || !whom.n)
        return false;
    if (slice_is(kind, "person"))
        return map_get(&org->members, whom) != NULL;
    (void)a;
    return slice_is(kind, "team") && map_get(&org->teams, whom) != NULL;
}

/* A sentence why it cannot be; NULL: it can. */
static const char *refuse(const struct alarms *a, const struct item *i, const struct alarm_ask *ask)
{
    const struct org *org = i->crowd->org;
    if (ask->text.n > TEXT_MAX)
        return "A comment or reason has at most 2000 bytes.";
    switch (ask->deed) {
    case DEED_ASSIGN:
        return !ask->assignee.n || (org && is_assignee(a, org, ask->assignee))
                   ? NULL
                   : "assignee is \"person:ID\" of a member or \"team:ID\" of a team of the "
                     "organisation, or null for nobody.";
    case DEED_COMMENT:
        return ask->text.n ? NULL : "A comment has a text.";
    case DEED_SHELVE:
        if (!ask->text.n)
            return "Say why: an alarm is shelved with a reason.";
        if (ask->until_us <= clock_now_us() ||
            ask->until_us - clock_now_us() > SHELF_DAYS_MAX * INT64_C(86400000000))
            return "until is a time that is to come, within a year.";
        return NULL;
    default:
        return NULL;
    }
}

/* Does it change anything? */
static bool is_done(const struct alarm *alarm, const struct alarm_ask *ask)
{
    return (ask->deed == DEED_ACKNOWLEDGE && alarm->acknowledged && !ask->text.n) ||
           (ask->deed == DEED_UNSHELVE && !alarm->shelved_until_us) ||
           (ask->deed == DEED_ASSIGN && slice_eq(alarm->assignee, ask->assignee));
}

static void acknowledge(struct item *i, struct slice who)
{
    i->a.acknowledged = true;
    i->a.acknowledged_us = i->a.changed_us;
    i->waits_us = 0;
    life_set_text(&i->a.acknowledged_by, who);
}

static void do_it(struct item *i, const struct alarm_ask *ask, struct slice who)
{
    switch (ask->deed) {
    case DEED_ACKNOWLEDGE:
        acknowledge(i, who);
        break;
    case DEED_CLEAR:
        acknowledge(i, who);
        if (i->a.active)
            i->a.cleared_us = i->a.changed_us;
        i->a.active = false;
        i->a.shelved_until_us = 0;
        i->clear_due_us = 0;
        break;
    case DEED_ASSIGN:
        life_set_text(&i->a.assignee, ask->assignee);
        break;
    case DEED_COMMENT:
        break;
    case DEED_SHELVE:
        i->a.shelved_until_us = ask->until_us;
        life_set_text(&i->a.shelved_why, ask->text);
        break;
    case DEED_UNSHELVE:
        i->a.shelved_until_us = 0;
        life_set_text(&i->a.shelved_why, SLICE_LIT(""));
        break;
    }
}

static void audit(struct alarms *a, struct op *op, const struct asker *by, const struct item *i,
                  const struct alarm_ask *ask)
{
    struct buf object = {0}, detail = {0};
    struct audit_entry *e = &op->audit;
    access_audit_by(e, by, i->crowd->org);
    struct slice *const texts[] = {&e->org,     &e->who_kind, &e->who,    &e->who_name,
                                   &e->address, &e->via,      &e->request};
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
        *texts[t] = keep_text(a, *texts[t]);
    buf_addf(&object, "alarm:a-%lld", (long long)i->a.n);
    if (ask->deed == DEED_ASSIGN)
        buf_addf(&detail, "to %s%.*s", ask->assignee.n ? "" : "nobody", SLICE_ARG(ask->assignee));
    else
        buf_add_slice(&detail, ask->text);
    e->operation = slice_str(deeds[ask->deed].operation);
    e->object = keep_text(a, buf_slice(&object));
    e->detail = keep_text(a, buf_slice(&detail));
    op->audited = true;
    buf_release(&object);
    buf_release(&detail);
}

static void take(struct alarms *a, const struct asker *by, struct item *i,
                 const struct alarm_ask *ask, alarm_done_fn *done, void *arg)
{
    struct buf who = {0};
    access_put_subject(by->who, &who);
    i->a.changed_us = clock_now_us();
    do_it(i, ask, buf_slice(&who));
    struct slice text = ask->deed == DEED_ASSIGN ? ask->assignee : ask->text;
    enum alarm_step step = deeds[ask->deed].step;
    struct op *op = keep_step(a, i, step, buf_slice(&who), slice_str(by->who->name), text);
    buf_release(&who);
    if (!op) {
        done(arg, ERR_NOMEM, NULL, NULL);
        return;
    }
    audit(a, op, by, i, ask);
    op->done = done;
    op->arg = arg;
    deliver_plan(a->deliverer, &i->a, step, 0);
    life_settle_if(a, i);
}

void alarms_do(struct alarms *a, const struct asker *by, const struct alarm_ask *ask,
               alarm_done_fn *done, void *arg)
{
    struct item *i = life_find(a, ask->n);
    const char *why = NULL;
    int err = 0;
    if (a->stopped)
        err = ERR_CANCELLED;
    else if (!i || !alarm_may(a, by->who, OP_ALARMS_READ, &i->a))
        err = ERR_NOT_FOUND;
    else if (!alarm_may(a, by->who, OP_ALARMS_HANDLE, &i->a))
        err = ERR_FORBIDDEN;
    else if ((why = refuse(a, i, ask)))
        err = ERR_INVALID;
    else if (is_done(&i->a, ask)) {
        done(arg, 0, NULL, &i->a);
        return;
    }
    if (err)
        done(arg, err, why, NULL);
    else
        take(a, by, i, ask, done, arg);
}
