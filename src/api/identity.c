/* identity.c - identity providers: what an administrator says of them, and the three places that
 * browsers and providers come to.
 *
 * A browser is here because somebody clicked or because a provider sent it back, so what it gets is
 * a redirect or, when it did not work, a page with a sentence; programs get the same as a problem
 * document. */
#include "api/people.h"

#include "access/oidc_person.h"
#include "access/oidc_providers.h"
#include "access/sessions.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

#include <stdio.h>

#define CALLBACKS "/api/v1/auth/oidc/"
enum { SESSION_COOKIE_S = 30 * 24 * 3600 };

/* ---- what went wrong ---- */

static bool wants_page(const struct call *call)
{
    struct slice accept = http_header(call->req, "accept");
    return accept.n && memmem(accept.p, accept.n, "text/html", 9) != NULL;
}

static void put_html(struct buf *b, const char *text)
{
    for (; *text; text++) {
        const char *as = *text == '<'   ? "&lt;"
                         : *text == '>' ? "&gt;"
                         : *text == '&' ? "&amp;"
                                        : NULL;
        if (as)
            buf_add_str(b, as);
        else
            buf_add_byte(b, (unsigned char)*text);
    }
}

static void put_page(struct buf *b, const char *code, const char *text)
{
    buf_add_str(b, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                   "<meta name=\"viewport\" content=\"width=device-width\">"
                   "<title>Not signed in - Doppel</title>"
                   "<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;"
                   "max-width:36rem;margin:15vh auto;padding:0 1rem}code{opacity:.7}</style>"
                   "<main><h1>You are not signed in</h1><p>");
    put_html(b, text);
    buf_add_str(b, "</p><p><code>");
    put_html(b, code);
    buf_add_str(b, "</code></p><p><a href=\"/\">Back to Doppel</a></p></main></html>");
}

static void put_problem(struct buf *b, int status, const char *code, const char *text)
{
    struct json_writer w;
    char type[80];
    snprintf(type, sizeof type, "/errors/%s", code);
    json_writer_init(&w, b, 0);
    json_open(&w, '{');
    json_key(&w, "type");
    json_put_cstr(&w, type);
    json_key(&w, "title");
    json_put_cstr(&w, "You are not signed in");
    json_key(&w, "status");
    json_put_int(&w, status);
    json_key(&w, "detail");
    json_put_cstr(&w, text);
    json_key(&w, "code");
    json_put_cstr(&w, code);
    json_close(&w, '}');
}

static void answer_fault(struct call *call, int status, const char *code, const char *text)
{
    struct buf b = {0};
    bool page = wants_page(call);
    if (page)
        put_page(&b, code, text);
    else
        put_problem(&b, status, code, text);
    http_respond(call->req, status, page ? "text/html; charset=utf-8" : "application/problem+json",
                 buf_slice(&b));
    buf_release(&b);
}

/* The provider's own words are for the log; what we say is ours. */
static void fault_of(struct call *call, const struct oidc_outcome *out)
{
    char object[80];
    log_warn("access", "sign-in by the identity provider %.*s: %s%s%s", SLICE_ARG(call->parts[0]),
             out->code, *out->detail ? ": " : "", out->detail);
    if (out->status == 403) {
        snprintf(object, sizeof object, "provider:%.*s",
                 call->parts[0].n > 60 ? 60 : (int)call->parts[0].n, call->parts[0].p);
        access_refused(core_access(call->core), call->who, &call->from, ERR_FORBIDDEN, OP_PUBLIC,
                       object, out->code);
    }
    answer_fault(call, out->status, out->code, out->text);
}

/* ---- ours, as others know it ---- */

static bool put_own(struct call *call, struct buf *url, const char *path)
{
    const char *base = call->api->opts.public_url;
    if (base)
        buf_add_str(url, base);
    else
        buf_addf(url, "%s://%.*s", http_is_tls(call->req) ? "https" : "http",
                 SLICE_ARG(http_header(call->req, "host")));
    buf_add_str(url, path);
    return !url->failed;
}

/* It is never taken back: another tab may be on its way, and whoever lures a browser here with
 * nonsense must not end that.  Unlike a session's it has to come along when the provider sends the
 * browser back. */
