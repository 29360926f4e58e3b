package dev.warren.protocol.sim;

import dev.warren.protocol.mux.Opening;

/** A process with one or two connections. */
interface Station {
  /** The handshake of a connection is done. */
  void ready(Port port);

  void opening(Port port, Opening opening);

  /** Writes what can be written, on every connection. */
  void pump();

  /** Whether streams end here. */
  boolean isEnd();

  /** Checks what must hold at any time. */
  void check();

  /** Checks that nothing is left. */
  void checkOver();
}
