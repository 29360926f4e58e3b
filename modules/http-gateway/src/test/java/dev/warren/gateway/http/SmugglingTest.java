package dev.warren.gateway.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Requests that two servers could read in two ways. {P} stands for a path to the origin; every
 * request ends in a line that would be another request, if anybody took it for one.
 */
class SmugglingTest {
  private static final String HOST = "Host: gw\r\n";
  private static final String SECOND = "GET /second HTTP/1.1\r\nHost: gw\r\n\r\n";

  private static Gateway gateway;

  @BeforeAll
  static void start() {
    gateway = Gateway.start();
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  static Stream<Arguments> heads() {
    String get = "GET {P}/ HTTP/1.1\r\n";
    String post = "POST {P}/ HTTP/1.1\r\n" + HOST;
    String chunked = "Transfer-Encoding: chunked\r\n";
    return Stream.of(
        arguments(
            "length and chunked", 400, post + "Content-Length: 5\r\n" + chunked + "\r\n0\r\n\r\n"),
        arguments("chunked and length", 400, post + chunked + "Content-Length: 0\r\n\r\n0\r\n\r\n"),
        arguments("two lengths", 400, post + "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello"),
        arguments(
            "two equal lengths", 400, post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
        arguments("a list of lengths", 400, post + "Content-Length: 5, 5\r\n\r\nhello"),
        arguments("a length with a sign", 400, post + "Content-Length: +5\r\n\r\nhello"),
        arguments("a negative length", 400, post + "Content-Length: -5\r\n\r\nhello"),
        arguments("a hexadecimal length", 400, post + "Content-Length: 0x5\r\n\r\nhello"),
        arguments("an empty length", 400, post + "Content-Length:\r\n\r\n"),
        arguments(
            "a length beyond 64 bits", 400, post + "Content-Length: 99999999999999999999\r\n\r\n"),
        arguments(
            "a length with a blank inside", 400, post + "Content-Length: 1 0\r\n\r\n0123456789"),
        arguments("an unknown coding", 400, post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        arguments(
            "a coding before chunked",
            400,
            post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        arguments(
            "a coding behind chunked",
            400,
            post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        arguments("chunked twice", 400, post + chunked + chunked + "\r\n0\r\n\r\n"),
        arguments(
            "chunked in quotes", 400, post + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
        arguments(
            "chunked behind a vertical tab",
            400,
            post + "Transfer-Encoding: \u000bchunked\r\n\r\n0\r\n\r\n"),
        arguments(
            "chunked in a folded line",
            400,
            post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
        arguments("an empty coding", 400, post + "Transfer-Encoding:\r\n\r\n"),
        arguments(
            "chunked in HTTP/1.0",
            400,
            "POST {P}/ HTTP/1.0\r\n" + HOST + chunked + "\r\n0\r\n\r\n"),
        arguments(
            "a blank before the colon", 400, post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        arguments("a tab before the colon", 400, post + "Content-Length\t: 5\r\n\r\nhello"),
        arguments("a blank before the first name", 400, get + " X: 1\r\n" + HOST + "\r\n"),
        arguments("a folded line", 400, get + HOST + "X: 1\r\n more\r\n\r\n"),
        arguments("a line folded by a tab", 400, get + HOST + "X: 1\r\n\tmore\r\n\r\n"),
        arguments("no colon", 400, get + HOST + "nonsense\r\n\r\n"),
        arguments("an empty name", 400, get + HOST + ": 1\r\n\r\n"),
        arguments("a name with a blank", 400, get + HOST + "X Y: 1\r\n\r\n"),
        arguments("a name beyond ASCII", 400, get + HOST + "X\u00e4: 1\r\n\r\n"),
        arguments("bare LF behind a header", 400, get + HOST + "X: 1\nY: 2\r\n\r\n"),
        arguments("bare LF behind the request line", 400, "GET {P}/ HTTP/1.1\n" + HOST + "\r\n"),
        arguments("bare LF at the end", 400, get + HOST + "\n"),
        arguments("bare CR in a value", 400, get + HOST + "X: 1\rY: 2\r\n\r\n"),
        arguments("bare CR in the request line", 400, "GET\r{P}/ HTTP/1.1\r\n" + HOST + "\r\n"),
        arguments("bare CR behind the target", 400, "GET {P}/\rHTTP/1.1\r\n" + HOST + "\r\n"),
        arguments("NUL in a value", 400, get + HOST + "X: a\u0000b\r\n\r\n"),
        arguments("a control character in a value", 400, get + HOST + "X: a\u0001b\r\n\r\n"),
        arguments("DEL in a value", 400, get + HOST + "X: a\u007fb\r\n\r\n"),
        arguments("NUL in the target", 400, "GET {P}/\u0000 HTTP/1.1\r\n" + HOST + "\r\n"),
        arguments("two blanks", 400, "GET  {P}/ HTTP/1.1\r\n" + HOST + "\r\n"),
        arguments("a tab for a blank", 400, "GET\t{P}/ HTTP/1.1\r\n" + HOST + "\r\n"),
        arguments("a blank in the target", 400, "GET {P}/a b HTTP/1.1\r\n" + HOST + "\r\n"),
        arguments("a blank before the method", 400, " GET {P}/ HTTP/1.1\r\n" + HOST + "\r\n"),
        arguments("a blank behind the version", 400, "GET {P}/ HTTP/1.1 \r\n" + HOST + "\r\n"),
        arguments("a method that is no token", 400, "G(T {P}/ HTTP/1.1\r\n" + HOST + "\r\n"),
        arguments("no version", 400, "GET {P}/\r\n\r\n"),
        arguments("a version in lower case", 400, "GET {P}/ http/1.1\r\n" + HOST + "\r\n"),
        arguments("a version that is none", 400, "GET {P}/ HTTP/1.x\r\n" + HOST + "\r\n"),
        arguments("another version", 505, "GET {P}/ HTTP/2.0\r\n" + HOST + "\r\n"),
        arguments("no Host", 400, get + "\r\n"),
        arguments("two Hosts", 400, get + HOST + HOST + "\r\n"),
        arguments("a list for Host", 400, get + "Host: gw, gw\r\n\r\n"),
        arguments("a path in Host", 400, get + "Host: gw/x\r\n\r\n"),
        arguments("two Hosts in HTTP/1.0", 400, "GET {P}/ HTTP/1.0\r\n" + HOST + HOST + "\r\n"),
        arguments(
            "a body that only Netty would see",
            400,
            get + HOST + "Sec-WebSocket-Key1: 1\r\nSec-WebSocket-Key2: 2\r\n\r\n12345678"),
        arguments("CONNECT with a path", 400, "CONNECT {P}/ HTTP/1.1\r\n" + HOST + "\r\n"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("heads")
  void isRefusedAndReachesNoTarget(String name, int status, String request) throws Exception {
    try (Origin origin = Origin.answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) {
      String bytes = request.replace("{P}", origin.path()) + SECOND;
      try (Caller caller = gateway.caller()) {
        caller.send(bytes);
        assertRefused(status, caller);
      }
      // The same in single bytes, so that every rule is also met at the edge of a read.
      try (Caller caller = gateway.caller()) {
        trickle(caller, bytes);
        assertRefused(status, caller);
      }
      assertEquals(0, origin.connections());
    }
  }

  /** One byte for each segment; the gateway may refuse, and close, in the middle. */
  private static void trickle(Caller caller, String bytes) {
    try {
      for (byte b : bytes.getBytes(StandardCharsets.ISO_8859_1)) {
        caller.send(new byte[] {b});
      }
    } catch (java.io.IOException closed) {
      // what it answered can still be read
    }
  }

  private static void assertRefused(int status, Caller caller) throws Exception {
    Response response = caller.response();
    assertEquals(status, response.status(), response.text());
    assertEquals("close", response.header("connection"));
    caller.endOutput();
    assertEquals("", caller.rest());
  }

  static Stream<Arguments> chunks() {
    return Stream.of(
        arguments("a sign", "+5\r\nhello\r\n0\r\n\r\n"),
        arguments("a minus", "-5\r\nhello\r\n0\r\n\r\n"),
        arguments("a blank before", " 5\r\nhello\r\n0\r\n\r\n"),
        arguments("a blank behind", "5 \r\nhello\r\n0\r\n\r\n"),
        arguments("a tab behind", "5\t\r\nhello\r\n0\r\n\r\n"),
        arguments("a prefix", "0x5\r\nhello\r\n0\r\n\r\n"),
        arguments("no digits", "\r\nhello\r\n0\r\n\r\n"),
        arguments("only an extension", ";a=b\r\nhello\r\n0\r\n\r\n"),
        arguments("more than 31 bits", "80000000\r\nhello"),
        arguments("more than 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
        arguments("no hexadecimal number", "5g\r\nhello\r\n0\r\n\r\n"),
        arguments("bare LF behind the size", "5\nhello\r\n0\r\n\r\n"),
        arguments("bare CR behind the size", "5\rX\r\nhello\r\n0\r\n\r\n"),
        arguments("bare LF in an extension", "5;a\nb\r\nhello\r\n0\r\n\r\n"),
        arguments("bare CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        arguments("NUL in an extension", "5;a\u0000\r\nhello\r\n0\r\n\r\n"),
        arguments("a long extension", "5;" + "a".repeat(300) + "\r\nhello\r\n0\r\n\r\n"),
        arguments("bare LF behind a chunk", "5\r\nhello\n0\r\n\r\n"),
        arguments("more than its size", "5\r\nhello!\r\n0\r\n\r\n"),
        arguments("bare LF behind the last chunk", "5\r\nhello\r\n0\n\r\n"),
        arguments("bare LF at the end", "5\r\nhello\r\n0\r\n\n"),
        arguments("a blank in a trailer's name", "0\r\nX Y: 1\r\n\r\n"),
        arguments("a folded trailer", "0\r\nX: 1\r\n 2\r\n\r\n"),
        arguments("a trailer that begins with a blank", "0\r\n X: 1\r\n\r\n"),
        arguments("NUL in a trailer", "0\r\nX: \u0000\r\n\r\n"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("chunks")
  void aBadChunkEndsTheRequestBeforeItIsComplete(String name, String body) throws Exception {
    for (boolean trickled : new boolean[] {false, true}) {
      try (Origin origin =
              Origin.start(
                  connection -> {
                    try {
                      connection.request();
                      connection.origin().tell("complete");
                    } catch (java.io.IOException e) {
                      connection.origin().tell("broken");
                    } catch (NumberFormatException e) {
                      connection.origin().tell("garbage");
                    }
                  });
          Caller caller = gateway.caller()) {
        String bytes =
            "POST "
                + origin.path()
                + "/ HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n"
                + body
                + SECOND;
        if (trickled) {
          trickle(caller, bytes);
        } else {
          caller.send(bytes);
        }
        assertRefused(400, caller);
        assertEquals("broken", origin.told());
      }
    }
  }

  @Test
  void aHeadMayBeAsLargeAsTheLimitsAndNoLarger() throws Exception {
    try (Origin origin = Origin.answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) {
      String path = origin.path() + "/";
      String longest = path + "a".repeat(16_384 - path.length());
      assertEquals(200, status("GET " + longest + " HTTP/1.1\r\nHost: gw\r\n\r\n"));
      assertEquals(414, status("GET " + longest + "a HTTP/1.1\r\nHost: gw\r\n\r\n"));
      assertEquals(414, status("GET " + longest + "a".repeat(60_000)));

      String start = "GET " + path + " HTTP/1.1\r\n";
      String lines = "Host: gw\r\n" + "X: 1\r\n".repeat(255);
      assertEquals(200, status(start + lines + "\r\n"));
      assertEquals(431, status(start + lines + "X: 1\r\n\r\n"));

      String full = "X: " + "a".repeat(65_536 - "Host: gwX: ".length()) + "\r\n";
      assertEquals(200, status(start + "Host: gw\r\n" + full + "\r\n"));
      assertEquals(431, status(start + "Host: gw\r\nY:\r\n" + full + "\r\n"));
      assertEquals(431, status(start + "X: " + "a".repeat(100_000)));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"\r\n", "\r\n\r\n"})
  void emptyLinesBeforeARequestAreSkipped(String lines) throws Exception {
    assertEquals(200, status(lines + "GET /healthz HTTP/1.1\r\nHost: gw\r\n\r\n"));
  }

  private static int status(String request) throws Exception {
    try (Caller caller = gateway.caller()) {
      try {
        caller.send(request);
      } catch (java.io.IOException refusedEarly) {
        // the answer can still be read
      }
      Response response = caller.response();
      assertTrue(response.status() == 200 || "close".equals(response.header("connection")));
      return response.status();
    }
  }
}
