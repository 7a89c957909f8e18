// The Studio in figures: first learned frame, JavaScript, main-thread time a frame, steps a second beside Node, memory over a long run.
// usage: node --import tsx bench/studio.ts [minutes of the long run]
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { type CDPSession, chromium, type Page } from "playwright-core";
// @ts-expect-error the builder is plain JavaScript, run by npm too
import { bundleStudio, initialScripts } from "../scripts/studio.mjs";
import { useBackend } from "../src/index.ts";
import { Session } from "../studio/engine/session.ts";
import { parseHash } from "../studio/shared/state.ts";

interface Bundle {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly metafile: unknown;
}

const minutes = Number(process.argv[2] ?? 0);
const types: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript", css: "text/css" };
const executable = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const large = "data=spirals&noise=0.1&count=400&layers=32.tanh_32.tanh_32.tanh&speed=0&lr=0.0001";

async function metric(cdp: CDPSession, name: string): Promise<number> {
  const { metrics } = (await cdp.send("Performance.getMetrics")) as { metrics: { name: string; value: number }[] };
  return metrics.find((one) => one.name === name)?.value ?? Number.NaN;
}

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const stepOf = (page: Page): Promise<number> => page.evaluate<number>("studio.hot.snapshot.step");

/** Steps a second of the same network in Node, on one thread as in the worker. */
async function inNode(): Promise<number> {
  useBackend({ backend: "wasm", threads: 1 });
  const session = await Session.open(parseHash(large), undefined);
  session.advance(2000);
  const begun = performance.now();
  const steps = 20000;
  session.advance(steps);
  return (1000 * steps) / (performance.now() - begun);
}

async function main(): Promise<void> {
  const { files, metafile } = (await bundleStudio()) as Bundle;
  const first = initialScripts(metafile) as readonly string[];
  const kilobytes = first.reduce((sum, name) => sum + gzipSync(files.get(name) ?? "").length, 0) / 1024;
  console.log(`JavaScript at first: ${kilobytes.toFixed(1)} KB gzip`);
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? "/", "http://127.0.0.1").pathname.slice(1) || "index.html";
    const contents = files.get(name);
    if (contents === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "Content-Type": types[name.split(".").at(-1) ?? ""] ?? "" }).end(contents);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/?test=1`;
  const browser = await chromium.launch({
    executablePath: executable ?? "chromium",
    args: ["--no-sandbox", "--enable-precise-memory-info"],
  });
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  const frames: number[] = [];
  for (let k = 0; k < 3; k++) {
    await page.goto(`${address}&n=${k}`);
    await page.waitForFunction("performance.getEntriesByName('first-learned').length > 0");
    frames.push(await page.evaluate<number>("performance.getEntriesByName('first-learned')[0].startTime"));
  }
  console.log(`first learned frame: ${frames.map((time) => time.toFixed(0)).join(", ")} ms`);

  await page.goto(`${address}&large=1#${large}`);
  await page.waitForFunction("globalThis.studio?.hot?.snapshot?.step > 500");
  const cdp = await page.context().newCDPSession(page);
  // The thread's own time: other work on this machine does not count.
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  // What would end training, such as a plateau, is told twice at most.
  for (let k = 0; k < 30; k++) {
    await wait(150);
    await page.evaluate("studio.play(true)");
  }
  await page.evaluate("globalThis.frames_ = 0; studio.onPicture(() => globalThis.frames_++)");
  const [busy, steps, begun] = [await metric(cdp, "TaskDuration"), await stepOf(page), performance.now()];
  await wait(10000);
  const seconds = (performance.now() - begun) / 1000;
  const drawn = await page.evaluate<number>("globalThis.frames_");
  const perFrame = (1000 * ((await metric(cdp, "TaskDuration")) - busy)) / drawn;
  const own = await page.evaluate<number[]>("studio.frameTimes");
  own.sort((a, b) => a - b);
  const rate = ((await stepOf(page)) - steps) / seconds;
  console.log(
    `32×32×32 while training: ${(drawn / seconds).toFixed(1)} pictures a second, main-thread task time ${perFrame.toFixed(1)} ms each (of which our painting: median ${(own[own.length >> 1] ?? 0).toFixed(1)} ms)`,
  );
  await page.evaluate("studio.play(false)");
  const node = await inNode();
  console.log(
    `steps a second: ${rate.toFixed(0)} in the worker, ${node.toFixed(0)} in Node (${((100 * rate) / node).toFixed(0)} %)`,
  );

  if (minutes > 0) {
    await page.goto(`${address}&long=1#data=spirals&noise=0.3&layers=8.tanh_8.tanh&speed=60&lr=0.00001&optimizer=sgd`);
    await page.waitForFunction("globalThis.studio?.hot?.snapshot?.step > 10");
    const measure = async (): Promise<{ page: number; worker: number }> => ({
      page: (await metric(cdp, "JSHeapUsedSize")) / 2 ** 20,
      worker: await page.evaluate<number>("studio.client.ask('memory', null).then(({ bytes }) => bytes / 2 ** 20)"),
    });
    const end = performance.now() + 60000 * minutes;
    while (performance.now() < end) {
      await cdp.send("HeapProfiler.collectGarbage").catch(() => undefined);
      const { page: heap, worker } = await measure();
      console.log(`step ${await stepOf(page)}: page ${heap.toFixed(1)} MB, worker ${worker.toFixed(1)} MB`);
      await page.evaluate("studio.play(true)");
      await wait(Math.min(60000, (60000 * minutes) / 8));
    }
  }
  await browser.close();
  server.close();
}

await main();
