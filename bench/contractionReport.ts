// Turns the figures of bench/contractions.ts into tables, and reports missed targets.
import { type Figure, median } from "./results.ts";
import { flopsOf, type Shape, shapes } from "./shapes.ts";

export interface Measured {
  readonly id: string;
  readonly threads: number;
  readonly load: number;
  /** GFLOP/s of the machine in registers, measured just before. */
  readonly peak: number | undefined;
  readonly figures: readonly Figure[];
}

const pytorch: readonly string[] = ["PyTorch 1.13", "PyTorch 2"];
const isOurs = (peer: string): boolean => peer.startsWith("hebb");

interface Promised {
  readonly peers: readonly string[];
  readonly atLeast: number;
}

/** Our target: our speed divided by that of the best of these peers. */
function promised(shape: Shape): Promised {
  if (shape.kind === "conv") return { peers: pytorch, atLeast: 1 };
  if (shape.kind === "network") return { peers: pytorch, atLeast: 1.5 };
  const square = shape.batch === 1 && shape.m === shape.k && shape.k === shape.n && shape.n >= 256;
  return { peers: [...pytorch, "JAX"], atLeast: square ? 0.9 : 0.8 };
}

const timed = (figure: Figure | undefined): figure is Figure & { median: number } => figure?.median !== undefined;

interface Comparison {
  readonly own: number;
  readonly rival: Figure & { median: number };
  readonly ratio: number;
  readonly kept: boolean;
}

/** Our figure against that of the best peer in the target. */
export function compared(shape: Shape, { figures }: Measured): Comparison | undefined {
  const { peers, atLeast } = promised(shape);
  const own = figures.filter(({ peer }) => isOurs(peer)).find(timed);
  const [rival] = figures
    .filter(({ peer }) => peers.includes(peer))
    .filter(timed)
    .sort((a, b) => a.median - b.median);
  if (own === undefined || rival === undefined) return undefined;
  const ratio = rival.median / own.median;
  return { own: own.median, rival, ratio, kept: ratio >= atLeast };
}

