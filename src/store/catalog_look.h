/* catalog_look.h - a look into catalog.db by who is not its server: reads one state of it, changes
 * nothing; a server may run meanwhile.  Blocks, any thread. */
#ifndef STORE_CATALOG_LOOK_H
#define STORE_CATALOG_LOOK_H

#include "store/catalog.h"

struct sqlite3;

/* Every record.  ERR_NOT_FOUND: there is no catalog; else what fn answered, or why it cannot be
 * read. */
int catalog_look(const char *data, catalog_record_fn *fn, void *arg);

/* A connection in a transaction that reads, to be closed with sqlite3_close().  ERR_NOT_FOUND. */
int catalog_look_open(const char *data, struct sqlite3 **ret);

#endif
