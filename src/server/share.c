/* share.c - doppel share: with whom a twin is shared, and sharing it. */
#include "server/manage.h"
#include "server/run.h"
#include "server/term.h"

#include <string.h>

/* "common", "link", "team:NAME", "org:SLUG", or somebody's address. */
static void write_receiver(struct json_writer *w, const char *who)
{
    struct slice kind = slice_str(who);
    json_key(w, "to");
    json_open(w, '{');
    if (strcmp(who, "common") == 0 || strcmp(who, "link") == 0) {
        form_text(w, "kind", who);
    } else if (slice_starts(kind, "team:")) {
        form_text(w, "kind", "team");
        form_text(w, "id", who + 5);
    } else if (slice_starts(kind, "org:")) {
        form_text(w, "kind", "organization");
        form_text(w, "id", who + 4);
    } else {
        form_text(w, "kind", "person");
        form_text(w, strchr(who, '@') ? "email" : "id", who);
    }
    json_close(w, '}');
}

static void write_grant(const struct invocation *in, const char *object, int64_t for_us,
                        struct buf *body)
{
    struct json_writer w;
    const char *part;
    form_begin(&w, body);
    form_text(&w, "object", object);
    write_receiver(&w, in->args[1]);
    form_text(&w, "role", option_value(in, "role"));
    if (option_each(in, "part", 0)) {
        json_key(&w, "parts");
        json_open(&w, '[');
        for (size_t i = 0; (part = option_each(in, "part", i)); i++)
            json_put_cstr(&w, part);
        json_close(&w, ']');
    }
    form_expires(&w, for_us);
    json_close(&w, '}');
}

static int list(struct manage *m, const char *object)
{
    static const struct manage_column columns[] = {
        {"GRANT", "id"},  {"TO", "to.kind"},  {"WHO", "to.name|to.email|to.id"},
        {"ROLE", "role"}, {"PARTS", "parts"}, {"EXPIRES", "expires"},
        {"BY", "by"}};
    int code = manage_get(m, "/api/v1/grants?object=%s", object);
    if (code == CODE_OK)
        manage_table(m, "grants", columns, 7, "shared with nobody");
    return code;
}

static int stop(struct manage *m, const char *grant)
{
    int code = manage_do(m, "DELETE", NULL, grant, "/api/v1/grants/%s", grant);
    if (code == CODE_OK && !option_on(m->in, "json"))
        printf("%sended%s %s\n", term_style(stdout, STYLE_OK), term_end(stdout), grant);
    return code;
}

static int share(struct manage *m, const struct buf *body)
{
    int code = manage_do(m, "POST", body, m->in->args[0], "/api/v1/grants");
    if (code != CODE_OK || option_on(m->in, "json"))
        return code;
    struct slice link = member(m->answer.json, "link");
    if (link.n)
        printf("%s%.*s\n", client_base(m->client), SLICE_ARG(link));
    else
        printf("%sshared%s %s: %.*s\n", term_style(stdout, STYLE_OK), term_end(stdout),
               m->in->args[0], SLICE_ARG(member(m->answer.json, "id")));
    return code;
}

int share_run(const struct invocation *in)
{
    struct manage m;
    struct buf body = {0}, object = {0};
    const char *ends = option_value(in, "stop");
    int64_t for_us;
    int code = manage_for(in, &for_us);
    if (code != CODE_OK)
        return code;
    if (ends && in->args_n > 1)
        return command_usage(in->command, "--stop and %s do not go together", in->args[1]);
    buf_addf(&object, "%s%s", strncmp(in->args[0], "space:", 6) == 0 ? "" : "twin:", in->args[0]);
    buf_add_byte(&object, 0);
    if (!object.failed && in->args_n > 1)
        write_grant(in, object.p, for_us, &body);
    code = manage_begin(&m, in, false);
    if (code == CODE_OK && object.failed)
        code = CODE_FAILED;
    if (code == CODE_OK)
        code = ends ? stop(&m, ends) : in->args_n == 1 ? list(&m, object.p) : share(&m, &body);
    manage_end(&m);
    buf_release(&body);
    buf_release(&object);
    return code;
}
