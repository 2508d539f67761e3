/* history.h - an answer about the past, in whatever form: what history.c and history_out.c share.
 */
#ifndef API_HISTORY_H
#define API_HISTORY_H

#include "api/internal.h"

#include <stdio.h>

struct past_target {
    struct slice twin, sensor; /* twin: as they call it */
    struct slice key;          /* of the twin */
};

/* In the request's arena. */
struct past_answer {
    struct call *call;
    struct history_query query;
    const struct past_form *form;
    bool many, quality;
    struct past_target *targets;
    size_t targets_n, targets_cap;

    const struct past_target *at, *next; /* the one that is answered, and the one behind it */
    struct slice unit;                   /* of at; in the arena */
    bool had_before, had_row;            /* of at */
    struct history_job *job;             /* of at; NULL between two */
    struct buf out, prefix;              /* what was not sent yet; what rows of at begin with */
    struct json_writer json;
    bool sending, waiting; /* the head is out; the peer is slow */
};

/* A form that answers can have.  The functions append to out. */
struct past_form {
    const char *name, *type;
    bool is_document;  /* one value that people take whole: its length has limits */
    bool tells_damage; /* else an answer that is damaged breaks off */
    void (*begin)(struct past_answer *a);
    void (*series)(struct past_answer *a);
    void (*row)(struct past_answer *a, const struct history_row *row);
    void (*series_end)(struct past_answer *a, const struct history_turn *turn);
    void (*end)(struct past_answer *a);
};
extern const struct past_form past_forms[]; /* by enum answer_form */

const char *history_fn_name(enum history_fn fn);

/* history_query.c: read what is asked; false: answered with a problem. */
bool past_read(struct past_answer *a);

#endif
