// Module: a part of a network that owns parameters, buffers and other modules, by name.
import { type DType, type FloatDType, isFloat } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import * as kind from "../graph/kinds.ts";
import { describe } from "../graph/kinds.ts";
import { currentScope, withScope } from "../graph/node.ts";
import { checkOptions } from "../graph/options.ts";
import { formatShape, type Shape, sameShape } from "../graph/shape.ts";
import { type ComputeDevice, flush, noGrad, Parameter, State, Tensor, traceGuard, zeros } from "../tensor/index.ts";
import { broughtTo } from "../tensor/placement.ts";
import { nodeInspect } from "../tensor/show.ts";
import { moveStates } from "../tensor/state.ts";
import { readFlag, setFlag } from "../tensor/trace.ts";
import {
  type BackwardHook,
  type ForwardHook,
  type ForwardPreHook,
  type HookHandle,
  HookList,
  watched,
} from "./hooks.ts";
import { membersIn } from "./members.ts";
import { join, modulesBelow, pathInside } from "./paths.ts";
import { listed, printModule } from "./print.ts";
import { type LoadableValue, readStateValue, type StateValue } from "./stateValue.ts";
import { costsByScope, countOf, renderSummary, type SummaryRow, tensorsIn } from "./summary.ts";

/** Values by PyTorch's names, such as "fc1.weight". The object has no prototype, so any name is safe. */
export type StateDict = Readonly<Record<string, Tensor>>;

export interface LoadOptions {
  /** Every name must be present on both sides. Default true. */
  readonly strict?: boolean;
}

/** Names of a state dict that did not match, if `strict` is false. */
export interface LoadResult {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

/** A module with any inputs and output. */
export type AnyModule = Module<unknown, unknown[]>;
/** A member of a module. */
export type Member = AnyModule | State;

/** Modules whose forward is running, outermost first. */
const running: AnyModule[] = [];
const namedErrors = new WeakSet<Error>();
const namedRoots = new WeakSet<AnyModule>();
let observer: ((module: AnyModule, output: unknown) => void) | undefined;

/**
 * The base class of all layers and models. Assign parameters, buffers (State) and modules to fields; they are found, in the order of definition,
 * under their field names. So are those in arrays, plain objects, Maps and Sets, at any depth: `blocks.0`, `heads.left`. #private fields are not
 * visible from outside, so nothing to be trained or saved belongs there. Most modules map tensors to one tensor; `Out` and `In` state other types, as
 * for LSTM, which also returns its state. Source: torch.nn.Module.
 */
export abstract class Module<Out = Tensor, In extends unknown[] = Tensor[]> {
  #training = true;
  readonly #hooks = new HookList();

  constructor() {
    // Wrapped once here, so that every call of forward runs hooks, and nodes and errors carry the module's path.
    const forward = this.forward;
    const hooks = this.#hooks;
    Object.defineProperty(this, "forward", {
      value: (...inputs: In): Out =>
        runInside(this, inputs, () =>
          traceGuard(() => hooks.version) === 0
            ? forward.apply(this, inputs)
            : (watched(hooks, inputs, (given) => forward.apply(this, given as In)) as Out),
        ),
      configurable: true,
      writable: true,
    });
  }

  /** Computes the output. `compile` traces it: build tensors, never read values. */
  abstract forward(...inputs: In): Out;

  /**
   * Calls the hook with the inputs before each forward; a return value replaces them. Hooks work inside `compile`, where they run while tracing;
   * adding or removing one causes a retrace. Source: torch.nn.Module.register_forward_pre_hook.
   */
  registerForwardPreHook(hook: ForwardPreHook<In>): HookHandle {
    return this.#hooks.add("before", (inputs) => hook(inputs as In));
  }

  /**
   * Calls the hook with the inputs and the output after each forward; a return value replaces the output. Source:
   * torch.nn.Module.register_forward_hook.
   */
  registerForwardHook(hook: ForwardHook<In, Out>): HookHandle {
    return this.#hooks.add("after", (inputs, output) => hook(inputs as In, output as Out));
  }

  /**
   * Calls the hook when gradients pass through the module: with the gradients of its inputs (undefined for those without) and of its output. A return
   * value replaces the gradient of the input, if only one input needs one. For modules that return one tensor. Source:
   * torch.nn.Module.register_full_backward_hook.
   */
  registerFullBackwardHook(hook: BackwardHook): HookHandle {
    return this.#hooks.add("backward", hook);
  }

