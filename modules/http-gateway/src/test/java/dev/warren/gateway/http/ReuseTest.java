package dev.warren.gateway.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.gateway.access.Decision;
import dev.warren.gateway.access.Principal;
import dev.warren.gateway.http.HttpSettings.Reuse;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When a stream is used again, and when it must not be. */
class ReuseTest {
  private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  private static final Reuse LONG = new Reuse(64, 1_024, Duration.ofMinutes(1));

  private static Gateway gateway(Reuse reuse) {
    Gateway.Options options = new Gateway.Options().settings(s -> s.withReuse(reuse));
    options.loops = 1; // streams are kept for each loop
    return new Gateway(options);
  }

  private static void get(Caller caller, Origin origin, String... headers) throws Exception {
    caller.send("GET " + origin.path() + "/ HTTP/1.1\r\nHost: gw\r\n");
    for (String header : headers) {
      caller.send(header + "\r\n");
    }
    Response response = caller.send("\r\n").response();
    assertEquals("ok", response.text());
  }

  @Test
  void oneStreamServesManyRequestsOfManyConnections() throws Exception {
    try (Gateway gateway = gateway(LONG);
        Origin origin = Origin.answering(OK)) {
      for (int connection = 0; connection < 5; connection++) {
        try (Caller caller = gateway.caller()) {
          for (int i = 0; i < 20; i++) {
            get(caller, origin);
          }
        }
      }
      assertEquals(1, origin.connections());
      Eventually.holds(() -> gateway.services.idle().size() == 1);
    }
  }

  @Test
  void pipelinedRequestsAreServedInOrderOverOneStream() throws Exception {
    try (Gateway gateway = gateway(LONG);
        Origin origin =
            Origin.start(
                connection -> {
                  while (true) {
                    String start = connection.request().start();
                    connection.send(
                        "HTTP/1.1 200 OK\r\nContent-Length: "
                            + start.length()
                            + "\r\n\r\n"
                            + start);
                  }
                });
        Caller caller = gateway.caller()) {
      StringBuilder all = new StringBuilder();
      for (int i = 0; i < 50; i++) {
        all.append("GET ").append(origin.path()).append("/").append(i);
        all.append(" HTTP/1.1\r\nHost: gw\r\n\r\n");
      }
      caller.send(all.toString());
      caller.endOutput(); // the last answers come all the same
      for (int i = 0; i < 50; i++) {
        assertEquals("GET /" + i + " HTTP/1.1", caller.response().text());
      }
      assertEquals("", caller.rest());
      assertEquals(1, origin.connections());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nWWW-Authenticate: NTLM\r\nContent-Length: 2\r\n\r\nok"
      })
  void responsesAfterWhichNoStreamIsUsedAgain(String response) throws Exception {
    try (Gateway gateway = gateway(LONG);
        Origin origin = Origin.answering(response);
        Caller caller = gateway.caller()) {
      get(caller, origin);
      get(caller, origin);
      assertEquals(2, origin.connections());
      Eventually.holds(() -> gateway.services.idle().size() == 0);
    }
  }

  @Test
  void credentialsThatCountForAConnectionAreSharedWithNobody() throws Exception {
    try (Gateway gateway = gateway(LONG);
        Origin origin = Origin.answering(OK);
        Caller caller = gateway.caller()) {
      get(caller, origin, "Authorization: Negotiate abc");
      get(caller, origin);
      assertEquals(2, origin.connections());
    }
  }

  @Test
  void everyCallerHasStreamsOfItsOwn() throws Exception {
    Gateway.Options options = new Gateway.Options().settings(s -> s.withReuse(LONG));
    options.loops = 1;
    options.authorizer =
        request -> new Decision.Allowed(new Principal(request.head().headers().get("X-Who")));
    try (Gateway gateway = new Gateway(options);
        Origin origin = Origin.answering(OK);
        Caller caller = gateway.caller()) {
      get(caller, origin, "X-Who: ann");
      get(caller, origin, "X-Who: bob");
      get(caller, origin, "X-Who: ann");
      get(caller, origin, "X-Who: bob");
      assertEquals(2, origin.connections());
    }
  }

