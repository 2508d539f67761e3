/* file.h - whole files into memory.  Blocks; for commands and for the start of the server.
 * Any thread. */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/buf.h"

/* Append a file ("-": standard input) to out.  ERR_NOT_FOUND; ERR_TOO_LARGE above max bytes;
 * ERR_NOMEM; ERR_IO for all else.  errno says more until the next call. */
int file_read(const char *path, size_t max, struct buf *out);

/* What the error of file_read() was, for people: "No such file or directory". */
const char *file_why(int err);

/* Write a whole file so that it is there whole or not at all (a new file, synced, renamed). */
int file_write(const char *path, struct slice bytes, unsigned mode);

#endif
