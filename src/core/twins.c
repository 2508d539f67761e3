/* twins.c - the commands that make, change, read and delete twins.
 *
 * Each is a job: its work runs on the one thread of `writes`, which reads and writes the catalog
 * and so sees every change in order; then, on the loop's thread, what was written becomes live.
 *
 * What is asked for while the thread is busy becomes one batch, in one transaction: so one sync
 * serves everyone who waits, as in the journal, and a million twins can be made in minutes.  Within
 * the transaction each job succeeds or fails alone. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/internal.h"
#include "core/provision.h"
#include "core/registry.h"
#include "core/twins_audit.h"
#include "core/types_keep.h"
#include "store/versions.h"
#include "twin/packed.h"
#include "twin/relations.h"

#include <stdio.h>
#include <stdlib.h>

enum { BATCH_MAX = 256 };

enum job_kind { JOB_PUT, JOB_PATCH, JOB_EDIT, JOB_REMOVE, JOB_GET, JOB_GROW };

struct twin_job {
    struct core *core;
    struct twin_job *next; /* of the batch, or of those that wait for one */
    struct arena *arena;   /* this job and all it has */
    enum job_kind kind;
    enum twin_put how;
    struct principal *who;    /* held */
    struct audit_entry audit; /* who and from where; the rest is filled in by the work */
    struct slice prefix;      /* of keys in the organisation: "acme~", or empty */
    struct slice id, body;    /* id: the key; empty: the profile's own */
    uint64_t if_version;
    bool demo;
    struct org *org;                /* whose twin it is, and what that may have */
    struct slice org_id;            /* its slug: the record may be read anew meanwhile */
    struct quotas quotas;           /* when it was asked; 0: no limit */
    uint64_t series_new, twins_new; /* counted as coming until it is settled */
    const char *mqtt_endpoint;
    const struct provision_twin *twin; /* JOB_GROW: as its id, and the sensors that it is to have */
    const struct provision_sensor *sensors;
    size_t sensors_n;
    struct type_set *types; /* held; NULL: there are none */
    bool making;            /* there is no such twin yet, as far as is known */
    twin_edit_fn *edit;     /* JOB_EDIT */
    void *edit_arg;
    bool same; /* nothing had to change */
    twin_done_fn *done;
    void *arg;
    /* made by the work */
    struct catalog_twin row;
    struct profile_view view;
    struct twin_result result;
};

static int fail(struct twin_job *j, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct twin_job *j, int err, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *kept = arena_strndup(j->arena, text, strlen(text));
    j->result.err = err;
    j->result.detail = kept ? kept : err_info(err)->text;
    return err;
}

static int fail_plain(struct twin_job *j, int err)
{
    return fail(j, err, "%s", err_info(err)->text);
}

static struct slice to_slice(struct arena *a, struct buf *b)
{
    struct slice s = b->failed ? (struct slice){0} : arena_dup(a, buf_slice(b));
    buf_release(b);
    return s;
}

static struct slice write_doc(struct arena *a, const struct jval *root, uint8_t indent)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, indent);
    jval_write(&w, root);
    return to_slice(a, &b);
}

static struct slice write_findings(struct arena *a, const struct findings *f)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    findings_write(&w, f);
    return to_slice(a, &b);
}

/* ---- on the thread of writes ---- */

static int check_version(struct twin_job *j, bool exists)
{
    if (j->if_version && (!exists || j->row.version != j->if_version))
        return fail(j, ERR_PRECONDITION, "the twin was changed since you read it");
    return 0;
}

/* Room for one twin and so many series?  They count as coming until the job is settled, so that
 * many at once come to no more than one after the other. */
