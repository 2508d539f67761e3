/* openapi.c - /api/v1/openapi.json (OpenAPI 3.1.0), derived from the route table. */
#include "api/internal.h"
#include "base/err.h"

#include <stdio.h>

#define S "{\"type\":\"string\"}"
#define N "{\"type\":\"number\"}"
#define U "{\"type\":\"integer\",\"minimum\":0}"
#define B "{\"type\":\"boolean\"}"
#define T "{\"type\":\"string\",\"format\":\"date-time\"}"
#define TIME_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define ORNULL(type) "{\"type\":[\"" type "\",\"null\"]}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define LIST(of) "{\"type\":\"array\",\"items\":" of "}"
#define ROLE "{\"enum\":[\"none\",\"viewer\",\"operator\",\"editor\",\"administrator\"]}"
#define ROLE_GIVEN "{\"enum\":[\"viewer\",\"operator\",\"editor\",\"administrator\"]}"
#define ROLE_OR_NULL "{\"enum\":[\"viewer\",\"operator\",\"editor\",\"administrator\",null]}"
#define RIGHTS LIST("{\"enum\":[\"read\",\"write\",\"execute\"]}")
#define RANGE "{\"type\":\"array\",\"items\":{\"type\":\"number\"},\"minItems\":2,\"maxItems\":2}"
#define VALUE "{\"type\":[\"number\",\"boolean\",\"string\",\"null\"]}"
#define POINT                                                                                      \
    "{\"type\":\"array\",\"prefixItems\":[" N "],\"items\":" VALUE ",\"minItems\":2,\"maxItems\":" \
    "9}"
#define PROBLEM_MEMBERS                                                                            \
    "\"type\":" S ",\"title\":" S ",\"status\":{\"type\":\"integer\"},\"detail\":" S               \
    ",\"code\":" S ",\"instance\":" S
#define PROVIDER_MEMBERS                                                                           \
    "\"id\":{\"type\":\"string\",\"pattern\":\"^[a-z0-9-]{1,32}$\"},\"name\":" S ",\"issuer\":" S  \
    ",\"clientId\":" S ",\"scopes\":" S ",\"create\":" B ",\"role\":" ROLE_GIVEN                   \
    ",\"organization\":" ORNULL("string") ",\"groupsClaim\":" ORNULL(                              \
        "string") ",\"groups\":" LIST("{\"type\":\"object\",\"required\":[\"group\",\"role\"],"    \
                                      "\"properties\":{\"group\":" S ",\"organization\":" ORNULL(  \
                                          "string") ",\"role\":" ROLE_GIVEN "}}") ",\"logout\":" B
#define PROBLEM_REQUIRED "\"type\",\"title\",\"status\",\"detail\""

