// Values that move between devices: immediately from a synchronous device, by promise from an asynchronous one.
import { HebbError, InternalError } from "../graph/errors.ts";
import type { Node } from "../graph/node.ts";
import { topologicalOrder } from "../graph/walk.ts";
import { type Home, memoryOf, Storage } from "../runtime/index.ts";
import { homeOf, targetOf } from "./placement.ts";

/** The functions of lazy evaluation that transfers use. */
interface Evaluation {
  known(node: Node): Storage | undefined;
  /** The device that computes the node. */
  home(node: Node): Home;
  /** Sets the node's value. */
  give(node: Node, value: Storage): void;
  /** Evaluates nodes that depend on no transfers. */
  compute(nodes: readonly Node[]): void;
}

/** Groups nodes by the device that computes them. */
export function byHome(nodes: readonly Node[], home: (node: Node) => Home): ReadonlyMap<Home, Node[]> {
  const parts = new Map<Home, Node[]>();
  for (const node of nodes) {
    const own = home(node);
    const part = parts.get(own);
    if (part === undefined) parts.set(own, [node]);
    else part.push(node);
  }
  return parts;
}

export class Transfers {
  readonly #evaluation: Evaluation;
  /** Transfers in progress, by the node or value that waits for them. */
  readonly #arriving = new Map<Node | Storage, Promise<void>>();
  /** The errors of failed transfers. */
  readonly #failed = new WeakMap<Node | Storage, { readonly error: unknown }>();

  constructor(evaluation: Evaluation) {
    this.#evaluation = evaluation;
  }

  /** Carries out the transfers under the roots, as far as values can be read synchronously. Returns the roots that must wait for others. */
  begin(roots: readonly Node[]): ReadonlySet<Node> {
    const { known } = this.#evaluation;
    const stuck = new Set<Node>();
    for (;;) {
      const waiting = new Set<Node>();
      const ready: Node[] = [];
      for (const node of this.#unknown(roots)) {
        const moves = this.#moves(node);
        if (node.inputs.some((input) => waiting.has(input))) waiting.add(node);
        else if (moves) {
          waiting.add(node);
          this.#throwFailure(node);
          if (!this.#arriving.has(node) && !stuck.has(node)) ready.push(node);
        }
      }
      if (ready.length === 0) return this.#withFetched(roots, waiting);
      const sources = [...new Set(ready.map(inputOf))].filter((source) => known(source) === undefined);
      const late = this.#withFetched(sources, new Set());
      this.#evaluation.compute(sources.filter((source) => !late.has(source)));
      for (const node of ready) {
        if (late.has(inputOf(node))) stuck.add(node);
        else this.#move(node);
      }
    }
  }

  /** Waits for all transfers in progress. Throws the error of a failed one. */
  async arrival(): Promise<void> {
    if (this.#arriving.size === 0) throw new InternalError("an evaluation waits for nothing");
    await Promise.all(this.#arriving.values());
  }

  /** The error for reading a value that has not arrived. */
  notHere(node: Node): HebbError {
    const home = homeOf(node);
    return new HebbError(
      `a value for ${home === undefined ? "another device" : home.name} is still being copied from an asynchronous device; first await data() or flushLater()`,
    );
  }

  /** Whether a value must still arrive on the device before it can be used. Starts its transfer. */
  fetch(value: Storage, home: Home): boolean {
    const { place } = value;
    const { at } = place;
    if (at === undefined || at === home || place.home !== undefined || place.host !== undefined) return false;
    const memory = memoryOf(place);
    if (!memory.device.asynchronous) return false;
    this.#throwFailure(value);
    if (!this.#arriving.has(value))
      this.#await(
        value,
        memory.copyLater(value).then((host) => {
          place.host ??= host;
        }),
      );
    return true;
  }

  /** The roots that wait, and those that read values in transfer. */
  #withFetched(roots: readonly Node[], waiting: ReadonlySet<Node>): ReadonlySet<Node> {
    const late = new Set(roots.filter((root) => waiting.has(root)));
    const { known, home: homeFor } = this.#evaluation;
    const others = roots.filter((root) => !late.has(root));
    for (const [home, part] of byHome(others, homeFor)) {
      const reads = new Set<Node>();
      for (const node of this.#order(part)) {
        const value = known(node);
        if (value === undefined ? node.inputs.some((input) => reads.has(input)) : this.fetch(value, home))
          reads.add(node);
      }
      for (const root of part) if (reads.has(root)) late.add(root);
    }
    return late;
  }

  #order(roots: readonly Node[]): Node[] {
    const { known } = this.#evaluation;
    return topologicalOrder(roots, { inputsOf: (node) => (known(node) === undefined ? node.inputs : []) });
  }

  #unknown(roots: readonly Node[]): Node[] {
    return this.#order(roots).filter((node) => this.#evaluation.known(node) === undefined);
  }

  /** Whether the node's value comes from another device or the host. A value without a device is computed where it is used instead. */
  #moves(node: Node): boolean {
    if (targetOf(node) === undefined) return false;
    const source = inputOf(node);
    return homeOf(source) !== undefined || this.#evaluation.known(source) !== undefined;
  }

  #move(node: Node): void {
    const { known, give } = this.#evaluation;
    const value = known(inputOf(node));
    if (value === undefined) throw new InternalError("a value moves before it is computed");
    const arrived = (host: Storage["place"]["host"]): void => {
      const moved = new Storage(node.dtype, node.shape, host);
      moved.place.home = targetOf(node);
      give(node, moved);
    };
    const { place } = value;
    const memory = memoryOf(place);
    if (place.host !== undefined) arrived(place.host);
    else if (!memory.device.asynchronous) arrived(memory.read(value));
    else this.#await(node, memory.copyLater(value).then(arrived));
  }

  #await(what: Node | Storage, arrival: Promise<void>): void {
    const done = arrival
      .catch((error: unknown) => {
        this.#failed.set(what, { error });
        throw error;
      })
      .finally(() => this.#arriving.delete(what));
    this.#arriving.set(what, done);
    // Every reader of the value gets the error.
    done.catch(() => undefined);
  }

  #throwFailure(what: Node | Storage): void {
    const failure = this.#failed.get(what);
    if (failure !== undefined) throw failure.error;
  }
}

const inputOf = (node: Node): Node => {
  const [input] = node.inputs;
  if (input === undefined) throw new InternalError("a transfer has no input");
  return input;
};
