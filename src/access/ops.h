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

/* What it is asked of.  Of a twin: grants and policies have a say, so it is decided where the twin
 * and the sensor are known, in the core or by a handler.  Of all else the gate decides. */
enum access_about { ABOUT_TWIN, ABOUT_ORG };

/* clang-format off: name, text, from which role, right, about, what */
#define ACCESS_OPS(X)                                                                              \
    X(OP_TWIN_READ, "twins:read", ROLE_VIEWER, RIGHT_READ, ABOUT_TWIN,                             \
      "see twins, profiles and sensors")                                                           \
    X(OP_DATA_READ, "data:read", ROLE_VIEWER, RIGHT_READ, ABOUT_TWIN,                              \
      "see last values and listen to them")                                                        \
    X(OP_HISTORY_READ, "history:read", ROLE_VIEWER, RIGHT_READ, ABOUT_TWIN, "ask the past")        \
    X(OP_MESSAGES_READ, "messages:read", ROLE_VIEWER, RIGHT_READ, ABOUT_ORG,                       \
      "subscribe to topics that are no twin's")                                                    \
    X(OP_STATUS_READ, "status:read", ROLE_VIEWER, RIGHT_READ, ABOUT_ORG,                           \
      "see how the server does")                                                                   \
    X(OP_REJECTIONS_READ, "rejections:read", ROLE_VIEWER, RIGHT_READ, ABOUT_ORG,                   \
      "see what was refused")                                                                      \
    X(OP_MEMBERS_READ, "members:read", ROLE_VIEWER, RIGHT_READ, ABOUT_ORG,                         \
      "see members and teams")                                                                     \
    X(OP_QUERY, "query:run", ROLE_VIEWER, RIGHT_READ, ABOUT_ORG,                                   \
      "ask in SQL, of what they may see")                                                          \
    X(OP_ALARMS_READ, "alarms:read", ROLE_VIEWER, RIGHT_READ, ABOUT_TWIN,                          \
      "see alarms and their causes")                                                               \
    X(OP_RULES_READ, "rules:read", ROLE_VIEWER, RIGHT_READ, ABOUT_ORG,                             \
      "see rules, types and saved questions")                                                      \
    X(OP_DATA_WRITE, "data:write", ROLE_OPERATOR, RIGHT_WRITE, ABOUT_TWIN, "send readings")        \
    X(OP_COMMANDS_SEND, "commands:send", ROLE_OPERATOR, RIGHT_EXECUTE, ABOUT_TWIN,                 \
      "send commands")                                                                             \
    X(OP_COMMANDS_RECEIVE, "commands:receive", ROLE_OPERATOR, RIGHT_EXECUTE, ABOUT_TWIN,           \
      "receive and answer commands in a twin's place")                                             \
    X(OP_SETTINGS_WRITE, "settings:write", ROLE_OPERATOR, RIGHT_WRITE, ABOUT_TWIN,                 \
      "change settings")                                                                           \
    X(OP_MESSAGES_WRITE, "messages:write", ROLE_OPERATOR, RIGHT_WRITE, ABOUT_ORG,                  \
      "publish to topics that are no twin's")                                                      \
    X(OP_ALARMS_HANDLE, "alarms:handle", ROLE_OPERATOR, RIGHT_EXECUTE, ABOUT_TWIN,                 \
      "acknowledge, assign, comment, shelve and judge alarms")                                     \
    X(OP_TWIN_CREATE, "twins:create", ROLE_EDITOR, RIGHT_WRITE, ABOUT_TWIN, "make twins")          \
    X(OP_TWIN_WRITE, "twins:write", ROLE_EDITOR, RIGHT_WRITE, ABOUT_TWIN, "change profiles")       \
    X(OP_TWIN_DELETE, "twins:delete", ROLE_EDITOR, RIGHT_WRITE, ABOUT_TWIN, "delete twins")        \
    X(OP_HISTORY_ERASE, "history:erase", ROLE_EDITOR, RIGHT_WRITE, ABOUT_TWIN,                     \
      "take readings out of the past")                                                             \
    X(OP_PROVISION, "twins:provision", ROLE_EDITOR, RIGHT_WRITE, ABOUT_ORG,                        \
      "have twins and sensors made from what is sent")                                             \
    X(OP_SHARE, "twins:share", ROLE_EDITOR, RIGHT_WRITE, ABOUT_TWIN, "grants, links and policies") \
    X(OP_DEVICES_MANAGE, "devices:manage", ROLE_EDITOR, RIGHT_WRITE, ABOUT_TWIN,                   \
      "credentials, claim codes and provisioning keys of devices")                                 \
    X(OP_RULES_WRITE, "rules:write", ROLE_EDITOR, RIGHT_WRITE, ABOUT_ORG,                          \
      "make and change rules and saved questions")                                                 \
    X(OP_TYPES_WRITE, "types:write", ROLE_EDITOR, RIGHT_WRITE, ABOUT_ORG,                          \
      "make and change types of twins")                                                            \
    X(OP_MEMBERS_MANAGE, "members:manage", ROLE_ADMINISTRATOR, RIGHT_WRITE, ABOUT_ORG,             \
      "members, teams, invitations and requests")                                                  \
    X(OP_SERVICES_MANAGE, "services:manage", ROLE_ADMINISTRATOR, RIGHT_WRITE, ABOUT_ORG,           \
      "service accounts and their tokens")                                                         \
    X(OP_AUDIT_READ, "audit:read", ROLE_ADMINISTRATOR, RIGHT_READ, ABOUT_ORG,                      \
      "the audit log of the organisation")                                                         \
    X(OP_ORGANIZATION_MANAGE, "organization:manage", ROLE_ADMINISTRATOR, RIGHT_WRITE, ABOUT_ORG,   \
      "the organisation's name and settings")                                                      \
    X(OP_DESTINATIONS_MANAGE, "destinations:manage", ROLE_ADMINISTRATOR, RIGHT_WRITE, ABOUT_ORG,   \
      "where alarms are sent to, and what could not be delivered")                                 \
    X(OP_METRICS_READ, "metrics:read", FOR_INSTALLATION, RIGHT_READ, ABOUT_ORG,                    \
      "the metrics of the server")                                                                 \
    X(OP_INSTALLATION_MANAGE, "installation:manage", FOR_INSTALLATION, RIGHT_WRITE, ABOUT_ORG,     \
      "organisations, quotas, identity providers, everybody's audit log")                          \
    X(OP_ACCOUNT_SELF, "account:self", FOR_PERSON, RIGHT_WRITE, ABOUT_ORG, "their own account")
/* clang-format on */

enum access_op {
    OP_EACH = -2,   /* each part of what is asked is asked of by itself */
    OP_PUBLIC = -1, /* anybody may, or who may is decided by what the request carries */
#define X(name, text, from, right, about, what) name,
    ACCESS_OPS(X)
#undef X
        OP_COUNT
};
_Static_assert(OP_COUNT <= 64, "a set of operations is a word");

struct access_op_info {
    const char *name; /* "twins:read" */
    int from;         /* enum access_role, or FOR_ */
    enum access_right right;
    enum access_about about;
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
