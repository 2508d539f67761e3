/* account.c - /api/v1/account: what somebody has and changes of their own. */
#include "access/audit.h"
#include "api/people.h"

#include "base/clock.h"
#include "base/err.h"

/* The person who asks; NULL: answered. */
static struct person *asker(struct call *call)
{
    struct person *p = call->who->kind == WHO_PERSON ? call->who->person : NULL;
    if (!p)
        call_denied(call, ERR_FORBIDDEN, OP_PUBLIC, "Only a person has an account.");
    return p;
}

static void put_word(struct json_writer *w, const char *key, const char *word)
{
    json_key(w, key);
    json_put_cstr(w, word);
}

static void put_time(struct json_writer *w, const char *key, int64_t t_us)
{
    if (!t_us)
        return;
    json_key(w, key);
    json_put_time(w, t_us);
}

static void put_bool(struct json_writer *w, const char *key, bool is)
{
    json_key(w, key);
    json_put_bool(w, is);
}

static void put_count(struct json_writer *w, const char *key, const struct jval *list)
{
    json_key(w, key);
    json_put_uint(w, list ? list->count : 0);
}

/* ---- who they are ---- */

static void answer_account(struct call *call)
{
    const struct person *p = call->who->person;
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    put_word(&w, "id", p->e.id);
    put_word(&w, "name", p->name);
    put_word(&w, "email", p->email);
    const struct jval *verified = jval_get(p->e.doc, "emailVerified");
    put_bool(&w, "emailVerified", verified && verified->boolean);
    put_bool(&w, "provisional", p->provisional);
    put_bool(&w, "installation", p->installation);
    put_bool(&w, "secondFactor", p->second_factor);
    put_bool(&w, "password", jval_get(p->e.doc, "password"));
    put_bool(&w, "totp", jval_get(p->e.doc, "totp"));
    put_count(&w, "recoveryCodes", jval_get(p->e.doc, "recovery"));
    put_count(&w, "passkeys", jval_get(p->e.doc, "passkeys"));
    put_bool(&w, "fresh", session_is_fresh(call->who, clock_now_us()));
    put_time(&w, "created", p->created_us);
    json_close(&w, '}');
    call_json(call, 200, &b);
}

void account_read(struct call *call)
{
    if (asker(call))
        answer_account(call);
}

void account_change(struct call *call)
{
    static const char *const members[] = {"name", "email", NULL};
    struct account_profile *w = call_alloc(call, sizeof *w);
    if (w && asker(call) && call_members(call, members) &&
        call_text(call, "name", false, &w->name) && call_text(call, "email", false, &w->email))
        call_change(call, account_profile_set, w, answer_account);
}

static void on_erased(void *arg, int err, const char *detail)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    if (call->who->gone)
        session_clear_cookie(call);
    if (err)
        call_denied(call, err, OP_PUBLIC, detail);
    else
        http_respond(call->req, 204, NULL, slice_of("", 0));
}

void account_delete(struct call *call)
{
    if (!asker(call))
        return;
    call_wait(call, NULL);
    account_erase(core_access(call->core), &(struct asker){call->who, call->from}, on_erased, call);
}

/* ---- everything that is kept ---- */

/* The records are written at once; the lines of the audit log come in turns, first what they did,
 * then what was done about them. */
struct exporting {
    struct call *call;
    struct audit_query query;
    struct audit_job *job;
    const char *id;
    bool about;
    struct buf out;
    struct json_writer w;
};
enum { EXPORT_LINES = 100000 };

static bool on_line(void *arg, const struct audit_row *row)
{
    struct exporting *e = arg;
    audit_write_json(&e->w, row);
    return e->out.failed;
}

static void read_lines(struct exporting *e);

