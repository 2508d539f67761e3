/* double-access-data.mjs - who and what is there when the double starts behind a locked door. */

import { randomBytes } from "node:crypto";

export const DAY = 86_400_000;
export const ROLES = ["viewer", "operator", "editor", "administrator"];

/* The least role of each operation. */
const OPERATIONS = {
    viewer: [
        "twins:read",
        "data:read",
        "history:read",
        "messages:read",
        "status:read",
        "rejections:read",
        "members:read",
    ],
    operator: ["data:write", "commands:send", "settings:write", "messages:write"],
    editor: [
        "twins:create",
        "twins:write",
        "twins:delete",
        "history:erase",
        "twins:provision",
        "twins:share",
        "devices:manage",
    ],
    administrator: ["members:manage", "services:manage", "audit:read", "organization:manage"],
};
export const operationsOf = (role) =>
    ROLES.slice(0, ROLES.indexOf(role) + 1).flatMap((r) => OPERATIONS[r]);
export const allOperations = () =>
    Object.entries(OPERATIONS).flatMap(([from, names]) => names.map((name) => ({ name, from })));
export const leastRole = (operation) =>
    ROLES.find((r) => OPERATIONS[r].includes(operation)) ?? null;

let ids = 0;
export const newId = (kind) => `${kind}-${++ids}`;
export const secret = (kind) => `dop_${kind}_${randomBytes(24).toString("base64url")}`;
export const at = (ms) => new Date(Date.now() + ms).toISOString();

export function seed() {
    const person = (id, name, email, more = {}) => ({
        id,
        name,
        email,
        provisional: false,
        installation: false,
        secondFactor: false,
        seen: at(-3_600_000),
        ...more,
    });
    const people = [
        person("p-ann", "Ann Keller", "ann@example.org", { installation: true }),
        person("p-ben", "Ben Osei", "ben@example.org", { secondFactor: true }),
        person("p-eva", "Eva Lindqvist", "eva@example.org", { seen: null }),
    ];
    const entry = (n, who, operation, object, outcome, more = {}) => ({
        n,
        time: at(-n * 700_000),
        who: who && { kind: "person", id: who, name: people.find((p) => p.id === who)?.name },
        address: "127.0.0.1",
        via: "http",
        request: `r-${n}`,
        operation,
        object,
        outcome,
        detail: null,
        before: null,
        after: null,
        hash: randomBytes(32).toString("hex"),
        ...more,
    });
    return {
        people,
        sessions: new Map(),
        organizations: [
            { id: "home", name: "Home", created: at(-90 * DAY) },
            { id: "acme", name: "Acme Pumps", created: at(-20 * DAY) },
        ],
        members: [
            { org: "home", person: "p-ann", role: "administrator", since: at(-90 * DAY) },
            { org: "home", person: "p-ben", role: "viewer", since: at(-30 * DAY) },
            { org: "home", person: "p-eva", role: "editor", since: at(-3 * DAY) },
            { org: "acme", person: "p-ann", role: "editor", since: at(-20 * DAY) },
        ],
        teams: [{ org: "home", id: "t-ops", name: "Operations", members: ["p-ben", "p-eva"] }],
        invitations: [
            {
                org: "home",
                id: "i-1",
                email: "new@example.org",
                role: "operator",
                teams: [],
                expires: at(5 * DAY),
                token: secret("inv"),
            },
        ],
        services: [{ org: "home", id: "s-1", name: "Telegraf in hall 3", role: "operator" }],
        tokens: [
            token("person:p-ann", "Nightly report", ["twins:read", "history:read"]),
            token("service:s-1", "hall-3"),
        ],
        passkeys: [
            {
                person: "p-ann",
                id: "k-1",
                name: "Chrome on Linux",
                created: at(-9 * DAY),
                used: at(-DAY),
            },
        ],
        requests: [
            {
                org: "home",
                id: "q-1",
                who: { id: "p-ben", name: "Ben Osei", email: "ben@example.org" },
                operation: "twins:write",
                role: "editor",
                object: "twin:pump",
                message: null,
                created: at(-7_200_000),
                state: "open",
            },
        ],
        grants: [
            grant("twin:robot", { kind: "person", id: "p-eva", name: "Eva Lindqvist" }, "operator"),
            grant("twin:robot", { kind: "link" }, "viewer", {
                parts: ["/sensors/temp-1"],
                expires: at(12 * DAY),
            }),
        ],
        policies: new Map(),
        credentials: [{ twin: "pump", ...token("device:pump", "Gateway"), kind: "token" }],
        keys: [
            {
                id: "pk-1",
                name: "Pumps of 2025",
                twinPattern: "pump-*",
                limit: 100,
                used: 12,
                expires: at(20 * DAY),
            },
        ],
        providers: [],
        audit: [
            entry(1, "p-ann", "twins:write", "twin:pump", "done", {
                before: { name: "Pump", sensors: [{ id: "temp-1", unit: "degF" }], owner: "Ben" },
                after: {
                    name: "Water pump 2",
                    sensors: [
                        { id: "temp-1", unit: "celsius" },
                        { id: "flux", unit: "m3/h" },
                    ],
                },
            }),
            entry(2, "p-ben", "twins:delete", "twin:robot", "refused", {
                detail: "needs the role editor",
            }),
            entry(3, null, "data:write", "twin:pump", "refused", {
                via: "mqtt",
                address: "10.0.0.17",
                detail: "token-revoked",
            }),
            entry(4, "p-ann", "members:manage", "person:p-eva", "done", {
                before: { role: "viewer" },
                after: { role: "editor" },
            }),
        ],
    };
}

export function token(owner, name, scopes = null) {
    const id = newId("k");
    return { owner, id, name, scopes, created: at(-9 * DAY), expires: at(60 * DAY), used: null };
}

export function grant(object, to, role, more = {}) {
    return { id: newId("g"), object, to, role, parts: null, expires: null, ...more };
}
