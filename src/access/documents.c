#include "access/documents.h"

#include "access/orgs.h"
#include "base/err.h"

#include <stdio.h>

static const struct document_kind_info kinds[DOCUMENT_KINDS] = {
    [DOCUMENT_RULE] = {"rule", "rules", OP_RULES_READ, OP_RULES_WRITE},
    [DOCUMENT_TYPE] = {"type", "types", OP_RULES_READ, OP_TYPES_WRITE},
    [DOCUMENT_DESTINATION] = {"destination", "destinations", OP_DESTINATIONS_MANAGE,
                              OP_DESTINATIONS_MANAGE},
    [DOCUMENT_QUERY] = {"query", "queries", OP_RULES_READ, OP_RULES_WRITE},
};

enum { RECORD_ID_MAX = 256 };

const struct document_kind_info *document_info(enum document_kind kind)
{
    return &kinds[kind];
}

/* ---- in memory ---- */

/* "org/kind/id" */
static bool read_id(struct access *a, struct document *d)
{
    struct slice rest = slice_str(d->e.id), org, kind;
    if (!slice_cut(&rest, '/', &org) || !slice_cut(&rest, '/', &kind) || !rest.n)
        return false;
    d->org = access_org(a, org);
    d->id = rest.p;
    for (int k = 0; k < DOCUMENT_KINDS; k++)
        if (slice_is(kind, kinds[k].one)) {
            d->kind = (enum document_kind)k;
            return d->org;
        }
    return false;
}

int document_read(struct access *a, void *entity, const struct jval *doc)
{
    struct document *d = entity;
    double version = 0;
    d->body = jval_get(doc, "body");
    if (!read_id(a, d) || !d->body || d->body->type != J_OBJECT)
        return ERR_CORRUPT;
    jval_number(jval_get(doc, "version"), &version);
    d->version = (uint64_t)version;
    d->created_us = time_read(doc, "created");
    d->modified_us = time_read(doc, "modified");
    for (struct document_watch *w = a->document_watches; w; w = w->next)
        if (w->kind == d->kind && w->put)
            w->put(w->arg, d);
    return 0;
}

void document_drop(struct access *a, void *entity)
{
    struct document *d = entity;
    for (struct document_watch *w = a->document_watches; w && d->org; w = w->next)
        if (w->kind == d->kind && w->drop)
            w->drop(w->arg, d);
}

void documents_watch(struct access *a, struct document_watch *w)
{
    struct document *d;
    size_t at = 0;
    w->next = a->document_watches;
    a->document_watches = w;
    while (w->put && (d = document_next(a, w->kind, NULL, &at)))
        w->put(w->arg, d);
}

void documents_unwatch(struct access *a, struct document_watch *w)
{
    struct document_watch **at = &a->document_watches;
    while (*at && *at != w)
        at = &(*at)->next;
    if (*at)
        *at = w->next;
}

static void record_id(char out[static RECORD_ID_MAX], enum document_kind kind,
                      const struct org *org, struct slice id)
{
    snprintf(out, RECORD_ID_MAX, "%s/%s/%.*s", org->e.id, kinds[kind].one, SLICE_ARG(id));
}

struct document *document_find(const struct access *a, enum document_kind kind,
                               const struct org *org, struct slice id)
{
    char key[RECORD_ID_MAX];
    if (!org || !slice_is_id(id))
        return NULL;
    record_id(key, kind, org, id);
    return access_find(a, RECORD_DOCUMENT, slice_str(key));
}

struct document *document_next(const struct access *a, enum document_kind kind,
                               const struct org *org, size_t *at)
{
    struct document *d;
    while ((d = map_next(&a->kinds[RECORD_DOCUMENT], at)))
        if (d->body && d->kind == kind && (!org || d->org == org))
            return d;
    return NULL;
}

/* ---- changes ---- */

/* What a change is of. */
struct target {
    const struct document_kind_info *info;
    enum document_kind kind;
    struct org *org;
    struct slice id;
    struct document *there; /* or NULL */
};

static int find(struct change *ch, struct target *t)
{
    const struct ask *ask = ask_of(ch);
    t->kind = (enum document_kind)ask->kind;
    t->info = &kinds[ask->kind];
    t->org = ch->who->org;
    t->id = ask->id;
    const struct access_object o = {.org = t->org};
    int err = t->org ? change_check(ch, t->info->write, &o)
                     : change_refuse(ch, ERR_FORBIDDEN, "You are in no organisation.");
    if (!err && t->id.n)
        t->there = document_find(ch->access, t->kind, t->org, t->id);
    return err;
}

static int check_condition(struct change *ch, const struct target *t)
{
    const struct ask *ask = ask_of(ch);
    if (ask->if_created_us < 0)
        return 0;
    bool same = t->there ? ask->if_created_us == t->there->created_us &&
                               ask->if_version == t->there->version
                         : !ask->if_created_us;
    return same ? 0
                : change_refuse(ch, ERR_PRECONDITION,
                                "The %s was changed since you read it. Read it again, then repeat "
                                "the change.",
                                t->info->one);
}

static int check_watchers(struct change *ch, const struct target *t, const struct jval *body)
{
    int err = 0;
    for (struct document_watch *w = ch->access->document_watches; w && !err; w = w->next)
        if (w->kind == t->kind && w->check)
            err = w->check(w->arg, ch, t->org, t->id, body);
    return err;
}

