/* device.mjs - MQTT devices that remember: their sessions outlive connections, and the server.
 *
 * The packets are mqtt-packet's; what is in flight, and what was received at QoS 2, is kept here as
 * the standard asks, and no more than that is done: so what a test counts is what the server did. */

import net from "node:net";
import mqttPacket from "mqtt-packet";

const EXPIRY = 3600;

class Device {
    constructor(clientId, version) {
        this.clientId = clientId;
        this.version = version;
        this.connected = false; /* CONNACK came */
        this.sessions = 0; /* CONNACKs */
        this.problems = [];
    }

    /* Resolves when CONNACK came or the connection has ended. */
    connect(server) {
        const { version: protocolVersion } = this;
        const parser = mqttPacket.parser({ protocolVersion });
        const socket = net.connect(Number(server.mqttPort), server.mqttHost);
        this.socket = socket;
        return new Promise((resolve) => {
            const over = () => {
                if (this.socket === socket) this.connected = false;
                resolve();
            };
            socket.on("error", over);
            socket.on("close", over);
            socket.on("data", (d) => parser.parse(d));
            parser.on("packet", (p) => {
                if (this.socket !== socket) return;
                if (p.cmd !== "connack") return this.take(p);
                const code = p.reasonCode ?? p.returnCode;
                if (code !== 0) this.problems.push(`CONNACK ${code}`);
                if (this.sessions > 0 && !p.sessionPresent)
                    this.problems.push("the session was lost");
                this.sessions++;
                this.connected = true;
                this.begin();
                resolve();
            });
            parser.on("error", (e) => this.problems.push(String(e)));
            this.say({
                cmd: "connect",
                clientId: this.clientId,
                clean: false,
                keepalive: 0,
                ...(protocolVersion === 5
                    ? { properties: { sessionExpiryInterval: EXPIRY, receiveMaximum: 200 } }
                    : {}),
            });
        });
    }

    say(packet) {
        const p = { protocolVersion: this.version, ...packet };
        this.socket.write(mqttPacket.generate(p, { protocolVersion: this.version }));
    }

    drop() {
        this.connected = false;
        this.socket?.destroy();
    }
}

/* Publishes the numbers 0, 1, 2 ... to a topic, so many at a time. */
export class Publisher extends Device {
    constructor(clientId, { version, qos, topic, atOnce = 8, retain = false, payload = String }) {
        super(clientId, version);
        Object.assign(this, { qos, topic, atOnce, retain, payload });
        this.sent = 0;
        this.acknowledged = new Set();
        this.flight = new Map(); /* packet id: {n, released} in the order of sending */
        this.id = 0;
        this.resting = false; /* sends nothing new */
    }

    begin() {
        for (const [messageId, f] of this.flight)
            if (f.released) this.say({ cmd: "pubrel", messageId, qos: 1 });
            else this.#publish(messageId, f.n, true);
        this.#more();
    }

    #publish(messageId, n, dup) {
        const { topic, qos, retain } = this;
        this.say({ cmd: "publish", topic, qos, retain, dup, messageId, payload: this.payload(n) });
    }

    #more() {
        while (!this.resting && this.connected && this.flight.size < this.atOnce) {
            do this.id = (this.id % 65535) + 1;
            while (this.flight.has(this.id));
            const n = this.sent++;
            this.flight.set(this.id, { n, released: false });
            this.#publish(this.id, n, false);
        }
    }

    take(p) {
        const f = this.flight.get(p.messageId);
        if (!f) return;
        /* PUBCOMP 0x92: the server had forgotten the identifier before it died (3.7.2.1) */
        if (p.reasonCode >= 0x80 && !(p.cmd === "pubcomp" && p.reasonCode === 0x92))
            this.problems.push(`${p.cmd} ${p.reasonCode}`);
        if (p.cmd === "pubrec") {
            this.acknowledged.add(f.n);
            f.released = true;
            this.say({ cmd: "pubrel", messageId: p.messageId, qos: 1 });
        } else if (p.cmd === "puback" || p.cmd === "pubcomp") {
            this.acknowledged.add(f.n);
            this.flight.delete(p.messageId);
            this.#more();
        }
    }
}

/* Subscribes once, and notes what comes: numbers by topic, in order. */
export class Subscriber extends Device {
    constructor(clientId, { version, qos, filters, number = (text) => Number(text) }) {
        super(clientId, version);
        Object.assign(this, { qos, filters, number });
        this.heard = new Map(); /* topic: [{n, qos, dup}] */
        this.received = new Set(); /* at QoS 2, until PUBREL */
        this.subscribed = false; /* SUBACK came */
        this.asked = false;
        this.again = 0; /* messages at QoS 1 that came more than once, known by DUP */
    }

    begin() {
        if (!this.subscribed)
            this.say({
                cmd: "subscribe",
                messageId: 1,
                subscriptions: this.filters.map((topic) => ({ topic, qos: this.qos })),
            });
    }

    take(p) {
        if (p.cmd === "suback") this.subscribed = true;
        else if (p.cmd === "pubrel") {
            this.received.delete(p.messageId);
            this.say({ cmd: "pubcomp", messageId: p.messageId });
        } else if (p.cmd === "publish") this.#hear(p);
    }

    #hear(p) {
        if (p.qos === 2 && this.received.has(p.messageId)) {
            if (!p.dup) this.problems.push(`identifier ${p.messageId} was given twice`);
        } else {
            const list = this.heard.get(p.topic) ?? [];
            list.push({ n: this.number(p.payload.toString()), qos: p.qos, dup: p.dup });
            this.heard.set(p.topic, list);
        }
        if (p.qos === 1) this.say({ cmd: "puback", messageId: p.messageId });
        if (p.qos === 2) {
            this.received.add(p.messageId);
            this.say({ cmd: "pubrec", messageId: p.messageId });
        }
    }
}
