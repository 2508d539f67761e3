/* matrix.mjs - who may do what: every operation of the document, and what each principal is to hear.
 *
 * A row says what an operation needs, independently of the server's own table: a role in the
 * organisation, or
 *   public        anybody; the request itself carries what decides (401 is an answer then)
 *   person        somebody with an account of their own
 *   installation  an administrator of the installation
 *   local         the command line of the server's own user
 * and whatever must stand in the request for it to get as far as the decision.  Bodies are wrong on
 * purpose: who may is told so (400, 404, 412, 422 ...), who may not must not come so far.
 *
 * An operation that is missing here fails matrix.test.mjs. */

const MATCH = { "if-match": '"not this one"' };

/* of pump-1, which the test raises */
const ALARM = { alarm: "a-1" };

export const ROWS = {
    /* twins */
    listTwins: { needs: "viewer" },
    createTwin: { needs: "editor" },
    readTwin: { needs: "viewer" },
    replaceTwin: { needs: "editor", headers: MATCH },
    patchTwin: { needs: "editor", headers: MATCH },
    deleteTwin: { needs: "editor", headers: MATCH },
    readFindings: { needs: "viewer" },
    listSensors: { needs: "viewer" },
    readSensor: { needs: "viewer" },
    readHistory: { needs: "viewer" },
    eraseHistory: { needs: "editor" },
    sendReadings: { needs: "operator", device: true, body: '{"temp-1":1}' },
    sendSensorReadings: { needs: "operator", device: true, body: "1" },
    readHistories: { needs: "viewer", query: "series={id}/temp-1", addressed: true },
    askHistories: { needs: "viewer", body: '{"series":"{id}/temp-1"}', addressed: true },
    validateProfile: { needs: "viewer" },
    readSample: { needs: "viewer" },

    /* what twins are to each other */
    listRelationships: { needs: "viewer" },
    createRelationship: {
        needs: "editor",
        headers: MATCH,
        body: '{"kind":"feeds","target":"{id}"}',
    },
    readRelationship: { needs: "viewer", missing: true },
    replaceRelationship: {
        needs: "editor",
        headers: MATCH,
        body: '{"kind":"feeds","target":"{id}"}',
    },
    deleteRelationship: { needs: "editor", missing: true },
    readGraph: { needs: "viewer" },

    /* questions */
    query: { needs: "viewer", body: "{}", linkMay: false },
    readQuerySchema: { needs: "viewer", linkMay: false },
    cancelQuery: { needs: "viewer", missing: true, linkMay: false },

    readTypeUse: { needs: "viewer", missing: true },
    createTwinOfType: { needs: "editor", body: '{"id":"x-1"}', missing: true },
    validateType: { needs: "viewer", body: "{}", linkMay: false },

    /* alarms */
    listAlarms: { needs: "viewer" },
    readAlarmSummary: { needs: "viewer" },
    readAlarm: { needs: "viewer", missing: true, names: ALARM },
    acknowledgeAlarm: { needs: "operator", missing: true, names: ALARM },
    clearAlarm: { needs: "operator", missing: true, names: ALARM },
    assignAlarm: { needs: "operator", missing: true, names: ALARM, body: '{"assignee":null}' },
    commentAlarm: { needs: "operator", missing: true, names: ALARM, body: '{"text":"x"}' },
    shelveAlarm: {
        needs: "operator",
        missing: true,
        names: ALARM,
        body: '{"for":"1h","reason":"x"}',
    },
    unshelveAlarm: { needs: "operator", missing: true, names: ALARM },

    /* GraphQL: each field is asked of by itself, in graphql-matrix.test.mjs */
    queryGraphql: { needs: "public" },
    askGraphql: { needs: "public", body: "{}" },
    readGraphqlSchema: { needs: "viewer" },

    /* what the operator asks */
    listRejections: { needs: "viewer", linkMay: false },
    readStatus: { needs: "viewer", linkMay: false },
    readMetrics: { needs: "installation" },
    openStream: { needs: "viewer" } /* and then hears what it may */,
    openMqtt: { needs: "public" },
    readOpenapi: { needs: "public" },
    readProfileSchema: { needs: "public" },
    readHealth: { needs: "public" },
    readReadiness: { needs: "public" },
    readError: { needs: "public" },

    /* line protocol: the names in the body decide */
    writeLines: { needs: "operator", body: "x", type: "text/plain", device: true, later: true },
    writeLines2: { needs: "operator", body: "x", type: "text/plain", device: true, later: true },
    askInflux: { needs: "operator", device: true, later: true },
    tellInflux: { needs: "operator", device: true, later: true },
    pingInflux: { needs: "public" },
    readInfluxHealth: { needs: "public" },

    /* sessions and accounts */
    readSession: { needs: "public" },
    signIn: { needs: "public", body: "{}" },
    signOut: { needs: "public", destroys: true },
    changeSession: { needs: "person" },
    confirmSession: { needs: "person" },
    setUp: { needs: "public", body: '{"token":"dop_setup_none"}' },
    makeSetupLink: { needs: "local" },
    readAccount: { needs: "person" },
    changeAccount: { needs: "person" },
    eraseAccount: { needs: "person", destroys: true },
    exportAccount: { needs: "person" },
    setPassword: { needs: "person" },
    listSessions: { needs: "person" },
    endSessions: { needs: "person", destroys: true },
    endSession: { needs: "person", missing: true },
    beginTotp: { needs: "person" },
    confirmTotp: { needs: "person" },
    endTotp: { needs: "person", missing: true },
    makeRecoveryCodes: { needs: "person", missing: true },
    listTokens: { needs: "person" },
    makeToken: { needs: "person" },
    revokeToken: { needs: "person", missing: true },
    listPasskeys: { needs: "person" },
    addPasskey: { needs: "person" },
    askNewPasskey: { needs: "person", unsupported: true } /* by an address */,
    renamePasskey: { needs: "person", missing: true },
    removePasskey: { needs: "person", missing: true },
    listIdentities: { needs: "person" },
    linkIdentity: { needs: "person" },
    deleteIdentity: { needs: "person", missing: true },
    askPasskey: { needs: "public" },
    signInByPasskey: { needs: "public" },
    enterByLink: { needs: "public", body: '{"token":"dop_link_none"}' },
    startSignIn: { needs: "public" },
    finishSignIn: { needs: "public" },
    logoutByProvider: { needs: "public" },

    /* organisations */
    listOrganizations: { needs: "person" },
    makeOrganization: { needs: "installation" },
    readOrganization: { needs: "viewer", linkMay: false },
    renameOrganization: { needs: "administrator" },
    deleteOrganization: { needs: "installation" },
    readUsage: { needs: "viewer", linkMay: false },
    setQuotas: { needs: "installation" },
    listMembers: { needs: "viewer", linkMay: false },
    /* versions and documents */
    listTwinVersions: { needs: "viewer" },
    readTwinVersion: { needs: "viewer", names: { version: "1" } },
    compareTwin: { needs: "viewer", query: "from=1" },
    restoreTwin: { needs: "editor", body: '{"version":"none"}' },
    importThings: { needs: "editor", body: "[]", names: { format: "wot" } },
    exportThings: {
        needs: "viewer",
        query: "twins={id}",
        names: { format: "wot" },
        addressed: true,
    },
    readValue: { needs: "viewer" },
    listTypes: { needs: "viewer", linkMay: false },
    createType: { needs: "editor", body: "[]" },
    readType: { needs: "viewer", missing: true, linkMay: false },
    replaceType: { needs: "editor", body: "[]", names: { id: "none" } },
    patchType: { needs: "editor", missing: true },
    deleteType: { needs: "editor", missing: true, names: { id: "none" } },
    listTypeVersions: { needs: "viewer", missing: true, linkMay: false },
    readTypeVersion: { needs: "viewer", missing: true, linkMay: false },
    compareType: { needs: "viewer", query: "from=1", missing: true, linkMay: false },
    restoreType: { needs: "editor", body: '{"version":"none"}', names: { id: "none" } },
    listDestinations: { needs: "administrator" },
    createDestination: { needs: "administrator", body: "[]" },
    readDestination: { needs: "administrator", missing: true },
    replaceDestination: { needs: "administrator", body: "[]", names: { id: "none" } },
    patchDestination: { needs: "administrator", missing: true },
    deleteDestination: { needs: "administrator", missing: true, names: { id: "none" } },
    listDestinationVersions: { needs: "administrator", missing: true },
    readDestinationVersion: { needs: "administrator", missing: true },
    compareDestination: { needs: "administrator", query: "from=1", missing: true },
    restoreDestination: {
        needs: "administrator",
        body: '{"version":"none"}',
        names: { id: "none" },
    },
    makeDestinationSecret: { needs: "administrator", missing: true },
    testDestination: { needs: "administrator", missing: true },
    listDeliveries: { needs: "administrator" },
    retryDelivery: { needs: "administrator", missing: true },
    discardDelivery: { needs: "administrator", missing: true },
    listAdministrators: { needs: "installation" },
    addAdministrator: { needs: "installation", missing: true },
    removeAdministrator: { needs: "installation", missing: true },
    changeMember: { needs: "administrator", missing: true },
    /* anybody may go themselves; others are sent away by administrators */
    removeMember: { needs: "administrator", missing: true },
    listTeams: { needs: "viewer", linkMay: false },
    makeTeam: { needs: "administrator" },
    changeTeam: { needs: "administrator", missing: true },
    deleteTeam: { needs: "administrator", missing: true },
    joinTeam: { needs: "administrator", missing: true },
    leaveTeam: { needs: "administrator", missing: true },
    listServices: { needs: "administrator" },
    makeService: { needs: "administrator" },
    changeService: { needs: "administrator", missing: true },
    deleteService: { needs: "administrator", missing: true },
    listServiceTokens: { needs: "administrator", missing: true },
    makeServiceToken: { needs: "administrator", missing: true },
    deleteServiceToken: { needs: "administrator", missing: true },
    listInvitations: { needs: "administrator" },
    invite: { needs: "administrator" },
    withdrawInvitation: { needs: "administrator", missing: true },
    listRequests: { needs: "viewer", linkMay: false },
    askForRole: { needs: "viewer", linkMay: false },
    decideRequest: { needs: "administrator", missing: true },
    inspectInvitation: { needs: "public", body: '{"token":"dop_inv_none"}' },
    acceptInvitation: { needs: "public", body: '{"token":"dop_inv_none"}' },
    readAudit: { needs: "administrator" },
    readAuditOfAll: { needs: "installation" },
    listIdentityProviders: { needs: "installation" },
    createIdentityProvider: { needs: "installation" },
    patchIdentityProvider: { needs: "installation", names: { id: "none" }, missing: true },
    deleteIdentityProvider: { needs: "installation", names: { id: "none" }, missing: true },

    /* sharing */
    listGrants: { needs: "editor", query: "object=twin:{id}", addressed: true },
    makeGrant: {
        needs: "editor",
        body: '{"object":"twin:{id}","to":{"kind":"nobody"},"role":"viewer"}',
        addressed: true,
    },
    changeGrant: { needs: "editor", missing: true, hidden: true },
    deleteGrant: { needs: "editor", missing: true, hidden: true },
    listShared: { needs: "viewer" },
    findPeople: { needs: "viewer", query: "query=ho", linkMay: false },
    listOperations: { needs: "public" },
    readPolicy: { needs: "editor", missing: true },
    replacePolicy: { needs: "editor" },
    deletePolicy: { needs: "editor", missing: true },

    /* devices */
    listDevices: { needs: "editor" },
    listCredentials: { needs: "editor" },
    createCredential: { needs: "editor" },
    deleteCredential: { needs: "editor", missing: true },
    rotateCredential: { needs: "editor", missing: true },
    createClaimCode: { needs: "editor" },
    claimDevice: { needs: "public", body: '{"code":"AAAA-AAAA-AAAA"}' },
    listProvisioningKeys: { needs: "editor" },
    createProvisioningKey: { needs: "editor" },
    deleteProvisioningKey: { needs: "editor", missing: true },
    provisionDevice: { needs: "public", body: '{"key":"dop_prov_none","twin":"x"}' },
};

