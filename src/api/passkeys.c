/* passkeys.c - /api/v1/session/passkey and /api/v1/account/passkeys. */
#include "access/passkeys.h"

#include "api/people.h"
#include "base/err.h"
#include "crypto/encode.h"

enum { CHALLENGE_S = 300, CHALLENGE_BYTES = 18 };

static const char no_name[] =
    "Passkeys belong to a name, not to an address: open the server by its name, or as localhost.";

static struct slice host_of(const struct call *call)
{
    return http_header(call->req, "host");
}

static void answer_challenge(struct call *call, int err, struct buf *b)
{
    if (!err) {
        call_json(call, 200, b);
        return;
    }
    buf_release(b);
    call_denied(call, err, OP_PUBLIC,
                err == ERR_UNSUPPORTED ? no_name
                : err == ERR_REAUTHENTICATE
                    ? "This needs a sign-in of the last 15 minutes: confirm who you are."
                    : NULL);
}

/* ---- signing in ---- */

void passkey_challenge(struct call *call)
{
    static const char *const members[] = {"email", NULL};
    unsigned char chance[CHALLENGE_BYTES];
    struct buf whom = {0}, b = {0};
    struct json_writer w;
    if (http_body(call->req).n && !call_members(call, members))
        return;
    random_bytes(chance, sizeof chance);
    encode_add(&whom, ENCODE_BASE64URL, slice_of((const char *)chance, sizeof chance));
    struct slice kept = arena_dup(call->arena, buf_slice(&whom));
    buf_release(&whom);
    if (!kept.n) {
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    int err = passkey_ask(core_access(call->core), kept, host_of(call), &w);
    json_close(&w, '}');
    if (!err)
        session_set_cookie(call, session_cookie_of(call, "challenge"), kept.p, CHALLENGE_S);
    answer_challenge(call, err, &b);
}

/* What the browser shows, with the cookie that says who was asked; NULL: answered. */
static struct passkey_shown *shown_of(struct call *call)
{
    struct passkey_shown *s = call_alloc(call, sizeof *s);
    if (!s || !call_json_type(call) || !call_json_params(call))
        return NULL;
    s->host = host_of(call);
    s->json = call->params;
    s->whom = call_cookie(call, session_cookie_of(call, "challenge"));
    s->browser = session_browser(call);
    return s;
}

static void forget_challenge(struct call *call)
{
    session_set_cookie(call, session_cookie_of(call, "challenge"), "", 0);
}

static void answer_signed_in(struct call *call)
{
    const struct passkey_shown *s = call->data;
    forget_challenge(call);
    session_begin(call, s->session.secret, s->new_browser[0] ? s->new_browser : NULL);
}

void session_passkey(struct call *call)
{
    struct passkey_shown *s = shown_of(call);
    if (s)
        call_change(call, passkey_sign_in, s, answer_signed_in);
}

static void answer_confirmed(struct call *call)
{
    forget_challenge(call);
    http_respond(call->req, 204, NULL, slice_of("", 0));
}

void session_confirm_passkey(struct call *call)
{
    struct passkey_shown *s = shown_of(call);
    if (s)
        call_change(call, passkey_confirm, s, answer_confirmed);
}

/* ---- one's own ---- */

static void put_passkey(struct json_writer *w, const struct jval *entry)
{
    static const char *const shown[] = {"id", "name", "created", "used"};
    json_open(w, '{');
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        const struct jval *v = jval_get(entry, shown[i]);
        json_key(w, shown[i]);
        if (v)
            jval_write(w, v);
        else
            json_put_null(w);
    }
    json_close(w, '}');
}

static void answer_passkeys(struct call *call, int status_code)
{
    const struct jval *list = jval_get(call->who->person->e.doc, "passkeys");
    struct buf b = {0};
    struct json_writer w;
    call_rows_begin(&w, &b, "passkeys");
    for (const struct jval *v = list ? list->first : NULL; v; v = v->next)
        put_passkey(&w, v);
    json_close(&w, ']');
    json_close(&w, '}');
    call_json(call, status_code, &b);
}

void account_passkeys(struct call *call)
{
    if (call->who->person)
        answer_passkeys(call, 200);
    else
        call_denied(call, ERR_FORBIDDEN, OP_PUBLIC, "Only a person has an account.");
}

void account_passkey_challenge(struct call *call)
{
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    json_open(&w, '{');
    int err = passkey_ask_new(core_access(call->core), call->who, host_of(call), &w);
    json_close(&w, '}');
    answer_challenge(call, err, &b);
}

static void answer_added(struct call *call)
{
    const struct passkey_shown *s = call->data;
    const struct jval *list = jval_get(call->who->person->e.doc, "passkeys");
    struct buf b = {0};
    struct json_writer w;
    json_writer_init(&w, &b, 0);
    for (const struct jval *v = list ? list->first : NULL; v; v = v->next)
        if (slice_is(jval_string(jval_get(v, "id")), s->id))
            put_passkey(&w, v);
    call_json(call, 201, &b);
}

void account_passkey_add(struct call *call)
{
    struct passkey_shown *s = shown_of(call);
    if (s && call_text(call, "name", false, &s->name))
        call_change(call, passkey_add, s, answer_added);
}

static struct passkey_named *named_of(struct call *call)
{
    struct passkey_named *n = call_alloc(call, sizeof *n);
    if (n)
        n->id = call->parts[0];
    return n;
}

void account_passkey_change(struct call *call)
{
    static const char *const members[] = {"name", NULL};
    struct passkey_named *n = named_of(call);
    if (n && call_members(call, members) && call_text(call, "name", true, &n->name))
        call_change(call, passkey_rename, n, NULL);
}

void account_passkey_delete(struct call *call)
{
    struct passkey_named *n = named_of(call);
    if (n)
        call_change(call, passkey_remove, n, NULL);
}
