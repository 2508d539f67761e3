/* commands_graph.c - options and examples of the commands about relationships and types of twins.
 * The table of commands is in commands.c. */
#include "server/commands_graph.h"

const struct option_row graph_options[] = {
    {.name = "depth", .value = "N", .help = "so many steps from the twins that are named"},
    {.name = "direction", .value = "WAY", .otherwise = "out", .help = "out, in or both"},
    {.name = "kinds", .value = "KIND,...", .help = "relationships of these kinds alone"},
    {0},
};

const struct command_example graph_examples[] = {
    {"doppel graph", "all relationships that there are"},
    {"doppel graph pump-1 --direction in --depth 3", "what stands upstream of a pump?"},
    {0},
};

const struct option_row query_options[] = {
    {.name = "at", .value = "TIME", .help = "as of when, such as 2026-11-02T14:00Z or -1h"},
    {.name = "format",
     .value = "FORM",
     .otherwise = "table",
     .help = "table, csv, json or ndjson; csv and ndjson may have any length"},
    {.name = "limit", .value = "N", .help = "rows at most"},
    {.name = "within", .value = "SPAN", .otherwise = "10s", .help = "how long it may work, to 60s"},
    {0},
};

const struct command_example query_examples[] = {
    {"doppel query \"SELECT state, count(*) FROM twins GROUP BY state\"", "how are they?"},
    {"doppel query --format csv < question.sql > answer.csv", "a question from a file"},
    {"doppel query \"SELECT * FROM sensors WHERE level = 'critical'\" --at -1h",
     "what was wrong an hour ago?"},
    {0},
};

const struct option_row twin_relate_options[] = {
    {.name = "id", .value = "ID", .help = "its id in the twin, where KIND:TARGET will not do"},
    {.name = "properties", .value = "JSON", .help = "what is to be said of the relationship"},
    {.name = "dangling", .help = "also when the target is not there"},
    {.name = "remove", .help = "take it away"},
    {0},
};

const struct command_example twin_relate_examples[] = {
    {"doppel twin relate pump-1 feeds tank-2", "a relationship between two twins"},
    {"doppel twin relate pump-1 feeds tank-2 --properties '{\"pipe\": \"DN80\"}'",
     "with properties"},
    {"doppel twin relate pump-1 feeds tank-2 --remove", "no more"},
    {0},
};

const struct command_example type_ls_examples[] = {
    {"doppel type ls", "all types of twins"},
    {0},
};

const struct option_row type_get_options[] = {
    {.name = "resolved", .help = "with all that it has from the types that it extends"},
    {.name = "use", .help = "how many twins are of it, and how many are not as it says, instead"},
    {0},
};

const struct command_example type_get_examples[] = {
    {"doppel type get Pump > pump.json", "to edit it and apply it again"},
    {"doppel type get Pump --resolved", "all that its twins have"},
    {0},
};

const struct command_example type_apply_examples[] = {
    {"doppel type apply machine.json pump.json", "make types, or change them, in this order"},
    {0},
};

const struct command_example type_rm_examples[] = {
    {"doppel type rm Pump", "a type that no twin is of"},
    {0},
};

const struct option_row graphql_options[] = {
    {.name = "variables", .value = "JSON", .help = "what the variables are, an object"},
    {.name = "operation", .value = "NAME", .help = "which operation, when there are several"},
    {0},
};

const struct command_example graphql_examples[] = {
    {"doppel graphql '{ twins { nodes { id state } } }'", "every twin and how it does"},
    {"doppel graphql @question.graphql --variables '{\"id\": \"pump-1\"}'",
     "the document of a file"},
    {0},
};
