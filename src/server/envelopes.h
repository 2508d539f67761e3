/* envelopes.h - what the commands for backups are given to lock and to open them.
 *
 * One thread; blocks.  What was read is a secret and is cleared by the release. */
#ifndef SERVER_ENVELOPES_H
#define SERVER_ENVELOPES_H

#include "crypto/envelope.h"
#include "server/command.h"

struct envelopes {
    struct envelope_means means; /* --identity FILE..., --passphrase-file FILE */
    struct envelope_locks locks; /* --recipient WORD..., and the passphrase of the option named */
    struct buf identities, passphrase, new_passphrase;
    const char *recipients[ENVELOPE_LOCKS_MAX];
};

/* CODE_OK, or a code after having said why.  passphrase: the option whose passphrase locks. */
int envelopes_read(const struct invocation *in, const char *passphrase, struct envelopes *ret);
void envelopes_release(struct envelopes *e);

/* Does anything lock? */
bool envelopes_lock(const struct envelopes *e);

#endif
