/* check.h - does everything in a data directory, or in a backup, hold?
 *
 * Blocks, any thread; writes nothing; a server may be running in the directory. */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

enum check_level { CHECK_NOTE, CHECK_WARNING, CHECK_ERROR };

struct check_watch {
    /* what: the file, or a part of it; sentence: without full stop */
    void (*say)(void *arg, enum check_level level, const char *what, const char *sentence);
    void (*progress)(void *arg, const char *what, uint64_t done, uint64_t total);
    void *arg;
};

struct check_report {
    uint64_t errors, warnings;
    uint64_t twins, series;
    uint64_t chunks, points, chunk_bytes;
    uint64_t journal_batches, journal_readings, journal_bytes;
};

/* Every page of the databases (SQLite's integrity check), every profile, every chunk decoded and
 * held against its row, the running totals, every frame of the journals, and what the files say of
 * each other.  What is wrong is said and counted; the answer is about the check itself:
 * ERR_NOT_FOUND when this is no data directory, ERR_NOMEM. */
int check_directory(const char *dir, const struct check_watch *w, struct check_report *ret);

#endif