static int take_room(struct twin_job *j, bool twin, size_t series)
{
    struct org *o = j->org;
    uint64_t twins = o->twins_there + o->twins_coming, all = o->series_n + o->series_coming;
    if (twin && j->quotas.twins && twins >= j->quotas.twins)
        return fail(j, ERR_QUOTA, "the organisation %.*s may have %llu twins, and has them",
                    SLICE_ARG(j->org_id), (unsigned long long)j->quotas.twins);
    if (series && j->quotas.series && all + series > j->quotas.series)
        return fail(j, ERR_QUOTA,
                    "the organisation %.*s may have %llu series and has %llu; this would add %zu",
                    SLICE_ARG(j->org_id), (unsigned long long)j->quotas.series,
                    (unsigned long long)all, series);
    o->twins_coming += j->twins_new = twin;
    o->series_coming += j->series_new = series;
    return 0;
}

/* Every sensor of the profile has a series; those that left it are retired, never forgotten. */
static int give_series(struct twin_job *j, const struct catalog_series *old, size_t old_n,
                       bool first)
{
    struct core *c = j->core;
    struct catalog_series *rows =
        arena_zalloc(j->arena, (old_n + j->view.sensors_n + 1) * sizeof *rows);
    struct map by_id = {0};
    size_t n = old_n;
    if (!rows)
        return fail_plain(j, ERR_NOMEM);
    for (size_t i = 0; i < old_n; i++) {
        rows[i] = old[i];
        rows[i].retired = true;
        if (map_put(&by_id, rows[i].sensor, &rows[i], NULL))
            goto nomem;
    }
    for (size_t i = 0; i < j->view.sensors_n; i++) {
        const struct sensor_spec *spec = &j->view.sensors[i];
        struct catalog_series *row = map_get(&by_id, spec->id);
        if (!row) {
            row = &rows[n++];
            row->series = ++c->last_series;
            row->sensor = spec->id;
            if (map_put(&by_id, spec->id, row, NULL))
                goto nomem;
        }
        row->retired = false;
        if (spec->kind != VALUE_NONE)
            row->kind = (uint8_t)spec->kind;
    }
    map_release(&by_id);
    j->row.series = rows;
    j->row.series_n = n;
    return take_room(j, first, n - old_n);
nomem:
    map_release(&by_id);
    return fail_plain(j, ERR_NOMEM);
}

/* What starts read instead of the profile. */
static int pack(struct arena *a, const struct profile_view *view, struct catalog_twin *row)
{
    struct buf v = {0}, s = {0};
    view_pack(&v, view);
    sensors_pack(&s, view->sensors, view->sensors_n);
    row->view = to_slice(a, &v);
    row->sensors = to_slice(a, &s);
    return row->view.p && row->sensors.p ? 0 : ERR_NOMEM;
}

/* The key of the twin that the profile is of. */
static struct slice key_of(struct twin_job *j)
{
    char *key = arena_printf(j->arena, "%.*s%.*s", SLICE_ARG(j->prefix), SLICE_ARG(j->view.id));
    return slice_str(key);
}

/* As they call it who asked. */
static struct slice named(const struct twin_job *j, struct slice key)
{
    return slice_skip(key, j->prefix.n <= key.n ? j->prefix.n : 0);
}

/* Of a change that leaves the profile as it was there is none. */
static int write_version(struct twin_job *j, struct slice key, struct slice before,
                         int64_t before_us, struct slice after)
{
    struct version v = {.at_us = j->row.modified_us,
                        .gone = !after.n,
                        .who_kind = j->audit.who_kind,
                        .who = j->audit.who,
                        .reason = j->audit.detail};
    if (v.gone)
        v.at_us = clock_now_us();
    if (slice_eq(before, after))
        return 0;
    return catalog_version_add(j->core->catalog, VERSION_TWIN, key, before, before_us, &v);
}

