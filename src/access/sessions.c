#include "access/sessions.h"

#include "access/ask.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdlib.h>

static int64_t earlier(int64_t a, int64_t b)
{
    return b && b < a ? b : a;
}

/* The organisation that a new session means: the first when they are a member, else any. */
static const char *org_for(const struct access *a, const char *person)
{
    const struct person *p = access_find(a, RECORD_PERSON, slice_str(person));
    const struct member *m = NULL;
    size_t at = 0;
    if (!p)
        return NULL;
    if (a->first && map_get(&p->memberships, slice_str(a->first->e.id)))
        return a->first->e.id;
    m = map_next(&p->memberships, &at);
    return m ? m->org->e.id : NULL;
}

/* Make room for one more. */
static void end_oldest(struct change *ch, const char *person)
{
    const struct map *all = &ch->access->kinds[RECORD_SESSION];
    const struct session *s, *oldest = NULL;
    size_t at = 0, n = 0;
    while ((s = map_next(all, &at))) {
        if (!s->person || strcmp(s->person->e.id, person) != 0)
            continue;
        n++;
        if (!oldest || s->seen_us < oldest->seen_us)
            oldest = s;
    }
    if (n >= SESSIONS_OF_PERSON)
        change_remove(ch, RECORD_SESSION, oldest->e.id);
}

void session_put(struct change *ch, struct session_plan *s)
{
    struct token t;
    struct jval *doc = change_doc(ch);
    int64_t grant_us = s->grant ? s->grant->expires_us : 0;
    token_make(TOKEN_SESSION, s->secret, &t);
    doc_hash(ch, doc, t.hash);
    if (s->person)
        end_oldest(ch, s->person);
    if (ch->who->session)
        change_remove(ch, RECORD_SESSION, ch->who->session->e.id);
    doc_string(ch, doc, "person", s->person);
    doc_string(ch, doc, "grant", s->grant ? s->grant->e.id : NULL);
    const char *org =
        s->person && !s->organization ? org_for(ch->access, s->person) : s->organization;
    doc_string(ch, doc, "organization", org);
    if (org && !ch->audit.org.n)
        ch->audit.org = slice_str(org);
    doc_time(ch, doc, "created", ch->now_us);
    doc_time(ch, doc, "seen", ch->now_us);
    doc_time(ch, doc, "authenticated", ch->now_us);
    doc_time(ch, doc, "expires", earlier(ch->now_us + SESSION_IDLE_US, grant_us));
    doc_string(ch, doc, "address", ch->from.address);
    doc_string(ch, doc, "agent", ch->from.agent);
    doc_string(ch, doc, "how", s->how);
    if (doc && s->identity)
        jval_set(ch->arena, doc, SLICE_LIT("identity"), jval_copy(ch->arena, s->identity));
    change_put(ch, RECORD_SESSION, t.id, doc);
}

void session_put_again(struct change *ch, const struct session *s, struct jval *doc)
{
    change_put(ch, RECORD_SESSION, s->e.id, doc);
}

void sessions_remove(struct change *ch, const struct person *p, const struct session *but)
{
    const struct map *all = &ch->access->kinds[RECORD_SESSION];
    const struct session *s;
    size_t at = 0;
    while ((s = map_next(all, &at)))
        if (s->person == p && s != but)
            change_remove(ch, RECORD_SESSION, s->e.id);
}

bool session_is_fresh(const struct principal *who, int64_t now_us)
{
    const struct session *s = who->session;
    if (!s || who->gone || !who->person)
        return false;
    int64_t long_us = strcmp(s->how, "setup") == 0 ? SESSION_FRESH_SETUP_US : SESSION_FRESH_US;
    return now_us - s->authenticated_us < long_us;
}

/* ---- when it was used ---- */

static int note_seen(struct change *ch)
{
    const struct session *s = access_find(ch->access, RECORD_SESSION, slice_str(ch->arg));
    ch->quiet = true;
    if (!s || ch->now_us - s->seen_us < SESSION_SEEN_US)
        return 0; /* it has ended, or somebody else has written it */
    struct jval *doc = jval_copy(ch->arena, s->e.doc);
    int64_t end_us = earlier(s->created_us + SESSION_WHOLE_US, s->grant ? s->grant->expires_us : 0);
    doc_time(ch, doc, "seen", ch->now_us);
    doc_time(ch, doc, "expires", earlier(ch->now_us + SESSION_IDLE_US, end_us));
    session_put_again(ch, s, doc);
    return 0;
}

static void forget_id(struct change *ch)
{
    free(ch->arg);
}

void session_seen(struct access *a, struct session *s)
{
    int64_t now_us = clock_now_us();
    if (now_us - s->seen_us < SESSION_SEEN_US || a->stopped)
        return;
    char *id = strdup(s->e.id);
    if (id)
        access_change(a, &(struct change_plan){
                             .who = a->system, .prepare = note_seen, .done = forget_id, .arg = id});
}

/* ---- changes of one's own ---- */

static int own(struct change *ch)
{
    return ch->who->session && !ch->who->gone
               ? 0
               : change_refuse(ch, ERR_UNAUTHENTICATED, "There is no session that could end.");
}

int session_sign_out(struct change *ch)
{
    int err = own(ch);
    if (err)
        return err;
    change_remove(ch, RECORD_SESSION, ch->who->session->e.id);
    change_audit(ch, "session:end", arena_printf(ch->arena, "session:%s", ch->who->session->e.id),
                 NULL, NULL);
    return 0;
}

int session_switch_org(struct change *ch)
{
    const struct session_switch *w = ch->arg;
    int err = own(ch);
    if (err)
        return err;
    const struct person *p = ch->who->person;
    const struct member *m = p ? map_get(&p->memberships, w->organization) : NULL;
    if (!m)
        return change_refuse(ch, ERR_NOT_FOUND,
                             "You are a member of no organisation of that name.");
    struct jval *doc = jval_copy(ch->arena, ch->who->session->e.doc);
    ch->quiet = true; /* it changes what is meant, and nothing that others could see */
    doc_string(ch, doc, "organization", m->org->e.id);
    session_put_again(ch, ch->who->session, doc);
    return 0;
}

int session_revoke(struct change *ch)
{
    const struct session_ending *e = ch->arg;
    const struct person *p = ch->who->person;
    const struct session *s = access_find(ch->access, RECORD_SESSION, e->id);
    if (!p || ch->who->gone)
        return change_refuse(ch, ERR_UNAUTHENTICATED, "Only a person has sessions.");
    if (!ch->who->session)
        return change_refuse(ch, ERR_FORBIDDEN, "A token ends no sessions: sign in.");
    if (e->id.n && (!s || s->person != p))
        return change_refuse(ch, ERR_NOT_FOUND, "You have no such session.");
    if (s)
        change_remove(ch, RECORD_SESSION, s->e.id);
    else
        sessions_remove(ch, p, ch->who->session);
    change_audit(ch, "session:end",
                 s ? arena_printf(ch->arena, "session:%s", s->e.id) : "session:others", NULL, NULL);
    return 0;
}
