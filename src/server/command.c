#include "server/command.h"

#include "server/config.h"
#include "server/suggest.h"
#include "server/term.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct option_row help_option[] = {
    {.name = "help", .letter = 'h', .help = "show this"},
    {0},
};

static const struct option_row json_option[] = {
    {.name = "json", .help = "print JSON, for scripts"},
    {0},
};

static const struct option_row client_options[] = {
    {.name = "server",
     .letter = 's',
     .value = "URL",
     .otherwise = "$DOPPEL_SERVER, else http://127.0.0.1:8080",
     .help = "the server to talk to"},
    {.name = "token",
     .value = "TOKEN",
     .otherwise = "$DOPPEL_TOKEN, what doppel login kept, or the server beside us",
     .help = "an API token to show"},
    {.name = "cacert", .value = "FILE", .help = "certificate that the server's is checked against"},
    {.name = "insecure", .letter = 'k', .help = "do not check the server's certificate"},
    {.name = "timeout", .value = "DURATION", .fallback = "30s", .help = "how long to wait"},
    {0},
};

const struct option_row *command_option(const struct command *c, size_t i)
{
    const struct option_row *lists[] = {
        c->options,
        c->groups & COMMAND_CONFIG ? config_options() : NULL,
        c->groups & COMMAND_JSON ? json_option : NULL,
        c->groups & COMMAND_CLIENT ? client_options : NULL,
        help_option,
    };
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        for (const struct option_row *o = lists[l]; o && o->name; o++) {
            if (i-- == 0)
                return o;
        }
    }
    return NULL;
}

static const struct option_row *find_option(const struct command *c, const char *name, size_t n,
                                            bool *ret_off)
{
    const struct option_row *o;
    for (size_t i = 0; (o = command_option(c, i)); i++) {
        if (strlen(o->name) == n && memcmp(o->name, name, n) == 0) {
            *ret_off = false;
            return o;
        }
        if (o->negatable && n == strlen(o->name) + 3 && memcmp(name, "no-", 3) == 0 &&
            memcmp(name + 3, o->name, n - 3) == 0) {
            *ret_off = true;
            return o;
        }
    }
    return NULL;
}

static const struct option_row *find_letter(const struct command *c, char letter)
{
    const struct option_row *o;
    for (size_t i = 0; (o = command_option(c, i)); i++) {
        if (o->letter == letter)
            return o;
    }
    return NULL;
}

const char *option_value(const struct invocation *in, const char *name)
{
    for (size_t i = in->given_n; i-- > 0;) {
        if (strcmp(in->given[i].option->name, name) == 0)
            return in->given[i].value;
    }
    const struct option_row *o;
    for (size_t i = 0; (o = command_option(in->command, i)); i++) {
        if (strcmp(o->name, name) == 0)
            return o->fallback;
    }
    return NULL;
}

bool option_on(const struct invocation *in, const char *name)
{
    for (size_t i = in->given_n; i-- > 0;) {
        if (strcmp(in->given[i].option->name, name) == 0)
            return !in->given[i].off;
    }
    return false;
}

const char *option_each(const struct invocation *in, const char *name, size_t i)
{
    for (size_t k = 0; k < in->given_n; k++) {
        if (strcmp(in->given[k].option->name, name) == 0 && i-- == 0)
            return in->given[k].value;
    }
    return NULL;
}

int option_count(const struct invocation *in, const char *name, long low, long high, long *ret)
{
    const char *text = option_value(in, name);
    if (!text)
        return CODE_OK;
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (end == text || *end || errno || n < low || n > high)
        return command_usage(in->command, "--%s takes a number from %ld to %ld, not \"%s\"", name,
                             low, high, text);
    *ret = n;
    return CODE_OK;
}

