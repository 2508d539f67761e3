/* Sparkline.tsx - the last minute of a sensor, drawn on a canvas by the painter.
 *
 * The picture repeats what stands beside it in words, so it is hidden from screen readers. */

import { useEffect, useRef } from "react";
import { staleAfter } from "../base/level";
import type { Level, Sensor } from "../base/wire";
import { clock, painter, store } from "../live/live";
import type { Ring } from "../live/ring";

export const SPARK_MS = 60_000;

export interface SparklineProps {
    twin: string;
    sensor: Sensor;
    tone: Level | "stale";
    width: number;
    height: number;
}

const COLOURS: Record<SparklineProps["tone"], string> = {
    critical: "var(--crit)",
    warning: "var(--warn)",
    normal: "var(--series-1)",
    unknown: "var(--series-1)",
    stale: "var(--stale)",
};

interface Frame {
    context: CanvasRenderingContext2D;
    width: number;
    height: number;
}

function bounds(ring: Ring, first: number, last: number): [number, number] {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = first; i < last; i++) {
        const v = ring.valueAt(i);
        if (v < low) low = v;
        if (v > high) high = v;
    }
    /* a nearly constant value is a flat line, not magnified noise */
    const least = Math.max(Math.abs(high) * 0.002, 1e-9);
    if (high - low < least) {
        const middle = (high + low) / 2;
        return [middle - least, middle + least];
    }
    return [low, high];
}

function trace(frame: Frame, ring: Ring, now: number, gapMs: number, stepped: boolean): void {
    const { context: c, width, height } = frame;
    const from = now - SPARK_MS;
    const first = Math.max(0, ring.firstFrom(from) - 1);
    const last = ring.firstFrom(now + 1);
    if (last - first < 1) return;
    const [low, high] = bounds(ring, first, last);
    const x = (t: number) => ((t - from) / SPARK_MS) * (width - 3);
    const y = (v: number) => height - 2.5 - ((v - low) / (high - low)) * (height - 5);
    c.beginPath();
    let before = Number.NaN;
    let lastY = 0;
    for (let i = first; i < last; i++) {
        const t = ring.timeAt(i);
        const v = ring.valueAt(i);
        const at = y(v);
        if (Number.isNaN(v)) {
            before = Number.NaN;
            continue;
        }
        if (Number.isNaN(before) || t - before > gapMs) c.moveTo(x(t), at);
        else {
            if (stepped) c.lineTo(x(t), lastY);
            c.lineTo(x(t), at);
        }
        before = t;
        lastY = at;
    }
    c.stroke();
    if (Number.isNaN(before)) return;
    c.beginPath();
    c.arc(Math.max(2, x(before)), lastY, 2, 0, 2 * Math.PI);
    c.fill();
}

export function Sparkline({ twin, sensor, tone, width, height }: SparklineProps) {
    const ref = useRef<HTMLCanvasElement>(null);
    const { id, interval } = sensor;
    const stepped = typeof sensor.value === "boolean" || sensor.type === "boolean";
    useEffect(() => {
        const canvas = ref.current;
        const context = canvas?.getContext("2d");
        if (!canvas || !context) return;
        const gapMs = Math.max(staleAfter(interval), 5_000);
        const paint = () => {
            const scale = Math.min(2, devicePixelRatio || 1);
            if (canvas.width !== width * scale || canvas.height !== height * scale) {
                canvas.width = width * scale;
                canvas.height = height * scale;
            }
            /* the colour follows the theme and the level by CSS */
            const colour = getComputedStyle(canvas).color;
            context.setTransform(scale, 0, 0, scale, 0, 0);
            context.clearRect(0, 0, width, height);
            context.strokeStyle = colour;
            context.fillStyle = colour;
            context.lineWidth = 1.5;
            context.lineJoin = "round";
            const ring = store.series(twin, id).ring;
            trace({ context, width, height }, ring, clock.now(), gapMs, stepped);
        };
        const job = painter.add({ every: 200, paint });
        return () => job.remove();
    }, [twin, id, interval, stepped, width, height]);
    return (
        <canvas
            ref={ref}
            aria-hidden="true"
            style={{
                width,
                height,
                display: "block",
                color: COLOURS[tone],
            }}
        />
    );
}
