/* Questions about the past: the calendar of a zone against Intl, gaps, what stands before, many
 * sensors at once, answers of any length as NDJSON and CSV, and what happens when nobody reads them. */

import assert from "node:assert/strict";
import http from "node:http";
import http2 from "node:http2";
import { test } from "node:test";
import { run, shared } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { until } from "../lib/wait.mjs";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const T0 = Date.UTC(2023, 11, 1, 0, 7);
const N = 20_000; /* every half hour and a bit, over more than a year */
const STEP = 31 * 60_000;

let seed = 99;
const draw = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 2147483648;
};
/* With a gap of three days now and then. */
let at = T0;
const series = Array.from({ length: N }, (_, i) => {
    at += i % 2000 === 1999 ? 3 * DAY : STEP;
    return [at, Math.round(1e3 * (20 + 10 * Math.sin(i / 300) + draw())) / 1e3];
});
const END = at + 1;

const d = shared({}, async (server) => {
    await server.create(twin("ask-1", { wave: {}, on: { type: "switch", unit: "1" }, few: {} }));
    await server.create(twin("ask-2", ["wave", "few"]));
    for (let i = 0; i < N; i += 5000) {
        const lines = series
            .slice(i, i + 5000)
            .map(([t, v]) => JSON.stringify({ sensor: "wave", value: v, timestamp: t }));
        const r = await server.post(
            "/api/v1/twins/ask-1/readings",
            lines.join("\n"),
            "application/x-ndjson",
        );
        assert.deepEqual(r.body, { accepted: 5000 }, r.text);
    }
    for (const id of ["ask-1", "ask-2"])
        await server.post(`/api/v1/twins/${id}/readings`, [
            { sensor: "few", value: id === "ask-1" ? 1 : 10, timestamp: T0 },
            { sensor: "few", value: id === "ask-1" ? 4 : 40, timestamp: T0 + 3 * HOUR },
        ]);
    await server.post("/api/v1/twins/ask-1/readings", [
        { sensor: "on", value: true, timestamp: T0 },
        { sensor: "on", value: false, timestamp: T0 + 2 * HOUR },
    ]);
});

const span = `from=${T0 - DAY}&to=${END}`;
const ask = (query, sensor = "wave", id = "ask-1") => d.history(id, sensor, query);
const pathOf = (query, sensor = "wave") => `/api/v1/twins/ask-1/sensors/${sensor}/history?${query}`;

/* ---- the calendar ---- */

/* What the clocks of a zone show, as numbers. */
const formats = new Map();
function wall(zone, t) {
    if (!formats.has(zone))
        formats.set(
            zone,
            new Intl.DateTimeFormat("en-CA", {
                timeZone: zone,
                hourCycle: "h23",
                year: "numeric",
                month: "2-digit",
                day: "2-digit",
                hour: "2-digit",
                minute: "2-digit",
                second: "2-digit",
            }),
        );
    const parts = Object.fromEntries(
        formats
            .get(zone)
            .formatToParts(t)
            .map((p) => [p.type, Number(p.value)]),
    );
    return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
}

/* A name for the step that a time is in, by what the clocks show. */
const CALENDAR = {
    "1d": (w) => Math.floor(w / DAY),
    "1w": (w) => Math.floor((w / DAY + 3) / 7),
    "1mo": (w) => new Date(w).toISOString().slice(0, 7),
    "1y": (w) => new Date(w).getUTCFullYear(),
    "2d": (w) => Math.floor(w / DAY / 2),
    P3M: (w) => Math.floor((new Date(w).getUTCFullYear() * 12 + new Date(w).getUTCMonth()) / 3),
};

/* The first moment of the step: nothing a second before is in it. */
function isBeginning(zone, name, t) {
    return name(wall(zone, t)) !== name(wall(zone, t - 1000));
}

