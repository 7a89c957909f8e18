// What is available in the function being emitted: loop counters, kernel locals, and values already computed in the enclosing scopes.
import type { Axis, Local } from "../../graph/scalar.ts";
import { misplaced, type Value, type ValueTable } from "../analysis/values.ts";
import type { EmitContext } from "./emitter.ts";
import type { FunctionBuilder, ValueType } from "./module.ts";
import { scalarType } from "./operations.ts";

/** The lane axis: `local` holds its first lane; each further copy starts four lanes later. */
interface Lanes {
  readonly axis: Axis;
  readonly local: number;
}

interface Bound {
  readonly local: number;
  readonly depth: number;
}

export class Availability {
  readonly f: FunctionBuilder;
  readonly context: EmitContext;
  readonly values: ValueTable;
  /** The unrolled copy of the vector body being emitted. */
  copy = 0;
  protected lanes: Lanes | undefined;
  /** An axis read at an offset from its counter. */
  protected ahead: { readonly axis: number; readonly by: number } | undefined;
  /** Wasm locals of values, by key, and the keys that each open scope added. */
  readonly #held = new Map<string, number>();
  readonly #scopes: string[][] = [[]];
  readonly #axes = new Map<number, Bound>();
  readonly #locals = new Map<string, Bound>();
  readonly #varying = new Set<number>();

  constructor(f: FunctionBuilder, context: EmitContext, values: ValueTable) {
    this.f = f;
    this.context = context;
    this.values = values;
  }

  get vectorized(): boolean {
    return this.lanes !== undefined;
  }

  bindAxis(axis: Axis, local: number): void {
    this.#axes.set(axis.id, { local, depth: this.#scopes.length });
  }

  bindLanes(axis: Axis, local: number): void {
    this.bindAxis(axis, local);
    this.lanes = { axis, local };
    this.#varying.add(axis.id);
  }

  endLanes(): void {
    this.lanes = undefined;
    this.#varying.clear();
    this.copy = 0;
  }

  /** Emits the body at an offset along an axis. */
  further(axis: Axis, by: number, body: () => void): void {
    this.ahead = by === 0 ? undefined : { axis: axis.id, by };
    body();
    this.ahead = undefined;
  }

  /** A key suffix that separates values at an offset along the axis from those at its counter. */
  protected whereAhead(value: Value): string {
    return this.ahead !== undefined && value.deps.has(this.ahead.axis) ? `+${this.ahead.by}` : "";
  }

  /** Binds a kernel local to a wasm local; a v128 holds one value per lane of the current copy. */
  bindLocal(local: Local, wasmLocal: number): void {
    const lanes = this.f.typeOf(wasmLocal) === "v128";
    if (lanes) this.#varying.add(local.id);
    this.#locals.set(lanes ? `${local.id}.${this.copy}` : `${local.id}`, {
      local: wasmLocal,
      depth: this.#scopes.length,
    });
  }

  /** Values that become available in the body are forgotten after it. */
  scope(body: () => void): void {
    this.#scopes.push([]);
    body();
    for (const key of this.#scopes.pop() ?? []) {
      const local = this.#held.get(key);
      if (local !== undefined) this.f.release(local);
      this.#held.delete(key);
    }
  }

  /** Whether the value differs from lane to lane. */
  isVarying(value: Value): boolean {
    if (this.#varying.size === 0) return false;
    for (const dep of value.deps) if (this.#varying.has(dep)) return true;
    return false;
  }

  protected isLaneAxis(value: Value): boolean {
    return value.kind === "axis" && value.axis.id === this.lanes?.axis.id;
  }

  protected axisLocal(axis: Axis): number {
    const bound = this.#axes.get(axis.id);
    if (bound === undefined) throw misplaced(`axis ${axis.id} outside its loop`);
    return bound.local;
  }

  protected localOf(local: Local, lanes: boolean): number {
    const bound = this.#locals.get(lanes ? `${local.id}.${this.copy}` : `${local.id}`);
    if (bound === undefined) throw misplaced(`local ${local.id} before it is bound`);
    return bound.local;
  }

  /** The scope depth at which the value first becomes available. */
  protected depthOf(value: Value): number {
    let depth = 0;
    for (const dep of value.deps) {
      depth = Math.max(depth, this.#axes.get(dep)?.depth ?? this.#locals.get(`${dep}`)?.depth ?? 0);
    }
    return depth;
  }

  protected lookup(key: string): number | undefined {
    return this.#held.get(key);
  }

  /** A value as a scalar (`s…`) or as a vector, computed if it is not yet available. */
  protected cached(key: string, value: Value, compute: () => void): void {
    const type = key.startsWith("s") ? scalarType(value.dtype) : "v128";
    this.cachedLocal(`${key}${this.whereAhead(value)}`, type, compute);
  }

  protected cachedLocal(key: string, type: ValueType, compute: () => void): void {
    const local = this.#held.get(key);
    if (local !== undefined) {
      this.f.get(local);
      return;
    }
    compute();
    this.keep(key, type);
  }

  /** Leaves the value on the stack and makes it available under this key until the scope ends. */
  protected keep(key: string, type: ValueType): void {
    const local = this.f.local(type);
    this.f.tee(local);
    this.#held.set(key, local);
    this.#scopes.at(-1)?.push(key);
  }
}
