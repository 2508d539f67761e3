/* alarm.c - doppel alarm: what is open, one of them, and what is done with it. */
#include "server/manage.h"
#include "server/run.h"
#include "server/term.h"

#include <string.h>

int alarm_ls_run(const struct invocation *in)
{
    static const struct manage_column columns[] = {{"ALARM", "id"},      {"SEVERITY", "severity"},
                                                   {"STATE", "state"},   {"TWIN", "twin"},
                                                   {"RAISED", "raised"}, {"WHAT", "message"}};
    struct manage m;
    const char *twin = option_value(in, "twin"), *severity = option_value(in, "severity");
    int code = manage_begin(&m, in, false);
    if (code == CODE_OK)
        code = manage_get(&m, "/api/v1/alarms?limit=1000&state=%s&twin=%s&severity=%s",
                          option_value(in, "state"), twin ? twin : "", severity ? severity : "");
    if (code == CODE_OK)
        manage_table(&m, "alarms", columns, 6, "no alarms");
    manage_end(&m);
    return code;
}

static void print_line(const char *label, struct slice text)
{
    if (text.n)
        printf("%-14s %.*s\n", label, SLICE_ARG(text));
}

int alarm_show_run(const struct invocation *in)
{
    static const char *const lines[][2] = {{"severity", "severity"},
                                           {"state", "state"},
                                           {"twin", "twin"},
                                           {"sensor", "sensor"},
                                           {"raised", "raised"},
                                           {"cleared", "cleared"},
                                           {"rule", "rule"},
                                           {"assigned to", "assignee"},
                                           {"shelved until", "shelvedUntil"},
                                           {"because", "shelvedReason"}};
    static const struct manage_column columns[] = {
        {"AT", "at"}, {"STEP", "step"}, {"WHO", "whoName|who"}, {"TEXT", "text"}};
    struct manage m;
    int code = manage_begin(&m, in, false);
    if (code == CODE_OK)
        code = manage_get(&m, "/api/v1/alarms/%s", in->args[0]);
    if (code == CODE_OK && !option_on(in, "json")) {
        printf("%s%.*s%s\n", term_style(stdout, STYLE_BOLD),
               SLICE_ARG(member(m.answer.json, "message")), term_end(stdout));
        for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
            print_line(lines[i][0], member(m.answer.json, lines[i][1]));
        putchar('\n');
        manage_table(&m, "steps", columns, 4, "no steps");
    }
    manage_end(&m);
    return code;
}

int alarm_explain_run(const struct invocation *in)
{
    static const struct manage_column columns[] = {
        {"CAUSE", "cause"},     {"SCORE", "score"},
        {"SINCE", "changed"},   {"CORRELATION", "correlation"},
        {"STEPS AWAY", "hops"}, {"WHAT", "name|what"}};
    struct manage m;
    const char *window = option_value(in, "window");
    int code = manage_begin(&m, in, false);
    if (code == CODE_OK)
        code = manage_get(&m, "/api/v1/alarms/%s/explanation?window=%s", in->args[0], window);
    if (code == CODE_OK)
        manage_table(&m, "causes", columns, 6, "no twin with sensors leads to it");
    manage_end(&m);
    return code;
}

/* One deed with each alarm that is named; text goes under `key`. */
static int act(const struct invocation *in, const char *deed, const char *key, const char *text,
               const char *said)
{
    struct manage m;
    int code = manage_begin(&m, in, false);
    for (size_t i = 0; code == CODE_OK && i < in->args_n; i++) {
        struct buf body = {0};
        struct json_writer w;
        if (!slice_starts(slice_str(in->args[i]), "a-"))
            continue; /* who, or what is written: another argument */
        form_begin(&w, &body);
        form_text(&w, key, text);
        form_text(&w, "for", strcmp(deed, "shelve") == 0 ? option_value(in, "for") : NULL);
        if (strcmp(deed, "assign") == 0 && !text) {
            json_key(&w, "assignee");
            json_put_null(&w);
        }
        json_close(&w, '}');
        code = manage_do(&m, "POST", &body, in->args[i], "/api/v1/alarms/%s/%s", in->args[i], deed);
        if (code == CODE_OK && !option_on(in, "json"))
            printf("%s%s%s %s\n", term_style(stdout, STYLE_OK), said, term_end(stdout),
                   in->args[i]);
        buf_release(&body);
    }
    manage_end(&m);
    return code;
}

int alarm_ack_run(const struct invocation *in)
{
    return act(in, "acknowledge", "comment", option_value(in, "comment"), "acknowledged");
}

int alarm_clear_run(const struct invocation *in)
{
    return act(in, "clear", "comment", option_value(in, "comment"), "ended");
}

int alarm_assign_run(const struct invocation *in)
{
    const char *whom = in->args[1];
    return act(in, "assign", "assignee", strcmp(whom, "nobody") == 0 ? NULL : whom, "assigned");
}

int alarm_comment_run(const struct invocation *in)
{
    return act(in, "comment", "text", in->args[1], "written about");
}

int alarm_shelve_run(const struct invocation *in)
{
    return act(in, "shelve", "reason", option_value(in, "reason"), "shelved");
}

int alarm_unshelve_run(const struct invocation *in)
{
    return act(in, "unshelve", "comment", option_value(in, "comment"), "back in service");
}
