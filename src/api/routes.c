/* routes.c - the tables of routes.  Dispatch, Allow and OpenAPI come from them. */
#include "api/internal.h"

#define ID "{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9._:-]{1,128}$\"}"
#define TEXT "{\"type\":\"string\"}"
#define FLAG "{\"type\":\"boolean\"}"
#define TIME "{\"oneOf\":[{\"type\":\"string\",\"format\":\"date-time\"},{\"type\":\"number\"}]}"

static const struct route_param list_params[] = {
    {"name", TEXT, "part of the name or id, whatever its case"},
    {"type", TEXT, "what the twin mirrors, as subjectOf.name"},
    {"twinType", TEXT, "only twins of this type, or of one that extends it"},
    {"fits", "{\"type\":\"boolean\"}",
     "only twins that are as their types say (true), or not (false)"},
    {"state", "{\"enum\":[\"live\",\"stale\",\"waiting\"]}", "only twins in this state"},
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":500,\"default\":50}",
     "twins at most"},
    {"sensors", "{\"type\":\"integer\",\"minimum\":0,\"maximum\":10000,\"default\":6}",
     "sensors listed of each"},
    {"cursor", TEXT, "what an earlier answer gave as next"},
    {0}};
#define AT                                                                                         \
    {                                                                                              \
        "at", TIME, "as it was at that time (docs/versions.md)"                                    \
    }
static const struct route_param at_params[] = {AT, {0}};
static const struct route_param read_params[] = {
    AT,
    {"live", "{\"type\":\"boolean\",\"default\":true}", "false: as kept, without the live parts"},
    {0}};
#define HISTORY_PARAMS                                                                             \
    {"from", TIME, "first time (default: an hour before to)"},                                     \
        {"to", TIME, "end, not included (default: now)"},                                          \
        {"points", "{\"type\":\"integer\",\"minimum\":4,\"maximum\":20000}",                       \
         "thin to at most so many real readings"},                                                 \
        {"every", TEXT, "one point a step: 10s, 15m, 1h, or of the calendar 1d, 1w, 1mo, 1y"},     \
        {"fn", TEXT,                                                                               \
         "with every: mean (default), min, max, first, last, count, sum, several with commas "     \
         "between; with points: thin (default, keeps extremes) or lttb (keeps the shape)"},        \
        {"tz", TEXT, "with every: the zone of its calendar, such as Europe/Berlin (default UTC)"}, \
        {"fill", TEXT,                                                                             \
         "with every: what empty steps get: none (default), null, previous, linear or a number"},  \
        {"before", FLAG, "true: first the newest reading before from"},                            \
        {"limit", "{\"type\":\"integer\",\"minimum\":1}",                                          \
         "raw readings at most, of each series; in JSON up to 100000 and by default 10000"},       \
        {"cursor", TEXT, "what an earlier answer gave as next"},                                   \
        {"quality", FLAG, "true: points are [t, value, quality]"},                                 \
        {"format", "{\"enum\":[\"json\",\"ndjson\",\"csv\"]}",                                     \
         "of the answer; without it, what Accept says"},                                           \
    {                                                                                              \
        0                                                                                          \
    }
static const struct route_param history_params[] = {HISTORY_PARAMS};
static const struct route_param many_params[] = {
    {"series", TEXT, "twin/sensor, several with commas between; * is any part of a name"},
    HISTORY_PARAMS};
static const struct route_param erase_params[] = {
    {"from", TIME, "first time"}, {"to", TIME, "end, not included"}, {0}};
static const struct route_param rejection_params[] = {
    {"twin", TEXT, "only of this twin"},
    {"since", TIME, "not older than this"},
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":100}",
     "at most so many"},
    {0}};
static const struct route_param page_params[] = {
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":1000}",
     "at most so many"},
    {"cursor", TEXT, "what an earlier answer gave as next"},
    {0}};
static const struct route_param grants_params[] = {
    {"object", TEXT, "twin:ID or space:ORGANIZATION"},
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":1000}",
     "at most so many"},
    {"cursor", TEXT, "what an earlier answer gave as next"},
    {0}};
static const struct route_param people_params[] = {
    {"query", TEXT, "part of a name or an address, whatever its case"}, {0}};
static const struct route_param sample_params[] = {{"id", ID, "the identifier it gets"}, {0}};

#define PRECISION                                                                                  \
    {                                                                                              \
        "precision",                                                                               \
            "{\"enum\":[\"n\",\"ns\",\"u\",\"us\",\"ms\",\"s\",\"m\",\"h\"],\"default\":\"ns\"}",  \
            "what timestamps count"                                                                \
    }
static const struct route_param write_1_params[] = {
    {"db", TEXT, "its database, which the mapping may look at"},
    {"rp", TEXT, "left aside, as are u, p and consistency"},
    PRECISION,
    {0}};
static const struct route_param write_2_params[] = {
    {"bucket", TEXT, "its bucket, which the mapping may look at"},
    {"org", TEXT, "left aside"},
    PRECISION,
    {0}};
static const struct route_param start_params[] = {
    {"then", TEXT, "a path of this server to come back to"}, {0}};
static const struct route_param callback_params[] = {{"state", TEXT, "that was given along"},
                                                     {"code", TEXT, "the authorisation code"},
                                                     {"error", TEXT, "or why there is none"},
                                                     {"iss", TEXT, "who answers (RFC 9207)"},
                                                     {0}};
static const struct route_param query_params[] = {{"q", TEXT, "statements, or in a form"}, {0}};
static const struct route_param devices_params[] = {
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000,\"default\":1000}",
     "devices at most"},
    {"cursor", TEXT, "what an earlier answer gave as next"},
    {0}};
static const struct route_param ping_params[] = {{"verbose", TEXT, "true: with a body"}, {0}};

