/* Fails when docs/security.md names a test or a file that is not there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";

const sources = readdirSync("src", { recursive: true }).map(String);
const unit = new Set(sources.map((f) => f.split("/").pop()));
const wrong = [];
for (const line of readFileSync("docs/security.md", "utf8").split("\n")) {
    const cells = line.split("|");
    if (!/^ \d+\.\d+\.\d+ $/.test(cells[1] ?? "")) continue;
    for (const [, word] of cells[4].matchAll(/`([^`]+)`/g)) {
        const found = /_(test|fuzz)$/.test(word)
            ? unit.has(`${word}.c`)
            : /^[a-z][a-z-]*$/.test(word)
              ? existsSync(`tests/scenario/${word}.test.mjs`) || word === "autocomplete"
              : /^[\w.][\w./-]*\/[\w./-]*$|\.(md|mjs|service)$/.test(word)
                ? [word, `src/${word}`, `tests/${word}`].some((p) => existsSync(p))
                : true;
        if (!found) wrong.push(`${cells[1].trim()}: ${word}`);
    }
}
if (wrong.length) {
    console.error(`docs/security.md names what is not there:\n${wrong.join("\n")}`);
    process.exit(1);
}
