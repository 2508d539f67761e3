/* Organisations, who belongs to them, and that none sees anything of another. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, PASSWORD, start } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const ORGS = "/api/v1/organizations";

/* home with root and one of each role; acme with an administrator of its own. */
async function town(t) {
    const d = await start(t, { access: "locked" });
    const root = await d.setup({ email: "root@example.org" });
    const made = await root.post(ORGS, { id: "acme", name: "Acme" });
    assert.equal(made.status, 201, made.text);
    const join = (role, email, organization) => d.join(root, { role, email, organization });
    const people = {
        root,
        vi: await join("viewer", "vi@example.org"),
        op: await join("operator", "op@example.org"),
        ed: await join("editor", "ed@example.org"),
        bo: await join("administrator", "bo@acme.example", "acme"),
    };
    people.root.id = (await root.get("/api/v1/session")).body.person.id;
    return { d, ...people };
}

const refused = (r, code, sentence) => {
    assert.equal(r.body?.code, code, r.text);
    if (sentence) assert.match(r.body.detail, sentence);
};

test("the installation has more than one administrator, and never none", async (t) => {
    const { d, root, vi, ed } = await town(t);
    const at = "/api/v1/administrators";
    const ids = async () => (await root.get(at)).body.administrators.map((a) => a.id);
    const id = async (who) => (await who.get("/api/v1/session")).body.person.id;
    const ed_id = await id(ed);
    refused(await root.send("PUT", `${at}/${ed_id}`), "conflict", /neither a password/);
    const set = await ed.put("/api/v1/account/password", { password: PASSWORD });
    assert.equal(set.status, 204, set.text);
    refused(await ed.get(at), "forbidden");
    refused(await ed.send("PUT", `${at}/${ed_id}`), "forbidden");
    refused(await root.send("PUT", `${at}/p_nobody`), "not-found");
    refused(await root.delete(`${at}/${await id(vi)}`), "not-found", /no administrator/);
    refused(await root.delete(`${at}/${root.id}`), "conflict", /only administrator/);
    assert.equal((await root.send("PUT", `${at}/${ed_id}`)).status, 204);
    assert.equal((await root.send("PUT", `${at}/${ed_id}`)).status, 204, "twice is once");
    assert.deepEqual(await ids(), [root.id, ed_id].sort());
    assert.equal((await ed.get(at)).status, 200, "their session may at once");
    assert.equal((await ed.delete(`${at}/${root.id}`)).status, 204);
    refused(await root.get(at), "forbidden");
    const local = d.withToken(d.localToken());
    const log = await local.get(`/api/v1/audit?operation=installation:manage&who=${ed_id}`);
    const [line] = log.body.entries;
    assert.equal(line.object, `person:${root.id}`);
    assert.deepEqual([line.before, line.after], [{ installation: true }, { installation: false }]);
});

test("an organisation is made, renamed, and goes when it is empty", async (t) => {
    const { root, vi, bo } = await town(t);
    refused(await vi.post(ORGS, { id: "mine" }), "forbidden");
    refused(await root.post(ORGS, { id: "acme" }), "exists", /already/);
    refused(await root.post(ORGS, { id: "Not A Slug" }), "invalid", /small letters/);
    refused(await root.post(ORGS, { id: "x1", first: true }), "invalid", /"first" is not known/);
    const r = await bo.patch(`${ORGS}/acme`, { name: "Acme Ltd" });
    assert.equal(r.body.name, "Acme Ltd");
    refused(await vi.patch(`${ORGS}/home`, { name: "Mine" }), "forbidden");
    const list = await root.get(ORGS);
    assert.deepEqual(
        list.body.organizations.map((o) => [o.id, o.role]),
        [
            ["acme", "administrator"],
            ["home", "administrator"],
        ],
    );
    assert.deepEqual(
        (await vi.get(ORGS)).body.organizations.map((o) => o.id),
        ["home"],
    );
    const posted = await bo.post("/api/v1/twins", twin("pump-1", { s: {} }));
    assert.equal(posted.status, 201, posted.text);
    refused(await root.delete(`${ORGS}/acme`), "conflict", /1 twins/);
    assert.equal((await bo.delete("/api/v1/twins/pump-1")).status, 204);
    refused(await root.delete(`${ORGS}/home`), "conflict", /stays/);
    refused(await bo.delete(`${ORGS}/acme`), "forbidden");
    assert.equal((await root.delete(`${ORGS}/acme`)).status, 204);
    refused(await root.get(`${ORGS}/acme`), "not-found");
    refused(await root.post(ORGS, { id: "acme" }), "exists", /stays its own/);
    assert.equal((await bo.get("/api/v1/session")).status, 200, "bo goes on, without one");
});