#define AUDIT_PARAMS                                                                               \
    {"from", TIME, "begin, included; else from the first line on"},                                \
        {"to", TIME, "end, not included"},                                                         \
        {"who", TEXT, "id of a person, service account or device"},                                \
        {"operation", TEXT, "such as twins:write"}, {"object", TEXT, "such as twin:pump-1"},       \
        {"outcome", "{\"enum\":[\"done\",\"refused\",\"failed\"]}", "how it ended"},               \
        {"limit", "{\"type\":\"integer\",\"minimum\":1}",                                          \
         "lines at most: 100 as JSON, and never more than 1000; all as NDJSON and CSV"},           \
        {"cursor", TEXT, "next of the page before"},                                               \
    {                                                                                              \
        "format", "{\"enum\":[\"json\",\"ndjson\",\"csv\"]}", "else by Accept"                     \
    }
static const struct route_param audit_params[] = {AUDIT_PARAMS, {0}};
static const struct route_param audit_all_params[] = {
    {"organization", TEXT, "the slug of one"}, AUDIT_PARAMS, {0}};

#define JSON "application/json"
#define ANSWERS(name, ...) static const struct route_answer name[] = {__VA_ARGS__, {0}}
ANSWERS(list_answers, {200, "TwinList", NULL}, {400, "Problem", NULL});
ANSWERS(create_answers, {201, "TwinKept", NULL}, {400, "Problem", NULL}, {409, "Problem", NULL},
        {412, "Problem", NULL}, {413, "Problem", NULL}, {415, "Problem", NULL},
        {422, "ProfileProblem", NULL});
ANSWERS(read_answers, {200, "Profile", NULL}, {304, NULL, NULL}, {400, "Problem", NULL},
        {404, "Problem", NULL}, {412, "Problem", NULL});
ANSWERS(change_answers, {200, "TwinKept", NULL}, {201, "TwinKept", NULL}, {400, "Problem", NULL},
        {404, "Problem", NULL}, {412, "Problem", NULL}, {413, "Problem", NULL},
        {415, "Problem", NULL}, {422, "ProfileProblem", NULL});
ANSWERS(delete_answers, {204, NULL, NULL}, {404, "Problem", NULL}, {412, "Problem", NULL});
ANSWERS(findings_answers, {200, "Findings", NULL}, {404, "Problem", NULL});
ANSWERS(validate_answers, {200, "Findings", NULL}, {413, "Problem", NULL}, {415, "Problem", NULL});
ANSWERS(sensors_answers, {200, "SensorList", NULL}, {404, "Problem", NULL});
ANSWERS(value_answers, {200, "Any", NULL}, {404, "Problem", NULL});
ANSWERS(sensor_answers, {200, "Sensor", NULL}, {404, "Problem", NULL});
#define HISTORY_TYPES "application/json application/x-ndjson text/csv"
ANSWERS(history_answers, {200, "History", HISTORY_TYPES}, {400, "Problem", NULL},
        {404, "Problem", NULL}, {413, "Problem", NULL}, {422, "Problem", NULL});
ANSWERS(many_answers, {200, "Histories", HISTORY_TYPES}, {400, "Problem", NULL},
        {404, "Problem", NULL}, {413, "Problem", NULL}, {415, "Problem", NULL},
        {422, "Problem", NULL});
ANSWERS(ingest_answers, {200, "Accepted", NULL}, {400, "IngestProblem", NULL},
        {404, "IngestProblem", NULL}, {413, "IngestProblem", NULL}, {415, "Problem", NULL},
        {422, "IngestProblem", NULL}, {503, "Problem", NULL}, {507, "IngestProblem", NULL});
ANSWERS(erase_answers, {200, "Erased", NULL}, {400, "Problem", NULL}, {404, "Problem", NULL},
        {422, "Problem", NULL}, {503, "Problem", NULL}, {507, "Problem", NULL});
ANSWERS(audit_answers, {200, "AuditLog", HISTORY_TYPES}, {400, "Problem", NULL},
        {404, "Problem", NULL}, {422, "Problem", NULL});
ANSWERS(devices_answers, {200, "DeviceList", NULL}, {400, "Problem", NULL});
ANSWERS(credentials_answers, {200, "CredentialList", NULL}, {404, "Problem", NULL});
ANSWERS(credential_answers, {201, "Credential", NULL}, {400, "Problem", NULL},
        {403, "Problem", NULL}, {404, "Problem", NULL}, {409, "Problem", NULL},
        {422, "Problem", NULL});
ANSWERS(rotate_answers, {201, "Credential", NULL}, {400, "Problem", NULL}, {401, "Problem", NULL},
        {403, "Problem", NULL}, {404, "Problem", NULL}, {422, "Problem", NULL});
ANSWERS(removed_answers, {204, NULL, NULL}, {403, "Problem", NULL}, {404, "Problem", NULL});
ANSWERS(claim_code_answers, {201, "ClaimCode", NULL}, {403, "Problem", NULL},
        {404, "Problem", NULL}, {422, "Problem", NULL});
ANSWERS(claim_answers, {201, "DeviceToken", NULL}, {400, "Problem", NULL}, {401, "Problem", NULL},
        {403, "Problem", NULL}, {429, "Problem", NULL});
ANSWERS(keys_answers, {200, "ProvisioningKeyList", NULL}, {403, "Problem", NULL});
ANSWERS(key_answers, {201, "ProvisioningKey", NULL}, {400, "Problem", NULL}, {403, "Problem", NULL},
        {422, "Problem", NULL});
ANSWERS(provision_answers, {201, "DeviceToken", NULL}, {400, "Problem", NULL},
        {401, "Problem", NULL}, {403, "Problem", NULL}, {409, "Problem", NULL},
        {422, "Problem", NULL}, {429, "Problem", NULL}, {503, "Problem", NULL});
ANSWERS(rejections_answers, {200, "RejectionList", NULL}, {400, "Problem", NULL},
        {422, "Problem", NULL});
ANSWERS(status_answers, {200, "Status", NULL});
ANSWERS(sample_answers, {200, "Profile", NULL}, {400, "Problem", NULL});
ANSWERS(openapi_answers, {200, "Object", NULL});
ANSWERS(schema_answers, {200, "Object", "application/schema+json"});
ANSWERS(metrics_answers, {200, "Text", "text/plain application/openmetrics-text"});
ANSWERS(health_answers, {200, "Health", NULL});
ANSWERS(ready_answers, {200, "Health", NULL}, {503, "Problem", NULL});
ANSWERS(error_answers, {200, "ErrorKind", NULL}, {404, "Problem", NULL});
ANSWERS(stream_answers, {101, NULL, NULL}, {400, "Problem", NULL}, {403, "Problem", NULL},
        {426, "Problem", NULL});

