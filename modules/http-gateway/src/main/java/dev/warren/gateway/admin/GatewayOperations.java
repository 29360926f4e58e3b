package dev.warren.gateway.admin;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.check.CheckResults;
import dev.warren.peer.control.ControlPlane;
import dev.warren.peer.link.HolderCounts;
import dev.warren.peer.link.TunnelCounts;
import dev.warren.peer.route.OwnTunnel;
import dev.warren.peer.route.Route;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.session.Closed;
import dev.warren.session.Description;
import dev.warren.session.SessionEntry;
import dev.warren.session.SessionPage;
import dev.warren.session.SessionStatus;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Answers from the route table, which knows every tunnel of the cluster, and from the control
 * plane, which knows the sessions that are offline and where each one's entity lives. Where the
 * control plane is away or silent, the table alone must do, and the answer says so.
 */
public final class GatewayOperations implements Operations {
  /** How long the control plane may take to answer. */
  public static final Duration ASK_WITHIN = Duration.ofSeconds(2);

  /** How long other gateways may take to say how busy their tunnels are. */
  static final Duration COUNT_WITHIN = Duration.ofSeconds(1);

  /** What an agent is told whose session an operator closes. */
  static final String CLOSED = "closed by order of an operator";

  /** When that agent may come again. */
  static final Duration RETRY_AFTER = Duration.ofSeconds(5);

  private final GatewayIdentity self;
  private final RouteTable table;
  private final CheckResults checks;
  private final Optional<ControlPlane> control;
  private final HolderCounts counts;
  private final Supplier<StatusAnswer> status;
  private final SessionFeed feed;
  private final Runnable drain;
  private final InstantSource clock;

  /**
   * @param checks what active checks have found, at this gateway or at others
   * @param control empty where the gateway is alone
   * @param counts of tunnels at other gateways
   * @param status asked for every answer
   * @param feed of the same table
   * @param drain has the gateway drain and close, and returns at once
   */
  public GatewayOperations(
      GatewayIdentity self,
      RouteTable table,
      CheckResults checks,
      Optional<ControlPlane> control,
      HolderCounts counts,
      Supplier<StatusAnswer> status,
      SessionFeed feed,
      Runnable drain,
      InstantSource clock) {
    this.self = self;
    this.table = table;
    this.checks = checks;
    this.control = control;
    this.counts = counts;
    this.status = status;
    this.feed = feed;
    this.drain = drain;
    this.clock = clock;
  }

  @Override
  public StatusAnswer status() {
    return status.get();
  }

  // ---- the list ----

  @Override
  public CompletionStage<SessionsAnswer> sessions(SessionKey after, int limit) {
    if (control.isEmpty()) {
      return counted(page(after, limit, Optional.empty(), SessionsAnswer.NONE));
    }
    return asked(control.get().list(after, limit, ASK_WITHIN))
        .thenCompose(
            answer ->
                counted(
                    page(
                        after,
                        limit,
                        answer,
                        answer.isPresent()
                            ? SessionsAnswer.ANSWERED
                            : SessionsAnswer.UNAVAILABLE)));
  }

  private CompletionStage<SessionsAnswer> counted(SessionsAnswer page) {
    return counted(page.sessions())
        .thenApply(
            sessions -> new SessionsAnswer(sessions, page.more(), page.silent(), page.control()));
  }

  /** With what checks have found, and what the holders at other gateways say of their tunnels. */
  private CompletionStage<List<SessionAnswer>> counted(List<SessionAnswer> plain) {
    List<SessionAnswer> sessions =
        plain.stream()
            .map(each -> each.withChecks(checks.of(SessionKey.of(each.session()))))
            .toList();
    Map<GatewayIdentity, Set<SessionKey>> byHolder = new HashMap<>();
    for (SessionAnswer session : sessions) {
      for (Route route : table.find(SessionKey.of(session.session())).routes()) {
        byHolder.computeIfAbsent(route.holder(), holder -> new HashSet<>()).add(route.session());
      }
    }
    if (byHolder.isEmpty()) {
      return CompletableFuture.completedFuture(sessions);
    }
    return counts
        .ask(byHolder, COUNT_WITHIN)
        .thenApply(
            answers -> {
              Map<Counted, TunnelCounts> all = new HashMap<>();
              answers.forEach(
                  (holder, told) -> told.forEach(each -> all.put(Counted.of(holder, each), each)));
              return sessions.stream().map(session -> joined(session, all)).toList();
            });
  }

