// Has browsers fetch what the first picture needs beside the page's own script, instead of after
// it: modules that the script imports as it runs.
import type { Plugin } from "vite";

/** `modules` are names of files in `src/player` that are imported as the script runs. */
export function preload(...modules: string[]): Plugin {
  return {
    name: "preload",
    transformIndexHtml: {
      order: "post",
      handler(_html, { bundle, filename }) {
        if (bundle === undefined || !filename.endsWith("/index.html")) return [];
        const wanted = new Set<string>();
        for (const [fileName, file] of Object.entries(bundle)) {
          if (file.type !== "chunk" || !modules.includes(file.name)) continue;
          for (const one of [fileName, ...file.imports]) wanted.add(one);
        }
        return [...wanted].map((fileName) => ({
          tag: "link",
          attrs: { rel: "modulepreload", crossorigin: true, href: `/${fileName}` },
          injectTo: "head" as const,
        }));
      },
    },
  };
}
