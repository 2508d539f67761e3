/* deliver.c - what is to be told of a step, to whom, and when it is tried. */
#include "alarms/lanes.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "twin/kinds.h"

#include <stdio.h>
#include <stdlib.h>

#define COMMANDS "!commands"

/* ---- what is to be told ---- */

static const char *word_of(const struct alarm *alarm, enum alarm_step step)
{
    switch (step) {
    case ALARM_RAISED:
    case ALARM_REPEATED:
    case ALARM_ESCALATED:
    case ALARM_UNANSWERED:
        return "raised";
    case ALARM_UNSHELVED:
        return alarm->active ? "raised" : NULL;
    case ALARM_ACKNOWLEDGED:
        return "acknowledged";
    case ALARM_CLEARED:
        return "cleared";
    default:
        return NULL;
    }
}

/* {"type":"alarm.raised","timestamp":"...","data":{alarm}} */
static void write_body(struct deliverer *d, struct buf *out, const struct alarm *alarm,
                       enum alarm_step step)
{
    struct json_writer w;
    buf_addf(out, "{\"type\":\"alarm.%s\",\"timestamp\":\"", alarm_step_name(step));
    clock_format(out, alarm->changed_us);
    buf_addf(out, "\",\"organization\":\"%.*s\",\"data\":", SLICE_ARG(alarm->org));
    json_writer_init(&w, out, 0);
    alarm_write(&w, d->alarms, NULL, alarm);
    buf_add_byte(out, '}');
}

struct plan {
    struct deliverer *d;
    const struct alarm *alarm;
    const char *word;
    struct buf body;
    struct slice told[64]; /* destinations that get it already */
    size_t told_n;
};

static void add(struct plan *p, struct slice destination, struct slice command)
{
    struct alarms *a = p->d->alarms;
    for (size_t i = 0; i < p->told_n && !command.n; i++)
        if (slice_eq(p->told[i], destination))
            return;
    if (!command.n && p->told_n < 64)
        p->told[p->told_n++] = destination;
    struct op *op = p->body.failed ? NULL : keep_op(a, KEEP_DELIVERY);
    if (!op)
        return;
    int64_t now = clock_now_us();
    op->delivery = (struct delivery){.n = ++a->last_delivery,
                                     .org = keep_text(a, p->alarm->org),
                                     .destination = keep_text(a, destination),
                                     .command = keep_text(a, command),
                                     .alarm = p->alarm->n,
                                     .on = slice_str(p->word),
                                     .body = keep_text(a, buf_slice(&p->body)),
                                     .made_us = now,
                                     .next_us = now,
                                     .why = SLICE_LIT("")};
}

static void add_command(struct plan *p, const struct jval *command)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    jval_write(&w, command);
    if (!b.failed)
        add(p, SLICE_LIT(""), buf_slice(&b));
    buf_release(&b);
}

static void add_actions(struct plan *p, const struct jval *list, bool people)
{
    const struct jval *v = list && list->type == J_ARRAY ? list->first : NULL;
    for (; v; v = v->next) {
        struct slice destination = jval_string(jval_get(v, "destination"));
        const struct jval *command = jval_get(v, "command");
        if (!list_has(jval_get(v, "on"), p->word))
            continue;
        if (command && command->type == J_OBJECT)
            add_command(p, command); /* a flood keeps no command back: it tells people less */
        else if (destination.n && people)
            add(p, destination, SLICE_LIT(""));
    }
}

static int64_t after_of(const struct jval *stage)
{
    int64_t us;
    return duration_parse(jval_string(jval_get(stage, "after")), &us) ? 0 : us;
}

static struct jval *parsed(struct arena *arena, struct slice json)
{
    struct jval *v = NULL;
    return json.n && arena && jdoc_parse(arena, json, &v, NULL) == 0 ? v : NULL;
}

static struct org *org_of(const struct deliverer *d, const struct alarm *alarm)
{
    return access_org(d->alarms->access, alarm->org);
}

/* The shortest time that is longer than `than`, of the rule's stages and the destinations. */
static int64_t next_after(struct deliverer *d, const struct alarm *alarm,
                          const struct jval *escalate, int64_t than)
{
    int64_t best = 0;
    struct org *org = org_of(d, alarm);
    size_t at = 0;
    const struct jval *v = escalate && escalate->type == J_ARRAY ? escalate->first : NULL;
    for (; v; v = v->next) {
        int64_t us = after_of(v);
        best = us > than && (!best || us < best) ? us : best;
    }
    for (const struct document *o;
         org && (o = document_next(d->alarms->access, DOCUMENT_DESTINATION, org, &at));) {
        int64_t us = destination_after(o, alarm);
        best = us > than && (!best || us < best) ? us : best;
    }
    return best;
}

