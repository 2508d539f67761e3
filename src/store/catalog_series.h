/* catalog_series.h - the series of a twin as the bytes that the catalog keeps; the format is told
 * at the top of catalog.c.  Private to the store.  Pure. */
#ifndef STORE_CATALOG_SERIES_H
#define STORE_CATALOG_SERIES_H

#include "base/buf.h"
#include "store/catalog.h"

void catalog_series_pack(struct buf *out, const struct catalog_series *series, size_t n);

/* In the arena, the ids in the bytes.  ERR_CORRUPT; ERR_UNSUPPORTED: of a newer program. */
int catalog_series_unpack(struct slice bytes, struct arena *a, const struct catalog_series **ret,
                          size_t *ret_n);

#endif
