package dev.warren.gateway.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A request that asks for another protocol, and the bytes of that protocol. */
@SuppressWarnings("StringConcatToTextBlock") // line ends are CRLF and stand in sight
class UpgradeTest {
  private static final String SWITCHING =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n";

  private static Gateway gateway;

  @BeforeAll
  static void start() {
    gateway = Gateway.start();
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  /** Switches, says "hi" in the same segment, and sends everything back. */
  private static Origin echo() throws IOException {
    return Origin.start(
        connection -> {
          Response head = Response.head(connection.in);
          assertEquals("Upgrade", head.header("connection"));
          assertEquals("echo/2", head.header("upgrade"));
          connection.send(SWITCHING + "hi");
          byte[] buffer = new byte[20_000];
          for (int n = connection.in.read(buffer); n >= 0; n = connection.in.read(buffer)) {
            connection.out.write(buffer, 0, n);
          }
          connection.send("bye"); // after the caller's half close
        });
  }

  private static void upgrade(Caller caller, Origin origin, String early) throws Exception {
    caller.send(
        "GET "
            + origin.path()
            + "/ HTTP/1.1\r\nHost: gw\r\nConnection: keep-alive, Upgrade\r\n"
            + "Upgrade: echo/2\r\n\r\n"
            + early);
    Response head = Response.head(caller.in());
    assertEquals(101, head.status());
    assertEquals("echo", head.header("upgrade"));
    assertEquals("Upgrade", head.header("connection"));
  }

  @Test
  void bothDirectionsBecomeBytesAndHalfClosePasses() throws Exception {
    try (Origin origin = echo();
        Caller caller = gateway.caller()) {
      upgrade(caller, origin, "GET / HTTP/1.1\r\n\r\n"); // bytes of the new protocol, sent early
      assertEquals("hiGET / HTTP/1.1\r\n\r\n", caller.text(20));
      byte[] bytes = new byte[3 << 20];
      new SplittableRandom(7).nextBytes(bytes);
      Thread sender =
          new Thread(
              () -> {
                try {
                  caller.send(bytes);
                  caller.endOutput();
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              });
      sender.start();
      assertArrayEquals(bytes, caller.in().readNBytes(bytes.length));
      sender.join();
      assertEquals("bye", caller.rest());
    }
  }

  @Test
  void theTargetsHalfClosePassesToo() throws Exception {
    try (Origin origin =
            Origin.start(
                connection -> {
                  Response.head(connection.in);
                  connection.send(SWITCHING + "that is all");
                  connection.socket.shutdownOutput();
                  connection.origin().tell(new String(connection.in.readAllBytes(), US_ASCII));
                });
        Caller caller = gateway.caller()) {
      upgrade(caller, origin, "");
      assertEquals("that is all", caller.rest());
      caller.send("I go on");
      caller.endOutput();
      assertEquals("I go on", origin.told());
    }
  }

  @Test
  void aResetOfEitherSideResetsTheOther() throws Exception {
    try (Origin origin =
            Origin.start(
                connection -> {
                  Response.head(connection.in);
                  connection.send(SWITCHING);
                  assertEquals("cut", connection.origin().heard());
                  connection.reset();
                });
        Caller caller = gateway.caller()) {
      upgrade(caller, origin, "");
      origin.say("cut");
      assertThrows(IOException.class, () -> caller.in().read());
    }
    try (Origin origin =
            Origin.start(
                connection -> {
                  Response.head(connection.in);
                  connection.send(SWITCHING);
                  try {
                    connection.in.read();
                  } catch (IOException e) {
                    connection.origin().tell("reset");
                  }
                });
        Caller caller = gateway.caller()) {
      upgrade(caller, origin, "");
      caller.socket().setSoLinger(true, 0);
      caller.hangUp();
      assertEquals("reset", origin.told());
    }
  }

  @Test
  void theNewProtocolBeginsBehindTheRequestsBody() throws Exception {
    try (Origin origin =
            Origin.start(
                connection -> {
                  Response.head(connection.in);
                  connection.send(SWITCHING);
                  assertEquals("5\r\nhello\r\n0\r\n\r\n", read(connection, 15));
                  connection.send("switched");
                  connection.origin().tell(read(connection, 3));
                });
        Caller caller = gateway.caller()) {
      caller.head(
          "POST " + origin.path() + "/ HTTP/1.1",
          "Host: gw",
          "Connection: Upgrade",
          "Upgrade: echo/2",
          "Transfer-Encoding: chunked");
      assertEquals(101, Response.head(caller.in()).status());
      caller.send("5\r\nhello\r\n0\r\n\r\nraw");
      assertEquals("switched", caller.text(8));
      assertEquals("raw", origin.told());
    }
  }

  private static String read(Origin.Connection connection, int bytes) throws IOException {
    return new String(connection.in.readNBytes(bytes), US_ASCII);
  }

  @Test
  void whereTheTargetDoesNotSwitchHttpGoesOn() throws Exception {
    try (Origin origin =
            Origin.answering(
                "HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nConnection: Upgrade\r\n"
                    + "Content-Length: 2\r\n\r\nno");
        Caller caller = gateway.caller()) {
      for (int i = 0; i < 2; i++) {
        Response response =
            caller
                .head(
                    "GET " + origin.path() + "/ HTTP/1.1",
                    "Host: gw",
                    "Connection: Upgrade",
                    "Upgrade: echo/2")
                .response();
        assertEquals(426, response.status());
        assertEquals("other", response.header("upgrade"));
        assertEquals("no", response.text());
      }
    }
  }

  @Test
  void aSwitchThatNobodyAskedForIsABadResponse() throws Exception {
    try (Origin origin = Origin.answering(SWITCHING);
        Caller caller = gateway.caller()) {
      Response response =
          caller
              .head("GET " + origin.path() + "/ HTTP/1.1", "Host: gw", "Upgrade: echo/2")
              .response();
      assertEquals(502, response.status());
    }
  }
}
