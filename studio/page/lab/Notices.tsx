// Notices: why training stopped, with a remedy, and combinations that are allowed but rarely wise.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { isPlane } from "../../shared/names.ts";
import { type Pairing, pairings } from "../../shared/pairings.ts";
import type { Advice, RunInfo, Stopped } from "../../shared/protocol.ts";
import * as say from "../../texts/en/lab.ts";
import { embedding } from "../embedding.ts";
import { Icon } from "../icons.tsx";
import type { Aside } from "../keep.ts";
import { grouped } from "../numbers.ts";
import {
  advice,
  aside,
  bringBack,
  change,
  failure,
  keepThis,
  progress,
  run,
  type Said,
  said,
  state,
  stopped as stop,
  surface,
  takeFix,
} from "../store.ts";

const welcomed = "hebb-studio-welcomed";
const query = new URLSearchParams(location.search);

/** Whether to introduce the page: on a first visit that does not come from a link. */
const welcome = signal(
  query.get("test") === "1"
    ? query.get("welcome") === "1"
    : embedding === undefined &&
        location.hash.length < 2 &&
        !query.has("run") &&
        !query.has("table") &&
        localStorage.getItem(welcomed) === null,
);

function understood(): void {
  welcome.value = false;
  localStorage.setItem(welcomed, "1");
}

const explained = signal("");
const silenced = signal<readonly string[]>([]);

function Close({ onClick }: { readonly onClick: () => void }) {
  return (
    <button type="button" class="small quiet" aria-label={say.closeThisNotice} onClick={onClick}>
      <Icon name="close" />
    </button>
  );
}

const silence = (id: string): void => {
  silenced.value = [...silenced.value, id];
};

/** The current notices, over the foot of the page, so that nothing moves when one appears or disappears. */
export function Notices() {
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    // The page can be scrolled out from under them.
    const measure = (): void => {
      const first = element.querySelector(".notice")?.getBoundingClientRect().top ?? innerHeight;
      document.documentElement.style.setProperty("--notices-height", `${Math.max(0, innerHeight - first)}px`);
    };
    const observer = new MutationObserver(measure);
    observer.observe(element, { childList: true, subtree: true, characterData: true });
    addEventListener("resize", measure);
    measure();
    return () => {
      observer.disconnect();
      removeEventListener("resize", measure);
    };
  }, []);
  return (
    <aside class="notices" ref={box} aria-label={say.notices}>
      <div>
        {failure.value !== "" && (
          <div class="notice bad" role="alert">
            <p>{failure}</p>
            <Close
              onClick={() => {
                failure.value = "";
              }}
            />
          </div>
        )}
        {progress.value !== "" && <p class="notice">{progress}</p>}
        {stop.value !== undefined && <StopNotice {...stop.value} />}
        {said.value !== undefined && <SaidNotice {...said.value} />}
        {aside.value !== undefined && surface.value !== "lessons" && <AsideNotice {...aside.value} />}
        {surface.value === "lab" && <LabNotices />}
      </div>
    </aside>
  );
}

function StopNotice(stopped: Stopped) {
  return (
    <div class={`notice ${stopped.reason === "nan" ? "bad" : ""}`}>
      <p>{stopped.text}</p>
      {stopped.fix !== "" && (
        <button type="button" class="small accent changing" onClick={() => takeFix(stopped)}>
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

function SaidNotice({ text, bad, fix, act }: Said) {
  return (
    <div class={`notice ${bad ? "bad" : ""}`}>
      <p>{text}</p>
      {fix !== "" && (
        <button type="button" class="small accent" onClick={act}>
          {fix}
        </button>
      )}
      <Close
        onClick={() => {
          said.value = undefined;
        }}
      />
    </div>
  );
}

function AsideNotice({ by }: Aside) {
  return (
    <div class="notice">
      <p>{say.yourExperimentFromBeforeIsKept(by)}</p>
      <button type="button" class="small accent" onClick={() => bringBack({ surface: surface.value })}>
        {say.backToYourExperiment}
      </button>
      <button type="button" class="small" onClick={keepThis}>
        {say.keepThisOneInstead}
      </button>
    </div>
  );
}

function LabNotices() {
  const info = run.value?.data;
  if (info === undefined) return null;
  const beginning = run.value?.beginning;
  return (
    <>
      {welcome.value && isPlane(state.value.data) && <Welcome />}
      {beginning !== undefined && !silenced.value.includes("beginning") && <BeginningNotice {...beginning} />}
      {info.findings
        .filter(({ code, text }) => code !== "cells" && !silenced.value.includes(text))
        .map(({ text }) => (
          <div key={text} class="notice pairing">
            <p>{text}</p>
            <Close onClick={() => silence(text)} />
          </div>
        ))}
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
      <p>{say.eachSquareShowsWhatOneNeuron(<b>{say.aNeuralNetworkIsLearningHere}</b>, <kbd>{say.space}</kbd>)}</p>
      <button
        type="button"
        class="small accent"
        onClick={() => {
          understood();
          change({ surface: "lessons", lesson: 0 });
        }}
      >
        {say.learnItInFourteenLessons}
      </button>
      <Close onClick={understood} />
    </div>
  );
}

function BeginningNotice({ name, step, notes }: NonNullable<RunInfo["beginning"]>) {
  return (
    <div class="notice">
      <p>
        {step > 0 && <>{say.thisIsTheRunAsIt(<b>{name}</b>, grouped(step))}</>}
        {notes.join(" ")}
      </p>
      <Close onClick={() => silence("beginning")} />
    </div>
  );
}

function AdviceNotice({ advice: { code, text, fix, patch } }: { readonly advice: Advice }) {
  return (
    <div class="notice">
      <p>{text}</p>
      {fix !== "" && (
        <button type="button" class="small changing" onClick={() => takeFix({ patch, goTo: undefined })}>
          {fix}
        </button>
      )}
      <Close onClick={() => silence(code)} />
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
        {say.why}
      </button>
      <button type="button" class="small" onClick={() => change({ surface: "compare", lanes: [pairing.better] })}>
        {say.runBoth}
      </button>
      <Close onClick={() => silence(pairing.id)} />
    </div>
  );
}
