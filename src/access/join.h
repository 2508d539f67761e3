/* join.h - somebody without an account takes an invitation: the account is made with it.
 *
 * In one change: the person, their membership, that the invitation is used, and a session.  With a
 * password they can sign in again; without one they are provisional until they have a way to.
 *
 * The loop's thread. */
#ifndef ACCESS_JOIN_H
#define ACCESS_JOIN_H

#include "access/sessions.h"

struct joining {
    struct slice token;
    struct slice name;           /* empty: what is before the "@" of the address */
    struct slice email;          /* empty: that of the invitation, if it has one */
    const char *password;        /* hashed (crypto/password.h), or NULL */
    struct session_plan session; /* its secret is the answer */
    char person[24];
};
int invitation_join(struct change *ch); /* arg: struct joining */

#endif
