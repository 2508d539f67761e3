/* Line protocol: what Telegraf and the clients of InfluxDB 1 and 2 send, and what they hear. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { InfluxDB, Point } from "@influxdata/influxdb-client";
import { InfluxDB as InfluxDB1 } from "influx";
import { doppel, run, shared, start, temporary, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const d = shared({ args: ["--provision", "http"] });

const T = 1_700_000_000; /* seconds */
const NS = "000000000";

async function write(body, query = "db=test", headers = {}, server = d) {
    const r = await server.fetch(`/write?${query}`, { method: "POST", body, headers });
    const text = await r.text();
    return { status: r.status, headers: r.headers, text, body: text ? JSON.parse(text) : null };
}

async function write2(body, query = "org=o&bucket=test", headers = {}, server = d) {
    const r = await server.fetch(`/api/v2/write?${query}`, { method: "POST", body, headers });
    const text = await r.text();
    return { status: r.status, headers: r.headers, text, body: text ? JSON.parse(text) : null };
}

const points = async (id, sensor) => (await d.history(id, sensor)).points;

test("readings of twins that are there, with curl", async () => {
    await d.create(
        twin("lp-1", {
            m_temp: {},
            m_on: { type: "switch", unit: "1" },
            m_note: { type: "state", unit: "1" },
        }),
    );
    const file = join(temporary({ after() {} }, "doppel-line-"), "body");
    writeFileSync(file, `m,host=lp-1 temp=42.5,on=t,note="calm \\"so far\\"" ${T}${NS}\n# rest\n`);
    const r = await run("curl", [
        ...["-sS", "-w", "%{http_code} %header{x-influxdb-version}"],
        ...["--data-binary", `@${file}`, `${d.url}/write?db=test&u=me&p=secret&rp=auto`],
    ]);
    assert.match(r.stdout, /^204 1\.8\./, r.stderr);
    assert.deepEqual(await points("lp-1", "m_temp"), [[T * 1000, 42.5]]);
    assert.deepEqual(await points("lp-1", "m_on"), [[T * 1000, true]]);
    assert.deepEqual(await points("lp-1", "m_note"), [[T * 1000, 'calm "so far"']]);
});

test("every precision, by both addresses; none is nanoseconds, finer ones are cut", async () => {
    const rows = [
        ["", "1700000000123456789", 1700000000123.456],
        ["ns", "1700000000123456789", 1700000000123.456],
        ["n", "1700000000123456789", 1700000000123.456],
        ["u", "1700000000123457", 1700000000123.457],
        ["us", "1700000000123458", 1700000000123.458],
        ["ms", "1700000000124", 1700000000124],
        ["s", "1700000001", 1700000001000],
        ["m", "28333334", 1700000040000],
        ["h", "472223", 1700002800000],
    ];
    for (const [send, id] of [
        [write, "lp-precision-1"],
        [write2, "lp-precision-2"],
    ]) {
        for (const [precision, time] of rows) {
            const r = await send(
                `m,host=${id} f=1 ${time}`,
                `db=x&bucket=x&precision=${precision}`,
            );
            assert.equal(r.status, 204, r.text);
        }
        const wanted = [...new Set(rows.map((row) => row[2]))];
        assert.deepEqual(
            (await points(id, "m_f")).map((p) => p[0]),
            wanted,
        );
        const bad = await send("m f=1", "db=x&bucket=x&precision=d");
        assert.equal(bad.status, 400);
        assert.match(bad.text, /invalid precision \\"d\\"/);
    }
});

