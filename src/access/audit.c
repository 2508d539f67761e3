/* audit.c - lines on their way into the audit log, and turns of reading it. */
#include "access/audit.h"

#include "access/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    OUT_MAX = 2000,       /* lines under way */
    TEXT_MAX = 256 << 10, /* of one text */
    TURN_US = 20000,      /* of reading */
    EXPIRE_ROWS = 5000,   /* of a slice */
    ERASE_ROWS = 20000,
    HOUR_S = 3600,
    DAY_S = 24 * HOUR_S,
};

/* ---- writing ---- */

struct audit_write {
    struct pool_job job;
    struct access *access;
    struct audit_entry entry;
    int err;
};

enum { TEXTS = 13 };

static void each_text(struct audit_entry *e, struct slice *ret[TEXTS])
{
    struct slice *const all[TEXTS] = {
        &e->org,     &e->who_kind, &e->who,     &e->via,    &e->request, &e->operation, &e->object,
        &e->outcome, &e->who_name, &e->address, &e->detail, &e->before,  &e->after};
    memcpy(ret, all, sizeof all);
}

static void write_work(void *arg)
{
    struct audit_write *j = arg;
    j->err = catalog_audit_add(j->access->catalog, &j->entry);
}

static void write_done(void *arg)
{
    struct audit_write *j = arg;
    j->access->audit_out--;
    j->access->stats.audit_failures += j->err != 0; /* a full disk says so elsewhere */
    free(j);
}

bool access_audit(struct access *a, const struct audit_entry *e)
{
    struct audit_entry copy = *e;
    struct slice *texts[TEXTS];
    size_t bytes = 0;
    each_text(&copy, texts);
    for (size_t i = 0; i < TEXTS; i++)
        bytes += texts[i]->n < TEXT_MAX ? texts[i]->n : TEXT_MAX;
    struct audit_write *j =
        a->stopped || a->audit_out >= OUT_MAX ? NULL : malloc(sizeof *j + bytes);
    if (!j) {
        a->stats.audit_failures++;
        return false;
    }
    char *at = (char *)(j + 1);
    for (size_t i = 0; i < TEXTS; i++) {
        size_t n = texts[i]->n < TEXT_MAX ? texts[i]->n : TEXT_MAX;
        if (n)
            memcpy(at, texts[i]->p, n);
        *texts[i] = slice_of(at, n);
        at += n;
    }
    *j = (struct audit_write){.access = a, .entry = copy};
    j->job = (struct pool_job){.work = write_work, .done = write_done, .arg = j};
    a->audit_out++;
    pool_submit(a->writes, &j->job);
    return true;
}

void access_audit_by(struct audit_entry *e, const struct asker *by, const struct org *org)
{
    const struct origin *o = &by->from;
    *e = (struct audit_entry){.at_us = clock_now_us(),
                              .org = slice_str(org ? org->e.id : ""),
                              .who_kind = slice_str(principal_kind_name(by->who->kind)),
                              .who = slice_str(by->who->id),
                              .who_name = slice_str(by->who->name),
                              .address = slice_str(o->address ? o->address : ""),
                              .via = slice_str(o->via ? o->via : ""),
                              .request = slice_str(o->request ? o->request : ""),
                              .outcome = SLICE_LIT("done"),
                              .detail = slice_str(o->reason ? o->reason : "")};
}

void access_note(struct access *a, const struct asker *by, const struct audit_note *n)
{
    struct audit_entry e;
    access_audit_by(&e, by, n->installation ? NULL : n->org ? n->org : by->who->org);
    e.operation = slice_str(n->operation);
    e.object = slice_str(n->object ? n->object : "");
    if (n->outcome)
        e.outcome = slice_str(n->outcome);
    if (n->detail)
        e.detail = slice_str(n->detail);
    e.before = n->before;
    e.after = n->after;
    access_audit(a, &e);
}

/* ---- reading ---- */

