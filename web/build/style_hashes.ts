// media-chrome's elements bring their style with them, as `<style>` in their shadow trees, which a
// strict Content-Security-Policy forbids. So the server is told the digests of these very styles,
// and allows them and no others.
import { createHash } from "node:crypto";
import type { Plugin } from "vite";

/** What the server puts into `style-src`. */
const FILE = "style-hashes.txt";

interface Templated {
  getTemplateHTML(attributes: object, properties?: object): string;
}

/** `modules` are those of media-chrome whose elements the page has. */
export function styleHashes(modules: string[]): Plugin {
  return {
    name: "style-hashes",
    async generateBundle() {
      const hashes = new Set<string>();
      for (const module of modules) {
        const elements = Object.values((await import(module)) as Record<string, unknown>);
        for (const style of elements.filter(isTemplated).flatMap(stylesOf)) {
          hashes.add(`'sha256-${createHash("sha256").update(style).digest("base64")}'`);
        }
      }
      if (hashes.size === 0) this.error("media-chrome's elements have no styles any more");
      this.emitFile({ type: "asset", fileName: FILE, source: [...hashes].sort().join(" ") });
    },
  };
}

function isTemplated(value: unknown): value is Templated {
  return typeof value === "function" && "getTemplateHTML" in value;
}

/** media-chrome writes its elements as HTML, for pages that a server renders. */
function stylesOf(element: Templated): string[] {
  const html = element.getTemplateHTML({}, {});
  return [...html.matchAll(/<style[^>]*>([^]*?)<\/style>/g)].map(([, style]) => style ?? "");
}