/* Its line of the audit log and its version, in the transaction of the change itself. */
static int write_audit(struct twin_job *j, const char *operation, struct slice key,
                       struct slice before, int64_t before_us, struct slice after)
{
    struct audit_entry *e = &j->audit;
    e->at_us = clock_now_us();
    e->operation = slice_str(operation);
    e->object = slice_str(arena_printf(j->arena, "twin:%.*s", SLICE_ARG(key)));
    twins_audit_difference(j->arena, before, after, e);
    int err = catalog_audit_add(j->core->catalog, e);
    if (!err)
        err = write_version(j, key, before, before_us, after);
    if (err) /* the twin is written already: not without its line */
        catalog_fail(j->core->catalog, err);
    return err ? fail(j, err, "the change could not be kept: %s", err_info(err)->text) : 0;
}

/* What its types give to a profile that is new, then what every profile has. */
static int fill(struct twin_job *j, struct jval *root, const struct profile_defaults *defaults)
{
    const char *const *by_types = NULL, *const *by_rules = NULL;
    size_t n = 0, m = 0;
    int err = j->making && j->types ? type_fill(j->arena, j->types, root, &by_types) : 0;
    if (!err)
        err = profile_fill(j->arena, root, defaults, &by_rules);
    if (err || !by_types) {
        j->result.filled = by_rules;
        return err;
    }
    while (by_types[n])
        n++;
    while (by_rules[m])
        m++;
    const char **all = arena_alloc(j->arena, (n + m + 1) * sizeof *all);
    if (!all)
        return ERR_NOMEM;
    memcpy(all, by_types, n * sizeof *all);
    memcpy(all + n, by_rules, (m + 1) * sizeof *all);
    j->result.filled = all;
    return 0;
}

/* The checked and completed document of j->body, into j->view and j->row.profile. */
static int make_profile(struct twin_job *j)
{
    struct findings findings = {0};
    struct profile_defaults defaults = {.mqtt_endpoint = j->mqtt_endpoint};
    struct jval *root = NULL;
    if (profile_check(j->arena, j->body, &root, &findings))
        return fail_plain(j, ERR_NOMEM);
    j->result.findings = write_findings(j->arena, &findings);
    if (!root || findings.core_errors) {
        for (size_t i = 0; i < findings.n; i++)
            if (findings.items[i].core && findings.items[i].severity == SEVERITY_ERROR)
                return fail(j, ERR_PROFILE, "%s", findings.items[i].message);
        return fail_plain(j, ERR_PROFILE);
    }
    const struct type_eyes eyes = {.set = j->types};
    if (fill(j, root, &defaults) || profile_check_as(j->arena, root, j->body, &eyes, &findings) ||
        profile_read(j->arena, root, &j->view))
        return fail_plain(j, ERR_NOMEM);
    j->result.findings = write_findings(j->arena, &findings);
    if (j->view.sensors_n > TWIN_SENSORS_MAX)
        return fail(j, ERR_TOO_LARGE, "a twin has at most %d sensors", TWIN_SENSORS_MAX);
    const struct jval *relationships = jval_get(root, "doppel:relationships");
    if (relationships && relationships->count > RELATIONS_MAX)
        return fail(j, ERR_TOO_LARGE, "a twin has at most %d relationships", RELATIONS_MAX);
    struct slice wanted = slice_skip(j->id, j->id.n ? j->prefix.n : 0);
    if (j->id.n && !slice_eq(wanted, j->view.id))
        return fail(j, ERR_PROFILE,
                    "identifier.value is \"%.*s\", but the address names the twin \"%.*s\"; an id "
                    "cannot be changed",
                    SLICE_ARG(j->view.id), SLICE_ARG(wanted));
    j->row.profile = write_doc(j->arena, root, 0);
    if (!j->row.profile.p || pack(j->arena, &j->view, &j->row))
        return fail_plain(j, ERR_NOMEM);
    return 0;
}

