/* versions.h - the routes below a document or a profile that tell what it was; nobody outside the
 * room includes it.
 *
 *   GET .../versions             {"versions":[{"n","time","by","reason","gone","current"}],"next"}
 *   GET .../versions/{n}         the same of one, and its "document"
 *   GET .../diff?from=&to=       {"from","to","changes":[{"pointer","before","after"}]}
 *   POST .../restore             {"version":n}: it becomes that again, as a new version */
#ifndef API_VERSIONS_H
#define API_VERSIONS_H

#include "access/versions.h"
#include "api/internal.h"

/* Of what versions are asked for. */
struct versions_of {
    enum version_kind kind;
    struct slice id; /* the record's, or the twin's key; lives in the request's arena */
    int missing;     /* ERR_* when there never was such a thing */
    /* What they may see of a body; NULL: all. */
    void (*hide)(struct call *call, struct jval *body);
    /* As it is now, in the request's arena, then go on with fn: body NULL when it is not there. */
    void (*now)(struct call *call, void (*fn)(struct call *call, struct jval *body));
    /* It shall become that. */
    void (*restore)(struct call *call, struct jval *body);
};

void versions_answer(struct call *call, const struct versions_of *of);
void version_answer(struct call *call, const struct versions_of *of); /* the last part: n */
void diff_answer(struct call *call, const struct versions_of *of);
void restore_answer(struct call *call, const struct versions_of *of);
/* The document as it was at that time. */
void then_answer(struct call *call, const struct versions_of *of, int64_t at_us);

/* twin_versions.c: of the twin of the address, also of one that is gone.  False: answered. */
bool twin_versions_of(struct call *call, struct versions_of *ret);
/* May they read the profile of the twin of the address, if it is there?  False: answered. */
bool twin_profile_is_seen(struct call *call);
/* Its profile as it is now; NULL: it is not there. */
void twin_version_now(struct call *call, void (*fn)(struct call *call, struct jval *body));

#endif
