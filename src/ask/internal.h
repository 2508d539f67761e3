/* internal.h - the parts of a question; nobody outside the room includes it.
 *
 *     ask.c        a question's life: turns, limits
 *     guard.c      what SQLite may do for it, and what is said when it may not
 *     lex.c        words of the text, AS OF
 *     functions.c  what it may call
 *     table.c      tables, as SQLite sees them
 *     walk.c       twins that somebody sees
 *     past.c       readings of one series
 *     *_table.c    a table, or those that belong together */
#ifndef ASK_INTERNAL_H
#define ASK_INTERNAL_H

#include "ask/ask.h"
#include "ask/lex.h"
#include "base/arena.h"
#include "os/loop.h"
#include "store/catalog.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

/* ---- what every part of a question knows ---- */

struct engine;

struct question {
    struct asks *asks;
    struct core *core;
    struct loop *loop;
    struct catalog *catalog;
    struct principal *who;
    struct org *org;    /* theirs; NULL: none */
    const char *prefix; /* of its twins' keys; "" in the first */
    int64_t at_us;      /* AS OF; 0: now */
    int64_t now_us;     /* when it was asked */
    _Atomic(bool) cancelled;
    struct engine *engine; /* while it runs: when it must end */
    bool damaged;
    int err; /* why a table would not go on */
    char why[400];
    pthread_cond_t turned; /* of what waits for the core's turns; its lock is in past.c */
};