static void put_work(struct twin_job *j)
{
    struct core *c = j->core;
    if (make_profile(j))
        return;
    struct catalog_twin made = j->row;
    struct slice id = key_of(j), before;
    bool demo = j->demo;
    if (!id.p) {
        fail_plain(j, ERR_NOMEM);
        return;
    }
    j->row = (struct catalog_twin){0};
    int err = catalog_get_latest(c->catalog, id, j->arena, &j->row);
    bool exists = !err;
    if (err && err != ERR_NOT_FOUND) {
        fail_plain(j, err);
        return;
    }
    if (check_version(j, exists))
        return;
    if (exists && j->how == TWIN_CREATE) {
        fail(j, ERR_EXISTS, "there is a twin \"%.*s\" already", SLICE_ARG(named(j, id)));
        return;
    }
    if (!exists && j->how == TWIN_REPLACE) {
        fail(j, ERR_UNKNOWN_TWIN, "there is no twin \"%.*s\"", SLICE_ARG(named(j, id)));
        return;
    }
    before = exists ? j->row.profile : SLICE_LIT("");
    int64_t before_us = exists ? j->row.modified_us : 0;
    j->row.id = id;
    j->row.profile = made.profile;
    j->row.view = made.view;
    j->row.sensors = made.sensors;
    j->row.findings = SLICE_LIT("");
    j->row.demo = exists ? j->row.demo && demo : demo; /* once edited it is a person's own */
    j->row.modified_us = clock_now_us();
    j->row.created_us = exists ? j->row.created_us : j->row.modified_us;
    j->row.version = exists ? j->row.version + 1 : 1;
    if (give_series(j, j->row.series, j->row.series_n, !exists))
        return;
    if ((err = catalog_put(c->catalog, &j->row)))
        fail(j, err, "the twin could not be kept: %s", err_info(err)->text);
    else
        write_audit(j, exists ? "twins:write" : "twins:create", id, before, before_us,
                    j->row.profile);
}

static void patch_work(struct twin_job *j)
{
    struct jval *target, *patch, *merged;
    struct json_error where = {.message = "it cannot be read"};
    int err = catalog_get_latest(j->core->catalog, j->id, j->arena, &j->row);
    if (err == ERR_NOT_FOUND) {
        fail(j, ERR_UNKNOWN_TWIN, "there is no twin \"%.*s\"", SLICE_ARG(named(j, j->id)));
        return;
    }
    if (err || check_version(j, true)) {
        if (err)
            fail_plain(j, err);
        return;
    }
    err = jdoc_parse(j->arena, j->body, &patch, &where);
    if (err && err != ERR_MALFORMED) {
        fail_plain(j, err);
        return;
    }
    if (err) {
        fail(j, err, "the patch is not JSON: line %d, column %d: %s", where.line, where.column,
             where.message);
        return;
    }
    if (patch->type != J_OBJECT) {
        fail(j, ERR_INVALID, "a merge patch of a twin is an object");
        return;
    }
    if (jdoc_parse(j->arena, j->row.profile, &target, NULL)) {
        fail_plain(j, ERR_CORRUPT);
        return;
    }
    merged = jval_merge_patch(j->arena, target, patch);
    j->body = merged ? write_doc(j->arena, merged, 2) : (struct slice){0};
    if (!j->body.p) {
        fail_plain(j, ERR_NOMEM);
        return;
    }
    j->how = TWIN_REPLACE;
    put_work(j);
}

static void edit_work(struct twin_job *j)
{
    struct jval *root;
    const char *why = NULL;
    int err = catalog_get_latest(j->core->catalog, j->id, j->arena, &j->row);
    if (err == ERR_NOT_FOUND) {
        fail(j, ERR_UNKNOWN_TWIN, "there is no twin \"%.*s\"", SLICE_ARG(named(j, j->id)));
        return;
    }
    if (!err && check_version(j, true))
        return;
    if (!err && jdoc_parse(j->arena, j->row.profile, &root, NULL))
        err = ERR_CORRUPT;
    if (!err)
        err = j->edit(j->edit_arg, j->arena, root, &why);
    j->body = err ? (struct slice){0} : write_doc(j->arena, root, 2);
    if (err || !j->body.p) {
        fail(j, err ? err : ERR_NOMEM, "%s", why ? why : err_info(err ? err : ERR_NOMEM)->text);
        return;
    }
    j->how = TWIN_REPLACE;
    put_work(j);
}

