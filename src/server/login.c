/* login.c - doppel login, doppel logout, doppel setup-link. */
#include "server/login.h"

#include "base/err.h"
#include "crypto/key_ring.h"
#include "crypto/token.h"
#include "os/file.h"
#include "server/client.h"
#include "server/local_token.h"
#include "server/run.h"
#include "server/term.h"

#include <errno.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

/* ---- what is kept ---- */

static char *path_for(const char *base, bool make)
{
    char *dir = private_directory("XDG_CONFIG_HOME", ".config", "doppel/logins", make);
    const char *host = strstr(base, "://");
    struct buf path = {0};
    if (!dir || !host || strchr(host + 3, '/')) {
        free(dir);
        return NULL;
    }
    buf_addf(&path, "%s/%.*s+%s", dir, (int)(host - base), base, host + 3);
    free(dir);
    return buf_take(&path);
}

static bool read_kept(const char *base, struct buf *ret)
{
    char *path = path_for(base, false);
    bool there = path && private_read(path, ret);
    free(path);
    return there;
}

char *token_for(const struct invocation *in, const char *base, const char *address)
{
    const char *given = option_value(in, "token"), *env = getenv("DOPPEL_TOKEN");
    struct buf token = {0};
    if (given || (env && *env))
        return strdup(given ? given : env);
    if ((base && read_kept(base, &token)) || (address && local_token_find(address, &token)))
        return buf_take(&token);
    buf_release(&token);
    return NULL;
}

void token_forget(char *token)
{
    if (token)
        explicit_bzero(token, strlen(token));
    free(token);
}

/* ---- what is asked of a person ---- */

/* A line without its end; the terminal does not show it when it is secret.  False: there is none.
 */
static bool ask(const char *what, bool secret, struct buf *ret)
{
    char line[LINE_MAX_BYTES];
    struct termios before;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal)
        fprintf(stderr, "%s: ", what);
    if (terminal && secret) {
        struct termios quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    bool there = fgets(line, sizeof line, stdin);
    if (terminal && secret) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    if (there)
        buf_add(ret, line, strcspn(line, "\r\n"));
    explicit_bzero(line, sizeof line);
    if (!there)
        term_problem("%s is needed, and standard input has ended", what);
    return there;
}

/* ---- signing in ---- */

struct login {
    const struct invocation *in;
    struct client *client;
    struct buf email, password, code;
};

static void put(struct json_writer *w, const char *key, struct slice value)
{
    json_key(w, key);
    json_put_string(w, value);
}

static int post_session(struct login *l, struct answer *ret)
{
    struct buf body = {0};
    struct json_writer w;
    json_writer_init(&w, &body, 0);
    json_open(&w, '{');
    put(&w, "email", buf_slice(&l->email));
    put(&w, "password", buf_slice(&l->password));
    if (l->code.n)
        put(&w, "code", buf_slice(&l->code));
    json_close(&w, '}');
    int code = client_call(l->client, "POST", "/api/v1/session", "application/json",
                           buf_slice(&body), ret);
    secret_release(&body);
    return code;
}

static int sign_in_as(struct login *l)
{
    struct answer a;
    const char *email = option_value(l->in, "email");
    if (email)
        buf_add_str(&l->email, email);
    if ((!email && !ask("e-mail address", false, &l->email)) ||
        !ask("password", true, &l->password))
        return CODE_USAGE;
    int code = post_session(l, &a);
    if (code == CODE_OK && a.status == 401 &&
        slice_is(member(a.json, "code"), "second-factor-required")) {
        if (!ask("one-time code or recovery code", false, &l->code))
            return CODE_USAGE;
        code = post_session(l, &a);
    }
    return code != CODE_OK || a.status == 201 ? code : client_problem(&a, "sign-in");
}

static int make_token(struct login *l, struct buf *ret)
{
    char host[65] = "";
    struct answer a;
    struct buf body = {0}, name = {0};
    struct json_writer w;
    gethostname(host, sizeof host - 1);
    buf_addf(&name, "doppel on %s", host);
    json_writer_init(&w, &body, 0);
    json_open(&w, '{');
    put(&w, "name", buf_slice(&name));
    json_close(&w, '}');
    int code = client_call(l->client, "POST", "/api/v1/account/tokens", "application/json",
                           buf_slice(&body), &a);
    if (code == CODE_OK && a.status != 201)
        code = client_problem(&a, "the token");
    if (code == CODE_OK)
        buf_add_slice(ret, member(a.json, "token"));
    buf_release(&body);
    buf_release(&name);
    return code;
}

