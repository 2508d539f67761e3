/* commands_twins.h - what commands_twins.c has for the table of commands. */
#ifndef SERVER_COMMANDS_TWINS_H
#define SERVER_COMMANDS_TWINS_H

#include "server/command.h"

extern const struct option_row twin_restore_options[], twin_import_options[], twin_export_options[],
    twin_ls_options[], twin_get_options[], twin_apply_options[], send_options[], watch_options[],
    history_options[], import_options[], replay_options[];
extern const struct command_example twin_versions_examples[], twin_diff_examples[],
    twin_restore_examples[], twin_import_examples[], twin_export_examples[], twin_ls_examples[],
    twin_get_examples[], twin_apply_examples[], twin_rm_examples[], send_examples[],
    watch_examples[], history_examples[], import_examples[], replay_examples[];

#endif
