package dev.warren.session;

import com.typesafe.config.Config;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.pekko.Done;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.sharding.typed.javadsl.ClusterSharding;
import org.apache.pekko.cluster.sharding.typed.javadsl.Entity;
import org.apache.pekko.cluster.sharding.typed.javadsl.EntityRef;
import org.apache.pekko.cluster.typed.Cluster;

/**
 * The cluster's knowledge of sessions, as one gateway reports to it and asks it. It lives as long
 * as its actor system; a gateway whose control plane starts again starts a new one and reports all
 * its tunnels again. Safe for use by all threads, and never blocks.
 */
public final class SessionDirectory {
  private final ActorSystem<?> system;
  private final SessionSettings settings;
  private final Incarnation incarnation;
  private final ClusterSharding sharding;
  private final ActorRef<SessionIndex.Command> index;
  private final ActorRef<Holder.Command> holder;
  private final AtomicInteger entities;

  private SessionDirectory(
      ActorSystem<?> system,
      SessionSettings settings,
      Incarnation incarnation,
      ActorRef<SessionIndex.Command> index,
      ActorRef<Holder.Command> holder,
      AtomicInteger entities) {
    this.system = system;
    this.settings = settings;
    this.incarnation = incarnation;
    this.sharding = ClusterSharding.get(system);
    this.index = index;
    this.holder = holder;
    this.entities = entities;
  }

  /**
   * Starts it, once for each actor system; that need not have joined a cluster yet.
   *
   * @param gateway this gateway's id
   * @param incarnation its present life: reports must name it
   * @param duties what carries out the orders to close tunnels
   * @throws IllegalArgumentException where the system lacks {@link SessionSettings#shardingConfig}
   */
  public static SessionDirectory start(
      ActorSystem<?> system,
      SessionSettings settings,
      String gateway,
      Incarnation incarnation,
      HolderDuties duties) {
    Objects.requireNonNull(duties, "duties");
    check(system.settings().config(), settings);
    AtomicInteger entities = new AtomicInteger();
    ActorRef<SessionIndex.Command> index =
        system.systemActorOf(SessionIndex.create(entities), "warren-session-index", Props.empty());
    Session.Home home =
        new Session.Home(
            Cluster.get(system).selfMember().address().toString(),
            gateway,
            settings,
            index,
            System::currentTimeMillis);
    ClusterSharding sharding = ClusterSharding.get(system);
    sharding.init(
        Entity.of(
            Session.TYPE,
            entity ->
                Session.create(SessionKey.of(entity.getEntityId()), home, entity.getShard())));
    ActorRef<Holder.Command> holder =
        system.systemActorOf(
            Holder.create(
                settings,
                duties,
                session -> sharding.entityRefFor(Session.TYPE, session.toString()),
                () -> ThreadLocalRandom.current().nextDouble()),
            "warren-holder",
            Props.empty());
    // Else it would report what lived here to a sharding that ends, which waits 10 s for that.
    CoordinatedShutdown.get(system)
        .addTask(
            CoordinatedShutdown.PhaseBeforeClusterShutdown(),
            "warren-holder",
            () -> {
              holder.tell(new Holder.Stop());
              return CompletableFuture.completedFuture(Done.getInstance());
            });
    return new SessionDirectory(system, settings, incarnation, index, holder, entities);
  }

  private static void check(Config config, SessionSettings settings) {
    Config sharding = config.getConfig("pekko.cluster.sharding");
    expect(
        "number-of-shards",
        Integer.toString(sharding.getInt("number-of-shards")),
        Integer.toString(settings.numberOfShards()));
    expect("passivation.strategy", sharding.getString("passivation.strategy"), "none");
    expect("remember-entities", sharding.getBoolean("remember-entities") ? "on" : "off", "off");
  }

  private static void expect(String key, String found, String expected) {
    if (!found.equals(expected)) {
      throw new IllegalArgumentException(
          "pekko.cluster.sharding."
              + key
              + ": "
              + found
              + " (expected: "
              + expected
              + ", as in SessionSettings.shardingConfig())");
    }
  }

  /**
   * Reports a tunnel that this gateway holds. Returns at once; the report is repeated until the
   * session's entity has it, and whenever that has moved.
   *
   * @throws IllegalArgumentException where the report names another life of a gateway
   */
  public void tunnelUp(SessionKey session, TunnelReport tunnel) {
    checkIsOurs(tunnel);
    holder.tell(new Holder.TunnelUp(session, tunnel));
  }

  /**
   * Reports that a tunnel is gone. Returns at once.
   *
   * @throws IllegalArgumentException where the report names another life of a gateway
   */
  public void tunnelLost(SessionKey session, TunnelReport tunnel, String reason) {
    checkIsOurs(tunnel);
    holder.tell(new Holder.TunnelLost(session, tunnel, Objects.requireNonNull(reason, "reason")));
  }

