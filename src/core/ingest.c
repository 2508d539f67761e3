/* ingest.c - messages into readings.
 *
 * One message is one struct ingest: the good readings it has, the refusals, and who wants to hear.
 * On commit the readings go to the journal as one batch and the message waits in a queue, in order
 * of the journal's numbers; when the journal says that they are on stable storage they are applied,
 * in that order and some thousands in a turn of the loop, and the sender hears.  So what anyone is
 * shown is never lost, and recovery, which reads the journal in the same order, comes to the same
 * state. */
#include "core/ingest.h"
#include "access/quota.h"
#include "access/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "twin/units.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define AHEAD_MAX_US INT64_C(86400000000) /* a device's clock may be so far ahead */

enum {
    ROOM_READINGS = 2000000, /* waiting for the disk: more is not read from the peers */
    APPLY_READINGS = 8192,   /* applied in a turn of the loop; then others are served */
    SPARE_BYTES = 4 << 20,   /* of messages that are kept for the next ones */
    SPARE_LARGEST = 1 << 16, /* of one of them */
    FETCH_MAX = 64,          /* readings of a message that are fetched ahead */
};

/* What a message holds of memory, besides its arena. */
static size_t ingest_bytes(const struct ingest *in)
{
    return sizeof *in + in->cap * sizeof *in->readings + in->said_cap * sizeof *in->said;
}

struct ingest *ingest_begin(struct core *c, const struct ingest_source *src)
{
    assert(src->who);
    struct ingest *in = c->spare;
    if (in) {
        c->spare = in->next;
        c->spare_bytes -= ingest_bytes(in);
    } else if (!(in = calloc(1, sizeof *in))) {
        return NULL;
    }
    in->core = c;
    in->src = *src;
    in->now_us = clock_now_us();
    return in;
}

/* ---- may they ---- */

struct asker ingest_asker(const struct ingest_source *src)
{
    return (struct asker){
        .who = src->who,
        .from = {.via = src->via, .address = src->peer, .request = "", .agent = ""}};
}

int ingest_enter(struct ingest *in, const struct twin *t)
{
    const struct principal *who = in->src.who;
    const struct access *a = in->core->access;
    const struct access_object o = {.org = t->org, .twin = slice_str(t->key)};
    if (t == in->entered)
        return 0;
    in->picky = false;
    if (!access_may(a, who, OP_DATA_WRITE, &o)) {
        int err = access_check(a, who, OP_TWIN_READ, &o);
        if (err || access_is_plain(a, who, t->org))
            return err == ERR_NOT_FOUND ? ERR_UNKNOWN_TWIN : err ? err : ERR_FORBIDDEN;
        in->picky = true; /* a part of it, maybe */
    } else {
        in->picky = who->kind != WHO_DEVICE && !access_is_plain(a, who, t->org);
    }
    in->entered = t;
    in->org = t->org;
    return 0;
}

int ingest_find(struct ingest *in, struct slice id, struct twin **ret)
{
    const struct principal *who = in->src.who;
    struct buf scratch = {0};
    struct slice key;
    struct org *org;
    int err = access_key(in->core->access, who, id, &scratch, &key, &org);
    struct twin *t = err ? NULL : core_twin(in->core, key);
    buf_release(&scratch);
    if (!t && err != ERR_NOMEM)
        err = ERR_UNKNOWN_TWIN;
    if (!err)
        err = ingest_enter(in, t);
    if (!err)
        *ret = t;
    return err;
}

bool ingest_may(const struct ingest *in, const struct sensor *s)
{
    return !in->picky || core_may(in->core, in->src.who, OP_DATA_WRITE, s);
}

static void ingest_end(struct ingest *in)
{
    struct core *c = in->core;
    size_t bytes = ingest_bytes(in);
    arena_free(in->arena);
    if (bytes > SPARE_LARGEST || c->spare_bytes + bytes > SPARE_BYTES) {
        free(in->readings);
        free(in->said);
        free(in);
        return;
    }
    *in = (struct ingest){.readings = in->readings,
                          .cap = in->cap,
                          .said = in->said,
                          .said_cap = in->said_cap,
                          .next = c->spare};
    c->spare = in;
    c->spare_bytes += bytes;
}

struct arena *ingest_arena(struct ingest *in)
{
    if (!in->arena && !(in->arena = arena_new()))
        in->failed = true;
    return in->arena;
}

/* ---- what is read in turns ---- */

