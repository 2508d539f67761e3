/* doppel.mjs - a real server for a test: its own folder, free ports, its own log.
 *
 *   const d = await start(t);            ended and judged when the test t ends
 *   await d.get("/api/v1/twins")         fetch under its address
 *
 * A sanitizer's report on standard error, a crash or an unclean end fails the test that started it.
 * The program is DOPPEL_BIN, or build/release/doppel. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import {
    ROOT,
    run,
    SANITIZER_ENV,
    SANITIZER_REPORT,
    sanitizerPrefix,
    WITH_US,
} from "./spawned.mjs";
import { until } from "./wait.mjs";

export { ROOT, run };
export const BIN = process.env.DOPPEL_BIN ?? join(ROOT, "build/release/doppel");
export const PRESET = process.env.DOPPEL_PRESET ?? "release";
export const LONG = process.env.DOPPEL_LONG === "1";

/* Everything is slower under a sanitizer; limits of time are told for the release build. */
export const SLOW = { release: 1, dev: 1.5, asan: 4, tsan: 8 }[PRESET] ?? 4;

/* Where servers of this process put the token of the command line, and find commands it. */
const runtime = mkdtempSync(join(tmpdir(), "doppel-run-"));
process.env.XDG_RUNTIME_DIR = runtime;
process.on("exit", () => rmSync(runtime, { recursive: true, force: true }));

export function temporary(t, name = "doppel-test-") {
    const dir = mkdtempSync(join(tmpdir(), name));
    t.after(() => rmSync(dir, { recursive: true, force: true }));
    return dir;
}

/* The program with other arguments than serve: run to its end. */
export function doppel(args, options = {}) {
    const [command, ...rest] = [...sanitizerPrefix(), BIN, ...args];
    const env = { ...process.env, ...SANITIZER_ENV, ...options.env };
    return run(command, rest, { timeout: 30_000 * SLOW, ...options, env }).then((r) => {
        assert.doesNotMatch(r.stderr, SANITIZER_REPORT);
        return r;
    });
}

/* A password that nobody has thought of before. */
export const PASSWORD = "heron walks over thin ice";

/* Somebody with a browser: cookies are kept, and changes come with our own Origin. */
export class Client {
    constructor(server, { secure = false, host = "127.0.0.1", headers = {} } = {}) {
        this.host = host;
        this.server = server;
        this.secure = secure;
        this.cookies = new Map();
        this.headers = headers;
    }

    /* After a restart it is another. */
    get url() {
        const url = this.secure ? this.server.tlsUrl : this.server.url;
        return url.replace("127.0.0.1", this.host);
    }

    async fetch(path, options = {}) {
        const headers = { ...this.headers, origin: this.url, ...options.headers };
        const cookie = [...this.cookies].map(([k, v]) => `${k}=${v}`).join("; ");
        if (cookie) headers.cookie = cookie;
        const r = await fetch(new URL(path, this.url), { ...options, headers });
        for (const line of r.headers.getSetCookie()) this.#keep(line);
        return r;
    }

    #keep(line) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
        if (value && !/max-age=0(;|$)/i.test(line)) this.cookies.set(name, value);
        else this.cookies.delete(name);
    }

    async get(path, options) {
        return read(await this.fetch(path, options));
    }

    async send(method, path, body, type = "application/json", headers = {}) {
        const text = typeof body === "string" ? body : JSON.stringify(body);
        const all = text === undefined ? headers : { "content-type": type, ...headers };
        return read(await this.fetch(path, { method, body: text, headers: all }));
    }

    post(path, body, type, headers) {
        return this.send("POST", path, body, type, headers);
    }

    put(path, body) {
        return this.send("PUT", path, body);
    }

    patch(path, body) {
        return this.send("PATCH", path, body);
    }

    delete(path) {
        return this.send("DELETE", path);
    }

    /* The body of what has to succeed. */
    async must(method, path, body) {
        const r = await this.send(method, path, body);
        assert.ok(r.status < 300, `${method} ${path}: ${r.status} ${r.text}`);
        return r.body;
    }

    signIn(email, password = PASSWORD, code = undefined) {
        return this.post("/api/v1/session", { email, password, code });
    }

    /* Who is signed in gets what signing in again needs. */
    async become({ email, password = PASSWORD }) {
        const named = await this.patch("/api/v1/account", { email });
        assert.equal(named.status, 200, named.text);
        const set = await this.put("/api/v1/account/password", { password });
        assert.equal(set.status, 204, set.text);
    }
}

