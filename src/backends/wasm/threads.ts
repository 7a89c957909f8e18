// Worker threads run the same program function as the main thread, each on its share of the units, in one shared memory.
import type { EmitContext } from "./emitter.ts";
import type { FunctionBuilder } from "./module.ts";
import { nodeForbidsWorkers, nodeProcessors, nodeWorkers, startInNode } from "./nodeWorkers.ts";

/** Addresses in low memory, each on its own cache line. */
export const control = {
  /** Job counter: workers wait for it to change. */
  job: 1024,
  /** The kind of the job, and its operands. */
  kind: 1088,
  program: 1092,
  table: 1096,
  moduleAddress: 1100,
  moduleBytes: 1104,
  /** Loads finished, summed over all workers. */
  loaded: 1152,
  /** Workers asleep until the next job. */
  asleep: 1216,
  /** Workers that have started. */
  ready: 1280,
  /** 1 if the main thread may sleep in a barrier; the main thread of a page may not. */
  mainMaySleep: 1344,
  /** The barrier: threads that have arrived, times it has opened, threads asleep in it. */
  arrived: 1408,
  opened: 1472,
  waiting: 1536,
  /** 1 once a thread has failed inside a program: the others must not wait for it. */
  failed: 1600,
} as const;

const jobKinds = { run: 0, load: 1, forget: 2, stop: 3 } as const;

/** Polls of a counter before sleeping: some tens of microseconds. */
const barrierSpins = 20000;
const jobSpins = 50000;
/** A thread asleep in a barrier wakes this often to check whether another one failed. */
const sleepNanoseconds = 100_000_000n;

/**
 * A function (thread, threads) that returns when all threads have called it. The last to arrive opens the barrier. The others
 * poll for a while and then sleep, except for the main thread of a page, which must not.
 */
export function barrier(context: EmitContext): FunctionBuilder {
  return context.helper("barrier", () => {
    const f = context.module.function("barrier", ["i32", "i32"]);
    const at = (address: number): FunctionBuilder => f.i32(address);
    const round = f.local("i32");
    const spins = f.local("i32");
    at(control.opened).memory("i32.atomic.load").set(round);
    at(control.arrived)
      .i32(1)
      .memory("i32.atomic.rmw.add")
      .i32(1)
      .op("i32.add")
      .get(1)
      .op("i32.eq")
      .if(() => {
        at(control.arrived).i32(0).memory("i32.atomic.store");
        at(control.opened).get(round).i32(1).op("i32.add").memory("i32.atomic.store");
        at(control.waiting)
          .memory("i32.atomic.load")
          .if(() => {
            at(control.opened).i32(-1).memory("memory.atomic.notify").op("drop");
          });
        f.op("return");
      });
    f.loop((again) => {
      at(control.opened)
        .memory("i32.atomic.load")
        .get(round)
        .op("i32.ne")
        .if(() => f.op("return"));
      f.get(spins).i32(1).op("i32.add").tee(spins).i32(barrierSpins).op("i32.lt_u").brIf(again);
      at(control.failed)
        .memory("i32.atomic.load")
        .if(() => f.op("unreachable"));
      f.get(0);
      at(control.mainMaySleep).memory("i32.atomic.load").op("i32.or").i32(0).op("i32.eq").brIf(again);
      at(control.waiting).i32(1).memory("i32.atomic.rmw.add").op("drop");
      at(control.opened).get(round).i64(sleepNanoseconds).memory("memory.atomic.wait32").op("drop");
      at(control.waiting).i32(1).memory("i32.atomic.rmw.sub").op("drop");
      f.br(again);
    });
    return f;
  });
}

