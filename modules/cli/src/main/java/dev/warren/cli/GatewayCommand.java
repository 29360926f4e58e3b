package dev.warren.cli;

import dev.warren.cli.settings.Flag;
import dev.warren.cli.settings.Parse;
import dev.warren.cli.settings.Settings;
import dev.warren.gateway.Gateway;
import dev.warren.gateway.GatewaySettings;
import dev.warren.gateway.check.Check;
import dev.warren.gateway.check.CheckSettings;
import dev.warren.gateway.net.Cidr;
import dev.warren.gateway.net.TrustedProxies;
import dev.warren.peer.link.JoinAddress;
import dev.warren.session.DuplicatePolicy;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.Security;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.slf4j.LoggerFactory;

/** {@code warren gateway}: where agents and callers meet. */
final class GatewayCommand {
  private static final int ANY = Integer.MAX_VALUE;
  private static final Duration SHORTEST = Duration.ofMillis(1);
  private static final Duration LONGEST = Duration.ofHours(1);

  /** For the cluster to be left, and for what does not end by itself. */
  private static final Duration AFTER_DRAIN = Duration.ofSeconds(20);

  private static final Flag<InetSocketAddress> LISTEN =
      Flag.value(
          "--listen",
          "HOST:PORT",
          "Where agents and callers connect; off loopback only with tokens and TLS",
          Parse::address);
  private static final Flag<String> ID =
      Flag.value("--id", "ID", "Its name in logs and answers (default: the host's)", Parse::text);
  private static final Flag<Path> AGENT_TOKENS =
      Flag.value(
          "--agent-tokens",
          "FILE",
          "Hashes of agents' tokens, with the ids that each may use; re-read when it changes",
          Parse::path);
  private static final Flag<Path> CALLER_TOKENS =
      Flag.value(
          "--caller-tokens",
          "FILE",
          "Hashes of callers' tokens, with the ids that each may dial; re-read when it changes",
          Parse::path);
  private static final Flag<Path> TLS_CERT =
      Flag.value(
          "--tls-cert", "FILE", "Certificate chain in PEM; re-read when it changes", Parse::path);
  private static final Flag<Path> TLS_KEY =
      Flag.value("--tls-key", "FILE", "Its key in PEM (PKCS#8, without a password)", Parse::path);
  private static final Flag<Boolean> BEHIND_TLS_PROXY =
      Flag.toggle("--behind-tls-proxy", "A proxy in front ends TLS, so the gateway need not");
  private static final Flag<List<Cidr>> TRUSTED_PROXIES =
      Flag.list(
          "--trusted-proxies",
          "CIDR,...",
          "[,\\s]+",
          "Whose X-Forwarded-* and PROXY headers are believed",
          Cidr::parse);
  private static final Flag<Boolean> ACCEPT_PROXY_PROTOCOL =
      Flag.toggle(
          "--accept-proxy-protocol",
          "Connections from trusted proxies begin with a PROXY header (version 1 or 2)");
  private static final Flag<Path> TARGET_CA =
      Flag.value(
          "--target-ca",
          "FILE",
          "Certificate authorities in PEM for https targets, in place of Java's",
          Parse::path);
  private static final Flag<Boolean> INSECURE_TARGETS =
      Flag.toggle("--insecure-targets", "Do not verify the certificates of https targets");
  private static final Flag<Integer> EVENT_LOOPS =
      Flag.value(
          "--event-loops",
          "NUMBER",
          "Threads that move bytes; 0 means one for each core",
          Parse.integer(0, GatewaySettings.MAX_EVENT_LOOPS));
  private static final Flag<Long> MEMORY_BUDGET =
      Flag.value(
          "--memory-budget",
          "SIZE",
          "What all streams together may hold, as 64M or as a share of the heap",
          Parse::memory);
  private static final Flag<Integer> STREAMS_PER_TUNNEL =
      Flag.value(
          "--max-streams-per-tunnel",
          "NUMBER",
          "Open and pending streams of one agent's tunnel",
          Parse.integer(1, ANY));
  private static final Flag<Integer> PENDING_PER_TUNNEL =
      Flag.value(
          "--max-pending-per-tunnel",
          "NUMBER",
          "Streams of one tunnel whose target has not answered yet",
          Parse.integer(1, ANY));
  private static final Flag<Integer> STREAMS_PER_CALLER =
      Flag.value(
          "--max-streams-per-caller",
          "NUMBER",
          "Open and pending streams of one caller",
          Parse.integer(1, ANY));
  private static final Flag<Integer> TUNNELS =
      Flag.value("--max-tunnels", "NUMBER", "Tunnels of all agents", Parse.integer(1, ANY));
  private static final Flag<Duration> DIAL_TIMEOUT =
      Flag.value(
          "--dial-timeout",
          "DURATION",
          "How long a target may take to accept",
          Parse.duration(SHORTEST, LONGEST));
  private static final Flag<Duration> HANDSHAKE_TIMEOUT =
      Flag.value(
          "--handshake-timeout",
          "DURATION",
          "How long a connection may take for TLS, and for the head of a request",
          Parse.duration(SHORTEST, LONGEST));

