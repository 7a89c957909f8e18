// The site: sidebar from the list of pages, search without a server, no external resource.
import { readFileSync } from "node:fs";
import { defineConfig } from "vitepress";
import { sections } from "../build/pages.mjs";

// The Studio's logo.
const sign = /<link rel="icon" href="(data:[^"]*)"/.exec(
  readFileSync(new URL("../../studio/index.html", import.meta.url), "utf8"),
)?.[1];

export default defineConfig({
  title: "hebb",
  description: "Deep learning for TypeScript: one graph, compiled as a whole, every number open to inspection.",
  lang: "en",
  srcDir: ".pages",
  cacheDir: ".vitepress/cache",
  lastUpdated: false,
  head: [["link", { rel: "icon", href: sign }]],
  // TypeDoc writes the reference next to these pages; links are checked later in the built site.
  ignoreDeadLinks: true,
  markdown: {
    config(md) {
      // Two braces in a sentence are literal, not a template.
      const braces = (text) => text.replaceAll("{{", "&#123;&#123;");
      const { text } = md.renderer.rules;
      md.renderer.rules.text = (...args) => braces(text(...args));
    },
  },
  themeConfig: {
    logo: { src: sign, alt: "" },
    search: {
      provider: "local",
      options: {
        miniSearch: {
          searchOptions: {
            // Pages come before lists of messages and before source files.
            boostDocument: (id) => (/\/(errors|files)\//.test(id) ? 0.3 : 1),
          },
        },
      },
    },
    outline: { level: [2, 3] },
    nav: [
      { text: "Start", link: "/start" },
      { text: "Guides", link: "/guides/tables", activeMatch: "/guides/" },
      { text: "Reference", link: "/reference/names", activeMatch: "/reference/" },
      { text: "Studio", link: "/studio" },
    ],
    sidebar: sections.map(({ text, items }) => ({
      text,
      collapsed: text === "Internals",
      items: items.map(([address, , title]) => ({ text: title, link: `/${address}` })),
    })),
    docFooter: { prev: "Before", next: "Next" },
  },
  vite: { build: { chunkSizeWarningLimit: 5000 } },
});
