/* asof.c - twins as they were: the version of each profile that held at that time, page by page, as
 * who asks may see it now. */
#include "ask/asof.h"

#include "access/state.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAGE = 64 };

struct entry {
    struct slice key;
    struct version version;
};

struct asof {
    struct question *q;
    int64_t at_us;
    struct arena *page, *arena; /* of the entries; of the twin that is out */
    struct entry entries[PAGE];
    size_t n, at;
    char last[300];
    bool one, over;
    struct slice id; /* of one; outlives this */
};

static int add_entry(void *arg, struct slice id, const struct version *v)
{
    struct asof *a = arg;
    struct entry *e = &a->entries[a->n++];
    *e = (struct entry){arena_dup(a->page, id), *v};
    if (v->body.p)
        e->version.body = arena_dup(a->page, v->body);
    return !e->key.p || (v->body.p && !e->version.body.p) ? ERR_NOMEM : 0;
}

/* That of one id. */
static void read_one(struct asof *a, struct slice id)
{
    struct question *q = a->q;
    struct buf scratch = {0};
    struct slice key;
    struct org *org;
    loop_enter(q->loop);
    int err = access_key(core_access(q->core), q->who, id, &scratch, &key, &org);
    loop_leave(q->loop);
    struct entry *e = &a->entries[0];
    if (!err) {
        e->key = arena_dup(a->page, key);
        err = catalog_version_get(q->catalog, VERSION_TWIN, key, 0, a->at_us, a->page, &e->version);
    }
    buf_release(&scratch);
    if (err && err != ERR_NOT_FOUND)
        question_fail(q, err, NULL);
    a->n = !err && !e->version.gone;
    a->over = true;
}

struct asof *asof_open(struct question *q, int64_t at_us, bool one, struct slice id)
{
    struct asof *a = calloc(1, sizeof *a);
    if (!a || !(a->page = arena_new()) || !(a->arena = arena_new())) {
        asof_close(a);
        question_fail(q, ERR_NOMEM, NULL);
        return NULL;
    }
    a->q = q;
    a->at_us = at_us;
    a->one = one;
    a->id = id;
    if (one && id.p)
        read_one(a, id);
    a->over |= one;
    return a;
}

void asof_close(struct asof *a)
{
    if (!a)
        return;
    arena_free(a->page);
    arena_free(a->arena);
    free(a);
}

static bool read_page(struct asof *a)
{
    struct question *q = a->q;
    a->n = a->at = 0;
    if (a->over || !q->org)
        return false;
    arena_reset(a->page);
    int err = catalog_versions_at(q->catalog, VERSION_TWIN, slice_str(q->prefix),
                                  slice_str(a->last), a->at_us, PAGE, add_entry, a);
    if (err)
        question_fail(q, err, NULL);
    if (!err && a->n)
        snprintf(a->last, sizeof a->last, "%.*s", SLICE_ARG(a->entries[a->n - 1].key));
    a->over = a->n < PAGE;
    return !err && a->n;
}

/* The keys of others have their organisation in front, which those of the first have not. */
static bool is_own(const struct asof *a, struct slice key)
{
    return a->one || *a->q->prefix || slice_find(key, '~') < 0;
}

/* Within the gate: may they see it, and how do they call it? */
static bool enter(struct asof *a, struct slice key, struct asof_twin *t, struct jval *root)
{
    struct question *q = a->q;
    const struct access *access = core_access(q->core);
    struct org *org = access_org_of_key(access, key);
    const struct access_object o = {.org = org, .twin = key}, any = {.org = org};
    struct buf id = {0};
    struct twin *now = core_twin(q->core, key);
    bool may = question_may_go_on(q) && org && access_may(access, q->who, OP_TWIN_READ, &o);
    if (may && !now) /* its policy went with it: for those who may restore it */
        may = access_may(access, q->who, OP_TWIN_CREATE, &any);
    t->sees_profile = may && profile_seen(q, org, key);
    if (may) {
        access_put_id(access, q->who, key, &id);
        t->id = arena_dup(a->arena, buf_slice(&id));
        if (now)
            core_hide_sensors(q->core, q->who, now, root);
    }
    buf_release(&id);
    return may && t->id.p;
}

