/* What people do with each other in Chromium: members, sharing, devices, the audit log. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { accessibility, launch, open, shot } from "../lib/browser.mjs";
import { shared, until } from "../lib/doppel.mjs";
import { administrator, be, member, PASSWORD } from "../lib/people.mjs";
import { twin } from "../lib/profiles.mjs";

const LOCKED = { access: "locked" };

let browser;
let ada;
const d = shared(LOCKED, async (server) => {
    browser = await launch();
    ada = await administrator(server);
    await ada.must("POST", "/api/v1/twins", { ...twin("pump", { temp: {} }), name: "Water pump" });
});
after(() => browser?.close());

/* A page that somebody is signed in at; nobody gives the door. */
async function at(path, somebody, options = {}) {
    const server = options.server ?? d;
    const page = await open(browser, server, { path: "about:blank", ...options });
    if (somebody) await be(page, somebody);
    await page.goto(path);
    return page;
}

const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();
const close = (page) => page.context().close();

test("a member is invited by a link, accepts it, and is seen among the members", async () => {
    const page = await at("/organization", ada);
    await page.getByRole("button", { name: "Invite" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Role").selectOption("operator");
    await dialog.getByRole("button", { name: "Make the link" }).click();
    const link = await dialog.getByLabel("The link", { exact: true }).inputValue();
    assert.ok(link.startsWith(`${d.url}/invitation#dop_inv_`), link);
    assert.deepEqual(await accessibility(page), []);
    await dialog.getByRole("button", { name: "Done" }).click();

    const other = await open(browser, d, { path: link });
    await heading(other, /^Join/);
    assert.match(await other.getByRole("main").innerText(), /an operator/);
    assert.deepEqual(await accessibility(other), []);
    await other.getByLabel("Your name").fill("Olga Pressure");
    await other.getByLabel("E-mail").fill("olga@example.org");
    await other.getByLabel("Password").fill(PASSWORD);
    await other.getByRole("button", { name: "Make my account and join" }).click();
    await other.getByTestId("health").waitFor();
    assert.equal(new URL(other.url()).hash, "");
    other.judge();
    await close(other);

    await page.reload();
    const olga = page.getByRole("list", { name: "Members" }).locator("li", { hasText: "Olga" });
    await olga.waitFor();
    await olga.getByLabel(/^Role of/).selectOption("editor");
    await until("the new role", async () => {
        const { members } = await ada.must("GET", "/api/v1/organizations/home/members");
        return members.find((m) => m.email === "olga@example.org")?.role === "editor";
    });
    const used = await open(browser, d, { path: link, offline: true });
    await heading(used, "This invitation does not work");
    await close(used);
    page.judge();
    await close(page);
});

test("a twin shared by a link opens in a browser that nobody is signed in at, and is withdrawn", async () => {
    const page = await at("/twins/pump", ada);
    await page.getByRole("button", { name: "Share" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Share with").selectOption("link");
    await dialog.getByRole("button", { name: "Make a link" }).click();
    const link = await dialog.getByLabel("The link", { exact: true }).inputValue();
    assert.deepEqual(await accessibility(page), []);

    const guest = await open(browser, d, { path: link, offline: true });
    await heading(guest, "Water pump");
    assert.equal(await guest.getByRole("button", { name: "Share" }).count(), 0);
    assert.equal(await guest.getByRole("button", { name: "More about this twin" }).count(), 0);
    await shot(guest, "shared-by-link-light");

    await dialog.getByRole("button", { name: "Stop sharing with Whoever has the link" }).click();
    await dialog.getByText("With nobody beyond the members").waitFor();
    await guest.reload();
    await heading(guest, "Sign in");
    await close(guest);
    await close(page);
});

test("a twin is shared with somebody found by typing, and a policy narrows it", async () => {
    await member(ada, "viewer", "Finn Seeker");
    const page = await at("/twins/pump", ada, { offline: true });
    await page.getByRole("button", { name: "Share" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("combobox", { name: "Who" }).fill("finn");
    await dialog.getByRole("option", { name: /Finn Seeker/ }).waitFor();
    await page.keyboard.press("Enter");
    await dialog.getByLabel("As", { exact: true }).selectOption("operator");
    await dialog.getByRole("button", { name: "Share", exact: true }).click();
    const list = dialog.getByRole("list", { name: "Shared with" });
    await list.getByText("Finn Seeker", { exact: true }).waitFor();
    assert.deepEqual(await accessibility(page), []);

    await dialog.getByRole("tab", { name: "What members may" }).click();
    await dialog.getByRole("button", { name: "Add a rule" }).click();
    await dialog.getByLabel("On", { exact: true }).selectOption("/sensors/temp");
    await dialog.getByLabel("Reading").selectOption("revoke");
    assert.deepEqual(await accessibility(page), []);
    await dialog.getByRole("button", { name: "Save the policy" }).click();
    const kept = await until("the policy", async () => {
        const r = await ada.send("GET", "/api/v1/twins/pump/policy");
        return r.status === 200 && Object.keys(r.body.entries).length > 0 && r.body.entries;
    });
    assert.deepEqual(Object.values(kept)[0].resources["/sensors/temp"].revoke, ["read"]);
    await ada.must("DELETE", "/api/v1/twins/pump/policy");
    await close(page);
});

test("a device gets its credential in three clicks, exchanges it, and is refused when it is revoked", async () => {
    const page = await at("/", ada, { offline: true });
    await page.getByRole("link", { name: "Devices" }).click();
    await page.getByRole("combobox", { name: "Find a twin" }).fill("pump");
    await page.getByRole("option", { name: /Water pump/ }).click();
    await page.getByRole("button", { name: "New credential" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name", { exact: true }).fill("Gateway");
    await dialog.getByRole("button", { name: "Make the token" }).click();
    const token = await dialog.getByLabel("The token", { exact: true }).inputValue();
    assert.match(token, /^dop_dev_/);
    const send = () =>
        d.post("/api/v1/twins/pump/readings", { temp: 21.5 }, "application/json", {
            authorization: `Bearer ${token}`,
        });
    assert.equal((await send()).status, 200);
    await dialog.getByRole("button", { name: "I have kept it" }).click();

    await page.getByRole("button", { name: "Exchange Gateway" }).click();
    await dialog.getByLabel(/old one goes on/).selectOption("PT0S");
    await dialog.getByRole("button", { name: "Make the new token" }).click();
    const next = await dialog.getByLabel("The token", { exact: true }).inputValue();
    assert.notEqual(next, token);
    await dialog.getByRole("button", { name: "I have kept it" }).click();
    const publish = (password) =>
        d.publish("twins/pump/sensors/temp", "22", ["-V", "5", "-u", "x", "-P", password]);
    assert.notEqual((await publish(token)).code, 0, "the old one has ended");
    assert.equal((await publish(next)).code, 0);
    const row = page.getByRole("list", { name: "Devices" }).locator("li", { hasText: "pump" });
    await until("the refusal to be told", async () => /expired/i.test(await row.innerText()), {
        timeout: 20_000,
    });

    const list = page.getByRole("list", { name: "Credentials of Water pump" });
    const holds = page.getByRole("button", { name: "Exchange Gateway" });
    const valid = list.locator("li").filter({ has: holds });
    await valid.getByRole("button", { name: "Revoke Gateway" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await until("the device to be refused", async () => (await publish(next)).code !== 0);
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "devices-light");
    await close(page);
});

test("the lines of Connect carry a real token when asked, and work as they stand", async () => {
    const page = await at("/connect?twin=pump", ada);
    const code = page.getByRole("region", { name: "curl snippet" });
    await until("the place of a token", async () => /DEVICE_TOKEN/.test(await code.innerText()));
    await page.getByRole("button", { name: "Make a token" }).click();
    const line = await until("a token", async () => {
        const text = await code.innerText();
        return /dop_dev_/.test(text) && text;
    });
    const token = /Bearer (dop_dev_[^'"\s]+)/.exec(line)[1];
    const r = await d.post("/api/v1/twins/pump/readings", { temp: 22 }, "application/json", {
        authorization: `Bearer ${token}`,
    });
    assert.equal(r.status, 200, r.text);
    page.judge();
    await close(page);
});

test("the audit log shows who did what, what it changed, and gives it away as a file", async () => {
    await ada.must("PATCH", "/api/v1/organizations/home", { name: "Hall three" });
    const page = await at("/audit", ada);
    const table = page.getByRole("table", { name: "Audit log" });
    await page.getByLabel("Operation").fill("organization:manage");
    const row = table.locator("tbody tr", { hasText: "organization:manage" }).first();
    await row.waitFor();
    assert.match(await row.innerText(), /Ada Byron/);
    await row.getByRole("button", { name: /^Entry/ }).click();
    const changes = page.getByRole("list", { name: "Differences" });
    assert.match(await changes.innerText(), /Hall three/);
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "audit-light");
    const saving = page.waitForEvent("download");
    await page.getByRole("button", { name: "NDJSON" }).click();
    const file = await (await saving).path();
    const lines = readFileSync(file, "utf8").trim().split("\n").map(JSON.parse);
    assert.ok(lines.every((l) => l.operation === "organization:manage" && l.hash));
    page.judge();
    await close(page);
});

test("who may not is told the role that is missing, asks for it, and gets it", async () => {
    const vic = await member(ada, "viewer", "Vic Looker");
    const page = await at("/audit", vic, { offline: true });
    const panel = page.getByRole("region", { name: "Entries" });
    await panel.getByText(/administrator/).waitFor();
    assert.equal(await panel.getAttribute("data-panel-state"), "denied");
    assert.deepEqual(await accessibility(page), []);
    await panel.getByRole("button", { name: "Ask for it" }).click();
    await panel.getByText("Asked.").waitFor();

    const admin = await at("/organization", ada);
    const request = admin.getByRole("list", { name: "Requests" }).locator("li", { hasText: "Vic" });
    await request.waitFor();
    await request.getByLabel(/^Role for/).selectOption("administrator");
    await request.getByRole("button", { name: /^Approve/ }).click();
    await request.waitFor({ state: "detached" });
    await close(admin);
    await page.reload();
    await page.getByRole("table", { name: "Audit log" }).waitFor();
    await close(page);
});

test("another organization is another page, chosen in the menu", async () => {
    await ada.must("POST", "/api/v1/organizations", { id: "acme", name: "Acme" });
    const page = await at("/", ada, { offline: true });
    await page.getByText("Water pump").waitFor();
    await page.getByRole("button", { name: /settings and help/ }).click();
    await page.getByRole("menuitemradio", { name: "Acme" }).click();
    await page.getByText("No twin is here yet.").waitFor();
    assert.equal(await page.getByText("Water pump").count(), 0);
    await ada.must("PATCH", "/api/v1/session", { organization: "home" });
    await close(page);
});
