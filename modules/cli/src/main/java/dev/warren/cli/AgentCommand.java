package dev.warren.cli;

import dev.warren.agent.AgentSettings;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.agent.connect.GatewayRules;
import dev.warren.agent.connect.ProxyRules;
import dev.warren.agent.connect.Upgrade;
import dev.warren.agent.rules.AllowRules;
import dev.warren.cli.settings.Flag;
import dev.warren.cli.settings.Parse;
import dev.warren.cli.settings.Settings;
import dev.warren.cli.settings.SettingsException;
import dev.warren.gateway.access.TokenKind;
import dev.warren.protocol.SessionKey;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** {@code warren agent}: lets callers of a gateway reach what this machine can reach. */
final class AgentCommand {
  /** More is nobody's cluster. */
  private static final int MOST_TUNNELS = 256;

  private static final Flag<SessionKey> ID =
      Flag.value(
          "--id", "ID", "The name by which callers reach this agent (required)", SessionKey::of);
  private static final Flag<List<GatewayAddress>> CONNECT =
      Flag.list(
          "--connect",
          "URL,...",
          "[,\\s]+",
          "Gateways to connect to, ws://HOST:PORT/connect or wss://... (required)",
          GatewayAddress::parse);
  private static final Flag<Upgrade.Protocol> PROTOCOL =
      Flag.value(
          "--protocol",
          "PROTOCOL",
          "What is spoken with them: warren, or remotedialer where they are remotedialer servers",
          AgentCommand::protocol);
  private static final Flag<List<Upgrade.Header>> HEADERS =
      Flag.list(
          "--header",
          "NAME=VALUE",
          "\n",
          "Added to the request that connects; repeat for more. Secrets belong into WARREN_HEADER"
              + " or a config file, since everybody on the machine sees a command line",
          Upgrade.Header::parse);
  private static final Flag<Integer> TUNNELS =
      Flag.value(
          "--tunnels",
          "NUMBER|all",
          "To how many gateways at once; never more than there are",
          AgentCommand::tunnels);
  private static final Flag<List<String>> ALLOW_GATEWAYS =
      Flag.list(
          "--allow-gateways",
          "RULE,...",
          "[,\\s]+",
          "Which advertised addresses of gateways may be dialled: names (and all below), addresses,"
              + " ADDRESS/BITS; without it what is near the hosts in --connect, and with wss://"
              + " everything but loopback and link-local addresses",
          Parse::text);
  private static final Flag<Path> TOKEN_FILE =
      Flag.value(
          "--token-file",
          "FILE",
          "The agent's token, read at each connect; or the token itself in "
              + TokenSetting.VARIABLE,
          Parse::path);
  private static final Flag<Path> CA =
      Flag.value(
          "--ca",
          "FILE",
          "Certificate authorities in PEM for wss:// gateways, in place of Java's",
          Parse::path);
  private static final Flag<List<String>> ALLOW =
      Flag.list(
          "--allow",
          "RULE",
          "\\s+",
          "What callers may reach, as 10.1.0.0/16:443,8443, *.svc.local:80-90, [fd00::/8], *:443 or"
              + " unix//run/*.sock; judged on the address that is dialled; repeat for more",
          Parse::text);
  private static final Flag<Duration> DIAL_TIMEOUT =
      Flag.value(
          "--dial-timeout",
          "DURATION",
          "How long a target may take to accept",
          Parse.duration(Duration.ofMillis(10), AgentSettings.MAX_DIAL_TIMEOUT));
  private static final Flag<Duration> CONNECT_TIMEOUT =
      Flag.value(
          "--connect-timeout",
          "DURATION",
          "How long a gateway may take to accept",
          Parse.duration(Duration.ofMillis(10), AgentSettings.MAX_DIAL_TIMEOUT));
  private static final Flag<Duration> HEARTBEAT =
      Flag.value(
          "--heartbeat",
          "DURATION",
          "Between two pings; the smaller wish of agent and gateway holds",
          Parse.duration(Duration.ofMillis(100), Duration.ofMinutes(1)));
  private static final Flag<Duration> DRAIN_TIMEOUT =
      Flag.value(
          "--drain-timeout",
          "DURATION",
          "On SIGTERM, how long running streams may go on; new ones are not taken",
          Parse.duration(Duration.ZERO, Duration.ofHours(1)));
  private static final Flag<InetSocketAddress> ADMIN_LISTEN =
      Flag.value(
          "--admin-listen",
          "HOST:PORT",
          "Loopback address for GET /api/v1/status, /healthz and /readyz; off unless given",
          Parse::address);
  private static final Flag<Integer> STREAMS =
      Flag.value(
          "--max-streams",
          "NUMBER",
          "Open streams on one tunnel, told to the gateway",
          Parse.integer(1, 1_000_000));
  private static final Flag<Integer> PENDING_DIALS =
      Flag.value(
          "--max-pending-dials",
          "NUMBER",
          "Targets that are being dialled at one time",
          Parse.integer(1, 1_000_000));
  private static final Flag<Integer> EVENT_LOOPS =
      Flag.value(
          "--event-loops",
          "NUMBER",
          "Threads that move bytes; 0 means one for each core",
          Parse.integer(0, AgentSettings.MAX_EVENT_LOOPS));
  private static final Flag<Long> MEMORY_BUDGET =
      Flag.value(
          "--memory-budget",
          "SIZE",
          "What all streams together may hold, as 64M or as a share of the heap",
          Parse::memory);

