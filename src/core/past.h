/* past.h - the parts that answer questions about the past; nobody outside the room includes it.
 *
 * A job (past.c) answers one question about one series.  A source yields the series as runs, in
 * order of time: history_scan() with the head in front of it, or roll-ups (past_source.c).  A fold
 * makes rows of the runs: as they are, thinned, or by steps.  Whatever can yield runs can stand in
 * for a source; whatever takes runs and makes rows can be a fold.
 *
 * A fold keeps what it needs between turns, and never more than the rows of its answer could hold.
 * All of it runs on a thread of `reads`. */
#ifndef CORE_PAST_H
#define CORE_PAST_H

#include "core/core.h"

/* What take() and end() return besides 0 and errors. */
enum { FOLD_FULL = 1 }; /* the taker of rows has enough for this turn */

struct fold;

struct fold_kind {
    /* Take a run.  FOLD_FULL: what was not taken begins at fold->resume_us; after fold->ended
     * nothing more is wanted. */
    int (*take)(struct fold *f, const struct history_run *run);
    /* No run will follow.  FOLD_FULL: call it again next turn. */
    int (*end)(struct fold *f);
    /* as in history.h; until may be NULL */
    int64_t (*until)(const struct fold *f, int64_t t, int64_t t_max);
    bool placed, columns;
    void (*free)(struct fold *f);
};

/* The beginning of every fold. */
struct fold {
    const struct fold_kind *kind;
    const struct history_query *query;
    bool (*on_row)(void *arg, const struct history_row *row);
    void *arg;
    struct point standing; /* VALUE_NONE, or the reading that stands before `from` */
    int64_t resume_us;
    bool ended, more; /* the limit was reached; more: and something lies behind it */
};

struct fold *fold_raw(void);
/* Keep factor times the points asked for, and of them choose by lttb(). */
struct fold *fold_thin(const struct history_query *q, size_t factor);
struct fold *fold_steps(const struct history_query *q);

/* The fold for a question; NULL: out of memory. */
struct fold *fold_new(const struct history_query *q,
                      bool (*on_row)(void *arg, const struct history_row *row), void *arg);
void fold_free(struct fold *f);

/* A stretch of the span, and what it is answered from (past_source.c). */
struct past_piece {
    int64_t from_us, to_us;
    int tier;   /* -1: readings */
    bool exact; /* its buckets say what readings would */
};
struct past_piece past_piece(const struct history_query *q, const struct history_spans *spans,
                             int64_t from_us);

int fold_put(struct fold *f, const struct point *p); /* a row of one value: 0 or FOLD_FULL */

/* The number that a point stands for: a boolean is 0 or 1, a text 0. */
double point_height(const struct point *p);
/* Make *to a copy of *from, which may have been something before.  ERR_NOMEM. */
int point_keep(struct point *to, const struct point *from);

struct extent {
    double least, greatest, sum;
};
struct extent numbers_extent(const double *v, size_t n); /* n is not 0 */
/* The first of n rising times, from the second on, that is not before t: n when there is none. */
size_t times_find(const int64_t *times, size_t n, int64_t t);

/* Of n points in order of time, choose `limit` that look like them (past_lttb.c); the others are
 * released.  The new count. */
size_t lttb(struct point *points, size_t n, size_t limit);

#endif
