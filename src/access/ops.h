/* ops.h - what can be asked for, one table; and what each role may.
 *
 * An operation is named as it stands in tokens' scopes, problem documents and the audit log.  A set
 * of them is a word of bits. */
#ifndef ACCESS_OPS_H
#define ACCESS_OPS_H

#include "base/slice.h"

enum access_role { ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_EDITOR, ROLE_ADMINISTRATOR };

/* Who may at least: a role in the organisation, or one of these. */
enum { FOR_INSTALLATION = 100, FOR_PERSON, FOR_DEVICE };

/* What kind of permission it is for a policy. */
enum access_right { RIGHT_READ, RIGHT_WRITE, RIGHT_EXECUTE };

/* clang-format off: name, text, from which role, right, what */
#define ACCESS_OPS(X)                                                                              \
    X(OP_TWIN_READ, "twins:read", ROLE_VIEWER, RIGHT_READ, "see twins, profiles and sensors")      \
    X(OP_DATA_READ, "data:read", ROLE_VIEWER, RIGHT_READ, "see last values and listen to them")    \
    X(OP_HISTORY_READ, "history:read", ROLE_VIEWER, RIGHT_READ, "ask the past")                    \
    X(OP_MESSAGES_READ, "messages:read", ROLE_VIEWER, RIGHT_READ,                                  \
      "subscribe to topics that are no twin's")                                                    \
    X(OP_STATUS_READ, "status:read", ROLE_VIEWER, RIGHT_READ, "see how the server does")           \
    X(OP_REJECTIONS_READ, "rejections:read", ROLE_VIEWER, RIGHT_READ, "see what was refused")      \
    X(OP_MEMBERS_READ, "members:read", ROLE_VIEWER, RIGHT_READ, "see members and teams")           \
    X(OP_DATA_WRITE, "data:write", ROLE_OPERATOR, RIGHT_WRITE, "send readings")                    \
    X(OP_COMMANDS_SEND, "commands:send", ROLE_OPERATOR, RIGHT_EXECUTE, "send commands")            \
    X(OP_COMMANDS_RECEIVE, "commands:receive", ROLE_OPERATOR, RIGHT_EXECUTE,                       \
      "receive and answer commands in a twin's place")                                             \
    X(OP_SETTINGS_WRITE, "settings:write", ROLE_OPERATOR, RIGHT_WRITE, "change settings")          \
    X(OP_MESSAGES_WRITE, "messages:write", ROLE_OPERATOR, RIGHT_WRITE,                             \
      "publish to topics that are no twin's")                                                      \
    X(OP_TWIN_CREATE, "twins:create", ROLE_EDITOR, RIGHT_WRITE, "make twins")                      \
    X(OP_TWIN_WRITE, "twins:write", ROLE_EDITOR, RIGHT_WRITE, "change profiles")                   \
    X(OP_TWIN_DELETE, "twins:delete", ROLE_EDITOR, RIGHT_WRITE, "delete twins")                    \
    X(OP_HISTORY_ERASE, "history:erase", ROLE_EDITOR, RIGHT_WRITE,                                 \
      "take readings out of the past")                                                             \
    X(OP_PROVISION, "twins:provision", ROLE_EDITOR, RIGHT_WRITE,                                   \
      "have twins and sensors made from what is sent")                                             \
    X(OP_SHARE, "twins:share", ROLE_EDITOR, RIGHT_WRITE, "grants, links and policies")             \
    X(OP_DEVICES_MANAGE, "devices:manage", ROLE_EDITOR, RIGHT_WRITE,                               \
      "credentials, claim codes and provisioning keys of devices")                                 \
    X(OP_MEMBERS_MANAGE, "members:manage", ROLE_ADMINISTRATOR, RIGHT_WRITE,                        \
      "members, teams, invitations and requests")                                                  \
    X(OP_SERVICES_MANAGE, "services:manage", ROLE_ADMINISTRATOR, RIGHT_WRITE,                      \
      "service accounts and their tokens")                                                         \
    X(OP_AUDIT_READ, "audit:read", ROLE_ADMINISTRATOR, RIGHT_READ,                                 \
      "the audit log of the organisation")                                                         \
    X(OP_ORGANIZATION_MANAGE, "organization:manage", ROLE_ADMINISTRATOR, RIGHT_WRITE,              \
      "the organisation's name and settings")                                                      \
    X(OP_METRICS_READ, "metrics:read", FOR_INSTALLATION, RIGHT_READ, "the metrics of the server")  \
    X(OP_INSTALLATION_MANAGE, "installation:manage", FOR_INSTALLATION, RIGHT_WRITE,                \
      "organisations, quotas, identity providers, everybody's audit log")                          \
    X(OP_ACCOUNT_SELF, "account:self", FOR_PERSON, RIGHT_WRITE, "their own account")
/* clang-format on */

enum access_op {
    OP_PUBLIC = -1, /* anybody may, or who may is decided by what the request carries */
#define X(name, text, from, right, what) name,
    ACCESS_OPS(X)
#undef X
        OP_COUNT
};
_Static_assert(OP_COUNT <= 64, "a set of operations is a word");

struct access_op_info {
    const char *name; /* "twins:read" */
    int from;         /* enum access_role, or FOR_ */
    enum access_right right;
    const char *what;
};
const struct access_op_info *op_info(enum access_op op);
int op_by_name(struct slice name); /* -1: there is none */

#define OP_BIT(op) (UINT64_C(1) << (op))
#define OPS_ALL (UINT64_MAX >> (64 - OP_COUNT))
uint64_t ops_of_role(enum access_role role);
uint64_t ops_of_device(void); /* on its own twin */

const char *role_name(enum access_role role);     /* "viewer"; "none" */
enum access_role role_by_name(struct slice name); /* ROLE_NONE: there is none */

#endif
