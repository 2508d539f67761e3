#!/usr/bin/env node
/* scale.mjs - how the cost grows with the number of twins: measured, and drawn.
 *
 *   node bench/scale.mjs measure [--twins 100,1000,10000,100000,1000000] [--sensors 10]
 *                                [--seconds 10] [--out docs/scale.tsv]
 *   node bench/scale.mjs draw [--out docs/scale.tsv] [--svg docs/images/scale.svg]
 *
 * `measure` runs build/release/bench/scale_bench (whose head tells the columns) once for each number
 * and writes the table; `draw` makes the picture of it.  Needs: ninja -C build/release doppel
 * scale_bench. */

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const { values: opt, positionals } = parseArgs({
    allowPositionals: true,
    options: {
        twins: { type: "string", default: "100,1000,10000,100000,1000000" },
        sensors: { type: "string", default: "10" },
        seconds: { type: "string", default: "10" },
        out: { type: "string", default: join(ROOT, "docs/scale.tsv") },
        svg: { type: "string", default: join(ROOT, "docs/images/scale.svg") },
    },
});

function measure() {
    const rows = [];
    for (const twins of opt.twins.split(",")) {
        const program = join(ROOT, "build/release/bench/scale_bench");
        const args = ["--doppel", join(ROOT, "build/release/doppel"), "--twins", twins];
        args.push("--sensors", opt.sensors, "--seconds", opt.seconds);
        const run = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 26 });
        if (run.status !== 0) throw new Error(`${program} ${args.join(" ")}:\n${run.stderr}`);
        const [head, row] = run.stdout.trim().split("\n");
        if (!rows.length) rows.push(head);
        rows.push(row);
        console.log(row);
    }
    writeFileSync(opt.out, `${rows.join("\n")}\n`);
}

function table() {
    const [head, ...rows] = readFileSync(opt.out, "utf8").trim().split("\n");
    const names = head.split("\t");
    return rows.map((row) =>
        Object.fromEntries(row.split("\t").map((cell, i) => [names[i], Number(cell)])),
    );
}

/* ---- the picture ---- */

const PANELS = [
    {
        title: "Resident memory, MB",
        lines: [
            ["start_mb", "started"],
            ["load_mb", "under load"],
        ],
        goal: [4000, "4 GB"],
    },
    {
        title: "Processor time until it serves, s",
        lines: [
            ["start_cpu_s", "never spoke"],
            ["restart_cpu_s", "with last values"],
        ],
        goal: [15, "15 s"],
    },
    {
        title: "Processors, each series every 10 s",
        lines: [["load_cpu", "used"]],
        goal: [1, "1 core"],
    },
    {
        title: "Bytes a series, started",
        lines: [["series_bytes", "with its share of the twin"]],
    },
];

const WIDTH = 380;
const HEIGHT = 250;
const EDGE = { left: 56, right: 22, top: 40, bottom: 40 };
const log = Math.log10;

/* A whole number of decades around the values. */
function decades(values) {
    const least = Math.floor(log(Math.min(...values)) + 1e-9);
    const most = Math.ceil(log(Math.max(...values)) - 1e-9);
    return [least, Math.max(most, least + 1)];
}

function power(exponent) {
    if (exponent >= -2 && exponent <= 3) return String(10 ** exponent).replace(/^0\./, "0.");
    return `10<tspan dy="-5" font-size="9">${exponent}</tspan>`;
}

