/* Avatar.tsx - who is here: their account, their organisations, the settings of this browser.
 *
 * With an open door there is nobody in particular: only the settings, and a badge that says so. */

import { useState } from "react";
import { useLocation } from "wouter";
import { chooseOrganization, signOut } from "../api/access";
import { leaveTo, useMay, useSession } from "../api/session";
import { initials, type Session } from "../base/access";
import { Button } from "../kit/Button";
import { Dialog } from "../kit/Dialog";
import { Icon, type IconName } from "../kit/Icon";
import { Menu, MenuChoice, MenuHead, MenuItem, MenuLine } from "../kit/Menu";
import { announce } from "../kit/toast";
import style from "./Avatar.module.css";
import { setTheme, type ThemeChoice, useTheme } from "./theme";

const THEMES: { value: ThemeChoice; label: string; icon: IconName }[] = [
    { value: "light", label: "Light", icon: "sun" },
    { value: "dark", label: "Dark", icon: "moon" },
    { value: "system", label: "As the system", icon: "system" },
];

function nameOfSession(session: Session): string {
    const { person, principal } = session;
    if (person) return person.name || person.email || "Administrator";
    if (principal?.kind === "link") return "With a link";
    return principal?.name || "Signed in";
}

async function leave(): Promise<void> {
    try {
        const answer = await signOut();
        /* the identity provider is told as well, when it wants to be */
        leaveTo(answer?.logout ?? "/");
    } catch (error) {
        announce(`Not signed out: ${(error as Error).message}`);
    }
}

/* Another organisation is another page: nothing of this one is kept. */
async function change(organization: string): Promise<void> {
    try {
        await chooseOrganization(organization);
        location.assign("/");
    } catch (error) {
        announce(`Not changed: ${(error as Error).message}`);
    }
}

function Organizations({ session }: { session: Session }) {
    const all = session.organizations ?? [];
    if (all.length < 2) return null;
    return (
        <>
            <MenuChoice
                label="Organization"
                value={session.organization?.id ?? ""}
                onChange={(id) => void change(id)}
                options={all.map((o) => ({ value: o.id, label: o.name, icon: "building" }))}
            />
            <MenuLine />
        </>
    );
}

function Places({ session }: { session: Session }) {
    const [, navigate] = useLocation();
    const audit = useMay("audit:read");
    const members = useMay("members:read");
    const go = (path: string) => () => navigate(path);
    const { person } = session;
    return (
        <>
            {person && (
                <MenuItem icon="person" onSelect={go("/account")}>
                    Account
                </MenuItem>
            )}
            <MenuItem icon="share" onSelect={go("/shared")}>
                Shared with me
            </MenuItem>
            {members && (
                <MenuItem icon="people" onSelect={go("/organization")}>
                    Organization
                </MenuItem>
            )}
            {audit && (
                <MenuItem icon="audit" onSelect={go("/audit")}>
                    Audit log
                </MenuItem>
            )}
            {person?.installation && (
                <MenuItem icon="settings" onSelect={go("/installation")}>
                    Installation
                </MenuItem>
            )}
            <MenuLine />
        </>
    );
}

export function Avatar({ help }: { help: () => void }) {
    const theme = useTheme();
    const session = useSession().data;
    const known = session?.access === "locked" && session.signedIn ? session : null;
    const name = known ? nameOfSession(known) : "";
    return (
        <Menu
            trigger={
                known ? (
                    <button
                        type="button"
                        className={style.avatar}
                        aria-label={`${initials(name)}, ${name}: account, settings and help`}
                        title={name}
                    >
                        {initials(name)}
                    </button>
                ) : (
                    <Button look="ghost" icon="more" label="Settings and help" />
                )
            }
        >
            {known && (
                <>
                    <MenuHead>
                        {name}
                        <small>
                            {known.role && `${known.role} of `}
                            {known.organization?.name}
                        </small>
                    </MenuHead>
                    <MenuLine />
                    <Organizations session={known} />
                    <Places session={known} />
                </>
            )}
            <MenuChoice label="Theme" value={theme} onChange={setTheme} options={THEMES} />
            <MenuLine />
            <MenuItem icon="keyboard" onSelect={help}>
                Keyboard help
            </MenuItem>
            {known && (
                <MenuItem icon="leave" onSelect={() => void leave()}>
                    Sign out
                </MenuItem>
            )}
        </Menu>
    );
}

export function OpenBadge() {
    const session = useSession().data;
    const [open, setOpen] = useState(false);
    if (session?.access !== "open") return null;
    return (
        <>
            <button
                type="button"
                className={style.open}
                aria-label="Open: no access control"
                onClick={() => setOpen(true)}
            >
                <Icon name="unlock" size={14} />
                <span className={style.word}>Open: no access control</span>
            </button>
            <Dialog
                open={open}
                onOpenChange={setOpen}
                title="Open: no access control"
                description="Everybody who reaches this server may do everything: read, send, change and delete."
            >
                <p style={{ marginTop: 12 }}>
                    It was started with <code>--access open</code>, which suits a bench or a
                    demonstration. Start it without, and it asks who you are: the console then
                    prints a set-up link that makes you its administrator. Twins and history stay.
                </p>
            </Dialog>
        </>
    );
}
