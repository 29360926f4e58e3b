package dev.warren.gateway.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies on their way: all of them, in order, never collected, and never cut without a sign. */
@SuppressWarnings("StringConcatToTextBlock") // line ends are CRLF and stand in sight
class StreamingTest {
  /** What may be on the way: four sockets' buffers of 64 KiB (doubled by Linux) and little more. */
  private static final long MOST_UNDER_WAY = 1L << 20;

  private static Gateway gateway;

  @BeforeAll
  static void start() {
    gateway = Gateway.start();
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  /** Sends every body back as it comes, before its end, in the framing it came in. */
  private static Origin echo() throws IOException {
    return Origin.start(
        connection -> {
          while (true) {
            Response head = Response.head(connection.in);
            String length = head.header("content-length");
            if (length != null) {
              connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n");
              byte[] buffer = new byte[10_000];
              int left = Integer.parseInt(length);
              while (left > 0) {
                int n = connection.in.read(buffer, 0, Math.min(left, buffer.length));
                connection.out.write(buffer, 0, n);
                left -= n;
              }
              connection.out.flush();
            } else {
              connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
              byte[] chunk = Response.chunk(connection.in);
              while (chunk.length > 0) {
                connection.send(Integer.toHexString(chunk.length) + "\r\n");
                connection.send(chunk);
                connection.send("\r\n");
                chunk = Response.chunk(connection.in);
              }
              Response.lines(connection.in);
              connection.send("0\r\n\r\n");
            }
          }
        });
  }

  @Test
  void aThousandRandomBodiesOverFiftyConnectionsComeBackEqual() throws Exception {
    long seed = Long.getLong("warren.seed", System.nanoTime());
    SplittableRandom seeds = new SplittableRandom(seed);
    ExecutorService senders = Executors.newFixedThreadPool(50);
    try (Origin origin = echo()) {
      List<Future<Integer>> runs = new ArrayList<>();
      for (int connection = 0; connection < 50; connection++) {
        SplittableRandom random = seeds.split();
        runs.add(senders.submit(() -> echoTwenty(origin, random)));
      }
      int requests = 0;
      for (Future<Integer> run : runs) {
        requests += run.get(120, TimeUnit.SECONDS);
      }
      assertEquals(1_000, requests);
    } catch (Exception | AssertionError e) {
      throw new AssertionError("with -Dwarren.seed=" + seed, e);
    } finally {
      senders.shutdownNow();
    }
  }

  private static int echoTwenty(Origin origin, SplittableRandom random) throws Exception {
    try (Caller caller = gateway.caller()) {
      for (int i = 0; i < 20; i++) {
        // Mostly small, now and then 2 MiB.
        byte[] body = new byte[random.nextInt(random.nextInt(4) == 0 ? 2 << 20 : 3_000)];
        random.nextBytes(body);
        boolean chunked = random.nextBoolean();
        Thread sender = new Thread(() -> send(caller, origin, body, chunked));
        sender.start();
        Response response = caller.response();
        sender.join();
        assertEquals(200, response.status());
        assertArrayEquals(body, response.body());
      }
      return 20;
    }
  }

  private static void send(Caller caller, Origin origin, byte[] body, boolean chunked) {
    try {
      String head = "POST " + origin.path() + "/ HTTP/1.1\r\nHost: gw\r\n";
      if (!chunked) {
        caller.send(head + "Content-Length: " + body.length + "\r\n\r\n").send(body);
        return;
      }
      ByteArrayOutputStream framed = new ByteArrayOutputStream();
      for (int at = 0; at < body.length; at += 40_000) {
        int size = Math.min(40_000, body.length - at);
        framed.write((Integer.toHexString(size) + "\r\n").getBytes(US_ASCII));
        framed.write(body, at, size);
        framed.write("\r\n".getBytes(US_ASCII));
      }
      framed.write("0\r\n\r\n".getBytes(US_ASCII));
      caller.send(head + "Transfer-Encoding: chunked\r\n\r\n").send(framed.toByteArray());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aCallerThatDoesNotReadStopsTheTarget() throws Exception {
    AtomicLong sent = new AtomicLong();
    try (ServerSocket listener = new ServerSocket();
        Origin origin =
            Origin.start(
                bound(listener),
                connection -> {
                  connection.socket.setSendBufferSize(65_536);
                  connection.request();
                  pour(
                      connection.out, sent, "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n");
                })) {
      Socket socket = new Socket();
      socket.setReceiveBufferSize(65_536);
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), gateway.port()));
      try (Caller caller = new Caller(socket)) {
        caller.head("GET " + origin.path() + "/ HTTP/1.1", "Host: gw");
        assertEquals(200, Response.head(caller.in()).status());
        long stopped = Eventually.standsStill(sent::get);
        assertTrue(stopped < MOST_UNDER_WAY, "the target could send " + stopped + " bytes");
        // It goes on as soon as the caller does.
        assertEquals(8 << 20, caller.in().readNBytes(8 << 20).length);
        assertTrue(sent.get() > stopped);
      }
    }
  }

