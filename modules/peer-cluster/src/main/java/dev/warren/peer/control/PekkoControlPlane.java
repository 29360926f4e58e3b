package dev.warren.peer.control;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import dev.warren.peer.tls.ClusterTls;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.session.Closed;
import dev.warren.session.Description;
import dev.warren.session.SessionDirectory;
import dev.warren.session.SessionPage;
import dev.warren.session.SessionSettings;
import dev.warren.session.SessionStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.pekko.Done;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.cluster.ClusterEvent;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.apache.pekko.remote.artery.tcp.SSLEngineProviderSetup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control plane on Pekko. One thread of its own makes actor systems, asks {@link Steering} what
 * to do, does it, and ends them; it may block on them, because nobody waits for it. What others see
 * of it ({@link #status}, the directory) is published for every thread.
 *
 * <pre>
 * starting -> joining -> member &lt;-> split;  each of them -> restarting -> starting;  each of them -> stopped
 * </pre>
 */
public final class PekkoControlPlane implements ControlPlane {
  /** All gateways' actor systems have one name: it is part of their addresses. */
  static final String SYSTEM = "warren";

  static final String ROLE_OF_ID = "gateway-";
  static final String ROLE_OF_INCARNATION = "incarnation-";

  /** How often it looks even when nothing calls it. */
  private static final Duration TICK = Duration.ofMillis(200);

  /** How long it waits for all members to have seen that this one is up, before it reports. */
  private static final Duration SEEN_WITHIN = Duration.ofSeconds(3);

  /** For an actor system to end once it is told to; then it is left to itself. */
  private static final Duration ENDING = Duration.ofSeconds(5);

  private static final Logger log = LoggerFactory.getLogger(PekkoControlPlane.class);

  private final ControlSettings settings;
  private final Pacing pacing;
  private final SSLEngineProviderSetup tls;
  private final ClusterProbe probe;
  private final Runnable whenClosed;
  private final Neighbours neighbours;
  private final HeldTunnels held;
  private final Steering steering;
  private final RollingRestart rolling = new RollingRestart();
  private final ScheduledThreadPoolExecutor thread;
  private final CompletableFuture<Void> closed = new CompletableFuture<>();
  private final AtomicBoolean closing = new AtomicBoolean();
  private final AtomicBoolean looking = new AtomicBoolean();
  private volatile ControlStatus status;
  private volatile SessionDirectory directory;
  private volatile boolean draining;

  // Of the thread alone.
  private Node node;
  private int keptPort;
  private ActorSystem<?> stuck; // told to end, and had not when we last looked
  private long restarts;
  private String lastReason = "";
  private String rollingReason = "";
  private Standing announced;

  /** One actor system, from its start to its end. */
  private static final class Node {
    private final ActorSystem<Attendant.Command> system;
    private final Cluster cluster;
    private final HostAndPort address;
    private final long uid;
    private SessionDirectory sessions;
    private long upSince;

    Node(ActorSystem<Attendant.Command> system) {
      this.system = system;
      this.cluster = Cluster.get(system);
      Member self = cluster.selfMember();
      this.address = hostAndPort(self.address());
      this.uid = self.uniqueAddress().longUid();
    }

    Membership membership(ClusterEvent.CurrentClusterState state) {
      boolean welcomed = false;
      boolean up = false;
      List<Membership.Life> lives = new ArrayList<>();
      for (Member member : byAge(state)) {
        long of = member.uniqueAddress().longUid();
        boolean full = member.status().equals(MemberStatus.up());
        lives.add(new Membership.Life(incarnation(member), of, full));
        if (of == uid) {
          welcomed = true;
          up = full || member.status().equals(MemberStatus.leaving());
        }
      }
      return welcomed ? new Membership(true, up, lives) : Membership.OUTSIDE;
    }
  }

  /**
   * Starts it and returns at once; {@link #status} says how far it is.
   *
   * @param tls between control planes; not closed here
   */
  public static ControlPlane start(
      ControlSettings settings, ClusterTls tls, Neighbours neighbours, HeldTunnels held) {
    TlsProbe probe = new TlsProbe(tls);
    return start(
        settings,
        Pacing.aloneAfter(settings.aloneAfter()),
        tls.arterySetup(),
        probe,
        probe::close,
        neighbours,
        held);
  }

  static PekkoControlPlane start(
      ControlSettings settings,
      Pacing pacing,
      SSLEngineProviderSetup tls,
      ClusterProbe probe,
      Runnable whenClosed,
      Neighbours neighbours,
      HeldTunnels held) {
    PekkoControlPlane plane =
        new PekkoControlPlane(settings, pacing, tls, probe, whenClosed, neighbours, held);
    neighbours.onChange(plane::lookSoon);
    plane.thread.execute(plane::begin);
    plane.thread.scheduleWithFixedDelay(
        plane::look, TICK.toMillis(), TICK.toMillis(), TimeUnit.MILLISECONDS);
    return plane;
  }

  private PekkoControlPlane(
      ControlSettings settings,
      Pacing pacing,
      SSLEngineProviderSetup tls,
      ClusterProbe probe,
      Runnable whenClosed,
      Neighbours neighbours,
      HeldTunnels held) {
    this.settings = settings;
    this.pacing = pacing;
    this.tls = tls;
    this.probe = probe;
    this.whenClosed = whenClosed;
    this.neighbours = neighbours;
    this.held = held;
    this.keptPort = settings.listenPort();
    this.steering = new Steering(settings.identity(), pacing, ClusterId::random, new Random());
    this.thread =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread made = new Thread(task, "warren-control");
              made.setDaemon(true);
              return made;
            });
    thread.setRemoveOnCancelPolicy(true);
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    this.status = statusOf(ControlStatus.State.STARTING, Optional.empty(), List.of());
  }

  // What others call, from any thread.

  @Override
  public void tunnelUp(HeldTunnel tunnel) {
    SessionDirectory now = directory;
    if (now != null) { // otherwise the next one reports it, with all others
      now.tunnelUp(tunnel.session(), tunnel.tunnel());
    }
  }

  @Override
  public void tunnelLost(HeldTunnel tunnel, String reason) {
    SessionDirectory now = directory;
    if (now != null) {
      now.tunnelLost(tunnel.session(), tunnel.tunnel(), reason);
    }
  }

  @Override
  public CompletionStage<SessionStatus> presence(SessionKey session, Duration timeout) {
    return describe(session, timeout).thenApply(Description::status);
  }

  @Override
  public CompletionStage<Description> describe(SessionKey session, Duration timeout) {
    return asked(now -> now.describe(session, timeout));
  }

  @Override
  public CompletionStage<SessionPage> list(SessionKey after, int limit, Duration timeout) {
    return asked(now -> now.list(after, limit, timeout));
  }

  @Override
  public CompletionStage<Closed> closeSession(SessionKey session, String detail) {
    return asked(now -> now.close(session, detail));
  }

  private <T> CompletionStage<T> asked(Function<SessionDirectory, CompletionStage<T>> question) {
    SessionDirectory now = directory;
    ControlStatus.State state = status.state();
    boolean member = state == ControlStatus.State.MEMBER || state == ControlStatus.State.SPLIT;
    if (now == null || !member) {
      return CompletableFuture.failedFuture(new NoControlPlaneException(state));
    }
    try {
      return question.apply(now);
    } catch (RuntimeException e) { // the actor system has ended in this very moment
      return CompletableFuture.failedFuture(e);
    }
  }

  @Override
  public void draining() {
    draining = true;
    lookSoon();
  }

  @Override
  public void restart(String reason) {
    run(() -> restart(reason, pacing.leaving()));
  }

  @Override
  public void restartAll(String reason) {
    run(
        () -> {
          if (node != null && !rolling.isRunning()) {
            log.atInfo().addKeyValue("reason", reason).log("control.restarting-all");
            rollingReason = reason;
            rolling.begin(
                System.nanoTime(),
                node.membership(node.cluster.state()),
                settings.identity().incarnation());
          }
        });
    lookSoon();
  }

  @Override
  public int entitiesHere() {
    SessionDirectory now = directory;
    return now == null ? 0 : now.entitiesHere();
  }

  @Override
  public ControlStatus status() {
    return status;
  }

  @Override
  public CompletionStage<Void> close() {
    if (closing.compareAndSet(false, true)) {
      thread.execute(
          () -> {
            try {
              end(pacing.leaving());
            } finally {
              publish(ControlStatus.State.STOPPED, List.of());
              log.atInfo().log("control.stopped");
              thread.shutdown();
              whenClosed.run();
              closed.complete(null);
            }
          });
    }
    return closed.copy();
  }

  /** On the thread, unless all is over. */
  private void run(Runnable task) {
    try {
      thread.execute(
          () -> {
            if (!closing.get()) {
              try {
                task.run();
              } catch (RuntimeException e) {
                log.atError().setCause(e).log("control.failed");
              }
            }
          });
    } catch (RejectedExecutionException e) {
      // closed
    }
  }

  /** However many things change at once, it looks once. */
  private void lookSoon() {
    if (looking.compareAndSet(false, true)) {
      run(
          () -> {
            looking.set(false);
            look();
          });
    }
  }

  /** The actor system of now, on the thread: for tests that do harm to it. */
  void withSystem(Consumer<ActorSystem<?>> harm) {
    run(() -> harm.accept(node.system));
  }

  // All from here on is of the thread.

  private void begin() {
    if (closing.get() || node != null) {
      return;
    }
    publish(ControlStatus.State.STARTING, List.of());
    long started = System.nanoTime();
    try {
      ActorSystem<Attendant.Command> system =
          ActorSystem.create(
              Attendant.create(new Ears()),
              SYSTEM,
              ActorSystemSetup.create(
                  BootstrapSetup.create(config())
                      .withClassloader(PekkoControlPlane.class.getClassLoader()),
                  tls));
      system
          .getWhenTerminated()
          .whenComplete((done, failure) -> run(() -> ended(system, "its actor system has ended")));
      node = new Node(system);
      if (isPortTaken()) {
        log.atWarn()
            .addKeyValue("address", node.address)
            .addKeyValue("instead-of", keptPort)
            .log("control.other-port");
      } else {
        keptPort = node.address.port();
      }
      node.sessions =
          SessionDirectory.start(
              system,
              settings.sessions(),
              settings.identity().id(),
              settings.identity().incarnation(),
              held);
    } catch (RuntimeException | Error e) { // Pekko throws its own and linkage errors alike
      log.atError()
          .addKeyValue("address", settings.listenHost() + ":" + keptPort)
          .setCause(e)
          .log("control.not-started");
      end(Duration.ZERO);
      steering.started(started);
      again(Duration.ofSeconds(1));
      return;
    }
    steering.started(System.nanoTime());
    log.atInfo()
        .addKeyValue("address", node.address)
        .addKeyValue("millis", Duration.ofNanos(System.nanoTime() - started).toMillis())
        .log("control.joining");
    publish(ControlStatus.State.JOINING, List.of());
    look();
  }

  /**
   * Tunnels may come and go while they are reported; what came tells the directory itself. What
   * went may have been reported as lost before it was reported as held.
   */
  private void reportAll() {
    List<HeldTunnel> before = held.snapshot();
    before.forEach(this::tunnelUp);
    Set<HeldTunnel> gone = new HashSet<>(before);
    held.snapshot().forEach(gone::remove);
    gone.forEach(tunnel -> tunnelLost(tunnel, "gone while it was reported"));
  }

  private boolean isPortTaken() {
    return stuck != null && !stuck.getWhenTerminated().toCompletableFuture().isDone();
  }

  private Config config() {
    Map<String, Object> own = new HashMap<>();
    // One that was told to end and does not keeps the port for itself.
    boolean elsewhere = isPortTaken();
    boolean behind = settings.advertisePort() != 0 && !elsewhere;
    own.put(
        "pekko.cluster.roles",
        List.of(
            ROLE_OF_ID + settings.identity().id(),
            ROLE_OF_INCARNATION + settings.identity().incarnation()));
    own.put("pekko.remote.artery.canonical.hostname", settings.advertiseHost());
    own.put(
        "pekko.remote.artery.canonical.port",
        behind ? settings.advertisePort() : elsewhere ? 0 : keptPort);
    own.put("pekko.remote.artery.bind.hostname", settings.listenHost());
    if (behind) {
      own.put("pekko.remote.artery.bind.port", settings.listenPort());
    }
    ClassLoader loader = PekkoControlPlane.class.getClassLoader();
    return ConfigFactory.parseMap(own)
        .withFallback(
            ConfigFactory.parseResources(
                loader,
                "warren-control.conf",
                ConfigParseOptions.defaults().setAllowMissing(false)))
        .withFallback(SessionSettings.shardingConfig())
        .withFallback(ConfigFactory.defaultReferenceUnresolved(loader))
        .resolve();
  }

  private void look() {
    if (closing.get() || node == null) {
      return;
    }
    try {
      long now = System.nanoTime();
      ClusterEvent.CurrentClusterState state = node.cluster.state();
      Membership membership = node.membership(state);
      Step step = steering.next(now, membership, neighbours.standings());
      if (membership.up() && directory == null && isSeen(now, state)) {
        directory = node.sessions;
        reportAll();
      }
      publish(stateOf(membership), members(state));
      perform(step);
      OptionalLong next = rolling.next(now, membership);
      if (next.isPresent()) {
        pass(next.getAsLong());
      }
    } catch (RuntimeException e) {
      log.atError().setCause(e).log("control.failed");
    }
  }

  /**
   * Where a gateway comes back under its old address, a member that does not know yet that it is up
   * takes all its actors for dead (Pekko remembers addresses that have left, without the uid), and
   * a session's entity there would forget at once what it is told.
   */
  private boolean isSeen(long now, ClusterEvent.CurrentClusterState state) {
    if (node.upSince == 0) {
      node.upSince = now;
    }
    Set<Address> seenBy = state.getSeenBy();
    Set<Member> unreachable = state.getUnreachable();
    for (Member member : state.getMembers()) {
      if (!unreachable.contains(member) && !seenBy.contains(member.address())) {
        return now - node.upSince > SEEN_WITHIN.toNanos();
      }
    }
    return true;
  }

  private ControlStatus.State stateOf(Membership membership) {
    if (!membership.up() || directory == null) {
      return ControlStatus.State.JOINING;
    }
    return steering.split() ? ControlStatus.State.SPLIT : ControlStatus.State.MEMBER;
  }

  private void perform(Step step) {
    if (step instanceof Step.Probe wanted) {
      probe
          .isOpen(wanted.address())
          .whenComplete(
              (open, failure) ->
                  run(
                      () -> {
                        boolean is = failure == null && open;
                        log.atInfo()
                            .addKeyValue("address", wanted.address())
                            .addKeyValue("open", is)
                            .log("control.probed");
                        steering.probed(wanted.address(), is);
                        look();
                      }));
    } else if (step instanceof Step.Join join) {
      log.atInfo().addKeyValue("through", join.address()).log("control.asks-to-join");
      HostAndPort peer = HostAndPort.parse(join.address());
      join(new Address("pekko", SYSTEM, peer.host(), peer.port()));
    } else if (step instanceof Step.Form form) {
      log.atInfo().addKeyValue("cluster", form.id()).log("control.forms");
      join(node.cluster.selfMember().address());
    } else if (step instanceof Step.Restart wanted) {
      // Little time: the members of this cluster meet again in the other one.
      restart(wanted.reason(), pacing.leaving().dividedBy(2));
    }
  }

  private void join(Address address) {
    node.cluster.manager().tell(Join.create(address));
  }

  private void pass(long uid) {
    if (uid == node.uid) {
      restart(rollingReason, pacing.leaving());
      return;
    }
    for (Member member : node.cluster.state().getMembers()) {
      if (member.uniqueAddress().longUid() == uid) {
        log.atInfo()
            .addKeyValue("address", hostAndPort(member.address()))
            .log("control.orders-restart");
        node.system.tell(
            new Attendant.Pass(
                member.address(),
                new Attendant.RestartOrder(uid, settings.identity().id(), rollingReason)));
      }
    }
  }

  /** What the attendant of an actor system says, brought to the thread. */
  private final class Ears implements Attendant.Listener {
    @Override
    public void changed() {
      lookSoon();
    }

    @Override
    public void lost(ActorSystem<?> of, String reason) {
      run(() -> ended(of, reason));
    }

    @Override
    public void ordered(Attendant.RestartOrder order) {
      run(
          () -> {
            if (node != null && node.uid == order.uid()) {
              restart(order.reason() + " (ordered by " + order.by() + ")", pacing.leaving());
            }
          });
    }
  }

  private void ended(ActorSystem<?> system, String reason) {
    if (node != null && node.system == system) {
      restart(reason, Duration.ZERO);
    }
  }

  private void restart(String reason, Duration leaving) {
    if (node == null) {
      return; // it is about to start anyway
    }
    restarts++;
    lastReason = reason;
    log.atWarn()
        .addKeyValue("reason", reason)
        .addKeyValue("restarts", restarts)
        .log("control.restarting");
    publish(ControlStatus.State.RESTARTING, List.of());
    end(leaving);
    again(Duration.ZERO);
  }

  private void again(Duration atLeast) {
    Duration pause = steering.ended(System.nanoTime());
    long millis = Math.max(pause.toMillis(), atLeast.toMillis());
    thread.schedule(this::begin, millis, TimeUnit.MILLISECONDS);
  }

  /**
   * Ends the actor system, in good order where there is time for it. One that does not end is left
   * behind: the next one then finds its port in use and is tried again until it is free.
   */
  private void end(Duration leaving) {
    directory = null;
    Node old = node;
    node = null;
    if (old == null) {
      return;
    }
    if (!leaving.isZero()) {
      CompletionStage<Done> left =
          CoordinatedShutdown.get(old.system)
              .runAll(CoordinatedShutdown.actorSystemTerminateReason());
      if (await(left, leaving)) {
        return;
      }
    }
    old.system.terminate();
    if (!await(old.system.getWhenTerminated(), ENDING)) {
      stuck = old.system;
      log.atError().addKeyValue("address", old.address).log("control.does-not-end");
    }
  }

  private static boolean await(CompletionStage<Done> stage, Duration limit) {
    try {
      stage.toCompletableFuture().get(limit.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException | ExecutionException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  // What others see.

  private void publish(ControlStatus.State state, List<ControlStatus.Member> members) {
    ControlStatus before = status;
    ControlStatus after = statusOf(state, steering.clusterId(), members);
    if (after.state() == before.state()) {
      after = since(after, before.sinceMillis());
    }
    if (!after.equals(before)) {
      status = after;
      tell(before, after);
    }
    announce(after);
  }

  private ControlStatus statusOf(
      ControlStatus.State state, Optional<ClusterId> id, List<ControlStatus.Member> members) {
    return new ControlStatus(
        state,
        node == null ? Optional.empty() : Optional.of(node.address.toString()),
        node == null ? 0 : node.uid,
        id,
        members,
        restarts,
        lastReason,
        System.currentTimeMillis());
  }

  private static ControlStatus since(ControlStatus status, long millis) {
    return new ControlStatus(
        status.state(),
        status.cluster(),
        status.uid(),
        status.clusterId(),
        status.members(),
        status.restarts(),
        status.lastReason(),
        millis);
  }

  private static void tell(ControlStatus before, ControlStatus after) {
    if (after.state() != before.state() || !after.clusterId().equals(before.clusterId())) {
      if (after.state() == ControlStatus.State.MEMBER) {
        log.atInfo()
            .addKeyValue("cluster", after.clusterId().map(ClusterId::shortText).orElse(""))
            .addKeyValue("members", after.members().size())
            .log("control.member");
      } else if (after.state() == ControlStatus.State.SPLIT) {
        log.atWarn()
            .addKeyValue("cluster", after.clusterId().map(ClusterId::shortText).orElse(""))
            .addKeyValue("members", after.members().size())
            .addKeyValue(
                "hint", "another cluster is linked, but its cluster port cannot be joined through")
            .log("control.split");
      }
    }
    Map<Long, ControlStatus.Member> gone = new HashMap<>();
    before.members().forEach(member -> gone.put(member.uid(), member));
    for (ControlStatus.Member member : after.members()) {
      ControlStatus.Member was = gone.remove(member.uid());
      if (was == null
          || !was.status().equals(member.status())
          || was.reachable() != member.reachable()) {
        log.atInfo()
            .addKeyValue("gateway", member.id())
            .addKeyValue("address", member.address())
            .addKeyValue("status", member.status())
            .addKeyValue("reachable", member.reachable())
            .log("control.member-changed");
      }
    }
    if (after.cluster().isPresent()) { // otherwise it is we who are gone
      for (ControlStatus.Member member : gone.values()) {
        log.atInfo()
            .addKeyValue("gateway", member.id())
            .addKeyValue("address", member.address())
            .log("control.member-gone");
      }
    }
  }

  private void announce(ControlStatus now) {
    Standing mine =
        new Standing(
            settings.identity(),
            now.cluster(),
            now.uid(),
            now.clusterId(),
            now.clusterId().isPresent() && !now.members().isEmpty()
                ? now.members().get(0).incarnation()
                : Optional.empty(),
            now.members().size(),
            now.state() == ControlStatus.State.SPLIT,
            draining,
            settings.version(),
            now.sinceMillis());
    if (!mine.equals(announced)) {
      announced = mine;
      neighbours.announce(mine);
    }
  }

  private static List<Member> byAge(ClusterEvent.CurrentClusterState state) {
    List<Member> members = new ArrayList<>();
    state.getMembers().forEach(members::add);
    members.sort(Member.ageOrdering());
    return members;
  }

  private static List<ControlStatus.Member> members(ClusterEvent.CurrentClusterState state) {
    Set<Member> unreachable = state.getUnreachable();
    List<ControlStatus.Member> shown = new ArrayList<>();
    for (Member member : byAge(state)) {
      shown.add(
          new ControlStatus.Member(
              roleOf(member, ROLE_OF_ID).orElse(""),
              incarnation(member),
              hostAndPort(member.address()).toString(),
              member.uniqueAddress().longUid(),
              member.status().toString().toLowerCase(Locale.ROOT),
              !unreachable.contains(member),
              shown.isEmpty(),
              member.getRoles()));
    }
    return shown;
  }

  private static Optional<Incarnation> incarnation(Member member) {
    return roleOf(member, ROLE_OF_INCARNATION)
        .flatMap(
            hex -> {
              try {
                return Optional.of(Incarnation.parse(hex));
              } catch (IllegalArgumentException e) {
                return Optional.empty(); // not one of ours, or of a version to come
              }
            });
  }

  private static Optional<String> roleOf(Member member, String prefix) {
    return member.getRoles().stream()
        .filter(role -> role.startsWith(prefix))
        .map(role -> role.substring(prefix.length()))
        .findFirst();
  }

  private static HostAndPort hostAndPort(Address address) {
    return new HostAndPort(address.getHost().orElse(""), address.getPort().orElse(0));
  }
}
