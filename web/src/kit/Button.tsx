import type { ButtonHTMLAttributes, Ref } from "react";
import { useOffline } from "../live/hooks";
import style from "./Button.module.css";
import { cx } from "./cx";
import { Icon, type IconName } from "./Icon";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
    look?: "primary" | "secondary" | "ghost" | "danger";
    small?: boolean;
    icon?: IconName;
    /* the label of a button that shows its icon only */
    label?: string;
    ref?: Ref<HTMLButtonElement>;
}

export function Button({
    look = "secondary",
    small,
    icon,
    label,
    className,
    children,
    ...rest
}: ButtonProps) {
    const iconOnly = children === undefined || children === null;
    return (
        <button
            type="button"
            aria-label={iconOnly ? label : undefined}
            title={iconOnly ? label : undefined}
            {...rest}
            className={cx(
                style.button,
                style[look],
                small && style.small,
                iconOnly && style.iconOnly,
                className,
            )}
        >
            {icon && <Icon name={icon} />}
            {children}
        </button>
    );
}

/* A button whose work needs the server: disabled while it cannot be reached. */
export function ServerButton({ disabled, title, ...rest }: ButtonProps) {
    const offline = useOffline();
    const said = offline ? { title: "Not while the connection is lost" } : title ? { title } : {};
    return <Button {...rest} {...said} disabled={disabled || offline} />;
}

export function buttonClass(look: NonNullable<ButtonProps["look"]> = "secondary", small = false) {
    return cx(style.button, style[look], small && style.small);
}
