/* access.ts - each question about people, organisations, devices and rights, once
 * (docs/access.md). */

import type {
    Account,
    AuditEntry,
    Candidate,
    Credential,
    Device,
    Grant,
    Identity,
    Invitation,
    Invited,
    Member,
    Organization,
    Passkey,
    Policy,
    Provider,
    ProvisioningKey,
    Quota,
    Request,
    Role,
    Service,
    Session,
    SessionRecord,
    SharedTwin,
    Team,
    Token,
    Usage,
} from "../base/access";
import { type Answer, type Ask, apiPath, fetchFile, request } from "./client";

type Signal = AbortSignal | undefined;
type Query = Record<string, string | number | boolean | undefined | null>;

async function get<T>(parts: string[], signal?: Signal, query: Query = {}): Promise<T> {
    return (await request<T>(apiPath(parts, query), { signal })).data;
}

const MOST = 20_000;

/* A list that comes in pages, whole: those that are looked at whole are short, but not always one
 * page long. */
async function getAll<T>(
    parts: string[],
    key: string,
    signal?: Signal,
    query: Query = {},
): Promise<T[]> {
    const all: T[] = [];
    let cursor: string | null = null;
    do {
        const page: Record<string, T[]> & { next?: string | null } = await get(parts, signal, {
            ...query,
            cursor,
        });
        all.push(...(page[key] ?? []));
        cursor = page.next ?? null;
    } while (cursor !== null && all.length < MOST);
    return all;
}

async function send<T = void>(
    method: NonNullable<Ask["method"]>,
    parts: string[],
    body?: unknown,
): Promise<T> {
    const ask: Ask = { method };
    if (body !== undefined) ask.body = JSON.stringify(body);
    return (await request<T>(apiPath(parts), ask)).data;
}

/* ---- session ---- */

export const setUp = (token: string) => send<Session>("POST", ["setup"], { token });
export const signIn = (ask: { email: string; password: string; code?: string }) =>
    send<Session>("POST", ["session"], ask);
export const passkeyChallenge = (email?: string) =>
    send<{ publicKey: unknown }>(
        "POST",
        ["session", "passkey", "challenge"],
        email ? { email } : {},
    );
export const signInByPasskey = (credential: unknown) =>
    send<Session>("POST", ["session", "passkey"], credential);
export const signInByLink = (token: string) =>
    send<Session>("POST", ["session", "link"], { token });
export const confirmSession = (proof: unknown) => send("POST", ["session", "confirm"], proof);
export const chooseOrganization = (organization: string) =>
    send<Session>("PATCH", ["session"], { organization });
export const signOut = () => send<{ logout?: string } | undefined>("DELETE", ["session"]);

/* The identity provider's page, and back to `then` (a path of this page). */
export function providerPath(provider: string, then: string): string {
    return apiPath(["auth", "oidc", provider, "start"], { then });
}

/* ---- account ---- */

const ACCOUNT = "account";

export const readAccount = (signal?: Signal) => get<Account>([ACCOUNT], signal);
export const changeAccount = (change: { name?: string; email?: string }) =>
    send("PATCH", [ACCOUNT], change);
export const setPassword = (ask: { password: string; current?: string }) =>
    send("PUT", [ACCOUNT, "password"], ask);
export const listSessions = (signal?: Signal) =>
    get<{ sessions: SessionRecord[] }>([ACCOUNT, "sessions"], signal);
export const endSession = (id: string) => send("DELETE", [ACCOUNT, "sessions", id]);
export const endOtherSessions = () => send("DELETE", [ACCOUNT, "sessions"]);
export const startTotp = () => send<{ secret: string; uri: string }>("POST", [ACCOUNT, "totp"]);
export const finishTotp = (code: string) =>
    send<{ recoveryCodes: string[] }>("PUT", [ACCOUNT, "totp"], { code });