/* clang-format off */
const struct named_schema openapi_schemas[] = {
    {"Object", "{\"type\":\"object\"}"},
    {"Text", S},
    {"Problem", "{\"type\":\"object\",\"description\":\"RFC 9457\",\"required\":[" PROBLEM_REQUIRED "],\"properties\":{" PROBLEM_MEMBERS "}}"},
    {"ProfileProblem", "{\"type\":\"object\",\"required\":[" PROBLEM_REQUIRED "],\"properties\":{" PROBLEM_MEMBERS ",\"findings\":" LIST(REF("Finding")) "}}"},
    {"IngestProblem", "{\"type\":\"object\",\"required\":[" PROBLEM_REQUIRED ",\"accepted\",\"refused\",\"rejected\"],\"properties\":{" PROBLEM_MEMBERS ",\"accepted\":" U ",\"refused\":" U ",\"rejected\":" LIST(REF("Reject")) "}}"},
    {"Reject", "{\"type\":\"object\",\"required\":[\"index\",\"sensor\",\"code\",\"detail\"],\"properties\":{\"index\":" U ",\"sensor\":" S ",\"code\":" S ",\"detail\":" S "}}"},
    {"Accepted", "{\"type\":\"object\",\"required\":[\"accepted\"],\"properties\":{\"accepted\":" U "}}"},
    {"Finding", "{\"type\":\"object\",\"required\":[\"rule\",\"severity\",\"pointer\",\"line\",\"column\",\"message\"],\"properties\":{\"rule\":" S ",\"severity\":{\"enum\":[\"error\",\"warning\"]},\"pointer\":" S ",\"line\":" U ",\"column\":" U ",\"message\":" S "}}"},
    {"Findings", "{\"type\":\"object\",\"required\":[\"complete\",\"core\",\"errors\",\"warnings\",\"findings\"],\"properties\":{\"complete\":" B ",\"core\":" B ",\"errors\":" U ",\"warnings\":" U ",\"findings\":" LIST(REF("Finding")) "}}"},
    {"Profile", "{\"type\":\"object\",\"description\":\"an MVMD profile (JSON-LD); its own schema is at /schemas/twin-profile.json\",\"required\":[\"@context\",\"@type\",\"name\",\"description\",\"identifier\",\"subjectOf\"],\"properties\":{\"name\":" S ",\"description\":" S "}}"},
    {"TwinKept", "{\"type\":\"object\",\"required\":[\"id\",\"profile\",\"filled\",\"findings\"],\"properties\":{\"id\":" S ",\"profile\":" REF("Profile") ",\"filled\":" LIST(S) ",\"findings\":" LIST(REF("Finding")) "}}"},
    {"Sensor", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"type\",\"unit\",\"value\",\"t\",\"quality\",\"state\",\"level\",\"interval\",\"updates\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"type\":" S ",\"unit\":" S ",\"value\":" VALUE ",\"t\":" ORNULL("number") ",\"quality\":{\"enum\":[\"good\",\"uncertain\",\"bad\",null]},\"state\":{\"enum\":[\"live\",\"stale\",\"waiting\"]},\"level\":{\"enum\":[\"unknown\",\"normal\",\"warning\",\"critical\"]},\"interval\":" ORNULL("number") ",\"normalRange\":" RANGE ",\"criticalRange\":" RANGE ",\"threshold\":" N ",\"updates\":" U "}}"},
    {"SensorList", "{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":" LIST(REF("Sensor")) "}}"},
    {"Twin", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"description\",\"type\",\"twinTypes\",\"misfits\",\"state\",\"simulated\",\"demo\",\"created\",\"modified\",\"lastSynced\",\"sensorCount\",\"sensors\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"description\":" S ",\"type\":" S ",\"twinTypes\":" LIST(S) ",\"misfits\":" U ",\"state\":{\"enum\":[\"live\",\"stale\",\"waiting\"]},\"simulated\":" B ",\"demo\":" B ",\"created\":" T ",\"modified\":" T ",\"lastSynced\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"},\"sensorCount\":" U ",\"sensors\":" LIST(REF("Sensor")) "}}"},
    {"TwinList", "{\"type\":\"object\",\"required\":[\"items\",\"next\",\"total\"],\"properties\":{\"items\":" LIST(REF("Twin")) ",\"next\":" ORNULL("string") ",\"total\":" U "}}"},
    {"History", "{\"type\":\"object\",\"required\":[\"twin\",\"sensor\",\"unit\",\"from\",\"to\",\"points\"],\"properties\":{\"twin\":" S ",\"sensor\":" S ",\"unit\":" S ",\"from\":" N ",\"to\":" N ",\"fn\":" LIST(S) ",\"before\":{\"anyOf\":[" POINT ",{\"type\":\"null\"}]},\"points\":" LIST(POINT) ",\"damaged\":" B ",\"resolution\":{\"enum\":[\"raw\",\"1s\",\"1m\",\"1h\",\"1d\"]},\"rawFrom\":" N ",\"limit\":" U ",\"next\":" ORNULL("string") "}}"},
    {"Histories", "{\"type\":\"object\",\"required\":[\"from\",\"to\",\"series\"],\"properties\":{\"from\":" N ",\"to\":" N ",\"fn\":" LIST(S) ",\"series\":" LIST("{\"type\":\"object\",\"required\":[\"twin\",\"sensor\",\"unit\",\"points\"],\"properties\":{\"twin\":" S ",\"sensor\":" S ",\"unit\":" S ",\"before\":{\"anyOf\":[" POINT ",{\"type\":\"null\"}]},\"points\":" LIST(POINT) ",\"damaged\":" B ",\"resolution\":{\"enum\":[\"raw\",\"1s\",\"1m\",\"1h\",\"1d\"]},\"rawFrom\":" N ",\"limit\":" U ",\"next\":" ORNULL("string") "}}") "}}"},
    {"HistoryQuestion", "{\"type\":\"object\",\"required\":[\"series\"],\"description\":\"the parameters of the same names\",\"properties\":{\"series\":{\"anyOf\":[" S "," LIST(S) "]},\"fn\":{\"anyOf\":[" S "," LIST(S) "]}}}"},
    {"Reading", "{\"type\":\"object\",\"required\":[\"value\"],\"properties\":{\"sensor\":" S ",\"value\":" VALUE ",\"timestamp\":{\"type\":[\"string\",\"number\"]},\"quality\":{\"enum\":[\"good\",\"uncertain\",\"bad\"]},\"unit\":" S "}}"},
    {"Telemetry", "{\"type\":\"object\",\"description\":\"a value, or an object with value, for each sensor; timestamp for all\",\"additionalProperties\":{\"anyOf\":[" VALUE "," REF("Reading") "]}}"},
    {"Readings", "{\"anyOf\":[" REF("Telemetry") "," REF("Reading") "," LIST("{\"anyOf\":[" REF("Telemetry") "," REF("Reading") "]}") "]}"},
    {"SensorReadings", "{\"anyOf\":[" VALUE "," REF("Reading") "," LIST("{\"anyOf\":[" VALUE "," REF("Reading") "]}") "]}"},
    {"Rejection", "{\"type\":\"object\",\"required\":[\"at\",\"source\",\"peer\",\"topic\",\"twin\",\"sensor\",\"code\",\"detail\",\"payload\"],\"properties\":{\"at\":" T ",\"source\":" S ",\"peer\":" S ",\"topic\":" S ",\"twin\":" S ",\"sensor\":" S ",\"code\":" S ",\"detail\":" S ",\"payload\":" S "}}"},
    {"RejectionList", "{\"type\":\"object\",\"required\":[\"total\",\"items\"],\"properties\":{\"total\":" U ",\"items\":" LIST(REF("Rejection")) "}}"},
    {"AuditEntry", "{\"type\":\"object\",\"required\":[\"n\",\"time\",\"who\",\"operation\",\"outcome\",\"hash\"],\"properties\":{\"n\":" U ",\"time\":" T ",\"organization\":" S ",\"who\":{\"type\":\"object\",\"required\":[\"kind\",\"id\"],\"properties\":{\"kind\":" S ",\"id\":" S ",\"name\":" S "}},\"address\":" S ",\"via\":" S ",\"request\":" S ",\"operation\":" S ",\"object\":" S ",\"outcome\":{\"enum\":[\"done\",\"refused\",\"failed\"]},\"detail\":" S ",\"before\":{},\"after\":{},\"erased\":" B ",\"hash\":" S "}}"},
    {"AuditLog", "{\"type\":\"object\",\"required\":[\"entries\"],\"properties\":{\"entries\":" LIST(REF("AuditEntry")) ",\"next\":" S "}}"},
    {"Erased", "{\"type\":\"object\",\"required\":[\"twin\",\"sensor\",\"from\",\"to\",\"deleted\"],\"properties\":{\"twin\":" S ",\"sensor\":" S ",\"from\":{\"type\":\"number\"},\"to\":{\"type\":\"number\"},\"deleted\":" U "}}"},
    {"Status", "{\"type\":\"object\",\"required\":[\"version\",\"started\",\"uptime\",\"ready\",\"twins\",\"series\",\"readings\",\"connections\",\"storage\",\"memory\",\"addresses\"],\"properties\":{\"version\":" S ",\"started\":" T ",\"uptime\":{\"type\":\"number\",\"description\":\"seconds\"},\"ready\":" B ",\"twins\":" U ",\"series\":" U ",\"readings\":{\"type\":\"object\",\"required\":[\"accepted\",\"rejected\",\"inMemory\"],\"properties\":{\"accepted\":" U ",\"rejected\":" U ",\"inMemory\":" U "}},\"connections\":{\"type\":\"object\",\"properties\":{\"mqtt\":" U ",\"stream\":" U "}},\"storage\":{\"type\":\"object\",\"properties\":{\"ok\":" B ",\"journalBytes\":" U ",\"historyBytes\":" U ",\"freeBytes\":" U ",\"readings\":" U ",\"chunks\":" U ",\"rollupBytes\":" U ",\"rolledUp\":" U ",\"expired\":" U "}},\"memory\":" U ",\"addresses\":{\"type\":\"object\",\"properties\":{\"http\":" ORNULL("string") ",\"https\":" ORNULL("string") ",\"mqtt\":" ORNULL("string") ",\"mqtts\":" ORNULL("string") "}}}}"},
    {"Refusal", "{\"type\":\"object\",\"description\":\"what is missing: the operation, the least role that has it, and where\",\"required\":[" PROBLEM_REQUIRED "],\"properties\":{" PROBLEM_MEMBERS ",\"operation\":" S ",\"role\":" S ",\"organization\":" S "}}"},
    {"Organization", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"created\",\"role\",\"members\",\"twins\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"created\":" TIME_OR_NULL ",\"role\":" ROLE_OR_NULL ",\"members\":" U ",\"twins\":" U "}}"},
    {"OrganizationList", "{\"type\":\"object\",\"required\":[\"organizations\"],\"properties\":{\"organizations\":" LIST(REF("Organization")) ",\"next\":" S "}}"},
    {"NewOrganization", "{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":" S ",\"name\":" S "}}"},
    {"NewName", "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":" S "}}"},
    {"NewRole", "{\"type\":\"object\",\"required\":[\"role\"],\"properties\":{\"role\":" ROLE_GIVEN "}}"},
    {"Use", "{\"type\":\"object\",\"required\":[\"used\",\"limit\"],\"properties\":{\"used\":" U ",\"limit\":" ORNULL("integer") "}}"},
    {"Usage", "{\"type\":\"object\",\"required\":[\"twins\",\"series\"],\"properties\":{\"twins\":" REF("Use") ",\"series\":" REF("Use") ",\"readingsPerSecond\":" REF("Use") ",\"storageBytes\":" REF("Use") "}}"},
    {"Quotas", "{\"type\":\"object\",\"required\":[],\"properties\":{\"twins\":" ORNULL("integer") ",\"series\":" ORNULL("integer") ",\"readingsPerSecond\":" ORNULL("integer") ",\"storageBytes\":" ORNULL("integer") "}}"},
    {"Member", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"email\",\"role\",\"since\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"email\":" ORNULL("string") ",\"role\":" ROLE_GIVEN ",\"since\":" TIME_OR_NULL ",\"secondFactor\":" B ",\"seen\":" TIME_OR_NULL "}}"},
    {"MemberList", "{\"type\":\"object\",\"required\":[\"members\"],\"properties\":{\"members\":" LIST(REF("Member")) ",\"next\":" S "}}"},
    {"Team", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"members\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"members\":" LIST(S) "}}"},
    {"TeamList", "{\"type\":\"object\",\"required\":[\"teams\"],\"properties\":{\"teams\":" LIST(REF("Team")) ",\"next\":" S "}}"},
    {"NewTeam", "{\"type\":\"object\",\"required\":[],\"properties\":{\"name\":" S ",\"members\":" LIST(S) "}}"},
    {"Service", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"role\",\"created\",\"tokens\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"role\":" ROLE_GIVEN ",\"created\":" TIME_OR_NULL ",\"tokens\":" U "}}"},
    {"ServiceList", "{\"type\":\"object\",\"required\":[\"services\"],\"properties\":{\"services\":" LIST(REF("Service")) ",\"next\":" S "}}"},
    {"NewService", "{\"type\":\"object\",\"required\":[],\"properties\":{\"name\":" S ",\"role\":" ROLE_GIVEN "}}"},
    {"ServiceToken", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"scopes\",\"created\",\"expires\",\"used\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"scopes\":" "{\"type\":[\"array\",\"null\"],\"items\":" S "}" ",\"created\":" TIME_OR_NULL ",\"expires\":" TIME_OR_NULL ",\"used\":" TIME_OR_NULL "}}"},
    {"ServiceTokenList", "{\"type\":\"object\",\"required\":[\"tokens\"],\"properties\":{\"tokens\":" LIST(REF("ServiceToken")) ",\"next\":" S "}}"},
    {"MadeToken", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"scopes\",\"created\",\"expires\",\"used\",\"token\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"scopes\":" "{\"type\":[\"array\",\"null\"],\"items\":" S "}" ",\"created\":" TIME_OR_NULL ",\"expires\":" TIME_OR_NULL ",\"used\":" TIME_OR_NULL ",\"token\":" S "}}"},
    {"NewToken", "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":" S ",\"scopes\":" LIST(S) ",\"expires\":" T "}}"},
    {"Invitation", "{\"type\":\"object\",\"required\":[\"id\",\"email\",\"role\",\"teams\",\"created\",\"expires\",\"invitedBy\"],\"properties\":{\"id\":" S ",\"email\":" ORNULL("string") ",\"role\":" ROLE_GIVEN ",\"teams\":" LIST(S) ",\"created\":" TIME_OR_NULL ",\"expires\":" TIME_OR_NULL ",\"invitedBy\":" S ",\"link\":" S "}}"},
    {"InvitationList", "{\"type\":\"object\",\"required\":[\"invitations\"],\"properties\":{\"invitations\":" LIST(REF("Invitation")) ",\"next\":" S "}}"},
    {"NewInvitation", "{\"type\":\"object\",\"required\":[\"role\"],\"properties\":{\"email\":" S ",\"role\":" ROLE_GIVEN ",\"teams\":" LIST(S) ",\"expires\":" T "}}"},
    {"Named", "{\"type\":\"object\",\"required\":[\"id\",\"name\"],\"properties\":{\"id\":" S ",\"name\":" S "}}"},
    {"Acceptance", "{\"type\":\"object\",\"required\":[\"token\"],\"properties\":{\"token\":" S ",\"name\":" S ",\"email\":" S ",\"password\":" S "}}"},
    {"Invited", "{\"type\":\"object\",\"required\":[\"organization\",\"role\",\"email\",\"invitedBy\",\"expires\"],\"properties\":{\"organization\":" REF("Named") ",\"role\":" ROLE_GIVEN ",\"email\":" ORNULL("string") ",\"invitedBy\":" S ",\"expires\":" T "}}"},
    {"Request", "{\"type\":\"object\",\"required\":[\"id\",\"who\",\"operation\",\"object\",\"message\",\"created\",\"state\",\"role\",\"decided\",\"decidedBy\"],\"properties\":{\"id\":" S ",\"who\":" REF("Named") ",\"operation\":" S ",\"object\":" ORNULL("string") ",\"message\":" ORNULL("string") ",\"created\":" T ",\"state\":" "{\"enum\":[\"open\",\"approved\",\"denied\"]}" ",\"role\":" ROLE_OR_NULL ",\"decided\":" TIME_OR_NULL ",\"decidedBy\":" ORNULL("string") "}}"},
    {"RequestList", "{\"type\":\"object\",\"required\":[\"requests\"],\"properties\":{\"requests\":" LIST(REF("Request")) ",\"next\":" S "}}"},
    {"NewRequest", "{\"type\":\"object\",\"required\":[\"operation\"],\"properties\":{\"operation\":" S ",\"object\":" S ",\"message\":" S "}}"},
    {"Decision", "{\"type\":\"object\",\"required\":[\"decision\"],\"properties\":{\"decision\":" "{\"enum\":[\"approve\",\"deny\"]}" ",\"role\":" ROLE_GIVEN "}}"},
    {"Receiver", "{\"type\":\"object\",\"required\":[\"kind\"],\"properties\":{\"kind\":" "{\"enum\":[\"person\",\"team\",\"organization\",\"common\",\"link\"]}" ",\"id\":" S ",\"name\":" S ",\"email\":" S "}}"},
    {"Grant", "{\"type\":\"object\",\"required\":[\"id\",\"object\",\"to\",\"role\",\"created\",\"expires\",\"by\"],\"properties\":{\"id\":" S ",\"object\":" S ",\"to\":" REF("Receiver") ",\"role\":" ROLE_GIVEN ",\"parts\":" LIST(S) ",\"created\":" TIME_OR_NULL ",\"expires\":" TIME_OR_NULL ",\"by\":" S ",\"link\":" S "}}"},
    {"GrantList", "{\"type\":\"object\",\"required\":[\"grants\"],\"properties\":{\"grants\":" LIST(REF("Grant")) ",\"next\":" S "}}"},
    {"NewGrant", "{\"type\":\"object\",\"required\":[\"object\",\"to\"],\"properties\":{\"object\":" S ",\"to\":" REF("Receiver") ",\"role\":" ROLE_GIVEN ",\"parts\":" LIST(S) ",\"expires\":" TIME_OR_NULL "}}"},
    {"GrantChange", "{\"type\":\"object\",\"required\":[],\"properties\":{\"role\":" ROLE_GIVEN ",\"parts\":" LIST(S) ",\"expires\":" TIME_OR_NULL "}}"},
    {"SharedTwin", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"organization\",\"role\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"organization\":" S ",\"role\":" ROLE_GIVEN "}}"},
    {"SharedList", "{\"type\":\"object\",\"required\":[\"twins\"],\"properties\":{\"twins\":" LIST(REF("SharedTwin")) "}}"},
    {"Candidate", "{\"type\":\"object\",\"required\":[\"kind\",\"id\",\"name\"],\"properties\":{\"kind\":" "{\"enum\":[\"person\",\"team\"]}" ",\"id\":" S ",\"name\":" S ",\"email\":" ORNULL("string") "}}"},
    {"PeopleList", "{\"type\":\"object\",\"required\":[\"people\",\"teams\"],\"properties\":{\"people\":" LIST(REF("Candidate")) ",\"teams\":" LIST(REF("Candidate")) "}}"},
    {"Policy", "{\"type\":\"object\",\"required\":[\"entries\"],\"properties\":{\"entries\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"object\",\"required\":[\"subjects\",\"resources\"],\"properties\":{\"subjects\":" LIST(S) ",\"resources\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"object\",\"properties\":{\"grant\":" RIGHTS ",\"revoke\":" RIGHTS "}}}}}}}}"},
    {"Operation", "{\"type\":\"object\",\"required\":[\"name\",\"from\",\"what\"],\"properties\":{\"name\":" S ",\"from\":" S ",\"what\":" S "}}"},
    {"OperationList", "{\"type\":\"object\",\"required\":[\"operations\",\"roles\"],\"properties\":{\"operations\":" LIST(REF("Operation")) ",\"roles\":" LIST(S) "}}"},
    {"IdentityProvider", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"issuer\",\"clientId\",\"hasSecret\",\"scopes\",\"create\",\"role\",\"organization\",\"groupsClaim\",\"groups\",\"logout\",\"fixed\"],\"properties\":{\"hasSecret\":" B ",\"fixed\":{\"type\":\"boolean\",\"description\":\"it stands in the server's configuration\"}," PROVIDER_MEMBERS "}}"},
    {"IdentityProviderList", "{\"type\":\"object\",\"required\":[\"identityProviders\"],\"properties\":{\"identityProviders\":" LIST(REF("IdentityProvider")) "}}"},
    {"NewIdentityProvider", "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"id\",\"issuer\",\"clientId\"],\"properties\":{\"clientSecret\":" ORNULL("string") "," PROVIDER_MEMBERS "}}"},
    {"IdentityLink", "{\"type\":\"object\",\"required\":[\"provider\"],\"additionalProperties\":false,\"properties\":{\"provider\":" S ",\"then\":" S "}}"},
    {"Location", "{\"type\":\"object\",\"required\":[\"location\"],\"properties\":{\"location\":" S "}}"},
    {"IdentityList", "{\"type\":\"object\",\"required\":[\"identities\"],\"properties\":{\"identities\":" LIST("{\"type\":\"object\",\"required\":[\"id\",\"provider\",\"name\",\"issuer\",\"linked\"],\"properties\":{\"id\":" S ",\"provider\":" S ",\"name\":" ORNULL("string") ",\"issuer\":" S ",\"linked\":" T "}}") "}}"},
    {"Goodbye", "{\"type\":\"object\",\"required\":[\"logout\"],\"properties\":{\"logout\":" S "}}"},
    {"LogoutForm", "{\"type\":\"object\",\"required\":[\"logout_token\"],\"properties\":{\"logout_token\":" S "}}"},
    {"OAuthError", "{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":" S ",\"error_description\":" S "}}"},
    {"Device", "{\"type\":\"object\",\"required\":[\"twin\",\"name\",\"credentials\",\"connected\",\"seen\",\"lastRefused\"],\"properties\":{\"twin\":" S ",\"name\":" S ",\"credentials\":" U ",\"connected\":" B ",\"seen\":" TIME_OR_NULL ",\"lastRefused\":{\"type\":[\"object\",\"null\"],\"properties\":{\"time\":" T ",\"why\":" S ",\"address\":" ORNULL("string") "}}}}"},
    {"DeviceList", "{\"type\":\"object\",\"required\":[\"devices\"],\"properties\":{\"devices\":" LIST(REF("Device")) ",\"next\":" S "}}"},
    {"Credential", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"kind\",\"created\",\"expires\",\"used\"],\"properties\":{\"id\":" S ",\"name\":" ORNULL("string") ",\"kind\":{\"enum\":[\"token\",\"certificate\"]},\"created\":" T ",\"expires\":" TIME_OR_NULL ",\"used\":" TIME_OR_NULL ",\"fingerprint\":" S ",\"token\":{\"type\":\"string\",\"description\":\"once, when it was made\"}}}"},
    {"CredentialList", "{\"type\":\"object\",\"required\":[\"credentials\"],\"properties\":{\"credentials\":" LIST(REF("Credential")) "}}"},
    {"NewCredential", "{\"type\":\"object\",\"properties\":{\"name\":" S ",\"kind\":{\"enum\":[\"token\",\"certificate\"],\"default\":\"token\"},\"expires\":" T ",\"certificate\":{\"type\":\"string\",\"description\":\"PEM\"},\"fingerprint\":{\"type\":\"string\",\"description\":\"SHA-256 of the certificate\"}}}"},
    {"Rotation", "{\"type\":\"object\",\"properties\":{\"overlap\":{\"type\":\"string\",\"default\":\"PT1H\"},\"expires\":" T "}}"},
    {"NewClaimCode", "{\"type\":\"object\",\"properties\":{\"expires\":" T "}}"},
    {"ClaimCode", "{\"type\":\"object\",\"required\":[\"code\",\"expires\"],\"properties\":{\"code\":" S ",\"expires\":" T "}}"},
    {"Claim", "{\"type\":\"object\",\"required\":[\"code\"],\"properties\":{\"code\":" S "}}"},
    {"DeviceToken", "{\"type\":\"object\",\"required\":[\"token\",\"twin\",\"organization\"],\"properties\":{\"token\":" S ",\"twin\":" S ",\"organization\":" S ",\"mqtt\":" S ",\"http\":" S "}}"},
    {"ProvisioningKey", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"twinPattern\",\"limit\",\"expires\"],\"properties\":{\"id\":" S ",\"name\":" ORNULL("string") ",\"twinPattern\":" S ",\"limit\":" ORNULL("integer") ",\"used\":" U ",\"created\":" T ",\"expires\":" TIME_OR_NULL ",\"key\":{\"type\":\"string\",\"description\":\"once, when it was made\"}}}"},
    {"ProvisioningKeyList", "{\"type\":\"object\",\"required\":[\"provisioningKeys\"],\"properties\":{\"provisioningKeys\":" LIST(REF("ProvisioningKey")) "}}"},
    {"NewProvisioningKey", "{\"type\":\"object\",\"required\":[\"twinPattern\"],\"properties\":{\"name\":" S ",\"twinPattern\":" S ",\"limit\":" U ",\"expires\":" T "}}"},
    {"Provision", "{\"type\":\"object\",\"required\":[\"key\",\"twin\"],\"properties\":{\"key\":" S ",\"twin\":" S ",\"name\":" S "}}"},
    {"InfluxError", "{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":" S "}}"},
    {"Influx2Error", "{\"type\":\"object\",\"required\":[\"code\",\"message\"],\"properties\":{\"code\":" S ",\"message\":" S ",\"line\":" U "}}"},
    {"Place", "{\"type\":\"object\",\"required\":[\"id\",\"name\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"role\":" ROLE "}}"},
    {"Session", "{\"type\":\"object\",\"required\":[\"signedIn\",\"access\",\"setup\",\"providers\"],\"properties\":{\"signedIn\":" B ",\"access\":{\"enum\":[\"locked\",\"open\"]},\"setup\":" B ",\"providers\":" LIST(REF("Place")) ",\"principal\":{\"type\":\"object\",\"required\":[\"kind\",\"id\",\"name\"],\"properties\":{\"kind\":" S ",\"id\":" S ",\"name\":" S "}},\"person\":{\"type\":\"object\",\"required\":[\"id\",\"name\",\"email\",\"provisional\",\"installation\",\"secondFactor\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"email\":" S ",\"provisional\":" B ",\"installation\":" B ",\"secondFactor\":" B "}},\"organization\":" REF("Place") ",\"role\":" ROLE ",\"operations\":" LIST(S) ",\"organizations\":" LIST(REF("Place")) ",\"expires\":" T ",\"authenticated\":" T "}}"},
    {"SignIn", "{\"type\":\"object\",\"required\":[\"email\",\"password\"],\"additionalProperties\":false,\"properties\":{\"email\":" S ",\"password\":" S ",\"code\":" S "}}"},
    {"SessionChange", "{\"type\":\"object\",\"required\":[\"organization\"],\"additionalProperties\":false,\"properties\":{\"organization\":" S "}}"},
    {"Confirmation", "{\"type\":\"object\",\"description\":\"a password, a one-time code, or a passkey\",\"properties\":{\"password\":" S ",\"code\":" S "}}"},
    {"Token", "{\"type\":\"object\",\"required\":[\"token\"],\"additionalProperties\":false,\"properties\":{\"token\":" S "}}"},
    {"SetupFor", "{\"type\":\"object\",\"description\":\"whom it lets in; by default the first administrator\",\"additionalProperties\":false,\"properties\":{\"email\":" S "}}"},
    {"SetupLink", "{\"type\":\"object\",\"required\":[\"link\"],\"properties\":{\"link\":" S "}}"},
    {"Account", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"email\",\"emailVerified\",\"provisional\",\"installation\",\"secondFactor\",\"password\",\"totp\",\"recoveryCodes\",\"passkeys\",\"fresh\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"email\":" S ",\"emailVerified\":" B ",\"provisional\":" B ",\"installation\":" B ",\"secondFactor\":" B ",\"password\":" B ",\"totp\":" B ",\"recoveryCodes\":" U ",\"passkeys\":" U ",\"fresh\":" B ",\"created\":" T "}}"},
    {"AccountChange", "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"name\":" S ",\"email\":" S "}}"},
    {"PasswordChange", "{\"type\":\"object\",\"required\":[\"password\"],\"additionalProperties\":false,\"properties\":{\"password\":" S ",\"current\":" S "}}"},
    {"SessionList", "{\"type\":\"object\",\"required\":[\"sessions\"],\"properties\":{\"sessions\":" LIST("{\"type\":\"object\",\"required\":[\"id\",\"current\",\"created\",\"seen\",\"address\",\"agent\",\"how\",\"expires\"],\"properties\":{\"id\":" S ",\"current\":" B ",\"created\":" T ",\"seen\":" T ",\"address\":" S ",\"agent\":" S ",\"how\":" S ",\"expires\":" T "}}") "}}"},
    {"TotpSeed", "{\"type\":\"object\",\"required\":[\"secret\",\"uri\"],\"properties\":{\"secret\":" S ",\"uri\":" S "}}"},
    {"Code", "{\"type\":\"object\",\"required\":[\"code\"],\"additionalProperties\":false,\"properties\":{\"code\":" S "}}"},
    {"RecoveryCodes", "{\"type\":\"object\",\"required\":[\"recoveryCodes\"],\"properties\":{\"recoveryCodes\":" LIST(S) "}}"},
    {"PasskeyChallenge", "{\"type\":\"object\",\"required\":[\"publicKey\"],\"description\":\"options as Web Authentication Level 3 has them in JSON\",\"properties\":{\"publicKey\":{\"type\":\"object\",\"required\":[\"challenge\"]}}}"},
    {"Passkey", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"created\",\"used\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"created\":" T ",\"used\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}}}"},
    {"PasskeyList", "{\"type\":\"object\",\"required\":[\"passkeys\"],\"properties\":{\"passkeys\":" LIST(REF("Passkey")) "}}"},
    {"PasskeyChange", "{\"type\":\"object\",\"required\":[\"name\"],\"additionalProperties\":false,\"properties\":{\"name\":" S "}}"},
    {"TokenMember", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"created\",\"expires\",\"used\"],\"properties\":{\"id\":" S ",\"name\":" S ",\"organization\":" ORNULL("string") ",\"scopes\":" LIST(S) ",\"created\":" T ",\"expires\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"},\"used\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}}}"},
    {"TokenList", "{\"type\":\"object\",\"required\":[\"tokens\"],\"properties\":{\"tokens\":" LIST(REF("TokenMember")) "}}"},
    {"TokenMade", "{\"allOf\":[" REF("TokenMember") ",{\"type\":\"object\",\"required\":[\"token\"],\"properties\":{\"token\":" S "}}]}"},
    {"TokenWanted", "{\"type\":\"object\",\"required\":[\"name\"],\"additionalProperties\":false,\"properties\":{\"name\":" S ",\"organization\":" S ",\"scopes\":" LIST(S) ",\"expires\":" T "}}"},
    {"Health", "{\"type\":\"object\",\"required\":[\"status\"],\"properties\":{\"status\":" S "}}"},
    {"ErrorKind", "{\"type\":\"object\",\"required\":[\"code\",\"title\",\"status\",\"mqttReason\"],\"properties\":{\"code\":" S ",\"title\":" S ",\"status\":" U ",\"mqttReason\":" U "}}"},
    {0},
};
/* clang-format on */

