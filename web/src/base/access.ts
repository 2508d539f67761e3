/* access.ts - the shapes of docs/access.md: who is here, what they may do, what is shared. */

export const ROLES = ["viewer", "operator", "editor", "administrator"] as const;
export type Role = (typeof ROLES)[number];

export interface Named {
    id: string;
    name: string;
}

export interface Membership extends Named {
    role: Role;
}

export interface Person {
    id: string;
    name: string;
    email: string | null;
    /* no way to sign in again yet */
    provisional: boolean;
    /* an administrator of the installation */
    installation: boolean;
    secondFactor: boolean;
}

/* What GET /account knows beyond the session: the ways to sign in that there are. */
export interface Account {
    id: string;
    name: string;
    email: string | null;
    password: boolean;
    totp: boolean;
    recoveryCodes: number;
    passkeys: number;
}

export type Kind = "person" | "service" | "device" | "link" | "local" | "anonymous";

export interface Session {
    signedIn: boolean;
    access: "locked" | "open";
    /* nobody is administrator yet */
    setup: boolean;
    principal?: { kind: Kind; id: string; name: string };
    person?: Person;
    organization?: Named;
    role?: Role;
    operations?: string[];
    organizations?: Membership[];
    providers: Named[];
    expires?: string;
    authenticated?: string;
}

export interface SessionRecord {
    id: string;
    current: boolean;
    created: string;
    seen: string;
    address: string;
    agent: string;
    how: string;
    expires: string;
}

export interface Passkey extends Named {
    created: string;
    used: string | null;
}

export interface Token extends Named {
    organization?: string | null;
    scopes?: string[] | null;
    created: string;
    expires: string | null;
    used: string | null;
}

/* An account of an identity provider that is linked to a person's. */
export interface Identity {
    id: string;
    provider: string;
    name: string | null;
    issuer: string;
    linked: string;
}

export interface Made<T = Token> {
    secret: string;
    made: T;
}

export interface Member extends Named {
    email: string | null;
    role: Role;
    since: string;
    secondFactor: boolean;
    seen: string | null;
}

export interface Invitation {
    id: string;
    email: string | null;
    role: Role;
    teams: string[];
    created?: string;
    expires: string;
    invitedBy?: string | Named | null;
    link?: string;
}

export interface Invited {
    organization: string | Named;
    role: Role;
    email: string | null;
    invitedBy: string | Named | null;
    expires: string;
}

export interface Team extends Named {
    members: string[];
}

export interface Service extends Named {
    role: Role;
    tokens: number;
}

export interface Use {
    used: number;
    limit: number | null;
}

export const QUOTAS = ["twins", "series", "readingsPerSecond", "storageBytes"] as const;
export type Quota = (typeof QUOTAS)[number];
export type Usage = Partial<Record<Quota, Use>>;

export interface Request {
    id: string;
    who: Named & { email?: string | null };
    operation: string;
    object?: string | null;
    message?: string | null;
    created: string;
    role?: Role | null;
    state?: "open" | "approved" | "denied";
}

export interface Organization extends Named {
    created: string;
    role?: Role | null;
    members: number;
    twins: number;
}

export type Receiver = "person" | "team" | "organization" | "common" | "link";

export interface Grant {
    id: string;
    object: string;
    to: { kind: Receiver; id?: string; name?: string; email?: string | null };
    role: Role;
    parts?: string[] | null;
    created?: string;
    expires: string | null;
    link?: string;
}

export interface SharedTwin extends Named {
    organization: string | Named;
    role: Role;
    expires?: string | null;
}

/* Somebody that can be named in a grant. */
export interface Candidate extends Named {
    kind: "person" | "team";
    email?: string | null;
}

export interface PolicyEntry {
    subjects: string[];
    resources: Record<string, { grant?: string[]; revoke?: string[] }>;
}

export interface Policy {
    entries: Record<string, PolicyEntry>;
}

