/* Combobox.tsx - one of many, found by typing: an input with a list of what fits.
 *
 * Whoever uses it asks the server with the text that has rested, and says what fits. */

import { type KeyboardEvent, type ReactNode, useId, useState } from "react";
import style from "./Combobox.module.css";

export interface ComboboxProps<T> {
    label: string;
    hideLabel?: boolean;
    placeholder: string;
    text: string;
    setText: (text: string) => void;
    options: T[];
    keyOf: (option: T) => string;
    render: (option: T) => ReactNode;
    /* said where nothing fits */
    none: ReactNode;
    take: (option: T) => void;
}

export function Combobox<T>(props: ComboboxProps<T>) {
    const { label, options, text } = props;
    const [open, setOpen] = useState(false);
    const [active, setActive] = useState(0);
    const id = useId();
    const shown = open && text.trim() !== "";
    const at = Math.min(active, options.length - 1);
    const take = (option: T | undefined) => {
        if (option === undefined) return;
        props.setText("");
        setOpen(false);
        props.take(option);
    };
    const key = (event: KeyboardEvent) => {
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            setOpen(true);
            const step = event.key === "ArrowDown" ? 1 : -1;
            if (options.length > 0) setActive((at + step + options.length) % options.length);
        } else if (event.key === "Enter" && shown) {
            event.preventDefault();
            take(options[at]);
        } else if (event.key === "Escape" && shown) {
            event.stopPropagation();
            setOpen(false);
        }
    };
    return (
        <div className={style.find}>
            <label htmlFor={id} className={props.hideLabel ? "sr-only" : style.label}>
                {label}
            </label>
            <input
                id={id}
                className={style.input}
                role="combobox"
                aria-expanded={shown}
                aria-controls={shown ? `${id}-list` : undefined}
                aria-autocomplete="list"
                aria-activedescendant={shown && options[at] ? `${id}-${at}` : undefined}
                placeholder={props.placeholder}
                autoComplete="off"
                spellCheck={false}
                value={text}
                onChange={(e) => {
                    props.setText(e.target.value);
                    setActive(0);
                    setOpen(true);
                }}
                onBlur={() => setOpen(false)}
                onKeyDown={key}
            />
            {shown && (
                <div className={style.list}>
                    <div id={`${id}-list`} role="listbox" aria-label={label}>
                        {options.map((one, i) => (
                            // biome-ignore lint/a11y/useKeyWithClickEvents: the input handles the keys
                            // biome-ignore lint/a11y/useFocusableInteractive: aria-activedescendant moves
                            <div
                                key={props.keyOf(one)}
                                id={`${id}-${i}`}
                                role="option"
                                aria-selected={i === at}
                                className={style.option}
                                onPointerDown={(e) => e.preventDefault()}
                                onPointerMove={() => setActive(i)}
                                onClick={() => take(one)}
                            >
                                {props.render(one)}
                            </div>
                        ))}
                    </div>
                    {options.length === 0 && (
                        <p className={style.none} role="status">
                            {props.none}
                        </p>
                    )}
                </div>
            )}
        </div>
    );
}

export { style as comboboxStyle };
