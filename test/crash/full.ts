// The crash tests at full length; the suite runs a small part of each.
// usage: node --import tsx test/crash/full.ts kill|faults|damage [how many] [seed]
import { damageEverything } from "./damage.ts";
import { failEverywhere } from "./faults.ts";
import { killAgainAndAgain } from "./kill.ts";

const [what, count, seed = "1"] = process.argv.slice(2);
const started = performance.now();
const say = (text: string): void => console.log(`${((performance.now() - started) / 1000).toFixed(0)} s: ${text}`);
switch (what) {
  case "kill": {
    const { kills, finished, saving } = await killAgainAndAgain(Number(count ?? 1000), say);
    say(`${kills} kills, ${saving} of them within a save; ${finished} runs came to their end, all with the same bits`);
    break;
  }
  case "faults":
    for (const [kind, { calls, tried, ended, wentOn }] of await failEverywhere(Number(count ?? 1e9), say))
      say(
        `${kind}: ${tried} of ${calls} calls failed in turn; ${ended} runs were ended by a sentence, ${wentOn} went on; all came to the same bits`,
      );
    break;
  case "damage": {
    const told = await damageEverything(Number(count ?? 2000), Number(seed), say);
    say(`${[...told].map(([outcome, times]) => `${times} ${outcome}`).join(", ")}`);
    break;
  }
  default:
    console.error("give kill, faults or damage");
    process.exitCode = 2;
}
