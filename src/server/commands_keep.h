/* commands_keep.h - what commands_keep.c has for the table of commands. */
#ifndef SERVER_COMMANDS_KEEP_H
#define SERVER_COMMANDS_KEEP_H

#include "server/command.h"

extern const struct option_row backup_options[], restore_options[], check_options[],
    rekey_options[], compact_options[], tls_init_options[], ca_init_options[], ca_issue_options[],
    ca_list_options[], ca_revoke_options[], ca_crl_options[], key_options[], key_rm_options[],
    doctor_options[], audit_ls_options[], audit_export_options[], audit_head_options[],
    audit_verify_options[];
extern const struct command_example rekey_examples[], key_pair_examples[], backup_examples[],
    restore_examples[], check_examples[], compact_examples[], tls_init_examples[],
    ca_init_examples[], ca_issue_examples[], ca_list_examples[], ca_revoke_examples[],
    ca_crl_examples[], doctor_examples[], audit_ls_examples[], audit_export_examples[],
    audit_head_examples[], audit_verify_examples[], key_ls_examples[], key_new_examples[],
    key_rotate_examples[], key_add_examples[], key_rm_examples[];

#endif
