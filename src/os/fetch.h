/* fetch.h - HTTP(S) from the server to others (libcurl), for URLs that somebody gave us.
 *
 * All is called on the loop's thread, and answers there; a thread of its own does the talking, so
 * nothing here blocks.  Such a URL is a way to make the server knock at doors that its sender
 * cannot reach, so:
 * - https alone; http too where the operator's list names the host or address;
 * - the address is looked at when its socket is made (fetch_guard.h), at each redirect again;
 * - redirects are followed for GET alone, never from https to http, and what identifies us
 *   (Authorization, Cookie) stays with the origin that it was meant for;
 * - no user or password in a URL, no proxy, cookie, netrc or other scheme out of the environment;
 * - bytes (after decompression), headers, time and the number of transfers are limited. */
#ifndef OS_FETCH_H
#define OS_FETCH_H

#include "base/buf.h"
#include "os/loop.h"

struct fetch;      /* opaque: what all transfers share */
struct fetch_call; /* opaque: one of them */

struct fetch_opts {
    const char *allow_private; /* as in fetch_guard.h */
    const char *ca_file;       /* PEM, believed beside those of the system; or NULL */
    const char *user_agent;    /* NULL: none is sent */
    int max_active;            /* at the same time; 0: 16.  More wait */
    int max_waiting;           /* ERR_OVERLOAD above; 0: 256 */
    /* For tests: the addresses ("1.2.3.4,::1") of a host instead of those that the resolver of the
     * system knows; NULL leaves it to that.  Called on the thread of the transfers, at every
     * connection. */
    const char *(*resolve)(void *arg, const char *host);
    void *resolve_arg;
};

int fetch_new(struct loop *l, const struct fetch_opts *opts, struct fetch **ret, struct buf *why);
/* What is under way ends with ERR_CANCELLED, out of here.  Not out of a callback. */
void fetch_free(struct fetch *f);

struct fetch_ask {
    const char *method; /* NULL: GET */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-ended; or NULL */
    struct slice body;          /* p NULL: none */
    size_t max_body;            /* of the answer; 0: 1 MiB.  ERR_TOO_LARGE above */
    unsigned timeout_ms;        /* for everything, redirects too; 0: 10 s */
    int max_redirects;          /* 0: a redirect is an answer as any other */
};

struct fetch_answer {
    int err;         /* 0: there is an answer, whatever its status; else ERR_* */
    const char *why; /* with err: a sentence */
    int status;
    struct slice body;
    const char *url; /* that answered: behind redirects another one */
    const struct fetch_call *call;
};
/* A header of the answer, the first of that name; p NULL: none.  During the callback. */
struct slice fetch_header(const struct fetch_answer *a, const char *name);

/* Once, never out of fetch_start(); everything in *a ends with the callback. */
typedef void fetch_fn(void *arg, const struct fetch_answer *a);

/* *ret_call may be NULL.  Everything in *ask is copied.  ERR_INVALID with a sentence in *why (may
 * be NULL) for a URL or header that is never sent, ERR_OVERLOAD, ERR_NOMEM. */
int fetch_start(struct fetch *f, const struct fetch_ask *ask, fetch_fn *fn, void *arg,
                struct fetch_call **ret_call, struct buf *why);
void fetch_cancel(struct fetch_call *c); /* the callback will not come; the pointer is dead */

/* Could it be fetched?  For those who keep a URL for later: what fetch_start() would say of it, and
 * of an address that stands in it as a number. */
int fetch_check_url(const struct fetch *f, const char *url, struct buf *why);

#endif
