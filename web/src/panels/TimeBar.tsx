/* TimeBar.tsx - which stretch of time the charts show. */

import { useState } from "react";
import { fromLocalInput, RANGES, type RangeKey, spanText, toLocalInput } from "../base/time";
import { Button } from "../kit/Button";
import { Dialog, DialogButtons } from "../kit/Dialog";
import { Input, Segments } from "../kit/Field";
import { Icon } from "../kit/Icon";
import { usePaused } from "../live/hooks";
import { clock } from "../live/live";
import { useView, windowOf } from "./chart/useView";
import style from "./TimeBar.module.css";

type Choice = RangeKey | "custom";

const CHOICES: { value: Choice; label: string }[] = [
    ...RANGES.map((r) => ({ value: r.key as Choice, label: r.label })),
    { value: "custom", label: "Custom…" },
];

function CustomRange(props: {
    open: boolean;
    onOpenChange: (open: boolean) => void;
    start: [number, number];
    choose: (from: number, to: number) => void;
}) {
    const [from, setFrom] = useState(() => toLocalInput(props.start[0]));
    const [to, setTo] = useState(() => toLocalInput(props.start[1]));
    const start = fromLocalInput(from);
    const end = fromLocalInput(to);
    const wrong = start !== null && end !== null && start >= end;
    return (
        <Dialog open={props.open} onOpenChange={props.onOpenChange} title="Choose a range">
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    if (start !== null && end !== null && !wrong) props.choose(start, end);
                }}
            >
                <div className={style.fields}>
                    <Input
                        label="From (local time)"
                        type="datetime-local"
                        step={1}
                        required
                        value={from}
                        onChange={(e) => setFrom(e.target.value)}
                    />
                    <Input
                        label="To (local time)"
                        type="datetime-local"
                        step={1}
                        required
                        value={to}
                        bad={wrong ? "The end must come after the start." : null}
                        onChange={(e) => setTo(e.target.value)}
                    />
                </div>
                <DialogButtons>
                    <Button onClick={() => props.onOpenChange(false)}>Cancel</Button>
                    <Button look="primary" type="submit" disabled={wrong || !start || !end}>
                        Show
                    </Button>
                </DialogButtons>
            </form>
        </Dialog>
    );
}

export function TimeBar() {
    const { view, live, fixed } = useView();
    const [custom, setCustom] = useState(false);
    const paused = usePaused();
    const choose = (choice: Choice) => {
        if (choice === "custom") setCustom(true);
        else live(choice);
    };
    return (
        <div className={style.bar}>
            <Segments
                legend="Range"
                value={view.mode === "live" ? (view.range as Choice) : "custom"}
                onChange={choose}
                options={CHOICES}
            />
            {view.mode === "fixed" ? (
                <>
                    <span className={style.viewing} data-testid="viewing">
                        <Icon name="clock" size={14} />
                        Viewing {spanText(view.from, view.to, clock.now())}
                    </span>
                    <Button small icon="calendar" look="ghost" onClick={() => setCustom(true)}>
                        Change
                    </Button>
                    <Button small icon="reset" onClick={() => live()}>
                        Back to live
                    </Button>
                </>
            ) : (
                <span className={style.viewing}>
                    {paused === null ? (
                        <>
                            <span className={style.live}>Live.</span>
                            <span className={style.hint}>Drag across a chart to zoom.</span>
                        </>
                    ) : (
                        "Paused."
                    )}
                </span>
            )}
            {custom && (
                <CustomRange
                    open
                    onOpenChange={setCustom}
                    start={windowOf(view)}
                    choose={(from, to) => {
                        setCustom(false);
                        fixed(from, to);
                    }}
                />
            )}
        </div>
    );
}
