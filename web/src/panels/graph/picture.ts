/* picture.ts - the graph on a canvas: draws when something has changed, and no more than it sees.
 *
 * State is colour and shape: what is normal or has no range is a disc, a warning a triangle, what is
 * critical an octagon, and who is not live an empty one.  Names are drawn where there is room. */

import type { GraphEdge, GraphNode } from "../../base/wire";

export interface View {
    x: number /* of the graph, in the middle of the picture */;
    y: number;
    scale: number;
}

interface Colours {
    ok: string;
    warn: string;
    crit: string;
    mute: string;
    line: string;
    text: string;
    back: string;
    accent: string;
}

const LEAST = 0.02;
const MOST = 4;
const RADIUS = 7;
const REACH = 14; /* px around a twin within which it is meant */
const NAMES_AT = 0.75; /* the scale from which all names are drawn */
const NAMES_MOST = 400;

function colours(of: HTMLElement): Colours {
    const style = getComputedStyle(of);
    const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
    return {
        ok: read("ok"),
        warn: read("warn"),
        crit: read("crit"),
        mute: read("stale"),
        line: read("control-border"),
        text: read("text-1"),
        back: read("surface"),
        accent: read("accent"),
    };
}

export class Picture {
    view: View = { x: 0, y: 0, scale: 1 };
    private nodes: GraphNode[] = [];
    private edges: GraphEdge[] = [];
    private ends: Uint32Array = new Uint32Array(0);
    private x: Float32Array = new Float32Array(0);
    private y: Float32Array = new Float32Array(0);
    private marked: ReadonlySet<string> = new Set();
    private chosen: string | null = null;
    private hover = -1;
    private width = 0;
    private height = 0;
    private frame = 0;
    private look: Colours;
    private readonly canvas: HTMLCanvasElement;
    private readonly pen: CanvasRenderingContext2D;
    private readonly font: string;

    constructor(canvas: HTMLCanvasElement) {
        this.canvas = canvas;
        this.pen = canvas.getContext("2d") as CanvasRenderingContext2D;
        this.font = `12px ${getComputedStyle(canvas).fontFamily}`;
        this.look = colours(canvas);
    }

    restyle(): void {
        this.look = colours(this.canvas);
        this.redraw();
    }

    resize(width: number, height: number): void {
        const dense = devicePixelRatio || 1;
        this.width = width;
        this.height = height;
        this.canvas.width = Math.round(width * dense);
        this.canvas.height = Math.round(height * dense);
        this.redraw();
    }

    show(nodes: GraphNode[], edges: GraphEdge[], ends: Uint32Array): void {
        this.nodes = nodes;
        this.edges = edges;
        this.ends = ends;
        this.hover = -1;
        this.redraw();
    }

    stand(x: Float32Array, y: Float32Array): void {
        this.x = x;
        this.y = y;
        this.redraw();
    }

    mark(chosen: string | null, marked: ReadonlySet<string>): void {
        this.chosen = chosen;
        this.marked = marked;
        this.redraw();
    }

    redraw(): void {
        this.frame ||= requestAnimationFrame(() => {
            this.frame = 0;
            this.paint();
        });
    }

    end(): void {
        cancelAnimationFrame(this.frame);
    }

    /* ---- where things are ---- */

    private screenX(i: number): number {
        return ((this.x[i] as number) - this.view.x) * this.view.scale + this.width / 2;
    }

    private screenY(i: number): number {
        return ((this.y[i] as number) - this.view.y) * this.view.scale + this.height / 2;
    }

    private radius(): number {
        return RADIUS * Math.min(1.6, Math.max(0.2, this.view.scale ** 0.8));
    }

    /* The twin at a place of the picture. */
    at(px: number, py: number): GraphNode | null {
        let best = -1;
        let least = Math.max(REACH, this.radius()) ** 2;
        for (let i = 0; i < this.standing(); i++) {
            const far = (this.screenX(i) - px) ** 2 + (this.screenY(i) - py) ** 2;
            if (far > least) continue;
            least = far;
            best = i;
        }
        return this.nodes[best] ?? null;
    }

    over(px: number, py: number): GraphNode | null {
        const found = this.at(px, py);
        const at = found ? this.nodes.indexOf(found) : -1;
        if (at !== this.hover) {
            this.hover = at;
            this.redraw();
        }
        return found;
    }

    pan(dx: number, dy: number): void {
        this.view.x -= dx / this.view.scale;
        this.view.y -= dy / this.view.scale;
        this.redraw();
    }

