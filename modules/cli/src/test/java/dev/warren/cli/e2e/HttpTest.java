package dev.warren.cli.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.gateway.GatewaySettings;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** HTTP through gateway and agent, as caller and target see it on their sockets. */
@Timeout(60)
class HttpTest {
  @TempDir private static Path directory;
  private static X509Bundle authority;
  private static Stage stage;

  @BeforeAll
  static void start() throws Exception {
    authority =
        new CertificateBuilder()
            .subject("CN=Test Authority")
            .setIsCertificateAuthority(true)
            .buildSelfSigned();
    Path ca = directory.resolve("ca.pem");
    Files.writeString(ca, authority.getCertificatePEM());
    stage =
        Stage.start(
            2,
            gateway -> gateway.targets(new GatewaySettings.Targets(Optional.of(ca), false)),
            agent -> agent);
  }

  @AfterAll
  static void stop() throws IOException {
    stage.close();
  }

  private static Origin answering(String response) throws IOException {
    Origin[] made = new Origin[1];
    made[0] =
        Origin.start(
            connection -> {
              while (true) {
                Message request = connection.message();
                request.body(connection.in);
                made[0].tell(request.start());
                connection.send(response);
              }
            });
    return made[0];
  }

  @ParameterizedTest
  @CsvSource({"HEAD, 200 OK", "GET, 204 No Content", "GET, 304 Not Modified"})
  void answersWithoutABodyEndWithTheirHead(String method, String status) throws Exception {
    String length = status.startsWith("204") ? "" : "Content-Length: 5\r\n";
    try (Origin origin = answering("HTTP/1.1 " + status + "\r\n" + length + "X-A: b\r\n\r\n");
        Wire caller = stage.caller()) {
      for (int i = 0; i < 2; i++) { // the second shows that nothing of the first was left over
        caller.head(method + " " + Stage.path(origin, "/") + " HTTP/1.1", "Host: gateway");
        Message answer = caller.message();
        assertEquals("HTTP/1.1 " + status, answer.start());
        assertEquals("b", answer.header("x-a"));
        assertEquals(length.isEmpty() ? null : "5", answer.header("content-length"));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "",
        "/a%2Fb%20c/%C3%A4?q=%26&&=",
        "//two//slashes/../.;p=1",
        "/%7euser/~user?a=b?c"
      })
  void thePathAndTheQueryPassByteForByte(String rest) throws Exception {
    try (Origin origin = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) {
      stage.get(Stage.path(origin, rest));
      assertEquals("GET " + (rest.isEmpty() ? "/" : rest) + " HTTP/1.1", origin.told());
    }
  }

  @Test
  void anUnknownMethodPassesWithItsBody() throws Exception {
    try (Origin origin = Origin.echo();
        Wire caller = stage.caller()) {
      caller.head(
          "FROBNICATE " + Stage.path(origin, "/") + " HTTP/1.1",
          "Host: gateway",
          "Content-Length: 3");
      assertEquals("abc", caller.send("abc").body(200));
    }
  }

  @Test
  void trailersPassBothWays() throws Exception {
    Origin[] made = new Origin[1];
    made[0] =
        Origin.start(
            connection -> {
              List<String> trailers = new ArrayList<>();
              Message request = connection.message();
              byte[] body = request.body(connection.in, trailers);
              made[0].tell(new String(body, StandardCharsets.UTF_8) + trailers);
              connection.send(
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                      + "2\r\nhi\r\n0\r\nX-Sum: 2\r\n\r\n");
            });
    try (Origin origin = made[0];
        Wire caller = stage.caller()) {
      caller.head(
          "POST " + Stage.path(origin, "/") + " HTTP/1.1",
          "Host: gateway",
          "Transfer-Encoding: chunked",
          "Trailer: X-Count");
      caller.send("3\r\nabc\r\n0\r\nX-Count: 3\r\n\r\n");
      assertEquals("abc[X-Count: 3]", origin.told());
      List<String> trailers = new ArrayList<>();
      Message answer = caller.message();
      assertEquals("hi", new String(answer.body(caller.in, trailers), StandardCharsets.UTF_8));
      assertEquals(List.of("X-Sum: 2"), trailers);
    }
  }

  @Test
  void theBodyIsAskedForByTheTargetAndNotByTheGateway() throws Exception {
    Origin[] made = new Origin[1];
    made[0] =
        Origin.start(
            connection -> {
              Message request = connection.message();
              made[0].tell("expects " + request.header("expect"));
              connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
              connection.send("HTTP/1.1 100 Continue\r\n\r\n");
              int length = request.body(connection.in).length;
              connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + length);
            });
    try (Origin origin = made[0];
        Wire caller = stage.caller()) {
      caller.head(
          "PUT " + Stage.path(origin, "/") + " HTTP/1.1",
          "Host: gateway",
          "Content-Length: 4",
          "Expect: 100-continue");
      assertEquals("expects 100-continue", origin.told());
      Message hints = caller.message();
      assertEquals(103, hints.status());
      assertEquals("</a.css>", hints.header("link"));
      assertEquals(100, caller.message().status());
      assertEquals("4", caller.send("body").body(200));
    }
  }

