// Every public function of tensors and nn as a callable subject, taken from the exports, so that new ones are included.
import * as hebb from "../../src/index.ts";
import {
  type Call,
  ffts,
  floats,
  functionals,
  functions,
  inits,
  linears,
  methods,
  modules,
  utilities,
} from "./calls.ts";

export interface Subject {
  readonly name: string;
  /** Valid arguments, new at each call. */
  readonly args: () => readonly unknown[];
  /** The position of the options among them. */
  readonly options: number | undefined;
  readonly call: (args: readonly unknown[]) => unknown;
  /** The source, from which the names of its parameters are read. */
  readonly source: string;
}

type AnyFunction = (...args: readonly unknown[]) => unknown;
const isClass = (value: AnyFunction): boolean => /^class\b/.test(Function.prototype.toString.call(value));

/** The class's own constructor, or the one it inherits. */
function constructorSource(value: unknown): string {
  const text = typeof value === "function" ? Function.prototype.toString.call(value) : "";
  if (!text.startsWith("class")) return "";
  const found = /\bconstructor\(([^)]*)\)/.exec(text);
  return found?.[0] ?? constructorSource(Object.getPrototypeOf(value));
}

function callable(value: unknown, name: string): AnyFunction {
  if (typeof value !== "function") throw new Error(`${name} is not a function`);
  return value as AnyFunction;
}

const missing: string[] = [];
const rowOf = (table: Readonly<Record<string, Call>>, name: string, where: string): Call => {
  const row = table[name];
  if (row === undefined) missing.push(`${where}${name}`);
  return row ?? { args: () => [] };
};

function ofFunction(where: string, name: string, value: AnyFunction, row: Call): Subject {
  const build = isClass(value);
  return {
    name: where + name,
    args: row.args,
    options: row.options,
    call: (args) => (build ? Reflect.construct(value, args) : value(...args)),
    source: build ? constructorSource(value) : Function.prototype.toString.call(value),
  };
}

function ofForward(name: string, make: AnyFunction, row: Call): Subject[] {
  if (row.forward === undefined) return [];
  const { forward } = make.prototype as { forward?: AnyFunction };
  return [
    {
      name: `nn.${name}.forward`,
      args: row.forward,
      options: row.forwardOptions,
      call: (args) => {
        const module = Reflect.construct(make, row.args()) as { forward: AnyFunction };
        return module.forward(...args);
      },
      source: forward === undefined ? "" : Function.prototype.toString.call(forward),
    },
  ];
}

const exported = (room: object): [name: string, value: AnyFunction][] =>
  Object.entries(room).filter((entry): entry is [string, AnyFunction] => typeof entry[1] === "function");

/** Not part of tensors and nn, or base classes that are not called. */
const others = new Set([
  "HebbError",
  "ShapeError",
  "backendInfo",
  "memoryInfo",
  "openDevice",
  "useBackend",
  "fit",
  "Module",
  "Trainer",
]);

const tensorFunctions = exported(hebb).filter(([name]) => !others.has(name));
/** Methods of Tensor, including those of its base classes. */
export function methodNames(): string[] {
  const found = new Set<string>();
  for (let owner: object = hebb.Tensor.prototype; owner !== Object.prototype; owner = Object.getPrototypeOf(owner)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(owner)))
      if (typeof value === "function" && name !== "constructor") found.add(name);
  }
  return [...found];
}
const tensorMethods = methodNames();
const functionalOnly = exported(hebb.nn.functional).filter(
  ([name, value]) => !Object.values(hebb).includes(value as never) && !(name in functions && !(name in functionals)),
);
const nnExports = exported(hebb.nn).filter(([name]) => !others.has(name) && !(name in functions));

export const subjects: readonly Subject[] = [
  ...tensorFunctions.map(([name, value]) => ofFunction("", name, value, rowOf(functions, name, ""))),
  ...tensorMethods.map((name): Subject => {
    const row = rowOf(methods, name, "Tensor.");
    const method = callable(Reflect.get(hebb.Tensor.prototype, name), name);
    const owner = methods[name]?.of ?? (() => floats(2, 3));
    return {
      name: `Tensor.${name}`,
      args: row.args,
      options: row.options,
      call: (args) => method.apply(owner(), [...args]),
      source: Function.prototype.toString.call(method),
    };
  }),
  ...functionalOnly.map(([name, value]) =>
    ofFunction("nn.functional.", name, value, rowOf(functionals, name, "nn.functional.")),
  ),
  ...exported(hebb.nn.utils).map(([name, value]) =>
    ofFunction("nn.utils.", name, value, rowOf(utilities, name, "nn.utils.")),
  ),
  ...exported(hebb.nn.init).map(([name, value]) => ofFunction("nn.init.", name, value, rowOf(inits, name, "nn.init."))),
  ...exported(hebb.linalg).map(([name, value]) => ofFunction("linalg.", name, value, rowOf(linears, name, "linalg."))),
  ...exported(hebb.fft).map(([name, value]) => ofFunction("fft.", name, value, rowOf(ffts, name, "fft."))),
  ...nnExports.flatMap(([name, value]) => {
    const row = rowOf(modules, name, "nn.");
    return [ofFunction("nn.", name, value, row), ...ofForward(name, value, row)];
  }),
];

/** Public functions without a row in calls.ts. */
export const withoutCall: readonly string[] = missing;
