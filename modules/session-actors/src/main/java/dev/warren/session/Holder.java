package dev.warren.session;

import dev.warren.protocol.SessionKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.RecipientRef;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Speaks for the tunnels that this gateway holds: one actor for each life of the control plane. It
 * sees to it that every session's entity knows of them, wherever that lives, and carries out the
 * entities' orders.
 *
 * <p>For each session it has what there is to say, not what was said: news about a tunnel replaces
 * older news about it. So it is bounded by the tunnels, however long no entity answers. A session
 * is asked about one tunnel at a time, and at most {@value #MAX_IN_FLIGHT} sessions at once.
 *
 * <pre>
 * a session's news:  due -asked-> in flight -Verdict-> told,  or due again for its next tunnel
 *                    in flight -no answer, Refused-> pausing -RetryDue-> due
 *                    told -its entity is gone-> due
 * </pre>
 */
final class Holder extends AbstractBehavior<Holder.Command> {
  /**
   * How many sessions may be asked about at once. After the death of a node it paces the reports of
   * all that lived there; each is a message of about 200 bytes.
   */
  static final int MAX_IN_FLIGHT = 256;

  /**
   * Every session is told again once in so many turns, whether or not anything seems to be wrong.
   */
  static final int TURNS = 60;

  /** The length of a turn. */
  static final Duration TURN = Duration.ofSeconds(1);

  public sealed interface Command
      permits HolderOrder, TunnelUp, TunnelLost, Stop, Answer, RetryDue, EntityGone, Turn {}

  /** By the data plane: a tunnel is there. */
  record TunnelUp(SessionKey session, TunnelReport tunnel) implements Command {}

  /** By the data plane: a tunnel is gone. */
  record TunnelLost(SessionKey session, TunnelReport tunnel, String reason) implements Command {}

  /** The control plane ends: the next one speaks for the tunnels. */
  record Stop() implements Command {}

  /**
   * @param verdict null where none came in time
   */
  record Answer(SessionKey session, News asked, Verdict verdict) implements Command {}

  record RetryDue(SessionKey session) implements Command {}

  /**
   * Time to tell some sessions again. A record may be wrong without anybody hearing of it: a report
   * of a former life that came late, a death that was none.
   */
  record Turn() implements Command {}

  record EntityGone(SessionKey session, ActorRef<Session.Command> entity) implements Command {}

  /**
   * The latest about one place.
   *
   * @param lostBecause null while the tunnel is there
   */
  record News(TunnelReport tunnel, String lostBecause) {
    boolean isLoss() {
      return lostBecause != null;
    }
  }

  /** What there is to say about one instance of an agent. */
  private static final class Place {
    private News news;
    private boolean told;

    private Place(News news) {
      this.news = news;
    }
  }

  /** What there is to say about one session. */
  private static final class Dossier {
    private final SessionKey session;
    private final List<Place> places = new ArrayList<>(1);
    private ActorRef<Session.Command> entity; // watched; null where unknown
    private int failures;
    private boolean inFlight;
    private boolean pausing;

    private Dossier(SessionKey session) {
      this.session = session;
    }

    private Place of(TunnelReport tunnel) {
      for (Place place : places) {
        if (place.news.tunnel().instance().equals(tunnel.instance())) {
          return place;
        }
      }
      return null;
    }

    private Place due() {
      for (Place place : places) {
        if (!place.told) {
          return place;
        }
      }
      return null;
    }
  }

  private static final Logger log = LoggerFactory.getLogger(Holder.class);

  private final SessionSettings settings;
  private final HolderDuties duties;
  private final Function<SessionKey, ? extends RecipientRef<Session.Command>> entities;
  private final DoubleSupplier random;
  private final TimerScheduler<Command> timers;
  private final Map<SessionKey, Dossier> dossiers = new HashMap<>();
  private final Set<Dossier> due = new LinkedHashSet<>();
  private int inFlight;
  private int turn;

  /**
   * @param entities where a session's entity is to be reached
   * @param random numbers from 0 to 1, which spread the retries
   */
  static Behavior<Command> create(
      SessionSettings settings,
      HolderDuties duties,
      Function<SessionKey, ? extends RecipientRef<Session.Command>> entities,
      DoubleSupplier random) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new Holder(context, timers, settings, duties, entities, random)));
  }

  private Holder(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      SessionSettings settings,
      HolderDuties duties,
      Function<SessionKey, ? extends RecipientRef<Session.Command>> entities,
      DoubleSupplier random) {
    super(context);
    this.timers = timers;
    this.settings = settings;
    this.duties = duties;
    this.entities = entities;
    this.random = random;
    timers.startTimerWithFixedDelay(new Turn(), TURN);
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(TunnelUp.class, this::up)
        .onMessage(TunnelLost.class, this::lost)
        .onMessage(Stop.class, stop -> Behaviors.stopped())
        .onMessage(Answer.class, this::answered)
        .onMessage(RetryDue.class, this::retry)
        .onMessage(EntityGone.class, this::entityGone)
        .onMessage(Turn.class, passed -> tellAgain())
        .onMessage(HolderOrder.CloseTunnel.class, this::close)
        .build();
  }

  private Behavior<Command> up(TunnelUp up) {
    Dossier dossier = dossiers.computeIfAbsent(up.session(), Dossier::new);
    Place place = dossier.of(up.tunnel());
    News news = new News(up.tunnel(), null);
    if (place == null) {
      dossier.places.add(new Place(news));
    } else if (isNewer(up.tunnel(), place.news)) {
      place.news = news;
      place.told = false;
    }
    ask(dossier);
    return this;
  }

  /** A loss is the last that is said of a connection. */
  private static boolean isNewer(TunnelReport tunnel, News than) {
    long known = than.tunnel().connection();
    return tunnel.connection() > known
        || tunnel.connection() == known && !than.isLoss() && !than.tunnel().equals(tunnel);
  }

  private Behavior<Command> lost(TunnelLost lost) {
    Dossier dossier = dossiers.get(lost.session());
    Place place = dossier == null ? null : dossier.of(lost.tunnel());
    if (place != null
        && !place.news.isLoss()
        && lost.tunnel().connection() >= place.news.tunnel().connection()) {
      place.news = new News(lost.tunnel(), lost.reason());
      place.told = false;
      ask(dossier);
    }
    return this;
  }

  /** Puts the session in the queue, if there is something to say and nothing to wait for. */
  private void ask(Dossier dossier) {
    if (!dossier.inFlight && !dossier.pausing && dossier.due() != null) {
      due.add(dossier);
    }
    while (inFlight < MAX_IN_FLIGHT && !due.isEmpty()) {
      Dossier next = due.iterator().next();
      due.remove(next);
      send(next);
    }
  }

  private void send(Dossier dossier) {
    SessionKey session = dossier.session;
    News news = dossier.due().news;
    dossier.inFlight = true;
    inFlight++;
    getContext()
        .ask(
            Verdict.class,
            entities.apply(session),
            settings.askTimeout(),
            (ActorRef<Verdict> replyTo) ->
                news.isLoss()
                    ? new Session.Lost(news.tunnel().identity(), news.lostBecause(), replyTo)
                    : new Session.Report(news.tunnel(), getContext().getSelf().narrow(), replyTo),
            (verdict, failure) -> new Answer(session, news, verdict));
  }

  private Behavior<Command> answered(Answer answer) {
    inFlight--;
    Dossier dossier = dossiers.get(answer.session()); // it stays while it is in flight
    dossier.inFlight = false;
    Place place = dossier.of(answer.asked().tunnel());
    Verdict verdict = answer.verdict();
    if (verdict == null) {
      pause(dossier, place, dossier.failures + 1);
      log.atDebug()
          .addKeyValue("session", dossier.session)
          .addKeyValue("failures", dossier.failures)
          .log("holder.unanswered");
    } else if (verdict instanceof Verdict.Refused refused) {
      log.atWarn()
          .addKeyValue("session", dossier.session)
          .addKeyValue("detail", refused.detail())
          .log("holder.refused");
      pause(dossier, place, Integer.MAX_VALUE);
    } else {
      dossier.failures = 0;
      if (verdict instanceof Verdict.Kept kept) {
        watch(dossier, kept.entity());
      }
      if (place.news.equals(answer.asked())) { // else there is newer news
        settle(dossier, place, verdict);
      }
    }
    if (dossier.places.isEmpty()) {
      forget(dossier);
    }
    ask(dossier);
    return this;
  }

  private void settle(Dossier dossier, Place place, Verdict verdict) {
    place.told = true;
    if (place.news.isLoss()) {
      dossier.places.remove(place);
    } else if (verdict instanceof Verdict.Superseded superseded) {
      TunnelReport by = superseded.by();
      carryOut(
          dossier.session,
          place.news.tunnel().identity(),
          CloseReason.SUPERSEDED,
          "superseded by another agent with this id, connected to " + by.holder());
    }
  }

  private void pause(Dossier dossier, Place place, int failures) {
    dossier.failures = failures;
    dossier.pausing = true;
    // Another of its tunnels comes first then, so that one cannot keep the others back.
    dossier.places.remove(place);
    dossier.places.add(place);
    timers.startSingleTimer(
        dossier.session,
        new RetryDue(dossier.session),
        backoff(settings, failures, random.getAsDouble()));
  }

  /** The pause after so many failures: doubling, and spread over its upper half. */
  static Duration backoff(SessionSettings settings, int failures, double random) {
    long last = settings.retryLast().toMillis();
    int doublings = Math.min(failures - 1, 20);
    long whole = Math.min(settings.retryFirst().toMillis() << doublings, last);
    return Duration.ofMillis(Math.max(1, Math.round(whole * (0.5 + random / 2))));
  }

  private Behavior<Command> retry(RetryDue retry) {
    Dossier dossier = dossiers.get(retry.session());
    if (dossier != null) {
      dossier.pausing = false;
      ask(dossier);
    }
    return this;
  }

  private void watch(Dossier dossier, ActorRef<Session.Command> entity) {
    if (entity.equals(dossier.entity)) {
      return;
    }
    if (dossier.entity != null) {
      getContext().unwatch(dossier.entity);
      // It has moved, and the end of the former one was not heard of yet.
      unsay(dossier);
    }
    dossier.entity = entity;
    getContext().watchWith(entity, new EntityGone(dossier.session, entity));
  }

  private Behavior<Command> entityGone(EntityGone gone) {
    Dossier dossier = dossiers.get(gone.session());
    if (dossier != null && gone.entity().equals(dossier.entity)) {
      dossier.entity = null;
      unsay(dossier);
      ask(dossier);
    }
    return this;
  }

  private Behavior<Command> tellAgain() {
    turn = (turn + 1) % TURNS;
    for (Dossier dossier : List.copyOf(dossiers.values())) {
      if (Math.floorMod(dossier.session.hashCode(), TURNS) == turn) {
        unsay(dossier);
        ask(dossier);
      }
    }
    return this;
  }

  private static void unsay(Dossier dossier) {
    for (Place place : dossier.places) {
      place.told = false;
    }
  }

  private void forget(Dossier dossier) {
    if (dossier.entity != null) {
      getContext().unwatch(dossier.entity);
    }
    dossiers.remove(dossier.session);
  }

  private Behavior<Command> close(HolderOrder.CloseTunnel order) {
    if (carryOut(order.session(), order.tunnel(), order.reason(), order.detail())) {
      order.replyTo().tell(new Session.OrderTaken(order.tunnel()));
    }
    return this;
  }

  /** Whether the data plane has taken it; where it has failed, the order comes again. */
  private boolean carryOut(
      SessionKey session, TunnelIdentity tunnel, CloseReason reason, String detail) {
    try {
      duties.close(session, tunnel.instance(), tunnel.connection(), reason, detail);
      return true;
    } catch (RuntimeException e) {
      // Without this actor the cluster would forget all that this gateway holds.
      log.atError().addKeyValue("session", session).setCause(e).log("holder.close-failed");
      return false;
    }
  }
}
