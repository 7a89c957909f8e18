// The doctor: examines the data, the network and the progress of a training, and reports each finding once.
import * as kind from "../../graph/kinds.ts";
import { checkOptions, type OptionKinds } from "../../graph/options.ts";
import { checkModel } from "../setup.ts";
import { CourseDoctor, type DoctorOptions } from "./courseDoctor.ts";
import { Look } from "./look.ts";

export type { DoctorOptions } from "./courseDoctor.ts";

const kinds: OptionKinds<DoctorOptions> = {
  model: kind.anything,
  objective: kind.anything,
  samples: kind.anything,
  train: kind.anything,
  validation: kind.anything,
  optimizer: kind.anything,
  classNames: kind.listOf(kind.string),
};

export class Doctor extends CourseDoctor {
  constructor(options: DoctorOptions) {
    checkOptions("Doctor", options, kinds);
    checkModel("Doctor", options.model);
    super(options, new Look(options));
  }
}
