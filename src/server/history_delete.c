/* history_delete.c - doppel history --delete: take readings out of the past. */
#include "base/clock.h"
#include "server/client.h"
#include "server/history.h"
#include "server/term.h"

#include <stdio.h>

int history_delete_run(const struct invocation *in)
{
    struct client *c = NULL;
    struct buf path = {0};
    struct answer a;
    if (!option_each(in, "from", 0) || !option_each(in, "to", 0))
        return command_usage(in->command, "--delete needs --from and --to, so that nothing goes by "
                                          "mistake");
    if (!option_on(in, "yes"))
        return command_usage(in->command,
                             "--delete is for good: nothing brings the readings back; say --yes "
                             "as well");
    int code = history_path(in, &path);
    if (code == CODE_OK)
        code = client_open(in, &c);
    if (code == CODE_OK)
        code = client_call(c, "DELETE", path.p, NULL, (struct slice){0}, &a);
    if (code == CODE_OK && a.status == 200 && option_on(in, "json")) {
        client_json(true, a.body);
    } else if (code == CODE_OK && a.status == 200) {
        struct buf n = {0};
        value_words(&n, jval_get(a.json, "deleted"), 0);
        printf("%sdeleted%s %.*s readings of %s %s\n", term_style(stdout, STYLE_OK),
               term_end(stdout), (int)n.n, n.p ? n.p : "", in->args[0], in->args[1]);
        buf_release(&n);
    } else if (code == CODE_OK) {
        client_json(option_on(in, "json"), a.body);
        code = client_problem(&a, "delete");
    }
    client_close(c);
    buf_release(&path);
    return code;
}
