/* Signing in by an identity provider as people do: in the page, at another site, and back. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { accessibility, launch, shot } from "../lib/browser.mjs";
import { start, temporary } from "../lib/doppel.mjs";
import { realProvider } from "../lib/identity.mjs";

/* localhost is another site than 127.0.0.1, so that what is SameSite stays behind */
async function world(t) {
    const accounts = {
        ada: { name: "Ada Lovelace", email: "ada@example.org", email_verified: true },
    };
    const idp = await realProvider(t, accounts, { host: "localhost" });
    const file = join(temporary(t), "providers.json");
    const providers = [{ ...idp.settings, create: true, role: "editor", logout: true }];
    writeFileSync(file, JSON.stringify({ providers }));
    const args = ["--identity-providers", file, "--allow-private-fetch", "localhost"];
    const d = await start(t, { access: "locked", args });
    idp.open(d.url);
    const browser = await launch(t);
    const context = await browser.newContext({ baseURL: d.url, reducedMotion: "reduce" });
    return { d, idp, page: await context.newPage() };
}

const enter = async (page) => {
    await page.getByPlaceholder("Enter any login").fill("ada");
    await page.getByPlaceholder("and password").fill("x");
    await page.getByRole("button", { name: "Sign-in" }).click();
    await page.getByRole("button", { name: "Continue" }).click();
};

test("a person signs in by a provider, sees it in the account, and signs out at both sides", async (t) => {
    const { d, idp, page } = await world(t);
    /* the first administrator comes by another way; who comes here is nobody special */
    await d.setup({ email: "admin@example.org" });
    await page.goto("/twins");
    await page.getByRole("link", { name: "Sign in with A real one" }).click();
    await page.waitForURL(`${idp.issuer}/**`);
    await enter(page);
    await page.waitForURL(`${d.url}/twins`);
    await page.getByText("No twin is here yet.").waitFor();
    const cookies = await page.context().cookies(d.url);
    const session = cookies.find((c) => c.name === "doppel-session");
    assert.equal(session.sameSite, "Strict");
    assert.equal(session.httpOnly, true);

    await page.goto("/account");
    const panel = page.getByRole("region", { name: "Identity providers" });
    await panel.getByText("A real one").waitFor();
    await panel.getByText(idp.issuer).waitFor();
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "account-identities-light");
    await panel.getByRole("button", { name: /Unlink/ }).click();
    await page.getByRole("button", { name: "Unlink", exact: true }).click();
    await page.getByText("It is your only way to sign in").waitFor();
    await page.keyboard.press("Escape");

    await page.getByRole("button", { name: /settings and help/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.waitForURL(`${idp.issuer}/session/end**`);
    await page.getByRole("button", { name: /yes, sign me out/i }).click();
    await page.waitForURL(`${d.url}/**`);
    await page.getByRole("link", { name: "Sign in with A real one" }).waitFor();
});

test("an administrator links an account, and who has none is told why", async (t) => {
    const { d, idp, page } = await world(t);
    const admin = await d.setup({ email: "ada@example.org" });
    await page.goto("/");
    await page.getByRole("link", { name: "Sign in with A real one" }).click();
    await enter(page);
    await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
    await page.getByText("Sign in to it in another way, then link it").waitFor();
    await page.getByText("oidc-email-taken").waitFor();
    assert.deepEqual(await accessibility(page), []);
    await shot(page, "not-signed-in-light");

    const value = admin.cookies.get("doppel-session");
    const cookie = { name: "doppel-session", value, url: d.url, sameSite: "Strict" };
    await page.context().addCookies([cookie]);
    await page.goto("/account");
    await page.getByRole("button", { name: "Link A real one" }).click();
    await page.waitForURL(`${d.url}/account`);
    const panel = page.getByRole("region", { name: "Identity providers" });
    await panel.getByText(idp.issuer).waitFor();
});
