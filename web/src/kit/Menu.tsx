import { DropdownMenu as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "./cx";
import { Icon, type IconName } from "./Icon";
import style from "./Menu.module.css";

/* Not in a portal: it stays inside the landmark that it belongs to. */
export function Menu({ trigger, children }: { trigger: ReactNode; children: ReactNode }) {
    return (
        <Radix.Root modal={false}>
            <Radix.Trigger asChild>{trigger}</Radix.Trigger>
            <Radix.Content className={style.menu} align="end" sideOffset={6} collisionPadding={8}>
                {children}
            </Radix.Content>
        </Radix.Root>
    );
}

/* Who or what the menu is about; said, not chosen. */
export function MenuHead({ children }: { children: ReactNode }) {
    return <Radix.Label className={style.headline}>{children}</Radix.Label>;
}

export interface MenuItemProps {
    icon?: IconName;
    danger?: boolean;
    disabled?: boolean;
    onSelect: () => void;
    children: ReactNode;
}

export function MenuItem(props: MenuItemProps) {
    return (
        <Radix.Item
            className={cx(style.item, props.danger && style.danger)}
            disabled={props.disabled ?? false}
            onSelect={props.onSelect}
        >
            {props.icon && <Icon name={props.icon} />}
            {props.children}
        </Radix.Item>
    );
}

export interface MenuChoiceProps<T extends string> {
    label: string;
    value: T;
    onChange: (value: T) => void;
    options: { value: T; label: string; icon: IconName }[];
}

export function MenuChoice<T extends string>(props: MenuChoiceProps<T>) {
    return (
        <>
            <Radix.Label className={style.label}>{props.label}</Radix.Label>
            <Radix.RadioGroup
                value={props.value}
                onValueChange={(v) => props.onChange(v as T)}
                aria-label={props.label}
            >
                {props.options.map((o) => (
                    <Radix.RadioItem key={o.value} value={o.value} className={style.item}>
                        <Icon name={o.icon} />
                        <span className={style.word}>{o.label}</span>
                        {o.value === props.value && <Icon name="check" />}
                    </Radix.RadioItem>
                ))}
            </Radix.RadioGroup>
        </>
    );
}

export function MenuLine() {
    return <Radix.Separator className={style.line} />;
}
