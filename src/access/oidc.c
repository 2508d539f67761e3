/* oidc.c - a sign-in from its beginning to who it is, step by step:
 *
 *   start      the description of the provider, an attempt, the place where the browser goes
 *   callback   the attempt by state and cookie -> the token request -> keys -> the ID token
 *              -> UserInfo, when the token has no e-mail or groups -> who it is */
#include "access/oidc_internal.h"

#include "base/clock.h"
#include "base/err.h"
#include "crypto/encode.h"
#include "crypto/key_ring.h"

#include <stdio.h>
#include <stdlib.h>

enum { TOKEN_ANSWER_MAX = 256 << 10, USERINFO_MAX = 256 << 10, CODE_MAX = 4096 };

static const struct {
    const char *code;
    int status;
    const char *text;
} faults[OIDC_FAULTS] = {
#define X(fault, code, status, text) [fault] = {code, status, text},
    OIDC_FAULT_TABLE(X)
#undef X
};

const char *oidc_fault_text(enum oidc_fault fault)
{
    return faults[fault].text;
}

const char *oidc_fault_code(enum oidc_fault fault)
{
    return faults[fault].code;
}

int oidc_fault_status(enum oidc_fault fault)
{
    return faults[fault].status;
}

/* ---- providers ---- */

int oidc_new(struct fetch *f, struct oidc **ret)
{
    struct oidc *o = calloc(1, sizeof *o);
    if (!o)
        return ERR_NOMEM;
    o->fetch = f;
    *ret = o;
    return 0;
}

void oidc_free(struct oidc *o)
{
    struct oidc_provider *p;
    size_t at = 0;
    if (!o)
        return;
    while ((p = map_next(&o->providers, &at)))
        provider_unref(p);
    map_release(&o->providers);
    attempts_release(&o->attempts);
    replays_release(o);
    free(o);
}

int oidc_set(struct oidc *o, const struct oidc_settings *s)
{
    void *old = NULL;
    if (o->providers.count >= OIDC_PROVIDERS_MAX && !map_get(&o->providers, slice_str(s->id)))
        return ERR_TOO_LARGE;
    struct oidc_provider *p = provider_new(o->fetch, s);
    if (!p || map_put(&o->providers, slice_str(p->settings.id), p, &old)) {
        provider_unref(p);
        return ERR_NOMEM;
    }
    provider_unref(old);
    return 0;
}

void oidc_remove(struct oidc *o, struct slice id)
{
    provider_unref(map_remove(&o->providers, id));
}

const struct oidc_settings *oidc_settings(const struct oidc *o, struct slice id)
{
    const struct oidc_provider *p = map_get(&o->providers, id);
    return p ? &p->settings : NULL;
}

/* They are few: the least of those behind the last one. */
const struct oidc_settings *oidc_next(const struct oidc *o, size_t *at)
{
    const struct oidc_settings *sorted[OIDC_PROVIDERS_MAX];
    const struct oidc_provider *p;
    size_t n = 0, slot = 0;
    while ((p = map_next(&o->providers, &slot)) && n < OIDC_PROVIDERS_MAX) {
        size_t i = n++;
        for (; i > 0 && strcmp(sorted[i - 1]->id, p->settings.id) > 0; i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = &p->settings;
    }
    return *at < n ? sorted[(*at)++] : NULL;
}

/* ---- calls ---- */

struct oidc_call *oidc_call_new(struct oidc *o, struct slice provider, oidc_fn *fn, void *arg)
{
    struct oidc_call *c = calloc(1, sizeof *c);
    struct arena *a = c ? arena_new() : NULL;
    if (!a) {
        const struct oidc_outcome none = {.fault = OIDC_NOMEM,
                                          .status = faults[OIDC_NOMEM].status,
                                          .code = faults[OIDC_NOMEM].code,
                                          .text = faults[OIDC_NOMEM].text,
                                          .detail = ""};
        free(c);
        fn(arg, &none);
        return NULL;
    }
    *c = (struct oidc_call){.oidc = o, .arena = a, .fn = fn, .arg = arg};
    c->out.detail = "";
    c->provider = map_get(&o->providers, provider);
    if (!c->provider) {
        oidc_call_fail(c, OIDC_NO_PROVIDER, "");
        return NULL;
    }
    c->provider->refs++;
    c->out.who.provider = &c->provider->settings;
    return c;
}

void oidc_call_done(struct oidc_call *c)
{
    struct oidc_outcome *out = &c->out;
    if (!out->code) {
        out->code = faults[out->fault].code;
        out->text = faults[out->fault].text;
    }
    out->status = faults[out->fault].status;
    c->fn(c->arg, out);
    provider_unref(c->provider);
    free(c->attempt);
    arena_free(c->arena);
    free(c);
}

void oidc_call_fail(struct oidc_call *c, enum oidc_fault fault, const char *detail)
{
    const char *copy = arena_strndup(c->arena, detail, strlen(detail));
    c->out.fault = fault;
    c->out.detail = copy ? copy : "";
    oidc_call_done(c);
}

void oidc_call_token_fault(struct oidc_call *c, enum jose_fault fault)
{
    c->out.code = jose_fault_code(fault);
    /* a sentence for people, as the others are */
    const char *text = arena_printf(c->arena, "%s.", jose_fault_text(fault));
    c->out.text = text ? text : jose_fault_text(fault);
    oidc_call_fail(c, OIDC_TOKEN, jose_fault_text(fault));
}

struct slice oidc_call_dup(struct oidc_call *c, struct slice s)
{
    return s.n ? arena_dup(c->arena, s) : slice_of("", 0);
}

void oidc_escape(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            (c && strchr("-._~", c)))
            buf_add_byte(b, c);
        else
            buf_addf(b, "%%%02X", c);
    }
}

