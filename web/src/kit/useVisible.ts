import { type RefObject, useEffect, useRef, useState } from "react";

const rooms = new Map<Element, (visible: boolean) => void>();
let observer: IntersectionObserver | null = null;

function watch(element: Element, tell: (visible: boolean) => void): () => void {
    observer ??= new IntersectionObserver(
        (entries) => {
            for (const entry of entries) rooms.get(entry.target)?.(entry.isIntersecting);
        },
        { rootMargin: "160px 0px" },
    );
    rooms.set(element, tell);
    observer.observe(element);
    return () => {
        rooms.delete(element);
        observer?.unobserve(element);
    };
}

/* Whether the element is in sight, or nearly: what is not needs no data. */
export function useVisible<T extends Element>(): [RefObject<T | null>, boolean] {
    const ref = useRef<T>(null);
    const [visible, setVisible] = useState(false);
    useEffect(() => (ref.current ? watch(ref.current, setVisible) : undefined), []);
    return [ref, visible];
}
