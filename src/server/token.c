/* token.c - doppel token create, ls, revoke: service accounts and what they show themselves by. */
#include "server/manage.h"
#include "server/run.h"
#include "server/term.h"

#define SERVICES "/api/v1/organizations/%s/services"

/* The services, into the answer. */
static int list_services(struct manage *m)
{
    struct buf path = {0};
    buf_add_str(&path, "/api/v1/organizations/");
    client_escape(&path, slice_str(m->org));
    buf_add_str(&path, "/services");
    buf_add_byte(&path, 0);
    int code = path.failed ? CODE_FAILED : client_get(m->client, path.p, &m->answer);
    buf_release(&path);
    return code;
}

/* The id of the service of that name or id; empty: there is none. */
static int find_service(struct manage *m, const char *name, struct buf *ret_id)
{
    int code = list_services(m);
    const struct jval *list = code == CODE_OK ? jval_get(m->answer.json, "services") : NULL;
    for (const struct jval *s = list ? list->first : NULL; s && !ret_id->n; s = s->next)
        if (slice_is(member(s, "id"), name) || slice_is(member(s, "name"), name))
            buf_add_slice(ret_id, member(s, "id"));
    return code;
}

static int make_service(struct manage *m, const char *name, struct buf *ret_id)
{
    struct buf body = {0};
    struct json_writer w;
    const char *role = option_value(m->in, "role");
    if (!role) {
        term_problem("%s has no service account \"%s\": with --role it is made", m->org, name);
        return CODE_MISSING;
    }
    form_begin(&w, &body);
    form_text(&w, "name", name);
    form_text(&w, "role", role);
    json_close(&w, '}');
    struct invocation quiet = *m->in;
    quiet.given_n = 0; /* what --json prints is the token alone */
    const struct invocation *in = m->in;
    m->in = &quiet;
    int code = manage_do(m, "POST", &body, name, SERVICES, m->org);
    m->in = in;
    if (code == CODE_OK)
        buf_add_slice(ret_id, member(m->answer.json, "id"));
    buf_release(&body);
    return code;
}

static void write_token(const struct invocation *in, int64_t for_us, struct buf *body)
{
    struct json_writer w;
    const char *scope;
    form_begin(&w, body);
    form_text(&w, "name", option_value(in, "name"));
    if (option_each(in, "scope", 0)) {
        json_key(&w, "scopes");
        json_open(&w, '[');
        for (size_t i = 0; (scope = option_each(in, "scope", i)); i++)
            json_put_cstr(&w, scope);
        json_close(&w, ']');
    }
    form_expires(&w, for_us);
    json_close(&w, '}');
}

int token_create_run(const struct invocation *in)
{
    struct manage m;
    struct buf body = {0}, id = {0};
    int64_t for_us;
    int code = manage_for(in, &for_us);
    if (code != CODE_OK)
        return code;
    write_token(in, for_us, &body);
    code = manage_begin(&m, in, true);
    if (code == CODE_OK)
        code = find_service(&m, in->args[0], &id);
    if (code == CODE_OK && !id.n)
        code = make_service(&m, in->args[0], &id);
    buf_add_byte(&id, 0);
    if (code == CODE_OK)
        code = manage_do(&m, "POST", &body, in->args[0], SERVICES "/%s/tokens", m.org, id.p);
    if (code == CODE_OK && !option_on(in, "json"))
        printf("%.*s\n", SLICE_ARG(member(m.answer.json, "token")));
    buf_release(&body);
    buf_release(&id);
    manage_end(&m);
    return code;
}

int token_ls_run(const struct invocation *in)
{
    static const struct manage_column services[] = {
        {"SERVICE", "name"}, {"ROLE", "role"}, {"TOKENS", "tokens"}, {"ID", "id"}};
    static const struct manage_column tokens[] = {{"TOKEN", "id"},
                                                  {"NAME", "name"},
                                                  {"SCOPES", "scopes"},
                                                  {"EXPIRES", "expires"},
                                                  {"USED", "used"}};
    struct manage m;
    struct buf id = {0};
    int code = manage_begin(&m, in, true);
    if (code == CODE_OK && !in->args_n) {
        code = manage_get(&m, SERVICES, m.org);
        if (code == CODE_OK)
            manage_table(&m, "services", services, 4, "no service accounts");
    } else if (code == CODE_OK) {
        code = find_service(&m, in->args[0], &id);
        buf_add_byte(&id, 0);
        if (code == CODE_OK)
            code = manage_get(&m, SERVICES "/%s/tokens", m.org, id.n > 1 ? id.p : in->args[0]);
        if (code == CODE_OK)
            manage_table(&m, "tokens", tokens, 5, "no tokens");
    }
    buf_release(&id);
    manage_end(&m);
    return code;
}

int token_revoke_run(const struct invocation *in)
{
    struct manage m;
    struct buf id = {0};
    int code = manage_begin(&m, in, true);
    if (code == CODE_OK)
        code = find_service(&m, in->args[0], &id);
    buf_add_byte(&id, 0);
    if (code == CODE_OK)
        code = manage_do(&m, "DELETE", NULL, in->args[1], SERVICES "/%s/tokens/%s", m.org,
                         id.n > 1 ? id.p : in->args[0], in->args[1]);
    if (code == CODE_OK && !option_on(in, "json"))
        printf("%srevoked%s %s\n", term_style(stdout, STYLE_OK), term_end(stdout), in->args[1]);
    buf_release(&id);
    manage_end(&m);
    return code;
}
