/* log.h - lines for the operator, on standard error.  Thread-safe.
 *
 * Only the outermost layer logs, once.  A line is "2024-03-15T14:30:00.123Z level room: text".
 * Never secrets.  Control characters from outside are replaced. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level level);                   /* LOG_INFO until set */
int log_level_parse(const char *name, enum log_level *ret); /* "debug", "info", "warn", "error" */
void log_line(enum log_level level, const char *room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(room, ...) log_line(LOG_DEBUG, room, __VA_ARGS__)
#define log_info(room, ...) log_line(LOG_INFO, room, __VA_ARGS__)
#define log_warn(room, ...) log_line(LOG_WARN, room, __VA_ARGS__)
#define log_error(room, ...) log_line(LOG_ERROR, room, __VA_ARGS__)

#endif
