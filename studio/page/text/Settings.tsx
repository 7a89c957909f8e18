// The task or text, the model, and the training settings: the left side of the Text surface.

import { useRef, useState } from "preact/hooks";
import { type OptimizerName, optimizerNames, optimizers } from "../../shared/names.ts";
import {
  corpusNames,
  isTask,
  type ModelName,
  modelNames,
  modelTitles,
  type SourceName,
  scheduleNames,
  sourceTitles,
  taskNames,
  tokenKinds,
} from "../../shared/text.ts";
import * as say from "../../texts/en/text.ts";
import { Choice, Slider, Stepper } from "../lab/controls.tsx";
import { grouped } from "../numbers.ts";
import { ownText } from "../store.ts";
import { alter, chooseSource, info, readTextFile, text, textTransport, useText } from "./textStore.ts";

function Source({ name }: { readonly name: SourceName }) {
  const { title, about } = sourceTitles[name];
  return (
    <button
      type="button"
      class="small"
      aria-pressed={text.value.source === name}
      title={about}
      onClick={() => chooseSource(name)}
    >
      {title}
    </button>
  );
}

function OwnText() {
  const input = useRef<HTMLInputElement>(null);
  const [pasted, setPasted] = useState("");
  return (
    <div class="dropzone">
      <b>{say.yourOwnText}</b>
      <span>{say.dropATxtFileOrPaste}</span>
      <textarea
        rows={3}
        aria-label={say.aTextOfYourOwn}
        placeholder={say.pasteATextHere}
        value={pasted}
        onInput={({ currentTarget }) => setPasted(currentTarget.value)}
      />
      <div class="row">
        <button type="button" class="small" onClick={() => input.current?.click()}>
          {say.file}
        </button>
        <button
          type="button"
          class="small"
          disabled={pasted.trim() === ""}
          onClick={() => {
            useText(say.pastedText, pasted);
            setPasted("");
          }}
        >
          {say.learnFromIt}
        </button>
      </div>
      <input
        ref={input}
        id="own-text"
        class="unseen"
        type="file"
        tabIndex={-1}
        aria-label={say.chooseATextOfYourOwn}
        accept=".txt,.md,text/plain"
        onChange={({ currentTarget }) => {
          const [file] = currentTarget.files ?? [];
          currentTarget.value = "";
          if (file !== undefined) void readTextFile(file);
        }}
      />
    </div>
  );
}

const vocabularies = [272, 288, 320, 384, 512, 768, 1024, 2048];

export function SourcePanel() {
  const { source, length, tokens, vocabulary, context } = text.value;
  const { about, counts, lengths } = sourceTitles[source];
  const here = info.value;
  const own = ownText.value;
  return (
    <section class="panel source-panel" aria-labelledby="source-title">
      <header>
        <h2 id="source-title">{say.whatItLearns}</h2>
      </header>
      <h3 class="group">{say.aTask}</h3>
      <div class="sources">
        {taskNames.map((name) => (
          <Source key={name} name={name} />
        ))}
      </div>
      <h3 class="group">{say.aText}</h3>
      <div class="sources">
        {corpusNames.map((name) => (
          <Source key={name} name={name} />
        ))}
      </div>
      <p class="hint about">
        {source === "own" && own !== undefined ? say.letters(own.name, grouped(own.text.length)) : about}.
      </p>
      {isTask(source) ? (
        <Slider
          label={counts ?? say.length}
          value={length}
          stops={lengths ?? [length]}
          choose={(value) => alter({ length: value })}
        />
      ) : (
        <>
          <Choice
            label={say.tokens}
            value={tokens}
            options={tokenKinds.map((kind) => [kind, kind === "bpe" ? say.bytePairs : "characters"])}
            choose={(kind) => alter({ tokens: kind, prompt: "" })}
          />
          {tokens === "bpe" && (
            <Slider
              label={say.differentTokens}
              value={vocabulary}
              stops={vocabularies}
              show={grouped}
              choose={(value) => alter({ vocabulary: value, prompt: "" })}
            />
          )}
          <Slider
            label={say.tokensSeenAtOnce}
            value={context}
            stops={[8, 16, 24, 32, 48, 64, 96, 128]}
            choose={(value) => alter({ context: value })}
          />
        </>
      )}
      {source === "own" && <OwnText />}
      <p class="hint source-says">
        {here !== undefined &&
          (here.kind === "task"
            ? say.sequencesToLearnFromOthersHeld(grouped(here.trainCount), grouped(here.heldCount))
            : say.tokensToLearnFromHeldOut(
                grouped(here.trainCount),
                grouped(here.heldCount),
                grouped(here.tokens.length),
              ))}
        {here?.notes.map((note) => ` ${note}`)}
      </p>
    </section>
  );
}

