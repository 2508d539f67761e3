/* FindPeople.tsx - a person or team, found by typing.  Where nobody fits and what was typed is an
 * e-mail, that is an answer too. */

import { useState } from "react";
import { usePeople } from "../api/accessQueries";
import type { Candidate } from "../base/access";
import { Badge } from "./Badge";
import { Button } from "./Button";
import { Combobox, comboboxStyle as style } from "./Combobox";
import { Icon } from "./Icon";
import { useDelayed } from "./useDelayed";

export type Chosen = Candidate | { kind: "email"; id: string; name: string; email: string };

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

export interface FindPeopleProps {
    label: string;
    chosen: Chosen | null;
    choose: (one: Chosen | null) => void;
}

export function FindPeople({ label, chosen, choose }: FindPeopleProps) {
    const [text, setText] = useState("");
    const typed = text.trim();
    const wanted = useDelayed(typed, 150);
    const found = usePeople(wanted);
    if (chosen) return <TheChosen chosen={chosen} clear={() => choose(null)} />;
    const people = wanted ? (found.data ?? []) : [];
    const known = people.some((p) => p.email?.toLowerCase() === typed.toLowerCase());
    const options: Chosen[] =
        EMAIL.test(typed) && !known
            ? [...people, { kind: "email", id: typed, name: typed, email: typed }]
            : people;
    return (
        <Combobox
            label={label}
            placeholder="Name, team or e-mail"
            text={text}
            setText={setText}
            options={options}
            keyOf={(one) => `${one.kind} ${one.id}`}
            render={(one) => (
                <>
                    <Face of={one} />
                    {one.kind === "team" && <Badge tone="mute">team</Badge>}
                </>
            )}
            none={
                found.isError
                    ? `The search did not work: ${found.error.message}`
                    : found.isFetching || wanted !== typed
                      ? "Searching…"
                      : "Nobody is called that. A whole e-mail address works, too."
            }
            take={choose}
        />
    );
}

function Face({ of }: { of: Chosen }) {
    return (
        <>
            <Icon name={of.kind === "team" ? "people" : "person"} />
            <span>
                {of.name || of.email}
                {of.email && of.email !== of.name && <small>{of.email}</small>}
            </span>
        </>
    );
}

function TheChosen({ chosen, clear }: { chosen: Chosen; clear: () => void }) {
    return (
        <div className={style.chosen}>
            <Face of={chosen} />
            <Button
                small
                look="ghost"
                icon="close"
                label={`Not ${chosen.name || chosen.email}`}
                onClick={clear}
            />
        </div>
    );
}
