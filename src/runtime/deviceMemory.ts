// Device memory of values and cells: allocation, eviction, and blocks that cells and storages lend to each other.
import { type Block, type Device, type Executable, isHostBlock } from "../backends/backend.ts";
import { allocate, type DType, type ElementType, storedAs, type TypedArray } from "../graph/dtype.ts";
import { HebbError, InternalError } from "../graph/errors.ts";
import { formatShape, type Shape } from "../graph/shape.ts";
import { LoadedPrograms } from "./programs.ts";
import { Runs } from "./runs.ts";
import { type Cell, type Home, type Place, Storage } from "./storage.ts";

/** The initial budget for evictable device memory: small enough that short-lived results stay in the caches. */
const firstBudgetBytes = 16 * 1024 * 1024;
/** The budget doubles up to this each time an evicted value is used again. */
const mostBudgetBytes = 128 * 1024 * 1024;
/** Cells up to this size keep a host copy of what was written to them. */
const mostWrittenBytes = 64;

/**
 * Device memory as a cache of values. A block is freed when its value is garbage-collected. Over budget, the least recently
 * used value moves to the host, where the garbage collector sees it. So no loop can grow device memory without bound.
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
  /** Blocks whose values are being moved to the host. */
  readonly #leaving = new Set<Block>();
  #leavingBytes = 0;
  #uses = 0;
  /** Set once the device is closed: values collected afterwards free nothing. */
  #evacuated = false;
  #budgetBytes: number;
  readonly #mostBudgetBytes: number;
  /** The state of an asynchronous device's runs; undefined if runs have finished when they return. */
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

  /** Memory with the value that the program can read. */
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

  /** A copy of another device's value that may move to where it is used. */
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
   * New, uninitialised memory for a value that a program is about to produce: host memory if possible, so that the garbage collector
   * can free it even in the middle of a loop.
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

  /** Host memory as a value that a program reads or writes, without a copy if the device supports that. */
  over(dtype: DType, shape: Shape, array: TypedArray): Storage {
    const storage = new Storage(dtype, shape, array);
    const block = this.device.hostBlockOver?.(array);
    if (block !== undefined) {
      storage.place.block = block;
      storage.place.at = this.home;
    }
    return storage;
  }

  /** The same value in memory of its own. */
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

  /** Frees the device memory of a value immediately; it must not be read again. Host memory and cells' memory stay with their owners. */
  discard({ place }: Storage): void {
    const { block } = place;
    if (block === undefined || !this.#owners.has(block)) return;
    place.block = undefined;
    place.at = undefined;
    this.#registry.unregister(place);
    this.#release(block);
  }

  /** Keeps a program that needs this much memory at once from evicting its own inputs. */
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

  /** Bytes of values that are not being moved to the host. */
  get #stayingBytes(): number {
    return this.#evictableBytes - this.#leavingBytes;
  }

  /** Moves a value to the host. On an asynchronous device, the block is freed once the value has arrived. */
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
      // A failed read is reported when the value is used.
      void this.device.read(block, place.dtype, place.length).then(arrived, () => undefined);
    }
  }

  /** The value; callers must not modify it. */
  read(storage: Storage): TypedArray {
    return storage.place.host ?? this.#fromDevice(storage);
  }

  /** A copy of the value. */
  copy(storage: Storage): TypedArray {
    return storage.place.host?.slice() ?? this.#fromDevice(storage);
  }

  /** A copy of the value once the device has computed it. Throws the error of the run that failed. */
  async copyLater(storage: Storage): Promise<TypedArray> {
    const { runs, device } = this;
    const { place, shape } = storage;
    if (runs === undefined || !device.asynchronous) return this.copy(storage);
    if (place.host !== undefined) return place.host.slice();
    if (place.block === undefined) throw lost(shape);
    const value = device.read(place.block, place.dtype, place.length);
    // `settle` reports device errors; an unhandled rejection would end the process.
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

  /** A copy of the cell's value, once the device has computed it. */
  async readCellLater(cell: Cell): Promise<TypedArray> {
    if (this.runs === undefined) return this.readCell(cell);
    if (cell.block !== undefined) return this.copyLater(this.lend(cell));
    await this.runs.settle();
    return this.readCell(cell);
  }

  /** The cell's current value as an immutable storage, without a copy until the cell changes. */
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

  /** Must be called before the cell's memory is overwritten, so that holders of the old value keep it. */
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

  /** Moves a storage's value into the cell, without a copy if nothing else uses its memory. `spent`: the storage is not read again. */
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
      // If that run failed, the cell has no value.
      if (spent) cell.run = storage.place.run;
      return;
    }
    if (block === undefined || isHostBlock(block) || storage.lender !== undefined) {
      this.writeCell(cell, this.read(storage));
      return;
    }
    const old = cell.block;
    const borrower = cell.lent;
    // The block becomes the cell's; the storage continues to read it as a loan.
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

  /** Moves every value and cell to the host before the device is closed. On an asynchronous device, values that have not arrived are lost. */
  evacuate(): void {
    this.#evacuated = true;
    for (const place of [...this.#owners.values()]) if (!this.device.asynchronous) this.#toHost(place);
    for (const cell of this.#cellsHere())
      this.#moveToHost(cell, this.device.asynchronous ? undefined : this.readCell(cell));
  }

  /** The same, but waits for the device, so that nothing is lost. */
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

  /** Releases the memory of a cell whose value is about to be replaced, or hands it to the holder of the old value. */
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
