// Pictures and videos of a run, in English.
import type { Value } from "../value.ts";

// page/film.ts
export const nothingHereIsDrawn = "nothing here is drawn";
export const thisBrowserGivesNoCanvas = "this browser gives no canvas";
export const thePictureCouldNotBeEncoded = "the picture could not be encoded";
export const thePictureIsSaved = "The picture is saved";
export const thisBrowserRecordsNoVideoA = "this browser records no video; a picture can be saved instead";
export const theVideoIsSaved = "The video is saved";
export const aVideoOfWhatIsDrawn = (mostSeconds: Value) =>
  `A video of what is drawn is being recorded, ${mostSeconds} s at most.`;
export const endAndSaveIt = "End and save it";
