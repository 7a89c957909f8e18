// The WebGPU device: it has a queue of its own, which accepts work even before the GPU is open.
import { type FailedCheck, hasChecks } from "../../compiler/checks.ts";
import type { Program } from "../../compiler/kernel.ts";
import type { ElementType, TypedArray } from "../../graph/dtype.ts";
import { HebbError, InternalError } from "../../graph/errors.ts";
import { Allocator } from "../allocator.ts";
import { tableSlots } from "../analysis/arguments.ts";
import type { AsynchronousDevice, Block, Executable, FailedRun } from "../backend.ts";
import { elementsMustFit, mustBeSize, mustFit } from "../fits.ts";
import type { Target } from "../gpu/mapping.ts";
import { type Claim, Workspace } from "../workspace.ts";
import type { Wanted } from "./adapter.ts";
import type { LoadedProgram } from "./executable.ts";
import { megabytes, statusWords } from "./flags.ts";
import type { Session } from "./session.ts";

export interface WebgpuDeviceOptions {
  /** "real": fails to start if there is only a driver that computes on the CPU. */
  readonly adapter?: Wanted;
}

export const createWebgpuDevice = (options: WebgpuDeviceOptions = {}): AsynchronousDevice => new WebgpuDevice(options);

/** The device on a real GPU, not a CPU driver, ready to compute; or a HebbError with the reason there is none. */
export async function openRealCard(): Promise<AsynchronousDevice> {
  const device = new WebgpuDevice({ adapter: "real" });
  await device.started;
  return device;
}

/** The part of the backend loaded with the first card. */
type Card = typeof import("./card.ts");

interface Work {
  readonly carryOut: (session: Session) => void;
  readonly fail: (error: Error) => void;
}

const noOp = (): void => undefined;
const closedError = (): InternalError => new InternalError("the device is closed");

class WebgpuDevice implements AsynchronousDevice {
  readonly backend = "webgpu";
  readonly asynchronous = true;
  readonly threads = 1;
  readonly budgetBytes = 128 * 2 ** 20;
  readonly started: Promise<void>;
  readonly workspace = new Workspace(this);
  /** Passes results from one launch to the next. */
  readonly scratch = new Workspace(this);
  description = "webgpu, starting";
  #session: Session | undefined;
  #card: Card | undefined;
  /** The target that kernels are compiled for, once known. */
  #target: Target = { kind: "card", subgroups: false, float16: false };
  /** The reason nothing more can be computed. */
  #failure: Error | undefined;
  /** Set once the GPU refuses a call; settles when that has become the device's failure. */
  #refusal: Promise<void> | undefined;
  #closed = false;
  readonly #waiting: Work[] = [];
  /** Whether the heap is growing; until it has grown, all work waits. */
  #grows = false;
  #liveBytes = 0;
  /** The size the heap must have. */
  #end = 0;
  #most = Number.POSITIVE_INFINITY;
  readonly #allocator = new Allocator(0, 0, (end) => this.#grow(end));
  #runs = 0;
  /** Runs with checks since the status was last read. */
  readonly #checked = new Map<number, Executable>();

  constructor({ adapter = "any" }: WebgpuDeviceOptions) {
    this.started = this.#start(adapter);
    // Callers that await `started` get the error, and so does every later read.
    this.started.catch(noOp);
  }

  async #start(wanted: Wanted): Promise<void> {
    try {
      this.#card = await import("./card.ts");
      const { session, name, target } = await this.#card.openCard(wanted, (error) => this.#fail(error));
      if (this.#closed) {
        session.close();
        return;
      }
      const { gpu } = session;
      void session.lost.then((error) => {
        if (!this.#closed) this.#fail(error);
      });
      gpu.addEventListener("uncapturederror", ({ error }) => {
        // Waits for an error about memory, which is reported elsewhere and takes precedence. No value is returned meanwhile.
        this.#refusal ??= new Promise((told) => setTimeout(told, 50)).then(() =>
          this.#fail(new InternalError(`the GPU refused a call: ${error.message}`)),
        );
      });
      this.#target = target;
      this.#most = session.heap.most;
      this.description = `webgpu, ${name}${target.kind === "processor" ? ", computing on the processor" : ""}`;
      await session.heap.ensure(this.#end);
      if (this.#closed) {
        session.close();
        return;
      }
      this.#session = session;
      this.#carryOutWaiting(session);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      this.#fail(failure);
      throw failure;
    }
  }

