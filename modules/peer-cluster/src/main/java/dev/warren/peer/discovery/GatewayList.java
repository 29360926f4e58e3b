package dev.warren.peer.discovery;

import dev.warren.protocol.frame.Frame;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The gateways that exist, as agents are told: the full list first, then numbered changes, each
 * with all that has changed since the one before. Not safe for use by several threads.
 */
public final class GatewayList {
  private final Map<String, Frame.Gateway> known = new LinkedHashMap<>();
  private long version;

  /** What has changed; empty where nothing has. */
  public Optional<Frame.Discovery> update(List<Frame.Gateway> all) {
    Map<String, Frame.Gateway> now = new LinkedHashMap<>();
    for (Frame.Gateway gateway : all) {
      now.put(gateway.id(), gateway);
    }
    List<Frame.Gateway> changes = new ArrayList<>();
    for (Frame.Gateway gateway : now.values()) {
      if (!gateway.equals(known.get(gateway.id()))) {
        changes.add(gateway);
      }
    }
    for (Frame.Gateway gateway : known.values()) {
      if (!now.containsKey(gateway.id())) {
        changes.add(
            new Frame.Gateway(gateway.id(), gateway.generation(), gateway.draining(), 0, "", true));
      }
    }
    if (changes.isEmpty()) {
      return Optional.empty();
    }
    known.clear();
    known.putAll(now);
    version++;
    return Optional.of(new Frame.Discovery(version, false, List.copyOf(changes)));
  }

  /** All of them, for an agent that knows none. */
  public Frame.Discovery complete() {
    return new Frame.Discovery(version, true, List.copyOf(known.values()));
  }
}
