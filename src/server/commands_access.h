/* commands_access.h - what commands_access.c has for the table of commands. */
#ifndef SERVER_COMMANDS_ACCESS_H
#define SERVER_COMMANDS_ACCESS_H

#include "server/command.h"

extern const struct option_row org_create_options[];
extern const struct command_example org_create_examples[];
extern const struct option_row organisation_options[];
extern const struct option_row member_invite_options[];
extern const struct command_example member_invite_examples[];
extern const struct command_example member_role_examples[];
extern const struct option_row device_token_options[], device_claim_options[], device_key_options[];
extern const struct command_example device_token_examples[], device_claim_examples[],
    device_key_examples[];
extern const struct option_row token_create_options[];
extern const struct command_example token_create_examples[];
extern const struct option_row share_options[];
extern const struct command_example share_examples[];
extern const struct option_row login_options[], setup_link_options[];
extern const struct command_example login_examples[], logout_examples[], setup_link_examples[];

#endif
