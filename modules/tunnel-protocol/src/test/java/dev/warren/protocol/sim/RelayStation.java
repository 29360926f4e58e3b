package dev.warren.protocol.sim;

import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.relay.Relay;
import dev.warren.protocol.relay.RelayBudget;
import java.util.ArrayList;
import java.util.List;

/** A gateway in the middle: streams come in over one connection and leave over the other. */
final class RelayStation implements Station {
  /** In each direction a window, as much for frames that pass whole, and a FINISH. */
  private static final long MOST_PER_RELAY =
      2 * (RelayBudget.LARGEST_WINDOW + RelayBudget.WHOLE_ROOM + 1_024L);

  private final RelayBudget node;
  private final RelayBudget budget;
  private final List<Relay> relays = new ArrayList<>();
  Port towardsOrigin;
  Port towardsAgent;

  RelayStation(long capacity) {
    node = RelayBudget.ofNode(capacity * 2);
    budget = node.ofTunnel(capacity);
  }

  @Override
  public void ready(Port port) {
    // streams come by themselves
  }

  @Override
  public void opening(Port port, Opening opening) {
    if (port == towardsAgent) {
      opening.refuse(dev.warren.protocol.FaultCode.NOT_HERE, "agents open no streams here");
      return;
    }
    Relay relay = Relay.begin(opening, towardsAgent.mux, budget, towardsAgent.world.clock::now);
    if (relay != null) {
      relays.add(relay);
    }
  }

  @Override
  public void pump() {
    towardsOrigin.pump();
    towardsAgent.pump();
    towardsOrigin.pump(); // for the credit that writing has freed
  }

  @Override
  public boolean isEnd() {
    return false;
  }

  @Override
  public void check() {
    long reserved = 0;
    for (int i = relays.size() - 1; i >= 0; i--) {
      Relay relay = relays.get(i);
      if (relay.heldBytes() > relay.reservedBytes()) {
        throw new AssertionError(
            "a relay holds " + relay.heldBytes() + " bytes (reserved: " + relay.reservedBytes());
      }
      if (relay.reservedBytes() > MOST_PER_RELAY) {
        throw new AssertionError("a relay reserves " + relay.reservedBytes() + " bytes");
      }
      reserved += relay.reservedBytes();
      if (relay.isOver()) {
        if (relay.reservedBytes() != 0) {
          throw new AssertionError("a relay that is over keeps " + relay.reservedBytes());
        }
        relays.remove(i);
      }
    }
    if (reserved != budget.used() || reserved != node.used()) {
      throw new AssertionError(
          "relays reserve " + reserved + " bytes (budget says: " + budget.used() + ")");
    }
    if (budget.used() > budget.capacity()) {
      throw new AssertionError("relay budget exceeded: " + budget.used());
    }
  }

  @Override
  public void checkOver() {
    check();
    if (!relays.isEmpty() || budget.used() != 0) {
      throw new AssertionError(relays.size() + " relays and " + budget.used() + " bytes are left");
    }
  }
}
