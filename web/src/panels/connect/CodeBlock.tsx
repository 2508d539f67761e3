import { CopyButton } from "../../kit/Copy";
import style from "./CodeBlock.module.css";

export function CodeBlock({ code, label }: { code: string; label: string }) {
    return (
        <div className={style.block}>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable */}
            <section className={style.code} tabIndex={0} aria-label={label}>
                <code>{code}</code>
            </section>
            <CopyButton small className={style.copy} text={code} what={label}>
                Copy
            </CopyButton>
        </div>
    );
}
