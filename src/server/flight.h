/* flight.h - several requests at once to one server (libcurl's multi interface), each sent again as
 * long as the server is busy (503), its disk is full (507) or nobody answers.
 *
 * One thread; blocks in flight_wait() alone. */
#ifndef SERVER_FLIGHT_H
#define SERVER_FLIGHT_H

#include "base/buf.h"
#include "server/client.h"

struct flight; /* opaque */

struct flight_answer {
    long status; /* 0: nobody answered until patience ended */
    struct slice body;
    const struct jval *json; /* NULL: the body is not JSON */
    const char *why;         /* of status 0 */
};

/* Called once for each request, with its tag; it may begin another. */
typedef void flight_done_fn(void *arg, void *tag, const struct flight_answer *a);

struct flight_opts {
    size_t most;         /* at once */
    int64_t patience_us; /* how long one request is sent again and again */
    flight_done_fn *done;
    void *arg;
};

int flight_new(struct client *c, const struct flight_opts *opts, struct flight **ret); /* a code */
void flight_free(struct flight *f); /* those under way are let go */

bool flight_has_room(const struct flight *f);
size_t flight_count(const struct flight *f);

/* Begin one; path and body are copied or taken: *body is empty then.  A code. */
int flight_post(struct flight *f, const char *path, const char *type, struct buf *body, void *tag);
int flight_put(struct flight *f, const char *path, const char *type, struct buf *body, void *tag);

/* Do what can be done, for so long at most or until an answer came.  A code. */
int flight_wait(struct flight *f, int ms);

/* Why requests are waiting to be sent again: "the server is busy"; NULL: none is. */
const char *flight_trouble(const struct flight *f);

#endif
