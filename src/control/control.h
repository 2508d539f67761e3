/* control.h - commands to twins: asked for, delivered, accepted, answered, or not.
 *
 * Owner: the loop's thread calls everything here; nothing here blocks.
 *
 * A command is one of those that the twin's profile lists in doppel:commands, with an input that
 * its JSON Schema takes.  It is kept in catalog.db before whoever asked hears its id, and so is
 * every step of its life; what is in memory are the open ones.  Who delivers them (a front end)
 * watches for those that become pending, and says when the device has them, accepts them, and what
 * came of them.  A device gets a command at least once until it has accepted it, always under the
 * same id; so it can tell one that it knows from a new one.
 *
 *   pending -> delivered -> accepted -> done | failed
 *      |  \        |            |
 *      |   \       +------------+--> timed-out: no result within the timeout, from the delivery
 *      |    +--> expired: nobody came to take it
 *      +--> cancelled (until it is accepted)
 *
 * A result that comes after the timeout is kept with the command, which stays timed-out, as late.
 * Timers go by monotonic time while the server runs; what is left of them after a restart is told
 * by the clock, and never more than they began with. */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "core/core.h"
#include "store/commands.h"

struct control; /* opaque */

enum {
    COMMAND_INPUT_MAX = 65536, /* bytes of input or output */
    COMMAND_ERROR_MAX = 2000,  /* bytes of the sentence of a failure */
    COMMANDS_OPEN_MAX = 100,   /* of a twin; commands-queue */
    COMMANDS_ALL_MAX = 10000,  /* of all */
};

/* ---- asking ---- */

struct command_ask {
    struct slice twin; /* as who asks calls it */
    struct slice name;
    struct slice input;                /* JSON; empty: null where the schema takes it, else {} */
    int64_t timeout_us, expires_in_us; /* 0: what the profile says, else 30 s and a day */
    struct slice reply;                /* the front end's own */
};

/* err: 0; ERR_UNKNOWN_TWIN, ERR_FORBIDDEN; ERR_NOT_FOUND (no such command), ERR_INVALID (the
 * input), ERR_QUOTA (too many wait), ... with a sentence in why.  command: as it is then; all live
 * until done returns. */
typedef void command_done_fn(void *arg, int err, const char *why,
                             const struct twin_command *command);

/* done comes once, when it is on stable storage; maybe before the call returns. */
void control_send(struct control *c, const struct asker *by, const struct command_ask *ask,
                  command_done_fn *done, void *arg);

/* ---- what becomes of it ---- */

enum command_deed { DEED_DELIVER, DEED_ACCEPT, DEED_FINISH, DEED_FAIL, DEED_CANCEL };
struct command_act {
    enum command_deed deed;
    int64_t n;
    struct slice output; /* DEED_FINISH: JSON, or empty */
    struct slice error;  /* DEED_FAIL: a sentence */
};
/* Who cancels may send that command; who does the rest may receive those of the twin.  What is so
 * already is answered with 0.  err: ERR_NOT_FOUND (also when not theirs to see), ERR_FORBIDDEN,
 * ERR_CONFLICT with a sentence; ERR_INVALID, ERR_TOO_LARGE. */
void control_act(struct control *c, const struct asker *by, const struct command_act *act,
                 command_done_fn *done, void *arg);

/* ---- those that are open ---- */

const struct twin_command *control_find(const struct control *c,
                                        int64_t n); /* NULL: it is not open */
/* The oldest of the twin that no device has accepted, behind number `after`.  NULL: none. */
const struct twin_command *control_next(const struct control *c, struct slice twin_key,
                                        int64_t after);
size_t control_open(const struct control *c);

bool command_number(struct slice id, int64_t *ret_n); /* "c-12" */
void command_put_id(struct buf *out, int64_t n);
bool command_may(const struct control *c, const struct principal *who, enum access_op op,
                 const struct twin_command *command);
/* As outside: an object.  The twin's id is as `reader` calls it (NULL: within its organisation). */
void command_write(struct json_writer *w, const struct control *c, const struct principal *reader,
                   const struct twin_command *command);
/* What a device gets: {"id","name","input","expires","timeout"}. */
void command_write_request(struct json_writer *w, const struct twin_command *command);

/* ---- who looks on ---- */

/* A step is on stable storage; the command is as it was after it.  In order, on the loop's thread.
 * Embedded in its owner. */
struct control_watch {
    void (*on_step)(void *arg, const struct twin_command *command);
    void *arg;
    struct control_watch *next;
};
void control_watch_add(struct control *c, struct control_watch *w);
void control_watch_remove(struct control *c, struct control_watch *w);

/* ---- life ---- */

struct control_opts {
    int64_t retention_us; /* of commands that have ended; 0: for ever */
    size_t queue;         /* open commands of a twin; 0: COMMANDS_OPEN_MAX */
};
/* Blocks; after core_open() and before the loop runs. */
int control_new(struct loop *l, struct core *core, const struct control_opts *opts,
                struct control **ret);
void control_stop(struct control *c); /* before core_stop(): what waits is written */
void control_free(struct control *c); /* after core_stop(), before core_close() */

#endif
