// The types of serve.mjs, for our own side.
export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}
export function load(directory: string, name: string): Record<string, Values>;
export function row<D extends Float32Array | Int32Array>(values: { shape: readonly number[]; data: D }, i: number): D;
export function oneHot(labels: Int32Array, classes: number): Float32Array;
export function transposed(values: Values): Values;
/** A GPT: its layers, and the tokens of a batch. */
export interface Transformer {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly context: number;
  readonly vocabulary: number;
  readonly batch: number;
}
export const transformers: { readonly gpt: Transformer; readonly gpt2: Transformer };
export function nextTokens(windows: Int32Array, context?: number): { x: Int32Array; y: Int32Array };
export function matrices(n: number): { a: Float32Array; b: Float32Array };
export const chainLength: number;
export function chainInput(): Float32Array;
export interface Work {
  step(i: number): void | Promise<void>;
  sync?(): unknown;
  reset?(): void | Promise<void>;
  check(): number | Promise<number>;
}
export function serve(make: (work: unknown) => Work | Promise<Work>, about: { version: string }): Promise<void>;
