/* What a question about the past is answered from: readings, or roll-ups of a tier, stretch by
 * stretch.
 *
 * Readings are what a series is.  Roll-ups stand in for them in two cases: for steps that are whole
 * buckets of a tier that is kept, since then they say the same and are less to read; and where
 * readings have expired and there is nothing else.  There a bucket counts for the step in which it
 * begins, and for thinning its extremes stand for it; buckets that the span cuts are left out. */
#include "core/past.h"

/* Extremes of so many buckets, at least, make one point when thinned. */
enum { THIN_BUCKETS = 8 };

/* Are the ends of the step around a time multiples of the width? */
static bool is_whole(const struct step *s, int64_t t_us, int64_t width_us)
{
    int64_t start, end;
    step_around(s, t_us, &start, &end);
    return rollup_floor(start, width_us) == start && rollup_floor(end, width_us) == end;
}

/* The coarsest tier of which the steps are made; -1: none. */
static int tier_of_steps(const struct history_query *q, int tiers)
{
    for (int k = ROLLUP_TIERS - 1; k >= 0; k--)
        if (tiers & 1 << k && is_whole(&q->every, q->from_us, rollup_width_us[k]) &&
            is_whole(&q->every, q->to_us - 1, rollup_width_us[k]))
            return k;
    return -1;
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The tier for what has expired: fine enough for the answer, and no finer. */
static int tier_for_gone(const struct history_query *q, const struct history_spans *spans)
{
    int finest = -1;
    int64_t oldest = INT64_MAX, tiers = spans->tiers;
    for (int k = 0; k < ROLLUP_TIERS; k++)
        oldest = lesser(oldest, spans->tier_from[k]);
    int64_t from = lesser(q->to_us, q->from_us > oldest ? q->from_us : oldest);
    int64_t to = lesser(q->to_us, spans->newest);
    for (int k = ROLLUP_TIERS - 1; k >= 0; k--) {
        if (!(tiers & 1 << k))
            continue;
        finest = k;
        double points = q->limit ? (double)q->limit : 1;
        double wide = ((double)to - (double)from) / points / THIN_BUCKETS;
        if (q->how != PAST_STEPS && (double)rollup_width_us[k] <= wide)
            return k;
    }
    return finest;
}

struct past_piece past_piece(const struct history_query *q, const struct history_spans *spans,
                             int64_t from_us)
{
    struct past_piece piece = {.from_us = from_us, .to_us = q->to_us, .tier = -1};
    if (q->how == PAST_RAW || !spans->tiers)
        return piece;
    int tier = q->how == PAST_STEPS ? tier_of_steps(q, spans->tiers) : -1;
    if (tier >= 0) {
        const int64_t width = rollup_width_us[tier];
        int64_t low = rollup_ceil(from_us, width), high = rollup_floor(q->to_us, width);
        if (low == from_us && low < high)
            return (struct past_piece){from_us, high, tier, true};
        piece.to_us = low > from_us ? lesser(low, q->to_us) : q->to_us;
    }
    if (from_us >= spans->raw_from)
        return piece;
    piece.to_us = lesser(piece.to_us, spans->raw_from);
    piece.tier = tier_for_gone(q, spans);
    return piece;
}