  private static final Flag<DuplicatePolicy> DUPLICATES =
      Flag.value(
          "--duplicates",
          "POLICY",
          "Two agents with one id: newest, pool or reject",
          GatewayCommand::policy);
  private static final Flag<Duration> REATTACH_GRACE =
      Flag.value(
          "--reattach-grace",
          "DURATION",
          "How long a dial waits for a session that is on its way back",
          Parse.duration(Duration.ZERO, Duration.ofMinutes(1)));
  private static final Flag<Integer> ATTACH_RATE =
      Flag.value(
          "--max-attach-rate",
          "NUMBER",
          "Agents that are let in within a second; more are told when to come again",
          Parse.integer(1, ANY));
  private static final Flag<String> AGENT_ADVERTISE =
      Flag.value(
          "--agent-advertise",
          "HOST:PORT",
          "Where agents may dial this gateway directly, past the load balancer",
          Parse::text);
  private static final Flag<List<String>> CONNECT_PATHS =
      Flag.list(
          "--connect-path",
          "PATH",
          "[,\\s]+",
          "Where agents and remotedialer clients connect beside /connect, as /v3/connect; repeat"
              + " for more",
          Parse::text);
  private static final Flag<Duration> DRAIN_NOTICE =
      Flag.value(
          "--drain-notice",
          "DURATION",
          "So long it is not ready and still takes connections before it goes",
          Parse.duration(Duration.ZERO, LONGEST));
  private static final Flag<Duration> DRAIN_TIMEOUT =
      Flag.value(
          "--drain-timeout",
          "DURATION",
          "So long after the notice streams may go on",
          Parse.duration(Duration.ZERO, LONGEST));
  private static final Flag<List<Check>> CHECK =
      Flag.list(
          "--check",
          "ID-PATTERN=TARGET",
          "\\s+",
          "Ask this target of these sessions again and again: [tcp/]HOST:PORT has to accept,"
              + " http://HOST:PORT/path to answer 2xx or 3xx; may be repeated",
          Check::parse);
  private static final Flag<Duration> CHECK_INTERVAL =
      Flag.value(
          "--check-interval",
          "DURATION",
          "From one check of a target to the next",
          Parse.duration(Duration.ofSeconds(1), Duration.ofHours(24)));
  private static final Flag<Duration> CHECK_TIMEOUT =
      Flag.value(
          "--check-timeout",
          "DURATION",
          "How long a target that is checked may take to answer",
          Parse.duration(SHORTEST, Duration.ofMinutes(5)));
  private static final Flag<Integer> CHECKS_AT_ONCE =
      Flag.value(
          "--max-checks-at-once",
          "NUMBER",
          "Checks of this gateway that are under way at one time",
          Parse.integer(1, ANY));
  private static final Flag<Path> CLUSTER_TOKEN_FILE =
      Flag.value(
          "--cluster-token-file",
          "FILE",
          "What the gateways of a cluster share; without it this one is alone",
          Parse::path);
  private static final Flag<InetSocketAddress> CLUSTER_LISTEN =
      Flag.value(
          "--cluster-listen",
          "HOST:PORT",
          "Where the cluster's actor system listens",
          Parse::address);
  private static final Flag<String> CLUSTER_ADVERTISE =
      Flag.value(
          "--cluster-advertise",
          "HOST:PORT",
          "Where other gateways reach that, if it is not as bound",
          Parse::text);
  private static final Flag<InetSocketAddress> LINK_LISTEN =
      Flag.value(
          "--link-listen",
          "HOST:PORT",
          "Where links of other gateways come in (default: the cluster port + 100)",
          Parse::address);
  private static final Flag<String> LINK_ADVERTISE =
      Flag.value(
          "--link-advertise",
          "HOST:PORT",
          "Where other gateways reach that, if it is not as bound",
          Parse::text);
  private static final Flag<List<JoinAddress>> JOIN =
      Flag.list(
          "--join",
          "HOST:PORT[/LINKPORT],...",
          "[,\\s]+",
          "Cluster ports of other gateways; a name stands for all its addresses",
          JoinAddress::parse);
  private static final Flag<InetSocketAddress> ADMIN_LISTEN =
      Flag.value(
          "--admin-listen",
          "HOST:PORT",
          "The API for operators; off loopback only with --admin-tokens",
          Parse::address);
  private static final Flag<Path> ADMIN_TOKENS =
      Flag.value(
          "--admin-tokens",
          "FILE",
          "Hashes of operators' tokens; re-read when it changes",
          Parse::path);