export class Server {
    constructor(options) {
        this.options = options;
        this.data = options.data;
        this.log = "";
        this.said = "";
        this.exit = null; /* {code, signal} */
    }

    async start() {
        const { http = "127.0.0.1:0", mqtt = "127.0.0.1:0", args = [], env = {} } = this.options;
        /* most tests are of other things than who may do them */
        const { access = "open" } = this.options;
        const flags = ["serve", "--data", this.data, "--http", http, "--mqtt", mqtt];
        flags.push("--access", access, ...args);
        const program = this.options.bin ?? BIN;
        const [command, ...rest] = [...WITH_US, ...sanitizerPrefix(), program, ...flags];
        this.began = performance.now();
        this.exit = null;
        this.said = "";
        const child = spawn(command, rest, {
            cwd: this.options.cwd ?? ROOT,
            env: { ...process.env, ...SANITIZER_ENV, ...env },
            stdio: ["ignore", "pipe", "pipe"],
        });
        this.child = child;
        this.pid = child.pid;
        this.ended = new Promise((resolve) => {
            child.on("close", (code, signal) => {
                this.exit = { code, signal };
                resolve(this.exit);
            });
        });
        child.stderr.setEncoding("utf8").on("data", (d) => {
            this.log += d;
        });
        const listening = new Promise((resolve, reject) => {
            child.on("error", reject);
            child.stdout.setEncoding("utf8").on("data", (d) => {
                this.said += d;
                const line = /^listening (.*)$/m.exec(this.said);
                if (line && this.said.indexOf("\n", line.index) >= 0) resolve(line[1]);
            });
            this.ended.then((e) =>
                reject(new Error(`the server ended with ${e.code ?? e.signal}:\n${this.log}`)),
            );
        });
        const limit = setTimeout(() => child.kill("SIGKILL"), 20_000 * SLOW);
        try {
            this.#addresses(await listening);
        } finally {
            clearTimeout(limit);
        }
        this.startedMs = performance.now() - this.began;
        return this;
    }

