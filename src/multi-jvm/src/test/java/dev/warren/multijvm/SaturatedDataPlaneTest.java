package dev.warren.multijvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.multijvm.load.Download;
import dev.warren.multijvm.process.GatewayCluster;
import dev.warren.multijvm.process.GatewayProcess;
import dev.warren.multijvm.process.LogsOnFailure;
import dev.warren.multijvm.process.OriginProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Every gateway moves as many bytes as it can, for {@code -Dwarren.multijvm.saturated=SECONDS}, 60
 * otherwise.
 */
@ExtendWith(LogsOnFailure.class)
class SaturatedDataPlaneTest {
  private static final int AS_FAST_AS_POSSIBLE = Integer.MAX_VALUE;
  private static final int DOWNLOADS = 9;
  private static GatewayCluster cluster;
  private static OriginProcess origin;

  @BeforeAll
  static void start() throws Exception {
    origin = OriginProcess.shared();
    cluster = GatewayCluster.shared();
  }

  @AfterAll
  static void stop() {
    cluster.closeAgents();
  }

  @Test
  @Tag("chaos")
  void noMemberBecomesUnreachable() throws Exception {
    Duration span = Duration.ofSeconds(Integer.getInteger("warren.multijvm.saturated", 60));
    List<GatewayProcess> all = cluster.all();
    for (GatewayProcess gateway : all) {
      cluster.agent("full-" + gateway.id(), List.of(gateway)).awaitUp();
    }
    List<Integer> unreachable = unreachable();
    List<Download> downloads = new ArrayList<>();
    for (int i = 0; i < DOWNLOADS; i++) {
      downloads.add(
          Download.start(
              all.get(i % all.size()).caller(),
              origin.large("full-" + all.get(i / all.size() % all.size()).id()),
              OriginProcess.largeBytes(),
              AS_FAST_AS_POSSIBLE));
    }
    Thread.sleep(span.toMillis());
    long bytes = 0;
    for (Download download : downloads) {
      bytes += download.stop();
    }
    System.out.println(
        "saturated for " + span + ": " + (bytes >> 20) + " MiB in " + DOWNLOADS + " downloads");
    assertTrue(bytes > 0);
    assertEquals(unreachable, unreachable(), "members that became unreachable, by log");
    GatewayCluster.assertOne(all);
  }

  private static List<Integer> unreachable() {
    return cluster.all().stream()
        .map(gateway -> gateway.log().events("control.member-changed", "reachable=false").size())
        .toList();
  }
}
