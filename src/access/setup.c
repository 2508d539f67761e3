#include "access/setup.h"

#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>

static bool is_administrator(const struct person *p)
{
    return p->installation && !p->disabled && !p->gone;
}

bool setup_is_wanted(const struct access *a)
{
    const struct person *p;
    size_t at = 0;
    while ((p = map_next(&a->kinds[RECORD_PERSON], &at)))
        if (is_administrator(p) && !p->provisional)
            return false;
    return !a->open;
}

/* NULL: there is none. */
static const struct person *first_administrator(const struct access *a)
{
    const struct person *p, *first = NULL;
    size_t at = 0;
    while ((p = map_next(&a->kinds[RECORD_PERSON], &at)))
        if (is_administrator(p) && (!first || p->created_us < first->created_us))
            first = p;
    return first;
}

int setup_link(struct access *a, struct slice email, char ret[static TOKEN_CHARACTERS_MAX + 1])
{
    struct people *people = a->people;
    const struct person *p = email.n ? map_get(&a->emails, email) : first_administrator(a);
    struct token t;
    if (email.n && (!p || p->disabled))
        return ERR_NOT_FOUND;
    token_make(TOKEN_SETUP, ret, &t);
    memcpy(people->setup.hash, t.hash, sizeof people->setup.hash);
    people->setup.there = true;
    people->setup.made_us = clock_mono_us();
    snprintf(people->setup.person, sizeof people->setup.person, "%s", p ? p->e.id : "");
    return 0;
}

/* Is it the token, and still good?  Then it is used up. */
static bool take(struct people *people, struct slice text)
{
    struct token t;
    if (!people->setup.there || token_read(text, &t) || t.kind != TOKEN_SETUP ||
        clock_mono_us() - people->setup.made_us >= SETUP_LINK_US ||
        !digest_equal(slice_of((const char *)t.hash, sizeof t.hash),
                      slice_of((const char *)people->setup.hash, sizeof people->setup.hash)))
        return false;
    people->setup.there = false;
    return true;
}

static void make_first(struct change *ch, const char *id)
{
    struct jval *person = change_doc(ch), *member = change_doc(ch);
    doc_string(ch, person, "name", "Administrator");
    doc_bool(ch, person, "installation", true);
    doc_time(ch, person, "created", ch->now_us);
    change_put(ch, RECORD_PERSON, id, person);
    doc_string(ch, member, "role", role_name(ROLE_ADMINISTRATOR));
    doc_time(ch, member, "since", ch->now_us);
    change_put(ch, RECORD_MEMBER, arena_printf(ch->arena, "%s/%s", ch->access->first->e.id, id),
               member);
}

int setup_open(struct change *ch)
{
    struct setup_opening *s = ch->arg;
    struct people *people = ch->access->people;
    if (!take(people, s->token))
        return change_refuse(ch, ERR_CREDENTIALS,
                             "This link was used already, has expired, or a newer one was made: "
                             "\"doppel setup-link\" makes another.");
    const struct person *p = first_administrator(ch->access);
    if (people->setup.person[0])
        p = access_find(ch->access, RECORD_PERSON, slice_str(people->setup.person));
    if (people->setup.person[0] && (!p || p->disabled))
        return change_refuse(ch, ERR_CREDENTIALS, "Whom this link was for has no account now.");
    if (p) {
        snprintf(s->person, sizeof s->person, "%s", p->e.id);
    } else {
        person_make_id(s->person);
        make_first(ch, s->person);
    }
    s->session.person = s->person;
    s->session.how = "setup";
    s->session.organization = p ? NULL : ch->access->first->e.id;
    session_put(ch, &s->session);
    person_audit(ch, "setup", s->person);
    ch->audit.who_kind = SLICE_LIT("person");
    ch->audit.who = slice_str(s->person);
    ch->audit.who_name = slice_str(p ? p->name : "Administrator");
    return 0;
}
