// Figures 0 to 9, drawn as strokes on a small grid with a shaky hand: images that need no download.
import { data } from "../../src/index.ts";

export const digitSide = 12;

type Stroke = readonly (readonly [x: number, y: number])[];

/** An arc of an ellipse as a polyline, in the unit square with y down. */
function arc(
  [cx, cy]: readonly [number, number],
  [rx, ry]: readonly [number, number],
  from: number,
  to: number,
): Stroke {
  return Array.from({ length: 13 }, (_, k) => {
    const angle = 2 * Math.PI * (from + ((to - from) * k) / 12);
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)] as const;
  });
}

const strokes: readonly (readonly Stroke[])[] = [
  [arc([0.5, 0.5], [0.27, 0.38], 0, 1)],
  [
    [
      [0.36, 0.26],
      [0.52, 0.12],
      [0.52, 0.88],
    ],
  ],
  [[...arc([0.5, 0.32], [0.25, 0.2], 0.52, 1.08), [0.26, 0.87], [0.78, 0.87]]],
  [arc([0.46, 0.31], [0.24, 0.19], 0.6, 1.25), arc([0.46, 0.69], [0.27, 0.19], 0.75, 1.4)],
  [
    [
      [0.64, 0.88],
      [0.64, 0.12],
      [0.22, 0.64],
      [0.82, 0.64],
    ],
  ],
  [
    [
      [0.74, 0.13],
      [0.34, 0.13],
      [0.31, 0.46],
    ],
    arc([0.48, 0.64], [0.26, 0.24], 0.63, 1.36),
  ],
  [
    [
      [0.64, 0.1],
      [0.36, 0.4],
      [0.26, 0.64],
    ],
    arc([0.5, 0.66], [0.24, 0.22], 0, 1),
  ],
  [
    [
      [0.24, 0.13],
      [0.77, 0.13],
      [0.42, 0.88],
    ],
  ],
  [arc([0.5, 0.3], [0.2, 0.18], 0, 1), arc([0.5, 0.68], [0.25, 0.2], 0, 1)],
  [
    arc([0.5, 0.34], [0.23, 0.22], 0, 1),
    [
      [0.73, 0.36],
      [0.66, 0.64],
      [0.46, 0.9],
    ],
  ],
];

function distance(
  px: number,
  py: number,
  [ax, ay]: readonly [number, number],
  [bx, by]: readonly [number, number],
): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.max(0, Math.min(1, ((px - ax) * dx + (py - ay) * dy) / length));
  return Math.hypot(px - ax - t * dx, py - ay - t * dy);
}

/** `count` figures in turn: features [count, 1, 12, 12] from 0 to 1, with the figure as the target. */
export function digits(count: number, noise: number, seed: number): data.Dataset {
  const random = new data.Random(seed, 0x20000011);
  const features = new Float32Array(count * digitSide ** 2);
  const targets = Int32Array.from({ length: count }, (_, k) => k % strokes.length);
  for (let image = 0; image < count; image++) {
    const angle = random.normal(0, 0.12);
    const [sx, sy] = [random.uniform(0.78, 1.08), random.uniform(0.82, 1.06)];
    const slant = random.normal(0, 0.12);
    const [tx, ty] = [random.normal(0, 0.04), random.normal(0, 0.04)];
    const width = random.uniform(0.035, 0.075);
    const drawn = (strokes[targets[image] ?? 0] ?? []).map((stroke) =>
      stroke.map(([x, y]) => {
        const [u, v] = [(x - 0.5) * sx + slant * (0.5 - y), (y - 0.5) * sy];
        return [
          0.5 + tx + u * Math.cos(angle) - v * Math.sin(angle),
          0.5 + ty + u * Math.sin(angle) + v * Math.cos(angle),
        ] as const;
      }),
    );
    for (let row = 0; row < digitSide; row++) {
      for (let column = 0; column < digitSide; column++) {
        const [px, py] = [(column + 0.5) / digitSide, (row + 0.5) / digitSide];
        let near = 1;
        for (const stroke of drawn)
          for (let k = 1; k < stroke.length; k++)
            near = Math.min(near, distance(px, py, stroke[k - 1] ?? [0, 0], stroke[k] ?? [0, 0]));
        const ink = Math.max(0, Math.min(1, 1 - (near - width) * digitSide * 1.2));
        features[image * digitSide ** 2 + row * digitSide + column] = Math.max(
          0,
          Math.min(1, ink + random.normal(0, noise * 0.5)),
        );
      }
    }
  }
  return new data.Dataset({ features, featureShape: [1, digitSide, digitSide], targets });
}