  @Test
  void aTargetThatRefusesTheExpectationIsNeverSentTheBody() throws Exception {
    try (Origin origin =
            Origin.start(
                connection -> {
                  connection.message();
                  connection.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
                  assertEquals(-1, connection.in.read(), "a byte of the body");
                });
        Wire caller = stage.caller()) {
      caller.head(
          "PUT " + Stage.path(origin, "/") + " HTTP/1.1",
          "Host: gateway",
          "Content-Length: 4",
          "Expect: 100-continue");
      caller.body(417);
    }
  }

  @Test
  void eachEventArrivesWhenItIsSent() throws Exception {
    BlockingQueue<Integer> confirmed = new LinkedBlockingQueue<>();
    try (Origin origin =
            Origin.start(
                connection -> {
                  connection.message();
                  connection.send(
                      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                          + "Transfer-Encoding: chunked\r\n\r\n");
                  for (int i = 0; i < 50; i++) {
                    connection.send("8\r\ndata: " + (char) ('0' + i) + "\n\r\n");
                    assertEquals(i, confirmed.poll(30, TimeUnit.SECONDS)); // the next only then
                  }
                  connection.send("0\r\n\r\n");
                });
        Wire caller = stage.caller()) {
      caller.head("GET " + Stage.path(origin, "/events") + " HTTP/1.1", "Host: gateway");
      assertEquals("text/event-stream", caller.message().header("content-type"));
      for (int i = 0; i < 50; i++) {
        assertEquals("8", Message.line(caller.in));
        assertEquals("data: " + (char) ('0' + i), Message.line(caller.in));
        assertEquals("", Message.line(caller.in));
        confirmed.add(i);
      }
      assertEquals("0", Message.line(caller.in));
    }
  }