for (const zone of [
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "America/Santiago",
    "Asia/Beirut",
    "UTC",
])
    test(`steps of the calendar are those of ${zone} as Intl has it`, async () => {
        for (const [every, name] of Object.entries(CALENDAR)) {
            const groups = new Map();
            for (const [t, v] of series) {
                const key = name(wall(zone, t));
                if (!groups.has(key)) groups.set(key, []);
                groups.get(key).push(v);
            }
            const h = await ask(
                `${span}&every=${every}&tz=${encodeURIComponent(zone)}&fn=count,min,max,mean`,
            );
            assert.deepEqual(h.fn, ["count", "min", "max", "mean"]);
            const expected = [...groups.values()];
            assert.equal(h.points.length, expected.length, every);
            for (const [i, [t, count, min, max, mean]] of h.points.entries()) {
                const v = expected[i];
                assert.deepEqual([count, min, max], [v.length, Math.min(...v), Math.max(...v)]);
                assert.ok(Math.abs(mean - v.reduce((a, b) => a + b) / v.length) < 1e-9);
                assert.ok(isBeginning(zone, name, t), `${every} does not begin at ${t}`);
            }
        }
    });

test("a day has 23 hours in March and 25 in October; hours are none shorter", async () => {
    for (const [date, hours] of [
        ["2024-03-31", 23],
        ["2024-10-27", 25],
        ["2024-06-01", 24],
    ]) {
        const from = Date.parse(`${date}T00:00:00Z`) - 2 * HOUR;
        const q = `from=${from}&to=${from + 2 * DAY}&tz=Europe/Berlin&fill=0`;
        const days = (await ask(`${q}&every=1d`, "few")).points.map((p) => p[0]);
        const steps = (await ask(`${q}&every=1h`, "few")).points.map((p) => p[0]);
        const i = days.findIndex(
            (t) => wall("Europe/Berlin", t) === Date.parse(`${date}T00:00:00Z`),
        );
        assert.equal((days[i + 1] - days[i]) / HOUR, hours);
        assert.equal(steps.filter((t) => t >= days[i] && t < days[i + 1]).length, hours);
    }
    /* in a zone of half hours they begin with the hour of its clocks */
    const h = await ask(`from=${T0}&to=${T0 + DAY}&every=1h&tz=Asia/Kolkata&fill=null`, "few");
    for (const [t] of h.points) assert.equal(wall("Asia/Kolkata", t) % HOUR, 0);
});

test("an offset is a zone, and what is no zone is said", async () => {
    const [a, b] = await Promise.all([
        ask(`${span}&every=1d&tz=${encodeURIComponent("+05:30")}`),
        ask(`${span}&every=1d&tz=Asia/Kolkata`),
    ]);
    assert.deepEqual(a.points, b.points);
    for (const tz of [
        "Europe/Nowhere",
        "../../etc/passwd",
        "Europe",
        "",
        "%2Fetc%2Fpasswd",
        "+25:00",
    ]) {
        const r = await d.get(pathOf(`${span}&every=1d&tz=${tz}`));
        assert.equal(r.status, 400, tz);
        assert.match(r.body.detail, /time zone/);
    }
});

/* ---- gaps, and what stands ---- */

test("empty steps are left out or filled", async () => {
    const q = `from=${T0 - HOUR}&to=${T0 + 5 * HOUR}&every=1h&fn=last`;
    const h0 = Math.floor((T0 - HOUR) / HOUR) * HOUR;
    const times = Array.from({ length: 7 }, (_, i) => h0 + i * HOUR).filter(
        (t) => t < T0 + 5 * HOUR,
    );
    const expected = {
        null: [null, 1, null, null, 4, null, null],
        previous: [null, 1, 1, 1, 4, 4, 4],
        linear: [null, 1, 2, 3, 4, null, null],
        "-2.5": [-2.5, 1, -2.5, -2.5, 4, -2.5, -2.5],
    };
    assert.deepEqual(
        (await ask(q, "few")).points.map((p) => p[1]),
        [1, 4],
    );
    for (const [fill, values] of Object.entries(expected)) {
        const h = await ask(`${q}&fill=${fill}`, "few");
        assert.deepEqual(
            h.points,
            times.map((t, i) => [t, values[i]]),
            fill,
        );
    }
});

