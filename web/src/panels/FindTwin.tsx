import { useState } from "react";
import { useTwinSearch } from "../api/queries";
import { StateBadge } from "../kit/Badge";
import { Combobox } from "../kit/Combobox";
import { useDelayed } from "../kit/useDelayed";

export interface FindTwinProps {
    label: string;
    placeholder: string;
    take: (twin: string) => void;
}

/* Any twin, found by a part of its name. */
export function FindTwin({ label, placeholder, take }: FindTwinProps) {
    const [text, setText] = useState("");
    const typed = text.trim();
    const wanted = useDelayed(typed, 150);
    const found = useTwinSearch(wanted);
    return (
        <Combobox
            label={label}
            hideLabel
            placeholder={placeholder}
            text={text}
            setText={setText}
            options={wanted ? (found.data?.items ?? []) : []}
            keyOf={(twin) => twin.id}
            render={(twin) => (
                <>
                    <span>
                        {twin.name}
                        <small>{twin.id}</small>
                    </span>
                    <StateBadge state={twin.state} />
                </>
            )}
            none={
                found.isError
                    ? `The search did not work: ${found.error.message}`
                    : found.isFetching || wanted !== typed
                      ? "Searching…"
                      : "No twin is called that."
            }
            take={(twin) => take(twin.id)}
        />
    );
}