    /* Around a place of the picture that stays where it is. */
    zoom(by: number, px = this.width / 2, py = this.height / 2): void {
        const { view } = this;
        const scale = Math.min(MOST, Math.max(LEAST, view.scale * by));
        view.x += (px - this.width / 2) * (1 / view.scale - 1 / scale);
        view.y += (py - this.height / 2) * (1 / view.scale - 1 / scale);
        view.scale = scale;
        this.redraw();
    }

    fit(): void {
        if (this.standing() === 0 || this.width === 0) return;
        let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
        for (let i = 0; i < this.standing(); i++) {
            minX = Math.min(minX, this.x[i] as number);
            maxX = Math.max(maxX, this.x[i] as number);
            minY = Math.min(minY, this.y[i] as number);
            maxY = Math.max(maxY, this.y[i] as number);
        }
        const room = 48;
        const scale = Math.min(
            (this.width - 2 * room) / Math.max(1, maxX - minX),
            (this.height - 2 * room) / Math.max(1, maxY - minY),
            1.2,
        );
        this.view = {
            x: (minX + maxX) / 2,
            y: (minY + maxY) / 2,
            scale: Math.max(LEAST, scale),
        };
        this.redraw();
    }

    /* Bring a twin into the middle, unless it is well in sight. */
    seek(id: string): void {
        const i = this.nodes.findIndex((n) => n.id === id);
        if (i < 0 || i >= this.standing()) return;
        const [px, py] = [this.screenX(i), this.screenY(i)];
        const edge = 60;
        const seen = px > edge && py > edge && px < this.width - edge && py < this.height - edge;
        if (seen && this.view.scale >= 0.4) return;
        this.view.x = this.x[i] as number;
        this.view.y = this.y[i] as number;
        this.view.scale = Math.max(0.8, this.view.scale);
        this.redraw();
    }

    private standing(): number {
        return Math.min(this.nodes.length, this.x.length);
    }

    /* ---- drawing ---- */

    private paint(): void {
        const dense = devicePixelRatio || 1;
        const { pen } = this;
        pen.setTransform(dense, 0, 0, dense, 0, 0);
        pen.clearRect(0, 0, this.width, this.height);
        this.paintEdges();
        this.paintNodes();
        this.paintNames();
    }

    private paintEdges(): void {
        const { pen, look } = this;
        const near = this.nodes.findIndex((n) => n.id === this.chosen);
        const heads = this.view.scale > 0.45;
        const chosen: number[] = [];
        pen.strokeStyle = look.line;
        pen.fillStyle = look.line;
        pen.globalAlpha = this.edges.length > 3_000 ? 0.4 : 0.75;
        pen.lineWidth = 1;
        pen.beginPath();
        for (let e = 0; e < this.edges.length; e++) {
            const [a, b] = [this.ends[2 * e] as number, this.ends[2 * e + 1] as number];
            if (near >= 0 && (a === near || b === near)) chosen.push(e);
            else this.edge(a, b, heads);
        }
        pen.stroke();
        pen.globalAlpha = 1;
        if (chosen.length === 0) return;
        pen.strokeStyle = look.accent;
        pen.fillStyle = look.accent;
        pen.lineWidth = 2;
        pen.beginPath();
        for (const e of chosen) {
            this.edge(this.ends[2 * e] as number, this.ends[2 * e + 1] as number, true);
        }
        pen.stroke();
        if (this.view.scale > 0.6 && chosen.length < 60) this.paintKinds(chosen);
    }

    private edge(a: number, b: number, head: boolean): void {
        const { pen } = this;
        const [ax, ay, bx, by] = [
            this.screenX(a),
            this.screenY(a),
            this.screenX(b),
            this.screenY(b),
        ];
        const outside =
            Math.max(ax, bx) < 0 ||
            Math.min(ax, bx) > this.width ||
            Math.max(ay, by) < 0 ||
            Math.min(ay, by) > this.height;
        if (outside) return;
        const r = this.radius();
        if (a === b) {
            pen.moveTo(ax + r, ay - r);
            pen.arc(ax, ay - r * 1.6, r, Math.PI / 4, (11 / 4) * Math.PI);
            return;
        }
        pen.moveTo(ax, ay);
        pen.lineTo(bx, by);
        if (!head) return;
        const length = Math.hypot(bx - ax, by - ay);
        if (length < 4 * r) return;
        const [ux, uy] = [(bx - ax) / length, (by - ay) / length];
        const [tx, ty] = [bx - ux * (r + 2), by - uy * (r + 2)];
        pen.moveTo(tx - ux * 7 - uy * 4, ty - uy * 7 + ux * 4);
        pen.lineTo(tx, ty);
        pen.lineTo(tx - ux * 7 + uy * 4, ty - uy * 7 - ux * 4);
    }

