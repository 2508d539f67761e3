/* screenshot.mjs - the pictures of the README: node tests/screenshot.mjs DIR (see tools/screenshot). */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch, open } from "./lib/browser.mjs";
import { Server, until } from "./lib/doppel.mjs";
import { pause } from "./lib/wait.mjs";

const dir = process.argv[2] ?? "docs/images";
const seconds = Number(process.argv[3] ?? 70);
mkdirSync(dir, { recursive: true });
const data = mkdtempSync(join(tmpdir(), "doppel-picture-"));
const server = await new Server({ data, args: ["--demo"] }).start();
const browser = await launch();
try {
    await until("the demo to move", async () => {
        const { body } = await server.get("/api/v1/twins?state=live");
        return body.total === 3;
    });
    await pause(seconds * 1000); /* so that the sparklines have their minute */
    const { body } = await server.get("/api/v1/twins");
    const robot = body.items.find((t) => /robot/i.test(`${t.id} ${t.type}`)) ?? body.items[0];
    for (const theme of ["light", "dark"])
        for (const [name, path] of [
            ["home", "/"],
            ["twin", `/twins/${robot.id}`],
        ]) {
            const page = await open(browser, server, {
                path,
                theme,
                viewport: { width: 1280, height: 520 },
                deviceScaleFactor: 1.5,
            });
            await page.locator("[data-testid^=value-]").first().waitFor();
            await pause(3000);
            await page.screenshot({ path: join(dir, `${name}-${theme}.png`) });
            await page.context().close();
        }
} finally {
    await browser.close();
    await server.stop();
    rmSync(data, { recursive: true, force: true });
}