  /** Answers the handshake, and sends every frame back unmasked. */
  private static void echoFrames(Wire connection) throws IOException {
    Message request = connection.message();
    String accept = accept(request.header("sec-websocket-key"));
    connection.head(
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Accept: " + accept);
    while (true) {
      int first = connection.in.read();
      if (first < 0) {
        return;
      }
      int length = connection.in.read() & 0x7f;
      boolean wide = length == 126;
      if (wide) {
        length = connection.in.read() << 8 | connection.in.read();
      }
      byte[] key = connection.in.readNBytes(4);
      byte[] payload = connection.in.readNBytes(length);
      for (int i = 0; i < payload.length; i++) {
        payload[i] ^= key[i & 3];
      }
      connection.send(
          wide
              ? new byte[] {(byte) first, 126, (byte) (length >> 8), (byte) length}
              : new byte[] {(byte) first, (byte) length});
      connection.send(payload);
    }
  }

  private static String accept(String key) {
    try {
      byte[] text =
          (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").getBytes(StandardCharsets.US_ASCII);
      return Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-1").digest(text));
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-1, which every Java platform has", e);
    }
  }

  @Test
  void webSocketMessagesPassBothWays() throws Exception {
    BlockingQueue<String> arrived = new LinkedBlockingQueue<>();
    WebSocket.Listener listener =
        new WebSocket.Listener() {
          private final StringBuilder message = new StringBuilder();

          @Override
          public CompletionStage<?> onText(WebSocket socket, CharSequence text, boolean last) {
            message.append(text);
            if (last) {
              arrived.add(message.toString());
              message.setLength(0);
            }
            socket.request(1);
            return null;
          }

          @Override
          public CompletionStage<?> onClose(WebSocket socket, int status, String reason) {
            arrived.add("closed " + status);
            return null;
          }
        };
    try (Origin origin = Origin.start(HttpTest::echoFrames)) {
      WebSocket socket =
          HttpClient.newHttpClient()
              .newWebSocketBuilder()
              .buildAsync(
                  URI.create(
                      "ws://127.0.0.1:"
                          + stage.gateway.address().getPort()
                          + Stage.path(origin, "/socket")),
                  listener)
              .get(30, TimeUnit.SECONDS);
      for (int length : new int[] {0, 1, 125, 126, 60_000}) {
        String message = "m".repeat(length);
        socket.sendText(message, true).get(30, TimeUnit.SECONDS);
        assertEquals(message, arrived.poll(30, TimeUnit.SECONDS));
      }
      socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get(30, TimeUnit.SECONDS);
      assertEquals("closed 1000", arrived.poll(30, TimeUnit.SECONDS));
    }
  }

  @Test
  void anHttpsTargetOfATrustedAuthorityIsReached() throws Exception {
    X509Bundle bundle =
        new CertificateBuilder()
            .subject("CN=localhost")
            .addSanDnsName("localhost")
            .buildIssuedBy(authority);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(bundle.toKeyManagerFactory().getKeyManagers(), null, null);
    try (Origin origin =
            Origin.start(
                context
                    .getServerSocketFactory()
                    .createServerSocket(0, 50, InetAddress.getLoopbackAddress()),
                connection -> {
                  byte[] body = connection.message().body(connection.in);
                  connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + body.length + "\r\n\r\n");
                  connection.send(body);
                });
        Wire caller = stage.caller()) {
      String body = "0123456789".repeat(100_000);
      caller.head(
          "POST /client/foo/https/localhost:" + origin.port() + "/ HTTP/1.1",
          "Host: gateway",
          "Content-Length: " + body.length());
      assertEquals(body, caller.send(body).body(200));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"169.254.169.254", "10.0.0.1", "192.168.1.1:8080", "0.0.0.0", "[::]"})
  void byDefaultTheAgentDialsLoopbackOnlyAndSaysWhy(String target) throws Exception {
    try (Wire caller = stage.caller()) {
      caller.head("GET /client/foo/http/" + target + "/ HTTP/1.1", "Host: gateway");
      String said = caller.body(403);
      String host = target.replaceAll(":8080$", "").replaceAll("[\\[\\]]", "");
      assertTrue(said.contains("foo") && said.contains(host) && said.contains("--allow"), said);
    }
  }

  @Test
  void theTargetSeesItsOwnHostAndWhoAsked() throws Exception {
    Origin[] made = new Origin[1];
    made[0] =
        Origin.start(
            connection -> {
              made[0].tell(String.join("\n", connection.message().lines()));
              connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            });
    try (Origin origin = made[0];
        Wire caller = stage.caller()) {
      caller.head(
          "GET " + Stage.path(origin, "/") + " HTTP/1.1",
          "Host: gateway",
          "Connection: close, X-Hop",
          "X-Hop: 1",
          "X-Odd:  value  with   blanks",
          "Authorization: Bearer of-the-target",
          "Cookie: a=b; c=\"d\"");
      assertEquals(200, caller.status());
      String seen = origin.told();
      assertTrue(seen.contains("Host: 127.0.0.1:" + origin.port()), seen);
      assertTrue(seen.contains("X-Forwarded-For: 127.0.0.1"), seen);
      assertTrue(seen.contains("X-Forwarded-Host: gateway"), seen);
      assertTrue(seen.contains("value  with   blanks"), seen);
      assertTrue(seen.contains("Authorization: Bearer of-the-target"), seen);
      assertTrue(seen.contains("Cookie: a=b; c=\"d\""), seen);
      assertTrue(!seen.contains("X-Hop"), seen);
      assertNull(origin.rest().stream().findAny().orElse(null));
    }
  }
}
