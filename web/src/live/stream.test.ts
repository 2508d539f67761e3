import { beforeEach, describe, expect, it } from "vitest";
import type { Update } from "../base/wire";
import { backoff, planChange, reduceWishes, type Socket, StreamClient } from "./stream";

class FakeSocket implements Socket {
    readyState = 0;
    onopen: (() => void) | null = null;
    onclose: ((event: { code: number; reason: string }) => void) | null = null;
    onerror: (() => void) | null = null;
    onmessage: ((event: { data: unknown }) => void) | null = null;
    sent: unknown[] = [];
    closed = false;
    send(data: string) {
        this.sent.push(JSON.parse(data));
    }
    close() {
        this.closed = true;
        this.readyState = 3;
    }
    accept() {
        this.readyState = 1;
        this.onopen?.();
    }
    say(frame: unknown) {
        this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
    }
    break(code = 1006, reason = "") {
        this.readyState = 3;
        this.onclose?.({ code, reason });
    }
}

/* Time that moves only when told. */
class Time {
    now = 1_000_000;
    private timers: { at: number; run: () => void; id: number }[] = [];
    private ids = 0;
    later = (run: () => void, ms: number) => {
        this.timers.push({ at: this.now + ms, run, id: ++this.ids });
        return this.ids;
    };
    cancel = (id: unknown) => {
        this.timers = this.timers.filter((t) => t.id !== id);
    };
    pass(ms: number) {
        const end = this.now + ms;
        for (;;) {
            const due = this.timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
            if (!due) break;
            this.timers = this.timers.filter((t) => t !== due);
            this.now = Math.max(this.now, due.at);
            due.run();
        }
        this.now = end;
    }
}

const turn = () => new Promise<void>((done) => setTimeout(done, 0));

let time: Time;
let sockets: FakeSocket[];
let client: StreamClient;
let probes: (() => Promise<unknown>) | undefined;

function last(): FakeSocket {
    return sockets.at(-1) as FakeSocket;
}

beforeEach(() => {
    time = new Time();
    sockets = [];
    probes = undefined;
    client = new StreamClient({
        url: () => "ws://host/api/v1/stream",
        open: () => {
            const socket = new FakeSocket();
            sockets.push(socket);
            return socket;
        },
        now: () => time.now,
        later: time.later,
        cancel: time.cancel,
        random: () => 1,
        probe: () => (probes ? probes() : Promise.resolve()),
    });
});

describe("subscriptions", () => {
    it("gathers wishes and asks for each once", async () => {
        client.start();
        client.subscribe([{ twin: "robot", sensor: "temp-1" }]);
        client.subscribe([
            { twin: "robot", sensor: "temp-1" },
            { twin: "pump", sensor: "*" },
        ]);
        last().accept();
        await turn();
        expect(last().sent).toEqual([
            { events: true, alarms: true },
            {
                subscribe: [{ twin: "robot", sensor: "temp-1" }, { twin: "pump" }],
                rate: 10,
            },
        ]);
    });
    it("ends a subscription when the last wish is given back, once", async () => {
        client.start();
        last().accept();
        const a = client.subscribe([{ twin: "robot", sensor: "temp-1" }]);
        const b = client.subscribe([{ twin: "robot", sensor: "temp-1" }]);
        await turn();
        last().sent = [];
        a();
        a();
        await turn();
        expect(last().sent).toEqual([]);
        b();
        await turn();
        expect(last().sent).toEqual([{ unsubscribe: [{ twin: "robot", sensor: "temp-1" }] }]);
    });
    it("asks anew for a sensor whose wildcard is dropped", async () => {
        client.start();
        last().accept();
        client.subscribe([{ twin: "robot", sensor: "temp-1" }]);
        const all = client.subscribe([{ twin: "robot" }]);
        await turn();
        expect(last().sent.at(-1)).toEqual({ subscribe: [{ twin: "robot" }], rate: 10 });
        all();
        await turn();
        expect(last().sent.slice(-2)).toEqual([
            { unsubscribe: [{ twin: "robot" }] },
            { subscribe: [{ twin: "robot", sensor: "temp-1" }], rate: 10 },
        ]);
    });
    it("subscribes again after a loss", async () => {
        client.start();
        last().accept();
        client.subscribe([{ twin: "robot" }]);
        await turn();
        last().break();
        time.pass(600);
        expect(sockets.length).toBe(2);
        last().accept();
        expect(last().sent).toEqual([
            { events: true, alarms: true },
            { subscribe: [{ twin: "robot" }], rate: 10 },
        ]);
    });
});