static void on_lines(void *arg, const struct audit_turn *turn)
{
    struct exporting *e = arg;
    struct call *call = e->call;
    if (!turn->ended) {
        audit_go(e->job);
        return;
    }
    json_close(&e->w, ']');
    if (call->gone) {
        buf_release(&e->out);
        http_release(call->req);
    } else if (turn->err) {
        buf_release(&e->out);
        call_problem(call, turn->err, NULL);
    } else if (!e->about) {
        e->about = true;
        read_lines(e);
    } else {
        json_close(&e->w, '}');
        http_add_header(call->req, "Content-Disposition", "attachment; filename=\"account.json\"");
        call_json(call, 200, &e->out);
    }
}

static void read_lines(struct exporting *e)
{
    static const struct audit_taker taker = {on_line, on_lines};
    e->query = (struct audit_query){.from_us = INT64_MIN, .to_us = INT64_MAX};
    if (e->about)
        e->query.object = slice_str(arena_printf(e->call->arena, "person:%s", e->id));
    else
        e->query.who = slice_str(e->id);
    json_key(&e->w, e->about ? "auditAbout" : "audit");
    json_open(&e->w, '[');
    e->job = access_audit_read(core_access(e->call->core), &e->query, EXPORT_LINES, &taker, e);
    if (e->job)
        return;
    buf_release(&e->out);
    call_problem(e->call, ERR_NOMEM, NULL);
}

static void on_export_gone(struct call *call)
{
    (void)call; /* the last turn releases */
}

void account_read_all(struct call *call)
{
    struct person *p = asker(call);
    struct exporting *e = p ? call_alloc(call, sizeof *e) : NULL;
    if (!e)
        return;
    e->call = call;
    e->id = arena_strndup(call->arena, p->e.id, strlen(p->e.id));
    json_writer_init(&e->w, &e->out, 2);
    json_open(&e->w, '{');
    account_export(core_access(call->core), p, &e->w);
    call_wait(call, on_export_gone);
    read_lines(e);
}

/* ---- sessions ---- */

static void put_session(struct json_writer *w, const struct session *s, bool current)
{
    json_open(w, '{');
    put_word(w, "id", s->e.id);
    put_bool(w, "current", current);
    put_time(w, "created", s->created_us);
    put_time(w, "seen", s->seen_us);
    put_word(w, "address", s->address);
    put_word(w, "agent", s->agent);
    put_word(w, "how", s->how);
    put_time(w, "expires", s->expires_us);
    json_close(w, '}');
}

void account_sessions(struct call *call)
{
    const struct access *a = core_access(call->core);
    struct person *p = asker(call);
    const struct session *s;
    int64_t now_us = clock_now_us();
    size_t at = 0;
    struct buf b = {0};
    struct json_writer w;
    if (!p)
        return;
    call_rows_begin(&w, &b, "sessions");
    while ((s = map_next(&a->kinds[RECORD_SESSION], &at)))
        if (s->person == p && s->expires_us > now_us)
            put_session(&w, s, s == call->who->session);
    call_rows_end(call, &w, &b);
}

static void end_sessions(struct call *call, struct slice id)
{
    struct session_ending *e = call_alloc(call, sizeof *e);
    if (!e)
        return;
    e->id = id;
    call_change(call, session_revoke, e, NULL);
}

void account_sessions_end(struct call *call)
{
    end_sessions(call, slice_of("", 0));
}

void account_session_end(struct call *call)
{
    end_sessions(call, call->parts[0]);
}

/* ---- one-time codes ---- */

void account_totp_start(struct call *call)
{
    char secret[33];
    const char *why;
    struct buf uri = {0}, b = {0};
    struct json_writer w;
    if (!asker(call))
        return;
    int err = account_totp_begin(core_access(call->core), call->who, secret, &uri, &why);
    if (err) {
        call_denied(call, err, OP_PUBLIC, why);
    } else {
        json_writer_init(&w, &b, 0);
        json_open(&w, '{');
        put_word(&w, "secret", secret);
        json_key(&w, "uri");
        json_put_string(&w, buf_slice(&uri));
        json_close(&w, '}');
        call_json(call, 200, &b);
    }
    buf_release(&uri);
}

