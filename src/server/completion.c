/* completion.c - what the shells offer behind TAB, written out from the table of commands.
 *
 * The scripts are static but for the ids of twins, which they ask the server for. */
#include "server/command.h"

#include <string.h>

static void options_of(FILE *out, const struct command *c)
{
    const struct option_row *o;
    for (size_t i = 0; (o = command_option(c, i)); i++) {
        fprintf(out, " --%s", o->name);
        if (o->negatable)
            fprintf(out, " --no-%s", o->name);
    }
}

/* The first words, each once: "twin" for "twin ls". */
static void first_words(FILE *out)
{
    const char *last = "";
    for (const struct command *c = commands; c->name; c++) {
        size_t n = strcspn(c->name, " ");
        if (strncmp(last, c->name, n) != 0 || (last[n] && last[n] != ' '))
            fprintf(out, " %.*s", (int)n, c->name);
        last = c->name;
    }
}

static void second_words(FILE *out, const char *first)
{
    size_t n = strlen(first);
    for (const struct command *c = commands; c->name; c++) {
        if (strncmp(c->name, first, n) == 0 && c->name[n] == ' ')
            fprintf(out, " %s", c->name + n + 1);
    }
}

static void bash(FILE *out)
{
    fputs("# completion of doppel for bash:  source <(doppel completion bash)\n"
          "_doppel() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local command=${COMP_WORDS[1]} options= kind=\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        COMPREPLY=($(compgen -W \"",
          out);
    first_words(out);
    fputs("\" -- \"$cur\"))\n        return\n    fi\n    if [ \"$command\" = twin ]; then\n"
          "        if [ \"$COMP_CWORD\" -eq 2 ]; then\n            COMPREPLY=($(compgen -W \"",
          out);
    second_words(out, "twin");
    fputs("\" -- \"$cur\"))\n            return\n        fi\n        command=\"twin "
          "${COMP_WORDS[2]}\"\n"
          "    fi\n    case $command in\n",
          out);
    for (const struct command *c = commands; c->name; c++) {
        fprintf(out, "    '%s') kind='%s' options='", c->name, c->words ? c->words : "");
        options_of(out, c);
        fputs("' ;;\n", out);
    }
    fputs(
        "    esac\n"
        "    case $prev in\n"
        "    --data | --web | --tls-cert | --tls-key | --cacert | --config)\n"
        "        COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
        "    --twin) kind=twin ;;\n"
        "    esac\n"
        "    case $cur in\n"
        "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")); return ;;\n"
        "    esac\n"
        "    case $kind in\n"
        "    twin) COMPREPLY=($(compgen -W \"$(doppel twin ls --ids --timeout 1s 2>/dev/null)\" -- "
        "\"$cur\")) ;;\n"
        "    file) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
        "    *) COMPREPLY=($(compgen -W \"$kind\" -- \"$cur\")) ;;\n"
        "    esac\n"
        "}\n"
        "complete -F _doppel doppel\n",
        out);
}

/* Text between single quotes, without what has a meaning for zsh's _arguments and _describe. */
static void quoted(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (*text == ':')
            fputs("\\:", out);
        else if (*text == '[' || *text == ']')
            fputc(*text == '[' ? '(' : ')', out);
        else
            fputc(*text, out);
    }
}

static void zsh_command(FILE *out, const struct command *c)
{
    const struct option_row *o;
    fprintf(out, "    '%s')\n        _arguments", c->name);
    for (size_t i = 0; (o = command_option(c, i)); i++) {
        fprintf(out, " \\\n            '--%s%s[", o->name, o->value ? "=" : "");
        quoted(out, o->help);
        fputc(']', out);
        if (o->value)
            fprintf(out, ":%s:%s", o->value,
                    strstr("FILE DIR PATH", o->value) ? "_files"
                    : strcmp(o->name, "twin") == 0    ? "_doppel_twins"
                                                      : "");
        fputc('\'', out);
        if (o->negatable)
            fprintf(out, " \\\n            '--no-%s'", o->name);
    }
    if (c->words && strcmp(c->words, "twin") == 0)
        fputs(" \\\n            '*:twin:_doppel_twins'", out);
    else if (c->words && strcmp(c->words, "file") == 0)
        fputs(" \\\n            '*:file:_files'", out);
    else if (c->words && *c->words)
        fprintf(out, " \\\n            '*:word:(%s)'", c->words);
    fputs(" ;;\n", out);
}

