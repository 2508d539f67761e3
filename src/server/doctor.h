/* doctor.h - what is not protected, broken or unwise: a table of checks.
 *
 * A check looks at one thing, changes nothing, and says what it finds; one that cannot tell says
 * that instead of nothing.  To add one, write a row into the table of its topic (doctor_files.c,
 * doctor_keys.c, doctor_network.c, doctor_access.c, doctor_machine.c) or a table of your own into
 * doctor_topics of doctor.c: doctor --json, docs and tests derive from the rows.
 *
 * One thread, one command a process; needs no server and no root, and knows more with either. */
#ifndef SERVER_DOCTOR_H
#define SERVER_DOCTOR_H

#include "server/config.h"
#include "server/secrets.h"

#include <sys/types.h>

enum doctor_level {
    DOCTOR_NOTE,    /* as it may be, and good to know */
    DOCTOR_UNKNOWN, /* cannot be told from here */
    DOCTOR_WARNING, /* unwise, or soon broken */
    DOCTOR_ERROR,   /* somebody can get in, or something is broken */
};

struct doctor {
    const struct config *config; /* of the running server, else as it would be started */
    const char *data;            /* whole path */
    pid_t server;                /* 0: none runs */
    int64_t now_us;
    bool listens_beyond; /* another machine reaches one of its addresses */
    const struct doctor_check *check;
    struct doctor_finding *findings;
    size_t n;
};

struct doctor_check {
    const char *name;  /* "data-mode": for scripts */
    const char *title; /* what is looked at */
    const char *why;   /* it matters: a sentence */
    void (*run)(struct doctor *d);
};
extern const struct doctor_check doctor_files[], doctor_keys[], doctor_network[], doctor_access[],
    doctor_machine[];

/* Say what is the case, without full stop.  What is to be done follows, in a call of its own, with
 * the words that a shell takes. */
void doctor_say(struct doctor *d, enum doctor_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void doctor_do(struct doctor *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A setting as it is in force, by its flag; "" when there is no such setting. */
const char *doctor_setting(const struct doctor *d, const char *flag);

/* The first line of a small file without its end, such as those of /proc; false: it is not to be
 * read. */
bool doctor_read(const char *path, char *out, size_t size);
/* The value behind "KEY:" in /proc/PID/status; false: there is none. */
bool doctor_status(pid_t pid, const char *key, char *out, size_t size);

#endif
