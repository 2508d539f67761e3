/* config_load.c - the settings from everywhere, and back out as a file and as a page. */
#include "base/err.h"
#include "http/forwarded.h"
#include "os/file.h"
#include "server/config.h"
#include "server/ini.h"
#include "server/term.h"

#include <stdlib.h>
#include <unistd.h>

static int tell(const struct buf *why, int code)
{
    struct slice rest = buf_slice(why), line;
    while (slice_cut(&rest, '\n', &line)) {
        if (line.n)
            term_problem("%.*s", SLICE_ARG(line));
    }
    return code;
}

static size_t row_of(const char *flag)
{
    size_t i = 0;
    while (config_rows[i].section && strcmp(config_rows[i].flag, flag) != 0)
        i++;
    return i;
}

static int read_flags(struct config *c, const struct invocation *in, struct buf *why)
{
    int err = 0;
    for (size_t g = 0; g < in->given_n; g++) {
        const struct given *given = &in->given[g];
        size_t i = row_of(given->option->name);
        if (!config_rows[i].section)
            continue;
        char where[64];
        snprintf(where, sizeof where, "--%s%s", given->off ? "no-" : "", given->option->name);
        const char *text = given->value ? given->value : given->off ? "false" : "true";
        if (config_set(c, i, CONFIG_FROM_FLAG, where, slice_str(text), why)) {
            buf_add_byte(why, '\n');
            err = ERR_INVALID;
        }
    }
    return err;
}

/* The file named with --config or DOPPEL_CONFIG, which has to be there, or the data directory's own
 * one. */
static int read_file(struct config *c, const struct invocation *in, struct buf *why)
{
    const char *named = NULL;
    for (size_t i = 0; i < in->given_n; i++) {
        if (strcmp(in->given[i].option->name, "config") == 0)
            named = in->given[i].value;
    }
    if (!named)
        named = getenv("DOPPEL_CONFIG");
    if (named && !*named)
        named = NULL;
    struct buf path = {0}, text = {0};
    if (named)
        buf_add_str(&path, named);
    else
        buf_addf(&path, "%s/doppel.ini", c->data);
    char *name = buf_take(&path);
    int err = name ? file_read(name, 1 << 20, &text) : ERR_NOMEM;
    if (err == ERR_NOT_FOUND && !named) {
        err = 0;
    } else if (err) {
        buf_addf(why, "the configuration file %s cannot be read: %s\n", name ? name : "",
                 file_why(err));
    } else {
        err = config_read_file(c, name, buf_slice(&text), !named, why);
        c->file = name;
        name = NULL;
    }
    free(name);
    buf_release(&text);
    return err;
}

static int check_proxies(const struct config *c, struct buf *why)
{
    struct proxies *p = NULL;
    struct slice bad = {0};
    int err = c->trusted_proxies ? proxies_parse(slice_str(c->trusted_proxies), &p, &bad) : 0;
    if (err)
        buf_addf(
            why,
            "--trusted-proxies takes addresses and networks such as 127.0.0.1, 10.0.0.0/8, not "
            "\"%.*s\"\n",
            SLICE_ARG(bad));
    proxies_free(p);
    return err;
}

static int check_whole(const struct config *c, struct buf *why)
{
    const struct {
        bool wrong;
        const char *sentence;
    } rules[] = {
        {!c->data, "the data directory has no name; set it with --data DIR"},
        {!c->tls_cert != !c->tls_key, "--tls-cert and --tls-key go together"},
        {c->tls_cert && c->tls_self_signed,
         "choose either --tls-cert and --tls-key or --tls-self-signed"},
        {(c->https || c->mqtts) && !c->tls_cert && !c->tls_self_signed,
         "--https and --mqtts need a certificate: --tls-cert FILE --tls-key FILE, or "
         "--tls-self-signed"},
        {c->client_crl && !c->client_ca, "--client-crl goes with --client-ca"},
        {c->require_client_cert && !c->client_ca,
         "--require-client-cert needs --client-ca FILE to verify them with"},
        {!c->http && !c->https && !c->mqtt && !c->mqtts,
         "every listener is off; a server needs one"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].wrong) {
            buf_addf(why, "%s\n", rules[i].sentence);
            return ERR_INVALID;
        }
    }
    return check_proxies(c, why);
}

