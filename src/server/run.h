/* run.h - the functions behind the rows of the table of commands; each returns an enum code. */
#ifndef SERVER_RUN_H
#define SERVER_RUN_H

#include "server/command.h"
#include "twin/profile.h"

int serve_run(const struct invocation *in);       /* serve.c */
int validate_run(const struct invocation *in);    /* validate.c */
int twin_ls_run(const struct invocation *in);     /* twin_ls.c */
int twin_get_run(const struct invocation *in);    /* twin.c */
int twin_import_run(const struct invocation *in); /* twin_exchange.c */
int twin_export_run(const struct invocation *in);
int twin_versions_run(const struct invocation *in); /* twin_versions.c */
int twin_diff_run(const struct invocation *in);
int twin_restore_run(const struct invocation *in);
int twin_apply_run(const struct invocation *in); /* twin_apply.c */
int twin_rm_run(const struct invocation *in);
int twin_relate_run(const struct invocation *in); /* graph.c */
int graph_run(const struct invocation *in);
int query_run(const struct invocation *in); /* query.c */
int graphql_run(const struct invocation *in);
int alarm_ls_run(const struct invocation *in); /* alarm.c */
int alarm_show_run(const struct invocation *in);
int alarm_explain_run(const struct invocation *in);
int alarm_ack_run(const struct invocation *in);
int alarm_clear_run(const struct invocation *in);
int alarm_assign_run(const struct invocation *in);
int alarm_comment_run(const struct invocation *in);
int alarm_shelve_run(const struct invocation *in);
int alarm_unshelve_run(const struct invocation *in);
int type_ls_run(const struct invocation *in); /* type.c */
int type_get_run(const struct invocation *in);
int type_apply_run(const struct invocation *in);
int type_rm_run(const struct invocation *in);
int send_run(const struct invocation *in);    /* send.c */
int watch_run(const struct invocation *in);   /* watch.c */
int history_run(const struct invocation *in); /* history.c */
int status_run(const struct invocation *in);  /* status.c */
int version_run(const struct invocation *in);
int replay_run(const struct invocation *in); /* replay.c */
int backup_run(const struct invocation *in); /* backup.c */
int restore_run(const struct invocation *in);
int rekey_run(const struct invocation *in);
int check_run(const struct invocation *in);    /* check.c */
int compact_run(const struct invocation *in);  /* compact.c */
int import_run(const struct invocation *in);   /* import.c */
int tls_init_run(const struct invocation *in); /* tls.c */
int ca_init_run(const struct invocation *in);  /* ca.c */
int ca_issue_run(const struct invocation *in);
int ca_list_run(const struct invocation *in);
int ca_revoke_run(const struct invocation *in);
int ca_crl_run(const struct invocation *in);
int login_run(const struct invocation *in); /* login.c */
int logout_run(const struct invocation *in);
int setup_link_run(const struct invocation *in);
int audit_ls_run(const struct invocation *in); /* audit.c */
int audit_export_run(const struct invocation *in);
int audit_head_run(const struct invocation *in);
int audit_verify_run(const struct invocation *in);
int key_ls_run(const struct invocation *in); /* key.c */
int key_new_run(const struct invocation *in);
int key_rotate_run(const struct invocation *in);
int key_add_run(const struct invocation *in);
int key_rm_run(const struct invocation *in);
int key_pair_run(const struct invocation *in);
int org_ls_run(const struct invocation *in); /* org.c */
int org_create_run(const struct invocation *in);
int member_ls_run(const struct invocation *in);
int member_invite_run(const struct invocation *in);
int member_role_run(const struct invocation *in);
int member_rm_run(const struct invocation *in);
int device_ls_run(const struct invocation *in); /* device.c */
int device_token_run(const struct invocation *in);
int device_claim_run(const struct invocation *in);
int device_revoke_run(const struct invocation *in);
int device_key_run(const struct invocation *in);
int token_create_run(const struct invocation *in); /* token.c */
int token_ls_run(const struct invocation *in);
int token_revoke_run(const struct invocation *in);
int share_run(const struct invocation *in);  /* share.c */
int doctor_run(const struct invocation *in); /* doctor.c */

/* twin.c: "/api/v1/twins/ID" and what stands behind it, to be freed; NULL, and that was told. */
char *twin_address(const char *id, const char *behind);

/* Findings as lines "FILE:LINE:COLUMN: error [rule] sentence (/pointer)". */
void findings_print(FILE *out, const char *file, const struct findings *f, bool warnings);

#endif
