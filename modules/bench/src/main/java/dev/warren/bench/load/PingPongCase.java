package dev.warren.bench.load;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Small messages to and fro over one connection: bytes behind an upgrade, and a WebSocket. */
final class PingPongCase implements Case {
  @Override
  public String name() {
    return "ping-pong";
  }

  @Override
  public List<Figure> run(Stage stage, Plan plan, PrintStream progress) {
    List<Figure> figures = new ArrayList<>();
    for (PingPong.Kind kind : PingPong.Kind.values()) {
      for (Subject subject : Subject.ROUND) {
        PingPong.run(stage, subject, kind, plan.pings());
      }
      Rounds rounds =
          Rounds.run(
              stage,
              plan.rounds(),
              Subject.ROUND,
              progress,
              subject -> {
                Series micros = PingPong.run(stage, subject, kind, plan.pings());
                Map<String, Double> values = new LinkedHashMap<>();
                values.put("us median", micros.median());
                values.put("us 99 %", micros.quantile(0.99));
                return new Rounds.Outcome(values, plan.pings() / RequestsCase.COST_UNIT);
              });
      String name = "ping-pong of " + PingPong.BYTES + " bytes, " + kind + ", ";
      figures.add(
          rounds.figure(name + "median", "us median", "us", Targets.NONE, rounds.costs("10,000")));
      figures.add(rounds.figure(name + "99th percentile", "us 99 %", "us", Targets.NONE, ""));
    }
    return figures;
  }
}