/* A line each, so that changes do not meet. */
/* clang-format off */
const struct named_schema *const schema_tables[] = {
    openapi_schemas,
    administrator_schemas,
    document_schemas,
    exchange_schemas,
    graph_schemas,
    alarm_schemas,
    explain_schemas,
    rule_schemas,
    delivery_schemas,
    control_schemas,
    query_schemas,
    type_schemas,
    graphql_schemas,
    NULL,
};
/* clang-format on */

static const char *reason(int code)
{
    static const struct {
        int code;
        const char *text;
    } reasons[] = {{101, "Switching Protocols"},
                   {200, "OK"},
                   {201, "Created"},
                   {202, "Accepted"},
                   {204, "No Content"},
                   {303, "See Other"},
                   {304, "Not Modified"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {409, "Conflict"},
                   {412, "Precondition Failed"},
                   {413, "Content Too Large"},
                   {415, "Unsupported Media Type"},
                   {422, "Unprocessable Content"},
                   {426, "Upgrade Required"},
                   {429, "Too Many Requests"},
                   {501, "Not Implemented"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"},
                   {507, "Insufficient Storage"}};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].code == code)
            return reasons[i].text;
    return "Answer";
}

static void put_schema(struct json_writer *w, const char *name)
{
    char ref[96];
    snprintf(ref, sizeof ref, "{\"$ref\":\"#/components/schemas/%s\"}", name);
    json_key(w, "schema");
    json_put_raw(w, slice_str(ref));
}

