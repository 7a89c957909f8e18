// Loads and stores of scalars and of four lanes: contiguous, strided, or scattered.
import { byteSize, type ElementType } from "../../graph/dtype.ts";
import { halvedIn, type Linear, makeLinear, type Value } from "../analysis/values.ts";
import { Addresses } from "./addresses.ts";
import type { MemoryOpcode } from "./module.ts";
import { scalarBinary, vectorBinary } from "./operations.ts";

export const scalarLoads: Readonly<Record<ElementType, MemoryOpcode>> = {
  float32: "f32.load",
  float64: "f64.load",
  int32: "i32.load",
  int16: "i32.load16_s",
  int8: "i32.load8_s",
  uint16: "i32.load16_u",
  uint8: "i32.load8_u",
  bool: "i32.load8_u",
};
const scalarStores: Readonly<Record<ElementType, MemoryOpcode>> = {
  float32: "f32.store",
  float64: "f64.store",
  int32: "i32.store",
  int16: "i32.store16",
  int8: "i32.store8",
  uint16: "i32.store16",
  uint8: "i32.store8",
  bool: "i32.store8",
};

export abstract class Memory extends Addresses {
  /** The lanes that take the branch being emitted. */
  protected mask: number | undefined;

  abstract pushVector(value: Value): void;

  protected vectorLoad(value: Extract<Value, { kind: "load" }>): void {
    const { f } = this;
    const { buffer, index, dtype } = value;
    const stride = this.laneStride(index);
    const conditional = this.mask !== undefined && value.unsafe;
    const halved = stride === undefined && !conditional ? this.#halved(index, dtype) : undefined;
    if (halved !== undefined) return this.#loadTwice(buffer, index, halved % 2 !== 0);
    if (stride === undefined || (conditional && (stride > 2 || stride < -1))) {
      this.gather(value, conditional);
      return;
    }
    const compute = (): void => {
      if (stride === 1) this.contiguousLoad(dtype, this.pushAddress(buffer, index));
      else if (stride === -1) {
        this.contiguousLoad(dtype, this.pushAddress(buffer, shifted(index, -3)));
        f.tee(this.scratchVector()).get(this.scratchVector()).shuffle32(3, 2, 1, 0);
      } else if (stride === 2 && byteSize(dtype) === 4) {
        const pointer = f.local("i32");
        const offset = this.pushAddress(buffer, index);
        f.tee(pointer)
          .memory("v128.load", offset)
          .get(pointer)
          .memory("v128.load", offset + 16)
          .shuffle32(0, 2, 4, 6);
        f.release(pointer);
      } else {
        this.stridedLoad(dtype, buffer, index, stride);
      }
    };
    if (!conditional) return compute();
    f.get(this.mask ?? 0)
      .op("v128.any_true")
      .if(
        () => this.scope(compute),
        () => f.i32x4(0),
        "v128",
      );
  }

  /** Whether the first lane always has an even index. */
  protected readonly lanesAtPairs: boolean = true;

