/* machine.h - expressions over readings: compiled once, then fed with what sensors say.
 *
 * A program is what a rule or a virtual sensor asks: its expressions share their inputs (sensors of
 * the twin, or of its neighbours) and what they remember (windows, detectors, FOR).  A machine is a
 * program at work on one twin.  It is fed in order of time: machine_put() takes a reading and steps
 * all that reads its sensor; machine_pass() lets time pass.  The same readings in the same order
 * give the same answers, whether they come live or out of history.
 *
 * Knows no twins and no threads: who made a machine uses it on one thread at a time. */
#ifndef RULES_MACHINE_H
#define RULES_MACHINE_H

#include "codec/expr.h"

enum { PROGRAM_INPUTS_MAX = 64, PROGRAM_NODES_MAX = 64, WINDOW_POINTS_MAX = 65536 };

struct program_input {
    struct slice name;       /* of the sensor, as written */
    const struct expr *path; /* NULL: the twin's own */
    const struct expr *from; /* where it stands first */
};

struct program;                    /* opaque */
struct program *program_new(void); /* NULL: out of memory */
void program_free(struct program *p);
/* One more expression; the text is copied.  ERR_INVALID with *ret_error; ERR_NOMEM. */
int program_add(struct program *p, struct slice text, const struct expr **ret,
                struct expr_error *ret_error);
/* The same, behind which stands FOR (0: not). */
int program_add_for(struct program *p, struct slice text, int64_t for_us, const struct expr **ret,
                    struct expr_error *ret_error);
/* NOT when, for so long; without the FOR that stands behind it. */
int program_unless(struct program *p, const struct expr *when, int64_t for_us,
                   const struct expr **ret);
const struct program_input *program_inputs(const struct program *p, size_t *ret_n);
/* Must it be looked at as time passes, also without readings? */
bool program_watches_time(const struct program *p);
/* How far back it looks; so much of the past brings a new machine up to date. */
int64_t program_window_us(const struct program *p);

struct machine; /* opaque */

/* What is not a reading: twin.name. */
struct machine_words {
    struct expr_value (*twin)(void *arg, struct slice member);
    void *arg;
};
/* counts[i]: how many sensors stand behind input i.  p and words outlive it. */
struct machine *machine_new(const struct program *p, const size_t *counts,
                            const struct machine_words *words, struct arena *texts);
void machine_free(struct machine *m);
/* A reading of the k-th sensor of an input.  One older than the newest of that sensor is late and
 * changes nothing: false. */
bool machine_put(struct machine *m, size_t input, size_t k, int64_t t_us, struct value v,
                 uint8_t quality);
/* After how long without readings a sensor counts as stale(); 0: never. */
void machine_stale_after(struct machine *m, size_t input, size_t k, int64_t us);
void machine_pass(struct machine *m, int64_t now_us); /* never goes back */
int64_t machine_now(const struct machine *m);
/* Texts live until the arena is reset, or the next reading. */
struct expr_value machine_eval(struct machine *m, const struct expr *e);
/* When the answers may be others though nothing is read; INT64_MAX: never. */
int64_t machine_due(const struct machine *m);
/* The newest reading of an input's k-th sensor; false: none yet. */
bool machine_newest(const struct machine *m, size_t input, size_t k, int64_t *ret_t_us,
                    struct value *ret);

/* For people and completion: the functions beyond values alone. */
struct machine_fn_info {
    const char *name, *arguments, *what;
};
const struct machine_fn_info *machine_fn_at(size_t index); /* NULL past the end */

#endif
