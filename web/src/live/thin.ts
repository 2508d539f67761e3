/* thin.ts - keep what a chart can show of an endless stream.
 *
 * As the server does for the past: of each step of time the first, the last and both extremes stay,
 * real readings, never averages. */

interface Step {
    index: number;
    t: number[];
    v: number[];
}

const FIRST = 0;
const LOW = 1;
const HIGH = 2;
const LAST = 3;

export class Thinner {
    private steps: Step[] = [];
    private readonly stepMs: number;

    constructor(stepMs: number) {
        this.stepMs = Math.max(1, stepMs);
    }

    get newest(): number {
        return this.steps.at(-1)?.t[LAST] ?? Number.NEGATIVE_INFINITY;
    }

    /* In time order. */
    push(t: number, v: number): void {
        const index = Math.floor(t / this.stepMs);
        const step = this.steps.at(-1);
        if (!step || step.index !== index) {
            this.steps.push({ index, t: [t, t, t, t], v: [v, v, v, v] });
            return;
        }
        step.t[LAST] = t;
        step.v[LAST] = v;
        if (v < (step.v[LOW] as number) || Number.isNaN(step.v[LOW])) {
            step.t[LOW] = t;
            step.v[LOW] = v;
        }
        if (v > (step.v[HIGH] as number) || Number.isNaN(step.v[HIGH])) {
            step.t[HIGH] = t;
            step.v[HIGH] = v;
        }
    }

    dropBefore(t: number): void {
        let n = 0;
        while (n < this.steps.length && ((this.steps[n] as Step).t[LAST] as number) < t) n++;
        if (n > 0) this.steps.splice(0, n);
    }

    dropFrom(t: number): void {
        while (this.steps.length > 0 && ((this.steps.at(-1) as Step).t[LAST] as number) >= t) {
            this.steps.pop();
        }
    }

    /* Each kept reading once, in time order. */
    visit(see: (t: number, v: number) => void): void {
        for (const { t, v } of this.steps) {
            const middle = (t[LOW] as number) <= (t[HIGH] as number) ? [LOW, HIGH] : [HIGH, LOW];
            let last = Number.NaN;
            for (const k of [FIRST, ...middle, LAST]) {
                if (t[k] === last) continue;
                last = t[k] as number;
                see(last, v[k] as number);
            }
        }
    }
}