test("the reading before, wherever it lies", async () => {
    const i = 7777;
    const h = await ask(`from=${series[i][0]}&to=${series[i + 3][0]}&before=true`);
    assert.deepEqual(h.before, series[i - 1]);
    assert.deepEqual(h.points, series.slice(i, i + 3));
    const far = await ask(`from=${END + 900 * DAY}&to=${END + 901 * DAY}&before=true`);
    assert.deepEqual([far.before, far.points], [series.at(-1), []]);
    assert.equal((await ask(`from=0&to=${T0}&before=true`)).before, null);
    /* a switch holds its state through the gap */
    const on = await ask(
        `from=${T0 + HOUR}&to=${T0 + 4 * HOUR}&every=1h&fn=last&fill=previous&before=true`,
        "on",
    );
    assert.deepEqual(on.before, [T0, true]);
    assert.deepEqual(
        on.points.map((p) => p[1]),
        [true, false, false, false],
    );
});

test("largest triangles: real readings, as many as asked for", async () => {
    const h = await ask(`${span}&points=200&fn=lttb`);
    assert.equal(h.points.length, 200);
    const known = new Map(series);
    for (const [t, v] of h.points) assert.equal(known.get(t), v);
    assert.deepEqual([h.points[0], h.points.at(-1)], [series[0], series.at(-1)]);
});

/* ---- many at once ---- */

test("many sensors by name and by pattern, each once, in the order asked for", async () => {
    const q = `from=${T0}&to=${T0 + DAY}`;
    const names = (r) => r.body.series.map((s) => `${s.twin}/${s.sensor}`);
    const two = await d.get(`/api/v1/history?series=ask-2/few,ask-1/few,ask-2/few&${q}`);
    assert.deepEqual(names(two), ["ask-2/few", "ask-1/few"]);
    assert.deepEqual(
        two.body.series.map((s) => s.points.map((p) => p[1])),
        [
            [10, 40],
            [1, 4],
        ],
    );
    const pattern = await d.get(`/api/v1/history?series=ask-*/f*w&${q}`);
    assert.deepEqual(names(pattern), ["ask-1/few", "ask-2/few"]);
    assert.deepEqual(names(await d.get(`/api/v1/history?series=ask-1/*&${q}&points=10`)), [
        "ask-1/wave",
        "ask-1/on",
        "ask-1/few",
    ]);
    assert.deepEqual(names(await d.get(`/api/v1/history?series=nobody-*/*&${q}`)), []);
    const posted = await d.post("/api/v1/history", {
        series: ["ask-1/few", "ask-2/few"],
        from: T0,
        to: T0 + DAY,
        every: "1d",
        fn: ["sum", "count"],
    });
    assert.equal(posted.status, 200, posted.text);
    assert.deepEqual(posted.body.fn, ["sum", "count"]);
    const day = Math.floor(T0 / DAY) * DAY;
    assert.deepEqual(
        posted.body.series.map((s) => s.points),
        [[[day, 5, 2]], [[day, 50, 2]]],
    );
});

/* ---- forms of any length ---- */

test("NDJSON has every reading, and can be sent back as it is", async () => {
    const r = await d.get(pathOf(`${span}&format=ndjson`));
    assert.match(r.type, /^application\/x-ndjson/);
    const lines = r.text.split("\n");
    assert.equal(lines.pop(), "");
    assert.equal(lines.length, N);
    assert.deepEqual(
        lines.map((l) => {
            const o = JSON.parse(l);
            assert.deepEqual([o.twin, o.sensor], ["ask-1", "wave"]);
            return [o.timestamp, o.value];
        }),
        series,
    );
    const back = await d.post(
        "/api/v1/twins/ask-2/readings",
        lines.slice(0, 5000).join("\n"),
        "application/x-ndjson",
    );
    assert.deepEqual(back.body, { accepted: 5000 }, back.text);
    const copy = await d.history("ask-2", "wave", `${span}&limit=100000`);
    assert.deepEqual(copy.points, series.slice(0, 5000));
});