#define REFUSED                                                                                    \
    {403, "Refusal", NULL},                                                                        \
    {                                                                                              \
        404, "Problem", NULL                                                                       \
    }
ANSWERS(organizations_answers, {200, "OrganizationList", NULL}, REFUSED);
ANSWERS(organization_made_answers, {201, "Organization", NULL}, {400, "Problem", NULL}, REFUSED,
        {409, "Problem", NULL});
ANSWERS(organization_answers, {200, "Organization", NULL}, {400, "Problem", NULL}, REFUSED);
ANSWERS(gone_answers, {204, NULL, NULL}, REFUSED, {409, "Problem", NULL});
ANSWERS(usage_answers, {200, "Usage", NULL}, {400, "Problem", NULL}, REFUSED);
ANSWERS(members_answers, {200, "MemberList", NULL}, REFUSED);
ANSWERS(member_answers, {200, "Member", NULL}, {400, "Problem", NULL}, REFUSED,
        {409, "Problem", NULL});
ANSWERS(teams_answers, {200, "TeamList", NULL}, REFUSED);
ANSWERS(team_made_answers, {201, "Team", NULL}, {400, "Problem", NULL}, REFUSED,
        {409, "Problem", NULL});
ANSWERS(team_answers, {200, "Team", NULL}, {400, "Problem", NULL}, REFUSED, {409, "Problem", NULL});
ANSWERS(services_answers, {200, "ServiceList", NULL}, REFUSED);
ANSWERS(service_made_answers, {201, "Service", NULL}, {400, "Problem", NULL}, REFUSED,
        {409, "Problem", NULL});
ANSWERS(service_answers, {200, "Service", NULL}, {400, "Problem", NULL}, REFUSED,
        {409, "Problem", NULL});
ANSWERS(service_tokens_answers, {200, "ServiceTokenList", NULL}, REFUSED);
ANSWERS(token_made_answers, {201, "MadeToken", NULL}, {400, "Problem", NULL}, REFUSED,
        {409, "Problem", NULL});
ANSWERS(invitations_answers, {200, "InvitationList", NULL}, REFUSED);
ANSWERS(invitation_made_answers, {201, "Invitation", NULL}, {400, "Problem", NULL}, REFUSED,
        {409, "Problem", NULL});
ANSWERS(invited_answers, {200, "Invited", NULL}, {400, "Problem", NULL}, {401, "Problem", NULL},
        {404, "Problem", NULL});
ANSWERS(accepted_answers, {201, "Session", NULL}, {204, NULL, NULL}, {400, "Problem", NULL},
        {401, "Problem", NULL}, {403, "Problem", NULL}, {404, "Problem", NULL},
        {409, "Problem", NULL});
ANSWERS(link_answers, {201, "Session", NULL}, {400, "Problem", NULL}, {401, "Problem", NULL});
ANSWERS(requests_answers, {200, "RequestList", NULL}, REFUSED);
ANSWERS(request_made_answers, {201, "Request", NULL}, {400, "Problem", NULL}, REFUSED,
        {409, "Problem", NULL});
ANSWERS(request_answers, {200, "Request", NULL}, {400, "Problem", NULL}, REFUSED,
        {409, "Problem", NULL});
ANSWERS(grants_answers, {200, "GrantList", NULL}, {400, "Problem", NULL}, REFUSED);
ANSWERS(grant_made_answers, {201, "Grant", NULL}, {400, "Problem", NULL}, REFUSED,
        {409, "Problem", NULL});
ANSWERS(grant_answers, {200, "Grant", NULL}, {400, "Problem", NULL}, REFUSED);
ANSWERS(shared_answers, {200, "SharedList", NULL});
ANSWERS(people_answers, {200, "PeopleList", NULL}, REFUSED);
ANSWERS(policy_answers, {200, "Policy", NULL}, {204, NULL, NULL}, {400, "Problem", NULL}, REFUSED,
        {412, "Problem", NULL});
ANSWERS(policy_gone_answers, {204, NULL, NULL}, REFUSED, {412, "Problem", NULL});
ANSWERS(operations_answers, {200, "OperationList", NULL});

ANSWERS(write_1_answers, {204, NULL, NULL}, {400, "InfluxError", JSON}, {404, "InfluxError", JSON},
        {413, "InfluxError", JSON}, {415, "InfluxError", JSON}, {503, "InfluxError", JSON},
        {507, "InfluxError", JSON});
ANSWERS(write_2_answers, {204, NULL, NULL}, {400, "Influx2Error", JSON},
        {404, "Influx2Error", JSON}, {413, "Influx2Error", JSON}, {415, "Influx2Error", JSON},
        {422, "Influx2Error", JSON}, {503, "Influx2Error", JSON}, {507, "Influx2Error", JSON});
ANSWERS(query_answers, {200, "Object", NULL}, {400, "InfluxError", JSON});
ANSWERS(ping_answers, {200, "Object", NULL}, {204, NULL, NULL});
ANSWERS(influx_health_answers, {200, "Object", NULL}, {503, "Object", JSON});

ANSWERS(session_answers, {200, "Session", NULL}, {400, "Problem", NULL}, {401, "Problem", NULL},
        {404, "Problem", NULL});
ANSWERS(signed_in_answers, {201, "Session", NULL}, {400, "Problem", NULL}, {401, "Problem", NULL},
        {415, "Problem", NULL}, {429, "Problem", NULL}, {503, "Problem", NULL});
ANSWERS(setup_link_answers, {201, "SetupLink", NULL}, {400, "Problem", NULL},
        {401, "Problem", NULL}, {403, "Problem", NULL}, {404, "Problem", NULL});
