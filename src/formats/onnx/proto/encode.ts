// Encodes a message by its table, in parts: large byte arrays are passed through, so that a model is not copied.
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { HebbError } from "../../../graph/errors.ts";
import { describe } from "../../../graph/kinds.ts";
import type { Draft, Packed } from "./messages.ts";
import type { Field, Message } from "./schema.ts";

/** The limit of a protobuf message, and therefore of an ONNX file without external data. */
const maxBytes = 2 ** 31 - 1;
/** Smaller byte arrays are copied next to their neighbours. */
const smallBytes = 4096;

/** The bytes of a message as consecutive parts. */
export interface Encoded {
  readonly parts: readonly Uint8Array[];
  readonly byteLength: number;
}

class PartWriter {
  readonly parts: Uint8Array[] = [];
  byteLength = 0;
  readonly #writer = new BinaryWriter();
  #pending = false;

  write(use: (writer: BinaryWriter) => void): void {
    use(this.#writer);
    this.#pending = true;
  }

  bytes(bytes: Uint8Array): void {
    if (bytes.byteLength < smallBytes) {
      this.write((writer) => writer.raw(bytes));
      return;
    }
    this.flush();
    this.#add(bytes);
  }

  flush(): void {
    if (!this.#pending) return;
    this.#pending = false;
    this.#add(this.#writer.finish());
  }

  #add(bytes: Uint8Array): void {
    this.parts.push(bytes);
    this.byteLength += bytes.byteLength;
  }
}

const refuse = (where: string, value: unknown, wanted: string): HebbError =>
  new HebbError(`${where} is ${describe(value)}; it must be ${wanted}`);

function isPackedData(value: unknown): value is Packed {
  return typeof value === "object" && value !== null && "chunks" in value && Array.isArray(value.chunks);
}

function writeInteger(writer: BinaryWriter, value: unknown, where: string): void {
  const whole = typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value));
  if (!whole) throw refuse(where, value, "a whole number");
  const big = BigInt(value);
  if (BigInt.asIntN(64, big) !== big) throw refuse(where, value, "an int64");
  writer.int64(big);
}

function writeDelimited(out: PartWriter, no: number, bytes: Uint8Array): void {
  out.write((writer) => writer.tag(no, WireType.LengthDelimited).uint32(bytes.byteLength));
  out.bytes(bytes);
}

function writeValue(out: PartWriter, field: Field, value: unknown, where: string): void {
  const { no, kind } = field;
  switch (kind) {
    case "int32":
    case "int":
    case "int64":
      out.write((writer) => writeInteger(writer.tag(no, WireType.Varint), value, where));
      return;
    case "float":
      if (typeof value !== "number") throw refuse(where, value, "a number");
      // A value beyond float32's largest becomes infinite, as in a cast.
      out.write((writer) => writer.tag(no, WireType.Bit32).float(Math.fround(value)));
      return;
    case "string":
      if (typeof value !== "string") throw refuse(where, value, "a string");
      out.write((writer) => writer.tag(no, WireType.LengthDelimited).string(value));
      return;
    case "bytes":
      if (!(value instanceof Uint8Array)) throw refuse(where, value, "a Uint8Array");
      writeDelimited(out, no, value);
      return;
    case "packed4":
    case "packed8":
    case "packedVarint":
      if (!isPackedData(value)) throw refuse(where, value, "packed numbers");
      for (const chunk of value.chunks) writeDelimited(out, no, chunk);
      return;
    default: {
      if (typeof value !== "object" || value === null) throw refuse(where, value, "an object");
      const inner = encodeParts(kind(), value, where);
      out.write((writer) => writer.tag(no, WireType.LengthDelimited).uint32(inner.byteLength));
      for (const part of inner.parts) out.bytes(part);
    }
  }
}

/** Repeated numeric fields, as one packed list. */
function writePackedList(out: PartWriter, field: Field, values: readonly unknown[], where: string): void {
  const inner = new BinaryWriter();
  for (const [at, value] of values.entries()) {
    if (field.kind !== "float") writeInteger(inner, value, `${where}[${at}]`);
    else if (typeof value === "number") inner.float(Math.fround(value));
    else throw refuse(`${where}[${at}]`, value, "a number");
  }
  writeDelimited(out, field.no, inner.finish());
}

function encodeParts(message: Message, value: object, where: string): Encoded {
  const out = new PartWriter();
  for (const [name, given] of Object.entries(value)) {
    const field = message.fields[name];
    if (field === undefined)
      throw new HebbError(
        `${where}: ${message.name} has no field ${name}; its fields are ${Object.keys(message.fields).join(", ")}`,
      );
    if (given === undefined) continue;
    const place = `${where}.${name}`;
    if (!field.repeated) writeValue(out, field, given, place);
    else if (!Array.isArray(given)) throw refuse(place, given, "a list");
    else if (typeof field.kind === "function" || field.kind === "string" || field.kind === "bytes")
      for (const [at, one] of given.entries()) writeValue(out, field, one, `${place}[${at}]`);
    else if (given.length > 0) writePackedList(out, field, given, place);
  }
  out.flush();
  if (out.byteLength > maxBytes)
    throw new HebbError(
      `${where} takes ${out.byteLength} bytes, more than the ${maxBytes} of a protobuf message; keep the weights as external data`,
    );
  return out;
}

/** The bytes of a message in parts: large ones are the caller's own, not copies. */
export function encode<M extends object>(message: Message<M>, value: Draft<M>): Encoded {
  return encodeParts(message, value, message.name);
}

/** The parts as one array. */
export function joined({ parts, byteLength }: Encoded): Uint8Array {
  const out = new Uint8Array(byteLength);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out;
}
