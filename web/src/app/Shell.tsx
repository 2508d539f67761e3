/* Shell.tsx - what stands around every page: navigation, top bar, banners. */

import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { SEVERITIES, useAlarmSummary } from "../api/alarms";
import { useFreshness } from "../api/queries";
import { useLocked, useMay } from "../api/session";
import { recall, remember } from "../base/storage";
import { clockTime } from "../base/time";
import { Button } from "../kit/Button";
import { cx } from "../kit/cx";
import { Icon, type IconName } from "../kit/Icon";
import { Mark } from "../kit/Mark";
import { useLink, useOffline, usePaused, useTicking } from "../live/hooks";
import { clock, stream } from "../live/live";
import { FORBIDDEN } from "../live/stream";
import { Avatar, OpenBadge } from "./Avatar";
import { Help } from "./Help";
import { Search } from "./Search";
import style from "./Shell.module.css";
import { type Shortcut, useShortcuts, useShortcutsOn } from "./shortcuts";

interface Place {
    path: string;
    word: string;
    icon: IconName;
    key: string;
}

/* Only what exists stands in the navigation. */
const PLACES: Place[] = [
    { path: "/", word: "Home", icon: "home", key: "g h" },
    { path: "/twins", word: "Twins", icon: "twins", key: "g t" },
    { path: "/alarms", word: "Alarms", icon: "warn", key: "g a" },
    { path: "/graph", word: "Graph", icon: "graph", key: "g r" },
    { path: "/ask", word: "Query", icon: "query", key: "g q" },
    { path: "/types", word: "Types", icon: "type", key: "g y" },
];
const CONNECT: Place = { path: "/connect", word: "Connect", icon: "connect", key: "g c" };
const DEVICES: Place = { path: "/devices", word: "Devices", icon: "device", key: "g d" };

function usePlaces(): Place[] {
    const locked = useLocked();
    const devices = useMay("devices:manage") && locked;
    const connect = useMay("data:write");
    return useMemo(
        () => [...PLACES, ...(connect ? [CONNECT] : []), ...(devices ? [DEVICES] : [])],
        [connect, devices],
    );
}

function isCurrent(place: Place, location: string): boolean {
    return place.path === "/" ? location === "/" : location.startsWith(place.path);
}

/* How many wait for somebody. */
function Waiting() {
    const summary = useAlarmSummary().data;
    const n = summary ? SEVERITIES.reduce((sum, s) => sum + summary.unacknowledged[s], 0) : 0;
    if (n === 0) return null;
    return (
        <span className={style.count} data-testid="alarm-count">
            {n}
            <span className="sr-only"> to be acknowledged</span>
        </span>
    );
}

function Nav({ folded, fold, places }: { folded: boolean; fold: () => void; places: Place[] }) {
    const [location] = useLocation();
    return (
        <nav className={style.nav} aria-label="Main">
            <Link href="/" className={style.brand ?? ""} aria-label="Doppel, home">
                <Mark />
                <span className={style.word}>Doppel</span>
            </Link>
            <ul className={style.links}>
                {places.map((place) => (
                    <li key={place.path} style={{ display: "contents" }}>
                        <Link
                            href={place.path}
                            className={style.link ?? ""}
                            title={folded ? place.word : undefined}
                            aria-current={isCurrent(place, location) ? "page" : undefined}
                        >
                            <Icon name={place.icon} />
                            <span className={style.word}>{place.word}</span>
                            {place.path === "/alarms" && <Waiting />}
                        </Link>
                    </li>
                ))}
            </ul>
            <button
                type="button"
                className={cx(style.link, style.fold)}
                aria-expanded={!folded}
                title={folded ? "Unfold the navigation" : undefined}
                onClick={fold}
            >
                <Icon name={folded ? "right" : "left"} />
                <span className={style.word}>
                    {folded ? "Unfold navigation" : "Fold navigation"}
                </span>
            </button>
        </nav>
    );
}

const WORDS = {
    open: "Connected",
    connecting: "Connecting",
    lost: "Offline",
    refused: "Not live",
} as const;

function Connection() {
    const link = useLink();
    const offline = useOffline();
    const settled = link.state === "open" || link.state === "refused";
    const shown = settled ? link.state : offline ? "lost" : "connecting";
    return (
        <span className={style.connection} data-link={shown} data-testid="connection">
            <span className={style.dot} aria-hidden="true" />
            {WORDS[shown]}
        </span>
    );
}