export const removeTotp = () => send("DELETE", [ACCOUNT, "totp"]);
export const newRecoveryCodes = () =>
    send<{ recoveryCodes: string[] }>("POST", [ACCOUNT, "recovery-codes"]);
export const listPasskeys = (signal?: Signal) =>
    get<{ passkeys: Passkey[] }>([ACCOUNT, "passkeys"], signal);
export const newPasskeyChallenge = () =>
    send<{ publicKey: unknown }>("POST", [ACCOUNT, "passkeys", "challenge"]);
export const addPasskey = (credential: unknown) => send("POST", [ACCOUNT, "passkeys"], credential);
export const renamePasskey = (id: string, name: string) =>
    send("PATCH", [ACCOUNT, "passkeys", id], { name });
export const removePasskey = (id: string) => send("DELETE", [ACCOUNT, "passkeys", id]);
export interface NewToken {
    name: string;
    organization?: string | undefined;
    scopes?: string[] | undefined;
    expires?: string | undefined;
}
export type MadeToken = Token & { token: string };
export const listTokens = (signal?: Signal) =>
    get<{ tokens: Token[] }>([ACCOUNT, "tokens"], signal);
export const listIdentities = (signal: AbortSignal) =>
    get<{ identities: Identity[] }>([ACCOUNT, "identities"], signal);
export const removeIdentity = (id: string) => send("DELETE", [ACCOUNT, "identities", id]);
/* Where the browser is to go for it; it comes back to `then`, a path of this page. */
export const linkIdentity = (provider: string, then: string) =>
    send<{ location: string }>("POST", [ACCOUNT, "identities"], { provider, then });
export const makeToken = (ask: NewToken) => send<MadeToken>("POST", [ACCOUNT, "tokens"], ask);
export const removeToken = (id: string) => send("DELETE", [ACCOUNT, "tokens", id]);
export const exportAccount = () => fetchFile(apiPath([ACCOUNT, "export"]), "application/json");
export const eraseAccount = () => send("DELETE", [ACCOUNT]);

/* ---- organisations ---- */

const ORGS = "organizations";

export const listOrganizations = (signal?: Signal) =>
    getAll<Organization>([ORGS], "organizations", signal);
export const makeOrganization = (ask: { id: string; name: string }) =>
    send<Organization>("POST", [ORGS], ask);
export const changeOrganization = (org: string, ask: { name: string }) =>
    send("PATCH", [ORGS, org], ask);
export interface Administrator {
    id: string;
    name: string;
    email: string | null;
    disabled: boolean;
}
export const listAdministrators = (signal?: Signal) =>
    getAll<Administrator>(["administrators"], "administrators", signal);
export const addAdministrator = (person: string) => send("PUT", ["administrators", person]);
export const removeAdministrator = (person: string) => send("DELETE", ["administrators", person]);
export const removeOrganization = (org: string) => send("DELETE", [ORGS, org]);
export const listMembers = (org: string, signal?: Signal) =>
    getAll<Member>([ORGS, org, "members"], "members", signal);
export const changeMember = (org: string, person: string, role: Role) =>
    send("PATCH", [ORGS, org, "members", person], { role });
export const removeMember = (org: string, person: string) =>
    send("DELETE", [ORGS, org, "members", person]);
export const listInvitations = (org: string, signal?: Signal) =>
    getAll<Invitation>([ORGS, org, "invitations"], "invitations", signal);
export interface NewInvitation {
    email?: string | undefined;
    role: Role;
    teams?: string[] | undefined;
    expires?: string | undefined;
}
export const invite = (org: string, ask: NewInvitation) =>
    send<Invitation>("POST", [ORGS, org, "invitations"], ask);
export const withdrawInvitation = (org: string, id: string) =>
    send("DELETE", [ORGS, org, "invitations", id]);
export const inspectInvitation = (token: string) =>
    send<Invited>("POST", ["invitations", "inspect"], { token });
export interface Acceptance {
    token: string;
    name?: string;
    email?: string;
    password?: string;
}
export const acceptInvitation = (ask: Acceptance) =>
    send<Session>("POST", ["invitations", "accept"], ask);
