// Notices: why training stopped, with a remedy, and combinations that are allowed but rarely wise.
import { signal } from "@preact/signals";
import { type Pairing, pairings } from "../../shared/pairings.ts";
import type { Advice, RunInfo, Stopped } from "../../shared/protocol.ts";
import { Icon } from "../icons.tsx";
import { grouped } from "../numbers.ts";
import { advice, change, run, state, stopped as stop, takeFix } from "../store.ts";

const welcomed = "hebb-studio-welcomed";
const query = new URLSearchParams(location.search);

/** Whether to say what this page is: to who comes for the first time, and by no link. */
const welcome = signal(
  query.get("test") === "1"
    ? query.get("welcome") === "1"
    : location.hash.length < 2 && !query.has("run") && !query.has("table") && localStorage.getItem(welcomed) === null,
);

function understood(): void {
  welcome.value = false;
  localStorage.setItem(welcomed, "1");
}

const explained = signal("");
const silenced = signal<readonly string[]>([]);

function Close({ onClick }: { readonly onClick: () => void }) {
  return (
    <button type="button" class="small quiet" aria-label="Close this notice" onClick={onClick}>
      <Icon name="close" />
    </button>
  );
}

export function Notices({ stopped }: { readonly stopped?: Stopped }) {
  if (stopped !== undefined) {
    return (
      <div class={`notice ${stopped.reason === "nan" ? "bad" : ""}`}>
        <p>{stopped.text}</p>
        {stopped.fix !== "" && (
          <button type="button" class="small accent" onClick={() => takeFix(stopped)}>
            {stopped.fix}
          </button>
        )}
        <Close
          onClick={() => {
            stop.value = undefined;
          }}
        />
      </div>
    );
  }
  const info = run.value?.data;
  if (info === undefined) return null;
  const beginning = run.value?.beginning;
  return (
    <>
      {welcome.value && <Welcome />}
      {beginning !== undefined && !silenced.value.includes("beginning") && <BeginningNotice {...beginning} />}
      {advice.value
        .filter(({ code }) => !silenced.value.includes(code))
        .map((one) => (
          <AdviceNotice key={one.code} advice={one} />
        ))}
      {pairings(state.value, info.task)
        .filter(({ id }) => !silenced.value.includes(id))
        .map((pairing) => (
          <PairingNotice key={pairing.id} pairing={pairing} />
        ))}
    </>
  );
}

function Welcome() {
  return (
    <div class="notice welcome">
      <p>
        <b>A neural network is learning here, in your browser.</b> Each square shows what one neuron says about the
        plane; together they part orange from blue. You cannot break it: pause with <kbd>Space</kbd>, add neurons, click
        one to look inside, choose other data or drop your own.
      </p>
      <button
        type="button"
        class="small accent"
        onClick={() => {
          understood();
          change({ surface: "lessons", lesson: 0 });
        }}
      >
        Learn it in eight lessons
      </button>
      <Close onClick={understood} />
    </div>
  );
}

function BeginningNotice({ name, step, notes }: NonNullable<RunInfo["beginning"]>) {
  return (
    <div class="notice">
      <p>
        {step > 0 && (
          <>
            This is the run <b>{name}</b> as it ended, after {grouped(step)} steps. Play trains it further, and Rewind
            leads back here.{" "}
          </>
        )}
        {notes.join(" ")}
      </p>
      <Close
        onClick={() => {
          silenced.value = [...silenced.value, "beginning"];
        }}
      />
    </div>
  );
}

function AdviceNotice({ advice: { code, text, fix, patch } }: { readonly advice: Advice }) {
  return (
    <div class="notice">
      <p>{text}</p>
      {fix !== "" && (
        <button type="button" class="small" onClick={() => takeFix({ patch, goTo: undefined })}>
          {fix}
        </button>
      )}
      <Close
        onClick={() => {
          silenced.value = [...silenced.value, code];
        }}
      />
    </div>
  );
}

function PairingNotice({ pairing }: { readonly pairing: Pairing }) {
  const open = explained.value === pairing.id;
  return (
    <div class="notice pairing">
      <p>
        {pairing.text}
        {open && <span class="why">{pairing.why}</span>}
      </p>
      <button
        type="button"
        class="small"
        aria-expanded={open}
        onClick={() => {
          explained.value = open ? "" : pairing.id;
        }}
      >
        Why
      </button>
      <button type="button" class="small" onClick={() => change({ surface: "compare", lanes: [pairing.better] })}>
        Run both
      </button>
      <Close
        onClick={() => {
          silenced.value = [...silenced.value, pairing.id];
        }}
      />
    </div>
  );
}
