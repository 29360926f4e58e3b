package dev.warren.peer.link;

import dev.warren.peer.GatewayIdentity;
import java.util.Map;

/** What gateways know of each other's fronts. Safe for use by all threads. */
public interface Fronts {
  /** This gateway's front from now on: told to every gateway with a live link, now or later. */
  void announce(Front front);

  /** The fronts of all gateways with a live link now, as far as they have said something. */
  Map<GatewayIdentity, Front> fronts();
}