  /** The list in a config file by which one process serves several clusters. */
  static final String CLUSTERS = "clusters";

  /** Beyond the streams' time: for the goodbyes. */
  private static final Duration AFTER_DRAIN = Duration.ofSeconds(5);

  static final Command COMMAND =
      Command.running(
          "agent",
          "Run an agent: it connects to a gateway, whose callers reach what this machine can"
              + " reach.",
          List.of(
              "warren agent --id foo --connect ws://127.0.0.1:8123/connect",
              "warren agent --id foo --connect wss://gw.example.org/connect --token-file foo.token"
                  + " \\",
              "    --allow 127.0.0.1:8125 --allow '10.1.0.0/16:443,8443'"),
          List.of(
              ID,
              CONNECT,
              PROTOCOL,
              HEADERS,
              TUNNELS,
              ALLOW_GATEWAYS,
              TOKEN_FILE,
              CA,
              ALLOW,
              DIAL_TIMEOUT,
              CONNECT_TIMEOUT,
              HEARTBEAT,
              DRAIN_TIMEOUT,
              ADMIN_LISTEN,
              STREAMS,
              PENDING_DIALS,
              EVENT_LOOPS,
              MEMORY_BUDGET),
          AgentCommand::run);

  private AgentCommand() {}

  private static int run(Settings settings, Terminal terminal) throws Exception {
    Duration drain = settings.get(DRAIN_TIMEOUT);
    return Lifetime.untilSignalled(
        () -> AgentClusters.start(settings, terminal.environment(), drain),
        drain.plus(AFTER_DRAIN));
  }

  private static Upgrade.Protocol protocol(String text) {
    for (Upgrade.Protocol protocol : Upgrade.Protocol.values()) {
      if (protocol.name().toLowerCase(Locale.ROOT).equals(text)) {
        return protocol;
      }
    }
    throw new IllegalArgumentException("\"" + text + "\" (expected: warren or remotedialer)");
  }

  private static int tunnels(String text) {
    try {
      return text.equals("all")
          ? AgentSettings.ALL_TUNNELS
          : Parse.integer(1, MOST_TUNNELS).apply(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("all, or " + e.getMessage(), e);
    }
  }

  /** Where the status is to be had, if anywhere. */
  static Optional<InetSocketAddress> adminListen(Settings settings) {
    return settings.find(ADMIN_LISTEN);
  }

  /** Each cluster's settings: the blocks of the list, or where there are none the command's own. */
  static List<Settings> clusters(Settings settings) {
    List<Settings> blocks = settings.blocks();
    if (blocks.isEmpty()) {
      return List.of(settings);
    }
    if (settings.find(CONNECT).isPresent()) {
      throw new SettingsException(
          "--connect and warren.agent."
              + CLUSTERS
              + " are both given (expected: one of them, and in each block of the list a connect)");
    }
    for (Settings block : blocks) {
      for (Flag<?> one : List.of(ADMIN_LISTEN, DRAIN_TIMEOUT)) {
        if (block.source(one) == Settings.Source.BLOCK) {
          throw new SettingsException(
              "warren.agent."
                  + CLUSTERS
                  + "."
                  + one.key()
                  + " (expected: outside of the list, because the process has one)");
        }
      }
    }
    return blocks;
  }

  /**
   * @throws IllegalArgumentException where the settings do not fit each other
   */
  static AgentSettings read(Settings settings, Map<String, String> environment) throws IOException {
    int loops = settings.get(EVENT_LOOPS);
    AgentSettings.Builder builder =
        AgentSettings.builder(settings.get(ID), settings.get(CONNECT))
            .tunnels(settings.get(TUNNELS))
            .token(TokenSetting.read(settings, environment, TOKEN_FILE, TokenKind.AGENT))
            .upgrade(new Upgrade(settings.get(PROTOCOL), settings.find(HEADERS).orElse(List.of())))
            .proxies(ProxyRules.of(environment))
            .allow(AllowRules.parse(settings.get(ALLOW)))
            .dialTimeout(settings.get(DIAL_TIMEOUT))
            .connectLimit(settings.get(CONNECT_TIMEOUT))
            .heartbeat(settings.get(HEARTBEAT))
            .maxOpenStreams(settings.get(STREAMS))
            .maxPendingDials(settings.get(PENDING_DIALS))
            .eventLoops(loops == 0 ? Runtime.getRuntime().availableProcessors() : loops)
            .memoryBudgetBytes(settings.get(MEMORY_BUDGET))
            .software("warren-agent/" + VersionCommand.version())
            .logFrames(settings.on(Main.LOG_FRAMES));
    settings.find(CA).ifPresent(builder::caFile);
    settings.find(ALLOW_GATEWAYS).map(GatewayRules::parse).ifPresent(builder::gatewayRules);
    return builder.build();
  }
}
