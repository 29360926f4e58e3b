package dev.warren.multijvm.process;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpServer;
import dev.warren.multijvm.Eventually;
import dev.warren.multijvm.load.Answer;
import dev.warren.multijvm.load.Caller;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A {@link Herd} in a process of its own, so that thousands of agents cost the callers of a test
 * nothing, and what they cost can be told. Each agent has one tunnel.
 */
public final class HerdProcess extends WarrenProcess {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration ANSWERS_WITHIN = Duration.ofSeconds(20);

  private final Caller status;
  private final String prefix;

  private HerdProcess(String prefix, int port, List<String> arguments) throws IOException {
    super(
        "herd",
        joined(
            List.of(
                java("640m"),
                List.of("-cp", System.getProperty("java.class.path"), HerdProcess.class.getName()),
                arguments)));
    this.prefix = prefix;
    this.status = new Caller("herd", new InetSocketAddress("127.0.0.1", port));
  }

  /** Starts one; does not wait for its tunnels. */
  public static HerdProcess start(String prefix, int count, List<String> connect)
      throws IOException, InterruptedException {
    int port = FreePorts.next();
    HerdProcess herd =
        new HerdProcess(
            prefix,
            port,
            List.of(
                prefix,
                Integer.toString(count),
                String.join(",", connect),
                Integer.toString(port)));
    herd.start();
    Eventually.within(ANSWERS_WITHIN, herd::look);
    return herd;
  }

  /** The n-th agent's id. */
  public String id(int nth) {
    return prefix + "-" + nth;
  }

  /**
   * How the agents are.
   *
   * @param up how many have a tunnel
   * @param at how many have one to each gateway
   * @param mostPutOff how often one was told to come later, since {@link #forget}
   * @param putOff how often all together were
   */
  public record Look(int up, Map<String, Integer> at, int mostPutOff, int putOff) {}

  /** How they are now. */
  public Look look() throws IOException {
    Answer answer = status.get("/", ANSWERS_WITHIN);
    JsonNode all = JSON.readTree(answer.body());
    Map<String, Integer> at = new LinkedHashMap<>();
    all.path("at").properties().forEach(each -> at.put(each.getKey(), each.getValue().asInt()));
    return new Look(
        all.path("up").asInt(), at, all.path("mostPutOff").asInt(), all.path("putOff").asInt());
  }

  /** From now on it is counted who is put off. */
  public void forget() throws IOException {
    status.get("/forget", ANSWERS_WITHIN);
  }

  /** The process. */
  public static void main(String[] arguments) throws IOException {
    Herd herd =
        Herd.start(
            arguments[0],
            Integer.parseInt(arguments[1]),
            List.of(arguments[2].split(",", -1)),
            1,
            Herd.Finds.BY_ITS_DOORS,
            2);
    HttpServer server =
        HttpServer.create(
            new InetSocketAddress(
                InetAddress.getByName("127.0.0.1"), Integer.parseInt(arguments[3])),
            16);
    server.createContext(
        "/",
        exchange -> {
          if (exchange.getRequestURI().getPath().equals("/forget")) {
            herd.forget();
          }
          byte[] body = tell(herd).getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
          }
        });
    server.start();
  }

  private static String tell(Herd herd) throws IOException {
    Map<String, Integer> at = new LinkedHashMap<>();
    int up = 0;
    int putOff = 0;
    for (Herd.Member member : herd.members()) {
      List<String> gateways = member.gateways();
      up += gateways.isEmpty() ? 0 : 1;
      gateways.forEach(gateway -> at.merge(gateway, 1, Integer::sum));
      putOff += member.putOff();
    }
    return JSON.writeValueAsString(
        Map.of("up", up, "at", at, "mostPutOff", herd.mostPutOff(), "putOff", putOff));
  }
}