test("what is another organisation's is not there, whatever is asked of it", async (t) => {
    const { d, root, vi, bo } = await town(t);
    const team = (await root.post(`${ORGS}/home/teams`, { name: "Night" })).body;
    const service = (await root.post(`${ORGS}/home/services`, { name: "Gate", role: "viewer" }))
        .body;
    const token = (await root.post(`${ORGS}/home/services/${service.id}/tokens`, { name: "one" }))
        .body;
    const invitation = (await root.post(`${ORGS}/home/invitations`, { role: "viewer" })).body;
    const body = { name: "x", role: "viewer", decision: "deny", operation: "data:write" };
    const paths = (org) =>
        [
            ["GET", ""],
            ["PATCH", "", { name: "x" }],
            ["DELETE", ""],
            ["GET", "/usage"],
            ["PUT", "/quotas", {}],
            ["GET", "/members"],
            ["PATCH", `/members/${vi.id}`, { role: "viewer" }],
            ["DELETE", `/members/${vi.id}`],
            ["GET", "/teams"],
            ["POST", "/teams", { name: "x" }],
            ["PATCH", `/teams/${team.id}`, { name: "x" }],
            ["DELETE", `/teams/${team.id}`],
            ["PUT", `/teams/${team.id}/members/${vi.id}`],
            ["DELETE", `/teams/${team.id}/members/${vi.id}`],
            ["GET", "/services"],
            ["POST", "/services", { name: "x", role: "viewer" }],
            ["PATCH", `/services/${service.id}`, { name: "x" }],
            ["DELETE", `/services/${service.id}`],
            ["GET", `/services/${service.id}/tokens`],
            ["POST", `/services/${service.id}/tokens`, { name: "x" }],
            ["DELETE", `/services/${service.id}/tokens/${token.id}`],
            ["GET", "/invitations"],
            ["POST", "/invitations", { role: "viewer" }],
            ["DELETE", `/invitations/${invitation.id}`],
            ["GET", "/requests"],
            ["POST", "/requests", { operation: "data:write" }],
            ["POST", "/requests/r_1", { decision: "deny" }],
        ].map(([m, p, b]) => [m, `${ORGS}/${org}${p}`, b]);
    const there = paths("home");
    const not = paths("nowhere");
    for (let i = 0; i < there.length; i++) {
        const a = await bo.send(...there[i]);
        const b = await bo.send(...not[i]);
        assert.equal(a.status, 404, `${there[i].join(" ")}: ${a.text}`);
        assert.equal(a.text, b.text, "nothing tells it from one that is not there");
        assert.equal((await new Client(d).send(...there[i])).status, 401);
    }
    /* and by one's own address to what is in another */
    for (const [method, path, ask] of [
        ["PATCH", `members/${vi.id}`, { role: "viewer" }],
        ["DELETE", `teams/${team.id}`],
        ["PUT", `teams/${team.id}/members/${bo.id}`],
        ["PATCH", `services/${service.id}`, { name: "x" }],
        ["POST", `services/${service.id}/tokens`, { name: "x" }],
        ["DELETE", `services/${service.id}/tokens/${token.id}`],
        ["DELETE", `invitations/${invitation.id}`],
    ])
        refused(await bo.send(method, `${ORGS}/acme/${path}`, ask), "not-found");
    assert.ok(body);
});

