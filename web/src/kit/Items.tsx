import { Children, type ReactNode, useState } from "react";
import { Button } from "./Button";
import { cx } from "./cx";
import style from "./Items.module.css";

export interface ItemsProps {
    label: string;
    /* how many are shown before somebody asks for more */
    most?: number;
    children: ReactNode;
}

/* A list of things with a name, what is known of each, and what can be done with it. */
export function Items({ label, most = 50, children }: ItemsProps) {
    const [shown, setShown] = useState(most);
    const all = Children.toArray(children);
    const left = all.length - shown;
    return (
        <>
            <ul className={style.items} aria-label={label}>
                {all.slice(0, shown)}
            </ul>
            {left > 0 && (
                <div className={style.more}>
                    <Button small onClick={() => setShown(shown + Math.max(most, 50))}>
                        Show {Math.min(left, Math.max(most, 50))} more
                    </Button>
                </div>
            )}
        </>
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
