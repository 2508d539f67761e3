/* progress.ts - the three first steps, as this browser has seen them done. */

import { useSyncExternalStore } from "react";
import { recall, remember } from "../base/storage";

export type Step = "opened" | "created" | "heard";

const STEPS: Step[] = ["opened", "created", "heard"];
const listeners = new Set<() => void>();
let state = read();

function read(): string {
    const done = STEPS.filter((s) => recall(`step.${s}`) === "done");
    if (recall("steps") === "dismissed") return "dismissed";
    return done.join(" ");
}

function changed(): void {
    state = read();
    for (const listener of [...listeners]) listener();
}

export function finishStep(step: Step): void {
    if (recall(`step.${step}`) === "done") return;
    remember(`step.${step}`, "done");
    changed();
}

export function dismissSteps(): void {
    remember("steps", "dismissed");
    changed();
}

export function useSteps(): { dismissed: boolean; done: Set<Step> } {
    const text = useSyncExternalStore(
        (listener) => {
            listeners.add(listener);
            return () => listeners.delete(listener);
        },
        () => state,
    );
    return {
        dismissed: text === "dismissed",
        done: new Set(text === "dismissed" ? [] : (text.split(" ").filter(Boolean) as Step[])),
    };
}