  @Test
  void aTargetThatDoesNotReadStopsTheCaller() throws Exception {
    AtomicLong sent = new AtomicLong();
    try (ServerSocket listener = new ServerSocket();
        Origin origin =
            Origin.start(
                bound(listener),
                connection -> {
                  Response.head(connection.in);
                  connection.origin().tell("head");
                  assertEquals("go", connection.origin().heard());
                  connection.in.skipNBytes(8 << 20);
                  connection.origin().tell("read");
                  connection.awaitEnd();
                })) {
      try (Caller caller = gateway.caller()) {
        caller.socket().setSendBufferSize(65_536);
        caller.head(
            "POST " + origin.path() + "/ HTTP/1.1", "Host: gw", "Content-Length: 999999999");
        assertEquals("head", origin.told());
        Thread pourer =
            new Thread(
                () -> {
                  try {
                    pour(caller.socket().getOutputStream(), sent, "");
                  } catch (IOException ended) {
                    // with the test
                  }
                });
        pourer.start();
        long stopped = Eventually.standsStill(sent::get);
        assertTrue(stopped < MOST_UNDER_WAY, "the caller could send " + stopped + " bytes");
        origin.say("go");
        assertEquals("read", origin.told());
        caller.hangUp();
        pourer.join();
      }
    }
  }

  private static ServerSocket bound(ServerSocket listener) throws IOException {
    listener.setReceiveBufferSize(65_536);
    listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    return listener;
  }

