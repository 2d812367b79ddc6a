import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const server = "http://127.0.0.1:8188";

/** The page's content security policy allows no inline script or style, so nothing is inlined here. */
// eslint-disable-next-line no-restricted-syntax -- Vite looks for a default export
export default defineConfig({
  base: "./",
  plugins: [react()],
  worker: { format: "es" },
  build: {
    target: "es2022",
    sourcemap: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
  },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/v1/events": { target: server, ws: true },
      "/v1": { target: server },
    },
  },
});