static bool is_json(struct slice type)
{
    return slice_ends(type, "/json") || slice_ends(type, "+json");
}

/* other: the schema for types that are not JSON. */
static void put_content(struct json_writer *w, const char *types, const char *schema_name,
                        const char *other)
{
    struct slice rest = slice_str(types), type;
    json_key(w, "content");
    json_open(w, '{');
    while (slice_cut(&rest, ' ', &type)) {
        json_key_slice(w, type);
        json_open(w, '{');
        put_schema(w, is_json(type) ? schema_name : other);
        json_close(w, '}');
    }
    json_close(w, '}');
}

static void put_parameter(struct json_writer *w, struct slice name, const char *in, bool required,
                          const char *text, const char *schema_json)
{
    json_open(w, '{');
    json_key(w, "name");
    json_put_string(w, name);
    put_text(w, "in", in);
    json_key(w, "required");
    json_put_bool(w, required);
    put_text(w, "description", text);
    json_key(w, "schema");
    json_put_raw(w, slice_str(schema_json));
    json_close(w, '}');
}

static void put_parameters(struct json_writer *w, const struct route *r)
{
    json_key(w, "parameters");
    json_open(w, '[');
    for (const char *at = r->path; (at = strchr(at, '{')); at++) {
        struct slice name = slice_of(at + 1, (size_t)(strchr(at, '}') - at) - 1);
        put_parameter(w, name, "path", true, "letters, digits, . _ - :",
                      "{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9._:-]{1,128}$\"}");
    }
    for (const struct route_param *p = r->params; p && p->name; p++)
        put_parameter(w, slice_str(p->name), "query", false, p->text, p->schema);
    json_close(w, ']');
}

