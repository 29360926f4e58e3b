package dev.warren.protocol.sim;

/**
 * How one connection behaves, in each direction.
 *
 * @param latencyNanos one way
 * @param jitterNanos added at random; order is kept
 * @param bytesPerSecond how fast the transport takes bytes
 * @param highWater bytes in the transport's buffer above which it is not writable
 * @param largestChunk the largest read; smaller ones come at random
 */
record Road(
    long latencyNanos, long jitterNanos, long bytesPerSecond, int highWater, int largestChunk) {}
