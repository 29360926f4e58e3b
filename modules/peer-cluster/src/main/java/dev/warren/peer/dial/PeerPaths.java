package dev.warren.peer.dial;

import dev.warren.protocol.Incarnation;
import dev.warren.protocol.channel.TunnelHandler;
import io.netty.channel.EventLoop;
import java.util.Collection;

/** The ways to other gateways, as a dial sees them. Safe for use by all event loops. */
public interface PeerPaths {
  /** A gateway by itself. */
  PeerPaths NONE =
      new PeerPaths() {
        @Override
        public Path to(Incarnation gateway) {
          return null;
        }

        @Override
        public boolean mayKnowMore() {
          return false;
        }
      };

  /** The way to a gateway, or null while there is none. */
  Path to(Incarnation gateway);

  /**
   * Whether a session that no route leads to may yet turn up: this gateway is young, or a peer has
   * not told all its tunnels.
   */
  boolean mayKnowMore();

  /** One live link. */
  interface Path {
    /** The connection with the fewest streams; null where none takes new ones. */
    TunnelHandler connection();

    /**
     * The same without connections that were lost under the dial: what has not been cleared away
     * yet must not be tried again.
     */
    default TunnelHandler connection(Collection<TunnelHandler> lost) {
      TunnelHandler best = connection();
      return lost.contains(best) ? null : best;
    }

    /**
     * The same for a stream whose channel will run on this event loop: a connection on it goes
     * before one with fewer streams on another, because nothing is handed over then.
     */
    default TunnelHandler connection(Collection<TunnelHandler> lost, EventLoop home) {
      return connection(lost);
    }

    /** Smoothed (nanoseconds); 0 before the first measurement. */
    long roundTripNanos();

    /** Whether the gateway was heard within the last few seconds. */
    boolean answeredLately();

    /** Another number each time the link has come up anew. */
    long generation();
  }
}
