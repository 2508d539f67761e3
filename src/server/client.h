/* client.h - what the commands that talk to a server share: one HTTP connection (libcurl), JSON
 * answers, and problems told as a sentence.
 *
 * One thread; blocks.  Every function that returns a code (enum code) has told why on standard
 * error when it is not CODE_OK. */
#ifndef SERVER_CLIENT_H
#define SERVER_CLIENT_H

#include "codec/json.h"
#include "server/command.h"

#include <stdio.h>

struct client; /* opaque */

int client_open(const struct invocation *in, struct client **ret);
/* The same at another address than --server says; NULL: there. */
int client_open_at(const struct invocation *in, const char *url, struct client **ret);
void client_close(struct client *c);
const char *client_base(const struct client *c);  /* "http://127.0.0.1:8080" */
const char *client_token(const struct client *c); /* what it shows itself by; NULL: nothing */
void client_set_token(struct client *c, struct slice token);
/* From now on without a token, with cookies and our own Origin. */
void client_be_browser(struct client *c);
bool client_is_private(const struct client *c); /* over TLS, or within this machine */

struct answer {
    long status;
    struct slice body;
    struct slice etag;       /* p NULL: none */
    const struct jval *json; /* NULL: the body is not JSON */
};

/* One request; path begins with "/".  body.p NULL sends none, type is then NULL too.  The answer
 * lives until the next call.  CODE_OK whatever the status is: somebody answered. */
int client_call(struct client *c, const char *method, const char *path, const char *type,
                struct slice body, struct answer *ret);

/* GET that is expected to answer 200 with JSON: everything else is told and becomes a code. */
int client_get(struct client *c, const char *path, struct answer *ret);

/* GET whose answer of any length goes to a file as it comes.  One that breaks off is told. */
int client_stream(struct client *c, const char *path, FILE *out);
/* The same of a POST; type: "Content-Type: text/plain". */
int client_stream_post(struct client *c, const char *path, const char *type, struct slice body,
                       FILE *out);

/* Tell what the server said no to; the code for it (CODE_MISSING for 404, else CODE_REFUSED). */
int client_problem(const struct answer *a, const char *doing);

/* --json: print a problem as it came, on standard output. */
void client_json(bool wanted, struct slice body);

/* Append text so that it can be one part of a path or a value of a query. */
void client_escape(struct buf *out, struct slice text);

/* Connect to the server for the upgrade to WebSocket: a raw connection of libcurl over TCP or TLS,
 * to be closed with the client.  *ret_host for the Host header. */
int client_raw(struct client *c, const char **ret_host);
/* Bytes of the raw connection: the number, 0 when none came within the time, -1 at the end or on
 * failure. */
ptrdiff_t client_recv(struct client *c, void *into, size_t cap, int timeout_ms);
int client_send(struct client *c, const void *p, size_t n); /* 0 or ERR_IO */

/* ---- members of answers, for output ---- */

struct slice member(const struct jval *object, const char *key); /* a string's or number's text */
double member_number(const struct jval *object, const char *key, double fallback);
/* A value as people read it: a number with at most so many digits, a text as it is, "-" for null.
 */
void value_words(struct buf *out, const struct jval *v, int digits);
/* "0.4 s", "3 min", "2 d": how long ago, for whole seconds and more. */
void age_words(struct buf *out, double seconds);
/* Local time of Unix milliseconds: "2024-03-15 14:30:00.250". */
void time_words(struct buf *out, double ms);

#endif