static void leave(struct ingest_turn *t)
{
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    loop_disarm(t->core->loop, &t->hook);
}

static void on_turn(void *arg)
{
    struct ingest_turn *t = arg;
    leave(t);
    t->fn(t->arg); /* which may free it, or want another */
}

void ingest_later(struct core *c, struct ingest_turn *t, loop_fn *fn, void *arg)
{
    *t = (struct ingest_turn){.hook = {.fn = on_turn, .arg = t},
                              .next = c->turns,
                              .link = &c->turns,
                              .core = c,
                              .fn = fn,
                              .arg = arg};
    if (t->next)
        t->next->link = &t->next;
    c->turns = t;
    loop_at_end(c->loop, &t->hook);
}

void ingest_end_turns(struct core *c)
{
    while (c->turns)
        on_turn(c->turns);
}

/* ---- refusals ---- */

/* Of very many refusals the last ones are only counted: nobody is told their words. */
static bool only_counts(struct ingest *in, int err)
{
    if (in->rejected < REJECTIONS_KEPT || in->rejects_n < REJECTS_TOLD || !in->err)
        return false;
    rejection_count(in->core, err, 1); /* a message pushes others out of the list, not itself */
    in->rejected++;
    return true;
}

void ingest_refuse(struct ingest *in, struct slice twin, struct slice sensor, int err,
                   const char *detail, struct slice payload)
{
    if (only_counts(in, err))
        return;
    rejection_add(in->core, err, &in->src, twin, sensor, detail, payload);
    in->rejected++;
    if ((in->err && in->rejects_n == REJECTS_TOLD) || !ingest_arena(in))
        return;
    const char *kept = arena_strndup(in->arena, detail, strlen(detail));
    if (!in->err) {
        in->err = err;
        in->detail = kept ? kept : err_info(err)->text;
    }
    if (!in->rejects)
        in->rejects = arena_alloc(in->arena, REJECTS_TOLD * sizeof *in->rejects);
    if (in->rejects && in->rejects_n < REJECTS_TOLD)
        in->rejects[in->rejects_n++] = (struct ingest_reject){
            in->index, arena_dup(in->arena, sensor), err, kept ? kept : err_info(err)->text};
}

void ingest_refusef(struct ingest *in, struct slice twin, struct slice sensor, int err,
                    struct slice payload, const char *format, ...)
{
    char detail[512];
    va_list args;
    if (only_counts(in, err))
        return;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    ingest_refuse(in, twin, sensor, err, detail, payload);
}

/* ---- going back ---- */

/* The readings from the one with this index on are not kept.  A sensor whose kind rested on them
 * alone has none again. */
static void let_go(struct ingest *in, size_t from)
{
    struct core *c = in->core;
    for (size_t i = from; i < in->n; i++) {
        struct sensor *s = core_series(c, in->readings[i].series);
        if (!s || !s->unsettled || --s->unsettled || s->has_value || s->spec->kind != VALUE_NONE)
            continue;
        s->kind = VALUE_NONE;
    }
    in->n = from;
}

struct ingest_mark ingest_mark(const struct ingest *in)
{
    return (struct ingest_mark){in->n, in->index, in->rejected, in->rejects_n, in->err, in->detail};
}

void ingest_rewind(struct ingest *in, struct ingest_mark to)
{
    let_go(in, to.n);
    in->index = to.index;
    in->rejected = to.rejected;
    in->rejects_n = to.rejects_n;
    in->err = to.err;
    in->detail = to.detail;
}

/* ---- one reading ---- */

static const char *type_name(enum value_type type)
{
    static const char *const names[] = {"nothing", "a number", "a number", "true or false",
                                        "a text"};
    return names[type];
}

/* Room for one more, uninitialised; NULL: out of memory, the message has failed. */
static inline struct reading *next_place(struct ingest *in)
{
    if (in->n == in->cap) {
        size_t cap = in->cap ? in->cap * 2 : 16;
        struct reading *readings = realloc(in->readings, cap * sizeof *readings);
        if (!readings) {
            in->failed = true;
            return NULL;
        }
        in->readings = readings;
        in->cap = cap;
    }
    return &in->readings[in->n];
}

static inline int64_t server_time(const struct ingest *in, struct sensor *s)
{
    s->assigned_us = in->now_us > s->assigned_us ? in->now_us : s->assigned_us + 1;
    return s->assigned_us;
}

static inline void note_unsettled(struct sensor *s)
{
    if (!s->has_value && s->spec->kind == VALUE_NONE)
        s->unsettled++; /* unless one of these is kept, none has decided */
}

