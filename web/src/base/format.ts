/* format.ts - how values, ages and sizes are written.
 *
 * Everything here is pure.  Numbers keep a steady width while they move: the digits after the
 * point come from the size of the number and from how finely its sensor speaks, never from the
 * single reading. */

export type Value = number | boolean | string;

const MAX_DECIMALS = 6;

/* Digits after the decimal point that v itself carries, at most MAX_DECIMALS. */
export function decimalsOf(v: number): number {
    if (!Number.isFinite(v) || Number.isInteger(v)) return 0;
    const text = String(Math.abs(v));
    if (text.includes("e")) return MAX_DECIMALS;
    const dot = text.indexOf(".");
    return dot < 0 ? 0 : Math.min(MAX_DECIMALS, text.length - dot - 1);
}

/* Digits after the point that are worth reading at this size: about four significant ones. */
function usefulDecimals(size: number): number {
    if (size >= 10_000) return 0;
    if (size >= 100) return 1;
    if (size >= 1) return 2;
    if (size >= 0.1) return 3;
    if (size >= 0.01) return 4;
    return 5;
}

const formatters = new Map<number, Intl.NumberFormat>();

function fixed(decimals: number): Intl.NumberFormat {
    let f = formatters.get(decimals);
    if (!f) {
        f = new Intl.NumberFormat("en", {
            minimumFractionDigits: decimals,
            maximumFractionDigits: decimals,
        });
        formatters.set(decimals, f);
    }
    return f;
}

/* decimals: how finely the sensor speaks (the most digits seen), or undefined to judge by v alone. */
export function formatNumber(v: number, decimals?: number): string {
    if (Number.isNaN(v)) return "not a number";
    if (!Number.isFinite(v)) return v > 0 ? "+∞" : "−∞";
    const size = Math.abs(v);
    if (size !== 0 && (size >= 1e9 || size < 1e-4)) {
        return v.toExponential(3).replace("e+", "e").replaceAll("-", "−");
    }
    const spoken = decimals ?? decimalsOf(v);
    const shown = Math.min(spoken, size === 0 ? 2 : usefulDecimals(size));
    return fixed(shown)
        .format(v)
        .replace("-", "−")
        .replace(/^−(0(\.0+)?)$/, "$1");
}

export function formatValue(v: Value | null | undefined, decimals?: number): string {
    if (v === null || v === undefined) return "–";
    if (typeof v === "number") return formatNumber(v, decimals);
    if (typeof v === "boolean") return v ? "true" : "false";
    return v === "" ? "(empty text)" : v;
}

const count = new Intl.NumberFormat("en");

export function formatCount(n: number): string {
    return count.format(n);
}

export function plural(n: number, one: string, many = `${one}s`): string {
    return `${formatCount(n)} ${n === 1 ? one : many}`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/* An age as people say it: "0.4 s", "12 s", "3 min", "5 h", "9 d". */
export function formatAge(ms: number): string {
    const age = Math.max(0, ms);
    if (age < SECOND) return `${(Math.floor(age / 100) / 10).toFixed(1)} s`;
    if (age < MINUTE) return `${Math.floor(age / SECOND)} s`;
    if (age < HOUR) return `${Math.floor(age / MINUTE)} min`;
    if (age < 2 * DAY) return `${Math.floor(age / HOUR)} h`;
    if (age < 730 * DAY) return `${Math.floor(age / DAY)} d`;
    return `${Math.floor(age / (365.25 * DAY))} y`;
}

/* How often a sensor speaks, from the expected interval between readings. */
export function formatInterval(ms: number | null): string {
    if (ms === null || !(ms > 0)) return "as it comes";
    if (ms < SECOND) return `${formatNumber(SECOND / ms)} a second`;
    if (ms < MINUTE) return `every ${formatNumber(ms / SECOND)} s`;
    if (ms < HOUR) return `every ${formatNumber(ms / MINUTE)} min`;
    return `every ${formatNumber(ms / HOUR)} h`;
}

export function formatBytes(n: number): string {
    if (n < 1000) return `${n} B`;
    if (n < 1e6) return `${(n / 1e3).toFixed(1)} kB`;
    return `${(n / 1e6).toFixed(1)} MB`;
}

/* The sign people write for a unit that profiles spell out. */
const UNIT_SIGNS: Record<string, string> = {
    celsius: "°C",
    degc: "°C",
    degree_celsius: "°C",
    fahrenheit: "°F",
    degf: "°F",
    kelvin: "K",
    degree: "°",
    degrees: "°",
    percent: "%",
    volt: "V",
    volts: "V",
    ampere: "A",
    amperes: "A",
    amps: "A",
    watt: "W",
    watts: "W",
    kilowatt: "kW",
    kilowatts: "kW",
    hertz: "Hz",
    pascal: "Pa",
    meter: "m",
    meters: "m",
    metre: "m",
    metres: "m",
    millimeter: "mm",
    millimeters: "mm",
    second: "s",
    seconds: "s",
    newton: "N",
    newtons: "N",
    "m3/h": "m³/h",
    "m3/s": "m³/s",
    "m/s2": "m/s²",
    "mm/s2": "mm/s²",
    "l/min": "L/min",
    "1": "",
    none: "",
    boolean: "",
};

export function unitSign(unit: string | null | undefined): string {
    if (!unit) return "";
    return UNIT_SIGNS[unit.toLowerCase()] ?? unit;
}

/* "joint_temperature" → "Joint temperature": for words that a profile spells for machines. */
export function humanise(word: string): string {
    const text = word.replace(/[_-]+/g, " ").trim();
    return text ? text[0]?.toUpperCase() + text.slice(1) : word;
}
