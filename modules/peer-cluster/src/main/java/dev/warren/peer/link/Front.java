package dev.warren.peer.link;

/**
 * What agents and other gateways need to know of a gateway's front.
 *
 * @param generation larger in each life of the gateway
 * @param draining whether it is about to go
 * @param agentAddress where agents may dial it directly, HOST:PORT; empty: only through the load
 *     balancer
 * @param tunnels that it holds now
 */
public record Front(long generation, boolean draining, String agentAddress, int tunnels) {
  public dev.warren.peer.wire.Front toWire() {
    return dev.warren.peer.wire.Front.newBuilder()
        .setGeneration(generation)
        .setDraining(draining)
        .setAgentAddress(agentAddress)
        .setTunnels(tunnels)
        .build();
  }

  public static Front of(dev.warren.peer.wire.Front wire) {
    return new Front(
        wire.getGeneration(), wire.getDraining(), wire.getAgentAddress(), wire.getTunnels());
  }
}
