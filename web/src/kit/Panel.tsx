/* Panel.tsx - a titled surface that is in exactly one state (panelState.ts) and shows it. */

import { Component, type CSSProperties, type ReactNode, useId } from "react";
import { operationWords } from "../base/access";
import { AgeText } from "./Age";
import { AskForIt } from "./AskForIt";
import { Button, ServerButton } from "./Button";
import { CopyButton } from "./Copy";
import { cx } from "./cx";
import { Icon } from "./Icon";
import style from "./Panel.module.css";
import { type Denial, type PanelState, panelState } from "./panelState";

export interface PanelProps {
    title: ReactNode;
    note?: ReactNode;
    actions?: ReactNode;
    state?: PanelState;
    /* what can be done about an empty or misconfigured panel */
    action?: ReactNode;
    /* children go up to the edges */
    flush?: boolean;
    minHeight?: number;
    className?: string | undefined;
    children?: ReactNode;
}

const LIVE: PanelState = { kind: "live" };

export function Skeleton({ lines = 4 }: { lines?: number }) {
    return (
        <div className={style.skeleton}>
            <span className="sr-only">Loading</span>
            {Array.from({ length: lines }, (_, i) => (
                <div key={String(i)} className={style.bar} aria-hidden="true" />
            ))}
        </div>
    );
}

/* Names the role that is missing, and asks for it. */
function DeniedSays(denial: Denial) {
    return (
        <div className={style.says}>
            <Icon name="lock" size={20} />
            <p>
                <strong>
                    {denial.operation
                        ? `You may not ${operationWords(denial.operation)}.`
                        : "You may not see this."}
                </strong>{" "}
                {denial.role
                    ? `It needs the role “${denial.role}”${denial.organization ? ` in ${denial.organization}` : ""}.`
                    : "Ask whoever runs this server for access."}
            </p>
            <AskForIt {...denial} />
        </div>
    );
}

function Says({ state, action }: { state: PanelState; action?: ReactNode }) {
    if (state.kind === "denied") return <DeniedSays {...state} />;
    if (state.kind === "error") {
        return (
            <div className={cx(style.says, style.error)} role="alert">
                <Icon name="crit" size={20} />
                <p>
                    <strong>This could not be loaded.</strong> {state.cause}
                </p>
                <div className={style.buttons}>
                    {state.retry && (
                        <Button small icon="reset" onClick={state.retry}>
                            Try again
                        </Button>
                    )}
                    <CopyButton
                        small
                        look="ghost"
                        text={`${state.code} ${state.id}`}
                        what="the error id"
                    >
                        Copy id
                    </CopyButton>
                </div>
                <code className={style.id}>{state.id}</code>
            </div>
        );
    }
    if (state.kind === "misconfigured" || state.kind === "empty") {
        return (
            <div className={style.says}>
                <Icon name={state.kind === "empty" ? "empty" : "connect"} size={20} />
                <p>{state.text}</p>
                {action && <div className={style.buttons}>{action}</div>}
            </div>
        );
    }
    return <Skeleton />;
}

export function Panel(props: PanelProps) {
    const id = useId();
    const state = props.state ?? LIVE;
    const shows = state.kind === "live" || state.kind === "stale";
    const sized: CSSProperties = props.minHeight
        ? ({ "--panel-min": `${props.minHeight}px` } as CSSProperties)
        : {};
    return (
        <section
            aria-labelledby={id}
            aria-busy={state.kind === "loading" || undefined}
            data-panel-state={state.kind}
            data-empty-why={state.kind === "empty" ? state.why : undefined}
            className={cx(
                style.panel,
                props.flush && style.flush,
                state.kind === "stale" && style.stale,
                props.className,
            )}
            style={sized}
        >
            <div className={style.head}>
                <h2 id={id} className={style.title}>
                    <span>{props.title}</span>
                    {props.note && <span className={style.note}>{props.note}</span>}
                </h2>
                {props.actions && <div className={style.actions}>{props.actions}</div>}
            </div>
            {state.kind === "stale" && (
                <p className={style.staleNote}>
                    <Icon name="clock" size={14} />
                    <span>
                        Stale: the last reading is <AgeText t={state.since} /> old
                    </span>
                </p>
            )}
            <div className={style.body}>
                {shows ? (
                    <Boundary>{props.children}</Boundary>
                ) : (
                    <Says state={state} action={props.action} />
                )}
            </div>
        </section>
    );
}

/* What breaks inside a panel stays inside it. */
export class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
    override state: { error: unknown } = { error: null };

    static getDerivedStateFromError(error: unknown) {
        return { error };
    }

    override render() {
        if (!this.state.error) return this.props.children;
        const retry = () => this.setState({ error: null });
        return <Says state={panelState({ error: this.state.error, retry })} />;
    }
}

export { ServerButton };
