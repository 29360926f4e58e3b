package dev.warren.gateway.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What a request and its response look like on the other side. */
@SuppressWarnings("StringConcatToTextBlock") // line ends are CRLF and stand in sight
class ProxyTest {
  private static Gateway gateway;

  @BeforeAll
  static void start() {
    gateway = Gateway.start();
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  /** Sends a request through, answers it, and returns what the origin read. */
  private static Response seenByOrigin(String... head) throws Exception {
    Response[] seen = new Response[1];
    try (Origin origin =
            Origin.start(
                connection -> {
                  seen[0] = connection.request();
                  connection.send("HTTP/1.1 204 No Content\r\n\r\n");
                  connection.awaitEnd();
                });
        Caller caller = gateway.caller()) {
      String[] lines = head.clone();
      for (int i = 0; i < lines.length; i++) {
        lines[i] = lines[i].replace("{o}", origin.path()).replace("{a}", origin.authority());
      }
      caller.head(lines);
      assertEquals(204, caller.response().status());
      for (int i = 0; i < seen[0].headers().size(); i++) {
        seen[0].headers().set(i, seen[0].headers().get(i).replace(origin.authority(), "{a}"));
      }
    }
    return seen[0];
  }

  /** Answers a plain GET with this response and returns what the caller read. */
  private static Response seenByCaller(String response) throws Exception {
    try (Origin origin = Origin.answering(response);
        Caller caller = gateway.caller()) {
      return caller.head("GET " + origin.path() + "/ HTTP/1.1", "Host: gw").response();
    }
  }

  @Test
  void pathAndQueryPassByteForByte() throws Exception {
    String path = "/a%2Fb/../c;x=1/%e4%zz//d?q=%20+&r=/client/?&&";
    assertEquals(
        "GET " + path + " HTTP/1.1",
        seenByOrigin("GET {o}" + path + " HTTP/1.1", "Host: gw").start());
  }

  @Test
  void bytesBeyondAsciiInTheTargetPassByteForByte() throws Exception {
    String path = "/\u00c3\u00bc\u00ff?\u0080";
    assertEquals(
        "GET " + path + " HTTP/1.1",
        seenByOrigin("GET {o}" + path + " HTTP/1.1", "Host: gw").start());
  }

  @Test
  void noPathMeansSlash() throws Exception {
    assertEquals("GET / HTTP/1.1", seenByOrigin("GET {o} HTTP/1.1", "Host: gw").start());
    assertEquals("GET /?a=b HTTP/1.1", seenByOrigin("GET {o}?a=b HTTP/1.1", "Host: gw").start());
  }

  @Test
  void theSessionMayBePercentEncoded() throws Exception {
    try (Origin origin = Origin.answering("HTTP/1.1 204 No Content\r\n\r\n");
        Caller caller = gateway.caller()) {
      String path = "/client/%66O%6f/http/" + origin.authority() + "/";
      assertEquals(204, caller.head("GET " + path + " HTTP/1.1", "Host: gw").response().status());
    }
  }

  @Test
  void unknownMethodsPass() throws Exception {
    assertEquals("X-M~1 /p HTTP/1.1", seenByOrigin("X-M~1 {o}/p HTTP/1.1", "Host: gw").start());
  }

  @Test
  void otherHeadersKeepNameValueAndOrder() throws Exception {
    Response seen =
        seenByOrigin(
            "GET {o}/ HTTP/1.1",
            "aCCept: */*",
            "HOST: gw:99",
            "X-a: 1",
            "Authorization: Basic abc",
            "x-A: 2",
            "cookie: a=b; c=\"d\"",
            "X-Latin: \u00e4\u00ff",
            "Empty:");
    assertEquals(
        List.of(
            "aCCept: */*",
            "HOST: {a}",
            "X-a: 1",
            "Authorization: Basic abc",
            "x-A: 2",
            "cookie: a=b; c=\"d\"",
            "X-Latin: \u00e4\u00ff",
            "Empty: ",
            "X-Forwarded-For: 127.0.0.1",
            "X-Forwarded-Proto: http",
            "X-Forwarded-Host: gw:99",
            "Forwarded: for=127.0.0.1;host=\"gw:99\";proto=http"),
        seen.headers());
  }

  @Test
  void headersOfTheConnectionAndOursDoNotPass() throws Exception {
    Response seen =
        seenByOrigin(
            "GET {o}/ HTTP/1.1",
            "Host: gw",
            "Connection: keep-alive, X-Named , ,TE, Content-Length, host",
            "X-Named: 1",
            "Keep-Alive: 300",
            "Proxy-Authorization: Basic abc",
            "Proxy-Connection: keep-alive",
            "PROXY-anything: 1",
            "Proxy: stays",
            "TE: gzip, trailers",
            "Upgrade: h2c",
            "Trailer: X-T",
            "Content-Length: 0",
            "X-Warren-Authorization: Bearer t",
            "X-Tunnel-ID: foo",
            "X-Forwarded-For: 6.6.6.6",
            "X-Forwarded-Proto: https",
            "X-Forwarded-Host: evil",
            "Forwarded: for=6.6.6.6");
    assertEquals(
        List.of(
            "Host: {a}",
            "Proxy: stays",
            "Trailer: X-T",
            "Content-Length: 0",
            "te: trailers",
            "Connection: TE",
            "X-Forwarded-For: 127.0.0.1",
            "X-Forwarded-Proto: http",
            "X-Forwarded-Host: gw",
            "Forwarded: for=127.0.0.1;host=gw;proto=http"),
        seen.headers());
  }

  @Test
  void aResponseKeepsStatusReasonAndHeaders() throws Exception {
    Response seen =
        seenByCaller(
            "HTTP/1.1 299 Quite \u00e4 Reason\r\nserver: x\r\nSet-Cookie: a=b\r\nSeT-CookIe: c=d\r\n"
                + "Connection: X-Named, keep-alive\r\nX-Named: 1\r\nKeep-Alive: timeout=5\r\n"
                + "Content-Type: text/Plain;charset=UTF-8\r\nX-Latin: \u00e4\r\n"
                + "Content-Length: 2\r\n\r\nhi");
    assertEquals("HTTP/1.1 299 Quite \u00e4 Reason", seen.start());
    assertEquals(
        List.of(
            "server: x",
            "Set-Cookie: a=b",
            "SeT-CookIe: c=d",
            "Content-Type: text/Plain;charset=UTF-8",
            "X-Latin: \u00e4",
            "Content-Length: 2"),
        seen.headers());
    assertEquals("hi", seen.text());
  }

  @Test
  void aChunkedResponseStaysChunkedWithItsTrailers() throws Exception {
    Response seen =
        seenByCaller(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                + "3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nX-Sum: 7\r\nx-more: 1\r\n\r\n");
    assertEquals("abcdefg", seen.text());
    assertEquals(List.of("X-Sum: 7", "x-more: 1"), seen.trailers());
    assertEquals("X-Sum", seen.header("trailer"));
    assertNull(seen.header("content-length"));
  }

  @Test
  void aCloseDelimitedResponseBecomesChunked() throws Exception {
    try (Origin origin =
            Origin.start(
                connection -> {
                  connection.request();
                  connection.send("HTTP/1.0 200 OK\r\n\r\nall of it");
                });
        Caller caller = gateway.caller()) {
      for (int i = 0; i < 2; i++) { // the caller's connection lives on
        Response seen = caller.head("GET " + origin.path() + "/ HTTP/1.1", "Host: gw").response();
        assertEquals("all of it", seen.text());
        assertEquals("chunked", seen.header("transfer-encoding"));
        assertNull(seen.header("connection"));
      }
    }
  }

  @Test
  void headAndBodylessStatusesHaveNoBodyAndKeepTheirLength() throws Exception {
    try (Origin origin =
            Origin.start(
                connection -> {
                  while (true) {
                    Response request = connection.request();
                    connection.send(
                        request.start().startsWith("HEAD")
                            ? "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"
                            : "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: x\r\n\r\n");
                  }
                });
        Caller caller = gateway.caller()) {
      for (int i = 0; i < 3; i++) {
        Response head = caller.head("HEAD " + origin.path() + "/ HTTP/1.1", "Host: gw").bodyless();
        assertEquals("1234", head.header("content-length"));
        Response unmodified =
            caller.head("GET " + origin.path() + "/ HTTP/1.1", "Host: gw").response();
        assertEquals(304, unmodified.status());
        assertEquals("99", unmodified.header("content-length"));
      }
      assertEquals(1, origin.connections());
    }
  }

  @Test
  void requestBodiesPassWithLengthAndChunkedWithTrailers() throws Exception {
    try (Origin origin =
            Origin.start(
                connection -> {
                  while (true) {
                    Response request = connection.request();
                    origin(connection, request);
                  }
                });
        Caller caller = gateway.caller()) {
      Response sized =
          caller
              .head("POST " + origin.path() + "/ HTTP/1.1", "Host: gw", "Content-Length: 5")
              .send("hello")
              .response();
      assertEquals("content-length=5 transfer-encoding=null hello []", sized.text());
      Response chunked =
          caller
              .head(
                  "PUT " + origin.path() + "/ HTTP/1.1",
                  "Host: gw",
                  "Transfer-Encoding: chunked",
                  "Trailer: X-T")
              .send("5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX-T: v\r\n\r\n")
              .response();
      assertEquals(
          "content-length=null transfer-encoding=chunked hello world [X-T: v]", chunked.text());
      assertEquals(1, origin.connections());
    }
  }

  private static void origin(Origin.Connection connection, Response request) throws Exception {
    String text =
        "content-length="
            + request.header("content-length")
            + " transfer-encoding="
            + request.header("transfer-encoding")
            + " "
            + request.text()
            + " "
            + request.trailers();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + text.length() + "\r\n\r\n" + text);
  }

