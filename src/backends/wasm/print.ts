// WebAssembly as readable text: the functions of a module, disassembled.
import { InternalError } from "../../graph/errors.ts";
import type { FunctionBuilder, ModuleBuilder } from "./module.ts";
import { laneOpcodes, memoryLaneOpcodes, memoryOpcodes, plainOpcodes, structureOpcodes } from "./opcodes.ts";

type Form = "plain" | "memory" | "lane" | "memoryLane" | "structure";

const opcodes: ReadonlyMap<number, { readonly name: string; readonly form: Form }> = new Map([
  ...Object.entries(plainOpcodes).map(([name, code]) => [code, { name, form: "plain" as Form }] as const),
  ...Object.entries(memoryOpcodes).map(([name, [code]]) => [code, { name, form: "memory" as Form }] as const),
  ...Object.entries(laneOpcodes).map(([name, code]) => [code, { name, form: "lane" as Form }] as const),
  ...Object.entries(memoryLaneOpcodes).map(([name, [code]]) => [code, { name, form: "memoryLane" as Form }] as const),
  ...Object.entries(structureOpcodes).map(([name, code]) => [code, { name, form: "structure" as Form }] as const),
]);

/** The module in the text format, one instruction on a line, indented by its blocks. */
export function print(module: ModuleBuilder): string {
  const { memory } = module;
  const sharing = memory.shared ? " shared" : "";
  const lines = [
    `(module (import "${memory.module}" "${memory.name}" (memory ${memory.minPages} ${memory.maxPages}${sharing}))`,
  ];
  for (const fn of module.functions) lines.push(...printFunction(fn, module));
  lines.push(")");
  return `${lines.join("\n")}\n`;
}

function printFunction(fn: FunctionBuilder, module: ModuleBuilder): string[] {
  const { locals, instructions } = fn.body();
  const signature = [
    ...fn.params.map((type) => `(param ${type})`),
    ...fn.results.map((type) => `(result ${type})`),
    ...(module.isExported(fn) ? [`(export "${fn.name}")`] : []),
  ];
  const lines = [`  (func $${fn.index} (; ${fn.name} ;) ${signature.join(" ")}`];
  const own = locals.slice(fn.params.length);
  if (own.length > 0) lines.push(`    (local ${own.join(" ")})`);
  const reader = new Reader(instructions);
  let depth = 2;
  while (!reader.done) {
    const text = instruction(reader, module);
    if (text === "end" || text === "else") depth--;
    lines.push(`${"  ".repeat(depth)}${text}`);
    if (/^(block|loop|if|else)/.test(text)) depth++;
  }
  lines.push("  )");
  return lines;
}

function instruction(reader: Reader, module: ModuleBuilder): string {
  const first = reader.byte();
  const code = first >= 0xfc ? (first << 8) | reader.unsigned() : first;
  const opcode = opcodes.get(code);
  if (opcode === undefined) throw new InternalError(`instruction 0x${code.toString(16)} cannot be printed`);
  const { name, form } = opcode;
  switch (form) {
    case "plain":
      return name;
    case "memory":
      return `${name}${address(reader)}`;
    case "lane":
      return `${name} ${reader.byte()}`;
    case "memoryLane":
      return `${name}${address(reader)} ${reader.byte()}`;
    case "structure":
      return structure(code, name, reader, module);
  }
}

function address(reader: Reader): string {
  reader.unsigned();
  const offset = reader.unsigned();
  return offset === 0 ? "" : ` offset=${offset}`;
}

const blockTypes: ReadonlyMap<number, string> = new Map([
  [0x40, ""],
  [0x7f, " (result i32)"],
  [0x7e, " (result i64)"],
  [0x7d, " (result f32)"],
  [0x7c, " (result f64)"],
  [0x7b, " (result v128)"],
]);

function structure(code: number, name: string, reader: Reader, module: ModuleBuilder): string {
  switch (code) {
    case structureOpcodes.block:
    case structureOpcodes.loop:
    case structureOpcodes.if:
      return `${name}${blockTypes.get(reader.byte()) ?? ""}`;
    case structureOpcodes.br:
      return `br ${reader.unsigned()}`;
    case structureOpcodes.brIf:
      return `br_if ${reader.unsigned()}`;
    case structureOpcodes.call: {
      const callee = reader.unsigned();
      return `call $${callee} (; ${module.functions[callee]?.name ?? ""} ;)`;
    }
    case structureOpcodes.localGet:
      return `local.get ${reader.unsigned()}`;
    case structureOpcodes.localSet:
      return `local.set ${reader.unsigned()}`;
    case structureOpcodes.localTee:
      return `local.tee ${reader.unsigned()}`;
    case structureOpcodes.i32Const:
      return `i32.const ${BigInt.asIntN(32, reader.signed())}`;
    case structureOpcodes.i64Const:
      return `i64.const ${reader.signed()}`;
    case structureOpcodes.f32Const:
      return `f32.const ${reader.view(4).getFloat32(0, true)}`;
    case structureOpcodes.f64Const:
      return `f64.const ${reader.view(8).getFloat64(0, true)}`;
    case structureOpcodes.v128Const: {
      const view = reader.view(16);
      const lanes = [0, 4, 8, 12].map((place) => `0x${view.getUint32(place, true).toString(16)}`);
      const floats = [0, 4, 8, 12].map((place) => view.getFloat32(place, true));
      return `v128.const i32x4 ${lanes.join(" ")} (; ${floats.join(" ")} ;)`;
    }
    case structureOpcodes.shuffle:
      return `i8x16.shuffle ${Array.from({ length: 16 }, () => reader.byte()).join(" ")}`;
    case structureOpcodes.memoryCopy:
      reader.byte();
      reader.byte();
      return "memory.copy";
    case structureOpcodes.memoryFill:
      reader.byte();
      return "memory.fill";
    default:
      return name;
  }
}

class Reader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #place = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#place >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#place++] ?? 0;
  }

  unsigned(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  signed(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return byte & 0x40 ? value - (1n << (shift + 7n)) : value;
    }
  }

  view(bytes: number): DataView {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#place, bytes);
    this.#place += bytes;
    return view;
  }
}