function time(seconds: number): string {
  const [value, unit] = seconds < 1e-3 ? [seconds * 1e6, "µs"] : [seconds * 1e3, "ms"];
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ${unit}`;
}

const rateOf = (shape: Shape, seconds: number): number | undefined => {
  const flops = flopsOf(shape);
  return flops === undefined ? undefined : flops / seconds / 1e9;
};

function disagreement(figures: readonly Figure[]): string | undefined {
  const own = figures.find(({ peer }) => isOurs(peer))?.check;
  if (typeof own !== "number") return undefined;
  const odd = figures.find(
    ({ check }) => typeof check === "number" && !(Math.abs(check - own) <= 1e-4 * Math.max(1e-3, Math.abs(own))),
  );
  return odd === undefined ? undefined : `${odd.peer} has ${odd.check?.toPrecision(6)}, we have ${own.toPrecision(6)}`;
}

/** The terminal output for one shape. */
export function rows(shape: Shape, measured: Measured): string[] {
  const against = compared(shape, measured);
  const parts = measured.figures.map((figure) => {
    if (!timed(figure)) return `${figure.peer}: ${figure.error ?? "no figure"}`;
    const rate = rateOf(shape, figure.median);
    return `${figure.peer} ${time(figure.median)}${rate === undefined ? "" : ` (${rate.toFixed(0)})`}`;
  });
  const verdict = against === undefined ? "" : `${against.ratio.toFixed(2)} ×${against.kept ? "" : " MISSED"}`;
  const odd = disagreement(measured.figures);
  return [
    `${shape.title.padEnd(64)} ${verdict.padEnd(14)} ${parts.join(", ")}`,
    ...(odd === undefined ? [] : [`  differs: ${odd}`]),
  ];
}

const headings: Readonly<Record<Shape["kind"], readonly [title: string, text: string]>> = {
  product: [
    "Products",
    "[m × k] · [k × n], in float32 unless a title names another type, GFLOP/s; the promise is 0.9 × the best peer for the squares of 256 and more, and 0.8 × for all others.",
  ],
  conv: [
    "Convolutions",
    "Forward and both gradients, GFLOP/s not counting the zeros that strides insert; the promise is to be faster than PyTorch.",
  ],
  network: ["Networks", "A training step; the promise is 1.5 × PyTorch eager."],
};

function cells(shape: Shape, measured: Measured | undefined, peak: number | undefined): string {
  const against = measured === undefined ? undefined : compared(shape, measured);
  if (against === undefined) {
    const failed = measured?.figures.find(({ peer, error }) => isOurs(peer) && error !== undefined);
    return failed === undefined ? "– | – | –" : `cannot: ${failed.error?.slice(0, 60).replaceAll("|", "/")} | – | –`;
  }
  const { own, rival, ratio, kept } = against;
  const show = (seconds: number): string => {
    const rate = rateOf(shape, seconds);
    return rate === undefined ? time(seconds) : rate >= 10 ? rate.toFixed(0) : rate.toFixed(1);
  };
  const rate = rateOf(shape, own);
  const share = rate === undefined || peak === undefined ? "" : ` (${((100 * rate) / peak).toFixed(0)} %)`;
  const times = `${ratio.toFixed(2)} ×`;
  return `${show(own)}${share} | ${show(rival.median)} ${rival.peer} | ${kept ? times : `**${times}**`}`;
}

/** `figure` says how repetitions are summarised: by their median or by the fastest. */
export function contractionReport(machine: string, figure: string, results: readonly Measured[]): string {
  const counts = [...new Set(results.map(({ threads }) => threads))];
  const peaks = new Map(
    counts.map((threads) => {
      const rates = results.flatMap((r) => (r.threads === threads && r.peak !== undefined ? [r.peak] : []));
      return [threads, rates.length === 0 ? undefined : median(rates)] as const;
    }),
  );
  const peakText = counts
    .map((threads) => `${peaks.get(threads)?.toFixed(0) ?? "unknown"} on ${threads} thread${threads === 1 ? "" : "s"}`)
    .join(", ");
  const lines = [
    "# Contractions and untuned networks",
    "",
    `Measured by \`bench/contractions.ts\`: each library in its own process on the same numbers, repetitions interleaved, ${figure}.`,
    "The ratio is hebb's speed divided by that of the fastest library; **bold** is below the promise.",
    `In brackets: the share of the machine's peak of multiply-adds in registers, ${peakText} GFLOP/s (median over the run).`,
    "",
    `Machine: ${machine}.`,
    "",
  ];
  for (const kind of ["product", "conv", "network"] as const) {
    const group = shapes.filter((shape) => shape.kind === kind && results.some(({ id }) => id === shape.id));
    if (group.length === 0) continue;
    const [title, about] = headings[kind];
    const heads = counts.map((threads) => `c, ${threads} thread${threads === 1 ? "" : "s"} | best peer | ratio`);
    lines.push(
      `## ${title}`,
      "",
      about,
      "",
      `| workload | ${heads.join(" | ")} |`,
      `|---|${"---|".repeat(3 * counts.length)}`,
    );
    for (const shape of group) {
      const columns = counts.map((threads) => {
        const measured = results.find((r) => r.id === shape.id && r.threads === threads);
        return cells(shape, measured, peaks.get(threads));
      });
      lines.push(`| ${shape.title} | ${columns.join(" | ")} |`);
    }
    const verdicts = results.flatMap((r) => {
      const shape = group.find(({ id }) => id === r.id);
      const against = shape === undefined ? undefined : compared(shape, r);
      return against === undefined ? [] : [against];
    });
    const kept = verdicts.filter((verdict) => verdict.kept).length;
    const ratio = Math.exp(verdicts.reduce((sum, verdict) => sum + Math.log(verdict.ratio), 0) / verdicts.length);
    lines.push("", `${kept} of ${verdicts.length} promises kept; geometric mean ${ratio.toFixed(2)} ×.`, "");
  }
  const odd = results.flatMap(({ id, threads, figures }) => {
    const text = disagreement(figures);
    return text === undefined ? [] : [`- ${id}, ${threads} threads: ${text}`];
  });
  lines.push("## Agreement", "", ...(odd.length === 0 ? ["All peers agree to 1e-4."] : odd), "");
  return lines.join("\n");
}
