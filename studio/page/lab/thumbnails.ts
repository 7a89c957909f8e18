// The thumbnails on data tiles: a few dozen marks each, in the square from −1 to 1.
import type { DataName } from "../../shared/names.ts";

export type Mark = readonly [x: number, y: number, kind: number];

const range = (count: number): number[] => Array.from({ length: count }, (_, k) => k);
/** A scatter that looks random but is always the same. */
const jitter = (k: number, size: number): number => size * (((Math.sin(k * 127.1) * 43758.5) % 1) - 0.0);

const rows = (text: readonly string[]): Mark[] =>
  text.flatMap((line, y) =>
    [...line].flatMap((cell, x): Mark[] =>
      cell === " " ? [] : [[(2 * (x + 0.5)) / line.length - 1, 1 - (2 * (y + 0.5)) / text.length, Number(cell)]],
    ),
  );

const gate = (outputs: readonly number[]): Mark[] =>
  outputs.flatMap((kind, k) =>
    range(4).map(
      (n): Mark => [
        (k % 2 === 0 ? -0.6 : 0.6) + 0.1 * ((n % 2) * 2 - 1),
        (k < 2 ? -0.6 : 0.6) + 0.1 * ((n >> 1) * 2 - 1),
        kind,
      ],
    ),
  );

const makers: Readonly<Record<DataName, () => Mark[]>> = {
  loans: () =>
    range(46).map((k) => {
      const [x, y] = [jitter(k + 1, 1), jitter(k + 91, 1)];
      return [x, y, y < 0.75 * Math.tanh(3 * (x + 0.35)) - 0.1 ? 1 : 0];
    }),
  and: () => gate([0, 0, 0, 1]),
  or: () => gate([0, 1, 1, 1]),
  xor: () => gate([0, 1, 1, 0]),
  moons: () =>
    range(44).map((k) => {
      const t = (Math.PI * (k >> 1)) / 21;
      const [x, y] = k % 2 === 0 ? [Math.cos(t), Math.sin(t)] : [1 - Math.cos(t), 0.5 - Math.sin(t)];
      return [(x - 0.5) / 1.5 + jitter(k, 0.05), (y - 0.25) / 1.1 + jitter(k + 7, 0.07), k % 2];
    }),
  circles: () =>
    range(46).map((k) => {
      const r = k % 2 === 0 ? 0.92 : 0.42;
      return [r * Math.cos(k * 0.55) + jitter(k, 0.07), r * Math.sin(k * 0.55) + jitter(k + 5, 0.07), k % 2];
    }),
  spirals: () =>
    range(60).map((k) => {
      const t = (k >> 1) / 30 + 0.03;
      const angle = 2 * Math.PI * (1.5 * t + (k % 2) / 2);
      return [0.97 * t * Math.cos(angle), 0.97 * t * Math.sin(angle), k % 2];
    }),
  blobs: () =>
    range(45).map((k) => {
      const angle = (2 * Math.PI * (k % 3)) / 3 + 0.5;
      return [0.58 * Math.cos(angle) + jitter(k, 0.3), 0.58 * Math.sin(angle) + jitter(k + 50, 0.3), k % 3];
    }),
  curve: () => range(40).map((k) => [k / 20 - 0.975, 0.62 * Math.sin(k * 0.2) * (0.6 + k / 90) + jitter(k, 0.08), 1]),
  iris: () =>
    range(42).map((k) => {
      const kind = k % 3;
      return [
        kind * 0.55 - 0.6 + jitter(k, 0.24),
        kind * 0.5 - 0.6 + (kind === 0 ? 0 : 0.12) + jitter(k + 30, 0.2),
        kind,
      ];
    }),
  digits: () => rows(["  1111   ", " 1    1  ", "      1  ", "    11   ", "      1  ", " 1    1  ", "  1111   "]),
  words: () => rows(["          ", " 1   1 1  ", " 11 111 1 ", " 1 1 1 1 1", " 11  1 1 1", "          "]),
  painted: () => rows(["     1   ", "   1 11  ", "  111 1  ", " 1       ", "   0 0   ", "  00 00  ", "   0     "]),
  own: () => rows(["111111111", "         ", "000 0000 ", "         ", "0000 000 ", "         ", "00 00000 "]),
};

const made = new Map<DataName, Mark[]>();

export function thumbnail(name: DataName): readonly Mark[] {
  const known = made.get(name) ?? makers[name]();
  made.set(name, known);
  return known;
}
