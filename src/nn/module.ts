// Module: a piece of a network that owns parameters, buffers and other modules, and knows their names.
import type { DType, TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { currentScope, withScope } from "../graph/node.ts";
import { formatShape, type Shape, sameShape } from "../graph/shape.ts";
import { noGrad, Parameter, State, Tensor, traceGuard, zeros } from "../tensor/index.ts";

/** A value of a state dict: a tensor, or an array as files hold it. */
export type StateValue = Tensor | { readonly dtype: DType; readonly shape: Shape; readonly data: TypedArray };

/** Values by PyTorch's names, such as "fc1.weight". Without a prototype, so that any name is harmless. */
export type StateDict = Readonly<Record<string, Tensor>>;

export interface LoadOptions {
  /** Every name must be present on both sides. Default true. */
  readonly strict?: boolean;
}

/** What of a state dict did not fit by name, when `strict` is false. */
export interface LoadResult {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

type Member = Module | State;

/** Modules whose forward is running, the outermost first. */
const running: Module[] = [];
/** The paths inside each caller, made when first asked for and again when a module is not among them. */
const knownPaths = new WeakMap<Module, Map<Module, string>>();
const namedErrors = new WeakSet<Error>();
const namedRoots = new WeakSet<Module>();
let observer: ((module: Module, output: Tensor) => void) | undefined;

/**
 * The base of all layers and models. Assign parameters, buffers (State) and modules to fields; they are found, in the order
 * of definition, under their field names. Arrays of modules count too: `blocks.0`. Source: torch.nn.Module.
 */
export abstract class Module {
  #training = true;

  constructor() {
    // Wrapped once here, so that however forward is called, nodes and errors carry the module's path.
    const forward = this.forward;
    Object.defineProperty(this, "forward", {
      value: (...inputs: Tensor[]): Tensor => runInside(this, () => forward.apply(this, inputs)),
      configurable: true,
      writable: true,
    });
  }

  /** The output for some inputs. It is traced by `compile`: build tensors, never read values. */
  abstract forward(...inputs: Tensor[]): Tensor;

  /** Own parameters, buffers and modules with their names; a container may name its own. */
  protected *members(): Iterable<readonly [name: string, member: Member]> {
    for (const [name, value] of Object.entries(this)) {
      if (value instanceof Module || value instanceof State) yield [name, value];
      else if (Array.isArray(value)) {
        for (const [place, part] of value.entries()) if (part instanceof Module) yield [`${name}.${place}`, part];
      }
    }
  }

  /** Direct submodules by name. */
  namedChildren(): [name: string, child: Module][] {
    return [...this.members()]
      .filter((entry): entry is readonly [string, Module] => entry[1] instanceof Module)
      .map(([name, child]) => [name, child]);
  }

  children(): Module[] {
    return this.namedChildren().map(([, child]) => child);
  }

  /** This module ("") and all below it by path, each once. */
  namedModules(): [path: string, module: Module][] {
    const found = new Map<Module, string>();
    const visit = (module: Module, path: string): void => {
      if (found.has(module)) return;
      found.set(module, path);
      for (const [name, child] of module.namedChildren()) visit(child, join(path, name));
    };
    visit(this, "");
    return [...found].map(([module, path]) => [path, module]);
  }

  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** All states by path, each once: a shared one under its first name. */
  #states(): [path: string, state: State][] {
    const found = new Map<State, string>();
    for (const [path, module] of this.namedModules()) {
      for (const [name, member] of module.members()) {
        if (member instanceof State && !found.has(member)) found.set(member, join(path, snakeCase(name)));
      }
    }
    return [...found].map(([state, path]) => [path, state]);
  }

  /** Parameters with PyTorch's names: the path of the module and the field in snake_case. */
  namedParameters(): [path: string, parameter: Parameter][] {
    return this.#states().filter((entry): entry is [string, Parameter] => entry[1] instanceof Parameter);
  }

  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** States that are not learned, such as running statistics ("bn.running_mean"). */
  namedBuffers(): [path: string, buffer: State][] {
    return this.#states().filter(([, state]) => !(state instanceof Parameter));
  }

  buffers(): State[] {
    return this.namedBuffers().map(([, buffer]) => buffer);
  }

  /** Whether layers such as Dropout and BatchNorm behave as in training. A compiled function that reads it is traced again when it changes. */
  get training(): boolean {
    return traceGuard(() => this.#training);
  }

  /** Sets the training mode of this module and all below. */
  train(mode = true): this {
    for (const module of this.modules()) module.#training = mode;
    return this;
  }

  /** The mode for use: no dropout, running statistics. */
  eval(): this {
    return this.train(false);
  }

  /** No gradients for any parameter below (requiresGrad false). */
  freeze(): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = false;
    return this;
  }

  unfreeze(): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = true;
    return this;
  }

  /** Clears the gradients of all parameters. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.grad = undefined;
  }

  /** The present values of parameters and buffers; later training does not change them. */
  stateDict(): StateDict {
    const values: Record<string, Tensor> = Object.create(null);
    for (const [path, state] of this.#states()) values[path] = Tensor.of(state.node);
    return values;
  }

  /**
   * Takes over the values of a state dict. Nothing is changed when something does not fit.
   * Throws HebbError listing missing and unexpected names (unless `strict` is false) and shapes that differ.
   */
  loadStateDict(values: Readonly<Record<string, StateValue>>, options: LoadOptions = {}): LoadResult {
    const states = new Map(this.#states());
    const missing = [...states.keys()].filter((name) => !Object.hasOwn(values, name));
    const unexpected = Object.keys(values).filter((name) => !states.has(name));
    const problems: string[] = [];
    if (options.strict ?? true) {
      if (missing.length > 0) problems.push(`missing ${listed(missing)}`);
      if (unexpected.length > 0) problems.push(`unexpected ${listed(unexpected)}`);
    }
    const fitting: [State, StateValue][] = [];
    const wrong: string[] = [];
    for (const [name, state] of states) {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (value === undefined) continue;
      if (sameShape(value.shape, state.shape)) fitting.push([state, value]);
      else wrong.push(`"${name}" is ${formatShape(value.shape)} and must be ${formatShape(state.shape)}`);
    }
    if (wrong.length > 0) problems.push(`shapes differ: ${shortened(wrong).join(", ")}`);
    if (problems.length > 0) {
      throw new HebbError(
        `loadStateDict: the values do not fit this ${this.constructor.name}: ${problems.join("; ")}; build the model with the sizes it was saved with`,
      );
    }
    for (const [state, value] of fitting) state.assign(value instanceof Tensor ? value : value.data);
    return { missing, unexpected };
  }

  /**
   * A table of modules with their parameters' shapes and counts; with an input (or its shape), also the shape that each
   * module gives in use. Computes nothing.
   */
  summary(input?: Tensor | Shape): string {
    const outputs =
      input === undefined ? undefined : this.#outputShapes(input instanceof Tensor ? input : zeros(input));
    const rows = this.namedModules().map(([path, module]) => {
      const own = [...module.members()].filter(
        (entry): entry is readonly [string, Parameter] => entry[1] instanceof Parameter,
      );
      const shapes = own.map(([name, parameter]) => `${snakeCase(name)} ${formatShape(parameter.shape)}`).join(", ");
      const count = own.reduce((sum, [, parameter]) => sum + parameter.size, 0);
      const shape = outputs?.get(module);
      return [
        path === "" ? "(model)" : path,
        module.constructor.name,
        ...(outputs ? [shape ? formatShape(shape) : ""] : []),
        shapes,
        count === 0 ? "" : grouped(count),
      ];
    });
    const table = [["module", "kind", ...(outputs ? ["output"] : []), "parameters", "count"], ...rows];
    const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => (row[column] ?? "").length)));
    const lines = table.map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    );
    const parameters = this.parameters();
    const total = (list: readonly Parameter[]): string => grouped(list.reduce((sum, { size }) => sum + size, 0));
    const frozen = parameters.filter(({ requiresGrad }) => !requiresGrad);
    return [
      ...lines,
      `${total(parameters)} parameters${frozen.length > 0 ? `, ${total(frozen)} of them frozen` : ""}`,
    ].join("\n");
  }

  #outputShapes(input: Tensor): Map<Module, Shape> {
    const shapes = new Map<Module, Shape>();
    const modes = this.modules().map((module) => [module, module.#training] as const);
    const outer = observer;
    observer = (module, output) => shapes.set(module, output.shape);
    this.eval();
    try {
      noGrad(() => this.forward(input));
    } finally {
      observer = outer;
      for (const [module, mode] of modes) module.#training = mode;
    }
    return shapes;
  }
}

