package dev.warren.peer.control;

/** What the control plane is to do next. */
sealed interface Step {
  Step WAIT = new Wait();

  /** Nothing for now: ask again when something has changed, or a moment later. */
  record Wait() implements Step {}

  /** Try whether this cluster port can be opened, and say how it went. */
  record Probe(String address) implements Step {}

  /** Ask the node at this address to be let into its cluster. */
  record Join(String address) implements Step {}

  /** Be a cluster of one. */
  record Form(ClusterId id) implements Step {}

  /** End this actor system and begin again with a fresh one. */
  record Restart(String reason) implements Step {}
}
