package dev.warren.multijvm.process;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.warren.multijvm.Eventually;
import dev.warren.multijvm.load.Caller;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * HAProxy before all gateways of a cluster, in TCP mode: agents and callers reach whichever gateway
 * it chooses. It asks each gateway's {@code /readyz}, and leaves the connections of one that is not
 * ready any more alone.
 */
public final class HaProxy extends WarrenProcess {
  /** How it chooses: each way has a port of its own. */
  public enum Balance {
    ROUNDROBIN,
    LEASTCONN,
    /** By the source address: on one machine always the same gateway. */
    SOURCE;

    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final List<Path> PROGRAMS =
      List.of(Path.of("/usr/sbin/haproxy"), Path.of("/usr/local/sbin/haproxy"));

  private static final Duration UP_WITHIN = Duration.ofSeconds(20);

  private final Map<Balance, Integer> ports;

  private HaProxy(Path configuration, Map<Balance, Integer> ports) throws IOException {
    super("haproxy", List.of(program().toString(), "-db", "-f", configuration.toString()));
    this.ports = ports;
  }

  private static Path program() {
    return PROGRAMS.stream().filter(Files::isExecutable).findFirst().orElse(PROGRAMS.get(0));
  }

  /** Skips the test where it is not installed. */
  public static void assumeInstalled() {
    assumeTrue(
        Files.isExecutable(program()),
        "no " + program() + " here (expected: apt-get install haproxy)");
  }

  /**
   * Starts it before these.
   *
   * @param checks how often it asks whether a gateway is ready; one answer counts
   */
  public static HaProxy before(List<GatewayProcess> gateways, Duration checks)
      throws IOException, InterruptedException {
    Map<Balance, Integer> ports = new LinkedHashMap<>();
    StringBuilder text = new StringBuilder();
    text.append("global\n  maxconn 4000\n")
        .append("defaults\n  mode tcp\n  retries 3\n  option redispatch 1\n")
        .append("  timeout connect 2s\n  timeout client 1h\n  timeout server 1h\n")
        .append("  timeout check 2s\n");
    for (Balance balance : Balance.values()) {
      int port = FreePorts.next();
      ports.put(balance, port);
      text.append("listen ").append(balance.word()).append('\n');
      text.append("  bind 127.0.0.1:").append(port).append('\n');
      text.append("  balance ").append(balance.word()).append('\n');
      text.append("  option httpchk GET /readyz\n  http-check expect status 200\n");
      text.append("  default-server check fall 1 rise 1 inter ").append(checks.toMillis());
      text.append("ms\n");
      for (GatewayProcess gateway : gateways) {
        text.append("  server ").append(gateway.id()).append(' ');
        text.append(gateway.place().host()).append(':').append(gateway.place().http());
        text.append('\n');
      }
    }
    Path configuration = Files.createTempFile("warren-haproxy-", ".cfg");
    configuration.toFile().deleteOnExit();
    Files.writeString(configuration, text);
    HaProxy proxy = new HaProxy(configuration, ports);
    proxy.start();
    Eventually.within(
        UP_WITHIN,
        () -> {
          if (!proxy.isAlive()) {
            throw new IllegalStateException("haproxy ended: " + proxy.log().end());
          }
          try (Socket up = new Socket()) {
            up.connect(proxy.address(Balance.SOURCE), 1_000);
          }
        });
    return proxy;
  }

  private InetSocketAddress address(Balance balance) {
    return new InetSocketAddress("127.0.0.1", ports.get(balance));
  }

  /** As in {@code --connect} of an agent. */
  public String connect(Balance balance) {
    return "ws://127.0.0.1:" + ports.get(balance) + "/connect";
  }

  /** A caller who comes in by it. */
  public Caller caller(Balance balance) {
    return new Caller("haproxy " + balance.word(), address(balance));
  }
}
