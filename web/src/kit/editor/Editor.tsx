import { type CSSProperties, lazy, Suspense } from "react";
import { Skeleton } from "../Panel";
import style from "./Editor.module.css";
import type { CodeEditorProps } from "./types";

const CodeEditor = lazy(() => import("./CodeEditor"));

export function Editor({ height = 480, ...rest }: CodeEditorProps & { height?: number }) {
    return (
        <div className={style.editor} style={{ "--editor-height": `${height}px` } as CSSProperties}>
            <Suspense fallback={<Skeleton lines={8} />}>
                <CodeEditor {...rest} />
            </Suspense>
        </div>
    );
}