/** Runs a forward under the module's path: its name inside the module that called it. */
function runInside(module: Module, forward: () => Tensor): Tensor {
  const caller = running[running.length - 1];
  if (caller === undefined) nameStates(module);
  const path = join(currentScope(), caller === undefined || caller === module ? "" : pathInside(caller, module));
  running.push(module);
  try {
    const output = withScope(path, forward);
    observer?.(module, output);
    return output;
  } catch (error) {
    throw named(error, module, path);
  } finally {
    running.pop();
  }
}

function pathInside(caller: Module, module: Module): string {
  const known = knownPaths.get(caller)?.get(module);
  if (known !== undefined) return known;
  const paths = new Map(caller.namedModules().map(([path, found]) => [found, path]));
  knownPaths.set(caller, paths);
  // A module that is used but not owned has no name there; its kind tells most.
  return paths.get(module) ?? module.constructor.name;
}

/** Gives states their full paths as names, for listings, when a model first runs. */
function nameStates(root: Module): void {
  if (namedRoots.has(root)) return;
  namedRoots.add(root);
  for (const [path, state] of [...root.namedParameters(), ...root.namedBuffers()]) state.name = path;
}

/** Puts the kind and path of the innermost module before the message: `Linear "fc1": …`. */
function named(error: unknown, module: Module, path: string): unknown {
  if (!(error instanceof HebbError) || namedErrors.has(error)) return error;
  namedErrors.add(error);
  const kind = module.constructor.name;
  const prefix = `${kind.charAt(0).toLowerCase()}${kind.slice(1)}: `;
  const suffix = ` (in "${path}")`;
  let message = error.message.endsWith(suffix) ? error.message.slice(0, -suffix.length) : error.message;
  if (message.startsWith(prefix)) message = message.slice(prefix.length);
  error.message = `${kind}${path === "" ? "" : ` "${path}"`}: ${message}`;
  return error;
}

const join = (path: string, name: string): string => (path === "" ? name : name === "" ? path : `${path}.${name}`);
const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const grouped = (count: number): string => count.toLocaleString("en-US");
const shortened = (list: readonly string[]): readonly string[] =>
  list.length > 8 ? [...list.slice(0, 8), `and ${list.length - 8} more`] : list;
const listed = (names: readonly string[]): string => shortened(names.map((name) => `"${name}"`)).join(", ");
