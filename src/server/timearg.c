#include "server/timearg.h"

#include "base/clock.h"
#include "base/err.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000)

/* ---- the parts of a time ---- */

struct parts {
    int year, month, day, hour, minute, second;
    int64_t micro;
    bool has_offset, pm, has_pm, has_epoch;
    int64_t offset_us, epoch_s;
};

/* A number of exactly low to high digits. */
static bool take_digits(struct slice *s, size_t low, size_t high, int *ret)
{
    size_t n = 0;
    int v = 0;
    while (n < s->n && n < high && s->p[n] >= '0' && s->p[n] <= '9')
        v = v * 10 + (s->p[n++] - '0');
    if (n < low)
        return false;
    *s = slice_skip(*s, n);
    *ret = v;
    return true;
}

static bool take_byte(struct slice *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = slice_skip(*s, 1);
    return true;
}

/* Digits of a fraction, cut to microseconds. */
static bool take_fraction(struct slice *s, int64_t *ret)
{
    int64_t v = 0, scale = SECOND;
    size_t n = 0;
    for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
        scale /= 10;
        v += (s->p[n] - '0') * scale;
    }
    *s = slice_skip(*s, n);
    *ret = v;
    return n > 0;
}

/* Z, +02, +0200, +02:00 */
static bool take_offset(struct slice *s, struct parts *p)
{
    int hours, minutes = 0;
    p->has_offset = true;
    p->offset_us = 0;
    if (take_byte(s, 'Z') || take_byte(s, 'z'))
        return true;
    bool west = s->n && s->p[0] == '-';
    if (!take_byte(s, '+') && !take_byte(s, '-'))
        return false;
    if (!take_digits(s, 2, 2, &hours))
        return false;
    if (take_byte(s, ':') ? !take_digits(s, 2, 2, &minutes)
                          : s->n >= 2 && !take_digits(s, 2, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    p->offset_us = (hours * 60 + minutes) * 60 * SECOND * (west ? -1 : 1);
    return true;
}

/* The moment that a local time is in summer or in winter; false: at no moment. */
static bool local_moment(struct tm tm, int summer, time_t *ret)
{
    struct tm back;
    int minute = tm.tm_min, hour = tm.tm_hour;
    tm.tm_isdst = summer;
    *ret = mktime(&tm);
    return localtime_r(ret, &back) && back.tm_isdst == summer && back.tm_hour == hour &&
           back.tm_min == minute;
}

/* In the form's zone.  An hour that there is twice: see near_us.  One that there is not: as the C
 * library has it. */
static time_t zone_moment(const struct time_form *f, struct tm tm)
{
    time_t summer, winter;
    bool in_summer = local_moment(tm, 1, &summer), in_winter = local_moment(tm, 0, &winter);
    if (in_summer && in_winter) {
        time_t near = (time_t)(f->near_us / SECOND);
        time_t early = summer < winter ? summer : winter, late = summer < winter ? winter : summer;
        return llabs(near - late) <= llabs(near - early) ? late : early;
    }
    tm.tm_isdst = -1;
    return in_summer ? summer : in_winter ? winter : mktime(&tm);
}

/* The moment in the form's zone, or in the offset that the time itself has. */
static int moment(const struct time_form *f, const struct parts *p, int64_t *ret_us)
{
    if (p->has_epoch) {
        *ret_us = p->epoch_s * SECOND + p->micro;
        return 0;
    }
    int hour = p->hour;
    if (p->has_pm && (hour < 1 || hour > 12))
        return ERR_BAD_TIME;
    if (p->has_pm)
        hour = hour % 12 + (p->pm ? 12 : 0);
    /* the clock's reader knows the calendar: days of a month, leap years, leap seconds */
    char text[48];
    int64_t t;
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", p->year, p->month, p->day, hour,
             p->minute, p->second);
    if (clock_parse(slice_str(text), &t))
        return ERR_BAD_TIME;
    if (p->has_offset || !f->zone) {
        *ret_us = t + p->micro - (p->has_offset ? p->offset_us : f->offset_us);
        return 0;
    }
    struct tm tm = {.tm_year = p->year - 1900,
                    .tm_mon = p->month - 1,
                    .tm_mday = p->day,
                    .tm_hour = hour,
                    .tm_min = p->minute,
                    .tm_sec = p->second};
    *ret_us = (int64_t)zone_moment(f, tm) * SECOND + p->micro;
    return 0;
}

/* ---- ISO 8601 without a pattern ---- */

static bool take_clock_time(struct slice *s, struct parts *p)
{
    if (!take_digits(s, 1, 2, &p->hour) || !take_byte(s, ':') || !take_digits(s, 2, 2, &p->minute))
        return false;
    if (!take_byte(s, ':'))
        return true;
    if (!take_digits(s, 2, 2, &p->second))
        return false;
    return (!take_byte(s, '.') && !take_byte(s, ',')) || take_fraction(s, &p->micro);
}

static int parse_iso(const struct time_form *f, struct slice s, int64_t *ret_us)
{
    struct parts p = {0};
    char between = s.n > 4 ? s.p[4] : 0;
    if (!take_digits(&s, 4, 4, &p.year) || (between != '-' && between != '/') ||
        !take_byte(&s, between) || !take_digits(&s, 1, 2, &p.month) || !take_byte(&s, between) ||
        !take_digits(&s, 1, 2, &p.day))
        return ERR_BAD_TIME;
    if (s.n > 0) {
        if (!take_byte(&s, 'T') && !take_byte(&s, 't') && !take_byte(&s, ' '))
            return ERR_BAD_TIME;
        if (!take_clock_time(&s, &p))
            return ERR_BAD_TIME;
        take_byte(&s, ' ');
        if (s.n > 0 && !take_offset(&s, &p))
            return ERR_BAD_TIME;
    }
    return s.n == 0 ? moment(f, &p, ret_us) : ERR_BAD_TIME;
}

/* A decimal number of units of unit_us, without what a double would lose. */
static int parse_number(struct slice s, int64_t unit_us, int64_t *ret_us)
{
    struct slice whole, rest = s;
    int64_t n, fraction = 0;
    slice_cut(&rest, '.', &whole);
    if (slice_to_i64(whole, &n))
        return ERR_BAD_TIME;
    if (rest.p && (!take_fraction(&rest, &fraction) || rest.n))
        return ERR_BAD_TIME;
    if (n > INT64_MAX / unit_us - 1 || n < INT64_MIN / unit_us + 1)
        return ERR_BAD_TIME;
    fraction = fraction * unit_us / SECOND;
    *ret_us = n * unit_us + (whole.n && whole.p[0] == '-' ? -fraction : fraction);
    return 0;
}

static int parse_nanoseconds(struct slice s, int64_t *ret_us)
{
    int64_t n;
    if (slice_to_i64(s, &n))
        return ERR_BAD_TIME;
    *ret_us = n / 1000 - (n % 1000 < 0);
    return 0;
}

static int parse_auto(const struct time_form *f, struct slice s, int64_t *ret_us)
{
    double n;
    if (slice_to_double(s, &n))
        return parse_iso(f, s, ret_us);
    /* seconds until the year 5138, the finer ones from 1973 on */
    double size = fabs(n);
    if (size >= 1e17)
        return parse_nanoseconds(s, ret_us);
    return parse_number(s, size < 1e11 ? SECOND : size < 1e14 ? 1000 : 1, ret_us);
}

/* ---- patterns ---- */

static bool take_month_name(struct slice *s, int *ret)
{
    static const char *const names[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
    for (int i = 0; i < 12; i++) {
        size_t n = strlen(names[i]);
        if (s->n < n || strncasecmp(s->p, names[i], n) != 0)
            n = 3;
        if (s->n >= n && strncasecmp(s->p, names[i], n) == 0) {
            *s = slice_skip(*s, n);
            *ret = i + 1;
            return true;
        }
    }
    return false;
}

static bool take_epoch(struct slice *s, struct parts *p)
{
    size_t n = s->n && s->p[0] == '-';
    while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
        n++;
    p->has_epoch = true;
    if (slice_to_i64(slice_of(s->p, n), &p->epoch_s) || p->epoch_s > INT64_MAX / SECOND - 1 ||
        p->epoch_s < INT64_MIN / SECOND + 1)
        return false;
    *s = slice_skip(*s, n);
    return true;
}

static bool take_letter(char letter, struct slice *s, struct parts *p)
{
    switch (letter) {
    case 'Y':
        return take_digits(s, 4, 4, &p->year);
    case 'y':
        if (!take_digits(s, 2, 2, &p->year))
            return false;
        p->year += p->year < 69 ? 2000 : 1900; /* as POSIX has it */
        return true;
    case 'm':
        return take_digits(s, 1, 2, &p->month);
    case 'b':
    case 'B':
        return take_month_name(s, &p->month);
    case 'd':
    case 'e':
        take_byte(s, ' ');
        return take_digits(s, 1, 2, &p->day);
    case 'H':
    case 'I':
        return take_digits(s, 1, 2, &p->hour);
    case 'M':
        return take_digits(s, 1, 2, &p->minute);
    case 'S':
        return take_digits(s, 1, 2, &p->second);
    case 'f':
        return take_fraction(s, &p->micro);
    case 's':
        return take_epoch(s, p);
    case 'z':
        return take_offset(s, p);
    case 'p':
        p->has_pm = true;
        p->pm = s->n && (s->p[0] == 'p' || s->p[0] == 'P');
        if (s->n < 2 || !(slice_is_nocase(slice_of(s->p, 2), p->pm ? "pm" : "am")))
            return false;
        *s = slice_skip(*s, 2);
        return true;
    default:
        return take_byte(s, letter); /* %% */
    }
}

static int parse_pattern(const struct time_form *f, struct slice s, int64_t *ret_us)
{
    struct parts p = {.month = 1, .day = 1, .year = 1970};
    for (const char *c = f->pattern; *c; c++) {
        bool ok = *c == '%' ? take_letter(*++c, &s, &p) : take_byte(&s, *c);
        if (!ok)
            return ERR_BAD_TIME;
    }
    return s.n == 0 ? moment(f, &p, ret_us) : ERR_BAD_TIME;
}

static const char *check_pattern(const char *pattern)
{
    for (const char *c = pattern; *c; c++) {
        if (*c == '%' && (!c[1] || !strchr("YymbBdeHIMSfszp%", *++c)))
            return "a time pattern knows %Y %y %m %b %B %d %e %H %I %M %S %f %s %z %p %%";
    }
    return strchr(pattern, '%') ? NULL
                                : "the time format is auto, rfc3339, unix, unix-ms, unix-us, "
                                  "unix-ns or a pattern such as \"%d.%m.%Y %H:%M:%S\"";
}

static const char *set_zone(struct time_form *f, const char *zone)
{
    struct parts p;
    struct slice s = slice_str(zone);
    if (!zone || slice_is_nocase(s, "utc") || slice_is_nocase(s, "z"))
        return NULL;
    if (zone[0] == '+' || zone[0] == '-') {
        if (!take_offset(&s, &p) || s.n)
            return "an offset is written as +02:00";
        f->offset_us = p.offset_us;
        return NULL;
    }
    /* the C library takes an unknown name for UTC without a word */
    char path[256];
    if (strstr(zone, "..") || strlen(zone) > 100)
        return "that is no name of a time zone";
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", zone);
    if (access(path, R_OK) != 0)
        return "the time zone is not known on this machine; give an offset such as +02:00, or "
               "install tzdata";
    setenv("TZ", zone, 1);
    tzset();
    f->zone = zone;
    return NULL;
}

int time_form_init(struct time_form *f, const char *form, const char *zone, const char **ret_why)
{
    static const struct {
        const char *name;
        enum time_kind kind;
    } names[] = {{"auto", TIME_AUTO},       {"rfc3339", TIME_AUTO},    {"unix", TIME_UNIX},
                 {"unix-ms", TIME_UNIX_MS}, {"unix-us", TIME_UNIX_US}, {"unix-ns", TIME_UNIX_NS}};
    struct time_form made = {.kind = TIME_PATTERN, .pattern = form};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!form || strcmp(form, names[i].name) == 0) {
            made.kind = names[i].kind;
            break;
        }
    }
    const char *why = made.kind == TIME_PATTERN ? check_pattern(form) : NULL;
    if (!why)
        why = set_zone(&made, zone);
    if (why) {
        *ret_why = why;
        return ERR_INVALID;
    }
    *f = made;
    return 0;
}