static void remove_work(struct twin_job *j)
{
    int err = catalog_get_latest(j->core->catalog, j->id, j->arena, &j->row);
    if (!err && check_version(j, true))
        return;
    if (!err)
        err = catalog_remove(j->core->catalog, j->id);
    if (err == ERR_NOT_FOUND)
        fail(j, ERR_UNKNOWN_TWIN, "there is no twin \"%.*s\"", SLICE_ARG(named(j, j->id)));
    else if (err)
        fail_plain(j, err);
    else
        write_audit(j, "twins:delete", j->id, j->row.profile, j->row.modified_us, SLICE_LIT(""));
}

static void get_work(struct twin_job *j)
{
    int err = catalog_get_latest(j->core->catalog, j->id, j->arena, &j->row);
    if (err == ERR_NOT_FOUND)
        fail(j, ERR_UNKNOWN_TWIN, "there is no twin \"%.*s\"", SLICE_ARG(named(j, j->id)));
    else if (err)
        fail_plain(j, err);
}

/* As a put of the document with what it lacks; this thread sees the last one, whoever wrote it. */
static void grow_work(struct twin_job *j)
{
    int err = catalog_get_latest(j->core->catalog, j->id, j->arena, &j->row);
    bool exists = !err;
    if (err && err != ERR_NOT_FOUND) {
        fail_plain(j, err);
        return;
    }
    err = provision_document(j->arena, exists ? j->row.profile : slice_of(NULL, 0), j->twin,
                             j->sensors, j->sensors_n, &j->body, &j->result.grown);
    if (err) {
        fail_plain(j, err);
        return;
    }
    if (exists && !j->result.grown) {
        j->same = true;
        return;
    }
    j->how = exists ? TWIN_REPLACE : TWIN_CREATE;
    j->demo = exists && j->row.demo; /* nobody has edited it */
    put_work(j);
}

struct batch {
    struct core *core;
    struct pool_job job;
    struct twin_job *first;
    bool writes;
};

static void batch_work(void *arg)
{
    static void (*const works[])(struct twin_job *) = {put_work,    patch_work, edit_work,
                                                       remove_work, get_work,   grow_work};
    struct batch *b = arg;
    struct catalog *catalog = b->core->catalog;
    int err = b->writes ? catalog_begin(catalog) : 0;
    for (struct twin_job *j = b->first; j && !err; j = j->next)
        works[j->kind](j);
    if (!err && b->writes)
        err = catalog_commit(catalog);
    for (struct twin_job *j = b->first; j && err; j = j->next) {
        if (j->kind == JOB_GET) { /* of what is kept, not of what was about to be */
            j->result = (struct twin_result){0};
            get_work(j);
        } else if (!j->result.err) {
            fail(j, err, "the change could not be kept: %s", err_info(err)->text);
        }
    }
}

/* ---- back on the loop's thread ---- */

static void settle_put(struct twin_job *j)
{
    struct core *c = j->core;
    struct twin *t;
    bool created;
    int err = registry_put(c, &j->row, &j->view, &t, &created);
    if (err) {
        log_error("core", "%.*s is kept, but live only after a restart: %s", SLICE_ARG(j->row.id),
                  err_info(err)->text);
        fail_plain(j, err);
        return;
    }
    j->result.created = created;
    types_twin_changed(c, t);
    core_tell(c, created ? EVENT_TWIN_CREATED : EVENT_TWIN_CHANGED, t, NULL);
}

