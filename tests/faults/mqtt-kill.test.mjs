/* kill -9 of a loaded broker, over and over: every acknowledged message reaches every session that
 * is subscribed, at QoS 2 exactly once, in order; what is retained is the last that was acknowledged,
 * or one sent after it.
 *
 * Publishers at QoS 1 and 2 publish rising numbers, each to a topic of its own.  Sessions listen at
 * QoS 1 and 2: always, every other round, or only in the end.  All keep their sessions, and find
 * them again after each start.  A message that was sent and not acknowledged is sent again by its
 * publisher, as the standard asks, until it is acknowledged; so in the end every number that was
 * ever sent must have arrived. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Publisher, Subscriber } from "../lib/device.mjs";
import { LONG, Server, temporary } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { pause, until } from "../lib/wait.mjs";

const ROUNDS = LONG ? 1000 : 25;
const T0 = 1_700_000_000_000;

const reading = (n) => JSON.stringify({ value: n, timestamp: T0 + n });
const valueIn = (text) => JSON.parse(text).value;

/* Numbers may come twice only at QoS 1, and only with DUP or because their publisher repeated them;
 * what is new comes in order. */
function judge(subscriber, topic, publisher, qos) {
    const who = `${subscriber.clientId}, ${topic}`;
    const list = subscriber.heard.get(topic) ?? [];
    const seen = new Set();
    let highest = -1;
    for (const { n } of list) {
        assert.ok(n < publisher.sent, `${who}: ${n} was never sent`);
        if (seen.has(n)) assert.ok(qos < 2, `${who}: ${n} came twice at QoS 2`);
        else assert.ok(n > highest, `${who}: ${n} came behind ${highest}`);
        highest = Math.max(highest, n);
        seen.add(n);
    }
    const missing = [...publisher.acknowledged].filter((n) => !seen.has(n));
    assert.deepEqual(missing.slice(0, 10), [], `${who}: ${missing.length} acknowledged are gone`);
    return list.length;
}

/* A message heard by a subscriber at QoS 2 comes as often as its publisher says: exactly once only
 * when it was published at QoS 2. */
const effective = (subscriber, publisher) => Math.min(subscriber.qos, publisher.qos);

test(`${ROUNDS} times kill -9 of a loaded broker`, { timeout: 3_500_000 }, async (t) => {
    const args = ["--log-level", "warn", "--max-queued", "10000000", "--flush", "500ms"];
    const server = new Server({ data: temporary(t), args });
    t.after(() => server.kill());
    const publishers = [
        new Publisher("p1", { version: 4, qos: 1, topic: "k/1" }),
        new Publisher("p2", { version: 5, qos: 2, topic: "k/2" }),
        new Publisher("p3", { version: 4, qos: 2, topic: "k/3", retain: true }),
        new Publisher("p4", { version: 5, qos: 1, topic: "k/4", retain: true }),
    ];
    const readings = new Publisher("p5", {
        version: 5,
        qos: 1,
        topic: "twins/killed/sensors/s",
        payload: reading,
    });
    const always = [
        new Subscriber("one", { version: 4, qos: 1, filters: ["k/#"] }),
        new Subscriber("two", { version: 5, qos: 2, filters: ["k/#"] }),
        new Subscriber("twin", {
            version: 5,
            qos: 1,
            filters: ["twins/killed/sensors/s"],
            number: valueIn,
        }),
    ];
    const sometimes = new Subscriber("comes", { version: 4, qos: 2, filters: ["k/+"] });
    const late = new Subscriber("late", { version: 5, qos: 2, filters: ["k/1", "k/2", "k/3"] });
    const subscribers = [...always, sometimes, late];
    const all = [...publishers, readings, ...subscribers];
    const began = performance.now();

    await server.start();
    await server.create(twin("killed", ["s"]));
    for (const s of subscribers) {
        await s.connect(server);
        await until(`${s.clientId} is subscribed`, () => s.subscribed);
    }
    late.drop();
    let slowest = 0;
    for (let round = 0; round < ROUNDS; round++) {
        if (round > 0) await server.start();
        slowest = Math.max(slowest, server.startedMs);
        const here = round % 2 ? [...always, sometimes] : always;
        await Promise.all([...publishers, readings, ...here].map((d) => d.connect(server)));
        await pause(10 + ((round * 37) % 240)); /* another moment each time */
        await server.kill();
        for (const d of all) d.drop();
        server.judge();
    }

    await server.start();
    for (const p of [...publishers, readings]) p.resting = true;
    await Promise.all(all.map((d) => d.connect(server)));
    for (const p of [...publishers, readings])
        await until(`${p.clientId} has all acknowledged`, () => p.flight.size === 0);
    const count = (s) => [...s.heard.values()].reduce((n, list) => n + list.length, 0);
    for (const s of subscribers) {
        let before = -1;
        await until(
            `${s.clientId} hears no more`,
            () => {
                const now = count(s);
                const quiet = now === before && s.received.size === 0;
                before = now;
                return quiet;
            },
            { timeout: 60_000, every: 500 },
        );
    }
    let heard = 0;
    for (const s of [always[0], always[1], sometimes])
        for (const p of publishers) heard += judge(s, p.topic, p, effective(s, p));
    for (const p of publishers.slice(0, 3)) heard += judge(late, p.topic, p, effective(late, p));
    heard += judge(always[2], readings.topic, readings, 1);
    for (const d of all) assert.deepEqual(d.problems, [], d.clientId);
    for (const p of [...publishers, readings])
        assert.ok(p.acknowledged.size > ROUNDS, `${p.clientId}: ${p.acknowledged.size}`);

    const look = new Subscriber("look", { version: 5, qos: 0, filters: ["k/#"] });
    await look.connect(server);
    for (const p of publishers.slice(2)) {
        const list = await until("what is retained", () => look.heard.get(p.topic));
        assert.deepEqual(
            list.map((m) => m.n),
            [p.sent - 1],
            `${p.topic} is the last that was acknowledged`,
        );
    }
    assert.equal(look.heard.get("k/1"), undefined);
    for (const d of [...all, look]) d.drop();
    await server.stop();
    server.judge();
    const total = publishers.reduce((n, p) => n + p.acknowledged.size, readings.acknowledged.size);
    console.log(
        `# ${ROUNDS} kills, ${total} messages acknowledged, ${heard} delivered in ` +
            `${((performance.now() - began) / 1000).toFixed(0)} s; the slowest start took ${slowest.toFixed(0)} ms`,
    );
});
