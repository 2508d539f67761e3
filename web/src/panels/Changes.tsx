/* Changes.tsx - in what something differs from what it was. */

import { type Change, shortly } from "../base/diff";
import style from "./Changes.module.css";

const SIGNS = { added: "+", removed: "−", changed: "~" } as const;
const WORDS = { added: "Added", removed: "Removed", changed: "Changed" } as const;

export function Changes({ changes }: { changes: Change[] }) {
    return (
        <ul className={style.changes} aria-label="Differences">
            {changes.map((change) => (
                <li key={change.path} className={style[change.kind]}>
                    <span className={style.sign} aria-hidden="true">
                        {SIGNS[change.kind]}
                    </span>
                    <span className="sr-only">{WORDS[change.kind]}</span>
                    <span className={style.path}>{change.path || "value"}</span>
                    <span className={style.values}>
                        {"before" in change && <del>{shortly(change.before)}</del>}
                        {change.kind === "changed" && <span aria-hidden="true"> → </span>}
                        {"after" in change && <ins>{shortly(change.after)}</ins>}
                    </span>
                </li>
            ))}
        </ul>
    );
}