test("what is wrong is said as InfluxDB says it, and the good lines are kept", async () => {
    let r = await write("m,host=lp-2 f=x");
    assert.equal(r.status, 400);
    assert.deepEqual(r.body, { error: "unable to parse 'm,host=lp-2 f=x': invalid boolean" });
    assert.equal(r.headers.get("x-influxdb-error"), r.body.error);
    r = await write(`m,host=lp-2 f=1 ${T}${NS}\nm,host=lp-2 f=\nm,host=lp-2 f=2 ${T + 1}${NS}`);
    assert.equal(r.status, 400);
    assert.equal(
        r.body.error,
        "partial write: unable to parse 'm,host=lp-2 f=': missing field value dropped=1",
    );
    assert.deepEqual(await points("lp-2", "m_f"), [
        [T * 1000, 1],
        [T * 1000 + 1000, 2],
    ]);
    r = await write(`m,host=lp-2 f="text",g=1 ${T}${NS}`);
    assert.match(r.body.error, /^partial write: field type conflict: .* dropped=1$/);
    assert.equal((await points("lp-2", "m_g")).length, 1);
    r = await write2(`m,host=lp-2 f=3 ${T + 2}${NS}\n\nm,host=lp-2`);
    assert.equal(r.status, 400);
    assert.equal(r.body.code, "invalid");
    assert.equal(r.body.line, 3);
    assert.match(r.body.message, /missing fields dropped=1$/);
    r = await write2(`m,host=lp-2 f="text" ${T}${NS}`);
    assert.equal(r.status, 422);
    assert.equal(r.body.code, "unprocessable entity");
    assert.equal((await points("lp-2", "m_f")).length, 3);
    const refused = (await d.get("/api/v1/rejections?limit=20")).body.items;
    const mine = refused.filter((x) => x.source === "line");
    assert.ok(mine.some((x) => x.code === "malformed" && x.payload === "m,host=lp-2 f="));
    assert.ok(mine.some((x) => x.code === "wrong-type" && x.sensor === "m_f" && x.twin === "lp-2"));
});

test("what is missing of a request", async () => {
    let r = await write("m f=1", "");
    assert.equal(r.status, 400);
    assert.deepEqual(r.body, { error: "database is required" });
    r = await write2("m f=1", "org=o");
    assert.equal(r.status, 400);
    assert.equal(r.body.code, "invalid");
    r = await write("");
    assert.equal(r.status, 204);
    const get = await d.get("/write?db=x");
    assert.equal(get.status, 405);
    assert.equal(get.headers.get("allow"), "POST, OPTIONS");
});

test("bodies may come compressed", async () => {
    const body = (i) => `m,host=lp-gzip f=${i} ${T + i}${NS}`;
    const rows = [
        [{ "content-encoding": "gzip" }, gzipSync(body(0))],
        [
            { "content-encoding": "x-gzip" },
            Buffer.concat([gzipSync(`${body(1)}\n`), gzipSync(body(2))]),
        ],
        [{ "content-encoding": "deflate" }, deflateSync(body(3))],
        [{ "content-encoding": "identity" }, body(4)],
    ];
    for (const [headers, bytes] of rows)
        assert.equal((await write(bytes, "db=x", headers)).status, 204);
    assert.equal((await points("lp-gzip", "m_f")).length, 5);
    assert.equal((await write(gzipSync(body(5)).subarray(0, 30), "db=x", rows[0][0])).status, 400);
    assert.equal((await write(body(5), "db=x", rows[0][0])).status, 400);
    assert.equal((await write(body(5), "db=x", { "content-encoding": "br" })).status, 415);
    const bomb = gzipSync(Buffer.alloc(64 << 20, "\n"));
    assert.equal((await write(bomb, "db=x", rows[0][0])).status, 413);
    /* and so may the bodies of the other front ends */
    const json = await d.post(
        "/api/v1/twins/lp-gzip/readings",
        gzipSync(JSON.stringify({ m_f: 9, timestamp: 1 })),
        "application/json",
        { "content-encoding": "gzip" },
    );
    assert.equal(json.status, 200, json.text);
    assert.equal((await points("lp-gzip", "m_f")).length, 6);
});

/* As Telegraf's outputs.influxdb writes: it asks for its database, then sends each batch compressed and
 * chunked on one connection.  The requests are written by hand after its own; Debian has no Telegraf. */
async function telegraf(agent, path, body, headers) {
    const r = request(new URL(path, d.url), {
        method: "POST",
        agent,
        headers: {
            "User-Agent": "Telegraf/1.30.0 Go/1.22.1",
            "Content-Type": "text/plain; charset=utf-8",
            ...headers,
        },
    });
    for (let at = 0; at < body.length; at += 1000) r.write(body.subarray(at, at + 1000));
    r.end();
    const [answer] = await once(r, "response");
    let text = "";
    for await (const chunk of answer) text += chunk;
    return { status: answer.statusCode, text };
}

