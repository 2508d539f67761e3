/* Who may do what, as people meet it in the page: behind a locked door, against the real server. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { accessibility, launch, open, shot } from "../lib/browser.mjs";
import { shared, start, until } from "../lib/doppel.mjs";
import { ADA, administrator, be, member, PASSWORD, setupLink, totp } from "../lib/people.mjs";
import { twin } from "../lib/profiles.mjs";

const LOCKED = { args: ["--access", "locked"] };

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

const menu = async (page, item) => {
    await page.getByRole("button", { name: /settings and help/ }).click();
    await page.getByRole("menuitem", { name: item }).click();
};
const signIn = async (page, { email, password }) => {
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
};
const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();
const close = (page) => page.context().close();

test("the set-up link makes an administrator at once, who finishes later", async (t) => {
    const own = await start(t, LOCKED);
    const link = await setupLink(own);
    const page = await open(browser, own, { path: "/" });
    await heading(page, "Set up this Doppel");
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "set-up-light");
    await page.getByLabel("Set-up link").fill(`${own.url}${link}`);
    await page.getByRole("button", { name: "Open it" }).click();
    const card = page.getByRole("region", { name: /Finish set-up/ });
    await card.waitFor();
    assert.equal(new URL(page.url()).pathname, "/");
    assert.equal(new URL(page.url()).hash, "", "the secret is out of the address bar");
    assert.equal(await card.getByRole("button", { name: /close|dismiss/i }).count(), 0);
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "finish-set-up-light");
    await page.reload();
    await card.waitFor();

    await card.getByLabel("Your name").fill(ADA.name);
    await card.getByLabel("E-mail").fill(ADA.email);
    await card.getByLabel("Password").fill("12345678");
    await card.getByRole("button", { name: "Finish" }).click();
    await card.getByRole("alert").waitFor(); /* one of the common ones */
    await card.getByLabel("Password").fill(PASSWORD);
    await card.getByRole("button", { name: "Finish" }).click();
    await card.waitFor({ state: "detached" });

    await menu(page, "Sign out");
    await heading(page, "Sign in");
    await signIn(page, ADA);
    await page.getByTestId("health").waitFor();
    await close(page);

    const again = await open(browser, own, { path: link, offline: true });
    await heading(again, "This link does not work");
    await close(again);
});

test("a wrong password says so and opens nothing; the right one leads to where one wanted", async () => {
    const page = await at("/twins?name=pump", null, { offline: true });
    await heading(page, "Sign in");
    assert.equal(await page.getByText("Water pump").count(), 0);
    await signIn(page, { ...ADA, password: "not this one at all" });
    await page.getByRole("alert").waitFor();
    assert.deepEqual(await accessibility(page), []);
    await signIn(page, ADA);
    await page.getByRole("link", { name: "Water pump" }).waitFor();
    assert.equal(new URL(page.url()).search, "?name=pump");
    await close(page);
});

test("the address to go on to is one of this page, whatever a link says", async () => {
    for (const then of ["https://example.org/", "//example.org", "/\\example.org"]) {
        const page = await at(`/sign-in?then=${encodeURIComponent(then)}`);
        await signIn(page, ADA);
        await page.getByTestId("health").waitFor();
        assert.equal(new URL(page.url()).host, new URL(d.url).host);
        assert.equal(new URL(page.url()).pathname, "/");
        await close(page);
    }
});

test("a session that ends in the middle of writing loses no word of it", async () => {
    const cy = await member(ada, "editor", "Cy Writer");
    const page = await at("/twins/pump/profile", cy, { offline: true });
    await page.getByRole("button", { name: "Edit", exact: true }).click();
    const text = page.getByRole("textbox", { name: "Profile" });
    await text.click();
    await page.keyboard.press("Control+Home");
    await page.keyboard.type("unsaved words ");
    await cy.must("DELETE", "/api/v1/session");
    /* the stream is closed, or the next question is refused: either leads to the door */
    await heading(page, "Sign in");
    assert.match(await page.getByRole("status").first().innerText(), /session has ended/);
    assert.equal(await page.getByText("unsaved words").isVisible(), false);
    await signIn(page, cy);
    await text.waitFor();
    assert.match(await text.innerText(), /unsaved words/);
    await close(page);
});

