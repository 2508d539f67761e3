/* The audit log: who did what and who was not allowed to; how it is read, checked, and rid of
 * persons. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Client, doppel, start, temporary, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const HOME = "/api/v1/organizations/home";

async function entries(who, query = "", path = `${HOME}/audit`) {
    const r = await who.get(`${path}?${query}`);
    assert.equal(r.status, 200, r.text);
    return r.body.entries;
}

/* The newest line of that operation; it may take a moment to be written. */
async function line(who, operation, fits = () => true, path = `${HOME}/audit`) {
    let found;
    await until(`there is a line of ${operation}`, async () => {
        found = (await entries(who, `operation=${operation}&limit=200`, path)).find(fits);
        return found;
    });
    return found;
}

const verify = (data, ...more) => doppel(["audit", "verify", "--data", data, ...more]);

test("changes have a line with who, from where, before and after; refusals too", async (t) => {
    const d = await start(t, { access: "locked" });
    const ada = await d.setup({ email: "ada@example.org" });
    const bo = await d.join(ada, { role: "viewer", name: "Bo", email: "bo@example.org" });
    await ada.post("/api/v1/twins", twin("pump", ["temp"]));
    const changed = await ada.put("/api/v1/twins/pump", {
        ...twin("pump", ["temp"]),
        description: "another",
    });
    assert.equal(changed.status, 200, changed.text);
    const e = await line(ada, "twins:write");
    assert.equal(e.object, "twin:pump");
    assert.equal(e.outcome, "done");
    assert.equal(e.who.kind, "person");
    assert.equal(e.address, "127.0.0.1");
    assert.equal(e.via, "http");
    assert.equal(e.request, changed.headers.get("doppel-request-id"));
    assert.notEqual(e.before.description, "another");
    assert.equal(e.after.description, "another");

    const refused = await bo.delete("/api/v1/twins/pump");
    assert.equal(refused.status, 403);
    const no = await line(ada, "twins:delete", (x) => x.outcome === "refused");
    assert.equal(no.who.id, bo.id);
    assert.equal(no.who.name, "Bo");
    assert.equal(no.request, refused.headers.get("doppel-request-id"));

    const wrong = await d.withToken("dop_pat_nonsense").get("/api/v1/twins");
    assert.equal(wrong.status, 401);
    const token = await line(ada, "sign-in", (x) => x.object === "token", "/api/v1/audit");
    assert.equal(token.outcome, "refused");
    assert.equal(token.who.kind, "anonymous");

    assert.equal((await bo.get(`${HOME}/audit`)).status, 403);
    assert.equal((await bo.get("/api/v1/audit")).status, 403);
    const start1 = await line(ada, "server:start", () => true, "/api/v1/audit");
    assert.match(start1.detail, /^Doppel \d.*--access locked, http at 127\.0\.0\.1:\d+/);
    await d.stop();
    const ls = await doppel(["audit", "ls", "--data", d.data, "--operation", "server:stop"]);
    assert.match(ls.stdout, /done +server:stop installation {2}by the server/);
});

test("what members do to each other has lines as well", async (t) => {
    const d = await start(t, { access: "locked" });
    const ada = await d.setup({ email: "ada@example.org" });
    const bo = await d.join(ada, { role: "viewer", name: "Bo", email: "bo@example.org" });
    const good = async (asked, status) => {
        const r = await asked;
        assert.equal(r.status, status, r.text);
        const id = r.headers.get("doppel-request-id");
        await until(`${r.text} has a line`, async () =>
            (await entries(ada, "limit=200", "/api/v1/audit")).some((e) => e.request === id),
        );
        return r.body;
    };
    const made = await good(bo.post(`${HOME}/requests`, { operation: "twins:write" }), 201);
    await good(ada.post(`${HOME}/requests/${made.id}`, { decision: "approve" }), 200);
    await good(ada.patch(`${HOME}/members/${bo.id}`, { role: "operator" }), 200);
    const team = await good(ada.post(`${HOME}/teams`, { name: "Night" }), 201);
    await good(ada.put(`${HOME}/teams/${team.id}/members/${bo.id}`), 204);
    await good(ada.delete(`${HOME}/teams/${team.id}/members/${bo.id}`), 204);
    const again = new Client(d);
    await bo.become({ email: "bo@example.org" });
    assert.equal((await again.signIn("bo@example.org")).status, 201);
    await good(bo.delete("/api/v1/account/sessions"), 204);
    await good(ada.delete(`${HOME}/members/${bo.id}`), 204);
});

test("pages, filters and forms", async (t) => {
    const d = await start(t);
    for (let i = 0; i < 25; i++) await d.create(twin(`pump-${i}`, ["a"]));
    const all = await entries(d, "limit=1000", "/api/v1/audit");
    assert.equal(all.filter((e) => e.operation === "twins:create").length, 25);
    assert.deepEqual(
        all.map((e) => e.n),
        all.map((_, i) => all.length - i),
    );
    const pages = [];
    let cursor = "";
    do {
        const r = await d.get(`${HOME}/audit?operation=twins:create&limit=10${cursor}`);
        assert.equal(r.status, 200, r.text);
        pages.push(...r.body.entries);
        cursor = r.body.next ? `&cursor=${r.body.next}` : null;
    } while (cursor);
    assert.equal(pages.length, 25);
    assert.equal(pages[0].object, "twin:pump-24");
    assert.equal((await entries(d, "object=twin:pump-7")).length, 1);
    assert.equal((await entries(d, "object=twin:pump-7&outcome=refused")).length, 0);
    assert.equal((await entries(d, `from=${pages[3].time}&operation=twins:create`)).length, 4);
    assert.equal((await entries(d, `to=${pages[3].time}&operation=twins:create`)).length, 21);
    assert.equal((await entries(d, "organization=nobodys", "/api/v1/audit")).length, 0);
    for (const bad of ["limit=0", "cursor=x", "outcome=maybe", "from=yesterday", "format=xml"])
        assert.ok([400, 422].includes((await d.get(`${HOME}/audit?${bad}`)).status), bad);

    const lines = await d.get(`${HOME}/audit`, { headers: { accept: "application/x-ndjson" } });
    const parsed = lines.text.trim().split("\n").map(JSON.parse);
    assert.equal(parsed.filter((e) => e.operation === "twins:create").length, 25);
    const csv = await d.get(`${HOME}/audit?format=csv`);
    assert.match(csv.type, /^text\/csv/);
    assert.match(csv.text, /^n,time,organization,who_kind,who,/);
    assert.equal(csv.text.split("\n").length, parsed.length + 2);
    const exported = await doppel(["audit", "export", "--data", d.data, "--organization", "home"]);
    assert.equal(exported.stdout, lines.text);
});

