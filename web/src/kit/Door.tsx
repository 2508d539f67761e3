/* Door.tsx - a page for those who are not inside yet: one card in the middle, nothing else. */

import type { ReactNode } from "react";
import style from "./Door.module.css";
import { Mark } from "./Mark";

export function Door({ title, children }: { title: string; children: ReactNode }) {
    return (
        <main className={style.door}>
            <div className={style.card}>
                <div className={style.brand}>
                    <Mark />
                    Doppel
                </div>
                <h1 className={style.title}>{title}</h1>
                {children}
            </div>
        </main>
    );
}

export { style as doorStyle };
