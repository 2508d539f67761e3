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

/* When it is root who has made this, give it to the owner of the directory it is in, as whom a
 * server may run; for anybody else it does nothing. */
int file_give(const char *path);

/* Write a whole file so that it is there whole or not at all (a new file, synced, renamed). */
int file_write(const char *path, struct slice bytes, unsigned mode);

#endif
