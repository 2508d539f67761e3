/* painter.ts - who may draw in this frame.
 *
 * Every moving picture registers once.  In each animation frame those that are due are drawn in
 * turn until the budget is spent; the rest come first in the next frame.  So fifty sparklines cost
 * a few milliseconds a frame and never a long task.  Nothing is drawn while paused, unless it
 * asked to be (a new size, another theme). */

export interface Painting {
    /* milliseconds between two drawings, asked before each */
    every: number;
    paint: () => void;
}

interface Job {
    painting: Painting;
    due: number;
    forced: boolean;
}

export interface PainterOptions {
    frame?: (run: (now: number) => void) => unknown;
    elapsed?: () => number;
    paused?: () => boolean;
    calm?: () => boolean;
    budgetMs?: number;
}

/* With reduced motion pictures are renewed, not moved. */
const CALM_EVERY_MS = 1_000;

export class Painter {
    private jobs: Job[] = [];
    private next = 0;
    private running = false;
    private readonly frame: (run: (now: number) => void) => unknown;
    private readonly elapsed: () => number;
    private readonly paused: () => boolean;
    private readonly calm: () => boolean;
    private readonly budgetMs: number;

    constructor(options: PainterOptions = {}) {
        this.frame = options.frame ?? ((run) => requestAnimationFrame(run));
        this.elapsed = options.elapsed ?? (() => performance.now());
        this.paused = options.paused ?? (() => false);
        this.calm = options.calm ?? (() => false);
        this.budgetMs = options.budgetMs ?? 5;
    }

    /* `redraw` asks for one drawing in the next frame, even while paused. */
    add(painting: Painting): { redraw: () => void; remove: () => void } {
        const job: Job = { painting, due: 0, forced: true };
        this.jobs.push(job);
        this.run();
        return {
            redraw: () => {
                job.forced = true;
            },
            remove: () => {
                const at = this.jobs.indexOf(job);
                if (at < 0) return;
                this.jobs.splice(at, 1);
                if (at < this.next) this.next--;
            },
        };
    }

    redrawAll(): void {
        for (const job of this.jobs) job.forced = true;
    }

    private run(): void {
        if (this.running) return;
        this.running = true;
        this.frame(this.step);
    }

    private step = (): void => {
        if (this.jobs.length === 0) {
            this.running = false;
            return;
        }
        this.frame(this.step);
        const start = this.elapsed();
        const still = this.paused();
        const calm = this.calm();
        const count = this.jobs.length;
        for (let i = 0; i < count; i++) {
            if (this.next >= this.jobs.length) this.next = 0;
            const job = this.jobs[this.next];
            if (!job) return;
            const now = this.elapsed();
            if (now - start > this.budgetMs) return;
            this.next++;
            if (!job.forced && (still || now < job.due)) continue;
            job.forced = false;
            const { every } = job.painting;
            job.due = now + (calm ? Math.max(CALM_EVERY_MS, every) : every);
            job.painting.paint();
        }
    };
}
