import { Tabs as Radix } from "radix-ui";
import type { ReactNode } from "react";
import style from "./Tabs.module.css";

export interface TabsProps {
    label: string;
    value: string;
    onChange: (value: string) => void;
    tabs: { value: string; label: string; count?: number | undefined }[];
    /* the content of the chosen tab */
    children: ReactNode;
}

export function Tabs(props: TabsProps) {
    return (
        <Radix.Root value={props.value} onValueChange={props.onChange} activationMode="manual">
            <Radix.List className={style.list} aria-label={props.label}>
                {props.tabs.map((tab) => (
                    <Radix.Trigger key={tab.value} value={tab.value} className={style.tab}>
                        {tab.label}
                        {tab.count !== undefined && tab.count > 0 && (
                            <span className={style.count}>{tab.count}</span>
                        )}
                    </Radix.Trigger>
                ))}
            </Radix.List>
            {props.tabs.map((tab) => (
                <Radix.Content
                    key={tab.value}
                    value={tab.value}
                    className={style.content}
                    forceMount
                    hidden={tab.value !== props.value}
                    tabIndex={-1}
                >
                    {tab.value === props.value && props.children}
                </Radix.Content>
            ))}
        </Radix.Root>
    );
}
