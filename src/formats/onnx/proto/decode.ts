// Decodes a message by its table. Bytes stay views of the file; every length and depth is checked, and an error gives the offset.
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { HebbError } from "../../../graph/errors.ts";
import type { Packed } from "./messages.ts";
import type { Field, Message, PackedKind, Scalar } from "./schema.ts";

/** A nested graph takes three messages: node, attribute, graph. */
const maxDepth = 100;
/** More than any real model has; a file of empty messages would take far more memory than its bytes. */
const maxMessages = 300_000;
const maxStrings = 500_000;
/** Limit of entries in lists of sizes and of attributes; weights are views of the file. */
const maxNumbers = 2_000_000;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const nothing: readonly never[] = Object.freeze([]);

class Decoder {
  readonly #file: Uint8Array;
  readonly #reader: BinaryReader;
  readonly #name: string;
  /** The reader's position in the message: graph, node[3], … */
  readonly #path: string[] = [];
  #messages = 0;
  #strings = 0;
  #numbers = 0;

  constructor(bytes: Uint8Array, name: string) {
    this.#file = bytes;
    this.#reader = new BinaryReader(bytes);
    this.#name = name;
  }

  message(message: Message): object {
    return this.#message(message, this.#reader.len);
  }

  #fail(problem: string): HebbError {
    const path = this.#path.join(".").slice(-300);
    return new HebbError(
      `${this.#name}${path === "" ? "" : `: ${path}`}: ${problem} at byte ${this.#reader.pos}; the file is truncated, damaged or not ONNX`,
    );
  }

  #message(message: Message, end: number): object {
    if (this.#path.length >= maxDepth) throw this.#fail(`messages are nested more than ${maxDepth} deep`);
    if (++this.#messages > maxMessages) throw this.#fail(`there are more than ${maxMessages} messages`);
    const out: Record<string, unknown> = {};
    for (const [name, field] of message.byNumber.values()) if (field.repeated) out[name] = nothing;
    while (this.#reader.pos < end) {
      const [no, type] = this.#tag(end);
      const found = message.byNumber.get(no);
      if (found === undefined) {
        this.#skip(no, type, end);
        continue;
      }
      const [name, field] = found;
      const before = out[name];
      this.#path.push(field.repeated ? `${name}[${Array.isArray(before) ? before.length : 0}]` : name);
      if (field.repeated) {
        const list = before === nothing ? [] : before;
        out[name] = list;
        if (Array.isArray(list)) this.#append(list, field, type, end);
      } else if (isPacked(field.kind)) out[name] = this.#packed(before, field.kind, type, end);
      else {
        if (before !== undefined) throw this.#fail("the field occurs twice");
        out[name] = this.#value(field.kind, type, end);
      }
      this.#path.pop();
    }
    return out;
  }

  /** The reader's result, or an error with the position; a value must end within its message. */
  #read<T>(end: number, what: () => T): T {
    let value: T;
    try {
      value = what();
    } catch (error) {
      throw this.#fail(
        error instanceof Error ? `unreadable bytes (${error.message.slice(0, 100)})` : "unreadable bytes",
      );
    }
    if (this.#reader.pos > end) throw this.#fail("a value reaches beyond the message that holds it");
    return value;
  }

  #tag(end: number): [number, WireType] {
    return this.#read(end, () => this.#reader.tag());
  }

  #skip(no: number, type: WireType, end: number): void {
    if (type === WireType.StartGroup || type === WireType.EndGroup)
      throw this.#fail("a group, which ONNX does not use,");
    this.#read(end, () => this.#reader.skip(type, no));
  }

  #expect(type: WireType, wanted: WireType): void {
    if (type !== wanted) throw this.#fail(`a field of wire type ${type} instead of ${wanted}`);
  }

  #bytes(end: number): Uint8Array {
    return this.#read(end, () => this.#reader.bytes());
  }

  #append(list: unknown[], field: Field, type: WireType, end: number): void {
    const { kind } = field;
    const numeric = kind === "int" || kind === "int32" || kind === "int64" || kind === "float";
    if (!numeric || type !== WireType.LengthDelimited) {
      if (numeric) this.#count();
      if (!isPacked(kind)) list.push(this.#value(kind, type, end));
      return;
    }
    const length = this.#read(end, () => this.#reader.uint32());
    const stop = this.#reader.pos + length;
    if (stop > end) throw this.#fail(`a list of ${length} bytes reaches beyond the message that holds it`);
    while (this.#reader.pos < stop) {
      this.#count();
      list.push(this.#number(kind, stop));
    }
  }

  #count(): void {
    if (++this.#numbers > maxNumbers)
      throw this.#fail(`there are more than ${maxNumbers} numbers in attributes and shapes`);
  }

  #value(kind: Scalar | (() => Message), type: WireType, end: number): unknown {
    switch (kind) {
      case "int32":
      case "int":
      case "int64":
        this.#expect(type, WireType.Varint);
        return this.#number(kind, end);
      case "float":
        this.#expect(type, WireType.Bit32);
        return this.#number(kind, end);
      case "string":
        this.#expect(type, WireType.LengthDelimited);
        return this.#string(end);
      case "bytes":
        this.#expect(type, WireType.LengthDelimited);
        if (++this.#strings > maxStrings) throw this.#fail(`there are more than ${maxStrings} strings`);
        return this.#bytes(end);
      default: {
        this.#expect(type, WireType.LengthDelimited);
        const length = this.#read(end, () => this.#reader.uint32());
        const stop = this.#reader.pos + length;
        if (stop > end) throw this.#fail(`a message of ${length} bytes reaches beyond the one that holds it`);
        return this.#message(kind(), stop);
      }
    }
  }

  #string(end: number): string {
    if (++this.#strings > maxStrings) throw this.#fail(`there are more than ${maxStrings} strings`);
    const bytes = this.#bytes(end);
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.#fail("text that is not UTF-8");
    }
  }

  #number(kind: "int32" | "int" | "int64" | "float", end: number): number | bigint {
    if (kind === "float") return this.#read(end, () => this.#reader.float());
    if (kind === "int32") return this.#read(end, () => this.#reader.int32());
    const value = BigInt(this.#read(end, () => this.#reader.int64()));
    if (kind === "int64") return value;
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw this.#fail(`the size ${value}, which is too large,`);
    return number;
  }

  /** Adds a view of the values; a single value, as in old files, also becomes a view. */
  #packed(before: unknown, kind: PackedKind, type: WireType, end: number): Packed {
    const chunks = isChunks(before) ? before.chunks : [];
    const alone = kind === "packed4" ? WireType.Bit32 : kind === "packed8" ? WireType.Bit64 : WireType.Varint;
    if (type === alone) {
      const start = this.#reader.pos;
      this.#skip(1, type, end);
      if (++this.#messages > maxMessages) throw this.#fail(`there are more than ${maxMessages} unpacked values`);
      chunks.push(this.#file.subarray(start, this.#reader.pos));
    } else {
      this.#expect(type, WireType.LengthDelimited);
      chunks.push(this.#bytes(end));
    }
    return isChunks(before) ? before : { chunks };
  }
}

const isPacked = (kind: Field["kind"]): kind is PackedKind =>
  kind === "packed4" || kind === "packed8" || kind === "packedVarint";
const isChunks = (value: unknown): value is { readonly chunks: Uint8Array[] } => value !== undefined;

/** Decodes the bytes of one message. `name` is the name in errors; normally the file's. */
export function decode<M extends object>(message: Message<M>, bytes: Uint8Array, name = "the file"): M {
  return new Decoder(bytes, name).message(message) as M;
}
