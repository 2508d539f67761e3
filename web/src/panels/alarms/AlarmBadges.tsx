/* AlarmBadges.tsx - how bad an alarm is, and how it stands: an icon, a word and a colour. */

import type { Alarm, Severity } from "../../api/alarms";
import { Badge } from "../../kit/Badge";

const FACES = {
    critical: { tone: "crit", icon: "crit", word: "Critical" },
    major: { tone: "crit", icon: "warn", word: "Major" },
    warning: { tone: "warn", icon: "warn", word: "Warning" },
    info: { tone: "info", icon: "help", word: "Info" },
} as const;

export function SeverityBadge({ severity }: { severity: Severity }) {
    const { tone, icon, word } = FACES[severity];
    return (
        <Badge tone={tone} icon={icon}>
            {word}
        </Badge>
    );
}

export function stateWord(alarm: Alarm): string {
    if (alarm.shelvedUntil) return "Shelved";
    if (alarm.active) return alarm.acknowledged ? "Acknowledged" : "Raised";
    return alarm.acknowledged ? "Settled" : "Cleared, not acknowledged";
}
