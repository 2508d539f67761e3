/* org.c - doppel org ls, create; doppel member ls, invite, role, rm. */
#include "server/manage.h"
#include "server/run.h"
#include "server/term.h"

#define ORGS "/api/v1/organizations"

static void say(const struct manage *m, const char *what, const char *of)
{
    if (!option_on(m->in, "json"))
        printf("%s%s%s %s\n", term_style(stdout, STYLE_OK), what, term_end(stdout), of);
}

/* ---- organisations ---- */

int org_ls_run(const struct invocation *in)
{
    static const struct manage_column columns[] = {{"ORGANISATION", "id"},
                                                   {"NAME", "name"},
                                                   {"YOUR ROLE", "role"},
                                                   {"MEMBERS", "members"},
                                                   {"TWINS", "twins"}};
    struct manage m;
    int code = manage_begin(&m, in, false);
    if (code == CODE_OK)
        code = manage_get(&m, ORGS);
    if (code == CODE_OK)
        manage_table(&m, "organizations", columns, 5, "no organisations");
    manage_end(&m);
    return code;
}

int org_create_run(const struct invocation *in)
{
    struct manage m;
    struct buf body = {0};
    struct json_writer w;
    form_begin(&w, &body);
    form_text(&w, "id", in->args[0]);
    form_text(&w, "name", option_value(in, "name"));
    json_close(&w, '}');
    int code = manage_begin(&m, in, false);
    if (code == CODE_OK)
        code = manage_do(&m, "POST", &body, in->args[0], ORGS);
    if (code == CODE_OK)
        say(&m, "made", in->args[0]);
    buf_release(&body);
    manage_end(&m);
    return code;
}

/* ---- members ---- */

int member_ls_run(const struct invocation *in)
{
    static const struct manage_column columns[] = {{"NAME", "name"}, {"E-MAIL", "email"},
                                                   {"ROLE", "role"}, {"SINCE", "since"},
                                                   {"SEEN", "seen"}, {"ID", "id"}};
    struct manage m;
    int code = manage_begin(&m, in, true);
    if (code == CODE_OK)
        code = manage_get(&m, ORGS "/%s/members", m.org);
    if (code == CODE_OK)
        manage_table(&m, "members", columns, 6, "no members");
    manage_end(&m);
    return code;
}

int member_invite_run(const struct invocation *in)
{
    struct manage m;
    struct buf body = {0};
    struct json_writer w;
    int64_t for_us;
    int code = manage_for(in, &for_us);
    if (code != CODE_OK)
        return code;
    form_begin(&w, &body);
    form_text(&w, "email", in->args_n ? in->args[0] : NULL);
    form_text(&w, "role", option_value(in, "role"));
    form_expires(&w, for_us);
    json_close(&w, '}');
    code = manage_begin(&m, in, true);
    if (code == CODE_OK)
        code = manage_do(&m, "POST", &body, "the invitation", ORGS "/%s/invitations", m.org);
    if (code == CODE_OK && !option_on(in, "json"))
        printf("%s%.*s\n", client_base(m.client), SLICE_ARG(member(m.answer.json, "link")));
    buf_release(&body);
    manage_end(&m);
    return code;
}

static int change_member(const struct invocation *in, const char *method, const struct buf *body,
                         const char *done)
{
    struct manage m;
    struct buf id = {0};
    int code = manage_begin(&m, in, true);
    if (code == CODE_OK)
        code = manage_find_member(&m, in->args[0], &id);
    if (code == CODE_OK)
        code = manage_do(&m, method, body, in->args[0], ORGS "/%s/members/%s", m.org, id.p);
    if (code == CODE_OK)
        say(&m, done, in->args[0]);
    buf_release(&id);
    manage_end(&m);
    return code;
}

int member_role_run(const struct invocation *in)
{
    struct buf body = {0};
    struct json_writer w;
    form_begin(&w, &body);
    form_text(&w, "role", in->args[1]);
    json_close(&w, '}');
    int code = change_member(in, "PATCH", &body, in->args[1]);
    buf_release(&body);
    return code;
}

int member_rm_run(const struct invocation *in)
{
    return change_member(in, "DELETE", NULL, "taken out");
}
