/* device.c - doppel device ls, token, claim, revoke, key: what devices show themselves by. */
#include "server/manage.h"
#include "server/run.h"
#include "server/term.h"

#define TWIN "/api/v1/twins/%s"

int device_ls_run(const struct invocation *in)
{
    static const struct manage_column devices[] = {
        {"TWIN", "twin"}, {"CREDENTIALS", "credentials"},      {"CONNECTED", "connected"},
        {"SEEN", "seen"}, {"LAST REFUSED", "lastRefused.why"}, {"AT", "lastRefused.time"}};
    static const struct manage_column credentials[] = {{"CREDENTIAL", "id"},
                                                       {"NAME", "name"},
                                                       {"KIND", "kind"},
                                                       {"CREATED", "created"},
                                                       {"EXPIRES", "expires"}};
    struct manage m;
    int code = manage_begin(&m, in, false);
    if (code == CODE_OK && !in->args_n) {
        code = manage_get(&m, "/api/v1/devices");
        if (code == CODE_OK)
            manage_table(&m, "devices", devices, 6, "no twin has a credential");
    } else if (code == CODE_OK) {
        code = manage_get(&m, TWIN "/credentials", in->args[0]);
        if (code == CODE_OK)
            manage_table(&m, "credentials", credentials, 5, "no credentials");
    }
    manage_end(&m);
    return code;
}

/* Print a member of the answer alone, for a script to keep. */
static void print_secret(const struct manage *m, const char *key)
{
    if (!option_on(m->in, "json"))
        printf("%.*s\n", SLICE_ARG(member(m->answer.json, key)));
}

int device_token_run(const struct invocation *in)
{
    struct manage m;
    struct buf body = {0};
    struct json_writer w;
    const char *id = option_value(in, "rotate");
    int64_t for_us;
    int code = manage_for(in, &for_us);
    if (code != CODE_OK)
        return code;
    form_begin(&w, &body);
    form_text(&w, "name", option_value(in, "name"));
    form_text(&w, "overlap", id ? option_value(in, "overlap") : NULL);
    form_expires(&w, for_us);
    json_close(&w, '}');
    code = manage_begin(&m, in, false);
    if (code == CODE_OK && id)
        code = manage_do(&m, "POST", &body, in->args[0], TWIN "/credentials/%s/rotate", in->args[0],
                         id);
    else if (code == CODE_OK)
        code = manage_do(&m, "POST", &body, in->args[0], TWIN "/credentials", in->args[0]);
    if (code == CODE_OK)
        print_secret(&m, "token");
    buf_release(&body);
    manage_end(&m);
    return code;
}

int device_claim_run(const struct invocation *in)
{
    struct manage m;
    struct buf body = {0};
    struct json_writer w;
    int64_t for_us;
    int code = manage_for(in, &for_us);
    if (code != CODE_OK)
        return code;
    form_begin(&w, &body);
    form_expires(&w, for_us);
    json_close(&w, '}');
    code = manage_begin(&m, in, false);
    if (code == CODE_OK)
        code = manage_do(&m, "POST", &body, in->args[0], TWIN "/claim-codes", in->args[0]);
    if (code == CODE_OK)
        print_secret(&m, "code");
    buf_release(&body);
    manage_end(&m);
    return code;
}

int device_revoke_run(const struct invocation *in)
{
    struct manage m;
    int code = manage_begin(&m, in, false);
    if (code == CODE_OK)
        code = manage_do(&m, "DELETE", NULL, in->args[1], TWIN "/credentials/%s", in->args[0],
                         in->args[1]);
    if (code == CODE_OK && !option_on(in, "json"))
        printf("%srevoked%s %s\n", term_style(stdout, STYLE_OK), term_end(stdout), in->args[1]);
    manage_end(&m);
    return code;
}

/* ---- keys of fleets ---- */

static int make_key(struct manage *m, int64_t for_us)
{
    const struct invocation *in = m->in;
    struct buf body = {0};
    struct json_writer w;
    long limit = 0;
    int code = option_value(in, "limit") ? option_count(in, "limit", 1, 10000000, &limit) : CODE_OK;
    if (code != CODE_OK)
        return code;
    form_begin(&w, &body);
    form_text(&w, "twinPattern", in->args[0]);
    form_text(&w, "name", option_value(in, "name"));
    if (limit) {
        json_key(&w, "limit");
        json_put_int(&w, limit);
    }
    form_expires(&w, for_us);
    json_close(&w, '}');
    code = manage_do(m, "POST", &body, in->args[0], "/api/v1/provisioning-keys");
    if (code == CODE_OK)
        print_secret(m, "key");
    buf_release(&body);
    return code;
}

int device_key_run(const struct invocation *in)
{
    static const struct manage_column keys[] = {
        {"KEY", "id"},      {"NAME", "name"}, {"TWINS", "twinPattern"},
        {"LIMIT", "limit"}, {"USED", "used"}, {"EXPIRES", "expires"}};
    struct manage m;
    int64_t for_us;
    const char *revoke = option_value(in, "revoke");
    int code = manage_for(in, &for_us);
    if (code != CODE_OK)
        return code;
    code = manage_begin(&m, in, false);
    if (code == CODE_OK && revoke)
        code = manage_do(&m, "DELETE", NULL, revoke, "/api/v1/provisioning-keys/%s", revoke);
    else if (code == CODE_OK && in->args_n)
        code = make_key(&m, for_us);
    else if (code == CODE_OK && (code = manage_get(&m, "/api/v1/provisioning-keys")) == CODE_OK)
        manage_table(&m, "provisioningKeys", keys, 6, "no provisioning keys");
    manage_end(&m);
    return code;
}
