// Workers and processors as Node has them. Browser bundles take pageWorkers.ts in its place (the field "browser" of package.json).

/** Node's own modules, where this is Node; asked for at run time so that a page never sees them. */
const node = typeof process === "undefined" ? undefined : process;

/** Node's worker threads; undefined elsewhere. */
export const nodeWorkers = () => node?.getBuiltinModule?.("node:worker_threads");
type NodeWorkers = NonNullable<ReturnType<typeof nodeWorkers>>;

/** How many threads Node can run at once; undefined elsewhere. */
export const nodeProcessors = (): number | undefined => node?.getBuiltinModule?.("node:os").availableParallelism();

export const nodeForbidsWorkers = (): boolean => node?.permission?.has("worker") === false;

/** Starts a worker, which does not keep the process alive; what ends it. */
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