  @Test
  void anHttp10CallerGetsWhatItUnderstands() throws Exception {
    try (Origin origin =
            Origin.answering(
                "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
                    + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
        Caller caller = gateway.caller()) {
      Response seen = caller.head("GET " + origin.path() + "/ HTTP/1.0").response();
      assertEquals(200, seen.status());
      assertNull(seen.header("transfer-encoding"));
      assertEquals("close", seen.header("connection"));
      assertEquals("hi", seen.text());
    }
    try (Origin origin = Origin.answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        Caller caller = gateway.caller()) {
      for (int i = 0; i < 2; i++) {
        Response seen =
            caller.head("GET " + origin.path() + "/ HTTP/1.0", "Connection: keep-alive").response();
        assertEquals("keep-alive", seen.header("connection"));
        assertEquals("hi", seen.text());
      }
      Response last = caller.head("GET " + origin.path() + "/ HTTP/1.0").response();
      assertEquals("close", last.header("connection"));
      assertTrue(caller.rest().isEmpty());
    }
  }

  @Test
  void interimResponsesPassAsTheyCome() throws Exception {
    try (Origin origin =
            Origin.start(
                connection -> {
                  Response.head(connection.in);
                  connection.send(
                      "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
                          + "HTTP/1.1 102 Processing\r\n\r\n");
                  connection.in.read(); // the body: the caller sends it when it has seen them
                  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                  connection.awaitEnd();
                });
        Caller caller = gateway.caller()) {
      caller.head("POST " + origin.path() + "/ HTTP/1.1", "Host: gw", "Content-Length: 1");
      Response hints = caller.response();
      assertEquals(103, hints.status());
      assertEquals("</a>; rel=preload", hints.header("link"));
      assertEquals(102, caller.response().status());
      caller.send("a");
      assertEquals("ok", caller.response().text());
    }
  }
}
