/* fetch_guard.h - which addresses the server goes to on somebody's word (SSRF).  Pure.
 *
 * A URL that came from outside must not lead into this machine or its network.  What is looked at
 * is the address that a socket is about to be connected to, so a name that answers differently
 * each time it is asked gains nothing, nor does any way of writing an address down. */
#ifndef OS_FETCH_GUARD_H
#define OS_FETCH_GUARD_H

#include "base/buf.h"

#include <sys/socket.h>

struct fetch_guard; /* opaque */

enum { FETCH_GUARD_MAX = 256 }; /* entries */

/* Entries with commas between: an address, a block of them (10.0.0.0/8, fd00::/8) or the name of a
 * host, which is believed whatever address it has.  NULL and empty: nothing private is allowed.
 * ERR_INVALID with a sentence in *why. */
int fetch_guard_new(const char *allow, struct fetch_guard **ret, struct buf *why);
void fetch_guard_free(struct fetch_guard *g);

/* Is it on the list, by name or by address? */
bool fetch_guard_listed(const struct fetch_guard *g, struct slice host, const struct sockaddr *a);

/* Why nobody may be sent there, in words behind "is": "a loopback address"; NULL: public. */
const char *fetch_guard_private(const struct sockaddr *a);

#endif