/** The complete program of a worker, as plain JavaScript text, so that bundlers and loaders need no special support. */
const workerSource = `
const begin = ({ memory, thread, threads }) => {
  const words = new Int32Array(memory.buffer);
  const at = ${JSON.stringify(Object.fromEntries(Object.entries(control).map(([name, address]) => [name, address / 4])))};
  const programs = new Map();
  Atomics.add(words, at.ready, 1);
  let last = 0;
  for (;;) {
    for (let spin = 0; spin < ${jobSpins} && Atomics.load(words, at.job) === last; spin++);
    while (Atomics.load(words, at.job) === last) {
      Atomics.add(words, at.asleep, 1);
      Atomics.wait(words, at.job, last);
      Atomics.sub(words, at.asleep, 1);
    }
    last = Atomics.load(words, at.job);
    const program = words[at.program];
    switch (words[at.kind]) {
      case ${jobKinds.run}:
        try {
          programs.get(program)(words[at.table], thread, threads);
        } catch (error) {
          Atomics.store(words, at.failed, 1);
          throw error;
        }
        break;
      case ${jobKinds.load}: {
        memory.grow(0);
        const bytes = new Uint8Array(memory.buffer, words[at.moduleAddress] >>> 0, words[at.moduleBytes]).slice();
        const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { hebb: { memory } });
        programs.set(program, instance.exports.runThread);
        Atomics.add(words, at.loaded, 1);
        break;
      }
      case ${jobKinds.forget}:
        programs.delete(program);
        Atomics.add(words, at.loaded, 1);
        break;
      default:
        return;
    }
  }
};
`;
const pageSource = `${workerSource}\nonmessage = ({ data }) => begin(data);`;

interface Job {
  readonly kind: number;
  readonly program: number;
  readonly moduleAddress: number;
  readonly moduleBytes: number;
  /** Called when the workers have finished the job. */
  readonly done?: () => void;
}

/** The number of threads this machine can run at once. */
export function availableThreads(): number {
  const here = typeof navigator === "undefined" ? undefined : navigator.hardwareConcurrency;
  return nodeProcessors() ?? Math.max(1, here ?? 1);
}

/** The reason threads are unavailable, or undefined if they are available. */
export function threadsMissing(): string | undefined {
  if (typeof SharedArrayBuffer === "undefined") return "no SharedArrayBuffer: the page is not cross-origin isolated";
  if (nodeWorkers() === undefined && typeof Worker === "undefined") return "this environment has no workers";
  if (nodeForbidsWorkers()) return "Node is not allowed to start workers; pass --allow-worker";
  return undefined;
}

export class ThreadPool {
  /** Total threads that programs are split for, including the main one. */
  readonly threads: number;
  readonly #memory: WebAssembly.Memory;
  readonly #words: Int32Array;
  #started = false;
  /** The reason the main thread computes alone from now on. */
  #failure: string | undefined;
  /** Set when a page's Content-Security-Policy refuses a worker; browsers report that in a separate event. */
  #refused = false;
  readonly #queue: Job[] = [];
  #pending: { readonly job: Job; readonly loadedBefore: number } | undefined;
  #stopAll: () => void = () => {};
  #nextProgram = 1;

  constructor(memory: WebAssembly.Memory, threads: number) {
    this.#memory = memory;
    this.threads = threads;
    this.#words = new Int32Array(memory.buffer);
  }