test("codes of an app: turned on with a QR code, asked for, replaced by a recovery code", async () => {
    const eve = await member(ada, "viewer", "Eve Coder");
    const page = await at("/account", eve, { offline: true });
    await page.getByRole("button", { name: "Turn on" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("img", { name: /QR code/ }).waitFor();
    assert.deepEqual(await accessibility(page), []);
    const secret = (await page.getByTestId("totp-secret").innerText()).replaceAll(" ", "");
    await dialog.getByLabel("Code").fill(totp(secret));
    await dialog.getByRole("button", { name: "Turn on" }).click();
    const codes = page.getByTestId("recovery-codes");
    await codes.waitFor();
    const recovery = await codes.getByRole("listitem").allInnerTexts();
    assert.ok(recovery.length >= 8, recovery.join());
    assert.deepEqual(await accessibility(page), []);
    await page.reload();
    await heading(page, "Account");
    assert.equal(await codes.count(), 0, "they are shown once");

    await menu(page, "Sign out");
    await signIn(page, eve);
    await page.getByLabel("Code", { exact: true }).fill("000000");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("alert").waitFor();
    /* the next code: the one that turned it on was used */
    await page.getByLabel("Code", { exact: true }).fill(totp(secret, Date.now() + 30_000));
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page
        .getByTestId("health")
        .or(page.getByRole("heading", { name: "Account" }))
        .first()
        .waitFor();

    await menu(page, "Sign out");
    await signIn(page, eve);
    await page.getByRole("button", { name: "Use a recovery code" }).click();
    await page.getByLabel("Recovery code").fill(recovery[0]);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("button", { name: /settings and help/ }).waitFor();
    await close(page);
});

test("a passkey is made, signs in, and is removed", async () => {
    /* a passkey belongs to a name, not to an address */
    const named = { url: d.url.replace("127.0.0.1", "localhost") };
    const pia = await member(ada, "viewer", "Pia Key");
    const page = await at("/account", null, { server: named, offline: true });
    const cdp = await page.context().newCDPSession(page);
    await cdp.send("WebAuthn.enable");
    await cdp.send("WebAuthn.addVirtualAuthenticator", {
        options: {
            protocol: "ctap2",
            transport: "internal",
            hasResidentKey: true,
            hasUserVerification: true,
            isUserVerified: true,
            automaticPresenceSimulation: true,
        },
    });
    await signIn(page, pia);
    await heading(page, "Account");
    await page.getByRole("button", { name: "Add a passkey" }).click();
    const list = page.getByRole("list", { name: "Passkeys" });
    await list.getByRole("listitem").waitFor();
    assert.deepEqual(await accessibility(page), []);

    await menu(page, "Sign out");
    await heading(page, "Sign in");
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByRole("button", { name: /settings and help/ }).waitFor();
    await page.goto("/account");
    assert.match(await list.getByRole("listitem").innerText(), /used/);
    await list.getByRole("button", { name: /^Remove/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await list.waitFor({ state: "detached" });
    await close(page);
});

test("a token is made with scopes, shown once, and works within them", async () => {
    const page = await at("/account", ada);
    await page.getByRole("button", { name: "New token" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("What it is for").fill("Report");
    await dialog.getByLabel("What it may do").selectOption("some");
    assert.deepEqual(await accessibility(page), []);
    await dialog.getByRole("button", { name: "Make the token" }).click();
    const secret = dialog.getByLabel("The token");
    await secret.waitFor();
    const token = await secret.inputValue();
    assert.match(token, /^dop_pat_/);
    const headers = { authorization: `Bearer ${token}` };
    assert.equal((await d.get("/api/v1/twins/pump", { headers })).status, 200);
    const gone = await d.send("DELETE", "/api/v1/twins/pump", undefined, undefined, headers);
    assert.equal(gone.status, 403, "its scopes are to read");
    await dialog.getByRole("button", { name: "I have kept it" }).click();
    await page.getByRole("list", { name: "Tokens" }).getByText("Report").waitFor();
    assert.equal(await page.getByText(token).count(), 0);

    await page.getByRole("button", { name: "Revoke Report" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await until(
        "the token to end",
        async () => (await d.get("/api/v1/twins/pump", { headers })).status === 401,
    );
    page.judge();
    await close(page);
});

test("a member is invited by a link, accepts it, and is seen among the members", async () => {
    const page = await at("/organization", ada);
    await page.getByRole("button", { name: "Invite" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Role").selectOption("operator");
    await dialog.getByRole("button", { name: "Make the link" }).click();
    const link = await dialog.getByLabel("The link").inputValue();
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
    const link = await dialog.getByLabel("The link").inputValue();
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
    await dialog.getByLabel("As").selectOption("operator");
    await dialog.getByRole("button", { name: "Share", exact: true }).click();
    const list = dialog.getByRole("list", { name: "Shared with" });
    await list.getByText("Finn Seeker").waitFor();
    assert.deepEqual(await accessibility(page), []);

    await dialog.getByRole("tab", { name: "What members may" }).click();
    await dialog.getByRole("button", { name: "Add a rule" }).click();
    await dialog.getByLabel("On").selectOption("/sensors/temp");
    await dialog.getByLabel("Reading").selectOption("revoke");
    assert.deepEqual(await accessibility(page), []);
    await dialog.getByRole("button", { name: "Save the policy" }).click();
    const kept = await until("the policy", async () => {
        const r = await ada.ask("GET", "/api/v1/twins/pump/policy");
        return r.status === 200 && Object.keys(r.body.entries).length > 0 && r.body.entries;
    });
    assert.deepEqual(Object.values(kept)[0].resources["/sensors/temp"].revoke, ["read"]);
    await ada.must("DELETE", "/api/v1/twins/pump/policy");
    await close(page);
});

test("a device gets its credential in three clicks, sends with it, and is refused when it is revoked", async () => {
    const page = await at("/", ada, { offline: true });
    await page.getByRole("link", { name: "Devices" }).click();
    await page.getByRole("button", { name: "Credentials of Water pump" }).click();
    await page.getByRole("button", { name: "New credential" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Gateway");
    await dialog.getByRole("button", { name: "Make the token" }).click();
    const token = await dialog.getByLabel("The token").inputValue();
    assert.match(token, /^dop_dev_/);
    const send = () =>
        d.post("/api/v1/twins/pump/readings", { temp: 21.5 }, "application/json", {
            authorization: `Bearer ${token}`,
        });
    assert.equal((await send()).status, 200);
    await dialog.getByRole("button", { name: "I have kept it" }).click();
    await page.getByRole("button", { name: "Revoke Gateway" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await until("the device to be refused", async () => (await send()).status === 401);
    const row = page.getByRole("list", { name: "Devices" }).locator("li", { hasText: "pump" });
    await until("the refusal to be told", async () => /refused/i.test(await row.innerText()), {
        timeout: 20_000,
    });
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
    const { readFileSync } = await import("node:fs");
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

test("sessions are listed, and ending one leads its page to the door", async () => {
    const sam = await member(ada, "viewer", "Sam Twice");
    const elsewhere = await at("/", sam, { offline: true });
    await elsewhere.getByTestId("health").waitFor();
    const page = await at("/account", null, { offline: true });
    await signIn(page, sam);
    const list = page.getByRole("list", { name: "Sessions" });
    await until("two sessions", async () => (await list.getByRole("listitem").count()) === 2);
    await page.getByRole("button", { name: "End all others" }).click();
    await heading(elsewhere, "Sign in");
    await until("one session", async () => (await list.getByRole("listitem").count()) === 1);
    await close(elsewhere);
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

test("an account is exported, and erased after its word was typed", async () => {
    const zoe = await member(ada, "viewer", "Zoe Gone");
    const page = await at("/account", zoe, { offline: true });
    const saving = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export my data" }).click();
    assert.match((await saving).suggestedFilename(), /\.json$/);
    await page.getByRole("button", { name: /Erase my account/ }).click();
    const dialog = page.getByRole("dialog");
    const erase = dialog.getByRole("button", { name: "Erase my account" });
    assert.ok(await erase.isDisabled());
    await dialog.getByLabel(/^Type/).fill(zoe.email);
    await erase.click();
    await heading(page, "Sign in");
    const { members } = await ada.must("GET", "/api/v1/organizations/home/members");
    assert.equal(
        members.some((m) => m.email === zoe.email),
        false,
    );
    await close(page);
});

const PAGES = [
    ["account", "/account"],
    ["organization", "/organization"],
    ["devices", "/devices?twin=pump"],
    ["audit", "/audit"],
    ["shared", "/shared"],
    ["installation", "/installation"],
    ["connect-locked", "/connect?twin=pump"],
    ["twin-locked", "/twins/pump"],
];
const quiet = (page) =>
    until(
        "nothing to be loading",
        async () => (await page.locator("[aria-busy=true]").count()) === 0,
    );

for (const theme of ["light", "dark"])
    test(`accessible, ${theme}: every page behind the door, and the door`, async () => {
        for (const [name, path] of PAGES) {
            const page = await at(path, ada, { theme });
            await page.locator("h1").first().waitFor();
            await quiet(page);
            await shot(page, `${name}-${theme}`);
            assert.deepEqual(await accessibility(page), [], name);
            page.judge();
            await close(page);
        }
        const door = await at("/", null, { theme });
        await heading(door, "Sign in");
        await shot(door, `sign-in-${theme}`);
        assert.deepEqual(await accessibility(door), []);
        door.judge();
        await close(door);
    });

test("at 390 pixels nothing behind the door scrolls sideways", async () => {
    for (const [name, path] of PAGES) {
        const page = await at(path, ada, { viewport: { width: 390, height: 844 } });
        await page.locator("h1").first().waitFor();
        await quiet(page);
        const [inner, content] = await page.evaluate(() => [
            innerWidth,
            document.documentElement.scrollWidth,
        ]);
        await shot(page, `${name}-narrow`);
        assert.ok(content <= inner, `${name}: ${content} of ${inner} pixels`);
        await close(page);
    }
});

test("with the keyboard alone: sign in, open the menu, make a token", async () => {
    const page = await at("/", null);
    await page.getByLabel("E-mail").focus();
    await page.keyboard.type(ADA.email);
    await page.keyboard.press("Tab");
    await page.keyboard.type(ADA.password);
    await page.keyboard.press("Enter");
    await page.getByTestId("health").waitFor();
    await page.getByRole("button", { name: /settings and help/ }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem", { name: "Account" }).waitFor();
    await page.keyboard.type("acc");
    await page.keyboard.press("Enter");
    await heading(page, "Account");
    await page.getByRole("button", { name: "New token" }).focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("What it is for").focus();
    await page.keyboard.type("By keyboard");
    await page.keyboard.press("Enter");
    await page.getByLabel("The token").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    const focused = await page.evaluate(() => document.activeElement?.textContent);
    assert.match(focused, /New token/, "the focus goes back to where it came from");
    page.judge();
    await close(page);
});

test("an open door shows a badge that says so, and nothing of accounts", async (t) => {
    const own = await start(t, { args: ["--access", "open"] });
    const page = await open(browser, own);
    await page.getByRole("button", { name: "Open: no access control" }).click();
    await page
        .getByRole("dialog")
        .getByText(/may do everything/)
        .waitFor();
    assert.deepEqual(await accessibility(page), []);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Settings and help" }).click();
    assert.equal(await page.getByRole("menuitem", { name: "Account" }).count(), 0);
    assert.equal(await page.getByRole("menuitem", { name: "Sign out" }).count(), 0);
    assert.equal(await page.getByRole("link", { name: "Devices" }).count(), 0);
    page.judge();
    await close(page);
});
