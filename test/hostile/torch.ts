// Hostile PyTorch files: pickles that would call functions, and tensors that lie outside their storage.
import { deflateRawSync } from "node:zlib";
import { writeTorch } from "../../src/formats/index.ts";
import { crc32 } from "../../src/formats/zip/crc32.ts";
import { writeZip } from "../../src/formats/zip/write.ts";
import { type Hostile, joined, one, text, truncated, u16, u32, u64 } from "./file.ts";

const good = writeTorch({ a: { dtype: "float32", shape: [2, 3], data: new Float32Array(6) } });

const op = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes);
const global = (module: string, name: string): Uint8Array => text(`c${module}\n${name}\n`);
const str = (value: string): Uint8Array => joined(op(0x58), u32(text(value).length), text(value));
const int = (value: number): Uint8Array => joined(op(0x8a, 8), u64(value));
const mark = op(0x28);
const tuple = (...parts: readonly Uint8Array[]): Uint8Array => joined(mark, ...parts, op(0x74));
const reduce = op(0x52);
const proto = op(0x80, 2);
const stop = op(0x2e);

const archive = (
  pickle: Uint8Array,
  storage = new Uint8Array(24),
  more: readonly (readonly [string, Uint8Array])[] = [],
): Uint8Array =>
  writeZip([["archive/data.pkl", pickle], ["archive/byteorder", text("little")], ["archive/data/0", storage], ...more]);
const pickled = (name: string, says: RegExp, ...parts: readonly Uint8Array[]): Hostile =>
  one(name, archive(joined(proto, ...parts, stop)), says);

/** Functions to call, in the ways in which a pickle can name them. */
const calls: readonly Hostile[] = [
  ["os", "system"],
  ["posix", "system"],
  ["builtins", "eval"],
  ["builtins", "exec"],
  ["builtins", "getattr"],
  ["builtins", "__import__"],
  ["subprocess", "Popen"],
  ["torch.hub", "load"],
  ["torch", "load"],
  ["torch.jit._script", "unpackage_script_module"],
  ["numpy.core.multiarray", "_reconstruct"],
  ["functools", "partial"],
  ["collections", "OrderedDict.__init__"],
  ["torch._utils", "_rebuild_sparse_tensor"],
  ["__main__", "Net"],
].map(([module = "", name = ""]) =>
  pickled(
    `a pickle that would call ${module}.${name}`,
    new RegExp(`would call "${module}.${name}"`.replaceAll(".", "\\.")),
    global(module, name),
    tuple(str("touch /tmp/x")),
    reduce,
  ),
);

const ways: readonly Hostile[] = [
  pickled(
    "os.system by STACK_GLOBAL",
    /would call "os\.system"/,
    str("os"),
    str("system"),
    op(0x93),
    tuple(str("x")),
    reduce,
  ),
  pickled("os.system by INST", /would call "os\.system"/, mark, str("x"), text("ios\nsystem\n")),
  pickled("os.system by OBJ", /would call "os\.system"/, mark, global("os", "system"), str("x"), op(0x6f)),
  pickled("os.system by NEWOBJ", /would call "os\.system"/, global("os", "system"), tuple(), op(0x81)),
  pickled("os.system by NEWOBJ_EX", /would call "os\.system"/, global("os", "system"), tuple(), op(0x7d), op(0x92)),
  pickled("a name that is taken but not called", /would call "os\.system"/, global("os", "system")),
  pickled("an entry of copyreg's registry", /copyreg/, op(0x82, 1)),
  pickled("the state of a tensor", /__setstate__|takes no state|would call/, op(0x4b, 1), op(0x7d), op(0x62)),
  pickled("a dtype that is called", /arguments that are not known for/, global("torch", "float32"), tuple(), reduce),
  pickled("a number that is called", /calls what is not a function/, op(0x4b, 1), tuple(), reduce),
  pickled(
    "an OrderedDict of a text",
    /arguments that are not known for/,
    global("collections", "OrderedDict"),
    tuple(str("x")),
    reduce,
  ),
  pickled(
    "a code point that encodes to code",
    /arguments that are not known for/,
    global("_codecs", "encode"),
    tuple(str("x"), str("rot13")),
    reduce,
  ),
  one(
    "os.system in a bare pickle",
    joined(proto, global("os", "system"), tuple(str("x")), reduce, stop),
    /would call "os\.system"/,
  ),
];

const storage = (type = "FloatStorage", key = "0", length = 6): Uint8Array =>
  joined(tuple(str("storage"), global("torch", type), str(key), str("cpu"), int(length)), op(0x51));
const ordered = joined(global("collections", "OrderedDict"), op(0x29), reduce);
const sizes = (...values: readonly number[]): Uint8Array => tuple(...values.map(int));
const tensor = (stored: Uint8Array, offset: Uint8Array, shape: Uint8Array, strides: Uint8Array): Uint8Array =>
  joined(
    global("torch._utils", "_rebuild_tensor_v2"),
    tuple(stored, offset, shape, strides, op(0x89), ordered),
    reduce,
  );

