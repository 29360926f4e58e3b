package dev.warren.cli.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.AgentSettings;
import io.netty.util.internal.PlatformDependent;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Parts die or fall silent in the middle of transfers. Callers see a broken transfer, never a short
 * one that looks complete, and nothing of it stays behind.
 */
@Timeout(120)
class FaultsTest {
  private static final int TRANSFERS = 20;
  private static final int UNDER_WAY_BYTES = 256 * 1024;
  private static final long NEVER_ENDING_BYTES = 1L << 40;

  /** Of the agent's wish, which holds: dead is silent for 3 of them, or deaf for 12. */
  private static final Duration HEARTBEAT = Duration.ofMillis(150);

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final CountDownLatch underWay = new CountDownLatch(2 * TRANSFERS);
  private int descriptors;

  /** So that what a first use opens for good is open before anybody counts. */
  @BeforeAll
  static void warmUp() throws Exception {
    try (Origin origin = Origin.echo();
        Stage stage = Stage.cabled(2, agent -> agent)) {
      assertEquals(200, stage.get(Stage.path(origin, "/")).status());
    }
  }

  @BeforeEach
  void count() {
    descriptors = Stage.descriptors();
  }

  @AfterEach
  void stop() {
    threads.shutdownNow();
    Stage.awaitDescriptors(descriptors);
  }

  /**
   * A target without end: it sends for ever what it was asked for by GET, by length or in chunks,
   * and takes for ever what comes by POST.
   */
  private Origin endless() throws IOException {
    return Origin.start(
        connection -> {
          Message request = connection.message();
          if (request.start().startsWith("POST")) {
            long arrived = 0;
            byte[] some = new byte[65_536];
            for (int n = connection.in.read(some); n >= 0; n = connection.in.read(some)) {
              if (arrived < UNDER_WAY_BYTES && arrived + n >= UNDER_WAY_BYTES) {
                underWay.countDown();
              }
              arrived += n;
            }
            throw new AssertionError("an upload that broke ended well for the target");
          } else if (request.start().contains("/ok")) {
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
          } else if (request.start().contains("/chunks")) {
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            String chunk = "4000\r\n" + "x".repeat(0x4000) + "\r\n";
            while (true) {
              connection.send(chunk);
            }
          } else {
            connection.send(
                "HTTP/1.1 200 OK\r\nContent-Length: " + NEVER_ENDING_BYTES + "\r\n\r\n");
            byte[] some = new byte[0x4000];
            while (true) {
              connection.send(some);
            }
          }
        });
  }

  /**
   * Reads a download to its end.
   *
   * @return how it ended
   */
  private String download(Stage stage, String path, String version) throws IOException {
    try (Wire caller = stage.caller()) {
      caller.head("GET " + path + " HTTP/" + version, "Host: gateway");
      Message answer = caller.message();
      assertEquals(200, answer.status());
      String last = "";
      long arrived = 0;
      byte[] some = new byte[65_536];
      try {
        for (int n = caller.in.read(some); n >= 0; n = caller.in.read(some)) {
          if (arrived < UNDER_WAY_BYTES && arrived + n >= UNDER_WAY_BYTES) {
            underWay.countDown();
          }
          arrived += n;
          last =
              new String(
                  some,
                  Math.max(0, n - 5),
                  Math.min(5, n),
                  java.nio.charset.StandardCharsets.UTF_8);
        }
      } catch (SocketTimeoutException e) {
        return "never ended";
      } catch (SocketException e) {
        return "broken";
      }
      if (answer.chunked()) {
        return last.equals("0\r\n\r\n") ? "looks complete" : "broken";
      }
      return answer.header("content-length") == null ? "looks complete" : "broken";
    }
  }

