// The colours of canvases: two data hues with a ramp between them, class colours, and the theme they belong to.
import { signal } from "@preact/signals";

type Rgb = readonly [number, number, number];

export interface Palette {
  readonly dark: boolean;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly card: string;
  readonly accent: string;
  /** Negative, positive: orange and blue, which every kind of colour vision distinguishes. */
  readonly low: string;
  readonly high: string;
  /** 256 packed pixels from low through the middle to high. */
  readonly ramp: Uint32Array;
  /** Two packed pixels, in stripes for NaN: without a hue, so that it does not look like a value. */
  readonly noNumber: readonly [number, number];
  /** Hues of classes. */
  readonly classes: readonly string[];
  readonly classRgb: readonly Rgb[];
  readonly middle: Rgb;
}

const mix = (a: Rgb, b: Rgb, t: number): Rgb => [
  a[0] + (b[0] - a[0]) * t,
  a[1] + (b[1] - a[1]) * t,
  a[2] + (b[2] - a[2]) * t,
];
export const pack = ([r, g, b]: Rgb): number =>
  ((255 << 24) | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r)) >>> 0;
const css = ([r, g, b]: Rgb): string => `rgb(${r} ${g} ${b})`;

function palette(dark: boolean): Palette {
  const low: Rgb = dark ? [245, 158, 66] : [226, 121, 22];
  const high: Rgb = dark ? [96, 158, 255] : [38, 101, 214];
  const middle: Rgb = dark ? [26, 29, 36] : [250, 249, 246];
  const ramp = new Uint32Array(256);
  for (let k = 0; k < 256; k++) {
    const t = (k - 127.5) / 127.5;
    ramp[k] = pack(mix(middle, t < 0 ? low : high, Math.abs(t) ** 0.85 * (dark ? 0.86 : 0.8)));
  }
  const more: Rgb[] = dark
    ? [
        [52, 199, 155],
        [226, 138, 196],
        [240, 208, 80],
        [122, 205, 240],
        [236, 112, 99],
        [176, 150, 240],
        [190, 190, 190],
        [164, 128, 92],
      ]
    : [
        [0, 140, 105],
        [184, 84, 150],
        [176, 140, 10],
        [40, 150, 200],
        [200, 60, 50],
        [120, 86, 200],
        [110, 110, 110],
        [140, 96, 60],
      ];
  const classRgb = [low, high, ...more];
  return {
    dark,
    ink: dark ? "#eceef2" : "#181b21",
    soft: dark ? "#9aa1ad" : "#5d636e",
    line: dark ? "#2c313a" : "#e3e2dc",
    card: dark ? "#171a20" : "#ffffff",
    accent: dark ? "#2fd0b5" : "#0f766e",
    low: css(low),
    high: css(high),
    ramp,
    noNumber: dark ? [pack([58, 62, 70]), pack([92, 97, 107])] : [pack([214, 213, 208]), pack([168, 168, 166])],
    classes: classRgb.map(css),
    classRgb,
    middle,
  };
}

const palettes = { light: palette(false), dark: palette(true) };

export type Theme = "system" | "light" | "dark";
const system = matchMedia("(prefers-color-scheme: dark)");
const stored = localStorage.getItem("hebb-theme");

export const theme = signal<Theme>(stored === "light" || stored === "dark" ? stored : "system");
export const colors = signal<Palette>(palettes.light);

function apply(): void {
  const dark = theme.value === "dark" || (theme.value === "system" && system.matches);
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  colors.value = dark ? palettes.dark : palettes.light;
}

export function setTheme(next: Theme): void {
  theme.value = next;
  if (next === "system") localStorage.removeItem("hebb-theme");
  else localStorage.setItem("hebb-theme", next);
  apply();
}

system.addEventListener("change", apply);
apply();

/** The colour of a class; beyond the list the colours repeat. */
export const classColor = ({ classes }: Palette, place: number): string => classes[place % classes.length] ?? "";
