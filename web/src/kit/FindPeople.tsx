/* FindPeople.tsx - a person or team, found by typing (a combobox with a list).  Where nobody fits and
 * what was typed is an e-mail, that is an answer too. */

import { type KeyboardEvent, useId, useState } from "react";
import { usePeople } from "../api/accessQueries";
import type { Candidate } from "../base/access";
import { Badge } from "./Badge";
import { Button } from "./Button";
import style from "./FindPeople.module.css";
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
    const [open, setOpen] = useState(false);
    const [active, setActive] = useState(0);
    const id = useId();
    const wanted = useDelayed(text.trim(), 150);
    const found = usePeople(wanted);
    if (chosen) return <TheChosen chosen={chosen} clear={() => choose(null)} />;
    const people = wanted ? (found.data ?? []) : [];
    const typed = text.trim();
    const known = people.some((p) => p.email?.toLowerCase() === typed.toLowerCase());
    const options: Chosen[] =
        EMAIL.test(typed) && !known
            ? [...people, { kind: "email", id: typed, name: typed, email: typed }]
            : people;
    const shown = open && typed !== "";
    const at = Math.min(active, options.length - 1);
    const take = (one: Chosen | undefined) => {
        if (!one) return;
        setText("");
        setOpen(false);
        choose(one);
    };
    const key = (event: KeyboardEvent) => {
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            setOpen(true);
            const step = event.key === "ArrowDown" ? 1 : -1;
            if (options.length > 0) setActive((at + step + options.length) % options.length);
        } else if (event.key === "Enter" && shown) {
            event.preventDefault();
            take(options[at]);
        } else if (event.key === "Escape" && shown) {
            event.stopPropagation();
            setOpen(false);
        }
    };
    return (
        <div className={style.find}>
            <label htmlFor={id} className={style.label}>
                {label}
            </label>
            <input
                id={id}
                className={style.input}
                role="combobox"
                aria-expanded={shown}
                aria-controls={shown ? `${id}-list` : undefined}
                aria-autocomplete="list"
                aria-activedescendant={shown && options[at] ? `${id}-${at}` : undefined}
                placeholder="Name, team or e-mail"
                autoComplete="off"
                spellCheck={false}
                value={text}
                onChange={(e) => {
                    setText(e.target.value);
                    setActive(0);
                    setOpen(true);
                }}
                onBlur={() => setOpen(false)}
                onKeyDown={key}
            />
            {shown && (
                <div className={style.list}>
                    <div id={`${id}-list`} role="listbox" aria-label={label}>
                        {options.map((one, i) => (
                            // biome-ignore lint/a11y/useKeyWithClickEvents: the input handles the keys
                            // biome-ignore lint/a11y/useFocusableInteractive: aria-activedescendant moves
                            <div
                                key={`${one.kind} ${one.id}`}
                                id={`${id}-${i}`}
                                role="option"
                                aria-selected={i === at}
                                className={style.option}
                                onPointerDown={(e) => e.preventDefault()}
                                onPointerMove={() => setActive(i)}
                                onClick={() => take(one)}
                            >
                                <Icon name={one.kind === "team" ? "people" : "person"} />
                                <span>
                                    {one.name || one.email}
                                    {one.email && one.email !== one.name && (
                                        <small>{one.email}</small>
                                    )}
                                </span>
                                {one.kind === "team" && <Badge tone="mute">team</Badge>}
                            </div>
                        ))}
                    </div>
                    {options.length === 0 && (
                        <p className={style.none} role="status">
                            {found.isError
                                ? `The search did not work: ${found.error.message}`
                                : found.isFetching || wanted !== typed
                                  ? "Searching…"
                                  : "Nobody is called that. A whole e-mail address works, too."}
                        </p>
                    )}
                </div>
            )}
        </div>
    );
}

function TheChosen({ chosen, clear }: { chosen: Chosen; clear: () => void }) {
    const name = chosen.name || chosen.email || "";
    return (
        <div className={style.chosen}>
            <Icon name={chosen.kind === "team" ? "people" : "person"} />
            <span>
                {name}
                {chosen.email && chosen.email !== chosen.name && <small>{chosen.email}</small>}
            </span>
            <Button small look="ghost" icon="close" label={`Not ${name}`} onClick={clear} />
        </div>
    );
}
