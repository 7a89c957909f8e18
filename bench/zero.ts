// node --import tsx bench/zero.ts [openmpi|mpich]: a rank's memory after a step and at its peak, with and without ZeRO, on 1, 2 and 4 ranks.
import { type RankRun, withRanks } from "./ranks.ts";

const [mpi = "openmpi"] = process.argv.slice(2);

interface Measured {
  readonly parameters: number;
  readonly weightBytes: number;
  readonly stateBytes: number;
  readonly liveBytes: number;
  readonly peakBytes: number;
  readonly ownPeakBytes: number;
  readonly loss: number;
  readonly backend: string;
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(1).padStart(6);

await withRanks("zero", mpi, (run) => {
  const measured = (how: RankRun): Measured => JSON.parse(run({ ...how, node: ["--expose-gc"] }));
  const plain = measured({ ranks: 1, args: ["0"] });
  console.log(
    `Adam of ${(plain.parameters / 1e6).toFixed(1)} million parameters in float32, ${plain.backend}, in MB:\n`,
  );
  console.log(
    "| ranks | zero | weights | state of Adam | live after a step | most, above the start | with its part of what ranks share | loss of step 8 |",
  );
  console.log("|---:|---:|---:|---:|---:|---:|---:|---:|");
  for (const ranks of [1, 2, 4])
    for (const stage of ranks === 1 ? ["0"] : ["0", "1", "2"]) {
      const found = ranks === 1 ? plain : measured({ ranks, args: [stage] });
      const bytes = [found.weightBytes, found.stateBytes, found.liveBytes, found.peakBytes, found.ownPeakBytes].map(mb);
      console.log(`| ${ranks} | ${stage === "0" ? "none" : stage} | ${bytes.join(" | ")} | ${found.loss} |`);
    }
});