  /** Starts the workers; the main thread continues alone until they are up. */
  #start(): void {
    this.#started = true;
    const workers = nodeWorkers();
    const stops: (() => void)[] = [];
    this.#stopAll = () => {
      for (const stop of stops) stop();
    };
    try {
      if (workers === undefined) stops.push(this.#watchPolicy());
      for (let thread = 1; thread < this.threads; thread++) {
        const data = { memory: this.#memory, thread, threads: this.threads };
        stops.push(workers === undefined ? this.#startInPage(data) : this.#startInNode(workers, data));
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  #startInNode(workers: NonNullable<ReturnType<typeof nodeWorkers>>, data: unknown): () => void {
    this.#words[control.mainMaySleep / 4] = 1;
    return startInNode(workers, workerSource, data, (reason) => this.#fail(reason));
  }

  #startInPage(data: unknown): () => void {
    const address = URL.createObjectURL(new Blob([pageSource], { type: "text/javascript" }));
    const worker = new Worker(address);
    worker.onerror = ({ message }) => this.#fail(message || "the browser gives no reason");
    worker.postMessage(data);
    return () => worker.terminate();
  }

  #watchPolicy(): () => void {
    const watch = (event: Event): void => {
      const blocked = "blockedURI" in event ? String(event.blockedURI) : "";
      if (!blocked.startsWith("blob")) return;
      this.#refused = true;
      this.#fail(blocked);
    };
    addEventListener("securitypolicyviolation", watch);
    return () => removeEventListener("securitypolicyviolation", watch);
  }

  /** From now on the main thread runs alone and no longer waits for the workers. */
  #fail(reason: string): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    Atomics.store(this.#words, control.failed / 4, 1);
    this.#stopAll();
    this.#pending?.job.done?.();
    this.#pending = undefined;
    for (const { done } of this.#queue.splice(0)) done?.();
  }

  /** Queues a program's module for the workers. `ready` is called when all of them have it. */
  load(moduleAddress: number, moduleBytes: number, ready: () => void): number {
    if (!this.#started) this.#start();
    const program = this.#nextProgram++;
    if (this.#failure !== undefined) ready();
    else this.#queue.push({ kind: jobKinds.load, program, moduleAddress, moduleBytes, done: ready });
    return program;
  }

  /** Removes a program from the workers, or from the queue if they have not received it yet. */
  forget(program: number): void {
    if (this.#failure !== undefined) return;
    const waiting = this.#queue.findIndex((job) => job.program === program);
    if (waiting < 0) this.#queue.push({ kind: jobKinds.forget, program, moduleAddress: 0, moduleBytes: 0 });
    else for (const { done } of this.#queue.splice(waiting, 1)) done?.();
  }

  /** Sends the next waiting job if the workers are free. Returns whether they are free to run a program. */
  idle(): boolean {
    const words = this.#words;
    if (this.#failure !== undefined || !this.#up) return false;
    if (this.#pending !== undefined) {
      const { job, loadedBefore } = this.#pending;
      if (((Atomics.load(words, control.loaded / 4) - loadedBefore) | 0) < this.threads - 1) return false;
      this.#pending = undefined;
      job.done?.();
    }
    const job = this.#queue.shift();
    if (job === undefined) return true;
    this.#pending = { job, loadedBefore: Atomics.load(words, control.loaded / 4) };
    words[control.moduleAddress / 4] = job.moduleAddress;
    words[control.moduleBytes / 4] = job.moduleBytes;
    this.#publish(job.kind, job.program);
    return false;
  }

  /** After a failure inside a program, no thread can be relied on to reach the next barrier. */
  abandon(): void {
    this.#fail("a worker failed while running a program");
  }

  /** Starts a program on the workers. The caller must run its own share immediately. */
  run(program: number, table: number): void {
    this.#words[control.table / 4] = table;
    this.#publish(jobKinds.run, program);
  }

  #publish(kind: number, program: number): void {
    const words = this.#words;
    words[control.kind / 4] = kind;
    words[control.program / 4] = program;
    Atomics.add(words, control.job / 4, 1);
    if (Atomics.load(words, control.asleep / 4) > 0) Atomics.notify(words, control.job / 4);
  }

  close(): void {
    if (!this.#started) return;
    if (this.#pending !== undefined) this.idle();
    this.#publish(jobKinds.stop, 0);
    this.#fail("closed");
  }

  /** Whether every worker has started. */
  get #up(): boolean {
    return this.#started && Atomics.load(this.#words, control.ready / 4) === this.threads - 1;
  }

  /** Threads that compute. Node starts workers if permitted; a page shows whether it may only once they are up. */
  get working(): number {
    return this.#failure === undefined && (this.#up || nodeWorkers() !== undefined) ? this.threads : 1;
  }

  /** The state of the threads, for the description. */
  get state(): string {
    const { working } = this;
    const failure = this.#failure;
    if (this.#refused)
      return "1 thread (the page's Content-Security-Policy forbids workers from blob: addresses; worker-src blob: allows them)";
    if (failure !== undefined) return `1 thread (workers failed: ${failure})`;
    if (working > 1) return `${working} threads`;
    const when = this.#started ? "are starting" : "start with the first program large enough";
    return `1 thread so far (${this.threads - 1} more ${when})`;
  }
}
