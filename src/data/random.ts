// Random numbers on the host: a counter-based generator (Threefry-2x32) whose draws are a documented contract.
import { HebbError } from "../graph/errors.ts";

const rotations = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const parity = 0x1bd11bda;

/**
 * One block of Threefry-2x32 with 20 rounds: two 32-bit words from a 64-bit key and a 64-bit counter.
 * Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
 */
export function threefry2x32(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const key2 = parity ^ key0 ^ key1;
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;
  for (let group = 0; group < 5; group++) {
    for (let round = 0; round < 4; round++) {
      const shift = rotations[(group & 1) * 4 + round] ?? 0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << shift) | (x1 >>> (32 - shift))) ^ x0;
    }
    const place = (group + 1) % 3;
    const first = place === 0 ? key0 : place === 1 ? key1 : key2;
    const second = place === 0 ? key1 : place === 1 ? key2 : key0;
    x0 = (x0 + first) | 0;
    x1 = (x1 + second + group + 1) | 0;
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** The complete state of a generator, as plain JSON. `position` counts the blocks drawn. */
export interface RandomState {
  readonly seed: number;
  readonly stream: number;
  readonly position: number;
}

/**
 * A seeded generator. Block i of stream s is threefry2x32(key = seed, counter = (i, s)). Every draw takes whole blocks, so the sequence
 * depends only on seed, stream and the order of the calls.
 */
export class Random {
  readonly seed: number;
  readonly stream: number;
  private position = 0;

  constructor(seed: number, stream = 0) {
    if (!Number.isSafeInteger(seed)) {
      throw new HebbError(`seed ${seed} is not a whole number; use an integer between -2^53 and 2^53`);
    }
    if (!Number.isInteger(stream) || stream < 0 || stream > 0xffffffff) {
      throw new HebbError(`random stream ${stream} is out of range; use an integer from 0 to 2^32 - 1`);
    }
    this.seed = seed;
    this.stream = stream;
  }

  static restore(state: RandomState): Random {
    const random = new Random(state.seed, state.stream);
    if (!Number.isInteger(state.position) || state.position < 0) {
      throw new HebbError(`random state has position ${state.position}; it must be a whole number ≥ 0`);
    }
    random.position = state.position;
    return random;
  }

  state(): RandomState {
    return { seed: this.seed, stream: this.stream, position: this.position };
  }

  /** Skips this many draws. */
  skip(draws: number): void {
    if (!Number.isInteger(draws) || draws < 0)
      throw new HebbError(`skip: draws must be a whole number of at least 0, got ${draws}`);
    this.position += draws;
  }

  private block(): [number, number] {
    if (this.position > 0xffffffff) {
      throw new HebbError("this random stream is exhausted (2^32 draws); use another stream number");
    }
    const high = Math.floor(this.seed / 4294967296);
    return threefry2x32(this.seed | 0, high | 0, this.position++ | 0, this.stream | 0);
  }

  /** A number in [0, 1) with 53 random bits. */
  uniform(low = 0, high = 1): number {
    const [a, b] = this.block();
    const unit = ((a >>> 5) * 67108864 + (b >>> 6)) / 9007199254740992;
    return low + (high - low) * unit;
  }

  /** A normal number by the Box-Muller transform; one block per draw. */
  normal(mean = 0, std = 1): number {
    const [a, b] = this.block();
    const radius = Math.sqrt(-2 * Math.log((a + 1) / 4294967296));
    return mean + std * radius * Math.cos((2 * Math.PI * b) / 4294967296);
  }

  /** A whole number in [0, below), without bias: draws past the last multiple of `below` are rejected. */
  integer(below: number): number {
    if (!Number.isInteger(below) || below < 1 || below > 4294967296) {
      throw new HebbError(`integer: below must be a whole number from 1 to 2^32, got ${below}`);
    }
    const limit = 4294967296 - (4294967296 % below);
    for (;;) {
      const [a] = this.block();
      if (a < limit) return a % below;
    }
  }

  /** The numbers 0 … length-1 in random order (Fisher-Yates from the end). */
  permutation(length: number): Int32Array {
    const order = new Int32Array(length);
    for (let i = 0; i < length; i++) order[i] = i;
    this.shuffle(order);
    return order;
  }

  /** Shuffles in place. */
  shuffle(values: Int32Array): void {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const held = values[i] ?? 0;
      values[i] = values[j] ?? 0;
      values[j] = held;
    }
  }
}
