/* Search.tsx - find a twin by a part of its name (a combobox with a list). */

import { type KeyboardEvent, type RefObject, useEffect, useId, useState } from "react";
import { useLocation } from "wouter";
import { useTwinSearch } from "../api/queries";
import { StateBadge } from "../kit/Badge";
import { Icon } from "../kit/Icon";
import { useDelayed } from "../kit/useDelayed";
import style from "./Search.module.css";

export function Search({ inputRef }: { inputRef: RefObject<HTMLInputElement | null> }) {
    const [, navigate] = useLocation();
    const [text, setText] = useState("");
    const [open, setOpen] = useState(false);
    const [active, setActive] = useState(0);
    const listId = useId();
    const wanted = useDelayed(text.trim(), 150);
    const found = useTwinSearch(wanted);
    const items = wanted && found.data ? found.data.items : [];
    const more = (found.data?.total ?? 0) - items.length;
    const shown = open && text.trim() !== "";
    // biome-ignore lint/correctness/useExhaustiveDependencies: another question, first answer again
    useEffect(() => setActive(0), [wanted]);

    const go = (id: string) => {
        setText("");
        setOpen(false);
        inputRef.current?.blur();
        navigate(`/twins/${encodeURIComponent(id)}`);
    };
    const key = (event: KeyboardEvent) => {
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            const step = event.key === "ArrowDown" ? 1 : -1;
            if (items.length > 0) setActive((active + step + items.length) % items.length);
        } else if (event.key === "Enter") {
            const hit = items[active];
            if (hit) go(hit.id);
            else if (text.trim()) navigate(`/twins?name=${encodeURIComponent(text.trim())}`);
        } else if (event.key === "Escape") {
            if (text) setText("");
            else inputRef.current?.blur();
            setOpen(false);
        }
    };
    return (
        <search className={style.search}>
            <div className={style.box}>
                <Icon name="search" size={14} />
                <input
                    ref={inputRef}
                    type="search"
                    className={style.input}
                    role="combobox"
                    aria-label="Search twins"
                    aria-expanded={shown}
                    aria-controls={shown ? listId : undefined}
                    aria-autocomplete="list"
                    aria-activedescendant={
                        shown && items[active] ? `${listId}-${active}` : undefined
                    }
                    placeholder="Search twins"
                    autoComplete="off"
                    spellCheck={false}
                    value={text}
                    onChange={(e) => {
                        setText(e.target.value);
                        setOpen(true);
                    }}
                    onFocus={() => setOpen(true)}
                    onBlur={() => setOpen(false)}
                    onKeyDown={key}
                />
                <kbd className={style.key} aria-hidden="true">
                    /
                </kbd>
            </div>
            {shown && (
                <div className={style.list}>
                    <div id={listId} role="listbox" aria-label="Twins found">
                        {items.map((twin, i) => (
                            // biome-ignore lint/a11y/useKeyWithClickEvents: the input handles the keys
                            // biome-ignore lint/a11y/useFocusableInteractive: aria-activedescendant moves
                            <div
                                key={twin.id}
                                id={`${listId}-${i}`}
                                role="option"
                                aria-selected={i === active}
                                className={style.option}
                                onPointerDown={(e) => e.preventDefault()}
                                onPointerMove={() => setActive(i)}
                                onClick={() => go(twin.id)}
                            >
                                <span className={style.names}>
                                    {twin.name}
                                    <small>{twin.id}</small>
                                </span>
                                <StateBadge state={twin.state} />
                            </div>
                        ))}
                    </div>
                    {items.length === 0 && (
                        <p className={style.none} role="status">
                            {found.isError
                                ? "The search did not work; the server did not answer."
                                : found.isFetching || wanted !== text.trim()
                                  ? "Searching…"
                                  : `No twin has “${wanted}” in its name.`}
                        </p>
                    )}
                    {more > 0 && <p className={style.none}>and {more} more; type on to narrow</p>}
                </div>
            )}
        </search>
    );
}