int time_form_parse(const struct time_form *f, struct slice text, int64_t *ret_us)
{
    text = slice_trim(text);
    switch (f->kind) {
    case TIME_AUTO:
        return parse_auto(f, text, ret_us);
    case TIME_UNIX:
        return parse_number(text, SECOND, ret_us);
    case TIME_UNIX_MS:
        return parse_number(text, 1000, ret_us);
    case TIME_UNIX_US:
        return parse_number(text, 1, ret_us);
    case TIME_UNIX_NS:
        return parse_nanoseconds(text, ret_us);
    case TIME_PATTERN:
        return parse_pattern(f, text, ret_us);
    }
    return ERR_BAD_TIME;
}

int timearg_parse(struct slice text, int64_t now_us, int64_t *ret_us)
{
    static const struct time_form utc = {0};
    struct slice s = text;
    int64_t t = now_us, by;
    double n;
    bool relative = slice_starts(s, "now");
    if (relative)
        s = slice_skip(s, 3);
    if (s.n > 1 && (s.p[0] == '-' || s.p[0] == '+') && slice_to_double(slice_skip(s, 1), &n)) {
        if (clock_parse_duration(slice_skip(s, 1), &by))
            return ERR_BAD_TIME;
        if (s.p[0] == '-' ? by > t : t > INT64_MAX - by)
            return ERR_BAD_TIME;
        *ret_us = s.p[0] == '-' ? t - by : t + by;
        return 0;
    }
    if (relative) {
        if (s.n)
            return ERR_BAD_TIME;
        *ret_us = now_us;
        return 0;
    }
    return slice_to_double(s, &n) ? parse_iso(&utc, s, ret_us) : parse_number(s, 1000, ret_us);
}