const tensors: readonly Hostile[] = [
  pickled(
    "a tensor with a negation bit",
    /file: a tensor is marked "neg".*resolve_neg/,
    global("torch._utils", "_rebuild_tensor_v2"),
    tuple(storage(), int(0), sizes(6), sizes(1), op(0x89), ordered, joined(op(0x7d), str("neg"), op(0x88, 0x73))),
    reduce,
  ),
  pickled("a tensor past its storage", /ends at byte/, tensor(storage(), int(0), sizes(7), sizes(1))),
  pickled("an offset past the storage", /ends at byte/, tensor(storage(), int(2 ** 40), sizes(1), sizes(1))),
  pickled("strides past the storage", /ends at byte/, tensor(storage(), int(0), sizes(2, 2), sizes(2 ** 50, 1))),
  pickled(
    "a negative size",
    /arguments/,
    tensor(storage(), int(0), joined(mark, op(0x4a), u32(0xffffffff), op(0x74)), sizes(1)),
  ),
  pickled(
    "a negative stride",
    /arguments/,
    tensor(storage(), int(5), sizes(2), joined(mark, op(0x4a), u32(0xffffffff), op(0x74))),
  ),
  pickled(
    "a size of 2^62",
    /ends at byte|arguments/,
    tensor(storage(), int(0), joined(mark, op(0x8a, 8), u64(2n ** 62n), op(0x74)), sizes(1)),
  ),
  pickled("one value as a tensor of 2^45", /repeat their values/, tensor(storage(), int(0), sizes(2 ** 45), sizes(0))),
  pickled(
    "one value as a tensor of 2^90",
    /repeat their values/,
    tensor(storage(), int(0), sizes(2 ** 45, 2 ** 45), sizes(0, 0)),
  ),
  pickled("fewer strides than sizes", /arguments/, tensor(storage(), int(0), sizes(2, 3), sizes(1))),
  pickled("a shape of texts", /arguments/, tensor(storage(), int(0), tuple(str("2")), sizes(1))),
  pickled("a missing storage", /not in it/, tensor(storage("FloatStorage", "7"), int(0), sizes(1), sizes(1))),
  pickled(
    "a storage outside the archive",
    /not in it/,
    tensor(storage("FloatStorage", "../../../etc/passwd"), int(0), sizes(1), sizes(1)),
  ),
  pickled(
    "a storage of an unknown type",
    /would call "torch\.QInt8Storage"/,
    tensor(storage("QInt8Storage"), int(0), sizes(1), sizes(1)),
  ),
  pickled("a storage that is a text", /names a storage/, str("storage"), op(0x51)),
  pickled("a tensor of no storage", /arguments/, tensor(op(0x4e), int(0), sizes(1), sizes(1))),
];

/** A list of two elements, both the previous list, 60 times: 2^60 values when expanded. */
const doubled = joined(
  op(0x5d, 0x71, 0),
  ...Array.from({ length: 60 }, (_, i) => op(0x30, 0x5d, 0x68, i, 0x61, 0x68, i, 0x61, 0x71, i + 1)),
);

/** A pickle in a compressed entry. */
function packedPickle(content: Uint8Array): Uint8Array {
  const packed = deflateRawSync(content);
  const bytes = writeZip([["archive/data.pkl", packed]]);
  const view = new DataView(bytes.buffer);
  const at = view.getUint32(bytes.length - 6, true);
  view.setUint16(at + 10, 8, true);
  view.setUint32(at + 16, crc32(content), true);
  view.setUint32(at + 24, content.length, true);
  return bytes;
}

const structures: readonly Hostile[] = [
  pickled("a list that doubles 60 times", /more than \d+ values|nested more than/, doubled),
  pickled("a list that contains itself", /contains itself/, op(0x5d, 0x71, 0, 0x68, 0, 0x61)),
  pickled("a dict that contains itself", /contains itself/, op(0x7d, 0x71, 0), str("a"), op(0x68, 0), op(0x73)),
  pickled(
    "lists nested 100,000 deep",
    /nested more than/,
    new Uint8Array(100_000).fill(0x5d),
    new Uint8Array(99_999).fill(0x61),
  ),
  pickled("a dict with a list as key", /key is list/, op(0x7d), op(0x5d), op(0x4e), op(0x73)),
  pickled(
    "two tensors of one name",
    /two tensors called/,
    op(0x7d),
    str("a.b"),
    tensor(storage(), int(0), sizes(1), sizes(1)),
    op(0x73),
    str("a"),
    op(0x7d),
    str("b"),
    tensor(storage(), int(0), sizes(1), sizes(1)),
    op(0x73),
    op(0x73),
  ),
  one(
    "a pickle that unpacks to a thousand times itself",
    packedPickle(new Uint8Array(70_000_000).fill(0x4e)),
    /unpacks to more than|more than 33554432/,
  ),
  one("two pickles", archive(joined(proto, op(0x4e), stop), undefined, [["other/data.pkl", stop]]), /2 pickles/),
  one(
    "a TorchScript program",
    archive(joined(proto, op(0x4e), stop), undefined, [["archive/constants.pkl", stop]]),
    /TorchScript/,
  ),
  one("a storage twice", archive(joined(proto, op(0x4e), stop), undefined, [["archive/data/0", stop]]), /twice/),
  one(
    "a strange byte order",
    writeZip([
      ["a/data.pkl", joined(proto, op(0x4e), stop)],
      ["a/byteorder", text("middle")],
    ]),
    /neither little nor big/,
  ),
];