export function ModelSettings() {
  const { model, layers, width, heads, dropout, beside } = text.value;
  const here = info.value?.lanes[0];
  const others = modelNames.filter((name) => name !== model);
  return (
    <section class="panel model-panel" aria-labelledby="model-title">
      <header>
        <h2 id="model-title">{say.model}</h2>
        <p class="hint">{here === undefined ? "" : say.parameters(grouped(here.parameters))}</p>
      </header>
      <Choice<ModelName>
        label={say.kind}
        value={model}
        options={modelNames.map((name) => [name, modelTitles[name]])}
        choose={(name) => alter({ model: name, beside: beside.filter((other) => other !== name) })}
      />
      <div class="field">
        <span>{say.layers}</span>
        <Stepper
          label={say.layers}
          value={layers}
          least={1}
          most={6}
          step={(by) => alter({ layers: text.value.layers + by })}
        />
      </div>
      <Slider
        label={say.widthNumbersForEachToken}
        value={width}
        stops={[8, 16, 24, 32, 48, 64, 96, 128, 192]}
        choose={(value) => alter({ width: value })}
      />
      {model === "gpt" && (
        <Slider
          label={say.headsInEachLayer}
          value={heads}
          stops={[1, 2, 4, 8]}
          choose={(value) => alter({ heads: value })}
        />
      )}
      <Slider
        label={say.dropout}
        value={dropout}
        stops={[0, 0.05, 0.1, 0.2, 0.3, 0.5]}
        choose={(value) => alter({ dropout: value })}
      />
      <fieldset class="beside">
        <legend>{say.besideItWithAsManyParameters}</legend>
        {others.map((name) => (
          <label key={name}>
            <input
              type="checkbox"
              checked={beside.includes(name)}
              onChange={({ currentTarget }) =>
                alter({
                  beside: others.filter((other) => (other === name ? currentTarget.checked : beside.includes(other))),
                })
              }
            />
            {modelTitles[name]}
          </label>
        ))}
      </fieldset>
    </section>
  );
}

const textRates = [0.0001, 0.0003, 0.001, 0.002, 0.003, 0.005, 0.01, 0.03, 0.1, 0.3, 1];

export function LearnSettings() {
  const { optimizer, lr, schedule, decay, batch } = text.value;
  return (
    <section class="panel learn-panel" aria-labelledby="text-learning-title">
      <header>
        <h2 id="text-learning-title">{say.learning}</h2>
      </header>
      <Choice<OptimizerName>
        label={say.optimizer}
        value={optimizer}
        options={optimizerNames.map((name) => [name, optimizers[name].title])}
        choose={(name) => alter({ optimizer: name })}
      />
      <Slider label={say.learningRate} value={lr} stops={textRates} choose={(value) => alter({ lr: value })} />
      <Choice
        label={say.rateOverTime}
        value={schedule}
        options={scheduleNames.map((name) => [name, name === "root" ? say.fallsAs1Step : say.constant])}
        choose={(name) => alter({ schedule: name })}
      />
      <Slider
        label={say.weightDecay}
        value={decay}
        stops={[0, 0.001, 0.01, 0.03, 0.1, 0.3, 1, 3]}
        choose={(value) => alter({ decay: value })}
      />
      <Slider
        label={say.batchSequencesInAStep}
        value={batch}
        stops={[1, 4, 8, 16, 32, 64, 128, 256, 512]}
        choose={(value) => alter({ batch: value })}
      />
      <div class="row">
        <button type="button" class="small" onClick={textTransport.newSeed}>
          {say.otherWeights}
        </button>
      </div>
    </section>
  );
}
