#include "access/change.h"

#include "access/audit.h"
#include "access/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "store/versions.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct change_record {
    enum record_kind kind;
    struct slice id, doc; /* doc p NULL: it goes */
    struct change_record *next;
};

struct change_version {
    struct slice id, before;
    int64_t before_us;
    bool gone;
    struct change_version *next;
};

struct change_job {
    struct change change;
    struct change_plan plan;
    struct principal *who;
    struct pool_job job;
    struct change_job *next;
    bool failed; /* memory ran out while it was prepared */
};

static struct change_job *job_of(struct change *ch)
{
    return (struct change_job *)ch; /* its first member */
}

/* ---- what prepare() says ---- */

struct jval *change_doc(struct change *ch)
{
    struct jval *doc = jval_new(ch->arena, J_OBJECT);
    job_of(ch)->failed |= !doc;
    return doc;
}

static void add_record(struct change *ch, enum record_kind kind, const char *id, struct slice doc)
{
    struct change_record *r = arena_zalloc(ch->arena, sizeof *r);
    char *kept = arena_strndup(ch->arena, id, strlen(id));
    if (!r || !kept) {
        job_of(ch)->failed = true;
        return;
    }
    *r = (struct change_record){.kind = kind, .id = slice_str(kept), .doc = doc};
    if (ch->last)
        ch->last->next = r;
    else
        ch->first = r;
    ch->last = r;
}

static struct slice text_of(struct change *ch, const struct jval *doc)
{
    struct buf text = {0};
    struct json_writer w;
    json_writer_init(&w, &text, 0);
    jval_write(&w, doc);
    struct slice kept = text.failed ? slice_of(NULL, 0) : arena_dup(ch->arena, buf_slice(&text));
    job_of(ch)->failed |= !kept.p;
    buf_release(&text);
    return kept;
}

void change_put(struct change *ch, enum record_kind kind, const char *id, const struct jval *doc)
{
    if (doc)
        add_record(ch, kind, id, text_of(ch, doc));
    else
        job_of(ch)->failed = true; /* nothing is put that could not be made */
}

void change_remove(struct change *ch, enum record_kind kind, const char *id)
{
    add_record(ch, kind, id, slice_of(NULL, 0));
}

void change_version(struct change *ch, const char *id, const struct jval *before, int64_t before_us,
                    bool gone)
{
    struct change_version *v = arena_zalloc(ch->arena, sizeof *v);
    char *kept = arena_strndup(ch->arena, id, strlen(id));
    if (!v || !kept) {
        job_of(ch)->failed = true;
        return;
    }
    *v = (struct change_version){.id = slice_str(kept),
                                 .before = before ? text_of(ch, before) : SLICE_LIT(""),
                                 .before_us = before_us,
                                 .gone = gone,
                                 .next = ch->versions};
    ch->versions = v;
}

/* The same for the audit log, which many read and which is kept: no secrets, and no hashes of them.
 */
static struct slice text_without_secrets(struct change *ch, const struct jval *doc)
{
    static const char *const secrets[] = {"hash",     "password", "totp",
                                          "recovery", "passkeys", "clientSecret"};
    struct jval *copy = jval_copy(ch->arena, doc);
    for (size_t i = 0; copy && i < sizeof secrets / sizeof secrets[0]; i++)
        jval_remove(copy, slice_str(secrets[i]));
    job_of(ch)->failed |= !copy;
    return copy ? text_of(ch, copy) : slice_of(NULL, 0);
}

void change_audit(struct change *ch, const char *operation, const char *object,
                  const struct jval *before, const struct jval *after)
{
    char *kept = arena_strndup(ch->arena, object, strlen(object));
    job_of(ch)->failed |= !kept;
    ch->audit.operation = slice_str(operation);
    ch->audit.object = slice_str(kept);
    if (before)
        ch->audit.before = text_without_secrets(ch, before);
    if (after)
        ch->audit.after = text_without_secrets(ch, after);
}

int change_refuse(struct change *ch, int err, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *kept = arena_strndup(ch->arena, text, strlen(text));
    ch->err = err;
    ch->detail = kept ? kept : err_info(err)->text;
    return err;
}

int change_check(struct change *ch, enum access_op op, const struct access_object *o)
{
    const struct access_op_info *info = op_info(op);
    int err = access_check(ch->access, ch->who, op, o);
    if (err) {
        ch->refused = op;
        ch->refused_in = o ? o->org : NULL;
    }
    if (err == ERR_FORBIDDEN)
        return change_refuse(ch, err, "%s needs the role %s%s.", info->name,
                             info->from <= ROLE_ADMINISTRATOR
                                 ? role_name((enum access_role)info->from)
                                 : "administrator of the installation",
                             ch->who->role ? "" : ", and you have none");
    return err ? change_refuse(ch, err, "%s", err_info(err)->text) : 0;
}

void doc_slice(struct change *ch, struct jval *doc, const char *key, struct slice value)
{
    if (!doc || !value.p)
        return;
    struct jval *v = jval_new_string(ch->arena, value);
    job_of(ch)->failed |= !v || !jval_set(ch->arena, doc, slice_str(key), v);
}

void doc_string(struct change *ch, struct jval *doc, const char *key, const char *value)
{
    doc_slice(ch, doc, key, slice_str(value));
}

void doc_time(struct change *ch, struct jval *doc, const char *key, int64_t t_us)
{
    struct buf text = {0};
    if (!t_us)
        return;
    clock_format(&text, t_us);
    doc_slice(ch, doc, key, buf_slice(&text));
    job_of(ch)->failed |= text.failed;
    buf_release(&text);
}

