package dev.warren.bench.load;

/**
 * What a figure is held against.
 *
 * @param same where the caller comes in at the gateway that has the tunnel
 * @param peer where it comes in at another one
 */
record Targets(Figure.Target same, Figure.Target peer) {
  static final Targets NONE = new Targets(Figure.Target.NONE, Figure.Target.NONE);

  static Targets atLeast(double same, double peer) {
    return new Targets(Figure.Target.atLeast(same), Figure.Target.atLeast(peer));
  }

  static Targets atMost(double same, double peer) {
    return new Targets(Figure.Target.atMost(same), Figure.Target.atMost(peer));
  }

  /** The same on either way. */
  static Targets both(Figure.Target target) {
    return new Targets(target, target);
  }

  Figure.Target of(Subject subject) {
    return switch (subject) {
      case WARREN -> same;
      case PEER -> peer;
      default -> Figure.Target.NONE;
    };
  }
}