  private static SessionAnswer joined(SessionAnswer session, Map<Counted, TunnelCounts> counts) {
    return session.with(
        session.tunnels().stream()
            .map(
                tunnel -> {
                  TunnelCounts told = counts.get(Counted.of(session, tunnel));
                  return told == null ? tunnel : tunnel.with(told);
                })
            .toList());
  }

  /** One tunnel of the cluster, by what its answer says of it. */
  private record Counted(
      String holderIncarnation, String session, String instance, long connection) {
    static Counted of(GatewayIdentity holder, TunnelCounts counts) {
      return new Counted(
          holder.incarnation().toString(),
          counts.tunnel().session().toString(),
          counts.tunnel().instance().publicId(),
          counts.connection());
    }

    static Counted of(SessionAnswer session, SessionAnswer.Tunnel tunnel) {
      return new Counted(
          tunnel.holderIncarnation(), session.session(), tunnel.instance(), tunnel.connection());
    }
  }

  /**
   * The first entries of the union are among the first entries of each of the two lists, and those
   * are here, so nothing is left out in between.
   */
  private SessionsAnswer page(
      SessionKey after, int limit, Optional<SessionPage> listed, String answered) {
    TreeMap<SessionKey, SessionAnswer> all = new TreeMap<>();
    for (Map.Entry<SessionKey, RouteTable.Known> known : table.all().entrySet()) {
      // What is offline is the control plane's to tell, since every table remembers other sessions.
      boolean shown = known.getValue().isOnline() || listed.isEmpty();
      if (shown && (after == null || known.getKey().compareTo(after) > 0)) {
        all.put(known.getKey(), of(known.getKey(), known.getValue()));
      }
    }
    boolean more = false;
    List<String> silent = List.of();
    if (listed.isPresent()) {
      more = listed.get().more();
      silent = listed.get().silentNodes();
      for (SessionEntry entry : listed.get().entries()) {
        if (entry.status() != SessionStatus.UNKNOWN) {
          all.merge(entry.session(), of(entry), GatewayOperations::joined);
        }
      }
    }
    List<SessionAnswer> page = all.values().stream().limit(limit).toList();
    return new SessionsAnswer(page, more || all.size() > page.size(), silent, answered);
  }

  private SessionAnswer of(SessionKey session, RouteTable.Known known) {
    List<SessionAnswer.Tunnel> tunnels = new ArrayList<>();
    known.own().forEach(tunnel -> tunnels.add(SessionAnswer.Tunnel.of(self, tunnel)));
    known.routes().forEach(route -> tunnels.add(SessionAnswer.Tunnel.of(route)));
    Instant lastConnected =
        known.isOnline()
            ? tunnels.stream().map(SessionAnswer.Tunnel::since).max(Instant::compareTo).get()
            : clock.instant().minus(known.offlineFor());
    return SessionAnswer.of(
        session,
        known.isOnline() ? SessionAnswer.ONLINE : SessionAnswer.OFFLINE,
        tunnels,
        lastConnected,
        null);
  }

  private static SessionAnswer of(SessionEntry entry) {
    return SessionAnswer.of(
        entry.session(),
        textOf(entry.status()),
        List.of(),
        Instant.ofEpochMilli(entry.lastConnectedMillis()),
        new SessionAnswer.Entity(entry.gateway(), null, null, null));
  }

  private static String textOf(SessionStatus status) {
    return status.name().toLowerCase(Locale.ROOT);
  }

  /** Tunnels are the table's to tell, because routing goes by it. */
  private static SessionAnswer joined(SessionAnswer ofTable, SessionAnswer ofEntity) {
    return new SessionAnswer(
        ofTable.session(),
        ofTable.realm(),
        ofTable.id(),
        ofTable.tunnels().isEmpty() ? ofEntity.status() : ofTable.status(),
        ofTable.tunnels().isEmpty() ? ofEntity.since() : ofTable.since(),
        ofTable.tunnels(),
        ofEntity.lastConnected(),
        null,
        ofEntity.entity());
  }

  // ---- one session ----

  @Override
  public CompletionStage<Optional<SessionAnswer>> session(SessionKey session) {
    if (control.isEmpty()) {
      return counted(ofTable(session));
    }
    return asked(control.get().describe(session, ASK_WITHIN))
        .thenCompose(answer -> counted(described(session, answer)));
  }

