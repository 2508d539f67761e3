/* versions.h - what documents were: each change of one is a version with author, time and reason.
 *
 * In catalog.db, in the transaction of the change.  What a document is now stands where it stands
 * (the twin's profile, the record); a version has its text only once the next one has taken its
 * place, so nothing is stored twice.  Numbers rise for ever, also over a document's deletion and
 * making anew. Names of persons are not here: a name may change, and its person may want to be
 * forgotten.
 *
 * Blocks; writing: the catalog's thread, within catalog_begin() or alone. */
#ifndef STORE_VERSIONS_H
#define STORE_VERSIONS_H

#include "store/catalog.h"

enum version_kind { VERSION_TWIN, VERSION_DOCUMENT }; /* numbers are kept */

struct version {
    uint64_t n; /* 1, 2, ... */
    int64_t at_us;
    bool gone;                  /* the document was deleted */
    struct slice who_kind, who; /* "person", "p_..."; empty: not known */
    struct slice reason;        /* in their words; may be empty */
    struct slice body;          /* p NULL: it is the newest, or gone: it has no text here */
};

/* The change from `before` (n 0 in *v: empty when there was nothing) to v; v->n is given here.
 * before_at_us: since when that was so, for a document that has no versions yet. */
int catalog_version_add(struct catalog *c, enum version_kind kind, struct slice id,
                        struct slice before, int64_t before_at_us, struct version *v);

/* Newest first, those with n < before (0: all), without bodies; what is passed lives until fn
 * returns. Non-zero ends. */
typedef int version_fn(void *arg, const struct version *v);
int catalog_versions(struct catalog *c, enum version_kind kind, struct slice id, uint64_t before,
                     size_t limit, version_fn *fn, void *arg);

/* That of number n, or (n 0) the one that held at at_us; in the arena.  ERR_NOT_FOUND. */
int catalog_version_get(struct catalog *c, enum version_kind kind, struct slice id, uint64_t n,
                        int64_t at_us, struct arena *a, struct version *ret);

/* What held at at_us of all documents whose id begins with prefix and comes behind `after`, in
 * order of id, those that were gone left out; at most limit of them. */
typedef int version_each_fn(void *arg, struct slice id, const struct version *v);
int catalog_versions_at(struct catalog *c, enum version_kind kind, struct slice prefix,
                        struct slice after, int64_t at_us, size_t limit, version_each_fn *fn,
                        void *arg);

/* Let go of what was replaced or deleted before that time, at most `most` of them; *ret_n of them.
 */
int catalog_versions_expire(struct catalog *c, int64_t before_us, size_t most, size_t *ret_n);

#endif