test("roles: who may change them, and that an administrator stays", async (t) => {
    const { root, vi, ed } = await town(t);
    const r = await ed.patch(`${ORGS}/home/members/${vi.id}`, { role: "editor" });
    assert.equal(r.status, 403);
    assert.equal(r.body.operation, "members:manage");
    assert.equal(r.body.role, "administrator");
    assert.equal(r.body.organization, "home");
    const up = await root.patch(`${ORGS}/home/members/${vi.id}`, { role: "operator" });
    assert.equal(up.body.role, "operator");
    const bad = await root.patch(`${ORGS}/home/members/${vi.id}`, { role: "king" });
    refused(bad, "invalid", /viewer, operator, editor or administrator/);
    const self = `${ORGS}/home/members/${root.id}`;
    refused(await root.patch(self, { role: "viewer" }), "conflict", /only administrator of home/);
    refused(await root.delete(self), "conflict");
    const seen = (await vi.get(`${ORGS}/home/members`)).body.members;
    assert.equal(seen.length, 4);
    const row = (id) => seen.find((m) => m.id === id);
    assert.equal(row(vi.id).secondFactor, false, "one's own is told");
    assert.equal(row(ed.id).secondFactor, undefined, "that of others only to administrators");
    /* leaving */
    assert.equal((await vi.delete(`${ORGS}/home/members/${vi.id}`)).status, 204);
    assert.equal((await vi.get("/api/v1/twins/pump-1")).status, 404);
    refused(await vi.get(`${ORGS}/home/members`), "not-found");
});

test("who is taken out keeps nothing: tokens, teams, grants and invitations go", async (t) => {
    const { d, root, ed } = await town(t);
    assert.equal((await root.post("/api/v1/twins", twin("pump-1", { s: {} }))).status, 201);
    const pat = await ed.post("/api/v1/account/tokens", { name: "mine", organization: "home" });
    assert.equal(pat.status, 201, pat.text);
    const bearer = d.withToken(pat.body.token);
    assert.equal((await bearer.get("/api/v1/twins/pump-1")).status, 200);
    const team = (await root.post(`${ORGS}/home/teams`, { name: "Night", members: [ed.id] })).body;
    assert.deepEqual(team.members, [ed.id]);
    await root.post("/api/v1/grants", {
        object: "twin:pump-1",
        to: { kind: "person", id: ed.id },
        role: "viewer",
    });
    const up = await root.patch(`${ORGS}/home/members/${ed.id}`, { role: "administrator" });
    assert.equal(up.status, 200);
    const link = (await ed.post(`${ORGS}/home/invitations`, { role: "administrator" })).body.link;
    assert.equal((await root.delete(`${ORGS}/home/members/${ed.id}`)).status, 204);
    assert.equal((await ed.get("/api/v1/twins/pump-1")).status, 404);
    assert.equal((await bearer.get("/api/v1/twins/pump-1")).status, 401);
    assert.deepEqual((await root.get(`${ORGS}/home/teams`)).body.teams[0].members, []);
    assert.deepEqual((await root.get("/api/v1/grants?object=twin:pump-1")).body.grants, []);
    const token = link.split("#")[1];
    refused(await new Client(d).post("/api/v1/invitations/inspect", { token }), "not-found");
});

