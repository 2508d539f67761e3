/* layout.ts - where twins stand on the picture: a small force layout.
 *
 * Twins push each other away (a quadtree, after Barnes and Hut, so that thousands cost little),
 * edges pull together, the middle draws a little.  Whoever stands already can be held: what is new
 * finds its place beside its neighbours and the rest of the picture stays as people remember it.
 * No chance is in it: the same graph makes the same picture. */

export interface Layout {
    x: Float32Array;
    y: Float32Array;
    held: Uint8Array;
}

const NEAR = 0.81; /* theta squared: a cell that far away counts as one */
const LENGTH = 70; /* of an edge at rest */
const PUSH = 900;
const DRAW = 0.012; /* to the middle */
const LEAST = 0.01; /* of two that stand in one place */
const DEEPEST = 24;

/* Places for those that have none: beside the mean of their neighbours that have one, else on a
 * spiral around the middle. */
export function place(
    count: number,
    edges: Uint32Array,
    known: (at: number) => readonly [number, number] | undefined,
): Layout {
    const layout = {
        x: new Float32Array(count),
        y: new Float32Array(count),
        held: new Uint8Array(count),
    };
    const { x, y, held } = layout;
    const stands = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
        const at = known(i);
        if (!at) continue;
        [x[i], y[i]] = at;
        held[i] = 1;
        stands[i] = 1;
    }
    const next = neighbours(count, edges);
    for (let i = 0; i < count; i++) {
        if (stands[i]) continue;
        let sumX = 0;
        let sumY = 0;
        let n = 0;
        for (let e = next.from[i] as number; e < (next.from[i + 1] as number); e++) {
            const other = next.to[e] as number;
            if (!stands[other]) continue;
            sumX += x[other] as number;
            sumY += y[other] as number;
            n++;
        }
        const angle = i * 2.399963; /* the golden angle */
        const far = n > 0 ? LENGTH * 0.6 : 18 * Math.sqrt(i + 1);
        x[i] = (n > 0 ? sumX / n : 0) + far * Math.cos(angle);
        y[i] = (n > 0 ? sumY / n : 0) + far * Math.sin(angle);
        stands[i] = 1;
    }
    return layout;
}

function neighbours(count: number, edges: Uint32Array): { from: Uint32Array; to: Uint32Array } {
    const from = new Uint32Array(count + 1);
    for (const end of edges) from[end + 1] = (from[end + 1] as number) + 1;
    for (let i = 0; i < count; i++) from[i + 1] = (from[i + 1] as number) + (from[i] as number);
    const fill = from.slice();
    const to = new Uint32Array(edges.length);
    for (let e = 0; e < edges.length; e += 2) {
        const a = edges[e] as number;
        const b = edges[e + 1] as number;
        to[fill[a] as number] = b;
        fill[a] = (fill[a] as number) + 1;
        to[fill[b] as number] = a;
        fill[b] = (fill[b] as number) + 1;
    }
    return { from, to };
}

/* A quadtree in arrays: four children a cell, the weight and the middle of what is in it. */
class Tree {
    private child = new Int32Array(0);
    private weight = new Float32Array(0);
    private midX = new Float32Array(0);
    private midY = new Float32Array(0);
    private who = new Int32Array(0);
    private size = 0;
    private n = 0;
    private left = 0;
    private top = 0;

    build(x: Float32Array, y: Float32Array): void {
        const room = Math.max(64, x.length * 4);
        if (this.weight.length < room) this.grow(room);
        let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
        for (let i = 0; i < x.length; i++) {
            minX = Math.min(minX, x[i] as number);
            maxX = Math.max(maxX, x[i] as number);
            minY = Math.min(minY, y[i] as number);
            maxY = Math.max(maxY, y[i] as number);
        }
        this.left = minX;
        this.top = minY;
        this.size = Math.max(maxX - minX, maxY - minY, 1);
        this.n = 0;
        this.cell();
        for (let i = 0; i < x.length; i++) this.add(i, x, y);
    }

    private grow(room: number): void {
        const more = <T extends Float32Array | Int32Array>(old: T, length: number): T => {
            const next = new (old.constructor as new (n: number) => T)(length);
            next.set(old);
            return next;
        };
        this.child = more(this.child, room * 4);
        this.weight = more(this.weight, room);
        this.midX = more(this.midX, room);
        this.midY = more(this.midY, room);
        this.who = more(this.who, room);
    }

    private cell(): number {
        if (this.n === this.weight.length) this.grow(this.n * 2);
        const at = this.n++;
        this.child.fill(-1, at * 4, at * 4 + 4);
        this.weight[at] = 0;
        this.midX[at] = 0;
        this.midY[at] = 0;
        this.who[at] = -1;
        return at;
    }

    private add(i: number, x: Float32Array, y: Float32Array): void {
        const px = x[i] as number;
        const py = y[i] as number;
        let [at, left, top, half] = [0, this.left, this.top, this.size / 2];
        for (let depth = 0; ; depth++) {
            const weight = this.weight[at] as number;
            const other = this.who[at] as number;
            this.midX[at] = ((this.midX[at] as number) * weight + px) / (weight + 1);
            this.midY[at] = ((this.midY[at] as number) * weight + py) / (weight + 1);
            this.weight[at] = weight + 1;
            if (weight === 0) {
                this.who[at] = i;
                return;
            }
            if (depth === DEEPEST) return; /* as good as in one place */
            if (other >= 0) {
                this.who[at] = -1;
                this.put(at, other, x[other] as number, y[other] as number, left, top, half);
            }
            const quarter = (px > left + half ? 1 : 0) + (py > top + half ? 2 : 0);
            let next = this.child[at * 4 + quarter] as number;
            if (next < 0) {
                next = this.cell();
                this.child[at * 4 + quarter] = next;
            }
            if (quarter & 1) left += half;
            if (quarter & 2) top += half;
            half /= 2;
            at = next;
        }
    }

