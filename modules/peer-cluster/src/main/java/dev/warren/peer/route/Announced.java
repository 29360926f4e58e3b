package dev.warren.peer.route;

import dev.warren.peer.GatewayIdentity;
import java.util.HashSet;
import java.util.Set;

/**
 * Takes in what one peer announces, batch by batch, into the {@link RouteTable}. A batch that is
 * not newer than the last is stale, by whichever connection it came, and is ignored. Not safe for
 * use by several threads.
 */
public final class Announced {
  private final GatewayIdentity peer;
  private final RouteTable table;
  private long sequence;
  private Set<Route.Key> snapshot; // what it has named so far; null outside one
  private boolean complete;
  private long refused;

  public Announced(GatewayIdentity peer, RouteTable table) {
    this.peer = peer;
    this.table = table;
  }

  /** Whether a snapshot of the peer has been taken in whole. */
  public boolean isComplete() {
    return complete;
  }

  /** The last batch that was taken in. */
  public long sequence() {
    return sequence;
  }

  /** Routes that were not taken in because their session had too many. */
  public long refused() {
    return refused;
  }

  /** The peer was lost, and so is what it announced; a new snapshot will come. */
  public void forget() {
    complete = false;
    snapshot = null;
    table.forget(peer);
  }

  public void take(Announcements.Batch batch) {
    if (batch.sequence() <= sequence) {
      return;
    }
    sequence = batch.sequence();
    if (batch.snapshot()) {
      snapshot = new HashSet<>();
    }
    for (Announcements.Change change : batch.changes()) {
      if (change instanceof Announcements.Change.Absent absent) {
        table.withdrawn(peer, absent.key(), absent.connection());
        if (snapshot != null) {
          snapshot.remove(absent.key());
        }
      } else if (change instanceof Announcements.Change.Present present) {
        if (!table.announced(present.route())) {
          refused++;
        }
        if (snapshot != null) {
          snapshot.add(present.key());
        }
      }
    }
    if (batch.complete() && snapshot != null) {
      table.keepOnly(peer, snapshot);
      snapshot = null;
      complete = true;
    }
  }
}