test("teams", async (t) => {
    const { root, vi, ed, bo } = await town(t);
    const at = `${ORGS}/home/teams`;
    refused(await ed.post(at, { name: "Night" }), "forbidden");
    const made = await root.post(at, { name: "Night", members: [vi.id] });
    assert.equal(made.status, 201);
    refused(await root.post(at, { name: "Night" }), "exists");
    refused(await root.post(at, { name: "Day", members: [bo.id] }), "not-found");
    refused(await root.post(at, { name: "Day", admin: true }), "invalid", /"admin"/);
    const one = `${at}/${made.body.id}`;
    assert.equal((await root.put(`${one}/members/${ed.id}`)).status, 204);
    refused(await root.put(`${one}/members/${bo.id}`), "not-found");
    assert.deepEqual(new Set((await vi.get(at)).body.teams[0].members), new Set([vi.id, ed.id]));
    assert.equal((await root.delete(`${one}/members/${vi.id}`)).status, 204);
    assert.equal((await root.patch(one, { name: "Day" })).body.name, "Day");
    assert.equal((await root.delete(one)).status, 204);
    assert.deepEqual((await root.get(at)).body.teams, []);
});

test("services: their tokens are shown once, do what their scopes say, and go at once", async (t) => {
    const { d, root, ed } = await town(t);
    const at = `${ORGS}/home/services`;
    assert.equal((await root.post("/api/v1/twins", twin("pump-1", ["temp-1"]))).status, 201);
    refused(await ed.post(at, { name: "Gate", role: "viewer" }), "forbidden");
    const service = (await root.post(at, { name: "Gate", role: "operator" })).body;
    const tokens = `${at}/${service.id}/tokens`;
    refused(await root.post(tokens, { name: "x", scopes: ["everything"] }), "invalid");
    refused(await root.post(tokens, { name: "x", expires: "2020-01-01T00:00:00Z" }), "invalid");
    const made = await root.post(tokens, { name: "writes", scopes: ["data:write"] });
    assert.equal(made.status, 201, made.text);
    assert.match(made.body.token, /^dop_svc_[0-9A-Za-z]{49}$/);
    const list = await root.get(tokens);
    assert.doesNotMatch(list.text, /dop_svc_/);
    const gate = d.withToken(made.body.token);
    const sent = await gate.post("/api/v1/twins/pump-1/readings", { "temp-1": 1 });
    assert.equal(sent.status, 200, sent.text);
    refused(await gate.get("/api/v1/twins/pump-1"), "forbidden", /scopes/);
    /* who makes services makes none that may more */
    const boss = (await root.post(at, { name: "Boss", role: "administrator" })).body;
    const narrow = await root.post(`${at}/${boss.id}/tokens`, {
        name: "narrow",
        scopes: ["services:manage"],
    });
    const n = d.withToken(narrow.body.token);
    refused(await n.post(at, { name: "More", role: "administrator" }), "forbidden", /scopes/);
    refused(await n.post(`${at}/${boss.id}/tokens`, { name: "all" }), "forbidden");
    assert.equal((await root.delete(`${tokens}/${made.body.id}`)).status, 204);
    assert.equal((await gate.post("/api/v1/twins/pump-1/readings", { "temp-1": 1 })).status, 401);
});