describe("reduceWishes and planChange", () => {
    it("leaves out what a wildcard covers", () => {
        expect(reduceWishes(["a/x", "a", "b/y"])).toEqual(new Set(["a", "b/y"]));
        expect(reduceWishes(["a/x", "*"])).toEqual(new Set(["*"]));
    });
    it("re-adds all that overlapped a dropped wildcard", () => {
        const plan = planChange(new Set(["*"]), new Set(["a/x", "b"]));
        expect(plan).toEqual({ drop: ["*"], add: ["a/x", "b"] });
        expect(planChange(new Set(["a/x", "b"]), new Set(["a/x", "b"]))).toEqual({
            drop: [],
            add: [],
        });
        expect(planChange(new Set(["a", "a/x"]), new Set(["a/x"]))).toEqual({
            drop: ["a"],
            add: ["a/x"],
        });
    });
});

describe("frames", () => {
    it("passes on one update, arrays, events and errors, and survives nonsense", () => {
        const updates: Update[][] = [];
        const events: string[] = [];
        const errors: unknown[] = [];
        client.onUpdates((u) => updates.push(u));
        client.onEvent((e) => events.push(e.event));
        client.onError((p) => errors.push(p.code));
        client.start();
        last().accept();
        const one = { twin: "r", sensor: "t", t: 1, value: 2, quality: "good" };
        last().say(one);
        last().say([one, { ...one, t: 2 }, { event: "state", twin: "r", state: "live" }]);
        last().say({ event: "rejection", code: "unknown-sensor" });
        last().say({ error: { code: "malformed" }, id: 1 });
        last().say({ subscribed: 1, sensors: 3 });
        last().say("not json");
        last().say("null");
        last().say('[null,1,"x"]');
        expect(updates.map((u) => u.length)).toEqual([1, 2]);
        expect(events).toEqual(["state", "rejection"]);
        expect(errors).toEqual(["malformed"]);
    });
});

describe("losses", () => {
    it("backs off from 0.5 to 10 s and starts over after a connection that held", () => {
        client.start();
        const waits: number[] = [];
        for (let i = 0; i < 7; i++) {
            last().break();
            const link = client.status();
            if (link.state !== "lost") throw new Error("not lost");
            waits.push(link.retryAt - time.now);
            time.pass(link.retryAt - time.now);
        }
        expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 10000, 10000]);
        last().accept();
        time.pass(6_000);
        last().break();
        const link = client.status();
        expect(link.state === "lost" && link.retryAt - time.now).toBe(500);
    });
    it("does not start over for a connection that breaks at once", () => {
        client.start();
        for (let i = 0; i < 3; i++) {
            last().accept();
            last().break();
            time.pass(10_000);
        }
        last().break();
        const link = client.status();
        expect(link.state === "lost" && link.retryAt - time.now).toBe(4000);
    });
    it("remembers since when it is gone", () => {
        client.start();
        last().accept();
        time.pass(60_000);
        const gone = time.now;
        last().break();
        time.pass(500);
        last().break();
        time.pass(1000);
        expect(client.status().state).toBe("connecting");
        expect(client.status().since).toBe(gone);
        last().accept();
        expect(client.status()).toEqual({ state: "open", since: time.now });
    });
    it("gives up on an attempt that hangs", () => {
        client.start();
        const hanging = last();
        time.pass(10_000);
        expect(hanging.closed).toBe(true);
        expect(client.status().state).toBe("lost");
    });
    it("asks after a silence and leaves when nobody answers", async () => {
        client.start();
        last().accept();
        time.pass(16_000);
        await turn();
        expect(client.status().state).toBe("open");
        probes = () => Promise.reject(new Error("no route"));
        time.pass(16_000);
        await turn();
        expect(client.status().state).toBe("lost");
    });
    it("tries at once when told, and never after stop", () => {
        client.start();
        last().break();
        client.retryNow();
        expect(sockets.length).toBe(2);
        client.stop();
        time.pass(60_000);
        expect(sockets.length).toBe(2);
        expect(last().closed).toBe(true);
    });
});

describe("refusals", () => {
    it("are no losses: nothing is tried until somebody asks", () => {
        for (const code of [4401, 4403]) {
            client.start();
            last().accept();
            const before = sockets.length;
            last().break(code, "revoked");
            expect(client.status()).toMatchObject({ state: "refused", code, reason: "revoked" });
            time.pass(120_000);
            expect(sockets.length).toBe(before);
            client.retryNow();
            expect(sockets.length).toBe(before + 1);
            last().accept();
            expect(client.status().state).toBe("open");
        }
    });
    it("end with a stop, and a start begins anew", () => {
        client.start();
        last().accept();
        client.stop();
        expect(last().closed).toBe(true);
        client.start();
        last().accept();
        expect(client.status().state).toBe("open");
    });
});

describe("backoff", () => {
    it("stays within 0.5 and 10 s whatever the jitter", () => {
        for (let attempt = 0; attempt < 40; attempt++) {
            for (const random of [0, 0.3, 0.999]) {
                const wait = backoff(attempt, random);
                expect(wait).toBeGreaterThanOrEqual(500);
                expect(wait).toBeLessThanOrEqual(10_000);
            }
        }
        expect(backoff(3, 0)).toBe(2000);
        expect(backoff(3, 1)).toBe(4000);
    });
});