static void settle_remove(struct twin_job *j)
{
    struct core *c = j->core;
    struct twin *t = core_twin(c, j->id);
    if (!t)
        return;
    uint32_t *series = arena_alloc(j->arena, (t->all_n + 1) * sizeof *series);
    for (size_t i = 0; series && i < t->all_n; i++)
        series[i] = t->all[i]->series;
    size_t n = series ? t->all_n : 0;
    core_tell(c, EVENT_TWIN_DELETED, t, NULL);
    registry_remove(c, t);
    access_twin_gone(c->access, j->id);
    history_forget(c, series, n);
}

/* What they call it who asked. */
static const char *call_it(struct twin_job *j)
{
    struct buf b = {0};
    access_put_id(j->core->access, j->who, j->row.id, &b);
    char *kept = b.failed ? NULL : arena_strndup(j->arena, b.p, b.n);
    buf_release(&b);
    return kept ? kept : j->result.key;
}

static void job_done(struct twin_job *j)
{
    if (!j->result.err && !j->same && j->kind != JOB_REMOVE && j->kind != JOB_GET)
        settle_put(j);
    else if (!j->result.err && j->kind == JOB_REMOVE)
        settle_remove(j);
    if (!j->result.err) {
        j->result.profile = j->row.profile;
        j->result.version = j->row.version;
        j->result.key = arena_strndup(j->arena, j->row.id.p, j->row.id.n);
        j->result.id = call_it(j);
    }
    j->org->twins_coming -= j->twins_new;
    j->org->series_coming -= j->series_new;
    if (j->done)
        j->done(j->arg, &j->result);
    principal_unref(j->who);
    type_set_unref(j->types);
    arena_free(j->arena);
}

static void batch_done(void *arg)
{
    struct batch *b = arg;
    struct core *c = b->core;
    struct twin_job *j = b->first;
    free(b);
    c->batches--;
    twins_next(c, false);
    for (struct twin_job *next; j; j = next) {
        next = j->next;
        job_done(j);
    }
}

void twins_next(struct core *c, bool all)
{
    while (c->jobs_first && c->writes && (all || !c->batches)) {
        struct batch *b = calloc(1, sizeof *b);
        if (!b)
            return; /* tried again with the next job, or at the end */
        b->core = c;
        b->first = c->jobs_first;
        struct twin_job *last = b->first;
        b->writes = last->kind != JOB_GET;
        for (size_t n = 1; n < BATCH_MAX && last->next; n++) {
            last = last->next;
            b->writes |= last->kind != JOB_GET;
        }
        c->jobs_first = last->next;
        if (!c->jobs_first)
            c->jobs_last = NULL;
        last->next = NULL;
        b->job = (struct pool_job){.work = batch_work, .done = batch_done, .arg = b};
        c->batches++;
        pool_submit(c->writes, &b->job);
    }
}

static void answer(twin_done_fn *done, void *arg, int err, const char *detail)
{
    const struct twin_result r = {.err = err, .detail = detail ? detail : err_info(err)->text};
    done(arg, &r);
}

