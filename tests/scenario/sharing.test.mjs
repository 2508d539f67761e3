/* Grants and links: what others may see, and that it ends. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, start, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const GRANTS = "/api/v1/grants";

async function town(t) {
    const d = await start(t, { access: "locked" });
    const root = await d.setup({ email: "root@example.org" });
    for (const id of ["acme", "beta"])
        assert.equal((await root.post("/api/v1/organizations", { id })).status, 201);
    const join = (role, email, organization) => d.join(root, { role, email, organization });
    const people = {
        root,
        vi: await join("viewer", "vi@example.org"),
        ed: await join("editor", "ed@example.org"),
        bo: await join("editor", "bo@acme.example", "acme"),
        cy: await join("administrator", "cy@beta.example", "beta"),
    };
    for (const id of ["pump-1", "pump-2"]) {
        const r = await people.ed.post("/api/v1/twins", twin(id, ["temp-1", "temp-2", "rpm"]));
        assert.equal(r.status, 201, r.text);
    }
    return { d, ...people };
}

const refused = (r, code, sentence) => {
    assert.equal(r.body?.code, code, r.text);
    if (sentence) assert.match(r.body.detail, sentence);
};

const share = async (who, to, role = "viewer", more = {}) => {
    const r = await who.post(GRANTS, { object: "twin:pump-1", to, role, ...more });
    assert.equal(r.status, 201, r.text);
    return r.body;
};

test("a twin is shared with another organisation, narrowed to parts, and no more", async (t) => {
    const { vi, ed, bo, cy } = await town(t);
    assert.equal((await bo.get("/api/v1/twins/home~pump-1")).status, 404);
    const ask = { object: "twin:pump-1", to: { kind: "common" }, role: "viewer" };
    const no = await vi.post(GRANTS, ask);
    assert.equal(no.status, 403);
    assert.equal(no.body.operation, "twins:share");
    refused(await bo.post(GRANTS, { ...ask, object: "twin:home~pump-1" }), "not-found");
    const grant = await share(ed, { kind: "organization", id: "acme" }, "operator", {
        parts: ["/sensors/temp-*"],
    });
    const at = "/api/v1/twins/home~pump-1";
    assert.equal((await bo.get(at)).status, 200);
    assert.equal((await bo.get(`${at}/sensors/temp-1`)).status, 200);
    assert.notEqual((await bo.get(`${at}/sensors/rpm`)).status, 200);
    const sent = await bo.post(`${at}/sensors/temp-1/readings`, { value: 7 });
    assert.equal(sent.status, 200, sent.text);
    assert.notEqual((await bo.post(`${at}/sensors/rpm/readings`, { value: 7 })).status, 200);
    const del = await bo.delete(at);
    assert.equal(del.status, 403);
    assert.equal(del.body.organization, "home", "where the role is missing");
    assert.match(del.body.detail, /you have none here/);
    const hidden = await bo.get(`${at}/sensors/rpm`);
    const none = await bo.get(`${at}/sensors/no-such`);
    assert.equal(hidden.status, 404);
    assert.equal(hidden.text.replaceAll("rpm", "no-such"), none.text);
    assert.equal((await bo.get("/api/v1/twins/home~pump-2")).status, 404);
    assert.equal((await cy.get(at)).status, 404);
    refused(await bo.get(`${GRANTS}?object=twin:home~pump-1`), "forbidden");
    const { twins } = (await bo.get("/api/v1/shared")).body;
    assert.deepEqual(twins, [
        { id: "home~pump-1", name: "Twin pump-1", organization: "home", role: "operator" },
    ]);
    assert.deepEqual((await vi.get("/api/v1/shared")).body.twins, []);
    const changed = await ed.patch(`${GRANTS}/${grant.id}`, { role: "viewer", parts: [] });
    assert.equal(changed.body.role, "viewer", changed.text);
    assert.equal((await bo.get(`${at}/sensors/rpm`)).status, 200);
    assert.equal((await bo.post(`${at}/sensors/temp-1/readings`, { value: 7 })).status, 403);
    refused(await bo.delete(`${GRANTS}/${grant.id}`), "forbidden");
    refused(await cy.delete(`${GRANTS}/${grant.id}`), "not-found");
    assert.equal((await ed.delete(`${GRANTS}/${grant.id}`)).status, 204);
    assert.equal((await bo.get(at)).status, 404);
});

test("what an organisation is granted, each there has as far as their own role goes", async (t) => {
    const { d, root, ed, bo } = await town(t);
    const al = await d.join(root, {
        role: "viewer",
        email: "al@acme.example",
        organization: "acme",
    });
    await share(ed, { kind: "organization", id: "acme" }, "operator");
    const send = (who) => who.post("/api/v1/twins/home~pump-1/readings", { "temp-1": 1 });
    assert.equal((await send(bo)).status, 200);
    assert.equal((await send(al)).status, 403);
    assert.equal((await al.get("/api/v1/twins/home~pump-1")).status, 200);
    assert.equal((await al.get("/api/v1/shared")).body.twins[0].role, "viewer");
    assert.equal((await bo.get("/api/v1/shared")).body.twins[0].role, "operator");
});

test("nobody learns from a grant who has an account, or which organisations there are", async (t) => {
    const { ed, bo, cy } = await town(t);
    const to = async (receiver) => {
        const made = await share(ed, receiver);
        for (const key of ["id", "created"]) delete made[key];
        return made;
    };
    const here = await to({ kind: "person", email: "Bo@acme.example" });
    const nobody = await to({ kind: "person", email: "no@acme.example" });
    here.to.email = nobody.to.email = "";
    assert.deepEqual(here, nobody);
    refused(
        await ed.post(GRANTS, {
            object: "twin:pump-1",
            to: { kind: "person", id: cy.id },
            role: "viewer",
        }),
        "not-found",
        /by "email"/,
    );
    const acme = await to({ kind: "organization", id: "beta" });
    const none = await to({ kind: "organization", id: "none" });
    acme.to.id = none.to.id = "";
    assert.deepEqual(acme, none);
    assert.equal((await bo.get("/api/v1/twins/home~pump-1")).status, 200);
    /* members are found, others are not */
    assert.equal((await ed.get("/api/v1/people?query=vi")).body.people[0].email, "vi@example.org");
    assert.deepEqual((await ed.get("/api/v1/people?query=bo")).body.people, []);
});