static int read_twin(struct asof *a, const struct entry *e, struct asof_twin *t, bool *ret_sees)
{
    struct question *q = a->q;
    struct slice text = e->version.body;
    struct catalog_twin row;
    struct jval *root;
    arena_reset(a->arena);
    int err = text.p ? 0 : catalog_get(q->catalog, e->key, a->arena, &row);
    if (err)
        return err; /* it was deleted in this moment */
    *t = (struct asof_twin){.key = e->key, .version = e->version};
    if (!text.p)
        text = row.profile;
    if (jdoc_parse(a->arena, text, &root, NULL))
        return ERR_CORRUPT;
    loop_enter(q->loop);
    *ret_sees = enter(a, e->key, t, root);
    loop_leave(q->loop);
    if (!*ret_sees)
        return 0;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    jval_write(&w, root);
    t->profile = arena_dup(a->arena, buf_slice(&b));
    buf_release(&b);
    t->root = root;
    return t->profile.p ? profile_read(a->arena, root, &t->view) : ERR_NOMEM;
}

bool asof_next(struct asof *a, struct asof_twin *ret)
{
    while (a && !a->q->err && !atomic_load(&a->q->cancelled)) {
        if (a->at == a->n && !read_page(a))
            return false;
        const struct entry *e = &a->entries[a->at++];
        bool sees = false;
        int err = is_own(a, e->key) ? read_twin(a, e, ret, &sees) : ERR_NOT_FOUND;
        if (err && err != ERR_NOT_FOUND)
            question_fail(a->q, err, NULL);
        if (!err && sees && (!a->one || slice_eq(a->id, ret->id)))
            return true;
    }
    return false;
}

bool asof_sees(struct question *q, struct slice id)
{
    struct twin *t = NULL;
    struct buf scratch = {0};
    struct slice key;
    struct org *org;
    loop_enter(q->loop);
    int err = core_find(q->core, q->who, id, OP_TWIN_READ, &t);
    /* what is hidden is told as what is not there: they differ by what there is */
    bool sees_missing = access_key(core_access(q->core), q->who, id, &scratch, &key, &org) ||
                        !core_twin(q->core, key);
    loop_leave(q->loop);
    buf_release(&scratch);
    return !err || sees_missing;
}

bool asof_was(struct question *q, int64_t at_us, struct slice id)
{
    struct asof *a = asof_open(q, at_us, true, id);
    bool was = a && a->n;
    asof_close(a);
    return was;
}

static struct sensor *find_sensor(struct core *c, struct slice key, struct slice id)
{
    struct twin *t = core_twin(c, key);
    for (size_t i = 0; t && i < t->all_n; i++) /* it may have left the profile since */
        if (slice_is(id, t->all[i]->id))
            return t->all[i];
    return NULL;
}

bool asof_value(struct question *q, int64_t at_us, const struct asof_twin *t, struct slice sensor,
                struct arena *a, struct asof_value *ret)
{
    const struct history_query query = {.from_us = at_us + 1, .to_us = at_us + 1, .before = true};
    struct past *p = NULL;
    struct past_row row;
    *ret = (struct asof_value){.value = {.type = VALUE_NONE}};
    loop_enter(q->loop);
    struct twin_look look = twin_look(q);
    struct sensor *s = find_sensor(q->core, t->key, sensor);
    bool sees = question_may_go_on(q) && (!s || sensor_seen(&look, s, OP_HISTORY_READ));
    if (s && sees)
        p = past_open(q, s, &query);
    loop_leave(q->loop);
    if (p && past_next(p, &row)) {
        *ret = (struct asof_value){row.value, row.t_us, row.quality};
        if (row.value.type == VALUE_TEXT)
            ret->value.as.text = arena_dup(a, row.value.as.text);
    }
    past_close(p);
    return sees && !q->err;
}
