import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/* The server behind the development server: the test double by default, or a real one. */
const backend = process.env.DOPPEL_BACKEND ?? "http://127.0.0.1:8090";
const proxied = { target: backend, changeOrigin: false, ws: true };

export default defineConfig({
    plugins: [react()],
    resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
    build: {
        target: "es2022",
        sourcemap: false,
        /* data: URLs in scripts or styles would need a wider Content-Security-Policy */
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        chunkSizeWarningLimit: 600,
    },
    server: {
        host: "127.0.0.1",
        proxy: { "/api": proxied, "/schemas": proxied, "/metrics": proxied, "/healthz": proxied },
    },
    test: { environment: "node", include: ["src/**/*.test.{ts,tsx}"] },
});
