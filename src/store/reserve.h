/* reserve.h - a little room on the disk, kept aside for the day when there is none.
 *
 * SQLite cannot open a database on a completely full disk: its write-ahead log takes a few pages.
 * A file of a megabyte is let go of then, so that the server comes up, shows what it has and says
 * that it is full.  Blocks. */
#ifndef STORE_RESERVE_H
#define STORE_RESERVE_H

#include <stdbool.h>

/* Make it, unless it is there; without room there is none, and the next call tries again. */
void reserve_keep(const char *dir);
bool reserve_release(const char *dir); /* was there one? */

#endif
