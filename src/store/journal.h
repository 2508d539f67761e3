/* journal.h - append-only log of what is acknowledged and has no other place yet; what survives a
 * crash.  A journal carries readings (those that are not yet in history) or records, bytes whose
 * meaning is their owner's (the state of MQTT).
 *
 * Owner: the loop's thread calls everything; one thread of its own writes and syncs.  Blocks: only
 * journal_open() and journal_close().  The layout, and why recovery is right, are told at the top
 * of journal.c; change them together. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "base/value.h"

struct journal; /* opaque */

struct journal_opts {
    size_t segment_bytes; /* 0: by the free space of the disk, 4 to 64 MiB */
    size_t pending_bytes; /* not yet synced, at most; ERR_OVERLOAD above; 0: 64 MiB */
    /* Every kept batch after the sequence number from, in order, during journal_open().  A text
     * value lives until the callback returns.  Non-zero ends the opening with that error. */
    uint64_t from;
    int (*on_replay)(void *arg, uint64_t seq, const struct reading *readings, size_t n);
    /* Set instead of on_replay: a journal of records.  A batch is one record; it lives until the
     * callback returns. */
    int (*on_record)(void *arg, uint64_t seq, struct slice record);
    const char *what; /* it carries, for the log; NULL: "readings" */
    /* On the journal's thread: all batches up to seq that were not reported before are on stable
     * storage (err 0), or are not and never will be (ERR_STORAGE).  Must not block. */
    void (*on_synced)(void *arg, uint64_t seq, int err);
    void *arg;
};

struct journal_stats {
    uint64_t batches, readings, bytes, syncs, failures;
    uint64_t segments, segment_bytes; /* on disk now */
    uint64_t damaged_bytes;           /* met and passed over when opening */
    uint64_t torn_bytes; /* of these, at the very end: what a write cut off by a crash explains */
    uint64_t missing_batches; /* known at opening to have been kept and not found */
    int last_error;           /* 0, or ERR_STORAGE while writing fails */
    int last_errno;
};

/* Open or create the journal in dir (made when missing).  On failure *ret is untouched. */
int journal_open(const char *dir, const struct journal_opts *opts, struct journal **ret);
void journal_close(struct journal *j); /* everything appended is synced or reported first */

/* Add a batch (copied).  The sequence numbers rise by one from the highest ever used.  ERR_OVERLOAD
 * when too much waits; ERR_STORAGE at once while the disk is known to be full (it is tried again
 * every second). */
int journal_append(struct journal *j, const struct reading *readings, size_t n, uint64_t *ret_seq);

/* The same for a journal of records.  A lazy one, for which nobody waits, goes to the disk with the
 * next that is not, with journal_hurry(), or when many have gathered. */
int journal_append_record(struct journal *j, struct slice record, bool lazy, uint64_t *ret_seq);
void journal_hurry(struct journal *j);

/* Batches up to seq are in history: their segments may be reused or removed.  seq must be one
 * that on_synced reported. */
void journal_trim(struct journal *j, uint64_t seq);
void journal_stats(const struct journal *j, struct journal_stats *ret);

#endif
