/* forwarded.h - who asks, when a proxy that is trusted asks in their place.
 *
 * X-Forwarded-For lists whom each proxy had before it, the nearest last; what a client has written
 * there itself stands in front.  So the list is read from its end: the first address that is no
 * proxy of ours is the client's.  Only a connection that comes from such a proxy has its headers
 * looked at.  Pure. */
#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

#include "base/slice.h"

struct proxies; /* opaque: networks */

enum { FORWARDED_TEXT = 64 };

/* "10.0.0.0/8, 127.0.0.1, fd00::/8"; an address alone is itself.  ERR_INVALID, with *ret_bad the
 * part that is none; ERR_NOMEM. */
int proxies_parse(struct slice text, struct proxies **ret, struct slice *ret_bad);
void proxies_free(struct proxies *p);

/* The client behind this peer ("127.0.0.1:5124"), as such a text itself, with port 0.  False: the
 * peer is no proxy of ours, or has said nothing that can be read. */
bool proxies_client(const struct proxies *p, const char *peer, struct slice forwarded_for,
                    char ret[static FORWARDED_TEXT]);
bool proxies_have(const struct proxies *p, const char *peer);

#endif
