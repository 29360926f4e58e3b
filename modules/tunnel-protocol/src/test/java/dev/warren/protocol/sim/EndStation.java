package dev.warren.protocol.sim;

import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.mux.Opening;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A process where streams end: an origin or an agent. */
final class EndStation implements Station {
  final World world;
  final CreditBudget budget;
  final List<App> apps = new ArrayList<>();
  Port port;
  boolean ready;
  Consumer<Opening> answer = this::ask;

  EndStation(World world, long budget) {
    this.world = world;
    this.budget = new CreditBudget(budget);
  }

  @Override
  public void ready(Port ignored) {
    ready = true;
    world.ready();
  }

  @Override
  public void opening(Port ignored, Opening opening) {
    answer.accept(opening);
  }

  private void ask(Opening opening) {
    App app = new App(this, world.plan((int) opening.open().id().low()), false);
    apps.add(app);
    app.asked(opening);
  }

  @Override
  public void pump() {
    port.pump();
  }

  @Override
  public boolean isEnd() {
    return true;
  }

  @Override
  public void check() {
    long used = budget.used();
    if (used > budget.capacity()) {
      throw new AssertionError("budget of " + budget.capacity() + " bytes exceeded: " + used);
    }
    long reserved = 0;
    for (App app : apps) {
      reserved += app.checkReserved();
    }
    if (reserved != used) {
      throw new AssertionError(
          "streams reserve " + reserved + " bytes (budget says: " + used + ")");
    }
  }

  @Override
  public void checkOver() {
    check();
    if (budget.used() != 0) {
      throw new AssertionError(budget.used() + " bytes of credit are left");
    }
    for (App app : apps) {
      if (!app.isDone()) {
        throw new AssertionError(app + " is not over");
      }
    }
  }
}
