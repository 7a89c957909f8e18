// Device memory of values and cells: allocation, eviction, and blocks that cells and storages lend to each other.
import { type Block, type Device, type Executable, isHostBlock } from "../backends/backend.ts";
import { allocate, type DType, type ElementType, storedAs, type TypedArray } from "../graph/dtype.ts";
import { HebbError, InternalError } from "../graph/errors.ts";
import { formatShape, type Shape } from "../graph/shape.ts";
import { LoadedPrograms } from "./programs.ts";
import { Runs } from "./runs.ts";
import { type Cell, type Home, type Place, Storage } from "./storage.ts";

/** Evictable device memory is kept below this at first: results that are dropped at once then stay in the caches. */
const firstBudgetBytes = 16 * 1024 * 1024;
/** The budget doubles up to this when a value that was moved to the host is used again. */
const mostBudgetBytes = 128 * 1024 * 1024;
/** Cells up to this size keep on the host what was written there. */
const mostWrittenBytes = 64;

/**
 * Device memory as a cache of values: a block goes when its value is collected, and when the budget is passed the least
 * recently used value moves to the host, where the garbage collector sees it. So no loop can grow device memory.
 */
export class DeviceMemory {
  readonly device: Device;
  readonly home: Home;
  readonly programs: LoadedPrograms;
  readonly #owners = new Map<Block, Place>();
  readonly #cells = new Set<WeakRef<Cell>>();
  readonly #registry: FinalizationRegistry<Block>;
  readonly #cellRegistry: FinalizationRegistry<{ block: Block | undefined; ref: WeakRef<Cell> }>;
  readonly #cellTokens = new WeakMap<Cell, { block: Block | undefined; ref: WeakRef<Cell> }>();
  #evictableBytes = 0;
  /** Blocks whose values are on their way to the host. */
  readonly #leaving = new Set<Block>();
  #leavingBytes = 0;
  #uses = 0;
  /** The device is closed: values collected from now on free nothing. */
  #evacuated = false;
  #budgetBytes: number;
  readonly #mostBudgetBytes: number;
  /** What became of the runs of an asynchronous device; undefined where that is known when a run returns. */
  readonly runs: Runs | undefined;

