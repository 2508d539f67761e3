#!/usr/bin/env node
/* double.mjs - a test double of the server, for work on the page.
 *
 * It speaks what docs/interfaces.md says of REST and the stream, with moving demo data in memory,
 * and serves dist/ the way the server does (single-page fallback, Content-Security-Policy).  It
 * keeps nothing, has no MQTT, and is not part of the product.
 *
 *   node dev/double.mjs [--port 8090] [--many N] [--empty] [--still] [--noisy]
 *     --many N   N more twins that move slowly     --empty  no twins at all
 *     --wide N   a twin of N sensors at 10 Hz
 *     --still    nothing moves                     --noisy  a refused reading now and then
 *     --locked   people sign in (ann@example.org, ben@example.org: double-access.mjs)
 *     --setup    the same, before there is an administrator */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";
import { makeAccess } from "./double-access.mjs";
import { PROFILES, pastTimes, SIGNALS } from "./double-data.mjs";
import { answerGraph } from "./double-graph.mjs";
import { fillIn, intervalOf, judge, sample } from "./double-profile.mjs";

const { values: args } = parseArgs({
    options: {
        port: { type: "string", default: "8090" },
        many: { type: "string", default: "0" },
        empty: { type: "boolean", default: false },
        still: { type: "boolean", default: false },
        noisy: { type: "boolean", default: false },
        wide: { type: "string", default: "0" },
        locked: { type: "boolean", default: false },
        setup: { type: "boolean", default: false },
    },
});
const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const CSP =
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' blob:; worker-src 'self'; frame-src 'self'; object-src 'none'";
const started = Date.now();

/* ---- twins ---- */

const twins = new Map();
const rejections = [];
let rejectionCount = 0;
const streams = new Set();

class Refusal extends Error {
    constructor(status, code, detail, more = {}) {
        super(detail);
        Object.assign(this, { status, code, more });
    }
}

const access = makeAccess({
    locked: args.locked || args.setup,
    setup: args.setup,
    refuse: (status, code, detail, more) => {
        throw new Refusal(status, code, detail, more);
    },
    twins: () => [...twins.values()].map((t) => ({ id: t.id, name: t.doc.name })),
});

const iso = (ms) => new Date(ms).toISOString();

function readSensors(doc, before) {
    const sensors = new Map();
    for (const s of doc.sensors ?? []) {
        const old = before?.get(s.id);
        sensors.set(s.id, {
            meta: s,
            interval: intervalOf(s.updateFrequency),
            times: old?.times ?? [],
            values: old?.values ?? [],
            qualities: old?.qualities ?? [],
            updates: old?.updates ?? 0,
            last: old?.last ?? null,
        });
    }
    return sensors;
}

function keep(id, doc, text, extra = {}) {
    const old = twins.get(id);
    const twin = {
        id,
        doc,
        text,
        etag: `"${createHash("sha256").update(text).digest("hex").slice(0, 16)}"`,
        created: old?.created ?? Date.now(),
        modified: Date.now(),
        simulated: old?.simulated ?? false,
        demo: old?.demo ?? false,
        sensors: readSensors(doc, old?.sensors),
        state: old?.state ?? "waiting",
        ...extra,
    };
    twins.set(id, twin);
    tell({ event: old ? "twin-changed" : "twin-created", twin: id });
    return twin;
}

function level(meta, value) {
    const { normalRange: n, criticalRange: c } = meta;
    if (typeof value !== "number" || (!n && !c)) return "unknown";
    if (c && value >= c[0] && value <= c[1]) return "critical";
    if (c && n && ((c[0] >= n[1] && value > c[1]) || (c[1] <= n[0] && value < c[0])))
        return "critical";
    if (n) return value >= n[0] && value <= n[1] ? "normal" : "warning";
    return "normal";
}

const staleAfter = (s) => (s.interval ? Math.max(2000, 3 * s.interval) : 10_000);

function stateOf(s) {
    if (!s.last) return "waiting";
    return Date.now() - s.last.t > staleAfter(s) ? "stale" : "live";
}

function twinState(twin) {
    const states = [...twin.sensors.values()].map(stateOf);
    if (states.includes("live")) return "live";
    return states.includes("stale") ? "stale" : "waiting";
}

