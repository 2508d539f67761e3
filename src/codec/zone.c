/* THE FORMAT, RFC 8536 (TZif).  Numbers are big-endian.
 *
 *    0  4   "TZif"
 *    4  1   version: 0 (that is 1), or "2", "3", "4"
 *    5  15  nothing
 *   20  24  six counts of four bytes: isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt
 *   44      timecnt times of transitions, then as many numbers of a type, one byte each;
 *           typecnt types of six bytes (offset from UTC, is it summer time, name); charcnt bytes of
 *           names; leapcnt leap seconds; isstdcnt and isutcnt bytes that are not for us
 *
 * In version 1 times have four bytes (a leap second eight), and that block is for readers of old:
 * from version 2 on it is followed by a second header and block in which times have eight (a leap
 * second twelve), and by a line, "\n" TZ "\n", a rule as POSIX has it for all time after the last
 * transition.  Leap seconds are taken no notice of, as Unix time has none.
 *
 * A rule: STD offset [DST [offset] , start , end], where offsets count westwards, and start and end
 * are Jn (1 to 365, never February 29), n (0 to 365) or Mm.w.d (month, week 1 to 5, 5 being the
 * last, day 0 to 6 from Sunday), with /time on the wall, two o'clock unless said, from -167 to 167.
 *
 * Only offsets matter here: a transition to the offset that held before is left out. */
#include "codec/zone.h"

#include "base/err.h"

#include <stdlib.h>

enum {
    HEADER = 44,
    TRANSITIONS_MAX = 20000,
    OFFSET_MAX = 26 * 3600,
    DAY = 86400,
    YEARS_AROUND = 2, /* years looked at on each side of a time that a rule is asked for */
    CHANGES_MAX = 2 * (2 * YEARS_AROUND + 1),
};

/* Bounds of what the calendar is asked: far beyond the times of readings. */
#define FAR (INT64_C(1) << 48)

struct date_rule {
    enum { RULE_JULIAN, RULE_DAY, RULE_MONTH } kind;
    int day, week, month;
    int32_t time; /* on the wall */
};

struct transition {
    int64_t at;
    int32_t offset; /* from then on */
};

struct zone {
    int32_t first; /* before all transitions */
    size_t n;
    bool has_rule; /* after the last transition; else its offset stays */
    int32_t standard, summer;
    bool has_summer;
    struct date_rule start, end;
    struct transition at[];
};

/* ---- the rule ---- */

static bool take_number(struct slice *s, int low, int high, int *ret)
{
    int v = 0;
    size_t i = 0;
    for (; i < s->n && i < 4 && s->p[i] >= '0' && s->p[i] <= '9'; i++)
        v = 10 * v + (s->p[i] - '0');
    if (!i || v < low || v > high)
        return false;
    *s = slice_skip(*s, i);
    *ret = v;
    return true;
}

static bool take_char(struct slice *s, char c)
{
    if (!s->n || s->p[0] != c)
        return false;
    *s = slice_skip(*s, 1);
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct slice *s, int hours_max, int32_t *ret)
{
    bool minus = take_char(s, '-');
    int h, m = 0, sec = 0;
    if (!minus)
        take_char(s, '+');
    if (!take_number(s, 0, hours_max, &h) ||
        (take_char(s, ':') &&
         (!take_number(s, 0, 59, &m) || (take_char(s, ':') && !take_number(s, 0, 59, &sec)))))
        return false;
    int32_t v = h * 3600 + m * 60 + sec;
    *ret = minus ? -v : v;
    return true;
}

static bool take_name(struct slice *s)
{
    size_t n = 0;
    if (take_char(s, '<')) {
        ptrdiff_t end = slice_find(*s, '>');
        if (end < 3)
            return false;
        *s = slice_skip(*s, (size_t)end + 1);
        return true;
    }
    while (n < s->n && ((s->p[n] | 0x20) >= 'a' && (s->p[n] | 0x20) <= 'z'))
        n++;
    *s = slice_skip(*s, n);
    return n >= 3;
}

static bool take_date(struct slice *s, struct date_rule *r)
{
    *r = (struct date_rule){.time = 2 * 3600};
    if (!take_char(s, ','))
        return false;
    bool good;
    if (take_char(s, 'M')) {
        r->kind = RULE_MONTH;
        good = take_number(s, 1, 12, &r->month) && take_char(s, '.') &&
               take_number(s, 1, 5, &r->week) && take_char(s, '.') && take_number(s, 0, 6, &r->day);
    } else {
        r->kind = take_char(s, 'J') ? RULE_JULIAN : RULE_DAY;
        good = take_number(s, r->kind == RULE_JULIAN, 365, &r->day);
    }
    return good && (!take_char(s, '/') || take_time(s, 167, &r->time));
}