static void put_answers(struct json_writer *w, const struct route *r)
{
    json_key(w, "responses");
    json_open(w, '{');
    for (const struct route_answer *a = r->answers; a->status; a++) {
        char code[8];
        snprintf(code, sizeof code, "%d", a->status);
        json_key(w, code);
        json_open(w, '{');
        put_text(w, "description", reason(a->status));
        if (a->schema)
            put_content(w,
                        a->type            ? a->type
                        : a->status >= 400 ? "application/problem+json"
                                           : "application/json",
                        a->schema, "Text");
        json_close(w, '}');
    }
    json_key(w, "default");
    json_open(w, '{');
    put_text(w, "description", "A problem (RFC 9457)");
    put_content(w, "application/problem+json", "Problem", "Problem");
    json_close(w, '}');
    json_close(w, '}');
}

/* Who may: nobody needs to show who they are, or the operation that it takes (docs/access.md). */
static void put_security(struct json_writer *w, const struct route *r)
{
    json_key(w, "security");
    json_put_raw(w, r->op == OP_PUBLIC ? SLICE_LIT("[]")
                                       : SLICE_LIT("[{\"token\":[]},{\"session\":[]}]"));
    put_text(w, "x-doppel-operation",
             r->op == OP_PUBLIC ? "public"
             : r->op == OP_EACH ? "each"
                                : op_info(r->op)->name);
}

