/* commands_access.c - options and examples of the commands about signing in, people, tokens and
 * shares.  The table of commands is in commands.c. */
#include "server/commands_access.h"

#define ORGANISATION_OPTION                                                                        \
    {                                                                                              \
        .name = "org", .value = "SLUG", .otherwise = "your own", .help = "which organisation"      \
    }

const struct option_row org_create_options[] = {
    {.name = "name", .value = "TEXT", .otherwise = "its id", .help = "what it is called"},
    {0},
};

const struct command_example org_create_examples[] = {
    {"doppel org create acme --name 'Acme Ltd'", "then: doppel member invite --org acme"},
    {0},
};

const struct option_row organisation_options[] = {ORGANISATION_OPTION, {0}};

const struct option_row member_invite_options[] = {
    ORGANISATION_OPTION,
    {.name = "role",
     .value = "ROLE",
     .fallback = "viewer",
     .help = "viewer, operator, editor or administrator"},
    {.name = "for", .value = "DURATION", .otherwise = "7d", .help = "how long it can be taken"},
    {0},
};

const struct command_example member_invite_examples[] = {
    {"doppel member invite ada@example.org --role editor", "for who has that address"},
    {"doppel member invite --for 1h", "for whoever opens the link first"},
    {0},
};

const struct command_example member_role_examples[] = {
    {"doppel member role ada@example.org administrator", "from now on"},
    {0},
};

const struct option_row device_token_options[] = {
    {.name = "name", .value = "TEXT", .help = "what it is called"},
    {.name = "for", .value = "DURATION", .otherwise = "for good", .help = "how long it holds"},
    {.name = "rotate",
     .value = "CREDENTIAL",
     .help = "replace this one, by the id that device ls TWIN shows"},
    {.name = "overlap",
     .value = "DURATION",
     .fallback = "1h",
     .help = "with --rotate: how long the old one still holds, at most 30 days"},
    {0},
};

const struct command_example device_token_examples[] = {
    {"doppel device token pump-1", "put it into the device: as password over MQTT"},
    {"doppel device token pump-1 --rotate 0123456789abcdef --overlap 1d",
     "a new one, while the old one still holds for a day"},
    {0},
};

const struct option_row device_claim_options[] = {
    {.name = "for", .value = "DURATION", .otherwise = "1h", .help = "how long it can be used"},
    {0},
};

const struct command_example device_claim_examples[] = {
    {"doppel device claim pump-1", "type it where the device is set up"},
    {0},
};

const struct option_row device_key_options[] = {
    {.name = "name", .value = "TEXT", .help = "what it is called"},
    {.name = "limit", .value = "N", .otherwise = "any number", .help = "devices at most"},
    {.name = "for", .value = "DURATION", .otherwise = "for good", .help = "how long it holds"},
    {.name = "revoke", .value = "KEY", .help = "revoke a key, by its id"},
    {0},
};

const struct command_example device_key_examples[] = {
    {"doppel device key 'pump-*' --limit 100 --for 30d", "one key for all devices of a make"},
    {"doppel device key", "which there are, and how often they were used"},
    {0},
};

const struct option_row token_create_options[] = {
    ORGANISATION_OPTION,
    {.name = "role",
     .value = "ROLE",
     .help = "make the service account when it is not there: viewer, operator, ..."},
    {.name = "name", .value = "TEXT", .fallback = "by doppel token", .help = "what it is called"},
    {.name = "scope",
     .value = "OPERATION",
     .otherwise = "all that the role may",
     .help = "may do this, such as data:write; may stand several times"},
    {.name = "for", .value = "DURATION", .otherwise = "for good", .help = "how long it holds"},
    {0},
};

const struct command_example token_create_examples[] = {
    {"doppel token create gateway --role operator --scope data:write > token",
     "a program that sends readings, and can do nothing else"},
    {"DOPPEL_TOKEN=$(cat token) doppel send pump-1 temp-1=42", "what it does with that"},
    {0},
};

const struct option_row share_options[] = {
    {.name = "role",
     .value = "ROLE",
     .fallback = "viewer",
     .help = "viewer, operator or editor; a link is for viewing"},
    {.name = "part",
     .value = "PATH",
     .otherwise = "all of it",
     .help = "only this, such as /sensors/temp-*; may stand several times"},
    {.name = "for",
     .value = "DURATION",
     .otherwise = "for good, a link for 7d",
     .help = "how long it holds"},
    {.name = "stop", .value = "GRANT", .help = "end this one"},
    {0},
};

const struct command_example share_examples[] = {
    {"doppel share pump-1", "with whom is it shared?"},
    {"doppel share pump-1 bo@example.org --role operator --part '/sensors/temp-*'",
     "somebody, some of it"},
    {"doppel share pump-1 link --for 1d", "whoever has the link, until tomorrow"},
    {"doppel share pump-1 --stop g_0123456789abcdef0123", "no more"},
    {0},
};

const struct option_row login_options[] = {
    {.name = "email", .value = "ADDRESS", .otherwise = "asked for", .help = "who you are"},
    {0},
};

const struct command_example login_examples[] = {
    {"doppel login https://twins.example:8443", "asks for the rest"},
    {"doppel login --email ada@example.org < password.txt", "from a script"},
    {0},
};

const struct command_example logout_examples[] = {
    {"doppel logout https://twins.example:8443", "the token is revoked"},
    {0},
};

const struct option_row setup_link_options[] = {
    {.name = "email",
     .value = "ADDRESS",
     .otherwise = "the first administrator",
     .help = "whom it lets in"},
    {0},
};

const struct command_example setup_link_examples[] = {
    {"doppel setup-link", "open it in a browser"},
    {0},
};
