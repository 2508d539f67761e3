/* certs.h - the certificates of the listeners: found or made, loaded, and loaded anew when their
 * files change or a signal asks for it.
 *
 * The loop's thread.  Blocks: certs_open(), and each second for as long as it takes to look at four
 * files. */
#ifndef SERVER_CERTS_H
#define SERVER_CERTS_H

#include "os/net.h"
#include "server/config.h"

struct certs; /* opaque */

/* CODE_OK, or a code after having said why on standard error. */
int certs_open(struct loop *l, const struct config *c, struct certs **ret);
void certs_close(struct certs *s); /* before the loop is freed; NULL allowed */

struct net_tls *certs_https(const struct certs *s); /* NULL: there is no such listener */
struct net_tls *certs_mqtts(const struct certs *s);

void certs_ask(void); /* load them anew soon; for a signal handler */

#endif
