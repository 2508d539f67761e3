/* datadir.h - the data directory: made when missing, and one server's alone.
 *
 * Blocks; at the start of the server. */
#ifndef SERVER_DATADIR_H
#define SERVER_DATADIR_H

/* Make the directory (0700, its parents as usual) and take its lock, which the system gives back
 * when the process ends, however it ends.  Negative ERR_* with a sentence in *ret_why (valid until
 * the next call): ERR_BUSY when another process has it.  *ret_fd is closed by the caller at the
 * end. */
int datadir_take(const char *dir, int *ret_fd, const char **ret_why);

#endif