static void push(struct ingest *in, struct sensor *s, const struct said *said)
{
    struct reading *r = next_place(in);
    struct value v = said->value;
    if (!r)
        return;
    if (v.type == VALUE_TEXT) {
        if (!ingest_arena(in))
            return;
        v.as.text = arena_dup(in->arena, v.as.text);
        if (!v.as.text.p) {
            in->failed = true;
            return;
        }
    }
    if (s->kind == VALUE_NONE) /* the first reading decides */
        s->kind = (uint8_t)(v.type == VALUE_INT ? VALUE_DOUBLE : v.type);
    note_unsettled(s);
    int64_t t_us = said->has_time ? said->t_us : server_time(in, s);
    *r = (struct reading){s->series, said->quality, t_us, v};
    in->n++;
}

struct value *ingest_push(struct ingest *in, struct sensor *s)
{
    struct reading *r = next_place(in);
    if (!r)
        return NULL;
    note_unsettled(s);
    r->series = s->series;
    r->quality = QUALITY_GOOD;
    in->n++;
    return &r->value;
}

void ingest_stamp(struct ingest *in, size_t from, bool has_time, int64_t t_us)
{
    struct sensor **by_series = in->core->by_series;
    for (size_t i = from; i < in->n; i++) {
        struct reading *r = &in->readings[i];
        r->t_us = has_time ? t_us : server_time(in, by_series[r->series]);
    }
}

bool ingest_time_fits(const struct ingest *in, int64_t t_us)
{
    return t_us >= 0 && t_us <= in->now_us + AHEAD_MAX_US;
}

void ingest_take(struct ingest *in, struct sensor *s, struct said *said)
{
    struct slice twin = slice_str(s->twin->id), id = slice_str(s->id);
    struct value *v = &said->value;
    if (!ingest_may(in, s)) {
        ingest_refusef(in, twin, id, ERR_FORBIDDEN, said->raw,
                       "you may not send readings of %s's sensor %s", s->twin->id, s->id);
    } else if (said->err) {
        ingest_refuse(in, twin, id, said->err, said->detail, said->raw);
    } else if (s->kind != VALUE_NONE && s->kind != v->type &&
               !(s->kind == VALUE_DOUBLE && v->type == VALUE_INT)) {
        ingest_refusef(in, twin, id, ERR_WRONG_TYPE, said->raw, "%s takes %s, not %s", s->id,
                       type_name(s->kind), type_name(v->type));
    } else if (v->type == VALUE_TEXT && v->as.text.n > VALUE_TEXT_MAX) {
        ingest_refusef(in, twin, id, ERR_TOO_LARGE, said->raw, "a text has at most %d bytes",
                       VALUE_TEXT_MAX);
    } else if (said->has_time && said->t_us < 0) {
        ingest_refuse(in, twin, id, ERR_BAD_TIME, "the time is before 1970", said->raw);
    } else if (said->has_time && said->t_us > in->now_us + AHEAD_MAX_US) {
        ingest_refuse(in, twin, id, ERR_BAD_TIME,
                      "the time is more than 24 hours ahead of the server's clock", said->raw);
    } else if (said->unit.n && !slice_eq(said->unit, s->spec->unit)) {
        double to;
        if (!value_is_number(*v) ||
            units_convert(said->unit, s->spec->unit, value_as_double(*v), &to) || !isfinite(to)) {
            ingest_refusef(in, twin, id, ERR_BAD_UNIT, said->raw,
                           "\"%.*s\" does not convert to \"%.*s\"", SLICE_ARG(said->unit),
                           SLICE_ARG(s->spec->unit));
        } else {
            *v = value_double(to);
            push(in, s, said);
        }
    } else {
        push(in, s, said);
    }
    in->index++;
}

void ingest_value(struct ingest *in, struct sensor *s, int64_t t_us, struct value v,
                  uint8_t quality)
{
    struct said said = {.value = v, .has_time = t_us != 0, .t_us = t_us, .quality = quality};
    ingest_take(in, s, &said);
}

/* ---- commit ---- */

static void answer(struct ingest *in)
{
    struct ingest_result r = {.accepted = in->n,
                              .rejected = in->rejected,
                              .err = in->err,
                              .detail = in->detail,
                              .rejects = in->rejects,
                              .rejects_n = in->rejects_n};
    if (in->done)
        in->done(in->done_arg, &r);
    ingest_end(in);
}