/* MQTT: who may say and hear a topic, by the least role, or by name.  Of topics that the table in
 * docs/mqtt.md tells apart there is one at least. */
export const TOPICS = [
    {
        topic: "twins/pump-1/telemetry",
        payload: '{"temp-1":1}',
        say: ["operator", "device"],
        hear: ["viewer", "link"],
    },
    {
        topic: "twins/pump-1/sensors/temp-1",
        payload: "1",
        say: ["operator", "device"],
        hear: ["viewer", "link"],
    },
    {
        topic: "twins/fan-1/telemetry",
        payload: '{"temp-1":1}',
        say: ["operator"],
        hear: ["viewer"],
    },
    { topic: "twins/fan-1/sensors/temp-1", payload: "1", say: ["operator"], hear: ["viewer"] },
    {
        topic: "twins/pump-1/settings/speed",
        payload: "1",
        say: ["operator", "device"],
        hear: ["viewer", "device", "link"],
    },
    {
        topic: "twins/pump-1/commands/stop/request",
        payload: "1",
        say: ["operator", "device"],
        hear: ["viewer", "device", "link"],
    },
    {
        topic: "twins/fan-1/commands/stop/request",
        payload: "1",
        say: ["operator"],
        hear: ["viewer"],
    },
    { topic: "hall/lights", payload: "on", say: ["operator"], hear: ["viewer"] },
    { topic: "spBv1.0/g/NCMD/n", payload: "x", say: ["operator"] },
    { topic: "twins/+/sensors/+", payload: "", hear: ["viewer", "link"] },
    { topic: "#", payload: "", hear: ["viewer", "device", "link"] },
];