struct audit_job {
    struct pool_job job;
    struct access *access;
    struct arena *arena;
    struct audit_query query;
    uint64_t limit, met;
    const struct audit_taker *taker;
    void *arg;
    int64_t turn_end_us; /* by the monotonic clock */
    unsigned looked_at;
    bool running, full;
    _Atomic(bool) cancelled;
    struct audit_turn turn;
};

enum { TURN_OVER = 1 };

static int on_row(void *arg, const struct audit_row *row, bool fits)
{
    struct audit_job *j = arg;
    bool over = false;
    j->query.before_us = row->e.at_us; /* the next turn begins behind it */
    j->query.before_n = row->n;
    if (fits) {
        over = j->taker->on_row(j->arg, row);
        j->full = ++j->met == j->limit;
    }
    if (j->full || over)
        return TURN_OVER;
    if (++j->looked_at % 64)
        return 0;
    return atomic_load(&j->cancelled) || clock_mono_us() >= j->turn_end_us ? TURN_OVER : 0;
}

static void read_work(void *arg)
{
    struct audit_job *j = arg;
    j->turn_end_us = clock_mono_us() + TURN_US;
    int code = catalog_audit_each(j->access->catalog, &j->query, on_row, j);
    j->turn = (struct audit_turn){.err = code < 0 ? code : 0,
                                  .ended = code <= 0 || j->full,
                                  .more = code == TURN_OVER && j->full,
                                  .next_us = j->query.before_us,
                                  .next_n = j->query.before_n};
}

static void tell(struct audit_job *j)
{
    struct audit_turn turn = j->turn;
    const struct audit_taker *taker = j->taker;
    void *arg = j->arg;
    if (turn.ended)
        arena_free(j->arena); /* the job too */
    taker->on_turn(arg, &turn);
}

static void end_cancelled(struct audit_job *j)
{
    j->turn = (struct audit_turn){.err = ERR_CANCELLED, .ended = true};
    tell(j);
}

static void read_done(void *arg)
{
    struct audit_job *j = arg;
    j->running = false;
    if (atomic_load(&j->cancelled))
        end_cancelled(j);
    else
        tell(j);
}

static void read_turn(struct audit_job *j)
{
    j->running = true;
    j->job = (struct pool_job){.work = read_work, .done = read_done, .arg = j};
    pool_submit(j->access->reads, &j->job);
}

static bool keep(struct arena *arena, struct slice *s)
{
    if (!s->p)
        return true;
    struct slice copy = arena_dup(arena, *s);
    *s = copy;
    return copy.p;
}

struct audit_job *access_audit_read(struct access *a, const struct audit_query *q, uint64_t limit,
                                    const struct audit_taker *taker, void *arg)
{
    struct arena *arena = a->stopped ? NULL : arena_new();
    struct audit_job *j = arena ? arena_zalloc(arena, sizeof *j) : NULL;
    if (!j) {
        arena_free(arena);
        return NULL;
    }
    j->access = a;
    j->arena = arena;
    j->query = *q;
    j->limit = limit;
    j->taker = taker;
    j->arg = arg;
    struct slice *const texts[] = {&j->query.org, &j->query.who, &j->query.operation,
                                   &j->query.object, &j->query.outcome};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!keep(arena, texts[i])) {
            arena_free(arena);
            return NULL;
        }
    }
    read_turn(j);
    return j;
}

void audit_go(struct audit_job *j)
{
    if (j->access->stopped)
        end_cancelled(j);
    else
        read_turn(j);
}

void audit_cancel(struct audit_job *j)
{
    atomic_store(&j->cancelled, true);
    if (!j->running)
        end_cancelled(j);
}

/* ---- taking a person out ---- */

struct audit_erase {
    struct pool_job job;
    struct access *access;
    struct arena *arena;
    struct audit_erasure what;
    int64_t from, to; /* rows; to 0: not known yet */
    uint64_t lines;
    int err;
    audit_erased_fn *done;
    void *arg;
};

static void erase_work(void *arg)
{
    struct audit_erase *j = arg;
    struct catalog *c = j->access->catalog;
    size_t n = 0;
    if (!j->to)
        j->err = catalog_audit_ends(c, &j->from, &j->to);
    if (!j->err && j->to)
        j->err = catalog_audit_erase(c, &j->what, j->from, j->from + ERASE_ROWS - 1, &n);
    j->lines += n;
    j->from += ERASE_ROWS;
}

