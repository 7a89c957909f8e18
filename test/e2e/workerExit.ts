// Workers that compute and end in different ways; started by the test of worker threads and by scripts/worker-exits.mjs.
// usage: workerExit.ts WORKERS EXIT [GENERATIONS]    EXIT: natural, exit, terminate or error
import { readdirSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { backendInfo, useBackend } from "../../src/runtime/index.ts";
import { rand } from "../../src/tensor/index.ts";

const exits = ["natural", "exit", "terminate", "error"] as const;
type Exit = (typeof exits)[number];
const message = "this worker ends with an error, as it was asked to";

/** Two products of 512 × 512, large enough to be shared between threads. */
function compute(): string {
  useBackend({ threads: 3 });
  rand([512, 512])
    .matmul(rand([512, 512]))
    .dataSync();
  rand([512, 512])
    .matmul(rand([512, 512]))
    .dataSync();
  return backendInfo().description;
}

function end(exit: Exit): void {
  switch (exit) {
    case "natural":
      return;
    case "exit":
      process.exit(0);
      break;
    case "terminate":
      // The parent terminates it while it computes.
      for (;;)
        rand([512, 512])
          .matmul(rand([512, 512]))
          .dataSync();
    case "error":
      throw new Error(message);
  }
}

/** Settles when the worker has ended as intended. */
function run(exit: Exit): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { exit } });
    let description = "";
    worker.on("message", (text: string) => {
      description = text;
      if (exit === "terminate") void worker.terminate();
    });
    worker.on("error", (error) => {
      if (exit !== "error" || error.message !== message) reject(error);
    });
    worker.on("exit", () => {
      if (description === "") reject(new Error("the worker ended before it had computed"));
      else resolve(description);
    });
  });
}

if (isMainThread) {
  const [workers, exit, generations] = process.argv.slice(2);
  const chosen = exits.find((known) => known === exit);
  if (chosen === undefined) throw new Error(`EXIT is one of ${exits.join(", ")}, not ${exit}`);
  const generationsEnded: { readonly backend: string; readonly threads: number; readonly rss: number }[] = [];
  for (let generation = 0; generation < Number(generations ?? 1); generation++) {
    const ended = await Promise.all(Array.from({ length: Number(workers) }, () => run(chosen)));
    // Threads of the whole process, where the system lists them.
    const threads = process.platform === "linux" ? readdirSync("/proc/self/task").length : 0;
    generationsEnded.push({ backend: ended[0] ?? "", threads, rss: process.memoryUsage.rss() });
  }
  console.log(JSON.stringify(generationsEnded));
} else {
  const description = compute();
  parentPort?.postMessage(description);
  end((workerData as { readonly exit: Exit }).exit);
}
