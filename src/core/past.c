/* past.c - the job that answers a question about the past of one series, in turns.
 *
 * A turn runs on a thread of `reads`: the source yields runs, the fold makes rows of them, the
 * taker puts them wherever it wants.  When the taker has enough, or the turn has lasted long, it
 * ends, and the next one goes on with a new scan behind the last point that was taken.  So between
 * turns there is no open transaction and little memory: the fold's own, and what was not yet in
 * history when the question came.  A reader who stalls costs nothing more, and long questions and
 * short ones take turns on the pool.
 *
 * What is still in memory is taken once, packed as it is, on the loop's thread: what is on its way
 * to history is held, the rest is copied, and a flush is begun when that is much, so that the next
 * question finds less to copy.  Each turn unpacks what is left of it.  Meanwhile it may come into
 * history too; then both say the same. */
#include "core/past.h"

#include "base/clock.h"
#include "base/err.h"
#include "core/internal.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    TURN_US = 50000,
    COPY_BYTES = 256 << 10,
    BUCKET_CUT = 2 /* beside FOLD_FULL */
};

struct history_job {
    struct core *core;
    struct pool_job job;
    struct history_query query;
    uint32_t series;
    struct fold *fold;
    const struct history_taker_fns *fns;
    void *arg;

    struct open_series *packed[2]; /* what was in memory, the older first */
    struct point *head; /* of this turn: what of it is in the span that is left, sorted */
    size_t head_n;
    int64_t from_us;     /* what is left of the span */
    int64_t turn_end_us; /* by the monotonic clock */
    struct past_piece piece;
    int64_t cut_us;                /* the bucket that BUCKET_CUT is about */
    int64_t width_us, raw_from_us; /* as in history_turn */
    bool started, scanned, running;
    _Atomic(bool) cancelled;
    struct history_turn turn;
};

/* ---- a turn, on a thread of `reads` ---- */

static void drop_head(struct history_job *j)
{
    points_free(j->head, j->head_n);
    j->head = NULL;
    j->head_n = 0;
}

static int on_run(void *arg, const struct history_run *run)
{
    struct history_job *j = arg;
    int code = j->fold->kind->take(j->fold, run);
    if (!code && clock_mono_us() >= j->turn_end_us) {
        int64_t last = run->points  ? run->points[run->n - 1].t_us
                       : run->times ? run->times[run->n - 1]
                                    : run->sum->t_max;
        j->fold->resume_us = last + 1;
        code = FOLD_FULL;
    }
    return code;
}

static int64_t sums_until(void *arg, int64_t t, int64_t t_max)
{
    struct history_job *j = arg;
    return j->fold->kind->until(j->fold, t, t_max);
}

/* Its extremes in order of time, as if they were the readings; of texts the first. */
static size_t extremes(const struct rollup *b, struct point points[2])
{
    if (!b->numbers) {
        points[0] = b->first;
        return 1;
    }
    bool low_first = b->low.t_us <= b->high.t_us;
    points[0] = low_first ? b->low : b->high;
    points[1] = low_first ? b->high : b->low;
    return points[0].t_us == points[1].t_us ? 1 : 2;
}

static int on_rollup(void *arg, const struct rollup *b)
{
    struct history_job *j = arg;
    const struct fold_kind *kind = j->fold->kind;
    int64_t end_us = b->t_us + rollup_width_us[j->piece.tier];
    if (b->t_us < j->piece.from_us || end_us > j->piece.to_us)
        return 0;
    if (j->piece.exact && b->t_us >= j->raw_from_us &&
        kind->until(j->fold, b->t_us, end_us - 1) < end_us) {
        j->cut_us = b->t_us; /* a step ends in it, as where a zone's offset changes */
        return BUCKET_CUT;
    }
    struct point points[2];
    struct history_run run = {.n = b->n, .rollup = b};
    if (j->query.how != PAST_STEPS)
        run = (struct history_run){.n = extremes(b, points), .points = points};
    int code = kind->take(j->fold, &run);
    if (!code && clock_mono_us() >= j->turn_end_us) {
        j->fold->resume_us = end_us;
        code = FOLD_FULL;
    }
    return code;
}

