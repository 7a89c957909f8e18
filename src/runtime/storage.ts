// Values outside the graph: immutable storages and the state cells that change. Both may lie on the host, on the device, or on both.

import type { Block, Device } from "../backends/backend.ts";
import { allocate, byteSize, type DType, type TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import type { Source } from "../graph/node.ts";
import { formatShape, type Shape, sizeOf } from "../graph/shape.ts";

/** The immutable value of a tensor. */
export class Storage implements Source {
  readonly sourceKind = "value";
  readonly dtype: DType;
  readonly shape: Shape;
  readonly length: number;
  host: TypedArray | undefined;
  /** Device memory with the value; managed by DeviceMemory. */
  block: Block | undefined;
  /** When it was last used on the device, in uses of any storage: the smallest moves to the host first. */
  lastUse = 0;
  /** The cell whose memory `block` is, while it is lent. */
  lender: Cell | undefined;

  constructor(dtype: DType, shape: Shape, host: TypedArray | undefined) {
    this.dtype = dtype;
    this.shape = shape;
    this.length = sizeOf(shape);
    this.host = host;
  }

  get bytes(): number {
    return this.length * byteSize(this.dtype);
  }
}

/** A state cell: the only thing that changes. Parameters, optimizer slots, running statistics, the learning rate. */
export class Cell implements Source {
  readonly sourceKind = "state";
  readonly dtype: DType;
  readonly shape: Shape;
  readonly length: number;
  name: string;
  host: TypedArray | undefined;
  block: Block | undefined;
  /** The storage that reads this cell's memory without a copy, if one was handed out since the last change. */
  lent: WeakRef<Storage> | undefined;
  /** Counts changes, so that a cached read knows it is stale. */
  version = 0;

  constructor(dtype: DType, shape: Shape, host: TypedArray, name = "") {
    this.dtype = dtype;
    this.shape = shape;
    this.length = sizeOf(shape);
    this.host = host;
    this.name = name;
  }

  get bytes(): number {
    return this.length * byteSize(this.dtype);
  }
}

/** Evictable device memory is kept below this, or twice what one program needs. */
const defaultBudgetBytes = 128 * 1024 * 1024;

/**
 * Device memory as a cache of values: a block goes when its value is collected, and when the budget is passed the least
 * recently used value moves to the host, where the garbage collector sees it. So no loop can grow device memory.
 */
export class DeviceMemory {
  readonly device: Device;
  private readonly owners = new Map<Block, WeakRef<Storage>>();
  private readonly cells = new Set<WeakRef<Cell>>();
  private readonly registry: FinalizationRegistry<Block>;
  private readonly cellRegistry: FinalizationRegistry<{ block: Block | undefined; ref: WeakRef<Cell> }>;
  private readonly cellTokens = new WeakMap<Cell, { block: Block | undefined; ref: WeakRef<Cell> }>();
  private evictableBytes = 0;
  private uses = 0;
  private budgetBytes = defaultBudgetBytes;

  constructor(device: Device) {
    this.device = device;
    this.registry = new FinalizationRegistry((block) => this.release(block));
    this.cellRegistry = new FinalizationRegistry(({ block, ref }) => {
      this.cells.delete(ref);
      if (block) this.device.free(block);
    });
  }

  /** Device memory holding the value. */
  blockOf(storage: Storage): Block {
    storage.lastUse = ++this.uses;
    if (storage.block !== undefined) return storage.block;
    if (storage.host === undefined) throw new HebbError(`a tensor ${formatShape(storage.shape)} lost its value`);
    const fresh = this.newBlock(storage);
    this.device.write(fresh, storage.host);
    return fresh;
  }

  /** Fresh, unwritten device memory for a value a program is about to produce. */
  newBlock(storage: Storage): Block {
    this.makeRoom(storage.bytes);
    const block = this.device.allocate(Math.max(storage.bytes, 8));
    this.own(storage, block);
    return block;
  }

  private own(storage: Storage, block: Block): void {
    storage.block = block;
    storage.lastUse = ++this.uses;
    storage.lender = undefined;
    this.owners.set(block, new WeakRef(storage));
    this.evictableBytes += block.bytes;
    this.registry.register(storage, block, storage);
  }

  private release(block: Block): void {
    if (!this.owners.delete(block)) return;
    this.evictableBytes -= block.bytes;
    this.device.free(block);
  }

  /** A program that needs this much at once must not push its own inputs out. */
  reserve(bytes: number): void {
    this.budgetBytes = Math.max(this.budgetBytes, 2 * bytes);
  }

  private makeRoom(bytes: number): void {
    if (this.evictableBytes + bytes <= this.budgetBytes) return;
    const held: Storage[] = [];
    for (const [block, owner] of this.owners) {
      const storage = owner.deref();
      if (storage === undefined) this.release(block);
      else held.push(storage);
    }
    held.sort((a, b) => a.lastUse - b.lastUse);
    for (const storage of held) {
      if (this.evictableBytes + bytes <= this.budgetBytes / 2) break;
      this.toHost(storage);
    }
  }

  /** Moves a value off the device. */
  private toHost(storage: Storage): void {
    const { block } = storage;
    if (block === undefined) return;
    storage.host ??= this.device.read(block, storage.dtype, storage.length);
    storage.block = undefined;
    this.registry.unregister(storage);
    this.release(block);
  }

  read(storage: Storage): TypedArray {
    if (storage.host !== undefined) return storage.host;
    if (storage.block === undefined) throw new HebbError(`a tensor ${formatShape(storage.shape)} lost its value`);
    return this.device.read(storage.block, storage.dtype, storage.length);
  }

  /** The cell's own device memory. */
  cellBlock(cell: Cell): Block {
    if (cell.block !== undefined) return cell.block;
    const block = this.device.allocate(Math.max(cell.bytes, 8));
    cell.block = block;
    this.device.write(block, cell.host ?? allocate(cell.dtype, cell.length));
    cell.host = undefined;
    this.track(cell);
    return block;
  }

  private track(cell: Cell): void {
    const known = this.cellTokens.get(cell);
    if (known !== undefined) {
      known.block = cell.block;
      return;
    }
    const token = { block: cell.block, ref: new WeakRef(cell) };
    this.cellTokens.set(cell, token);
    this.cells.add(token.ref);
    this.cellRegistry.register(cell, token);
  }

  readCell(cell: Cell): TypedArray {
    if (cell.block !== undefined) return this.device.read(cell.block, cell.dtype, cell.length);
    return (cell.host ?? allocate(cell.dtype, cell.length)).slice();
  }

  /** The cell's present value as an immutable one, without a copy until the cell changes. */
  lend(cell: Cell): Storage {
    const known = cell.lent?.deref();
    if (known !== undefined) return known;
    const storage = new Storage(cell.dtype, cell.shape, undefined);
    storage.block = this.cellBlock(cell);
    storage.lender = cell;
    cell.lent = new WeakRef(storage);
    return storage;
  }

  /** Must be called before the cell's memory is overwritten: whoever holds the old value keeps it. */
  beforeWrite(cell: Cell): void {
    cell.version++;
    if (cell.lent === undefined) return;
    const storage = cell.lent.deref();
    cell.lent = undefined;
    if (storage === undefined || storage.lender !== cell) return;
    storage.host = this.device.read(storage.block as Block, storage.dtype, storage.length);
    storage.block = undefined;
    storage.lender = undefined;
  }

  writeCell(cell: Cell, data: TypedArray): void {
    this.beforeWrite(cell);
    if (cell.block !== undefined) this.device.write(cell.block, data);
    else cell.host = data.slice();
  }

  /** The cell takes a storage's value: its memory when no one else needs it there, so nothing is copied. */
  adopt(cell: Cell, storage: Storage): void {
    cell.version++;
    const { block } = storage;
    if (block === undefined || storage.lender !== undefined) {
      this.writeCell(cell, this.read(storage));
      return;
    }
    const old = cell.block;
    const borrower = cell.lent?.deref();
    // The storage's block becomes the cell's; the storage goes on reading it as a loan.
    this.owners.delete(block);
    this.evictableBytes -= block.bytes;
    this.registry.unregister(storage);
    cell.block = block;
    cell.host = undefined;
    storage.lender = cell;
    cell.lent = new WeakRef(storage);
    this.track(cell);
    if (old === undefined) return;
    if (borrower !== undefined && borrower.lender === cell) this.own(borrower, old);
    else this.device.free(old);
  }

  /** Moves every value and cell to the host, before the device is closed. */
  evacuate(): void {
    for (const owner of [...this.owners.values()]) {
      const storage = owner.deref();
      if (storage !== undefined) this.toHost(storage);
    }
    for (const ref of this.cells) {
      const cell = ref.deref();
      if (cell?.block === undefined) continue;
      const lent = cell.lent?.deref();
      cell.host = this.device.read(cell.block, cell.dtype, cell.length);
      if (lent !== undefined && lent.lender === cell) {
        lent.host = cell.host.slice();
        lent.block = undefined;
        lent.lender = undefined;
      }
      cell.lent = undefined;
      cell.block = undefined;
      this.track(cell);
    }
  }
}