  constructor(device: Device, home: Home) {
    this.device = device;
    this.home = home;
    this.runs = device.asynchronous ? new Runs(device) : undefined;
    this.#budgetBytes = device.budgetBytes ?? firstBudgetBytes;
    this.#mostBudgetBytes = device.budgetBytes ?? mostBudgetBytes;
    this.programs = new LoadedPrograms(device);
    this.#registry = new FinalizationRegistry((block) => this.#release(block));
    this.#cellRegistry = new FinalizationRegistry(({ block, ref }) => {
      this.#cells.delete(ref);
      if (block && !this.#evacuated) this.device.free(block);
    });
  }

  /** Memory holding the value, such as the program can read. */
  blockOf(storage: Storage, program: Executable): Block {
    const { place } = storage;
    if (place.at !== this.home && place.at !== undefined)
      return this.blockOf(this.#copyHere(storage, place.at), program);
    place.lastUse = ++this.#uses;
    this.runs?.mustHave(place);
    if (place.block !== undefined && (program.takesHostBlocks || !isHostBlock(place.block))) return place.block;
    if (place.host === undefined) throw lost(storage.shape);
    if (place.moved) {
      place.moved = false;
      if (this.#budgetBytes < this.#mostBudgetBytes) this.#budgetBytes *= 2;
    }
    const fresh = this.#newBlock(storage);
    this.device.write(fresh, place.host);
    return fresh;
  }

  /** A value of another device that goes where it is used. */
  #copyHere(storage: Storage, at: Home): Storage {
    const { dtype, shape, place } = storage;
    if (place.home !== undefined) throw new InternalError(`a value of ${at.name} was used on ${this.home.name}`);
    const known = storage.copies?.get(this.home);
    if (known !== undefined) return known;
    const copy = new Storage(dtype, shape, place.host ?? at.read(storage));
    storage.copies ??= new Map();
    storage.copies.set(this.home, copy);
    return copy;
  }

  /**
   * Fresh, unwritten memory for a value a program is about to produce: the host's where that can be, so that the garbage collector
   * frees it, in the middle of a loop too.
   */
  resultBlock(storage: Storage, program: Executable): Block {
    const { device } = this;
    if (!program.takesHostBlocks || device.hostBlock === undefined) return this.#newBlock(storage);
    const block = device.hostBlock(storage.place.dtype, storage.length);
    storage.place.block = block;
    storage.place.at = this.home;
    storage.place.host = block.array;
    return block;
  }

  /** Memory of the host as the value that a program reads or gives: without a copy where the device can. */
  over(dtype: DType, shape: Shape, array: TypedArray): Storage {
    const storage = new Storage(dtype, shape, array);
    const block = this.device.hostBlockOver?.(array);
    if (block !== undefined) {
      storage.place.block = block;
      storage.place.at = this.home;
    }
    return storage;
  }

  /** The same value in its own memory. */
  detached(storage: Storage): Storage {
    return new Storage(storage.dtype, storage.shape, this.copy(storage));
  }

  #newBlock(storage: Storage): Block {
    this.#makeRoom(storage.bytes);
    const block = this.device.allocate(Math.max(storage.bytes, 8));
    this.#own(storage, block);
    return block;
  }

  #own(storage: Storage, block: Block): void {
    const { place } = storage;
    place.block = block;
    place.at = this.home;
    place.lastUse = ++this.#uses;
    storage.lender = undefined;
    this.#owners.set(block, place);
    this.#evictableBytes += block.bytes;
    this.#registry.register(storage, block, place);
  }

  #release(block: Block): void {
    if (!this.#owners.delete(block)) return;
    if (this.#leaving.delete(block)) this.#leavingBytes -= block.bytes;
    this.#evictableBytes -= block.bytes;
    this.device.free(block);
  }

  /** Frees at once the device memory of a value that will not be read again. Host memory and the memory of cells are left to their owner. */
  discard({ place }: Storage): void {
    const { block } = place;
    if (block === undefined || !this.#owners.has(block)) return;
    place.block = undefined;
    place.at = undefined;
    this.#registry.unregister(place);
    this.#release(block);
  }

  /** A program that needs this much at once must not push its own inputs out. */
  reserve(bytes: number): void {
    this.#budgetBytes = Math.max(this.#budgetBytes, 2 * bytes);
  }

  #makeRoom(bytes: number): void {
    if (this.#stayingBytes + bytes <= this.#budgetBytes) return;
    const places = [...this.#owners.values()].sort((a, b) => a.lastUse - b.lastUse);
    for (const place of places) {
      if (this.#stayingBytes + bytes <= this.#budgetBytes / 2) break;
      this.#toHost(place);
    }
  }

  /** Bytes of values that are not on their way to the host. */
  get #stayingBytes(): number {
    return this.#evictableBytes - this.#leavingBytes;
  }

  /** Moves a value off the device; on an asynchronous one the block goes when the value has arrived. */
  #toHost(place: Place): void {
    const { block } = place;
    if (block === undefined || this.#leaving.has(block)) return;
    const arrived = (host: TypedArray): void => {
      if (this.#leaving.delete(block)) this.#leavingBytes -= block.bytes;
      if (place.block !== block) return;
      place.host ??= host;
      place.block = undefined;
      place.at = undefined;
      place.moved = true;
      this.#registry.unregister(place);
      this.#release(block);
    };
    if (place.host !== undefined) arrived(place.host);
    else if (!this.device.asynchronous) arrived(this.device.read(block, place.dtype, place.length));
    else {
      this.#leaving.add(block);
      this.#leavingBytes += block.bytes;
      // An unreadable value throws when it is read.
      void this.device.read(block, place.dtype, place.length).then(arrived, () => undefined);
    }
  }

  /** The value; not to be changed. */
  read(storage: Storage): TypedArray {
    return storage.place.host ?? this.#fromDevice(storage);
  }

  /** A copy of the value. */
  copy(storage: Storage): TypedArray {
    return storage.place.host?.slice() ?? this.#fromDevice(storage);
  }

  /** A copy of the value, when the device has it. Throws what went wrong on the way to it. */
  async copyLater(storage: Storage): Promise<TypedArray> {
    const { runs, device } = this;
    const { place, shape } = storage;
    if (runs === undefined || !device.asynchronous) return this.copy(storage);
    if (place.host !== undefined) return place.host.slice();
    if (place.block === undefined) throw lost(shape);
    const value = device.read(place.block, place.dtype, place.length);
    // What is wrong with the device, `settle` says; an unhandled rejection would end the process.
    value.catch(() => undefined);
    await runs.settle();
    runs.mustHave(place);
    return value;
  }

  #fromDevice(storage: Storage): TypedArray {
    const { place, shape } = storage;
    if (place.block === undefined) throw lost(shape);
    if (place.at !== this.home && place.at !== undefined) return place.at.read(storage);
    return this.#readNow(place.block, place.dtype, place.length);
  }

  #readNow(block: Block, dtype: ElementType, length: number, start?: number): TypedArray {
    if (!this.device.asynchronous) return this.device.read(block, dtype, length, start);
    throw new HebbError(
      `${this.device.description} is asynchronous; await data(), item() or toArray() instead of their Sync forms`,
    );
  }

  /** The cell's own device memory. */
  cellBlock(cell: Cell): Block {
    if (cell.at !== this.home && cell.at !== undefined) cell.at.cellToHost(cell);
    if (cell.block !== undefined) return cell.block;
    if (cell.lost) throw lost(cell.shape);
    const block = this.device.allocate(Math.max(cell.bytes, 8));
    cell.block = block;
    cell.at = this.home;
    const { host = 0 } = cell;
    if (typeof host === "number") this.device.fill(block, storedAs(cell.dtype), cell.length, host);
    else this.device.write(block, host);
    cell.host = undefined;
    this.#track(cell);
    return block;
  }

  #track(cell: Cell): void {
    const known = this.#cellTokens.get(cell);
    if (known !== undefined) {
      known.block = cell.block;
      return;
    }
    const token = { block: cell.block, ref: new WeakRef(cell) };
    this.#cellTokens.set(cell, token);
    this.#cells.add(token.ref);
    this.#cellRegistry.register(cell, token);
  }

  /** A copy of the elements [start, end). */
  readCell(cell: Cell, start = 0, end = cell.length): TypedArray {
    if (cell.block !== undefined) return this.#readNow(cell.block, storedAs(cell.dtype), end - start, start);
    if (cell.lost) throw lost(cell.shape);
    const { host = 0 } = cell;
    return typeof host === "number" ? allocate(storedAs(cell.dtype), end - start).fill(host) : host.slice(start, end);
  }

  /** A copy of the cell's value, when the device has it. */
  async readCellLater(cell: Cell): Promise<TypedArray> {
    if (this.runs === undefined) return this.readCell(cell);
    if (cell.block !== undefined) return this.copyLater(this.lend(cell));
    await this.runs.settle();
    return this.readCell(cell);
  }

  /** The cell's present value as an immutable one, without a copy until the cell changes. */
  lend(cell: Cell): Storage {
    if (cell.lent !== undefined) return cell.lent;
    const storage = new Storage(cell.dtype, cell.shape, undefined);
    storage.place.block = this.cellBlock(cell);
    storage.place.at = this.home;
    storage.place.home = cell.home;
    storage.place.run = cell.run;
    storage.lender = cell;
    cell.lent = storage;
    return storage;
  }

  /** Must be called before the cell's memory is overwritten: holders of the old value keep it. */
  beforeWrite(cell: Cell): void {
    if (cell.at !== this.home && cell.at !== undefined) cell.at.cellToHost(cell);
    cell.version++;
    cell.written = undefined;
    const storage = cell.lent;
    cell.lent = undefined;
    if (storage === undefined || storage.lender !== cell) return;
    const { place } = storage;
    if (this.device.asynchronous && place.block !== undefined) {
      const own = this.device.allocate(place.block.bytes);
      this.device.copy(place.block, own);
      this.#own(storage, own);
      return;
    }
    place.host = this.#fromDevice(storage);
    place.block = undefined;
    place.at = undefined;
    storage.lender = undefined;
  }

  writeCell(cell: Cell, data: TypedArray): void {
    this.beforeWrite(cell);
    cell.lost = false;
    cell.run = undefined;
    if (cell.bytes <= mostWrittenBytes) cell.written = data;
    if (cell.block !== undefined) this.device.write(cell.block, data);
    else cell.host = data.slice();
  }

  /** The cell takes a storage's value: its memory if nothing else uses it, so nothing is copied. `spent`: the storage is not read again. */
  adopt(cell: Cell, storage: Storage, { spent = false } = {}): void {
    if (cell.at !== this.home && cell.at !== undefined) cell.at.leave(cell);
    cell.version++;
    cell.written = undefined;
    cell.lost = false;
    const { block } = storage.place;
    if (storage.place.at !== this.home && storage.place.at !== undefined) {
      this.writeCell(cell, this.read(storage));
      return;
    }
    if (this.device.asynchronous && block !== undefined) {
      this.beforeWrite(cell);
      this.device.assign(block, this.cellBlock(cell));
      // Without that run there is no value that it could keep.
      if (spent) cell.run = storage.place.run;
      return;
    }
    if (block === undefined || isHostBlock(block) || storage.lender !== undefined) {
      this.writeCell(cell, this.read(storage));
      return;
    }
    const old = cell.block;
    const borrower = cell.lent;
    // The storage's block becomes the cell's; the storage keeps reading it as a loan.
    this.#owners.delete(block);
    this.#evictableBytes -= block.bytes;
    this.#registry.unregister(storage.place);
    cell.block = block;
    cell.at = this.home;
    cell.host = undefined;
    if (spent) storage.place.block = undefined;
    else storage.lender = cell;
    cell.lent = spent ? undefined : storage;
    this.#track(cell);
    if (old === undefined) return;
    if (borrower !== undefined && borrower.lender === cell) this.#own(borrower, old);
    else this.device.free(old);
  }

  /** Moves every value and cell to the host, before the device is closed; an asynchronous one takes with it what is not there by then. */
  evacuate(): void {
    this.#evacuated = true;
    for (const place of [...this.#owners.values()]) if (!this.device.asynchronous) this.#toHost(place);
    for (const cell of this.#cellsHere())
      this.#moveToHost(cell, this.device.asynchronous ? undefined : this.readCell(cell));
  }

  /** The same, however long the device takes: nothing is lost. */
  async evacuateLater(): Promise<void> {
    const { device, runs } = this;
    if (device.asynchronous) {
      await runs?.settle();
      const values = [...this.#owners].map(async ([block, place]) => {
        place.host ??= await device.read(block, place.dtype, place.length);
        if (this.#owners.get(block) === place) this.#toHost(place);
      });
      const cells = this.#cellsHere().map(async (cell) => this.#moveToHost(cell, await this.readCellLater(cell)));
      await Promise.all([...values, ...cells]);
    }
    this.evacuate();
  }

  #cellsHere(): Cell[] {
    return [...this.#cells].flatMap((ref) => {
      const cell = ref.deref();
      return cell?.block === undefined || cell.at !== this.home ? [] : [cell];
    });
  }

  /** Moves the cell's value to the host, for another device. */
  cellToHost(cell: Cell): void {
    const { block } = cell;
    this.#moveToHost(cell, cell.written?.slice() ?? this.readCell(cell));
    if (block !== undefined) this.device.free(block);
  }

  /** Gives up the memory of a cell whose value is to be replaced: to who holds the old value, if anybody does. */
  leave(cell: Cell): void {
    const { block, lent } = cell;
    if (block === undefined) return;
    if (lent !== undefined && lent.lender === cell) this.#own(lent, block);
    else this.device.free(block);
    cell.lent = undefined;
    cell.block = undefined;
    cell.at = undefined;
    this.#track(cell);
  }

  #moveToHost(cell: Cell, value: TypedArray | undefined): void {
    const { lent } = cell;
    cell.host = value;
    cell.lost = value === undefined;
    if (lent !== undefined && lent.lender === cell) {
      lent.place.host = value?.slice();
      lent.place.block = undefined;
      lent.place.at = undefined;
      lent.lender = undefined;
    }
    cell.lent = undefined;
    cell.block = undefined;
    cell.at = undefined;
    this.#track(cell);
  }
}

const lost = (shape: Shape): HebbError => new HebbError(`a tensor ${formatShape(shape)} lost its value`);
