/* doppel org, member, token and share: against a locked server, by whoever runs it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, doppel, PASSWORD, start } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const MISSING = 4;
const REFUSED = 5;

async function locked(t) {
    const d = await start(t, { access: "locked" });
    const cli = async (args, code = 0, env = {}) => {
        const r = await doppel(args, { env: { DOPPEL_SERVER: d.url, ...env } });
        assert.equal(r.code, code, r.output);
        return r;
    };
    return { d, cli };
}

test("organisations and members", async (t) => {
    const { d, cli } = await locked(t);
    await cli(["org", "create", "acme", "--name", "Acme Ltd"]);
    assert.match((await cli(["org", "create", "acme"], REFUSED)).stderr, /already/);
    assert.match((await cli(["org", "ls"])).stdout, /acme +Acme Ltd +administrator/);
    const invite = ["member", "invite", "ada@example.org", "--org", "acme", "--role", "editor"];
    const link = (await cli(invite)).stdout.trim();
    assert.ok(link.startsWith(`${d.url}/invitation#dop_inv_`), link);
    const ada = new Client(d);
    const ask = { token: link.split("#")[1], name: "Ada", password: PASSWORD };
    assert.equal((await ada.post("/api/v1/invitations/accept", ask)).status, 201);
    const at = ["--org", "acme"];
    assert.match((await cli(["member", "ls", ...at])).stdout, /Ada +ada@example.org +editor/);
    await cli(["member", "role", "ada@example.org", "administrator", ...at]);
    assert.equal((await ada.get("/api/v1/session")).body.role, "administrator");
    const bad = await cli(["member", "role", "Ada", "king", ...at], REFUSED);
    assert.match(bad.stderr, /viewer, operator, editor or administrator/);
    await cli(["member", "rm", "nobody", ...at], MISSING);
    const last = await cli(["member", "rm", "Ada", ...at], REFUSED);
    assert.match(last.stderr, /only administrator/);
    const json = JSON.parse((await cli(["member", "ls", ...at, "--json"])).stdout);
    assert.equal(json.members[0].name, "Ada");
});

test("tokens of service accounts", async (t) => {
    const { d, cli } = await locked(t);
    const root = d.withToken(d.localToken());
    assert.equal((await root.post("/api/v1/twins", twin("pump-1", ["temp-1"]))).status, 201);
    assert.match((await cli(["token", "create", "gate"], MISSING)).stderr, /--role/);
    const create = ["token", "create", "gate", "--role", "operator", "--scope", "data:write"];
    const token = (await cli(create)).stdout.trim();
    assert.match(token, /^dop_svc_/);
    const as = { DOPPEL_TOKEN: token };
    await cli(["send", "pump-1", "temp-1=42"], 0, as);
    assert.match((await cli(["twin", "ls"], REFUSED, as)).stderr, /scopes/);
    assert.match((await cli(["token", "ls"])).stdout, /gate +operator +1/);
    const tokens = JSON.parse((await cli(["token", "ls", "gate", "--json"])).stdout).tokens;
    assert.deepEqual(tokens[0].scopes, ["data:write"]);
    await cli(["token", "revoke", "gate", tokens[0].id]);
    assert.match((await cli(["send", "pump-1", "temp-1=42"], REFUSED, as)).stderr, /revoked/);
    await cli(["token", "revoke", "gate", tokens[0].id], MISSING);
    assert.match((await cli(["token", "ls", "gate"])).stdout, /no tokens/);
});

test("sharing a twin", async (t) => {
    const { d, cli } = await locked(t);
    const root = d.withToken(d.localToken());
    assert.equal((await root.post("/api/v1/twins", twin("pump-1", ["temp-1"]))).status, 201);
    assert.match((await cli(["share", "pump-1"])).stdout, /with nobody/);
    const part = ["--part", "/sensors/temp-*"];
    await cli(["share", "pump-1", "bo@example.org", "--role", "operator", ...part]);
    const link = (await cli(["share", "pump-1", "link", "--for", "1d"])).stdout.trim();
    assert.match(link, /\/share#dop_link_/);
    const visitor = new Client(d);
    const token = link.split("#")[1];
    assert.equal((await visitor.post("/api/v1/session/link", { token })).status, 201);
    assert.equal((await visitor.get("/api/v1/twins/pump-1")).status, 200);
    assert.match(
        (await cli(["share", "pump-1"])).stdout,
        /person +bo@example.org +operator +\/sensors\/temp-\*/,
    );
    const { grants } = JSON.parse((await cli(["share", "pump-1", "--json"])).stdout);
    for (const g of grants) await cli(["share", "pump-1", "--stop", g.id]);
    assert.equal((await visitor.get("/api/v1/twins/pump-1")).status, 401);
    await cli(["share", "none", "common"], MISSING);
    assert.match((await cli(["share", "pump-1", "common", "--for", "ever"], 2)).stderr, /--for/);
    assert.match(
        (await cli(["share", "pump-1", "common", "--stop", "g_1"], 2)).stderr,
        /do not go together/,
    );
});
