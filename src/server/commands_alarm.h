/* commands_alarm.h - options and examples of doppel alarm, for the table in commands.c. */
#ifndef SERVER_COMMANDS_ALARM_H
#define SERVER_COMMANDS_ALARM_H

#include "server/command.h"

extern const struct option_row alarm_ls_options[], alarm_comment_options[], alarm_shelve_options[];
extern const struct option_row alarm_explain_options[];
extern const struct command_example alarm_explain_examples[];
extern const struct command_example alarm_ls_examples[], alarm_show_examples[],
    alarm_ack_examples[], alarm_clear_examples[], alarm_assign_examples[], alarm_comment_examples[],
    alarm_shelve_examples[], alarm_unshelve_examples[];

#endif
