package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.List;

/** Something to be measured. */
interface Case {
  /** As it is asked for on the command line. */
  String name();

  /** Measures, and tells each step. */
  List<Figure> run(Stage stage, Plan plan, PrintStream progress);
}
