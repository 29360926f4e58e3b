/**
 * What a way in needs to know of streams: {@link dev.warren.peer.dial.StreamOpener}, what it is
 * asked and what it answers. Nothing here knows HTTP, and nothing here knows where a tunnel ends.
 */
package dev.warren.peer.dial;
