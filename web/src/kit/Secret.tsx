import { type ReactNode, useRef } from "react";
import { CopyButton } from "./Copy";
import { Icon } from "./Icon";
import style from "./Secret.module.css";

export interface SecretProps {
    /* "the token" */
    what: string;
    secret: string;
    /* what to do with it */
    children?: ReactNode;
}

/* A secret that is shown this once: selected by a click, copied by a button, never stored here. */
export function Secret({ what, secret, children }: SecretProps) {
    const ref = useRef<HTMLInputElement>(null);
    return (
        <div className={style.secret} data-testid="secret">
            <p className={style.once}>
                <Icon name="key" />
                <span>Copy {what} now: it is shown this once.</span>
            </p>
            <div className={style.line}>
                <input
                    ref={ref}
                    readOnly
                    className={style.text}
                    aria-label={what.replace(/^the /, "The ")}
                    value={secret}
                    spellCheck={false}
                    onFocus={() => ref.current?.select()}
                />
                <CopyButton look="primary" text={secret} what={what}>
                    Copy
                </CopyButton>
            </div>
            {children && <div className={style.note}>{children}</div>}
        </div>
    );
}