    #addresses(line) {
        this.line = `listening ${line}`;
        for (const [, name, address] of line.matchAll(/(\w+)=(\S+)/g)) this[name] = address;
        this.url = `http://${this.http}`;
        this.tlsUrl = this.https ? `https://${this.https.replace("127.0.0.1", "localhost")}` : null;
        this.mqttHost = this.mqtt.split(":")[0];
        this.mqttPort = this.mqtt.split(":")[1];
        this.ws = `ws://${this.http}/api/v1/stream`;
    }

    /* SIGTERM; answers how long it took. */
    async stop(signal = "SIGTERM") {
        if (!this.child || this.exit) return 0;
        const began = performance.now();
        this.child.kill(signal);
        const limit = setTimeout(() => this.child.kill("SIGKILL"), 15_000 * SLOW);
        await this.ended;
        clearTimeout(limit);
        return performance.now() - began;
    }

    /* As if the power went for this process alone. */
    async kill() {
        await this.stop("SIGKILL");
    }

    async restart() {
        await this.stop();
        await this.start();
    }

    /* Fails when something went wrong inside. */
    judge() {
        assert.doesNotMatch(this.log, SANITIZER_REPORT);
        if (this.exit && this.exit.signal !== "SIGKILL")
            assert.deepEqual(this.exit, { code: 0, signal: null }, `unclean end:\n${this.log}`);
    }

    fetch(path, options = {}) {
        return fetch(new URL(path, this.url), options);
    }

    async get(path, options) {
        const r = await this.fetch(path, options);
        return read(r);
    }

    async send(method, path, body, type = "application/json", headers = {}) {
        const text =
            typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
        const r = await this.fetch(path, {
            method,
            body: text,
            headers: text === undefined ? headers : { "content-type": type, ...headers },
        });
        return read(r);
    }

    post(path, body, type, headers) {
        return this.send("POST", path, body, type, headers);
    }

    async create(profile) {
        const r = await this.post("/api/v1/twins", profile);
        assert.equal(r.status, 201, r.text);
        return r;
    }

    async history(twin, sensor, query = "from=0") {
        const path = `/api/v1/twins/${encodeURIComponent(twin)}/sensors/${encodeURIComponent(sensor)}`;
        const r = await this.get(`${path}/history?${query}`);
        assert.equal(r.status, 200, r.text);
        return r.body;
    }

    /* All raw points, page after page. */
    async allHistory(twin, sensor, query = "from=0&to=4102444800000", limit = 10_000) {
        const points = [];
        let cursor = "";
        do {
            const page = await this.history(twin, sensor, `${query}&limit=${limit}${cursor}`);
            points.push(...page.points);
            cursor = page.next ? `&cursor=${encodeURIComponent(page.next)}` : null;
        } while (cursor);
        return points;
    }

    /* What lets the command line in, as it finds it itself. */
    localToken() {
        const dir = join(process.env.XDG_RUNTIME_DIR, "doppel");
        return readFileSync(join(dir, `${this.http}.token`), "utf8");
    }

    /* Whoever shows a token. */
    withToken(token) {
        return new Client(this, { headers: { authorization: `Bearer ${token}` } });
    }

    /* The set-up link that was printed last. */
    async setupToken() {
        const link = /set-up link.*\/setup#(dop_setup_\w+)\n/;
        await until("there is a set-up link", () => link.test(this.said));
        return link.exec(this.said)[1];
    }

    /* The first administrator, signed in: with a password when an e-mail address is named. */
    async setup({ email, password = PASSWORD } = {}) {
        const c = new Client(this);
        const r = await c.post("/api/v1/setup", { token: await this.setupToken() });
        assert.equal(r.status, 201, r.text);
        if (email) await c.become({ email, password });
        return c;
    }

    /* Somebody new, whom an administrator invites; signed in by a cookie, with their id. */
    async join(administrator, { role, organization = "home", name, email, password, teams }) {
        const path = `/api/v1/organizations/${organization}/invitations`;
        const made = await administrator.post(path, { role, email, teams });
        assert.equal(made.status, 201, made.text);
        const token = made.body.link.split("#")[1];
        const c = new Client(this);
        const ask = { token, name: name ?? email?.split("@")[0], password };
        const r = await c.post("/api/v1/invitations/accept", ask);
        assert.equal(r.status, 201, r.text);
        c.id = r.body.person.id;
        return c;
    }

    /* mosquitto_pub and mosquitto_sub at this server. */
    mosquitto(tool, args, options) {
        return run(tool, ["-h", this.mqttHost, "-p", this.mqttPort, ...args], options);
    }

    publish(topic, message, args = []) {
        return this.mosquitto("mosquitto_pub", ["-t", topic, "-m", message, ...args]);
    }
}

async function read(r) {
    const text = await r.text();
    const type = r.headers.get("content-type") ?? "";
    const body = /json/.test(type) && !/ndjson/.test(type) && text ? JSON.parse(text) : text;
    return { status: r.status, headers: r.headers, etag: r.headers.get("etag"), text, body, type };
}

/* One server for all tests of a file, judged when the last has ended.  prepare(server) runs before
 * the first test: several hooks of a file would not wait for each other. */
export function shared(options = {}, prepare = () => {}) {
    const server = new Server(options);
    before(async () => {
        server.data = options.data ?? mkdtempSync(join(tmpdir(), "doppel-test-"));
        await server.start();
        await prepare(server);
    });
    after(async () => {
        await server.stop();
        if (!options.data) rmSync(server.data, { recursive: true, force: true });
        server.judge();
    });
    return server;
}

/* A running server that ends with the test. */
export async function start(t, options = {}) {
    const data = options.data ?? temporary(t);
    const server = new Server({ ...options, data });
    t.after(async () => {
        await server.stop();
        server.judge();
    });
    await server.start();
    return server;
}

export { until };
