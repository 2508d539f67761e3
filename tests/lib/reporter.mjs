/* reporter.mjs - a reporter of node --test: one JSON object a line for tests/run.mjs.
 *
 * A test counts when it holds no other tests; a group counts only when it failed by itself. */

export default async function* reporter(source) {
    const groups = new Set(); /* file and name of what has tests inside */
    const stack = [];
    for await (const { type, data } of source) {
        if (type === "test:start") {
            stack.length = data.nesting;
            stack[data.nesting] = data.name;
            continue;
        }
        if (type !== "test:pass" && type !== "test:fail") {
            if (type === "test:stderr" || type === "test:stdout")
                yield `${JSON.stringify({ kind: "said", text: data.message })}\n`;
            continue;
        }
        const path = [...stack.slice(0, data.nesting), data.name];
        if (data.nesting > 0) groups.add(`${data.file}\n${path.slice(0, -1).join("\n")}`);
        const isGroup =
            groups.has(`${data.file}\n${path.join("\n")}`) || data.details?.type === "suite";
        const failed = type === "test:fail";
        const error = data.details?.error;
        const inner = error?.failureType === "subtestsFailed";
        if (isGroup && (!failed || inner)) continue;
        yield `${JSON.stringify({
            kind: failed ? "fail" : data.skip !== undefined ? "skip" : "pass",
            file: data.file,
            name: path.join(" > "),
            ms: data.details?.duration_ms,
            why: failed ? describe(error) : typeof data.skip === "string" ? data.skip : "",
        })}\n`;
    }
}

function describe(error) {
    const cause = error?.cause ?? error;
    if (typeof cause === "string") return cause;
    const stack = cause?.stack ?? "";
    const message = cause?.message ?? String(cause);
    return stack.includes(message) ? stack : `${message}\n${stack}`;
}