static void erase_done(void *arg)
{
    struct audit_erase *j = arg;
    if (!j->err && j->from <= j->to && !j->access->stopped) {
        pool_submit(j->access->writes, &j->job);
        return;
    }
    int err = j->err ? j->err : j->from <= j->to ? ERR_CANCELLED : 0;
    audit_erased_fn *done = j->done;
    void *to = j->arg;
    uint64_t lines = j->lines;
    arena_free(j->arena); /* the job too */
    done(to, err, lines);
}

void access_audit_erase(struct access *a, struct slice who, const struct slice *words, size_t n,
                        audit_erased_fn *done, void *arg)
{
    struct arena *arena = arena_new();
    struct audit_erase *j = arena ? arena_zalloc(arena, sizeof *j) : NULL;
    struct slice *kept = j ? arena_zalloc(arena, n * sizeof *kept + 1) : NULL;
    bool good = kept && keep(arena, &who);
    size_t kept_n = 0;
    for (size_t i = 0; i < n && good; i++) {
        if (!words[i].n)
            continue; /* it would stand everywhere */
        kept[kept_n] = words[i];
        good = keep(arena, &kept[kept_n++]);
    }
    if (!good || a->stopped) {
        arena_free(arena);
        done(arg, good ? ERR_CANCELLED : ERR_NOMEM, 0);
        return;
    }
    *j = (struct audit_erase){.access = a, .arena = arena, .done = done, .arg = arg};
    j->what = (struct audit_erasure){.who = who, .words = kept, .words_n = kept_n};
    j->job = (struct pool_job){.work = erase_work, .done = erase_done, .arg = j};
    pool_submit(a->writes, &j->job);
}

/* ---- what expires ---- */

struct audit_expiry {
    struct pool_job job;
    struct access *access;
    int64_t now_us, before_us;
    size_t n;
    int err;
};

static void expire_work(void *arg)
{
    struct audit_expiry *j = arg;
    j->err = catalog_audit_expire(j->access->catalog, j->now_us, j->before_us, EXPIRE_ROWS, &j->n);
}

static void expire_done(void *arg)
{
    struct audit_expiry *j = arg;
    struct access *a = j->access;
    a->expiring = false;
    if (j->err)
        log_warn("access", "old lines of the audit log could not be let go of: %s",
                 err_info(j->err)->text);
    else if (j->n == EXPIRE_ROWS) /* there may be more: at the next tick */
        a->expire_in_s = 1;
    free(j);
}

static void expire(struct access *a)
{
    struct audit_expiry *j = a->expiring ? NULL : calloc(1, sizeof *j);
    if (!j)
        return;
    j->access = a;
    j->now_us = clock_now_us();
    j->before_us = j->now_us - a->audit_retention_us;
    j->job = (struct pool_job){.work = expire_work, .done = expire_done, .arg = j};
    a->expiring = true;
    pool_submit(a->writes, &j->job);
}

/* ---- the head, noted elsewhere: whoever takes the server's log away has it ---- */

static void tell_head(const struct access *a)
{
    struct audit_head h;
    struct buf text = {0};
    if (catalog_audit_head(a->catalog, &h) == 0 && h.n) {
        audit_head_put(&h, &text);
        log_info("access", "the audit log ends with %.*s", SLICE_ARG(buf_slice(&text)));
    }
    buf_release(&text);
}

void audit_start(struct access *a)
{
    tell_head(a);
    a->head_in_s = DAY_S;
    a->expire_in_s = 60;
}

void audit_tick(struct access *a)
{
    if (a->audit_retention_us && --a->expire_in_s <= 0) {
        a->expire_in_s = HOUR_S;
        expire(a);
    }
    if (--a->head_in_s <= 0) {
        a->head_in_s = DAY_S;
        tell_head(a); /* one row by its key */
    }
}

void audit_stop(struct access *a)
{
    if (a->head_in_s)
        tell_head(a);
}