  /** The module's own parameters, buffers and modules by name; a container may choose the names. */
  protected members(): Iterable<readonly [name: string, member: Member]> {
    return membersIn(this, isMember);
  }

  /** The spelling of a member's name in paths: snake_case, as in PyTorch. A module whose names come from a file keeps them. */
  protected spell(name: string): string {
    return snakeCase(name);
  }

  /** Direct submodules by name. */
  namedChildren(): [name: string, child: AnyModule][] {
    return [...this.members()]
      .filter((entry): entry is readonly [string, AnyModule] => entry[1] instanceof Module)
      .map(([name, child]) => [name, child]);
  }

  children(): AnyModule[] {
    return this.namedChildren().map(([, child]) => child);
  }

  /** This module ("") and all modules below it by path, each once. */
  namedModules(): [path: string, module: AnyModule][] {
    return [...modulesBelow<AnyModule>(this)];
  }

  modules(): AnyModule[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** All states by path, each once: a shared one under its first name. */
  #states(): [path: string, state: State][] {
    const found = new Map<State, string>();
    for (const [path, module] of modulesBelow<AnyModule>(this, (name, owner) => owner.spell(name))) {
      for (const [name, member] of module.members()) {
        if (member instanceof State && !found.has(member)) found.set(member, join(path, module.spell(name)));
      }
    }
    const paths = new Set<string>();
    for (const path of found.values()) {
      if (paths.has(path))
        throw new HebbError(
          `${this.constructor.name}: two parameters or buffers are called "${path}", as names are written in snake_case; rename one`,
        );
      paths.add(path);
    }
    return [...found].map(([state, path]) => [path, state]);
  }

  /** Parameters by PyTorch's names: the path of fields in snake_case. */
  namedParameters(): [path: string, parameter: Parameter][] {
    return this.#states().filter((entry): entry is [string, Parameter] => entry[1] instanceof Parameter);
  }

  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** States that are not trained, such as running statistics ("bn.running_mean"). */
  namedBuffers(): [path: string, buffer: State][] {
    return this.#states().filter(([, state]) => !(state instanceof Parameter));
  }

  buffers(): State[] {
    return this.namedBuffers().map(([, buffer]) => buffer);
  }

  /** Whether layers such as Dropout and BatchNorm are in training mode. A compiled function that reads it is traced again when it changes. */
  get training(): boolean {
    return readFlag(this, () => this.#training);
  }

  /** Sets the training mode of this module and all below it. */
  train(mode = true): this {
    for (const module of this.modules())
      setFlag(module, () => {
        module.#training = mode;
      });
    return this;
  }

  /** Switches to inference: no dropout, running statistics. */
  eval(): this {
    return this.train(false);
  }

  /** Freezes all parameters below (requiresGrad false). */
  freeze(): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = false;
    return this;
  }

  unfreeze(): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = true;
    return this;
  }

  /**
   * Moves all parameters and buffers, with their gradients, to a device; the state of an optimizer follows at its next step. Their inputs must be
   * there too. Compiled functions are traced again. Source: torch.nn.Module.to.
   */
  toDevice(device: ComputeDevice): this {
    const states = this.#states().map(([, state]) => state);
    moveStates(`${this.constructor.name}.toDevice`, states, device);
    return this;
  }

  /** Converts all float parameters and buffers to float16. Source: torch.nn.Module.half. */
  half(): this {
    return this.#convert("float16");
  }
  /** Converts all float parameters and buffers to bfloat16. Source: torch.nn.Module.bfloat16. */
  bfloat16(): this {
    return this.#convert("bfloat16");
  }
  /** Converts all float parameters and buffers to float32. Source: torch.nn.Module.float. */
  float(): this {
    return this.#convert("float32");
  }
  /** Converts all float parameters and buffers to float64. Source: torch.nn.Module.double. */
  double(): this {
    return this.#convert("float64");
  }

  #convert(dtype: FloatDType): this {
    for (const [, state] of this.#states()) if (isFloat(state.dtype)) state.convert(dtype);
    return this;
  }

