/* session.c - /api/v1/session and /api/v1/setup: who is signed in, and how that begins and ends. */
#include "api/people.h"

#include "access/audit.h"
#include "base/err.h"

#include <stdio.h>

enum { DAY_S = 86400, SESSION_COOKIE_DAYS = 30, BROWSER_COOKIE_DAYS = 365 };

/* ---- for all handlers of people ---- */

void *call_alloc(struct call *call, size_t n)
{
    void *p = arena_zalloc(call->arena, n);
    if (!p)
        call_problem(call, ERR_NOMEM, NULL);
    return p;
}

struct changing {
    struct call *call;
    int (*prepare)(struct change *ch);
    void (*answer)(struct call *call);
    void *arg;
};

static int on_prepare(struct change *ch)
{
    struct changing *c = ch->arg;
    ch->arg = c->arg;
    int err = c->prepare(ch);
    ch->arg = c;
    return err;
}

static void on_changed(struct change *ch)
{
    struct changing *c = ch->arg;
    if (!call_alive(c->call))
        return;
    if (ch->err)
        call_denied(c->call, ch->err, OP_PUBLIC, ch->detail);
    else if (c->answer)
        c->answer(c->call);
    else
        http_respond(c->call->req, 204, NULL, slice_of("", 0));
}

void call_change(struct call *call, int (*prepare)(struct change *ch), void *arg,
                 void (*answer)(struct call *call))
{
    struct changing *c = call_alloc(call, sizeof *c);
    if (!c)
        return;
    *c = (struct changing){call, prepare, answer, arg};
    call->data = arg;
    call_wait(call, NULL);
    access_change(core_access(call->core), &(struct change_plan){.who = call->who,
                                                                 .from = call->from,
                                                                 .prepare = on_prepare,
                                                                 .done = on_changed,
                                                                 .arg = c});
}

bool call_members(struct call *call, const char *const *names)
{
    if (!call_json_type(call) || !call_json_params(call))
        return false;
    for (const struct jval *v = call->params->first; v; v = v->next) {
        bool known = false;
        for (const char *const *n = names; *n && !known; n++)
            known = slice_is(v->key, *n);
        if (!known) {
            call_problemf(call, ERR_INVALID, "\"%.*s\" is not known here.",
                          v->key.n > 60 ? 60 : (int)v->key.n, v->key.p);
            return false;
        }
    }
    return true;
}

bool call_text(struct call *call, const char *key, bool needed, struct slice *ret)
{
    const struct jval *v = jval_get(call->params, key);
    *ret = slice_of(NULL, 0);
    if ((!v || v->type == J_NULL) && !needed)
        return true;
    if (!v || v->type != J_STRING) {
        call_problemf(call, ERR_INVALID, "\"%s\" is a text%s.", key, v ? "" : ", and is missing");
        return false;
    }
    *ret = v->text.p ? v->text : slice_of("", 0);
    return true;
}

/* ---- cookies ---- */

void session_set_cookie(struct call *call, const char *name, const char *value, long seconds)
{
    http_add_headerf(call->req, "Set-Cookie",
                     "%s=%s; Path=/; Max-Age=%ld%s; HttpOnly; "
                     "SameSite=Strict",
                     name, value, seconds, http_is_tls(call->req) ? "; Secure" : "");
}

const char *session_cookie_of(struct call *call, const char *what)
{
    const char *name =
        arena_printf(call->arena, "%sdoppel-%s", http_is_tls(call->req) ? "__Host-" : "", what);
    return name ? name : "";
}

struct slice session_browser(const struct call *call)
{
    return call_cookie(call, http_is_tls(call->req) ? "__Host-doppel-browser" : "doppel-browser");
}

void session_clear_cookie(struct call *call)
{
    session_set_cookie(call, session_cookie_name(call), "", 0);
}

/* ---- what is told of a session ---- */

static void put_word(struct json_writer *w, const char *key, const char *word)
{
    json_key(w, key);
    json_put_cstr(w, word);
}

static void put_bool(struct json_writer *w, const char *key, bool is)
{
    json_key(w, key);
    json_put_bool(w, is);
}

