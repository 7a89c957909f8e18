// Hooks: functions that see, and may change, the inputs and outputs of a module and its gradients.
import { HebbError } from "../graph/errors.ts";
import { withGradient } from "../graph/ops/alias.ts";
import { Tensor } from "../tensor/index.ts";

/** Gets the inputs of a forward pass; a return value replaces them. */
export type ForwardPreHook<In extends unknown[]> = (inputs: In) => In | undefined;
/** Gets the inputs and the output of a forward pass; a return value replaces the output. */
export type ForwardHook<In extends unknown[], Out> = (inputs: In, output: Out) => Out | undefined;
/** Gets the gradients of the inputs and the output; a return value replaces the gradient of the only input. */
export type BackwardHook = (inputs: readonly (Tensor | undefined)[], output: Tensor) => Tensor | undefined;

/** Removes a hook. */
export interface HookHandle {
  remove(): void;
}

interface Hooks {
  readonly before: ((inputs: readonly unknown[]) => readonly unknown[] | undefined)[];
  readonly after: ((inputs: readonly unknown[], output: unknown) => unknown)[];
  readonly backward: BackwardHook[];
}

/** The hooks of one module, in the order in which they were registered. */
export class HookList {
  readonly hooks: Readonly<Hooks> = { before: [], after: [], backward: [] };
  #changes = 0;

  /** 0 without hooks, else a number unique to this state of the list. */
  get version(): number {
    const { before, after, backward } = this.hooks;
    return before.length + after.length + backward.length === 0 ? 0 : this.#changes;
  }

  add<K extends keyof Hooks>(kind: K, hook: Hooks[K][number]): HookHandle {
    const list: unknown[] = this.hooks[kind];
    list.push(hook);
    this.#changes++;
    return {
      remove: () => {
        const place = list.indexOf(hook);
        if (place >= 0) list.splice(place, 1);
        this.#changes++;
      },
    };
  }
}

/** Runs a forward pass with its hooks. */
export function watched(
  { hooks: { before, after, backward } }: HookList,
  inputs: readonly unknown[],
  forward: (inputs: readonly unknown[]) => unknown,
): unknown {
  let given = inputs;
  for (const hook of before) given = hook(given) ?? given;
  const gradients = backward.length > 0 ? new GradientWatch(backward, given) : undefined;
  let output = forward(gradients?.inputs ?? given);
  if (gradients !== undefined) output = gradients.output(output);
  for (const hook of after) output = hook(given, output) ?? output;
  return output;
}

/** Observes the gradients of the output and the inputs of one call. */
class GradientWatch {
  readonly inputs: readonly unknown[];
  readonly #hooks: readonly BackwardHook[];
  readonly #wanted: number;
  #found: (Tensor | undefined)[];
  #arrived = 0;
  #ofOutput: Tensor | undefined;

  constructor(hooks: readonly BackwardHook[], inputs: readonly unknown[]) {
    this.#hooks = [...hooks];
    const watches = (value: unknown): value is Tensor => value instanceof Tensor && value.requiresGrad;
    this.#wanted = inputs.filter(watches).length;
    this.#found = inputs.filter((value) => value instanceof Tensor).map(() => undefined);
    let place = -1;
    this.inputs = inputs.map((value) => {
      if (!(value instanceof Tensor)) return value;
      place++;
      const at = place;
      return watches(value) ? seen(value, (grad) => this.#arrive(at, grad)) : value;
    });
  }

  output(output: unknown): unknown {
    if (!(output instanceof Tensor))
      throw new HebbError("a backward hook needs a module that returns one tensor; this one returns several values");
    return seen(output, (grad) => {
      this.#ofOutput = grad;
      if (this.#wanted === 0) this.#call();
      return grad;
    });
  }

  #arrive(place: number, grad: Tensor): Tensor {
    this.#found[place] = grad;
    this.#arrived++;
    if (this.#arrived < this.#wanted) return grad;
    const changed = this.#call();
    return this.#wanted === 1 ? (changed ?? grad) : grad;
  }

  #call(): Tensor | undefined {
    const output = this.#ofOutput;
    if (output === undefined) return undefined;
    const found = this.#found;
    this.#found = found.map(() => undefined);
    this.#arrived = 0;
    let changed: Tensor | undefined;
    for (const hook of this.#hooks) changed = hook(found, output) ?? changed;
    return changed;
  }
}

/** The same value, whose gradient passes through `change`. */
function seen(value: Tensor, change: (grad: Tensor) => Tensor): Tensor {
  return Tensor.from(
    withGradient(value.node, [value.node], (grad) => [change(Tensor.of(grad)).node]),
    [value],
  );
}
