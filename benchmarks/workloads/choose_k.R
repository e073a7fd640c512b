# Rscript choose_k.R FOLDER rows=1000000 pairs=100: bootFlexclust of k = 2 to 12, three starts a
# search, one process, on two smaller tables; extrapolated by the power of n that they give.
library(flexclust)
args <- commandArgs(TRUE)
given <- as.numeric(sub(".*=", "", args[-1]))
names(given) <- sub("=.*", "", args[-1])
sizes <- c(1000, 4000)
seconds <- sapply(sizes, function(n) {
  x <- as.matrix(read.csv(file.path(args[1], paste0(n, ".csv"))))
  set.seed(1)
  time <- system.time(bootFlexclust(
    x, k = 2:12, nrep = 3, nboot = 1, FUN = cclust, multicore = FALSE))
  sum(time[1:2])
})
power <- log(seconds[2] / seconds[1]) / log(sizes[2] / sizes[1])
found <- seconds[2] * (given[["rows"]] / sizes[2])^power * given[["pairs"]]
cat(sprintf(
  'measured: {"cpu_s": %.1f, "clock_s": %.1f, "extrapolated": "%s"}\n', found, found,
  sprintf("extrapolated from 1,000 and 4,000 rows, as n^%.2f", power)))
