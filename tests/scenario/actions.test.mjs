/* What is told of alarms: to a webhook that checks signatures, by a real SMTP server, over MQTT. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { test } from "node:test";
import mqtt from "mqtt";
import { SMTPServer } from "smtp-server";
import { start, until } from "../lib/doppel.mjs";
import { twin } from "../lib/profiles.mjs";

const RANGES = { normalRange: [0, 50], criticalRange: [80, 100] };
const LOCAL = ["--allow-private-fetch", "127.0.0.1"];

/* A receiver that keeps what it gets; answer(n) is the status of the n-th request. */
async function receiver(t, answer = () => 204) {
    const got = [];
    const server = createServer((request, response) => {
        const parts = [];
        request.on("data", (part) => parts.push(part));
        request.on("end", () => {
            got.push({ headers: request.headers, text: Buffer.concat(parts).toString() });
            response.writeHead(answer(got.length)).end();
        });
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    return { got, url: `http://127.0.0.1:${server.address().port}/alarms` };
}

async function mailbox(t) {
    const mails = [];
    const server = new SMTPServer({
        authOptional: true,
        disabledCommands: ["STARTTLS"],
        onData(stream, session, done) {
            const parts = [];
            stream.on("data", (part) => parts.push(part));
            stream.on("end", () => {
                const [head, body] = Buffer.concat(parts).toString().split("\r\n\r\n");
                mails.push({
                    to: session.envelope.rcptTo.map((r) => r.address),
                    from: session.envelope.mailFrom.address,
                    head,
                    text: Buffer.from(body, "base64").toString(),
                });
                done();
            });
        },
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    return { mails, url: `smtp://127.0.0.1:${server.server.address().port}` };
}

const must = async (server, path, body) => {
    const r = await server.send("POST", path, body);
    assert.ok(r.status < 300, r.text);
    return r.body;
};
const say = (server, id, body) => must(server, `/api/v1/twins/${id}/readings`, body);

function signed(secret, { headers, text }) {
    const key = Buffer.from(secret.slice("whsec_".length), "base64");
    const what = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${text}`;
    return `v1,${createHmac("sha256", key).update(what).digest("base64")}`;
}

test("a webhook is told in order, signed, and what fails is tried again", async (t) => {
    const server = await start(t, { args: LOCAL });
    const hook = await receiver(t, (n) => (n === 1 ? 500 : 204));
    const alarms = { severity: "warning", on: ["raised", "acknowledged", "cleared"] };
    await must(server, "/api/v1/destinations", {
        id: "hook",
        kind: "webhook",
        url: hook.url,
        alarms,
    });
    const { secret } = await must(server, "/api/v1/destinations/hook/secret");
    await server.create(twin("pump-1", { t: RANGES }));
    await say(server, "pump-1", { t: 60 });
    await until("a first try", () => hook.got.length);
    const [alarm] = (await server.get("/api/v1/alarms?twin=pump-1")).body.alarms;
    await must(server, `/api/v1/alarms/${alarm.id}/acknowledge`, {});
    await say(server, "pump-1", { t: 10 });
    await until("all of it", () => hook.got.length === 4, { timeout: 30_000 });
    const [first, again, ...rest] = hook.got;
    assert.equal(first.headers["webhook-id"], again.headers["webhook-id"]);
    for (const one of hook.got) assert.equal(one.headers["webhook-signature"], signed(secret, one));
    const types = [again, ...rest].map((r) => JSON.parse(r.text).type);
    assert.deepEqual(types, ["alarm.raised", "alarm.acknowledged", "alarm.cleared"]);
    assert.equal(JSON.parse(again.text).data.twin, "pump-1");
    const sent = (await server.get(`/api/v1/alarms/${alarm.id}`)).body.deliveries;
    assert.deepEqual(new Set(sent.map((s) => s.state)), new Set(["sent"]));
    const text = JSON.stringify((await server.get("/api/v1/destinations/hook/versions/1")).body);
    assert.doesNotMatch(text, /whsec|sealed/);
});

test("what waits survives the end of the program", async (t) => {
    const server = await start(t, { args: LOCAL });
    let open = false;
    const hook = await receiver(t, () => (open ? 204 : 503));
    const alarms = { severity: "info" };
    await must(server, "/api/v1/destinations", {
        id: "hook",
        kind: "webhook",
        url: hook.url,
        alarms,
    });
    await server.create(twin("pump-1", { t: RANGES }));
    await say(server, "pump-1", { t: 90 });
    await until("a try", () => hook.got.length);
    await server.kill();
    open = true;
    const before = hook.got.length;
    await server.restart();
    await until("it comes", () => hook.got.length > before, { timeout: 30_000 });
    assert.equal(hook.got.at(-1).headers["webhook-id"], hook.got[0].headers["webhook-id"]);
});

test("a private address is refused unless the operator allows it", async (t) => {
    const server = await start(t);
    const hook = await receiver(t);
    const r = await server.send("POST", "/api/v1/destinations", {
        id: "hook",
        kind: "webhook",
        url: hook.url,
    });
    assert.equal(r.status, 400, r.text);
    assert.match(r.body.detail, /^\/url: /);
    assert.equal(hook.got.length, 0);
});

test("a receiver that is gone is given up, seen and tried by hand", async (t) => {
    const server = await start(t, { args: LOCAL });
    let status = 410;
    const hook = await receiver(t, () => status);
    await must(server, "/api/v1/destinations", { id: "hook", kind: "webhook", url: hook.url });
    const { delivery } = await must(server, "/api/v1/destinations/hook/test");
    const dead = "/api/v1/deliveries?state=dead";
    await until("it is dead", async () => (await server.get(dead)).body.deliveries.length);
    const [one] = (await server.get(dead)).body.deliveries;
    assert.equal(one.id, delivery);
    assert.equal(one.why, "it answered 410");
    status = 204;
    await must(server, `/api/v1/deliveries/${delivery}/retry`);
    await until("it is sent", async () => {
        const { body } = await server.get("/api/v1/deliveries?state=sent");
        return body.deliveries.length;
    });
});

test("mail goes to a real SMTP server, and much of it becomes one", async (t) => {
    const box = await mailbox(t);
    const server = await start(t, {
        args: ["--smtp", box.url, "--smtp-from", "doppel@example.org", "--smtp-plain"],
    });
    await must(server, "/api/v1/destinations", {
        id: "mail",
        kind: "email",
        to: ["ops@example.org", "night@example.org"],
        subject: "{twin.name}: {alarm.message}",
        alarms: { severity: "warning" },
    });
    const names = [...Array(8).keys()].map((i) => `s${i}`);
    await server.create(twin("pump-1", Object.fromEntries(names.map((s) => [s, RANGES]))));
    await say(server, "pump-1", { s0: 90 });
    await until("a mail", () => box.mails.length);
    const [mail] = box.mails;
    assert.deepEqual(mail.to, ["ops@example.org", "night@example.org"]);
    assert.equal(mail.from, "doppel@example.org");
    assert.match(mail.text, /Sensor s0 is 90 celsius, in its critical range/);
    const [, words] = mail.head.match(/^Subject: =\?UTF-8\?B\?(.*?)\?=/m);
    assert.match(Buffer.from(words, "base64").toString(), /Sensor s0 is 90/);
    await say(server, "pump-1", Object.fromEntries(names.slice(1).map((s) => [s, 90])));
    const told = () =>
        box.mails
            .map((m) => m.text)
            .join("\n")
            .match(/Sensor s\d is 90/g).length;
    await until("all are told", () => told() === 8, { timeout: 90_000 });
    assert.ok(box.mails.length < 8, `${box.mails.length} mails`);
});

test("a topic of MQTT is told", async (t) => {
    const server = await start(t);
    await must(server, "/api/v1/destinations", {
        id: "topic",
        kind: "mqtt",
        topic: "plant/alarms/{alarm.twin}",
        alarms: {},
    });
    await server.create(twin("pump-1", { t: RANGES }));
    const client = await mqtt.connectAsync(`mqtt://${server.mqtt}`);
    t.after(() => client.endAsync(true));
    const heard = [];
    client.on("message", (topic, payload) => heard.push({ topic, ...JSON.parse(payload) }));
    await client.subscribeAsync("plant/alarms/#", { qos: 1 });
    await say(server, "pump-1", { t: 90 });
    await until("it is heard", () => heard.length);
    assert.equal(heard[0].topic, "plant/alarms/pump-1");
    assert.equal(heard[0].type, "alarm.raised");
});

test("who does not answer makes others hear", async (t) => {
    const server = await start(t, { args: LOCAL });
    const hook = await receiver(t);
    await must(server, "/api/v1/destinations", {
        id: "boss",
        kind: "webhook",
        url: hook.url,
        alarms: { after: "1s" },
    });
    await server.create(twin("pump-1", { t: RANGES }));
    await say(server, "pump-1", { t: 90 });
    await until("it is told", () => hook.got.length);
    assert.equal(JSON.parse(hook.got[0].text).type, "alarm.unanswered");
});
