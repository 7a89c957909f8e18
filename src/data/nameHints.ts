// Hints from a column's name if its cells are ambiguous: numbers that are names, days, times or durations.

const identifiers = /^(?:id|idx|index|row|row[ _-]?(?:id|number|names?)|rownames|uuid|guid|unnamed.*|.*[ _-]id)$/i;

/** The words of a name: `zipCode`, `zip_code` and `Zip code` are zip, code. */
export const wordsOf = (name: string): string[] =>
  name
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, "$1 $2")
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\d°#]+/u)
    .filter((word) => word !== "");

const setOf = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Words that mark numbers as names, as the last or first word of a column name. */
const codeWords = setOf(`
  id ids uid uuid code codes cod cd key zip zipcode postcode plz postleitzahl npa cap cep postal sku ean gtin isbn upc asin iban bic
  fips naics sic mcc icd nace insee siret siren nuts iso msa cbsa tract kennung nummer nr no numero número n° nº # phone telephone
  telefon tel fax mobile pin ssn vin imei serial barcode werk werks lgort matnr kunnr lifnr bukrs kostl vkorg vtweg spart
  kundennr artikelnr debitor kreditor mandant kostenstelle buchungskreis warengruppe`);
/** Nouns without an order, if the column holds only numbers for them. */
const thingWords = setOf(`
  store shop branch dept department warehouse depot plant station sensor device terminal machine robot server customer client user
  member account vendor supplier seller merchant product item article material brand model category subcategory type kind segment
  cluster group region zone district county state province country city town municipality area territory location site building room
  route line channel campaign carrier airline airport team player driver operator agent employee manager doctor hospital school
  class course subject patient loinc gender sex race ethnicity religion nationality occupation job status reason method mode
  filiale kunde artikel verkäufer magasin produit client région ville groupe abteilung region gruppe kategorie typ art land stadt lager maschine`);
/** Words that count or measure the word before or after them. */
const amountWords = setOf(`
  number num count counts total sum amount qty quantity size length width height weight age price cost rate ratio score avg mean
  min max median percent pct share index level rank year years month months week weeks day days hour hours minute minutes second
  seconds anzahl menge preis betrag alter jahr jahre größe gewicht nombre quantité montant prix`);

/** How strongly a name suggests that its numbers are names: "code" for zip and store_id, "thing" for store; undefined for anything else. */
export function codeHint(name: string): "code" | "thing" | undefined {
  const words = wordsOf(name);
  const [first = "", last = ""] = [words[0], words.at(-1)];
  if (words.length === 0) return undefined;
  const counted = words.slice(0, -1).some((word) => amountWords.has(word));
  if (counted) return undefined;
  // "no" and "number" mark "order no" as a name; alone they do not.
  const alone = words.length === 1 && last === "no";
  if (
    (codeWords.has(last) && !alone) ||
    (last === "number" && words.length > 1) ||
    /(?:nummer|nr|kennzahl|kennziffer|schlüssel|code|plz)$/.test(last)
  )
    return "code";
  if (
    words.length > 1 &&
    /^(?:id|code|cod|cd|código|codigo|numéro|numero|n°|nº|nr|nummer)$/.test(first) &&
    !amountWords.has(last)
  )
    return "code";
  return thingWords.has(last) ? "thing" : undefined;
}

/** Whether numbers that never repeat are an identifier under this name. */
export const identifierHint = (name: string): boolean => identifiers.test(name) || codeHint(name) === "code";

const dateWords = setOf(`
  date datum day time timestamp ts epoch unix created updated modified at on zeit zeitstempel tag jour fecha data datetime dt when
  since until start end begin birthday birth dob`);

/** Whether plain numbers under this name may be dates. */
export const dateHint = (name: string): boolean =>
  wordsOf(name).some((word) => dateWords.has(word) || /(?:date|datum|time|zeit|stamp)$/.test(word));

const durationWords = setOf(`
  duration elapsed runtime length lap laps split pace dauer laufzeit dauern durée duree duración durata spent took wait waiting delay
  uptime timeout latency session watch talk handling`);

/** Whether hours and minutes under this name are a duration. */
export const durationHint = (name: string): boolean =>
  wordsOf(name).some((word) => durationWords.has(word) || /(?:dauer|laufzeit|duration)$/.test(word));

const clockWords = setOf(
  "time clock uhrzeit zeit hour hours heure hora ora at start end begin departure arrival opening closing",
);

/** Whether hours and minutes under this name are a time of the day. */
export const clockHint = (name: string): boolean => wordsOf(name).some((word) => clockWords.has(word));