void oidc_form(struct buf *b, const char *name, struct slice value)
{
    if (b->n && b->p[b->n - 1] != '?' && b->p[b->n - 1] != '&')
        buf_add_byte(b, '&');
    buf_add_str(b, name);
    buf_add_byte(b, '=');
    oidc_escape(b, value);
}

const char *oidc_cookie_name(bool tls)
{
    return tls ? "__Host-doppel-oidc" : "doppel-oidc";
}

/* ---- the start ---- */

static void add_challenge(struct buf *url, const char *verifier)
{
    unsigned char hash[SHA256_BYTES];
    struct buf text = {0};
    digest_sha256(slice_str(verifier), hash);
    encode_add(&text, ENCODE_BASE64URL, slice_of((const char *)hash, sizeof hash));
    oidc_form(url, "code_challenge", buf_slice(&text));
    oidc_form(url, "code_challenge_method", SLICE_LIT("S256"));
    buf_release(&text);
}

static void add_request(struct buf *url, const struct oidc_provider *p,
                        const struct oidc_attempt *t)
{
    buf_add_str(url, p->metadata.authorization);
    if (!strchr(p->metadata.authorization, '?'))
        buf_add_byte(url, '?');
    oidc_form(url, "response_type", SLICE_LIT("code"));
    oidc_form(url, "client_id", slice_str(p->settings.client_id));
    oidc_form(url, "redirect_uri", slice_str(t->redirect_uri));
    oidc_form(url, "scope", slice_str(p->settings.scopes));
    oidc_form(url, "state", slice_str(t->state));
    oidc_form(url, "nonce", slice_str(t->nonce));
    add_challenge(url, t->verifier);
    buf_add_byte(url, 0);
}

/* The place is known. */
static void start_step(struct oidc_call *c)
{
    char *cookie = arena_zalloc(c->arena, OIDC_WORD + 1);
    struct oidc_attempt *t = cookie ? attempt_begin(&c->oidc->attempts, &c->start, cookie) : NULL;
    struct buf url = {0};
    if (t)
        add_request(&url, c->provider, t);
    c->out.location = t && !url.failed ? arena_strndup(c->arena, url.p, url.n - 1) : NULL;
    c->out.cookie = cookie;
    buf_release(&url);
    if (c->out.location)
        oidc_call_done(c);
    else
        oidc_call_fail(c, OIDC_NOMEM, "");
}

void oidc_start(struct oidc *o, const struct oidc_start *s, oidc_fn *fn, void *arg)
{
    struct oidc_call *c = oidc_call_new(o, s->provider, fn, arg);
    if (!c)
        return;
    if (s->then.n && !oidc_then_ok(s->then)) {
        oidc_call_fail(c, OIDC_THEN, "");
        return;
    }
    c->start = (struct oidc_start){.provider = oidc_call_dup(c, s->provider),
                                   .redirect_uri = oidc_call_dup(c, s->redirect_uri),
                                   .then = s->then.n ? oidc_call_dup(c, s->then) : SLICE_LIT("/"),
                                   .cookie = oidc_call_dup(c, s->cookie),
                                   .address = oidc_call_dup(c, s->address),
                                   .person = oidc_call_dup(c, s->person)};
    c->step = start_step;
    provider_want_metadata(c);
}

/* ---- tokens ---- */

static void verify_step(struct oidc_call *c)
{
    enum jose_fault fault =
        jwt_verify(c->arena, c->token, c->provider->keys, c->provider->metadata.algs, &c->jwt);
    if (fault == JOSE_UNKNOWN_KEY && !c->refreshed) {
        c->refreshed = true;
        if (provider_refresh_keys(c))
            return;
    }
    if (fault)
        oidc_call_token_fault(c, fault);
    else
        c->verified(c);
}

