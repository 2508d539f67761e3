/* knock.h - who tries secrets, by address, so that nobody tries many.
 *
 * Owner: the loop's thread; nothing blocks.  Every address has KNOCKS wrong tries in hand and gets
 * another every KNOCK_EVERY_US; what is right costs nothing.  Of an IPv6 address the network of 64
 * bits counts.  At most KNOCKERS addresses are remembered; whoever tried longest ago is forgotten
 * first. */
#ifndef ACCESS_KNOCK_H
#define ACCESS_KNOCK_H

#include "base/slice.h"

enum { KNOCKS = 20, KNOCKERS = 10000 };
#define KNOCK_EVERY_US INT64_C(3000000)

struct knocks; /* opaque */

struct knocks *knocks_new(void); /* NULL: no memory */
void knocks_free(struct knocks *k);
/* May this address ("127.0.0.1", "2001:db8::1") show a secret?  Else *ret_wait_us: from when on. */
bool knock_may(struct knocks *k, const char *address, int64_t *ret_wait_us);
/* "192.0.2.7", or of IPv6 the network, for other limits by address. */
void knock_network(const char *address, char *out, size_t size);
void knock_wrong(struct knocks *k, const char *address);

#endif
