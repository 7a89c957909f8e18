// WebGPU in Chromium, on the software driver that comes with it.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { executable, missing } from "../studio/browser.ts";
import type { Found } from "./page.ts";

describe.skipIf(missing)("in Chromium", () => {
  let server: Server;
  let browser: Browser;

  beforeAll(async () => {
    const bundle = await build({
      stdin: {
        contents: `import { computeOnCard } from "./page.ts"; globalThis.computeOnCard = computeOnCard;`,
        resolveDir: fileURLToPath(new URL(".", import.meta.url)),
        loader: "ts",
      },
      ...{ bundle: true, format: "esm", platform: "browser", target: "es2022", write: false, logLevel: "silent" },
      external: ["node:*"],
    });
    const script = bundle.outputFiles[0]?.text ?? "";
    // Pages have WebGPU in a secure context, which includes those from this machine.
    server = createServer((request, response) => {
      if (request.url?.endsWith(".js")) response.writeHead(200, { "Content-Type": "text/javascript" }).end(script);
      else
        response
          .writeHead(200, { "Content-Type": "text/html" })
          .end('<!doctype html><title>hebb</title><script type="module" src="page.js"></script>');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launch({
      executablePath: executable ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
    });
  }, 240_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it("ops, a training and a lost card work as in Node", { timeout: 400_000 }, async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(300_000);
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction("globalThis.computeOnCard");
    const found = await page.evaluate<Found>("computeOnCard()");
    expect(found.description).toMatch(/^webgpu, /);
    expect(found.cases).toBeGreaterThan(40);
    expect(found.wrong).toEqual([]);
    const { wasm, webgpu } = found.losses;
    const apart = wasm.map((loss, step) => Math.abs(loss - (webgpu[step] ?? Number.NaN)) / loss);
    expect(Math.max(...apart)).toBeLessThan(1e-4);
    expect(webgpu.at(-1)).toBeLessThan(0.8 * (webgpu[0] ?? 0));
    expect(found.lost).toMatch(
      /^the GPU was lost \(.+\), and what was on it is gone; start again from the last checkpoint$/,
    );
  });
});
