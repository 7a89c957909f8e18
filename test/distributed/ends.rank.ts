// One rank of the test of ranks that end early: rank 1 ends as its argument says while the others wait for it.
import { writeSync } from "node:fs";
import { init } from "../../src/distributed/index.ts";

const [manner = "exit", code = "3"] = process.argv.slice(2);
const world = init();
world.barrier();
if (world.rank === 1) writeSync(1, "joined\n");
if (world.rank === 1) {
  if (manner === "exit") process.exit(Number(code));
} else {
  // Rank 1 never takes part.
  world.allReduce(new Float32Array(100_000));
}