function showSensor(id, s) {
    const out = {
        id,
        name: s.meta.name,
        type: s.meta.type,
        unit: s.meta.unit,
        value: s.last?.value ?? null,
        t: s.last?.t ?? null,
        quality: s.last?.quality ?? null,
        state: stateOf(s),
        level: level(s.meta, s.last?.value),
        interval: s.interval,
        updates: s.updates,
    };
    if (s.meta.normalRange) out.normalRange = s.meta.normalRange;
    if (s.meta.criticalRange) out.criticalRange = s.meta.criticalRange;
    return out;
}

function summary(twin, count) {
    const last = Math.max(0, ...[...twin.sensors.values()].map((s) => s.last?.t ?? 0));
    return {
        id: twin.id,
        name: twin.doc.name,
        description: twin.doc.description,
        type: twin.doc.subjectOf.name,
        state: twinState(twin),
        simulated: twin.simulated,
        demo: twin.demo,
        created: iso(twin.created),
        modified: iso(twin.modified),
        lastSynced: last ? iso(last) : null,
        sensorCount: twin.sensors.size,
        sensors: [...twin.sensors].slice(0, count).map(([id, s]) => showSensor(id, s)),
    };
}

function liveProfile(twin) {
    const doc = structuredClone(twin.doc);
    let last = 0;
    for (const s of doc.sensors ?? []) {
        const live = twin.sensors.get(s.id)?.last;
        if (!live) continue;
        s.currentValue = live.value;
        s.timestamp = iso(live.t);
        last = Math.max(last, live.t);
    }
    if (last) {
        doc.synchronization = {
            ...doc.synchronization,
            lastSynced: iso(last),
            connectionStatus: twinState(twin) === "live" ? "active" : "inactive",
            latency: 3,
        };
    }
    return doc;
}

/* ---- readings ---- */

const UNIT_TO = {
    "degF>celsius": (v) => ((v - 32) * 5) / 9,
    "rad>degrees": (v) => (v * 180) / Math.PI,
};

function readTime(value) {
    if (value === undefined) return Date.now();
    const t = typeof value === "number" ? value : Date.parse(value);
    if (!Number.isFinite(t) || t < 0 || t > Date.now() + 86_400_000) {
        throw new Refusal(
            422,
            "bad-time",
            `The time ${JSON.stringify(value)} cannot be read, or is absurd.`,
        );
    }
    return t;
}

function put(twin, sensorId, reading) {
    const s = twin.sensors.get(sensorId);
    if (!s)
        throw new Refusal(422, "unknown-sensor", `The twin ${twin.id} has no sensor ${sensorId}.`);
    let { value } = reading;
    if (value === null || !["number", "boolean", "string"].includes(typeof value)) {
        throw new Refusal(400, "malformed", "A value is a number, a boolean or a text.");
    }
    const numeric = !["boolean", "text", "state"].includes(s.meta.type);
    if (numeric && typeof value !== "number") {
        throw new Refusal(
            422,
            "wrong-type",
            `${sensorId} takes numbers; this is ${JSON.stringify(value)}.`,
        );
    }
    if (reading.unit && reading.unit !== s.meta.unit) {
        const convert = UNIT_TO[`${reading.unit}>${s.meta.unit}`];
        if (!convert)
            throw new Refusal(
                422,
                "bad-unit",
                `${reading.unit} cannot be converted to ${s.meta.unit}.`,
            );
        value = convert(value);
    }
    const t = readTime(reading.timestamp);
    append(twin, sensorId, s, t, value, reading.quality ?? "good");
}

function append(twin, sensorId, s, t, value, quality) {
    let i = s.times.length;
    while (i > 0 && s.times[i - 1] > t) i--;
    if (i > 0 && s.times[i - 1] === t) {
        s.values[i - 1] = value;
        s.qualities[i - 1] = quality;
    } else {
        s.times.splice(i, 0, t);
        s.values.splice(i, 0, value);
        s.qualities.splice(i, 0, quality);
    }
    s.updates++;
    if (!s.last || t >= s.last.t) s.last = { t, value, quality };
    for (const stream of streams)
        stream.offer({ twin: twin.id, sensor: sensorId, t, value, quality });
}

function reject(source, peer, topic, twin, sensor, refusal, payload) {
    const text = typeof payload === "string" ? payload : JSON.stringify(payload);
    const one = {
        at: iso(Date.now()),
        source,
        peer,
        topic,
        twin,
        sensor,
        code: refusal.code,
        detail: refusal.message,
        payload: text?.slice(0, 256) ?? null,
    };
    rejectionCount++;
    rejections.unshift(one);
    rejections.length = Math.min(rejections.length, 1000);
    tell({ event: "rejection", ...one });
}