  private CompletionStage<Optional<SessionAnswer>> counted(Optional<SessionAnswer> session) {
    return counted(session.stream().toList()).thenApply(all -> all.stream().findFirst());
  }

  private Optional<SessionAnswer> described(SessionKey session, Optional<Description> answer) {
    Optional<SessionAnswer> here = ofTable(session);
    if (answer.isEmpty()) {
      // Not to know a session is no proof that there is none.
      if (here.isEmpty()) {
        throw new UnavailableException(
            "session "
                + session
                + ": the control plane does not answer, and this gateway knows no tunnel of it");
      }
      return here;
    }
    Description description = answer.get();
    if (description.status() == SessionStatus.UNKNOWN) {
      return here.filter(known -> known.status().equals(SessionAnswer.ONLINE));
    }
    SessionAnswer entity =
        SessionAnswer.of(
            session,
            textOf(description.status()),
            List.of(),
            Instant.ofEpochMilli(description.lastConnectedMillis()),
            new SessionAnswer.Entity(
                description.gateway(),
                description.node(),
                description.policy().name().toLowerCase(Locale.ROOT),
                description.supersessions()));
    return Optional.of(here.map(known -> joined(known, entity)).orElse(entity));
  }

  private Optional<SessionAnswer> ofTable(SessionKey session) {
    RouteTable.Known known = table.find(session);
    return known.isOnline() || known.offlineFor() != null
        ? Optional.of(of(session, known))
        : Optional.empty();
  }

  // ---- orders ----

  @Override
  public CompletionStage<Optional<ClosedAnswer>> close(SessionKey session) {
    if (control.isEmpty()) {
      return CompletableFuture.completedFuture(
          ofTable(session).map(known -> closeHere(session, SessionsAnswer.NONE)));
    }
    return session(session)
        .thenCompose(
            found ->
                found.isEmpty()
                    ? CompletableFuture.completedFuture(Optional.<ClosedAnswer>empty())
                    : closeEverywhere(session, control.get()));
  }

  private CompletionStage<Optional<ClosedAnswer>> closeEverywhere(
      SessionKey session, ControlPlane orders) {
    // The control plane sets its own limit: as long as the holders have to carry the order out.
    return answered(orders.closeSession(session, CLOSED))
        .thenApply(answer -> Optional.of(closed(session, answer)));
  }

  private ClosedAnswer closed(SessionKey session, Optional<Closed> answer) {
    return answer
        .map(
            closed ->
                new ClosedAnswer(closed.tunnels(), closed.unconfirmed(), SessionsAnswer.ANSWERED))
        .orElseGet(() -> closeHere(session, SessionsAnswer.UNAVAILABLE));
  }

  private ClosedAnswer closeHere(SessionKey session, String answered) {
    RouteTable.Known known = table.find(session);
    for (OwnTunnel tunnel : known.own()) {
      tunnel.end(FaultCode.CLOSED_BY_ORDER, CLOSED, (int) RETRY_AFTER.toMillis());
    }
    return new ClosedAnswer(known.own().size(), known.routes().size(), answered);
  }

  @Override
  public void restartControlPlane(boolean all, String reason) {
    if (control.isEmpty()) {
      throw new NoClusterException(
          "gateway "
              + self.id()
              + " is alone and has no control plane (expected: one that was started with"
              + " --cluster-token-file)");
    }
    if (all) {
      control.get().restartAll(reason);
    } else {
      control.get().restart(reason);
    }
  }

  @Override
  public SessionFeed feed() {
    return feed;
  }

  @Override
  public void drain() {
    drain.run();
  }

  // ---- what may not be answered ----

  /** Whatever fails or takes too long is no answer. */
  private static <T> CompletionStage<Optional<T>> asked(CompletionStage<T> stage) {
    // A little later than the control plane's own limit, whose answer may be an incomplete list.
    long millis = ASK_WITHIN.toMillis() + ASK_WITHIN.toMillis() / 4;
    return answered(stage.toCompletableFuture().copy().orTimeout(millis, TimeUnit.MILLISECONDS));
  }

  private static <T> CompletionStage<Optional<T>> answered(CompletionStage<T> stage) {
    return stage.handle(
        (answer, failure) -> failure == null ? Optional.of(answer) : Optional.empty());
  }
}
