import { Dialog as Radix } from "radix-ui";
import { type CSSProperties, type ReactNode, useState } from "react";
import { Button, ServerButton } from "./Button";
import style from "./Dialog.module.css";
import { Refusal } from "./Refusal";

export interface DialogProps {
    open: boolean;
    onOpenChange: (open: boolean) => void;
    title: string;
    /* one sentence for those who hear the dialog */
    description?: ReactNode;
    width?: number;
    children: ReactNode;
}

export function Dialog(props: DialogProps) {
    const sized = props.width
        ? ({ "--dialog-width": `${props.width}px` } as CSSProperties)
        : undefined;
    return (
        <Radix.Root open={props.open} onOpenChange={props.onOpenChange}>
            <Radix.Portal>
                <Radix.Overlay className={style.scrim} />
                <Radix.Content
                    className={style.dialog}
                    style={sized}
                    {...(props.description ? {} : { "aria-describedby": undefined })}
                >
                    <div className={style.head}>
                        <Radix.Title className={style.title}>{props.title}</Radix.Title>
                        <Radix.Close asChild>
                            <Button look="ghost" icon="close" label="Close" />
                        </Radix.Close>
                    </div>
                    <div className={style.body}>
                        {props.description && (
                            <Radix.Description>{props.description}</Radix.Description>
                        )}
                        {props.children}
                    </div>
                </Radix.Content>
            </Radix.Portal>
        </Radix.Root>
    );
}

export function DialogButtons({ children }: { children: ReactNode }) {
    return <div className={style.buttons}>{children}</div>;
}

export interface ConfirmProps {
    open: boolean;
    onOpenChange: (open: boolean) => void;
    title: string;
    text: ReactNode;
    verb: string;
    run: () => Promise<void>;
}

/* Asks before what cannot be undone; says why when it did not work. */
export function Confirm(props: ConfirmProps) {
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>(null);
    const run = async () => {
        setBusy(true);
        setError(null);
        try {
            await props.run();
            props.onOpenChange(false);
        } catch (e) {
            setError(e);
        } finally {
            setBusy(false);
        }
    };
    const change = (open: boolean) => {
        setError(null);
        props.onOpenChange(open);
    };
    return (
        <Dialog
            open={props.open}
            onOpenChange={change}
            title={props.title}
            description={props.text}
        >
            <Refusal error={error} />
            <DialogButtons>
                <Button onClick={() => change(false)}>Cancel</Button>
                <ServerButton look="danger" disabled={busy} onClick={run}>
                    {busy ? "Working…" : props.verb}
                </ServerButton>
            </DialogButtons>
        </Dialog>
    );
}