void doc_int(struct change *ch, struct jval *doc, const char *key, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    struct jval *v = jval_new_raw_number(ch->arena, slice_str(text));
    job_of(ch)->failed |= !doc || !v || !jval_set(ch->arena, doc, slice_str(key), v);
}

void doc_bool(struct change *ch, struct jval *doc, const char *key, bool value)
{
    struct jval *v = jval_new_bool(ch->arena, value);
    job_of(ch)->failed |= !doc || !v || !jval_set(ch->arena, doc, slice_str(key), v);
}

/* ---- its way ---- */

static void changes_next(struct access *a);

static int write_version(struct catalog *c, const struct change *ch, const struct change_version *v)
{
    struct version row = {.at_us = ch->now_us,
                          .gone = v->gone,
                          .who_kind = ch->audit.who_kind,
                          .who = ch->audit.who,
                          .reason = slice_str(ch->from.reason)};
    return catalog_version_add(c, VERSION_DOCUMENT, v->id, v->before, v->before_us, &row);
}

/* On the catalog's thread. */
static void write_all(void *arg)
{
    struct change_job *j = arg;
    struct change *ch = &j->change;
    struct catalog *c = ch->access->catalog;
    int err = catalog_begin(c);
    for (struct change_record *r = ch->first; r && !err; r = r->next)
        err = r->doc.p ? catalog_record_put(c, (int)r->kind, r->id, r->doc)
                       : catalog_record_remove(c, (int)r->kind, r->id);
    for (struct change_version *v = ch->versions; v && !err; v = v->next)
        err = write_version(c, ch, v);
    if (!err && !ch->quiet)
        err = catalog_audit_add(c, &ch->audit);
    if (err)
        catalog_fail(c, err); /* not some of its records, and none without its line */
    int ended = catalog_commit(c);
    if (!err)
        err = ended;
    ch->err = err;
    if (err)
        ch->detail = err_info(err)->text;
}

static void finish(struct change_job *j)
{
    if (j->plan.done)
        j->plan.done(&j->change);
    principal_unref(j->who);
    arena_free(j->change.arena); /* the job too */
}

static void written(void *arg)
{
    struct change_job *j = arg;
    struct access *a = j->change.access;
    for (struct change_record *r = j->change.first; r && !j->change.err; r = r->next) {
        if (!r->doc.p)
            access_unload(a, r->kind, r->id);
        else if ((j->change.err = access_load(a, r->kind, r->id, r->doc)))
            j->change.detail = "it is kept, but takes effect only after a restart";
    }
    a->running = NULL;
    struct slice operation = j->change.audit.operation; /* the second: by an identity provider */
    a->stats.sign_ins +=
        !j->change.err && (slice_is(operation, "sign-in") || slice_is(operation, "session:start"));
    if (!j->change.quiet)
        principals_judge(a);
    finish(j);
    changes_next(a);
}

static int prepare(struct change_job *j)
{
    struct change *ch = &j->change;
    if (ch->access->stopped)
        return change_refuse(ch, ERR_CANCELLED, "the server is stopping");
    ch->now_us = clock_now_us();
    access_audit_by(&ch->audit, &(struct asker){j->who, ch->from}, ch->who->org);
    int err = j->plan.prepare(ch);
    if (!err && j->failed)
        return change_refuse(ch, ERR_NOMEM, "%s", err_info(ERR_NOMEM)->text);
    if (err && !ch->detail)
        return change_refuse(ch, err, "%s", err_info(err)->text);
    return err;
}

static void changes_next(struct access *a)
{
    while (!a->running && a->jobs_first) {
        struct change_job *j = a->jobs_first;
        a->jobs_first = j->next;
        if (!a->jobs_first)
            a->jobs_last = NULL;
        a->running = j;
        j->change.err = prepare(j);
        if (!j->change.err && j->change.first) {
            j->job = (struct pool_job){.work = write_all, .done = written, .arg = j};
            pool_submit(a->writes, &j->job);
            return;
        }
        a->running = NULL; /* refused, or nothing has to change */
        finish(j);
    }
}

static char *keep(struct arena *arena, const char *s)
{
    return arena_strndup(arena, s ? s : "", s ? strlen(s) : 0);
}

void access_change(struct access *a, const struct change_plan *plan)
{
    struct arena *arena = arena_new();
    struct change_job *j = arena ? arena_zalloc(arena, sizeof *j) : NULL;
    if (!j) {
        struct change none = {.access = a,
                              .who = plan->who,
                              .arg = plan->arg,
                              .err = ERR_NOMEM,
                              .refused = OP_PUBLIC};
        none.detail = err_info(ERR_NOMEM)->text;
        arena_free(arena);
        if (plan->done)
            plan->done(&none);
        return;
    }
    j->plan = *plan;
    j->who = principal_ref(plan->who);
    j->change = (struct change){
        .access = a, .who = plan->who, .arena = arena, .arg = plan->arg, .refused = OP_PUBLIC};
    j->change.from = (struct origin){.via = keep(arena, plan->from.via),
                                     .address = keep(arena, plan->from.address),
                                     .request = keep(arena, plan->from.request),
                                     .agent = keep(arena, plan->from.agent),
                                     .reason = keep(arena, plan->from.reason)};
    j->failed = !j->change.from.via || !j->change.from.address || !j->change.from.request ||
                !j->change.from.agent || !j->change.from.reason;
    if (a->jobs_last)
        a->jobs_last->next = j;
    else
        a->jobs_first = j;
    a->jobs_last = j;
    changes_next(a);
}
