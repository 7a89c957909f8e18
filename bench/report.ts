// Turns results into docs/benchmarks.md: every peer, every loss, the spread, the machine.
import type { Case, Figure, MemorySample, Results } from "./results.ts";
import { ours, type PeerName, startups, type Target, targets, type Workload, workloads } from "./workloads.ts";

const significant = (value: number): string => {
  if (value >= 1000) return value.toFixed(0);
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
};

type Unit = Workload["unit"];

function shown(seconds: number, unit: Unit, flops = 0): string {
  if (unit === "GFLOP/s") return significant(flops / seconds / 1e9);
  return significant(seconds * (unit === "µs" ? 1e6 : 1e3));
}

function cell(figure: Figure | undefined, unit: Unit, flops: number | undefined): string {
  if (figure === undefined) return "–";
  if (figure.median === undefined || figure.min === undefined || figure.max === undefined) {
    return `cannot: ${(figure.error ?? "no figure").slice(0, 90).replaceAll("|", "/")}`;
  }
  const [low, high] = unit === "GFLOP/s" ? [figure.max, figure.min] : [figure.min, figure.max];
  return `${shown(figure.median, unit, flops)} (${shown(low, unit, flops)}–${shown(high, unit, flops)})`;
}

const ofPeer = (c: Case | undefined, peer: string): Figure | undefined => c?.figures.find((f) => f.peer === peer);

/** Our own figure in a case: that of the named backend, or of the first that ran. */
export function oursIn(c: Case | undefined, own?: PeerName): number | undefined {
  if (own !== undefined) return ofPeer(c, own)?.median;
  return ours.map((name) => ofPeer(c, name)?.median).find((seconds) => seconds !== undefined);
}

function ratio(c: Case | undefined, figure: Figure | undefined): string {
  const own = oursIn(c);
  if (own === undefined || figure?.median === undefined) return "";
  if ((ours as readonly string[]).includes(figure.peer)) return "";
  const times = figure.median / own;
  return times >= 1 ? `${significant(times)} ×` : `**${times.toFixed(2)} ×**`;
}

interface Section {
  readonly title: string;
  readonly id: string;
  readonly unit: Unit;
  readonly flops?: number | undefined;
  readonly note?: string | undefined;
}

function section({ title, id, unit, flops, note }: Section, cases: readonly Case[]): string[] {
  const [one, two] = [1, 2].map((threads) => cases.find((c) => c.workload === id && c.threads === threads));
  const peers = [...new Set([...(one?.figures ?? []), ...(two?.figures ?? [])].map((f) => f.peer))];
  if (peers.length === 0) return [];
  const rows = peers.map((peer) => {
    const [a, b] = [ofPeer(one, peer), ofPeer(two, peer)];
    const version = a?.version ?? b?.version;
    const label = version && version !== "source" && !peer.startsWith("hebb") ? `${peer} (${version})` : peer;
    const memory = a?.peakMB ?? b?.peakMB;
    const cells = [
      cell(a, unit, flops),
      ratio(one, a),
      cell(b, unit, flops),
      ratio(two, b),
      memory ? memory.toFixed(0) : "",
    ];
    return `| ${label} | ${cells.join(" | ")} |`;
  });
  const when = [one, two]
    .filter((c) => c !== undefined)
    .map((c) => `${c.threads} thread${c.threads > 1 ? "s" : ""}: ${c.date}, load ${c.load[0].toFixed(2)}`);
  return [
    `### ${title}`,
    "",
    `| ${unit} | 1 thread | hebb is | 2 threads | hebb is | peak MB |`,
    "|---|---|---|---|---|---|",
    ...rows,
    "",
    `${when.join("; ")}.${note ? ` ${note}.` : ""}`,
    "",
  ];
}

/** The figure of one workload for a target, and whether the target is met. */
export function judge(
  target: Target,
  id: string,
  flops: number | undefined,
  cases: readonly Case[],
): { reached: string; met: boolean } | undefined {
  const at = (threads: number): Case | undefined => cases.find((c) => c.workload === id && c.threads === threads);
  const own = oursIn(at(target.threads), target.own);
  if (own === undefined) return undefined;
  const { against } = target;
  switch (against.kind) {
    case "gflops": {
      const rate = (flops ?? 0) / own / 1e9;
      return { reached: `${significant(rate)} GFLOP/s`, met: rate >= against.atLeast };
    }
    case "scaling": {
      const single = oursIn(at(1), target.own);
      if (single === undefined) return undefined;
      return { reached: `${(single / own).toFixed(2)} ×`, met: single / own >= against.atLeast };
    }
    case "seconds":
      return { reached: `${own.toFixed(3)} s`, met: own <= against.atMost };
    case "peer": {
      const rivals = against.peers
        .map((peer) => ofPeer(at(target.threads), peer)?.median)
        .filter((m) => m !== undefined);
      if (rivals.length === 0) return undefined;
      const times = Math.min(...rivals) / own;
      return { reached: `${significant(times)} ×`, met: times >= against.atLeast };
    }
  }
}

