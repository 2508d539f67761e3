/* Readings over the WebSocket: what POST takes, with npm ws. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { shared } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { Stream } from "../lib/streams.mjs";

const d = shared();

test("publish is acknowledged with the count, and kept", async (t) => {
    await d.create(twin("ws-1", ["a", "b"]));
    const s = await Stream.open(t, d);
    const readings = { timestamp: 1700000000000, a: 1, b: 2 };
    assert.deepEqual(await s.ask({ publish: { twin: "ws-1", readings }, id: 7 }), {
        ack: 7,
        accepted: 2,
    });
    const more = [
        { sensor: "a", value: 3, timestamp: 1700000001000 },
        { sensor: "a", value: 4, timestamp: 1700000002000, quality: "bad" },
    ];
    assert.deepEqual(await s.ask({ publish: { twin: "ws-1", readings: more }, id: "text id" }), {
        ack: "text id",
        accepted: 2,
    });
    assert.deepEqual((await d.history("ws-1", "a")).points, [
        [1700000000000, 1],
        [1700000001000, 3],
        [1700000002000, 4],
    ]);
    assert.deepEqual((await d.history("ws-1", "b")).points, [[1700000000000, 2]]);
});

test("many publishes under way at once are each answered", async (t) => {
    await d.create(twin("ws-2", ["a"]));
    const s = await Stream.open(t, d);
    const answers = await Promise.all(
        Array.from({ length: 300 }, (_, i) =>
            s.ask({
                publish: { twin: "ws-2", readings: { timestamp: 1700000000000 + i, a: i } },
                id: i + 1,
            }),
        ),
    );
    for (const [i, a] of answers.entries()) assert.deepEqual(a, { ack: i + 1, accepted: 1 });
    assert.equal((await d.history("ws-2", "a")).points.length, 300);
});

test("a refused reading is told with its reason, the good ones are kept, the connection stays", async (t) => {
    await d.create(twin("ws-3", ["a"]));
    const s = await Stream.open(t, d);
    const readings = [
        { sensor: "a", value: 1, timestamp: 1700000000000 },
        { sensor: "nope", value: 1, timestamp: 1700000000000 },
    ];
    const answer = await s.ask({ publish: { twin: "ws-3", readings }, id: 9 });
    assert.equal(answer.error.code, "unknown-sensor");
    assert.equal(answer.error.status, 422);
    assert.equal(answer.id, 9);
    assert.equal(answer.accepted, 1);
    assert.ok(answer.error.title && answer.error.detail && answer.error.type);
    const again = await s.ask({ publish: { twin: "ws-3", readings: { a: 5 } }, id: 10 });
    assert.deepEqual(again, { ack: 10, accepted: 1 });
    const none = await s.ask({ publish: { twin: "no-such-twin", readings: { a: 5 } }, id: 11 });
    assert.equal(none.error.code, "unknown-twin");
    assert.equal(none.error.status, 404);
});
