package dev.warren.client;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.SocketFactory;

/**
 * Sockets through an agent, for what takes a class name and one text, as the PostgreSQL driver does
 * ({@code socketFactory} and {@code socketFactoryArg}):
 *
 * <pre>{@code
 * jdbc:postgresql://127.0.0.1:5432/app?socketFactory=dev.warren.client.WarrenSocketFactory
 *     &socketFactoryArg=session=db-7;gateways=https://gateway.example.org:8123
 * }</pre>
 *
 * <p>The text is {@code KEY=VALUE} with semicolons between:
 *
 * <ul>
 *   <li>{@code session}: the agent's id; the one key that has to be there
 *   <li>{@code gateways}: one or more, with commas; without, the environment's {@code
 *       WARREN_GATEWAY}
 *   <li>{@code token-file}: the caller's token; without, the file that {@code WARREN_TOKEN_FILE}
 *       names, or {@code WARREN_TOKEN}. The token itself never stands in the text: such texts are
 *       logged
 *   <li>{@code ca}: CA certificates (PEM) for {@code https} gateways
 * </ul>
 *
 * <p>All factories with the same text share one line, which lives as long as the program.
 */
public final class WarrenSocketFactory extends SocketFactory {
  private static final Map<String, Session> SESSIONS = new ConcurrentHashMap<>();

  private final SocketFactory sockets;

  /**
   * @throws IllegalArgumentException where the text is wrong; the message says what was expected
   */
  public WarrenSocketFactory(String argument) {
    this(argument, System.getenv());
  }

  WarrenSocketFactory(String argument, Map<String, String> environment) {
    sockets =
        SESSIONS.computeIfAbsent(argument, text -> session(text, environment)).socketFactory();
  }

  private static Session session(String argument, Map<String, String> environment) {
    Map<String, String> values = values(argument);
    String session = values.getOrDefault("session", "");
    String gateways =
        values.getOrDefault("gateways", environment.getOrDefault("WARREN_GATEWAY", ""));
    if (session.isEmpty() || gateways.isEmpty()) {
      throw new IllegalArgumentException(
          (session.isEmpty() ? "no session" : "no gateways, and WARREN_GATEWAY is not set")
              + " (expected: session=ID;gateways=URL[,URL...][;token-file=FILE][;ca=FILE])");
    }
    String file =
        values.getOrDefault("token-file", environment.getOrDefault("WARREN_TOKEN_FILE", ""));
    String token = environment.getOrDefault("WARREN_TOKEN", "");
    WarrenSettings settings =
        WarrenSettings.of(gateways)
            .withToken(
                !file.isEmpty()
                    ? CallerToken.file(Path.of(file))
                    : token.isEmpty() ? CallerToken.NONE : CallerToken.of(token));
    if (values.containsKey("ca")) {
      settings = settings.withCa(Path.of(values.get("ca")));
    }
    return Warren.connect(settings).session(session);
  }

  private static Map<String, String> values(String argument) {
    Map<String, String> values = new LinkedHashMap<>();
    for (String part : argument.split(";", -1)) {
      int equals = part.indexOf('=');
      String key = equals < 0 ? "" : part.substring(0, equals).strip();
      switch (key) {
        case "session", "gateways", "token-file", "ca" ->
            values.put(key, part.substring(equals + 1).strip());
        case "token" ->
            throw new IllegalArgumentException(
                "the key token (expected: token-file, or WARREN_TOKEN in the environment)");
        default ->
            throw new IllegalArgumentException(
                "the key \"" + key + "\" (expected: session, gateways, token-file or ca)");
      }
    }
    return values;
  }

  @Override
  public Socket createSocket() throws IOException {
    return sockets.createSocket();
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return sockets.createSocket(host, port);
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort)
      throws IOException {
    return sockets.createSocket(host, port);
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return sockets.createSocket(host, port);
  }

  @Override
  public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
      throws IOException {
    return sockets.createSocket(address, port);
  }
}
