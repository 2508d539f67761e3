/* tokens.c - API tokens that a person makes for programs of theirs. */
#include "access/account.h"
#include "access/ask.h"

#include "base/clock.h"
#include "base/err.h"

#include <stdlib.h>

struct slice scopes_fault(const struct jval *scopes)
{
    for (const struct jval *v = scopes ? scopes->first : NULL; v; v = v->next)
        if (op_by_name(jval_string(v)) < 0)
            return jval_string(v).p ? jval_string(v) : SLICE_LIT("what is no text");
    return slice_of(NULL, 0);
}

static bool holds(const struct api_token *t, int64_t now_us)
{
    return !t->revoked_us && (!t->expires_us || t->expires_us > now_us);
}

static size_t count_tokens(const struct access *a, const struct person *p, int64_t now_us)
{
    const struct api_token *t;
    size_t at = 0, n = 0;
    while ((t = map_next(&a->kinds[RECORD_TOKEN], &at)))
        n += t->person == p && holds(t, now_us);
    return n;
}

/* Which organisation the token is for; NULL: refused. */
static const struct org *org_of(struct change *ch, const struct person *p, struct slice slug)
{
    struct slice of = slug.p ? slug : slice_str(ch->who->org ? ch->who->org->e.id : NULL);
    const struct member *m = map_get(&p->memberships, of);
    if (!m)
        change_refuse(ch, ERR_INVALID, "You are a member of no organisation \"%.*s\".",
                      of.n > 64 ? 64 : (int)of.n, of.p ? of.p : "");
    return m ? m->org : NULL;
}

static int check_token(struct change *ch, const struct account_token *w, const struct person *p)
{
    struct slice fault = scopes_fault(w->scopes);
    if (!person_name_ok(w->name))
        return change_refuse(ch, ERR_INVALID, "A name has 1 to %d bytes and no control characters.",
                             PERSON_NAME_MAX);
    if (fault.p)
        return change_refuse(ch, ERR_INVALID,
                             "\"%.*s\" is no scope: /api/v1/operations tells which there are.",
                             fault.n > 64 ? 64 : (int)fault.n, fault.p);
    if (w->expires_us && w->expires_us <= ch->now_us)
        return change_refuse(ch, ERR_INVALID, "expires lies in the past.");
    if (count_tokens(ch->access, p, ch->now_us) >= TOKENS_OF_PERSON)
        return change_refuse(ch, ERR_QUOTA, "You have %d tokens already: revoke one.",
                             TOKENS_OF_PERSON);
    return 0;
}

int account_token_make(struct change *ch)
{
    struct account_token *w = ch->arg;
    struct person *p;
    struct token t;
    int err = change_fresh_person(ch, &p);
    if (!err)
        err = check_token(ch, w, p);
    const struct org *org = err ? NULL : org_of(ch, p, w->organization);
    if (!org)
        return ch->err;
    struct jval *doc = change_doc(ch);
    token_make(TOKEN_PERSON, w->text, &t);
    memcpy(w->id, t.id, sizeof w->id);
    doc_string(ch, doc, "kind", "pat");
    doc_hash(ch, doc, t.hash);
    doc_string(ch, doc, "person", p->e.id);
    doc_string(ch, doc, "organization", org->e.id);
    doc_slice(ch, doc, "name", slice_trim(w->name));
    struct jval *scopes = w->scopes ? jval_copy(ch->arena, w->scopes) : NULL;
    if (scopes)
        jval_set(ch->arena, doc, SLICE_LIT("scopes"), scopes);
    doc_time(ch, doc, "created", ch->now_us);
    doc_time(ch, doc, "expires", w->expires_us);
    change_put(ch, RECORD_TOKEN, t.id, w->scopes && !scopes ? NULL : doc);
    person_audit(ch, "account:token", p->e.id);
    ch->audit.detail = slice_str(arena_printf(ch->arena, "made token:%s", t.id));
    return 0;
}

/* Its owner may, when they are signed in; and the token itself. */
int account_token_revoke(struct change *ch)
{
    const struct account_revoking *w = ch->arg;
    const struct api_token *t = access_find(ch->access, RECORD_TOKEN, w->id);
    struct person *p;
    int err = change_person(ch, &p);
    if (err)
        return err;
    if (!t || t->person != p || t->revoked_us)
        return change_refuse(ch, ERR_NOT_FOUND, "You have no such token.");
    if (!ch->who->session && ch->who->token != t)
        return change_refuse(ch, ERR_FORBIDDEN, "A token revokes itself and no other: sign in.");
    struct jval *doc = jval_copy(ch->arena, t->e.doc);
    doc_time(ch, doc, "revoked", ch->now_us);
    change_put(ch, RECORD_TOKEN, t->e.id, doc);
    person_audit(ch, "account:token", p->e.id);
    ch->audit.detail = slice_str(arena_printf(ch->arena, "revoked token:%s", t->e.id));
    return 0;
}

/* ---- when it was used ---- */

static int note_seen(struct change *ch)
{
    const struct api_token *t = access_find(ch->access, RECORD_TOKEN, slice_str(ch->arg));
    ch->quiet = true;
    if (!t || ch->now_us - t->used_us < SESSION_SEEN_US)
        return 0;
    struct jval *doc = jval_copy(ch->arena, t->e.doc);
    doc_time(ch, doc, "used", ch->now_us);
    change_put(ch, RECORD_TOKEN, t->e.id, doc);
    return 0;
}

static void forget_id(struct change *ch)
{
    free(ch->arg);
}

void api_token_seen(struct access *a, struct api_token *t)
{
    if (clock_now_us() - t->used_us < SESSION_SEEN_US || a->stopped)
        return;
    char *id = strdup(t->e.id);
    if (id)
        access_change(a, &(struct change_plan){
                             .who = a->system, .prepare = note_seen, .done = forget_id, .arg = id});
}
