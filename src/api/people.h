/* people.h - what the handlers of sessions and accounts share. */
#ifndef API_PEOPLE_H
#define API_PEOPLE_H

#include "access/account.h"
#include "access/setup.h"
#include "access/signin.h"
#include "api/internal.h"

/* A change in the name of who asks.  prepare() gets arg as ch->arg; answer() runs when the peer is
 * still there, with call->data == arg.  Problems are answered here; answer NULL: 204. */
void call_change(struct call *call, int (*prepare)(struct change *ch), void *arg,
                 void (*answer)(struct call *call));
/* Memory of the request, cleared; NULL: answered. */
void *call_alloc(struct call *call, size_t n);

/* The body is an object with none but these members (names, NULL-ended); then it is call->params.
 * False: answered. */
bool call_members(struct call *call, const char *const *names);
/* A text of it.  p NULL: there is none, and need it not be.  False: answered. */
bool call_text(struct call *call, const char *key, bool needed, struct slice *ret);

/* ---- session.c ---- */

/* Set the cookies of who has signed in, and answer 201 with what GET /session says. */
void session_begin(struct call *call, const char *session, const char *browser);
void session_clear_cookie(struct call *call);
struct slice session_browser(const struct call *call); /* what the browser's cookie says */
/* A cookie with all that makes it ours; lives so many seconds. */
void session_set_cookie(struct call *call, const char *name, const char *value, long seconds);
/* The name of a cookie beside the session's: "browser" is __Host-doppel-browser. */
const char *session_cookie_of(struct call *call, const char *what);
void session_confirm_passkey(struct call *call); /* passkeys.c */
void session_refused(struct call *call, const struct signed_in *r);

/* ---- identity.c ---- */

/* By which identity provider a session has come, to tell it when the session ends. */
struct leaving {
    struct slice provider, id_token; /* provider p NULL: by none */
};
void identity_leaving(struct call *call, struct leaving *ret);
/* Answers: 204, or 200 and where the browser is to go for that. */
void identity_leave(struct call *call, const struct leaving *l);

#endif
