// Surfaces and overlays that load on first use, so that the first paint is quick.

import { type Signal, signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import * as say from "../texts/en/frame.ts";
import { dropped, paletteOpen } from "./shortcuts.ts";
import { keepNow } from "./store.ts";

const loaders = {
  step: () => import("./step/Step.tsx").then(({ Step }) => Step),
  compare: () => import("./compare/Compare.tsx").then(({ Compare }) => Compare),
  ship: () => import("./ship/Ship.tsx").then(({ Ship }) => Ship),
  lessons: () => import("./lessons/Lessons.tsx").then(({ Lessons }) => Lessons),
  text: () => import("./text/Text.tsx").then(({ Text }) => Text),
  results: () => import("./results/Results.tsx").then(({ Results }) => Results),
  training: () => import("./training/Training.tsx").then(({ Training }) => Training),
  program: () => import("./lab/Program.tsx").then(({ Program }) => Program),
  palette: () => import("./Palette.tsx").then(({ Palette }) => Palette),
  drop: () => import("./DropDialog.tsx").then(({ DropDialog }) => DropDialog),
} as const satisfies Readonly<Record<string, () => Promise<ComponentType>>>;

type Name = keyof typeof loaders;

const loaded = new Map<Name, Signal<ComponentType | undefined>>();

function partOf(name: Name): Signal<ComponentType | undefined> {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const made = signal<ComponentType | undefined>(undefined);
  loaded.set(name, made);
  return made;
}

/** The part that last failed to load, and why. */
const missing = signal<Name | undefined>(undefined);

function load(name: Name): void {
  missing.value = undefined;
  loaders[name]().then(
    (component) => {
      partOf(name).value = component;
    },
    () => {
      missing.value = name;
    },
  );
}

export function Part({ name }: { readonly name: Name }) {
  const part = partOf(name);
  useEffect(() => {
    if (part.value === undefined) load(name);
  }, [name]);
  const Component = part.value;
  if (Component !== undefined) return <Component />;
  if (missing.value !== name) return null;
  return (
    <section class="panel" aria-label={say.notLoaded}>
      <div class="row" role="alert">
        <p>{say.thisPartOfTheStudioCould(navigator.onLine ? say.itsServerDoesNotAnswer : say.youAreOfflineAndItIs)}</p>
        {/* A script that has failed once keeps failing in this page. */}
        <button type="button" class="accent" onClick={() => void keepNow().then(() => location.reload())}>
          {say.reloadThePage}
        </button>
      </div>
    </section>
  );
}

export function Overlays() {
  return (
    <>
      {paletteOpen.value && <Part name="palette" />}
      {dropped.value !== undefined && <Part name="drop" />}
    </>
  );
}