static bool parse_rule(struct slice s, struct zone *z)
{
    int32_t west;
    if (!s.n)
        return true; /* none: the last offset stays */
    z->has_rule = true;
    if (!take_name(&s) || !take_time(&s, 24, &west))
        return false;
    z->standard = -west;
    if (!s.n)
        return true;
    z->has_summer = true;
    z->summer = z->standard + 3600;
    if (!take_name(&s))
        return false;
    if (s.n && s.p[0] != ',') {
        if (!take_time(&s, 24, &west))
            return false;
        z->summer = -west;
    }
    return take_date(&s, &z->start) && take_date(&s, &z->end) && !s.n;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static bool leaps(int64_t y)
{
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

/* Days from 1970-01-01 to January 1 of a year. */
static int64_t year_day(int64_t y)
{
    int64_t before = y - 1;
    return 365 * (y - 1970) + floor_div(before, 4) - floor_div(before, 100) +
           floor_div(before, 400) - 477;
}

/* The wall time of a rule in a year. */
static int64_t rule_wall(const struct date_rule *r, int64_t year)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    int64_t day = year_day(year);
    if (r->kind == RULE_JULIAN) {
        day += r->day - 1 + (r->day >= 60 && leaps(year));
    } else if (r->kind == RULE_DAY) {
        day += r->day;
    } else {
        int length = before[r->month] - before[r->month - 1] + (r->month == 2 && leaps(year));
        day += before[r->month - 1] + (r->month > 2 && leaps(year));
        int64_t weekday = day + 4 - 7 * floor_div(day + 4, 7); /* 1970-01-01 was a Thursday */
        int64_t of_month = (r->day - weekday + 7) % 7 + 7 * (r->week - 1);
        day += of_month >= length ? of_month - 7 : of_month;
    }
    return day * DAY + r->time;
}

/* The changes that the rule makes around a time, in order. */
static size_t rule_changes(const struct zone *z, int64_t t, struct transition out[CHANGES_MAX])
{
    int64_t year = 1970 + floor_div(t, INT64_C(31556952));
    size_t n = 0;
    for (int64_t y = year - YEARS_AROUND; y <= year + YEARS_AROUND; y++) {
        out[n++] = (struct transition){rule_wall(&z->start, y) - z->standard, z->summer};
        out[n++] = (struct transition){rule_wall(&z->end, y) - z->summer, z->standard};
    }
    for (size_t i = 1; i < n; i++) /* nearly in order */
        for (size_t k = i; k && out[k - 1].at > out[k].at; k--) {
            struct transition other = out[k];
            out[k] = out[k - 1];
            out[k - 1] = other;
        }
    return n;
}

/* ---- asking ---- */

static int64_t after_last(const struct zone *z)
{
    return z->n ? z->at[z->n - 1].at : INT64_MIN;
}

static struct zone_span span_of_rule(const struct zone *z, int64_t t)
{
    int64_t last = after_last(z);
    struct zone_span span = {last, INT64_MAX, z->standard};
    if (!z->has_summer || z->summer == z->standard || t > FAR || t < -FAR)
        return span;
    struct transition changes[CHANGES_MAX];
    size_t n = rule_changes(z, t, changes);
    for (size_t i = 0; i < n; i++) {
        if (changes[i].at <= t) {
            if (changes[i].offset != span.offset || span.from == last)
                span.from = changes[i].at > last ? changes[i].at : last;
            span.offset = changes[i].offset;
        } else if (i + 1 < n && changes[i + 1].at == changes[i].at) {
            continue; /* undone at once */
        } else if (changes[i].offset != span.offset) {
            span.until = changes[i].at;
            break;
        }
    }
    return span;
}

struct zone_span zone_span(const struct zone *z, int64_t t)
{
    if (!z)
        return (struct zone_span){INT64_MIN, INT64_MAX, 0};
    if (z->has_rule && t >= after_last(z))
        return span_of_rule(z, t);
    size_t low = 0, high = z->n; /* transitions up to t */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (z->at[middle].at <= t)
            low = middle + 1;
        else
            high = middle;
    }
    return (struct zone_span){
        .from = low ? z->at[low - 1].at : INT64_MIN,
        .until = low < z->n ? z->at[low].at : INT64_MAX,
        .offset = low ? z->at[low - 1].offset : z->first,
    };
}