  /** Sends until the connection takes no more. */
  private String upload(Stage stage, String path) throws IOException {
    try (Wire caller = stage.caller()) {
      caller.head(
          "POST " + path + " HTTP/1.1", "Host: gateway", "Content-Length: " + NEVER_ENDING_BYTES);
      byte[] some = new byte[65_536];
      try {
        while (true) {
          caller.send(some);
        }
      } catch (SocketException broken) {
        // and perhaps an answer came before
      }
      try {
        int status = caller.message().status();
        return status == 502 ? "broken" : "status " + status;
      } catch (IOException none) {
        return "broken";
      }
    }
  }

  private List<Future<String>> transfers(Stage stage, Origin origin) {
    List<Future<String>> all = new ArrayList<>();
    for (int i = 0; i < TRANSFERS; i++) {
      String path = Stage.path(origin, i % 2 == 0 ? "/chunks" : "/length");
      // To a caller of HTTP/1.0 the connection's end is the body's end: it must not be a good one.
      String version = i % 4 == 0 ? "1.0" : "1.1";
      Callable<String> download = () -> download(stage, path, version);
      Callable<String> upload = () -> upload(stage, Stage.path(origin, "/upload"));
      all.add(threads.submit(download));
      all.add(threads.submit(upload));
    }
    return all;
  }

  private void awaitUnderWay() throws InterruptedException {
    assertTrue(underWay.await(40, TimeUnit.SECONDS), () -> underWay.getCount() + " not under way");
  }