export interface Device {
    twin: string;
    name: string;
    credentials: number;
    connected: boolean;
    seen: string | null;
    lastRefused: { time: string; why: string; address: string | null } | null;
}

export interface Credential {
    id: string;
    name: string | null;
    kind: "token" | "certificate";
    created: string;
    expires: string | null;
    used?: string | null;
}

export interface ProvisioningKey extends Named {
    twinPattern: string;
    limit: number | null;
    used?: number;
    created?: string;
    expires: string | null;
}

export interface Provider extends Named {
    issuer: string;
    clientId: string;
    clientSecret?: string;
    scopes: string[] | string;
    create: boolean;
    role: Role;
    organization: string;
    groupsClaim: string | null;
    groups: { group: string; organization: string; role: Role }[];
    logout: boolean;
}

export type Outcome = "done" | "refused" | "failed";

export interface AuditEntry {
    n: number;
    time: string;
    who: { kind: Kind; id: string; name: string } | null;
    address: string | null;
    via: string | null;
    request: string | null;
    operation: string;
    object: string | null;
    outcome: Outcome;
    detail: string | null;
    before: unknown;
    after: unknown;
    hash: string;
}

export function nameOf(thing: string | { name?: string; id?: string } | null | undefined): string {
    if (!thing) return "";
    return typeof thing === "string" ? thing : (thing.name ?? thing.id ?? "");
}

/* What the page says of a role, in a few words. */
export const ROLE_WORDS: Record<Role, string> = {
    viewer: "sees twins and their past",
    operator: "also sends readings and commands",
    editor: "also makes, changes and shares twins",
    administrator: "also manages members and reads the audit log",
};

export const ROLE_OPTIONS = ROLES.map((role) => ({
    value: role,
    label: `${role[0]?.toUpperCase()}${role.slice(1)}: ${ROLE_WORDS[role]}`,
}));

/* "the role editor" with its article, as a refusal says it. */
export function withArticle(role: string): string {
    return `${/^[aeiou]/.test(role) ? "an" : "a"} ${role}`;
}

/* What an operation is called in a sentence: "You may not …". */
const OPERATION_WORDS: Record<string, string> = {
    "twins:read": "see this twin",
    "data:read": "see live values",
    "history:read": "ask the past",
    "messages:read": "listen to messages",
    "status:read": "see how the server does",
    "rejections:read": "see what was refused",
    "members:read": "see who is a member",
    "query:run": "ask in SQL",
    "alarms:read": "see alarms",
    "rules:read": "see rules, types and saved questions",
    "data:write": "send readings",
    "commands:send": "send commands",
    "commands:receive": "receive commands",
    "settings:write": "change settings",
    "messages:write": "publish messages",
    "alarms:handle": "handle alarms",
    "twins:create": "create twins",
    "twins:write": "change profiles",
    "twins:delete": "delete twins",
    "history:erase": "erase history",
    "twins:provision": "provision twins",
    "twins:share": "share twins",
    "devices:manage": "manage devices",
    "rules:write": "change rules and saved questions",
    "types:write": "change types of twins",
    "members:manage": "manage members",
    "services:manage": "manage service accounts",
    "audit:read": "read the audit log",
    "destinations:manage": "manage destinations of alarms",
    "organization:manage": "change the organization",
    "metrics:read": "read metrics",
    "installation:manage": "manage the installation",
    "account:self": "change an account",
};

export function operationWords(operation: string): string {
    return OPERATION_WORDS[operation] ?? operation;
}

/* What a token can be narrowed to; the rest is for people alone. */
export const SCOPES = Object.keys(OPERATION_WORDS).filter((o) => o !== "account:self");

/* "Ann Bee" → "AB" */
export function initials(name: string): string {
    const words = name.split(/[\s@._-]+/).filter(Boolean);
    const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
    return letters.map((w) => [...(w ?? "")][0]?.toUpperCase() ?? "").join("");
}
