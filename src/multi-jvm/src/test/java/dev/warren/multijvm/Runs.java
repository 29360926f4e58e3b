package dev.warren.multijvm;

/** How often a full case is measured: {@code -Dwarren.multijvm.runs=N}, 20 otherwise. */
final class Runs {
  private Runs() {}

  static int count() {
    return Integer.getInteger("warren.multijvm.runs", 20);
  }
}