  /** Clears the gradients of all parameters. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.grad = undefined;
  }

  /** The current values of parameters and buffers; later training does not change them. */
  stateDict(): StateDict {
    const values: Record<string, Tensor> = Object.create(null);
    for (const [path, state] of this.#states()) values[path] = Tensor.of(state.node);
    return values;
  }

  /**
   * Loads the values of a state dict. Changes nothing if something does not match. Throws HebbError listing missing and unexpected names (unless
   * `strict` is false) and shapes that differ.
   */
  loadStateDict(values: Readonly<Record<string, LoadableValue>>, options: LoadOptions = {}): LoadResult {
    checkOptions("loadStateDict", options, { strict: kind.boolean });
    if (typeof values !== "object" || values === null || values instanceof Tensor || values instanceof Module)
      throw new HebbError(
        `loadStateDict: takes values by name, as stateDict() returns them, got ${describe(values)}${values instanceof Module ? "; give its .stateDict()" : ""}`,
      );
    const states = new Map(this.#states());
    const missing = [...states.keys()].filter((name) => !Object.hasOwn(values, name));
    const unexpected = Object.keys(values).filter((name) => !states.has(name));
    const problems: string[] = [];
    if (options.strict ?? true) {
      if (missing.length > 0) problems.push(`missing ${quoted(missing)}`);
      if (unexpected.length > 0) problems.push(`unexpected ${quoted(unexpected)}`);
    }
    const fitting: [State, StateValue][] = [];
    const wrong: string[] = [];
    for (const [name, state] of states) {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (value === undefined) continue;
      const given = readStateValue(name, value);
      if (sameShape(given.shape, state.shape)) fitting.push([state, given]);
      else wrong.push(`"${name}" is ${formatShape(given.shape)} and must be ${formatShape(state.shape)}`);
    }
    if (wrong.length > 0) problems.push(`shapes differ: ${shortened(wrong).join(", ")}`);
    if (problems.length > 0) {
      throw new HebbError(
        `loadStateDict: the values do not fit this ${this.constructor.name}: ${problems.join("; ")}; build the model with the sizes it was saved with`,
      );
    }
    for (const [state, given] of fitting)
      state.assign(given instanceof Tensor ? Tensor.of(broughtTo(given.node, state.cell.home)) : given.data);
    return { missing, unexpected };
  }

  /**
   * A table of modules with their parameters' shapes and counts. With inputs (or their shapes) also each module's output shape and FLOPs, and the
   * memory of parameters and activations. FLOPs count 2 for each multiply-add of products and convolutions and 1 for each other sum, product or
   * function value. Computes nothing.
   */
  summary(input?: SummaryInput | readonly SummaryInput[], options: { readonly dtype?: DType } = {}): string {
    checkOptions("summary", options, { dtype: kind.dtype });
    const inputs = input === undefined ? undefined : summaryInputs(input, options.dtype);
    const traced = inputs === undefined ? undefined : this.#traced(inputs);
    const rows = this.namedModules().map(([path, module]): SummaryRow => {
      const own = [...module.members()].filter(
        (entry): entry is readonly [string, Parameter] => entry[1] instanceof Parameter,
      );
      const tensors = traced?.outputs.get(module);
      return {
        path,
        kind: module.constructor.name,
        leaf: module.children().length === 0,
        outputs: tensors,
        flops: traced?.flops.get(path),
        parameters: own.map(([name, parameter]) => ({ name: module.spell(name), shape: parameter.shape })),
      };
    });
    const states = this.#states().map(([, state]) => state);
    return renderSummary(rows, {
      parameters: this.parameters(),
      states,
      inputs,
      flops: traced === undefined ? undefined : [...traced.flops.values()].reduce((sum, count) => sum + count, 0),
    });
  }

  /**
   * The text in brackets when this module is printed, next to its submodules. By default its fields: numbers, texts, and the shapes of states.
   * Source: torch.nn.Module.extra_repr.
   */
  extraRepr(): string {
    return listed(this).join(", ");
  }

  /** The submodules by name, indented, with their options, and the number of parameters. */
  toString(): string {
    const parameters = this.parameters();
    return `${printModule(this)}${parameters.length === 0 ? "" : `, ${countOf(parameters)}`}`;
  }

  /** The text that console.log shows in Node. */
  [nodeInspect](depth: number): string {
    return depth < 0 ? `[${this.constructor.name}]` : this.toString();
  }

  /** The output shapes and the cost of each module for the given inputs, in evaluation mode and without side effects. */
  #traced(inputs: readonly Tensor[]): {
    readonly outputs: ReadonlyMap<AnyModule, readonly Tensor[]>;
    readonly flops: ReadonlyMap<string, number>;
  } {
    const outputs = new Map<AnyModule, readonly Tensor[]>();
    const modes = this.modules().map((module) => [module, module.#training] as const);
    const outer = observer;
    observer = (module, output) => outputs.set(module, tensorsIn(output));
    this.eval();
    // Pending initial values would count as the model's work.
    flush();
    try {
      // A model whose forward takes tensors, the only kind that shapes can describe.
      const run = this.forward as (...given: readonly Tensor[]) => Out;
      const result = noGrad(() => run(...inputs));
      return { outputs, flops: costsByScope(tensorsIn(result)) };
    } finally {
      observer = outer;
      for (const [module, mode] of modes) module.#training = mode;
    }
  }
}

/** A tensor, or the shape of one. */
export type SummaryInput = Tensor | Shape;

function summaryInputs(input: SummaryInput | readonly SummaryInput[], dtype: DType | undefined): Tensor[] {
  const isShape = (value: SummaryInput | readonly SummaryInput[]): value is Shape =>
    Array.isArray(value) && value.every((extent) => typeof extent === "number");
  const one = (value: SummaryInput): Tensor => (value instanceof Tensor ? value : zeros(value, dtype ? { dtype } : {}));
  if (input instanceof Tensor || isShape(input)) return [one(input)];
  return input.map(one);
}

/** Runs a forward under the module's path: its name inside the calling module. */
function runInside<Out>(module: AnyModule, inputs: readonly unknown[], forward: () => Out): Out {
  const caller = running[running.length - 1];
  if (caller === undefined) nameStates(module);
  const path = join(currentScope(), caller === undefined || caller === module ? "" : pathInside(caller, module));
  const depth = running.length;
  try {
    running.push(module);
    const output = withScope(path, forward);
    observer?.(module, output);
    return output;
  } catch (error) {
    if (error instanceof RangeError && depth >= deepNesting) throw tooDeep(depth, error);
    throw named(error instanceof TypeError ? (refusal(inputs, error) ?? error) : error, module, path);
  } finally {
    // After a stack overflow nothing can be called.
    running.length = depth;
  }
}

/** From this nesting depth on, a stack overflow is attributed to the modules. */
const deepNesting = 100;

function tooDeep(depth: number, cause: RangeError): HebbError {
  const error = new HebbError(
    `forward: ${depth} modules inside one another overflow JavaScript's stack; nest fewer, for example with all layers in one Sequential`,
    { cause },
  );
  namedErrors.add(error);
  return error;
}

/** Names a value passed instead of a tensor, for callers without type checking. */
function refusal([first]: readonly unknown[], cause: TypeError): HebbError | undefined {
  const isList = Array.isArray(first) || ArrayBuffer.isView(first);
  if (!isList && typeof first !== "number" && first !== undefined && first !== null) return undefined;
  const remedy = first === undefined || first === null ? "" : "; make a tensor of it with tensor(…)";
  return new HebbError(`forward takes tensors, got ${isList ? "an array" : first}${remedy}`, { cause });
}

/** Gives states their full paths as names, for listings, when a model first runs. */
function nameStates(root: AnyModule): void {
  if (namedRoots.has(root)) return;
  namedRoots.add(root);
  for (const [path, state] of [...root.namedParameters(), ...root.namedBuffers()]) state.name = path;
}

/** Puts the kind and path of the innermost module before the message: `Linear "fc1": …`. */
function named(error: unknown, module: AnyModule, path: string): unknown {
  if (!(error instanceof HebbError) || namedErrors.has(error)) return error;
  namedErrors.add(error);
  const kind = module.constructor.name;
  const suffix = ` (in "${path}")`;
  let message = error.message.endsWith(suffix) ? error.message.slice(0, -suffix.length) : error.message;
  // The function of a layer prefixes its own name: linear for Linear, mse for MSELoss.
  const [name = ""] = /^\w+(?=: )/.exec(message) ?? [];
  if ([kind, kind.replace(/Loss$/, "")].some((own) => own.toLowerCase() === name.toLowerCase()))
    message = message.slice(name.length + 2);
  error.message = `${kind}${path === "" ? "" : ` "${path}"`}: ${message}`;
  return error;
}

const isMember = (value: unknown): value is Member => value instanceof Module || value instanceof State;
const snakeCase = (name: string): string => name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const shortened = (list: readonly string[]): readonly string[] =>
  list.length > 8 ? [...list.slice(0, 8), `and ${list.length - 8} more`] : list;
const quoted = (names: readonly string[]): string => shortened(names.map((name) => `"${name}"`)).join(", ");
