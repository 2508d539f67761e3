#!/usr/bin/env node
/* axe.mjs - axe-core over every route, theme and state, against the built page (npm run axe [NAME…]).
 *
 * States that a healthy server does not show are made by answering for it in the browser.  Ends
 * with 1 when axe finds anything, when a page throws, or when a request leaves the host. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { ACCESS_SCENES } from "./access-scenes.mjs";
import { openPage, signIn, startBrowser, startDouble } from "./browser.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const wanted = process.argv.slice(2);

const problem = (status, more = {}) => ({
    status,
    contentType: "application/problem+json",
    body: JSON.stringify({
        type: "/errors/made-up",
        title: "Made up",
        status,
        detail: "The catalogue cannot be read.",
        code: "made-up",
        instance: "/requests/42",
        ...more,
    }),
});
const answer = (url, body) => (page) => page.route(url, (route) => route.fulfill(body));
const hang = (url) => (page) => page.route(url, () => {});
const click = (role, name) => (page) => page.getByRole(role, { name }).first().click();
const LIST = /\/api\/v1\/twins(\?|$)/;
const SENSORS = /\/twins\/[^/]+\/sensors$/;
const HISTORY = /\/history/;

/* name, path, of: which double, before: routes, act: what is done on the page */
const SCENES = [
    { name: "home", path: "/" },
    { name: "home-many", path: "/", of: "many" },
    { name: "home-empty", path: "/", of: "empty" },
    { name: "home-stale", path: "/", of: "still" },
    { name: "home-loading", path: "/", before: hang(LIST) },
    { name: "home-error", path: "/", before: answer(LIST, problem(500)) },
    { name: "home-denied", path: "/", before: answer(LIST, problem(403, { role: "viewer" })) },
    { name: "home-paused", path: "/", act: click("button", "Pause live motion") },
    { name: "home-folded", path: "/", act: click("button", "Fold navigation"), wide: true },
    { name: "home-menu", path: "/", act: click("button", "Settings and help") },
    { name: "home-help", path: "/", act: (page) => page.keyboard.press("?") },
    {
        name: "home-search",
        path: "/",
        of: "many",
        act: (page) => page.getByRole("combobox", { name: "Search twins" }).fill("me"),
    },
    {
        name: "home-search-none",
        path: "/",
        act: (page) => page.getByRole("combobox", { name: "Search twins" }).fill("zzz"),
    },
    {
        name: "home-offline",
        path: "/",
        before: (page) => page.routeWebSocket(/stream/, (ws) => ws.close()),
        wait: 3200,
    },
    {
        name: "home-refused",
        path: "/",
        before: (page) =>
            page.routeWebSocket(/stream/, (ws) =>
                ws.close({ code: 4403, reason: "it is not for you" }),
            ),
        act: (page) => page.getByTestId("refused-banner").waitFor(),
    },
    { name: "graph", path: "/graph" },
    { name: "graph-many", path: "/graph", of: "many" },
    { name: "types", path: "/types" },
    { name: "type", path: "/types/Machine" },
    { name: "twins", path: "/twins" },
    { name: "twins-many", path: "/twins?name=meter&state=live", of: "many" },
    { name: "twins-none", path: "/twins?name=zzz" },
    { name: "twins-empty", path: "/twins", of: "empty" },
    { name: "twins-error", path: "/twins", before: answer(LIST, problem(500)) },
    { name: "twins-delete", path: "/twins", act: click("button", "Delete Water pump 2") },
    { name: "twin-overview", path: "/twins/robot" },
    { name: "twin-overview-pump", path: "/twins/pump?sensor=bearing-temp" },
    { name: "twin-overview-stale", path: "/twins/robot", of: "still" },
    { name: "twin-overview-waiting", path: "/twins/meter-0007", of: "many" },
    { name: "twin-overview-loading", path: "/twins/robot", before: hang(SENSORS) },
    { name: "twin-overview-error", path: "/twins/robot", before: answer(SENSORS, problem(500)) },
    { name: "twin-missing", path: "/twins/nobody" },
    { name: "twin-menu", path: "/twins/robot", act: click("button", "More about this twin") },
    { name: "twin-data", path: "/twins/robot/data" },
    { name: "twin-data-minute", path: "/twins/robot/data?t=live&r=1m" },
    { name: "twin-data-week", path: "/twins/robot/data?t=live&r=7d" },
    {
        name: "twin-data-none",
        path: "/twins/robot/data?t=2001-01-01T00:00:00Z/2001-01-02T00:00:00Z",
    },
    { name: "twin-data-loading", path: "/twins/robot/data", before: hang(HISTORY) },
    { name: "twin-data-error", path: "/twins/robot/data", before: answer(HISTORY, problem(500)) },
    { name: "twin-data-denied", path: "/twins/robot/data", before: answer(HISTORY, problem(403)) },
    {
        name: "twin-data-table",
        path: "/twins/robot/data",
        act: async (page) => {
            for (const name of ["Joint Temperature", "Gripper Closed", "Mode"]) {
                await page.getByRole("button", { name: `View as table ${name}` }).click();
            }
        },
    },
    {
        name: "twin-data-custom",
        path: "/twins/robot/data",
        act: (page) => page.getByText("Custom…").click(),
    },
    { name: "twin-profile", path: "/twins/robot/profile" },
    { name: "twin-profile-marked", path: "/twins/robot/profile?at=/sensors/1/unit" },
    {
        name: "twin-profile-error",
        path: "/twins/robot/profile",
        before: answer(/\/twins\/robot(\?|$)/, problem(500)),
    },
    { name: "twin-edit", path: "/twins/robot/profile", act: edit },
    {
        name: "twin-edit-wrong",
        path: "/twins/robot/profile",
        act: async (page) => {
            await edit(page);
            await page.getByRole("textbox", { name: "Profile" }).click();
            await page.keyboard.press("Control+Home");
            await page.keyboard.type("x");
        },
    },
    {
        name: "twin-edit-conflict",
        path: "/twins/robot/profile",
        before: (page) =>
            page.route(/\/twins\/robot$/, (route) =>
                route.request().method() === "PUT"
                    ? route.fulfill(problem(412, { code: "changed" }))
                    : route.fallback(),
            ),
        act: async (page) => {
            await edit(page);
            await page.getByRole("textbox", { name: "Profile" }).click();
            await page.keyboard.press("Control+End");
            await page.keyboard.type("\n");
            await page.getByRole("button", { name: "Save" }).click();
            await page.getByText("Keep mine").waitFor();
        },
    },
    { name: "twin-findings", path: "/twins/robot/findings" },
    {
        name: "twin-findings-none",
        path: "/twins/robot/findings",
        before: answer(/\/api\/.*findings$/, {
            contentType: "application/json",
            body: '{"complete":true,"core":true,"findings":[]}',
        }),
    },
    { name: "connect", path: "/connect" },
    { name: "connect-quiet", path: "/connect", of: "empty" },
    {
        name: "connect-sample-open",
        path: "/connect",
        act: async (page) => {
            await page.getByText("See and change its profile").click();
            await page.getByRole("textbox", { name: "Profile of the new twin" }).waitFor();
        },
    },
    {
        name: "connect-own",
        path: "/connect",
        act: async (page) => {
            await page.getByText("File or text").click();
            await page
                .getByRole("textbox", { name: "Profile of the new twin" })
                .fill('{"name":"a"}');
        },
    },
    {
        name: "connect-here",
        path: "/connect",
        act: (page) => page.getByText("One that is here").click(),
    },
    { name: "connect-twin", path: "/connect?twin=robot" },
    { name: "connect-listening", path: "/connect?twin=meter-0007", of: "many" },
    { name: "connect-missing", path: "/connect?twin=nobody" },
    {
        name: "connect-taken",
        path: "/connect?new=robot",
        act: click("button", "Create the twin"),
    },
    {
        name: "connect-add-sensor",
        path: "/connect",
        act: click("button", "Add sensor flux to pump"),
    },
    { name: "not-found", path: "/nowhere" },
    ...ACCESS_SCENES,
];

