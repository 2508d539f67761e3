/* commands.h - commands to twins in catalog.db: what they are, and every step of their lives.
 *
 * Blocks.  Writes come from the catalog's one thread, in the transaction that is under way; reads
 * from any.  How the tables look: commands.c. */
#ifndef STORE_COMMANDS_H
#define STORE_COMMANDS_H

#include "store/catalog.h"

/* By number in the tables, so only ever add. */
/* clang-format off */
#define COMMAND_STATES(X)                                                                          \
    X(COMMAND_PENDING, "pending")                                                                  \
    X(COMMAND_DELIVERED, "delivered")                                                              \
    X(COMMAND_ACCEPTED, "accepted")                                                                \
    X(COMMAND_DONE, "done")                                                                        \
    X(COMMAND_FAILED, "failed")                                                                    \
    X(COMMAND_TIMED_OUT, "timed-out")                                                              \
    X(COMMAND_EXPIRED, "expired")                                                                  \
    X(COMMAND_CANCELLED, "cancelled")
/* clang-format on */
#define X(name, text) name,
enum command_state { COMMAND_STATES(X) COMMAND_STATE_N };
#undef X
const char *command_state_name(enum command_state state);
int command_state_by_name(struct slice name); /* -1: there is none */

static inline bool command_is_open(enum command_state s)
{
    return s <= COMMAND_ACCEPTED;
}

/* Texts may be empty, times 0: not yet, or none. */
struct twin_command {
    int64_t n;              /* outside it is called "c-" and that */
    struct slice org, twin; /* the organisation's slug, the twin's key */
    struct slice name;
    struct slice input;                 /* JSON */
    struct slice who, who_name, reason; /* "person:p_1"; empty: the server */
    int64_t created_us;
    int64_t timeout_us; /* from delivery to the result */
    int64_t expires_us; /* when nobody waits for its delivery any more */
    struct slice reply; /* where the asker wants to hear of it: the front end's; may be empty */
    /* what changes */
    enum command_state state;
    int64_t changed_us, delivered_us, accepted_us, ended_us;
    struct slice output, error; /* JSON; a sentence */
    bool late;                  /* what came back came after the timeout */
};

int command_keep(struct arena *a, struct twin_command *c); /* its texts become copies; ERR_NOMEM */

struct command_query {
    struct slice org, twin, name; /* p NULL: whichever */
    unsigned states;              /* set of 1 << state; 0: all */
    int64_t from_us, to_us;       /* from <= created < to; to 0: no end */
    int64_t before_n;             /* behind this one; 0: from the newest */
};
/* The newest first.  What is passed lives until fn returns; non-zero ends and is returned. */
typedef int command_fn(void *arg, const struct twin_command *c);
int catalog_command_each(struct catalog *c, const struct command_query *q, command_fn *fn,
                         void *arg);
int catalog_command_get(struct catalog *c, int64_t n, struct arena *a, struct twin_command *ret);

struct command_step {
    int64_t at_us;
    enum command_state state;
    bool late;
    struct slice who; /* empty: the server */
};
typedef int command_step_fn(void *arg, const struct command_step *s);
int catalog_command_steps(struct catalog *c, int64_t n, command_step_fn *fn, void *arg);

/* As it is from now on, and the step; who did it. */
int catalog_command_put(struct catalog *c, const struct twin_command *command, struct slice who);
int64_t catalog_command_last(struct catalog *c); /* the highest number that was ever given */
int catalog_command_expire(struct catalog *c, int64_t before_us, size_t most, size_t *ret_n);

#endif