static const char *why_all(const struct ingest *in, int err, char out[static 160])
{
    if (err == ERR_STORAGE)
        return "the server cannot write to its disk; nothing of this was kept";
    if (err != ERR_QUOTA)
        return err_info(err)->text;
    const struct org *org = in->org;
    snprintf(out, 160,
             "the organisation %.40s has used up its %llu bytes of history; nothing of this was "
             "kept",
             org->e.id, (unsigned long long)org->quotas.storage_bytes);
    return out;
}

/* None of it is kept, and that is the answer, whatever else was wrong: send it again. */
static void refuse_all(struct ingest *in, int err)
{
    size_t n = in->n;
    let_go(in, 0);
    in->err = 0;
    in->index = 0;
    const struct sensor *s = n ? core_series(in->core, in->readings[0].series) : NULL;
    struct slice twin = slice_str(s ? s->twin->id : NULL), sensor = slice_str(s ? s->id : NULL);
    char text[160];
    ingest_refuse(in, twin, sensor, err, why_all(in, err, text), SLICE_LIT(""));
    if (n > 1) {
        in->rejected += n - 1;
        rejection_count(in->core, err, n - 1);
    }
}

/* Memory is full of readings and history takes none: then the disk is at fault, and is named. */
static bool is_stuck(const struct core *c)
{
    return !c->storage_ok && heads_are(c, MEMORY_FULL);
}

void ingest_commit(struct ingest *in, ingest_done_fn *done, void *arg)
{
    struct core *c = in->core;
    in->done = done;
    in->done_arg = arg;
    int err = in->failed ? ERR_NOMEM : !c->journal ? ERR_CANCELLED : is_stuck(c) ? ERR_STORAGE : 0;
    if (!err && in->n && in->org) /* not of the demo, which knows its sensors */
        err = quota_take_readings(in->org, in->n);
    if (!err && in->n)
        err = journal_append(c->journal, in->readings, in->n, &in->seq);
    if (err)
        refuse_all(in, err);
    if (!in->n) {
        answer(in);
        return;
    }
    if (in->src.who && in->src.who->org && in->src.who->org->quotas.readings_per_s)
        org_spend(in->src.who->org, in->n);
    in->src = (struct ingest_source){.via = in->src.via, .peer = ""};
    in->next = NULL;
    if (c->waiting_last)
        c->waiting_last->next = in;
    else
        c->waiting_first = in;
    c->waiting_last = in;
    c->waiting_readings += in->n;
    c->stats.batches++;
}

void ingest_drop(struct ingest *in)
{
    let_go(in, 0);
    ingest_end(in);
}

bool core_has_room(const struct core *c)
{
    if (is_stuck(c))
        return true; /* waiting would not help: who sends is to hear of the disk */
    return c->waiting_readings < ROOM_READINGS && !heads_are(c, MEMORY_FULL);
}

/* ---- the journal's word ---- */

enum fetch { FETCH_SENSORS, FETCH_HEADS, FETCH_ENDS };

static void fetch(const struct core *c, const struct ingest *in, enum fetch what)
{
    for (size_t i = 0; in && i < in->n && i < FETCH_MAX; i++) {
        uint32_t series = in->readings[i].series;
        const struct sensor *s = series < c->by_series_n ? c->by_series[series] : NULL;
        if (s && what == FETCH_SENSORS) {
            __builtin_prefetch(s, 1);
            __builtin_prefetch(&s->head, 1);
            __builtin_prefetch(&s->kind, 1);
        } else if (s) {
            open_series_fetch(s->head, what == FETCH_ENDS);
        }
    }
}

/* Applying a reading waits for memory more than it computes: for its sensor, for that one's head,
 * for the end of the head.  So all of a message's come at once, and each step before its turn. */
static void fetch_ahead(const struct core *c, const struct ingest *in)
{
    fetch(c, in->next ? in->next->next : NULL, FETCH_SENSORS);
    fetch(c, in->next, FETCH_HEADS);
    fetch(c, in, FETCH_ENDS);
}

/* Apply the next of a batch, at most as many as *room, which they are taken off.  True: that was
 * the last. */
