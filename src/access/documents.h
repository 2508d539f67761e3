/* documents.h - what an organisation keeps in words of its own: types of twins, and what else has
 * an id, a JSON object as its body, and versions.
 *
 * A document is a record, "org/kind/id", changed like all that the room keeps (access/change.h):
 * one transaction holds it, its version (store/versions.h) and the line of the audit log.  Whoever
 * works with the documents of a kind watches it: is asked before a change whether it may be, and
 * told after it.
 *
 * Owner: the loop's thread.  Bodies live until the loop turns. */
#ifndef ACCESS_DOCUMENTS_H
#define ACCESS_DOCUMENTS_H

#include "access/ask.h"

enum document_kind {
    DOCUMENT_TYPE,
    DOCUMENT_DESTINATION,
    DOCUMENT_RULE,
    DOCUMENT_QUERY,
    DOCUMENT_KINDS
};

struct document_kind_info {
    const char *one, *many; /* "type", "types": in record ids and addresses */
    enum access_op read, write;
};
const struct document_kind_info *document_info(enum document_kind kind);

/* {"body","version","created","modified"} */
struct document {
    struct entity e;
    enum document_kind kind;
    struct org *org;
    const char *id;
    const struct jval *body; /* an object; its "id" is id */
    uint64_t version;        /* 1, 2, ... */
    int64_t created_us, modified_us;
    void *bound; /* the watcher's */
};

struct document_watch {
    enum document_kind kind;
    /* May it become this (body NULL: go)?  0, or what change_refuse() answered.  NULL: always. */
    int (*check)(void *arg, struct change *ch, struct org *org, struct slice id,
                 const struct jval *body);
    void (*put)(void *arg, struct document *d);  /* it is new, or has another body */
    void (*drop)(void *arg, struct document *d); /* before that, and before it goes */
    void *arg;
    struct document_watch *next;
};
/* Hears put() of all that there are.  One a kind is enough; embedded in its owner. */
void documents_watch(struct access *a, struct document_watch *w);
void documents_unwatch(struct access *a, struct document_watch *w);

struct document *document_find(const struct access *a, enum document_kind kind,
                               const struct org *org, struct slice id);
/* Those of an organisation (NULL: of all), in no order; at: 0 at first.  NULL: the end. */
struct document *document_next(const struct access *a, enum document_kind kind,
                               const struct org *org, size_t *at);

enum { DOCUMENT_BYTES_MAX = 1 << 20, DOCUMENTS_MAX = 10000 /* of a kind, an organisation */ };

/* prepare() of changes in the organisation of who asks; arg is a struct ask with kind and id. */
int document_make(struct change *ch);  /* its id stands in the body; ERR_EXISTS */
int document_put(struct change *ch);   /* make or replace */
int document_patch(struct change *ch); /* RFC 7396 */
int document_remove(struct change *ch);

/* For kinds.c and forget.c. */
int document_read(struct access *a, void *entity, const struct jval *doc);
void document_drop(struct access *a, void *entity);
void forget_documents(struct change *ch, const struct org *org);

#endif