const opcodes: readonly Hostile[] = [
  one("an empty pickle", archive(new Uint8Array(0)), /ends within/),
  pickled("a pickle of protocol 9", /protocol 9/, op(0x80, 9)),
  pickled("an unknown opcode", /unknown opcode 0xff/, op(0xff)),
  pickled("nothing on the stack", /not there/),
  pickled("a missing mark", /mark that is not there/, op(0x74)),
  pickled("a value that was not kept", /has not kept/, op(0x68, 9)),
  pickled("a text of 4 GiB", /ends within/, op(0x58), u32(0xffffffff), text("a")),
  pickled("a text of 2^63", /ends within/, op(0x8d), u64(2n ** 63n), text("a")),
  pickled("bytes of 2^64 - 1", /ends within/, op(0x8e), u64(2n ** 64n - 1n)),
  pickled("a number of 255 bytes", /number of 255 bytes/, op(0x8a, 255), new Uint8Array(255)),
  pickled("a number of a million digits", /number without digits/, text(`L${"9".repeat(1_000_000)}L\n`)),
  pickled("an append to a number", /not a list/, op(0x4b, 1), op(0x4b, 2), op(0x61)),
  pickled("an item of a list", /not a dict/, op(0x5d), op(0x4b, 1), op(0x4b, 2), op(0x73)),
  pickled("a key without a value", /key without a value/, op(0x7d), mark, op(0x4b, 1), op(0x75)),
  pickled("values left behind", /leaves values behind/, op(0x4b, 1), op(0x4b, 1)),
  pickled("a name without an end", /ends within a line/, text("cos")),
  pickled("a buffer outside the pickle", /unknown opcode/, op(0x97)),
];

const legacyMagic = joined(proto, op(0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19), stop);
const number = (value: number): Uint8Array => joined(proto, op(0x4d), u16(value), stop);
const oldForm = (object: Uint8Array, keys: Uint8Array, ...data: readonly Uint8Array[]): Uint8Array =>
  joined(
    legacyMagic,
    number(1001),
    joined(proto, op(0x7d), stop),
    joined(proto, object, stop),
    joined(proto, keys, stop),
    ...data,
  );
const oldStorage = joined(
  tuple(str("storage"), global("torch", "FloatStorage"), str("0"), str("cpu"), int(6), op(0x4e)),
  op(0x51),
);
const oldTensor = tensor(oldStorage, int(0), sizes(6), sizes(1));
const oldKeys = joined(op(0x5d), str("0"), op(0x61));
const oldGood = oldForm(oldTensor, oldKeys, u64(6), new Uint8Array(24));

const legacy: readonly Hostile[] = [
  ...truncated("a file from before 1.6", oldGood, 3, 15, 40, oldGood.length - 40, oldGood.length - 28),
  one(
    "an old file with a storage of 2^62",
    oldForm(oldTensor, oldKeys, u64(2n ** 62n), new Uint8Array(24)),
    /storage of/,
  ),
  one("an old file with a negative storage", oldForm(oldTensor, oldKeys, u64(-1), new Uint8Array(24)), /storage of/),
  one("an old file with a storage too few", oldForm(oldTensor, op(0x5d)), /not in it/),
  one(
    "an old file with a storage twice",
    oldForm(oldTensor, joined(op(0x5d), str("0"), op(0x61), str("0"), op(0x61)), u64(6), new Uint8Array(48)),
    /twice/,
  ),
  one(
    "an old file that would call os.system",
    oldForm(joined(global("os", "system"), tuple(str("x")), reduce), oldKeys),
    /would call "os\.system"/,
  ),
  one("a pickle of another program", joined(proto, op(0x7d), stop), /not of torch\.save/),
  one("an old file of version 9", joined(legacyMagic, number(9)), /version 9/),
];

/** One byte of a pickle, or less when compressed, may create a separate value. */
const bombs: readonly Hostile[] = (
  [
    ["lists", proto, op(0x5d)],
    ["dicts", proto, op(0x7d)],
    ["marks", proto, mark],
    ["numbers", joined(proto, mark), op(0x4b, 1)],
    ["tuples in tuples", joined(proto, op(0x4e)), op(0x85)],
    ["kept values", joined(proto, op(0x5d)), op(0x94)],
  ] as const
).map(([what, before, again]) =>
  one(
    `millions of ${what}`,
    packedPickle(joined(before, Buffer.alloc(4_000_000 * again.length, again))),
    /more than \d+ values/,
  ),
);

export const torchFiles: readonly Hostile[] = [
  ...truncated("PyTorch", good, 2, 30, 100, 300, good.length - 60, good.length - 22),
  ...calls,
  ...ways,
  ...tensors,
  ...structures,
  ...opcodes,
  ...legacy,
  ...bombs,
];
