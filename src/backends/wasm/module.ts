// Writes WebAssembly: a function builder that appends instructions by name, and a module that encodes itself to bytes.
import { InternalError } from "../../graph/errors.ts";
import {
  structureOpcodes as code,
  type LaneOpcode,
  laneOpcodes,
  type MemoryLaneOpcode,
  type MemoryOpcode,
  memoryLaneOpcodes,
  memoryOpcodes,
  type PlainOpcode,
  plainOpcodes,
} from "./opcodes.ts";

export type { MemoryOpcode } from "./opcodes.ts";

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

const typeCodes: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const emptyBlock = 0x40;

/** A branch target: `br(label)` leaves a block or an if, and repeats a loop. */
export interface Label {
  readonly depth: number;
}

const scratch = new DataView(new ArrayBuffer(8));

/** A growing byte string with WebAssembly's number encodings. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #used = 0;

  get length(): number {
    return this.#used;
  }

  byte(value: number): void {
    if (this.#used === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#used++] = value;
  }

  append(bytes: Uint8Array): void {
    if (this.#used + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  unsigned(value: number): void {
    while (value >= 0x80) {
      this.byte((value % 0x80) | 0x80);
      value = Math.floor(value / 0x80);
    }
    this.byte(value);
  }

  signed(value: number): void {
    value |= 0;
    for (;;) {
      const low = value & 0x7f;
      value >>= 7;
      if ((value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  signed64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    for (;;) {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      if ((rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  int32(value: number): void {
    scratch.setInt32(0, value, true);
    this.#scratch(4);
  }

  float32(value: number): void {
    scratch.setFloat32(0, value, true);
    this.#scratch(4);
  }

  float64(value: number): void {
    scratch.setFloat64(0, value, true);
    this.#scratch(8);
  }

  #scratch(bytes: number): void {
    for (let place = 0; place < bytes; place++) this.byte(scratch.getUint8(place));
  }

  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.unsigned(bytes.length);
    this.append(bytes);
  }

  /** An opcode of the tables: one byte, or a prefix byte and an index. */
  opcode(value: number): void {
    if (value <= 0xff) {
      this.byte(value);
    } else {
      this.byte(value >> 8);
      this.unsigned(value & 0xff);
    }
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#used);
  }

  #grow(by: number): void {
    const wider = new Uint8Array(Math.max(this.#bytes.length * 2, this.#used + by));
    wider.set(this.#bytes);
    this.#bytes = wider;
  }
}

/** One function. Methods append instructions in stack order and return the builder. */
export class FunctionBuilder {
  readonly name: string;
  /** The function's index in the module, for `call`. */
  readonly index: number;
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly #code = new ByteWriter();
  readonly #localTypes: ValueType[];
  readonly #free: Record<ValueType, number[]> = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  private depth = 0;

  constructor(name: string, index: number, params: readonly ValueType[], results: readonly ValueType[]) {
    this.name = name;
    this.index = index;
    this.params = params;
    this.results = results;
    this.#localTypes = [...params];
  }

  /** A local variable: params come first, at 0, 1, … */
  local(type: ValueType): number {
    const free = this.#free[type].pop();
    if (free !== undefined) return free;
    this.#localTypes.push(type);
    return this.#localTypes.length - 1;
  }

  /** Releases a local for reuse; its value is lost. */
  release(local: number): void {
    this.#free[this.typeOf(local)].push(local);
  }

  typeOf(local: number): ValueType {
    const type = this.#localTypes[local];
    if (type === undefined) throw new InternalError(`${this.name} has no local ${local}`);
    return type;
  }

  op(name: PlainOpcode): this {
    this.#code.opcode(plainOpcodes[name]);
    return this;
  }

  /** A load, store or atomic at (address on the stack) + offset. Unaligned addresses are legal, except for atomics. */
  memory(name: MemoryOpcode, offset = 0): this {
    const [opcode, align] = memoryOpcodes[name];
    this.#code.opcode(opcode);
    // For atomics, the natural alignment is required; otherwise it is only a hint, which V8 ignores.
    this.#code.unsigned(align);
    this.#code.unsigned(offset);
    return this;
  }

  lane(name: LaneOpcode, lane: number): this {
    this.#code.opcode(laneOpcodes[name]);
    this.#code.byte(lane);
    return this;
  }

  memoryLane(name: MemoryLaneOpcode, lane: number, offset = 0): this {
    const [opcode, align] = memoryLaneOpcodes[name];
    this.#code.opcode(opcode);
    this.#code.unsigned(align);
    this.#code.unsigned(offset);
    this.#code.byte(lane);
    return this;
  }

  /** Sixteen lane numbers: 0–15 take bytes of the first operand, 16–31 of the second. */
  shuffle(lanes: readonly number[]): this {
    if (lanes.length !== 16) throw new InternalError(`a shuffle takes 16 lanes, not ${lanes.length}`);
    this.#code.opcode(code.shuffle);
    for (const lane of lanes) this.#code.byte(lane);
    return this;
  }

  /** Shuffles 32-bit lanes: four numbers, 0–3 of the first operand and 4–7 of the second. */
  shuffle32(a: number, b: number, c: number, d: number): this {
    return this.shuffle([a, b, c, d].flatMap((lane) => [lane * 4, lane * 4 + 1, lane * 4 + 2, lane * 4 + 3]));
  }

  i32(value: number): this {
    this.#code.opcode(code.i32Const);
    this.#code.signed(value);
    return this;
  }

  i64(value: bigint): this {
    this.#code.opcode(code.i64Const);
    this.#code.signed64(value);
    return this;
  }

  f32(value: number): this {
    this.#code.opcode(code.f32Const);
    this.#code.float32(value);
    return this;
  }

  f64(value: number): this {
    this.#code.opcode(code.f64Const);
    this.#code.float64(value);
    return this;
  }

  i32x4(value: number): this {
    return this.i32Lanes(value, value, value, value);
  }

  f32x4(value: number): this {
    this.#code.opcode(code.v128Const);
    for (let lane = 0; lane < 4; lane++) this.#code.float32(value);
    return this;
  }

  f64x2(value: number): this {
    this.#code.opcode(code.v128Const);
    for (let lane = 0; lane < 2; lane++) this.#code.float64(value);
    return this;
  }

  /** Four different 32-bit integers. */
  i32Lanes(a: number, b: number, c: number, d: number): this {
    this.#code.opcode(code.v128Const);
    for (const lane of [a, b, c, d]) this.#code.int32(lane);
    return this;
  }

  get(local: number): this {
    this.#code.opcode(code.localGet);
    this.#code.unsigned(local);
    return this;
  }

  set(local: number): this {
    this.#code.opcode(code.localSet);
    this.#code.unsigned(local);
    return this;
  }

  tee(local: number): this {
    this.#code.opcode(code.localTee);
    this.#code.unsigned(local);
    return this;
  }

  call(callee: FunctionBuilder): this {
    this.#code.opcode(code.call);
    this.#code.unsigned(callee.index);
    return this;
  }

  block(body: (label: Label) => void): this {
    return this.#structure(code.block, body);
  }

  loop(body: (label: Label) => void): this {
    return this.#structure(code.loop, body);
  }

  /** Pops the condition from the stack. */
  if(body: (label: Label) => void, otherwise?: (label: Label) => void, result?: ValueType): this {
    const both = (label: Label): void => {
      body(label);
      if (otherwise === undefined) return;
      this.#code.opcode(code.else);
      otherwise(label);
    };
    return this.#structure(code.if, both, result);
  }

  br(label: Label): this {
    this.#code.opcode(code.br);
    this.#code.unsigned(this.depth - label.depth);
    return this;
  }

  brIf(label: Label): this {
    this.#code.opcode(code.brIf);
    this.#code.unsigned(this.depth - label.depth);
    return this;
  }

  /** (destination, byte, bytes) from the stack. */
  memoryFill(): this {
    this.#code.opcode(code.memoryFill);
    this.#code.byte(0);
    return this;
  }

  /** For encoding: the types of all locals, params first, and the instructions. */
  body(): { readonly locals: readonly ValueType[]; readonly instructions: Uint8Array<ArrayBuffer> } {
    if (this.depth !== 0) throw new InternalError(`${this.name} ends inside a block`);
    return { locals: this.#localTypes, instructions: this.#code.finish() };
  }

  #structure(opcode: number, body: (label: Label) => void, result?: ValueType): this {
    this.#code.opcode(opcode);
    this.#code.byte(result === undefined ? emptyBlock : typeCodes[result]);
    this.depth++;
    body({ depth: this.depth });
    this.depth--;
    this.#code.opcode(code.end);
    return this;
  }
}

export interface MemoryImport {
  readonly module: string;
  readonly name: string;
  readonly minPages: number;
  readonly maxPages: number;
  readonly shared: boolean;
}

/** A module over one imported memory. */
export class ModuleBuilder {
  readonly memory: MemoryImport;
  readonly functions: FunctionBuilder[] = [];
  readonly #exported = new Set<FunctionBuilder>();
  readonly #segments: { readonly offset: number; readonly bytes: Uint8Array }[] = [];

  constructor(memory: MemoryImport) {
    this.memory = memory;
  }

  /** Declares a function. Bodies may be filled in any order, and calls may precede them. */
  function(
    name: string,
    params: readonly ValueType[],
    results: readonly ValueType[] = [],
    options: { readonly export?: boolean } = {},
  ): FunctionBuilder {
    const builder = new FunctionBuilder(name, this.functions.length, params, results);
    this.functions.push(builder);
    if (options.export) this.#exported.add(builder);
    return builder;
  }

  /** Bytes copied into the memory when the module is instantiated. */
  data(offset: number, bytes: Uint8Array): void {
    this.#segments.push({ offset, bytes });
  }

  encode(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter();
    for (const byte of [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]) out.byte(byte);
    const signatures = new Map<string, number>();
    const types = new ByteWriter();
    const typeIndexes = this.functions.map((fn) => {
      const key = `${fn.params.join()}>${fn.results.join()}`;
      const known = signatures.get(key);
      if (known !== undefined) return known;
      types.byte(0x60);
      for (const list of [fn.params, fn.results]) {
        types.unsigned(list.length);
        for (const type of list) types.byte(typeCodes[type]);
      }
      signatures.set(key, signatures.size);
      return signatures.size - 1;
    });
    section(out, 1, signatures.size, types);

    const imports = new ByteWriter();
    imports.name(this.memory.module);
    imports.name(this.memory.name);
    imports.byte(0x02);
    imports.byte(this.memory.shared ? 0x03 : 0x01);
    imports.unsigned(this.memory.minPages);
    imports.unsigned(this.memory.maxPages);
    section(out, 2, 1, imports);

    const declarations = new ByteWriter();
    for (const index of typeIndexes) declarations.unsigned(index);
    section(out, 3, this.functions.length, declarations);

    const exports = new ByteWriter();
    for (const fn of this.#exported) {
      exports.name(fn.name);
      exports.byte(0x00);
      exports.unsigned(fn.index);
    }
    section(out, 7, this.#exported.size, exports);

    const bodies = new ByteWriter();
    for (const fn of this.functions) {
      const body = encodeBody(fn);
      bodies.unsigned(body.length);
      bodies.append(body);
    }
    section(out, 10, this.functions.length, bodies);

    if (this.#segments.length > 0) {
      const data = new ByteWriter();
      for (const { offset, bytes } of this.#segments) {
        data.byte(0x00);
        data.opcode(code.i32Const);
        data.signed(offset);
        data.opcode(code.end);
        data.unsigned(bytes.length);
        data.append(bytes);
      }
      section(out, 11, this.#segments.length, data);
    }
    return out.finish();
  }
}

function section(out: ByteWriter, id: number, count: number, items: ByteWriter): void {
  const body = new ByteWriter();
  body.unsigned(count);
  body.append(items.finish());
  out.byte(id);
  out.unsigned(body.length);
  out.append(body.finish());
}

function encodeBody(fn: FunctionBuilder): Uint8Array {
  const { locals, instructions } = fn.body();
  const groups: { type: ValueType; count: number }[] = [];
  for (const type of locals.slice(fn.params.length)) {
    const last = groups.at(-1);
    if (last?.type === type) last.count++;
    else groups.push({ type, count: 1 });
  }
  const out = new ByteWriter();
  out.unsigned(groups.length);
  for (const { type, count } of groups) {
    out.unsigned(count);
    out.byte(typeCodes[type]);
  }
  out.append(instructions);
  out.opcode(code.end);
  return out.finish();
}
