import type { ReactNode } from "react";
import { cx } from "./cx";
import style from "./Items.module.css";

/* A list of things with a name, what is known of each, and what can be done with it. */
export function Items({ label, children }: { label: string; children: ReactNode }) {
    return (
        <ul className={style.items} aria-label={label}>
            {children}
        </ul>
    );
}

export interface ItemProps {
    title: ReactNode;
    badges?: ReactNode;
    /* facts, told one after another */
    facts?: ReactNode[];
    actions?: ReactNode;
    faint?: boolean;
    children?: ReactNode;
}

export function Item({ title, badges, facts = [], actions, faint, children }: ItemProps) {
    const told = facts.filter((f) => f !== null && f !== undefined && f !== false && f !== "");
    return (
        <li className={cx(style.item, faint && style.faint)}>
            <div className={style.line}>
                <div className={style.words}>
                    <div className={style.title}>
                        <span>{title}</span>
                        {badges}
                    </div>
                    {told.length > 0 && (
                        <div className={style.facts}>
                            {told.map((fact, i) => (
                                <span key={String(i)}>{fact}</span>
                            ))}
                        </div>
                    )}
                </div>
                {actions && <div className={style.actions}>{actions}</div>}
            </div>
            {children}
        </li>
    );
}
