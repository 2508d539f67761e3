/* internal.h - what the files of this room share; nobody outside includes it. */
#ifndef CONTROL_INTERNAL_H
#define CONTROL_INTERNAL_H

#include "access/audit.h"
#include "base/map.h"
#include "codec/json.h"
#include "control/control.h"

enum { TICK_MS = 100 };

/* A command that is open. */
struct item {
    struct twin_command c; /* its texts are in the arena, as the item is */
    struct arena *arena;
    struct queue *queue;
    struct item *next, *prev; /* of the queue, in order of n */
    size_t at;                /* its place among all */
    int64_t due_us;           /* monotonic: when it expires or times out */
};

/* The open commands of a twin. */
struct queue {
    char *key;
    struct item *first, *last;
    size_t n;
};

/* A step that is to be written; its texts live as long as its batch. */
struct op {
    struct op *next;
    struct twin_command c;
    struct slice who;
    struct audit_entry audit;
    bool audited;
    command_done_fn *done; /* or NULL */
    void *arg;
};

struct batch {
    struct control *control;
    struct arena *arena;
    struct op *first, *last;
    struct pool_job job;
    int err;
};

struct control {
    struct loop *loop;
    struct core *core;
    struct access *access;
    struct control_opts opts;
    struct core_tap tap;
    struct loop_timer *tick;
    struct loop_hook flush;
    struct map queues; /* struct queue by the twin's key */
    struct item **items;
    size_t items_n, items_cap;
    int64_t last_n;
    struct batch *next, *running;
    int64_t retry_us, expire_us;
    bool failing, stopped, expiring, starting;
    struct control_watch *watches;
};

/* state.c: what a deed makes of a state; -1: it cannot be; *ret_same: it is so already */
int command_after(enum command_state state, enum command_deed deed, bool *ret_same);

/* life.c */
struct item *control_life_add(struct control *c,
                              const struct twin_command *from); /* NULL: out of memory */
void control_life_end(struct control *c, struct item *i);
struct item *control_life_find(const struct control *c, int64_t n);
void control_life_plan(struct item *i, int64_t now_us,
                       int64_t mono_us); /* when its state ends by itself */
void control_life_tick(struct control *c);
void control_life_twin_gone(struct control *c, struct slice key);
void control_life_free(struct control *c);

/* keep.c */
/* The command as it is goes into the next batch.  NULL: out of memory. */
struct op *control_keep_step(struct control *c, const struct twin_command *command,
                             struct slice who);
void control_keep_audit(struct control *c, struct op *op, const struct asker *by,
                        const char *operation);
void control_keep_flush(void *control);
void control_keep_tick(struct control *c);
void control_keep_stop(struct control *c);
void control_keep_free(struct control *c);

/* define.c: what the profile says of a command */
struct definition {
    const struct jval *input, *output; /* schemas, or NULL */
    int64_t timeout_us, expires_us;
};
int control_define(const struct jval *profile, struct slice name, struct definition *ret);

#endif
