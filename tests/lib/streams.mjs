/* streams.mjs - npm ws and npm mqtt with promises, for tests. */

import { once } from "node:events";
import mqtt from "mqtt";
import WebSocket from "ws";
import { until, within } from "./wait.mjs";

/* The stream of a server: what was said is in .updates, .events and .answers. */
export class Stream {
    static async open(t, server, options = {}) {
        const s = new Stream();
        s.updates = [];
        s.events = [];
        s.answers = [];
        s.frames = 0;
        s.socket = new WebSocket(options.url ?? server.ws, options);
        s.socket.on("message", (data) => s.#take(JSON.parse(data)));
        s.closed = new Promise((resolve) => s.socket.on("close", (code) => resolve(code)));
        t.after(() => s.socket.terminate());
        await within("the stream to open", once(s.socket, "open"));
        return s;
    }

    #take(message) {
        this.frames++;
        for (const m of Array.isArray(message) ? message : [message])
            if ("t" in m && "sensor" in m) this.updates.push({ ...m, at: performance.now() });
            else if ("event" in m) this.events.push(m);
            else this.answers.push(m);
    }

    say(message) {
        this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
    }

    /* Say it, and the first answer that is meant: one with this id, or an error. */
    async ask(message) {
        const id = message.id ?? 1 + this.answers.length + Math.floor(Math.random() * 1e6);
        this.say({ ...message, id });
        return until(`an answer to ${JSON.stringify(message)}`, () =>
            this.answers.find(
                (a) => a.id === id || a.subscribed === id || a.ack === id || a.unsubscribed === id,
            ),
        );
    }

    of(twin, sensor) {
        return this.updates.filter((u) => u.twin === twin && u.sensor === sensor);
    }
}

/* An npm mqtt client, connected; .messages has what came. */
export async function connectMqtt(t, server, options = {}) {
    const url = options.url ?? `mqtt://${server.mqtt}`;
    const client = mqtt.connect(url, {
        protocolVersion: 5,
        reconnectPeriod: 0,
        connectTimeout: 10_000,
        ...options,
    });
    client.messages = [];
    client.on("message", (topic, payload, packet) =>
        client.messages.push({ topic, payload, packet }),
    );
    client.on("error", (e) => {
        client.lastError = e;
    });
    t.after(() => client.endAsync(true).catch(() => {}));
    const [connack] = await within("CONNACK", once(client, "connect"));
    client.connack = connack;
    return client;
}

/* A publish, with the refusal instead of an exception: {code, reason} of MQTT 5. */
export function publishMqtt(client, topic, payload, options = { qos: 1 }) {
    const text =
        typeof payload === "string" || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
    return new Promise((resolve) => {
        client.publish(topic, text, options, (error, packet) => {
            const ack = error?.packet ?? packet ?? {};
            resolve({
                error,
                code: ack.reasonCode ?? error?.code ?? 0,
                reason: ack.properties?.reasonString ?? error?.message ?? "",
            });
        });
    });
}
