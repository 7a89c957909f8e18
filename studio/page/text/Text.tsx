// Text: a small language model or a model of a task trains here, with its attention, next tokens, layers and embeddings.
import { Attention } from "./Attention.tsx";
import { Embeddings } from "./Embeddings.tsx";
import { Layers } from "./Layers.tsx";
import { Reading } from "./Reading.tsx";
import { SamplesPanel } from "./SamplesPanel.tsx";
import { LearnSettings, ModelSettings, SourcePanel } from "./Settings.tsx";
import { TextCurves } from "./TextCurves.tsx";
import { useTextRun } from "./useTextRun.ts";

const autoplay = new URLSearchParams(location.search).get("play") !== "0";

export function Text() {
  useTextRun(autoplay);
  return (
    <div class="text">
      <div class="column settings">
        <SourcePanel />
        <ModelSettings />
        <LearnSettings />
      </div>
      <div class="column">
        <Reading />
        <Attention />
      </div>
      <div class="column">
        <TextCurves />
        <SamplesPanel />
        <Layers />
        <Embeddings />
      </div>
    </div>
  );
}
