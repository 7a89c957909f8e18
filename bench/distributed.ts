// node --import tsx bench/distributed.ts [openmpi|mpich]: ranks against threads on the steps W4, W5 and W6, and the prediction of the scaling model.
import { predictSteps } from "../src/distributed/scaling.ts";
import { withRanks } from "./ranks.ts";

const [mpi = "openmpi"] = process.argv.slice(2);

interface Measured {
  /** Milliseconds. */
  readonly step: number;
  readonly communication: number;
  readonly bytes: number;
  readonly backend: string;
}

const fixed = (value: number, digits = 1): string => value.toFixed(digits).padStart(8);

await withRanks("distributed", mpi, (run) => {
  const measure = (network: string, ranks: number, threads: number): Measured =>
    JSON.parse(run({ ranks, args: [network, String(threads)] }));
  for (const [name, network] of [
    ["W4 CNN", "cnn"],
    ["W5 wide MLP", "wide"],
    ["W6 GPT", "gpt"],
  ] as const) {
    const one = measure(network, 1, 1);
    const threads = measure(network, 1, 2);
    const two = measure(network, 2, 1);
    const four = measure(network, 4, 1);
    console.log(`\n${name}, ${(one.bytes / 1e6).toFixed(2)} MB of gradients, ${one.backend}`);
    console.log(`  1 rank  × 1 thread   ${fixed(one.step)} ms`);
    console.log(`  1 rank  × 2 threads  ${fixed(threads.step)} ms  ${fixed(one.step / threads.step, 2)} ×`);
    for (const [ranks, found] of [
      [2, two],
      [4, four],
    ] as const)
      console.log(
        `  ${ranks} ranks × 1 thread   ${fixed(found.step)} ms  ${fixed(one.step / found.step, 2)} ×, ${fixed(found.communication, 2)} ms of it in communication and waiting`,
      );
    // The time of two ranks beyond half of one rank's is attributed to bandwidth alone.
    const talk = Math.max(two.step - one.step / 2, 0.01) / 1000;
    const predicted = predictSteps([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024], {
      gradientSeconds: one.step / 1000,
      bytes: one.bytes,
      bandwidth: one.bytes / talk,
      latency: 2e-5,
    });
    console.log("  predicted from 1 and 2 ranks, each with a core of its own and the same bandwidth:");
    for (const { ranks, seconds, communicationSeconds, speedup } of predicted)
      console.log(
        `  ${String(ranks).padStart(6)} ranks ${fixed(1000 * seconds, 2)} ms, ${fixed(1000 * communicationSeconds, 2)} ms communication, ${fixed(speedup, 2)} ×`,
      );
  }
});