void oidc_call_verify(struct oidc_call *c, void (*verified)(struct oidc_call *c))
{
    c->verified = verified;
    c->step = verify_step;
    provider_want_keys(c);
}

/* ---- UserInfo (Core 1.0, section 5.3) ---- */

static void on_userinfo(void *arg, const struct fetch_answer *a)
{
    struct oidc_call *c = arg;
    char detail[OIDC_DETAIL] = "";
    struct jval *claims = NULL;
    enum oidc_fault fault = oidc_transfer_fault(a, detail);
    struct slice text = oidc_call_dup(c, a->body);
    if (!fault &&
        (!text.p || jdoc_parse(c->arena, text, &claims, NULL) != 0 || claims->type != J_OBJECT))
        fault = OIDC_USERINFO;
    /* an answer about somebody else is how one would be taken for another */
    if (!fault && !slice_eq(jval_string(jval_get(claims, "sub")), c->out.who.subject)) {
        fault = OIDC_USERINFO;
        snprintf(detail, sizeof detail, "UserInfo is about another subject");
    }
    if (!fault)
        oidc_identity_read(c->arena, claims, &c->out.who);
    if (fault)
        oidc_call_fail(c, fault, detail);
    else
        oidc_call_done(c);
}

static void ask_userinfo(struct oidc_call *c)
{
    struct buf header = {0}, why = {0};
    buf_add_str(&header, "Authorization: Bearer ");
    buf_add_slice(&header, c->access_token);
    buf_add_byte(&header, 0);
    const char *const headers[] = {header.p, "Accept: application/json", NULL};
    const struct fetch_ask ask = {
        .url = c->provider->metadata.userinfo, .headers = headers, .max_body = USERINFO_MAX};
    int err =
        header.failed ? ERR_NOMEM : fetch_start(c->oidc->fetch, &ask, on_userinfo, c, NULL, &why);
    buf_add_byte(&why, 0);
    if (err)
        oidc_call_fail(c, err == ERR_NOMEM ? OIDC_NOMEM : OIDC_UNREACHABLE,
                       why.failed ? "" : why.p);
    buf_release(&header);
    buf_release(&why);
}

/* ---- the callback ---- */

static void id_token_step(struct oidc_call *c)
{
    struct oidc_identity *who = &c->out.who;
    const struct oidc_settings *s = &c->provider->settings;
    const struct jwt_expect expect = {.issuer = slice_str(s->issuer),
                                      .audience = slice_str(s->client_id),
                                      .nonce = slice_str(c->attempt->nonce),
                                      .access_token = c->access_token,
                                      .now_s = clock_now_us() / 1000000};
    enum jose_fault fault = jwt_check(&c->jwt, &expect);
    if (fault) {
        oidc_call_token_fault(c, fault);
        return;
    }
    oidc_identity_read(c->arena, c->jwt.claims, who);
    who->id_token = c->token;
    if (!who->subject.n)
        oidc_call_fail(c, OIDC_SUBJECT, "the ID token has no sub");
    else if (c->provider->metadata.userinfo && c->access_token.p &&
             (!who->email.n || (s->groups_claim && !who->groups)))
        ask_userinfo(c);
    else
        oidc_call_done(c);
}

/* What went wrong, in the provider's words, which are for the log alone. */
static void describe_error(const struct jval *root, int status, char detail[static OIDC_DETAIL])
{
    struct slice error = root ? jval_string(jval_get(root, "error")) : slice_of("", 0);
    struct slice text = root ? jval_string(jval_get(root, "error_description")) : slice_of("", 0);
    snprintf(detail, OIDC_DETAIL, "the token endpoint answered with status %d: %.*s %.*s", status,
             error.n > 100 ? 100 : (int)error.n, error.p ? error.p : "",
             text.n > 300 ? 300 : (int)text.n, text.p ? text.p : "");
}

static void on_token(void *arg, const struct fetch_answer *a)
{
    struct oidc_call *c = arg;
    char detail[OIDC_DETAIL] = "";
    struct jval *root = NULL;
    if (a->err) {
        oidc_call_fail(c, oidc_transfer_fault(a, detail), a->why);
        return;
    }
    struct slice text = oidc_call_dup(c, a->body);
    if (!text.p || jdoc_parse(c->arena, text, &root, NULL) != 0 || root->type != J_OBJECT)
        root = NULL;
    struct slice token = root ? jval_string(jval_get(root, "id_token")) : slice_of(NULL, 0);
    if (a->status != 200 || !token.p) {
        if (a->status == 200)
            snprintf(detail, sizeof detail, "the token endpoint gave no id_token");
        else
            describe_error(root, a->status, detail);
        oidc_call_fail(c, OIDC_EXCHANGE, detail);
        return;
    }
    c->token = token;
    c->access_token = jval_string(jval_get(root, "access_token"));
    oidc_call_verify(c, id_token_step);
}

