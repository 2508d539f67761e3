/* ask.h - one question in SQL over the live system, its past and its graph.
 *
 * A question is a read-only statement that SQLite runs over virtual tables (docs/query.md lists
 * them), within what the asker may.  It runs on a thread of its own, in turns, as a question about
 * the past does (core/core.h): a turn ends when the taker of rows has enough, or when it has lasted
 * long; the next begins with ask_go().  What belongs to the loop's thread is read some rows at a
 * time while the loop sleeps (loop_enter()), so a question never holds it up, and sees the rows of
 * a moment each.
 *
 * Owner: the loop's thread, but for what is said of on_row. */
#ifndef ASK_ASK_H
#define ASK_ASK_H

#include "codec/json.h"
#include "core/core.h"

struct asks; /* opaque */

struct ask_limits { /* of one question; 0: the default */
    uint64_t rows;  /* ASK_ROWS; then the answer is cut, and says so */
    int64_t run_us; /* ASK_RUN_MS; waiting for a slow reader does not count */
    size_t memory;  /* ASK_MEMORY */
};
enum {
    ASK_SQL_BYTES = 64 << 10,
    ASK_AT_ONCE = 4, /* of one person, service, device or link */
    ASK_ROWS = 100000,
    ASK_ROWS_MAX = 10000000,
    ASK_RUN_MS = 10000,
    ASK_RUN_MAX_MS = 60000,
    ASK_MEMORY = 128 << 20,
    ASK_VALUE_BYTES = 4 << 20, /* of one text or blob */
};

/* Before anything in the process uses SQLite, once: what it takes for a question is counted. */
void asks_prepare(void);
/* asks_free() ends all that run and waits for them; before core_stop(), when the loop has ended. */
int asks_new(struct loop *l, struct core *c, struct asks **ret);
void asks_free(struct asks *a); /* NULL too */

struct ask_question {
    struct slice sql;
    const struct jval *params; /* an object: :name and so on; an array: ?1 and so on; or NULL */
    int64_t at_us;             /* AS OF when the text has none; 0: now */
    struct slice id;           /* by which it can be cancelled; empty: it gets one */
    struct ask_limits limits;
};

enum ask_type { ASK_NULL, ASK_INTEGER, ASK_REAL, ASK_TEXT, ASK_BLOB };
struct ask_value {
    enum ask_type type;
    int64_t i;
    double d;
    struct slice text; /* of ASK_BLOB the bytes */
};

struct ask_turn {
    int err;
    const char *detail; /* a sentence when err is not 0; until on_turn returns */
    int line, column;   /* where in the text, in characters; 0: nowhere in particular */
    bool ended;         /* the question is gone */
    bool truncated;     /* the limit of rows has cut it */
    bool damaged;       /* some of the past does not check and was left out */
    uint64_t rows;      /* so far */
    int64_t run_us;
};

struct ask_taker {
    /* Once, before the first row; on the thread of the question, as on_row. */
    void (*on_columns)(void *arg, const char *const *names, size_t n);
    bool (*on_row)(void *arg, const struct ask_value *values,
                   size_t n); /* true: enough for a turn */
    void (*on_turn)(void *arg, const struct ask_turn *turn);
};
struct ask_job; /* opaque */

/* Begin.  What q points to is copied.  ERR_RATE: too many at once; ERR_TOO_LARGE; ERR_EXISTS: they
 * ask one of that id; ERR_NOMEM; ERR_CANCELLED: the server stops.  A turn that says `ended` comes
 * exactly once, and not before this returns. */
int ask_start(struct asks *a, struct principal *who, const struct ask_question *q,
              const struct ask_taker *taker, void *arg, struct ask_job **ret);
void ask_go(struct ask_job *j);
void ask_cancel(struct ask_job *j); /* as history_cancel() */

/* By which it can be cancelled by the same asker: "q_...". */
const char *ask_id(const struct ask_job *j);
struct ask_job *ask_find(struct asks *a, const struct principal *who, struct slice id);

/* The tables and their columns, as JSON:
 * {"tables":[{"name","text","columns":[..]}],"functions":[..]}. */
void ask_schema(struct json_writer *w);

struct ask_stats {
    uint64_t asked, failed, cancelled, rows;
    size_t running;
};
void ask_stats(const struct asks *a, struct ask_stats *ret);

#endif
