import type { Sensor } from "../../base/wire";

export interface Part {
    value: string;
    label: string;
}

/* What of a twin can be shared or ruled apart from the rest. */
export function partsOf(sensors: Sensor[] | undefined): Part[] {
    return [
        { value: "/profile", label: "Profile" },
        { value: "/history", label: "History" },
        { value: "/commands", label: "Commands" },
        { value: "/settings", label: "Settings" },
        { value: "/sensors/*", label: "All sensors" },
        ...(sensors ?? []).map((s) => ({ value: `/sensors/${s.id}`, label: s.name || s.id })),
    ];
}

/* The name of a part, or the part itself where nothing is known of it. */
export function partName(part: string, parts: Part[]): string {
    if (part === "/") return "The whole twin";
    return parts.find((p) => p.value === part)?.label ?? part;
}