/* body (parsed) of POST …/readings or …/sensors/S/readings → a list of single readings */
function single(body, sensorId) {
    if (sensorId) {
        return (Array.isArray(body) ? body : [body]).map((one) =>
            one !== null && typeof one === "object"
                ? { sensor: sensorId, ...one }
                : { sensor: sensorId, value: one },
        );
    }
    return (Array.isArray(body) ? body : [body]).flatMap((one) => {
        if (one === null || typeof one !== "object")
            throw new Refusal(400, "malformed", "A reading is an object.");
        if ("sensor" in one && "value" in one) return [one];
        const { timestamp, ...rest } = one;
        return Object.entries(rest).map(([sensor, v]) =>
            v !== null && typeof v === "object"
                ? { sensor, timestamp, ...v }
                : { sensor, timestamp, value: v },
        );
    });
}

function takeReadings(twinId, body, sensorId, source, peer, topic) {
    const twin = twins.get(twinId);
    if (!twin) {
        const refusal = new Refusal(404, "unknown-twin", `There is no twin ${twinId}.`);
        reject(source, peer, topic, twinId, sensorId ?? null, refusal, body);
        throw refusal;
    }
    let accepted = 0;
    const rejected = [];
    let first;
    single(body, sensorId).forEach((one, index) => {
        try {
            put(twin, one.sensor, one);
            accepted++;
        } catch (refusal) {
            if (!(refusal instanceof Refusal)) throw refusal;
            first ??= refusal;
            rejected.push({
                index,
                sensor: one.sensor,
                code: refusal.code,
                detail: refusal.message,
            });
            reject(source, peer, topic, twinId, one.sensor, refusal, one);
        }
    });
    if (first) throw new Refusal(first.status, first.code, first.message, { accepted, rejected });
    return { accepted };
}

/* ---- history ---- */

function instant(text, fallback) {
    if (text === null || text === "") return fallback;
    const t = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text);
    if (!Number.isFinite(t))
        throw new Refusal(400, "malformed", `The time ${text} cannot be read.`);
    return t;
}

function thin(points, n) {
    if (points.length <= n) return points;
    const buckets = Math.max(1, Math.floor((n - 2) / 2));
    const from = points[0][0];
    const step = (points.at(-1)[0] - from) / buckets || 1;
    const kept = new Set([0, points.length - 1]);
    let start = 0;
    for (let b = 0; b < buckets; b++) {
        const end = from + (b + 1) * step;
        let low = -1;
        let high = -1;
        let i = start;
        for (; i < points.length && (points[i][0] < end || b === buckets - 1); i++) {
            if (low < 0 || points[i][1] < points[low][1]) low = i;
            if (high < 0 || points[i][1] > points[high][1]) high = i;
        }
        start = i;
        if (low >= 0) kept.add(low).add(high);
    }
    return [...kept].sort((a, b) => a - b).map((i) => points[i]);
}

function history(twin, sensorId, query) {
    const s = twin.sensors.get(sensorId);
    if (!s)
        throw new Refusal(404, "unknown-sensor", `The twin ${twin.id} has no sensor ${sensorId}.`);
    const now = Date.now();
    const to = instant(query.get("to"), now);
    const from = instant(query.get("from"), to - 3_600_000);
    const base = { twin: twin.id, sensor: sensorId, unit: s.meta.unit, from, to };
    let points = [];
    for (let i = 0; i < s.times.length; i++) {
        if (s.times[i] < from || s.times[i] >= to) continue;
        points.push(
            query.get("quality") === "true"
                ? [s.times[i], s.values[i], s.qualities[i]]
                : [s.times[i], s.values[i]],
        );
    }
    const n = query.get("points");
    if (n !== null) {
        if (!(Number(n) >= 4 && Number(n) <= 20_000)) {
            throw new Refusal(400, "malformed", "points is a number from 4 to 20000.");
        }
        return { ...base, points: thin(points, Number(n)) };
    }
    const limit = Math.min(Number(query.get("limit") ?? 10_000), 100_000);
    const skip = Number(query.get("cursor") ?? 0);
    const next = skip + limit < points.length ? String(skip + limit) : null;
    points = points.slice(skip, skip + limit);
    return { ...base, points, limit, next };
}

