// Writes a state dict like torch.save: a zip archive that torch.load(path, weights_only=True) reads.
import { HebbError } from "../../graph/errors.ts";
import type { NamedStored, StoredArray } from "../stored/array.ts";
import type { StoredDType } from "../stored/types.ts";
import { storedTypes } from "../stored/types.ts";
import { writeZip } from "../zip/write.ts";
import { storageDTypes, torchDTypes } from "./known.ts";

const typed: ReadonlyMap<StoredDType, string> = new Map([...storageDTypes].map(([name, dtype]) => [dtype, name]));
const untyped: ReadonlyMap<StoredDType, string> = new Map([...torchDTypes].map(([name, dtype]) => [dtype, name]));

/** Alignment of storages in the archive, for PyTorch's memory mapping. */
const alignment = 64;
const root = "archive/";

/** Builds a pickle of protocol 2 from opcodes. */
class Pickler {
  #bytes = new Uint8Array(1024);
  #length = 0;

  op(...bytes: readonly number[]): this {
    return this.#add(Uint8Array.from(bytes));
  }

  #add(bytes: Uint8Array): this {
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = needed;
    return this;
  }

  /** BINUNICODE */
  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    const head = new Uint8Array(5);
    head[0] = 0x58;
    new DataView(head.buffer).setUint32(1, bytes.length, true);
    return this.#add(head).#add(bytes);
  }

  /** BININT1, BININT or LONG1 */
  whole(value: number): this {
    if (value >= 0 && value < 256) return this.op(0x4b, value);
    const bytes = new Uint8Array(value < 2 ** 31 ? 5 : 10);
    const view = new DataView(bytes.buffer);
    if (value < 2 ** 31) {
      bytes[0] = 0x4a;
      view.setInt32(1, value, true);
    } else {
      bytes.set([0x8a, 8]);
      view.setBigInt64(2, BigInt(value), true);
    }
    return this.#add(bytes);
  }

  /** MARK … TUPLE */
  tuple(values: readonly number[]): this {
    this.op(0x28);
    for (const value of values) this.whole(value);
    return this.op(0x74);
  }

  /** GLOBAL */
  name(module: string, name: string): this {
    return this.#add(new TextEncoder().encode(`c${module}\n${name}\n`));
  }

  /** STOP */
  end(): Uint8Array {
    this.op(0x2e);
    return this.#bytes.slice(0, this.#length);
  }
}

function stridesOf(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const size of [...shape].reverse()) {
    strides.unshift(stride);
    stride *= Math.max(size, 1);
  }
  return strides;
}

/** Adds one tensor with its own storage: _rebuild_tensor_v2, or _v3 for element types without a storage class. */
function addTensor(pickle: Pickler, { dtype, shape, bytes }: StoredArray, key: string): void {
  const storage = typed.get(dtype);
  pickle.name("torch._utils", storage === undefined ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2").op(0x28);
  // The persistent id: ("storage", type, key, location, length).
  pickle.op(0x28).text("storage");
  if (storage === undefined) pickle.name("torch.storage", "UntypedStorage");
  else pickle.name("torch", storage);
  const width = storedTypes[dtype].bits / 8;
  pickle
    .text(key)
    .text("cpu")
    .whole(storage === undefined ? bytes.byteLength : bytes.byteLength / width)
    .op(0x74, 0x51);
  pickle.whole(0).tuple(shape).tuple(stridesOf(shape));
  // requires_grad, and hooks: NEWFALSE, OrderedDict().
  pickle.op(0x89).name("collections", "OrderedDict").op(0x29, 0x52);
  if (storage === undefined) pickle.name("torch", untyped.get(dtype) ?? "");
  pickle.op(0x74, 0x52);
}

/** Bytes of a .pt file. `run` describes the run that produced the weights; PyTorch ignores it. */
export function writeTorchFile(arrays: NamedStored, run?: string): Uint8Array {
  const pickle = new Pickler().op(0x80, 2).name("collections", "OrderedDict").op(0x29, 0x52);
  const storages: [string, Uint8Array][] = [];
  pickle.op(0x28);
  for (const [name, array] of Object.entries(arrays)) {
    if (!typed.has(array.dtype) && !untyped.has(array.dtype))
      throw new HebbError(
        `PyTorch has no dtype ${array.dtype} for tensor ${JSON.stringify(name.slice(0, 200))}; widen it to float32, or write safetensors`,
      );
    const key = String(storages.length);
    addTensor(pickle.text(name), array, key);
    storages.push([`${root}data/${key}`, array.bytes]);
  }
  // SETITEMS
  pickle.op(0x75);
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  return writeZip(
    [
      [`${root}data.pkl`, pickle.end()],
      [`${root}.format_version`, text("1")],
      [`${root}.storage_alignment`, text(String(alignment))],
      [`${root}byteorder`, text("little")],
      ...storages,
      [`${root}version`, text("3\n")],
      ...(run === undefined ? [] : [[`${root}hebb.json`, text(run)] as [string, Uint8Array]]),
    ],
    { alignment },
  );
}
