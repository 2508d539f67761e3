import { describe, expect, it } from "vitest";
import type { Rejection } from "../../base/wire";
import { gather, guessSensor } from "./refused";

const base: Rejection = {
    at: "2024-03-15T14:00:00Z",
    source: "mqtt",
    peer: "10.0.0.1:5",
    topic: "twins/a/sensors/x",
    twin: "a",
    sensor: "x",
    code: "unknown-sensor",
    detail: "no such sensor",
    payload: "1",
};

describe("gather", () => {
    it("counts what is alike and shows its newest, newest first", () => {
        const list = gather([
            { ...base, at: "2024-03-15T14:00:01Z", payload: "2" },
            base,
            { ...base, code: "wrong-type", at: "2024-03-15T14:00:05Z" },
            { ...base, peer: "10.0.0.2:9", at: 1710511203000, payload: "3" },
        ]);
        expect(list.map((g) => [g.latest.code, g.count, g.latest.payload])).toEqual([
            ["wrong-type", 1, "1"],
            ["unknown-sensor", 3, "3"],
        ]);
    });
});

describe("guessSensor", () => {
    const guess = (sensor: string, payload: string) => guessSensor({ ...base, sensor, payload });
    it("reads the value's kind from the payload", () => {
        expect(guess("door", "true")).toEqual({ type: "boolean", unit: "1" });
        expect(guess("mode", "open")).toEqual({ type: "text", unit: "1" });
        expect(guess("mode", '{"value":"open"}')).toEqual({ type: "text", unit: "1" });
        expect(guess("x", "3.2")).toEqual({ type: "measurement", unit: "1" });
    });
    it("takes the unit that was said, or the usual one", () => {
        expect(guess("oil-temp", "71")).toEqual({ type: "temperature", unit: "celsius" });
        expect(guess("oil-temp", '{"value":160,"unit":"degF"}')).toEqual({
            type: "temperature",
            unit: "degF",
        });
        expect(guess("temp-2", '{"temp-1":4,"temp-2":{"value":1,"unit":"K"}}')).toEqual({
            type: "temperature",
            unit: "K",
        });
        expect(guess("x", "null")).toEqual({ type: "measurement", unit: "1" });
    });
});