static void set_binding(struct call *call, const char *value)
{
    bool tls = http_is_tls(call->req);
    http_add_headerf(call->req, "Set-Cookie",
                     "%s=%s; Path=%s; HttpOnly; SameSite=Lax; Max-Age=%d%s", oidc_cookie_name(tls),
                     value, tls ? "/" : CALLBACKS, OIDC_ATTEMPT_S, tls ? "; Secure" : "");
}

static void redirect(struct call *call, const char *location)
{
    http_add_header(call->req, "Location", location);
    http_respond(call->req, 303, NULL, slice_of("", 0));
}

/* ---- a sign-in ---- */

static void on_started(void *arg, const struct oidc_outcome *out)
{
    struct call *call = arg;
    if (!call_alive(call))
        return;
    if (out->fault) {
        fault_of(call, out);
        return;
    }
    set_binding(call, out->cookie);
    redirect(call, out->location);
}

/* link: a session that wants one more way in; p NULL: somebody wants to sign in. */
static void begin(struct call *call, struct slice provider, struct slice then, struct slice link,
                  oidc_fn *fn)
{
    struct buf url = {0};
    char path[160];
    snprintf(path, sizeof path, CALLBACKS "%.*s/callback", provider.n > 100 ? 100 : (int)provider.n,
             provider.p);
    if (!put_own(call, &url, path)) {
        call_problem(call, ERR_NOMEM, NULL);
        buf_release(&url);
        return;
    }
    const struct oidc_start start = {
        .provider = provider,
        .redirect_uri = buf_slice(&url),
        .then = then,
        .cookie = call_cookie(call, oidc_cookie_name(http_is_tls(call->req))),
        .address = slice_str(call->from.address),
        .person = link};
    call_wait(call, NULL);
    oidc_start(call->api->opts.oidc, &start, fn, call);
    buf_release(&url);
}

void auth_start(struct call *call)
{
    begin(call, call->parts[0], call_param(call, "then"), slice_of("", 0), on_started);
}

static void on_arrived(void *arg, const struct oidc_arrived *r)
{
    struct call *call = arg;
    const char *then = call->data;
    if (!call_alive(call))
        return;
    if (r->fault) {
        const struct oidc_outcome out = {.fault = r->fault,
                                         .status = oidc_fault_status(r->fault),
                                         .code = oidc_fault_code(r->fault),
                                         .text = oidc_fault_text(r->fault),
                                         .detail = ""};
        fault_of(call, &out);
    } else if (r->err) {
        answer_fault(call, err_info(r->err)->http, err_info(r->err)->code, r->detail);
    } else {
        if (*r->session)
            session_set_cookie(call, session_cookie_name(call), r->session, SESSION_COOKIE_S);
        redirect(call, then);
    }
}

static void on_callback(void *arg, const struct oidc_outcome *out)
{
    struct call *call = arg;
    if (call->gone) {
        call_alive(call);
        return;
    }
    if (out->fault) {
        fault_of(call, out);
        return;
    }
    call->data = arena_strndup(call->arena, out->then, strlen(out->then));
    if (!call->data) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    oidc_arrive(core_access(call->core), call->api->opts.oidc, call->api->opts.keys, out, call->who,
                &call->from, on_arrived, call);
}

void auth_callback(struct call *call)
{
    const struct oidc_callback back = {
        .provider = call->parts[0],
        .state = call_param(call, "state"),
        .code = call_param(call, "code"),
        .error = call_param(call, "error"),
        .iss = call_param(call, "iss"),
        .cookie = call_cookie(call, oidc_cookie_name(http_is_tls(call->req)))};
    call_wait(call, NULL);
    oidc_callback(call->api->opts.oidc, &back, on_callback, call);
}

/* ---- we say goodbye ---- */

void identity_leaving(struct call *call, struct leaving *ret)
{
    struct buf token = {0};
    struct slice provider = {0};
    if (call->who->session)
        oidc_session_origin(call->who->session, call->api->opts.keys, &provider, &token);
    ret->provider = provider.p ? arena_dup(call->arena, provider) : provider;
    ret->id_token = token.n ? arena_dup(call->arena, buf_slice(&token)) : slice_of("", 0);
    secret_release(&token);
}

