// The training panel: loss, optimizer, rates, batch, initial weights.

import { initNames, initTitles, lossTitles, optimizerNames, optimizers } from "../../shared/names.ts";
import { rates, usualEnsemble } from "../../shared/state.ts";
import * as say from "../../texts/en/lab.ts";
import { offline } from "../offline.ts";
import { change, ensemble, fittingLosses, run, state } from "../store.ts";
import { Choice, Slider } from "./controls.tsx";

const batches = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const decays = [0, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1];
const drops = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6];

export function LearnPanel() {
  const { loss, optimizer, lr, batch, init, decay, dropout, batchNorm } = state.value;
  return (
    <section class="panel learn" aria-labelledby="learn-title">
      <h2 id="learn-title">{say.learning}</h2>
      {(ensemble.value !== undefined || run.value?.data.scaled === true) && (
        <Choice
          label={say.network}
          value={ensemble.value === undefined ? "one" : "ensemble"}
          options={[
            ["one", say.oneOfTheseLayers],
            ["ensemble", say.ensembleOfForTables((ensemble.value ?? usualEnsemble).members)],
          ]}
          choose={(value) =>
            change({ ensemble: value === "one" ? undefined : usualEnsemble, edits: [], selected: "", batchNorm: false })
          }
        />
      )}
      <Choice
        label={say.loss2}
        value={loss}
        options={fittingLosses.value.map((name) => [name, lossTitles[name]])}
        choose={(value) => change({ loss: value })}
      />
      <Choice
        label={say.optimizer}
        value={optimizer}
        options={optimizerNames.map((name) => [name, optimizers[name].title])}
        choose={(value) => change({ optimizer: value })}
      />
      <Slider label={say.learningRate} value={lr} stops={rates} choose={(value) => change({ lr: value })} />
      <Slider label={say.batch} value={batch} stops={batches} choose={(value) => change({ batch: value })} />
      {ensemble.value === undefined && (
        <Choice
          label={say.initialWeights}
          value={init}
          options={initNames.map((name) => [name, initTitles[name]])}
          choose={(value) => change({ init: value })}
        />
      )}
      <Slider label={say.weightDecay} value={decay} stops={decays} choose={(value) => change({ decay: value })} />
      <Slider label={say.dropout} value={dropout} stops={drops} choose={(value) => change({ dropout: value })} />
      {ensemble.value === undefined && (
        <Choice
          label={say.batchNorm}
          value={batchNorm ? "on" : "off"}
          options={[
            ["off", say.off],
            ["on", say.afterEachHiddenSum],
          ]}
          choose={(value) => change({ batchNorm: value === "on" })}
        />
      )}
      {run.value !== undefined && <p class="hint">{say.computedInThisBrowser(run.value.backendWhy)}</p>}
      {offline.value !== "" && <p class="hint">{offline}</p>}
    </section>
  );
}
