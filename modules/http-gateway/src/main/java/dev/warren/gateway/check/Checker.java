package dev.warren.gateway.check;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.check.CheckResult;
import dev.warren.peer.check.CheckResults;
import dev.warren.peer.dial.StreamOpener;
import dev.warren.peer.route.OwnTunnel;
import dev.warren.peer.route.Route;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.SessionKey;
import io.netty.channel.EventLoopGroup;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks the targets of the settings, through the sessions that are this gateway's to check: those
 * whose oldest tunnel that takes streams ends here. All gateways come to the same answer by what
 * holders announce, without asking anybody; while they do not yet, two may check once each, which
 * does no harm. Sessions that are offline or draining are not checked.
 *
 * <p>Runs on a thread of its own, the checks themselves on event loops; nothing waits for either.
 *
 * <pre>a check: waiting -its time-> ready -fewer than atOnce-> under way -found-> waiting</pre>
 */
public final class Checker implements AutoCloseable {
  /** How often it looks which sessions there are, and whose time has come. */
  static final Duration LOOK = Duration.ofMillis(500);

  /** A check that is new here, because its session is, comes within this, or the interval. */
  static final Duration FIRST_WITHIN = Duration.ofSeconds(5);

  /** When a check comes again whose target could not be asked. */
  static final Duration AGAIN = Duration.ofSeconds(2);

  private static final Logger log = LoggerFactory.getLogger(Checker.class);

  private final GatewayIdentity self;
  private final RouteTable table;
  private final CheckResults results;
  private final CheckSettings settings;
  private final Asking asking;
  private final InstantSource clock;
  private final LongSupplier nanoClock;
  private final RandomGenerator random;
  private final Executor thread;
  private final Runnable stop;

  // Of the thread alone.
  private final Map<SessionKey, Site> sites = new HashMap<>();
  private final ArrayDeque<Turn> ready = new ArrayDeque<>();
  private long looks;
  private int underWay;

  /** How a target is asked. */
  @FunctionalInterface
  interface Asking {
    /** Never blocks, and never fails. */
    CompletionStage<Finding> ask(SessionKey session, Check check, Duration timeout);
  }

  /** A session with a tunnel here, and what is checked through it. */
  private static final class Site {
    private final List<Turn> turns = new ArrayList<>();
    private long seen;
  }

  private static final class Turn {
    private final SessionKey session;
    private final Check check;
    private long at; // nano time
    private boolean waits = true;
    private boolean ours;

    Turn(SessionKey session, Check check) {
      this.session = session;
      this.check = check;
    }
  }

  /** Which tunnel a check goes through, most likely. */
  private record Way(OwnTunnel tunnel, long connection) {}

  Checker(
      GatewayIdentity self,
      RouteTable table,
      CheckResults results,
      CheckSettings settings,
      Asking asking,
      InstantSource clock,
      LongSupplier nanoClock,
      RandomGenerator random,
      Executor thread,
      Runnable stop) {
    this.self = self;
    this.table = table;
    this.results = results;
    this.settings = settings;
    this.asking = asking;
    this.clock = clock;
    this.nanoClock = nanoClock;
    this.random = random;
    this.thread = thread;
    this.stop = stop;
  }

