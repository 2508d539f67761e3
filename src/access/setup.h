/* setup.h - the first administrator, and the way back in for who has lost everything.
 *
 * A set-up link carries a token that works once and for an hour; its hash is kept in memory alone,
 * and a newer one takes its place.  While there is no administrator it makes the first, who is
 * without a password until they set one.  Later it lets somebody in who is there already: the first
 * administrator, or who is named.  It is given to whoever starts the server, or shows its local
 * token; they can read the data directory anyway, so second factors stand in nobody's way here.
 *
 * The loop's thread. */
#ifndef ACCESS_SETUP_H
#define ACCESS_SETUP_H

#include "access/people.h"

#define SETUP_LINK_US MINUTES_US(60)

/* Is there nobody yet who could sign in as administrator of the installation? */
bool setup_is_wanted(const struct access *a);

/* A new token.  email: whom it lets in; empty: the first administrator.  ERR_NOT_FOUND: there is
 * nobody of that address. */
int setup_link(struct access *a, struct slice email, char ret[static TOKEN_CHARACTERS_MAX + 1]);

/* Change: open it.  arg: */
struct setup_opening {
    struct slice token;
    struct session_plan session; /* its secret is the answer */
    char person[24];
};
int setup_open(struct change *ch);

#endif
