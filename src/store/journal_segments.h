/* journal_segments.h - the journal's files: which there are, the one that is written to, their
 * end.  Private to the store; the rules are told at the top of journal.c.
 *
 * Belongs to one thread at a time.  Blocks.  What answers int `error` answers 0 or an errno. */
#ifndef STORE_JOURNAL_SEGMENTS_H
#define STORE_JOURNAL_SEGMENTS_H

#include "store/journal_format.h"

struct journal_segments; /* opaque */

/* Make dir when missing, replay all its segments into r, drop those that are not needed. */
int journal_segments_open(const char *dir, size_t segment_bytes, struct journal_recovery *r,
                          struct journal_segments **ret);
void journal_segments_close(struct journal_segments *s);

/* Begin a new segment.  error. */
int journal_segments_begin(struct journal_segments *s, uint64_t base_seq, uint64_t kept_seq);

/* Write a frame and sync it: bytes hold room for the header, then the payload, and can be written
 * to up to cap.  On failure the frame is cut off and its segment ended.  error. */
int journal_segments_write(struct journal_segments *s, const struct journal_frame_header *h,
                           uint64_t kept_seq, unsigned char *bytes, size_t cap);

/* Finish a cutting off that failed before.  error. */
int journal_segments_settle(struct journal_segments *s);

void journal_segments_trim(struct journal_segments *s, uint64_t seq);
void journal_segments_count(const struct journal_segments *s, uint64_t *ret_n, uint64_t *ret_bytes);

#endif
