// Names of months and weekdays in common spreadsheet languages, full or abbreviated.

/** For each month: its name in English, German, French, Spanish, Italian, Portuguese, Dutch, and its abbreviations. */
const months: readonly (readonly string[])[] = [
  ["january", "januar", "jänner", "janvier", "janv", "enero", "ene", "gennaio", "gen", "janeiro", "januari", "jan"],
  [
    "february",
    "februar",
    "feber",
    "février",
    "fevrier",
    "févr",
    "fevr",
    "febrero",
    "febbraio",
    "fevereiro",
    "fev",
    "februari",
    "feb",
  ],
  ["march", "märz", "maerz", "mrz", "mär", "mars", "marzo", "março", "marco", "maart", "mrt", "mar"],
  ["april", "avril", "avr", "abril", "abr", "aprile", "apr"],
  ["may", "mai", "mayo", "maggio", "mag", "maio", "mei"],
  ["june", "juni", "juin", "junio", "giugno", "giu", "junho", "jun"],
  ["july", "juli", "juillet", "juil", "julio", "luglio", "lug", "julho", "jul"],
  ["august", "août", "aout", "agosto", "ago", "augustus", "aug"],
  ["september", "septembre", "septiembre", "settembre", "setembro", "sept", "sep", "set"],
  ["october", "oktober", "octobre", "octubre", "ottobre", "outubro", "okt", "oct", "ott", "out"],
  ["november", "novembre", "noviembre", "novembro", "nov"],
  ["december", "dezember", "décembre", "decembre", "diciembre", "dicembre", "dezembro", "déc", "dez", "dic", "dec"],
];
const places: ReadonlyMap<string, number> = new Map(
  months.flatMap((names, place) => names.map((name): [string, number] => [name, place + 1])),
);

/** The month of a name, 1 to 12; 0 for anything else. */
export const monthOf = (name: string): number => places.get(name.toLowerCase()) ?? 0;

const weekdays: ReadonlySet<string> = new Set([
  ...["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
  ...["mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun"],
  ...["montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonnabend", "sonntag"],
  ...["mo", "di", "mi", "do", "fr", "sa", "so"],
  ...[
    "lundi",
    "mardi",
    "mercredi",
    "jeudi",
    "vendredi",
    "samedi",
    "dimanche",
    "lun",
    "mar",
    "mer",
    "jeu",
    "ven",
    "sam",
    "dim",
  ],
]);

export const isWeekday = (name: string): boolean => weekdays.has(name.toLowerCase());
