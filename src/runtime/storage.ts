// Values outside the graph: immutable storages and mutable state cells. Both may be on the host, on the device, or on both.
import type { Block } from "../backends/backend.ts";
import { byteSize, type DType, type ElementType, storedAs, type TypedArray } from "../graph/dtype.ts";
import type { Source } from "../graph/node.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";

/** Runs of an asynchronous device, from one failure to the next. */
export interface Stretch {
  /** The first of them that did not take place, and why; nor did those behind it. */
  failed: { readonly from: number; readonly error: Error } | undefined;
}

/** A run of an asynchronous device, which gives a value. */
export interface Run {
  readonly number: number;
  readonly stretch: Stretch;
}

/** A device as its values know it. It outlives the engine behind it, which `useBackend` replaces. */
export interface Home {
  /** What errors call it: "device 1 (wasm)". */
  readonly name: string;
  /** The value; not to be changed. */
  read(storage: Storage): TypedArray;
  /** Moves the cell's value to the host, so that another device can take it. */
  cellToHost(cell: Cell): void;
  /** Gives up the memory of a cell whose value is to be replaced. Holders of the old value keep it. */
  leave(cell: Cell): void;
}

/**
 * Where a value lies, apart from the value itself: device memory can follow it without keeping the value alive. A WeakRef would
 * keep it until the running job ends, and with it every result of a long loop that never awaits.
 */
export interface Place {
  readonly dtype: ElementType;
  readonly length: number;
  readonly bytes: number;
  /** The value as memory holds it. */
  host: TypedArray | undefined;
  /** Device memory with the value; managed by DeviceMemory. */
  block: Block | undefined;
  /** The device whose memory that is. */
  at: Home | undefined;
  /** The device that its operations run on; undefined: it goes where it is used, as constants do. */
  home: Home | undefined;
  /** When it was last used on the device, in uses of any storage: the smallest moves to the host first. */
  lastUse: number;
  /** Whether it was moved off the device to make room. */
  moved: boolean;
  /** The run of an asynchronous device that gives the value. */
  run: Run | undefined;
}

/** The immutable value of a tensor. */
export class Storage implements Source {
  readonly sourceKind = "value";
  readonly dtype: DType;
  readonly shape: Shape;
  readonly length: number;
  readonly place: Place;
  /** The cell whose memory it reads, while that is lent. */
  lender: Cell | undefined;
  /** Copies on other devices, of a value that goes where it is used. */
  copies: Map<Home, Storage> | undefined;

  constructor(dtype: DType, shape: Shape, host: TypedArray | undefined) {
    this.dtype = dtype;
    this.shape = shape;
    this.length = sizeOf(shape);
    const bytes = this.length * byteSize(dtype);
    this.place = {
      dtype: storedAs(dtype),
      length: this.length,
      bytes,
      host,
      block: undefined,
      at: undefined,
      home: undefined,
      lastUse: 0,
      moved: false,
      run: undefined,
    };
  }

  get bytes(): number {
    return this.place.bytes;
  }
}

/** A state cell: the only thing that changes. Parameters, optimizer slots, running statistics, the learning rate. */
export class Cell implements Source {
  readonly sourceKind = "state";
  readonly dtype: DType;
  readonly shape: Shape;
  readonly length: number;
  name: string;
  /** The value, as memory holds it, while it is not on the device; a number means that every element has it. */
  host: TypedArray | number | undefined;
  block: Block | undefined;
  /** The device whose memory that is. */
  at: Home | undefined;
  /** The device that it belongs to; undefined: it moves to where it is used. */
  home: Home | undefined;
  /** The value, if the host wrote it and it is small: what moves to where it is used then need not be read. */
  written: TypedArray | undefined;
  /** The storage that reads this cell's memory without a copy, if one was handed out since the last change; it becomes stale with the next change. */
  lent: Storage | undefined;
  /** Counts changes, so that a cached read knows it is stale. */
  version = 0;
  /** Its value went with a device that was closed before anybody read it. */
  lost = false;
  /** The run of an asynchronous device that gave its first value. */
  run: Run | undefined;

  constructor(dtype: DType, shape: Shape, host: TypedArray | number, name = "") {
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