function OfflineBanner() {
    const link = useLink();
    const offline = useOffline();
    const wait = useTicking(() =>
        link.state === "lost" ? Math.max(0, Math.ceil((link.retryAt - Date.now()) / 1000)) : 0,
    );
    if (!offline) return null;
    return (
        <div className={style.banner} data-testid="offline-banner">
            <Icon name="offline" />
            <span role="alert">
                The connection was lost at {clockTime(link.since)}. You see the last values.
            </span>
            <span>
                {link.state === "connecting" || wait === 0 ? "Trying…" : `Next try in ${wait} s.`}
            </span>
            <Button small onClick={() => stream.retryNow()}>
                Try now
            </Button>
        </div>
    );
}

/* Signed in, but not allowed to listen; a session that has ended is the gate's concern. */
function RefusedBanner() {
    const link = useLink();
    if (link.state !== "refused" || link.code !== FORBIDDEN) return null;
    return (
        <div className={style.banner} data-testid="refused-banner">
            <Icon name="lock" />
            <span role="alert">
                Live values are refused{link.reason ? `: ${link.reason}` : "."} You see what was
                asked for.
            </span>
            <Button small onClick={() => stream.retryNow()}>
                Try again
            </Button>
        </div>
    );
}

function PausedBanner() {
    const paused = usePaused();
    if (paused === null) return null;
    return (
        <div className={cx(style.banner, style.paused)} role="status">
            <Icon name="pause" />
            <span>
                Paused at {clockTime(paused)}. Readings keep arriving; the page stands still.
            </span>
            <Button small onClick={() => clock.resume()}>
                Go live
            </Button>
        </div>
    );
}

function TopBar(props: { searchRef: React.RefObject<HTMLInputElement | null>; help: () => void }) {
    const paused = usePaused();
    return (
        <header className={style.top}>
            <Search inputRef={props.searchRef} />
            <span className={cx(style.spacer, style.wide)} />
            <Connection />
            <Button
                look={paused === null ? "ghost" : "primary"}
                icon={paused === null ? "pause" : "play"}
                aria-label={paused === null ? "Pause live motion" : "Go live"}
                onClick={() => (paused === null ? clock.pause() : clock.resume())}
            >
                <span className={style.wide}>{paused === null ? "Pause" : "Go live"}</span>
            </Button>
            <OpenBadge />
            <Avatar help={props.help} />
        </header>
    );
}

/* A new page starts at its top, and with its heading for those who listen. */
function useArrival(main: React.RefObject<HTMLElement | null>): void {
    const [location] = useLocation();
    const page = location.split("/").slice(0, 3).join("/");
    const before = useRef(page);
    useEffect(() => {
        if (before.current === page) return;
        before.current = page;
        scrollTo(0, 0);
        main.current?.focus({ preventScroll: true });
    }, [page, main]);
}

export function Shell({ children }: { children: ReactNode }) {
    const [, navigate] = useLocation();
    const [folded, setFolded] = useState(() => recall("nav") === "folded");
    const [help, setHelp] = useState(false);
    const [keysOn, setKeysOn] = useShortcutsOn();
    const searchRef = useRef<HTMLInputElement>(null);
    const mainRef = useRef<HTMLElement>(null);
    const places = usePlaces();
    useFreshness();
    useArrival(mainRef);

    const shortcuts = useMemo<Shortcut[]>(
        () => [
            { keys: "/", does: "Search twins", run: () => searchRef.current?.focus() },
            ...places.map((p) => ({
                keys: p.key,
                does: `Go to ${p.word}`,
                run: () => navigate(p.path),
            })),
            {
                keys: "p",
                does: "Pause live motion, or go live",
                run: () => (clock.pausedAt === null ? clock.pause() : clock.resume()),
            },
            { keys: "?", does: "This help", run: () => setHelp(true) },
        ],
        [navigate, places],
    );
    useShortcuts(shortcuts, keysOn);

    const fold = () => {
        remember("nav", folded ? "open" : "folded");
        setFolded(!folded);
    };
    return (
        <div className={cx(style.shell, folded && style.collapsed)}>
            <a href="#main" className={style.skip}>
                Skip to the content
            </a>
            <Nav folded={folded} fold={fold} places={places} />
            <TopBar searchRef={searchRef} help={() => setHelp(true)} />
            <main id="main" ref={mainRef} tabIndex={-1} className={style.main}>
                <OfflineBanner />
                <RefusedBanner />
                <PausedBanner />
                {children}
            </main>
            <Help
                open={help}
                onOpenChange={setHelp}
                shortcuts={shortcuts}
                on={keysOn}
                setOn={setKeysOn}
            />
        </div>
    );
}