int64_t zone_instant(const struct zone *z, int64_t wall)
{
    if (!z)
        return wall;
    int64_t t = wall - OFFSET_MAX;
    for (;;) {
        struct zone_span span = zone_span(z, t);
        int64_t at = wall - span.offset;
        if (at < span.until)
            return at > span.from ? at : span.from;
        t = span.until;
    }
}

/* ---- reading ---- */

static uint32_t get32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static int64_t get_time(const char *p, size_t bytes)
{
    if (bytes == 4)
        return (int32_t)get32(p);
    return (int64_t)((uint64_t)get32(p) << 32 | get32(p + 4));
}

struct block {
    size_t isut, isstd, leaps, times, types, chars;
    size_t bytes; /* of a time */
    struct slice data;
};

/* Take a header and its block off the file. */
static int take_block(struct slice *file, size_t time_bytes, struct block *b)
{
    if (file->n < HEADER || memcmp(file->p, "TZif", 4) != 0)
        return ERR_CORRUPT;
    size_t *const counts[] = {&b->isut, &b->isstd, &b->leaps, &b->times, &b->types, &b->chars};
    for (size_t i = 0; i < 6; i++)
        *counts[i] = get32(file->p + 20 + 4 * i);
    b->bytes = time_bytes;
    if (b->times > TRANSITIONS_MAX || b->types > 256 || b->chars > 65536 || b->leaps > 65536 ||
        b->isut > 256 || b->isstd > 256)
        return ERR_CORRUPT;
    size_t n = b->times * (time_bytes + 1) + b->types * 6 + b->chars + b->leaps * (time_bytes + 4) +
               b->isstd + b->isut;
    if (file->n - HEADER < n)
        return ERR_CORRUPT;
    b->data = slice_of(file->p + HEADER, n);
    *file = slice_skip(*file, HEADER + n);
    return 0;
}

static bool get_offset(const struct block *b, size_t type, int32_t *ret)
{
    if (type >= b->types)
        return false;
    *ret = (int32_t)get32(b->data.p + b->times * (b->bytes + 1) + type * 6);
    return *ret >= -OFFSET_MAX && *ret <= OFFSET_MAX;
}

static int read_block(const struct block *b, struct zone *z)
{
    int32_t now;
    if (!get_offset(b, 0, &now))
        return ERR_CORRUPT;
    z->first = now;
    for (size_t i = 0; i < b->times; i++) {
        int64_t at = get_time(b->data.p + i * b->bytes, b->bytes);
        size_t type = (unsigned char)b->data.p[b->times * b->bytes + i];
        int32_t offset;
        if (!get_offset(b, type, &offset) ||
            (i && at <= get_time(b->data.p + (i - 1) * b->bytes, b->bytes)))
            return ERR_CORRUPT;
        if (offset != now)
            z->at[z->n++] = (struct transition){at, offset};
        now = offset;
    }
    return 0;
}

int zone_parse(struct slice file, struct zone **ret)
{
    struct block b;
    struct slice rule = {0};
    if (file.n > ZONE_BYTES_MAX)
        return ERR_CORRUPT;
    bool old = file.n > 4 && file.p[4] == 0;
    int err = take_block(&file, 4, &b);
    if (!err && !old) {
        err = take_block(&file, 8, &b);
        ptrdiff_t end = file.n && file.p[0] == '\n' ? slice_find(slice_skip(file, 1), '\n') : -1;
        if (!err && end < 0)
            err = ERR_CORRUPT;
        if (!err)
            rule = slice_of(file.p + 1, (size_t)end);
    }
    if (err)
        return err;
    struct zone *z = calloc(1, sizeof *z + b.times * sizeof z->at[0]);
    if (!z)
        return ERR_NOMEM;
    err = read_block(&b, z);
    if (!err && !parse_rule(rule, z))
        err = ERR_CORRUPT;
    if (err) {
        zone_free(z);
        return err;
    }
    *ret = z;
    return 0;
}

int zone_fixed(int32_t offset, struct zone **ret)
{
    struct zone *z = calloc(1, sizeof *z);
    if (!z)
        return ERR_NOMEM;
    z->first = offset;
    *ret = z;
    return 0;
}

void zone_free(struct zone *z)
{
    free(z);
}