/* What the command is of: its key, its organisation, and whether they may. */
static int judge(struct core *c, const struct asker *by, struct twin_job *plan, struct buf *scratch)
{
    static const enum access_op ops[] = {[JOB_PATCH] = OP_TWIN_WRITE,
                                         [JOB_EDIT] = OP_TWIN_WRITE,
                                         [JOB_REMOVE] = OP_TWIN_DELETE,
                                         [JOB_GET] = OP_TWIN_READ,
                                         [JOB_GROW] = OP_PROVISION};
    struct org *org = by->who->org;
    if (plan->kind == JOB_PUT && plan->how != TWIN_CREATE && !plan->id.n && !by->who->everything)
        return ERR_INVALID; /* whether they may is decided by the twin that there is */
    int err = plan->id.n ? access_key(c->access, by->who, plan->id, scratch, &plan->id, &org)
              : org      ? 0
                         : ERR_FORBIDDEN;
    if (err)
        return err;
    plan->org = org;
    plan->org_id = slice_str(org->e.id);
    plan->quotas = org->quotas;
    const struct twin *t = plan->id.n ? core_twin(c, plan->id) : NULL;
    plan->making = plan->kind == JOB_PUT && plan->how != TWIN_REPLACE && !t;
    enum access_op op = plan->kind != JOB_PUT ? ops[plan->kind]
                        : t                   ? OP_TWIN_WRITE
                                              : OP_TWIN_CREATE;
    bool whole = plan->kind == JOB_REMOVE || plan->kind == JOB_GET;
    struct access_object o = {.org = org,
                              .twin = t ? plan->id : SLICE_LIT(""),
                              .part = t && !whole ? PART_PROFILE : PART_WHOLE};
    plan->prefix = SLICE_LIT("");
    if (!org->first)
        plan->prefix = slice_of(plan->id.p, plan->id.n ? access_key_prefix(plan->id) : 0);
    if (!plan->id.n && !org->first)
        plan->prefix = slice_str(org->prefix);
    if (plan->kind == JOB_GROW && t && by->who->kind != WHO_DEVICE) {
        err = access_check(c->access, by->who, op, &o); /* a policy may keep it from them */
        return err == ERR_NOT_FOUND ? ERR_UNKNOWN_TWIN : err;
    }
    if (plan->kind == JOB_GROW) /* the grant has decided whether they may */
        return !t && org->quotas.twins && org->twins_n >= org->quotas.twins ? ERR_QUOTA : 0;
    if (!t && plan->kind != JOB_PUT)
        return ERR_UNKNOWN_TWIN;
    err = access_check(c->access, by->who, op, &o);
    if (!err && op == OP_TWIN_CREATE && org->quotas.twins && org->twins_n >= org->quotas.twins)
        return ERR_QUOTA;
    return err == ERR_NOT_FOUND ? ERR_UNKNOWN_TWIN : err;
}

static bool keep_job(struct core *c, struct twin_job *j, const struct asker *by)
{
    struct arena *a = j->arena;
    struct slice *const texts[] = {&j->audit.org,      &j->audit.who_kind, &j->audit.who,
                                   &j->audit.who_name, &j->audit.address,  &j->audit.via,
                                   &j->audit.request,  &j->audit.detail,   &j->id,
                                   &j->body,           &j->prefix,         &j->org_id};
    access_audit_by(&j->audit, by, by->who->org);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = arena_dup(a, *texts[i]);
        if (!texts[i]->p)
            return false;
    }
    j->mqtt_endpoint = arena_strndup(a, c->mqtt_endpoint, strlen(c->mqtt_endpoint));
    return j->mqtt_endpoint;
}

static void submit(struct core *c, const struct asker *by, struct twin_job plan, twin_done_fn *done,
                   void *arg)
{
    struct buf scratch = {0};
    int err = c->writes ? judge(c, by, &plan, &scratch) : ERR_CANCELLED;
    struct arena *a = err ? NULL : arena_new();
    struct twin_job *j = a ? arena_alloc(a, sizeof *j) : NULL;
    if (j) {
        *j = plan;
        j->arena = a;
        if (!keep_job(c, j, by))
            err = ERR_NOMEM;
    } else if (!err) {
        err = ERR_NOMEM;
    }
    buf_release(&scratch);
    if (err) {
        arena_free(a);
        answer(done, arg, err, err == ERR_CANCELLED ? "the server is stopping" : NULL);
        return;
    }
    j->core = c;
    j->who = principal_ref(by->who);
    j->types = type_set_ref(core_types(c, j->org));
    j->done = done;
    j->arg = arg;
    if (c->jobs_last)
        c->jobs_last->next = j;
    else
        c->jobs_first = j;
    c->jobs_last = j;
    twins_next(c, false);
}

