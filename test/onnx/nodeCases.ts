// Runs ONNX's node cases: reads model.onnx and test_data_set_*/*.pb of a folder, and compares as ONNX's own runner does.
import {
  importOnnx,
  nothing,
  type OnnxModule,
  readOnnx,
  readTensor,
  sequence,
  type Value,
  valueOf,
} from "../../src/formats/onnx/index.ts";
import { decode } from "../../src/formats/onnx/proto/decode.ts";
import type { ModelProto, OptionalProto, SequenceProto, TypeProto } from "../../src/formats/onnx/proto/messages.ts";
import { optionalMessage, sequenceMessage, tensorMessage } from "../../src/formats/onnx/proto/schema.ts";
import { HebbError } from "../../src/graph/errors.ts";
import type { CaseFiles } from "./caseFiles.ts";

export type Outcome =
  | { readonly kind: "passed" }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "wrong"; readonly why: string }
  | { readonly kind: "crashed"; readonly why: string };

/** The tolerance of ONNX's runner. */
const tolerance = { relative: 1e-3, absolute: 1e-7 };
/** For bfloat16, two units in the last place. */
const bfloat16Relative = 2 ** -6;

function sequenceOf(proto: SequenceProto): Value {
  const tensors = proto.tensorValues.map((tensor) => valueOf(readTensor(tensor, "an item"), "an item"));
  return sequence([...tensors, ...proto.sequenceValues.map(sequenceOf), ...proto.optionalValues.map(optionalOf)]);
}

function optionalOf(proto: OptionalProto): Value {
  if (proto.tensorValue !== undefined) return valueOf(readTensor(proto.tensorValue, "a value"), "a value");
  if (proto.sequenceValue !== undefined) return sequenceOf(proto.sequenceValue);
  return proto.optionalValue === undefined ? nothing : optionalOf(proto.optionalValue);
}

function readValue(bytes: Uint8Array, type: TypeProto | undefined): Value {
  if (type?.sequenceType !== undefined) return sequenceOf(decode(sequenceMessage, bytes));
  if (type?.optionalType !== undefined) return optionalOf(decode(optionalMessage, bytes));
  return valueOf(readTensor(decode(tensorMessage, bytes), "a value"), "a value");
}

/** The first position where two values differ, or undefined. */
function difference(actual: Value | undefined, expected: Value): string | undefined {
  if (actual?.kind !== expected.kind) return `a ${actual?.kind ?? "missing value"} instead of a ${expected.kind}`;
  switch (expected.kind) {
    case "nothing":
      return undefined;
    case "text":
      return actual.kind === "text" && actual.texts.join("\0") === expected.texts.join("\0")
        ? undefined
        : "other texts";
    case "sequence": {
      const items = actual.kind === "sequence" ? actual.items : [];
      if (items.length !== expected.items.length) return `${items.length} items instead of ${expected.items.length}`;
      return expected.items.map((item, at) => difference(items[at], item)).find((one) => one !== undefined);
    }
    case "tensor": {
      if (actual.kind !== "tensor") return "no tensor";
      if (actual.type !== expected.type) return `type ${actual.type} instead of ${expected.type}`;
      if (actual.shape.join() !== expected.shape.join())
        return `shape [${actual.shape}] instead of [${expected.shape}]`;
      const relative = expected.type === "bfloat16" ? bfloat16Relative : tolerance.relative;
      const [got, wanted] = [actual.host("the output"), expected.host("the output")];
      for (let at = 0; at < wanted.length; at++) {
        const [a = Number.NaN, b = Number.NaN] = [got[at], wanted[at]];
        const close = Object.is(a, b) || a === b || Math.abs(a - b) <= tolerance.absolute + relative * Math.abs(b);
        if (!close) return `${a} instead of ${b} at ${at} of ${wanted.length}`;
      }
      return undefined;
    }
  }
}

/** Operators with random values: only shape and type are compared. */
const random = new Set([
  "Bernoulli",
  "RandomNormal",
  "RandomUniform",
  "RandomNormalLike",
  "RandomUniformLike",
  "Multinomial",
]);

/** An active dropout: the dropped values depend on the generator. */
const drops = (proto: ModelProto): boolean =>
  proto.graph?.node.some(({ opType, input }) => opType === "Dropout" && (input[2] ?? "") !== "") ?? false;

function runSet(model: OnnxModule, proto: ModelProto, files: CaseFiles, data: string): string | undefined {
  const ports = proto.graph?.input.filter(({ name }) => model.inputs.some((port) => port.name === name)) ?? [];
  const inputs = ports.map((port, at) => {
    const bytes = files(`${data}/input_${at}.pb`);
    if (bytes === undefined) throw new Error(`${data} has no input ${at}`);
    return readValue(bytes, port.type);
  });
  const outputs = model.forwardValues(inputs);
  const unsure = drops(proto) || proto.graph?.node.some(({ opType = "" }) => random.has(opType));
  for (const [at, info] of (proto.graph?.output ?? []).entries()) {
    const bytes = files(`${data}/output_${at}.pb`);
    if (bytes === undefined) continue;
    const expected = readValue(bytes, info.type);
    const actual = outputs[at];
    if (unsure === true) {
      if (actual?.kind === "tensor") actual.host("the output");
      const same =
        actual?.kind === "tensor" && expected.kind === "tensor" && actual.shape.join() === expected.shape.join();
      if (!same) return `output ${at}: another shape`;
      continue;
    }
    const why = difference(actual, expected);
    if (why !== undefined) return `output ${at}: ${why}`;
  }
  return undefined;
}

/** Runs one case: a model and its data. */
export function runCase(files: CaseFiles): Outcome {
  try {
    const bytes = files("model.onnx");
    if (bytes === undefined) throw new Error("there is no model.onnx");
    const proto = readOnnx(bytes);
    const model = importOnnx(bytes);
    for (let set = 0; files(`test_data_set_${set}/output_0.pb`) !== undefined; set++) {
      const why = runSet(model, proto, files, `test_data_set_${set}`);
      if (why !== undefined) return { kind: "wrong", why };
    }
    return { kind: "passed" };
  } catch (error) {
    if (error instanceof HebbError) return { kind: "refused", why: error.message };
    return {
      kind: "crashed",
      why: error instanceof Error ? (error.stack ?? error.message).slice(0, 600) : String(error),
    };
  }
}

export interface Report {
  readonly passed: number;
  /** Lines of the cases that do not pass. */
  readonly refused: readonly string[];
  readonly wrong: readonly string[];
  readonly crashed: readonly string[];
}

/** Runs all cases. */
export function runCases(cases: ReadonlyMap<string, CaseFiles>): Report {
  let passed = 0;
  const lines = { refused: [] as string[], wrong: [] as string[], crashed: [] as string[] };
  for (const [name, files] of cases) {
    const outcome = runCase(files);
    if (outcome.kind === "passed") passed++;
    else lines[outcome.kind].push(`${name}: ${outcome.why.split("\n").slice(0, 3).join(" ")}`);
  }
  return { passed, ...lines };
}