/* 403: not signed in lately, or nobody who has an account */
#define OWN_PROBLEMS                                                                               \
    {400, "Problem", NULL}, {401, "Problem", NULL}, {403, "Problem", NULL},                        \
        {404, "Problem", NULL},                                                                    \
    {                                                                                              \
        415, "Problem", NULL                                                                       \
    }
ANSWERS(own_done_answers, {204, NULL, NULL}, OWN_PROBLEMS, {409, "Problem", NULL},
        {422, "Problem", NULL}, {429, "Problem", NULL}, {503, "Problem", NULL});
ANSWERS(account_answers, {200, "Account", NULL}, OWN_PROBLEMS, {409, "Problem", NULL});
ANSWERS(sessions_answers, {200, "SessionList", NULL}, OWN_PROBLEMS);
ANSWERS(totp_answers, {200, "TotpSeed", NULL}, OWN_PROBLEMS, {501, "Problem", NULL});
ANSWERS(recovery_answers, {200, "RecoveryCodes", NULL}, OWN_PROBLEMS, {501, "Problem", NULL});
ANSWERS(challenge_answers, {200, "PasskeyChallenge", NULL}, OWN_PROBLEMS, {501, "Problem", NULL});
ANSWERS(passkeys_answers, {200, "PasskeyList", NULL}, OWN_PROBLEMS);
ANSWERS(passkey_answers, {201, "Passkey", NULL}, OWN_PROBLEMS, {409, "Problem", NULL});
ANSWERS(tokens_answers, {200, "TokenList", NULL}, OWN_PROBLEMS);
ANSWERS(token_answers, {201, "TokenMade", NULL}, OWN_PROBLEMS, {422, "Problem", NULL});
ANSWERS(export_answers, {200, "Object", NULL}, OWN_PROBLEMS);
ANSWERS(leave_answers, {200, "Goodbye", NULL}, {204, NULL, NULL}, OWN_PROBLEMS,
        {503, "Problem", NULL});
ANSWERS(auth_answers, {303, NULL, NULL}, {400, "Problem", NULL}, {403, "Problem", NULL},
        {404, "Problem", NULL}, {502, "Problem", NULL}, {503, "Problem", NULL});
ANSWERS(goodbye_answers, {200, NULL, NULL}, {400, "OAuthError", JSON}, {415, "Problem", NULL});
ANSWERS(identities_answers, {200, "IdentityList", NULL}, OWN_PROBLEMS);
ANSWERS(identity_link_answers, {200, "Location", NULL}, OWN_PROBLEMS, {502, "Problem", NULL},
        {503, "Problem", NULL});
ANSWERS(identity_end_answers, {204, NULL, NULL}, OWN_PROBLEMS, {409, "Problem", NULL});
ANSWERS(providers_answers, {200, "IdentityProviderList", NULL});
ANSWERS(provider_make_answers, {201, "IdentityProvider", NULL}, {400, "Problem", NULL},
        {409, "Problem", NULL}, {413, "Problem", NULL}, {415, "Problem", NULL},
        {422, "Problem", NULL});
ANSWERS(provider_answers, {200, "IdentityProvider", NULL}, {400, "Problem", NULL},
        {404, "Problem", NULL}, {409, "Problem", NULL}, {413, "Problem", NULL},
        {415, "Problem", NULL}, {422, "Problem", NULL});
ANSWERS(provider_delete_answers, {204, NULL, NULL}, {404, "Problem", NULL}, {409, "Problem", NULL});

#define INGEST_TYPES "application/json application/x-ndjson application/cbor application/cbor-seq"
#define OWN_TYPES "application/json application/cbor"

