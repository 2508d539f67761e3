/* ctest.mjs - reads ctest's JUnit file down to the single tests that cmocka printed. */

const ENTITIES = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
const plain = (xml) =>
    xml.replace(/&(lt|gt|quot|apos|amp|#\d+|#x[0-9a-fA-F]+);/g, (_, e) =>
        e[0] !== "#"
            ? ENTITIES[e]
            : String.fromCodePoint(
                  e[1] === "x" ? Number.parseInt(e.slice(2), 16) : Number(e.slice(1)),
              ),
    );

/* [{name, ok, skipped, output}], one for each test inside an executable.  An executable that failed
 * outside of a test (a crash, a leak, a limit of time) is one more that failed. */
export function readUnit(xml) {
    const tests = [];
    for (const [, head, body] of xml.matchAll(/<testcase ([^>]*[^/>])>([\s\S]*?)<\/testcase>/g)) {
        const name = plain(/name="([^"]*)"/.exec(head)[1]);
        const status = /status="([^"]*)"/.exec(head)[1];
        const output = plain(/<system-out>([\s\S]*?)<\/system-out>/.exec(body)?.[1] ?? "");
        if (status === "notrun" || status === "disabled") {
            /* an executable that does not exist is a failure, not a choice */
            tests.push({ name, ok: false, output: `not run\n${output}` });
            continue;
        }
        const inside = [...output.matchAll(/^\[\s+(OK|FAILED|SKIPPED)\s+\] (\S+)\s*$/gm)];
        const seen = new Map();
        for (const [, result, test] of inside)
            seen.set(test, seen.get(test) === "FAILED" ? "FAILED" : result);
        let failed = 0;
        for (const [test, result] of seen) {
            if (result === "FAILED") failed++;
            tests.push({
                name: `${name}: ${test}`,
                ok: result === "OK",
                skipped: result === "SKIPPED",
                output,
            });
        }
        const ok = status === "run";
        if (!ok && failed === 0) tests.push({ name, ok: false, output });
        else if (seen.size === 0) tests.push({ name, ok, output });
    }
    return tests;
}