static int64_t after_of_stage(struct deliverer *d, const struct alarm *alarm,
                              const struct jval *escalate, unsigned stage)
{
    int64_t after = 0;
    for (unsigned i = 0; i <= stage; i++)
        if (!(after = next_after(d, alarm, escalate, after)))
            return -1;
    return after;
}

int64_t deliver_unanswered(struct deliverer *d, const struct alarm *alarm, unsigned stage)
{
    if (!d)
        return -1;
    struct arena *arena = alarm->escalate.n ? arena_new() : NULL;
    int64_t after = after_of_stage(d, alarm, parsed(arena, alarm->escalate), stage);
    arena_free(arena);
    return after;
}

void deliver_plan(struct deliverer *d, const struct alarm *alarm, enum alarm_step step,
                  unsigned stage)
{
    struct plan p = {.d = d, .alarm = alarm, .word = word_of(alarm, step)};
    struct org *org = d ? org_of(d, alarm) : NULL;
    if (!org || !p.word || alarm->shelved_until_us)
        return;
    struct arena *arena = arena_new();
    bool people = !alarm->group;
    int64_t after = 0;
    size_t at = 0;
    write_body(d, &p.body, alarm, step);
    if (step == ALARM_UNANSWERED) {
        const struct jval *stages = parsed(arena, alarm->escalate);
        after = after_of_stage(d, alarm, stages, stage);
        for (const struct jval *v = stages && stages->type == J_ARRAY ? stages->first : NULL; v;
             v = v->next)
            if (after_of(v) == after)
                add_actions(&p, jval_get(v, "actions"), people);
    } else {
        add_actions(&p, parsed(arena, alarm->actions), people);
    }
    for (const struct document *o;
         people && (o = document_next(d->alarms->access, DOCUMENT_DESTINATION, org, &at));)
        if (destination_wants(o, alarm, p.word, after))
            add(&p, slice_str(o->id), SLICE_LIT(""));
    buf_release(&p.body);
    arena_free(arena);
}

/* ---- floods ---- */

static bool names(const struct jval *list, struct slice destination)
{
    for (const struct jval *v = list->first; v; v = v->next)
        if (slice_eq(jval_string(jval_get(v, "destination")), destination))
            return true;
    return false;
}

void deliver_merge(struct deliverer *d, struct item *flood, const struct alarm *alarm)
{
    if (!d || !alarm->actions.n || !flood)
        return;
    struct arena *arena = arena_new();
    struct jval *theirs = parsed(arena, alarm->actions);
    struct jval *ours = parsed(arena, flood->a.actions);
    struct plan p = {.d = d, .alarm = &flood->a, .word = "raised"};
    bool changed = false;
    if (arena && !ours)
        ours = jval_new(arena, J_ARRAY);
    for (const struct jval *v = theirs && ours && theirs->type == J_ARRAY ? theirs->first : NULL; v;
         v = v->next) {
        struct slice to = jval_string(jval_get(v, "destination"));
        if (!to.n || ours->count >= 32 || names(ours, to))
            continue;
        struct jval *copy = jval_copy(arena, v);
        if (!copy || !jval_append(ours, copy))
            break;
        if (!p.body.n)
            write_body(d, &p.body, &flood->a, ALARM_RAISED);
        add(&p, to, SLICE_LIT(""));
        changed = true;
    }
    if (changed) {
        struct buf b = {0};
        struct json_writer w;
        json_writer_init(&w, &b, 0);
        jval_write(&w, ours);
        if (!b.failed)
            life_set_text(&flood->a.actions, buf_slice(&b));
        flood->counted = true; /* so it is kept */
        buf_release(&b);
    }
    buf_release(&p.body);
    arena_free(arena);
}

/* ---- lanes ---- */