/* ---- REST ---- */

function twinOf(id) {
    const twin = twins.get(id);
    if (!twin) throw new Refusal(404, "unknown-twin", `There is no twin ${id}.`);
    return twin;
}

function checkMatch(req, twin) {
    const wanted = req.headers["if-match"];
    if (wanted && wanted !== "*" && wanted !== twin?.etag) {
        throw new Refusal(412, "changed", "The profile has changed since it was read.");
    }
}

function mergePatch(target, patch) {
    if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
    const out =
        target !== null && typeof target === "object" && !Array.isArray(target)
            ? { ...target }
            : {};
    for (const [k, v] of Object.entries(patch)) {
        if (v === null) delete out[k];
        else out[k] = mergePatch(out[k], v);
    }
    return out;
}

function accept(text) {
    const verdict = judge(text);
    if (!verdict.core) {
        throw new Refusal(422, "incomplete-core", "The core of the profile is incomplete.", {
            findings: verdict.findings,
        });
    }
    const { doc, pointers } = fillIn(verdict.doc);
    const kept = pointers.length > 0 ? JSON.stringify(doc, null, 2) : text;
    return { doc, text: kept, filled: pointers, findings: judge(kept).findings };
}

function json(res, status, body, headers = {}) {
    res.writeHead(status, {
        "content-type": "application/json",
        "cache-control": "no-store",
        ...headers,
    });
    res.end(typeof body === "string" ? body : JSON.stringify(body));
}

function createTwin(res, text) {
    const { doc, text: kept, filled, findings } = accept(text);
    const id = doc.identifier.value;
    if (twins.has(id)) throw new Refusal(409, "exists", `There is a twin ${id} already.`);
    const twin = keep(id, doc, kept);
    json(
        res,
        201,
        { id, profile: doc, filled, findings },
        { location: `/api/v1/twins/${id}`, etag: twin.etag },
    );
}

function listTwins(res, query) {
    const name = query.get("name")?.toLowerCase();
    const type = query.get("type")?.toLowerCase();
    const state = query.get("state");
    const all = [...twins.values()].filter(
        (t) =>
            (!name ||
                t.doc.name.toLowerCase().includes(name) ||
                t.id.toLowerCase().includes(name)) &&
            (!type || t.doc.subjectOf.name.toLowerCase() === type) &&
            (!state || twinState(t) === state),
    );
    const limit = Math.min(Number(query.get("limit") ?? 50), 1000);
    const skip = Number(query.get("cursor") ?? 0);
    const count = Number(query.get("sensors") ?? 6);
    json(res, 200, {
        items: all.slice(skip, skip + limit).map((t) => summary(t, count)),
        next: skip + limit < all.length ? String(skip + limit) : null,
        total: all.length,
    });
}

function oneTwin(req, res, id, query, text) {
    if (req.method === "GET") {
        const twin = twinOf(id);
        const body = query.get("live") === "false" ? twin.text : JSON.stringify(liveProfile(twin));
        return json(res, 200, body, { etag: twin.etag });
    }
    if (req.method === "DELETE") {
        checkMatch(req, twinOf(id));
        twins.delete(id);
        tell({ event: "twin-deleted", twin: id });
        res.writeHead(204).end();
        return;
    }
    const old = twins.get(id);
    let source = text;
    if (req.method === "PATCH") {
        source = JSON.stringify(mergePatch(twinOf(id).doc, JSON.parse(text)), null, 2);
    }
    checkMatch(req, old);
    const { doc, text: kept, filled, findings } = accept(source);
    if (doc.identifier.value !== id)
        throw new Refusal(422, "identifier", `The identifier must stay ${id}.`);
    const twin = keep(id, doc, kept);
    return json(res, old ? 200 : 201, { id, profile: doc, filled, findings }, { etag: twin.etag });
}

function status() {
    const sensors = [...twins.values()].flatMap((t) => [...t.sensors.values()]);
    return {
        version: "double",
        uptime: (Date.now() - started) / 1000,
        twins: twins.size,
        series: sensors.length,
        readings: sensors.reduce((n, s) => n + s.updates, 0),
        connections: streams.size,
        addresses: { http: `127.0.0.1:${args.port}`, mqtt: "127.0.0.1:1883" },
    };
}