static void put_operation(struct json_writer *w, const struct route *r)
{
    char method[8] = "";
    for (size_t i = 0; r->method[i] && i < sizeof method - 1; i++)
        method[i] = (char)(r->method[i] | 0x20);
    json_key(w, method);
    json_open(w, '{');
    put_text(w, "operationId", r->name);
    put_text(w, "summary", r->summary);
    put_parameters(w, r);
    if (r->body) {
        json_key(w, "requestBody");
        json_open(w, '{');
        json_key(w, "required");
        json_put_bool(w, true);
        put_content(w, r->body_types ? r->body_types : "application/json", r->body, r->body);
        json_close(w, '}');
    }
    put_security(w, r);
    put_answers(w, r);
    json_close(w, '}');
}

static void put_paths(struct json_writer *w)
{
    json_key(w, "paths");
    json_open(w, '{');
    for (const struct route *const *table = route_tables; *table; table++)
        for (const struct route *r = *table, *next; r->method; r = next) {
            json_key(w, r->path);
            json_open(w, '{');
            for (next = r; next->method && strcmp(next->path, r->path) == 0; next++)
                put_operation(w, next);
            json_close(w, '}');
        }
    json_close(w, '}');
}

static void make(struct api *a)
{
    struct json_writer w;
    json_writer_init(&w, &a->openapi, 0);
    json_open(&w, '{');
    put_text(&w, "openapi", "3.1.0");
    json_key(&w, "info");
    json_open(&w, '{');
    put_text(&w, "title", "Doppel");
    put_text(&w, "version", a->opts.version);
    put_text(&w, "description",
             "Digital twins: profiles, readings in, live values and the past out.");
    json_key(&w, "license");
    json_put_raw(&w, SLICE_LIT("{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}"));
    json_close(&w, '}');
    json_key(&w, "servers");
    json_put_raw(&w, SLICE_LIT("[{\"url\":\"/\"}]"));
    put_paths(&w);
    json_key(&w, "components");
    json_open(&w, '{');
    json_key(&w, "schemas");
    json_open(&w, '{');
    for (const struct named_schema *const *table = schema_tables; *table; table++)
        for (const struct named_schema *s = *table; s->name; s++) {
            json_key(&w, s->name);
            json_put_raw(&w, slice_str(s->json));
        }
    json_close(&w, '}');
    json_key(&w, "securitySchemes");
    json_put_raw(&w, SLICE_LIT("{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
                               "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\","
                               "\"name\":\"__Host-doppel\"}}"));
    json_close(&w, '}');
    json_close(&w, '}');
}

void openapi(struct call *call)
{
    struct api *a = call->api;
    if (!a->openapi.n)
        make(a);
    if (a->openapi.failed) {
        buf_release(&a->openapi);
        call_problem(call, ERR_NOMEM, NULL);
        return;
    }
    http_respond(call->req, 200, "application/json", buf_slice(&a->openapi));
}
