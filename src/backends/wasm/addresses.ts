// Addresses as sums of scaled terms, outermost loop first, so that each loop adds only what it changes.
import { byteSize } from "../../graph/dtype.ts";
import type { Linear, Value } from "../analysis/values.ts";
import { Availability } from "./availability.ts";

/** A term of an address: the address in a slot of the table, or a value times a scale in bytes. */
interface Place {
  readonly key: string;
  readonly depth: number;
  readonly atom: Value | undefined;
  /** The scale in bytes, or the slot. */
  readonly scale: number;
}

/** A sum of terms and a constant to push; `offset` goes into the instruction. */
export interface Address {
  readonly places: readonly Place[];
  readonly constant: number;
  readonly offset: number;
}

export abstract class Addresses extends Availability {
  abstract pushScalar(value: Value): void;

  pushBase(buffer: number): void {
    const { slot, byteOffset } = this.context.baseOf(buffer);
    this.pushSlot(slot);
    if (byteOffset !== 0) this.f.i32(byteOffset).op("i32.add");
  }

  protected pushSlot(slot: number): void {
    this.cachedLocal(`b${slot}`, "i32", () => this.context.pushSlot(this.f, slot));
  }

  protected addressOf(buffer: number, index: Linear): Address {
    const size = byteSize(this.context.buffer(buffer).dtype);
    const { slot, byteOffset } = this.context.baseOf(buffer);
    const places: Place[] = [{ key: `b${slot}`, depth: 0, atom: undefined, scale: slot }];
    const constant = index.constant * size + byteOffset;
    let negative = false;
    // The offset of unrolled copies, and of points further along an axis.
    let shift = 0;
    for (const { atom, coefficient } of index.terms) {
      const scale = coefficient * size;
      if (this.isLaneAxis(atom)) shift += 4 * this.copy * scale;
      if (atom.kind === "axis" && atom.axis.id === this.ahead?.axis) shift += this.ahead.by * scale;
      if (scale < 0 || atom.min < 0) negative = true;
      places.push({ key: this.#scaledKey(atom, scale), depth: this.depthOf(atom), atom, scale });
    }
    places.sort((a, b) => a.depth - b.depth);
    // An instruction's offset cannot make up for a negative address, so such constants go into the sum.
    if (!negative && constant >= 0 && shift >= 0) return { places, constant: 0, offset: constant + shift };
    return shift >= 0 ? { places, constant, offset: shift } : { places, constant: constant + shift, offset: 0 };
  }

  /** Pushes the address without its offset, and returns the offset. */
  protected pushAddress(buffer: number, index: Linear): number {
    const { places, constant, offset } = this.addressOf(buffer, index);
    this.pushSum(places, constant);
    return offset;
  }

  protected pushSum(places: readonly Place[], constant: number): void {
    const { f } = this;
    if (places.length === 0) {
      f.i32(constant);
      return;
    }
    const keys: string[] = [];
    let key = `p${constant}`;
    for (const place of places) {
      key += `+${place.key}`;
      keys.push(key);
    }
    let done = places.length;
    let held: number | undefined;
    for (; done > 0; done--) {
      held = this.lookup(keys[done - 1] ?? "");
      if (held !== undefined) break;
    }
    if (held !== undefined) f.get(held);
    for (let count = done; count < places.length; count++) {
      const place = places[count];
      if (place === undefined) continue;
      if (place.atom === undefined) this.pushSlot(place.scale);
      else this.#pushScaled(place.atom, place.scale);
      if (count > 0) f.op("i32.add");
      else if (constant !== 0) f.i32(constant).op("i32.add");
      const next = places[count + 1];
      const boundary = next === undefined || next.depth > place.depth;
      if (boundary && (count > 0 || constant !== 0)) this.keep(keys[count] ?? "", "i32");
    }
  }

  /** The key of a term, without the offset of an axis from its counter. */
  #scaledKey(atom: Value, scale: number): string {
    return `${scale}*${atom.id}${atom.kind === "axis" ? "" : this.whereAhead(atom)}`;
  }

  #pushScaled(atom: Value, scale: number): void {
    const push = (): void => {
      if (atom.kind === "axis") this.f.get(this.axisLocal(atom.axis));
      else this.pushScalar(atom);
    };
    if (scale === 1) return push();
    this.cachedLocal(`t${this.#scaledKey(atom, scale)}`, "i32", () => {
      push();
      if (scale > 0 && (scale & (scale - 1)) === 0) this.f.i32(31 - Math.clz32(scale)).op("i32.shl");
      else this.f.i32(scale).op("i32.mul");
    });
  }
}
