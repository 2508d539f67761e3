#!/usr/bin/env node
/* serve.mjs - `npm run dev`: the test double and Vite's development server together.
 *
 * With DOPPEL_BACKEND=http://127.0.0.1:8080 the page talks to a real server and no double starts.
 * Arguments go to the double. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createServer } from "vite";

if (!process.env.DOPPEL_BACKEND) {
    const double = fileURLToPath(new URL("double.mjs", import.meta.url));
    const child = spawn(process.execPath, [double, ...process.argv.slice(2)], { stdio: "inherit" });
    child.on("exit", (code) => process.exit(code ?? 1));
    process.on("exit", () => child.kill());
}

const root = fileURLToPath(new URL("..", import.meta.url));
const server = await createServer({ root, configFile: `${root}/vite.config.ts` });
await server.listen();
server.printUrls();