  /** Keeps the first failure. */
  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { fail } of this.#waiting.splice(0)) fail(this.#failure);
  }

  /** Executes the queue one by one: if one item throws, the rest stay queued and can still fail. An item that grows the heap pauses the queue. */
  #carryOutWaiting(session: Session): void {
    while (!this.#grows) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      next.carryOut(session);
    }
  }

  /** Executes work in order: now, or once the device is open and its heap has grown. */
  #give(carryOut: Work["carryOut"], fail: Work["fail"] = noOp): void {
    if (this.#failure !== undefined) fail(this.#failure);
    else if (this.#closed) fail(closedError());
    else if (this.#session === undefined || this.#grows) this.#waiting.push({ carryOut, fail });
    else carryOut(this.#session);
  }

  /** Continues work that has allocated memory: now, or ahead of all waiting work once the heap has grown. */
  #goOn(session: Session, carryOut: Work["carryOut"], fail: Work["fail"] = noOp): void {
    if (this.#grows) this.#waiting.unshift({ carryOut, fail });
    else carryOut(session);
  }

  #letGrow(session: Session, end: number): void {
    const growth = session.heap.ensure(end);
    if (growth === undefined) return;
    this.#grows = true;
    growth
      .then(() => {
        this.#grows = false;
        if (!this.#closed && this.#failure === undefined) this.#carryOutWaiting(session);
      })
      .catch((error) => this.#fail(error instanceof Error ? error : new Error(String(error))));
  }

  #ask<T>(question: (session: Session) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#give((session) => {
        question(session).then(
          async (answer) => {
            await this.#refusal;
            if (this.#failure === undefined) resolve(answer);
            else reject(this.#failure);
          },
          (error) => reject(this.#failure ?? (this.#closed ? closedError() : error)),
        );
      }, reject);
    });
  }

  #grow(end: number): number {
    if (end > this.#most)
      throw (
        this.#session?.heap.tooLarge(end) ??
        new HebbError(`out of memory on the GPU: ${megabytes(end)} are needed; use a smaller batch or model`)
      );
    this.#end = end;
    this.#give((session) => this.#letGrow(session, end));
    return end;
  }

  allocate(bytes: number): Block {
    mustBeSize(bytes);
    if (this.#failure !== undefined) throw this.#failure;
    const address = this.#allocator.allocate(bytes);
    this.#liveBytes += bytes;
    return { address, bytes };
  }

  /**
   * Earlier calls finish with the memory first, because the queue runs in order. Before the device is open, frees are queued too:
   * programs allocate their scratch when they run, and it must not be memory that earlier work still uses.
   */
  free({ address, bytes }: Block): void {
    this.#liveBytes -= bytes;
    const free = (): void => this.#allocator.free(address, bytes);
    this.#give(free, free);
  }

  write(block: Block, data: TypedArray): void {
    mustFit(data.byteLength, block);
    const given = this.#session === undefined || this.#grows ? data.slice() : data;
    this.#give((session) => session.write(block.address, given));
  }

  fill(block: Block, dtype: ElementType, length: number, value: number): void {
    elementsMustFit(length, dtype, block);
    this.#give((session) => session.fill(block.address, dtype, length, value));
  }

  copy(from: Block, to: Block): void {
    this.#move(from, to, "copy");
  }

  assign(from: Block, to: Block): void {
    this.#move(from, to, "assign");
  }

  #move(from: Block, to: Block, kind: "copy" | "assign"): void {
    mustFit(from.bytes, to);
    this.#give((session) => session.copy(from.address, to.address, from.bytes, kind));
  }

  read(block: Block, dtype: ElementType, length: number): Promise<TypedArray> {
    elementsMustFit(length, dtype, block);
    return this.#ask((session) => session.read(block.address, dtype, length));
  }

  async settle(): Promise<FailedRun | undefined> {
    const runs = this.#runs;
    const status = await this.#ask((session) => session.readStatus());
    const word = (name: keyof typeof statusWords): number => Number(status[statusWords[name]]);
    const run = word("run");
    const executable = this.#checked.get(run);
    for (const known of this.#checked.keys()) if (known < runs && known !== run) this.#checked.delete(known);
    if (word("failed") === 0) return undefined;
    if (executable === undefined) throw new InternalError(`run ${run} is unknown`);
    const check: FailedCheck = { site: word("site"), index: word("index") | 0, place: word("place") };
    return { run, executable, check };
  }

  resume(): void {
    this.#give((session) => session.clearFailure());
  }

  compile(program: Program): Executable {
    refuseDoubles(program);
    return new WebgpuExecutable(this, program);
  }

  /** Loads a program onto the card, at its first run. */
  load({ program }: WebgpuExecutable, session: Session): LoadedProgram {
    if (this.#card === undefined) throw new InternalError("a program is loaded before the card");
    return new this.#card.LoadedProgram(session, this.#card.emitProgram(program, this.#target));
  }

  /** Runs a program, and loads it first if necessary. */
  carryOut(executable: WebgpuExecutable, blocks: readonly Block[]): void {
    const { run, addresses } = this.#nextRun(executable, blocks);
    this.#give((session) => {
      const loaded = executable.loadedOn(session);
      const scratch = this.#scratchOf(executable);
      this.#goOn(session, () => {
        if (executable.hasChecks) session.writePresent(run);
        loaded.run(addresses, scratch);
      });
    });
  }

  /** Runs a program; returns the nanoseconds of each of its instructions. */
  async timed(executable: WebgpuExecutable, blocks: readonly Block[]): Promise<readonly number[]> {
    const { run, addresses } = this.#nextRun(executable, blocks);
    return this.#ask(async (session) => {
      session.mustTellTime();
      const loaded = executable.loadedOn(session);
      const scratch = this.#scratchOf(executable);
      return new Promise((resolve, reject) =>
        this.#goOn(
          session,
          () => {
            if (executable.hasChecks) session.writePresent(run);
            loaded.runTimed(addresses, scratch).then(resolve, reject);
          },
          reject,
        ),
      );
    });
  }

  #scratchOf({ scratch }: WebgpuExecutable): number {
    return scratch === undefined || scratch.bytes === 0 ? 0 : this.scratch.block(scratch).address;
  }

  #nextRun(executable: WebgpuExecutable, blocks: readonly Block[]): { run: number; addresses: readonly number[] } {
    const { arenaSlot } = executable;
    if (blocks.length > arenaSlot)
      throw new InternalError(`${executable.program.name} takes ${arenaSlot} blocks, not ${blocks.length}`);
    if (this.#failure !== undefined) throw this.#failure;
    const addresses = blocks.map(({ address }) => address);
    addresses[arenaSlot] = this.workspace.block(executable.claim).address;
    const run = this.#runs++;
    if (executable.hasChecks) this.#checked.set(run, executable);
    return { run, addresses };
  }

  drop(executable: WebgpuExecutable): void {
    this.workspace.release(executable.claim);
    this.#give(() => executable.unload());
  }

  memory(): { readonly liveBytes: number; readonly reservedBytes: number } {
    return { liveBytes: this.#liveBytes, reservedBytes: this.#session?.heap.bytes ?? 0 };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { fail } of this.#waiting.splice(0)) fail(closedError());
    this.#session?.close();
    this.#session = undefined;
    this.#liveBytes = 0;
  }
}

