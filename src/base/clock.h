/* clock.h - time that tests can set.
 *
 * t_us is microseconds since 1970-01-01T00:00:00Z, without leap seconds; mono_us never goes back
 * and has no meaning but its differences.  Thread-safe. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/buf.h"

int64_t clock_now_us(void);
int64_t clock_mono_us(void);

/* From now on clock_now_us() answers t_us, and clock_mono_us() moves along; clock_real() ends it.
 */
void clock_set(int64_t t_us);
void clock_real(void);

/* RFC 3339 in UTC with as many decimals as needed (0, 3 or 6): "2024-03-15T14:30:00Z". */
void clock_format(struct buf *b, int64_t t_us);

/* Reads RFC 3339 with an offset (T or t or a space; Z, z or +hh:mm; 1 to 9 decimals, cut to
 * microseconds; a leap second :60 is the second after).  ERR_BAD_TIME for all else. */
int clock_parse(struct slice text, int64_t *ret_t_us);

/* A date alone, "2024-03-15", as its midnight in UTC. */
int clock_parse_date(struct slice text, int64_t *ret_t_us);

/* Unix milliseconds with up to three decimals, as numbers go out. */
void clock_format_ms(struct buf *b, int64_t t_us);

/* "10s", "1m", "90d", also ms, h, w, y (365 d) and ISO 8601 such as "PT10S", "P90D";
 * ERR_INVALID for all else, zero and overflow. */
int clock_parse_duration(struct slice text, int64_t *ret_us);

#endif
