// Lesson 8: data of your own, and a file to keep.

import { useState } from "preact/hooks";
import type { PaintedPoint } from "../../shared/state.ts";
import * as say from "../../texts/en/lessons.ts";
import { chosenFrom } from "../files.ts";
import { dropped } from "../shortcuts.ts";
import { change, client, state } from "../store.ts";
import { mark } from "./marks.ts";

/** Two crescents, for visitors who cannot paint. */
const drawing: readonly PaintedPoint[] = Array.from({ length: 96 }, (_, k): PaintedPoint => {
  const angle = (Math.PI * (k >> 1)) / 48;
  const label = k % 2 === 0 ? 0 : 1;
  const [x, y] = label === 0 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.4 - Math.sin(angle)];
  return [Math.round(100 * x) / 100, Math.round(100 * y) / 100, label];
});

export function ExportWidget() {
  const [said, setSaid] = useState("");
  const write = async (): Promise<void> => {
    try {
      const file = await client.ask("export", "safetensors");
      setSaid(say.bytesLargestDifference(file.name, file.bytes.length, file.checked, file.difference));
      if (state.value.data === "own" || state.value.data === "painted") mark("exported");
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <section class="panel widget" aria-labelledby="own-title">
      <header>
        <h2 id="own-title">{say.yourOwnData}</h2>
      </header>
      <div class="row">
        <label class="file-button">
          {say.chooseATable}
          <input
            type="file"
            accept=".csv,.tsv,.txt"
            onChange={({ currentTarget }) => {
              const files = chosenFrom(currentTarget.files ?? []);
              if (files.length > 0) dropped.value = files;
            }}
          />
        </label>
        <button type="button" onClick={() => change({ data: "painted", points: [], names: "", edits: [], test: 0.25 })}>
          {say.paintPoints}
        </button>
        <button
          type="button"
          onClick={() => change({ data: "painted", points: drawing, names: "", edits: [], test: 0.25 })}
        >
          {say.beginWithADrawing}
        </button>
        <button type="button" class="accent" onClick={() => void write()}>
          {say.writeAndCheckTheWeights}
        </button>
      </div>
      {said !== "" && (
        <p class="tick" role="status">
          {said}
        </p>
      )}
    </section>
  );
}