/* Within the gate: may they still? */
bool question_may_go_on(struct question *q);
int question_fail(struct question *q, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* May they do that in their organisation?  Within the gate. */
bool question_may(const struct question *q, enum access_op op);

/* A connection to an empty database in memory, for one question at a time. */
struct engine {
    sqlite3 *db;
    struct question *q;
    size_t memory, memory_max; /* what SQLite took for this question */
    int64_t due_us;            /* when it must end, by the monotonic clock */
    bool late;
    struct engine *next;
};
bool engine_must_end(struct engine *c); /* its time is over, or it was cancelled */
int engine_new(struct engine **ret);    /* an SQLite code */
void engine_free(struct engine *c);
/* What SQLite takes on this thread from here on is taken for c; NULL: for nobody. */
void engine_takes(struct engine *c);
bool guard_is_prepared(void);
/* What SQLite says, as a sentence; *ret_at: where in the text, -1: nowhere. */
int guard_say(struct engine *c, int code, const char *sql, struct buf *out, int *ret_at);

struct document_watch;
void saved_watch(struct document_watch *w, struct access *a); /* saved.c */

/* ---- tables ---- */

enum { COLUMNS_MAX = 32, ROWS_MAX = 1024, BATCH_BYTES = 512 << 10, GATE_US = 700 };

struct ask_column {
    const char *name, *type, *text; /* type: as SQLite declares it, and "time", "json" */
    bool match;                     /* an equality with it narrows what is looked at */
    bool time;                      /* so does comparing it */
    bool hidden;                    /* a parameter: history('pump-1', 'temp') */
    double rows;                    /* of match: what part of all rows an equality leaves, about */
};

#define COLUMN(column, declared, about, ...)                                                       \
    {                                                                                              \
        .name = (column), .type = (declared), .text = (about), __VA_ARGS__                         \
    }

struct cell {
    enum ask_type type;
    bool time; /* i: microseconds, given out as text */
    union {
        int64_t i;
        double d;
        struct slice s;
    };
};

struct scan;
struct asof;      /* ask/asof.h */
struct asof_twin; /* the same */
struct ask_table {
    const char *name, *text;
    const struct ask_column *columns; /* ended by name NULL */
    unsigned required;                /* bits of columns without which there is no answer */
    const char *missing;              /* what is said then */
    size_t state;                     /* bytes of its own */
    /* What it gives equals what its columns are narrowed to: SQLite need not look again. */
    bool exact;
    bool live;    /* fill() is called within the gate */
    bool by_time; /* rows of one twin and sensor (columns 0, 1) come by time */
    double (*rows)(const struct core *core);
    int (*open)(struct scan *s); /* the constraints are known; not within the gate; or NULL */
    int (*fill)(struct scan *s); /* some rows more, until scan_full(); sets s->done */
    /* AS OF: rows of a twin as it was, from its at-th on; where it goes on, SIZE_MAX: with the next
     * twin.  Column 0 is the twin's id.  NULL: fill() knows of s->at_us. */
    size_t (*then)(struct scan *s, const struct asof_twin *t, size_t at);
    void (*close)(struct scan *s); /* or NULL; also of what was not opened */
};
extern const struct ask_table *const ask_tables[]; /* ended by NULL */

/* A walk over a table, from one xFilter to the next. */
struct scan {
    sqlite3_vtab_cursor base;
    struct question *q;
    const struct ask_table *table;
    int columns_n;
    uint64_t used;            /* columns that are looked at, a bit each */
    int8_t slot[COLUMNS_MAX]; /* their places in a row of cells; -1 */
    size_t width;
    uint64_t given; /* columns that are narrowed to `eq` */
    struct cell eq[COLUMNS_MAX];
    int64_t from_us, to_us; /* from <= t < to, of the column of time */
    int64_t at_us;          /* AS OF; 0: now */
    struct arena *bound;    /* eq's texts */
    struct arena *arena;    /* of the rows that are here */
    struct cell *cells;     /* room for ROWS_MAX rows of width */
    size_t cells_cap;
    size_t rows, at, room; /* room: how many fill() may give */
    size_t bytes;          /* of texts in the rows */
    int64_t row_id;
    int64_t until_us; /* when fill() must be done, by the monotonic clock */
    bool done;
    bool words; /* the table's: columns are wanted that most questions do without */
    void *state;
    struct asof *asof; /* and the twin in which it stands */
    struct asof_twin *then;
    size_t then_at; /* SIZE_MAX: between twins */
};
void scan_enter(struct scan *s); /* the gate was entered: the time begins */
bool make_room(struct scan *s);  /* for s->room rows; false: out of memory */

static inline bool scan_wants(const struct scan *s, int column)
{
    return s->slot[column] >= 0;
}
/* The text that a column must be; p NULL: it may be anything. */
struct slice scan_eq(const struct scan *s, int column);
bool scan_has(const struct scan *s, int column); /* is it narrowed? */
bool scan_full(const struct scan *s);
bool scan_late(const struct scan *s); /* leave the gate, others wait */

/* Another row, all NULL; then its cells.  Texts are copied into the arena, when they are wanted. */
struct cell *scan_row(struct scan *s);
void cell_text(struct scan *s, struct cell *row, int column, struct slice text);
void cell_time(struct scan *s, struct cell *row, int column, int64_t t_us); /* 0: NULL */
void cell_value(struct scan *s, struct cell *row, int column, struct value v);
static inline void cell_int(struct scan *s, struct cell *row, int column, int64_t i)
{
    if (s->slot[column] >= 0)
        row[s->slot[column]] = (struct cell){.type = ASK_INTEGER, .i = i};
}
static inline void cell_real(struct scan *s, struct cell *row, int column, double d)
{
    if (s->slot[column] >= 0)
        row[s->slot[column]] = (struct cell){.type = ASK_REAL, .d = d};
}

int tables_register(struct engine *c); /* an SQLite code */

/* ---- values ---- */

/* As time_of_text(); a number is Unix milliseconds.  ERR_BAD_TIME. */
int time_of_cell(const struct cell *c, int64_t now_us, int64_t *ret_t_us);
int time_of_value(sqlite3_value *v, int64_t now_us, int64_t *ret_t_us);

int functions_register(struct engine *c); /* an SQLite code */
struct ask_function {
    const char *name, *args, *text;
};
extern const struct ask_function ask_functions[]; /* ended by name NULL */
bool function_is_known(const char *name); /* one of ours, or of SQLite's that may be called */

/* ---- the past, one series at a time, on the question's thread ---- */

struct past; /* opaque */
/* Within the gate; NULL: out of memory. */
struct past *past_open(struct question *q, const struct sensor *s,
                       const struct history_query *query);
struct past_row {
    int64_t t_us;
    struct value value; /* VALUE_NONE: null */
    uint8_t quality;
    bool before;
};
/* The next row; false: the end, or q->err.  Not within the gate.  Lives until the next call. */
bool past_next(struct past *p, struct past_row *ret);
bool past_has(const struct past *p);    /* the next row is here already */
void past_close(struct past *p);        /* not within the gate; NULL too */
void question_wake(struct question *q); /* after `cancelled` was set */

/* ---- who may see what; each time within the gate ---- */

/* The twins of their organisation that they may see, in order of key. */
struct twin_walk {
    char last[300]; /* the key of the last one; "" before the first */
    size_t at;      /* where it stood */
    bool over;
};
/* What is found while the gate is held holds until it is left. */
struct twin_look {
    struct question *q;
    struct twin *const *all;
    size_t n;
    bool plain; /* they see all of their organisation, sensors and all */
};
struct twin_look twin_look(struct question *q);
struct twin *twin_next(struct twin_look *look, struct twin_walk *w); /* note where it was left: */
void twin_walk_leave(struct twin_walk *w, const struct twin *last);
/* That which they call so, when they may see it. */
struct twin *twin_called(struct question *q, struct slice id);
struct slice twin_name(struct question *q, const struct twin *t, struct buf *scratch);
/* What they call the twin of that key, or would if there were one. */
struct slice key_name(struct question *q, struct slice key, struct buf *scratch);
/* A policy may leave somebody the twin and keep its profile. */
bool profile_seen(const struct question *q, struct org *org, struct slice key);
bool sensor_seen(const struct twin_look *look, const struct sensor *s, enum access_op op);

/* Twins, as a table walks them: one that is named, or all. */
struct twins_of {
    struct twin_walk walk;
    bool begun, named;
    struct slice id;
};
void twins_of_begin(struct twins_of *o, const struct scan *s, int column);
struct twin *twins_of_next(struct twins_of *o, struct twin_look *look);
void twins_of_leave(struct twins_of *o, const struct twin *last); /* the gate is left; NULL: none */

#endif