static void put_providers(struct json_writer *w, const struct oidc *o)
{
    const struct oidc_settings *s;
    size_t at = 0;
    json_key(w, "providers");
    json_open(w, '[');
    while ((s = oidc_next(o, &at))) {
        json_open(w, '{');
        put_word(w, "id", s->id);
        put_word(w, "name", s->name);
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void put_person(struct json_writer *w, const struct person *p)
{
    json_key(w, "person");
    json_open(w, '{');
    put_word(w, "id", p->e.id);
    put_word(w, "name", p->name);
    put_word(w, "email", p->email);
    put_bool(w, "provisional", p->provisional);
    put_bool(w, "installation", p->installation);
    put_bool(w, "secondFactor", p->second_factor);
    json_close(w, '}');
}

static void put_org(struct json_writer *w, const struct org *o, enum access_role role)
{
    put_word(w, "id", o->e.id);
    put_word(w, "name", o->name);
    if (role)
        put_word(w, "role", role_name(role));
}

static void put_organizations(struct json_writer *w, const struct person *p)
{
    const struct member *m;
    size_t at = 0;
    json_key(w, "organizations");
    json_open(w, '[');
    while ((m = map_next(&p->memberships, &at))) {
        json_open(w, '{');
        put_org(w, m->org, m->role);
        json_close(w, '}');
    }
    json_close(w, ']');
}

static void put_operations(struct json_writer *w, const struct access *a,
                           const struct principal *who)
{
    const struct access_object o = {.org = who->org};
    json_key(w, "operations");
    json_open(w, '[');
    for (int op = 0; op < OP_COUNT; op++)
        if (access_may(a, who, (enum access_op)op, who->org ? &o : NULL))
            json_put_cstr(w, op_info((enum access_op)op)->name);
    json_close(w, ']');
}

static void put_times(struct json_writer *w, const struct principal *who)
{
    if (who->expires_us) {
        json_key(w, "expires");
        json_put_time(w, who->expires_us);
    }
    if (who->session) {
        json_key(w, "authenticated");
        json_put_time(w, who->session->authenticated_us);
    }
}

static void put_session(struct json_writer *w, const struct access *a, const struct oidc *o,
                        const struct principal *who)
{
    bool known = who->kind != WHO_ANONYMOUS;
    json_open(w, '{');
    put_bool(w, "signedIn", known);
    put_word(w, "access", access_is_open(a) ? "open" : "locked");
    put_bool(w, "setup", access_needs_setup(a));
    put_providers(w, o);
    if (known || who->everything) {
        json_key(w, "principal");
        json_open(w, '{');
        put_word(w, "kind", principal_kind_name(who->kind));
        put_word(w, "id", who->id);
        put_word(w, "name", who->name);
        json_close(w, '}');
        if (who->person)
            put_person(w, who->person);
        if (who->org) {
            json_key(w, "organization");
            json_open(w, '{');
            put_org(w, who->org, ROLE_NONE);
            json_close(w, '}');
        }
        put_word(w, "role", role_name(who->role));
        put_operations(w, a, who);
        if (who->person)
            put_organizations(w, who->person);
        put_times(w, who);
    }
    json_close(w, '}');
}

static void answer_session(struct call *call, int status_code, const struct principal *who)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    put_session(&w, core_access(call->core), call->api->opts.oidc, who);
    call_json(call, status_code, &b);
}

void session_read(struct call *call)
{
    answer_session(call, 200, call->who);
}

void session_begin(struct call *call, const char *session, const char *browser)
{
    struct principal *who = NULL;
    int err = access_by_session(core_access(call->core), slice_str(session), slice_of("", 0), &who);
    if (err) {
        call_problem(call, err, NULL);
        return;
    }
    session_set_cookie(call, session_cookie_name(call), session, SESSION_COOKIE_DAYS * DAY_S);
    if (browser)
        session_set_cookie(call, session_cookie_of(call, "browser"), browser,
                           BROWSER_COOKIE_DAYS * DAY_S);
    answer_session(call, 201, who);
    principal_unref(who);
}

/* ---- signing in ---- */

static void put_methods(struct json_writer *w, const struct signed_in *r)
{
    json_key(w, "methods");
    json_open(w, '[');
    if (r->totp)
        json_put_cstr(w, "totp");
    if (r->recovery)
        json_put_cstr(w, "recovery");
    if (r->passkey)
        json_put_cstr(w, "passkey");
    json_close(w, ']');
}

void session_refused(struct call *call, const struct signed_in *r)
{
    struct buf b = {0};
    struct json_writer w;
    int status_code = err_info(r->err)->http;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    problem_write(&w, r->err, r->detail);
    if (r->err == ERR_SECOND_FACTOR)
        put_methods(&w, r);
    json_close(&w, '}');
    if (r->err == ERR_RATE)
        http_add_headerf(call->req, "Retry-After", "%lld",
                         (long long)(r->wait_us + 999999) / 1000000);
    else if (status_code == 503)
        http_add_header(call->req, "Retry-After", "1");
    else if (status_code == 401)
        http_add_header(call->req, "WWW-Authenticate", "Bearer realm=\"doppel\"");
    http_respond(call->req, status_code, "application/problem+json", buf_slice(&b));
    buf_release(&b);
}

static void on_signed_in(void *arg, const struct signed_in *r)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    if (r->err)
        session_refused(call, r);
    else
        session_begin(call, r->session, r->browser);
}

