/* Entries of the audit log: who stands in them, and those that are written alone. */
#include "access/state.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>

enum { TEXTS = 13 };

void access_audit_by(struct audit_entry *e, const struct asker *by, const struct org *org)
{
    *e = (struct audit_entry){.at_us = clock_now_us(),
                              .org = slice_str(org ? org->e.id : ""),
                              .who_kind = slice_str(principal_kind_name(by->who->kind)),
                              .who = slice_str(by->who->id),
                              .who_name = slice_str(by->who->name),
                              .address = slice_str(by->from.address),
                              .via = slice_str(by->from.via),
                              .request = slice_str(by->from.request),
                              .outcome = SLICE_LIT("done")};
}

struct audit_job {
    struct pool_job job;
    struct access *access;
    struct audit_entry entry;
};

static void write_work(void *arg)
{
    struct audit_job *j = arg;
    if (catalog_audit_add(j->access->catalog, &j->entry))
        log_error("access", "the audit log could not be written: %.*s of %.*s by %.*s",
                  SLICE_ARG(j->entry.operation), SLICE_ARG(j->entry.object),
                  SLICE_ARG(j->entry.who));
}

void access_audit(struct access *a, const struct audit_entry *e)
{
    const struct slice *const from[TEXTS] = {
        &e->org,       &e->who_kind, &e->who,     &e->who_name, &e->address, &e->via,  &e->request,
        &e->operation, &e->object,   &e->outcome, &e->detail,   &e->before,  &e->after};
    size_t n = 0;
    for (size_t i = 0; i < TEXTS; i++)
        n += from[i]->n;
    struct audit_job *j = a->stopped ? NULL : malloc(sizeof *j + n);
    if (!j)
        return;
    *j = (struct audit_job){.access = a, .entry = *e};
    struct slice *const to[TEXTS] = {&j->entry.org,      &j->entry.who_kind,  &j->entry.who,
                                     &j->entry.who_name, &j->entry.address,   &j->entry.via,
                                     &j->entry.request,  &j->entry.operation, &j->entry.object,
                                     &j->entry.outcome,  &j->entry.detail,    &j->entry.before,
                                     &j->entry.after};
    char *at = (char *)(j + 1);
    for (size_t i = 0; i < TEXTS; i++) {
        if (from[i]->n)
            memcpy(at, from[i]->p, from[i]->n);
        *to[i] = slice_of(at, from[i]->n);
        at += from[i]->n;
    }
    j->job = (struct pool_job){.work = write_work, .done = free, .arg = j};
    pool_submit(a->writes, &j->job);
}
