/* wait.mjs - waiting for something to become true, never for a guessed time. */

import { setTimeout as pause } from "node:timers/promises";

/* The first truthy answer of check(), asked again and again; an error that tells what was missed. */
export async function until(what, check, { timeout = 10_000, every = 20 } = {}) {
    const end = performance.now() + timeout;
    let last;
    for (;;) {
        try {
            const value = await check();
            if (value) return value;
            last = undefined;
        } catch (e) {
            last = e;
        }
        if (performance.now() > end) {
            const why = last ? `; the last error was ${last.message}` : "";
            throw new Error(`after ${timeout} ms still not: ${what}${why}`, { cause: last });
        }
        await pause(every);
    }
}

/* A promise with its own limit of time. */
export async function within(what, promise, timeout = 10_000) {
    let timer;
    const limit = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not within ${timeout} ms: ${what}`)), timeout);
    });
    try {
        return await Promise.race([promise, limit]);
    } finally {
        clearTimeout(timer);
    }
}

export { pause };
