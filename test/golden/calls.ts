// Calls that figures name: "x.sum" is a method of the first input, "F.mse" of nn.functional, else an export; { $: 1 } is the second input.
import * as hebb from "../../src/index.ts";

export type Argument = number | string | boolean | null | readonly Argument[] | { readonly [option: string]: Argument };

const isTree = (value: Argument): value is { readonly [option: string]: Argument } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Arguments with tensors in the places of `{ $: number }`. */
function passed(value: Argument, inputs: readonly hebb.Tensor[]): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return (value as readonly Argument[]).map((part) => passed(part, inputs));
  if (!isTree(value)) return value;
  const { $: place } = value;
  if (typeof place === "number") return inputs[place];
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, passed(part, inputs)]));
}

/** The results of the call, those of several in the order of their names' making. */
export function called(call: string, args: readonly Argument[], inputs: readonly hebb.Tensor[]): hebb.Tensor[] {
  const [room, name = call] = call.includes(".") ? call.split(".") : ["", call];
  const owner: object | undefined = room === "x" ? inputs[0] : room === "F" ? hebb.nn.functional : hebb;
  const fn: unknown = Reflect.get(owner ?? {}, name);
  if (typeof fn !== "function") throw new Error(`there is no ${call}`);
  const result: unknown = Reflect.apply(
    fn,
    owner,
    args.map((each) => passed(each, inputs)),
  );
  return result instanceof hebb.Tensor ? [result] : Object.values(result as Record<string, hebb.Tensor>);
}
