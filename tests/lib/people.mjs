/* people.mjs - whoever uses a locked server in the browser's tests: made by the server's own routes. */

import { Client } from "./doppel.mjs";

export const PASSWORD = "a pump hums in hall three";
export const ADA = { name: "Ada Byron", email: "ada@example.org", password: PASSWORD };

/* The first administrator, with a name, an e-mail and a password. */
export async function administrator(server, who = ADA) {
    const ada = await server.setup(who);
    await ada.must("PATCH", "/api/v1/account", { name: who.name });
    return ada;
}

/* A member, by an invitation of an administrator. */
export async function member(admin, role, name, org = "home") {
    const email = `${name.toLowerCase().replaceAll(" ", ".")}@example.org`;
    const { link } = await admin.must("POST", `/api/v1/organizations/${org}/invitations`, { role });
    const one = new Client(admin.server);
    const token = link.split("#")[1];
    await one.must("POST", "/api/v1/invitations/accept", {
        token,
        name,
        email,
        password: PASSWORD,
    });
    return Object.assign(one, { name, email, password: PASSWORD });
}

/* Puts somebody's session into a page's browser. */
export async function be(page, somebody) {
    const cookies = [...somebody.cookies].map(([name, value]) => ({
        name,
        value,
        url: somebody.server.url,
        httpOnly: true,
        sameSite: "Strict",
    }));
    await page.context().addCookies(cookies);
}
