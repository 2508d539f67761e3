/* Readings over MQTT 3.1.1 and 5.0 at every quality of service, with mosquitto_pub and npm mqtt. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { shared, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";
import { connectMqtt, publishMqtt } from "../lib/streams.mjs";

const d = shared();

const SENSORS = {
    "temp-1": {},
    "motion-1": { type: "position", unit: "degrees" },
    "on-1": { type: "switch", unit: "1" },
    "text-1": { type: "state", unit: "1" },
};

const value = async (id, sensor) => (await d.get(`/api/v1/twins/${id}/sensors/${sensor}`)).body;

for (const version of ["mqttv311", "mqttv5"])
    for (const qos of [0, 1, 2])
        test(`${version} at QoS ${qos}: a bare number, boolean, text and an object`, async () => {
            const id = `m-${version}-${qos}`;
            await d.create(twin(id, SENSORS));
            const send = async (sensor, message) => {
                const r = await d.publish(`twins/${id}/sensors/${sensor}`, message, [
                    "-V",
                    version,
                    "-q",
                    String(qos),
                ]);
                assert.equal(r.code, 0, r.output);
            };
            await send("temp-1", "42.3");
            await send("on-1", "true");
            await send("text-1", "grinding a gear");
            await send(
                "motion-1",
                '{"value":45.2,"timestamp":"2024-03-15T14:30:00Z","quality":"uncertain"}',
            );
            await until(
                "all four to be there",
                async () => (await value(id, "motion-1")).value === 45.2,
            );
            assert.equal((await value(id, "temp-1")).value, 42.3);
            assert.equal((await value(id, "on-1")).value, true);
            assert.equal((await value(id, "text-1")).value, "grinding a gear");
            const motion = await value(id, "motion-1");
            assert.equal(motion.t, 1710513000000);
            assert.equal(motion.quality, "uncertain");
        });

test("text in quotes is the text without them", async () => {
    await d.create(twin("m-quoted", SENSORS));
    await d.publish("twins/m-quoted/sensors/text-1", '"in \\"quotes\\""', ["-q", "1"]);
    await until(
        "it to be there",
        async () => (await value("m-quoted", "text-1")).value === 'in "quotes"',
    );
});

for (const version of ["mqttv311", "mqttv5"])
    test(`${version}: telemetry, an object and an array of them`, async () => {
        const id = `m-tele-${version}`;
        await d.create(twin(id, SENSORS));
        const args = ["-V", version, "-q", "1"];
        const object = {
            timestamp: 1700000000000,
            "temp-1": 1.5,
            "motion-1": { value: Math.PI / 2, unit: "rad" },
        };
        assert.equal(
            (await d.publish(`twins/${id}/telemetry`, JSON.stringify(object), args)).code,
            0,
        );
        const array = [
            { timestamp: 1700000001000, "temp-1": 2.5 },
            { timestamp: 1700000002000, "temp-1": 3.5, "on-1": false },
        ];
        assert.equal(
            (await d.publish(`twins/${id}/telemetry`, JSON.stringify(array), args)).code,
            0,
        );
        assert.deepEqual((await d.history(id, "temp-1")).points, [
            [1700000000000, 1.5],
            [1700000001000, 2.5],
            [1700000002000, 3.5],
        ]);
        const [[, angle]] = (await d.history(id, "motion-1")).points;
        assert.ok(Math.abs(angle - 90) < 1e-9, String(angle));
        assert.deepEqual((await d.history(id, "on-1")).points, [[1700000002000, false]]);
    });

for (const protocolVersion of [4, 5])
    test(`npm mqtt, version ${protocolVersion}: a thousand readings at QoS 1 and 2, each kept once, in order`, async (t) => {
        const id = `m-many-${protocolVersion}`;
        await d.create(twin(id, ["q1", "q2"]));
        const client = await connectMqtt(t, d, { protocolVersion });
        const sends = [];
        for (let i = 0; i < 1000; i++) {
            const body = { value: i, timestamp: 1700000000000 + i };
            for (const qos of [1, 2])
                sends.push(publishMqtt(client, `twins/${id}/sensors/q${qos}`, body, { qos }));
        }
        for (const r of await Promise.all(sends)) assert.equal(r.error ?? null, null);
        const expected = Array.from({ length: 1000 }, (_, i) => [1700000000000 + i, i]);
        assert.deepEqual(await d.allHistory(id, "q1"), expected);
        assert.deepEqual(await d.allHistory(id, "q2"), expected);
    });

test("a PUBACK means that the reading can be read", async (t) => {
    await d.create(twin("m-ack", ["a"]));
    const client = await connectMqtt(t, d);
    for (let i = 1; i <= 20; i++) {
        const r = await publishMqtt(client, "twins/m-ack/sensors/a", String(i));
        assert.equal(r.code, 0);
        assert.equal((await value("m-ack", "a")).value, i);
        assert.equal((await d.history("m-ack", "a")).points.length, i);
    }
});

test("topic aliases of MQTT 5", async (t) => {
    await d.create(twin("m-alias", ["a"]));
    const client = await connectMqtt(t, d, { autoUseTopicAlias: true });
    if (!(client.connack.properties?.topicAliasMaximum > 0))
        return t.skip("the server takes no aliases");
    for (let i = 0; i < 5; i++) await publishMqtt(client, "twins/m-alias/sensors/a", String(i));
    assert.equal((await d.history("m-alias", "a")).points.length, 5);
});