    private paintKinds(chosen: number[]): void {
        const { pen, look } = this;
        pen.font = this.font;
        pen.textAlign = "center";
        pen.textBaseline = "middle";
        for (const e of chosen) {
            const [a, b] = [this.ends[2 * e] as number, this.ends[2 * e + 1] as number];
            const x = (this.screenX(a) + this.screenX(b)) / 2;
            const y = (this.screenY(a) + this.screenY(b)) / 2;
            this.write(
                this.edges[e]?.kind ?? "",
                x,
                a === b ? y - 3 * this.radius() : y,
                look.accent,
            );
        }
    }

    private write(text: string, x: number, y: number, colour: string): void {
        const { pen, look } = this;
        pen.lineWidth = 3;
        pen.lineJoin = "round";
        pen.strokeStyle = look.back;
        pen.strokeText(text, x, y);
        pen.fillStyle = colour;
        pen.fillText(text, x, y);
    }

    private seen(i: number): boolean {
        const [x, y] = [this.screenX(i), this.screenY(i)];
        return x > -20 && y > -20 && x < this.width + 20 && y < this.height + 20;
    }

    private shape(node: GraphNode, x: number, y: number, r: number): void {
        const { pen } = this;
        pen.beginPath();
        if (node.state === "live" && node.level === "warning") {
            pen.moveTo(x, y - r * 1.2);
            pen.lineTo(x + r * 1.15, y + r * 0.9);
            pen.lineTo(x - r * 1.15, y + r * 0.9);
            pen.closePath();
        } else if (node.state === "live" && node.level === "critical") {
            for (let k = 0; k < 8; k++) {
                const angle = (k + 0.5) * (Math.PI / 4);
                pen.lineTo(x + 1.2 * r * Math.cos(angle), y + 1.2 * r * Math.sin(angle));
            }
            pen.closePath();
        } else {
            pen.arc(x, y, r, 0, 2 * Math.PI);
        }
    }

    private colour(node: GraphNode): string {
        if (node.state === null) return this.look.accent;
        if (node.state !== "live") return this.look.mute;
        if (node.level === "critical") return this.look.crit;
        return node.level === "warning" ? this.look.warn : this.look.ok;
    }

    private paintNodes(): void {
        const { pen, look } = this;
        const r = this.radius();
        const finds = this.marked.size > 0;
        for (let i = 0; i < this.standing(); i++) {
            const node = this.nodes[i];
            if (!node || !this.seen(i)) continue;
            const [x, y] = [this.screenX(i), this.screenY(i)];
            const faint = finds && !this.marked.has(node.id) && node.id !== this.chosen;
            pen.globalAlpha = faint ? 0.25 : 1;
            this.shape(node, x, y, r);
            const full = node.state === "live" || node.state === null;
            pen.fillStyle = full ? this.colour(node) : look.back;
            pen.fill();
            pen.lineWidth = full ? 1 : 1.5;
            pen.strokeStyle = full ? look.back : this.colour(node);
            pen.stroke();
            if (node.id !== this.chosen && i !== this.hover) continue;
            pen.beginPath();
            pen.arc(x, y, r + 4, 0, 2 * Math.PI);
            pen.lineWidth = 2;
            pen.strokeStyle = look.accent;
            pen.stroke();
        }
        pen.globalAlpha = 1;
    }

    private paintNames(): void {
        const { pen, look } = this;
        const all = this.view.scale >= NAMES_AT || this.nodes.length <= 40;
        const finds = this.marked.size > 0 && this.marked.size < NAMES_MOST;
        const r = this.radius();
        let drawn = 0;
        pen.font = this.font;
        pen.textAlign = "center";
        pen.textBaseline = "top";
        for (let i = 0; i < this.standing() && drawn < NAMES_MOST; i++) {
            const node = this.nodes[i];
            if (!node) continue;
            const named =
                node.id === this.chosen ||
                i === this.hover ||
                (finds ? this.marked.has(node.id) : all);
            if (!named || !this.seen(i)) continue;
            const name = node.name.length > 28 ? `${node.name.slice(0, 27)}…` : node.name;
            this.write(name, this.screenX(i), this.screenY(i) + r + 4, look.text);
            drawn++;
        }
    }
}
