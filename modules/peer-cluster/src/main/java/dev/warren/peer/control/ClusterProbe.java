package dev.warren.peer.control;

import java.util.concurrent.CompletionStage;

/** Finds out whether a peer's cluster port can be opened. */
@FunctionalInterface
interface ClusterProbe {
  /**
   * @param address HOST:PORT
   * @return never fails: false for all that is not an open port of a peer
   */
  CompletionStage<Boolean> isOpen(String address);
}
