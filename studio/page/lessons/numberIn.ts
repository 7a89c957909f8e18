// Numbers as people write them in an answer.

/** 0.5, 0,5, −3 or a fraction such as 1/4; NaN if it is not a number. */
export function numberIn(text: string): number {
  const parts = text.replaceAll("−", "-").replaceAll(",", ".").split("/");
  if (parts.length > 2 || parts.some((part) => part.trim() === "")) return Number.NaN;
  const [above = Number.NaN, below = 1] = parts.map(Number);
  return above / below;
}
