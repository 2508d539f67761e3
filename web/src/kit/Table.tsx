import type { ReactNode } from "react";
import { cx } from "./cx";
import style from "./Table.module.css";

export { style as tableStyle };

export interface TableProps {
    caption: string;
    head: ReactNode;
    hover?: boolean;
    children: ReactNode;
}

/* A table that scrolls inside itself; the scroller can be reached with the keyboard. */
export function Table(props: TableProps) {
    return (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section className={style.scroll} tabIndex={0} aria-label={props.caption}>
            <table className={cx(style.table, props.hover && style.hover)}>
                <caption className="sr-only">{props.caption}</caption>
                <thead>
                    <tr>{props.head}</tr>
                </thead>
                <tbody>{props.children}</tbody>
            </table>
        </section>
    );
}
