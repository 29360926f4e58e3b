package dev.warren.multijvm.process;

import dev.warren.agent.Agent;
import dev.warren.agent.AgentSettings;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.agent.connect.GatewayRules;
import dev.warren.protocol.SessionKey;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Many agents at once, with one tunnel each, in the test's own JVM: what matters of them is that
 * they are many. Their gateways are real.
 */
public final class AgentCrowd implements AutoCloseable {
  /** An address for documentation: no gateway is there, so none that is advertised is dialled. */
  static final String NOWHERE = "192.0.2.1";

  private static final long UP_WITHIN_SECONDS = 60;

  private final List<Agent> agents = new ArrayList<>();
  private final List<String> ids = new ArrayList<>();

  private AgentCrowd() {}

  /**
   * Starts so many agents and waits until each has a tunnel.
   *
   * @param prefix of their ids, which go on with -0, -1 ...
   * @param gateways whose addresses each of them has
   */
  public static AgentCrowd start(String prefix, int count, List<GatewayProcess> gateways)
      throws Exception {
    AgentCrowd crowd = new AgentCrowd();
    List<GatewayAddress> addresses =
        gateways.stream().map(GatewayProcess::connect).map(GatewayAddress::parse).toList();
    try {
      for (int i = 0; i < count; i++) {
        String id = prefix + "-" + i;
        crowd.ids.add(id);
        crowd.agents.add(
            Agent.start(
                AgentSettings.builder(SessionKey.of(id), addresses)
                    .tunnels(1)
                    .gatewayRules(GatewayRules.parse(List.of(NOWHERE)))
                    .eventLoops(1)
                    .build()));
      }
      for (Agent agent : crowd.agents) {
        agent.firstUp().get(UP_WITHIN_SECONDS, TimeUnit.SECONDS);
      }
      return crowd;
    } catch (Exception | Error e) {
      crowd.close();
      throw e;
    }
  }

  public List<String> ids() {
    return List.copyOf(ids);
  }

  /** How many have a tunnel now. */
  public long up() {
    return agents.stream().filter(agent -> !agent.tunnel().gateway().isEmpty()).count();
  }

  @Override
  public void close() {
    for (Agent agent : agents) {
      agent.close();
    }
  }
}
