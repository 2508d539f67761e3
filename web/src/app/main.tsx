import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "../base/tokens.css";
import "../base/global.css";
import { likelyInside } from "../api/session";
import { startLive } from "../live/live";
import { App } from "./App";
import { startTheme } from "./theme";

startTheme();
/* the socket opens while React is still building the page, where it is likely to be let in */
if (likelyInside()) startLive();

const root = document.getElementById("root");
if (root) {
    createRoot(root).render(
        <StrictMode>
            <App />
        </StrictMode>,
    );
}
