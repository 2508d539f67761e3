/* exchange.h - types and twins in the words of others: DTDL, W3C WoT Thing Descriptions, NGSI-LD.
 *
 * Pure: trees of JSON in the caller's arena, no threads, no network (contexts are never fetched).
 *
 * What maps to what is told in docs/exchange.md; the readers and writers (dtdl.c, wot.c, ngsi.c)
 * know nothing else.  What does not map is kept aside.  A document that was read carries what it
 * was made of ("doppel:source"), one that is written carries the document of ours
 * ("doppel:document"), unless it is to be strict.  On the way back what is there now is compared
 * with what would have been made of that, and only what differs is changed in it (exchange_redo()).
 * So a round trip without changes gives back what there was, in both directions, and one with
 * changes keeps everything else. */
#ifndef EXCHANGE_EXCHANGE_H
#define EXCHANGE_EXCHANGE_H

#include "codec/json.h"

enum exchange_format { EXCHANGE_DTDL, EXCHANGE_WOT, EXCHANGE_NGSI_LD, EXCHANGE_FORMATS };
const char *exchange_name(enum exchange_format f); /* "dtdl", "wot", "ngsi-ld" */
bool exchange_by_name(struct slice name, enum exchange_format *ret);

enum { EXCHANGE_NOTES_MAX = 200 };

struct exchange_note {
    bool error; /* nothing was made of it; else something of it was kept aside or changed */
    const char *pointer; /* into what was read or, of a writer, into the list of documents */
    const char *message; /* a sentence that says what to do */
};

struct exchange_opts {
    const char
        *base;    /* "https://twins.example.org": for addresses in Thing Descriptions; or NULL */
    bool strict;  /* nothing of ours that the format does not know; what is lost is noted */
    bool concise; /* NGSI-LD: values alone (keyValues) */
};

struct exchange {
    struct arena *arena;
    struct exchange_opts opts;
    struct jval *types, *twins; /* lists: documents of types, profiles of twins */
    struct exchange_note *notes;
    size_t notes_n, errors;
    bool failed; /* memory ran out */
};

/* Types and twins of a document: one element or a list of them.  ERR_NOMEM, or 0 with notes: those
 * that are errors name what was left out. */
int exchange_read(struct arena *a, enum exchange_format f, const struct jval *root,
                  struct exchange *ret);

/* The document of these types and twins, in *ret: a list, or what the format has for one.  Profiles
 * may have their live parts in them. */
int exchange_write(struct arena *a, enum exchange_format f, const struct jval *types,
                   const struct jval *twins, const struct exchange_opts *opts, struct exchange *x,
                   struct jval **ret);

/* `kept`, with the differences between `then` and `now` made to it.  `then` is what followed from
 * kept when it was new, `now` what there is.  Objects are compared member by member; lists of
 * objects by what names them (kind and target, rel and href, @id, id, name), other lists whole.
 * Shares nothing with the three; NULL: out of memory. */
struct jval *exchange_redo(struct arena *a, const struct jval *kept, const struct jval *then,
                           const struct jval *now);

#endif