test("an invitation: inspected, taken once, for whom it is for", async (t) => {
    const { d, root, vi, bo } = await town(t);
    const at = `${ORGS}/home/invitations`;
    const invite = async (ask) => {
        const r = await root.post(at, ask);
        assert.equal(r.status, 201, r.text);
        return r.body.link.split("#")[1];
    };
    refused(await vi.post(at, { role: "viewer" }), "forbidden");
    refused(await root.post(at, { role: "viewer", email: "vi@example.org" }), "exists");
    refused(await root.post(at, { role: "viewer", email: "no address" }), "invalid");
    const token = await invite({ role: "editor", email: "New@Example.org" });
    const open = await invite({ role: "viewer" });
    const nobody = new Client(d);
    const seen = await nobody.post("/api/v1/invitations/inspect", { token });
    assert.equal(seen.body.organization.id, "home");
    assert.equal(seen.body.email, "new@example.org");
    assert.equal(seen.body.role, "editor");
    const accept = "/api/v1/invitations/accept";
    refused(await nobody.post(accept, { token: "dop_inv_x" }), "not-found");
    refused(await nobody.post(accept, { token, installation: true }), "invalid", /installation/);
    refused(await nobody.post(accept, { token, email: "other@example.org" }), "forbidden");
    refused(await nobody.post(accept, { token, password: "short" }), "invalid");
    refused(await bo.post(accept, { token }), "forbidden", /new@example.org/);
    const taken = await nobody.post(accept, { token, name: "New", password: PASSWORD });
    assert.equal(taken.status, 201, taken.text);
    assert.equal(taken.body.role, "editor");
    refused(await new Client(d).post(accept, { token, name: "Again" }), "not-found", /used/);
    const again = await new Client(d).signIn("new@example.org");
    assert.equal(again.status, 201, again.text);
    /* the open one: by somebody who is there already */
    const r = await bo.post(accept, { token: open });
    assert.equal(r.status, 201, r.text);
    assert.deepEqual(r.body.organizations.map((o) => o.id).sort(), ["acme", "home"]);
    assert.deepEqual((await root.get(at)).body.invitations, []);
    const third = await invite({ role: "viewer" });
    const { id } = (await root.get(at)).body.invitations[0];
    assert.equal((await root.delete(`${at}/${id}`)).status, 204);
    refused(await nobody.post("/api/v1/invitations/inspect", { token: third }), "not-found");
});

test("whoever was refused asks for the role, and somebody decides", async (t) => {
    const { root, vi, op, bo } = await town(t);
    assert.equal((await root.post("/api/v1/twins", twin("pump-1", ["temp-1"]))).status, 201);
    const patch = { description: "another" };
    const no = await vi.send("PATCH", "/api/v1/twins/pump-1", patch);
    assert.equal(no.status, 403, no.text);
    const at = `${ORGS}/${no.body.organization}/requests`;
    const wish = { operation: no.body.operation, object: "twin:pump-1", message: "please" };
    const asked = await vi.post(at, wish);
    assert.equal(asked.status, 201, asked.text);
    refused(await vi.post(at, wish), "exists");
    refused(await vi.post(at, { operation: "twins:read" }), "conflict", /already/);
    refused(await vi.post(at, { ...wish, object: "twin:none" }), "unknown-twin");
    refused(await vi.post(at, { operation: "installation:manage" }), "invalid");
    assert.deepEqual((await op.get(at)).body.requests, [], "those of others are not one's own");
    const [request] = (await root.get(at)).body.requests;
    assert.equal(request.who.id, vi.id);
    assert.equal(request.message, "please");
    refused(await op.post(`${at}/${request.id}`, { decision: "approve" }), "forbidden");
    const done = await root.post(`${at}/${request.id}`, { decision: "approve" });
    assert.equal(done.body.state, "approved", done.text);
    const yes = await vi.send("PATCH", "/api/v1/twins/pump-1", patch);
    assert.equal(yes.status, 200, yes.text);
    assert.equal((await vi.get(at)).body.requests[0].state, "approved");
    refused(await root.post(`${at}/${request.id}`, { decision: "deny" }), "conflict");
    refused(await bo.post(at, { operation: "data:write" }), "not-found");
    for (const operation of ["data:write", "commands:send", "settings:write", "twins:create"])
        assert.equal((await vi.post(at, { operation })).status, 201);
    assert.equal((await vi.post(at, { operation: "twins:delete" })).status, 201);
    refused(await vi.post(at, { operation: "twins:share" }), "limit-reached", /5 of your/);
});