static void on_leaving(void *arg, const struct oidc_outcome *out)
{
    struct call *call = arg;
    struct buf b = {0};
    struct json_writer w;
    if (!call_alive(call))
        return;
    if (!out->location) { /* it is over here, whatever the provider says */
        http_respond(call->req, 204, NULL, slice_of("", 0));
        return;
    }
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "logout");
    json_put_cstr(&w, out->location);
    json_close(&w, '}');
    call_json(call, 200, &b);
}

void identity_leave(struct call *call, const struct leaving *l)
{
    struct buf back = {0};
    if (!l->provider.p || !put_own(call, &back, "/")) {
        http_respond(call->req, 204, NULL, slice_of("", 0));
        buf_release(&back);
        return;
    }
    call_wait(call, NULL);
    oidc_logout(call->api->opts.oidc, l->provider, l->id_token, buf_slice(&back), on_leaving, call);
    buf_release(&back);
}

/* ---- the provider says goodbye (Back-Channel Logout 1.0, section 2.8) ---- */

static void answer_goodbye(struct call *call, const char *wrong)
{
    struct buf b = {0};
    struct json_writer w;
    if (!wrong) {
        http_respond(call->req, 200, NULL, slice_of("", 0));
        return;
    }
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "error");
    json_put_cstr(&w, "invalid_request");
    json_key(&w, "error_description");
    json_put_cstr(&w, wrong);
    json_close(&w, '}');
    http_respond(call->req, 400, "application/json", buf_slice(&b));
    buf_release(&b);
}

static void on_ended(void *arg, const struct oidc_arrived *r)
{
    struct call *call = arg;
    if (call_alive(call))
        answer_goodbye(call, r->err ? r->detail : NULL);
}

static void on_goodbye(void *arg, const struct oidc_outcome *out)
{
    struct call *call = arg;
    if (out->fault) {
        log_warn("access", "logout by the identity provider %.*s: %s%s%s",
                 SLICE_ARG(call->parts[0]), out->code, *out->detail ? ": " : "", out->detail);
        if (call_alive(call))
            answer_goodbye(call, out->code);
        return;
    }
    /* sessions end whether the provider still listens or not */
    oidc_end_sessions(core_access(call->core), &out->who, &call->from, on_ended, call);
}

void auth_goodbye(struct call *call)
{
    if (!slice_is_nocase(call_media(call), "application/x-www-form-urlencoded")) {
        call_problem(call, ERR_MEDIA_TYPE,
                     "A logout token comes in a form: application/x-www-form-urlencoded.");
        return;
    }
    struct slice token = http_form(call->req, http_body(call->req), "logout_token");
    call_wait(call, NULL);
    oidc_backchannel(call->api->opts.oidc, call->parts[0], token, on_goodbye, call);
}

/* ---- what is linked to who asks ---- */

static void on_link_started(void *arg, const struct oidc_outcome *out)
{
    struct call *call = arg;
    struct buf b = {0};
    struct json_writer w;
    if (!call_alive(call))
        return;
    if (out->fault) {
        fault_of(call, out);
        return;
    }
    set_binding(call, out->cookie);
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    json_key(&w, "location");
    json_put_cstr(&w, out->location);
    json_close(&w, '}');
    call_json(call, 200, &b);
}

/* It is one more way in, for good: so they show first that it is them. */
void account_identity_link(struct call *call)
{
    static const char *const members[] = {"provider", "then", NULL};
    struct slice provider, then = {0};
    if (!call_members(call, members) || !call_text(call, "provider", true, &provider) ||
        !call_text(call, "then", false, &then))
        return;
    if (!session_is_fresh(call->who, clock_now_us()))
        call_denied(call, call->who->session ? ERR_REAUTHENTICATE : ERR_FORBIDDEN, OP_ACCOUNT_SELF,
                    "This needs a sign-in of the last 15 minutes: confirm who you are.");
    else
        begin(call, provider, then, slice_str(call->who->session->e.id), on_link_started);
}