static struct lane *lane_of(struct deliverer *d, const struct delivery *of)
{
    struct buf key = {0};
    buf_addf(&key, "%.*s/%.*s", SLICE_ARG(of->org),
             SLICE_ARG(of->destination.n ? of->destination : SLICE_LIT(COMMANDS)));
    struct lane *l = key.failed ? NULL : map_get(&d->lanes, buf_slice(&key));
    if (!l && (l = calloc(1, sizeof *l))) {
        l->owner = d;
        l->key = buf_take(&key);
        if (!l->key || map_put(&d->lanes, slice_str(l->key), l, NULL)) {
            free(l->key);
            free(l);
            l = NULL;
        }
    }
    buf_release(&key);
    return l;
}

static struct slice put(char **at, struct slice s)
{
    if (s.n)
        memcpy(*at, s.p, s.n);
    struct slice copy = slice_of(*at, s.n);
    *at += s.n + 1;
    return copy;
}

static struct parcel *parcel_new(const struct delivery *d)
{
    size_t bytes = d->org.n + d->destination.n + d->command.n + d->on.n + d->body.n + 5;
    struct parcel *p = calloc(1, sizeof *p + bytes);
    if (!p)
        return NULL;
    char *at = (char *)(p + 1);
    p->d = *d;
    p->d.org = put(&at, d->org);
    p->d.destination = put(&at, d->destination);
    p->d.command = put(&at, d->command);
    p->d.on = put(&at, d->on);
    p->d.body = put(&at, d->body);
    p->d.why = SLICE_LIT("");
    return p;
}

static void keep_result(struct deliverer *d, const struct delivery *from, const char *why)
{
    struct op *op = keep_op(d->alarms, KEEP_RESULT);
    if (!op)
        return;
    op->delivery = *from;
    op->delivery.why = keep_text(d->alarms, slice_str(why));
    struct delivery *t = &op->delivery;
    t->org = t->destination = t->command = t->on = t->body = SLICE_LIT("");
}

static void give_up(struct deliverer *d, struct delivery *of, const char *why)
{
    of->state = DELIVERY_DEAD;
    of->ended_us = clock_now_us();
    d->dead++;
    keep_result(d, of, why);
}

static void kick(struct lane *l);

void deliver_made(struct deliverer *d, const struct delivery *of)
{
    if (!d || d->stopped)
        return;
    struct lane *l = lane_of(d, of);
    struct parcel *p = l && l->n < LANE_MAX ? parcel_new(of) : NULL;
    if (!p) {
        struct delivery copy = *of;
        give_up(d, &copy, "more than 10,000 wait for this destination");
        return;
    }
    if (l->last)
        l->last->next = p;
    else
        l->first = p;
    l->last = p;
    l->n++;
    d->waiting++;
    kick(l);
}

static int64_t pause_us(unsigned tries)
{
    int64_t base = INT64_C(1000000) << (tries < 12 ? tries : 12);
    base = base > INT64_C(3600000000) ? INT64_C(3600000000) : base;
    return base / 2 + (int64_t)random_below((uint32_t)(base / 2000 + 1)) * 1000;
}

static void take_first(struct lane *l)
{
    struct parcel *p = l->first;
    l->first = p->next;
    if (!l->first)
        l->last = NULL;
    l->n--;
    l->owner->waiting--;
    free(p);
}

void lane_done(struct lane *l, bool sent, bool temporary, const char *why)
{
    struct deliverer *d = l->owner;
    size_t n = l->out;
    l->out = 0;
    d->active--;
    for (struct parcel *p = l->first; p && n; n--) {
        struct parcel *next = p->next;
        p->d.tries++;
        d->sent += sent;
        d->failed += !sent;
        if (!sent && temporary && p->d.tries < TRIES_MAX) {
            p->d.next_us = clock_now_us() + pause_us(p->d.tries);
            keep_result(d, &p->d, why);
            if (p == l->first)
                break; /* the others go with it again */
        } else if (sent) {
            p->d.state = DELIVERY_SENT;
            p->d.ended_us = clock_now_us();
            keep_result(d, &p->d, "");
            take_first(l);
        } else {
            give_up(d, &p->d, why);
            take_first(l);
        }
        p = next;
    }
    if (!d->stopped)
        kick(l);
}

/* A mail destination that has had its mails of this minute waits for the next. */
static bool must_gather(struct lane *l)
{
    int64_t now = clock_mono_us();
    if (now - l->minute_us >= 60000000) {
        l->minute_us = now;
        l->in_minute = 0;
    }
    return l->in_minute >= MAILS_A_MINUTE;
}