static void answer_codes(struct call *call)
{
    const struct account_codes *c = call->data;
    struct buf b = {0};
    struct json_writer w;
    call_rows_begin(&w, &b, "recoveryCodes");
    for (size_t i = 0; i < RECOVERY_CODES; i++)
        json_put_cstr(&w, c->recovery[i]);
    call_rows_end(call, &w, &b);
}

void account_totp_put(struct call *call)
{
    static const char *const members[] = {"code", NULL};
    struct account_codes *c = call_alloc(call, sizeof *c);
    if (c && call_members(call, members) && call_text(call, "code", true, &c->code))
        call_change(call, account_totp_confirm, c, answer_codes);
}

void account_totp_delete(struct call *call)
{
    call_change(call, account_totp_disable, NULL, NULL);
}

void account_recovery_make(struct call *call)
{
    struct account_codes *c = call_alloc(call, sizeof *c);
    if (c)
        call_change(call, account_recovery_codes, c, answer_codes);
}

/* ---- tokens ---- */

static void put_token(struct json_writer *w, const struct api_token *t)
{
    const struct jval *scopes = jval_get(t->e.doc, "scopes");
    put_word(w, "id", t->e.id);
    put_word(w, "name", t->name);
    put_word(w, "organization", t->org ? t->org->e.id : NULL);
    if (scopes) {
        json_key(w, "scopes");
        jval_write(w, scopes);
    }
    put_time(w, "created", t->created_us);
    put_time_or_null(w, "expires", t->expires_us);
    put_time_or_null(w, "used", t->used_us);
}

void account_tokens(struct call *call)
{
    const struct access *a = core_access(call->core);
    struct person *p = asker(call);
    const struct api_token *t;
    size_t at = 0;
    struct buf b = {0};
    struct json_writer w;
    if (!p)
        return;
    call_rows_begin(&w, &b, "tokens");
    while ((t = map_next(&a->kinds[RECORD_TOKEN], &at))) {
        if (t->person != p || t->revoked_us)
            continue;
        json_open(&w, '{');
        put_token(&w, t);
        json_close(&w, '}');
    }
    call_rows_end(call, &w, &b);
}

static void answer_token(struct call *call)
{
    const struct account_token *made = call->data;
    const struct api_token *t =
        access_find(core_access(call->core), RECORD_TOKEN, slice_str(made->id));
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    put_word(&w, "token", made->text);
    if (t)
        put_token(&w, t);
    json_close(&w, '}');
    call_json(call, 201, &b);
}

static bool read_expiry(struct call *call, int64_t *ret_us)
{
    struct slice text;
    if (!call_text(call, "expires", false, &text))
        return false;
    if (!text.p || (clock_parse(text, ret_us) == 0 && *ret_us)) /* 0 is never */
        return true;
    call_problem(call, ERR_BAD_TIME, "expires is RFC 3339, such as 2030-03-15T00:00:00Z.");
    return false;
}

void account_token_create(struct call *call)
{
    static const char *const members[] = {"name", "organization", "scopes", "expires", NULL};
    struct account_token *t = call_alloc(call, sizeof *t);
    if (!t || !call_members(call, members) || !call_text(call, "name", true, &t->name) ||
        !call_text(call, "organization", false, &t->organization) ||
        !read_expiry(call, &t->expires_us))
        return;
    const struct jval *scopes = jval_get(call->params, "scopes");
    if (scopes && scopes->type != J_NULL && scopes->type != J_ARRAY) {
        call_problem(call, ERR_INVALID, "scopes is a list of operations.");
        return;
    }
    t->scopes = scopes && scopes->type == J_ARRAY ? scopes : NULL;
    call_change(call, account_token_make, t, answer_token);
}

void account_token_delete(struct call *call)
{
    struct account_revoking *w = call_alloc(call, sizeof *w);
    if (!w)
        return;
    w->id = call->parts[0];
    call_change(call, account_token_revoke, w, NULL);
}