function parseBody(req, text) {
    try {
        if (req.headers["content-type"]?.includes("ndjson")) {
            return text
                .split("\n")
                .filter(Boolean)
                .map((line) => JSON.parse(line));
        }
        return JSON.parse(text);
    } catch (error) {
        throw new Refusal(400, "malformed", `Not JSON: ${error.message}`);
    }
}

function route(req, res, path, query, text) {
    const peer = req.socket.remoteAddress;
    const answered = access.answer(req, path, query, text);
    if (answered?.status === 204) return res.writeHead(204, answered.headers).end();
    if (answered) return json(res, answered.status, answered.body, answered.headers);
    if (path === "/api/v1/twins" && req.method === "GET") return listTwins(res, query);
    if (path === "/api/v1/twins" && req.method === "POST") return createTwin(res, text);
    if (path === "/api/v1/validate" && req.method === "POST") {
        const { complete, core, findings } = judge(text);
        return json(res, 200, { complete, core, findings });
    }
    const related = req.method === "GET" && answerGraph(path, twins, twinState);
    if (related) return json(res, 200, related);
    if (path === "/api/v1/status") return json(res, 200, status());
    if (path === "/api/v1/sample")
        return json(res, 200, JSON.stringify(sample(query.get("id") ?? "my-twin"), null, 2));
    if (path === "/api/v1/rejections") {
        const since = query.get("since") ? instant(query.get("since")) : 0;
        const twin = query.get("twin");
        const items = rejections.filter(
            (r) => (!twin || r.twin === twin) && Date.parse(r.at) >= since,
        );
        return json(res, 200, {
            total: rejectionCount,
            items: items.slice(0, Number(query.get("limit") ?? 100)),
        });
    }
    const found = /^\/api\/v1\/twins\/([^/]+)(?:\/(.*))?$/.exec(path);
    if (!found) throw new Refusal(404, "not-found", "There is nothing at this address.");
    const id = decodeURIComponent(found[1]);
    const rest = found[2] ?? "";
    if (rest === "") return oneTwin(req, res, id, query, text);
    if (rest === "readings" && req.method === "POST") {
        return json(res, 200, takeReadings(id, parseBody(req, text), null, "http", peer, path));
    }
    if (rest === "findings") {
        const { complete, core, findings } = judge(twinOf(id).text);
        return json(res, 200, { complete, core, findings });
    }
    if (rest === "sensors") {
        return json(res, 200, { items: [...twinOf(id).sensors].map(([s, v]) => showSensor(s, v)) });
    }
    const sensor = /^sensors\/([^/]+)(\/history|\/readings)?$/.exec(rest);
    if (!sensor) throw new Refusal(404, "not-found", "There is nothing at this address.");
    const sensorId = decodeURIComponent(sensor[1]);
    if (sensor[2] === "/readings") {
        return json(res, 200, takeReadings(id, parseBody(req, text), sensorId, "http", peer, path));
    }
    if (sensor[2] === "/history") return json(res, 200, history(twinOf(id), sensorId, query));
    const one = twinOf(id).sensors.get(sensorId);
    if (!one) throw new Refusal(404, "unknown-sensor", `The twin ${id} has no sensor ${sensorId}.`);
    return json(res, 200, showSensor(sensorId, one));
}

/* ---- the page ---- */

const TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
};

async function page(res, path) {
    const wanted = normalize(join(DIST, path));
    const head = { "content-security-policy": CSP, "x-content-type-options": "nosniff" };
    try {
        if (!wanted.startsWith(DIST) || path === "/") throw new Error("fallback");
        const body = await readFile(wanted);
        const cache = path.startsWith("/assets/")
            ? "public, max-age=31536000, immutable"
            : "no-cache";
        res.writeHead(200, {
            ...head,
            "content-type": TYPES[extname(wanted)] ?? "application/octet-stream",
            "cache-control": cache,
        });
        res.end(body);
    } catch {
        try {
            const body = await readFile(join(DIST, "index.html"));
            res.writeHead(200, {
                ...head,
                "content-type": TYPES[".html"],
                "cache-control": "no-cache",
            });
            res.end(body);
        } catch {
            res.writeHead(404, { "content-type": "text/plain" }).end(
                "dist/ is not built: npm run build\n",
            );
        }
    }
}

