package dev.warren.peer;

import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;

/**
 * Who a gateway is: the id that its operator gave it, which must be unique among those alive, and
 * its present life.
 *
 * @param id as agents' ids are spelt
 */
public record GatewayIdentity(String id, Incarnation incarnation) {
  public GatewayIdentity {
    SessionKey.ofAgent(
        id); // the same alphabet, so that it fits host names, headers and certificates
  }

  @Override
  public String toString() {
    return id + "#" + incarnation.shortText();
  }
}
