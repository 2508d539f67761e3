#include "base/clock.h"

#include "base/err.h"

#include <stdatomic.h>
#include <time.h>

#define SECOND INT64_C(1000000)

static atomic_bool is_set;
static _Atomic int64_t set_to;

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return atomic_load_explicit(&is_set, memory_order_acquire) ? atomic_load(&set_to)
                                                               : read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
    return atomic_load_explicit(&is_set, memory_order_acquire) ? atomic_load(&set_to)
                                                               : read_clock(CLOCK_MONOTONIC);
}

void clock_set(int64_t t_us)
{
    atomic_store(&set_to, t_us);
    atomic_store_explicit(&is_set, true, memory_order_release);
}

void clock_real(void)
{
    atomic_store(&is_set, false);
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar, years counted from March
 * so that the leap day comes last. */
static int64_t days_of(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static void date_of(int64_t days, int64_t *ret_y, int *ret_m, int *ret_d)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *ret_d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *ret_m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *ret_y = yoe + era * 400 + (*ret_m <= 2);
}

void clock_format(struct buf *b, int64_t t_us)
{
    int64_t second = t_us / SECOND, us = t_us % SECOND;
    if (us < 0)
        second--, us += SECOND;
    int64_t day = second / 86400, rest = second % 86400, y;
    int m, d;
    if (rest < 0)
        day--, rest += 86400;
    date_of(day, &y, &m, &d);
    buf_addf(b, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)y, m, d, (int)(rest / 3600),
             (int)(rest / 60 % 60), (int)(rest % 60));
    if (us % 1000)
        buf_addf(b, ".%06d", (int)us);
    else if (us)
        buf_addf(b, ".%03d", (int)(us / 1000));
    buf_add_byte(b, 'Z');
}

/* Exactly n digits at *at; -1 when they are not there. */
static int digits(struct slice s, size_t *at, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++, (*at)++) {
        if (*at >= s.n || s.p[*at] < '0' || s.p[*at] > '9')
            return -1;
        v = v * 10 + (s.p[*at] - '0');
    }
    return v;
}

static bool expect(struct slice s, size_t *at, char c)
{
    if (*at >= s.n || s.p[*at] != c)
        return false;
    (*at)++;
    return true;
}

static int days_in(int y, int m)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return days[m - 1] + (m == 2 && leap);
}

static int parse_date(struct slice s, size_t *at, int64_t *ret_days)
{
    int y = digits(s, at, 4);
    if (y < 0 || !expect(s, at, '-'))
        return ERR_BAD_TIME;
    int m = digits(s, at, 2);
    if (m < 1 || m > 12 || !expect(s, at, '-'))
        return ERR_BAD_TIME;
    int d = digits(s, at, 2);
    if (d < 1 || d > days_in(y, m))
        return ERR_BAD_TIME;
    *ret_days = days_of(y, m, d);
    return 0;
}

