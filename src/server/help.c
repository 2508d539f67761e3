/* help.c - what the table of commands says, for people and as docs/cli.md. */
#include "server/command.h"
#include "server/config.h"
#include "server/suggest.h"
#include "server/term.h"

#include <stdlib.h>
#include <string.h>

static const char *const code_texts[] = {
#define X(name, number, text) [number] = text,
    CODE_TABLE(X)
#undef X
};
enum { CODES_N = sizeof code_texts / sizeof code_texts[0] };

/* Lines of at most width columns, each after the first behind indent spaces. */
static void wrap(FILE *out, const char *text, size_t indent, size_t column, size_t width)
{
    while (*text) {
        if (*text == '\n') {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            text++;
            continue;
        }
        size_t word = strcspn(text, " \n");
        if (column > indent && column + word > width) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        fprintf(out, "%.*s", (int)word, text);
        column += word;
        text += word;
        if (*text == ' ') {
            text++;
            if (column + 1 + strcspn(text, " \n") <= width) {
                fputc(' ', out);
                column++;
            } else {
                fprintf(out, "\n%*s", (int)indent, "");
                column = indent;
            }
        }
    }
}

static size_t text_width(FILE *out)
{
    int columns = term_width(out);
    return columns < 50 || columns > 100 ? 96 : (size_t)columns;
}

