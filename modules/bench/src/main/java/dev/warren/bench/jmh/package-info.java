/**
 * Microbenchmarks of what every byte and every request goes through: frames ({@link
 * dev.warren.bench.jmh.FrameBenchmark}), the multiplexer ({@link
 * dev.warren.bench.jmh.MuxBenchmark}), turns and windows ({@link
 * dev.warren.bench.jmh.FlowBenchmark}) and the mask of WebSocket ({@link
 * dev.warren.bench.jmh.MaskBenchmark}). They tell where time goes; what users get is told by {@link
 * dev.warren.bench.load}.
 */
package dev.warren.bench.jmh;
