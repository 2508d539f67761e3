import { useEffect, useRef, useState } from "react";
import { Button, type ButtonProps } from "./Button";
import { announce } from "./toast";

/* The clipboard's interface is absent over plain HTTP on a LAN address; the old way works there. */
export async function copyText(text: string): Promise<boolean> {
    try {
        if (navigator.clipboard) {
            await navigator.clipboard.writeText(text);
            return true;
        }
    } catch {
        /* denied: try the old way */
    }
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.style.cssText = "position:fixed;opacity:0;inset:0 auto auto 0";
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (focused instanceof HTMLElement) focused.focus();
    return done;
}

export interface CopyButtonProps extends Omit<ButtonProps, "onClick"> {
    text: string | (() => string);
    /* what is copied, for the announcement: "the error id" */
    what: string;
}

export function CopyButton({ text, what, children, ...rest }: CopyButtonProps) {
    const [done, setDone] = useState(false);
    const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
    useEffect(() => () => clearTimeout(timer.current), []);
    const copy = async () => {
        const ok = await copyText(typeof text === "function" ? text() : text);
        announce(ok ? `Copied ${what}` : `Could not copy ${what}; select the text and copy it.`);
        if (!ok) return;
        setDone(true);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => setDone(false), 1600);
    };
    return (
        <Button {...rest} icon={done ? "check" : "copy"} label={`Copy ${what}`} onClick={copy}>
            {children}
        </Button>
    );
}
