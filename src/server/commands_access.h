/* commands_access.h - for the rows of the table in commands.c. */
#ifndef SERVER_COMMANDS_ACCESS_H
#define SERVER_COMMANDS_ACCESS_H

#include "server/command.h"

extern const struct option_row org_create_options[];
extern const struct command_example org_create_examples[];
extern const struct option_row organisation_options[];
extern const struct option_row member_invite_options[];
extern const struct command_example member_invite_examples[];
extern const struct command_example member_role_examples[];
extern const struct option_row token_create_options[];
extern const struct command_example token_create_examples[];
extern const struct option_row share_options[];
extern const struct command_example share_examples[];

#endif