int config_load(struct config *c, const struct invocation *in)
{
    struct buf why = {0}, odd = {0};
    int code = CODE_USAGE;
    if (config_init(c)) {
        term_problem("out of memory");
        return CODE_FAILED;
    }
    /* the flags and the environment first: they say where the file is; ranks keep the order */
    int flags = read_flags(c, in, &why), env = config_read_env(c, environ, &why, &odd);
    if (flags || env || read_file(c, in, &why) || check_whole(c, &why)) {
        tell(&why, 0);
        config_release(c);
    } else {
        code = CODE_OK;
    }
    tell(&odd, 0);
    buf_release(&why);
    buf_release(&odd);
    return code;
}

void config_print(const struct config *c, FILE *out)
{
    const char *section = "";
    struct buf b = {0};
    buf_addf(&b, "# The settings in force%s%s.\n", c->file ? "; file: " : "; no file was read",
             c->file ? c->file : "");
    for (size_t i = 0; config_rows[i].section; i++) {
        const struct config_row *r = &config_rows[i];
        if (strcmp(section, r->section) != 0)
            buf_addf(&b, "\n[%s]\n", section = r->section);
        buf_addf(&b, "# %s\n# from: %s\n%s = ", r->help, c->where[i] ? c->where[i] : "the default",
                 r->key);
        /* a path is told whole, so that the file means the same from any directory */
        char *whole = r->type == CONFIG_PATH && *c->text[i] && c->text[i][0] != '/'
                          ? realpath(".", NULL)
                          : NULL;
        struct buf value = {0};
        buf_addf(&value, "%s%s%s", whole ? whole : "", whole ? "/" : "", c->text[i]);
        ini_quote(&b, buf_slice(&value));
        buf_add_byte(&b, '\n');
        buf_release(&value);
        free(whole);
    }
    fwrite(b.p, 1, b.n, out);
    buf_release(&b);
}

void config_markdown(FILE *out)
{
    const char *section = "";
    fputs("# Settings of the server\n"
          "\n"
          "`doppel serve` needs no configuration.  What is to differ can be said in three places; "
          "a flag wins\n"
          "over the environment, the environment over the file, the file over the default.\n"
          "\n"
          "- **Flags**: `doppel serve --http 127.0.0.1:9000`; a switch is turned off with "
          "`--no-NAME`.\n"
          "- **Environment**: the flag in capitals behind `DOPPEL_`, `-` as `_`: "
          "`DOPPEL_HTTP=127.0.0.1:9000`.\n"
          "  An empty variable counts as none.  `DOPPEL_CONFIG` names the file.\n"
          "- **File**: `doppel.ini` in the data directory, or the one named with `--config FILE`.\n"
          "\n"
          "The file has sections, `key = value` in each, and comments behind `#` or `;`.  A value "
          "with a `#`,\n"
          "a `;` or spaces at its ends stands in double quotes, where `\\\"` and `\\\\` are a "
          "quote and a\n"
          "backslash.  A mistake in it is told with its line and nothing is started.\n"
          "\n"
          "```ini\n"
          "[server]\n"
          "http = 127.0.0.1:9000\n"
          "mqtt = off                # no MQTT\n"
          "\n"
          "[limits]\n"
          "max-body = 64M\n"
          "```\n"
          "\n"
          "`doppel serve --print-config` prints what is in force and where each setting came from, "
          "as such a\n"
          "file.  This page is derived from the program: `doppel help configuration --markdown`.\n",
          out);
    for (const struct config_row *r = config_rows; r->section; r++) {
        static const char *const types[] = {"text",
                                            "path",
                                            "HOST:PORT or `off`",
                                            "true or false",
                                            "count",
                                            "bytes (`64k`, `16M`)",
                                            "duration (`500ms`, `10s`, `1m`)",
                                            "level"};
        if (strcmp(section, r->section) != 0)
            fprintf(out,
                    "\n## [%s]\n\n| key | flag | type | default | |\n| --- | --- | --- | --- | "
                    "--- |\n",
                    section = r->section);
        fprintf(out, "| `%s` | `--%s` | %s | %s%s%s | %s |\n", r->key, r->flag, types[r->type],
                *r->fallback ? "`" : "", *r->fallback ? r->fallback : "none",
                *r->fallback ? "`" : "", r->help);
    }
}