test("Telegraf's requests, of both of its outputs", async () => {
    const { Agent } = await import("node:http");
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const form = "q=CREATE+DATABASE+%22telegraf%22";
    const made = await telegraf(agent, "/query", Buffer.from(form), {
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": form.length,
    });
    assert.deepEqual(JSON.parse(made.text), { results: [{ statement_id: 0 }] });
    for (const [path, headers] of [
        ["/write?db=telegraf", {}],
        ["/api/v2/write?bucket=telegraf&org=influxdata", { Authorization: "Token none" }],
    ]) {
        for (let i = 0; i < 10; i++) {
            const time = `${T + i}${NS}`;
            const lines = ["cpu-total", "cpu0", "cpu1"].map(
                (cpu) => `cpu,cpu=${cpu},host=tg usage_idle=${90 + i},usage_user=${i}.25 ${time}`,
            );
            lines.push(
                `mem,host=tg active=71${i}i,available_percent=54.25 ${time}`,
                `disk,device=sda1,fstype=ext4,host=tg,mode=rw,path=/ free=1000${i}i ${time}`,
                `net,host=tg,interface=eth0 bytes_recv=10${i}i ${time}`,
                `system,host=tg uptime_format="1 day, 12:0${i}" ${time}`,
            );
            const r = await telegraf(agent, path, gzipSync(`${lines.join("\n")}\n`), {
                "Content-Encoding": "gzip",
                ...headers,
            });
            assert.equal(r.status, 204, r.text);
        }
    }
    agent.destroy();
    assert.equal((await points("tg", "cpu_usage_idle:cpu:cpu0")).length, 10);
    assert.deepEqual((await points("tg", "cpu_usage_user:cpu:cpu-total"))[9], [
        (T + 9) * 1000,
        9.25,
    ]);
    assert.deepEqual((await points("tg", "mem_active"))[3], [(T + 3) * 1000, 713]);
    assert.deepEqual((await points("tg", "system_uptime_format"))[1][1], "1 day, 12:01");
    const sensors = (await d.get("/api/v1/twins/tg/sensors")).body.items;
    assert.equal(sensors.length, 6 + 2 + 1 + 1 + 1);
    const disk = sensors.find((s) => s.id.startsWith("disk_free:device:sda1:fstype:ext4:mode:rw"));
    assert.equal(disk.name, "disk free, device=sda1, fstype=ext4, mode=rw, path=/");
    assert.match(disk.id, /:path:_:[0-9a-f]{8}$/); /* "/" is in no id */
});

test("npm @influxdata/influxdb-client", async () => {
    const api = new InfluxDB({ url: d.url, token: "none" }).getWriteApi("org", "bucket", "ms", {
        maxRetries: 0,
        gzipThreshold: 100,
    });
    for (let i = 0; i < 50; i++)
        api.writePoint(
            new Point("weather")
                .tag("host", "v2 client")
                .floatField("temp", 20 + i / 4)
                .intField("n", i)
                .booleanField("ok", i % 2 === 0)
                .stringField("note", `line\n"${i}"`)
                .timestamp(T * 1000 + i),
        );
    await api.close();
    const list = (await d.get("/api/v1/twins?name=v2 client")).body.items;
    assert.equal(list.length, 1);
    assert.equal(list[0].name, "v2 client");
    assert.match(list[0].id, /^v2_client:[0-9a-f]{8}$/);
    assert.equal((await points(list[0].id, "weather_temp")).length, 50);
    assert.deepEqual((await points(list[0].id, "weather_note"))[7], [T * 1000 + 7, 'line\n"7"']);
    const bad = new InfluxDB({ url: d.url, token: "none" }).getWriteApi("org", "bucket", "ns", {
        maxRetries: 0,
        writeFailed: (e) => {
            bad.failure = e;
            return Promise.resolve();
        },
    });
    bad.writeRecord("weather,host=v2 temp=");
    await bad.close().catch(() => {});
    assert.equal(bad.failure.statusCode, 400);
    assert.match(bad.failure.message, /missing field value/);
});

test("npm influx", async () => {
    const [host, port] = d.http.split(":");
    const client = new InfluxDB1({ host, port: Number(port), database: "v1" });
    const [{ online, version }] = await client.ping(5000);
    assert.equal(online, true);
    assert.match(version, /^1\.8\./);
    const names = await client.getDatabaseNames();
    if (!names.includes("v1")) await client.createDatabase("v1");
    await client.writePoints(
        [
            {
                measurement: "room",
                tags: { host: "v1-client" },
                fields: { value: 21.5 },
                timestamp: new Date(T * 1000),
            },
        ],
        { precision: "ms" },
    );
    assert.deepEqual(await points("v1-client", "room"), [[T * 1000, 21.5]]);
    await assert.rejects(
        client.writePoints([
            { measurement: "room", tags: { host: "v1-client" }, fields: { value: "warm" } },
        ]),
        /partial write: field type conflict/,
    );
    await assert.rejects(client.query("SELECT * FROM room"), /error parsing query/);
});