test("an address that one only says is one's own opens nothing", async (t) => {
    const { d, ed, cy } = await town(t);
    /* cy looks after beta alone: whom they invite has whatever address cy says */
    const mal = await d.join(cy, {
        role: "viewer",
        email: "victim@acme.example",
        organization: "beta",
    });
    await share(ed, { kind: "person", email: "victim@acme.example" });
    assert.equal((await mal.get("/api/v1/twins/home~pump-1")).status, 404);
});

test("what is sent must be right", async (t) => {
    const { root, ed } = await town(t);
    const ask = (more) =>
        ed.post(GRANTS, { object: "twin:pump-1", to: { kind: "common" }, role: "viewer", ...more });
    refused(await ask({ object: "pump-1" }), "invalid", /twin:ID/);
    refused(await ask({ object: "twin:none" }), "not-found");
    refused(await ask({ to: { kind: "all" } }), "invalid", /person, team, organization/);
    refused(await ask({ to: { kind: "common", id: "x" } }), "invalid", /"id" is not known/);
    refused(await ask({ to: { kind: "person" } }), "invalid", /by "id" or by "email"/);
    refused(await ask({ to: { kind: "team", id: "t_none" } }), "not-found");
    refused(await ask({ role: "administrator" }), "invalid", /viewer, operator or editor/);
    refused(await ask({ parts: ["/secrets"] }), "invalid", /no part/);
    refused(await ask({ parts: "/profile" }), "invalid", /a list/);
    refused(await ask({ expires: "soon" }), "invalid");
    refused(await ask({ by: "root" }), "invalid", /"by" is not known/);
    refused(await ask({ object: "space:home" }), "forbidden", /administrator/);
    refused(await ed.post(GRANTS, "{"), "malformed");
    const whole = await root.post(GRANTS, {
        object: "space:home",
        to: { kind: "organization", id: "acme" },
        role: "viewer",
    });
    assert.equal(whole.status, 201, whole.text);
});

test("everything of an organisation, shared with another", async (t) => {
    const { root, bo } = await town(t);
    const r = await root.post(GRANTS, {
        object: "space:home",
        to: { kind: "organization", id: "acme" },
        role: "viewer",
    });
    assert.equal(r.status, 201, r.text);
    assert.equal((await bo.get("/api/v1/twins/home~pump-2")).status, 200);
    const { twins } = (await bo.get("/api/v1/shared")).body;
    assert.deepEqual(
        twins.map((x) => x.id),
        ["home~pump-1", "home~pump-2"],
    );
    assert.equal((await bo.get("/api/v1/organizations/home/members")).status, 404);
    assert.equal((await root.delete(`${GRANTS}/${r.body.id}`)).status, 204);
    assert.deepEqual((await bo.get("/api/v1/shared")).body.twins, []);
});

