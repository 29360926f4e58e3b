/**
 * Streams of the library as flows of Pekko Streams: {@link dev.warren.client.pekko.WarrenFlow}. An
 * artifact of its own, so that other programs need no Pekko.
 */
package dev.warren.client.pekko;
