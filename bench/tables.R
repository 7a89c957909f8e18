# Writes tables that R packages ship as CSV files: Rscript bench/tables.R FOLDER. Debian's r-cran-mlbench, r-cran-modeldata, r-cran-kernlab and
# r-cran-ggplot2 contain them; R_LIBS names the folder where they are unpacked.
folder <- commandArgs(TRUE)[1]
write <- function(package, name, file, drop = c()) {
  space <- new.env()
  data(list = name, package = package, envir = space)
  table <- as.data.frame(get(name, envir = space))
  table <- table[, setdiff(names(table), drop)]
  write.csv(table, file.path(folder, paste0(file, ".csv")), row.names = FALSE, na = "")
}
write("modeldata", "mlc_churn", "churn")
write("modeldata", "wa_churn", "telco")
write("modeldata", "credit_data", "credit")
write("modeldata", "ames", "ames")
write("modeldata", "concrete", "concrete")
write("modeldata", "lending_club", "lending")
write("modeldata", "attrition", "attrition")
write("modeldata", "hpc_data", "hpc")
write("modeldata", "check_times", "checks")
write("modeldata", "stackoverflow", "stackoverflow")
write("modeldata", "cells", "cells", drop = "case")
write("modeldata", "car_prices", "cars")
write("mlbench", "BostonHousing", "boston")
write("mlbench", "LetterRecognition", "letters")
write("mlbench", "Satellite", "satellite")
write("mlbench", "Vowel", "vowel")
write("mlbench", "PimaIndiansDiabetes2", "pima")
write("mlbench", "Vehicle", "vehicle")
write("mlbench", "Soybean", "soybean")
write("kernlab", "spam", "spam")
write("kernlab", "income", "income")
write("kernlab", "ticdata", "insurance")
write("ggplot2", "diamonds", "diamonds")
foods <- new.env()
data(list = "small_fine_foods", package = "modeldata", envir = foods)
reviews <- rbind(foods$training_data, foods$testing_data)[, c("review", "score")]
write.csv(reviews, file.path(folder, "foods.csv"), row.names = FALSE, na = "")
