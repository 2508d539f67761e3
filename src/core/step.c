/* step.c - the calendar is that of Hinnant, "chrono-compatible low-level date algorithms": a year
 * begins in March, so that the day that leaps is its last. */
#include "core/step.h"

#include "base/clock.h"
#include "base/err.h"

enum { DAY_S = 86400, EPOCH_TO_MONDAY = 3, STEPS_OF_UNIT = 100000 };
#define SECOND_US INT64_C(1000000)

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970-01-01 of the first of a month; months are counted from January 1970. */
static int64_t days_of_month(int64_t month)
{
    int64_t from_march = month - 2 + 12 * 1970; /* since March of the year 0 */
    int64_t year = floor_div(from_march, 12), m = from_march - 12 * year;
    int64_t era = floor_div(year, 400), of_era = year - 400 * era;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 - 719468;
}

static int64_t month_of_days(int64_t days)
{
    int64_t z = days + 719468, era = floor_div(z, 146097), of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t m = (5 * of_year + 2) / 153;
    return (year + era * 400) * 12 + m + 2 - 12 * 1970;
}

/* Days since the epoch of the beginning of calendar step k. */
static int64_t day_of_step(const struct step *s, int64_t k)
{
    switch (s->unit) {
    case STEP_DAY:
        return k * s->n;
    case STEP_WEEK:
        return k * s->n * 7 - EPOCH_TO_MONDAY;
    case STEP_MONTH:
        return days_of_month(k * s->n);
    default:
        return days_of_month(k * s->n * 12);
    }
}

static int64_t step_of_day(const struct step *s, int64_t day)
{
    switch (s->unit) {
    case STEP_DAY:
        return floor_div(day, s->n);
    case STEP_WEEK:
        return floor_div(day + EPOCH_TO_MONDAY, 7 * s->n);
    case STEP_MONTH:
        return floor_div(month_of_days(day), s->n);
    default:
        return floor_div(month_of_days(day), 12 * s->n);
    }
}

/* Seconds to microseconds; what lies beyond all times ends there. */
static int64_t to_us(int64_t s)
{
    int64_t us;
    if (__builtin_mul_overflow(s, SECOND_US, &us))
        return s < 0 ? INT64_MIN : INT64_MAX;
    return us;
}

static int64_t begin_of(const struct step *s, int64_t k)
{
    return to_us(zone_instant(s->zone, day_of_step(s, k) * DAY_S));
}

/* Where clocks go back over midnight a day is entered twice; its first beginning counts, and what
 * then reads as the day before belongs to it. */
static void around_calendar(const struct step *s, int64_t t_us, int64_t *ret_start,
                            int64_t *ret_end)
{
    int64_t t = floor_div(t_us, SECOND_US);
    int64_t k = step_of_day(s, floor_div(t + zone_span(s->zone, t).offset, DAY_S));
    while (begin_of(s, k) > t_us)
        k--;
    while (begin_of(s, k + 1) <= t_us && begin_of(s, k + 1) != INT64_MAX)
        k++;
    *ret_start = begin_of(s, k);
    *ret_end = begin_of(s, k + 1);
}

static void around_elapsed(const struct step *s, int64_t t_us, int64_t *ret_start, int64_t *ret_end)
{
    struct zone_span span = zone_span(s->zone, floor_div(t_us, SECOND_US));
    int64_t from = to_us(span.from), until = to_us(span.until);
    int64_t rest = t_us % s->n + span.offset * SECOND_US % s->n;
    rest %= s->n;
    rest += rest < 0 ? s->n : 0;
    int64_t start, end;
    if (__builtin_sub_overflow(t_us, rest, &start))
        start = INT64_MIN;
    if (__builtin_add_overflow(t_us, s->n - rest, &end))
        end = INT64_MAX;
    *ret_start = start < from ? from : start;
    *ret_end = end > until ? until : end;
}

void step_around(const struct step *s, int64_t t_us, int64_t *ret_start, int64_t *ret_end)
{
    if (s->unit == STEP_US)
        around_elapsed(s, t_us, ret_start, ret_end);
    else
        around_calendar(s, t_us, ret_start, ret_end);
}

double step_count(const struct step *s, int64_t from_us, int64_t to_us_)
{
    static const double days[] = {0, 1, 7, 28, 365};
    double length = s->unit == STEP_US ? (double)s->n : days[s->unit] * 86400e6 * (double)s->n;
    return ((double)to_us_ - (double)from_us) / length;
}

/* ---- reading one ---- */

struct unit_name {
    const char *name;
    enum step_unit unit;
};

static bool take_unit(struct slice text, const struct unit_name *names, struct step *ret)
{
    size_t digits = 0;
    uint64_t n;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    for (; names->name; names++)
        if (slice_is(slice_skip(text, digits), names->name))
            break;
    if (!names->name || slice_to_u64(slice_of(text.p, digits), &n) || n < 1 || n > STEPS_OF_UNIT)
        return false;
    *ret = (struct step){.n = (int64_t)n, .unit = names->unit};
    return true;
}

int step_parse(struct slice text, struct step *ret)
{
    static const struct unit_name words[] = {
        {"d", STEP_DAY}, {"w", STEP_WEEK}, {"mo", STEP_MONTH}, {"y", STEP_YEAR}, {0}};
    static const struct unit_name iso[] = {
        {"D", STEP_DAY}, {"W", STEP_WEEK}, {"M", STEP_MONTH}, {"Y", STEP_YEAR}, {0}};
    if (slice_starts(text, "P") ? take_unit(slice_skip(text, 1), iso, ret)
                                : take_unit(text, words, ret))
        return 0;
    int64_t us;
    bool calendar = slice_starts(text, "P") ? !slice_starts(text, "PT")
                                            : text.n && strchr("dwy", text.p[text.n - 1]);
    if (calendar || clock_parse_duration(text, &us))
        return ERR_INVALID; /* units of the calendar are whole and do not mix */
    *ret = (struct step){.n = us, .unit = STEP_US};
    return 0;
}
