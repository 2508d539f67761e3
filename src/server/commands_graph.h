/* commands_graph.h - what commands_graph.c has for the table of commands. */
#ifndef SERVER_COMMANDS_GRAPH_H
#define SERVER_COMMANDS_GRAPH_H

#include "server/command.h"

extern const struct option_row graph_options[], query_options[], twin_relate_options[],
    type_get_options[];
extern const struct command_example graph_examples[], query_examples[], twin_relate_examples[],
    type_ls_examples[], type_get_examples[], type_apply_examples[], type_rm_examples[];
extern const struct option_row graphql_options[];
extern const struct command_example graphql_examples[];

#endif