static int read_rollups(struct history_job *j)
{
    struct history_rollup_ask ask = {.series = j->series,
                                     .tier = j->piece.tier,
                                     .from = j->piece.from_us,
                                     .to = j->piece.to_us,
                                     .head = j->head,
                                     .head_n = j->head_n,
                                     .fn = on_rollup,
                                     .arg = j,
                                     .cancel = &j->cancelled};
    int64_t width = rollup_width_us[j->piece.tier];
    j->width_us = width > j->width_us ? width : j->width_us;
    int code = history_rollup_scan(j->core->history, &ask);
    if (code != BUCKET_CUT)
        return code;
    j->piece = (struct past_piece){j->cut_us, j->cut_us + width, -1, false};
    return 0; /* it is next, as readings */
}

static int read_readings(struct history_job *j)
{
    const struct fold_kind *kind = j->fold->kind;
    struct history_taker taker = {.run = on_run,
                                  .until = kind->until ? sums_until : NULL,
                                  .placed = kind->placed,
                                  .columns = kind->columns,
                                  .arg = j,
                                  .damaged = &j->turn.damaged};
    return history_scan(j->core->history, j->series, j->piece.from_us, j->piece.to_us, j->head,
                        j->head_n, &taker, &j->cancelled);
}

/* One stretch of the span. */
static int read_piece(struct history_job *j, const struct history_spans *spans)
{
    j->piece = past_piece(&j->query, spans, j->from_us);
    int code = j->piece.tier >= 0 ? read_rollups(j) : 0;
    int64_t end_us = j->piece.to_us;
    if (!code && j->piece.tier < 0)
        code = read_readings(j);
    if (code == ERR_CORRUPT) { /* what can be read is still worth having */
        j->turn.damaged = true;
        code = 0;
    }
    if (!code)
        j->from_us = end_us;
    return code;
}

/* The source: everything that is left of the span. */
static int read_span(struct history_job *j)
{
    struct history_spans spans;
    int code = history_spans(j->core->history, j->series, &spans);
    j->raw_from_us = code ? INT64_MIN : spans.raw_from;
    while (!code && j->from_us < j->query.to_us)
        code = read_piece(j, &spans);
    if (code == FOLD_FULL)
        j->from_us = j->fold->resume_us;
    j->scanned = code == 0 || (code == FOLD_FULL && j->fold->ended);
    return code;
}

static int keep_last(void *arg, const struct history_run *run)
{
    struct history_job *j = arg;
    return point_keep(&j->fold->standing, &run->points[run->n - 1]);
}

/* The newest in memory before the span, when it is newer than what is in history. */
static int look_in_memory(struct history_job *j)
{
    struct point *best = &j->fold->standing;
    for (size_t i = 0; i < 2; i++) {
        struct open_reader r;
        struct open_point p, newest = {0};
        open_reader_init(&r, j->packed[i]);
        while (open_reader_next(&r, &p))
            if (p.t_us < j->query.from_us &&
                (newest.value.type == VALUE_NONE || p.t_us >= newest.t_us))
                newest = p;
        if (newest.value.type == VALUE_NONE ||
            (best->type != VALUE_NONE && best->t_us > newest.t_us))
            continue;
        point_release(best);
        if (point_make(newest.t_us, newest.value, newest.quality, best))
            return ERR_NOMEM;
    }
    return 0;
}

/* Find the reading that stands at the beginning of the span. */
static int find_standing(struct history_job *j)
{
    struct history_taker taker = {.run = keep_last, .arg = j};
    int64_t before = j->query.from_us, start;
    int err = 0;
    while (j->fold->standing.type == VALUE_NONE && !err) {
        err = history_start_before(j->core->history, j->series, before, &start);
        if (!err)
            err = history_scan(j->core->history, j->series, start, before, NULL, 0, &taker,
                               &j->cancelled);
        if (err == ERR_CORRUPT) { /* there may be something before */
            j->turn.damaged = true;
            err = 0;
        }
        before = start;
    }
    return err && err != ERR_NOT_FOUND ? err : look_in_memory(j);
}

static int put_standing(struct history_job *j)
{
    const struct point *p = &j->fold->standing;
    struct value v = point_value(p);
    struct history_row row = {p->t_us, &v, 1, p->quality, true};
    return p->type != VALUE_NONE && j->fns->on_row(j->arg, &row) ? FOLD_FULL : 0;
}