/* The secret goes in a header (RFC 6749, 2.3.1: escaped first), or in the form. */
static bool show_secret(const struct oidc_provider *p, struct buf *form, struct buf *header)
{
    const struct oidc_settings *s = &p->settings;
    if (!s->client_secret || (!p->metadata.basic && p->metadata.post)) {
        oidc_form(form, "client_id", slice_str(s->client_id));
        if (s->client_secret)
            oidc_form(form, "client_secret", slice_str(s->client_secret));
        return true;
    }
    struct buf pair = {0};
    oidc_escape(&pair, slice_str(s->client_id));
    buf_add_byte(&pair, ':');
    oidc_escape(&pair, slice_str(s->client_secret));
    buf_add_str(header, "Authorization: Basic ");
    encode_add(header, ENCODE_BASE64, buf_slice(&pair));
    buf_add_byte(header, 0);
    bool good = !pair.failed && !header->failed;
    secret_release(&pair);
    return good;
}

static void exchange_step(struct oidc_call *c)
{
    struct buf form = {0}, header = {0}, why = {0};
    if (c->anonymous && c->provider->metadata.says_iss) {
        oidc_call_fail(c, OIDC_MIXED_UP, "it promises to say who answers, and did not");
        return;
    }
    oidc_form(&form, "grant_type", SLICE_LIT("authorization_code"));
    oidc_form(&form, "code", c->code);
    oidc_form(&form, "redirect_uri", slice_str(c->attempt->redirect_uri));
    oidc_form(&form, "code_verifier", slice_str(c->attempt->verifier));
    int err = show_secret(c->provider, &form, &header) && !form.failed ? 0 : ERR_NOMEM;
    const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded",
                                   "Accept: application/json", header.n ? header.p : NULL, NULL};
    const struct fetch_ask ask = {.method = "POST",
                                  .url = c->provider->metadata.token,
                                  .headers = headers,
                                  .body = buf_slice(&form),
                                  .max_body = TOKEN_ANSWER_MAX};
    if (!err)
        err = fetch_start(c->oidc->fetch, &ask, on_token, c, NULL, &why);
    buf_add_byte(&why, 0);
    if (err)
        oidc_call_fail(c, err == ERR_NOMEM ? OIDC_NOMEM : OIDC_UNREACHABLE,
                       why.failed ? "" : why.p);
    secret_release(&form);
    secret_release(&header);
    buf_release(&why);
}

static bool is_browser(const struct oidc_attempt *t, struct slice cookie)
{
    unsigned char hash[SHA256_BYTES];
    digest_sha256(cookie, hash);
    return cookie.n == OIDC_WORD && digest_equal(slice_of((const char *)hash, SHA256_BYTES),
                                                 slice_of((const char *)t->browser, SHA256_BYTES));
}

/* Is what came back an answer to what was asked, by who was asked? */
static enum oidc_fault judge_callback(const struct oidc_call *c, const struct oidc_callback *b)
{
    const struct oidc_attempt *t = c->attempt;
    if (!t)
        return OIDC_STATE;
    if (!is_browser(t, b->cookie))
        return OIDC_BROWSER;
    if (!slice_is(b->provider, t->provider) ||
        (b->iss.p && !slice_is(b->iss, c->provider->settings.issuer)))
        return OIDC_MIXED_UP;
    if (b->error.n)
        return slice_is(b->error, "access_denied") ? OIDC_DENIED : OIDC_ANSWER;
    return b->code.n && b->code.n <= CODE_MAX ? OIDC_OK : OIDC_REQUEST;
}

void oidc_callback(struct oidc *o, const struct oidc_callback *b, oidc_fn *fn, void *arg)
{
    struct oidc_call *c = oidc_call_new(o, b->provider, fn, arg);
    char detail[OIDC_DETAIL] = "";
    if (!c)
        return;
    if (!b->state.n) {
        oidc_call_fail(c, OIDC_REQUEST, "");
        return;
    }
    c->attempt = attempt_take(&o->attempts, b->state); /* whatever becomes of it, it was used */
    enum oidc_fault fault = judge_callback(c, b);
    if (fault) {
        snprintf(detail, sizeof detail, "%.*s", b->error.n > 100 ? 100 : (int)b->error.n,
                 b->error.p ? b->error.p : "");
        oidc_call_fail(c, fault, detail);
        return;
    }
    c->anonymous = !b->iss.p;
    c->code = oidc_call_dup(c, b->code);
    c->out.then = c->attempt->then;
    c->out.person = slice_str(c->attempt->person);
    c->step = exchange_step;
    provider_want_metadata(c);
}