/** Graphics cards have no float64. Single numbers are computed with integers; a tensor would be too slow. */
function refuseDoubles({ name, buffers }: Program): void {
  const large = buffers.find(({ dtype, length }) => dtype === "float64" && length > 1);
  if (large === undefined) return;
  throw new HebbError(
    `webgpu has no float64 tensors, and ${name} has one of ${large.length} elements (${large.name}); convert with .to("float32"), or use the backend "c" or "wasm"`,
  );
}

/** Typical bytes per kernel: the text of its shader, the driver's compiled form, and the table of its launch. */
const bytesPerKernel = 8 << 10;

class WebgpuExecutable implements Executable {
  readonly takesHostBlocks = false;
  readonly program: Program;
  /** The slot of the arena's address, after those of the arguments. */
  readonly arenaSlot: number;
  readonly hasChecks: boolean;
  readonly claim: Claim;
  readonly bytes: number;
  readonly #device: WebgpuDevice;
  #loaded: LoadedProgram | undefined;
  /** The kernels' scratch besides the arena; known once the program is loaded. */
  scratch: Claim | undefined;

  constructor(device: WebgpuDevice, program: Program) {
    this.#device = device;
    this.program = program;
    this.arenaSlot = tableSlots(program).arena;
    this.hasChecks = program.kernels.some(hasChecks);
    this.claim = device.workspace.claim(program.arenaBytes);
    this.bytes = program.kernels.length * bytesPerKernel;
  }

  loadedOn(session: Session): LoadedProgram {
    if (this.#loaded === undefined) {
      this.#loaded = this.#device.load(this, session);
      this.scratch = this.#device.scratch.claim(this.#loaded.scratchBytes);
    }
    return this.#loaded;
  }

  run(blocks: readonly Block[]): undefined {
    this.#device.carryOut(this, blocks);
  }

  profile(): readonly number[] {
    throw new HebbError("profile: webgpu computes later; await profileLater(…) instead");
  }

  profileLater(blocks: readonly Block[]): Promise<readonly number[]> {
    return this.#device.timed(this, blocks);
  }

  unload(): void {
    this.#loaded?.release();
    if (this.scratch !== undefined) this.#device.scratch.release(this.scratch);
    this.#loaded = this.scratch = undefined;
  }

  release(): void {
    this.#device.drop(this);
  }
}
