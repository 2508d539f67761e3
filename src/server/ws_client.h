/* ws_client.h - a WebSocket (RFC 6455) to the server, for doppel watch.
 *
 * One thread; blocks.  Over the raw connection of a client, so TLS works as it does for requests.
 */
#ifndef SERVER_WS_CLIENT_H
#define SERVER_WS_CLIENT_H

#include "server/client.h"

struct ws_client; /* opaque */

/* Upgrade at path.  CODE_OK, or a code after having said why.  The client must live longer. */
int ws_client_open(struct client *c, const char *path, struct ws_client **ret);
void ws_client_close(struct ws_client *w); /* says goodbye when the peer is still there */

int ws_client_send(struct ws_client *w, struct slice text); /* 0 or ERR_IO */

/* Wait for messages up to so long and hand each to fn; non-zero ends the call with that number.
 * 0 when the time is over, ERR_IO when the connection is gone. */
int ws_client_read(struct ws_client *w, int timeout_ms, int (*fn)(void *arg, struct slice message),
                   void *arg);

/* The Sec-WebSocket-Accept that belongs to a key, NUL-ended (RFC 6455, section 4.2.2). */
void ws_client_accept(const char *key, char ret[static 29]);

#endif
