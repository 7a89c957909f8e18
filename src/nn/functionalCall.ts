// A module as a function of its parameters: functionalCall, and the stacked states of several modules for vmap.
import { HebbError, ShapeError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { nearest } from "../graph/nearest.ts";
import { describeType } from "../graph/node.ts";
import { checkKind, checkOptions } from "../graph/options.ts";
import { sameShape } from "../graph/shape.ts";
import { type State, stack, Tensor } from "../tensor/index.ts";
import { withStates } from "../tensor/state.ts";
import { type AnyModule, Module, type StateDict } from "./module.ts";

const moduleKind = kind.instanceOf(Module as abstract new (...args: never) => AnyModule, "a module");

/**
 * The output of the module with other values for its parameters and buffers, by the names of stateDict(); names that are omitted keep their own
 * values. The module does not change. Gradients flow to the values: `grad((values) => functionalCall(model, values, [x]).sum())`. `strict` (default
 * false) requires every parameter and buffer. Throws HebbError for an unknown name, ShapeError if a shape or dtype differs. Source:
 * torch.func.functional_call.
 */
export function functionalCall<Out, In extends unknown[]>(
  module: Module<Out, In>,
  values: StateDict,
  inputs: In | In[0],
  options: { readonly strict?: boolean } = {},
): Out {
  checkKind<unknown>("functionalCall", "the module", module, moduleKind);
  const { strict = false } = checkOptions("functionalCall", options, { strict: kind.boolean });
  if (typeof values !== "object" || values === null || values instanceof Tensor)
    throw new HebbError(
      `functionalCall: takes tensors by name, as stateDict() returns them, got ${kind.describe(values)}`,
    );
  const states = new Map<string, State>([...module.namedParameters(), ...module.namedBuffers()]);
  const given = new Map<State, Tensor>();
  for (const [name, value] of Object.entries(values)) {
    const state = states.get(name);
    if (state === undefined) {
      const near = nearest(name, [...states.keys()]);
      throw new HebbError(
        `functionalCall: the module has no parameter or buffer "${name}"${near === undefined ? "" : `; did you mean "${near}"?`}`,
      );
    }
    if (!(value instanceof Tensor))
      throw new HebbError(`functionalCall: "${name}" must be a tensor, got ${kind.describe(value)}`);
    if (!sameShape(value.shape, state.shape) || value.dtype !== state.dtype)
      throw new ShapeError(`functionalCall: "${name}" is ${describeType(value)} and must be ${describeType(state)}`);
    given.set(state, value);
  }
  const missing = [...states.keys()].filter((name) => !Object.hasOwn(values, name));
  if (strict && missing.length > 0)
    throw new HebbError(
      `functionalCall: ${missing.map((name) => `"${name}"`).join(", ")} are missing; give all values`,
    );
  const args = (Array.isArray(inputs) ? inputs : [inputs]) as In;
  return withStates(given, () => module.forward(...args));
}

/**
 * The parameters and buffers of modules with the same structure, stacked along a new first dim: `vmap` over them runs all modules at once. Source:
 * torch.func.stack_module_state.
 */
export function stackModuleState(
  modules: readonly AnyModule[],
): [parameters: Record<string, Tensor>, buffers: Record<string, Tensor>] {
  if (!Array.isArray(modules) || modules.length === 0 || !modules.every((module) => moduleKind.accepts(module)))
    throw new HebbError(`stackModuleState: takes a list of modules, got ${kind.describe(modules)}`);
  const stacked = (statesOf: (module: AnyModule) => readonly (readonly [string, State])[]): Record<string, Tensor> => {
    const all = modules.map((module: AnyModule) => new Map(statesOf(module)));
    const names = [...(all[0]?.keys() ?? [])];
    const odd = all.find((states) => states.size !== names.length || names.some((name) => !states.has(name)));
    if (odd !== undefined)
      throw new HebbError("stackModuleState: the modules differ in the names of their states; build all of them alike");
    return Object.fromEntries(names.map((name) => [name, stack(all.map((states) => states.get(name) as State))]));
  };
  return [stacked((module) => module.namedParameters()), stacked((module) => module.namedBuffers())];
}