static bool apply_some(struct core *c, struct ingest *in, size_t *room)
{
    size_t end = in->n - in->applied > *room ? in->applied + *room : in->n;
    *room -= end - in->applied;
    c->applying_seq = in->seq;
    if (!in->applied)
        fetch_ahead(c, in);
    for (; in->applied < end; in->applied++) {
        const struct reading *r = &in->readings[in->applied];
        struct sensor *s = r->series < c->by_series_n ? c->by_series[r->series] : NULL;
        if (!s)
            continue; /* its twin was deleted meanwhile */
        s->unsettled -= s->unsettled > 0;
        if (head_add(c, s, r))
            log_error("core", "out of memory: a reading is in the journal but not yet in history");
        live_apply(c, s, r, false);
    }
    c->half_applied = in->applied < in->n;
    c->stats.readings += c->half_applied ? 0 : in->n;
    return !c->half_applied;
}

/* Do what the journal says; false: there is no room for all of it in this turn. */
static bool settle(struct core *c, struct synced word, size_t *room)
{
    struct ingest *in;
    while ((in = c->waiting_first) && in->seq <= word.seq) {
        if (!*room || (!word.err && !apply_some(c, in, room)))
            return false;
        c->waiting_first = in->next;
        if (!c->waiting_first)
            c->waiting_last = NULL;
        c->waiting_readings -= in->n;
        if (word.err)
            refuse_all(in, word.err);
        answer(in);
    }
    if (!word.err)
        c->applied_seq = word.seq;
    else
        flush_if_due(c, true); /* what history takes the journal can let go of */
    return true;
}

/* The oldest word of the journal that is not done; false: there is none. */
static bool first_word(struct core *c, struct synced *ret)
{
    pthread_mutex_lock(&c->synced_lock);
    bool any = c->synced_n;
    if (any)
        *ret = c->synced[0];
    c->synced_posted = any;
    pthread_mutex_unlock(&c->synced_lock);
    return any;
}

static void word_done(struct core *c, struct synced word)
{
    pthread_mutex_lock(&c->synced_lock);
    if (c->synced[0].seq == word.seq) /* else it has come to say more */
        memmove(c->synced, c->synced + 1, --c->synced_n * sizeof *c->synced);
    pthread_mutex_unlock(&c->synced_lock);
}

/* True: all that the journal has said is done. */
static bool drain(struct core *c, size_t room)
{
    struct synced word;
    bool any = false;
    c->apply_now_us = clock_now_us();
    c->apply_mono_us = clock_mono_us();
    while (first_word(c, &word)) {
        if (!settle(c, word, &room))
            return false;
        word_done(c, word);
        any = true;
    }
    if (any)
        flush_if_due(c, false);
    return true;
}

static void drain_turn(void *arg)
{
    struct core *c = arg;
    if (!drain(c, APPLY_READINGS))
        loop_at_end(c->loop, &c->drain_hook);
}

static void drain_posted(void *arg)
{
    struct core *c = arg;
    c->drain_hook = (struct loop_hook){.fn = drain_turn, .arg = c};
    drain_turn(c);
}

void ingest_on_synced(void *arg, uint64_t seq, int err)
{
    struct core *c = arg;
    bool post = false;
    pthread_mutex_lock(&c->synced_lock);
    struct synced *last = c->synced_n ? &c->synced[c->synced_n - 1] : NULL;
    if (last && last->err == err) {
        last->seq = seq;
    } else {
        if (c->synced_n == c->synced_cap) {
            size_t cap = c->synced_cap ? c->synced_cap * 2 : 16;
            struct synced *more = realloc(c->synced, cap * sizeof *more);
            assert(more); /* a few bytes; without them no sender would ever hear again */
            c->synced = more;
            c->synced_cap = cap;
        }
        c->synced[c->synced_n++] = (struct synced){seq, err};
    }
    post = !c->synced_posted;
    c->synced_posted = true;
    pthread_mutex_unlock(&c->synced_lock);
    if (post) {
        int failed = loop_post(c->loop, drain_posted, c);
        assert(!failed);
    }
}

void ingest_drain(struct core *c)
{
    loop_disarm(c->loop, &c->drain_hook);
    drain(c, SIZE_MAX);
}

void ingest_cancel_all(struct core *c)
{
    while (c->waiting_first) {
        struct ingest *in = c->waiting_first;
        c->waiting_first = in->next;
        refuse_all(in, ERR_CANCELLED);
        answer(in);
    }
    c->waiting_last = NULL;
    c->waiting_readings = 0;
}

void ingest_release(struct core *c)
{
    while (c->spare) {
        struct ingest *in = c->spare;
        c->spare = in->next;
        free(in->readings);
        free(in->said);
        free(in);
    }
    free(c->synced);
}
