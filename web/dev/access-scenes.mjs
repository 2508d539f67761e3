/* access-scenes.mjs - the pages and dialogs of who may do what, for pictures and for axe.
 *
 * of: which double (see doubles of the programs that take these), as: who is signed in. */

export const ACCESS_SCENES = [
    { name: "open", path: "/", act: click("button", "Open: no access control") },
    { name: "sign-in", path: "/", of: "locked" },
    {
        name: "sign-in-code",
        path: "/",
        of: "locked",
        act: (page) => typeIn(page, "ben@example.org"),
    },
    { name: "not-set-up", path: "/", of: "setup" },
    { name: "invitation-bad", path: "/invitation#dop_inv_x", of: "locked" },
    ...[
        { name: "menu", path: "/", act: click("button", "account, settings") },
        { name: "account", path: "/account", full: true },
        { name: "account-totp", path: "/account", act: click("button", "Turn on") },
        { name: "account-codes", path: "/account", full: true, act: turnOn },
        { name: "account-token", path: "/account", act: narrowToken },
        { name: "account-token-made", path: "/account", act: makeToken },
        { name: "account-erase", path: "/account", act: click("button", "Erase my account") },
        { name: "organization", path: "/organization", full: true },
        { name: "organization-invite", path: "/organization", act: click("button", "Invite") },
        {
            name: "organization-invited",
            path: "/organization",
            act: async (page) => {
                await page.getByRole("button", { name: "Invite" }).click();
                await page.getByRole("button", { name: "Make the link" }).click();
            },
        },
        {
            name: "organization-team",
            path: "/organization",
            act: click("button", "Change Operations"),
        },
        { name: "share", path: "/twins/robot", act: click("button", "Share") },
        { name: "share-link", path: "/twins/robot", act: shareByLink },
        { name: "share-find", path: "/twins/robot", act: findSomebody },
        { name: "share-policy", path: "/twins/robot", act: policy },
        { name: "shared", path: "/shared" },
        { name: "devices", path: "/devices?twin=pump", full: true },
        {
            name: "devices-exchange",
            path: "/devices?twin=pump",
            act: click("button", "Exchange Gateway"),
        },
        { name: "audit", path: "/audit", act: click("button", "Entry 1") },
        { name: "installation", path: "/installation" },
        {
            name: "installation-provider",
            path: "/installation",
            act: click("button", "New provider"),
        },
        { name: "connect-locked", path: "/connect?twin=robot" },
    ].map((scene) => ({ ...scene, of: "locked", as: "ann@example.org" })),
    {
        name: "audit-denied",
        path: "/audit",
        of: "locked",
        as: "ben@example.org",
    },
];

function click(role, name) {
    return (page) => page.getByRole(role, { name }).first().click();
}

async function typeIn(page, email) {
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill("correct horse battery");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

async function turnOn(page) {
    await page.getByRole("button", { name: "Turn on" }).click();
    await page.getByLabel("Code", { exact: true }).fill("123456");
    await page.getByRole("dialog").getByRole("button", { name: "Turn on" }).click();
    await page.getByTestId("recovery-codes").waitFor();
    /* as it was, for the next picture */
    await page.request.delete(new URL("/api/v1/account/totp", page.url()).href);
}

async function narrowToken(page) {
    await page.getByRole("button", { name: "New token" }).click();
    await page.getByLabel("What it may do").selectOption("some");
}

async function makeToken(page) {
    await page.getByRole("button", { name: "New token" }).click();
    await page.getByLabel("What it is for").fill("Report");
    await page.getByRole("button", { name: "Make the token" }).click();
}

async function shareByLink(page) {
    await page.getByRole("button", { name: "Share" }).click();
    await page.getByLabel("Share with").selectOption("link");
    await page.getByRole("button", { name: "Make a link" }).click();
}

async function findSomebody(page) {
    await page.getByRole("button", { name: "Share" }).click();
    await page.getByLabel("Who", { exact: true }).fill("e");
    await page.getByRole("listbox").getByRole("option").first().waitFor();
}

async function policy(page) {
    await page.getByRole("button", { name: "Share" }).click();
    await page.getByRole("tab", { name: "What members may" }).click();
    await page.getByRole("button", { name: "Add a rule" }).click();
}