  /** The constant added to the lane axis before halving, if the lanes' index is half of the axis. */
  #halved(index: Linear, dtype: ElementType): number | undefined {
    const { lanes } = this;
    if (lanes === undefined || !this.lanesAtPairs || this.copy > 0 || byteSize(dtype) !== 4) return undefined;
    return halvedIn(index, (atom) => this.isVarying(atom), lanes.axis.id)?.constant;
  }

  /** Loads lanes that share elements in pairs; the first lane is alone if it is the second of a pair. */
  #loadTwice(buffer: number, index: Linear, odd: boolean): void {
    const { f } = this;
    const vector = this.scratchVector();
    const pointer = f.local("i32");
    const offset = this.pushAddress(buffer, index);
    f.tee(pointer).memory("v128.load64_zero", offset).set(vector);
    if (odd)
      f.get(pointer)
        .get(vector)
        .memoryLane("v128.load32_lane", 2, offset + 8)
        .set(vector);
    const [a, b, c, d] = odd ? ([0, 1, 1, 2] as const) : ([0, 0, 1, 1] as const);
    f.get(vector).get(vector).shuffle32(a, b, c, d);
    f.release(pointer);
  }

  protected contiguousLoad(dtype: ElementType, offset: number): void {
    const { f } = this;
    if (byteSize(dtype) === 4) {
      f.memory("v128.load", offset);
      return;
    }
    const signed = dtype === "int8" || dtype === "int16" ? "s" : "u";
    if (byteSize(dtype) === 2) f.memory("v128.load64_zero", offset);
    else f.memory("v128.load32_zero", offset).op(`i16x8.extend_low_i8x16_${signed}`);
    f.op(`i32x4.extend_low_i16x8_${signed}`);
    if (dtype === "bool") f.op("i32x4.neg");
  }

  protected stridedLoad(dtype: ElementType, buffer: number, index: Linear, stride: number): void {
    const { f } = this;
    // The address of the lowest lane; the others are at constant offsets.
    const step = Math.abs(stride) * byteSize(dtype);
    const pointer = f.local("i32");
    const offset = this.pushAddress(buffer, stride < 0 ? shifted(index, 3 * stride) : index);
    f.set(pointer);
    const at = (lane: number): number => offset + step * (stride < 0 ? 3 - lane : lane);
    if (byteSize(dtype) === 4) {
      f.get(pointer).memory("v128.load32_zero", at(0)).set(this.scratchVector());
      for (let lane = 1; lane < 4; lane++) {
        f.get(pointer)
          .get(this.scratchVector())
          .memoryLane("v128.load32_lane", lane, at(lane))
          .set(this.scratchVector());
      }
      f.get(this.scratchVector());
    } else {
      this.lanesFrom(dtype, (lane) => f.get(pointer).memory(scalarLoads[dtype], at(lane)));
    }
    f.release(pointer);
  }

  #vectorScratch: number | undefined;
  protected scratchVector(): number {
    this.#vectorScratch ??= this.f.local("v128");
    return this.#vectorScratch;
  }

  /** Gathers lanes from arbitrary addresses. Lanes not taken read the first element. */
  protected gather(value: Extract<Value, { kind: "load" }>, conditional: boolean): void {
    const { f } = this;
    const addresses = f.local("v128");
    const offset = this.pushAddresses(value.buffer, value.index, conditional ? this.mask : undefined);
    f.set(addresses);
    this.lanesFrom(value.dtype, (lane) =>
      f.get(addresses).lane("i32x4.extract_lane", lane).memory(scalarLoads[value.dtype], offset),
    );
    f.release(addresses);
  }

  /** Pushes four addresses and returns their common offset. */
  protected pushAddresses(buffer: number, index: Linear, mask: number | undefined): number {
    const { f } = this;
    this.pushLinearVector(index, byteSize(this.context.buffer(buffer).dtype));
    if (mask !== undefined) f.get(mask).op("v128.and");
    const { slot, byteOffset } = this.context.baseOf(buffer);
    this.pushSlot(slot);
    f.op("i32x4.splat").op("i32x4.add");
    return byteOffset;
  }

  protected pushLinearVector(linear: Linear, scale: number): void {
    const { f } = this;
    let first = true;
    for (const { atom, coefficient } of linear.terms) {
      this.pushVector(atom);
      const factor = coefficient * scale;
      if (factor > 0 && (factor & (factor - 1)) === 0) {
        if (factor > 1) f.i32(31 - Math.clz32(factor)).op("i32x4.shl");
      } else f.i32x4(factor).op("i32x4.mul");
      if (!first) f.op("i32x4.add");
      first = false;
    }
    if (first) f.i32x4(linear.constant * scale);
    else if (linear.constant !== 0) f.i32x4(linear.constant * scale).op("i32x4.add");
  }

  storeScalar(buffer: number, index: Linear, value: Value, accumulate: boolean): void {
    const { f } = this;
    const { dtype } = this.context.buffer(buffer);
    const pointer = f.local("i32");
    const offset = this.pushAddress(buffer, index);
    if (accumulate) {
      f.tee(pointer).get(pointer).memory(scalarLoads[dtype], offset);
      this.pushScalar(value);
      scalarBinary(f, this.context, "add", dtype);
    } else {
      this.pushScalar(value);
    }
    f.memory(scalarStores[dtype], offset).release(pointer);
  }

  storeVector(buffer: number, index: Linear, value: Value, accumulate: boolean): void {
    const { f } = this;
    const { dtype } = this.context.buffer(buffer);
    const stride = this.laneStride(index);
    const result = f.local("v128");
    const pointer = f.local("i32");
    if (stride === 1) {
      this.pushVector(value);
      f.set(result);
      const offset = this.pushAddress(buffer, index);
      f.set(pointer);
      if (accumulate) {
        f.get(pointer);
        this.contiguousLoad(dtype, offset);
        f.get(result);
        vectorBinary(f, this.context, "add", dtype);
        f.set(result);
      }
      f.get(pointer).get(result);
      if (byteSize(dtype) === 4) f.memory("v128.store", offset);
      else if (byteSize(dtype) === 2) {
        f.i32x4(0)
          .shuffle([0, 1, 4, 5, 8, 9, 12, 13, 16, 16, 16, 16, 16, 16, 16, 16])
          .memoryLane("v128.store64_lane", 0, offset);
      } else {
        if (dtype === "bool") f.i32x4(1).op("v128.and");
        f.i32x4(0)
          .shuffle([0, 4, 8, 12, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16])
          .memoryLane("v128.store32_lane", 0, offset);
      }
    } else {
      this.pushVector(value);
      f.set(result);
      const addresses = f.local("v128");
      const offset = this.pushAddresses(buffer, index, undefined);
      f.set(addresses);
      for (let lane = 0; lane < 4; lane++) {
        f.get(addresses).lane("i32x4.extract_lane", lane);
        if (accumulate) f.tee(pointer).get(pointer).memory(scalarLoads[dtype], offset);
        f.get(result);
        this.extractLane(dtype, lane);
        if (accumulate) scalarBinary(f, this.context, "add", dtype);
        f.memory(scalarStores[dtype], offset);
      }
      f.release(addresses);
    }
    f.release(result);
    f.release(pointer);
  }

  /** The distance between neighbouring lanes, in elements; undefined if it varies. */
  laneStride(index: Linear): number | undefined {
    let stride = 0;
    for (const { atom, coefficient } of index.terms) {
      if (this.isLaneAxis(atom)) stride = coefficient;
      else if (this.isVarying(atom)) return undefined;
    }
    return stride === 0 ? undefined : stride;
  }

  extractLane(dtype: ElementType, lane: number): void {
    if (dtype === "float32") this.f.lane("f32x4.extract_lane", lane);
    else this.f.lane("i32x4.extract_lane", lane);
    if (dtype === "bool") this.f.i32(1).op("i32.and");
  }

  /** Builds a vector from scalars pushed one at a time. */
  protected lanesFrom(dtype: ElementType, push: (lane: number) => void): void {
    const { f } = this;
    for (let lane = 0; lane < 4; lane++) {
      push(lane);
      if (lane === 0) f.op(dtype === "float32" ? "f32x4.splat" : "i32x4.splat");
      else f.lane(dtype === "float32" ? "f32x4.replace_lane" : "i32x4.replace_lane", lane);
    }
    if (dtype === "bool") f.op("i32x4.neg");
  }
}

const shifted = (linear: Linear, by: number): Linear => makeLinear(linear.terms, linear.constant + by);
