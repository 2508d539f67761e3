#include "access/join.h"

#include "access/ask.h"
#include "access/knock.h"
#include "access/orgs.h"
#include "access/people.h"
#include "base/err.h"

/* The address of the account: that of the invitation, when it is for one. */
static int choose_email(struct change *ch, const struct entity *invitation, struct slice *ret)
{
    const struct joining *j = ch->arg;
    struct slice bound = doc_text(invitation, "email");
    struct slice typed = j->email.n ? person_email(ch->arena, j->email) : slice_of("", 0);
    if (!typed.p)
        return change_refuse(ch, ERR_INVALID, "\"email\" is an address such as ada@example.org.");
    if (bound.n && typed.n && !slice_eq(bound, typed))
        return change_refuse(ch, ERR_FORBIDDEN, "The invitation is for %.*s.", SLICE_ARG(bound));
    struct slice email = bound.n ? bound : typed;
    if (j->password && !email.n)
        return change_refuse(ch, ERR_INVALID, "\"email\" is missing: it goes with a password.");
    if (email.n && map_get(&ch->access->emails, email)) {
        /* an open invitation would tell of any address: not of many */
        if (!bound.n && ch->access->knocks)
            knock_wrong(ch->access->knocks, ch->from.address);
        return change_refuse(ch, ERR_EXISTS,
                             "There is an account of that address: sign in, then open the "
                             "invitation again.");
    }
    *ret = email;
    return 0;
}

static int choose_name(struct change *ch, struct slice email, struct slice *ret)
{
    const struct joining *j = ch->arg;
    ptrdiff_t at = slice_find(email, '@');
    struct slice name = slice_trim(j->name);
    if (!name.n && at > 0)
        name = slice_of(email.p, (size_t)at < PERSON_NAME_MAX ? (size_t)at : PERSON_NAME_MAX);
    if (!person_name_ok(name))
        return change_refuse(ch, ERR_INVALID, "\"name\" is a text of 1 to %d bytes.",
                             PERSON_NAME_MAX);
    *ret = name;
    return 0;
}

int invitation_join(struct change *ch)
{
    struct joining *j = ch->arg;
    struct entity *invitation = NULL;
    struct slice email = {0}, name = {0};
    int err = invitation_find(ch->access, j->token, ch->now_us, &invitation);
    if (err)
        return change_refuse(ch, err,
                             err == ERR_TOKEN_EXPIRED
                                 ? "The invitation has expired; ask for another."
                                 : "There is no such invitation, or it was used already.");
    err = choose_email(ch, invitation, &email);
    if (!err)
        err = choose_name(ch, email, &name);
    if (err)
        return err;
    person_make_id(j->person);
    struct jval *doc = change_doc(ch);
    doc_slice(ch, doc, "name", name);
    if (email.n)
        doc_slice(ch, doc, "email", email);
    if (jval_get(invitation->doc, "vouched"))
        doc_bool(ch, doc, "emailVerified", true);
    doc_string(ch, doc, "password", j->password);
    doc_time(ch, doc, "created", ch->now_us);
    change_put(ch, RECORD_PERSON, j->person, doc);
    err = invitation_use(ch, invitation, j->person, NULL);
    if (err)
        return err;
    j->session.person = j->person;
    j->session.organization = org_slug(invitation_org(ch->access, invitation));
    j->session.how = "invitation";
    session_put(ch, &j->session);
    /* who comes in stands in the audit log, not nobody */
    ch->audit.who_kind = SLICE_LIT("person");
    ch->audit.who = slice_str(j->person);
    ch->audit.who_name = name;
    return 0;
}
