/* erase.c - a person goes for good.
 *
 * First their records, in one change; then their name and addresses out of the audit log, which may
 * take a while and is done in slices.  That this is still to be done stands in a record of its own,
 * "erase:p_...", which the first change writes and a last one removes: a start goes on with what
 * was not finished. */
#include "access/account.h"

#include "access/audit.h"
#include "access/orgs.h"
#include "base/err.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

#define PREFIX "erase:"

/* A name that is one's own, of two parts, and not a word that stands in many lines. */
enum { NAME_OF_ONES_OWN = 5, ID_MAX = 64 };

struct erasing {
    struct access *access;
    account_erased_fn *fn; /* NULL: a start goes on with it */
    void *arg;
    char id[ID_MAX], record[ID_MAX + sizeof PREFIX];
};

static void end(struct erasing *e, int err, const char *detail)
{
    if (e->fn)
        e->fn(e->arg, err, detail);
    free(e);
}

/* ---- the audit log ---- */

static int prepare_forget(struct change *ch)
{
    const struct erasing *e = ch->arg;
    ch->quiet = true;
    change_remove(ch, RECORD_SETTING, e->record);
    return 0;
}

static void on_noted(struct change *ch)
{
    end(ch->arg, 0, NULL); /* should it not be noted, a start looks once more and finds nothing */
}

static void on_forgotten(void *arg, int err, uint64_t lines)
{
    struct erasing *e = arg;
    if (!err) {
        access_change(e->access, &(struct change_plan){.who = e->access->system,
                                                       .prepare = prepare_forget,
                                                       .done = on_noted,
                                                       .arg = e});
        return;
    }
    log_error("access", "%s is erased, but not yet from all of the audit log (%llu lines): %s",
              e->id, (unsigned long long)lines, err_info(err)->text);
    end(e, err,
        "You are erased, but not yet from all lines of the audit log: the next start of the "
        "server goes on with it.");
}

static void forget(struct erasing *e)
{
    const struct entity *kept = access_find(e->access, RECORD_SETTING, slice_str(e->record));
    const struct slice words[] = {jval_string(jval_get(kept ? kept->doc : NULL, "email")),
                                  jval_string(jval_get(kept ? kept->doc : NULL, "name"))};
    access_audit_erase(e->access, slice_str(e->id), words, 2, on_forgotten, e);
}

/* ---- the records ---- */

static void put_words(struct change *ch, const struct erasing *e, const struct person *p)
{
    struct jval *doc = change_doc(ch);
    bool own = strlen(p->name) >= NAME_OF_ONES_OWN && strchr(p->name, ' ');
    doc_string(ch, doc, "email", p->email);
    doc_string(ch, doc, "name", own ? p->name : "");
    change_put(ch, RECORD_SETTING, e->record, doc);
}

static int prepare_erase(struct change *ch)
{
    struct erasing *e = ch->arg;
    struct person *p;
    int err = change_fresh_person(ch, &p);
    if (err)
        return err;
    if (p->installation && ch->access->administrators <= 1)
        return change_refuse(ch, ERR_CONFLICT,
                             "You are the only administrator of the installation; make somebody "
                             "else one before.");
    if ((err = forget_person(ch, p)))
        return err;
    snprintf(e->id, sizeof e->id, "%s", p->e.id);
    snprintf(e->record, sizeof e->record, PREFIX "%s", p->e.id);
    sessions_remove(ch, p, NULL);
    change_remove(ch, RECORD_PERSON, p->e.id);
    put_words(ch, e, p);
    person_audit(ch, "account:erase", p->e.id);
    return 0;
}

static void on_erased(struct change *ch)
{
    struct erasing *e = ch->arg;
    if (ch->err)
        end(e, ch->err, ch->detail);
    else
        forget(e);
}

void account_erase(struct access *a, const struct asker *by, account_erased_fn *fn, void *arg)
{
    struct erasing *e = calloc(1, sizeof *e);
    if (!e) {
        fn(arg, ERR_NOMEM, NULL);
        return;
    }
    *e = (struct erasing){.access = a, .fn = fn, .arg = arg};
    access_change(a, &(struct change_plan){.who = by->who,
                                           .from = by->from,
                                           .prepare = prepare_erase,
                                           .done = on_erased,
                                           .arg = e});
}

void erasures_resume(struct access *a)
{
    const struct entity *kept;
    size_t at = 0;
    while ((kept = map_next(&a->kinds[RECORD_SETTING], &at))) {
        struct slice record = slice_str(kept->id);
        struct erasing *e = slice_starts(record, PREFIX) ? calloc(1, sizeof *e) : NULL;
        if (!e)
            continue;
        e->access = a;
        snprintf(e->record, sizeof e->record, "%s", kept->id);
        snprintf(e->id, sizeof e->id, "%s", kept->id + sizeof PREFIX - 1);
        forget(e);
    }
}
