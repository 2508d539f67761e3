/* journal_check.h - what a journal's files hold, without opening it: for backups and doctors.
 *
 * Blocks, any thread; writes nothing.  A server may be writing meanwhile: then an unfinished frame
 * at the end of the newest segment is to be expected. */
#ifndef STORE_JOURNAL_CHECK_H
#define STORE_JOURNAL_CHECK_H

#include "base/slice.h"

#include <stdint.h>

struct journal_health {
    uint64_t segments, bytes, batches, readings;
    uint64_t damaged_bytes; /* passed over, without the torn end of the newest segment */
    uint64_t torn_bytes, missing_batches;
    uint64_t last_seq;
};

/* All segments of a directory, readings or records; after the sequence number from (0: the first
 * that is there).  On damage fn, when not NULL, hears each file by name.  ERR_NOT_FOUND: there is
 * no such directory; ERR_UNSUPPORTED: of a newer program. */
int journal_check(const char *dir, uint64_t from, struct journal_health *ret,
                  void (*on_damage)(void *arg, const char *file, uint64_t bytes), void *arg);

/* One segment: is there damage before its end? */
int journal_check_file(const char *path, bool *ret_damaged);

#endif