function judgements(cases: readonly Case[]): string[] {
  const all = [
    ...workloads.map(({ id, flops }) => ({ id, flops })),
    ...startups.map(({ id }) => ({ id, flops: undefined })),
  ];
  const rows = targets.flatMap((target) => {
    const verdicts = all
      .filter(({ id }) => target.workloads.test(id))
      .map(({ id, flops }) => ({ id, verdict: judge(target, id, flops, cases) }))
      .filter((v) => v.verdict !== undefined);
    if (verdicts.length === 0) return [];
    const missed = verdicts.filter((v) => v.verdict?.met === false);
    const reached = verdicts.map((v) => (verdicts.length > 1 ? `${v.id} ${v.verdict?.reached}` : v.verdict?.reached));
    return [
      `| ${target.text} | ${reached.join("; ")} | ${missed.length === 0 ? "yes" : `**no** (${missed.map((v) => v.id).join(", ")})`} |`,
    ];
  });
  return rows.length === 0
    ? []
    : ["## What we promise", "", "| promise | reached | met |", "|---|---|---|", ...rows, ""];
}

function memoryTable(memory: Readonly<Record<string, readonly MemorySample[]>>): string[] {
  const rows = Object.entries(memory).flatMap(([name, samples]) =>
    samples.map(
      (s) =>
        `| ${name} | ${s.step} | ${[s.heapMB, s.externalMB, s.deviceMB, s.residentMB].map((v) => v.toFixed(2)).join(" | ")} |`,
    ),
  );
  return [
    "## Memory over 10,000 steps",
    "",
    "After a garbage collection at each sample, in MB.",
    "",
    "| loop | step | heap | external | device | resident |",
    "|---|---|---|---|---|---|",
    ...rows,
    "",
  ];
}

/** Disagreements between peers about the result: a figure counts only for the same mathematics. */
export function disagreements(cases: readonly Case[]): string[] {
  return cases.flatMap((c) => {
    const workload = workloads.find((w) => w.id === c.workload);
    const checks = c.figures.filter((f) => typeof f.check === "number" && Number.isFinite(f.check));
    const reference = checks.find((f) => f.peer.startsWith("PyTorch"))?.check ?? checks[0]?.check;
    if (typeof reference !== "number") return [];
    return checks
      .filter((f) => Math.abs((f.check ?? 0) - reference) > 1e-4 * Math.max(1, Math.abs(reference)))
      .map(
        (f) =>
          `${c.workload}, ${c.threads} thread(s): ${f.peer} computes ${f.check}, the reference ${reference}${workload?.inexact ? ` (${workload.inexact})` : ""}`,
      );
  });
}

export function report(results: Results): string {
  const { cases } = results;
  const differing = disagreements(cases);
  return [
    "# Benchmarks",
    "",
    "Measured by `npm run bench`, never by a test. Each library runs the same workload on the same numbers in its own process. Repetitions",
    "are interleaved, so that clock drift or a busy neighbour affects all of them. Figures are medians (fastest–slowest",
    "repetition). A step is forward, loss, backward and update, restarted from the initial weights for every repetition. “hebb is”",
    "says how many times faster hebb is than that library in the same run, with the same number of threads; **bold**: hebb is slower.",
    "It uses the C backend's figure if there is one. Each library runs with its recommended settings; see `bench/peers/`.",
    "",
    `Machine: ${results.machine}.`,
    "",
    ...judgements(cases),
    "## Figures",
    "",
    ...workloads.flatMap((w) => section({ ...w, note: w.inexact }, cases)),
    ...startups.flatMap((s) => section({ title: s.title, id: s.id, unit: "ms" }, cases)),
    ...(results.memory ? memoryTable(results.memory) : []),
    "## Agreement",
    "",
    differing.length === 0
      ? "All peers agree on the loss after ten steps, or on the output, to 1e-4."
      : `Agreement to 1e-4 on the loss after ten steps, or on the output, except:\n\n${differing.map((d) => `- ${d}`).join("\n")}`,
    "",
    "Run it yourself: `bench/peers.sh DIR`, then `HEBB_PEERS=DIR npm run bench` (`-- --quick` for a first look, `-- --only W3,W4` for a part).",
    "",
  ].join("\n");
}

/** The workloads and the peers of the short table. */
const summarised = ["matmul-1024-nn", "tiny", "mlp", "cnn", "gpt", "infer-mlp"];
const summarisedPeers = ["PyTorch 2", "JAX", "tfjs-wasm"];

/** The table of the README: our figure on one and two threads, and the speedup over some peers on one. */
export function summary({ cases, machine }: Results): string {
  const rows = summarised.flatMap((id) => {
    const workload = workloads.find((w) => w.id === id);
    const [one, two] = [1, 2].map((threads) => cases.find((c) => c.workload === id && c.threads === threads));
    const own = oursIn(one);
    if (workload === undefined || own === undefined) return [];
    const figure = (seconds: number | undefined): string =>
      seconds === undefined ? "" : shown(seconds, workload.unit, workload.flops);
    const against = summarisedPeers.map((peer) => {
      const rival = ofPeer(one, peer);
      if (rival?.error !== undefined) return "cannot";
      return ratio(one, rival) || "–";
    });
    const pair = (name: PeerName): string => `${figure(oursIn(one, name))} / ${figure(oursIn(two, name))}`;
    return [
      `| ${workload.title}, ${workload.unit} | ${pair("hebb c")} | ${pair("hebb wasm")} | ${against.join(" | ")} |`,
    ];
  });
  const heads = summarisedPeers.map((peer) => `vs ${peer}`);
  return [
    `hebb on c and on WebAssembly with 1 / 2 threads, and how many times faster c is than each alternative on one thread in the same run (**bold**: slower). ${machine}.`,
    "",
    `| workload | c | wasm | ${heads.join(" | ")} |`,
    `|---|---|---|${heads.map(() => "---|").join("")}`,
    ...rows,
  ].join("\n");
}
