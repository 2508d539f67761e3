/* REST where it is pushed: conditions, paths, parameters, types, and names that JSON may write in
 * other ways. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { test } from "node:test";
import { shared } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const d = shared({}, async (server) => {
    await server.create(twin("x-1", ["temp", "sensor", "value", "timestamp"]));
});

/* A path as it is, which fetch would mend. */
function raw(path, options = {}) {
    return new Promise((resolve, reject) => {
        const [host, port] = d.http.split(":");
        const request = http.request({ host, port, path, ...options }, (r) => {
            let text = "";
            r.setEncoding("utf8").on("data", (c) => {
                text += c;
            });
            r.on("end", () => resolve({ status: r.statusCode, headers: r.headers, text }));
        });
        request.on("error", reject).end(options.body);
    });
}

for (const path of [
    "/api/v1/twins/..%2f",
    "/api/v1/twins/x-1%2Fsensors",
    "/api/v1/twins/x-1%2fsensors%2ftemp",
    "/api/v1/twins/",
    "/api/v1/twins/x-1/",
    "/api/v1/../v1/twins",
    "/api/v1//twins",
    "/api",
    "/api/",
    "/errors/",
    "/schemas/none.json",
])
    test(`nothing is at ${path}`, async () => {
        for (const method of ["GET", "HEAD", "DELETE"]) {
            const r = await raw(path, { method });
            assert.equal(r.status, 404, method);
            assert.equal(r.headers["content-type"], "application/problem+json");
        }
    });

test("a colon may be encoded, and HEAD answers wherever GET does", async () => {
    await d.create(twin("x:2", ["a"]));
    assert.equal((await raw("/api/v1/twins/x%3A2")).status, 200);
    for (const path of [
        "/api/v1/twins",
        "/api/v1/twins/x-1",
        "/api/v1/twins/x-1?live=false",
        "/api/v1/twins/x-1/findings",
        "/api/v1/twins/x-1/sensors",
        "/api/v1/twins/x-1/sensors/temp",
        "/api/v1/twins/x-1/sensors/temp/history",
        "/api/v1/rejections",
        "/api/v1/status",
        "/api/v1/sample",
        "/api/v1/openapi.json",
        "/schemas/twin-profile.json",
        "/metrics",
        "/healthz",
        "/readyz",
        "/errors/malformed",
    ]) {
        const r = await raw(path, { method: "HEAD" });
        assert.equal(r.status, 200, path);
        assert.equal(r.text, "");
        assert.ok(r.headers["content-length"] > 0 || r.headers["transfer-encoding"], path);
    }
});

test("If-Match and If-None-Match by RFC 9110", async () => {
    const path = "/api/v1/twins/x-cond";
    const put = (headers) =>
        d.send("PUT", path, twin("x-cond", ["a"]), "application/json", headers);
    const status = async (headers) => (await put(headers)).status;
    assert.equal(await status({ "if-match": "*" }), 412, "nothing is there yet");
    assert.equal(await status({ "if-match": '"a", "b"' }), 412);
    const made = await put({ "if-none-match": "*" });
    assert.equal(made.status, 201);
    assert.equal(await status({ "if-none-match": "*" }), 412);
    assert.equal(await status({ "if-none-match": made.etag }), 412);
    assert.equal(await status({ "if-match": `W/${made.etag}` }), 412, "weak is not strong");
    assert.equal(await status({ "if-match": made.etag.slice(1, -1) }), 412, "without quotes");
    const again = await put({ "if-match": `"x,y" , ${made.etag},W/"z"` });
    assert.equal(again.status, 200);
    assert.equal(await status({ "if-match": "*" }), 200);
    const kept = await d.get(`${path}?live=false`);
    const read = (headers) => d.fetch(`${path}?live=false`, { headers });
    const same = await read({ "if-none-match": `"other", W/${kept.etag}` });
    assert.equal(same.status, 304);
    assert.equal(same.headers.get("etag"), kept.etag);
    assert.ok(same.headers.get("cache-control"));
    assert.equal((await read({ "if-none-match": "*" })).status, 304);
    assert.equal((await read({ "if-match": '"other"' })).status, 412);
    assert.equal((await read({ "if-match": kept.etag })).status, 200);
    assert.equal((await d.send("DELETE", path, undefined, "", { "if-match": '"no"' })).status, 412);
    assert.equal((await d.send("DELETE", path, undefined, "", { "if-match": "*" })).status, 204);
    assert.equal((await d.send("DELETE", path, undefined, "", { "if-match": "*" })).status, 404);
});

