/* people.mjs - whoever uses a locked server in the browser's tests: made by the server's own routes. */

import assert from "node:assert/strict";
import { until } from "./wait.mjs";

export const PASSWORD = "a pump hums in hall three";
export const ADA = { name: "Ada Byron", email: "ada@example.org", password: PASSWORD };

/* The set-up link that the server has printed on its console. */
export function setupLink(server) {
    return until("the set-up link on the console", async () => {
        return /\/setup#(dop_setup_\S+)/.exec(server.said + server.log)?.[0];
    });
}

/* REST as somebody: cookies are kept, and our own Origin is sent as a page would. */
export class Somebody {
    constructor(server) {
        this.server = server;
        this.cookies = new Map();
    }

    async ask(method, path, body) {
        const headers = { origin: this.server.url };
        if (this.cookies.size > 0)
            headers.cookie = [...this.cookies].map(([k, v]) => `${k}=${v}`).join("; ");
        if (body !== undefined) headers["content-type"] = "application/json";
        const r = await this.server.fetch(path, {
            method,
            headers,
            body: body === undefined ? undefined : JSON.stringify(body),
        });
        for (const line of r.headers.getSetCookie()) {
            const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
            if (value) this.cookies.set(name, value);
            else this.cookies.delete(name);
        }
        const text = await r.text();
        const json = /json/.test(r.headers.get("content-type") ?? "") && text;
        return { status: r.status, text, body: json ? JSON.parse(text) : text };
    }

    async must(method, path, body) {
        const r = await this.ask(method, path, body);
        assert.ok(r.status < 300, `${method} ${path}: ${r.status} ${r.text}`);
        return r.body;
    }

    signIn({ email, password }) {
        return this.must("POST", "/api/v1/session", { email, password });
    }
}

/* The first administrator, with a name, an e-mail and a password. */
export async function administrator(server, who = ADA) {
    const ada = new Somebody(server);
    const token = (await setupLink(server)).split("#")[1];
    await ada.must("POST", "/api/v1/setup", { token });
    await ada.must("PATCH", "/api/v1/account", { name: who.name, email: who.email });
    await ada.must("PUT", "/api/v1/account/password", { password: who.password });
    return ada;
}

/* A member, by an invitation of an administrator. */
export async function member(admin, role, name, org = "home") {
    const email = `${name.toLowerCase().replaceAll(" ", ".")}@example.org`;
    const { link } = await admin.must("POST", `/api/v1/organizations/${org}/invitations`, { role });
    const one = new Somebody(admin.server);
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
