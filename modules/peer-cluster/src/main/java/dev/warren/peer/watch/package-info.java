/**
 * Files that an operator changes while the gateway runs: {@link dev.warren.peer.watch.FileWatch}
 * reads them anew, and a mistake in them never takes away what worked before. What the files mean
 * is known to those who parse them.
 */
package dev.warren.peer.watch;