test("Python influxdb", async () => {
    const [host, port] = d.http.split(":");
    const program = `
from influxdb import InfluxDBClient
from influxdb.exceptions import InfluxDBClientError
c = InfluxDBClient("${host}", ${port}, "me", "secret", "py", gzip=True)
assert c.ping().startswith("1.8."), c.ping()
c.create_database("py")
points = [{"measurement": "press", "tags": {"host": "py-client", "line": "a b"},
           "fields": {"force": 12.5 + i, "count": i, "ok": True, "note": u"gr\\u00fcn"},
           "time": (${T} + i) * 1000000000} for i in range(20)]
assert c.write_points(points, batch_size=7)
try:
    c.write_points([{"measurement": "press", "tags": {"host": "py-client", "line": "a b"},
                     "fields": {"force": "much"}}])
    raise SystemExit("it was taken")
except InfluxDBClientError as e:
    assert e.code == 400 and "field type conflict" in e.content, (e.code, e.content)
`;
    const r = await run("/usr/bin/python3", ["-c", program]);
    assert.equal(r.code, 0, r.stderr);
    const sensors = (await d.get("/api/v1/twins/py-client/sensors")).body.items;
    const force = sensors.find((s) => s.name === "press force, line=a b");
    assert.equal((await points("py-client", force.id)).length, 20);
    const note = sensors.find((s) => s.name === "press note, line=a b");
    assert.equal((await points("py-client", note.id))[0][1], "grün");
});

test("what clients ask: ping, health, statements", async () => {
    let r = await d.fetch("/ping");
    assert.equal(r.status, 204);
    assert.match(r.headers.get("x-influxdb-version"), /^1\.8\./);
    assert.equal((await d.fetch("/ping", { method: "HEAD" })).status, 204);
    assert.match((await d.get("/ping?verbose=true")).body.version, /^1\.8\./);
    assert.equal((await d.get("/health")).body.status, "pass");
    r = await d.get('/query?q=create%20database%20"a";show%20databases;');
    assert.deepEqual(r.body, {
        results: [
            { statement_id: 0 },
            { statement_id: 1, series: [{ name: "databases", columns: ["name"] }] },
        ],
    });
    assert.equal((await d.get("/query?q=DROP%20DATABASE%20a")).status, 400);
    assert.equal((await d.get("/query")).status, 400);
});

test("without --provision nothing is made by itself", async (t) => {
    const s = await start(t);
    let r = await write("m,host=nobody f=1", "db=x", {}, s);
    assert.equal(r.status, 400);
    assert.match(r.body.error, /there is no twin "nobody"/);
    r = await write2("m,host=nobody f=1", "bucket=x", {}, s);
    assert.equal(r.status, 422);
    assert.equal((await s.get("/api/v1/twins")).body.total, 0);
    await s.create(twin("nobody", { m_g: {} }));
    r = await write("m,host=nobody f=1,g=2", "db=x", {}, s);
    assert.match(r.body.error, /nobody has no sensor "m_f"/);
    assert.equal((await s.get("/api/v1/twins/nobody/sensors/m_g")).body.value, 2);
    const refused = (await s.get("/api/v1/rejections")).body;
    assert.deepEqual(
        refused.items.map((x) => x.code),
        ["unknown-sensor", "unknown-twin", "unknown-twin"],
    );
});

test("many connections that speak of the same new twins make each once and lose nothing", async (t) => {
    const s = await start(t, { args: ["--provision=http"] });
    const sends = [];
    for (let c = 0; c < 20; c++)
        sends.push(
            write(
                Array.from(
                    { length: 50 },
                    (_, i) => `m,host=h${i % 7} f${c % 5}=${c},all=1 ${T + c * 50 + i}${NS}`,
                ).join("\n"),
                "db=x",
                {},
                s,
            ),
        );
    for (const r of await Promise.all(sends)) assert.equal(r.status, 204, r.text);
    const list = (await s.get("/api/v1/twins?sensors=20")).body;
    assert.equal(list.total, 7);
    for (const x of list.items) assert.equal(x.sensorCount, 6);
    let n = 0;
    for (let h = 0; h < 7; h++) n += (await s.history(`h${h}`, "m_all", "from=0")).points.length;
    assert.equal(n, 1000);
    const profile = (await s.get("/api/v1/twins/h0?live=false")).body;
    const found = await s.post("/api/v1/validate", profile);
    assert.equal(found.body.complete, true, JSON.stringify(found.body.findings));
    /* all of it is there after the power went */
    await s.kill();
    await s.start();
    n = 0;
    for (let h = 0; h < 7; h++) n += (await s.history(`h${h}`, "m_all", "from=0")).points.length;
    assert.equal(n, 1000);
});

