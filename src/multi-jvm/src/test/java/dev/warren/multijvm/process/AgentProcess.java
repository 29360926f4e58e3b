package dev.warren.multijvm.process;

import dev.warren.multijvm.Eventually;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * An agent as a process of its own, with one tunnel and no gateways but those that it is given: the
 * tests decide where it is at home.
 */
public final class AgentProcess extends WarrenProcess {
  private static final Duration UP_WITHIN = Duration.ofSeconds(40);

  private final String id;

  private AgentProcess(String id, List<String> around, List<String> arguments) throws IOException {
    super("agent-" + id, "96m", around, arguments);
    this.id = id;
  }

  /**
   * Starts an agent; does not wait for its tunnel.
   *
   * @param connect as in {@code --connect}
   * @param around what stands before {@code java}
   * @param more further arguments
   */
  public static AgentProcess start(
      String id, List<String> connect, List<String> around, List<String> more) throws IOException {
    List<String> arguments =
        new ArrayList<>(List.of("agent", "--id", id, "--connect", String.join(",", connect)));
    arguments.addAll(more);
    AgentProcess agent = new AgentProcess(id, around, arguments);
    agent.start();
    return agent;
  }

  /** Starts it again after its death. */
  public void restart() throws IOException {
    start();
  }

  @Override
  Map<String, String> environment() {
    return Map.of("WARREN_TUNNELS", "1", "WARREN_ALLOW_GATEWAYS", AgentCrowd.NOWHERE);
  }

  public String id() {
    return id;
  }

  /** When it had its first tunnel: the moment when it read WELCOME, by its log. */
  public Instant awaitUp() throws InterruptedException {
    return awaitUp(1);
  }

  /** When it had its n-th tunnel. */
  public Instant awaitUp(int nth) throws InterruptedException {
    Eventually.within(
        UP_WITHIN,
        () -> {
          if (!isAlive()) {
            throw new IllegalStateException(name() + " ended with status " + exitStatus());
          }
          if (ups().size() < nth) {
            throw new AssertionError(
                name() + " had " + ups().size() + " tunnels (expected: " + nth + ")");
          }
        });
    return LogFile.timeOf(ups().get(nth - 1));
  }

  /** How many tunnels it has had, by its log. */
  public int tunnelsSoFar() {
    return ups().size();
  }

  private List<String> ups() {
    return log().events("tunnel.up");
  }

  /** The gateway that its newest tunnel goes to. */
  public String gateway() {
    return LogFile.field(log().last("tunnel.up").orElseThrow(), "gateway");
  }
}
