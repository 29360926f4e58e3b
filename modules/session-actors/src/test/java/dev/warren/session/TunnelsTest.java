package dev.warren.session;

import static dev.warren.session.Some.instance;
import static dev.warren.session.Some.life;
import static dev.warren.session.Some.tunnel;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.session.Tunnels.Held;
import dev.warren.session.Tunnels.Judged;
import dev.warren.session.Tunnels.Outcome;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TunnelsTest {
  private Tunnels<String> tunnels = Tunnels.none();
  private DuplicatePolicy policy = DuplicatePolicy.NEWEST;

  private Judged<String> report(TunnelReport tunnel) {
    Judged<String> judged = tunnels.reported(policy, tunnel, "holder on " + tunnel.holder());
    tunnels = judged.tunnels();
    return judged;
  }

  private void lose(TunnelReport tunnel) {
    tunnels = tunnels.lost(tunnel.identity());
  }

  private List<TunnelReport> record() {
    return tunnels.held().stream().map(Held::tunnel).toList();
  }

  @Test
  void aReportIsKeptAndItsRepetitionChangesNothing() {
    assertEquals(Outcome.KEPT, report(tunnel(1, 1)).outcome());
    Tunnels<String> before = tunnels;
    assertEquals(Outcome.KEPT, report(tunnel(1, 1)).outcome());
    assertSame(before, tunnels);
    assertEquals(List.of(tunnel(1, 1)), record());
  }

  @Test
  void tunnelsOfOneInstanceOnSeveralGatewaysLiveSideBySide() {
    report(tunnel(1, 1));
    report(tunnel(2, 2));
    assertEquals(List.of(tunnel(1, 1), tunnel(2, 2)), record());
  }

  @Test
  void onOneGatewayTheLargerConnectionReplacesTheSmaller() {
    report(tunnel(1, 1));
    assertEquals(List.of(), report(tunnel(1, 2)).dropped());
    assertEquals(List.of(tunnel(1, 2)), record());
    assertEquals(Outcome.OUTDATED, report(tunnel(1, 1)).outcome());
    assertEquals(List.of(tunnel(1, 2)), record());
  }

  @Test
  void connectionNumbersOfAnotherLifeOfTheGatewayAreNotCompared() {
    report(tunnel(1, 9));
    TunnelReport after = new TunnelReport("g1", life(77), instance(1), 2, 1, 7, 0, "", "", "");
    report(after);
    assertEquals(2, record().size());
  }

  @Test
  void theLossOfAnOlderConnectionRemovesNoNewerOne() {
    report(tunnel(1, 2));
    lose(tunnel(1, 1));
    assertEquals(List.of(tunnel(1, 2)), record());
  }

  @Test
  void theLossOfANewerConnectionRemovesAnOlderOne() {
    report(tunnel(1, 1));
    lose(tunnel(1, 2));
    assertTrue(tunnels.isEmpty());
  }

  @Test
  void aReportThatComesAfterItsLossIsOutdated() {
    lose(tunnel(1, 1));
    assertEquals(Outcome.OUTDATED, report(tunnel(1, 1)).outcome());
    assertTrue(tunnels.isEmpty());
    assertEquals(Outcome.KEPT, report(tunnel(1, 2)).outcome());
    assertEquals(0, tunnels.losses());
  }

  @Test
  void theNewestInstanceTakesTheSessionOver() {
    report(tunnel(1, 1, 1));
    report(tunnel(2, 1, 2));
    Judged<String> judged = report(tunnel(3, 2, 1));
    assertEquals(
        List.of(tunnel(1, 1, 1), tunnel(2, 1, 2)),
        judged.dropped().stream().map(Held::tunnel).toList());
    assertEquals(List.of(tunnel(3, 2, 1)), record());
  }

  @Test
  void anInstanceOfLowerRankIsSuperseded() {
    report(tunnel(3, 2, 1));
    Judged<String> judged = report(tunnel(1, 1, 9));
    assertEquals(Outcome.SUPERSEDED, judged.outcome());
    assertEquals(tunnel(3, 2, 1), judged.by());
    assertEquals(List.of(tunnel(3, 2, 1)), record());
  }

  @Test
  void ofEqualEpochsTheRanksIncarnationDecidesAndThenTheInstanceAsUnsignedBytes() {
    TunnelReport low = new TunnelReport("g1", life(1), instance(1), 1, 5, 1, 0, "", "", "");
    TunnelReport high = new TunnelReport("g1", life(1), instance(2), 1, 5, 2, 0, "", "", "");
    assertTrue(low.compareRank(high) < 0);
    TunnelReport small =
        new TunnelReport(
            "g1", life(1), new dev.warren.protocol.StreamId(1, -1), 1, 5, 1, 0, "", "", "");
    TunnelReport large =
        new TunnelReport(
            "g1", life(1), new dev.warren.protocol.StreamId(-1, 1), 1, 5, 1, 0, "", "", "");
    assertTrue(small.compareRank(large) < 0);
    assertTrue(large.compareRank(small) > 0);
    assertEquals(0, large.compareRank(large));
  }

  @Test
  void anInstanceReturnsWhenTheOneThatHadTakenOverIsLost() {
    report(tunnel(1, 1, 1));
    report(tunnel(2, 2, 1));
    lose(tunnel(2, 2, 1));
    assertEquals(Outcome.KEPT, report(tunnel(1, 1, 1)).outcome());
  }

  @Test
  void underPoolAndRejectAllInstancesAreRecorded() {
    for (DuplicatePolicy each : List.of(DuplicatePolicy.POOL, DuplicatePolicy.REJECT)) {
      tunnels = Tunnels.none();
      policy = each;
      report(tunnel(1, 1, 1));
      report(tunnel(1, 2, 1));
      assertEquals(List.of(tunnel(1, 2, 1), tunnel(1, 1, 1)), record(), each.name());
    }
  }

  @Test
  void whatAHolderHadGoesWithItButMayBeReportedByItsNextLife() {
    report(tunnel(1, 1));
    report(tunnel(2, 2));
    tunnels = tunnels.withoutHolder("holder on g1");
    assertEquals(List.of(tunnel(2, 2)), record());
    assertEquals(Outcome.KEPT, report(tunnel(1, 1)).outcome());
  }

  @Test
  void aTunnelThatWasReportedByTheNextLifeStaysWhenTheFormerOneEnds() {
    report(tunnel(1, 1));
    tunnels = tunnels.reported(policy, tunnel(1, 1), "next").tunnels();
    tunnels = tunnels.withoutHolder("holder on g1");
    assertEquals(List.of(tunnel(1, 1)), record());
  }

  @Test
  void whatIsTakenOutByOrderMayBeReportedAgain() {
    report(tunnel(1, 1));
    tunnels = tunnels.without(tunnel(1, 2).identity());
    assertEquals(List.of(tunnel(1, 1)), record());
    tunnels = tunnels.without(tunnel(1, 1).identity());
    assertTrue(tunnels.isEmpty());
    assertEquals(Outcome.KEPT, report(tunnel(1, 1)).outcome());
  }

  @Test
  void theSixtyFifthTunnelIsRefusedUntilAnotherIsGone() {
    for (int gateway = 1; gateway <= Tunnels.MAX_TUNNELS; gateway++) {
      assertEquals(Outcome.KEPT, report(tunnel(gateway, gateway)).outcome());
    }
    assertEquals(Outcome.FULL, report(tunnel(65, 65)).outcome());
    assertEquals(64, tunnels.held().size());
    assertEquals(Outcome.KEPT, report(tunnel(64, 66)).outcome(), "in a place that it has");
    lose(tunnel(1, 1));
    assertEquals(Outcome.KEPT, report(tunnel(65, 65)).outcome());
    assertEquals(Outcome.KEPT, report(tunnel(1, 2, 1)).outcome(), "a newer instance needs none");
    assertEquals(1, tunnels.held().size());
  }

  @Test
  void beyondSixteenLossesTheOldestIsForgotten() {
    for (int gateway = 1; gateway <= Tunnels.MAX_LOSSES + 1; gateway++) {
      lose(tunnel(gateway, 1));
    }
    assertEquals(Tunnels.MAX_LOSSES, tunnels.losses());
    assertEquals(Outcome.KEPT, report(tunnel(1, 1)).outcome());
    assertEquals(Outcome.OUTDATED, report(tunnel(2, 1)).outcome());
  }

  @Test
  void longTextsOfAnAgentAreCutBetweenCharacters() {
    String fits = "x".repeat(TunnelReport.MAX_TEXT);
    assertEquals(fits, withSoftware(fits).software());
    assertEquals(fits, withSoftware(fits + "y").software());
    String pair = "x".repeat(TunnelReport.MAX_TEXT - 1) + "\uD83D\uDE00";
    assertEquals(TunnelReport.MAX_TEXT - 1, withSoftware(pair).software().length());
  }

  private static TunnelReport withSoftware(String software) {
    return new TunnelReport("g1", life(1), instance(1), 1, 1, 1, 0, "", software, "");
  }

  @Test
  void anyOrderOfReportsAndLossesWithRepetitionsLeadsToTheSameRecord() {
    long seed = Long.getLong("warren.tunnels.seed", new Random().nextLong());
    Random random = new Random(seed);
    for (int round = 0; round < 3_000; round++) {
      policy = random.nextBoolean() ? DuplicatePolicy.NEWEST : DuplicatePolicy.POOL;
      World world = new World(random);
      List<TunnelReport> expected = world.expected(policy);
      tunnels = Tunnels.none();
      List<Said> all = new ArrayList<>(world.said);
      for (Said each : world.said) {
        for (int again = random.nextInt(3); again > 0; again--) {
          all.add(each);
        }
      }
      Collections.shuffle(all, random);
      all.forEach(this::hear);
      if (policy == DuplicatePolicy.NEWEST) {
        // Those that were dropped for the sake of one that is gone by now are reported again.
        List<TunnelReport> living = new ArrayList<>(world.living.values());
        Collections.shuffle(living, random);
        living.forEach(this::report);
      }
      assertEquals(expected, record(), "round " + round + ", -Dwarren.tunnels.seed=" + seed);
    }
  }

  private void hear(Said said) {
    if (said.loss()) {
      lose(said.tunnel());
    } else {
      report(said.tunnel());
    }
  }

  private record Said(TunnelReport tunnel, boolean loss) {}

  private record Place(int gateway, int instance) {}

  /** What happens to agents of one id on some gateways, and what the gateways say of it. */
  private static final class World {
    final List<Said> said = new ArrayList<>();
    final Map<Place, TunnelReport> living = new HashMap<>();

    World(Random random) {
      int gateways = 1 + random.nextInt(4);
      int instances = 1 + random.nextInt(4);
      int steps = 1 + random.nextInt(30);
      for (int connection = 1; connection <= steps; connection++) {
        Place place = new Place(1 + random.nextInt(gateways), 1 + random.nextInt(instances));
        TunnelReport tunnel = tunnel(place.gateway(), place.instance(), connection);
        said.add(new Said(tunnel, false));
        TunnelReport before = living.put(place, tunnel);
        if (before != null && random.nextBoolean()) {
          said.add(new Said(before, true));
        }
        if (random.nextInt(3) == 0) {
          said.add(new Said(tunnel, true));
          living.remove(place);
        }
      }
    }

    List<TunnelReport> expected(DuplicatePolicy policy) {
      int best =
          policy == DuplicatePolicy.POOL
              ? 0
              : living.keySet().stream().mapToInt(Place::instance).max().orElse(0);
      return living.entrySet().stream()
          .filter(each -> best == 0 || each.getKey().instance() == best)
          .map(Map.Entry::getValue)
          .sorted(
              (a, b) -> {
                int byRank = b.compareRank(a);
                return byRank != 0 ? byRank : a.incarnation().compareTo(b.incarnation());
              })
          .toList();
    }
  }
}
