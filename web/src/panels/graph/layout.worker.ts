/* layout.worker.ts - the layout on a thread of its own: what comes is a graph, what goes are places,
 * a few times a second until they rest.  A new graph ends the one before. */

import { Forces, type Layout } from "./layout";

export interface Task {
    run: number;
    layout: Layout;
    edges: Uint32Array;
}

export interface Places {
    run: number;
    x: Float32Array;
    y: Float32Array;
    rest: boolean;
}

const SLICE_MS = 40;

let forces: Forces | null = null;
let run = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

function tell(rest: boolean): void {
    if (!forces) return;
    const places: Places = {
        run,
        x: forces.layout.x.slice(),
        y: forces.layout.y.slice(),
        rest,
    };
    postMessage(places);
}

function work(): void {
    const until = performance.now() + SLICE_MS;
    let moving = true;
    while (moving && performance.now() < until) moving = forces?.step() ?? false;
    tell(!moving);
    if (moving) timer = setTimeout(work, 0);
}

addEventListener("message", (event: MessageEvent<Task>) => {
    clearTimeout(timer);
    run = event.data.run;
    forces = new Forces(event.data.layout, event.data.edges);
    work();
});
