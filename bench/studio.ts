// The Studio in figures: first trained frame, JavaScript, main-thread time a frame, steps a second against Node, a GPT on a megabyte of text, memory
// over a long run.
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
import { TextSession } from "../studio/engine/text/textSession.ts";
import { text as shakespeare } from "../studio/shared/corpora/shakespeare.ts";
import { parseHash, printHash, startState } from "../studio/shared/state.ts";
import { presetOf, startText, type TextState, textKey } from "../studio/shared/text.ts";

interface Bundle {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly metafile: unknown;
}

const minutes = Number(process.argv[2] ?? 0);
const types: Readonly<Record<string, string>> = { html: "text/html", js: "text/javascript", css: "text/css" };
const executable = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const large = "data=spirals&noise=0.1&count=400&layers=32.tanh_32.tanh_32.tanh&speed=0&lr=0.000001";
const small = "data=moons&noise=0.3&layers=8.tanh_8.tanh&speed=0&lr=0.00001&optimizer=sgd";

async function metric(cdp: CDPSession, name: string): Promise<number> {
  const { metrics } = (await cdp.send("Performance.getMetrics")) as { metrics: { name: string; value: number }[] };
  return metrics.find((one) => one.name === name)?.value ?? Number.NaN;
}

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const stepOf = (page: Page): Promise<number> => page.evaluate<number>("studio.hot.snapshot.step");

interface Sides {
  /** Steps a second. */
  readonly page: number;
  readonly node: number;
  /** Pictures, and frames that the page could draw, a second. */
  readonly pictures: number;
  readonly frames: number;
}

const counted =
  "globalThis.drawn_ = 0; globalThis.frames_ = 0; studio.onPicture(() => globalThis.drawn_++); (function frame() { globalThis.frames_++; requestAnimationFrame(frame); })()";

/**
 * The same training in the page and in Node by turns, so that other load on the machine affects both. The page also draws and
 * inspects; Node only trains. `store` is the page's store, `step` the expression of its step; `advance` takes some steps in Node.
 */
async function byTurns(page: Page, store: string, step: string, advance: () => number): Promise<Sides> {
  await page.evaluate(counted);
  const counts = (): Promise<[step: number, drawn: number, frames: number]> =>
    page.evaluate(`[${step}, drawn_, frames_]`);
  const seconds = { page: 0, node: 0 };
  const sums = { page: 0, node: 0, drawn: 0, frames: 0 };
  for (let turn = 0; turn < 6; turn++) {
    await page.evaluate(`${store}.play(true)`);
    await wait(500);
    const [begun, before] = [performance.now(), await counts()];
    await wait(4000);
    const after = await counts();
    seconds.page += (performance.now() - begun) / 1000;
    if (!(await page.evaluate<boolean>(`${store}.playing.value`))) throw new Error("training ended while it was timed");
    sums.page += after[0] - before[0];
    sums.drawn += after[1] - before[1];
    sums.frames += after[2] - before[2];
    await page.evaluate(`${store}.play(false)`);
    await wait(500);
    const from = performance.now();
    while (performance.now() < from + 4000) sums.node += advance();
    seconds.node += (performance.now() - from) / 1000;
  }
  return {
    page: sums.page / seconds.page,
    node: sums.node / seconds.node,
    pictures: sums.drawn / seconds.page,
    frames: sums.frames / seconds.page,
  };
}

const sidesOf = ({ page, node, pictures, frames }: Sides, digits: number): string =>
  `${page.toFixed(digits)} steps a second in the page, ${node.toFixed(digits)} in Node (${((100 * page) / node).toFixed(0)} %); ${pictures.toFixed(1)} pictures and ${frames.toFixed(1)} frames a second`;

/** A network at full speed, on one thread as in its worker. */
async function network(page: Page, address: string, name: string, hash: string): Promise<void> {
  await page.goto(`${address}&${name}=1#${hash}`);
  await page.waitForFunction("globalThis.studio?.hot?.snapshot?.step > 500");
  // Reasons to stop, such as a plateau, are reported at most twice.
  for (let k = 0; k < 30; k++) {
    await wait(150);
    await page.evaluate("studio.play(true)");
  }
  useBackend({ backend: "wasm", threads: 1 });
  const session = await Session.open(parseHash(hash), undefined);
  session.advance(2000);
  const sides = await byTurns(page, "studio", "studio.hot.snapshot.step", () => {
    session.advance(1000);
    return 1000;
  });
  console.log(`${name}, ${session.info.parameters} parameters: ${sidesOf(sides, 0)}`);
}

/** A GPT on a megabyte of text, as for a visitor who chooses an own text. */
async function gpt(page: Page, address: string): Promise<void> {
  const megabyte = shakespeare.repeat(Math.ceil(2 ** 20 / shakespeare.length)).slice(0, 2 ** 20);
  const text = { ...startText, ...presetOf("own") };
  await page.goto(`${address}&gpt=1#${printHash({ ...startState, surface: "text", text })}`);
  await page.waitForFunction("globalThis.texts !== undefined && globalThis.studio?.hot?.snapshot !== undefined");
  await page.evaluate(`texts.useText("megabyte.txt", ${JSON.stringify(megabyte)})`);
  await page.waitForFunction("texts.hot.picture?.step > 20");
  // Another batch or context would not be the same training.
  const own = await page.evaluate<TextState>("texts.text.value");
  if (textKey(own) !== textKey(text)) throw new Error(`the page trains ${textKey(own)}, Node ${textKey(text)}`);
  useBackend({ backend: "wasm", threads: 1 });
  const session = new TextSession(text, megabyte);
  session.advance(20);
  const sides = await byTurns(page, "texts", "texts.hot.picture.step", () => {
    session.runs[0].advance(1);
    return 1;
  });
  console.log(`GPT of ${session.info.lanes[0]?.parameters} parameters on 1 MB of text: ${sidesOf(sides, 1)}`);
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
  // A loaded machine is many times slower.
  page.setDefaultTimeout(300_000);
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
  // The thread's own time, which excludes other work on this machine.
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  // Reasons to stop, such as a plateau, are reported at most twice.
  for (let k = 0; k < 30; k++) {
    await wait(150);
    await page.evaluate("studio.play(true)");
  }
  await page.evaluate("globalThis.frames_ = 0; studio.onPicture(() => globalThis.frames_++)");
  const [busy, begun] = [await metric(cdp, "TaskDuration"), performance.now()];
  await wait(10000);
  const seconds = (performance.now() - begun) / 1000;
  const drawn = await page.evaluate<number>("globalThis.frames_");
  const perFrame = (1000 * ((await metric(cdp, "TaskDuration")) - busy)) / drawn;
  const own = await page.evaluate<number[]>("studio.frameTimes");
  own.sort((a, b) => a - b);
  console.log(
    `32×32×32 while training: ${(drawn / seconds).toFixed(1)} pictures a second, main-thread task time ${perFrame.toFixed(1)} ms each (of which our painting: median ${(own[own.length >> 1] ?? 0).toFixed(1)} ms)`,
  );
  await network(page, address, "small", small);
  await network(page, address, "large", large);
  await gpt(page, address);

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
