/* local_token.h - how the command line of the same user on the same machine is known to a server.
 *
 * A server that runs writes a token into a file for each of its addresses,
 *
 *   DIR/127.0.0.1:8080.token      mode 0600
 *
 * where DIR, of mode 0700, is $XDG_RUNTIME_DIR/doppel, or without that $XDG_STATE_HOME/doppel, or
 * ~/.local/state/doppel.  The token holds as long as that server runs, and the files go when it
 * ends; what is left after a crash opens nothing.  Who is asked at an address looks whether there
 * is a file for it; files and directories that others could have written are passed over.
 *
 * Blocks; one thread. */
#ifndef SERVER_LOCAL_TOKEN_H
#define SERVER_LOCAL_TOKEN_H

#include "base/buf.h"

enum { LOCAL_TOKENS_MAX = 8 };

struct local_tokens {
    char *paths[LOCAL_TOKENS_MAX];
    size_t n;
};

/* Write one for each address ("127.0.0.1:8080"; NULL is left out).  ERR_* appends a sentence to
 * why; what was written stays. */
int local_tokens_write(struct local_tokens *t, const char *const *addresses, size_t n,
                       const char *token, struct buf *why);
void local_tokens_remove(struct local_tokens *t);

/* Append the token of whoever listens at this address on this machine: "127.0.0.1:8080",
 * "localhost:8080".  False: there is none. */
bool local_token_find(const char *address, struct buf *ret);

/* A directory of the user's own, below the one that an environment variable names, or else below
 * `otherwise` of their home (NULL: nowhere else); make: with its parents when it is missing (0700).
 * NULL: it is not there, or others could write there. */
char *private_directory(const char *variable, const char *otherwise, const char *name, bool make);
/* Append a file that is the user's alone, without blanks around it.  False: there is none, or it is
 * not. */
bool private_read(const char *path, struct buf *ret);

#endif
