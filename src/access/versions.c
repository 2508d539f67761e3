#include "access/versions.h"

#include "access/state.h"
#include "base/err.h"
#include "os/loop.h"

struct reading_job {
    struct access *access;
    struct arena *arena; /* the job too */
    struct pool_job job;
    enum version_kind kind;
    struct slice id;
    uint64_t n;
    int64_t at_us;
    size_t limit;
    bool one;
    struct version *list;
    struct versions_read result;
    versions_fn *fn;
    void *arg;
};

static struct slice kept(struct reading_job *j, struct slice s)
{
    return s.p ? arena_dup(j->arena, s) : s;
}

static int add(void *arg, const struct version *v)
{
    struct reading_job *j = arg;
    struct versions_read *r = &j->result;
    if (r->n == j->limit) {
        r->more = true;
        return 0;
    }
    struct version *to = &j->list[r->n++];
    *to = *v;
    to->who_kind = kept(j, v->who_kind);
    to->who = kept(j, v->who);
    to->reason = kept(j, v->reason);
    return to->who_kind.p && to->who.p && to->reason.p ? 0 : ERR_NOMEM;
}

static void work(void *arg)
{
    struct reading_job *j = arg;
    struct catalog *c = j->access->catalog;
    j->result.list = j->list;
    if (!j->one) {
        j->result.err = catalog_versions(c, j->kind, j->id, j->n, j->limit + 1, add, j);
        return;
    }
    j->result.err = catalog_version_get(c, j->kind, j->id, j->n, j->at_us, j->arena, j->list);
    j->result.n = !j->result.err;
}

static void done(void *arg)
{
    struct reading_job *j = arg;
    if (j->access->stopped)
        j->result = (struct versions_read){.err = ERR_CANCELLED};
    j->fn(j->arg, &j->result);
    arena_free(j->arena);
}

static void begin(struct access *a, const struct reading_job *like)
{
    struct arena *arena = arena_new();
    struct reading_job *j = arena ? arena_alloc(arena, sizeof *j) : NULL;
    struct slice id = j ? arena_dup(arena, like->id) : (struct slice){0};
    struct version *list = id.p ? arena_zalloc(arena, (like->limit + 1) * sizeof *list) : NULL;
    if (!list) {
        arena_free(arena);
        like->fn(like->arg, &(struct versions_read){.err = ERR_NOMEM});
        return;
    }
    *j = *like;
    j->access = a;
    j->arena = arena;
    j->id = id;
    j->list = list;
    j->job = (struct pool_job){.work = work, .done = done, .arg = j};
    pool_submit(a->reads ? a->reads : a->writes, &j->job);
}

void versions_list(struct access *a, enum version_kind kind, struct slice id, uint64_t before,
                   size_t limit, versions_fn *fn, void *arg)
{
    begin(a, &(struct reading_job){
                 .kind = kind, .id = id, .n = before, .limit = limit, .fn = fn, .arg = arg});
}

void versions_get(struct access *a, enum version_kind kind, struct slice id, uint64_t n,
                  int64_t at_us, versions_fn *fn, void *arg)
{
    begin(a, &(struct reading_job){.kind = kind,
                                   .id = id,
                                   .n = n,
                                   .at_us = at_us,
                                   .limit = 1,
                                   .one = true,
                                   .fn = fn,
                                   .arg = arg});
}

const char *version_author(const struct access *a, const struct version *v)
{
    if (slice_is(v->who_kind, "person")) {
        const struct person *p = access_find(a, RECORD_PERSON, v->who);
        return p && !p->gone ? p->name : "";
    }
    if (slice_is(v->who_kind, "service")) {
        const struct service *s = access_find(a, RECORD_SERVICE, v->who);
        return s && !s->gone ? s->name : "";
    }
    return "";
}
