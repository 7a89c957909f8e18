// Worker threads and processor counts of Node. Browser bundles use pageWorkers.ts instead (the "browser" field of package.json).

/** The process, if this is Node. Its modules are requested at run time, so that bundlers for pages never see them. */
const node = typeof process === "undefined" ? undefined : process;

/** Node's worker threads; undefined elsewhere. */
export const nodeWorkers = () => node?.getBuiltinModule?.("node:worker_threads");
type NodeWorkers = NonNullable<ReturnType<typeof nodeWorkers>>;

/** The number of threads Node can run at once; undefined elsewhere. */
export const nodeProcessors = (): number | undefined => node?.getBuiltinModule?.("node:os").availableParallelism();

export const nodeForbidsWorkers = (): boolean => node?.permission?.has("worker") === false;

/** Starts a worker that does not keep the process alive; returns a function that terminates it. */
export function startInNode(
  { Worker }: NodeWorkers,
  source: string,
  workerData: unknown,
  fail: (reason: string) => void,
): () => void {
  const text = `${source}\nbegin(require("node:worker_threads").workerData);`;
  const worker = new Worker(text, { eval: true, workerData, execArgv: [], stdin: false });
  worker.on("error", (error) => fail(error instanceof Error ? error.message : String(error)));
  worker.unref();
  return () => void worker.terminate();
}
