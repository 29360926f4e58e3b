package dev.warren.cli.e2e;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Many bodies at once, up and down again. */
@Timeout(180)
class TransfersTest {
  private static final int CONNECTIONS = 50;
  private static final int MAX_BODY_BYTES = 2 << 20;

  @ParameterizedTest
  @CsvSource({"2, 1000", "1, 200"})
  void randomBodiesComeBackEqual(int loops, int requests) throws Exception {
    long seed = Long.getLong("warren.seed", System.nanoTime());
    ExecutorService threads = Executors.newFixedThreadPool(CONNECTIONS);
    try (Origin origin = Origin.echo();
        Stage stage = Stage.start(loops)) {
      AtomicInteger next = new AtomicInteger();
      Callable<Void> caller =
          () -> {
            try (Wire wire = stage.caller()) {
              for (int i = next.getAndIncrement(); i < requests; i = next.getAndIncrement()) {
                echo(wire, Stage.path(origin, "/" + i), seed + i);
              }
            }
            return null;
          };
      List<Future<Void>> callers = new ArrayList<>();
      for (int i = 0; i < CONNECTIONS; i++) {
        callers.add(threads.submit(caller));
      }
      for (Future<Void> each : callers) {
        each.get(150, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static void echo(Wire wire, String path, long seed) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    byte[] body = new byte[random.nextInt(MAX_BODY_BYTES + 1)];
    random.nextBytes(body);
    wire.head("POST " + path + " HTTP/1.1", "Host: gateway", "Content-Length: " + body.length);
    wire.send(body);
    Message answer = wire.message();
    byte[] back = answer.body(wire.in);
    assertEquals(
        200,
        answer.status(),
        () -> new String(back, 0, Math.min(200, back.length), StandardCharsets.UTF_8));
    assertArrayEquals(body, back, "seed " + seed);
  }
}
