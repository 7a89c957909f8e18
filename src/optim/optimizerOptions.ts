// Options of optimizers and of their groups: defaults, and validation.
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../graph/options.ts";
import { Parameter, Tensor } from "../tensor/index.ts";
import type { CommonOptions, GroupInit, Params } from "./parameterGroup.ts";

/** Every option is optional; the learning rate is one of them. */
export type OptionsOf<O extends CommonOptions> = Partial<O> & { readonly lr?: number };

/** An optimizer, apart from its update: its name, which marks its states, and its options with defaults and kinds. */
export interface OptimizerKind<O extends CommonOptions> {
  readonly name: string;
  readonly lr: number;
  readonly defaults: O;
  readonly kinds: OptionKinds<O>;
}

/** The kinds of the options that every optimizer has. */
export const commonKinds: OptionKinds<CommonOptions> = { maximize: kind.boolean };

/** Refuses unknown options and values of another kind. */
export const checkOptimizerOptions = <O extends CommonOptions>(
  { name, kinds }: OptimizerKind<O>,
  options: OptionsOf<O>,
): OptionsOf<O> => checkOptions<object>(name, options, { lr: kind.number, ...kinds }) as OptionsOf<O>;

/** The defaults, overridden by the given options. */
export function settled<O extends object>(defaults: O, given: object): O {
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(said) };
}

/** The error for a value passed as parameters, with the remedy. */
function refuseParams(where: string, given: unknown): never {
  const has = (name: string): boolean => typeof given === "object" && given !== null && name in given;
  if (has("parameters"))
    throw new HebbError(`${where}: takes parameters, got ${describe(given)}; give its .parameters()`);
  if (given instanceof Tensor)
    throw new HebbError(
      given instanceof Parameter
        ? `${where}: takes a list of parameters, got one; write [parameter]`
        : `${where}: takes parameters, got ${describe(given)}; wrap the values to learn in a Parameter`,
    );
  if (has("params")) throw new HebbError(`${where}: takes a list of groups, got one; write [{ params: …, lr: … }]`);
  throw new HebbError(
    `${where}: takes parameters, or groups { params, lr, … }, got ${describe(given)}; give model.parameters()`,
  );
}

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.iterator in value && !(value instanceof Tensor);

/** The parameters in a list; refuses anything else in it. */
export function parametersIn(where: string, list: Iterable<Parameter>): Parameter[] {
  if (!isIterable(list)) refuseParams(where, list);
  return [...list].map((entry: unknown) => {
    if (entry instanceof Parameter) return entry;
    if (Array.isArray(entry) && entry[1] instanceof Parameter)
      throw new HebbError(`${where}: takes parameters without their names; give model.parameters()`);
    return refuseParams(where, entry);
  });
}

/** The groups of an optimizer's first argument; loose parameters form one more group. */
export function groupsIn<O extends CommonOptions>(
  where: string,
  params: Params<O>,
): { readonly groups: readonly GroupInit<O>[]; readonly loose: readonly Parameter[] } {
  if (!isIterable(params)) refuseParams(where, params);
  const list: readonly (Parameter | GroupInit<O>)[] = [...params];
  if (list.length === 0)
    throw new HebbError(
      `${where}: the list of parameters is empty; give model.parameters(), which finds parameters and layers in fields, lists and records of the model, but not in #private fields`,
    );
  const isGroup = (entry: Parameter | GroupInit<O>): entry is GroupInit<O> =>
    typeof entry === "object" && entry !== null && !(entry instanceof Tensor) && "params" in entry;
  const loose = list.filter((entry): entry is Parameter => !isGroup(entry));
  return { groups: list.filter(isGroup), loose: parametersIn(where, loose) };
}

/** Throws unless the value is in the range; the message names the option. */
export function checkOption(
  optimizer: string,
  name: string,
  value: number,
  least: number,
  below = Number.POSITIVE_INFINITY,
): void {
  if (!(value >= least && value < below)) {
    throw new HebbError(
      `${optimizer}: ${name} must be ${least === 0 ? "0 or more" : `at least ${least}`}${below === Number.POSITIVE_INFINITY ? "" : ` and below ${below}`}, got ${value}`,
    );
  }
}
