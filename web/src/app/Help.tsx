import { Dialog } from "../kit/Dialog";
import style from "./Help.module.css";
import type { Shortcut } from "./shortcuts";

export interface HelpProps {
    open: boolean;
    onOpenChange: (open: boolean) => void;
    shortcuts: Shortcut[];
    on: boolean;
    setOn: (on: boolean) => void;
}

export function Help(props: HelpProps) {
    return (
        <Dialog open={props.open} onOpenChange={props.onOpenChange} title="Keyboard">
            <dl className={style.keys}>
                {props.shortcuts.map((s) => (
                    <div key={s.keys} style={{ display: "contents" }}>
                        <dt>
                            {s.keys.split(" ").map((k) => (
                                <kbd key={k}>{k}</kbd>
                            ))}
                        </dt>
                        <dd>{s.does}</dd>
                    </div>
                ))}
                <div style={{ display: "contents" }}>
                    <dt>
                        <kbd>←</kbd>
                        <kbd>→</kbd>
                    </dt>
                    <dd>In a chart: read value by value</dd>
                </div>
                <div style={{ display: "contents" }}>
                    <dt>
                        <kbd>Esc</kbd>
                    </dt>
                    <dd>Close what is open</dd>
                </div>
            </dl>
            <label className={style.switch}>
                <input
                    type="checkbox"
                    checked={props.on}
                    onChange={(e) => props.setOn(e.target.checked)}
                />
                Use single-letter keys
            </label>
        </Dialog>
    );
}
