/* history.h - what doppel history shares with its --delete. */
#ifndef SERVER_HISTORY_H
#define SERVER_HISTORY_H

#include "server/command.h"

#include "base/buf.h"

/* The address of a sensor's past with --from and --to; ends in a zero.  An exit code. */
int history_path(const struct invocation *in, struct buf *path);
int history_delete_run(const struct invocation *in);

#endif
