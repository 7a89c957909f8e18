// Surfaces and overlays that load on first use, so that the first paint is quick.
import { type Signal, signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { dropped, paletteOpen } from "./shortcuts.ts";

const loaders = {
  step: () => import("./step/Step.tsx").then(({ Step }) => Step),
  compare: () => import("./compare/Compare.tsx").then(({ Compare }) => Compare),
  ship: () => import("./ship/Ship.tsx").then(({ Ship }) => Ship),
  lessons: () => import("./lessons/Lessons.tsx").then(({ Lessons }) => Lessons),
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

export function Part({ name }: { readonly name: Name }) {
  const part = partOf(name);
  useEffect(() => {
    if (part.value === undefined)
      void loaders[name]().then((component) => {
        part.value = component;
      });
  }, [name]);
  const Component = part.value;
  return Component === undefined ? null : <Component />;
}

export function Overlays() {
  return (
    <>
      {paletteOpen.value && <Part name="palette" />}
      {dropped.value !== undefined && <Part name="drop" />}
    </>
  );
}
