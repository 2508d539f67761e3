import { type ReactNode, useId } from "react";
import style from "./Checks.module.css";
import { cx } from "./cx";

export interface CheckProps {
    label: ReactNode;
    hint?: ReactNode;
    checked: boolean;
    disabled?: boolean;
    onChange: (checked: boolean) => void;
}

export function Check({ label, hint, checked, disabled, onChange }: CheckProps) {
    const id = useId();
    return (
        <label className={style.check}>
            <input
                type="checkbox"
                checked={checked}
                disabled={disabled}
                aria-describedby={hint ? id : undefined}
                onChange={(e) => onChange(e.target.checked)}
            />
            <span>
                {label}
                {hint && (
                    <small id={id} className={style.hint}>
                        {hint}
                    </small>
                )}
            </span>
        </label>
    );
}

export interface ChecksProps {
    legend: string;
    options: { value: string; label: ReactNode }[];
    chosen: string[];
    columns?: boolean;
    onChange: (chosen: string[]) => void;
}

/* Any of several. */
export function Checks({ legend, options, chosen, columns, onChange }: ChecksProps) {
    return (
        <fieldset className={cx(style.checks, columns && style.columns)}>
            <legend className={style.legend}>{legend}</legend>
            {options.map((o) => (
                <Check
                    key={o.value}
                    label={o.label}
                    checked={chosen.includes(o.value)}
                    onChange={(on) =>
                        onChange(
                            on ? [...chosen, o.value] : chosen.filter((one) => one !== o.value),
                        )
                    }
                />
            ))}
        </fieldset>
    );
}
