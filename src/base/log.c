#include "base/log.h"

#include "base/clock.h"
#include "base/err.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static const char *const names[] = {"debug", "info", "warn", "error"};
static atomic_int lowest = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&lowest, (int)level);
}

int log_level_parse(const char *name, enum log_level *ret)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum log_level)i;
            return 0;
        }
    }
    return ERR_INVALID;
}

void log_line(enum log_level level, const char *room, const char *format, ...)
{
    if ((int)level < atomic_load(&lowest))
        return;
    struct buf line = {0};
    clock_format(&line, clock_now_us() / 1000 * 1000);
    buf_addf(&line, " %s %s: ", names[level], room);
    size_t start = line.n;
    va_list args;
    va_start(args, format);
    buf_vaddf(&line, format, args);
    va_end(args);
    for (size_t i = start; i < line.n; i++) /* one event, one line, whatever it carries */
        if ((unsigned char)line.p[i] < 0x20 || line.p[i] == 0x7f)
            line.p[i] = '?';
    buf_add_byte(&line, '\n');
    if (!line.failed) {
        ssize_t written = write(STDERR_FILENO, line.p, line.n); /* one write keeps lines whole */
        (void)written;
    }
    buf_release(&line);
}