void session_start(struct call *call)
{
    static const char *const members[] = {"email", "password", "code", NULL};
    struct sign_in in = {.who = call->who, .from = call->from, .browser = session_browser(call)};
    if (!call_members(call, members) || !call_text(call, "email", true, &in.email) ||
        !call_text(call, "password", true, &in.password) ||
        !call_text(call, "code", false, &in.code))
        return;
    call_wait(call, NULL);
    sign_in(core_access(call->core), &in, on_signed_in, call);
}

static void on_confirmed(void *arg, const struct signed_in *r)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    if (r->err)
        session_refused(call, r);
    else
        http_respond(call->req, 204, NULL, slice_of("", 0));
}

void session_confirm(struct call *call)
{
    static const char *const members[] = {"password", "code", NULL};
    struct sign_in in = {.who = call->who, .from = call->from};
    if (!call_json_type(call) || !call_json_params(call))
        return;
    if (jval_get(call->params, "rawId")) {
        session_confirm_passkey(call);
        return;
    }
    if (!call_members(call, members) || !call_text(call, "password", false, &in.password) ||
        !call_text(call, "code", false, &in.code))
        return;
    if (!in.password.p == !in.code.p) {
        call_problem(call, ERR_INVALID, "Send a password or a code.");
        return;
    }
    call_wait(call, NULL);
    sign_in_confirm(core_access(call->core), &in, on_confirmed, call);
}

void account_password(struct call *call)
{
    static const char *const members[] = {"password", "current", NULL};
    struct sign_in in = {.who = call->who, .from = call->from};
    struct slice password;
    if (!call_members(call, members) || !call_text(call, "password", true, &password) ||
        !call_text(call, "current", false, &in.password))
        return;
    call_wait(call, NULL);
    sign_in_new_password(core_access(call->core), &in, password, on_confirmed, call);
}

/* ---- changing and ending it ---- */

static void answer_again(struct call *call)
{
    struct principal *who = NULL;
    struct slice cookie = call_cookie(call, session_cookie_name(call));
    int err = access_by_session(core_access(call->core), cookie, slice_of("", 0), &who);
    if (err) {
        call_problem(call, err, NULL);
        return;
    }
    answer_session(call, 200, who);
    principal_unref(who);
}

void session_change(struct call *call)
{
    static const char *const members[] = {"organization", NULL};
    struct session_switch *s = call_alloc(call, sizeof *s);
    if (s && call_members(call, members) && call_text(call, "organization", true, &s->organization))
        call_change(call, session_switch_org, s, answer_again);
}

static void answer_ended(struct call *call)
{
    session_clear_cookie(call);
    identity_leave(call, call->data);
}

void session_stop(struct call *call)
{
    struct leaving *l = call_alloc(call, sizeof *l);
    if (!l)
        return;
    identity_leaving(call, l);
    call->data = l;
    if (call->who->session)
        call_change(call, session_sign_out, l, answer_ended);
    else
        answer_ended(call); /* it is over already */
}

/* ---- setting up ---- */

static void answer_setup(struct call *call)
{
    const struct setup_opening *s = call->data;
    session_begin(call, s->session.secret, NULL);
}

void setup(struct call *call)
{
    static const char *const members[] = {"token", NULL};
    struct setup_opening *s = call_alloc(call, sizeof *s);
    if (s && call_members(call, members) && call_text(call, "token", true, &s->token))
        call_change(call, setup_open, s, answer_setup);
}

/* For the command line beside the server: who has its token can read the data directory too. */
void setup_make_link(struct call *call)
{
    static const char *const members[] = {"email", NULL};
    char token[TOKEN_CHARACTERS_MAX + 1];
    struct slice email = {0};
    struct buf b = {0};
    struct json_writer w;
    if (call->who->kind != WHO_LOCAL) {
        call_denied(call, ERR_FORBIDDEN, OP_INSTALLATION_MANAGE,
                    "Only the command line of the server's own user makes set-up links.");
        return;
    }
    if (http_body(call->req).n &&
        (!call_members(call, members) || !call_text(call, "email", false, &email)))
        return;
    struct slice known = email.p ? person_email(call->arena, email) : email;
    int err =
        email.p && !known.p ? ERR_NOT_FOUND : setup_link(core_access(call->core), known, token);
    if (err) {
        call_problem(call, err, "There is nobody with this e-mail address.");
        return;
    }
    const struct asker by = call_asker(call);
    access_note(core_access(call->core), &by,
                &(struct audit_note){.installation = true,
                                     .operation = "setup:link",
                                     .object = "installation",
                                     .detail = email.p ? "a way back in for an administrator"
                                                       : "for the first administrator"});
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    put_word(&w, "link", arena_printf(call->arena, "/setup#%s", token));
    json_close(&w, '}');
    call_json(call, 201, &b);
}
