/* double-access.mjs - the double's people, organisations, devices and rights (docs/access.md), in
 * memory and without a secret worth the name: "correct horse battery" signs in every person, 123456 is
 * every code.  It shows the page what the server answers; it protects nothing. */

import { randomBytes } from "node:crypto";

import {
    allOperations,
    at,
    DAY,
    grant,
    leastRole,
    newId,
    operationsOf,
    secret,
    seed,
    token,
} from "./double-access-data.mjs";

const PASSWORD = "correct horse battery";
const CODE = "123456";
const COOKIE = "doppel-session";

/* refuse(status, code, detail, more) throws; twins() lists {id, name}. */
export function makeAccess({ locked, setup, refuse, twins }) {
    const db = seed();
    const setupToken = secret("setup");
    if (setup) {
        db.people = [];
        db.members = [];
    }
    const state = { pending: setup, setupToken };

    const roleIn = (person, org) =>
        db.members.find((m) => m.person === person && m.org === org)?.role ?? null;

    function sessionOf(req) {
        const id = new RegExp(`${COOKIE}=([^;]+)`).exec(req.headers.cookie ?? "")?.[1];
        return db.sessions.get(id) ?? null;
    }

    function show(session) {
        const base = {
            signedIn: session !== null,
            access: locked ? "locked" : "open",
            setup: locked && state.pending,
            providers: db.providers.map(({ id, name }) => ({ id, name })),
        };
        if (!session) return base;
        const person = db.people.find((p) => p.id === session.person);
        const org = db.organizations.find((o) => o.id === session.org);
        const role = session.link ? "viewer" : roleIn(person?.id, session.org);
        const more = { role, operations: operationsOf(role), expires: at(DAY) };
        if (session.link) {
            const principal = { kind: "link", id: session.link, name: "link" };
            return { ...base, ...more, principal, organization: org, operations: ["twins:read"] };
        }
        const { seen: _, ...known } = person;
        return {
            ...base,
            ...more,
            principal: { kind: "person", id: person.id, name: person.name },
            person: known,
            organization: { id: org.id, name: org.name },
            organizations: db.members
                .filter((m) => m.person === person.id)
                .map((m) => ({
                    id: m.org,
                    name: db.organizations.find((o) => o.id === m.org).name,
                    role: m.role,
                })),
            authenticated: session.created,
        };
    }

    function begin(c, more) {
        const id = randomBytes(12).toString("hex");
        const session = {
            id,
            org: "home",
            created: at(0),
            seen: at(0),
            address: "127.0.0.1",
            agent: c.req.headers["user-agent"] ?? "",
            how: "password",
            expires: at(DAY),
            ...more,
        };
        db.sessions.set(id, session);
        c.headers["set-cookie"] = `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Strict`;
        c.status = 201;
        return show(session);
    }

    const need = (c, operation) => {
        const role = c.session.link ? "viewer" : roleIn(c.session.person, c.session.org);
        if (role && operationsOf(role).includes(operation)) return;
        refuse(403, "forbidden", `That needs the role ${leastRole(operation)}.`, {
            operation,
            role: leastRole(operation),
            organization: c.session.org,
        });
    };
    const mine = (list, c) => list.filter((x) => x.person === c.session.person);
    const drop = (list, test) => {
        const i = list.findIndex(test);
        if (i < 0) refuse(404, "not-found", "There is no such thing.");
        list.splice(i, 1);
    };
    const one = (list, test) =>
        list.find(test) ?? refuse(404, "not-found", "There is no such thing.");
    const shown = ({ owner: _, person: __, org: ___, token: ____, twin: _____, ...rest }) => rest;
    const person = (c) => one(db.people, (p) => p.id === c.session.person);
    const account = (c) => ({
        ...person(c),
        password: !person(c).provisional,
        totp: person(c).secondFactor,
        recoveryCodes: person(c).secondFactor ? 9 : 0,
        passkeys: mine(db.passkeys, c).length,
    });
    const recovery = () =>
        Array.from({ length: 10 }, () =>
            randomBytes(5)
                .toString("hex")
                .replace(/(.{5})/, "$1-"),
        );
    const use = (used, limit) => ({ used, limit });

    /* method, path, who may (null: nobody need be signed in), what it answers */
    const ROUTES = [
        ["GET", "/session", null, (c) => show(c.session)],
        ["GET", "/operations", "", () => ({ operations: allOperations() })],
        [
            "POST",
            "/setup",
            null,
            (c) => {
                if (!state.pending || c.body.token !== setupToken)
                    refuse(401, "wrong-token", "This set-up link was used, or has expired.");
                state.pending = false;
                db.people.push({
                    id: "p-0",
                    name: "",
                    email: null,
                    provisional: true,
                    installation: true,
                    secondFactor: false,
                    seen: at(0),
                });
                db.members.push({
                    org: "home",
                    person: "p-0",
                    role: "administrator",
                    since: at(0),
                });
                return begin(c, { person: "p-0", how: "setup" });
            },
        ],
        [
            "POST",
            "/session",
            null,
            (c) => {
                const p = db.people.find((x) => x.email === c.body.email);
                if (!p || c.body.password !== PASSWORD)
                    refuse(401, "wrong-credentials", "The e-mail or the password is wrong.");
                if (p.secondFactor && c.body.code !== CODE)
                    refuse(401, "second-factor-required", "A code is needed.", {
                        methods: ["totp", "recovery"],
                    });
                return begin(c, { person: p.id });
            },
        ],
        ["POST", "/session/link", null, (c) => begin(c, { link: c.body.token, how: "link" })],
        ["POST", "/session/confirm", "", () => undefined],
        [
            "PATCH",
            "/session",
            "",
            (c) => {
                c.session.org = c.body.organization;
                return show(c.session);
            },
        ],
        ["DELETE", "/session", "", (c) => void db.sessions.delete(c.session.id)],
        ["GET", "/account", "", (c) => account(c)],
        ["PATCH", "/account", "", (c) => void Object.assign(person(c), c.body)],
        [
            "PUT",
            "/account/password",
            "",
            (c) => {
                if (c.body.password.length < 8)
                    refuse(422, "weak-password", "A password has at least 8 characters.");
                person(c).provisional = false;
            },
        ],
        [
            "GET",
            "/account/sessions",
            "",
            (c) => ({
                sessions: mine([...db.sessions.values()], c).map((s) => ({
                    ...shown(s),
                    current: s === c.session,
                })),
            }),
        ],
        [
            "DELETE",
            "/account/sessions",
            "",
            (c) => {
                for (const s of mine([...db.sessions.values()], c))
                    if (s !== c.session) db.sessions.delete(s.id);
            },
        ],
        ["DELETE", "/account/sessions/:id", "", (c) => void db.sessions.delete(c.id)],
        [
            "POST",
            "/account/totp",
            "",
            () => ({
                secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
                uri: "otpauth://totp/Doppel:ann@example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Doppel",
            }),
        ],
        [
            "PUT",
            "/account/totp",
            "",
            (c) => {
                if (c.body.code !== CODE) refuse(422, "wrong-code", "The code does not fit.");
                person(c).secondFactor = true;
                return { recoveryCodes: recovery() };
            },
        ],
        [
            "DELETE",
            "/account/totp",
            "",
            (c) => {
                person(c).secondFactor = false;
            },
        ],
        ["POST", "/account/recovery-codes", "", () => ({ recoveryCodes: recovery() })],
        ["GET", "/account/passkeys", "", (c) => ({ passkeys: mine(db.passkeys, c).map(shown) })],
        [
            "PATCH",
            "/account/passkeys/:id",
            "",
            (c) =>
                void Object.assign(
                    one(db.passkeys, (k) => k.id === c.id),
                    c.body,
                ),
        ],
        ["DELETE", "/account/passkeys/:id", "", (c) => drop(db.passkeys, (k) => k.id === c.id)],
        ["GET", "/account/identities", "", () => ({ identities: [] })],
        [
            "GET",
            "/account/tokens",
            "",
            (c) => ({
                tokens: db.tokens
                    .filter((t) => t.owner === `person:${c.session.person}`)
                    .map(shown),
            }),
        ],
        ["POST", "/account/tokens", "", (c) => newToken(c, `person:${c.session.person}`, "pat")],
        ["DELETE", "/account/tokens/:id", "", (c) => drop(db.tokens, (t) => t.id === c.id)],
        ["GET", "/account/export", "", (c) => person(c)],
        ["DELETE", "/account", "", (c) => void db.sessions.delete(c.session.id)],

        ["GET", "/organizations", "", (c) => ({ organizations: db.organizations.map(count(c)) })],
        [
            "POST",
            "/organizations",
            "",
            (c) => {
                const org = { id: c.body.id, name: c.body.name, created: at(0) };
                db.organizations.push(org);
                c.status = 201;
                return org;
            },
        ],
        [
            "PATCH",
            "/organizations/:org",
            "organization:manage",
            (c) =>
                void Object.assign(
                    one(db.organizations, (o) => o.id === c.org),
                    c.body,
                ),
        ],
        ["DELETE", "/organizations/:org", "", (c) => drop(db.organizations, (o) => o.id === c.org)],
        [
            "GET",
            "/organizations/:org/members",
            "members:read",
            (c) => ({ members: membersOf(c.org) }),
        ],
        [
            "PATCH",
            "/organizations/:org/members/:id",
            "members:manage",
            (c) => {
                one(db.members, (m) => m.org === c.org && m.person === c.id).role = c.body.role;
            },
        ],
        [
            "DELETE",
            "/organizations/:org/members/:id",
            "members:manage",
            (c) => drop(db.members, (m) => m.org === c.org && m.person === c.id),
        ],
        [
            "GET",
            "/organizations/:org/invitations",
            "members:manage",
            (c) => ({ invitations: of(db.invitations, c.org) }),
        ],
        [
            "POST",
            "/organizations/:org/invitations",
            "members:manage",
            (c) => {
                const made = {
                    org: c.org,
                    id: newId("i"),
                    email: c.body.email ?? null,
                    role: c.body.role,
                    teams: c.body.teams ?? [],
                    expires: c.body.expires ?? at(7 * DAY),
                    token: secret("inv"),
                };
                db.invitations.push(made);
                c.status = 201;
                return { ...shown(made), link: `/invitation#${made.token}` };
            },
        ],
        [
            "DELETE",
            "/organizations/:org/invitations/:id",
            "members:manage",
            (c) => drop(db.invitations, (i) => i.id === c.id),
        ],
        [
            "POST",
            "/invitations/inspect",
            null,
            (c) => {
                const i = db.invitations.find((x) => x.token === c.body.token);
                if (!i)
                    refuse(404, "not-found", "This invitation was used, withdrawn or has ended.");
                return { ...shown(i), organization: i.org, invitedBy: "Ann Keller" };
            },
        ],
        [
            "POST",
            "/invitations/accept",
            null,
            (c) => {
                const i = one(db.invitations, (x) => x.token === c.body.token);
                drop(db.invitations, (x) => x === i);
                const id = c.session?.person ?? newId("p");
                if (!c.session)
                    db.people.push({
                        id,
                        name: c.body.name,
                        email: c.body.email,
                        provisional: false,
                        installation: false,
                        secondFactor: false,
                        seen: at(0),
                    });
                db.members.push({ org: i.org, person: id, role: i.role, since: at(0) });
                return begin(c, { person: id, how: "invitation" });
            },
        ],
        [
            "GET",
            "/organizations/:org/teams",
            "members:read",
            (c) => ({ teams: of(db.teams, c.org) }),
        ],
        [
            "POST",
            "/organizations/:org/teams",
            "members:manage",
            (c) => {
                const made = { org: c.org, id: newId("t"), name: c.body.name, members: [] };
                db.teams.push(made);
                c.status = 201;
                return shown(made);
            },
        ],
        [
            "PATCH",
            "/organizations/:org/teams/:id",
            "members:manage",
            (c) =>
                void Object.assign(
                    one(db.teams, (t) => t.id === c.id),
                    c.body,
                ),
        ],
        [
            "DELETE",
            "/organizations/:org/teams/:id",
            "members:manage",
            (c) => drop(db.teams, (t) => t.id === c.id),
        ],
        [
            "PUT",
            "/organizations/:org/teams/:id/members/:who",
            "members:manage",
            (c) => void one(db.teams, (t) => t.id === c.id).members.push(c.who),
        ],
        [
            "DELETE",
            "/organizations/:org/teams/:id/members/:who",
            "members:manage",
            (c) => {
                const t = one(db.teams, (x) => x.id === c.id);
                t.members = t.members.filter((m) => m !== c.who);
            },
        ],
        [
            "GET",
            "/organizations/:org/services",
            "services:manage",
            (c) => ({
                services: of(db.services, c.org).map((s) => ({
                    ...s,
                    tokens: db.tokens.filter((t) => t.owner === `service:${s.id}`).length,
                })),
            }),
        ],
        [
            "POST",
            "/organizations/:org/services",
            "services:manage",
            (c) => {
                const made = { org: c.org, id: newId("s"), ...c.body };
                db.services.push(made);
                c.status = 201;
                return { ...shown(made), tokens: 0 };
            },
        ],
        [
            "PATCH",
            "/organizations/:org/services/:id",
            "services:manage",
            (c) =>
                void Object.assign(
                    one(db.services, (x) => x.id === c.id),
                    c.body,
                ),
        ],
        [
            "DELETE",
            "/organizations/:org/services/:id",
            "services:manage",
            (c) => drop(db.services, (s) => s.id === c.id),
        ],
        [
            "GET",
            "/organizations/:org/services/:id/tokens",
            "services:manage",
            (c) => ({ tokens: db.tokens.filter((t) => t.owner === `service:${c.id}`).map(shown) }),
        ],
        [
            "POST",
            "/organizations/:org/services/:id/tokens",
            "services:manage",
            (c) => newToken(c, `service:${c.id}`, "svc"),
        ],
        [
            "DELETE",
            "/organizations/:org/services/:id/tokens/:token",
            "services:manage",
            (c) => drop(db.tokens, (t) => t.id === c.token),
        ],
        [
            "GET",
            "/organizations/:org/usage",
            "members:read",
            () => ({
                twins: use(twins().length, 10),
                series: use(41, 50),
                readingsPerSecond: use(52.4, 50),
                storageBytes: use(48_300_000, null),
            }),
        ],
        ["PUT", "/organizations/:org/quotas", "", () => undefined],
        [
            "GET",
            "/organizations/:org/requests",
            "members:manage",
            (c) => ({ requests: of(db.requests, c.org) }),
        ],
        [
            "POST",
            "/organizations/:org/requests",
            "",
            (c) => {
                const p = person(c);
                const operation = c.body.operation;
                db.requests.push({
                    org: c.org,
                    id: newId("q"),
                    who: { id: p.id, name: p.name, email: p.email },
                    role: leastRole(operation),
                    created: at(0),
                    state: "open",
                    ...c.body,
                });
                c.status = 201;
                return {};
            },
        ],
        [
            "POST",
            "/organizations/:org/requests/:id",
            "members:manage",
            (c) => {
                const q = one(db.requests, (x) => x.id === c.id);
                q.state = c.body.decision === "approve" ? "approved" : "denied";
                if (q.state === "approved")
                    one(db.members, (m) => m.org === c.org && m.person === q.who.id).role =
                        c.body.role;
                return {};
            },
        ],
        [
            "GET",
            "/organizations/:org/audit",
            "audit:read",
            (c) => ({ entries: db.audit.filter(fits(c.query)) }),
        ],
        ["GET", "/audit", "", (c) => ({ entries: db.audit.filter(fits(c.query)) })],

        [
            "GET",
            "/grants",
            "twins:share",
            (c) => ({ grants: db.grants.filter((g) => g.object === c.query.get("object")) }),
        ],
        [
            "POST",
            "/grants",
            "twins:share",
            (c) => {
                const { object, to, role, parts = null, expires = null } = c.body;
                const named = db.people.find((p) => p.id === to.id || p.email === to.email);
                const made = grant(object, { ...to, name: named?.name }, role, { parts, expires });
                db.grants.push(made);
                c.status = 201;
                return to.kind === "link" ? { ...made, link: `/share#${secret("link")}` } : made;
            },
        ],
        [
            "PATCH",
            "/grants/:id",
            "twins:share",
            (c) =>
                void Object.assign(
                    one(db.grants, (g) => g.id === c.id),
                    c.body,
                ),
        ],
        ["DELETE", "/grants/:id", "twins:share", (c) => drop(db.grants, (g) => g.id === c.id)],
        [
            "GET",
            "/shared",
            "",
            () => ({
                twins: [
                    {
                        id: "acme~press",
                        name: "Hydraulic press",
                        organization: "acme",
                        role: "viewer",
                        expires: at(9 * DAY),
                    },
                ],
            }),
        ],
        [
            "GET",
            "/people",
            "twins:share",
            (c) => {
                const words = (c.query.get("query") ?? "").toLowerCase();
                const hit = (t) => t?.toLowerCase().includes(words);
                return {
                    people: [
                        ...db.people
                            .filter((p) => hit(p.name) || hit(p.email))
                            .map((p) => ({
                                kind: "person",
                                id: p.id,
                                name: p.name,
                                email: p.email,
                            })),
                        ...db.teams
                            .filter((t) => hit(t.name))
                            .map((t) => ({ kind: "team", id: t.id, name: t.name })),
                    ],
                };
            },
        ],
        [
            "GET",
            "/twins/:twin/policy",
            "twins:share",
            (c) => db.policies.get(c.twin) ?? { entries: {} },
        ],
        ["PUT", "/twins/:twin/policy", "twins:share", (c) => void db.policies.set(c.twin, c.body)],
        ["DELETE", "/twins/:twin/policy", "twins:share", (c) => void db.policies.delete(c.twin)],

        [
            "GET",
            "/devices",
            "devices:manage",
            () => ({
                devices: twins().map((t, i) => ({
                    twin: t.id,
                    name: t.name,
                    credentials: db.credentials.filter((k) => k.twin === t.id).length,
                    connected: i === 0,
                    seen: i === 2 ? null : at(-4_000),
                    lastRefused:
                        i === 1
                            ? {
                                  time: at(-400_000),
                                  why: "the token has been revoked",
                                  address: "10.0.0.17",
                              }
                            : null,
                })),
            }),
        ],
        [
            "GET",
            "/twins/:twin/credentials",
            "devices:manage",
            (c) => ({ credentials: db.credentials.filter((k) => k.twin === c.twin).map(shown) }),
        ],
        ["POST", "/twins/:twin/credentials", "devices:manage", (c) => newCredential(c, c.body)],
        [
            "DELETE",
            "/twins/:twin/credentials/:id",
            "devices:manage",
            (c) => drop(db.credentials, (k) => k.id === c.id),
        ],
        [
            "POST",
            "/twins/:twin/credentials/:id/rotate",
            "devices:manage",
            (c) => {
                const old = one(db.credentials, (k) => k.id === c.id);
                const made = newCredential(c, { name: old.name, kind: "token" });
                old.expires = at(c.body.overlap === "PT0S" ? -1 : DAY);
                return made;
            },
        ],
        [
            "POST",
            "/twins/:twin/claim-codes",
            "devices:manage",
            (c) => {
                c.status = 201;
                return { code: "K7QM-X2RD-9FWT", expires: at(900_000) };
            },
        ],
        ["GET", "/provisioning-keys", "devices:manage", () => ({ provisioningKeys: db.keys })],
        [
            "POST",
            "/provisioning-keys",
            "devices:manage",
            (c) => {
                const made = { id: newId("pk"), used: 0, expires: null, ...c.body };
                db.keys.push(made);
                c.status = 201;
                return { ...made, key: secret("prov") };
            },
        ],
        [
            "DELETE",
            "/provisioning-keys/:id",
            "devices:manage",
            (c) => drop(db.keys, (k) => k.id === c.id),
        ],
        [
            "GET",
            "/administrators",
            "",
            () => ({
                administrators: db.people
                    .filter((p) => p.installation)
                    .map(({ id, name, email }) => ({ id, name, email, disabled: false })),
            }),
        ],
        ["GET", "/identity-providers", "", () => ({ identityProviders: db.providers })],
        [
            "POST",
            "/identity-providers",
            "",
            (c) => {
                const { clientSecret: _, ...made } = c.body;
                db.providers.push(made);
                c.status = 201;
                return made;
            },
        ],
        [
            "PATCH",
            "/identity-providers/:id",
            "",
            (c) =>
                void Object.assign(
                    one(db.providers, (p) => p.id === c.id),
                    c.body,
                ),
        ],
        ["DELETE", "/identity-providers/:id", "", (c) => drop(db.providers, (p) => p.id === c.id)],
    ].map(([method, path, may, run]) => ({
        method,
        pattern: new RegExp(
            `^/api/v1${path.replaceAll("/", "\\/").replace(/:(\w+)/g, "(?<$1>[^/]+)")}$`,
        ),
        may,
        run,
    }));

    const of = (list, org) => list.filter((x) => x.org === org).map(shown);
    const count = (c) => (o) => ({
        ...o,
        role: roleIn(c.session.person, o.id),
        members: db.members.filter((m) => m.org === o.id).length,
        twins: o.id === "home" ? twins().length : 0,
    });
    const membersOf = (org) =>
        db.members
            .filter((m) => m.org === org)
            .map((m) => {
                const { id, name, email, secondFactor, seen } = one(
                    db.people,
                    (p) => p.id === m.person,
                );
                return { id, name, email, role: m.role, since: m.since, secondFactor, seen };
            });
    const fits = (query) => (e) =>
        ["operation", "object", "outcome"].every((f) => !query.get(f) || e[f] === query.get(f)) &&
        (!query.get("who") ||
            (e.who?.name ?? "").toLowerCase().includes(query.get("who").toLowerCase()));

    function newToken(c, owner, kind) {
        const made = { ...token(owner, c.body.name, c.body.scopes ?? null), created: at(0) };
        made.expires = c.body.expires ?? null;
        db.tokens.push(made);
        c.status = 201;
        return { ...shown(made), token: secret(kind) };
    }

    function newCredential(c, { name = null, kind, expires = null }) {
        const made = {
            twin: c.twin,
            id: newId("c"),
            name,
            kind,
            created: at(0),
            expires,
            used: null,
        };
        db.credentials.push(made);
        c.status = 201;
        return { ...shown(made), token: secret("dev") };
    }

    /* Answers {status, body, headers} for what belongs here, null for the rest, and refuses nobody's
     * questions behind a locked door. */
    function answer(req, path, query, text) {
        const session = sessionOf(req);
        const found = ROUTES.map((r) => ({ ...r, match: r.pattern.exec(path) })).find(
            (r) => r.match && r.method === req.method,
        );
        const open = !locked || (found && found.may === null);
        if (!open && !session) refuse(401, "unauthenticated", "Nobody is signed in.");
        if (!found) {
            if (locked) guard(req, path, session);
            return null;
        }
        const c = { req, query, session, status: 200, headers: {} };
        for (const [k, v] of Object.entries(found.match.groups ?? {})) c[k] = decodeURIComponent(v);
        c.body = text === "" ? {} : JSON.parse(text);
        if (found.may) need(c, found.may);
        const body = found.run(c);
        return { status: body === undefined ? 204 : c.status, body, headers: c.headers };
    }

    /* The twins' own routes: who only looks, changes nothing. */
    function guard(req, path, session) {
        const c = { session };
        if (req.method === "GET" || /\/(validate|stream)$/.test(path)) need(c, "twins:read");
        else if (/readings$/.test(path)) need(c, "data:write");
        else need(c, req.method === "DELETE" ? "twins:delete" : "twins:write");
    }

    return { answer, sessionOf, setupLink: () => `/setup#${setupToken}`, locked };
}