void core_twin_put(struct core *c, const struct asker *by, enum twin_put how, struct slice id,
                   struct slice profile, uint64_t if_version, bool demo, twin_done_fn *done,
                   void *arg)
{
    submit(c, by,
           (struct twin_job){.kind = JOB_PUT,
                             .how = how,
                             .id = id,
                             .body = profile,
                             .if_version = if_version,
                             .demo = demo},
           done, arg);
}

void core_twin_patch(struct core *c, const struct asker *by, struct slice id, struct slice patch,
                     uint64_t if_version, twin_done_fn *done, void *arg)
{
    submit(c, by,
           (struct twin_job){.kind = JOB_PATCH, .id = id, .body = patch, .if_version = if_version},
           done, arg);
}

void core_twin_edit(struct core *c, const struct asker *by, struct slice id, twin_edit_fn *edit,
                    void *edit_arg, uint64_t if_version, twin_done_fn *done, void *arg)
{
    submit(c, by,
           (struct twin_job){.kind = JOB_EDIT,
                             .id = id,
                             .body = SLICE_LIT(""),
                             .edit = edit,
                             .edit_arg = edit_arg,
                             .if_version = if_version},
           done, arg);
}

void core_twin_remove(struct core *c, const struct asker *by, struct slice id, uint64_t if_version,
                      twin_done_fn *done, void *arg)
{
    submit(c, by, (struct twin_job){.kind = JOB_REMOVE, .id = id, .if_version = if_version}, done,
           arg);
}

void core_twin_get(struct core *c, const struct asker *by, struct slice id, twin_done_fn *done,
                   void *arg)
{
    submit(c, by, (struct twin_job){.kind = JOB_GET, .id = id}, done, arg);
}

void core_twin_grow(struct core *c, const struct asker *by, const struct provision_twin *twin,
                    const struct provision_sensor *sensors, size_t n, twin_done_fn *done, void *arg)
{
    submit(c, by,
           (struct twin_job){.kind = JOB_GROW,
                             .id = twin->id,
                             .body = SLICE_LIT(""),
                             .twin = twin,
                             .sensors = sensors,
                             .sensors_n = n},
           done, arg);
}

struct asker core_system(struct core *c)
{
    return (struct asker){.who = access_the_system(c->access),
                          .from = {.via = "server", .address = "", .request = "", .agent = ""}};
}

/* ---- at start ---- */

/* What the catalog has packed of the twin is missing or of another version: from its profile, and
 * packed anew for the next start. */
static int load_anew(struct core *c, const struct catalog_twin *row)
{
    struct arena *a = arena_new();
    struct catalog_twin whole;
    struct profile_view view = {0};
    struct jval *root;
    struct twin *t;
    bool created;
    int err = a ? catalog_get(c->catalog, row->id, a, &whole) : ERR_NOMEM;
    if (!err)
        err = jdoc_parse(a, whole.profile, &root, NULL);
    if (!err)
        err = profile_read(a, root, &view);
    if (err == ERR_MALFORMED)
        err = ERR_CORRUPT;
    if (!err)
        err = pack(a, &view, &whole);
    if (!err)
        err = registry_put(c, &whole, &view, &t, &created);
    if (!err && !c->repacked++)
        err = catalog_begin(c->catalog);
    if (!err)
        err = catalog_put(c->catalog, &whole);
    arena_free(a);
    return err;
}

static int load_one(void *arg, const struct catalog_twin *row)
{
    struct core *c = arg;
    struct profile_view view;
    struct twin *t;
    bool created;
    int err = view_unpack(row->view, &view);
    if (!err)
        err = registry_put(c, row, &view, &t, &created);
    return err == ERR_CORRUPT || err == ERR_UNSUPPORTED ? load_anew(c, row) : err;
}

int twins_load(struct core *c)
{
    c->last_series = catalog_last_series(c->catalog);
    int err = catalog_each(c->catalog, load_one, c);
    if (!c->repacked)
        return err;
    log_info("core", "%zu twins of another version were read anew", c->repacked);
    int kept = catalog_commit(c->catalog);
    return err ? err : kept;
}
