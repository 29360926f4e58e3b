package dev.warren.peer.control;

/** There is no control plane now: it starts, restarts or has been closed. */
public final class NoControlPlaneException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public NoControlPlaneException(ControlStatus.State state) {
    super("the control plane is " + state.name().toLowerCase(java.util.Locale.ROOT));
  }
}
