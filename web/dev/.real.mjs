import { openPage, startBrowser } from "./browser.mjs";

const url = process.argv[2];
const { browser, stop } = await startBrowser();
for (const [theme, width, height, name] of [
    ["light", 1440, 900, "wide"],
    ["dark", 1440, 900, "wide"],
    ["light", 390, 844, "phone"],
]) {
    const { page } = await openPage(browser, { theme, width, height });
    page.on("console", (m) => m.type() === "error" && console.log("console:", m.text()));
    page.on("pageerror", (e) => console.log("error:", e.message));
    page.on("response", (r) => r.status() >= 400 && console.log(r.status(), r.url()));
    const go = async (n, path, act) => {
        await page.goto(url + path);
        await page.waitForTimeout(2500);
        await act?.();
        await page.screenshot({ path: `.shots/real-${n}-${name}-${theme}.png` });
    };
    await go("home", "/");
    const ids = await page.evaluate(async () =>
        (await (await fetch("/api/v1/twins")).json()).items.map((i) => i.id),
    );
    await go("twins", "/twins");
    for (const id of ids) {
        await go(`twin-${id}`, `/twins/${id}`);
        if (width > 1000) await go(`data-${id}`, `/twins/${id}/data?t=live&r=1m`);
    }
    await go("profile", `/twins/${ids[0]}/profile`);
    await go("findings", `/twins/${ids[0]}/findings`);
    await go("connect", `/connect?twin=${ids[0]}`);
}
await stop();
