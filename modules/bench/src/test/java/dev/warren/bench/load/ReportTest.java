package dev.warren.bench.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ReportTest {
  private static Series series(double... values) {
    Series series = new Series();
    for (double value : values) {
      series.add(value);
    }
    return series;
  }

  private static Figure download(double warren) {
    Map<Subject, Series> rates = new EnumMap<>(Subject.class);
    rates.put(Subject.NGINX, series(100, 110, 90));
    rates.put(Subject.NGINX_AGAIN, series(100, 120, 95));
    rates.put(Subject.WARREN, series(warren));
    rates.put(Subject.PEER, series(50));
    return Rounds.figure(
        "download", "MB/s", rates, Targets.atLeast(0.7, 0.5), "", series(1.5, 2.5));
  }

  @Test
  void medianLiesBetweenTheTwoInTheMiddle() {
    assertEquals(2, series(3, 1, 2).median());
    assertEquals(2.5, series(4, 1, 3, 2).median());
    assertEquals(4, series(4, 1, 3, 2).largest());
    assertThrows(IllegalStateException.class, () -> series().median());
  }

  @Test
  void ratioIsAgainstAllRunsOfTheYardstickAndNoiseIsTheYardstickAgainstItself() {
    Figure figure = download(70);
    assertEquals(0.7, figure.verdict(Subject.WARREN).ratio());
    assertEquals(0.5, figure.verdict(Subject.PEER).ratio());
    assertEquals(1, figure.noise());
    assertTrue(figure.met());
    assertFalse(download(69).met());
  }

  @Test
  void targetsAreMetAtTheLimit() {
    assertTrue(Figure.Target.atMost(3).metBy(3));
    assertFalse(Figure.Target.atMost(3).metBy(3.01));
    assertTrue(Figure.Target.NONE.metBy(Double.NaN));
  }

  @Test
  void tableSaysWhatWasMissed() {
    Report report = new Report("2 cores", "today", "3 rounds", List.of(download(69)));
    assertTrue(report.table().contains("MISSED"), report.table());
    assertFalse(report.met());
  }

  @Test
  void jsonHoldsEveryValue() {
    Report report = new Report("2 cores", "today", "3 rounds", List.of(download(80)));
    Config figure = ConfigFactory.parseString(report.json()).getConfigList("figures").get(0);
    assertEquals(List.of(100.0, 110.0, 90.0), figure.getDoubleList("raw.nginx"));
    assertEquals(0.8, figure.getDouble("verdicts.Warren.ratio"));
    assertTrue(figure.getBoolean("verdicts.Warren.met"));
  }

  @Test
  void heapIsTheSumOfItsGenerations() {
    Heap.Size size =
        Heap.parse(
            """
            4711:
             def new generation   total 9792K, used 0K [0x0, 0x1, 0x2)
              eden space 8704K,   0% used [0x0, 0x1, 0x2)
             tenured generation   total 21888K, used 3000K [0x0, 0x1, 0x2)
               the space 21888K,  13% used [0x0, 0x1, 0x2)
             Metaspace       used 20000K, committed 20480K, reserved 1073152K
            """);
    assertEquals(3000 * 1024, size.liveBytes());
    assertEquals((9792 + 21888) * 1024, size.committedBytes());
    assertThrows(LoadException.class, () -> Heap.parse("nothing"));
  }

  @Test
  void costsAreToldForOneUnit() {
    Costs costs = new Costs();
    costs.add(Map.of("gateway", 1.0), Map.of("gateway", 2.0), 0.5);
    costs.add(Map.of("gateway", 2.0), Map.of("gateway", 4.0), 0.5);
    assertEquals(3.0, costs.perUnit().get("gateway"));
  }
}
