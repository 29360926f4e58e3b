/**
 * When and where an agent dials again: pure arithmetic over a clock and a random source that are
 * handed in. Start at {@link dev.warren.agent.reconnect.Reconnect}. Nothing here waits or connects.
 */
package dev.warren.agent.reconnect;
