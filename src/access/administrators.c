/* administrators.c - who looks after the installation: its organisations, quotas and providers. */
#include "access/orgs.h"
#include "access/people.h"
#include "base/err.h"

/* The person of the address, who has an account that can sign in. */
static int find(struct change *ch, struct person **ret)
{
    const struct access_object everything = {0};
    int err = change_check(ch, OP_INSTALLATION_MANAGE, &everything);
    struct person *p = err ? NULL : access_find(ch->access, RECORD_PERSON, ask_of(ch)->id);
    if (!err && (!p || p->gone || p->disabled))
        err = change_refuse(ch, ERR_NOT_FOUND, "There is no such person, or their account is off.");
    *ret = p;
    return err;
}

static void put(struct change *ch, const struct person *p, bool installation)
{
    struct jval *doc = doc_copy(ch, p->e.doc);
    doc_bool(ch, doc, "installation", installation);
    change_put(ch, RECORD_PERSON, p->e.id, doc);
    person_audit(ch, op_info(OP_INSTALLATION_MANAGE)->name, p->e.id);
    ch->audit.org = (struct slice){0};
    ch->audit.before =
        installation ? SLICE_LIT("{\"installation\":false}") : SLICE_LIT("{\"installation\":true}");
    ch->audit.after =
        installation ? SLICE_LIT("{\"installation\":true}") : SLICE_LIT("{\"installation\":false}");
}

int administrator_add(struct change *ch)
{
    struct person *p;
    int err = find(ch, &p);
    if (!err)
        err = ask_fresh(ch);
    if (!err && p->provisional)
        err = change_refuse(ch, ERR_CONFLICT,
                            "They have neither a password nor a passkey yet, so they could not "
                            "come in again.");
    if (!err && !p->installation)
        put(ch, p, true);
    return err;
}

int administrator_remove(struct change *ch)
{
    struct person *p;
    int err = find(ch, &p);
    if (!err)
        err = ask_fresh(ch);
    if (!err && !p->installation)
        err = change_refuse(ch, ERR_NOT_FOUND, "They are no administrator of the installation.");
    if (!err && ch->access->administrators <= 1)
        err = change_refuse(ch, ERR_CONFLICT,
                            "They are the only administrator of the installation; make somebody "
                            "else one before.");
    if (!err)
        put(ch, p, false);
    return err;
}