static int keep(const char *base, struct slice token)
{
    char *path = path_for(base, true);
    int err = path ? file_write(path, token, 0600) : ERR_NOT_FOUND;
    if (err)
        term_problem(
            "the token cannot be kept: %s",
            path ? file_why(err)
                 : "neither XDG_CONFIG_HOME nor HOME names a directory that is yours alone");
    free(path);
    return err ? CODE_FAILED : CODE_OK;
}

static int log_in(struct login *l)
{
    struct buf token = {0};
    struct answer a;
    client_be_browser(l->client);
    int code = sign_in_as(l);
    if (code == CODE_OK)
        code = make_token(l, &token);
    if (code == CODE_OK)
        code = keep(client_base(l->client), buf_slice(&token));
    if (code == CODE_OK) {
        client_call(l->client, "DELETE", "/api/v1/session", NULL, (struct slice){0}, &a);
        printf("signed in at %s as %.*s\n", client_base(l->client),
               SLICE_ARG(buf_slice(&l->email)));
    }
    secret_release(&token);
    return code;
}

int login_run(const struct invocation *in)
{
    struct login l = {.in = in};
    int code = client_open_at(in, in->args_n ? in->args[0] : NULL, &l.client);
    if (code == CODE_OK && !client_is_private(l.client) && !option_on(in, "insecure")) {
        term_problem("%s is reached without TLS, so everybody on the way reads the password.  Use "
                     "https, or --insecure if that is what you want",
                     client_base(l.client));
        code = CODE_USAGE;
    }
    if (code == CODE_OK)
        code = log_in(&l);
    secret_release(&l.password);
    secret_release(&l.code);
    buf_release(&l.email);
    client_close(l.client);
    return code;
}

/* ---- signing out ---- */

static int revoke_token(struct client *c, struct slice text)
{
    struct token t;
    struct answer a;
    struct buf path = {0};
    if (token_read(text, &t))
        return CODE_OK; /* nothing that a server would know */
    buf_addf(&path, "/api/v1/account/tokens/%s", t.id);
    buf_add_byte(&path, 0);
    int code =
        path.failed ? CODE_FAILED : client_call(c, "DELETE", path.p, NULL, (struct slice){0}, &a);
    buf_release(&path);
    if (code == CODE_OK && a.status != 204 && a.status != 401 && a.status != 404)
        code = client_problem(&a, "the token");
    return code;
}

int logout_run(const struct invocation *in)
{
    struct client *c = NULL;
    struct buf token = {0};
    int code = client_open_at(in, in->args_n ? in->args[0] : NULL, &c);
    char *path = code == CODE_OK ? path_for(client_base(c), false) : NULL;
    if (code == CODE_OK && (!path || !private_read(path, &token))) {
        term_problem("nobody is signed in at %s", client_base(c));
        code = CODE_NO;
    } else if (code == CODE_OK) {
        client_set_token(c, buf_slice(&token));
        code = revoke_token(c, buf_slice(&token));
        unlink(path);
        if (code == CODE_OK)
            printf("signed out at %s\n", client_base(c));
        else
            term_problem("the token is forgotten here, but the server may still take it");
    }
    secret_release(&token);
    free(path);
    client_close(c);
    return code;
}

/* ---- the way in for an administrator ---- */

int setup_link_run(const struct invocation *in)
{
    const char *email = option_value(in, "email");
    struct client *c = NULL;
    struct buf body = {0};
    struct json_writer w;
    struct answer a;
    int code = client_open(in, &c);
    json_writer_init(&w, &body, 0);
    json_open(&w, '{');
    if (email)
        put(&w, "email", slice_str(email));
    json_close(&w, '}');
    if (code == CODE_OK)
        code =
            client_call(c, "POST", "/api/v1/setup/link", "application/json", buf_slice(&body), &a);
    if (code == CODE_OK && a.status != 201)
        code = client_problem(&a, NULL);
    else if (code == CODE_OK)
        printf("%s%.*s\n", client_base(c), SLICE_ARG(member(a.json, "link")));
    buf_release(&body);
    client_close(c);
    return code;
}
