/* login.h - which token a command shows to a server, and those that were kept by doppel login.
 *
 * In this order: --token, DOPPEL_TOKEN, what `doppel login` has kept for this address, what the
 * server beside us has written for it (local_token.h).  What is kept stands in a file for each
 * address, mode 0600, in $XDG_CONFIG_HOME/doppel/logins or ~/.config/doppel/logins; the scheme is
 * part of its name, so that a token for https is never sent without TLS.
 *
 * Blocks; one thread. */
#ifndef SERVER_LOGIN_H
#define SERVER_LOGIN_H

#include "base/buf.h"
#include "server/command.h"

/* base: "https://twins.example:8443", or NULL where nothing is kept for an address (MQTT); address:
 * "127.0.0.1:8080".  NULL: none, or memory ran out; the caller wipes it with token_forget(). */
char *token_for(const struct invocation *in, const char *base, const char *address);
void token_forget(char *token); /* NULL allowed */

#endif
