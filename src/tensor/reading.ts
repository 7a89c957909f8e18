// Code that reads device values, written once: `readNow` runs it synchronously, `readLater` by promise.
import { at } from "../graph/at.ts";
import type { TypedArray } from "../graph/dtype.ts";
import { HebbError } from "../graph/errors.ts";
import { sourceNode } from "../graph/node.ts";
import { engineOf, readsAtOnceEverywhere } from "../runtime/index.ts";
import { evaluate } from "./lazy.ts";
import { homeOf } from "./placement.ts";
import { Tensor } from "./tensor.ts";

/** Something that work waits for. */
interface Wait {
  /** Does it synchronously; undefined if that is impossible. */
  readonly now: (() => void) | undefined;
  later(): Promise<void>;
}

/** Work in parts, with waits in between. Run by `readNow`, `readLater`, or as part of other work by `yield*`. */
export type Reading<T> = Generator<Wait, T, void>;

/** The result of a function that may be asynchronous. */
export type Answer<T> = T | PromiseLike<T> | Reading<T>;

/** Whether all values can be read synchronously, on any device. */
export const readsAtOnce = readsAtOnceEverywhere;

/** Refuses a value that its device delivers asynchronously. */
function refuseLater(where: string, { node, device }: Tensor): void {
  if (engineOf(homeOf(node)).device.asynchronous)
    throw new HebbError(
      `${where} needs values synchronously, and ${device.name} is asynchronous; do this on a synchronous device, such as openDevice({ backend: "wasm" }), and move the result with toDevice`,
    );
}

/** A copy of the values, for synchronous code. */
export function valuesNow(where: string, tensor: Tensor): TypedArray {
  refuseLater(where, tensor);
  return tensor.dataSync();
}

/** The value of a tensor of one element, for synchronous code. */
export function itemNow(where: string, tensor: Tensor): number {
  refuseLater(where, tensor);
  return tensor.itemSync();
}

/** `now` where that is possible, otherwise `later`. */
export function* either<T>(now: () => T, later: () => Promise<T>): Reading<T> {
  const got: T[] = [];
  yield {
    now: () => {
      got[0] = now();
    },
    later: async () => {
      got[0] = await later();
    },
  };
  return got[0] as T;
}

/** The values of tensors, as copies, all in one wait. */
export const valuesOf = (tensors: readonly Tensor[]): Reading<readonly TypedArray[]> =>
  eachOf(tensors, (values) => values);

/** Applies a function to the values of each tensor, before the next is read if reads are synchronous. */
export const eachOf = <T>(
  tensors: readonly Tensor[],
  become: (values: TypedArray, place: number) => T,
): Reading<readonly T[]> =>
  either(
    () => tensors.map((tensor, place) => become(tensor.dataSync(), place)),
    () => Promise.all(tensors.map(async (tensor, place) => become(await tensor.data(), place))),
  );

/** A tensor of the same value without history. It is not read. */
export function settled(tensor: Tensor): Tensor {
  const value = at(evaluate([tensor.node]), 0);
  return Tensor.of(sourceNode(value, value));
}

/** The value of a tensor of one element. */
export const itemOf = (tensor: Tensor): Reading<number> =>
  either(
    () => tensor.itemSync(),
    () => tensor.item(),
  );

const isReading = <T>(answer: Answer<T>): answer is Reading<T> =>
  typeof answer === "object" && answer !== null && Symbol.iterator in answer && "throw" in answer;

/** Anything that `await` waits for. */
export const isPromise = <T>(answer: Answer<T>): answer is PromiseLike<T> =>
  typeof answer === "object" && answer !== null && "then" in answer && typeof answer.then === "function";

/** The answer of a function, now or later. */
export function* answered<T>(answer: Answer<T>): Reading<T> {
  if (isReading(answer)) return yield* answer;
  if (!isPromise(answer)) return answer;
  const got: T[] = [];
  yield {
    now: undefined,
    later: async () => {
      got[0] = await answer;
    },
  };
  return got[0] as T;
}

/** Runs each part of the work inside `run`, which sets up its context, such as the generator to draw from. */
export function* within<T>(run: <R>(part: () => R) => R, work: Reading<T>): Reading<T> {
  let part = run(() => work.next());
  while (part.done !== true) {
    let failure: { readonly error: unknown } | undefined;
    try {
      yield part.value;
    } catch (error) {
      failure = { error };
    }
    const failed = failure;
    part = run(() => (failed === undefined ? work.next() : work.throw(failed.error)));
  }
  return part.value;
}

/** Runs the work synchronously. Throws HebbError if it must wait for something. */
export function readNow<T>(work: Reading<T>): T {
  let part = work.next();
  while (part.done !== true) {
    let failure: { readonly error: unknown } | undefined;
    try {
      if (part.value.now === undefined)
        throw new HebbError(
          "a function returned a promise, but its result is needed synchronously; make it a plain function",
        );
      part.value.now();
    } catch (error) {
      failure = { error };
    }
    part = failure === undefined ? work.next() : work.throw(failure.error);
  }
  return part.value;
}

/** Runs the work and waits where necessary: on a synchronous device, only for promises of others. */
export async function readLater<T>(work: Reading<T>): Promise<T> {
  let part = work.next();
  while (part.done !== true) {
    let failure: { readonly error: unknown } | undefined;
    try {
      const { now } = part.value;
      if (now !== undefined && readsAtOnce()) now();
      else await part.value.later();
    } catch (error) {
      failure = { error };
    }
    part = failure === undefined ? work.next() : work.throw(failure.error);
  }
  return part.value;
}