const server = createServer(async (req, res) => {
    const url = new URL(req.url, "http://double");
    if (!/^\/(api|schemas|metrics|healthz|readyz)(\/|$)/.test(url.pathname))
        return page(res, url.pathname);
    if (url.pathname === "/healthz" || url.pathname === "/readyz")
        return json(res, 200, { status: "ok" });
    let text = "";
    for await (const chunk of req) text += chunk;
    try {
        route(req, res, url.pathname, url.searchParams, text);
    } catch (error) {
        const refusal =
            error instanceof Refusal ? error : new Refusal(500, "internal", String(error));
        const body = {
            type: `/errors/${refusal.code}`,
            title: refusal.code.replaceAll("-", " "),
            status: refusal.status,
            detail: refusal.message,
            code: refusal.code,
            instance: `/requests/${Math.random().toString(36).slice(2, 10)}`,
            ...refusal.more,
        };
        json(res, refusal.status, body, { "content-type": "application/problem+json" });
    }
});

/* ---- the stream ---- */

class Stream {
    constructor(socket, peer) {
        this.socket = socket;
        this.peer = peer;
        this.rules = new Map();
        this.events = false;
        this.waiting = new Map();
        this.sentAt = new Map();
        this.timer = setInterval(() => this.flush(), 20);
    }
    say(message) {
        if (this.socket.readyState === 1) this.socket.send(JSON.stringify(message));
    }
    rateOf(twin, sensor) {
        for (const key of [`${twin}/${sensor}`, `${twin}/*`, `*/${sensor}`, "*/*"]) {
            if (this.rules.has(key)) return this.rules.get(key);
        }
        return undefined;
    }
    offer(update) {
        const rate = this.rateOf(update.twin, update.sensor);
        if (rate === undefined) return;
        this.waiting.set(`${update.twin}/${update.sensor}`, {
            update,
            gap: rate ? 1000 / rate : 0,
        });
    }
    flush() {
        const now = Date.now();
        const out = [];
        for (const [key, { update, gap }] of this.waiting) {
            if (now - (this.sentAt.get(key) ?? 0) < gap - 5) continue;
            this.waiting.delete(key);
            this.sentAt.set(key, now);
            out.push(update);
        }
        if (out.length > 0) this.say(out.length === 1 ? out[0] : out);
    }
    hear(message) {
        if (message.events) this.events = true;
        for (const ref of message.subscribe ?? []) {
            this.rules.set(`${ref.twin}/${ref.sensor ?? "*"}`, message.rate ?? 0);
        }
        if (message.unsubscribe === "*") this.rules.clear();
        else
            for (const ref of message.unsubscribe ?? [])
                this.rules.delete(`${ref.twin}/${ref.sensor ?? "*"}`);
        if (message.subscribe) this.sayLast(message);
        if (message.publish) {
            try {
                const { twin, readings } = message.publish;
                const done = takeReadings(
                    twin,
                    readings,
                    null,
                    "websocket",
                    this.peer,
                    "/api/v1/stream",
                );
                this.say({ ack: message.id, ...done });
            } catch (e) {
                if (!(e instanceof Refusal)) throw e;
                const error = {
                    type: `/errors/${e.code}`,
                    title: e.code,
                    status: e.status,
                    code: e.code,
                    detail: e.message,
                };
                this.say({ error, id: message.id, accepted: e.more.accepted ?? 0 });
            }
        }
    }
    sayLast(message) {
        const last = [];
        for (const twin of twins.values()) {
            for (const [id, s] of twin.sensors) {
                const asked = message.subscribe.some(
                    (r) =>
                        [twin.id, "*"].includes(r.twin) && [id, "*", undefined].includes(r.sensor),
                );
                if (asked && s.last) last.push({ twin: twin.id, sensor: id, ...s.last });
            }
        }
        if (message.id !== undefined) this.say({ subscribed: message.id, sensors: last.length });
        if (last.length > 0) this.say(last);
    }
}

function tell(event) {
    for (const stream of streams) if (stream.events) stream.say(event);
}

const sockets = new WebSocketServer({ server, path: "/api/v1/stream" });
sockets.on("connection", (socket, req) => {
    if (access.locked && !access.sessionOf(req)) return socket.close(4401, "nobody is signed in");
    const stream = new Stream(socket, req.socket.remoteAddress);
    stream.allowed = () => !access.locked || access.sessionOf(req) !== null;
    streams.add(stream);
    socket.on("message", (data) => {
        try {
            stream.hear(JSON.parse(data));
        } catch (e) {
            stream.say({
                error: {
                    type: "/errors/malformed",
                    title: "malformed",
                    status: 400,
                    code: "malformed",
                    detail: String(e),
                },
            });
        }
    });
    socket.on("close", () => {
        clearInterval(stream.timer);
        streams.delete(stream);
    });
});

