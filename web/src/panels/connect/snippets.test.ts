import { describe, expect, it } from "vitest";
import type { Sensor } from "../../base/wire";
import {
    exampleValue,
    mqttTarget,
    shellWord,
    snippets,
    splitAddress,
    type Target,
} from "./snippets";

const target: Target = {
    origin: "http://127.0.0.1:8080",
    mqtt: { host: "127.0.0.1", port: 1883, tls: false },
    twin: "my-twin",
    sensor: "temp-1",
    example: 42.3,
    token: null,
};

const code = (t: Target, key: string) => snippets(t).find((s) => s.key === key)?.code ?? "";

describe("snippets", () => {
    it("carry the real addresses, the twin and the sensor", () => {
        expect(snippets(target).map((s) => s.label)).toEqual([
            "curl",
            "mosquitto_pub",
            "Python",
            "JavaScript",
        ]);
        expect(code(target, "curl")).toBe(
            "curl http://127.0.0.1:8080/api/v1/twins/my-twin/readings \\\n  -H 'content-type: application/json' \\\n  -d '{\"temp-1\":42.3}'",
        );
        expect(code(target, "mosquitto_pub")).toBe(
            "mosquitto_pub -V 5 -h 127.0.0.1 -p 1883 -q 1 \\\n  -t twins/my-twin/sensors/temp-1 \\\n  -m 42.3",
        );
        expect(code(target, "python")).toContain('client.connect("127.0.0.1", 1883)');
        expect(code(target, "python")).toContain('"twins/my-twin/sensors/temp-1"');
        expect(code(target, "javascript")).toContain('"mqtt://127.0.0.1:1883"');
        expect(code(target, "javascript")).toContain("// in a page: ws://127.0.0.1:8080/mqtt");
    });
    it("send booleans and texts as what they are", () => {
        const yes = { ...target, example: true };
        expect(code(yes, "curl")).toContain(`'{"temp-1":true}'`);
        expect(code(yes, "mosquitto_pub")).toMatch(/-m true$/);
        expect(code(yes, "python")).toContain("value = True");
        expect(code(yes, "python")).not.toContain("math");
        const text = { ...target, example: "it's on" };
        expect(code(text, "mosquitto_pub")).toMatch(/-m 'it'\\''s on'$/);
        expect(code(text, "javascript")).toContain(`const value = "it's on";`);
    });
    it("go by HTTP and WebSocket when MQTT has no listener", () => {
        const none = { ...target, origin: "https://twins.example", mqtt: null };
        expect(snippets(none).map((s) => s.key)).toEqual(["curl", "javascript"]);
        expect(code(none, "javascript")).toContain('"wss://twins.example/mqtt"');
    });
    it("write IPv6 and TLS addresses properly", () => {
        const six = { ...target, mqtt: { host: "::1", port: 8883, tls: true } };
        expect(code(six, "javascript")).toContain('"mqtts://[::1]:8883"');
        expect(code(six, "mosquitto_pub")).toContain("-h ::1 -p 8883 --cafile");
        expect(code(six, "python")).toContain("tls_set");
    });
});

describe("addresses", () => {
    it("are split with and without brackets", () => {
        expect(splitAddress("127.0.0.1:1883")).toEqual({ host: "127.0.0.1", port: 1883 });
        expect(splitAddress("[::1]:1883")).toEqual({ host: "::1", port: 1883 });
        expect(splitAddress("nonsense")).toBeNull();
        expect(splitAddress("host:99999")).toBeNull();
    });
    it("take the page's host where the server listens everywhere", () => {
        expect(mqttTarget({ mqtt: "0.0.0.0:1883" }, "plant.local")).toEqual({
            host: "plant.local",
            port: 1883,
            tls: false,
        });
        expect(mqttTarget({ mqtt: "[::]:1883" }, "[fe80::1]")?.host).toBe("fe80::1");
        expect(mqttTarget({ mqtt: "10.0.0.5:1883" }, "plant.local")?.host).toBe("10.0.0.5");
        expect(mqttTarget({ mqtts: "10.0.0.5:8883" }, "x")?.tls).toBe(true);
        expect(mqttTarget({}, "x")).toBeNull();
        expect(mqttTarget(undefined, "x")).toBeNull();
    });
});

describe("exampleValue", () => {
    const sensor = { value: null, type: "temperature" } as Sensor;
    it("is a value the sensor would take", () => {
        expect(exampleValue({ ...sensor, value: 41.23456 })).toBe(41.23);
        expect(exampleValue({ ...sensor, value: "idle" })).toBe("idle");
        expect(exampleValue({ ...sensor, normalRange: [10, 60] })).toBe(35);
        expect(exampleValue({ ...sensor, type: "boolean" })).toBe(true);
        expect(exampleValue({ ...sensor, type: "text" })).toBe("running");
        expect(exampleValue(undefined)).toBe(42.3);
    });
});

describe("shellWord", () => {
    it("quotes what a shell would take apart", () => {
        expect(shellWord("twins/a-b.c:d/x")).toBe("twins/a-b.c:d/x");
        expect(shellWord("a b")).toBe("'a b'");
        expect(shellWord("$(x)")).toBe("'$(x)'");
        expect(shellWord("")).toBe("''");
    });
});

describe("behind a locked door", () => {
    const locked = { ...target, token: "dop_dev_abc" };
    it("every line shows the token of the device", () => {
        for (const { key, code: text } of snippets(locked)) {
            expect(text, key).toContain("dop_dev_abc");
        }
        expect(code(locked, "curl")).toContain("-H 'authorization: Bearer dop_dev_abc'");
        expect(code(locked, "mosquitto_pub")).toContain("-u device -P dop_dev_abc");
        expect(code(locked, "python")).toContain('username_pw_set("device", "dop_dev_abc")');
    });
    it("an open one shows none", () => {
        for (const { code: text } of snippets(target)) expect(text).not.toMatch(/earer|username/);
    });
});
