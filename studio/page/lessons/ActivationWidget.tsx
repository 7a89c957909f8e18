// Lesson 3: an activation and its slope, as the library computes them.

import { useEffect, useState } from "preact/hooks";
import { type ActivationName, activationNames, activations } from "../../shared/names.ts";
import type { Plotted } from "../../shared/protocol.ts";
import * as say from "../../texts/en/lessons.ts";
import { colors } from "../draw/colors.ts";
import { Choice, Range } from "../lab/controls.tsx";
import { exact, short } from "../numbers.ts";
import { client } from "../store.ts";
import { Answer } from "./Answer.tsx";
import { FunctionPlot, valueAt } from "./FunctionPlot.tsx";

export function ActivationWidget() {
  const [name, setName] = useState<ActivationName>("sigmoid");
  const [place, setPlace] = useState(2);
  const [plotted, setPlotted] = useState<Plotted | undefined>(undefined);
  useEffect(() => {
    let wanted = true;
    void client.ask("activation", name).then((found) => {
      if (wanted) setPlotted(found);
    });
    return () => {
      wanted = false;
    };
  }, [name]);
  const palette = colors.value;
  return (
    <section class="panel widget" aria-labelledby="activation-title">
      <header>
        <h2 id="activation-title">{say.fAndF}</h2>
        <Choice
          label={say.activation}
          value={name}
          options={activationNames.map((one) => [one, activations[one].title])}
          choose={setName}
        />
      </header>
      {/* Reserves its room until the function is computed. */}
      <div class="function-room">
        {plotted !== undefined && (
          <>
            <p class="legend">
              <span class="class-name">
                <b style={{ color: palette.high }}>━</b> f, {activations[name].title}
              </span>
              <span class="class-name">{say.fItsSlope(<b style={{ color: palette.low }}>╍</b>)}</span>
            </p>
            <FunctionPlot
              label={say.andItsSlope(activations[name].title)}
              low={-0.5}
              high={1}
              marker={place}
              lines={[
                { name: "f", at: plotted.at, values: plotted.value, color: palette.high, dash: [] },
                { name: "f′", at: plotted.at, values: plotted.slope, color: palette.low, dash: [6, 4] },
              ]}
            />
            <Range
              id="activation-z"
              label="z"
              value={place}
              min={-6}
              max={6}
              step={0.05}
              show={short}
              choose={setPlace}
            />
            <p class="formula">
              f(z) = {activations[name].formula} = {exact(valueAt({ at: plotted.at, values: plotted.value }, place))},
              f′(z) = {activations[name].slope} = {exact(valueAt({ at: plotted.at, values: plotted.slope }, place))}
            </p>
          </>
        )}
      </div>
      <Answer label={say.largestSlopeOfSigmoid} name="slope" truth={0.25} tolerance={0.001} />
    </section>
  );
}
