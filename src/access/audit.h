/* audit.h - the audit log, for whoever adds a line beside a change, reads it, or takes a person out
 * of it.
 *
 * Owner: the loop's thread; nothing blocks but where it says so.  How the rows hold each other is
 * told in store/audit.c. */
#ifndef ACCESS_AUDIT_H
#define ACCESS_AUDIT_H

#include "access/access.h"
#include "codec/json.h"
#include "store/audit.h"

/* A line about something that is no change of records (those have theirs in change.c) and no
 * refusal (access_refused()): the server's start and stop, sign-outs, what the command line did.
 * All is copied.  org NULL: that of who; before and after: JSON, or empty. */
struct audit_note {
    struct org *org;
    bool installation; /* in no organisation's log */
    const char *operation, *object;
    const char *outcome; /* NULL: "done" */
    const char *detail;  /* NULL: none */
    struct slice before, after;
};
void access_note(struct access *a, const struct asker *by, const struct audit_note *n);

/* ---- reading, in turns ---- */

/* A turn ends when on_row() says that it is enough, when the limit is reached, or when it has
 * lasted long, also when nothing fits: so the log can have millions of rows and nobody waits. */
struct audit_turn {
    int err;    /* not 0: ended is set */
    bool ended; /* the job is gone */
    bool more;  /* ended by the limit: the rest is behind next_us, next_n */
    int64_t next_us, next_n;
};
struct audit_taker {
    bool (*on_row)(void *arg, const struct audit_row *row); /* on a thread of readers */
    void (*on_turn)(void *arg, const struct audit_turn *turn);
};
struct audit_job; /* opaque */

/* What q points to is copied.  limit 0: all.  NULL: out of memory, or the server is stopping.  A
 * turn that says `ended` comes exactly once, and not before this returns. */
struct audit_job *access_audit_read(struct access *a, const struct audit_query *q, uint64_t limit,
                                    const struct audit_taker *taker, void *arg);
void audit_go(struct audit_job *j);     /* after a turn that has not ended */
void audit_cancel(struct audit_job *j); /* the last turn says ERR_CANCELLED, maybe at once */

/* ---- taking a person out ---- */

/* Names and addresses from what they did, all content from lines that are about them or in which
 * one of the words stands (their e-mail address, their name when it is long enough to be theirs
 * alone), of all that was written until now, in slices.  done hears once: an ERR_*, or 0 and how
 * many lines were touched.  Who erases adds a line that says so. */
typedef void audit_erased_fn(void *arg, int err, uint64_t lines);
void access_audit_erase(struct access *a, struct slice who, const struct slice *words, size_t n,
                        audit_erased_fn *done, void *arg);

/* ---- how a line looks outside ---- */

void audit_write_json(struct json_writer *w, const struct audit_row *row); /* an object */
extern const char audit_csv_head[];
void audit_write_csv(struct buf *out, const struct audit_row *row);
/* A line for the eye, without its end. */
void audit_write_text(struct buf *out, const struct audit_row *row);

/* ---- for the room ---- */

void audit_start(struct access *a); /* blocks: tells the head in the log */
void audit_tick(struct access *a);  /* each second: what is to expire; the head, once a day */
void audit_stop(struct access *a);  /* the head in the log */

#endif
