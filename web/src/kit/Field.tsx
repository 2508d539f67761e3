import {
    type InputHTMLAttributes,
    type ReactNode,
    type Ref,
    type SelectHTMLAttributes,
    type TextareaHTMLAttributes,
    useId,
} from "react";
import { cx } from "./cx";
import style from "./Field.module.css";
import { Icon, type IconName } from "./Icon";

interface Around {
    label: string;
    hideLabel?: boolean | undefined;
    hint?: ReactNode;
    bad?: string | null | undefined;
}

function Frame(
    props: Around & { id: string; children: ReactNode; className?: string | undefined },
) {
    return (
        <div className={cx(style.field, props.className)}>
            <label htmlFor={props.id} className={props.hideLabel ? "sr-only" : style.label}>
                {props.label}
            </label>
            {props.children}
            {props.bad ? (
                <span id={`${props.id}-note`} className={style.bad}>
                    {props.bad}
                </span>
            ) : (
                props.hint && (
                    <span id={`${props.id}-note`} className={style.hint}>
                        {props.hint}
                    </span>
                )
            )}
        </div>
    );
}

export interface InputProps extends Around, Omit<InputHTMLAttributes<HTMLInputElement>, "id"> {
    ref?: Ref<HTMLInputElement>;
}

export function Input({ label, hideLabel, hint, bad, className, ...rest }: InputProps) {
    const id = useId();
    return (
        <Frame {...{ label, hideLabel, hint, bad, id, className }}>
            <input
                {...rest}
                id={id}
                className={style.input}
                aria-invalid={bad ? true : undefined}
                aria-describedby={hint || bad ? `${id}-note` : undefined}
            />
        </Frame>
    );
}

export interface TextAreaProps
    extends Around,
        Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, "id"> {}

export function TextArea({ label, hideLabel, hint, bad, className, ...rest }: TextAreaProps) {
    const id = useId();
    return (
        <Frame {...{ label, hideLabel, hint, bad, id, className }}>
            <textarea
                {...rest}
                id={id}
                className={cx(style.input, style.area)}
                aria-invalid={bad ? true : undefined}
                aria-describedby={hint || bad ? `${id}-note` : undefined}
            />
        </Frame>
    );
}

export interface SelectProps extends Around, Omit<SelectHTMLAttributes<HTMLSelectElement>, "id"> {
    options: { value: string; label: string }[];
}

export function Select({ label, hideLabel, hint, bad, className, options, ...rest }: SelectProps) {
    const id = useId();
    return (
        <Frame {...{ label, hideLabel, hint, bad, id, className }}>
            <span className={style.select}>
                <select {...rest} id={id} className={style.input}>
                    {options.map((o) => (
                        <option key={o.value} value={o.value}>
                            {o.label}
                        </option>
                    ))}
                </select>
                <Icon name="down" size={14} />
            </span>
        </Frame>
    );
}

export interface SegmentsProps<T extends string> {
    legend: string;
    value: T | null;
    onChange: (value: T) => void;
    options: { value: T; label: string; icon?: IconName }[];
}

/* One of a few, all in sight. */
export function Segments<T extends string>(props: SegmentsProps<T>) {
    const name = useId();
    return (
        <fieldset className={style.segments}>
            <legend className="sr-only">{props.legend}</legend>
            {props.options.map((o) => (
                <label key={o.value} className={style.segment}>
                    <input
                        type="radio"
                        name={name}
                        value={o.value}
                        checked={props.value === o.value}
                        onChange={() => props.onChange(o.value)}
                    />
                    {o.icon && <Icon name={o.icon} size={14} />}
                    {o.label}
                </label>
            ))}
        </fieldset>
    );
}