static void kick(struct lane *l)
{
    struct deliverer *d = l->owner;
    if (l->out || !l->first || d->stopped || d->active >= ACTIVE_MAX ||
        clock_now_us() < l->first->d.next_us)
        return;
    if (!l->first->d.destination.n) {
        l->out = 1;
        d->active++;
        lane_command(l);
        return;
    }
    struct org *org = access_org(d->alarms->access, l->first->d.org);
    const struct document *to =
        org ? document_find(d->alarms->access, DOCUMENT_DESTINATION, org, l->first->d.destination)
            : NULL;
    bool mail = to && slice_is(jval_string(jval_get(to->body, "kind")), "email");
    if (mail && must_gather(l))
        return;
    l->out = 1;
    d->active++;
    if (!to) {
        lane_done(l, false, false, "there is no destination of that id any more");
        return;
    }
    if (mail) {
        l->in_minute++;
        l->out = l->n > DIGEST_MAX ? DIGEST_MAX : l->n;
    }
    lane_send(l, to);
}

void deliver_tick(struct deliverer *d, int64_t mono_us)
{
    size_t at = 0;
    (void)mono_us;
    for (struct lane *l; d && (l = map_next(&d->lanes, &at));)
        kick(l);
}

void deliver_stats(const struct deliverer *d, struct alarms_stats *ret)
{
    if (!d)
        return;
    ret->sent = d->sent;
    ret->failed = d->failed;
    ret->dead = d->dead;
    ret->waiting = d->waiting;
}

/* ---- what people ask ---- */

bool delivery_number(struct slice id, int64_t *ret_n)
{
    uint64_t n;
    if (!slice_starts(id, "d-") || slice_to_u64(slice_skip(id, 2), &n) || !n || n > INT64_MAX)
        return false;
    *ret_n = (int64_t)n;
    return true;
}

int deliver_test(struct alarms *a, struct org *org, struct slice destination, int64_t *ret_n)
{
    if (!a->deliverer || !document_find(a->access, DOCUMENT_DESTINATION, org, destination))
        return ERR_NOT_FOUND;
    const struct alarm alarm = {.org = slice_str(org_slug(org)),
                                .changed_us = clock_now_us(),
                                .raised_us = clock_now_us(),
                                .severity = ALARM_INFO,
                                .acknowledged = true,
                                .message = SLICE_LIT("This is a test: nothing has happened.")};
    struct plan p = {.d = a->deliverer, .alarm = &alarm, .word = "test"};
    write_body(a->deliverer, &p.body, &alarm, ALARM_RAISED);
    int64_t before = a->last_delivery;
    add(&p, destination, SLICE_LIT(""));
    buf_release(&p.body);
    *ret_n = a->last_delivery;
    return a->last_delivery > before ? 0 : ERR_NOMEM;
}

static struct parcel *find(const struct deliverer *d, int64_t n, struct lane **ret)
{
    size_t at = 0;
    for (struct lane *l; (l = map_next(&d->lanes, &at));) {
        size_t place = 0;
        for (struct parcel *p = l->first; p; p = p->next, place++)
            if (p->d.n == n) {
                *ret = l;
                return place < l->out ? NULL : p;
            }
    }
    *ret = NULL;
    return NULL;
}

static void audit(struct deliverer *d, struct op *op, const struct asker *by,
                  const struct delivery *of, const char *what)
{
    struct alarms *a = d->alarms;
    char object[40];
    struct audit_entry *e = &op->audit;
    access_audit_by(e, by, access_org(a->access, of->org));
    struct slice *const texts[] = {&e->org,     &e->who_kind, &e->who,    &e->who_name,
                                   &e->address, &e->via,      &e->request};
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++)
        *texts[t] = keep_text(a, *texts[t]);
    snprintf(object, sizeof object, "delivery:d-%lld", (long long)of->n);
    e->operation = SLICE_LIT("destinations:manage");
    e->object = keep_text(a, slice_str(object));
    e->detail = slice_str(what);
    op->audited = true;
}

static int set_state(struct alarms *a, const struct asker *by, const struct delivery *of,
                     enum delivery_state state, const char *what)
{
    struct op *op = keep_op(a, KEEP_RESULT);
    if (!op)
        return ERR_NOMEM;
    op->delivery = *of;
    op->delivery.state = state;
    op->delivery.tries = state == DELIVERY_WAITING ? 0 : of->tries;
    op->delivery.next_us = clock_now_us();
    op->delivery.ended_us = state == DELIVERY_WAITING ? 0 : clock_now_us();
    op->delivery.why = keep_text(a, of->why);
    audit(a->deliverer, op, by, of, what);
    return 0;
}

