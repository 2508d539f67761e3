/* access_testing.h - a room over a real catalog, and changes that are waited for; for tests alone.
 */
#ifndef ACCESS_TESTING_H
#define ACCESS_TESTING_H

#include "access/ask.h"
#include "base/err.h"
#include "store/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    char dir[64], path[96];
    struct loop *loop;
    struct pool *writes;
    struct catalog *catalog;
    struct access *access;
    struct access_opts opts;
    int64_t pump_made_us; /* of the only twins that there are, pump-1 and acme~pump-1; 0: gone */
    struct ask ask;       /* of the last change */
    int err;              /* what it answered */
    bool waiting;
    char detail[512];
};

static int64_t world_twin(void *arg, struct slice key)
{
    const struct world *w = arg;
    return slice_is(key, "pump-1") || slice_is(key, "acme~pump-1") ? w->pump_made_us : 0;
}

static inline void open_world(struct world *w)
{
    assert_int_equal(loop_new(&w->loop), 0);
    assert_int_equal(pool_new(w->loop, "catalog", 1, &w->writes), 0);
    assert_int_equal(catalog_open(w->path, &w->catalog), 0);
    assert_int_equal(access_new(w->loop, w->catalog, w->writes, &w->opts, &w->access), 0);
    access_set_twins(w->access, world_twin, w);
}

static inline void close_world(struct world *w)
{
    access_stop(w->access);
    pool_free(w->writes);
    access_free(w->access);
    catalog_close(w->catalog);
    loop_free(w->loop);
}

/* By a change, as everything: the catalog is its own thread's, which may be writing when a token
 * was last used. */
struct putting {
    enum record_kind kind;
    const char *id, *doc;
    struct loop *waits;
    int err;
};

static int put_record(struct change *ch)
{
    struct putting *p = ch->arg;
    struct jval *root;
    int err = jdoc_parse(ch->arena, slice_str(p->doc), &root, NULL);
    if (!err)
        change_put(ch, p->kind, p->id, root);
    ch->quiet = true;
    return err;
}

static void on_put(struct change *ch)
{
    struct putting *p = ch->arg;
    p->err = ch->err;
    if (p->waits)
        loop_stop(p->waits);
}

static inline void put(struct world *w, enum record_kind kind, const char *id, const char *doc)
{
    struct putting p = {.kind = kind, .id = id, .doc = doc, .err = 1};
    access_change(w->access,
                  &(struct change_plan){
                      .who = w->access->system, .prepare = put_record, .done = on_put, .arg = &p});
    p.waits = w->loop;
    if (p.err == 1)
        assert_int_equal(loop_run(w->loop), 0);
    assert_int_equal(p.err, 0);
    principals_judge(w->access);
}

/* home and acme.  Root answers for the installation and is an administrator of both; Ada edits at
 * home, Vi looks at home, Bo edits at acme. */
static inline int world_begin(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/doppel-access-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->path, sizeof w->path, "%s/catalog.db", w->dir);
    w->pump_made_us = 1000000;
    open_world(w);
    put(w, RECORD_ORG, "acme", "{\"name\":\"Acme\"}");
    put(w, RECORD_PERSON, "p_root",
        "{\"name\":\"Root\",\"email\":\"root@example.org\",\"installation\":true}");
    put(w, RECORD_PERSON, "p_ada", "{\"name\":\"Ada\",\"email\":\"ada@example.org\"}");
    put(w, RECORD_PERSON, "p_vi", "{\"name\":\"Vi\",\"email\":\"vi@example.org\"}");
    put(w, RECORD_PERSON, "p_bo",
        "{\"name\":\"Bo\",\"email\":\"bo@example.org\",\"emailVerified\":true}");
    put(w, RECORD_MEMBER, "home/p_root", "{\"role\":\"administrator\"}");
    put(w, RECORD_MEMBER, "acme/p_root", "{\"role\":\"administrator\"}");
    put(w, RECORD_MEMBER, "home/p_ada", "{\"role\":\"editor\"}");
    put(w, RECORD_MEMBER, "home/p_vi", "{\"role\":\"viewer\"}");
    put(w, RECORD_MEMBER, "acme/p_bo", "{\"role\":\"editor\"}");
    *state = w;
    return 0;
}

static inline int world_end(void **state)
{
    struct world *w = *state;
    char command[160];
    close_world(w);
    snprintf(command, sizeof command, "rm -r %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static inline struct principal *person(struct world *w, const char *id, const char *org)
{
    struct principal *p =
        principal_of_person(w->access, access_find(w->access, RECORD_PERSON, slice_str(id)),
                            access_org(w->access, slice_str(org)));
    assert_non_null(p);
    return p;
}

static struct world *asking;

static void on_answer(struct change *ch)
{
    struct world *w = asking;
    w->err = ch->err;
    snprintf(w->detail, sizeof w->detail, "%s", ch->detail ? ch->detail : "");
    if (w->waiting)
        loop_stop(w->loop);
}

/* One person, of the organisation whose slug stands in ask.org or of home, asks; what came of it.
 */
static inline int ask_as(struct world *w, struct principal *who, int (*prepare)(struct change *ch),
                         struct ask ask, const char *body)
{
    struct arena *arena = arena_new();
    struct jval *root = NULL;
    if (body)
        assert_int_equal(jdoc_parse(arena, slice_str(body), &root, NULL), 0);
    w->ask = ask;
    w->ask.body = root;
    asking = w;
    w->err = 1;
    access_change(w->access, &(struct change_plan){.who = who,
                                                   .from = {.via = "test"},
                                                   .prepare = prepare,
                                                   .done = on_answer,
                                                   .arg = &w->ask});
    w->waiting = w->err == 1;
    if (w->waiting)
        assert_int_equal(loop_run(w->loop), 0);
    w->waiting = false;
    arena_free(arena);
    return w->err;
}

static inline int ask(struct world *w, const char *id, int (*prepare)(struct change *ch),
                      struct ask ask, const char *body)
{
    struct principal *p = person(w, id, ask.org.n ? ask.org.p : "home");
    int err = ask_as(w, p, prepare, ask, body);
    principal_unref(p);
    return err;
}

#define IN(name)                                                                                   \
    (struct ask)                                                                                   \
    {                                                                                              \
        .org = SLICE_LIT(name), .if_created_us = -1                                                \
    }
#define AT(name, what)                                                                             \
    (struct ask)                                                                                   \
    {                                                                                              \
        .org = SLICE_LIT(name), .id = slice_str(what), .if_created_us = -1                         \
    }

static inline bool may(struct world *w, const char *id, const char *org, enum access_op op,
                       const char *key, const char *part)
{
    struct principal *p = person(w, id, org);
    struct access_object o = {.org = access_org_of_key(w->access, slice_str(key)),
                              .twin = slice_str(key)};
    if (part) {
        o.part = PART_SENSOR;
        o.name = slice_str(part);
    }
    bool may_it = access_may(w->access, p, op, &o);
    principal_unref(p);
    return may_it;
}

#endif