function panel({ title, lines, goal }, rows, at) {
    const points = lines.map(([name]) =>
        rows.filter((r) => r[name] > 0).map((r) => [r.series, r[name]]),
    );
    const values = points.flat().map(([, v]) => v);
    const [x0, x1] = decades(rows.map((r) => r.series));
    const [y0, y1] = decades(goal ? [...values, goal[0]] : values);
    const x = (v) => EDGE.left + ((log(v) - x0) / (x1 - x0)) * (WIDTH - EDGE.left - EDGE.right);
    const y = (v) =>
        HEIGHT - EDGE.bottom - ((log(v) - y0) / (y1 - y0)) * (HEIGHT - EDGE.top - EDGE.bottom);
    const out = [`<g transform="translate(${at.x} ${at.y})">`];
    out.push(`<text class="title" x="${EDGE.left}" y="20">${title}</text>`);
    for (let e = y0; e <= y1; e++) {
        const v = y(10 ** e).toFixed(1);
        out.push(`<path class="grid" d="M${EDGE.left} ${v}H${WIDTH - EDGE.right}"/>`);
        out.push(`<text class="y" x="${EDGE.left - 8}" y="${Number(v) + 4}">${power(e)}</text>`);
    }
    for (let e = x0; e <= x1; e++)
        out.push(
            `<text class="x" x="${x(10 ** e).toFixed(1)}" y="${HEIGHT - 20}">10<tspan dy="-5" font-size="9">${e}</tspan></text>`,
        );
    out.push(`<text class="x" x="${(EDGE.left + WIDTH - EDGE.right) / 2}" y="${HEIGHT - 4}">series</text>`);
    if (goal) {
        const v = y(goal[0]).toFixed(1);
        out.push(`<path class="goal" d="M${EDGE.left} ${v}H${WIDTH - EDGE.right}"/>`);
        out.push(`<text class="goal" x="${EDGE.left + 4}" y="${Number(v) - 4}">${goal[1]}</text>`);
    }
    lines.forEach(([, label], i) => {
        const d = points[i].map(([s, v]) => `${x(s).toFixed(1)} ${y(v).toFixed(1)}`);
        out.push(`<path class="line l${i}" d="M${d.join("L")}"/>`);
        for (const p of d) {
            const [cx, cy] = p.split(" ");
            out.push(`<circle class="l${i}" cx="${cx}" cy="${cy}" r="3"/>`);
        }
        const [cx, cy] = (d.at(-1) ?? "0 0").split(" ").map(Number);
        const above = lines.length > 1 && i === 0 ? 16 : -9; /* the first stands below its line */
        out.push(`<text class="label l${i}" x="${cx}" y="${cy + above}">${label}</text>`);
    });
    out.push("</g>");
    return out.join("\n");
}

const STYLE = `
svg { font: 12px system-ui, sans-serif; --ink: #1f2328; --faint: #59636e; --grid: #d1d9e0;
      --l0: #0969da; --l1: #bc4c00; --goal: #1a7f37; }
@media (prefers-color-scheme: dark) { svg { --ink: #f0f6fc; --faint: #9198a1; --grid: #3d444d;
      --l0: #58a6ff; --l1: #f0883e; --goal: #3fb950; } }
text { fill: var(--faint); } .title { fill: var(--ink); font-weight: 600; }
.x { text-anchor: middle; } .y { text-anchor: end; } .label { text-anchor: end; }
.grid { stroke: var(--grid); } .line { fill: none; stroke-width: 2; }
path.goal { stroke: var(--goal); stroke-dasharray: 4 4; } text.goal { fill: var(--goal); }
path.l0 { stroke: var(--l0); } path.l1 { stroke: var(--l1); }
circle.l0, text.l0 { fill: var(--l0); } circle.l1, text.l1 { fill: var(--l1); }`;

function draw() {
    const rows = table().map((r) => ({
        ...r,
        series_bytes: ((r.start_mb - r.idle_mb) * 1e6) / r.series,
    }));
    const panels = PANELS.map((p, i) =>
        panel(p, rows, { x: (i % 2) * WIDTH, y: Math.floor(i / 2) * HEIGHT }),
    );
    const [w, h] = [2 * WIDTH, 2 * HEIGHT];
    writeFileSync(
        opt.svg,
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img"
aria-label="How memory, start and processor time grow with the number of series">
<style>${STYLE}</style>
${panels.join("\n")}
</svg>
`,
    );
}

const works = { measure, draw };
if (!works[positionals[0]]) {
    console.error("scale.mjs: measure or draw? Its head tells the options.");
    process.exit(2);
}
works[positionals[0]]();