const struct command *command_find(const char *const *words, size_t n, size_t *ret_words)
{
    for (const struct command *c = commands; c->name && n > 0; c++) {
        const char *space = strchr(c->name, ' ');
        if (!space && strcmp(c->name, words[0]) == 0) {
            *ret_words = 1;
            return c;
        }
        if (space && n > 1 && strlen(words[0]) == (size_t)(space - c->name) &&
            strncmp(c->name, words[0], strlen(words[0])) == 0 && strcmp(space + 1, words[1]) == 0) {
            *ret_words = 2;
            return c;
        }
    }
    return NULL;
}

static void print_synopsis(FILE *out, const struct command *c)
{
    fprintf(out, "doppel %s [OPTION]...%s%s", c->name, *c->args ? " " : "", c->args);
}

int command_usage(const struct command *c, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    term_problem("%s", text);
    fputs("usage: ", stderr);
    print_synopsis(stderr, c);
    fprintf(stderr, "\n       doppel %s --help tells more\n", c->name);
    return CODE_USAGE;
}

static int unknown_option(const struct command *c, const char *text, size_t n)
{
    char wanted[80];
    snprintf(wanted, sizeof wanted, "%.*s", (int)(n > 70 ? 70 : n), text);
    struct suggestion s;
    suggest_begin(&s, wanted);
    const struct option_row *o;
    for (size_t i = 0; (o = command_option(c, i)); i++)
        suggest_offer(&s, o->name);
    if (s.best)
        return command_usage(c, "there is no option --%s; did you mean --%s?", wanted, s.best);
    return command_usage(c, "there is no option --%s", wanted);
}

/* A command line under way. */
struct parse {
    const struct command *command;
    const char *const *words;
    size_t n, at;
    struct given *given;
    const char **args;
    size_t given_n, args_n;
};

static int take_value(struct parse *p, const struct option_row *o, const char *inline_value)
{
    const char *value = inline_value;
    if (o->value && !value) {
        if (p->at >= p->n)
            return command_usage(p->command, "--%s needs a value: --%s %s", o->name, o->name,
                                 o->value);
        value = p->words[p->at++];
    }
    p->given[p->given_n++] = (struct given){.option = o, .value = value};
    return CODE_OK;
}

static int parse_long(struct parse *p, const char *word)
{
    size_t n = strcspn(word, "=");
    bool off = false;
    const struct option_row *o = find_option(p->command, word, n, &off);
    if (!o)
        return unknown_option(p->command, word, n);
    const char *value = word[n] ? word + n + 1 : NULL;
    if (value && !o->value)
        return command_usage(p->command, "--%s takes no value", o->name);
    int code = take_value(p, o, value);
    if (code == CODE_OK)
        p->given[p->given_n - 1].off = off;
    return code;
}

static int parse_letters(struct parse *p, const char *letters)
{
    for (; *letters; letters++) {
        const struct option_row *o = find_letter(p->command, *letters);
        if (!o)
            return command_usage(p->command, "there is no option -%c", *letters);
        if (o->value)
            return take_value(p, o, letters[1] ? letters + 1 : NULL);
        take_value(p, o, NULL);
    }
    return CODE_OK;
}

static int parse_words(struct parse *p)
{
    bool only_args = false;
    while (p->at < p->n) {
        const char *word = p->words[p->at++];
        int code = CODE_OK;
        if (only_args || word[0] != '-' || !word[1])
            p->args[p->args_n++] = word;
        else if (strcmp(word, "--") == 0)
            only_args = true;
        else if (word[1] == '-')
            code = parse_long(p, word + 2);
        else
            code = parse_letters(p, word + 1);
        if (code != CODE_OK)
            return code;
    }
    return CODE_OK;
}

static int check_args(const struct invocation *in)
{
    const struct command *c = in->command;
    if (in->args_n < (size_t)c->min_args)
        return command_usage(c, "something is missing");
    if (c->max_args >= 0 && in->args_n > (size_t)c->max_args)
        return command_usage(c, "\"%s\" is one too many", in->args[c->max_args]);
    return CODE_OK;
}

/* What an invocation stands on. */
struct parsed {
    struct invocation in;
    struct parse p;
};