async function edit(page) {
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    await page.getByRole("textbox", { name: "Profile" }).waitFor();
}

const doubles = {
    main: await startDouble("--noisy"),
    many: await startDouble("--many", "60"),
    empty: await startDouble("--empty"),
    still: await startDouble("--still"),
    locked: await startDouble("--locked", "--noisy"),
    setup: await startDouble("--setup"),
};
const { browser, stop } = await startBrowser();
let failures = 0;
let checks = 0;

async function check(scene, theme, size) {
    const name = `${scene.name} ${theme} ${size.width}`;
    const { page, context } = await openPage(browser, { theme, ...size });
    const double = doubles[scene.of ?? "main"];
    const complaints = [];
    page.on("pageerror", (e) => complaints.push(`threw: ${e.message}`));
    page.on("console", (m) => {
        const expected = /Failed to load resource|WebSocket/.test(m.text());
        if (m.type() === "error" && !expected) complaints.push(`console: ${m.text()}`);
    });
    page.on("request", (r) => {
        const url = new URL(r.url());
        const own = url.origin === double.url || ["data:", "blob:"].includes(url.protocol);
        if (!own) complaints.push(`request left the host: ${r.url()}`);
    });
    try {
        if (scene.as) await signIn(page, double.url, scene.as);
        await scene.before?.(page);
        await page.goto(double.url + scene.path, { waitUntil: "load" });
        await page.waitForTimeout(scene.wait ?? 700);
        await scene.act?.(page);
        if (scene.act) await page.waitForTimeout(400);
        /* what lies under the sticky bars at this very scroll position is not a finding */
        await page.evaluate(() => scrollTo(0, 0));
        /* evaluate bypasses the page's Content-Security-Policy, which allows no such script */
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() =>
            globalThis.axe.run(document, {
                runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
            }),
        );
        for (const v of violations) {
            const nodes = v.nodes
                .slice(0, 3)
                .map(
                    (n) =>
                        `      ${n.target.join(" ")}: ${n.html.slice(0, 140)}\n      ${n.failureSummary?.split("\n").slice(1, 3).join("; ")}`,
                );
            complaints.push(
                `axe ${v.id} (${v.impact}): ${v.help}, ${v.nodes.length}×\n${nodes.join("\n")}`,
            );
        }
        const wide = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        if (wide > 0) complaints.push(`the page is ${wide} px wider than the window`);
    } catch (error) {
        complaints.push(`could not be checked: ${error.message.split("\n")[0]}`);
    }
    await context.close();
    checks++;
    if (complaints.length > 0) {
        failures++;
        console.log(`✗ ${name}\n    ${complaints.join("\n    ")}`);
    } else if (process.env.VERBOSE) console.log(`✓ ${name}`);
}

try {
    for (const size of [
        { width: 1440, height: 900 },
        { width: 360, height: 740 },
    ]) {
        for (const theme of ["light", "dark"]) {
            for (const scene of SCENES) {
                if (wanted.length > 0 && !wanted.some((w) => scene.name.startsWith(w))) continue;
                if (scene.wide && size.width < 720) continue;
                await check(scene, theme, size);
            }
        }
    }
} finally {
    await stop();
    for (const double of Object.values(doubles)) double.stop();
}
console.log(`${checks - failures} clean, ${failures} with findings`);
process.exit(failures > 0 ? 1 : 0);
