/**
 * The control plane: an actor system in a Pekko cluster that can fail and be restarted inside the
 * process while tunnels, links and streams go on. Start at {@link
 * dev.warren.peer.control.ControlPlane}; how a fresh one finds its cluster is in {@code Bootstrap},
 * how two clusters become one in {@code Islands}. Nothing here touches a stream's bytes or an event
 * loop; what it needs of the data plane stands in {@link dev.warren.peer.control.Neighbours} and
 * {@link dev.warren.peer.control.HeldTunnels}.
 */
package dev.warren.peer.control;