test("kill -9 while twins are made: what was acknowledged is there", async (t) => {
    const s = await start(t, { args: ["--provision=http"] });
    const acknowledged = new Map(); /* twin -> times */
    let next = 0;
    for (let round = 0; round < 3; round++) {
        let ended = false;
        let acks = 0;
        const writer = async () => {
            while (!ended) {
                const id = `k${next++ % 40}-${round}`;
                const time = T + next;
                const r = await write(`m,host=${id} n=${next} ${time}${NS}`, "db=x", {}, s).catch(
                    () => null /* the power went */,
                );
                if (r?.status !== 204) continue;
                acks++;
                acknowledged.set(id, [...(acknowledged.get(id) ?? []), time * 1000]);
            }
        };
        const writers = Array.from({ length: 8 }, writer);
        await until("some points are acknowledged", () => acks >= 60);
        await s.kill();
        ended = true;
        await Promise.all(writers);
        await s.start();
    }
    assert.ok(acknowledged.size > 40);
    for (const [id, times] of acknowledged) {
        const there = (await s.history(id, "m_n")).points.map((p) => p[0]);
        for (const time of times) assert.ok(there.includes(time), `${id} lost ${time}`);
        assert.equal(new Set(there).size, there.length, `${id} has one twice`);
    }
});

test("past a limit it is said, so that the sender tries again or does not", async (t) => {
    const s = await start(t, {
        args: ["--provision=http", "--provision-sensors-per-minute=2", "--provision-twins=1"],
    });
    let r = await write(`m,host=a x=1,y=2,z=3 ${T}${NS}`, "db=x", {}, s);
    assert.equal(r.status, 503);
    assert.match(r.body.error, /no more than 2 sensors are made by themselves in a minute/);
    assert.ok(Number(r.headers.get("retry-after")) > 0);
    assert.equal((await s.get("/api/v1/twins/a/sensors/m_y")).body.value, 2);
    r = await write2("m,host=b x=1", "bucket=x", {}, s);
    assert.equal(r.status, 422);
    assert.match(r.body.message, /no more than 1 twins are made by themselves here/);
});

test("rules of a mapping file", async (t) => {
    const file = join(temporary(t), "mapping.json");
    writeFileSync(
        file,
        JSON.stringify({
            databases: ["plant"],
            rules: [
                {
                    measurement: "modbus",
                    tags: { slave_id: "*" },
                    field: "temp*",
                    twin: "pump-{tag.slave_id}",
                    sensor: "{field}",
                    unit: "celsius",
                    type: "temperature",
                    twinType: "Pump",
                },
            ],
        }),
    );
    const s = await start(t, { args: ["--provision=http", "--line-mapping", file] });
    let r = await write(
        `modbus,host=gw,slave_id=7 temp_in=41.5,state="on" ${T}${NS}`,
        "db=plant",
        {},
        s,
    );
    assert.equal(r.status, 204, r.text);
    const sensor = (await s.get("/api/v1/twins/pump-7/sensors/temp_in")).body;
    assert.equal(sensor.unit, "celsius");
    assert.equal(sensor.value, 41.5);
    assert.equal((await s.get("/api/v1/twins/pump-7?live=false")).body.subjectOf.name, "Pump");
    assert.equal(
        (await s.get("/api/v1/twins/gw/sensors/modbus_state:slave_id:7")).body.value,
        "on",
    );
    r = await write("m f=1", "db=other", {}, s);
    assert.equal(r.status, 404);
    assert.deepEqual(r.body, { error: 'database not found: "other"' });
    r = await write2("m f=1", "bucket=other", {}, s);
    assert.equal(r.status, 404);
    assert.equal(r.body.message, 'bucket "other" not found');
    writeFileSync(file, '{"rules":[{"twin":"{nonsense}"}]}');
    const failed = await doppel(["serve", "--data", temporary(t), "--line-mapping", file]);
    assert.notEqual(failed.code, 0);
    assert.match(failed.stderr, /mapping\.json is not right: \/rules\/0\/twin is a text with/);
    const usage = await doppel(["serve", "--data", temporary(t), "--provision", "http,ftp"]);
    assert.notEqual(usage.code, 0);
    assert.match(usage.stderr, /there is none called "ftp"/);
});
