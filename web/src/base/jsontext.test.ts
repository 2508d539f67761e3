import { describe, expect, it } from "vitest";
import { appendTo, cut, layOut, lineOf, readable, spans, tokenize } from "./jsontext";

const profile =
    '{"name":"Arm","n":12.50,"big":9007199254740993,"sensors":[{"id":"a~/b","r":[30,65.0]}],"e":{},"l":[]}';

describe("layOut", () => {
    it("keeps the digits of numbers and the order of members", () => {
        const out = layOut(profile);
        expect(out).toContain('"n": 12.50');
        expect(out).toContain('"big": 9007199254740993');
        expect(JSON.stringify(JSON.parse(out))).toBe(JSON.stringify(JSON.parse(profile)));
        expect(out.indexOf('"name"')).toBeLessThan(out.indexOf('"n"'));
    });
    it("writes short arrays and empty containers on one line", () => {
        expect(layOut(profile)).toContain('"r": [30, 65.0]');
        expect(layOut(profile)).toContain('"e": {}');
        expect(layOut(profile)).toContain('"l": []');
    });
    it("is stable: laying out twice changes nothing", () => {
        expect(layOut(layOut(profile))).toBe(layOut(profile));
    });
    it("gives text that is no JSON back as it is", () => {
        expect(layOut('{"a":1,}')).toBe('{"a":1,}');
        expect(layOut("{a:1}")).toBe("{a:1}");
    });
    it("does not take brackets inside strings for structure", () => {
        const tricky = '{"a":"{[,:]}\\"","b":["x,y","]"]}';
        expect(JSON.parse(layOut(tricky))).toEqual(JSON.parse(tricky));
    });
});

describe("readable", () => {
    it("leaves text alone that has lines", () => {
        const laid = '{\n "a":1}\n';
        expect(readable(laid)).toBe(laid);
        expect(readable('{"a":1}\n')).toBe('{\n  "a": 1\n}');
    });
});

describe("tokenize", () => {
    it("tells member names from strings", () => {
        const kinds = tokenize('{"k":"v"}')?.map((t) => t.kind);
        expect(kinds).toEqual(["punct", "key", "punct", "string", "punct"]);
    });
    it("refuses what is no token", () => {
        expect(tokenize("{'a':1}")).toBeNull();
    });
});

describe("spans and cut", () => {
    it("finds values by pointer, escapes included", () => {
        expect(cut(profile, "/n")).toBe("12.50");
        expect(cut(profile, "/sensors/0/r/1")).toBe("65.0");
        expect(cut('{"a/b":{"c~d":true}}', "/a~1b/c~0d")).toBe("true");
        expect(cut(profile, "/missing")).toBeNull();
        expect(spans("{")).toBeNull();
    });
});

describe("lineOf", () => {
    it("counts lines and falls back to the parent of a missing member", () => {
        const text = '{\n  "a": {\n    "b": 1\n  }\n}';
        expect(lineOf(text, "/a/b")).toBe(3);
        expect(lineOf(text, "/a/c")).toBe(2);
        expect(lineOf(text, "/x")).toBe(1);
        expect(lineOf("not json", "/x/y")).toBe(1);
    });
});

describe("appendTo", () => {
    it("adds at the end and leaves the rest digit by digit", () => {
        expect(appendTo('[ {"v":1.50} ]', { id: "n" })).toBe('[{"v":1.50},{"id":"n"}]');
        expect(appendTo("[]", 1)).toBe("[1]");
        expect(appendTo(null, 1)).toBe("[1]");
    });
});