  static final Command COMMAND =
      Command.running(
          "gateway",
          "Run a gateway: agents attach to it, and callers reach what the agents can reach.",
          List.of(
              "warren gateway",
              "curl http://127.0.0.1:8123/client/foo/http/127.0.0.1:8125/hello",
              "",
              "warren token agent --id foo > foo.token 2>> agents.tokens",
              "warren token caller --id foo > caller.token 2>> callers.tokens",
              "warren gateway --listen 0.0.0.0:8123 --tls-cert chain.pem --tls-key key.pem \\",
              "    --agent-tokens agents.tokens --caller-tokens callers.tokens",
              "",
              "warren gateway --check 'web-*=http://127.0.0.1:8080/healthz' --check '*=127.0.0.1:22'"),
          List.of(
              LISTEN,
              ID,
              AGENT_TOKENS,
              CALLER_TOKENS,
              TLS_CERT,
              TLS_KEY,
              BEHIND_TLS_PROXY,
              TRUSTED_PROXIES,
              ACCEPT_PROXY_PROTOCOL,
              TARGET_CA,
              INSECURE_TARGETS,
              EVENT_LOOPS,
              MEMORY_BUDGET,
              STREAMS_PER_TUNNEL,
              PENDING_PER_TUNNEL,
              STREAMS_PER_CALLER,
              TUNNELS,
              DIAL_TIMEOUT,
              HANDSHAKE_TIMEOUT,
              DUPLICATES,
              REATTACH_GRACE,
              ATTACH_RATE,
              AGENT_ADVERTISE,
              CONNECT_PATHS,
              DRAIN_NOTICE,
              DRAIN_TIMEOUT,
              CHECK,
              CHECK_INTERVAL,
              CHECK_TIMEOUT,
              CHECKS_AT_ONCE,
              CLUSTER_TOKEN_FILE,
              CLUSTER_LISTEN,
              CLUSTER_ADVERTISE,
              LINK_LISTEN,
              LINK_ADVERTISE,
              JOIN,
              ADMIN_LISTEN,
              ADMIN_TOKENS),
          GatewayCommand::run);

  private GatewayCommand() {}

  private static int run(Settings settings, Terminal terminal) throws Exception {
    // Names of --join are looked up again and again, and what has changed must be seen.
    Security.setProperty("networkaddress.cache.ttl", "2");
    Security.setProperty("networkaddress.cache.negative.ttl", "1");
    Duration closeWithin =
        settings.get(DRAIN_NOTICE).plus(settings.get(DRAIN_TIMEOUT)).plus(AFTER_DRAIN);
    return Lifetime.untilSignalled(
        () -> {
          try {
            GatewaySettings checked = read(settings);
            warnOfOpenDoors(checked);
            return running(Gateway.start(checked, settings.on(Main.LOG_FRAMES)));
          } catch (IllegalArgumentException e) {
            throw settings.refused(e);
          }
        },
        closeWithin);
  }

  /** A signal drains it, as an operator's order does. */
  private static Lifetime.Ending running(Gateway gateway) {
    return new Lifetime.Ending() {
      @Override
      public CompletionStage<?> ended() {
        return gateway.closed();
      }

      @Override
      public void close() throws InterruptedException {
        gateway.drain();
      }
    };
  }

  private static void warnOfOpenDoors(GatewaySettings settings) {
    String everybody =
        settings.tokens().agents().isPresent()
            ? "dial"
            : settings.tokens().callers().isPresent() ? "attach" : "attach and dial";
    if (settings.tokens().agents().isEmpty() || settings.tokens().callers().isEmpty()) {
      LoggerFactory.getLogger(GatewayCommand.class)
          .atWarn()
          .addKeyValue("listen", NetUtil.toSocketAddressString(settings.listen()))
          .addKeyValue("reason", "everybody on this machine may " + everybody)
          .log("gateway.without-tokens");
    }
  }

