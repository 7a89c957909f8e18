// Number formatting: few digits, a true minus sign, a constant width while values change.

const minus = (text: string): string => text.replaceAll("-", "−");

/** About three significant digits: 0.0312, 1.24, 318, 2.1e−5. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.0001 || size >= 100000) return minus(value.toExponential(1));
  return minus(
    size >= 1000
      ? value.toFixed(0)
      : size >= 100
        ? value.toFixed(1)
        : size >= 10
          ? value.toFixed(2)
          : size >= 0.1
            ? value.toFixed(3)
            : value.toFixed(4),
  );
}

/** The full precision for the drawing of a step. */
export function exact(value: number): string {
  if (!Number.isFinite(value)) return short(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.01 || size >= 1e6)) return minus(value.toExponential(2));
  return minus(String(Number(size >= 1 ? value.toFixed(4) : value.toPrecision(4))));
}

export const percent = (share: number): string =>
  Number.isFinite(share) ? `${minus((100 * share).toFixed(1))} %` : "–";
export const grouped = (count: number): string => Math.round(count).toLocaleString("en-US").replaceAll(",", " ");
/** A count for a narrow column: from a million upwards in millions. */
export const counted = (count: number): string => (count < 1e6 ? grouped(count) : `${(count / 1e6).toPrecision(4)} M`);
const subs = "₀₁₂₃₄₅₆₇₈₉";
export const sub = (place: number): string => [...String(place)].map((digit) => subs[Number(digit)] ?? digit).join("");