test("CSV has every reading, by Accept as well; several sensors have columns for it", async () => {
    const r = await d.get(pathOf(span), { headers: { accept: "text/csv" } });
    assert.match(r.type, /^text\/csv/);
    const lines = r.text.split("\n");
    assert.equal(lines.shift(), "time,value");
    assert.equal(lines.pop(), "");
    assert.deepEqual(
        lines.map((l) => [Date.parse(l.split(",")[0]), Number(l.split(",")[1])]),
        series,
    );
    const many = await d.get(
        `/api/v1/history?series=*/few&from=${T0}&to=${T0 + 1}&format=csv&quality=true`,
    );
    const time = new Date(T0).toISOString().replace(".000", "");
    assert.equal(
        many.text,
        `twin,sensor,time,value,quality\nask-1,few,${time},1,good\nask-2,few,${time},10,good\n`,
    );
    const fns = await d.get(
        pathOf(`from=${T0}&to=${T0 + DAY}&every=1h&fn=min,max&format=csv`, "on"),
    );
    assert.match(fns.text, /^time,min,max\n2023-12-01T00:00:00Z,true,true\n/);
});

/* Steps without end: a row each millisecond since 1970. */
const ENDLESS = "/api/v1/history?series=ask-1/few&from=0&every=1ms&fill=0&format=";
const underWay = async () =>
    Number(/^doppel_history_questions (\d+)$/m.exec((await d.get("/metrics")).text)[1]);
const memory = async () => (await d.get("/api/v1/status")).body.memory;

for (const [name, format] of [
    ["NDJSON", "ndjson"],
    ["CSV", "csv"],
])
    test(`who does not read an endless ${name} costs nothing, and who leaves ends it`, async () => {
        const before = await memory();
        const peers = await Promise.all(
            Array.from(
                { length: 20 },
                () =>
                    new Promise((resolve, reject) => {
                        const req = http.get(new URL(ENDLESS + format, d.url), (res) => {
                            res.pause();
                            resolve({ req, res });
                        });
                        req.on("error", reject);
                    }),
            ),
        );
        assert.equal(peers[0].res.headers["transfer-encoding"], "chunked");
        await until("all are under way", async () => (await underWay()) === 20);
        /* others are answered meanwhile */
        assert.deepEqual((await ask(`from=${T0}&to=${T0 + 1}`, "few")).points, [[T0, 1]]);
        assert.ok((await memory()) - before < 64e6, "memory grows");
        for (const { req, res } of peers) {
            req.on("error", () => {});
            res.on("error", () => {});
            res.destroy();
        }
        await until("nothing is under way", async () => (await underWay()) === 0);
    });

test("one who reads an endless answer gets row after row, and may leave at any time", async () => {
    const lines = await new Promise((resolve, reject) => {
        let text = "";
        const req = http.get(new URL(`${ENDLESS}ndjson`, d.url), (res) => {
            res.setEncoding("utf8");
            res.on("error", () => {});
            res.on("data", (piece) => {
                text += piece;
                if (text.length > 3e6) {
                    resolve(text.split("\n").slice(0, -1));
                    res.destroy();
                }
            });
        });
        req.on("error", reject);
    });
    for (const [i, line] of lines.entries())
        assert.equal(line, `{"twin":"ask-1","sensor":"few","timestamp":${i},"value":0}`);
    await until("nothing is under way", async () => (await underWay()) === 0);
});

