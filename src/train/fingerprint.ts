// Fingerprints of data and weights: ranks compare them before the first step. Not secure against an adversary.
import { Dataset, gatherSamples, TokenSequence } from "../data/index.ts";
import { spread } from "../data/spread.ts";
import type { TypedArray } from "../graph/dtype.ts";
import type { Module } from "../nn/index.ts";
import { cellMemory } from "../runtime/index.ts";
import { flush } from "../tensor/index.ts";
import type { InMemory } from "./feeds.ts";

const prime = 0x01000193;

/** FNV-1a over words, in two 32-bit lanes. Source: Fowler, Noll, Vo. */
class Fingerprint {
  #a = 0x811c9dc5;
  #b = 0x6c62272e;

  add({ buffer, byteOffset, byteLength }: TypedArray): this {
    const words = byteLength >>> 2;
    const whole = byteOffset % 4 === 0 ? new Int32Array(buffer, byteOffset, words) : undefined;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    let [a, b] = [this.#a, this.#b];
    if (whole !== undefined)
      for (let i = 0; i < words; i++) {
        const word = whole[i] as number;
        a = Math.imul(a ^ word, prime);
        b = Math.imul((b << 5) | (b >>> 27), prime) ^ word;
      }
    for (let i = whole === undefined ? 0 : 4 * words; i < byteLength; i++) {
      a = Math.imul(a ^ (bytes[i] as number), prime);
      b = Math.imul((b << 5) | (b >>> 27), prime) ^ (bytes[i] as number);
    }
    [this.#a, this.#b] = [a ^ byteLength, b];
    return this;
  }

  get text(): string {
    return [this.#a, this.#b].map((lane) => (lane >>> 0).toString(16).padStart(8, "0")).join("");
  }
}

/** The number of samples read from a file, spread over it. */
const samplesRead = 64;

export function fingerprintOfData(data: InMemory | undefined): string {
  const print = new Fingerprint();
  if (data instanceof TokenSequence)
    print.add(data.reader === undefined ? data.tokens : data.windows(data.starts(spread(data.length, samplesRead))));
  else if (data instanceof Dataset) {
    const { features } = data;
    print.add(
      features.reader === undefined ? features.data : gatherSamples(features, spread(data.length, samplesRead)),
    );
    print.add(data.targets.data);
    if (data.weights !== undefined) print.add(data.weights);
  }
  return print.text;
}

/** The names, dtypes and shapes of all weights and buffers. */
export const shapesOf = (model: Module): string =>
  [...model.namedParameters(), ...model.namedBuffers()]
    .map(([name, { dtype, shape }]) => `${name} ${dtype}[${shape.join(",")}]`)
    .join("; ");

/** The number of elements read at once: a copy of all weights would stay until garbage collection. */
const read = 2 ** 18;

export function fingerprintOfWeights(model: Module): string {
  const print = new Fingerprint();
  flush();
  // Not as tensor values, which would be copied when the weights change.
  for (const { cell } of model.parameters())
    for (let start = 0; start < cell.length; start += read)
      print.add(cellMemory(cell).readCell(cell, start, Math.min(cell.length, start + read)));
  return print.text;
}