int command_parse(const struct command *c, const char *const *words, size_t n,
                  struct invocation **ret)
{
    struct parsed *all = calloc(1, sizeof *all);
    /* "-kkk" are three options in one word, so there can be more of them than words */
    size_t most = 1;
    for (size_t i = 0; i < n; i++)
        most += strlen(words[i]) + 1;
    if (all) {
        all->p = (struct parse){.command = c, .words = words, .n = n};
        all->p.given = calloc(most, sizeof *all->p.given);
        all->p.args = calloc(n + 1, sizeof *all->p.args);
    }
    if (!all || !all->p.given || !all->p.args) {
        term_problem("out of memory");
        command_parsed_free(all ? &all->in : NULL);
        return CODE_FAILED;
    }
    int code = parse_words(&all->p);
    if (code != CODE_OK) {
        command_parsed_free(&all->in);
        return code;
    }
    all->in = (struct invocation){c, all->p.args, all->p.args_n, all->p.given, all->p.given_n};
    *ret = &all->in;
    return CODE_OK;
}

void command_parsed_free(struct invocation *in)
{
    struct parsed *all = (struct parsed *)in; /* its first member */
    if (!all)
        return;
    free(all->p.given);
    free((void *)all->p.args);
    free(all);
}

static int run_command(const struct command *c, const char *const *words, size_t n)
{
    struct invocation *in = NULL;
    int code = command_parse(c, words, n, &in);
    if (code != CODE_OK)
        return code;
    if (option_on(in, "help")) {
        help_command(stdout, c);
    } else {
        code = check_args(in);
        if (code == CODE_OK)
            code = c->run(in);
    }
    command_parsed_free(in);
    return code;
}

static int unknown_command(const char *const *words, size_t n)
{
    struct suggestion s;
    char both[80];
    bool group = false; /* "twin" alone, or with a second word that there is not */
    snprintf(both, sizeof both, "%.30s%s%.30s", words[0], n > 1 ? " " : "", n > 1 ? words[1] : "");
    for (const struct command *c = commands; c->name; c++) {
        size_t first = strcspn(c->name, " ");
        group |=
            c->name[first] && strlen(words[0]) == first && strncmp(c->name, words[0], first) == 0;
    }
    suggest_begin(&s, group ? both : words[0]);
    for (const struct command *c = commands; c->name; c++)
        suggest_offer(&s, c->name);
    if (group && n == 1)
        term_problem("\"doppel %s\" needs one more word", words[0]);
    else
        term_problem("there is no command \"%s\"%s%s%s", group ? both : words[0],
                     s.best ? "; did you mean \"" : "", s.best ? s.best : "", s.best ? "\"?" : "");
    for (const struct command *c = commands; group && c->name; c++) {
        size_t first = strlen(words[0]);
        if (strncmp(c->name, words[0], first) == 0 && c->name[first] == ' ') {
            fputs("usage: ", stderr);
            print_synopsis(stderr, c);
            fputc('\n', stderr);
        }
    }
    fputs("doppel help lists the commands\n", stderr);
    return CODE_USAGE;
}

int command_main(int argc, char **argv)
{
    const char *const *words = (const char *const *)argv + 1;
    size_t n = argc > 0 ? (size_t)argc - 1 : 0;
    if (n == 0) {
        help_overview(stderr);
        return CODE_USAGE;
    }
    if (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0) {
        help_overview(stdout);
        return CODE_OK;
    }
    static const char *const version[] = {"version"};
    if (strcmp(words[0], "--version") == 0 || strcmp(words[0], "-V") == 0)
        words = version;
    size_t used = 0;
    const struct command *c = command_find(words, n, &used);
    if (!c)
        return unknown_command(words, n);
    int code = run_command(c, words + used, n - used);
    /* what did not reach the pipe or the disk is not to be called a success */
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == CODE_OK)
        code = CODE_FAILED;
    return code;
}
