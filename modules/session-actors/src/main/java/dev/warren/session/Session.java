package dev.warren.session;

import dev.warren.protocol.SessionKey;
import dev.warren.session.Tunnels.Held;
import dev.warren.session.Tunnels.Judged;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.Signal;
import org.apache.pekko.actor.typed.Terminated;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.cluster.sharding.typed.javadsl.ClusterSharding;
import org.apache.pekko.cluster.sharding.typed.javadsl.EntityTypeKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One session, sharded by the text of its key: the cluster's record of the tunnels through which
 * its agent is reachable, and the one place that closes them. Routing does not wait for it.
 *
 * <pre>
 * vacant  -Report-> online      vacant -Lost-> offline      vacant -anything else-> forgotten
 * online  -last tunnel lost, closed, or its holder gone-> offline
 * offline -Report-> online                                  offline -ForgetDue-> forgotten
 * </pre>
 *
 * <p>Forgotten means that it has asked its shard to be stopped, which keeps what is sent to it
 * meanwhile. Until then it goes on answering. A tunnel that is reported in that moment is lost with
 * it, but its holder watches this actor and reports it again.
 *
 * <p>In every state it repeats its orders until they are taken (at most {@value #ORDER_ATTEMPTS}
 * times), and answers whoever closes the session when all are.
 */
public final class Session {
  /** Under which sharding knows the entities. */
  public static final EntityTypeKey<Command> TYPE = EntityTypeKey.create(Command.class, "session");

  /** Why a tunnel is lost that its holder ended by itself, in favour of another instance. */
  public static final String SUPERSEDED = "superseded";

  /** How often an order is sent to a holder that does not answer. */
  public static final int ORDER_ATTEMPTS = 5;

  /** How many orders may be open; beyond them the oldest is given up. */
  static final int MAX_ORDERS = 2 * Tunnels.MAX_TUNNELS;

  /** How many may wait for the end of the same session; further ones are answered at once. */
  static final int MAX_CLOSERS = 64;

  public sealed interface Command {}

  /** By its holder: a tunnel exists. Repeated without harm. */
  public record Report(TunnelReport tunnel, ActorRef<HolderOrder> holder, ActorRef<Verdict> replyTo)
      implements Command, SessionMessage {}

  /** By its holder: a tunnel is gone. Repeated without harm. */
  public record Lost(TunnelIdentity tunnel, String reason, ActorRef<Verdict> replyTo)
      implements Command, SessionMessage {}

  public record Describe(ActorRef<Description> replyTo) implements Command, SessionMessage {}

  /** Ends all tunnels of now. */
  public record Close(String detail, ActorRef<Closed> replyTo) implements Command, SessionMessage {}

  /** By a holder: its data plane has the order to close this tunnel. */
  public record OrderTaken(TunnelIdentity tunnel) implements Command, SessionMessage {}

  private record ForgetDue() implements Command {}

  private record OrdersDue() implements Command {}

  /**
   * Where an entity lives; all that live on a node share one.
   *
   * @param node the address of the actor system
   * @param gateway the id of the gateway
   * @param wallClock milliseconds, for people only
   */
  record Home(
      String node,
      String gateway,
      SessionSettings settings,
      ActorRef<SessionIndex.Command> index,
      LongSupplier wallClock) {}

  private record Order(
      Held<ActorRef<HolderOrder>> target, HolderOrder.CloseTunnel order, int sent) {
    boolean closes() {
      return order.reason() == CloseReason.ORDERED;
    }
  }

  /** Those who wait until the session is closed, and how it went so far. */
  private record Closing(List<ActorRef<Closed>> closers, int done, int unconfirmed) {
    private static final Closing NONE = new Closing(List.of(), 0, 0);
  }

  /** All that changes. Most sessions have no orders and nobody who waits. */
  private record State(
      Tunnels<ActorRef<HolderOrder>> tunnels,
      long lastConnectedMillis,
      long reports,
      long supersessions,
      List<Order> orders,
      Closing closing) {
    private static final State NEW = new State(Tunnels.none(), 0, 0, 0, List.of(), Closing.NONE);

    State with(List<Order> now, Closing wait) {
      return new State(tunnels, lastConnectedMillis, reports, supersessions, now, wait);
    }

    State superseded() {
      return new State(tunnels, lastConnectedMillis, reports, supersessions + 1, orders, closing);
    }
  }

  private static final Logger log = LoggerFactory.getLogger(Session.class);
  private static final Command FORGET_DUE = new ForgetDue();
  private static final Command ORDERS_DUE = new OrdersDue();
  private static final Verdict OUTDATED = new Verdict.Outdated();
  private static final Verdict REMOVED = new Verdict.Removed();

  private final SessionKey key;
  private final Home home;
  private final ActorRef<ClusterSharding.ShardCommand> shard;
  private final ActorContext<Command> context;
  private final TimerScheduler<Command> timers;

  private Session(
      SessionKey key,
      Home home,
      ActorRef<ClusterSharding.ShardCommand> shard,
      ActorContext<Command> context,
      TimerScheduler<Command> timers) {
    this.key = key;
    this.home = home;
    this.shard = shard;
    this.context = context;
    this.timers = timers;
  }

  static Behavior<Command> create(
      SessionKey key, Home home, ActorRef<ClusterSharding.ShardCommand> shard) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new Session(key, home, shard, context, timers).vacant()));
  }

  /** Nobody has reported anything yet; whoever only asks does not keep it. */
  private Behavior<Command> vacant() {
    return Behaviors.receiveMessage(
        command -> {
          State after = take(State.NEW, command);
          return after == State.NEW ? forgotten(after) : next(State.NEW, after);
        });
  }

  private Behavior<Command> online(State state) {
    return Behaviors.receive(
        (unused, command) -> next(state, take(state, command)),
        (unused, signal) -> take(state, signal));
  }

  private Behavior<Command> offline(State state) {
    return Behaviors.receive(
        (unused, command) ->
            command instanceof ForgetDue ? forgotten(state) : next(state, take(state, command)),
        (unused, signal) -> take(state, signal));
  }

  /** Asks the shard for its end: to stop by itself would lose what is on its way here. */
  private Behavior<Command> forgotten(State state) {
    shard.tell(new ClusterSharding.Passivate<>(context.getSelf()));
    if (state != State.NEW) {
      home.index().tell(new SessionIndex.Removed(key, context.getSelf()));
    }
    return Behaviors.receiveMessage(command -> next(State.NEW, take(State.NEW, command)));
  }

  /** The state's behavior after a command: what it tells the index, and its one timer. */
  private Behavior<Command> next(State before, State after) {
    if (after == before) {
      return Behaviors.same();
    }
    SessionEntry entry = entry(after);
    if (before == State.NEW || !entry.equals(entry(before))) {
      home.index().tell(new SessionIndex.Changed(entry, context.getSelf()));
    }
    boolean empty = after.tunnels().isEmpty();
    if (before == State.NEW || empty != before.tunnels().isEmpty()) {
      if (empty) {
        timers.startSingleTimer(FORGET_DUE, home.settings().forgetAfter());
      } else {
        timers.cancel(FORGET_DUE);
      }
      log.atDebug()
          .addKeyValue("session", key)
          .addKeyValue("status", entry.status())
          .log("session.status");
    }
    return empty ? offline(after) : online(after);
  }

  private State take(State state, Command command) {
    if (command instanceof Report report) {
      return judge(state, report);
    }
    if (command instanceof Lost lost) {
      log.atDebug()
          .addKeyValue("session", key)
          .addKeyValue("connection", lost.tunnel().connection())
          .addKeyValue("reason", lost.reason())
          .log("session.tunnel-lost");
      Tunnels<ActorRef<HolderOrder>> left = state.tunnels().lost(lost.tunnel());
      State after = without(state, left);
      if (left.held().size() < state.tunnels().held().size()
          && lost.reason().equals(SUPERSEDED)) { // else it was counted with its successor's report
        after = after.superseded();
      }
      lost.replyTo().tell(REMOVED);
      return settled(after, order -> isOver(order, lost.tunnel()));
    }
    if (command instanceof Describe describe) {
      describe.replyTo().tell(description(state));
      return state;
    }
    if (command instanceof Close close) {
      return close(state, close);
    }
    if (command instanceof OrderTaken taken) {
      State after = without(state, state.tunnels().without(taken.tunnel()));
      return settled(after, order -> isOver(order, taken.tunnel()));
    }
    if (command instanceof OrdersDue) {
      return repeatOrders(state);
    }
    return state; // ForgetDue, of a session that came back in that moment
  }

  private Behavior<Command> take(State state, Signal signal) {
    if (signal instanceof Terminated terminated) {
      ActorRef<HolderOrder> holder = terminated.getRef().unsafeUpcast();
      State after = without(state, state.tunnels().withoutHolder(holder));
      return next(state, settled(after, order -> order.target().holder().equals(holder)));
    }
    if (signal instanceof PostStop) {
      home.index().tell(new SessionIndex.Removed(key, context.getSelf()));
    }
    // The shard's order to stop is a signal too, and is obeyed only where it was not handled.
    return Behaviors.unhandled();
  }

  private State judge(State state, Report report) {
    TunnelReport tunnel = report.tunnel();
    Judged<ActorRef<HolderOrder>> judged =
        state.tunnels().reported(home.settings().duplicatePolicy(), tunnel, report.holder());
    int yielded = judged.outcome() == Tunnels.Outcome.SUPERSEDED ? 1 : judged.dropped().size();
    State counted =
        new State(
            judged.tunnels(),
            judged.outcome() == Tunnels.Outcome.KEPT
                ? Math.max(state.lastConnectedMillis(), tunnel.sinceMillis())
                : state.lastConnectedMillis(),
            state.reports() + 1,
            state.supersessions() + yielded,
            state.orders(),
            state.closing());
    report.replyTo().tell(verdict(judged));
    if (judged.outcome() != Tunnels.Outcome.KEPT) {
      return counted;
    }
    context.watch(report.holder());
    // It may have been dropped before, and the one it had to yield to is gone.
    State kept =
        settled(
            counted, order -> !order.closes() && order.order().tunnel().equals(tunnel.identity()));
    if (judged.dropped().isEmpty()) {
      return unwatched(state, kept);
    }
    log.atInfo()
        .addKeyValue("session", key)
        .addKeyValue("by", tunnel.instance())
        .addKeyValue("holder", tunnel.holder())
        .addKeyValue("tunnels", judged.dropped().size())
        .log("session.superseded");
    return unwatched(
        state,
        ordered(
            kept,
            judged.dropped(),
            CloseReason.SUPERSEDED,
            "superseded by another agent with this id, connected to " + tunnel.holder(),
            kept.closing()));
  }

  private Verdict verdict(Judged<ActorRef<HolderOrder>> judged) {
    return switch (judged.outcome()) {
      case KEPT -> new Verdict.Kept(context.getSelf());
      case SUPERSEDED -> new Verdict.Superseded(judged.by());
      case OUTDATED -> OUTDATED;
      case FULL ->
          new Verdict.Refused(
              "session "
                  + key
                  + " has "
                  + Tunnels.MAX_TUNNELS
                  + " tunnels (the most there may be)");
    };
  }

  /** After tunnels have gone, for whatever reason. */
  private State without(State state, Tunnels<ActorRef<HolderOrder>> left) {
    if (left == state.tunnels()) {
      return state;
    }
    boolean wasLast = left.isEmpty() && (!state.tunnels().isEmpty() || state == State.NEW);
    State after =
        new State(
            left,
            wasLast ? home.wallClock().getAsLong() : state.lastConnectedMillis(),
            state.reports(),
            state.supersessions(),
            state.orders(),
            state.closing());
    return unwatched(state, after);
  }

  /** Ends the watch of holders that have no tunnel any more. */
  private State unwatched(State before, State after) {
    for (Held<ActorRef<HolderOrder>> each : before.tunnels().held()) {
      if (!after.tunnels().holds(each.holder()) && !isOrdered(after, each.holder())) {
        context.unwatch(each.holder());
      }
    }
    return after;
  }

  private static boolean isOrdered(State state, ActorRef<HolderOrder> holder) {
    for (Order order : state.orders()) {
      if (order.target().holder().equals(holder)) {
        return true;
      }
    }
    return false;
  }

  private State close(State state, Close close) {
    List<Held<ActorRef<HolderOrder>>> targets = state.tunnels().held();
    if (targets.isEmpty() && state.closing().closers().isEmpty()) {
      close.replyTo().tell(new Closed(0, 0));
      return state;
    }
    if (state.closing().closers().size() >= MAX_CLOSERS) {
      close.replyTo().tell(new Closed(0, targets.size()));
      return state;
    }
    log.atInfo()
        .addKeyValue("session", key)
        .addKeyValue("tunnels", targets.size())
        .log("session.close-ordered");
    List<ActorRef<Closed>> closers = new ArrayList<>(state.closing().closers());
    closers.add(close.replyTo());
    Closing closing =
        new Closing(List.copyOf(closers), state.closing().done(), state.closing().unconfirmed());
    return ordered(
        state,
        targets.stream().filter(target -> !isClosing(state, target)).toList(),
        CloseReason.ORDERED,
        close.detail(),
        closing);
  }

  private static boolean isClosing(State state, Held<ActorRef<HolderOrder>> target) {
    for (Order order : state.orders()) {
      if (order.closes() && order.target().equals(target)) {
        return true;
      }
    }
    return false;
  }

  /** Sends an order to each of the targets, and keeps it until it is taken. */
  private State ordered(
      State state,
      List<Held<ActorRef<HolderOrder>>> targets,
      CloseReason reason,
      String detail,
      Closing closing) {
    List<Order> orders = new ArrayList<>(state.orders());
    int unconfirmed = closing.unconfirmed();
    for (Held<ActorRef<HolderOrder>> target : targets) {
      HolderOrder.CloseTunnel order =
          new HolderOrder.CloseTunnel(
              key, target.tunnel().identity(), reason, detail, context.getSelf().narrow());
      target.holder().tell(order);
      orders.add(new Order(target, order, 1));
      if (orders.size() > MAX_ORDERS && orders.remove(0).closes()) {
        unconfirmed++;
      }
    }
    if (!orders.isEmpty() && !timers.isTimerActive(ORDERS_DUE)) {
      timers.startSingleTimer(ORDERS_DUE, home.settings().orderRetry());
    }
    return state.with(
        List.copyOf(orders), new Closing(closing.closers(), closing.done(), unconfirmed));
  }

  /** Those orders are carried out, or there is nobody left to carry them out. */
  private State settled(State state, Predicate<Order> over) {
    if (state.orders().isEmpty()) {
      return state;
    }
    List<Order> left = new ArrayList<>();
    int done = state.closing().done();
    for (Order order : state.orders()) {
      if (!over.test(order)) {
        left.add(order);
      } else if (order.closes()) {
        done++;
      }
    }
    if (left.size() == state.orders().size()) {
      return state;
    }
    return answered(
        state,
        List.copyOf(left),
        new Closing(state.closing().closers(), done, state.closing().unconfirmed()));
  }

  private static boolean isOver(Order order, TunnelIdentity gone) {
    TunnelIdentity ordered = order.order().tunnel();
    return ordered.sharesPlaceWith(gone) && ordered.connection() <= gone.connection();
  }

  private State repeatOrders(State state) {
    List<Order> left = new ArrayList<>();
    int unconfirmed = state.closing().unconfirmed();
    for (Order order : state.orders()) {
      if (order.sent() < ORDER_ATTEMPTS) {
        order.target().holder().tell(order.order());
        left.add(new Order(order.target(), order.order(), order.sent() + 1));
      } else {
        log.atWarn()
            .addKeyValue("session", key)
            .addKeyValue("holder", order.target().tunnel().holder())
            .addKeyValue("attempts", order.sent())
            .log("session.order-unanswered");
        if (order.closes()) {
          unconfirmed++;
        }
      }
    }
    if (!left.isEmpty()) {
      timers.startSingleTimer(ORDERS_DUE, home.settings().orderRetry());
    }
    return answered(
        state,
        List.copyOf(left),
        new Closing(state.closing().closers(), state.closing().done(), unconfirmed));
  }

  /** Answers those who wait when no order of theirs is open any more. */
  private State answered(State before, List<Order> left, Closing closing) {
    Closing after = closing;
    if (left.stream().noneMatch(Order::closes)) {
      Closed closed = new Closed(closing.done(), closing.unconfirmed());
      closing.closers().forEach(closer -> closer.tell(closed));
      after = Closing.NONE;
    }
    State state = before.with(left, after);
    for (Order order : before.orders()) {
      ActorRef<HolderOrder> holder = order.target().holder();
      if (!state.tunnels().holds(holder) && !isOrdered(state, holder)) {
        context.unwatch(holder);
      }
    }
    if (left.isEmpty()) {
      timers.cancel(ORDERS_DUE);
    }
    return state;
  }

  private Description description(State state) {
    return new Description(
        key,
        status(state),
        home.settings().duplicatePolicy(),
        state.tunnels().held().stream().map(Held::tunnel).toList(),
        state.lastConnectedMillis(),
        state.reports(),
        state.supersessions(),
        home.node(),
        home.gateway());
  }

  private static SessionStatus status(State state) {
    if (!state.tunnels().isEmpty()) {
      return SessionStatus.ONLINE;
    }
    return state == State.NEW ? SessionStatus.UNKNOWN : SessionStatus.OFFLINE;
  }

  private SessionEntry entry(State state) {
    List<Held<ActorRef<HolderOrder>>> held = state.tunnels().held();
    return new SessionEntry(
        key,
        status(state),
        held.size(),
        held.stream()
            .map(each -> each.tunnel().holder())
            .distinct()
            .sorted()
            .limit(SessionEntry.MAX_NAMED_HOLDERS)
            .toList(),
        held.isEmpty() ? 0 : held.get(0).tunnel().epoch(),
        state.lastConnectedMillis(),
        home.gateway());
  }
}