static void put_identity(struct json_writer *w, const struct oidc *o, const struct jval *v)
{
    char id[OIDC_IDENTITY_ID + 1];
    const struct oidc_settings *s = oidc_settings(o, jval_string(jval_get(v, "provider")));
    oidc_identity_id(v, id);
    json_open(w, '{');
    json_key(w, "id");
    json_put_cstr(w, id);
    json_key(w, "provider");
    json_put_string(w, jval_string(jval_get(v, "provider")));
    json_key(w, "name");
    json_put_cstr(w, s ? s->name : NULL); /* it was taken away */
    json_key(w, "issuer");
    json_put_string(w, jval_string(jval_get(v, "issuer")));
    json_key(w, "linked");
    json_put_string(w, jval_string(jval_get(v, "linked")));
    json_close(w, '}');
}

void account_identities(struct call *call)
{
    const struct person *p = call->who->person;
    const struct jval *list = p ? jval_get(p->e.doc, "identities") : NULL;
    struct buf b = {0};
    struct json_writer w;
    if (!p) {
        call_denied(call, ERR_FORBIDDEN, OP_ACCOUNT_SELF, NULL);
        return;
    }
    call_rows_begin(&w, &b, "identities");
    for (const struct jval *v = list ? list->first : NULL; v; v = v->next)
        put_identity(&w, call->api->opts.oidc, v);
    call_rows_end(call, &w, &b);
}

void account_identity_end(struct call *call)
{
    struct oidc_unlinking *u = call_alloc(call, sizeof *u);
    if (!u)
        return;
    u->id = call->parts[0];
    call_change(call, oidc_unlink, u, NULL);
}

/* ---- providers ---- */

void providers_list(struct call *call)
{
    const struct oidc_settings *s;
    struct buf b = {0};
    struct json_writer w;
    size_t at = 0;
    call_rows_begin(&w, &b, "identityProviders");
    while ((s = oidc_next(call->api->opts.oidc, &at)))
        oidc_provider_write(&w, s);
    call_rows_end(call, &w, &b);
}

static void on_provider(struct change *ch)
{
    struct oidc_change *c = ch->arg;
    struct call *call = c->arg;
    struct buf b = {0};
    struct json_writer w;
    if (!ch->err)
        oidc_changed(ch);
    if (!call_alive(call))
        return;
    if (ch->err) {
        call_denied(call, ch->err, ch->err == ERR_FORBIDDEN ? OP_INSTALLATION_MANAGE : OP_PUBLIC,
                    ch->detail);
        return;
    }
    if (c->removed) {
        http_respond(call->req, 204, NULL, slice_of("", 0));
        return;
    }
    json_writer_init(&w, &b, 0);
    oidc_provider_write(&w, &c->settings);
    call_json(call, call->flag ? 201 : 200, &b);
}

static void change_provider(struct call *call, int (*prepare)(struct change *ch), bool with_body)
{
    struct oidc_change *c = arena_zalloc(call->arena, sizeof *c);
    struct slice text;
    struct jval *body = NULL;
    struct json_error fault;
    bool patch = slice_is_nocase(call_media(call), "application/merge-patch+json");
    if (with_body && ((!patch && !call_json_type(call)) || !call_content(call, &text)))
        return;
    int err = !c ? ERR_NOMEM : with_body ? jdoc_parse(call->arena, text, &body, &fault) : 0;
    if (err == ERR_MALFORMED) {
        call_problemf(call, err, "Line %d, column %d: %s.", fault.line, fault.column,
                      fault.message);
        return;
    }
    if (err) {
        call_problem(call, err, NULL);
        return;
    }
    *c = (struct oidc_change){.oidc = call->api->opts.oidc,
                              .fetch = call->api->opts.fetch,
                              .keys = call->api->opts.keys,
                              .id = call->parts[0],
                              .body = body,
                              .arg = call};
    call_wait(call, NULL);
    access_change(core_access(call->core), &(struct change_plan){.who = call->who,
                                                                 .from = call->from,
                                                                 .prepare = prepare,
                                                                 .done = on_provider,
                                                                 .arg = c});
}

void providers_create(struct call *call)
{
    call->flag = true;
    change_provider(call, oidc_provider_make, true);
}

void provider_patch(struct call *call)
{
    change_provider(call, oidc_provider_change, true);
}

void provider_delete(struct call *call)
{
    change_provider(call, oidc_provider_remove, false);
}
