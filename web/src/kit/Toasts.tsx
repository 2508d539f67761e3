import { useSyncExternalStore } from "react";
import style from "./Toasts.module.css";
import { currentToasts, subscribeToasts } from "./toast";

export function Toasts() {
    const toasts = useSyncExternalStore(subscribeToasts, currentToasts);
    return (
        <div className={style.region} role="status" aria-live="polite">
            {toasts.map((t) => (
                <div key={t.id} className={style.toast}>
                    {t.text}
                </div>
            ))}
        </div>
    );
}