static int unpack(struct history_job *j)
{
    size_t most = open_series_count(j->packed[0]) + open_series_count(j->packed[1]);
    j->head = most ? malloc(most * sizeof *j->head) : NULL;
    for (size_t i = 0; i < 2 && most; i++)
        if (!j->head ||
            open_series_points(j->packed[i], j->from_us, j->query.to_us, j->head, &j->head_n))
            return ERR_NOMEM;
    j->head_n = points_sort(j->head, j->head_n);
    return 0;
}

static int work(struct history_job *j)
{
    int code = unpack(j);
    if (code)
        return code;
    if (!j->started) {
        j->started = true;
        if (j->query.before && !(code = find_standing(j)))
            code = put_standing(j);
    }
    if (!code && !j->scanned)
        code = read_span(j);
    if (j->scanned && (!code || j->fold->ended))
        code = j->fold->kind->end(j->fold);
    return code;
}

static void job_work(void *arg)
{
    struct history_job *j = arg;
    j->turn_end_us = clock_mono_us() + TURN_US;
    int code = atomic_load(&j->cancelled) ? ERR_CANCELLED : work(j);
    j->turn.err = code == FOLD_FULL ? 0 : code;
    j->turn.ended = code != FOLD_FULL;
    j->turn.more = j->fold->more;
    j->turn.next_us = j->fold->resume_us;
    j->turn.width_us = j->width_us;
    j->turn.raw_from_us = j->raw_from_us;
    drop_head(j);
}

/* ---- between turns, on the loop's thread ---- */

static void job_free(struct history_job *j)
{
    drop_head(j);
    for (size_t i = 0; i < 2; i++)
        open_series_free(j->packed[i]);
    fold_free(j->fold);
    free(j);
}

/* Tell how the turn went; after the last one the job is gone. */
static void tell(struct history_job *j)
{
    struct history_turn turn = j->turn;
    const struct history_taker_fns *fns = j->fns;
    void *arg = j->arg;
    if (turn.ended) {
        j->core->stats.damaged += turn.damaged;
        j->core->stats.questions--;
        job_free(j);
    }
    fns->on_turn(arg, &turn);
}

static void end_with(struct history_job *j, int err)
{
    j->turn.err = err;
    j->turn.ended = true;
    tell(j);
}

static void job_done(void *arg)
{
    struct history_job *j = arg;
    j->running = false;
    if (atomic_load(&j->cancelled) || (!j->turn.ended && !j->core->reads))
        end_with(j, ERR_CANCELLED);
    else
        tell(j);
}

static int take_head(struct history_job *j)
{
    const struct sensor *s = core_series(j->core, j->series);
    if (open_series_bytes(s->head) > COPY_BYTES)
        flush_if_due(j->core, true); /* then it is held, unless another is under way */
    j->packed[0] = open_series_hold(s->frozen);
    return open_series_copy(s->head, &j->packed[1]);
}

static void submit(struct history_job *j)
{
    j->running = true;
    j->job = (struct pool_job){.work = job_work, .done = job_done, .arg = j};
    pool_submit(j->core->reads, &j->job);
}

struct history_job *core_history(struct core *c, const struct sensor *s,
                                 const struct history_query *q, const struct history_taker_fns *fns,
                                 void *arg)
{
    struct history_job *j = c->reads ? calloc(1, sizeof *j) : NULL;
    if (!j)
        return NULL;
    j->core = c;
    j->query = *q;
    j->from_us = q->from_us;
    j->series = s->series;
    j->fns = fns;
    j->arg = arg;
    j->fold = fold_new(&j->query, fns->on_row, arg);
    if (!j->fold || take_head(j)) {
        job_free(j);
        return NULL;
    }
    c->stats.questions++;
    submit(j);
    return j;
}

void history_go(struct history_job *j)
{
    int err = !j->core->reads                    ? ERR_CANCELLED
              : !core_series(j->core, j->series) ? ERR_NOT_FOUND /* deleted meanwhile */
                                                 : 0;
    if (err)
        end_with(j, err);
    else
        submit(j);
}

void history_cancel(struct history_job *j)
{
    atomic_store(&j->cancelled, true);
    if (!j->running)
        end_with(j, ERR_CANCELLED);
}
