/* A person behind a locked door: set-up, the ways to sign in, and their account, in Chromium. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { accessibility, launch, open, shot } from "../lib/browser.mjs";
import { shared, start, until } from "../lib/doppel.mjs";
import { ADA, administrator, be, member, PASSWORD } from "../lib/people.mjs";
import { twin } from "../lib/profiles.mjs";
import { totp } from "../lib/totp.mjs";

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
    const link = `/setup#${await own.setupToken()}`;
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
    await dialog.getByLabel("Code", { exact: true }).fill(totp(secret));
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
    await heading(page, "Sign in");
    await signIn(page, eve);
    await page.getByLabel("Code", { exact: true }).fill("000000");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("alert").waitFor();
    /* the next code: the one that turned it on was used */
    await page.getByLabel("Code", { exact: true }).fill(totp(secret, 1));
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page
        .getByTestId("health")
        .or(page.getByRole("heading", { name: "Account" }))
        .first()
        .waitFor();

    await menu(page, "Sign out");
    await heading(page, "Sign in");
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

    /* asked again who it is, as after a while: the passkey answers that, too */
    let asked = 0;
    await page.route(/\/account\/tokens$/, (route) => {
        if (route.request().method() !== "POST" || asked++ > 0) return route.fallback();
        const body = JSON.stringify({ code: "reauthentication-required", detail: "Again." });
        return route.fulfill({ status: 403, contentType: "application/problem+json", body });
    });
    await page.getByRole("button", { name: "New token" }).click();
    await page.getByLabel("What it is for").fill("By passkey");
    await page.getByRole("button", { name: "Make the token" }).click();
    const still = page.getByRole("dialog", { name: "Is it still you?" });
    assert.deepEqual(await accessibility(page), []);
    await still.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByLabel("The token", { exact: true }).waitFor();
    await page.getByRole("button", { name: "I have kept it" }).click();

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
    const secret = dialog.getByLabel("The token", { exact: true });
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
    const chosen = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    await page.getByRole("menuitem", { name: "Account" }).waitFor();
    for (let i = 0; (await chosen()) !== "Account" && i < 20; i++) {
        const before = await chosen();
        await page.keyboard.press("ArrowDown");
        await until("the next item", async () => (await chosen()) !== before);
    }
    await page.keyboard.press("Enter");
    await heading(page, "Account");
    await page.getByRole("button", { name: "New token" }).focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("What it is for").focus();
    await page.keyboard.type("By keyboard");
    await page.keyboard.press("Enter");
    await page.getByLabel("The token", { exact: true }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    const focused = await page.evaluate(() => document.activeElement?.textContent);
    assert.match(focused, /New token/, "the focus goes back to where it came from");
    page.judge();
    await close(page);
});

test("an open door shows a badge that says so, and nothing of accounts", async (t) => {
    const own = await start(t, { access: "open" });
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
