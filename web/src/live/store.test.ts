import { beforeEach, describe, expect, it } from "vitest";
import type { Sensor } from "../base/wire";
import { Clock } from "./clock";
import { Painter } from "./painter";
import { LiveStore } from "./store";
import { Thinner } from "./thin";

let now = 0;
let clock: Clock;
let store: LiveStore;
let later: { run: () => void; ms: number }[];

function run() {
    const due = later;
    later = [];
    for (const { run: one } of due) one();
}

const update = (t: number, value: number | string | boolean, sensor = "temp-1") => ({
    twin: "robot",
    sensor,
    t,
    value,
    quality: "good" as const,
});

beforeEach(() => {
    now = 10_000;
    later = [];
    clock = new Clock(() => now);
    store = new LiveStore({ clock, later: (r, ms) => later.push({ run: r, ms }) });
});

describe("LiveStore", () => {
    it("shows the first value at once and later ones no faster than readable", () => {
        let told = 0;
        store.subscribe("robot", "temp-1", () => told++);
        store.take([update(1, 42.3)]);
        expect(later[0]?.ms).toBe(0);
        run();
        expect(told).toBe(1);
        expect(store.shown("robot", "temp-1").value).toBe(42.3);
        now += 50;
        store.take([update(2, 43)]);
        store.take([update(3, 44)]);
        expect(later.map((l) => l.ms)).toEqual([150]);
        expect(store.shown("robot", "temp-1").value).toBe(42.3);
        run();
        expect(store.shown("robot", "temp-1")).toEqual({ value: 44, t: 3, quality: "good" });
        expect(told).toBe(2);
    });
    it("tells only those whose sensor changed and keeps the snapshot's identity", () => {
        let other = 0;
        store.subscribe("robot", "motion-1", () => other++);
        store.take([update(1, 42.3)]);
        run();
        const before = store.shown("robot", "motion-1");
        store.take([update(2, 42.4)]);
        run();
        expect(other).toBe(0);
        expect(store.shown("robot", "motion-1")).toBe(before);
    });
    it("keeps the newest reading when an old one arrives late", () => {
        store.take([update(5, 50), update(3, 30)]);
        run();
        expect(store.shown("robot", "temp-1").value).toBe(50);
        expect(store.series("robot", "temp-1").ring.length).toBe(2);
    });
    it("stands still while paused and catches up afterwards", () => {
        store.take([update(1, 1)]);
        run();
        clock.pause();
        store.take([update(2, 2)]);
        run();
        expect(store.shown("robot", "temp-1").value).toBe(1);
        expect(store.series("robot", "temp-1").ring.length).toBe(2);
        clock.resume();
        expect(store.shown("robot", "temp-1").value).toBe(2);
    });
    it("takes what REST knows, but never over something newer", () => {
        const sensor = { id: "temp-1", t: 4, value: 40, quality: "good" } as Sensor;
        store.take([update(5, 50)]);
        store.seed("robot", [sensor, { ...sensor, id: "new", t: 9, value: true }]);
        run();
        expect(store.shown("robot", "temp-1").value).toBe(50);
        expect(store.shown("robot", "new").value).toBe(true);
    });
    it("learns how finely a sensor speaks", () => {
        store.take([update(1, 42), update(2, 42.3), update(3, 43)]);
        expect(store.series("robot", "temp-1").decimals).toBe(1);
    });
    it("lets others see every update, and forgets a twin", () => {
        const seen: number[] = [];
        const stop = store.tap((u) => seen.push(u.t));
        store.take([update(1, 1), update(2, 2)]);
        stop();
        store.take([update(3, 3)]);
        expect(seen).toEqual([1, 2]);
        run();
        store.forget("robot");
        expect(store.shown("robot", "temp-1").t).toBeNull();
    });
});

describe("Clock", () => {
    it("follows a server whose clock differs, not the header's rounding", () => {
        clock.learn(now - 900);
        expect(clock.now()).toBe(now);
        clock.learn(now + 60_000);
        expect(clock.now()).toBe(now + 60_500);
        clock.learn(Number.NaN);
        expect(clock.now()).toBe(now + 60_500);
    });
    it("stands still while paused", () => {
        clock.pause();
        now += 5_000;
        expect(clock.now()).toBe(10_000);
        expect(clock.present()).toBe(15_000);
        clock.resume();
        expect(clock.now()).toBe(15_000);
    });
});

describe("Painter", () => {
    it("shares frames out in turn within the budget and holds still while paused", () => {
        let frame: (() => void) | null = null;
        let spent = 0;
        let paused = false;
        const painter = new Painter({
            frame: (r) => {
                frame = () => r(0);
            },
            elapsed: () => spent,
            paused: () => paused,
            budgetMs: 5,
        });
        const drawn: string[] = [];
        const jobs = ["a", "b", "c"].map((name) =>
            painter.add({
                every: 0,
                paint: () => {
                    drawn.push(name);
                    spent += 3;
                },
            }),
        );
        const step = () => (frame as unknown as () => void)();
        step();
        expect(drawn).toEqual(["a", "b"]);
        step();
        expect(drawn).toEqual(["a", "b", "c", "a"]);
        paused = true;
        step();
        expect(drawn.length).toBe(4);
        jobs[1]?.redraw();
        step();
        expect(drawn.at(-1)).toBe("b");
        for (const job of jobs) job.remove();
        frame = null;
        paused = false;
        painter.add({ every: 0, paint: () => drawn.push("d") });
        expect(frame).toBeNull();
    });
    it("keeps to each picture's pace", () => {
        let frame: () => void = () => {};
        let t = 0;
        const painter = new Painter({
            frame: (r) => {
                frame = () => r(t);
            },
            elapsed: () => t,
        });
        let n = 0;
        painter.add({ every: 100, paint: () => n++ });
        for (; t < 1000; t += 16) frame();
        expect(n).toBeGreaterThanOrEqual(8);
        expect(n).toBeLessThanOrEqual(10);
    });
});

describe("Thinner", () => {
    it("keeps first, extremes and last of every step, as real readings in order", () => {
        const thin = new Thinner(100);
        const given = new Map<number, number>();
        for (let t = 0; t < 1000; t += 3) {
            const v = Math.sin(t / 17) * 10 + (t === 501 ? 99 : 0);
            given.set(t, v);
            thin.push(t, v);
        }
        const out: [number, number][] = [];
        thin.visit((t, v) => out.push([t, v]));
        expect(out.length).toBeLessThanOrEqual(40);
        expect(out[0]).toEqual([0, given.get(0)]);
        expect(out.at(-1)?.[0]).toBe(999);
        for (const [t, v] of out) expect(given.get(t)).toBe(v);
        for (let i = 1; i < out.length; i++) {
            expect((out[i] as [number, number])[0]).toBeGreaterThan(
                (out[i - 1] as [number, number])[0],
            );
        }
        expect(Math.max(...out.map(([, v]) => v))).toBe(Math.max(...given.values()));
        expect(Math.min(...out.map(([, v]) => v))).toBe(Math.min(...given.values()));
    });
    it("lets go of what is before or after a time", () => {
        const thin = new Thinner(10);
        for (let t = 0; t < 100; t += 10) thin.push(t, t);
        thin.dropBefore(30);
        thin.dropFrom(70);
        const out: number[] = [];
        thin.visit((t) => out.push(t));
        expect(out).toEqual([30, 40, 50, 60]);
        expect(thin.newest).toBe(60);
    });
});
