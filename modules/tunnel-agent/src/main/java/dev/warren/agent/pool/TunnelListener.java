package dev.warren.agent.pool;

/** Told when a tunnel's state has changed, on its event loop: it must not block. */
public interface TunnelListener {
  void changed(TunnelStatus status);
}
