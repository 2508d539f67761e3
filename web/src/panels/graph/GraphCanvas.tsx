/* GraphCanvas.tsx - the picture and what hands do with it; keys have the list beside it. */

import { type PointerEvent, type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { Button } from "../../kit/Button";
import style from "./Graph.module.css";
import type { Graph } from "./model";
import { Picture } from "./picture";
import type { LayoutOf } from "./useLayout";

export interface CanvasHandle {
    seek: (id: string) => void;
}

export interface GraphCanvasProps {
    graph: Graph;
    layout: LayoutOf;
    chosen: string | null;
    marked: ReadonlySet<string>;
    choose: (id: string | null) => void;
    open: (id: string) => void;
    ref?: Ref<CanvasHandle>;
}

const STILL = 4; /* px within which a press is no drag */

export function GraphCanvas(props: GraphCanvasProps) {
    const { graph, layout, chosen, marked } = props;
    const box = useRef<HTMLDivElement>(null);
    const canvas = useRef<HTMLCanvasElement>(null);
    const picture = useRef<Picture | null>(null);
    const drag = useRef<{ x: number; y: number; moved: boolean } | null>(null);

    useEffect(() => {
        const one = new Picture(canvas.current as HTMLCanvasElement);
        picture.current = one;
        const size = new ResizeObserver(([entry]) => {
            if (entry) one.resize(entry.contentRect.width, entry.contentRect.height);
        });
        size.observe(box.current as HTMLDivElement);
        const restyle = () => one.restyle();
        addEventListener("doppel-theme", restyle);
        /* React listens passively, and the page must not scroll along */
        const wheel = (event: WheelEvent) => {
            event.preventDefault();
            const rect = (canvas.current as HTMLCanvasElement).getBoundingClientRect();
            one.zoom(1.0016 ** -event.deltaY, event.clientX - rect.left, event.clientY - rect.top);
        };
        const target = canvas.current as HTMLCanvasElement;
        target.addEventListener("wheel", wheel, { passive: false });
        return () => {
            size.disconnect();
            removeEventListener("doppel-theme", restyle);
            target.removeEventListener("wheel", wheel);
            one.end();
        };
    }, []);

    useEffect(() => {
        picture.current?.show(graph.nodes, layout.edges, layout.ends);
    }, [graph, layout.edges, layout.ends]);
    useEffect(() => picture.current?.mark(chosen, marked), [chosen, marked]);

    /* The whole is in sight until somebody moves it. */
    const own = useRef(false);
    const { listen } = layout;
    useEffect(
        () =>
            listen((places) => {
                picture.current?.stand(places.x, places.y);
                if (!own.current) picture.current?.fit();
            }),
        [listen],
    );
    useImperativeHandle(props.ref, () => ({
        seek: (id) => {
            own.current = true;
            picture.current?.seek(id);
        },
    }));

    const spot = (event: PointerEvent) => {
        const rect = event.currentTarget.getBoundingClientRect();
        return [event.clientX - rect.left, event.clientY - rect.top] as const;
    };
    const down = (event: PointerEvent) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.current = { x: event.clientX, y: event.clientY, moved: false };
    };
    const move = (event: PointerEvent<HTMLCanvasElement>) => {
        const held = drag.current;
        if (!held) {
            const over = picture.current?.over(...spot(event));
            event.currentTarget.style.cursor = over ? "pointer" : "grab";
            return;
        }
        const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
        if (!held.moved && Math.hypot(dx, dy) < STILL) return;
        own.current = true;
        picture.current?.pan(dx, dy);
        drag.current = { x: event.clientX, y: event.clientY, moved: true };
    };
    const up = (event: PointerEvent) => {
        const held = drag.current;
        drag.current = null;
        if (held && !held.moved) props.choose(picture.current?.at(...spot(event))?.id ?? null);
    };
    const zoom = (by: number) => {
        own.current = true;
        picture.current?.zoom(by);
    };
    return (
        <div className={style.box} ref={box} data-rest={layout.rest || undefined}>
            <canvas
                ref={canvas}
                className={style.canvas}
                role="img"
                aria-label={`${graph.nodes.length} twins and ${layout.edges.length} relationships; the list beside it has the same`}
                onPointerDown={down}
                onPointerMove={move}
                onPointerUp={up}
                onPointerCancel={() => {
                    drag.current = null;
                }}
                onDoubleClick={(event) => {
                    const rect = event.currentTarget.getBoundingClientRect();
                    const found = picture.current?.at(
                        event.clientX - rect.left,
                        event.clientY - rect.top,
                    );
                    if (found) props.open(found.id);
                }}
            />
            <div className={style.tools}>
                <Button small icon="plus" label="Zoom in" onClick={() => zoom(1.4)} />
                <Button small icon="minus" label="Zoom out" onClick={() => zoom(1 / 1.4)} />
                <Button
                    small
                    onClick={() => {
                        own.current = false;
                        picture.current?.fit();
                    }}
                >
                    Fit
                </Button>
                <Button
                    small
                    onClick={() => {
                        own.current = false;
                        layout.again();
                    }}
                >
                    Arrange anew
                </Button>
            </div>
        </div>
    );
}
