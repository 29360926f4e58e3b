package dev.warren.gateway;

import dev.warren.gateway.check.CheckSettings;
import dev.warren.gateway.net.TrustedProxies;
import dev.warren.peer.link.JoinAddress;
import dev.warren.session.DuplicatePolicy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * All that a gateway is told at its start. The constructors refuse what would be unsafe or
 * contradicts itself, in words that say what to do, so that nothing of it takes traffic.
 *
 * @param listen where agents and callers connect; port 0 takes a free one
 * @param id the gateway's name in logs and in {@code Warren-Via}
 * @param tokens who may attach and dial
 * @param tls who ends TLS, and with what
 * @param proxies whose word on a caller's address is believed
 * @param targets how https targets are verified
 * @param eventLoops threads that move bytes; 0 = one per core
 * @param memoryBudgetBytes how much all streams together may have outstanding as credit
 * @param limits what bounds agents and callers
 * @param sessions what becomes of duplicates, and of dials while a session is away
 * @param agents how fast agents come in, and where they find this gateway
 * @param drain how long it takes to go
 * @param checks which targets behind agents are asked again and again whether they answer
 * @param cluster how it finds the other gateways; empty: it is alone
 * @param admin where operators ask and order; empty: nowhere
 */
public record GatewaySettings(
    InetSocketAddress listen,
    String id,
    Tokens tokens,
    Tls tls,
    Proxies proxies,
    Targets targets,
    int eventLoops,
    long memoryBudgetBytes,
    Limits limits,
    Sessions sessions,
    Agents agents,
    Drain drain,
    CheckSettings checks,
    Optional<Cluster> cluster,
    Optional<Admin> admin) {
  public static final int DEFAULT_PORT = 8123;

  /** Below this not even the first credit of a handful of streams fits. */
  public static final long MIN_MEMORY_BUDGET_BYTES = 1L << 20;

  public static final int MAX_EVENT_LOOPS = 1_024;

  private static final Pattern ID = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?");

  /** The token files (format: {@link dev.warren.gateway.access.TokenFileAuthorizer}). */
  public record Tokens(Optional<Path> agents, Optional<Path> callers) {
    public static final Tokens NONE = new Tokens(Optional.empty(), Optional.empty());

    public Tokens {
      if (agents.isPresent() && agents.equals(callers)) {
        throw new IllegalArgumentException(
            "--agent-tokens and --caller-tokens: \""
                + agents.get()
                + "\" for both (expected: two files, since no agent's token may dial)");
      }
    }
  }

  /**
   * TLS on the listener.
   *
   * @param certificate a PEM file with the chain, the gateway's own certificate first
   * @param key a PEM file with its key (PKCS#8, not encrypted)
   * @param behindProxy a proxy in front of the gateway ends TLS: the operator vouches for it
   */
  public record Tls(Optional<Path> certificate, Optional<Path> key, boolean behindProxy) {
    public static final Tls NONE = new Tls(Optional.empty(), Optional.empty(), false);

    public Tls {
      if (certificate.isPresent() != key.isPresent()) {
        throw new IllegalArgumentException(
            (certificate.isPresent()
                    ? "--tls-cert without --tls-key"
                    : "--tls-key without --tls-cert")
                + " (expected: both or neither)");
      }
      if (certificate.isPresent() && behindProxy) {
        throw new IllegalArgumentException(
            "--tls-cert and --behind-tls-proxy (expected: one of them, since only one can end TLS)");
      }
    }

    /** Whether the listener itself speaks TLS. */
    public boolean enabled() {
      return certificate.isPresent();
    }
  }

  /**
   * What stands in front of the gateway.
   *
   * @param trusted whose {@code X-Forwarded-*} is believed, and who may send a PROXY header
   * @param acceptProxyProtocol connections from trusted proxies must begin with a PROXY header
   */
  public record Proxies(TrustedProxies trusted, boolean acceptProxyProtocol) {
    public static final Proxies NONE = new Proxies(TrustedProxies.NONE, false);

    public Proxies {
      if (acceptProxyProtocol && trusted.blocks().isEmpty()) {
        throw new IllegalArgumentException(
            "--accept-proxy-protocol without --trusted-proxies (expected: the balancers' addresses,"
                + " as in --trusted-proxies 10.0.0.0/8, since whoever sends a PROXY header can"
                + " claim any address)");
      }
    }
  }

  /**
   * How the certificates of https targets are verified.
   *
   * @param ca a PEM file of certificate authorities, in place of the JVM's trust
   * @param insecure verify none
   */
  public record Targets(Optional<Path> ca, boolean insecure) {
    public static final Targets DEFAULT = new Targets(Optional.empty(), false);

    public Targets {
      if (ca.isPresent() && insecure) {
        throw new IllegalArgumentException(
            "--target-ca and --insecure-targets (expected: one of them)");
      }
    }
  }

  /**
   * What bounds agents and callers. A caller is a principal, or an address where nobody has to say
   * who they are.
   *
   * @param streamsPerTunnel open and pending streams of one tunnel; told in WELCOME
   * @param pendingPerTunnel streams of one tunnel whose target has not answered yet
   * @param streamsPerCaller open and pending streams of one caller
   * @param tunnels tunnels on this gateway
   * @param dialTimeout how long a target may take to accept
   * @param handshakeTimeout how long a connection may take for TLS and the head of its first
   *     request
   */
  public record Limits(
      int streamsPerTunnel,
      int pendingPerTunnel,
      int streamsPerCaller,
      int tunnels,
      Duration dialTimeout,
      Duration handshakeTimeout) {
    public static final Limits DEFAULT =
        new Limits(4_096, 1_024, 2_048, 100_000, Duration.ofSeconds(10), Duration.ofSeconds(15));

    public Limits {
      positive("--max-streams-per-tunnel", streamsPerTunnel);
      positive("--max-pending-per-tunnel", pendingPerTunnel);
      positive("--max-streams-per-caller", streamsPerCaller);
      positive("--max-tunnels", tunnels);
      positive("--dial-timeout", dialTimeout);
      positive("--handshake-timeout", handshakeTimeout);
    }

    private static void positive(String flag, int value) {
      if (value < 1) {
        throw new IllegalArgumentException(flag + ": " + value + " (expected: at least 1)");
      }
    }

    private static void positive(String flag, Duration value) {
      if (value.compareTo(Duration.ofMillis(1)) < 0 || value.compareTo(Duration.ofHours(1)) > 0) {
        throw new IllegalArgumentException(
            flag + ": " + value + " (expected: 1 millisecond to 1 hour)");
      }
    }
  }

  /**
   * @param duplicates what becomes of two agents with one id
   * @param reattachGrace how long a dial waits for a session that is on its way back
   */
  public record Sessions(DuplicatePolicy duplicates, Duration reattachGrace) {
    public static final Sessions DEFAULT =
        new Sessions(DuplicatePolicy.NEWEST, Duration.ofSeconds(5));

    public Sessions {
      if (reattachGrace.isNegative() || reattachGrace.compareTo(Duration.ofMinutes(1)) > 0) {
        throw new IllegalArgumentException(
            "--reattach-grace: " + reattachGrace + " (expected: 0 to 1 minute)");
      }
    }
  }

  /**
   * @param perSecond agents that are let in within a second; more are told when to come again
   * @param advertise where agents may dial this gateway directly, HOST:PORT; empty: only through
   *     the load balancer
   * @param connectPaths where agents and remotedialer clients connect beside {@code /connect}
   */
  public record Agents(int perSecond, Optional<String> advertise, List<String> connectPaths) {
    public static final Agents DEFAULT = new Agents(1_000, Optional.empty(), List.of());

    private static final Pattern PATH = Pattern.compile("(/[A-Za-z0-9._~@:+-]+)+");

    public Agents {
      connectPaths = List.copyOf(connectPaths);
      for (String path : connectPaths) {
        boolean taken =
            path.startsWith("/client/") || path.equals("/healthz") || path.equals("/readyz");
        if (taken || path.length() > 255 || !PATH.matcher(path).matches()) {
          throw new IllegalArgumentException(
              "--connect-path: \""
                  + path.replaceAll("\\p{Cntrl}", "?")
                  + "\" (expected: a path such as /v3/connect, outside of /client/, /healthz and"
                  + " /readyz)");
        }
      }
      if (perSecond < 1) {
        throw new IllegalArgumentException(
            "--max-attach-rate: " + perSecond + " (expected: at least 1)");
      }
      advertise.ifPresent(text -> Cluster.hostAndPort("--agent-advertise", text));
    }
  }

  /**
   * How a gateway goes.
   *
   * @param notice so long it is not ready and goes on taking connections: load balancers need time
   *     to see it
   * @param timeout so long after that streams may go on
   */
  public record Drain(Duration notice, Duration timeout) {
    public static final Drain DEFAULT = new Drain(Duration.ofSeconds(5), Duration.ofSeconds(20));

    public Drain {
      bounded("--drain-notice", notice);
      bounded("--drain-timeout", timeout);
    }

    private static void bounded(String flag, Duration value) {
      if (value.isNegative() || value.compareTo(Duration.ofHours(1)) > 0) {
        throw new IllegalArgumentException(flag + ": " + value + " (expected: 0 to 1 hour)");
      }
    }
  }

  /**
   * How a gateway finds the others, and how they know each other.
   *
   * @param tokenFile one token a line: the first is presented, all are trusted
   * @param listen where the actor system listens; port 0 takes a free one
   * @param advertise where others reach that, HOST:PORT; empty: as bound
   * @param linkListen where links come in
   * @param linkAdvertise where others reach that, HOST:PORT; empty: as bound
   * @param join where others may be found
   */
  public record Cluster(
      Path tokenFile,
      InetSocketAddress listen,
      Optional<String> advertise,
      InetSocketAddress linkListen,
      Optional<String> linkAdvertise,
      List<JoinAddress> join) {
    /** The default of the cluster port. */
    public static final int DEFAULT_PORT = 7101;

    public Cluster {
      join = List.copyOf(join);
      mustBeReachable("--cluster-listen", listen, "--cluster-advertise", advertise);
      mustBeReachable("--link-listen", linkListen, "--link-advertise", linkAdvertise);
    }

    private static void mustBeReachable(
        String flag, InetSocketAddress listen, String instead, Optional<String> advertise) {
      if (listen.isUnresolved()) {
        throw new IllegalArgumentException(
            flag + ": \"" + listen.getHostString() + "\" (expected: an address of this machine)");
      }
      if (listen.getAddress().isAnyLocalAddress() && advertise.isEmpty()) {
        throw new IllegalArgumentException(
            flag
                + ": "
                + listen.getAddress().getHostAddress()
                + " stands for all addresses of this machine (expected: with it "
                + instead
                + " HOST:PORT, where the other gateways reach it)");
      }
      advertise.ifPresent(text -> hostAndPort(instead, text));
    }

    private static void hostAndPort(String flag, String text) {
      try {
        JoinAddress.parse(text + "/1");
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(flag + ": \"" + text + "\" (expected: HOST:PORT)", e);
      }
    }
  }

  /**
   * The API for operators.
   *
   * @param listen where; empty: {@value #DEFAULT_PORT} on loopback, or a free port where that is
   *     taken
   * @param tokens who may ask and order
   */
  public record Admin(Optional<InetSocketAddress> listen, Optional<Path> tokens) {
    public static final int DEFAULT_PORT = 8129;
    public static final Admin DEFAULT = new Admin(Optional.empty(), Optional.empty());

    public Admin {
      if (listen.isPresent()
          && tokens.isEmpty()
          && !(listen.get().getAddress() != null
              && listen.get().getAddress().isLoopbackAddress())) {
        throw new IllegalArgumentException(
            "--admin-listen: "
                + listen.get().getHostString()
                + ":"
                + listen.get().getPort()
                + " is reachable from other machines (expected: a loopback address such as"
                + " 127.0.0.1:"
                + DEFAULT_PORT
                + ", or --admin-tokens FILE; ./warren token admin > admin.token 2>> admin.tokens"
                + " makes one)");
      }
    }
  }

  public GatewaySettings {
    Objects.requireNonNull(listen, "listen");
    if (listen.isUnresolved()) {
      throw new IllegalArgumentException(
          "--listen: \"" + listen.getHostString() + "\" (expected: an address of this machine)");
    }
    if (!ID.matcher(id).matches() || id.contains("--")) {
      throw new IllegalArgumentException(
          "--id: \""
              + id.replaceAll("\\p{Cntrl}", "?")
              + "\" (expected: 1 to 63 of a-z, 0-9, '.' and '-', not at the ends, without \"--\")");
    }
    if (eventLoops < 0 || eventLoops > MAX_EVENT_LOOPS) {
      throw new IllegalArgumentException(
          "--event-loops: "
              + eventLoops
              + " (expected: 0, meaning one per core, to "
              + MAX_EVENT_LOOPS
              + ")");
    }
    if (memoryBudgetBytes < MIN_MEMORY_BUDGET_BYTES) {
      throw new IllegalArgumentException(
          "--memory-budget: "
              + memoryBudgetBytes
              + " bytes (expected: at least "
              + MIN_MEMORY_BUDGET_BYTES
              + ")");
    }
    if (!listen.getAddress().isLoopbackAddress()) {
      refuseOpenDoors(listen, tokens, tls);
    }
  }

  private static void refuseOpenDoors(InetSocketAddress listen, Tokens tokens, Tls tls) {
    StringBuilder missing = new StringBuilder();
    if (tokens.agents().isEmpty()) {
      missing.append(
          """

            Agents need no token. Make one, keep it for the agent, and let the gateway know it:
              ./warren token agent --id foo > foo.token 2>> agents.tokens
              ./warren gateway ... --agent-tokens agents.tokens""");
    }
    if (tokens.callers().isEmpty()) {
      missing.append(
          """

            Callers need no token. Make one, keep it for the caller, and let the gateway know it:
              ./warren token caller --id foo > caller.token 2>> callers.tokens
              ./warren gateway ... --caller-tokens callers.tokens""");
    }
    if (!tls.enabled() && !tls.behindProxy()) {
      missing.append(
          """

            Nothing is encrypted. Give a certificate, or say that a proxy in front ends TLS:
              ./warren gateway ... --tls-cert chain.pem --tls-key key.pem
              ./warren gateway ... --behind-tls-proxy""");
    }
    if (!missing.isEmpty()) {
      throw new IllegalArgumentException(
          "--listen: "
              + listen.getAddress().getHostAddress()
              + ":"
              + listen.getPort()
              + " is reachable from other machines (expected: a loopback address such as 127.0.0.1:"
              + DEFAULT_PORT
              + ", or tokens for agents and callers, and TLS)"
              + missing);
    }
  }

  /** Starts from the defaults: loopback, no tokens, a quarter of the heap, alone, no admin API. */
  public static Builder builder() {
    return new Builder();
  }

  /** Collects what differs from the defaults. */
  public static final class Builder {
    private InetSocketAddress listen =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), DEFAULT_PORT);
    private String id = "gateway";
    private Tokens tokens = Tokens.NONE;
    private Tls tls = Tls.NONE;
    private Proxies proxies = Proxies.NONE;
    private Targets targets = Targets.DEFAULT;
    private int eventLoops;
    private long memoryBudgetBytes = Runtime.getRuntime().maxMemory() / 4;
    private Limits limits = Limits.DEFAULT;
    private Sessions sessions = Sessions.DEFAULT;
    private Agents agents = Agents.DEFAULT;
    private Drain drain = Drain.DEFAULT;
    private CheckSettings checks = CheckSettings.NONE;
    private Optional<Cluster> cluster = Optional.empty();
    private Optional<Admin> admin = Optional.empty();

    private Builder() {}

    public Builder listen(InetSocketAddress value) {
      listen = value;
      return this;
    }

    public Builder id(String value) {
      id = value;
      return this;
    }

    public Builder tokens(Tokens value) {
      tokens = value;
      return this;
    }

    public Builder tls(Tls value) {
      tls = value;
      return this;
    }

    public Builder proxies(Proxies value) {
      proxies = value;
      return this;
    }

    public Builder targets(Targets value) {
      targets = value;
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

    public Builder limits(Limits value) {
      limits = value;
      return this;
    }

    public Builder sessions(Sessions value) {
      sessions = value;
      return this;
    }

    public Builder agents(Agents value) {
      agents = value;
      return this;
    }

    public Builder drain(Drain value) {
      drain = value;
      return this;
    }

    public Builder checks(CheckSettings value) {
      checks = value;
      return this;
    }

    public Builder cluster(Cluster value) {
      cluster = Optional.of(value);
      return this;
    }

    public Builder admin(Admin value) {
      admin = Optional.of(value);
      return this;
    }

    public GatewaySettings build() {
      return new GatewaySettings(
          listen,
          id,
          tokens,
          tls,
          proxies,
          targets,
          eventLoops,
          memoryBudgetBytes,
          limits,
          sessions,
          agents,
          drain,
          checks,
          cluster,
          admin);
    }
  }
}
