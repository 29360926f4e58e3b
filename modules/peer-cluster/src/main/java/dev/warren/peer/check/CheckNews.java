package dev.warren.peer.check;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * Which results one peer is still to be told. Of a check it tells the last result only, so nothing
 * here is larger than the number of checks. What is lost on the way is made good by the next check.
 * Not safe for use by several threads.
 */
public final class CheckNews {
  /** What one message may take on the wire (bytes), as {@link CheckWire#weight} estimates it. */
  public static final int MAX_MESSAGE_BYTES = 16 * 1024;

  private final CheckResults results;
  private final LinkedHashSet<CheckResult.Key> waiting = new LinkedHashSet<>();

  public CheckNews(CheckResults results) {
    this.results = results;
  }

  public void add(CheckResult.Key check) {
    waiting.add(check);
  }

  public void addAll(Collection<CheckResult.Key> checks) {
    waiting.addAll(checks);
  }

  public boolean isEmpty() {
    return waiting.isEmpty();
  }

  /** One message's worth; empty where nothing is to be told any more. */
  public List<CheckResult> next() {
    List<CheckResult> next = new ArrayList<>();
    int weight = 0;
    for (Iterator<CheckResult.Key> each = waiting.iterator(); each.hasNext(); ) {
      CheckResult result = results.find(each.next());
      weight += result == null ? 0 : CheckWire.weight(result);
      if (weight > MAX_MESSAGE_BYTES && !next.isEmpty()) {
        break;
      }
      each.remove();
      if (result != null) {
        next.add(result);
      }
    }
    return next;
  }
}
