/**
 * Load on real processes: nginx as origin, nginx {@code proxy_pass} as the yardstick, and Warren's
 * gateway and agent, each in a process of its own. Start at {@link dev.warren.bench.load.Load}; a
 * {@link dev.warren.bench.load.Case} says what is measured, {@link dev.warren.bench.load.Stage}
 * which processes there are, {@link dev.warren.bench.load.Report} how it is told.
 *
 * <p>On a shared machine a rate alone says little. So the subjects take turns within each round,
 * nginx runs twice in each (what its two series differ by is noise), and each figure stands beside
 * the load average of its time and the CPU seconds that it cost.
 */
package dev.warren.bench.load;