test("the same over HTTP/2: a stream that stalls does not hold up another", async () => {
    const session = http2.connect(d.url);
    session.on("error", () => {});
    const stalled = session.request({ ":path": `${ENDLESS}csv` });
    stalled.on("error", () => {});
    await new Promise((resolve) => stalled.once("response", resolve));
    stalled.pause();
    const text = await new Promise((resolve, reject) => {
        const req = session.request({ ":path": pathOf(`${span}&format=ndjson`) });
        let all = "";
        req.setEncoding("utf8");
        req.on("data", (piece) => {
            all += piece;
        });
        req.on("end", () => resolve(all));
        req.on("error", reject);
    });
    assert.equal(text.split("\n").length, N + 1);
    assert.equal(await underWay(), 1);
    stalled.close(http2.constants.NGHTTP2_CANCEL);
    await until("nothing is under way", async () => (await underWay()) === 0);
    session.destroy();
});

test("curl takes it compressed, nghttp over HTTP/2", async () => {
    const url = new URL(pathOf(`${span}&format=csv`), d.url).href;
    const curl = await run("curl", ["-sS", "--compressed", url]);
    assert.equal(curl.stdout.split("\n").length, N + 2);
    const nghttp = await run("nghttp", ["-n", "-v", url]);
    assert.match(nghttp.stdout, /:status: 200/);
});

test("HEAD tells the form and does not read", async () => {
    const r = await d.fetch(`${ENDLESS}csv`, { method: "HEAD" });
    assert.match(r.headers.get("content-type"), /^text\/csv/);
    await until("nothing is under way", async () => (await underWay()) === 0);
});

test("a twin that is deleted meanwhile breaks the answer off", async () => {
    await d.create(twin("ask-gone", ["a"]));
    const cut = await new Promise((resolve) => {
        const path = ENDLESS.replace("ask-1/few", "ask-gone/a");
        http.get(new URL(`${path}csv`, d.url), async (res) => {
            res.pause();
            await d.send("DELETE", "/api/v1/twins/ask-gone");
            res.on("error", (e) => resolve(e.code));
            res.on("end", () => resolve("complete"));
            res.resume();
        });
    });
    assert.equal(cut, "ECONNRESET");
});

/* ---- what is refused ---- */

for (const [query, says] of [
    ["every=1d&points=10", /not for both/],
    ["tz=UTC", /goes with every/],
    ["fill=0&points=10", /goes with every/],
    ["fn=mean", /goes with every/],
    ["fn=mean&points=10", /thin or lttb/],
    ["fn=lttb&every=1h", /mean, min/],
    ["fn=min,min&every=1h", /twice/],
    ["fn=&every=1h", /mean, min/],
    ["every=1.5d", /duration/],
    ["every=P1DT1H", /duration/],
    ["every=0mo", /duration/],
    ["every=999999999y", /duration/],
    ["every=1h&fill=zero", /fill is/],
    ["format=xml", /json, ndjson or csv/],
    ["before=perhaps", /true or false/],
    ["from=5&to=4", /after/],
])
    test(`refused with advice: ${query}`, async () => {
        const r = await d.get(pathOf(query));
        assert.equal(r.status, 400, r.text);
        assert.match(r.body.detail, says);
    });

test("what is too much is refused with advice, and how it would go", async () => {
    const r = await d.get(pathOf("from=0&every=1s"));
    assert.equal(r.status, 413);
    assert.match(r.body.detail, /100000 steps.*ndjson/);
    const list = Array.from({ length: 1001 }, () => "ask-1/few");
    assert.equal((await d.post("/api/v1/history", { series: list })).status, 400);
    for (const [series, status] of [
        ["", 400],
        ["ask-1", 400],
        ["/few", 400],
        ["ask-1/few/x", 400],
        ["nobody/few", 404],
        ["ask-1/nothing", 404],
    ])
        assert.equal((await d.get(`/api/v1/history?series=${series}`)).status, status, series);
    assert.equal((await d.post("/api/v1/history", "{")).status, 400);
    assert.equal((await d.post("/api/v1/history", "{}", "text/html")).status, 415);
});
