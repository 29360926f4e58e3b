package dev.warren.agent;

import dev.warren.agent.connect.GatewayAddress;
import dev.warren.agent.connect.GatewayConnector;
import dev.warren.agent.connect.GatewayRules;
import dev.warren.agent.connect.ProxyRules;
import dev.warren.agent.connect.TokenSource;
import dev.warren.agent.connect.Upgrade;
import dev.warren.agent.reconnect.ReconnectSettings;
import dev.warren.agent.rules.AllowRules;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.mux.MuxSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * All that an agent is told at its start. What would not work is refused by the constructor, in
 * words that name the flag, the value and what was expected.
 *
 * @param session the agent's id
 * @param gateways where to dial, in the order of preference; 1 to {@value #MAX_GATEWAYS}
 * @param tunnels to how many gateways at once, or {@link #ALL_TUNNELS}
 * @param gatewayRules which advertised addresses of gateways may be dialled
 * @param token what to present
 * @param upgrade what is spoken with them, and what their request says beside id and token
 * @param caFile CAs of {@code wss://} gateways, in PEM form; empty: those that the JVM trusts
 * @param proxies what leads to gateways
 * @param allow what callers may reach
 * @param dialTimeout how long a target may take to accept, its name's lookup included
 * @param connectLimit how long a gateway may take, from its name's lookup to the WebSocket
 * @param reconnect when to try again
 * @param heartbeat wished between two pings; the smaller of the two sides' wishes holds
 * @param maxOpenStreams on one tunnel at once, told to the gateway
 * @param maxPendingDials of all tunnels together, also told to the gateway
 * @param eventLoops threads; tunnels and their targets are spread over them
 * @param memoryBudgetBytes how much all streams together may have outstanding as credit
 * @param software how the agent introduces itself
 * @param logFrames whether the headers of frames are logged
 */
public record AgentSettings(
    SessionKey session,
    List<GatewayAddress> gateways,
    int tunnels,
    GatewayRules gatewayRules,
    TokenSource token,
    Upgrade upgrade,
    Optional<Path> caFile,
    ProxyRules proxies,
    AllowRules allow,
    Duration dialTimeout,
    Duration connectLimit,
    ReconnectSettings reconnect,
    Duration heartbeat,
    int maxOpenStreams,
    int maxPendingDials,
    int eventLoops,
    long memoryBudgetBytes,
    String software,
    boolean logFrames) {
  public static final int MAX_GATEWAYS = 64;

  /** One to every gateway there is. */
  public static final int ALL_TUNNELS = Integer.MAX_VALUE;

  public static final int DEFAULT_TUNNELS = 2;

  /** As much as most TCP stacks need for three tries. */
  public static final Duration DEFAULT_DIAL_TIMEOUT = Duration.ofSeconds(10);

  public static final Duration MAX_DIAL_TIMEOUT = Duration.ofMinutes(5);
  public static final Duration DEFAULT_HEARTBEAT = Duration.ofSeconds(3);
  public static final int DEFAULT_MAX_PENDING_DIALS = 1_024;
  public static final int MAX_EVENT_LOOPS = 1_024;

  private static final Duration LEAST_DIAL_TIMEOUT = Duration.ofMillis(10);
  private static final Duration LEAST_HEARTBEAT = Duration.ofMillis(100);
  private static final Duration MOST_HEARTBEAT = Duration.ofMinutes(1);
  private static final int MOST_STREAMS = 1_000_000;

  /** Below this not even the first credit of a handful of streams fits. */
  private static final long LEAST_MEMORY_BYTES = 1L << 20;

  public AgentSettings {
    gateways = List.copyOf(gateways);
    if (!upgrade.isRemoteDialer() && !session.isNative()) {
      SessionKey.ofAgent(session.toString()); // says what was expected
    }
    check("--connect: addresses", gateways.size(), 1, MAX_GATEWAYS);
    check("--tunnels", tunnels, 1, ALL_TUNNELS);
    check("--dial-timeout", dialTimeout, LEAST_DIAL_TIMEOUT, MAX_DIAL_TIMEOUT);
    check("connect limit", connectLimit, LEAST_DIAL_TIMEOUT, MAX_DIAL_TIMEOUT);
    check("--heartbeat", heartbeat, LEAST_HEARTBEAT, MOST_HEARTBEAT);
    check("--max-streams", maxOpenStreams, 1, MOST_STREAMS);
    check("--max-pending-dials", maxPendingDials, 1, maxOpenStreams);
    check("--event-loops", eventLoops, 1, MAX_EVENT_LOOPS);
    check("--memory-budget", memoryBudgetBytes, LEAST_MEMORY_BYTES, Long.MAX_VALUE);
  }

  private static void check(String flag, Duration value, Duration least, Duration most) {
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw new IllegalArgumentException(
          flag
              + " "
              + value.toMillis()
              + " ms (expected: "
              + least.toMillis()
              + " to "
              + most.toMillis()
              + " ms)");
    }
  }

  private static void check(String flag, long value, long least, long most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          flag
              + " "
              + value
              + " (expected: "
              + (most == Long.MAX_VALUE ? "at least " + least : least + " to " + most)
              + ")");
    }
  }

  /** Starts from the defaults; only these two have none. */
  public static Builder builder(SessionKey session, List<GatewayAddress> gateways) {
    return new Builder(session, gateways);
  }

  /** Collects settings; what is not set has its default. */
  public static final class Builder {
    private final SessionKey session;
    private final List<GatewayAddress> gateways;
    private int tunnels = DEFAULT_TUNNELS;
    private Optional<GatewayRules> gatewayRules = Optional.empty();
    private TokenSource token = TokenSource.NONE;
    private Upgrade upgrade = Upgrade.DEFAULT;
    private Optional<Path> caFile = Optional.empty();
    private ProxyRules proxies = ProxyRules.NONE;
    private AllowRules allow = AllowRules.LOOPBACK;
    private Duration dialTimeout = DEFAULT_DIAL_TIMEOUT;
    private Duration connectLimit = GatewayConnector.DEFAULT_LIMIT;
    private ReconnectSettings reconnect = ReconnectSettings.DEFAULT;
    private Duration heartbeat = DEFAULT_HEARTBEAT;
    private int maxOpenStreams = MuxSettings.DEFAULT_MAX_OPEN_STREAMS;
    private int maxPendingDials = DEFAULT_MAX_PENDING_DIALS;
    private int eventLoops = 1;
    private long memoryBudgetBytes = Math.max(LEAST_MEMORY_BYTES, CreditBudget.ofHeap().capacity());
    private String software = "warren-agent";
    private boolean logFrames;

    private Builder(SessionKey session, List<GatewayAddress> gateways) {
      this.session = session;
      this.gateways = gateways;
    }

    public Builder tunnels(int value) {
      tunnels = value;
      return this;
    }

    /** Without it: what is near the gateways that are given. */
    public Builder gatewayRules(GatewayRules value) {
      gatewayRules = Optional.of(value);
      return this;
    }

    public Builder token(TokenSource value) {
      token = value;
      return this;
    }

    public Builder upgrade(Upgrade value) {
      upgrade = value;
      return this;
    }

    public Builder caFile(Path value) {
      caFile = Optional.of(value);
      return this;
    }

    public Builder proxies(ProxyRules value) {
      proxies = value;
      return this;
    }

    public Builder allow(AllowRules value) {
      allow = value;
      return this;
    }

    public Builder dialTimeout(Duration value) {
      dialTimeout = value;
      return this;
    }

    public Builder connectLimit(Duration value) {
      connectLimit = value;
      return this;
    }

    public Builder reconnect(ReconnectSettings value) {
      reconnect = value;
      return this;
    }

    public Builder heartbeat(Duration value) {
      heartbeat = value;
      return this;
    }

    public Builder maxOpenStreams(int value) {
      maxOpenStreams = value;
      return this;
    }

    public Builder maxPendingDials(int value) {
      maxPendingDials = value;
      return this;
    }

    public Builder eventLoops(int value) {
      eventLoops = value;
      return this;
    }

    public Builder memoryBudgetBytes(long value) {
      memoryBudgetBytes = value;
      return this;
    }

    public Builder software(String value) {
      software = value;
      return this;
    }

    public Builder logFrames(boolean value) {
      logFrames = value;
      return this;
    }

    /**
     * Checks and returns what was collected.
     *
     * @throws IllegalArgumentException where a value is out of its range
     */
    public AgentSettings build() {
      return new AgentSettings(
          session,
          gateways,
          tunnels,
          gatewayRules.orElseGet(() -> GatewayRules.near(gateways)),
          token,
          upgrade,
          caFile,
          proxies,
          allow,
          dialTimeout,
          connectLimit,
          reconnect,
          heartbeat,
          maxOpenStreams,
          maxPendingDials,
          eventLoops,
          memoryBudgetBytes,
          software,
          logFrames);
    }
  }
}
