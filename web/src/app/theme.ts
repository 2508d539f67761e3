/* theme.ts - light, dark, or as the system; public/theme.js applies it before the first paint. */

import { useSyncExternalStore } from "react";
import { recall, remember } from "../base/storage";
import { painter } from "../live/live";

export type ThemeChoice = "light" | "dark" | "system";

const listeners = new Set<() => void>();
let choice: ThemeChoice = asChoice(recall("theme"));

function asChoice(text: string | null): ThemeChoice {
    return text === "light" || text === "dark" ? text : "system";
}

function apply(): void {
    const system = matchMedia("(prefers-color-scheme: dark)").matches;
    const dark = choice === "dark" || (choice === "system" && system);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    painter.redrawAll();
    dispatchEvent(new Event("doppel-theme"));
}

export function startTheme(): void {
    apply();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
}

export function setTheme(next: ThemeChoice): void {
    choice = next;
    remember("theme", next);
    apply();
    for (const listener of [...listeners]) listener();
}

export function useTheme(): ThemeChoice {
    return useSyncExternalStore(
        (changed) => {
            listeners.add(changed);
            return () => listeners.delete(changed);
        },
        () => choice,
    );
}
