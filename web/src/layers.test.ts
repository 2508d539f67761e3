import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/* Each folder imports only from itself and from those before it. */
const ORDER = ["base", "live", "api", "kit", "panels", "pages", "app"];
const SRC = dirname(fileURLToPath(import.meta.url));

function files(dir: string): string[] {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
        const path = join(dir, entry.name);
        if (entry.isDirectory()) return files(path);
        return /\.tsx?$/.test(entry.name) ? [path] : [];
    });
}

function layer(path: string): string {
    return relative(SRC, path).split("/")[0] ?? "";
}

describe("folders", () => {
    it("import downward only", () => {
        const wrong: string[] = [];
        for (const file of files(SRC)) {
            const own = ORDER.indexOf(layer(file));
            if (own < 0) continue;
            for (const [, target] of readFileSync(file, "utf8").matchAll(
                /(?:from|import)\s*\(?\s*"(\.[^"]+)"/g,
            )) {
                const used = ORDER.indexOf(layer(join(dirname(file), target ?? "")));
                if (used > own) wrong.push(`${relative(SRC, file)} imports ${target}`);
            }
        }
        expect(wrong).toEqual([]);
    });
});
