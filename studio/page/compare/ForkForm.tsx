// The form for a new lane: the one setting it changes in the Lab's experiment.

import { useState } from "preact/hooks";
import {
  activationNames,
  activations,
  initNames,
  initTitles,
  lossTitles,
  optimizerNames,
  optimizers,
} from "../../shared/names.ts";
import { type LanePatch, rates } from "../../shared/state.ts";
import * as say from "../../texts/en/compare.ts";
import { Choice } from "../lab/controls.tsx";
import { change, fittingLosses, state } from "../store.ts";

type What = "optimizer" | "lr" | "loss" | "activation" | "init" | "batch" | "depth" | "width" | "decay";

const titles: Readonly<Record<What, string>> = {
  optimizer: say.optimizer,
  lr: say.learningRate,
  loss: say.loss,
  activation: say.activation,
  init: say.initialWeights,
  batch: say.batch,
  depth: say.numberOfLayers,
  width: say.unitsOfEachLayer,
  decay: say.weightDecay,
};

function choices(what: What): (readonly [value: string, title: string, patch: LanePatch])[] {
  const { layers } = state.value;
  const like = layers[0] ?? { kind: "dense" as const, units: 8, activation: "tanh" as const };
  switch (what) {
    case "optimizer":
      return optimizerNames.map((name) => [name, optimizers[name].title, { optimizer: name }]);
    case "lr":
      return rates.map((rate) => [String(rate), String(rate), { lr: rate }]);
    case "loss":
      return fittingLosses.value.map((name) => [name, lossTitles[name], { loss: name }]);
    case "activation":
      return activationNames.map((name) => [
        name,
        activations[name].title,
        { layers: layers.map((layer) => ({ ...layer, activation: name })) },
      ]);
    case "init":
      return initNames.map((name) => [name, initTitles[name], { init: name }]);
    case "batch":
      return [1, 4, 16, 64, 256].map((size) => [String(size), String(size), { batch: size }]);
    case "depth":
      return [0, 1, 2, 3, 4, 6, 8].map((count) => [
        String(count),
        String(count),
        { layers: Array.from({ length: count }, () => like) },
      ]);
    case "width":
      return [1, 2, 3, 4, 8, 16, 32].map((units) => [
        String(units),
        String(units),
        { layers: layers.map((layer) => ({ ...layer, units })) },
      ]);
    case "decay":
      return [0, 0.001, 0.01, 0.1].map((decay) => [String(decay), String(decay), { decay }]);
  }
}

const whats = Object.keys(titles) as What[];

export function ForkForm() {
  const [what, setWhat] = useState<What>("optimizer");
  const [value, setValue] = useState("adam");
  const list = choices(what);
  const chosen = list.find(([name]) => name === value) ?? list[0];
  return (
    <form
      class="fork"
      onSubmit={(event) => {
        event.preventDefault();
        if (chosen !== undefined) change({ lanes: [...state.value.lanes, chosen[2]] });
      }}
    >
      <h3>{say.fork}</h3>
      <p class="hint">{say.theSameDataAndSeedWith}</p>
      <Choice label={say.change} value={what} options={whats.map((name) => [name, titles[name]])} choose={setWhat} />
      <Choice
        label={say.to}
        value={chosen?.[0] ?? ""}
        options={list.map(([name, title]) => [name, title])}
        choose={setValue}
      />
      <button type="submit" class="small accent">
        {say.addThisLane}
      </button>
    </form>
  );
}