test("a link: shows what it is for, changes nothing, and ends when it is taken back", async (t) => {
    const { d, ed, vi } = await town(t);
    refused(
        await ed.post(GRANTS, { object: "twin:pump-1", to: { kind: "link" }, role: "editor" }),
        "invalid",
        /for looking/,
    );
    const made = await share(ed, { kind: "link" });
    assert.ok(Date.parse(made.expires) - Date.now() > 6 * 86400e3);
    const token = made.link.split("#")[1];
    assert.match(token, /^dop_link_/);
    assert.doesNotMatch((await ed.get(`${GRANTS}?object=twin:pump-1`)).text, /dop_link_/);
    const visitor = new Client(d);
    refused(await visitor.post("/api/v1/session/link", { token: "dop_link_x" }), "unauthenticated");
    const r = await visitor.post("/api/v1/session/link", { token });
    assert.equal(r.status, 201, r.text);
    assert.equal(r.body.principal.kind, "link");
    assert.equal((await visitor.get("/api/v1/twins/pump-1")).status, 200);
    assert.equal((await visitor.get("/api/v1/twins/pump-2")).status, 404);
    assert.deepEqual(
        (await visitor.get("/api/v1/shared")).body.twins.map((x) => x.name),
        ["Twin pump-1"],
    );
    const write = await visitor.post("/api/v1/twins/pump-1/readings", { "temp-1": 1 });
    assert.equal(write.status, 403, write.text);
    assert.equal((await visitor.delete("/api/v1/twins/pump-1")).status, 403);
    for (const path of [
        "/api/v1/organizations",
        "/api/v1/organizations/home/members",
        "/api/v1/people?query=",
        `${GRANTS}?object=twin:pump-1`,
    ])
        assert.ok([403, 404].includes((await visitor.get(path)).status), path);
    /* who is signed in stays who they are */
    const same = await vi.post("/api/v1/session/link", { token });
    assert.equal(same.body.principal.kind, "person", same.text);
    await d.restart();
    assert.equal((await visitor.get("/api/v1/twins/pump-1")).status, 200, "also after a start");
    assert.equal((await ed.delete(`${GRANTS}/${made.id}`)).status, 204);
    assert.equal((await visitor.get("/api/v1/twins/pump-1")).status, 401);
    refused(await visitor.post("/api/v1/session/link", { token }), "unauthenticated");
});

test("what was shared of a twin goes with it, and is not of the next one of its name", async (t) => {
    const { d, ed, bo } = await town(t);
    await share(ed, { kind: "organization", id: "acme" });
    const link = (await share(ed, { kind: "link" })).link.split("#")[1];
    const policy = { entries: { a: { subjects: ["everyone"], resources: { "/": {} } } } };
    assert.equal((await ed.put("/api/v1/twins/pump-1/policy", policy)).status, 200);
    const visitor = new Client(d);
    assert.equal((await visitor.post("/api/v1/session/link", { token: link })).status, 201);
    assert.equal((await ed.delete("/api/v1/twins/pump-1")).status, 204);
    await until("who came by the link is nobody", async () => {
        return !(await visitor.get("/api/v1/session")).body.signedIn;
    });
    assert.equal((await ed.post("/api/v1/twins", twin("pump-1", ["temp-1"]))).status, 201);
    for (const round of ["at once", "after a start"]) {
        assert.equal((await bo.get("/api/v1/twins/home~pump-1")).status, 404, round);
        assert.deepEqual((await ed.get(`${GRANTS}?object=twin:pump-1`)).body.grants, [], round);
        assert.deepEqual((await ed.get("/api/v1/twins/pump-1/policy")).body.entries, {}, round);
        refused(
            await new Client(d).post("/api/v1/session/link", { token: link }),
            "unauthenticated",
        );
        if (round === "at once") await d.restart();
    }
});

test("a team is granted something, and its members have it while they are in it", async (t) => {
    const { root, vi, ed } = await town(t);
    const at = "/api/v1/organizations/home/teams";
    const team = (await root.post(at, { name: "Night" })).body;
    await share(ed, { kind: "team", id: team.id }, "operator");
    const send = () => vi.post("/api/v1/twins/pump-1/readings", { "temp-1": 1 });
    assert.equal((await send()).status, 403);
    assert.equal((await root.put(`${at}/${team.id}/members/${vi.id}`)).status, 204);
    assert.equal((await send()).status, 200);
    assert.equal((await root.delete(`${at}/${team.id}`)).status, 204);
    assert.equal((await send()).status, 403);
    assert.deepEqual((await ed.get(`${GRANTS}?object=twin:pump-1`)).body.grants, []);
});

test("a long answer about the past ends when the right to it does", async (t) => {
    const { d, ed } = await town(t);
    const at = Date.now() - 3_600_000;
    for (let from = 0; from < 300_000; from += 50_000) {
        const rows = Array.from({ length: 50_000 }, (_, i) => ({ t: at + from + i, value: i / 7 }));
        const r = await ed.post("/api/v1/twins/pump-1/sensors/temp-1/readings", rows);
        assert.equal(r.status, 200, r.text);
    }
    const made = await share(ed, { kind: "link" });
    const path = "/api/v1/twins/pump-1/sensors/temp-1/history?format=ndjson&from=0";
    const headers = { authorization: `Bearer ${made.link.split("#")[1]}` };
    const whole = await (await fetch(d.url + path, { headers })).text();
    const reader = (await fetch(d.url + path, { headers })).body.getReader();
    let bytes = (await reader.read()).value.length; /* and no more for a while */
    assert.equal((await ed.delete(`${GRANTS}/${made.id}`)).status, 204);
    await assert.rejects(async () => {
        for (;;) {
            const part = await reader.read();
            if (part.done) return;
            bytes += part.value.length;
        }
    });
    assert.ok(bytes < whole.length, `${bytes} of ${whole.length}`);
});