export const listTeams = (org: string, signal?: Signal) =>
    getAll<Team>([ORGS, org, "teams"], "teams", signal);
export const makeTeam = (org: string, name: string) =>
    send<Team>("POST", [ORGS, org, "teams"], { name });
export const renameTeam = (org: string, team: string, name: string) =>
    send("PATCH", [ORGS, org, "teams", team], { name });
export const removeTeam = (org: string, team: string) => send("DELETE", [ORGS, org, "teams", team]);
export const joinTeam = (org: string, team: string, person: string) =>
    send("PUT", [ORGS, org, "teams", team, "members", person]);
export const leaveTeam = (org: string, team: string, person: string) =>
    send("DELETE", [ORGS, org, "teams", team, "members", person]);
export const listServices = (org: string, signal?: Signal) =>
    getAll<Service>([ORGS, org, "services"], "services", signal);
export const makeService = (org: string, ask: { name: string; role: Role }) =>
    send<Service>("POST", [ORGS, org, "services"], ask);
export const changeService = (org: string, service: string, ask: { role: Role }) =>
    send("PATCH", [ORGS, org, "services", service], ask);
export const removeService = (org: string, service: string) =>
    send("DELETE", [ORGS, org, "services", service]);
export const listServiceTokens = (org: string, service: string, signal?: Signal) =>
    get<{ tokens: Token[] }>([ORGS, org, "services", service, "tokens"], signal);
export const makeServiceToken = (org: string, service: string, ask: NewToken) =>
    send<MadeToken>("POST", [ORGS, org, "services", service, "tokens"], ask);
export const removeServiceToken = (org: string, service: string, token: string) =>
    send("DELETE", [ORGS, org, "services", service, "tokens", token]);
export const readUsage = (org: string, signal?: Signal) => get<Usage>([ORGS, org, "usage"], signal);
export const setQuotas = (org: string, quotas: Partial<Record<Quota, number | null>>) =>
    send("PUT", [ORGS, org, "quotas"], quotas);
export const listRequests = (org: string, signal?: Signal) =>
    getAll<Request>([ORGS, org, "requests"], "requests", signal);
/* The least role of each operation. */
export const listOperations = (signal?: Signal) =>
    get<{ operations: { name: string; from: string }[] }>(["operations"], signal);
export const askForRole = (
    org: string,
    ask: { operation: string; object?: string | undefined; message?: string | undefined },
) => send("POST", [ORGS, org, "requests"], ask);
export const decideRequest = (
    org: string,
    id: string,
    ask: { decision: "approve" | "deny"; role?: Role },
) => send("POST", [ORGS, org, "requests", id], ask);

/* ---- sharing ---- */

export const listGrants = (object: string, signal?: Signal) =>
    getAll<Grant>(["grants"], "grants", signal, { object });
export interface NewGrant {
    object: string;
    to: { kind: string; id?: string; email?: string };
    role: Role;
    parts?: string[] | undefined;
    expires?: string | undefined;
}
export const makeGrant = (ask: NewGrant) => send<Grant>("POST", ["grants"], ask);
export const changeGrant = (id: string, ask: { role?: Role; expires?: string | null }) =>
    send("PATCH", ["grants", id], ask);
export const removeGrant = (id: string) => send("DELETE", ["grants", id]);
export const listShared = (signal?: Signal) => get<{ twins: SharedTwin[] }>(["shared"], signal);

/* An answer lists both kinds together, or teams apart. */
export async function findPeople(query: string, signal?: Signal): Promise<Candidate[]> {
    const found = await get<{ people?: Partial<Candidate>[]; teams?: Partial<Candidate>[] }>(
        ["people"],
        signal,
        { query },
    );
    const as = (kind: Candidate["kind"]) => (one: Partial<Candidate>) =>
        ({ kind, ...one }) as Candidate;
    return [...(found.people ?? []).map(as("person")), ...(found.teams ?? []).map(as("team"))];
}