  private void checkIsOurs(TunnelReport tunnel) {
    if (!tunnel.incarnation().equals(incarnation)) {
      throw new IllegalArgumentException(
          "tunnel held by "
              + tunnel.holder()
              + "#"
              + tunnel.incarnation().shortText()
              + " (expected: this gateway, #"
              + incarnation.shortText()
              + ")");
    }
  }

  /**
   * Asks the session's entity.
   *
   * @return fails with a {@link java.util.concurrent.TimeoutException} where it does not answer in
   *     time: that says nothing about the session
   */
  public CompletionStage<Description> describe(SessionKey session, Duration timeout) {
    return entity(session).<Description>ask(Session.Describe::new, timeout);
  }

  /**
   * Closes all tunnels that the session has now, wherever they are.
   *
   * @param detail to be told to the agent
   * @return fails with a {@link java.util.concurrent.TimeoutException} where the entity does not
   *     answer, after every holder had its time
   */
  public CompletionStage<Closed> close(SessionKey session, String detail) {
    return entity(session)
        .<Closed>ask(replyTo -> new Session.Close(detail, replyTo), settings.closeTimeout());
  }

  private EntityRef<Session.Command> entity(SessionKey session) {
    return sharding.entityRefFor(Session.TYPE, session.toString());
  }

  /**
   * Lists sessions of the whole cluster, sorted by key. Sessions that nobody has reported again yet
   * after the death of the node where their entity lived are missing.
   *
   * @param after the last key of the page before; null for the first page
   * @param limit 1 to 500 entries
   * @param timeout for each node
   * @return never fails because a node does not answer: the page names those
   */
  public CompletionStage<SessionPage> list(SessionKey after, int limit, Duration timeout) {
    int most = Math.max(1, Math.min(limit, SessionIndex.MAX_PAGE));
    return AskPattern.<SessionIndex.Command, SessionIndex.Indexes>ask(
            index, SessionIndex.WhoElse::new, timeout, system.scheduler())
        .thenCompose(indexes -> askAll(indexes.all(), after, most, timeout));
  }

  private CompletionStage<SessionPage> askAll(
      Set<ActorRef<SessionIndex.Command>> indexes, SessionKey after, int limit, Duration timeout) {
    Address self = Cluster.get(system).selfMember().address();
    Map<Address, CompletableFuture<SessionIndex.Page>> answers = new HashMap<>();
    for (ActorRef<SessionIndex.Command> each : indexes) {
      Address there = each.path().address();
      CompletionStage<SessionIndex.Page> answer =
          AskPattern.ask(
              each,
              replyTo -> new SessionIndex.ListPage(after, limit, replyTo),
              timeout,
              system.scheduler());
      answers.put(
          there.hasLocalScope() ? self : there,
          answer.exceptionally(failure -> null).toCompletableFuture());
    }
    // A member whose index is not known here yet cannot be asked.
    Set<Address> silent = new HashSet<>();
    for (Member member : Cluster.get(system).state().getMembers()) {
      if (member.status().equals(MemberStatus.up()) && !answers.containsKey(member.address())) {
        silent.add(member.address());
      }
    }
    return CompletableFuture.allOf(answers.values().toArray(new CompletableFuture<?>[0]))
        .thenApply(
            done -> {
              List<SessionIndex.Page> pages = new ArrayList<>();
              answers.forEach(
                  (address, answer) -> {
                    SessionIndex.Page page = answer.join();
                    if (page == null) {
                      silent.add(address);
                    } else {
                      pages.add(page);
                    }
                  });
              return merge(pages, limit, silent);
            });
  }

  /** One page of several, each of which has the first entries of its node. */
  static SessionPage merge(List<SessionIndex.Page> pages, int limit, Set<Address> silent) {
    TreeMap<SessionKey, SessionEntry> all = new TreeMap<>();
    boolean more = false;
    for (SessionIndex.Page page : pages) {
      more |= page.more();
      for (SessionEntry entry : page.entries()) {
        // An entity on its way from one node to another may be seen on both.
        all.merge(entry.session(), entry, SessionDirectory::fuller);
      }
    }
    Set<String> silentNodes = new TreeSet<>();
    silent.forEach(address -> silentNodes.add(address.toString()));
    return new SessionPage(
        all.values().stream().limit(limit).toList(),
        more || all.size() > limit,
        List.copyOf(silentNodes));
  }

  private static SessionEntry fuller(SessionEntry one, SessionEntry other) {
    if (one.tunnels() != other.tunnels()) {
      return one.tunnels() > other.tunnels() ? one : other;
    }
    return one.lastConnectedMillis() >= other.lastConnectedMillis() ? one : other;
  }

  /** How many sessions, online or offline, have their entity on this node. */
  public int entitiesHere() {
    return entities.get();
  }
}
