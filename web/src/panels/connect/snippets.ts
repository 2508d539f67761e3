/* snippets.ts - the few lines that send a reading to a twin, with its real address. */

import type { Sensor, Status, Value } from "../../base/wire";

export interface Target {
    /* http://host:port of the server as this page reached it */
    origin: string;
    mqtt: { host: string; port: number; tls: boolean } | null;
    twin: string;
    sensor: string;
    example: Value;
    /* what lets the device in; null where the door is open */
    token: string | null;
}

/* Stands where a token has to come, until one is made. */
export const PLACEHOLDER = "DEVICE_TOKEN";

export interface Snippet {
    key: string;
    label: string;
    language: string;
    /* what must be there first */
    needs: string | null;
    code: string;
}

/* "127.0.0.1:1883", "[::1]:1883", "host:1883" → host and port. */
export function splitAddress(address: string): { host: string; port: number } | null {
    const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(address.trim());
    if (!found) return null;
    const port = Number(found[3]);
    const host = found[1] ?? found[2] ?? "";
    return port > 0 && port < 65_536 ? { host, port } : null;
}

const ANYWHERE = new Set(["0.0.0.0", "::", "*", ""]);

/* Where to send MQTT: a listener on every address is reached by the name this page came from. */
export function mqttTarget(
    addresses: Status["addresses"],
    pageHost: string,
): { host: string; port: number; tls: boolean } | null {
    for (const [address, tls] of [
        [addresses?.mqtt, false],
        [addresses?.mqtts, true],
    ] as const) {
        const split = address ? splitAddress(address) : null;
        if (!split) continue;
        const host = ANYWHERE.has(split.host) ? pageHost.replace(/^\[|\]$/g, "") : split.host;
        return { host, port: split.port, tls };
    }
    return null;
}

/* A value that the sensor would take: near what it says, inside its normal range. */
export function exampleValue(sensor: Sensor | undefined): Value {
    if (!sensor) return 42.3;
    if (sensor.value !== null) {
        return typeof sensor.value === "number"
            ? Number(sensor.value.toPrecision(4))
            : sensor.value;
    }
    if (sensor.type === "boolean") return true;
    if (sensor.type === "text" || sensor.type === "state") return "running";
    if (sensor.normalRange) {
        const [low, high] = sensor.normalRange;
        return Number(((low + high) / 2).toPrecision(3));
    }
    return 42.3;
}

/* A word of a POSIX shell command. */
export function shellWord(text: string): string {
    return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function bracket(host: string): string {
    return host.includes(":") ? `[${host}]` : host;
}

function topicOf(t: Target): string {
    return `twins/${t.twin}/sensors/${t.sensor}`;
}

function curl(t: Target): Snippet {
    const url = `${t.origin}/api/v1/twins/${encodeURIComponent(t.twin)}/readings`;
    const body = JSON.stringify({ [t.sensor]: t.example });
    return {
        key: "curl",
        label: "curl",
        language: "shell",
        needs: null,
        code: [
            `curl ${shellWord(url)}`,
            ...(t.token ? [`-H ${shellWord(`authorization: Bearer ${t.token}`)}`] : []),
            "-H 'content-type: application/json'",
            `-d ${shellWord(body)}`,
        ].join(" \\\n  "),
    };
}

function mosquitto(t: Target, mqtt: NonNullable<Target["mqtt"]>): Snippet {
    const value = typeof t.example === "string" ? t.example : JSON.stringify(t.example);
    const tls = mqtt.tls ? " --cafile cert.pem" : "";
    const user = t.token ? ` \\\n  -u device -P ${shellWord(t.token)}` : "";
    return {
        key: "mosquitto_pub",
        label: "mosquitto_pub",
        language: "shell",
        needs: "apt install mosquitto-clients",
        code: `mosquitto_pub -V 5 -h ${shellWord(mqtt.host)} -p ${mqtt.port}${tls} -q 1${user} \\\n  -t ${shellWord(topicOf(t))} \\\n  -m ${shellWord(value)}`,
    };
}

function python(t: Target, mqtt: NonNullable<Target["mqtt"]>): Snippet {
    const number = typeof t.example === "number";
    const value = number
        ? `round(${t.example} + math.sin(time.time() / 5), 2)`
        : typeof t.example === "boolean"
          ? t.example
              ? "True"
              : "False"
          : JSON.stringify(t.example);
    const lines = [
        number ? "import json, math, time" : "import json, time",
        "import paho.mqtt.client as mqtt",
        "",
        "def on_publish(client, userdata, mid, reason, properties):",
        "    if reason.is_failure:",
        '        print("refused:", reason, getattr(properties, "ReasonString", ""))',
        "",
        "client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)",
        "client.on_publish = on_publish",
        ...(t.token ? [`client.username_pw_set("device", ${JSON.stringify(t.token)})`] : []),
        ...(mqtt.tls ? ['client.tls_set("cert.pem")'] : []),
        `client.connect(${JSON.stringify(mqtt.host)}, ${mqtt.port})`,
        "client.loop_start()",
        "",
        "while True:",
        `    value = ${value}`,
        `    sent = client.publish(${JSON.stringify(topicOf(t))}, json.dumps(value), qos=1)`,
        "    sent.wait_for_publish()  # the server has kept the reading, or refused it",
        "    time.sleep(1)",
    ];
    return {
        key: "python",
        label: "Python",
        language: "python",
        needs: "pip install paho-mqtt",
        code: lines.join("\n"),
    };
}

/* The way in for pages, and where MQTT has no listener of its own. */
function overWebSocket(t: Target): string {
    return `${t.origin.replace(/^http/, "ws")}/mqtt`;
}

function javascript(t: Target): Snippet {
    const { mqtt } = t;
    const scheme = mqtt?.tls ? "mqtts" : "mqtt";
    const address = mqtt ? `${scheme}://${bracket(mqtt.host)}:${mqtt.port}` : overWebSocket(t);
    const value =
        typeof t.example === "number"
            ? `Number((${t.example} + Math.sin(Date.now() / 5000)).toFixed(2))`
            : JSON.stringify(t.example);
    const lines = [
        'import mqtt from "mqtt";',
        "",
        ...(mqtt ? [`// in a page: ${overWebSocket(t)}`] : []),
        ...(t.token
            ? [
                  `const client = await mqtt.connectAsync(${JSON.stringify(address)}, {`,
                  "  protocolVersion: 5,",
                  '  username: "device",',
                  `  password: ${JSON.stringify(t.token)},`,
                  "});",
              ]
            : [
                  `const client = await mqtt.connectAsync(${JSON.stringify(address)}, { protocolVersion: 5 });`,
              ]),
        "",
        "setInterval(async () => {",
        `  const value = ${value};`,
        `  await client.publishAsync(${JSON.stringify(topicOf(t))}, JSON.stringify(value), { qos: 1 });`,
        "}, 1000);",
    ];
    return {
        key: "javascript",
        label: "JavaScript",
        language: "javascript",
        needs: "npm install mqtt",
        code: lines.join("\n"),
    };
}

export function snippets(t: Target): Snippet[] {
    if (!t.mqtt) return [curl(t), javascript(t)];
    return [curl(t), mosquitto(t, t.mqtt), python(t, t.mqtt), javascript(t)];
}
