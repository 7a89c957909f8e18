// Values outside the graph: immutable storages and mutable state cells. Both may be on the host, on the device, or on both.
import type { Block } from "../backends/backend.ts";
import { byteSize, type DType, type ElementType, storedAs, type TypedArray } from "../graph/dtype.ts";
import type { Source } from "../graph/node.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";

/** The runs of an asynchronous device between two failures. */
export interface Stretch {
  /** The first run that failed, and why; later ones did not run either. */
  failed: { readonly from: number; readonly error: Error } | undefined;
}

/** A run of an asynchronous device that produces a value. */
export interface Run {
  readonly number: number;
  readonly stretch: Stretch;
}

/** A device as values refer to it. It outlives its engine, which `useBackend` replaces. */
export interface Home {
  /** The name in error messages: "device 1 (wasm)". */
  readonly name: string;
  /** The value; callers must not modify it. */
  read(storage: Storage): TypedArray;
  /** Moves the cell's value to the host, so that another device can take it. */
  cellToHost(cell: Cell): void;
  /** Releases the memory of a cell whose value is about to be replaced. Holders of the old value keep it. */
  leave(cell: Cell): void;
}

/**
 * The location of a value, separate from the value, so that device memory can track it without keeping it alive. A WeakRef would
 * keep it alive until the running job ends, and with it every result of a long loop that never awaits.
 */
export interface Place {
  readonly dtype: ElementType;
  readonly length: number;
  readonly bytes: number;
  /** The value in its stored form. */
  host: TypedArray | undefined;
  /** Device memory with the value; managed by DeviceMemory. */
  block: Block | undefined;
  /** The device that owns the block. */
  at: Home | undefined;
  /** The device for operations on it; undefined: it moves to where it is used, like constants. */
  home: Home | undefined;
  /** The time of its last use on the device, counted in uses of all storages: the smallest moves to the host first. */
  lastUse: number;
  /** Whether it was evicted to make room. */
  moved: boolean;
  /** The run of an asynchronous device that produces the value. */
  run: Run | undefined;
}

/** The immutable value of a tensor. */
export class Storage implements Source {
  readonly sourceKind = "value";
  readonly dtype: DType;
  readonly shape: Shape;
  readonly length: number;
  readonly place: Place;
  /** The cell whose memory it reads, while on loan. */
  lender: Cell | undefined;
  /** Copies on other devices of a value that moves to where it is used. */
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

/** A state cell, the only mutable value: parameters, optimizer slots, running statistics, the learning rate. */
export class Cell implements Source {
  readonly sourceKind = "state";
  readonly dtype: DType;
  readonly shape: Shape;
  readonly length: number;
  name: string;
  /** The value in its stored form while it is not on the device; a number means that every element has it. */
  host: TypedArray | number | undefined;
  block: Block | undefined;
  /** The device that owns the block. */
  at: Home | undefined;
  /** The device it belongs to; undefined: it moves to where it is used. */
  home: Home | undefined;
  /** The value, if it is small and written by the host: it can then move to another device without being read back. */
  written: TypedArray | undefined;
  /** The storage that reads this cell's memory without a copy, if one was handed out since the last change; the next change makes it stale. */
  lent: Storage | undefined;
  /** Counts changes, to detect stale cached reads. */
  version = 0;
  /** Whether the value was lost with a device that was closed before it was read. */
  lost = false;
  /** The run of an asynchronous device that produced its first value. */
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