  @Test
  void aWaitingStreamThatItsTargetClosesIsForgotten() throws Exception {
    try (Gateway gateway = gateway(LONG);
        Origin origin =
            Origin.start(
                connection -> {
                  connection.request();
                  connection.send(OK);
                  assertEquals("close", connection.origin().heard());
                });
        Caller caller = gateway.caller()) {
      get(caller, origin);
      Eventually.holds(() -> gateway.services.idle().size() == 1);
      origin.say("close");
      Eventually.holds(() -> gateway.services.idle().size() == 0);
      get(caller, origin);
      assertEquals(2, origin.connections());
      origin.say("close");
    }
  }

  @Test
  void aWaitingStreamOnWhichBytesArriveIsForgotten() throws Exception {
    try (Gateway gateway = gateway(LONG);
        Origin origin =
            Origin.start(
                connection -> {
                  connection.request();
                  connection.send(OK);
                  assertEquals("speak", connection.origin().heard());
                  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
                  connection.awaitEnd();
                });
        Caller caller = gateway.caller()) {
      get(caller, origin);
      Eventually.holds(() -> gateway.services.idle().size() == 1);
      origin.say("speak");
      Eventually.holds(() -> gateway.services.idle().size() == 0);
    }
  }

  @Test
  void aRequestThatMayHaveReachedTheTargetIsNotRepeated() throws Exception {
    try (Gateway gateway = gateway(LONG);
        Origin origin =
            Origin.start(
                connection -> {
                  connection.request();
                  connection.send(OK);
                  connection.request();
                  connection.origin().tell("second"); // and no answer
                });
        Caller caller = gateway.caller()) {
      get(caller, origin);
      Response response = caller.head("GET " + origin.path() + "/ HTTP/1.1", "Host: gw").response();
      assertEquals("second", origin.told());
      assertEquals(502, response.status());
      assertEquals(1, origin.connections());
    }
  }

  @Test
  void theLimitsOnWaitingStreamsHold() throws Exception {
    try (Gateway gateway = gateway(new Reuse(2, 3, Duration.ofMinutes(1)));
        Origin first = Origin.answering(OK);
        Origin second = Origin.answering(OK)) {
      together(gateway, first, 4);
      Eventually.holds(() -> gateway.services.idle().size() == 2);
      together(gateway, second, 4);
      Eventually.holds(() -> gateway.services.idle().size() == 3);
    }
    try (Gateway gateway = gateway(new Reuse(0, 3, Duration.ofMinutes(1)));
        Origin origin = Origin.answering(OK);
        Caller caller = gateway.caller()) {
      get(caller, origin);
      get(caller, origin);
      assertEquals(2, origin.connections());
    }
  }

  /** Requests that are under way at the same time, so that each has a stream of its own. */
  private static void together(Gateway gateway, Origin origin, int count) throws Exception {
    Caller[] callers = new Caller[count];
    for (int i = 0; i < count; i++) {
      callers[i] = gateway.caller();
      callers[i].head("POST " + origin.path() + "/ HTTP/1.1", "Host: gw", "Content-Length: 1");
    }
    Eventually.holds(() -> origin.connections() == count);
    for (Caller caller : callers) {
      assertEquals("ok", caller.send("x").response().text());
      caller.hangUp();
    }
  }

  @Test
  void aStreamWaitsOnlyForItsTime() throws Exception {
    try (Gateway gateway = gateway(new Reuse(64, 1_024, Duration.ofMillis(20)));
        Origin origin =
            Origin.start(
                connection -> {
                  connection.request();
                  connection.send(OK);
                  connection.awaitEnd();
                  connection.origin().tell("ended");
                });
        Caller caller = gateway.caller()) {
      get(caller, origin);
      assertEquals("ended", origin.told());
      Eventually.holds(() -> gateway.services.idle().size() == 0);
    }
  }

  @Test
  void aTargetsOwnTimeShortensTheWait() throws IOException {
    assertEquals(
        TimeUnit.MILLISECONDS.toNanos(3_750), KeepAliveHeader.idleNanos("timeout=5, max=9"));
    assertEquals(TimeUnit.MILLISECONDS.toNanos(750), KeepAliveHeader.idleNanos("max=9,Timeout=1"));
    assertEquals(0, KeepAliveHeader.idleNanos("timeout=soon"));
    assertEquals(0, KeepAliveHeader.idleNanos("timeout=-3"));
    assertEquals(Long.MAX_VALUE, KeepAliveHeader.idleNanos("max=100"));
    assertTrue(KeepAliveHeader.idleNanos("timeout=99999999999") > 0);
  }
}
