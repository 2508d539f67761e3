/* shortcuts.ts - single keys and "g" sequences.
 *
 * They never act while somebody types, with a modifier, or in a dialog, and can be turned off
 * altogether (WCAG 2.1.4). */

import { useEffect, useState } from "react";
import { recall, remember } from "../base/storage";

export interface Shortcut {
    /* one key, or two after each other: "g h" */
    keys: string;
    does: string;
    run: () => void;
}

const SEQUENCE_MS = 1_200;

export function typing(target: EventTarget | null): boolean {
    if (!(target instanceof HTMLElement)) return false;
    if (target.isContentEditable) return true;
    if (target.closest('[role="dialog"], [role="menu"]')) return true;
    if (target instanceof HTMLInputElement) {
        return !["checkbox", "radio", "button", "submit", "range"].includes(target.type);
    }
    return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

export function useShortcuts(shortcuts: Shortcut[], on: boolean): void {
    useEffect(() => {
        if (!on) return;
        let first = "";
        let at = 0;
        const press = (event: KeyboardEvent) => {
            if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
            if (typing(event.target)) return;
            const pair = event.timeStamp - at < SEQUENCE_MS ? `${first} ${event.key}` : "";
            first = event.key;
            at = event.timeStamp;
            const found = shortcuts.find((s) => s.keys === pair || s.keys === event.key);
            if (!found) return;
            event.preventDefault();
            first = "";
            found.run();
        };
        addEventListener("keydown", press);
        return () => removeEventListener("keydown", press);
    }, [shortcuts, on]);
}

export function useShortcutsOn(): [boolean, (on: boolean) => void] {
    const [on, setOn] = useState(() => recall("shortcuts") !== "off");
    const change = (next: boolean) => {
        remember("shortcuts", next ? "on" : "off");
        setOn(next);
    };
    return [on, change];
}
