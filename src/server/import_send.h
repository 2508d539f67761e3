/* import_send.h - the readings of an import on their way: batches by twin, several at once.
 *
 * A row's readings go into the open batch of their twin; a batch that is full is posted.  Requests
 * overtake each other, so two batches of one twin whose times overlap are never under way together:
 * what stands later in the table is written later, and the last write for a moment wins.
 *
 * One thread; blocks.  Functions that return a code have told why when it is not CODE_OK. */
#ifndef SERVER_IMPORT_SEND_H
#define SERVER_IMPORT_SEND_H

#include "server/client.h"

/* What went wrong with lines of the table: told, counted and written into the report. */
struct import_errors {
    const char *file;
    FILE *report;   /* NULL: none */
    uint64_t n;     /* lines and readings that were refused */
    uint64_t limit; /* then the import ends; 0: never */
    size_t told;    /* on standard error */
    bool quiet;
};
void import_error(struct import_errors *e, uint64_t line, uint64_t count, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool import_errors_full(const struct import_errors *e);

/* A profile for a twin that is missing, into out. */
typedef void import_profile_fn(void *arg, struct slice twin, struct buf *out);

struct import_send_opts {
    struct client *client;
    struct import_errors *errors;
    size_t most;     /* requests at once */
    size_t readings; /* in a batch */
    int64_t patience_us;
    bool must_exist;            /* a missing twin ends the import; else its readings are errors */
    import_profile_fn *profile; /* NULL: missing twins are not made */
    bool (*turn)(void *arg); /* called while it waits; false: stop waiting, the user wants an end */
    void *arg;
};

struct import_counts {
    uint64_t sent, accepted, refused, batches;
    size_t twins, made;
};

struct import_send; /* opaque */

int import_send_open(const struct import_send_opts *opts, struct import_send **ret);
void import_send_close(struct import_send *s);

/* A reading of a row (numbered from 0, never falling): value is JSON, unit may have p NULL. */
struct import_reading {
    uint64_t row, line;
    int64_t t_us;
    struct slice twin, sensor, unit, value;
};
int import_send_add(struct import_send *s, const struct import_reading *r);

int import_send_turn(struct import_send *s);   /* take answers, without waiting */
int import_send_finish(struct import_send *s); /* all is answered, unless turn() says stop */

/* All rows before this one are acknowledged or refused; next is the row that was not added yet. */
uint64_t import_send_settled(const struct import_send *s, uint64_t next);
void import_send_counts(const struct import_send *s, struct import_counts *ret);
const char *import_send_trouble(const struct import_send *s); /* see flight_trouble() */

#endif