int deliver_retry(struct alarms *a, const struct asker *by, const struct delivery *of)
{
    struct deliverer *d = a->deliverer;
    struct lane *l = NULL;
    struct parcel *p = d ? find(d, of->n, &l) : NULL;
    if (!d || of->state == DELIVERY_SENT || (l && !p))
        return ERR_CONFLICT;
    int err = set_state(a, by, of, DELIVERY_WAITING, "once more");
    if (err)
        return err;
    if (p) {
        p->d.tries = 0;
        p->d.next_us = clock_now_us();
        kick(l);
    } else {
        struct delivery again = *of;
        again.state = DELIVERY_WAITING;
        again.tries = 0;
        again.next_us = clock_now_us();
        again.ended_us = 0;
        deliver_made(d, &again);
    }
    return 0;
}

int deliver_discard(struct alarms *a, const struct asker *by, const struct delivery *of)
{
    struct deliverer *d = a->deliverer;
    struct lane *l = NULL;
    struct parcel *p = d ? find(d, of->n, &l) : NULL;
    if (!d || of->state == DELIVERY_SENT || of->state == DELIVERY_DISCARDED || (l && !p))
        return ERR_CONFLICT;
    int err = set_state(a, by, of, DELIVERY_DISCARDED, "never");
    for (struct parcel **at = l ? &l->first : NULL, *before = NULL; !err && at && *at;
         before = *at, at = &(*at)->next) {
        if (*at != p)
            continue;
        *at = p->next;
        if (l->last == p)
            l->last = before;
        l->n--;
        d->waiting--;
        free(p);
        break;
    }
    return err;
}

void delivery_write(struct json_writer *w, const struct delivery *d)
{
    char id[32];
    const struct {
        const char *key;
        struct slice text;
    } texts[] = {{"destination", d->destination}, {"on", d->on}, {"why", d->why}};
    json_open(w, '{');
    snprintf(id, sizeof id, "d-%lld", (long long)d->n);
    json_key(w, "id");
    json_put_cstr(w, id);
    snprintf(id, sizeof id, "a-%lld", (long long)d->alarm);
    json_key(w, "alarm");
    json_put_cstr(w, d->alarm ? id : NULL);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_key(w, texts[i].key);
        if (texts[i].text.n)
            json_put_string(w, texts[i].text);
        else
            json_put_null(w);
    }
    json_key(w, "command");
    json_put_raw(w, d->command.n ? d->command : SLICE_LIT("null"));
    json_key(w, "state");
    json_put_cstr(w, delivery_state_name(d->state));
    json_key(w, "tries");
    json_put_uint(w, d->tries);
    json_key(w, "made");
    json_put_time(w, d->made_us);
    json_key(w, "next");
    if (d->state == DELIVERY_WAITING)
        json_put_time(w, d->next_us);
    else
        json_put_null(w);
    json_key(w, "ended");
    if (d->ended_us)
        json_put_time(w, d->ended_us);
    else
        json_put_null(w);
    json_close(w, '}');
}

/* ---- life ---- */

static int on_waiting(void *arg, const struct delivery *of)
{
    deliver_made(arg, of);
    return 0;
}

int deliver_new(struct alarms *a, const struct deliver_opts *opts, struct deliverer **ret)
{
    struct deliverer *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NOMEM;
    d->alarms = a;
    d->opts = *opts;
    d->watch =
        (struct document_watch){.kind = DOCUMENT_DESTINATION, .check = destination_check, .arg = d};
    documents_watch(a->access, &d->watch);
    *ret = d;
    d->active = ACTIVE_MAX; /* nothing is sent before the loop runs */
    int err = catalog_delivery_waiting(core_catalog(a->core), on_waiting, d);
    d->active = 0;
    return err;
}

void deliver_stop(struct deliverer *d)
{
    if (!d || d->stopped)
        return;
    d->stopped = true;
    documents_unwatch(d->alarms->access, &d->watch);
}

void deliver_free(struct deliverer *d)
{
    size_t at = 0;
    if (!d)
        return;
    for (struct lane *l; (l = map_next(&d->lanes, &at));) {
        while (l->first)
            take_first(l);
        free(l->key);
        free(l);
    }
    map_release(&d->lanes);
    free(d);
}