  /**
   * @throws IllegalArgumentException where the settings do not fit each other
   */
  static GatewaySettings read(Settings settings) {
    GatewaySettings.Builder gateway = GatewaySettings.builder();
    cluster(settings).ifPresent(gateway::cluster);
    return gateway
        .listen(settings.get(LISTEN))
        .id(settings.find(ID).orElseGet(GatewayCommand::randomId))
        .agents(
            new GatewaySettings.Agents(
                settings.get(ATTACH_RATE),
                settings.find(AGENT_ADVERTISE),
                settings.find(CONNECT_PATHS).orElse(List.of())))
        .drain(new GatewaySettings.Drain(settings.get(DRAIN_NOTICE), settings.get(DRAIN_TIMEOUT)))
        .checks(
            new CheckSettings(
                settings.find(CHECK).orElse(List.of()),
                settings.get(CHECK_INTERVAL),
                settings.get(CHECK_TIMEOUT),
                settings.get(CHECKS_AT_ONCE)))
        .sessions(
            new GatewaySettings.Sessions(settings.get(DUPLICATES), settings.get(REATTACH_GRACE)))
        .admin(new GatewaySettings.Admin(settings.find(ADMIN_LISTEN), settings.find(ADMIN_TOKENS)))
        .tokens(
            new GatewaySettings.Tokens(settings.find(AGENT_TOKENS), settings.find(CALLER_TOKENS)))
        .tls(
            new GatewaySettings.Tls(
                settings.find(TLS_CERT), settings.find(TLS_KEY), settings.on(BEHIND_TLS_PROXY)))
        .proxies(
            new GatewaySettings.Proxies(
                settings.find(TRUSTED_PROXIES).map(TrustedProxies::new).orElse(TrustedProxies.NONE),
                settings.on(ACCEPT_PROXY_PROTOCOL)))
        .targets(
            new GatewaySettings.Targets(settings.find(TARGET_CA), settings.on(INSECURE_TARGETS)))
        .eventLoops(settings.get(EVENT_LOOPS))
        .memoryBudgetBytes(settings.get(MEMORY_BUDGET))
        .limits(
            new GatewaySettings.Limits(
                settings.get(STREAMS_PER_TUNNEL),
                settings.get(PENDING_PER_TUNNEL),
                settings.get(STREAMS_PER_CALLER),
                settings.get(TUNNELS),
                settings.get(DIAL_TIMEOUT),
                settings.get(HANDSHAKE_TIMEOUT)))
        .build();
  }

  private static Optional<GatewaySettings.Cluster> cluster(Settings settings) {
    Optional<Path> tokenFile = settings.find(CLUSTER_TOKEN_FILE);
    List<JoinAddress> join = settings.find(JOIN).orElse(List.of());
    if (tokenFile.isEmpty()) {
      if (!join.isEmpty()) {
        throw new IllegalArgumentException(
            "--join without --cluster-token-file (expected: the token that all gateways of the"
                + " cluster share; ./warren token cluster > cluster.token makes one)");
      }
      return Optional.empty();
    }
    InetSocketAddress listen = settings.get(CLUSTER_LISTEN);
    InetSocketAddress linkListen = settings.find(LINK_LISTEN).orElseGet(() -> linkAddress(listen));
    return Optional.of(
        new GatewaySettings.Cluster(
            tokenFile.get(),
            listen,
            settings.find(CLUSTER_ADVERTISE),
            linkListen,
            settings.find(LINK_ADVERTISE),
            join));
  }

  private static InetSocketAddress linkAddress(InetSocketAddress cluster) {
    int port = cluster.getPort() == 0 ? 0 : cluster.getPort() + JoinAddress.LINK_PORT_OFFSET;
    if (port > 65_535) {
      throw new IllegalArgumentException(
          "--cluster-listen: port "
              + cluster.getPort()
              + " (expected: at most "
              + (65_535 - JoinAddress.LINK_PORT_OFFSET)
              + ", or --link-listen HOST:PORT, since links come in "
              + JoinAddress.LINK_PORT_OFFSET
              + " above it)");
    }
    return new InetSocketAddress(cluster.getAddress(), port);
  }

  private static DuplicatePolicy policy(String text) {
    for (DuplicatePolicy policy : DuplicatePolicy.values()) {
      if (policy.name().toLowerCase(Locale.ROOT).equals(text)) {
        return policy;
      }
    }
    throw new IllegalArgumentException("\"" + text + "\" (expected: newest, pool or reject)");
  }

  /** Two replicas must never have one id, so whoever is not told its own makes one up. */
  private static String randomId() {
    String suffix = String.format("%05x", new SecureRandom().nextInt(1 << 20));
    String host = hostName();
    String cut = host.substring(0, Math.min(host.length(), 63 - suffix.length() - 1));
    return cut.replaceAll("[.-]+$", "") + "-" + suffix;
  }

  /** The host's name as an id, from the kernel: asking the network for it could take seconds. */
  private static String hostName() {
    String name;
    try {
      name = Files.readString(Path.of("/proc/sys/kernel/hostname"));
    } catch (IOException e) {
      name = Optional.ofNullable(System.getenv("HOSTNAME")).orElse("");
    }
    String id =
        name.strip()
            .toLowerCase(Locale.ROOT)
            .replaceAll("[^a-z0-9.-]", "-")
            .replaceAll("-{2,}", "-")
            .replaceAll("^[.-]+", "");
    String cut = id.substring(0, Math.min(id.length(), 63)).replaceAll("[.-]+$", "");
    return cut.isEmpty() ? "gateway" : cut;
  }
}
