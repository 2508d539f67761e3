/* JsonView.tsx - JSON text to read: numbered lines, quiet colours, one line marked. */

import { memo, useEffect, useMemo, useRef } from "react";
import { tokenize } from "../base/jsontext";
import { cx } from "./cx";
import style from "./JsonView.module.css";

/* Colouring costs an element a token; very long texts go without. */
const COLOUR_UP_TO = 400_000;

interface LineProps {
    line: string;
    marked: boolean;
    plain: boolean;
}

/* Strings do not span lines in JSON, so a line can be read by itself; one that did not change is
 * not drawn again while values move. */
const Line = memo(function Line({ line, marked, plain }: LineProps) {
    const tokens = plain ? null : tokenize(line);
    const pieces = tokens ?? [{ kind: "space" as const, text: line, start: 0 }];
    return (
        <code className={cx(style.line, marked && style.marked)} data-marked={marked || undefined}>
            {pieces.map((p) => (
                <span key={p.start} className={style[p.kind]}>
                    {p.text}
                </span>
            ))}
            {"\n"}
        </code>
    );
});

export function JsonView({ text, label, mark }: { text: string; label: string; mark?: number }) {
    const root = useRef<HTMLElement>(null);
    const plain = text.length > COLOUR_UP_TO;
    const lines = useMemo(() => text.split("\n"), [text]);
    useEffect(() => {
        if (!mark) return;
        root.current?.querySelector("[data-marked]")?.scrollIntoView({ block: "center" });
    }, [mark]);
    return (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section ref={root} className={style.view} tabIndex={0} aria-label={label}>
            <pre>
                {lines.map((line, i) => (
                    <Line key={String(i)} line={line} marked={i + 1 === mark} plain={plain} />
                ))}
            </pre>
        </section>
    );
}
