import type { ReactNode } from "react";
import { CopyButton } from "../../kit/Copy";
import style from "./CodeBlock.module.css";

export interface CodeBlockProps {
    code: string;
    label: string;
    note?: ReactNode;
}

export function CodeBlock({ code, label, note }: CodeBlockProps) {
    return (
        <div>
            <div className={style.head}>
                <span className={style.note}>{note}</span>
                <CopyButton small text={code} what={label}>
                    Copy
                </CopyButton>
            </div>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable */}
            <section className={style.code} tabIndex={0} aria-label={label}>
                <code>{code}</code>
            </section>
        </div>
    );
}
