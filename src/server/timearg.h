/* timearg.h - times as people write them on a command line and in files.  Pure but for zones. */
#ifndef SERVER_TIMEARG_H
#define SERVER_TIMEARG_H

#include "base/slice.h"

/* "now", "-1h", "now-90s", "+5m"; RFC 3339; "2020-03-09", "2020-03-09 12:14[:36[.5]]" (UTC); Unix
 * milliseconds.  ERR_BAD_TIME for all else. */
int timearg_parse(struct slice text, int64_t now_us, int64_t *ret_us);

enum time_kind { TIME_AUTO, TIME_UNIX, TIME_UNIX_MS, TIME_UNIX_US, TIME_UNIX_NS, TIME_PATTERN };

/* How the times of a column are written. */
struct time_form {
    enum time_kind kind;
    const char *pattern; /* of TIME_PATTERN */
    const char *zone;    /* "Europe/Berlin", or NULL for UTC; for times without an offset */
    int64_t offset_us;   /* east of UTC, when zone is NULL */
    int64_t near_us;     /* of the two moments that a local time may be when clocks are set back,
                            the nearer to this: that of the row before; 0: the earlier */
};

/* "auto", "rfc3339", "unix", "unix-ms", "unix-us", "unix-ns", or a pattern with %Y %m %d %H %M %S
 * and so on, %f for a fraction.  zone: NULL, "UTC", "+02:00", "Europe/Berlin".  ERR_INVALID sets
 * *ret_why. */
int time_form_init(struct time_form *f, const char *form, const char *zone, const char **ret_why);

/* A time of a column.  TIME_AUTO takes ISO 8601 forms with T or a space, seconds and offset left
 * out or not, and numbers as Unix seconds, milliseconds, microseconds or nanoseconds by their size.
 * What is finer than a microsecond is cut off. */
int time_form_parse(const struct time_form *f, struct slice text, int64_t *ret_us);

#endif