  private static void pour(OutputStream out, AtomicLong sent, String start) throws IOException {
    out.write(start.getBytes(US_ASCII));
    byte[] block = new byte[16_384];
    while (true) {
      out.write(block);
      sent.addAndGet(block.length);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Content-Length: 100", "Transfer-Encoding: chunked"})
  void aResponseThatIsCutShortIsVisiblyBroken(String framing) throws Exception {
    for (boolean reset : new boolean[] {false, true}) {
      try (Origin origin =
              Origin.start(
                  connection -> {
                    connection.request();
                    String piece = framing.startsWith("T") ? "5\r\nhello\r\n" : "hello";
                    connection.send("HTTP/1.1 200 OK\r\n" + framing + "\r\n\r\n" + piece);
                    assertEquals("cut", connection.origin().heard());
                    if (reset) {
                      connection.reset();
                    }
                  });
          Caller caller = gateway.caller()) {
        caller.head("GET " + origin.path() + "/ HTTP/1.1", "Host: gw");
        assertEquals(200, Response.head(caller.in()).status());
        if (framing.startsWith("T")) {
          assertArrayEquals("hello".getBytes(US_ASCII), Response.chunk(caller.in()));
        } else {
          assertEquals("hello", caller.text(5));
        }
        origin.say("cut");
        assertEquals("", caller.rest()); // no last chunk, no filling up
      }
    }
  }

  @Test
  void aResponseThatOnlyTheEndDelimitsIsBrokenByAReset() throws Exception {
    for (String version : new String[] {"1.1", "1.0"}) {
      try (Origin origin =
              Origin.start(
                  connection -> {
                    connection.request();
                    connection.send("HTTP/1.0 200 OK\r\n\r\nhello");
                    assertEquals("cut", connection.origin().heard());
                    connection.reset();
                  });
          Caller caller = gateway.caller()) {
        caller.head("GET " + origin.path() + "/ HTTP/" + version, "Host: gw");
        Response.head(caller.in());
        if (version.equals("1.1")) {
          assertArrayEquals("hello".getBytes(US_ASCII), Response.chunk(caller.in()));
          origin.say("cut");
          assertThrows(IOException.class, () -> Response.chunk(caller.in()));
        } else {
          assertEquals("hello", caller.text(5));
          origin.say("cut");
          // Only a reset says to a caller of HTTP/1.0 that this was not all.
          IOException broken = assertThrows(IOException.class, () -> caller.in().read());
          assertFalse(broken instanceof EOFException);
        }
      }
    }
  }

  @Test
  void aCallerThatBreaksOffBreaksTheRequest() throws Exception {
    try (Origin origin =
            Origin.start(
                connection -> {
                  Response.head(connection.in);
                  connection.origin().tell("head");
                  try {
                    connection.in.readNBytes(100);
                    connection.origin().tell("a clean end");
                  } catch (IOException e) {
                    connection.origin().tell("reset");
                  }
                });
        Caller caller = gateway.caller()) {
      caller
          .head("POST " + origin.path() + "/ HTTP/1.1", "Host: gw", "Content-Length: 100")
          .send("some");
      assertEquals("head", origin.told());
      caller.hangUp();
      assertEquals(
          "broken off", origin.toldOr("reset", "a clean end").isEmpty() ? "" : "broken off");
    }
  }

  @Test
  void eventsOfAStreamComeWhenTheyAreSent() throws Exception {
    try (Origin origin =
            Origin.start(
                connection -> {
                  connection.request();
                  connection.send(
                      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                          + "Transfer-Encoding: chunked\r\n\r\n");
                  for (int i = 0; i < 20; i++) {
                    String event = String.format(Locale.ROOT, "data: %02d\n\n", i);
                    connection.send("a\r\n" + event + "\r\n");
                    assertEquals("seen " + i, connection.origin().heard());
                  }
                  connection.send("0\r\n\r\n");
                });
        Caller caller = gateway.caller()) {
      caller.head("GET " + origin.path() + "/events HTTP/1.1", "Host: gw");
      Response.head(caller.in());
      for (int i = 0; i < 20; i++) {
        byte[] event = Response.chunk(caller.in());
        assertEquals(String.format(Locale.ROOT, "data: %02d\n\n", i), new String(event, US_ASCII));
        origin.say("seen " + i); // the next one is sent only when this one has been seen
      }
      assertEquals(0, Response.chunk(caller.in()).length);
    }
  }

  @Test
  void theTargetsContinuePassesAndTheBodyFollows() throws Exception {
    try (Origin origin =
            Origin.start(
                connection -> {
                  Response head = Response.head(connection.in);
                  connection.origin().tell(head.header("expect"));
                  assertEquals("go", connection.origin().heard());
                  connection.send("HTTP/1.1 100 Continue\r\n\r\n");
                  String body = new String(connection.in.readNBytes(5), US_ASCII);
                  connection.send(
                      "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
                  connection.awaitEnd();
                });
        Caller caller = gateway.caller()) {
      caller.head(
          "POST " + origin.path() + "/ HTTP/1.1",
          "Host: gw",
          "Content-Length: 5",
          "Expect: 100-continue");
      assertEquals("100-continue", origin.told());
      assertEquals(0, caller.in().available()); // nobody but the target says 100
      origin.say("go");
      assertEquals(100, caller.response().status());
      assertEquals("hello", caller.send("hello").response().text());
    }
  }

  @Test
  void aFinalAnswerInPlaceOfContinueEndsTheConnection() throws Exception {
    try (Origin origin =
            Origin.start(
                connection -> {
                  Response.head(connection.in);
                  connection.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno");
                  connection.awaitEnd();
                });
        Caller caller = gateway.caller()) {
      caller.head(
          "POST " + origin.path() + "/ HTTP/1.1",
          "Host: gw",
          "Content-Length: 5",
          "Expect: 100-continue");
      Response response = caller.response();
      assertEquals(417, response.status());
      assertEquals("close", response.header("connection"));
      assertEquals("no", response.text());
      caller.endOutput();
      assertEquals("", caller.rest());
    }
  }

  @Test
  void anEarlyAnswerReachesACallerThatIsStillSending() throws Exception {
    try (Origin origin =
            Origin.start(
                connection -> {
                  Response.head(connection.in);
                  connection.send(
                      "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo much");
                  connection.origin().tell("answered");
                  connection.awaitEnd();
                });
        Caller caller = gateway.caller()) {
      caller.head("POST " + origin.path() + "/ HTTP/1.1", "Host: gw", "Content-Length: 50000000");
      Thread sender =
          new Thread(
              () -> {
                try {
                  caller.send(new byte[4 << 20]);
                } catch (IOException closed) {
                  // the answer says why
                }
              });
      sender.start();
      assertEquals("answered", origin.told());
      sender.join(); // what it sends is still taken, so that the answer is not lost
      Response response = caller.response();
      assertEquals(413, response.status());
      assertEquals("close", response.header("connection"));
      assertEquals("too much", response.text());
      caller.endOutput();
      assertEquals("", caller.rest());
    }
  }

  @Test
  void noBodyIsReadBeforeTheTargetHasAccepted() throws Exception {
    try (Origin origin = echo();
        Caller caller = gateway.caller()) {
      byte[] body = new byte[300_000];
      Arrays.fill(body, (byte) 'x');
      Thread sender =
          new Thread(
              () -> {
                try {
                  caller
                      .head(
                          "POST /client/held/http/" + origin.authority() + "/ HTTP/1.1",
                          "Host: gw",
                          "Content-Length: " + body.length)
                      .send(body);
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              });
      sender.start();
      Eventually.holds(() -> gateway.opener.heldDials() == 1);
      CallerRequestDecoder decoder =
          gateway
              .callers
              .get(gateway.callers.size() - 1)
              .pipeline()
              .get(CallerRequestDecoder.class);
      assertTrue(decoder.waitingBytes() <= 65_536, () -> decoder.waitingBytes() + " bytes read");
      assertEquals(0, origin.connections());
      gateway.opener.letGo();
      assertArrayEquals(body, caller.response().body());
      sender.join();
    }
  }

  @Test
  void aCallerThatLeavesEndsItsWaitingDial() throws Exception {
    HttpSettings.KeepAlive short_ =
        new HttpSettings.KeepAlive(
            Duration.ofSeconds(75), Duration.ofMillis(50), Duration.ofSeconds(2));
    try (Gateway impatient = Gateway.start(settings -> settings.withKeepAlive(short_));
        Caller caller = impatient.caller()) {
      caller.head("GET /client/held/http/127.0.0.1:1/ HTTP/1.1", "Host: gw");
      Eventually.holds(() -> impatient.opener.heldDials() == 1);
      caller.hangUp();
      Eventually.holds(() -> impatient.opener.cancelled() == 1);
      Eventually.holds(() -> impatient.services.callers().size() == 0);
    }
  }

  @Test
  void aCallerThatOnlyClosesItsSendingSideGetsItsAnswer() throws Exception {
    try (Origin origin =
            Origin.start(
                connection -> {
                  connection.request();
                  assertEquals("go", connection.origin().heard());
                  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                  connection.awaitEnd();
                });
        Caller caller = gateway.caller()) {
      caller.head("GET " + origin.path() + "/ HTTP/1.1", "Host: gw");
      caller.endOutput();
      origin.say("go");
      assertEquals("ok", caller.response().text());
      assertEquals("", caller.rest());
    }
  }
}
