package dev.warren.gateway.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.gateway.access.Decision;
import dev.warren.gateway.access.Principal;
import dev.warren.gateway.http.HttpSettings.Callers;
import dev.warren.gateway.http.HttpSettings.Head;
import dev.warren.gateway.http.HttpSettings.KeepAlive;
import dev.warren.gateway.net.TrustedProxies;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketDecoderConfig;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker13;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Routes, answers of our own, and the life of a caller's connection. */
class FrontTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

  private static Response get(Gateway gateway, String path, String... headers) throws Exception {
    try (Caller caller = gateway.caller()) {
      return get(caller, path, headers);
    }
  }

  private static Response get(Caller caller, String path, String... headers) throws Exception {
    caller.send("GET " + path + " HTTP/1.1\r\nHost: gw\r\n");
    for (String header : headers) {
      caller.send(header + "\r\n");
    }
    return caller.send("\r\n").response();
  }

  @Test
  void healthAndReadinessAreTold() throws Exception {
    try (Gateway gateway = Gateway.start();
        Caller caller = gateway.caller()) {
      assertEquals("ok\n", get(caller, "/healthz").text());
      assertEquals("ok\n", get(caller, "/readyz?verbose").text());
      assertEquals(
          "3",
          caller.head("HEAD /readyz HTTP/1.1", "Host: gw").bodyless().header("content-length"));
      gateway.mood.ready = false;
      Response response = get(caller, "/readyz");
      assertEquals(503, response.status());
      assertEquals("not ready\n", response.text());
      assertEquals(200, get(caller, "/healthz").status());
      Response refused = caller.head("DELETE /healthz HTTP/1.1", "Host: gw").response();
      assertEquals(405, refused.status());
      assertEquals("GET, HEAD", refused.header("allow"));
    }
  }

  @Test
  void whileDrainingEveryAnswerEndsItsConnection() throws Exception {
    try (Gateway gateway = Gateway.start();
        Origin origin = Origin.answering(OK);
        Caller caller = gateway.caller()) {
      assertNull(get(caller, origin.path() + "/").header("connection"));
      gateway.mood.draining = true;
      Response last = get(caller, origin.path() + "/");
      assertEquals("close", last.header("connection"));
      assertEquals("ok", last.text());
      assertEquals("", caller.rest());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/client",
        "/clients/foo",
        "/healthz/",
        "*",
        "http://gw/healthz",
        "/service/x"
      })
  void nothingElseIsServed(String path) throws Exception {
    try (Gateway gateway = Gateway.start();
        Caller caller = gateway.caller()) {
      assertEquals(404, get(caller, path).status());
      assertEquals(200, get(caller, "/healthz").status()); // the connection lives on
    }
  }

  @ParameterizedTest
  @CsvSource({
    "/client/, 404",
    "/client/foo, 404",
    "/client/foo/http, 404",
    "/client/foo/http/, 404",
    "/client//http/h:1/, 404",
    "/client/foo*bar/http/h:1/, 404",
    "/client/%zz/http/h:1/, 404",
    "/client/foo/ftp/h:1/, 400",
    "/client/foo/HTTP/h:1/, 400",
    "/client/foo/http/h:0/, 400",
    "/client/foo/http/h:65536/, 400",
    "/client/foo/http/h:/, 400",
    "/client/foo/http/:80/, 400",
    "/client/foo/http/u@h:80/, 400",
    "/client/foo/http/::1:80/, 400",
    "/client/foo/http/h%2Fx:80/, 400",
    "/client/foo/http/h%00:80/, 400"
  })
  void pathsThatLeadNowhereAreRefusedBeforeAnyDial(String path, int status) throws Exception {
    try (Gateway gateway = Gateway.start()) {
      Response response = get(gateway, path);
      assertEquals(status, response.status(), response.text());
      assertEquals(List.of(), gateway.opener.dials());
    }
  }

  @Test
  void pathsLeadWhereTheySay() throws Exception {
    assertRoute("/client/Foo/http/h", "foo", "h:80", "h");
    assertRoute("/client/foo/https/h/x", "foo", "h:443", "h");
    assertRoute("/client/foo/http/[::1]:8080/x", "foo", "[::1]:8080", "[::1]:8080");
    assertRoute("/client/foo/http/%5B::1%5D?x", "foo", "[::1]:80", "[::1]");
    assertRoute("/client/lab%2Ffoo/http/h:1", "lab/foo", "h:1", "h:1");
  }

  private static void assertRoute(String uri, String session, String target, String host)
      throws Exception {
    ClientRoute route = ClientRoute.of(uri);
    assertEquals(session, route.session().toString());
    assertEquals(target, route.target().toString());
    assertEquals(host, route.authority());
    assertTrue(route.leads(uri));
  }

  @ParameterizedTest
  @CsvSource({
    "unknown, 404, ",
    "offline, 503, 7",
    "toomany, 429, 1",
    "forbidden, 403, ",
    "refused, 502, ",
    "late, 504, ",
    "unsupported, 501, ",
    "broken, 502, "
  })
  void aDialThatFailsIsToldByItsKind(String session, int status, String retryAfter)
      throws Exception {
    try (Gateway gateway = Gateway.start();
        Caller caller = gateway.caller()) {
      String path = "/client/" + session + "/http/127.0.0.1:9/";
      Response text = get(caller, path, "Accept: */*");
      assertEquals(status, text.status());
      assertEquals(retryAfter, text.header("retry-after"));
      assertEquals("text/plain; charset=utf-8", text.header("content-type"));
      assertEquals(gateway.opener.dials().get(0).id().publicId(), text.header("warren-stream"));
      assertEquals(
          session.equals("broken") ? "origin" : "origin, holder", text.header("warren-via"));
      if (!session.equals("broken")) {
        assertTrue(
            text.text().startsWith("session " + session + ", target 127.0.0.1:9: "), text.text());
      }
      assertEquals(text.text().length() - 1, text.text().indexOf('\n'));

      Response json = get(caller, path, "Accept: text/html, application/json;q=0.9");
      assertEquals("application/problem+json", json.header("content-type"));
      assertTrue(json.text().contains("\"status\":" + status), json.text());
    }
  }

  @Test
  void anAnswerThatTheTargetMadeCarriesNothingOfOurs() throws Exception {
    try (Gateway gateway = Gateway.start();
        Origin origin = Origin.answering(OK)) {
      Response response = get(gateway, origin.path() + "/");
      assertNull(response.header("warren-stream"));
      assertNull(response.header("warren-via"));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\u0000b\r\n\r\n",
        ""
      })
  void aTargetThatSpeaksNoGoodHttpIsBadGateway(String bytes) throws Exception {
    try (Gateway gateway = Gateway.start();
        Origin origin =
            Origin.start(
                connection -> {
                  connection.request();
                  connection.send(bytes);
                });
        Caller caller = gateway.caller()) {
      Response response = get(caller, origin.path() + "/");
      assertEquals(502, response.status());
      assertTrue(
          response.text().startsWith("session foo, target " + origin.authority() + ": "),
          response.text());
      assertNotNull(response.header("warren-stream"));
      assertEquals(200, get(caller, "/healthz").status());
    }
  }

  @Test
  void aTargetThatThinksForTooLongIsTimedOutWhereThatIsWanted() throws Exception {
    try (Gateway gateway = Gateway.start(s -> s.withResponseHeadTimeout(Duration.ofMillis(30)));
        Origin origin =
            Origin.start(
                connection -> {
                  connection.request();
                  connection.awaitEnd();
                })) {
      assertEquals(504, get(gateway, origin.path() + "/").status());
    }
  }

  @Test
  void credentialsAreJudgedBeforeAnyDial() throws Exception {
    Gateway.Options options = new Gateway.Options();
    options.authorizer =
        request ->
            switch (request.head().headers().get("Proxy-Authorization", "")) {
              case "Bearer good" -> new Decision.Allowed(new Principal("ann"));
              case "" -> new Decision.Unauthenticated("no credentials");
              default -> new Decision.Forbidden("not for " + request.session());
            };
    try (Gateway gateway = new Gateway(options);
        Origin origin =
            Origin.start(
                connection -> {
                  connection.origin().tell(String.valueOf(connection.request().headers()));
                  connection.send(OK);
                  connection.awaitEnd();
                });
        Caller caller = gateway.caller()) {
      Response unknown = get(caller, origin.path() + "/", "Authorization: Bearer good");
      assertEquals(401, unknown.status());
      assertEquals("Bearer realm=\"warren\"", unknown.header("www-authenticate"));
      Response forbidden = get(caller, origin.path() + "/", "Proxy-Authorization: Bearer bad");
      assertEquals(403, forbidden.status());
      assertEquals(
          "session foo, target " + origin.authority() + ": not for foo\n", forbidden.text());
      assertEquals(List.of(), gateway.opener.dials());

      Response allowed =
          get(caller, origin.path() + "/", "Proxy-Authorization: Bearer good", "Authorization: t");
      assertEquals("ok", allowed.text());
      String seen = origin.told();
      assertTrue(seen.contains("Authorization: t"), seen);
      assertTrue(!seen.contains("good"), seen);
      assertEquals("ann", gateway.opener.dials().get(0).caller());
    }
  }

  @Test
  void aTrustedProxysWordIsKeptAndContinued() throws Exception {
    Gateway.Options options = new Gateway.Options();
    options.proxies = TrustedProxies.parse("127.0.0.0/8");
    try (Gateway gateway = new Gateway(options);
        Origin origin =
            Origin.start(
                connection -> {
                  Response request = connection.request();
                  for (String name :
                      List.of(
                          "x-forwarded-for",
                          "x-forwarded-proto",
                          "x-forwarded-host",
                          "forwarded")) {
                    connection.origin().tell(request.header(name));
                  }
                  connection.send(OK);
                  connection.awaitEnd();
                })) {
      get(
          gateway,
          origin.path() + "/",
          "X-Forwarded-For: 192.0.2.1",
          "X-Forwarded-Proto: https",
          "X-Forwarded-Host: www.example.test",
          "Forwarded: for=192.0.2.1");
      assertEquals("192.0.2.1, 127.0.0.1", origin.told());
      assertEquals("https", origin.told());
      assertEquals("www.example.test", origin.told());
      assertEquals("for=192.0.2.1, for=127.0.0.1;host=gw;proto=http", origin.told());
    }
  }

  @Test
  void theLimitsOfACallerHold() throws Exception {
    try (Gateway gateway = Gateway.start(s -> s.withCallers(new Callers(2, 1, 1)));
        Caller first = gateway.caller();
        Caller second = gateway.caller();
        Caller third = gateway.caller()) {
      first.head("GET /client/held/http/127.0.0.1:9/ HTTP/1.1", "Host: gw");
      Eventually.holds(() -> gateway.opener.heldDials() == 1);
      Response tooManyDials = get(second, "/client/held/http/127.0.0.1:9/");
      assertEquals(429, tooManyDials.status());
      assertEquals("1", tooManyDials.header("retry-after"));
      try (Origin origin =
          Origin.start(
              connection -> {
                connection.request();
                connection.origin().tell("asked");
                connection.awaitEnd();
              })) {
        gateway.opener.letGo(); // to a port where nobody listens
        assertEquals(502, first.response().status());
        first.head("GET " + origin.path() + "/ HTTP/1.1", "Host: gw");
        assertEquals("asked", origin.told());
        second.head("GET " + origin.path() + "/ HTTP/1.1", "Host: gw");
        assertEquals("asked", origin.told());
        assertEquals(429, get(third, origin.path() + "/").status());
        first.hangUp();
        second.hangUp();
      }
    }
  }

  @Test
  void allCallersTogetherHaveALimitOfDials() throws Exception {
    Gateway.Options options =
        new Gateway.Options().settings(s -> s.withCallers(new Callers(10, 10, 1)));
    options.authorizer =
        request -> new Decision.Allowed(new Principal(request.head().headers().get("X-Who")));
    try (Gateway gateway = new Gateway(options);
        Caller first = gateway.caller()) {
      first.head("GET /client/held/http/127.0.0.1:9/ HTTP/1.1", "Host: gw", "X-Who: ann");
      Eventually.holds(() -> gateway.opener.heldDials() == 1);
      Response response = get(gateway, "/client/held/http/127.0.0.1:9/", "X-Who: bob");
      assertEquals(503, response.status());
      assertEquals("1", response.header("retry-after"));
      gateway.opener.letGo();
      assertEquals(502, first.response().status());
      first.hangUp();
      Eventually.holds(() -> gateway.services.callers().size() == 0);
    }
  }

  @Test
  void aSlowHeadIsTimedOut() throws Exception {
    Head quick = new Head(16_384, 65_536, 256, Duration.ofMillis(50));
    try (Gateway gateway = Gateway.start(s -> s.withHead(quick));
        Caller caller = gateway.caller()) {
      assertEquals(200, get(caller, "/healthz").status());
      caller.send("GET /healthz HTT");
      Response response = caller.response();
      assertEquals(408, response.status());
      assertEquals("close", response.header("connection"));
      caller.endOutput();
      assertEquals("", caller.rest());
    }
  }

  @Test
  void anIdleConnectionIsClosed() throws Exception {
    KeepAlive brief =
        new KeepAlive(Duration.ofSeconds(1), Duration.ofSeconds(5), Duration.ofSeconds(2));
    try (Gateway gateway = Gateway.start(s -> s.withKeepAlive(brief));
        Caller silent = gateway.caller();
        Caller caller = gateway.caller()) {
      assertEquals(200, get(caller, "/healthz").status());
      assertEquals("", caller.rest());
      assertEquals("", silent.rest());
    }
  }

  @Test
  void whatCallersPipelineIsNotReadWithoutBound() throws Exception {
    try (Gateway gateway = Gateway.start();
        Caller caller = gateway.caller()) {
      caller.head("GET /client/held/http/127.0.0.1:9/ HTTP/1.1", "Host: gw");
      Eventually.holds(() -> gateway.opener.heldDials() == 1);
      CallerRequestDecoder decoder =
          gateway.callers.get(0).pipeline().get(CallerRequestDecoder.class);
      Thread sender =
          new Thread(
              () -> {
                try {
                  for (int i = 0; i < 100_000; i++) {
                    caller.head("GET /healthz HTTP/1.1", "Host: gw");
                  }
                } catch (java.io.IOException ended) {
                  // with the test
                }
              });
      sender.start();
      Eventually.holds(() -> decoder.waitingBytes() > 0);
      long most = Eventually.standsStill(decoder::waitingBytes);
      assertTrue(most <= 1 << 20, most + " bytes are waiting");
      gateway.opener.letGo();
      assertEquals(502, caller.response().status());
      assertEquals(200, caller.response().status());
      caller.hangUp();
      sender.join();
    }
  }

  /** Netty's own handshaker must find the pipeline as it wants it. */
  @Test
  void connectHandsOverAConnectionThatCanBecomeAWebSocket() throws Exception {
    Gateway.Options options = new Gateway.Options();
    options.connect =
        (channel, head) -> {
          WebSocketServerHandshaker13 handshaker =
              new WebSocketServerHandshaker13(
                  "ws://gw/connect", "warren.v1", WebSocketDecoderConfig.newBuilder().build());
          channel.pipeline().addLast(new Echo());
          handshaker.handshake(channel, head);
          channel.config().setAutoRead(true);
        };
    try (Gateway gateway = new Gateway(options);
        Caller caller = gateway.caller()) {
      caller.head(
          "GET /connect HTTP/1.1",
          "Host: gw",
          "Connection: Upgrade",
          "Upgrade: websocket",
          "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
          "Sec-WebSocket-Protocol: warren.v1");
      Response switched = Response.head(caller.in());
      assertEquals(101, switched.status());
      assertEquals("warren.v1", switched.header("sec-websocket-protocol"));
      // A masked binary frame of two bytes comes back unmasked.
      caller.send(new byte[] {(byte) 0x82, (byte) 0x82, 0, 0, 0, 0, 'h', 'i'});
      assertEquals("\u0082\u0002hi", caller.text(4));
    }
  }

  private static final class Echo extends SimpleChannelInboundHandler<WebSocketFrame> {
    @Override
    protected void channelRead0(ChannelHandlerContext ctx, WebSocketFrame frame) {
      ctx.writeAndFlush(new BinaryWebSocketFrame(Unpooled.copiedBuffer(frame.content())));
    }
  }

  @Test
  void connectTakesNoBody() throws Exception {
    try (Gateway gateway = Gateway.start();
        Caller caller = gateway.caller()) {
      caller.head("POST /connect HTTP/1.1", "Host: gw", "Content-Length: 1");
      assertEquals(400, caller.response().status());
      caller.endOutput();
      assertEquals("", caller.rest());
    }
  }
}