/* clang-format off */
const struct route routes[] = {
    {"GET", "/api/v1/twins", OP_TWIN_READ, "listTwins", twins_list, "List twins, in order of id", list_params, NULL, NULL, list_answers},
    {"POST", "/api/v1/twins", OP_TWIN_CREATE, "createTwin", twins_create, "Make a twin from its profile; what is missing and required is filled in", NULL, "Profile", NULL, create_answers},
    {"GET", "/api/v1/twins/{id}", OP_TWIN_READ, "readTwin", twin_read, "A twin's profile, its live parts live", read_params, NULL, NULL, read_answers},
    {"PUT", "/api/v1/twins/{id}", OP_TWIN_WRITE, "replaceTwin", twin_replace, "Replace a twin's profile, or make the twin", NULL, "Profile", NULL, change_answers},
    {"PATCH", "/api/v1/twins/{id}", OP_TWIN_WRITE, "patchTwin", twin_patch, "Change parts of a profile (JSON Merge Patch, RFC 7396)", NULL, "Object", "application/merge-patch+json application/json", change_answers},
    {"DELETE", "/api/v1/twins/{id}", OP_TWIN_DELETE, "deleteTwin", twin_delete, "Delete a twin and its history", NULL, NULL, NULL, delete_answers},
    {"GET", "/api/v1/twins/{id}/findings", OP_TWIN_READ, "readFindings", twin_findings, "What validation says of a kept profile", NULL, NULL, NULL, findings_answers},
    {"GET", "/api/v1/twins/{id}/sensors", OP_TWIN_READ, "listSensors", sensors_list, "A twin's sensors with their last values", at_params, NULL, NULL, sensors_answers},
    {"GET", "/api/v1/twins/{id}/sensors/{sensor}", OP_DATA_READ, "readSensor", sensor_read, "One sensor with its last value", at_params, NULL, NULL, sensor_answers},
    {"GET", "/api/v1/twins/{id}/sensors/{sensor}/value", OP_DATA_READ, "readValue", sensor_value, "A sensor's last value alone, as JSON; null while there is none", NULL, NULL, NULL, value_answers},
    {"GET", "/api/v1/twins/{id}/sensors/{sensor}/history", OP_HISTORY_READ, "readHistory", sensor_history, "The past of a sensor: raw, thinned, or by steps", history_params, NULL, NULL, history_answers},
    {"DELETE", "/api/v1/twins/{id}/sensors/{sensor}/history", OP_HISTORY_ERASE, "eraseHistory", history_erase, "Take readings out of the past, for good; from and to are needed", erase_params, NULL, NULL, erase_answers},
    {"GET", "/api/v1/twins/{id}/policy", OP_SHARE, "readPolicy", policy_read, "What members may do with the twin, beside their roles", NULL, NULL, NULL, policy_answers},
    {"PUT", "/api/v1/twins/{id}/policy", OP_SHARE, "replacePolicy", policy_replace, "Narrow or widen what members may do with the twin", NULL, "Policy", NULL, policy_answers},
    {"DELETE", "/api/v1/twins/{id}/policy", OP_SHARE, "deletePolicy", policy_delete, "Roles alone tell again", NULL, NULL, NULL, policy_gone_answers},
    {"POST", "/api/v1/twins/{id}/readings", OP_DATA_WRITE, "sendReadings", twin_readings, "Readings of a twin's sensors", NULL, "Readings", INGEST_TYPES, ingest_answers},
    {"POST", "/api/v1/twins/{id}/sensors/{sensor}/readings", OP_DATA_WRITE, "sendSensorReadings", sensor_readings, "Readings of one sensor", NULL, "SensorReadings", OWN_TYPES, ingest_answers},
    {"GET", "/api/v1/history", OP_HISTORY_READ, "readHistories", history_read, "The past of many sensors at once", many_params, NULL, NULL, many_answers},
    {"POST", "/api/v1/history", OP_HISTORY_READ, "askHistories", history_ask, "The same, with the parameters as members of the body", NULL, "HistoryQuestion", NULL, many_answers},
    {"GET", "/api/v1/rejections", OP_REJECTIONS_READ, "listRejections", rejections, "The last refused readings, newest first", rejection_params, NULL, NULL, rejections_answers},
    {"GET", "/api/v1/organizations/{org}/audit", OP_AUDIT_READ, "readAudit", audit_of_org, "The audit log of an organisation, newest first", audit_params, NULL, NULL, audit_answers},
    {"GET", "/api/v1/audit", OP_INSTALLATION_MANAGE, "readAuditOfAll", audit_of_all, "The audit log of the installation, newest first", audit_all_params, NULL, NULL, audit_answers},
    {"POST", "/api/v1/validate", OP_TWIN_READ, "validateProfile", validate, "Check a profile without keeping it", NULL, "Object", NULL, validate_answers},
    {"GET", "/api/v1/sample", OP_TWIN_READ, "readSample", sample, "A sample profile to start from", sample_params, NULL, NULL, sample_answers},
    {"GET", "/api/v1/organizations", OP_ACCOUNT_SELF, "listOrganizations", organizations_list, "Organisations that one belongs to; for administrators of the installation all", page_params, NULL, NULL, organizations_answers},
    {"POST", "/api/v1/organizations", OP_INSTALLATION_MANAGE, "makeOrganization", organization_make, "Make an organisation; who makes it is its first administrator", NULL, "NewOrganization", NULL, organization_made_answers},
    {"GET", "/api/v1/organizations/{org}", OP_ACCOUNT_SELF, "readOrganization", organization_read, "One organisation", NULL, NULL, NULL, organization_answers},
    {"PATCH", "/api/v1/organizations/{org}", OP_ORGANIZATION_MANAGE, "renameOrganization", organization_change, "Give it another name", NULL, "NewName", NULL, organization_answers},
    {"DELETE", "/api/v1/organizations/{org}", OP_INSTALLATION_MANAGE, "deleteOrganization", organization_delete, "Delete an organisation that has no twins; its id is never used again", NULL, NULL, NULL, gone_answers},
    {"GET", "/api/v1/organizations/{org}/usage", OP_STATUS_READ, "readUsage", usage_read, "What it uses, and how much it may", NULL, NULL, NULL, usage_answers},
    {"PUT", "/api/v1/organizations/{org}/quotas", OP_INSTALLATION_MANAGE, "setQuotas", quotas_set, "How much it may use; what is left out has no limit", NULL, "Quotas", NULL, usage_answers},
    {"GET", "/api/v1/organizations/{org}/members", OP_MEMBERS_READ, "listMembers", members_list, "Members and their roles", page_params, NULL, NULL, members_answers},
    {"PATCH", "/api/v1/organizations/{org}/members/{person}", OP_MEMBERS_MANAGE, "changeMember", member_change, "Give a member another role", NULL, "NewRole", NULL, member_answers},
    {"DELETE", "/api/v1/organizations/{org}/members/{person}", OP_MEMBERS_READ, "removeMember", member_delete, "Take a member out, with all that they were given there; anybody may leave", NULL, NULL, NULL, gone_answers},
    {"GET", "/api/v1/organizations/{org}/teams", OP_MEMBERS_READ, "listTeams", teams_list, "Teams", page_params, NULL, NULL, teams_answers},
    {"POST", "/api/v1/organizations/{org}/teams", OP_MEMBERS_MANAGE, "makeTeam", team_create, "Make a team", NULL, "NewTeam", NULL, team_made_answers},
    {"PATCH", "/api/v1/organizations/{org}/teams/{team}", OP_MEMBERS_MANAGE, "changeTeam", team_rename, "Another name, or other members", NULL, "NewTeam", NULL, team_answers},
    {"DELETE", "/api/v1/organizations/{org}/teams/{team}", OP_MEMBERS_MANAGE, "deleteTeam", team_delete, "Delete a team, with what it was granted", NULL, NULL, NULL, gone_answers},
    {"PUT", "/api/v1/organizations/{org}/teams/{team}/members/{person}", OP_MEMBERS_MANAGE, "joinTeam", team_put_member, "A member joins a team", NULL, NULL, NULL, gone_answers},
    {"DELETE", "/api/v1/organizations/{org}/teams/{team}/members/{person}", OP_MEMBERS_MANAGE, "leaveTeam", team_delete_member, "A member leaves a team", NULL, NULL, NULL, gone_answers},
    {"GET", "/api/v1/organizations/{org}/services", OP_SERVICES_MANAGE, "listServices", services_list, "Service accounts", page_params, NULL, NULL, services_answers},
    {"POST", "/api/v1/organizations/{org}/services", OP_SERVICES_MANAGE, "makeService", service_create, "Make a service account", NULL, "NewService", NULL, service_made_answers},
    {"PATCH", "/api/v1/organizations/{org}/services/{service}", OP_SERVICES_MANAGE, "changeService", service_patch, "Another name or role", NULL, "NewService", NULL, service_answers},
    {"DELETE", "/api/v1/organizations/{org}/services/{service}", OP_SERVICES_MANAGE, "deleteService", service_delete, "Delete a service account and its tokens", NULL, NULL, NULL, gone_answers},
    {"GET", "/api/v1/organizations/{org}/services/{service}/tokens", OP_SERVICES_MANAGE, "listServiceTokens", service_tokens_list, "Tokens of a service account, without their secrets", page_params, NULL, NULL, service_tokens_answers},
    {"POST", "/api/v1/organizations/{org}/services/{service}/tokens", OP_SERVICES_MANAGE, "makeServiceToken", service_token_create, "Make a token; it is shown once", NULL, "NewToken", NULL, token_made_answers},
    {"DELETE", "/api/v1/organizations/{org}/services/{service}/tokens/{token}", OP_SERVICES_MANAGE, "deleteServiceToken", service_token_delete, "Delete a token: it does not hold any more", NULL, NULL, NULL, gone_answers},
    {"GET", "/api/v1/organizations/{org}/invitations", OP_MEMBERS_MANAGE, "listInvitations", invitations_list, "Open invitations", page_params, NULL, NULL, invitations_answers},
    {"POST", "/api/v1/organizations/{org}/invitations", OP_MEMBERS_MANAGE, "invite", invitation_create, "Invite somebody: a link that works once, shown once", NULL, "NewInvitation", NULL, invitation_made_answers},
    {"DELETE", "/api/v1/organizations/{org}/invitations/{invitation}", OP_MEMBERS_MANAGE, "withdrawInvitation", invitation_delete, "Take an invitation back", NULL, NULL, NULL, gone_answers},
    {"GET", "/api/v1/organizations/{org}/requests", OP_MEMBERS_READ, "listRequests", requests_list, "Requests for a role: one's own, or all for who decides", page_params, NULL, NULL, requests_answers},
    {"POST", "/api/v1/organizations/{org}/requests", OP_ACCOUNT_SELF, "askForRole", request_create, "Ask for the role that is missing", NULL, "NewRequest", NULL, request_made_answers},
    {"POST", "/api/v1/organizations/{org}/requests/{request}", OP_MEMBERS_MANAGE, "decideRequest", request_answer, "Approve or deny", NULL, "Decision", NULL, request_answers},
    {"POST", "/api/v1/invitations/inspect", OP_PUBLIC, "inspectInvitation", invitation_inspect, "What an invitation is for", NULL, "Token", NULL, invited_answers},
    {"POST", "/api/v1/invitations/accept", OP_PUBLIC, "acceptInvitation", invitation_take, "Take an invitation: as who is signed in, or with a new account, and a cookie", NULL, "Acceptance", NULL, accepted_answers},
    {"GET", "/api/v1/grants", OP_SHARE, "listGrants", grants_list, "With whom something is shared", grants_params, NULL, NULL, grants_answers},
    {"POST", "/api/v1/grants", OP_SHARE, "makeGrant", grant_create, "Share a twin, or everything of an organisation; a link is shown once", NULL, "NewGrant", NULL, grant_made_answers},
    {"PATCH", "/api/v1/grants/{grant}", OP_SHARE, "changeGrant", grant_patch, "Another role, other parts, another end", NULL, "GrantChange", NULL, grant_answers},
    {"DELETE", "/api/v1/grants/{grant}", OP_SHARE, "deleteGrant", grant_delete, "Share it no more", NULL, NULL, NULL, gone_answers},
    {"GET", "/api/v1/shared", OP_TWIN_READ, "listShared", shared_list, "Twins that others have shared", NULL, NULL, NULL, shared_answers},
    {"GET", "/api/v1/people", OP_MEMBERS_READ, "findPeople", people_find, "Members and teams that a grant can name, 20 of each at most", people_params, NULL, NULL, people_answers},
    {"GET", "/api/v1/operations", OP_PUBLIC, "listOperations", operations_list, "What can be asked for, and which role may", NULL, NULL, NULL, operations_answers},
    {"GET", "/api/v1/status", OP_STATUS_READ, "readStatus", status, "Version, counts, storage and addresses", NULL, NULL, NULL, status_answers},
    {"GET", "/api/v1/stream", OP_DATA_READ, "openStream", stream_open, "WebSocket: readings in and out as they come (docs/interfaces.md)", NULL, NULL, NULL, stream_answers},
    {"GET", "/mqtt", OP_PUBLIC, "openMqtt", mqtt_open, "WebSocket: MQTT 3.1.1 and 5.0, subprotocol mqtt (docs/mqtt.md)", NULL, NULL, NULL, stream_answers},
    {"GET", "/api/v1/session", OP_PUBLIC, "readSession", session_read, "Who is signed in, and what they may", NULL, NULL, NULL, session_answers},
    {"POST", "/api/v1/session", OP_PUBLIC, "signIn", session_start, "Sign in with e-mail address and password", NULL, "SignIn", NULL, signed_in_answers},
    {"PATCH", "/api/v1/session", OP_ACCOUNT_SELF, "changeSession", session_change, "Say which organisation is meant", NULL, "SessionChange", NULL, session_answers},
    {"DELETE", "/api/v1/session", OP_PUBLIC, "signOut", session_stop, "Sign out; where the identity provider wants to be told, the answer says where", NULL, NULL, NULL, leave_answers},
    {"POST", "/api/v1/session/link", OP_PUBLIC, "enterByLink", session_link, "Come in by a share link: a session that may look, and a cookie", NULL, "Token", NULL, link_answers},
    {"POST", "/api/v1/session/confirm", OP_ACCOUNT_SELF, "confirmSession", session_confirm, "Show once more who you are, before what is sensitive", NULL, "Confirmation", NULL, own_done_answers},
    {"POST", "/api/v1/setup", OP_PUBLIC, "setUp", setup, "Open a set-up link: the first administrator, or back in", NULL, "Token", NULL, signed_in_answers},
    {"POST", "/api/v1/setup/link", OP_INSTALLATION_MANAGE, "makeSetupLink", setup_make_link, "A new set-up link, for the command line beside the server", NULL, "SetupFor", NULL, setup_link_answers},
    {"GET", "/api/v1/account", OP_ACCOUNT_SELF, "readAccount", account_read, "Your own account", NULL, NULL, NULL, account_answers},
    {"PATCH", "/api/v1/account", OP_ACCOUNT_SELF, "changeAccount", account_change, "Change your name or e-mail address", NULL, "AccountChange", NULL, account_answers},
    {"DELETE", "/api/v1/account", OP_ACCOUNT_SELF, "eraseAccount", account_delete, "Erase yourself, for good", NULL, NULL, NULL, own_done_answers},
    {"GET", "/api/v1/account/export", OP_ACCOUNT_SELF, "exportAccount", account_read_all, "Everything that is kept about you", NULL, NULL, NULL, export_answers},
    {"PUT", "/api/v1/account/password", OP_ACCOUNT_SELF, "setPassword", account_password, "Set your password; your other sessions end", NULL, "PasswordChange", NULL, own_done_answers},
    {"GET", "/api/v1/account/sessions", OP_ACCOUNT_SELF, "listSessions", account_sessions, "Where you are signed in", NULL, NULL, NULL, sessions_answers},
    {"DELETE", "/api/v1/account/sessions", OP_ACCOUNT_SELF, "endSessions", account_sessions_end, "End all sessions but this", NULL, NULL, NULL, own_done_answers},
    {"DELETE", "/api/v1/account/sessions/{session}", OP_ACCOUNT_SELF, "endSession", account_session_end, "End one session", NULL, NULL, NULL, own_done_answers},
    {"POST", "/api/v1/account/totp", OP_ACCOUNT_SELF, "beginTotp", account_totp_start, "A seed of one-time codes for an app", NULL, NULL, NULL, totp_answers},
    {"PUT", "/api/v1/account/totp", OP_ACCOUNT_SELF, "confirmTotp", account_totp_put, "Show a code of that seed: from now on sign-ins ask for one", NULL, "Code", NULL, recovery_answers},
    {"DELETE", "/api/v1/account/totp", OP_ACCOUNT_SELF, "endTotp", account_totp_delete, "No one-time codes any more", NULL, NULL, NULL, own_done_answers},
    {"POST", "/api/v1/account/recovery-codes", OP_ACCOUNT_SELF, "makeRecoveryCodes", account_recovery_make, "New recovery codes; those until now are void", NULL, NULL, NULL, recovery_answers},
    {"POST", "/api/v1/session/passkey/challenge", OP_PUBLIC, "askPasskey", passkey_challenge, "What a passkey is to answer, to sign in or to confirm", NULL, "SetupFor", NULL, challenge_answers},
    {"POST", "/api/v1/session/passkey", OP_PUBLIC, "signInByPasskey", session_passkey, "Sign in with a passkey's answer", NULL, "Object", NULL, signed_in_answers},
    {"GET", "/api/v1/account/passkeys", OP_ACCOUNT_SELF, "listPasskeys", account_passkeys, "Your passkeys", NULL, NULL, NULL, passkeys_answers},
    {"POST", "/api/v1/account/passkeys", OP_ACCOUNT_SELF, "addPasskey", account_passkey_add, "Add the passkey that was made", NULL, "Object", NULL, passkey_answers},
    {"POST", "/api/v1/account/passkeys/challenge", OP_ACCOUNT_SELF, "askNewPasskey", account_passkey_challenge, "What a new passkey is made from", NULL, NULL, NULL, challenge_answers},
    {"PATCH", "/api/v1/account/passkeys/{passkey}", OP_ACCOUNT_SELF, "renamePasskey", account_passkey_change, "Name a passkey", NULL, "PasskeyChange", NULL, own_done_answers},
    {"DELETE", "/api/v1/account/passkeys/{passkey}", OP_ACCOUNT_SELF, "removePasskey", account_passkey_delete, "Remove a passkey", NULL, NULL, NULL, own_done_answers},
    {"GET", "/api/v1/account/tokens", OP_ACCOUNT_SELF, "listTokens", account_tokens, "Your API tokens", NULL, NULL, NULL, tokens_answers},
    {"POST", "/api/v1/account/tokens", OP_ACCOUNT_SELF, "makeToken", account_token_create, "A new API token, shown once", NULL, "TokenWanted", NULL, token_answers},
    {"DELETE", "/api/v1/account/tokens/{token}", OP_ACCOUNT_SELF, "revokeToken", account_token_delete, "Revoke an API token", NULL, NULL, NULL, own_done_answers},
    {"GET", "/api/v1/openapi.json", OP_PUBLIC, "readOpenapi", openapi, "This document", NULL, NULL, NULL, openapi_answers},
    {"GET", "/schemas/twin-profile.json", OP_PUBLIC, "readProfileSchema", schema, "JSON Schema of a complete profile", NULL, NULL, NULL, schema_answers},
    {"GET", "/metrics", OP_METRICS_READ, "readMetrics", metrics, "Metrics in Prometheus or OpenMetrics form", NULL, NULL, NULL, metrics_answers},
    {"GET", "/healthz", OP_PUBLIC, "readHealth", healthz, "The server runs", NULL, NULL, NULL, health_answers},
    {"GET", "/readyz", OP_PUBLIC, "readReadiness", readyz, "The server can take readings", NULL, NULL, NULL, ready_answers},
    {"GET", "/errors/{code}", OP_PUBLIC, "readError", error_page, "What an error's type means", NULL, NULL, NULL, error_answers},
    {"GET", "/api/v1/account/identities", OP_ACCOUNT_SELF, "listIdentities", account_identities, "Accounts of identity providers that are linked to who asks", NULL, NULL, NULL, identities_answers},
    {"POST", "/api/v1/account/identities", OP_ACCOUNT_SELF, "linkIdentity", account_identity_link, "Link one more: the answer says where the browser is to go for that", NULL, "IdentityLink", NULL, identity_link_answers},
    {"DELETE", "/api/v1/account/identities/{identity}", OP_ACCOUNT_SELF, "deleteIdentity", account_identity_end, "Link one no more; wants another way to sign in, and a fresh sign-in", NULL, NULL, NULL, identity_end_answers},
    {"GET", "/api/v1/identity-providers", OP_INSTALLATION_MANAGE, "listIdentityProviders", providers_list, "Identity providers of OpenID Connect", NULL, NULL, NULL, providers_answers},
    {"POST", "/api/v1/identity-providers", OP_INSTALLATION_MANAGE, "createIdentityProvider", providers_create, "Let people sign in by an identity provider", NULL, "NewIdentityProvider", NULL, provider_make_answers},
    {"PATCH", "/api/v1/identity-providers/{id}", OP_INSTALLATION_MANAGE, "patchIdentityProvider", provider_patch, "Change an identity provider (JSON Merge Patch, RFC 7396)", NULL, "Object", "application/merge-patch+json application/json", provider_answers},
    {"DELETE", "/api/v1/identity-providers/{id}", OP_INSTALLATION_MANAGE, "deleteIdentityProvider", provider_delete, "Let nobody sign in by it any more", NULL, NULL, NULL, provider_delete_answers},
    {"GET", "/api/v1/auth/oidc/{provider}/start", OP_PUBLIC, "startSignIn", auth_start, "Go to an identity provider to sign in", start_params, NULL, NULL, auth_answers},
    {"GET", "/api/v1/auth/oidc/{provider}/callback", OP_PUBLIC, "finishSignIn", auth_callback, "Come back from an identity provider", callback_params, NULL, NULL, auth_answers},
    {"POST", "/api/v1/auth/oidc/{provider}/backchannel-logout", OP_PUBLIC, "logoutByProvider", auth_goodbye, "An identity provider ends sessions (OpenID Connect Back-Channel Logout 1.0)", NULL, "LogoutForm", "application/x-www-form-urlencoded", goodbye_answers},
    {"GET", "/api/v1/devices", OP_DEVICES_MANAGE, "listDevices", devices_list, "Twins with credentials, and how their devices do; in order of id", devices_params, NULL, NULL, devices_answers},
    {"GET", "/api/v1/twins/{id}/credentials", OP_DEVICES_MANAGE, "listCredentials", credentials_list, "What the devices of a twin show, without the secrets", NULL, NULL, NULL, credentials_answers},
    {"POST", "/api/v1/twins/{id}/credentials", OP_DEVICES_MANAGE, "createCredential", credential_create, "A token, shown once; or a client certificate that stands for the twin", NULL, "NewCredential", NULL, credential_answers},
    {"DELETE", "/api/v1/twins/{id}/credentials/{credential}", OP_DEVICES_MANAGE, "deleteCredential", credential_delete, "Revoke it; who is connected with it is sent away", NULL, NULL, NULL, removed_answers},
    {"POST", "/api/v1/twins/{id}/credentials/{credential}/rotate", OP_DEVICES_MANAGE, "rotateCredential", credential_rotate, "A new token beside it, which ends after the overlap", NULL, "Rotation", NULL, rotate_answers},
    {"POST", "/api/v1/twins/{id}/claim-codes", OP_DEVICES_MANAGE, "createClaimCode", claim_code_create, "A code to be typed, once, for a token of the twin", NULL, "NewClaimCode", NULL, claim_code_answers},
    {"POST", "/api/v1/claim", OP_PUBLIC, "claimDevice", claim, "A token for a claim code", NULL, "Claim", NULL, claim_answers},
    {"GET", "/api/v1/provisioning-keys", OP_DEVICES_MANAGE, "listProvisioningKeys", provisioning_keys_list, "Provisioning keys, without the secrets", NULL, NULL, NULL, keys_answers},
    {"POST", "/api/v1/provisioning-keys", OP_DEVICES_MANAGE, "createProvisioningKey", provisioning_key_create, "A key, shown once, with which devices get tokens by themselves", NULL, "NewProvisioningKey", NULL, key_answers},
    {"DELETE", "/api/v1/provisioning-keys/{key}", OP_DEVICES_MANAGE, "deleteProvisioningKey", provisioning_key_delete, "Revoke it; what devices got by it stays", NULL, NULL, NULL, removed_answers},
    {"POST", "/api/v1/provision", OP_PUBLIC, "provisionDevice", provision, "A token for a twin of a provisioning key's pattern; the twin is made when it is missing", NULL, "Provision", NULL, provision_answers},
    {"POST", "/write", OP_DATA_WRITE, "writeLines", influx_write_1, "Line protocol, as InfluxDB 1 takes it", write_1_params, "Text", "text/plain", write_1_answers},
    {"POST", "/api/v2/write", OP_DATA_WRITE, "writeLines2", influx_write_2, "Line protocol, as InfluxDB 2 takes it", write_2_params, "Text", "text/plain", write_2_answers},
    {"GET", "/query", OP_DATA_WRITE, "askInflux", influx_query, "What clients of InfluxDB 1 ask before they write", query_params, NULL, NULL, query_answers},
    {"POST", "/query", OP_DATA_WRITE, "tellInflux", influx_query, "The same, in a form", query_params, "Object", "application/x-www-form-urlencoded", query_answers},
    {"GET", "/ping", OP_PUBLIC, "pingInflux", influx_ping, "Is somebody there who takes line protocol?", ping_params, NULL, NULL, ping_answers},
    {"GET", "/health", OP_PUBLIC, "readInfluxHealth", influx_health, "The same for clients of InfluxDB 2", NULL, NULL, NULL, influx_health_answers},
    {0},
};
/* clang-format on */

/* A line each, so that changes do not meet. */
/* clang-format off */
const struct route *const route_tables[] = {
    routes,
    administrator_routes,
    document_routes,
    twin_version_routes,
    exchange_routes,
    graph_routes,
    alarm_routes,
    delivery_routes,
    control_routes,
    rule_routes,
    explain_routes,
    query_routes,
    type_routes,
    graphql_routes,
    NULL,
};
/* clang-format on */