static void zsh(FILE *out)
{
    fputs("#compdef doppel\n"
          "# completion of doppel for zsh:  doppel completion zsh > \"${fpath[1]}/_doppel\"\n"
          "_doppel_twins() {\n"
          "    local -a ids\n"
          "    ids=(${(f)\"$(doppel twin ls --ids --timeout 1s 2>/dev/null)\"})\n"
          "    compadd -a ids\n"
          "}\n"
          "_doppel() {\n"
          "    local command=${words[2]}\n"
          "    if (( CURRENT == 2 )); then\n"
          "        compadd",
          out);
    first_words(out);
    fputs("\n        return\n    fi\n    if [[ $command == twin ]]; then\n"
          "        if (( CURRENT == 3 )); then\n            compadd",
          out);
    second_words(out, "twin");
    fputs("\n            return\n        fi\n        command=\"twin ${words[3]}\"\n        shift "
          "words\n"
          "        (( CURRENT-- ))\n    fi\n    shift words\n    (( CURRENT-- ))\n"
          "    case $command in\n",
          out);
    for (const struct command *c = commands; c->name; c++)
        zsh_command(out, c);
    fputs("    esac\n}\n_doppel \"$@\"\n", out);
}

static void fish_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('\'', out);
}

static void fish_command(FILE *out, const struct command *c)
{
    const struct option_row *o;
    char seen[128];
    size_t first = strcspn(c->name, " ");
    if (c->name[first])
        snprintf(seen, sizeof seen,
                 "__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from %s", (int)first,
                 c->name, c->name + first + 1);
    else
        snprintf(seen, sizeof seen, "__fish_seen_subcommand_from %s", c->name);
    for (size_t i = 0; (o = command_option(c, i)); i++) {
        fprintf(out, "complete -c doppel -n '%s' -l %s%s -d ", seen, o->name,
                o->value ? " -r" : "");
        fish_quoted(out, o->help);
        fputc('\n', out);
        if (o->negatable)
            fprintf(out, "complete -c doppel -n '%s' -l no-%s\n", seen, o->name);
    }
    if (c->words && strcmp(c->words, "twin") == 0)
        fprintf(out,
                "complete -c doppel -n '%s' -f -a '(doppel twin ls --ids --timeout 1s "
                "2>/dev/null)'\n",
                seen);
    else if (c->words && strcmp(c->words, "file") != 0 && *c->words)
        fprintf(out, "complete -c doppel -n '%s' -f -a '%s'\n", seen, c->words);
}

static void fish(FILE *out)
{
    fputs("# completion of doppel for fish:  doppel completion fish | source\n", out);
    for (const struct command *c = commands; c->name; c++) {
        size_t n = strcspn(c->name, " ");
        if (c->name[n])
            fprintf(out, "complete -c doppel -n '__fish_seen_subcommand_from %.*s' -f -a %s -d ",
                    (int)n, c->name, c->name + n + 1);
        else
            fprintf(out, "complete -c doppel -n __fish_use_subcommand -f -a %s -d ", c->name);
        fish_quoted(out, c->summary);
        fputc('\n', out);
    }
    fputs("complete -c doppel -n __fish_use_subcommand -f -a twin -d 'list, read, apply and remove "
          "twins'\n",
          out);
    for (const struct command *c = commands; c->name; c++)
        fish_command(out, c);
}

int completion_run(const struct invocation *in)
{
    static const struct {
        const char *name;
        void (*print)(FILE *out);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        if (strcmp(in->args[0], shells[i].name) == 0) {
            shells[i].print(stdout);
            return CODE_OK;
        }
    }
    return command_usage(
        in->command, "there is a completion for bash, zsh and fish, not for \"%s\"", in->args[0]);
}
