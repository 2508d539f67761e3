import { Link } from "wouter";
import { buttonClass } from "../kit/Button";
import { Panel } from "../kit/Panel";
import { useTitle } from "../kit/useTitle";

export function NotFound() {
    useTitle("Not found");
    return (
        <>
            <h1 className="sr-only">Page not found</h1>
            <Panel
                title="There is no page at this address"
                state={{ kind: "empty", why: "never", text: "It may have moved, or never was." }}
                action={
                    <Link href="/" className={buttonClass("primary")}>
                        Go home
                    </Link>
                }
            />
        </>
    );
}