    /* The one that stood alone in a cell goes one down. */
    private put(
        at: number,
        who: number,
        px: number,
        py: number,
        left: number,
        top: number,
        half: number,
    ): void {
        const quarter = (px > left + half ? 1 : 0) + (py > top + half ? 2 : 0);
        const next = this.cell();
        this.child[at * 4 + quarter] = next;
        this.weight[next] = 1;
        this.midX[next] = px;
        this.midY[next] = py;
        this.who[next] = who;
    }

    private readonly stack = new Int32Array(256);
    private readonly sizes = new Float32Array(256);

    /* What pushes i, into force[0] and [1]. */
    push(i: number, px: number, py: number, force: Float32Array): void {
        let n = 1;
        this.stack[0] = 0;
        this.sizes[0] = this.size;
        while (n > 0) {
            const at = this.stack[--n] as number;
            const size = this.sizes[n] as number;
            const weight = this.weight[at] as number;
            if (weight === 0 || this.who[at] === i) continue;
            const dx = px - (this.midX[at] as number);
            const dy = py - (this.midY[at] as number);
            const far = Math.max(dx * dx + dy * dy, LEAST);
            if ((this.who[at] as number) >= 0 || size * size < far * NEAR || size < 1e-3) {
                const push = (PUSH * weight) / Math.max(far, 64);
                const length = Math.sqrt(far);
                /* two in one place part in a direction that their numbers give */
                force[0] = (force[0] as number) + (dx === 0 ? Math.cos(i) : dx / length) * push;
                force[1] = (force[1] as number) + (dy === 0 ? Math.sin(i) : dy / length) * push;
                continue;
            }
            for (let q = 0; q < 4; q++) {
                const next = this.child[at * 4 + q] as number;
                if (next < 0 || n === 256) continue;
                this.stack[n] = next;
                this.sizes[n++] = size / 2;
            }
        }
    }
}

export class Forces {
    readonly layout: Layout;
    private readonly edges: Uint32Array;
    private readonly degree: Uint16Array;
    private readonly moveX: Float32Array;
    private readonly moveY: Float32Array;
    private readonly tree = new Tree();
    heat = 1;

    constructor(layout: Layout, edges: Uint32Array) {
        const n = layout.x.length;
        this.layout = layout;
        this.edges = edges;
        this.degree = new Uint16Array(n);
        this.moveX = new Float32Array(n);
        this.moveY = new Float32Array(n);
        for (const end of edges)
            this.degree[end] = Math.min(65535, (this.degree[end] as number) + 1);
    }

    /* One step, cooler than the one before; false when it is at rest. */
    step(): boolean {
        const { x, y, held } = this.layout;
        if (this.heat < 0.01 || x.length === 0) return false;
        this.tree.build(x, y);
        const force = new Float32Array(2);
        for (let i = 0; i < x.length; i++) {
            force.fill(0);
            if (held[i]) continue;
            this.tree.push(i, x[i] as number, y[i] as number, force);
            this.moveX[i] = (force[0] as number) - (x[i] as number) * DRAW;
            this.moveY[i] = (force[1] as number) - (y[i] as number) * DRAW;
        }
        this.pull();
        for (let i = 0; i < x.length; i++) {
            if (held[i]) continue;
            const length = Math.hypot(this.moveX[i] as number, this.moveY[i] as number);
            const most = 40 * this.heat;
            const scale = (length > most ? most / length : 1) * Math.min(1, this.heat * 2);
            x[i] = (x[i] as number) + (this.moveX[i] as number) * scale;
            y[i] = (y[i] as number) + (this.moveY[i] as number) * scale;
        }
        this.heat *= 0.985;
        return true;
    }

    private pull(): void {
        const { x, y } = this.layout;
        for (let e = 0; e < this.edges.length; e += 2) {
            const a = this.edges[e] as number;
            const b = this.edges[e + 1] as number;
            if (a === b) continue;
            const dx = (x[b] as number) - (x[a] as number);
            const dy = (y[b] as number) - (y[a] as number);
            const length = Math.max(Math.sqrt(dx * dx + dy * dy), LEAST);
            /* a hub is not torn about by each of its many */
            const few = Math.min(this.degree[a] as number, this.degree[b] as number);
            const force = ((length - LENGTH) / length) * (0.5 / Math.max(1, Math.sqrt(few)));
            const own = this.degree[a] as number;
            const share = own / (own + (this.degree[b] as number));
            this.moveX[a] = (this.moveX[a] as number) + dx * force * (1 - share);
            this.moveY[a] = (this.moveY[a] as number) + dy * force * (1 - share);
            this.moveX[b] = (this.moveX[b] as number) - dx * force * share;
            this.moveY[b] = (this.moveY[b] as number) - dy * force * share;
        }
    }
}
