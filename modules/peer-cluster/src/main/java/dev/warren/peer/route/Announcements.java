package dev.warren.peer.route;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * What one peer is still to be told of the tunnels that end here: a snapshot, then changes, in
 * numbered batches. An entry carries the whole state of a tunnel, so of several changes only the
 * last is kept, and what was sent and not acknowledged is simply told again when its connection is
 * lost: nothing here is larger than the number of tunnels. Not safe for use by several threads.
 */
public final class Announcements {
  /** Batches that are sent before the first of them is acknowledged. */
  public static final int MAX_UNACKNOWLEDGED = 8;

  /** What a batch may take on the wire (bytes), as {@link Change#weight} estimates it. */
  public static final int MAX_BATCH_BYTES = 16 * 1024;

  /** The state of a tunnel: where it is, or that it is no more. */
  public sealed interface Change {
    Route.Key key();

    /** What it takes on the wire at most (bytes). */
    int weight();

    /** The tunnel is here. */
    record Present(Route route) implements Change {
      @Override
      public Route.Key key() {
        return route.key();
      }

      @Override
      public int weight() {
        // Characters of ids and texts may take three bytes each.
        return 96 + 2 * 64 + 3 * (route.software().length() + route.remote().length());
      }
    }

    /** It is not any more. */
    record Absent(Route.Key key, long connection, RouteTable.Removal reason) implements Change {
      @Override
      public int weight() {
        return 48 + 2 * 64;
      }
    }
  }

  /**
   * @param snapshot all tunnels, from this batch on
   * @param complete the last batch of the snapshot
   */
  public record Batch(long sequence, boolean snapshot, boolean complete, List<Change> changes) {}

  private final LongSupplier sequences;
  private final LinkedHashMap<Route.Key, Change> waiting = new LinkedHashMap<>();
  private final ArrayDeque<Batch> sent = new ArrayDeque<>();
  private boolean snapshotDue;
  private boolean inSnapshot;
  private long snapshotSequence; // of the last snapshot's first batch

  /**
   * @param sequences gives a larger number each time, through the life of this gateway
   */
  public Announcements(LongSupplier sequences) {
    this.sequences = sequences;
  }

  /** The peer knows nothing, or must be taken to: all is told anew. */
  public void startSnapshot(List<Route> all) {
    waiting.clear();
    sent.clear();
    snapshotDue = true;
    inSnapshot = true;
    for (Route route : all) {
      waiting.put(route.key(), new Change.Present(route));
    }
  }

  /**
   * Whether a peer that has lost this link, and with it all that it was told, needs a new snapshot:
   * one that began after it said so is on its way to it already. The two sides of a link do not see
   * its loss at the same time, and one of them may not see it at all.
   *
   * @param sequence the last batch that it had taken in when it said so
   */
  public boolean needsSnapshot(long sequence) {
    return !snapshotDue && snapshotSequence <= sequence;
  }

  public void changed(Change change) {
    Change before = waiting.remove(change.key()); // behind what changed before
    waiting.put(change.key(), before == null ? change : last(before, change));
  }

  /** Of two changes of a tunnel the later; an end takes all connections that ended before. */
  private static Change last(Change before, Change change) {
    boolean covers =
        before instanceof Change.Absent gone
            && change instanceof Change.Absent again
            && gone.connection() > again.connection();
    return covers ? before : change;
  }

  /** Whether {@link #next} has something to tell. */
  public boolean hasNext() {
    return sent.size() < MAX_UNACKNOWLEDGED && (inSnapshot || !waiting.isEmpty());
  }

  /** The next batch; only where {@link #hasNext}. */
  public Batch next() {
    List<Change> changes = new ArrayList<>();
    int weight = 0;
    var iterator = waiting.values().iterator();
    while (iterator.hasNext()) {
      Change change = iterator.next();
      weight += change.weight();
      if (weight > MAX_BATCH_BYTES && !changes.isEmpty()) {
        break;
      }
      changes.add(change);
      iterator.remove();
    }
    boolean complete = inSnapshot && waiting.isEmpty();
    Batch batch = new Batch(sequences.getAsLong(), snapshotDue, complete, List.copyOf(changes));
    if (snapshotDue) {
      snapshotSequence = batch.sequence();
    }
    snapshotDue = false;
    inSnapshot &= !complete;
    sent.addLast(batch);
    return batch;
  }

  /** The peer has taken in all batches up to this one. */
  public void acknowledged(long sequence) {
    while (!sent.isEmpty() && sent.getFirst().sequence() <= sequence) {
      sent.removeFirst();
    }
  }

  /**
   * The connection that carried them is gone and another goes on: what was not acknowledged is told
   * again, unless it has changed since.
   */
  public void connectionLost() {
    if (sent.isEmpty()) {
      return;
    }
    Map<Route.Key, Change> again = new LinkedHashMap<>();
    for (Batch batch : sent) {
      snapshotDue |= batch.snapshot();
      inSnapshot |= batch.snapshot() || batch.complete();
      for (Change change : batch.changes()) {
        again.remove(change.key());
        again.put(change.key(), change);
      }
    }
    List<Change> newer = new ArrayList<>(waiting.values());
    waiting.clear();
    waiting.putAll(again);
    newer.forEach(this::changed);
    sent.clear();
  }

  /** Tunnels whose state the peer has still to be told. */
  public int waiting() {
    return waiting.size();
  }
}
