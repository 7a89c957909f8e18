// A page inside another page: the options in its address, and the code that embeds it.

export const panelNames = ["data", "learn", "network", "curves", "output", "inspector"] as const;
export type PanelName = (typeof panelNames)[number];

/** A question to answer before the network trains, for comparison with the result. */
export interface Question {
  readonly text: string;
  readonly answers: readonly string[];
  /** The index of the right answer. */
  readonly right: number;
  /** The explanation after the answer. */
  readonly why: string;
}

export interface Embedding {
  /** The shown parts of the Lab, in this order; empty: the whole surface. */
  readonly panels: readonly PanelName[];
  /** Whether the experiment is fixed by the link. */
  readonly locked: boolean;
  readonly question: Question | undefined;
}

function questionIn(query: URLSearchParams): Question | undefined {
  const text = query.get("ask");
  const answers = (query.get("answers") ?? "").split("|").filter((answer) => answer !== "");
  const right = Number(query.get("right")) - 1;
  if (text === null || answers[right] === undefined) return undefined;
  return { text, answers, right, why: query.get("why") ?? "" };
}

/** The options of an address: `?embed` or `?embed=network,output`, `&lock`, `&ask=…&answers=A|B&right=2&why=…`. */
export function readEmbedding(search: string): Embedding | undefined {
  const query = new URLSearchParams(search);
  const wanted = query.get("embed");
  if (wanted === null) return undefined;
  const asked = wanted.split(",");
  return {
    panels: asked.flatMap((name) => panelNames.filter((known) => known === name)),
    locked: query.has("lock"),
    question: questionIn(query),
  };
}

/** HTML that shows a link's experiment on any page, at its step. */
export function embedCode(link: string, panels: readonly PanelName[]): string {
  const { origin, pathname, hash } = new URL(link);
  const address = `${origin}${pathname}?embed=${panels.join(",")}${hash}`;
  return `<iframe src="${address.replaceAll("&", "&amp;")}" title="hebb Studio" width="100%" height="520" style="border: 0" loading="lazy"></iframe>`;
}
