/* command.h - the subcommands of the program, one table.
 *
 * From the rows of `commands` come the parsing of the command line, `doppel help`, `doppel COMMAND
 * --help`, the completions of the shells and docs/cli.md.  One thread, one command a process. */
#ifndef SERVER_COMMAND_H
#define SERVER_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What the program ends with: name, number, when. */
#define CODE_TABLE(X)                                                                              \
    X(CODE_OK, 0, "it worked")                                                                     \
    X(CODE_NO, 1, "the answer is no: a profile is incomplete, readings were refused")              \
    X(CODE_USAGE, 2, "the command line or the configuration is wrong")                             \
    X(CODE_REACH, 3, "the server cannot be reached")                                               \
    X(CODE_MISSING, 4, "there is no such twin, sensor or thing")                                   \
    X(CODE_REFUSED, 5, "the server refused, or failed")                                            \
    X(CODE_FAILED, 6, "something failed on this machine: a file, a port, memory")

enum code {
#define X(name, number, text) name = number,
    CODE_TABLE(X)
#undef X
};

struct option_row {
    const char *name;      /* "points" is --points */
    char letter;           /* 'p' is -p; 0: none */
    bool negatable;        /* a switch that --no-NAME turns off */
    const char *value;     /* what its value is called; NULL: a switch */
    const char *fallback;  /* the default, NULL: none */
    const char *otherwise; /* what happens without it, in words; instead of a default */
    const char *help;      /* a phrase without full stop */
};

struct command_example {
    const char *line, *text;
};

enum command_group {
    COMMAND_CLIENT = 1, /* talks to a server: --server, --timeout, ... */
    COMMAND_JSON = 2,   /* --json */
    COMMAND_CONFIG = 4, /* the flags of the configuration table */
};

struct invocation;

struct command {
    const char *name;                       /* "serve", "twin ls" */
    const char *args;                       /* "TWIN SENSOR=VALUE...", "" */
    const char *summary;                    /* one line without full stop */
    const char *text;                       /* paragraphs, may be NULL */
    const struct option_row *options;       /* own ones, ended by a row without name; may be NULL */
    unsigned groups;                        /* enum command_group */
    int min_args, max_args;                 /* max -1: any number */
    unsigned codes;                         /* bits: 1 << CODE_... */
    const struct command_example *examples; /* ended by a row without line */
    const char *words;                      /* for completion: "twin", "file", "twin sensor", ... */
    int (*run)(const struct invocation *in);
};
extern const struct command commands[]; /* ended by a row without name */

struct given {
    const struct option_row *option;
    const char *value; /* NULL: a switch */
    bool off;          /* --no-NAME */
};

struct invocation {
    const struct command *command;
    const char *const *args;
    size_t args_n;
    const struct given *given;
    size_t given_n;
};

/* The value given last, else the row's default (may be NULL). */
const char *option_value(const struct invocation *in, const char *name);
bool option_on(const struct invocation *in, const char *name); /* a switch was given */

/* The i-th value of an option that may stand often; NULL past the last. */
const char *option_each(const struct invocation *in, const char *name, size_t i);

/* Numbers in options: CODE_USAGE after a sentence on standard error. */
int option_count(const struct invocation *in, const char *name, long low, long high, long *ret);

/* The i-th option of a command with its groups' and --help; NULL past the last. */
const struct option_row *command_option(const struct command *c, size_t i);

/* The row for these first words of a command line; *ret_words says how many (1 or 2) were used. */
const struct command *command_find(const char *const *words, size_t n, size_t *ret_words);

/* Say what is wrong with the command line, with the synopsis; always CODE_USAGE. */
int command_usage(const struct command *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Parse what stands behind the name of a command; the words must live as long.  CODE_OK, or a code
 * after having said why. */
int command_parse(const struct command *c, const char *const *words, size_t n,
                  struct invocation **ret);
void command_parsed_free(struct invocation *in);

/* Parse and run; the exit code. */
int command_main(int argc, char **argv);

/* help.c */
void help_overview(FILE *out);
void help_command(FILE *out, const struct command *c);
void help_markdown(FILE *out); /* docs/cli.md */
int help_run(const struct invocation *in);
int completion_run(const struct invocation *in); /* completion.c */

#endif