  /**
   * Begins to check.
   *
   * @param results where what is found goes, and what was found before
   */
  public static Checker start(
      GatewayIdentity self,
      RouteTable table,
      CheckResults results,
      CheckSettings settings,
      StreamOpener opener,
      EventLoopGroup loops) {
    ScheduledExecutorService thread =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread made = new Thread(task, "warren-checks");
              made.setDaemon(true);
              return made;
            });
    Checker checker =
        new Checker(
            self,
            table,
            results,
            settings,
            (session, check, timeout) -> Probe.start(opener, session, check, timeout, loops.next()),
            InstantSource.system(),
            System::nanoTime,
            new SplittableRandom(),
            thread,
            thread::shutdownNow);
    thread.scheduleWithFixedDelay(
        checker::look, LOOK.toMillis(), LOOK.toMillis(), TimeUnit.MILLISECONDS);
    return checker;
  }

  /** Which sessions are here, and whose time has come. */
  void look() {
    try {
      looks++;
      for (OwnTunnel tunnel : table.ownTunnels()) {
        Site site = sites.computeIfAbsent(tunnel.session(), this::site);
        if (site.seen != looks) {
          site.seen = looks;
          look(tunnel.session(), site);
        }
      }
      sites.values().removeIf(site -> site.seen != looks);
      startMore();
    } catch (RuntimeException e) { // the next look must come
      log.atError().setCause(e).log("checks.failed");
    }
  }

  private Site site(SessionKey session) {
    Site site = new Site();
    Map<String, Check> matching = new LinkedHashMap<>();
    for (Check check : settings.checks()) {
      if (check.matches(session)) {
        matching.putIfAbsent(check.text(), check);
      }
    }
    matching.values().forEach(check -> site.turns.add(new Turn(session, check)));
    return site;
  }

  private void look(SessionKey session, Site site) {
    if (site.turns.isEmpty()) {
      return;
    }
    long now = nanoClock.getAsLong();
    boolean ours = way(session) != null;
    for (Turn turn : site.turns) {
      if (ours && !turn.ours && turn.waits) {
        long within = Math.min(FIRST_WITHIN.toNanos(), settings.interval().toNanos());
        turn.at = now + random.nextLong(within);
      }
      turn.ours = ours;
      if (ours && turn.waits && now - turn.at >= 0) {
        turn.waits = false;
        ready.add(turn);
      }
    }
  }

  /**
   * The tunnel here through which a session is checked; null where it is not ours to check. Of
   * tunnels of the same age the gateway with the smaller incarnation has the one that counts.
   */
  private Way way(SessionKey session) {
    RouteTable.Known known = table.find(session);
    OwnTunnel oldest = null;
    for (OwnTunnel tunnel : known.own()) {
      if (!tunnel.draining() && (oldest == null || tunnel.sinceMillis() < oldest.sinceMillis())) {
        oldest = tunnel;
      }
    }
    if (oldest == null) {
      return null;
    }
    for (Route route : known.routes()) {
      int order = Long.compare(route.sinceMillis(), oldest.sinceMillis());
      if (!route.draining()
          && (order < 0
              || (order == 0 && route.holder().incarnation().compareTo(self.incarnation()) < 0))) {
        return null;
      }
    }
    return new Way(oldest, oldest.connection());
  }

  private void startMore() {
    while (underWay < settings.atOnce() && !ready.isEmpty()) {
      Turn turn = ready.poll();
      Way way = way(turn.session);
      if (way == null) {
        turn.waits = true;
        turn.ours = false;
        continue;
      }
      underWay++;
      asking
          .ask(turn.session, turn.check, settings.timeout())
          .whenComplete((finding, failure) -> onThread(() -> found(turn, way, finding)));
    }
  }

  private void onThread(Runnable step) {
    try {
      thread.execute(step);
    } catch (RejectedExecutionException e) {
      // Closed meanwhile.
    }
  }

  private void found(Turn turn, Way asked, Finding finding) {
    underWay--;
    turn.waits = true;
    Way way = way(turn.session);
    // A failure under which the tunnel went says nothing of the target.
    boolean judged =
        way != null
            && (finding instanceof Finding.Good
                || (finding instanceof Finding.Bad && way.equals(asked)));
    if (judged) {
      keep(turn, finding);
    }
    long wait = (judged ? settings.interval() : AGAIN).toNanos();
    turn.at = nanoClock.getAsLong() + wait - wait / 10 + random.nextLong(wait / 5);
    startMore();
  }

  private void keep(Turn turn, Finding finding) {
    CheckResult.Key key = new CheckResult.Key(turn.session, turn.check.text());
    CheckResult before = results.find(key);
    long now = clock.millis();
    boolean good = finding instanceof Finding.Good;
    String reason = finding instanceof Finding.Bad bad ? bad.reason() : "";
    boolean changed = before == null || before.good() != good;
    results.take(
        new CheckResult(
            turn.session,
            key.target(),
            before == null ? 1 : before.round() + 1,
            self.incarnation(),
            good,
            changed ? now : before.sinceMillis(),
            now,
            finding instanceof Finding.Good fine
                ? fine.latencyNanos()
                : ((Finding.Bad) finding).latencyNanos(),
            reason,
            settings.interval()));
    if (changed && !good) {
      log.atWarn()
          .addKeyValue("session", turn.session)
          .addKeyValue("target", key.target())
          .addKeyValue("reason", reason)
          .log("check.failed");
    } else if (changed && before != null) {
      log.atInfo()
          .addKeyValue("session", turn.session)
          .addKeyValue("target", key.target())
          .log("check.recovered");
    }
  }

  /** Checks that are under way now. */
  int underWay() {
    return underWay;
  }

  /** Nothing is checked any more; what is under way ends by itself. */
  @Override
  public void close() {
    stop.run();
  }
}