/* ---- demo ---- */

function startDemo() {
    const now = Date.now();
    for (const { doc, simulated } of PROFILES) {
        const id = doc.identifier.value;
        const twin = keep(id, doc, JSON.stringify(doc, null, 2), {
            simulated,
            demo: true,
            created: now - 9 * 86_400_000,
        });
        for (const [sensorId, signal] of Object.entries(SIGNALS[id])) {
            const s = twin.sensors.get(sensorId);
            s.times = pastTimes(now, signal.every);
            s.values = s.times.map((t) => signal.at(t));
            s.qualities = s.times.map(() => "good");
            s.updates = s.times.length;
            s.last = { t: s.times.at(-1), value: s.values.at(-1), quality: "good" };
            if (!args.still)
                setInterval(() => move(id, sensorId, signal), Math.max(50, signal.every));
        }
    }
    for (let i = 1; i <= Number(args.many); i++) startOneOfMany(i);
}

function move(id, sensorId, signal) {
    const twin = twins.get(id);
    const s = twin?.sensors.get(sensorId);
    if (s)
        append(
            twin,
            sensorId,
            s,
            Date.now(),
            signal.at(Date.now()),
            Math.random() < 0.002 ? "uncertain" : "good",
        );
}

function startOneOfMany(i) {
    const id = `meter-${String(i).padStart(4, "0")}`;
    const doc = sample(id);
    doc.name = `Meter ${i}`;
    doc.description = "One of many";
    doc.subjectOf.name = i % 2 ? "Water Meter" : "Heat Meter";
    const twin = keep(id, fillIn(doc).doc, JSON.stringify(doc));
    if (i % 7 === 0) return;
    const s = twin.sensors.get("temp-1");
    append(twin, "temp-1", s, Date.now(), 20, "good");
    if (i % 5 && !args.still) {
        setInterval(
            () =>
                append(
                    twin,
                    "temp-1",
                    s,
                    Date.now(),
                    Number((35 + 20 * Math.sin(Date.now() / 9000 + i)).toFixed(1)),
                    "good",
                ),
            2000,
        );
    }
}

function startWide(count) {
    const doc = sample("wide");
    doc.name = "Wide twin";
    doc.sensors = Array.from({ length: count }, (_, i) => ({
        id: `s-${i + 1}`,
        name: `Channel ${i + 1}`,
        type: "voltage",
        unit: "V",
        updateFrequency: 10,
        normalRange: [-8, 8],
        criticalRange: [12, 20],
    }));
    const twin = keep("wide", fillIn(doc).doc, JSON.stringify(doc));
    const sensors = [...twin.sensors];
    setInterval(() => {
        const t = Date.now();
        sensors.forEach(([id, s], i) => {
            append(twin, id, s, t, Number((9 * Math.sin(t / 3000 + i)).toFixed(2)), "good");
        });
    }, 100);
}

if (!args.empty) startDemo();
if (Number(args.wide) > 0) startWide(Number(args.wide));
if (args.noisy) {
    const refuse = () =>
        reject(
            "mqtt",
            "10.0.0.17:51514",
            "twins/pump/sensors/flux",
            "pump",
            "flux",
            new Refusal(422, "unknown-sensor", "The twin pump has no sensor flux."),
            "31.2",
        );
    refuse();
    setInterval(refuse, 4000);
    reject(
        "http",
        "127.0.0.1",
        "/api/v1/twins/robot/readings",
        "robot",
        "temp-1",
        new Refusal(422, "wrong-type", 'temp-1 takes numbers; this is "warm".'),
        '{"temp-1":"warm"}',
    );
}
setInterval(() => {
    for (const stream of streams)
        if (!stream.allowed()) stream.socket.close(4401, "the session has ended");
    for (const twin of twins.values()) {
        const state = twinState(twin);
        if (state === twin.state) continue;
        twin.state = state;
        tell({ event: "state", twin: twin.id, state });
    }
}, 500);

server.listen(Number(args.port), "127.0.0.1", () => {
    const url = `http://127.0.0.1:${server.address().port}`;
    console.log(`test double on ${url}`);
    if (args.setup) console.log(`set it up: ${url}${access.setupLink()}`);
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