static size_t option_words(const struct option_row *o, char *ret, size_t size)
{
    int n =
        snprintf(ret, size, "%c%c%s --%s%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
                 o->letter ? "," : " ", o->negatable ? "[no-]" : "", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
    return n > 0 ? (size_t)n : 0;
}

static const char *default_words(const struct option_row *o)
{
    return o->fallback ? o->fallback : o->otherwise;
}

static void print_option(FILE *out, const struct option_row *o)
{
    enum { COLUMN = 30 };
    char words[96], help[512];
    size_t n = option_words(o, words, sizeof words);
    const char *without = default_words(o);
    snprintf(help, sizeof help, "%s%s%s%s", o->help, without ? " (default: " : "",
             without ? without : "", without ? ")" : "");
    fprintf(out, "  %s", words);
    if (n + 2 >= COLUMN)
        fprintf(out, "\n%*s", COLUMN, "");
    else
        fprintf(out, "%*s", (int)(COLUMN - 2 - n), "");
    wrap(out, help, COLUMN, COLUMN, text_width(out));
    fputc('\n', out);
}

static void heading(FILE *out, const char *text)
{
    fprintf(out, "\n%s%s%s\n", term_style(out, STYLE_BOLD), text, term_end(out));
}

void help_command(FILE *out, const struct command *c)
{
    const struct option_row *o;
    fprintf(out, "%sdoppel %s%s - %s\n", term_style(out, STYLE_BOLD), c->name, term_end(out),
            c->summary);
    heading(out, "Usage");
    fprintf(out, "  doppel %s [OPTION]...%s%s\n", c->name, *c->args ? " " : "", c->args);
    if (c->text) {
        fputc('\n', out);
        wrap(out, c->text, 0, 0, text_width(out));
        fputc('\n', out);
    }
    heading(out, "Options");
    for (size_t i = 0; (o = command_option(c, i)); i++)
        print_option(out, o);
    if (c->examples) {
        heading(out, "Examples");
        for (const struct command_example *e = c->examples; e->line; e++)
            fprintf(out, "  %s# %s%s\n  %s\n", term_style(out, STYLE_DIM), e->text, term_end(out),
                    e->line);
    }
    heading(out, "Exit codes");
    for (int i = 0; i < CODES_N; i++) {
        if (c->codes >> i & 1)
            fprintf(out, "  %d  %s\n", i, code_texts[i]);
    }
}

void help_overview(FILE *out)
{
    fprintf(out,
            "%sdoppel%s - digital twins: live, remembered, shared\n\nUsage\n"
            "  doppel COMMAND [OPTION]... [ARGUMENT]...\n",
            term_style(out, STYLE_BOLD), term_end(out));
    heading(out, "Commands");
    for (const struct command *c = commands; c->name; c++)
        fprintf(out, "  %-12s %s\n", c->name, c->summary);
    fputs("\n\"doppel COMMAND --help\" tells everything about one of them, \"doppel help "
          "configuration\"\nabout the settings of the server.  A first step: doppel serve --demo\n",
          out);
}

/* ---- docs/cli.md ---- */

/* Text in a cell of a table. */
static void cell(FILE *out, const char *text)
{
    for (; *text; text++)
        fprintf(out, *text == '|' ? "\\|" : "%c", *text);
}

static void markdown_options(FILE *out, const struct command *c)
{
    const struct option_row *o;
    fputs("\n| option | | default |\n| --- | --- | --- |\n", out);
    for (size_t i = 0; (o = command_option(c, i)); i++) {
        fputs("| `", out);
        if (o->letter)
            fprintf(out, "-%c`, `", o->letter);
        fprintf(out, "--%s%s%s`", o->name, o->value ? " " : "", o->value ? o->value : "");
        if (o->negatable)
            fprintf(out, ", `--no-%s`", o->name);
        fputs(" | ", out);
        cell(out, o->help);
        fputs(" | ", out);
        cell(out, default_words(o) ? default_words(o) : "");
        fputs(" |\n", out);
    }
}

static void markdown_command(FILE *out, const struct command *c)
{
    fprintf(out, "\n## doppel %s\n\n%c%s.\n\n    doppel %s [OPTION]...%s%s\n", c->name,
            *c->summary >= 'a' && *c->summary <= 'z' ? *c->summary - 'a' + 'A' : *c->summary,
            c->summary + 1, c->name, *c->args ? " " : "", c->args);
    if (c->text) {
        fputc('\n', out);
        wrap(out, c->text, 0, 0, 100);
        fputc('\n', out);
    }
    if (c->groups & COMMAND_CONFIG)
        fputs(
            "\nThe settings among its options are told in [configuration.md](configuration.md).\n",
            out);
    markdown_options(out, c);
    if (c->examples) {
        fputs("\n```sh\n", out);
        for (const struct command_example *e = c->examples; e->line; e++)
            fprintf(out, "# %s\n%s\n", e->text, e->line);
        fputs("```\n", out);
    }
    fputs("\nExit codes:", out);
    for (int i = 0; i < CODES_N; i++) {
        if (c->codes >> i & 1)
            fprintf(out, " %d", i);
    }
    fputs(".\n", out);
}

void help_markdown(FILE *out)
{
    fputs("# The program `doppel`\n\n"
          "One program is the server and its tools.  `doppel COMMAND --help` tells what stands "
          "here;\n"
          "both are derived from the table of commands (`doppel help --markdown`).\n\n"
          "| command | |\n| --- | --- |\n",
          out);
    for (const struct command *c = commands; c->name; c++)
        fprintf(out, "| `doppel %s` | %s |\n", c->name, c->summary);
    fputs("\nExit codes, the same for every command:\n\n| code | |\n| --- | --- |\n", out);
    for (int i = 0; i < CODES_N; i++)
        fprintf(out, "| %d | %s |\n", i, code_texts[i]);
    fputs("\nCommands that talk to a server find it through `--server URL` or the environment "
          "variable\n"
          "`DOPPEL_SERVER`.  They show it an API token: `--token`, `DOPPEL_TOKEN`, what "
          "`doppel login` has\n"
          "kept for its address, or what a server that runs beside them as the same user has "
          "written for them.\n"
          "`--json` prints what the server says, for scripts; without it the "
          "output is\n"
          "for people and may change.  Colours are used on a terminal only, and not when "
          "`NO_COLOR` is set.\n",
          out);
    for (const struct command *c = commands; c->name; c++)
        markdown_command(out, c);
}

int help_run(const struct invocation *in)
{
    bool markdown = option_on(in, "markdown");
    if (in->args_n == 0) {
        if (markdown)
            help_markdown(stdout);
        else
            help_overview(stdout);
        return CODE_OK;
    }
    if (strcmp(in->args[0], "configuration") == 0) {
        config_markdown(stdout);
        return CODE_OK;
    }
    size_t used = 0;
    const struct command *c = command_find(in->args, in->args_n, &used);
    if (c && used == in->args_n) {
        help_command(stdout, c);
        return CODE_OK;
    }
    struct suggestion s;
    char wanted[80];
    snprintf(wanted, sizeof wanted, "%.30s%s%.30s", in->args[0], in->args_n > 1 ? " " : "",
             in->args_n > 1 ? in->args[1] : "");
    suggest_begin(&s, wanted);
    for (c = commands; c->name; c++)
        suggest_offer(&s, c->name);
    return command_usage(in->command, "there is no command \"%s\"%s%s%s", wanted,
                         s.best ? "; did you mean \"" : "", s.best ? s.best : "",
                         s.best ? "\"?" : "");
}