test("of many who make a twin only if there is none, one does", async () => {
    const all = await Promise.all(
        Array.from({ length: 20 }, () =>
            d.send("PUT", "/api/v1/twins/x-race", twin("x-race", ["a"]), "application/json", {
                "if-none-match": "*",
            }),
        ),
    );
    assert.equal(all.filter((r) => r.status === 201).length, 1);
    assert.equal(all.filter((r) => r.status === 412).length, 19);
});

test("of many who change the same version, one does", async () => {
    const { etag } = await d.create(twin("x-version", ["a"]));
    const all = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
            d.send(
                "PATCH",
                "/api/v1/twins/x-version",
                { name: `by ${i}` },
                "application/merge-patch+json",
                { "if-match": etag },
            ),
        ),
    );
    assert.equal(all.filter((r) => r.status === 200).length, 1);
    assert.equal(all.filter((r) => r.status === 412).length, 19);
});

test("the type of a body is read as RFC 9110 writes it", async () => {
    const send = (type, body) => d.post("/api/v1/twins/x-1/readings", body, type);
    const lines = '{"temp":1}\r\n\r\n{"temp":2}\r\n{"temp":3}';
    for (const type of [
        "application/x-ndjson",
        "Application/X-NDJSON; charset=utf-8",
        "application/jsonl ;x=y",
    ])
        assert.equal((await send(type, lines)).body.accepted, 3, type);
    assert.equal((await send("application/x-ndjsonish", lines)).status, 415);
    assert.equal((await send("APPLICATION/JSON;charset=utf-8", '{"temp":1}')).status, 200);
    assert.equal((await send("application/xml", "<a/>")).status, 415);
    assert.equal((await send("application/json", "")).body.code, "malformed");
    const ten = `{"temp":1,"filler":"${"x".repeat(10 << 20)}"}`;
    assert.equal((await send("application/x-ndjson", `${ten}\n{"temp":2}`)).body.accepted, 2);
});

test("sensors of awkward names, and names that JSON writes in another way", async () => {
    const send = (body) => d.post("/api/v1/twins/x-1/readings", body);
    assert.equal((await send({ sensor: "timestamp", value: 5 })).body.accepted, 1);
    assert.equal((await send({ sensor: "sensor", value: 6 })).body.accepted, 1);
    assert.equal((await send({ sensor: 7, value: 8 })).body.accepted, 2, "telemetry of both");
    assert.equal((await send({ sensor: 7 })).body.accepted, 1);
    assert.equal((await send('{"t\\u0065mp":9}')).body.accepted, 1);
    assert.equal((await send('{"sens\\u006fr":"t\\u0065mp","v\\u0061lue":10}')).body.accepted, 1);
    assert.equal((await d.get("/api/v1/twins/x-1/sensors/temp")).body.value, 10);
    assert.equal((await d.get("/api/v1/twins/x-1/sensors/timestamp")).body.value, 5);
    assert.equal((await send('{"temp":1,"temp":2}')).body.accepted, 2);
    assert.equal((await send('\ufeff{"temp":1}')).body.code, "malformed");
    assert.equal((await send(`${"[".repeat(100_000)}`)).body.code, "malformed");
    assert.equal((await send(`{"temp":${"[".repeat(500)}`)).body.code, "malformed");
});

test("a body that breaks off is one refusal, with its own status", async () => {
    const r = await d.post("/api/v1/twins/x-1/readings", '[{"nosuch":1},{"temp":1},{');
    assert.equal(r.status, 400);
    assert.deepEqual([r.body.accepted, r.body.refused, r.body.rejected.length], [0, 1, 1]);
});