test("quotas and use", async (t) => {
    const { root, vi, bo } = await town(t);
    assert.equal((await root.post("/api/v1/twins", twin("pump-1", ["a", "b"]))).status, 201);
    const use = (await vi.get(`${ORGS}/home/usage`)).body;
    assert.deepEqual(use.twins, { used: 1, limit: null });
    assert.deepEqual(use.series, { used: 2, limit: null });
    refused(await bo.put(`${ORGS}/acme/quotas`, { twins: 5 }), "forbidden");
    const set = await root.put(`${ORGS}/acme/quotas`, { twins: 5 });
    assert.deepEqual(set.body.twins, { used: 0, limit: 5 });
    refused(await root.put(`${ORGS}/acme/quotas`, { twins: -1 }), "invalid", /whole number/);
    refused(await root.put(`${ORGS}/acme/quotas`, { twin: 5 }), "invalid", /"twin"/);
    assert.equal((await bo.get(`${ORGS}/acme/usage`)).body.twins.limit, 5);
});

test("two administrators cannot put each other out at the same time", async (t) => {
    const { root, ed } = await town(t);
    const role = (who, whom, value) =>
        who.patch(`${ORGS}/home/members/${whom.id}`, { role: value });
    assert.equal((await role(root, ed, "administrator")).status, 200);
    const both = await Promise.all([role(root, ed, "viewer"), role(ed, root, "viewer")]);
    const statuses = both.map((r) => r.status);
    assert.equal(statuses.filter((s) => s === 200).length, 1, statuses.join(" "));
    const left = (await root.get(`${ORGS}/home/members`)).body.members;
    assert.equal(left.filter((m) => m.role === "administrator").length, 1);
});

test("an invitation that two take at the same time is one's", async (t) => {
    const { d, root } = await town(t);
    const { link } = (await root.post(`${ORGS}/home/invitations`, { role: "viewer" })).body;
    const ask = { token: link.split("#")[1], name: "Somebody" };
    const all = await Promise.all(
        Array.from({ length: 5 }, () => new Client(d).post("/api/v1/invitations/accept", ask)),
    );
    assert.equal(all.filter((r) => r.status === 201).length, 1);
    assert.equal(all.filter((r) => r.status === 404).length, 4);
});

test("an open invitation does not tell who has an account, but of a few", async (t) => {
    const { d, root } = await town(t);
    const { link } = (await root.post(`${ORGS}/home/invitations`, { role: "viewer" })).body;
    const ask = { token: link.split("#")[1], name: "Mal", email: "vi@example.org" };
    const codes = [];
    for (let i = 0; i < 25; i++)
        codes.push(await new Client(d).post("/api/v1/invitations/accept", ask));
    assert.equal(codes[0].body.code, "exists");
    const last = codes.at(-1);
    assert.equal(last.status, 429, last.text);
    assert.ok(Number(last.headers.get("retry-after")) >= 1);
});

test("what was answered is there after the power has gone", async (t) => {
    const { d, root, vi } = await town(t);
    const made = await root.post(`${ORGS}/home/teams`, { name: "Night", members: [vi.id] });
    assert.equal(made.status, 201);
    const gone = await root.delete(`${ORGS}/home/members/${vi.id}`);
    assert.equal(gone.status, 204);
    await d.kill();
    await d.start();
    assert.deepEqual((await root.get(`${ORGS}/home/teams`)).body.teams, [
        { id: made.body.id, name: "Night", members: [] },
    ]);
    assert.equal((await vi.get(`${ORGS}/home/members`)).status, 404);
});

test("long lists come in pieces", async (t) => {
    const { root } = await town(t);
    const at = `${ORGS}/home/teams`;
    for (let i = 0; i < 7; i++)
        assert.equal((await root.post(at, { name: `Team ${i}` })).status, 201);
    const names = new Set();
    let cursor = "";
    for (let pages = 1; ; pages++) {
        const r = await root.get(`${at}?limit=3&cursor=${encodeURIComponent(cursor)}`);
        for (const team of r.body.teams) names.add(team.name);
        cursor = r.body.next;
        if (cursor) continue;
        assert.equal(pages, 3);
        break;
    }
    assert.equal(names.size, 7);
});
