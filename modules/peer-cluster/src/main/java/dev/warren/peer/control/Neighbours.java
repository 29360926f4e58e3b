package dev.warren.peer.control;

import java.util.List;

/**
 * What the control plane needs of the links: who is linked now, and how they stand. The links
 * implement it; every method may be called from any thread and none blocks.
 */
public interface Neighbours {
  /**
   * The last standing of every gateway with a live link now, this one not among them. A gateway
   * whose link lives but that has said nothing yet is there as {@link Standing#none}: whoever forms
   * a cluster must know that it exists.
   */
  List<Standing> standings();

  /** This gateway's standing from now on: sent on every live link and first on every new one. */
  void announce(Standing mine);

  /**
   * {@code listener} is run after every change of {@link #standings}, on whatever thread saw it; it
   * does not block. There is one listener, set once before anything else.
   */
  void onChange(Runnable listener);
}
