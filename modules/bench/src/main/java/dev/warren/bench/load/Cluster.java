package dev.warren.bench.load;

import dev.warren.gateway.access.Token;
import dev.warren.gateway.access.TokenKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Gateways that know each other, each a process as users start it. */
final class Cluster {
  private static final int START_SECONDS = 90;
  private static final int PORTS = 4;

  /** What a gateway's status says of the sessions' entities that live on it. */
  private static final Pattern ENTITIES = Pattern.compile("\"entitiesHere\"\\s*:\\s*(\\d+)");

  /**
   * One of them.
   *
   * @param http for agents and callers
   * @param admin for operators
   */
  record Node(String id, Child process, int http, int admin) {
    /** What it says of itself, as JSON; empty where it does not answer. */
    String status() {
      try {
        return HttpAnswer.get("http://" + address(admin) + "/api/v1/status");
      } catch (IOException e) {
        return "";
      }
    }

    /** How many sessions' entities live here; empty where its status does not say. */
    OptionalInt entitiesHere() {
      Matcher matcher = ENTITIES.matcher(status());
      return matcher.find()
          ? OptionalInt.of(Integer.parseInt(matcher.group(1)))
          : OptionalInt.empty();
    }
  }

  private final List<Node> nodes;

  private Cluster(List<Node> nodes) {
    this.nodes = nodes;
  }

  /**
   * Starts them; returns when all are ready. When their links are up is for a dial to find out.
   *
   * @param javaOptions for all of them
   */
  static Cluster start(Bench bench, List<String> ids, String javaOptions) {
    return start(bench, ids, javaOptions, Optional.empty());
  }

  /**
   * Starts them; returns when all are ready. When their links are up is for a dial to find out.
   *
   * @param javaOptions for all of them
   * @param tls what they show to agents and callers; with none they speak without TLS
   */
  static Cluster start(
      Bench bench, List<String> ids, String javaOptions, Optional<SelfSigned> tls) {
    Path token = bench.directory().resolve("cluster.token");
    try {
      Files.writeString(token, Token.generate(TokenKind.CLUSTER, new SecureRandom()) + "\n");
    } catch (IOException e) {
      throw new LoadException("cannot write " + token + ": " + e.getMessage(), e);
    }
    List<Integer> ports = FreePorts.some(PORTS * ids.size());
    List<String> join = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      join.add(address(ports.get(PORTS * i + 1)) + "/" + ports.get(PORTS * i + 2));
    }
    List<Node> nodes = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      List<Integer> own = ports.subList(PORTS * i, PORTS * (i + 1));
      List<String> command =
          new ArrayList<>(
              List.of(
                  bench.warren().toString(),
                  "gateway",
                  "--id",
                  ids.get(i),
                  "--listen",
                  address(own.get(0)),
                  "--cluster-token-file",
                  token.toString(),
                  "--cluster-listen",
                  address(own.get(1)),
                  "--link-listen",
                  address(own.get(2)),
                  "--admin-listen",
                  address(own.get(3)),
                  "--join",
                  String.join(",", join)));
      tls.ifPresent(
          shown ->
              command.addAll(
                  List.of(
                      "--tls-cert",
                      shown.certificate().toString(),
                      "--tls-key",
                      shown.key().toString())));
      Map<String, String> environment = Bench.java(javaOptions);
      Child process = bench.children().start(ids.get(i), command, environment);
      nodes.add(new Node(ids.get(i), process, own.get(0), own.get(3)));
    }
    Cluster cluster = new Cluster(List.copyOf(nodes));
    for (Node node : nodes) {
      HttpAnswer.await(
          (tls.isPresent() ? "https://" : "http://") + address(node.http()) + "/readyz",
          START_SECONDS,
          cluster.processes());
    }
    return cluster;
  }

  private static String address(int port) {
    return FreePorts.HOST + ":" + port;
  }

  List<Node> nodes() {
    return nodes;
  }

  List<Child> processes() {
    return nodes.stream().map(Node::process).toList();
  }
}
