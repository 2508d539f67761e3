/* ResultTable.tsx - the rows of an answer; of many only those in sight are in the page. */

import { useState } from "react";
import type { QueryResult } from "../../api/query";
import style from "./Result.module.css";

const ROW = 29;
const HEIGHT = 480;
const BEYOND = 10;

export function ResultTable({ result }: { result: QueryResult }) {
    const [top, setTop] = useState(0);
    const first = Math.max(0, Math.floor(top / ROW) - BEYOND);
    const last = Math.min(result.rows.length, Math.ceil((top + HEIGHT) / ROW) + BEYOND);
    const shown = result.rows.slice(first, last);
    return (
        <section
            className={style.scroll}
            style={{ maxHeight: HEIGHT }}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
            tabIndex={0}
            aria-label="Rows of the answer"
            onScroll={(e) => setTop(e.currentTarget.scrollTop)}
        >
            <table className={style.table} aria-rowcount={result.rows.length + 1}>
                <caption className="sr-only">The answer</caption>
                <thead>
                    <tr>
                        {result.columns.map((name, i) => (
                            <th key={`${name} ${String(i)}`} scope="col">
                                {name}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {first > 0 && <tr style={{ height: first * ROW }} aria-hidden="true" />}
                    {shown.map((row, r) => (
                        <tr key={String(first + r)} aria-rowindex={first + r + 2}>
                            {row.map((cell, i) => (
                                <td
                                    key={`${result.columns[i]} ${String(i)}`}
                                    className={typeof cell === "number" ? style.number : undefined}
                                >
                                    {cell === null ? (
                                        <span className={style.null}>NULL</span>
                                    ) : (
                                        String(cell)
                                    )}
                                </td>
                            ))}
                        </tr>
                    ))}
                    {last < result.rows.length && (
                        <tr
                            style={{ height: (result.rows.length - last) * ROW }}
                            aria-hidden="true"
                        />
                    )}
                </tbody>
            </table>
        </section>
    );
}