static int parse_fraction(struct slice s, size_t *at, int64_t *ret_us)
{
    int64_t us = 0;
    int n = 0;
    if (expect(s, at, '.')) {
        for (; *at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9'; (*at)++, n++)
            if (n < 6)
                us = us * 10 + (s.p[*at] - '0');
        if (n < 1 || n > 9)
            return ERR_BAD_TIME;
        for (; n < 6; n++)
            us *= 10;
    }
    *ret_us = us;
    return 0;
}

static int parse_offset(struct slice s, size_t *at, int64_t *ret_seconds)
{
    if (*at < s.n && (s.p[*at] == 'Z' || s.p[*at] == 'z')) {
        (*at)++;
        *ret_seconds = 0;
        return 0;
    }
    if (*at >= s.n || (s.p[*at] != '+' && s.p[*at] != '-'))
        return ERR_BAD_TIME;
    int sign = s.p[(*at)++] == '-' ? -1 : 1;
    int h = digits(s, at, 2);
    if (h < 0 || h > 23 || !expect(s, at, ':'))
        return ERR_BAD_TIME;
    int m = digits(s, at, 2);
    if (m < 0 || m > 59)
        return ERR_BAD_TIME;
    *ret_seconds = sign * (h * 3600 + m * 60);
    return 0;
}

int clock_parse(struct slice s, int64_t *ret_t_us)
{
    size_t at = 0;
    int64_t days, us, offset;
    if (parse_date(s, &at, &days) || at >= s.n ||
        (s.p[at] != 'T' && s.p[at] != 't' && s.p[at] != ' '))
        return ERR_BAD_TIME;
    at++;
    int h = digits(s, &at, 2);
    if (h < 0 || h > 23 || !expect(s, &at, ':'))
        return ERR_BAD_TIME;
    int m = digits(s, &at, 2);
    if (m < 0 || m > 59 || !expect(s, &at, ':'))
        return ERR_BAD_TIME;
    int sec = digits(s, &at, 2);
    if (sec < 0 || sec > 60 || parse_fraction(s, &at, &us) || parse_offset(s, &at, &offset) ||
        at != s.n)
        return ERR_BAD_TIME;
    *ret_t_us = (days * 86400 + h * 3600 + m * 60 + sec - offset) * SECOND + us;
    return 0;
}

int clock_parse_date(struct slice s, int64_t *ret_t_us)
{
    size_t at = 0;
    int64_t days;
    if (parse_date(s, &at, &days) || at != s.n)
        return ERR_BAD_TIME;
    *ret_t_us = days * 86400 * SECOND;
    return 0;
}

void clock_format_ms(struct buf *b, int64_t t_us)
{
    uint64_t magnitude = t_us < 0 ? 0 - (uint64_t)t_us : (uint64_t)t_us;
    int us = (int)(magnitude % 1000);
    if (t_us < 0)
        buf_add_byte(b, '-');
    buf_add_u64(b, magnitude / 1000);
    if (us) {
        char text[4] = {'.', (char)('0' + us / 100), (char)('0' + us / 10 % 10),
                        (char)('0' + us % 10)};
        size_t n = 4;
        while (text[n - 1] == '0')
            n--;
        buf_add(b, text, n);
    }
}

static const struct unit {
    const char *name;
    int64_t us;
} short_units[] = {{"ms", 1000},
                   {"s", SECOND},
                   {"m", 60 * SECOND},
                   {"min", 60 * SECOND},
                   {"h", 3600 * SECOND},
                   {"d", 86400 * SECOND},
                   {"w", 7 * 86400 * SECOND},
                   {"y", 365 * 86400 * SECOND},
                   {NULL, 0}},
  iso_date_units[] = {{"D", 86400 * SECOND},
                      {"W", 7 * 86400 * SECOND},
                      {"M", 30 * 86400 * SECOND},
                      {"Y", 365 * 86400 * SECOND},
                      {NULL, 0}},
  iso_time_units[] = {{"H", 3600 * SECOND}, {"M", 60 * SECOND}, {"S", SECOND}, {NULL, 0}};

/* A number and the unit behind it at the front of *s, added to *sum. */
static int take_amount(struct slice *s, const struct unit *units, int64_t *sum)
{
    size_t i = 0;
    while (i < s->n && ((s->p[i] >= '0' && s->p[i] <= '9') || s->p[i] == '.'))
        i++;
    double v;
    if (i > 18 || slice_to_double(slice_of(s->p, i), &v))
        return ERR_INVALID;
    size_t end = i;
    while (end < s->n &&
           ((s->p[end] >= 'a' && s->p[end] <= 'z') || (s->p[end] >= 'A' && s->p[end] <= 'Z')))
        end++;
    if (units != short_units && end > i + 1)
        end = i + 1;
    struct slice name = slice_of(s->p + i, end - i);
    for (; units->name; units++) {
        if (!slice_is(name, units->name))
            continue;
        double us = v * (double)units->us;
        if (!(us < 9e18 - (double)*sum))
            return ERR_INVALID;
        *sum += (int64_t)us;
        *s = slice_skip(*s, end);
        return 0;
    }
    return ERR_INVALID;
}

int clock_parse_duration(struct slice s, int64_t *ret_us)
{
    int64_t sum = 0;
    if (s.n && s.p[0] == 'P') {
        const struct unit *units = iso_date_units;
        s = slice_skip(s, 1);
        while (s.n) {
            if (s.p[0] == 'T' && units == iso_date_units) {
                units = iso_time_units;
                s = slice_skip(s, 1);
                if (!s.n)
                    return ERR_INVALID;
            }
            if (take_amount(&s, units, &sum))
                return ERR_INVALID;
        }
    } else if (take_amount(&s, short_units, &sum) || s.n) {
        return ERR_INVALID;
    }
    if (sum <= 0)
        return ERR_INVALID;
    *ret_us = sum;
    return 0;
}
