/* Badge.tsx - status is an icon, a word and a colour; never the colour alone. */

import type { ReactNode } from "react";
import type { Level, Quality, State } from "../base/wire";
import style from "./Badge.module.css";
import { cx } from "./cx";
import { Icon, type IconName } from "./Icon";

type Tone = "ok" | "warn" | "crit" | "mute" | "sim" | "info";

export function Badge(props: {
    tone: Tone;
    icon?: IconName;
    filled?: boolean;
    children: ReactNode;
}) {
    return (
        <span className={cx(style.badge, style[props.tone], props.filled && style.filled)}>
            {props.icon && <Icon name={props.icon} size={14} />}
            {props.children}
        </span>
    );
}

interface Face {
    tone: Tone;
    icon: IconName;
    word: string;
}

const STATE: Record<State, Face> = {
    live: { tone: "ok", icon: "live", word: "Live" },
    stale: { tone: "mute", icon: "clock", word: "Stale" },
    waiting: { tone: "mute", icon: "wait", word: "Waiting" },
};

const LEVEL: Record<Level, Face> = {
    normal: { tone: "ok", icon: "check", word: "Normal" },
    warning: { tone: "warn", icon: "warn", word: "Warning" },
    critical: { tone: "crit", icon: "crit", word: "Critical" },
    unknown: { tone: "mute", icon: "wait", word: "No range" },
};

export function StateBadge({ state, filled }: { state: State; filled?: boolean }) {
    const { tone, icon, word } = STATE[state];
    return (
        <Badge tone={tone} icon={icon} filled={filled ?? false}>
            {word}
        </Badge>
    );
}

export function LevelBadge({ level, filled }: { level: Level; filled?: boolean }) {
    if (level === "unknown") {
        return (
            <span className={style.mute} title="The profile gives no range for this">
                <span aria-hidden="true">–</span>
                <span className="sr-only">No range</span>
            </span>
        );
    }
    const { tone, icon, word } = LEVEL[level];
    return (
        <Badge tone={tone} icon={icon} filled={filled ?? false}>
            {word}
        </Badge>
    );
}

/* One badge for a twin: what is worst about it, else that it lives. */
export function TwinBadge({ state, level }: { state: State; level: Level }) {
    const worrying = state === "live" && (level === "warning" || level === "critical");
    return worrying ? <LevelBadge level={level} filled /> : <StateBadge state={state} filled />;
}

/* Where a twin's readings come from, when it is not a device. */
export function OriginBadges({ twin }: { twin: { simulated?: boolean; demo?: boolean } }) {
    return (
        <>
            {twin.simulated && (
                <Badge tone="sim" filled>
                    simulated
                </Badge>
            )}
            {twin.demo && (
                <Badge tone="info" filled>
                    demo
                </Badge>
            )}
        </>
    );
}

const QUALITY: Record<Quality, Face> = {
    good: { tone: "mute", icon: "check", word: "Good" },
    uncertain: { tone: "warn", icon: "warn", word: "Uncertain" },
    bad: { tone: "crit", icon: "crit", word: "Bad" },
};

export function QualityBadge({ quality }: { quality: Quality | null }) {
    if (!quality) return <span className={style.mute}>–</span>;
    const { tone, icon, word } = QUALITY[quality];
    if (quality === "good") return <span className={style.plain}>{word}</span>;
    return (
        <Badge tone={tone} icon={icon}>
            {word}
        </Badge>
    );
}
