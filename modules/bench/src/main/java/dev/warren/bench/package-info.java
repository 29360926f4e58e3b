/**
 * How fast Warren is, and what it costs. {@link dev.warren.bench.Main} starts either the load
 * harness ({@link dev.warren.bench.load}: real processes beside nginx) or the microbenchmarks
 * ({@link dev.warren.bench.jmh}). What came out, and how to repeat it: docs/benchmarks.md.
 */
package dev.warren.bench;
