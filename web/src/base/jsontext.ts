/* jsontext.ts - JSON as text, where JSON.parse would lose something.
 *
 * A profile is given back with its members in order and its numbers digit by digit (12.50 stays
 * 12.50, 9007199254740993 stays itself).  JSON.parse keeps neither, so what the page shows, saves
 * and patches is handled here as text: laid out anew, cut out by path, measured in lines. */

export type TokenKind = "punct" | "key" | "string" | "number" | "word" | "space";

export interface Token {
    kind: TokenKind;
    text: string;
    start: number;
}

const SHAPE =
    /[ \t\r\n]+|"(?:[^"\\\n]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{},:]/y;

/* The tokens of text, or null when something in it is no JSON token. */
export function tokenize(text: string): Token[] | null {
    const tokens: Token[] = [];
    SHAPE.lastIndex = 0;
    while (SHAPE.lastIndex < text.length) {
        const start = SHAPE.lastIndex;
        const found = SHAPE.exec(text);
        if (!found) return null;
        const word = found[0];
        const first = word[0] ?? "";
        let kind: TokenKind = "word";
        if (first === '"') kind = "string";
        else if (" \t\r\n".includes(first)) kind = "space";
        else if ("[]{},:".includes(first)) kind = "punct";
        else if (first === "-" || (first >= "0" && first <= "9")) kind = "number";
        tokens.push({ kind, text: word, start });
    }
    /* a string before a colon is a member's name */
    let last: Token | undefined;
    for (const token of tokens) {
        if (token.kind === "space") continue;
        if (token.text === ":" && last?.kind === "string") last.kind = "key";
        last = token;
    }
    return tokens;
}

export function isJson(text: string): boolean {
    try {
        JSON.parse(text);
        return true;
    } catch {
        return false;
    }
}

/* Short arrays of plain values ([30, 65]) read better on one line. */
function inlineArray(tokens: Token[], at: number): { text: string; end: number } | null {
    let text = "[";
    for (let i = at + 1; i < tokens.length; i++) {
        const token = tokens[i] as Token;
        if (token.text === "]" && token.kind === "punct") return { text: `${text}]`, end: i };
        if (token.kind === "punct" && token.text !== ",") return null;
        text += token.text === "," && token.kind === "punct" ? ", " : token.text;
        if (text.length > 60) return null;
    }
    return null;
}

/* Lay JSON text out with two spaces a level; text that is no JSON comes back as it is. */
export function layOut(text: string): string {
    if (!isJson(text)) return text;
    const tokens = tokenize(text)?.filter((t) => t.kind !== "space");
    if (!tokens) return text;
    let out = "";
    let depth = 0;
    const line = () => `\n${"  ".repeat(depth)}`;
    for (let i = 0; i < tokens.length; i++) {
        const token = tokens[i] as Token;
        if (token.kind !== "punct") {
            out += token.text;
        } else if (token.text === "[" || token.text === "{") {
            const inline = token.text === "[" ? inlineArray(tokens, i) : null;
            const next = tokens[i + 1]?.text;
            if (inline) {
                out += inline.text;
                i = inline.end;
            } else if (next === "}" || next === "]") {
                out += token.text + next;
                i++;
            } else {
                depth++;
                out += token.text + line();
            }
        } else if (token.text === "]" || token.text === "}") {
            depth--;
            out += line() + token.text;
        } else {
            out += token.text === "," ? `,${line()}` : ": ";
        }
    }
    return out;
}

/* Text that somebody has laid out is shown as it is; one long line is laid out. */
export function readable(text: string): string {
    return text.trimEnd().includes("\n") ? text : layOut(text);
}

interface Span {
    start: number;
    end: number;
}

/* Where each value stands, by JSON Pointer (RFC 6901).  Null when text is no JSON. */
export function spans(text: string): Map<string, Span> | null {
    if (!isJson(text)) return null;
    const tokens = tokenize(text)?.filter((t) => t.kind !== "space");
    if (!tokens) return null;
    const found = new Map<string, Span>();
    let at = 0;
    const walk = (pointer: string): number => {
        const token = tokens[at++] as Token;
        let end = token.start + token.text.length;
        if (token.kind === "punct") {
            const close = token.text === "{" ? "}" : "]";
            let index = 0;
            while (tokens[at]?.text !== close || tokens[at]?.kind !== "punct") {
                let step = String(index++);
                if (close === "}") {
                    step = JSON.parse((tokens[at] as Token).text) as string;
                    at += 2;
                }
                walk(`${pointer}/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`);
                if (tokens[at]?.text === "," && tokens[at]?.kind === "punct") at++;
            }
            const last = tokens[at++] as Token;
            end = last.start + last.text.length;
        }
        found.set(pointer, { start: token.start, end });
        return end;
    };
    walk("");
    return found;
}

/* The text of the value at pointer, or null. */
export function cut(text: string, pointer: string): string | null {
    const span = spans(text)?.get(pointer);
    return span ? text.slice(span.start, span.end) : null;
}

/* The line (from 1) of the value at pointer; a missing member is looked for in its parents. */
export function lineOf(text: string, pointer: string): number {
    const all = spans(text);
    let path = pointer;
    for (;;) {
        const span = all?.get(path);
        if (span) return text.slice(0, span.start).split("\n").length;
        if (path === "") return 1;
        path = path.slice(0, path.lastIndexOf("/"));
    }
}

/* The array text with one more element at its end; the elements that are there stay as they are. */
export function appendTo(arrayText: string | null, element: unknown): string {
    const added = JSON.stringify(element);
    const kept = arrayText?.trim();
    if (!kept?.startsWith("[") || !kept.endsWith("]")) return `[${added}]`;
    const inside = kept.slice(1, -1).trim();
    return inside ? `[${inside},${added}]` : `[${added}]`;
}
