// Misspells every option of every public function. The error suggests the right name; no option is ignored.
import { beforeAll, describe, expect, it } from "vitest";
import { HebbError, useBackend } from "../../src/index.ts";
import { type Subject, subjects, withoutCall } from "./subjects.ts";

beforeAll(() => useBackend({ backend: "wasm", threads: 1 }));

it("has a valid call of every public function", () => {
  expect(withoutCall).toEqual([]);
});

it("covers every parameter that holds options", () => {
  const holds = ({ source }: Subject): boolean => {
    const [, parameters = ""] = /^[^(]*\(([^)]*)\)/.exec(source) ?? [];
    return /\b(options|inputs)\b\s*(=|,|$)/.test(parameters);
  };
  const notOptions = new Set(["jvp", "vjp", "linearize", "checkpoint", "gradCheck", "nn.Perceptron"]);
  const forgotten = subjects.filter(
    (subject) => subject.options === undefined && holds(subject) && !notOptions.has(subject.name),
  );
  expect(forgotten.map(({ name }) => name)).toEqual([]);
});

const optional = subjects.filter((subject): subject is Subject & { options: number } => subject.options !== undefined);

/** The call with another value in place of its options. */
function withOptions(subject: Subject & { options: number }, options: unknown): () => unknown {
  return () => {
    const args = [...subject.args()];
    args[subject.options] = options;
    return subject.call(args);
  };
}

function refusalOf(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** The names of the options, read from the error about an unknown one. */
function namesOf(subject: Subject & { options: number }): string[] {
  const { message } = refusalOf(withOptions(subject, { zzzzzz: 1 }));
  const [, list = ""] = /(?:its|Its) options are ([\w, ]+)/.exec(message) ?? [];
  return list.split(", ");
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
function misspellings(name: string): string[] {
  return [
    snake(name),
    name.toLowerCase(),
    name.toUpperCase(),
    `${name}s`,
    `${name[0] ?? ""}${name}`,
    ...(name.length > 4 ? [name.slice(0, -1), name.slice(1)] : []),
  ];
}

describe.each(optional.map((subject) => [subject.name, subject] as const))("%s", (_, subject) => {
  it("refuses each option when it is misspelt and suggests the right name", () => {
    const names = namesOf(subject);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      for (const wrong of misspellings(name)) {
        if (names.includes(wrong)) continue;
        const error = refusalOf(withOptions(subject, { [wrong]: 1 }));
        expect(error).toBeInstanceOf(HebbError);
        expect(error.message).toContain(`there is no option ${wrong}`);
        // Another option may be equally close; the list names all.
        const [, meant] = /did you mean (\w+)\?/.exec(error.message) ?? [];
        expect(error.message).toMatch(new RegExp(`options are (.*, )?${name}(,|$|\\b)`));
        if (name.length > 3 && snake(wrong) === snake(name)) expect(meant).toBe(name);
      }
    }
  });

  it("refuses values of the wrong kind for each option", () => {
    for (const name of namesOf(subject)) {
      if (anyValue.has(`${subject.name} ${name}`)) continue;
      for (const value of [Symbol.iterator, {}, 1n, new Date(0)]) {
        const error = refusalOf(withOptions(subject, { [name]: value }));
        expect(error, `${name}: ${String(value)}`).toBeInstanceOf(HebbError);
        expect(error.message).toContain(name);
      }
    }
  });

  it("refuses options that are not an object", () => {
    for (const value of [0.1, "x", null, true, [0.1], () => 1]) {
      if (takesElse.has(`${subject.name} ${typeof value}`)) continue;
      const error = refusalOf(withOptions(subject, value));
      expect(error, String(value)).toBeInstanceOf(HebbError);
      expect(error.message).toMatch(/options/);
    }
  });
});

/** Options that accept any object with the right methods. */
const anyValue = new Set(["inspectStep optimizer", "inspectStep replace"]);
/** embedding takes paddingIdx in place of options. */
const takesElse = new Set(["nn.functional.embedding number"]);

it.each([
  [() => subjectNamed("interpolate").call([row(), { size: 3, mode: "trilinear" }]), 'did you mean "bilinear"?'],
  [
    () => subjectNamed("interpolate").call([row(), { size: 3, mode: "nearest_exact" }]),
    'did you mean "nearest-exact"?',
  ],
  [
    () => subjectNamed("nn.functional.gelu").call([row(), "fast"]),
    'approximate "fast" does not exist; use "none" or "tanh"',
  ],
  [
    () => subjectNamed("conv1d").call([row(), row(), undefined, { paddingMode: "mirror" }]),
    'paddingMode "mirror" does not exist',
  ],
  [() => subjectNamed("nn.Conv2d").call([1, 1, 1, { paddingMode: "reflected" }]), 'did you mean "reflect"?'],
  [
    () => subjectNamed("nn.functional.mse").call([row(), row(), { reduction: "avg" }]),
    'reduction "avg" does not exist; use "none", "mean" or "sum"',
  ],
  [() => subjectNamed("nn.CrossEntropyLoss").call([{ label_smoothing: 0.1 }]), "did you mean labelSmoothing?"],
  [
    () => subjectNamed("nn.functional.pad").call([row(), [1, 1], { mode: "reflection" }]),
    '"constant", "reflect", "replicate" or "circular"',
  ],
  [() => subjectNamed("nn.RNN").call([1, 1, { nonlinearity: "Relu" }]), 'did you mean "relu"?'],
  [() => subjectNamed("Tensor.to").call(["float"]), "dtype"],
  [() => subjectNamed("nn.init.kaimingUniform").call([row(), { mode: "fan_in" }]), 'did you mean "fanIn"?'],
  [() => subjectNamed("nn.init.calculateGain").call(["leaky_relu"]), 'did you mean "leakyRelu"?'],
] as const)("suggests the closest choice: %s", (run, message) => {
  expect(run).toThrow(HebbError);
  expect(run).toThrow(message);
});

function subjectNamed(name: string): Subject {
  const found = subjects.find((subject) => subject.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

const row = (): unknown => subjectNamed("conv1d").args()[0];
