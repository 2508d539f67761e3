/* toast.ts - short notices, told to the eye and to screen readers. */

export interface Toast {
    id: number;
    text: string;
}

let toasts: Toast[] = [];
let ids = 0;
const listeners = new Set<() => void>();

function set(next: Toast[]): void {
    toasts = next;
    for (const listener of [...listeners]) listener();
}

const SHOWN_MS = 4_000;

export function announce(text: string): void {
    const id = ++ids;
    set([...toasts.slice(-2), { id, text }]);
    setTimeout(() => set(toasts.filter((t) => t.id !== id)), SHOWN_MS);
}

export function subscribeToasts(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

export function currentToasts(): Toast[] {
    return toasts;
}
