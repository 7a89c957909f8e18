// Every public function of tensors and nn as an export test: its tensors become inputs, its other arguments stay constant.
import * as hebb from "../../src/index.ts";
import { Tensor } from "../../src/tensor/index.ts";
import { type Call, floats, functionals, functions, methods, modules } from "../arguments/calls.ts";

export interface Exported {
  readonly name: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly fn: (...inputs: Tensor[]) => unknown;
}

type AnyFunction = (...args: readonly unknown[]) => unknown;

/** The tensors of a call, and the call with others in their place. */
function overTensors(name: string, args: readonly unknown[], call: AnyFunction): Exported {
  const found: Tensor[] = [];
  const plain = (value: unknown): value is object =>
    typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  const collect = (value: unknown): void => {
    if (value instanceof Tensor && !(value instanceof hebb.State)) found.push(value);
    else if (Array.isArray(value)) value.forEach(collect);
    else if (plain(value)) Object.values(value).forEach(collect);
  };
  collect(args);
  const fn = (...given: Tensor[]): unknown => {
    const fill = (value: unknown): unknown => {
      if (value instanceof Tensor && !(value instanceof hebb.State)) return given[found.indexOf(value)];
      if (Array.isArray(value)) return value.map(fill);
      return plain(value) ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, fill(part)])) : value;
    };
    return call(...args.map(fill));
  };
  return { name, inputs: Object.fromEntries(found.map((input, place) => [`x${place}`, input])), fn };
}

const callable = (room: object, name: string): AnyFunction | undefined => {
  const value: unknown = Reflect.get(room, name);
  return typeof value === "function" ? (value as AnyFunction) : undefined;
};

function ofModule(name: string, row: Call): Exported[] {
  const make = callable(hebb.nn, name);
  if (make === undefined || row.forward === undefined) return [];
  const module = Reflect.construct(make, row.args()) as hebb.nn.Module<unknown, unknown[]>;
  module.eval();
  return [overTensors(`nn.${name}`, row.forward(), (...args) => module.forward(...args))];
}

function ofFunctions(where: string, room: object, rows: Readonly<Record<string, Call>>): Exported[] {
  return Object.entries(rows).flatMap(([name, row]) => {
    const fn = callable(room, name);
    return fn === undefined || /^class\b/.test(String(fn)) ? [] : [overTensors(where + name, row.args(), fn)];
  });
}

function ofMethods(): Exported[] {
  return Object.entries(methods).flatMap(([name, row]) => {
    const method = callable(hebb.Tensor.prototype, name);
    if (method === undefined) return [];
    const owner = row.of?.() ?? floats(2, 3);
    return [overTensors(`Tensor.${name}`, [owner, ...row.args()], (self, ...args) => method.apply(self, [...args]))];
  });
}

/** Everything that returns tensors, however it is called. */
export const exportedCalls = (): readonly Exported[] => [
  ...Object.entries(modules).flatMap(([name, row]) => ofModule(name, row)),
  ...ofFunctions("nn.functional.", hebb.nn.functional, functionals),
  ...ofFunctions("", hebb, functions),
  ...ofMethods(),
];

export function tensorsIn(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (Array.isArray(value)) return value.flatMap(tensorsIn);
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return Object.keys(value)
      .sort()
      .flatMap((key) => tensorsIn(Reflect.get(value, key)));
  return [];
}