export async function readPolicy(twin: string, signal?: Signal): Promise<Answer<Policy>> {
    return request<Policy>(apiPath(["twins", twin, "policy"]), { signal });
}

export async function savePolicy(twin: string, policy: Policy, ifMatch: string | null) {
    await request<void>(apiPath(["twins", twin, "policy"]), {
        method: "PUT",
        body: JSON.stringify(policy),
        ifMatch,
    });
}

export const removePolicy = (twin: string) => send("DELETE", ["twins", twin, "policy"]);

/* ---- devices ---- */

export const listDevices = (cursor: string | null, signal?: Signal) =>
    get<{ devices: Device[]; next?: string | null }>(["devices"], signal, { cursor });
export const listCredentials = (twin: string, signal?: Signal) =>
    get<{ credentials: Credential[] }>(["twins", twin, "credentials"], signal);
export interface NewCredential {
    name?: string | undefined;
    kind: "token" | "certificate";
    /* PEM, of one that somebody has issued */
    certificate?: string | undefined;
    expires?: string | undefined;
}
export interface MadeCredential extends Credential {
    token?: string;
}
export const makeCredential = (twin: string, ask: NewCredential) =>
    send<MadeCredential>("POST", ["twins", twin, "credentials"], ask);
export const rotateCredential = (twin: string, id: string, overlap: string) =>
    send<MadeCredential>("POST", ["twins", twin, "credentials", id, "rotate"], { overlap });
export const removeCredential = (twin: string, id: string) =>
    send("DELETE", ["twins", twin, "credentials", id]);
export const makeClaimCode = (twin: string) =>
    send<{ code: string; expires: string }>("POST", ["twins", twin, "claim-codes"]);
export const listProvisioningKeys = (signal?: Signal) =>
    get<{ keys?: ProvisioningKey[]; provisioningKeys?: ProvisioningKey[] }>(
        ["provisioning-keys"],
        signal,
    ).then((found) => found.provisioningKeys ?? found.keys ?? []);
export interface NewKey {
    name: string;
    twinPattern: string;
    limit?: number | undefined;
    expires?: string | undefined;
}
export const makeProvisioningKey = (ask: NewKey) =>
    send<ProvisioningKey & { key: string }>("POST", ["provisioning-keys"], ask);
export const removeProvisioningKey = (id: string) => send("DELETE", ["provisioning-keys", id]);

/* ---- the installation ---- */

export const listProviders = (signal?: Signal) =>
    get<{ identityProviders?: Provider[]; providers?: Provider[] }>(
        ["identity-providers"],
        signal,
    ).then((found) => found.identityProviders ?? found.providers ?? []);
export const makeProvider = (ask: Partial<Provider>) =>
    send<Provider>("POST", ["identity-providers"], ask);
export const changeProvider = (id: string, ask: Partial<Provider>) =>
    send("PATCH", ["identity-providers", id], ask);
export const removeProvider = (id: string) => send("DELETE", ["identity-providers", id]);

/* ---- audit ---- */

export interface AuditFilter {
    from?: string | undefined;
    to?: string | undefined;
    who?: string | undefined;
    operation?: string | undefined;
    object?: string | undefined;
    outcome?: string | undefined;
}

/* org: null asks for everything of the installation */
export function auditParts(org: string | null): string[] {
    return org === null ? ["audit"] : [ORGS, org, "audit"];
}

export interface AuditPage {
    entries: AuditEntry[];
    next?: string | null;
    verified?: unknown;
}

export const readAudit = (
    org: string | null,
    filter: AuditFilter,
    page: { limit: number; cursor?: string | null },
    signal?: Signal,
) => get<AuditPage>(auditParts(org), signal, { ...filter, ...page });

export const exportAudit = (org: string | null, filter: AuditFilter, type: string) =>
    fetchFile(apiPath(auditParts(org), { ...filter }), type);