static int check_room(struct change *ch, const struct target *t)
{
    size_t at = 0, n = 0;
    while (document_next(ch->access, t->kind, t->org, &at))
        n++;
    return n < DOCUMENTS_MAX ? 0
                             : change_refuse(ch, ERR_LIMIT, "%s has %d %s, and no more can be.",
                                             t->org->e.id, DOCUMENTS_MAX, t->info->many);
}

static int check_body(struct change *ch, struct target *t, const struct jval *body)
{
    const struct jval *id = jval_get(body, "id");
    if (!body || body->type != J_OBJECT)
        return change_refuse(ch, ERR_INVALID, "A %s is a JSON object.", t->info->one);
    if (!t->id.n)
        t->id = jval_string(id);
    if (!slice_is_id(t->id))
        return change_refuse(ch, ERR_INVALID,
                             "\"id\" has letters, digits, \".\", \"_\", \"-\", \":\" and 1 to 128 "
                             "bytes.");
    if (id && !slice_eq(jval_string(id), t->id))
        return change_refuse(ch, ERR_INVALID,
                             "\"id\" is \"%.*s\", but the address names \"%.*s\"; an id cannot be "
                             "changed.",
                             SLICE_ARG(jval_string(id)), SLICE_ARG(t->id));
    return 0;
}

static void put_audit(struct change *ch, const struct target *t, const struct jval *after)
{
    char object[RECORD_ID_MAX];
    snprintf(object, sizeof object, "%s:%.*s", t->info->one, SLICE_ARG(t->id));
    change_audit(ch, op_info(t->info->write)->name, object, t->there ? t->there->body : NULL,
                 after);
    ch->audit.org = slice_str(t->org->e.id);
}

/* It becomes body, which is the change's own. */
static int put(struct change *ch, struct target *t, struct jval *body)
{
    char key[RECORD_ID_MAX];
    struct jval *doc = change_doc(ch);
    int err = check_body(ch, t, body);
    if (!err)
        err = check_condition(ch, t);
    if (!err && !t->there)
        err = check_room(ch, t);
    if (err)
        return err;
    if (!jval_get(body, "id"))
        doc_slice(ch, body, "id", t->id);
    if (t->there && jval_equal(body, t->there->body))
        return 0;
    if ((err = check_watchers(ch, t, body)))
        return err;
    record_id(key, t->kind, t->org, t->id);
    jval_set(ch->arena, doc, SLICE_LIT("body"), body);
    doc_int(ch, doc, "version", t->there ? (int64_t)t->there->version + 1 : 1);
    doc_time(ch, doc, "created", t->there ? t->there->created_us : ch->now_us);
    doc_time(ch, doc, "modified", ch->now_us);
    change_put(ch, RECORD_DOCUMENT, key, doc);
    change_version(ch, key, t->there ? t->there->body : NULL, t->there ? t->there->modified_us : 0,
                   false);
    put_audit(ch, t, body);
    snprintf(ask_of(ch)->made, ASK_ID_MAX, "%.*s", SLICE_ARG(t->id));
    return 0;
}

static int no_such(struct change *ch, const struct target *t)
{
    return change_refuse(ch, ERR_NOT_FOUND, "There is no %s \"%.*s\".", t->info->one,
                         t->id.n > 128 ? 128 : (int)t->id.n, t->id.p);
}

int document_make(struct change *ch)
{
    struct target t = {0};
    struct jval *body = jval_copy(ch->arena, ask_of(ch)->body);
    int err = find(ch, &t);
    if (!err)
        err = body ? check_body(ch, &t, body) : ERR_NOMEM;
    if (!err && document_find(ch->access, t.kind, t.org, t.id))
        err = change_refuse(ch, ERR_EXISTS, "There is a %s \"%.*s\" already.", t.info->one,
                            SLICE_ARG(t.id));
    return err ? err : put(ch, &t, body);
}

int document_put(struct change *ch)
{
    struct target t = {0};
    struct jval *body = jval_copy(ch->arena, ask_of(ch)->body);
    int err = find(ch, &t);
    if (!err && !body)
        err = ERR_NOMEM;
    return err ? err : put(ch, &t, body);
}

int document_patch(struct change *ch)
{
    struct target t = {0};
    const struct jval *patch = ask_of(ch)->body;
    int err = find(ch, &t);
    if (!err && !t.there)
        err = no_such(ch, &t);
    if (!err && patch->type != J_OBJECT)
        err = change_refuse(ch, ERR_INVALID, "A merge patch of a %s is an object.", t.info->one);
    struct jval *body = err ? NULL : jval_copy(ch->arena, t.there->body);
    if (!err && (!body || !(body = jval_merge_patch(ch->arena, body, patch))))
        err = ERR_NOMEM;
    return err ? err : put(ch, &t, body);
}

int document_remove(struct change *ch)
{
    struct target t = {0};
    int err = find(ch, &t);
    if (!err && !t.there)
        err = no_such(ch, &t);
    if (!err)
        err = check_condition(ch, &t);
    if (!err)
        err = check_watchers(ch, &t, NULL);
    if (err)
        return err;
    change_remove(ch, RECORD_DOCUMENT, t.there->e.id);
    change_version(ch, t.there->e.id, t.there->body, t.there->modified_us, true);
    put_audit(ch, &t, NULL);
    return 0;
}

void forget_documents(struct change *ch, const struct org *org)
{
    for (int kind = 0; kind < DOCUMENT_KINDS; kind++) {
        struct document *d;
        size_t at = 0;
        while ((d = document_next(ch->access, (enum document_kind)kind, org, &at))) {
            change_remove(ch, RECORD_DOCUMENT, d->e.id);
            change_version(ch, d->e.id, d->body, d->modified_us, true);
        }
    }
}
