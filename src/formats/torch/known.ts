// The names that a pickle of tensors may refer to, and their values. The list is closed: see torch._weights_only_unpickler for PyTorch's own.
import { HebbError } from "../../graph/errors.ts";
import type { StoredDType } from "../stored/types.ts";
import type { Known } from "./pickle.ts";
import type { Dict, List, Storage, TorchTensor, Value } from "./values.ts";

/** Storages with an element type. */
export const storageDTypes: ReadonlyMap<string, StoredDType> = new Map([
  ["DoubleStorage", "F64"],
  ["FloatStorage", "F32"],
  ["HalfStorage", "F16"],
  ["BFloat16Storage", "BF16"],
  ["LongStorage", "I64"],
  ["IntStorage", "I32"],
  ["ShortStorage", "I16"],
  ["CharStorage", "I8"],
  ["ByteStorage", "U8"],
  ["BoolStorage", "BOOL"],
  ["ComplexFloatStorage", "C64"],
]);

/** Element types by PyTorch's names: for tensors whose storage has none, and as values. */
export const torchDTypes: ReadonlyMap<string, StoredDType> = new Map([
  ["float64", "F64"],
  ["float32", "F32"],
  ["float16", "F16"],
  ["bfloat16", "BF16"],
  ["float8_e4m3fn", "F8_E4M3"],
  ["float8_e5m2", "F8_E5M2"],
  ["float8_e4m3fnuz", "F8_E4M3FNUZ"],
  ["float8_e5m2fnuz", "F8_E5M2FNUZ"],
  ["float8_e8m0fnu", "F8_E8M0"],
  ["int64", "I64"],
  ["int32", "I32"],
  ["int16", "I16"],
  ["int8", "I8"],
  ["uint64", "U64"],
  ["uint32", "U32"],
  ["uint16", "U16"],
  ["uint8", "U8"],
  ["bool", "BOOL"],
  ["complex64", "C64"],
]);

const isCount = (value: Value | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

const isObject = (value: Value | undefined): value is Exclude<Value, null | boolean | number | bigint | string> =>
  typeof value === "object" && value !== null;

const isList = (value: Value | undefined): value is List => isObject(value) && "items" in value;
const isTensor = (value: Value | undefined): value is TorchTensor =>
  isObject(value) && "kind" in value && value.kind === "tensor";
const isStorage = (value: Value | undefined): value is Storage =>
  isObject(value) && "kind" in value && value.kind === "storage";

function counts(value: Value | undefined): number[] | undefined {
  if (!isList(value) || value.items.length > 64 || !value.items.every(isCount)) return undefined;
  return value.items.flatMap((item) => (typeof item === "number" ? [item] : []));
}

/** (storage, offset, size, stride, …) */
function tensorOf(args: readonly Value[], named: StoredDType | undefined): TorchTensor | undefined {
  const [storage, offset, size, stride] = args;
  const [shape, strides] = [counts(size), counts(stride)];
  if (!isStorage(storage) || !isCount(offset) || shape?.length !== strides?.length) return undefined;
  if (shape === undefined || strides === undefined) return undefined;
  const dtype = storage.dtype ?? named;
  return dtype === undefined ? undefined : { kind: "tensor", storage, dtype, offset, shape, strides };
}

/** Refuses the flags of a tensor that mark its values as conjugated or negated. */
function refuseMarks(marks: Value | undefined, name: string): void {
  if (!isObject(marks) || !("kind" in marks) || marks.kind !== "dict") return;
  const [mark] = marks.entries.find(([, value]) => value === true) ?? [];
  if (mark !== undefined)
    throw new HebbError(
      `${name}: a tensor is marked ${JSON.stringify(mark)}: its values are not those that are stored; save it by .resolve_conj().resolve_neg()`,
    );
}

function orderedDict(args: readonly Value[]): Dict | undefined {
  const [first] = args;
  if (first === undefined) return { kind: "dict", entries: [] };
  if (!isList(first)) return undefined;
  const entries = first.items.flatMap((pair): [Value, Value][] => {
    const [key, value] = isList(pair) ? pair.items : [];
    return key === undefined || value === undefined ? [] : [[key, value]];
  });
  return entries.length === first.items.length ? { kind: "dict", entries } : undefined;
}

/** A text whose characters are bytes, as in protocols before 3. */
function latin1([text, encoding]: readonly Value[]): Uint8Array | undefined {
  if (typeof text !== "string" || encoding !== "latin1") return undefined;
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** `name` is the file's. */
type Call = (args: readonly Value[], name: string) => Value | undefined;

function namedDType(value: Value | undefined): StoredDType | undefined {
  return isObject(value) && "kind" in value && value.kind === "global"
    ? torchDTypes.get(value.name.replace(/^torch\./, ""))
    : undefined;
}

const calls: ReadonlyMap<string, Call> = new Map<string, Call>([
  ["collections.OrderedDict", orderedDict],
  ["torch._utils._rebuild_tensor", (args) => tensorOf(args, undefined)],
  [
    "torch._utils._rebuild_tensor_v2",
    (args, name) => {
      refuseMarks(args[6], name);
      return tensorOf(args, undefined);
    },
  ],
  ["torch._utils._rebuild_tensor_v3", (args) => tensorOf(args, namedDType(args[6]))],
  ["torch._utils._rebuild_parameter", ([data]) => (isTensor(data) ? data : undefined)],
  ["torch._utils._rebuild_parameter_with_state", ([data]) => (isTensor(data) ? data : undefined)],
  ["torch.Size", ([sizes = { kind: "tuple", items: [] }]) => (isList(sizes) ? sizes : undefined)],
  ["torch.device", ([type]) => (typeof type === "string" ? type : undefined)],
  ["_codecs.encode", latin1],
]);

const values: ReadonlySet<string> = new Set([
  ...[...storageDTypes.keys()].map((name) => `torch.${name}`),
  ...[...torchDTypes.keys()].map((name) => `torch.${name}`),
  "torch.storage.UntypedStorage",
  "torch.UntypedStorage",
]);

/** ("storage", type, key, location, length, …) */
function storageOf(id: Value, name: string): Storage | undefined {
  const [what, type, key, , length] = isList(id) ? id.items : [];
  if (what !== "storage" || typeof key !== "string" || !isCount(length)) return undefined;
  if (!isObject(type) || !("kind" in type) || type.kind !== "global") return undefined;
  const short = type.name.replace(/^torch\.(storage\.)?/, "");
  const dtype = storageDTypes.get(short);
  if (dtype === undefined && short !== "UntypedStorage")
    throw new HebbError(`${name} has a storage of ${type.name}; convert its tensors to float32 before saving`);
  return { kind: "storage", key, dtype, length };
}

/** The names available to a pickle of tensors. `name` is the file's. */
export const knownIn = (name: string): Known => ({
  has: (global) => calls.has(global) || values.has(global),
  call: (global, args) => calls.get(global)?.(args, name),
  persistent: (id) => storageOf(id, name),
});