for (const [query, status] of [
    ["from=0&to=0", 200],
    ["from=5&to=4", 400],
    ["from=-5000&to=5000.125", 200],
    ["from=-8640000000000000&to=8640000000000000", 200],
    ["from=-8640000000000000&to=8640000000000000&points=4", 200],
    ["from=-8640000000000000&to=8640000000000000&every=9999y", 200],
    ["to=-8640000000000000", 200],
    ["from=0&to=8640000000000001", 422],
    ["from=0&to=8640000000000000&every=1s", 413],
    ["every=0s", 400],
    ["every=1000000000y", 400],
    ["every=1ms", 413],
    ["every=10s&fn=median", 400],
    ["every=10s&fn=", 400],
    ["fn=mean", 400],
    ["points=3", 400],
    ["points=20001", 400],
    ["points=4&every=1s", 400],
    ["points=4&cursor=0", 400],
    ["every=1s&cursor=0", 400],
    ["from=10&cursor=0", 400],
    ["cursor=", 400],
    ["limit=0", 400],
    ["limit=100001", 400],
    ["limit=+5", 400],
    ["quality=yes", 400],
    ["quality=true&quality=no", 200],
    ["from=nan", 422],
    ["from=0x10", 422],
    ["from=", 422],
    ["from=2024-03-15T14:30:00+01:00", 200],
    ["from=2024-03-15T14%3A30%3A00%2B01%3A00", 200],
    ["from=2024-03-15T14:30:00", 422],
    ["unknown=1&&=&%66rom=0", 200],
])
    test(`history?${query} is ${status}`, async () => {
        const r = await raw(`/api/v1/twins/x-1/sensors/temp/history?${query}`);
        assert.equal(r.status, status, r.text);
        const body = JSON.parse(r.text);
        if (status === 200) assert.ok(Array.isArray(body.points));
        else assert.equal(body.status, status);
    });

test("times keep their microseconds on every way out", async () => {
    await d.create(twin("x-time", ["a"]));
    for (const t of [0, 0.001, 0.999, 1700000000000.001, 1700000000000.999])
        await d.post("/api/v1/twins/x-time/readings", { timestamp: t, a: 1 });
    await d.post("/api/v1/twins/x-time/readings", {
        timestamp: "2023-11-14T22:13:20.5000015Z",
        a: 1,
    });
    const { points } = await d.history("x-time", "a", "from=0");
    assert.deepEqual(
        points.map((p) => p[0]),
        [0, 0.001, 0.999, 1700000000000.001, 1700000000000.999, 1700000000500.001],
    );
    const page = await d.history("x-time", "a", "from=0&limit=4");
    const rest = await d.history("x-time", "a", `from=0&cursor=${page.next}`);
    assert.deepEqual(
        rest.points.map((p) => p[0]),
        [1700000000000.999, 1700000000500.001],
    );
});

test("thinning bridges decades, and does not lose the ends", async () => {
    await d.create(twin("x-wide", ["a"]));
    const readings = [{ timestamp: 0, a: 5 }];
    for (let i = 0; i < 30_000; i++)
        readings.push({ timestamp: 1_700_000_000_000 + i, a: i === 12_345 ? -9 : i % 100 });
    assert.equal((await d.post("/api/v1/twins/x-wide/readings", readings)).status, 200);
    for (const points of [4, 5, 100, 20_000]) {
        const got = (await d.history("x-wide", "a", `from=0&points=${points}`)).points;
        assert.ok(got.length <= points && got.length >= 4);
        assert.deepEqual(got[0], [0, 5]);
        assert.equal(got.at(-1)[0], 1_700_000_029_999);
        assert.ok(got.some((p) => p[1] === -9) && got.some((p) => p[1] === 99));
        for (let i = 1; i < got.length; i++) assert.ok(got[i][0] > got[i - 1][0]);
    }
});

test("a sensor that an alert threshold names says so", async () => {
    const profile = JSON.parse(
        await readFile(new URL("../profiles/complete.json", import.meta.url), "utf8"),
    );
    const { status } = await d.post("/api/v1/twins", profile);
    assert.equal(status, 201);
    const { items } = await (await fetch(`${d.url}/api/v1/twins/twin-2024-001/sensors`)).json();
    assert.deepEqual(
        items.map((s) => s.threshold),
        [70, undefined, 1700],
    );
});