  private static void assertBroken(List<Future<String>> transfers) throws Exception {
    for (Future<String> each : transfers) {
      assertEquals("broken", each.get(40, TimeUnit.SECONDS));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void theAgentIsCutOff(int loops) throws Exception {
    try (Origin origin = endless();
        Stage stage = Stage.cabled(loops, agent -> agent)) {
      List<Future<String>> transfers = transfers(stage, origin);
      awaitUnderWay();
      stage.cable.cut();
      assertBroken(transfers);
      Eventually.holds(() -> origin.open() + " connections", () -> origin.open() == 0);
      Message offline = stage.get(Stage.path(origin, "/ok"));
      assertEquals(503, offline.status());
      assertNotNull(offline.header("retry-after"));
      stage.awaitNothingLeft(0);
      stage.cable.mend();
      stage.awaitAgent();
      assertEquals(200, stage.get(Stage.path(origin, "/ok")).status());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void theGatewayIsClosed(int loops) throws Exception {
    try (Origin origin = endless();
        Stage stage = Stage.start(loops)) {
      List<Future<String>> transfers = transfers(stage, origin);
      awaitUnderWay();
      stage.gateway.close();
      assertBroken(transfers);
      Eventually.holds(() -> origin.open() + " connections", () -> origin.open() == 0);
      stage.awaitNothingLeft(0);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void theAgentIsClosed(int loops) throws Exception {
    try (Origin origin = endless();
        Stage stage = Stage.start(loops)) {
      List<Future<String>> transfers = transfers(stage, origin);
      awaitUnderWay();
      stage.agent.close();
      assertBroken(transfers);
      Eventually.holds(() -> origin.open() + " connections", () -> origin.open() == 0);
      stage.awaitNothingLeft(0);
      assertEquals(503, stage.get(Stage.path(origin, "/ok")).status());
    }
  }

  /** Both ways, or one: then the other still carries pings, whose answers are missing. */
  @ParameterizedTest
  @CsvSource({"true, true", "true, false", "false, true"})
  void aNetworkThatSwallowsEverythingIsFoundByTheHeartbeat(boolean outwards, boolean inwards)
      throws Exception {
    try (Origin origin = endless();
        Stage stage =
            Stage.cabled(
                2, agent -> agent.heartbeat(HEARTBEAT).connectLimit(Duration.ofSeconds(1)))) {
      List<Future<String>> transfers = transfers(stage, origin);
      awaitUnderWay();
      stage.cable.deafen(outwards, inwards);
      assertBroken(transfers);
      Eventually.holds(
          () -> origin.open() + " connections", () -> origin.open() == 0); // the agent knows, too
      Eventually.holds(
          () -> stage.gateway.sessions() + " sessions", () -> stage.gateway.sessions() == 0);
      Message offline = stage.get(Stage.path(origin, "/ok"));
      assertEquals(503, offline.status());
      assertNotNull(offline.header("retry-after"));
      stage.cable.mend();
      stage.awaitAgent();
      assertEquals(200, stage.get(Stage.path(origin, "/ok")).status());
    }
  }

  @Test
  void aDialThatTheAgentTakesWithItIsTriedAgainLater() throws Exception {
    try (Stage stage = Stage.cabled(2, agent -> agent);
        Unanswered target = Unanswered.listen();
        Wire caller = stage.caller()) {
      caller.head(
          "GET /client/foo/http/127.0.0.1:" + target.port() + "/ HTTP/1.1", "Host: gateway");
      Eventually.holds(() -> "a dial at the agent", () -> stage.agent.pendingDials() == 1);
      stage.cable.cut();
      Message answer = caller.message();
      assertEquals(503, answer.status(), answer.toString());
      assertNotNull(answer.header("retry-after"));
      answer.body(caller.in);
    }
  }

  /** Stalled readers take their own credit and nothing else. */
  @ParameterizedTest
  @CsvSource({"1, 64", "64, 1"})
  void stalledCallersDoNotHoldUpOthers(int stalled, int others) throws Exception {
    long budget = 32L << 20;
    long before = PlatformDependent.usedDirectMemory();
    try (Origin origin =
            Origin.start(
                connection -> {
                  byte[] some = new byte[1 << 20];
                  while (true) {
                    Message request = connection.message();
                    int bytes = request.start().contains("/endless") ? Integer.MAX_VALUE : 2 << 20;
                    connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + bytes + "\r\n\r\n");
                    for (int left = bytes; left > 0; left -= some.length) {
                      connection.out.write(some, 0, Math.min(left, some.length));
                    }
                  }
                });
        Stage stage =
            Stage.start(
                2,
                gateway -> gateway.memoryBudgetBytes(budget),
                (AgentSettings.Builder agent) -> agent.memoryBudgetBytes(budget))) {
      List<Wire> sleepers = new ArrayList<>();
      try {
        for (int i = 0; i < stalled; i++) {
          Wire sleeper = stage.caller();
          sleepers.add(sleeper);
          sleeper.socket.setReceiveBufferSize(16 * 1024);
          sleeper.head("GET " + Stage.path(origin, "/endless") + " HTTP/1.1", "Host: gateway");
        }
        Eventually.holds(() -> origin.open() + " open", () -> origin.open() == stalled);
        List<Future<Integer>> reads = new ArrayList<>();
        for (int i = 0; i < others; i++) {
          reads.add(
              threads.submit(
                  () -> {
                    int bytes = 0;
                    for (int round = 0; round < 2; round++) {
                      try (Wire caller = stage.caller()) {
                        caller.head(
                            "GET " + Stage.path(origin, "/some") + " HTTP/1.1", "Host: gateway");
                        Message answer = caller.message();
                        assertEquals(200, answer.status());
                        bytes += answer.body(caller.in).length;
                      }
                    }
                    return bytes;
                  }));
        }
        for (Future<Integer> read : reads) {
          assertEquals(4 << 20, read.get(60, TimeUnit.SECONDS));
          assertTrue(stage.gateway.creditInUse() <= budget, "credit beyond the budget");
          // What gateway and agent may hold, and the same again for whole chunks of the pool.
          long grown = PlatformDependent.usedDirectMemory() - before;
          assertTrue(grown <= 4 * budget, () -> "direct memory grew by " + grown);
        }
        for (Wire sleeper : sleepers) {
          assertFalse(sleeper.socket.isClosed());
        }
      } finally {
        for (Wire sleeper : sleepers) {
          sleeper.reset();
        }
      }
      Eventually.holds(() -> origin.open() + " open", () -> stage.gateway.connections() == 1);
    }
  }
}
