/* Runs before the first paint, so that a dark page never flashes white.  It is a file of its own
 * because the Content-Security-Policy allows no inline script.  src/app/theme.ts keeps the choice. */
(() => {
    let choice = "system";
    try {
        choice = localStorage.getItem("doppel.theme") || "system";
    } catch {
        /* storage is denied: follow the system */
    }
    const dark =
        choice === "dark" ||
        (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