test("a formula that somebody named a thing stays a text in CSV", async (t) => {
    const d = await start(t, { access: "locked" });
    const ada = await d.setup({ email: "ada@example.org" });
    const r = await ada.patch("/api/v1/account", { name: "=HYPERLINK(1)" });
    assert.equal(r.status, 200, r.text);
    await ada.post("/api/v1/twins", twin("pump", ["a"]));
    await line(ada, "twins:create");
    const csv = await ada.get(`${HOME}/audit?format=csv`);
    assert.match(csv.text, /,'=HYPERLINK\(1\),/);
    assert.doesNotMatch(csv.text, /,=HYPERLINK/);
});

test("verify finds what was changed, taken out and cut off; a person's erasure breaks nothing", async (t) => {
    const d = await start(t, { access: "locked" });
    const ada = await d.setup({ email: "ada@example.org" });
    const bo = await d.join(ada, { role: "editor", name: "Bo Fitz", email: "bo@example.org" });
    assert.equal((await bo.post("/api/v1/twins", twin("pump", ["temp"]))).status, 201);
    await line(ada, "twins:create");
    const head = (await doppel(["audit", "head", "--data", d.data])).stdout.trim();
    assert.match(head, /^\d+:[0-9a-f]{64}$/);
    let r = await verify(d.data, "--head", head); /* beside the running server */
    assert.equal(r.code, 0, r.stdout + r.stderr);

    await bo.become({ email: "bo@example.org" });
    const gone = await bo.delete("/api/v1/account");
    assert.equal(gone.status, 204, gone.text);
    await until("nothing of the person is left in the log", async () => {
        const log = await ada.get("/api/v1/audit?format=ndjson");
        return !/bo@example\.org|Bo Fitz/.test(log.text) && log.text.includes(bo.id);
    });
    const made = await line(ada, "twins:create");
    assert.equal(made.who.id, bo.id);
    assert.equal(made.who.name, undefined);
    assert.equal(made.address, undefined);
    assert.equal(made.erased, true);
    await d.stop();
    assert.match(d.log, /the audit log ends with \d+:[0-9a-f]{64}/);
    r = await verify(d.data, "--head", head);
    assert.equal(r.code, 0, r.stdout + r.stderr);
    assert.match(r.stdout, /the audit log holds: \d+ lines.*persons were taken out of \d+/);

    const tamper = async (sql, expected, ...more) => {
        const copy = join(temporary(t), "data");
        cpSync(d.data, copy, { recursive: true });
        execFileSync("sqlite3", [join(copy, "catalog.db"), sql]);
        const v = await verify(copy, ...more);
        assert.equal(v.code, 1, v.stdout);
        assert.match(v.stdout, expected);
        const json = JSON.parse((await verify(copy, "--json", ...more)).stdout);
        assert.equal(json.holds, false);
        if (more.length) return;
        const check = await doppel(["check", copy]);
        assert.equal(check.code, 1, check.stdout);
        assert.match(check.stdout + check.stderr, /the audit log does not hold: /);
    };
    await tamper("UPDATE audit SET outcome='refused' WHERE n=2", /row 2 is not what was written/);
    await tamper("UPDATE audit SET after='{}' WHERE n=2", /row 2: the detail, before or after/);
    await tamper("DELETE FROM audit WHERE n=2", /row 2 is missing/);
    await tamper("DELETE FROM audit WHERE n=1", /row 1 is missing/);
    const n = Number(head.split(":")[0]);
    await tamper(`DELETE FROM audit WHERE n>=${n}`, /rows were taken off its end/, "--head", head);
    const other = head.replace(/.$/, (c) => (c === "0" ? "1" : "0"));
    await tamper("SELECT 1", /another hash than the one that was noted/, "--head", other);

    const backup = join(temporary(t), "backup");
    assert.equal((await doppel(["backup", backup, "--data", d.data])).code, 0);
    assert.equal((await verify(backup, "--head", head)).code, 0);
    assert.equal((await verify(temporary(t))).code, 4);
    assert.equal((await verify(d.data, "--head", "12")).code, 2);
});

test("somebody who tries again and again fills no disk", async (t) => {
    const d = await start(t, { access: "locked" });
    const ada = await d.setup({ email: "ada@example.org" });
    const bo = await d.join(ada, { role: "viewer", name: "Bo" });
    for (let i = 0; i < 50; i++) await bo.delete("/api/v1/twins/pump");
    for (let i = 0; i < 50; i++) await d.withToken(`dop_pat_${i}`).get("/api/v1/twins");
    await line(ada, "sign-in", (e) => e.object === "token", "/api/v1/audit");
    const all = await entries(ada, "outcome=refused&limit=1000", "/api/v1/audit");
    assert.ok(all.length <= 5, JSON.stringify(all.map((e) => e.operation)));
});
