// The Studio in a real Chromium for its tests: built once for all of them, served plain or isolated, collecting the errors of pages.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { policyOf } from "../../src/cli/localServer.ts";
import { builtOnce } from "../suite/once.ts";
import { removeFolder } from "../suite/removeFolder.ts";

export const executable = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
export const missing = executable === undefined && process.env["CI"] !== "true";
if (missing) console.warn("Studio tests skipped: no Chromium here (Debian: apt-get install chromium)");

/** The folder of the tests' screenshots and videos, ignored by git. */
export const pictures = fileURLToPath(new URL("../../coverage/studio", import.meta.url));
mkdirSync(pictures, { recursive: true });

/** Takes a screenshot if HEBB_PICTURES=1 asks for them: no test compares one, and each takes as long as a check of the whole page. */
export async function picture(page: Page, name: string, { fullPage = false } = {}): Promise<void> {
  if (process.env["HEBB_PICTURES"] !== "1") return;
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage });
}

const types: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript", css: "text/css" };

interface Bundle {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly metafile: unknown;
}

interface Builder {
  readonly bundleStudio: (options?: { readonly plugins: readonly unknown[] }) => Promise<Bundle>;
  readonly initialScripts: (metafile: unknown) => readonly string[];
}

export const builder = (): Promise<Builder> =>
  import(pathToFileURL(fileURLToPath(new URL("../../scripts/studio.mjs", import.meta.url))).href) as Promise<Builder>;

/** State that a page exposes to tests. */
export interface Memory {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly metric: number;
  readonly testMetric: number | undefined;
  readonly playing: boolean;
  readonly failure: string;
  readonly stopped: string | undefined;
  readonly state: Readonly<Record<string, unknown>>;
}

const memoryScript = `(() => {
  const { hot, playing, failure, stopped, state } = globalThis.studio ?? {};
  const { snapshot } = hot ?? {};
  if (!snapshot) return undefined;
  return { step: snapshot.step, epoch: snapshot.epoch, loss: snapshot.now.train.loss, metric: snapshot.now.train.metric,
    testMetric: snapshot.now.test?.metric, playing: playing.value, failure: failure.value, stopped: stopped.value?.reason, state: state.value };
})()`;

export const memory = (page: Page): Promise<Memory | undefined> => page.evaluate<Memory | undefined>(memoryScript);

/** How long `expect.poll` keeps asking the page: the effect of a click comes a moment later, on a loaded machine much later. */
export const soon = { timeout: 50_000, interval: 40 } as const;

/** Waits until the page's memory fulfils the condition. It polls, so that the speed of the machine does not matter. */
export async function until(
  page: Page,
  wanted: (memory: Memory) => boolean,
  what: string,
  seconds = 100,
): Promise<Memory> {
  const end = Date.now() + 1000 * seconds;
  for (;;) {
    const now = await memory(page);
    if (now !== undefined && wanted(now)) return now;
    if (Date.now() > end) throw new Error(`${what} did not come about: ${JSON.stringify(now)}`);
    await page.waitForTimeout(40);
  }
}

/** Waits until an expression is true in the page. Polled from outside, because the page may not evaluate text. */
export async function whenTrue(page: Page, expression: string, seconds = 100): Promise<void> {
  const end = Date.now() + 1000 * seconds;
  while ((await page.evaluate(expression)) !== true) {
    if (Date.now() > end) throw new Error(`${expression} did not become true`);
    await page.waitForTimeout(20);
  }
}

/** The page is drawn: two frames have passed, and no running animation hides its final state. */
export const drawn =
  "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => {}))).then(() => done(true)))))";

export interface Studio {
  /** A page at a fragment; `query` is added to test=1. The test fails if the page has an error. */
  open(
    fragment?: string,
    options?: {
      readonly query?: string;
      readonly context?: BrowserContextOptions;
      readonly path?: string;
      /** Collects the errors of a page whose test checks them itself. */
      readonly errors?: string[];
      /** Injected into the page before its own scripts, at every load. */
      readonly scripts?: readonly string[];
    },
  ): Promise<Page>;
  origin(): string;
  /** Switches the server's answers on or off. */
  answers(on: boolean): void;
  /** Serves other contents under this name. */
  replace(name: string, contents: Uint8Array): void;
}

/** Opens Chromium and a server for the tests of a file. */
export function useStudio(): Studio {
  let server: Server;
  let browser: BrowserContext;
  let origin = "";
  const extra: { close(): Promise<void> }[] = [];
  const errors: string[] = [];
  let answering = true;
  const replaced = new Map<string, Uint8Array>();
  const profile = mkdtempSync(join(tmpdir(), "hebb-studio-"));
  beforeAll(async () => {
    const built = await builtOnce("studio", async (folder) => {
      const bundle = await (await builder()).bundleStudio();
      for (const [name, contents] of bundle.files) writeFileSync(join(folder, name), contents);
    });
    const files = new Map(readdirSync(built).map((name) => [name, readFileSync(join(built, name))]));
    const policy = policyOf(files);
    server = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://127.0.0.1").pathname;
      // Any folder serves the page, because its addresses are relative.
      const name = path.endsWith("/") ? "index.html" : (path.split("/").at(-1) ?? "");
      const contents = replaced.get(name) ?? files.get(name);
      if (!answering) return void request.socket.destroy();
      // Under the policy of hebb studio, so that whatever it refuses is an error of the page.
      response.setHeader("Content-Security-Policy", policy(name));
      if (path.startsWith("/isolated/")) {
        response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
        response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
      }
      if (contents === undefined) response.writeHead(404).end();
      else response.writeHead(200, { "Content-Type": types[name.split(".").at(-1) ?? ""] ?? "" }).end(contents);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launchPersistentContext(profile, {
      executablePath: executable ?? "/usr/bin/chromium",
      headless: true,
      viewport: { width: 1400, height: 900 },
      colorScheme: "light",
      args: [
        "--no-sandbox",
        "--headless",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--enable-precise-memory-info",
      ],
    });
  }, 120_000);
  afterAll(async () => {
    for (const one of extra) await one.close();
    await browser?.close();
    server?.close();
    removeFolder(profile);
    expect(errors).toEqual([]);
  });
  return {
    origin: () => origin,
    answers: (on) => {
      answering = on;
    },
    replace: (name, contents) => void replaced.set(name, contents),
    open: async (fragment = "", { query = "", context, path = "/", errors: own = errors, scripts = [] } = {}) => {
      const where = context === undefined ? browser : await browser.browser()?.newContext(context);
      const page = await (where ?? browser).newPage();
      // A loaded machine is several times slower.
      page.setDefaultTimeout(100_000);
      if (context?.viewport) await page.setViewportSize(context.viewport);
      for (const content of scripts) await page.addInitScript({ content });
      page.on("pageerror", (error) => own.push(`${fragment}: ${error.stack ?? error.message}`));
      page.on("console", (message) => {
        const cut = !answering && message.text().includes("net::ERR");
        if (message.type() === "error" && !cut && !message.text().includes("favicon"))
          own.push(`${fragment}: ${message.text()}`);
      });
      await page.goto(`${origin}${path}?test=1${query}${fragment === "" ? "" : `#${fragment}`}`);
      await whenTrue(page, "globalThis.studio?.hot?.snapshot !== undefined");
      return page;
    },
  };
}
