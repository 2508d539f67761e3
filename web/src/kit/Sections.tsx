import type { ReactNode } from "react";
import style from "./Sections.module.css";

export interface SectionsProps {
    title: ReactNode;
    lead?: ReactNode;
    actions?: ReactNode;
    children: ReactNode;
}

/* A page of panels beside and below each other, all in sight: nothing is behind a tab. */
export function Sections({ title, lead, actions, children }: SectionsProps) {
    return (
        <>
            <div className={style.head}>
                <div>
                    <h1>{title}</h1>
                    {lead && <p>{lead}</p>}
                </div>
                {actions && <div className={style.actions}>{actions}</div>}
            </div>
            <div className={style.sections}>{children}</div>
        </>
    );
}

export function Column({ children }: { children: ReactNode }) {
    return <div className={style.column}>{children}</div>;
}

export { style as sectionsStyle };
