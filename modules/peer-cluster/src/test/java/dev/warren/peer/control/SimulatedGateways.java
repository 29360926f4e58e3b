package dev.warren.peer.control;

import dev.warren.peer.GatewayIdentity;
import dev.warren.protocol.Incarnation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * Gateways with real {@link Steering} on a simulated network, clock and membership. A cluster is
 * one object that its members share, and that splits as a split brain resolver with keep-majority
 * splits it; now and then, as one would that was too hasty, it lets both sides stay.
 */
final class SimulatedGateways {
  static final long TICK = Duration.ofMillis(250).toNanos();
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  final Random random;
  final List<Node> nodes = new ArrayList<>();
  final Set<String> cut = new HashSet<>(); // "a>b": neither links nor the cluster's messages pass
  final Set<String> filtered = new HashSet<>(); // "a>b": links pass, the cluster's messages do not
  private final List<Group> groups = new ArrayList<>();
  private final List<Later> later = new ArrayList<>();
  private long uids;
  boolean hasty;
  long now;

  private record Later(long at, Runnable task) {}

  private static final class Seat {
    private final Node node;
    private final long uid;
    private boolean up;

    private Seat(Node node, long uid, boolean up) {
      this.node = node;
      this.uid = uid;
      this.up = up;
    }
  }

  private static final class Group {
    private final List<Seat> seats = new ArrayList<>(); // the oldest first
    private long unreachableSince = -1;
  }

  /** One gateway's process. */
  final class Node {
    final int number;
    GatewayIdentity identity;
    boolean alive;
    long frozenUntil;
    int islandRestarts;
    int restarts;
    private Steering steering;
    private long uid; // 0: no actor system
    private Group group;
    private Membership view = Membership.OUTSIDE;
    private Standing standing;
    private long joins; // numbers the wishes to join: only the last counts

    private Node(int number) {
      this.number = number;
    }

    String address() {
      return "127.0.0.1:" + (7101 + number);
    }

    boolean runs() {
      return alive && now >= frozenUntil;
    }

    Optional<ClusterId> clusterId() {
      return steering.clusterId();
    }

    boolean split() {
      return steering.split();
    }

    private void boot() {
      alive = true;
      identity =
          new GatewayIdentity("g" + number, new Incarnation(random.nextLong(), random.nextLong()));
      steering =
          new Steering(
              identity,
              Pacing.DEFAULT,
              () -> new ClusterId(random.nextLong(), random.nextLong()),
              new Random(random.nextLong()));
      standing = Standing.none(identity, "sim");
      steering.started(now);
      uid = ++uids;
      group = null;
      view = Membership.OUTSIDE;
    }

    void crash() {
      alive = false;
      uid = 0;
      group = null;
    }

    void restart(boolean leaves) {
      if (!alive || uid == 0) {
        return;
      }
      restarts++;
      if (leaves && group != null) {
        group.seats.removeIf(seat -> seat.node == this && seat.uid == uid);
      }
      group = null;
      uid = 0;
      joins++;
      view = Membership.OUTSIDE;
      Incarnation life = identity.incarnation();
      long pause = steering.ended(now).toNanos();
      after(
          pause + SECOND / 2 + random.nextLong(2 * SECOND),
          () -> {
            if (alive && uid == 0 && identity.incarnation().equals(life)) {
              uid = ++uids;
              steering.started(now);
            }
          });
    }

    private void tick() {
      if (uid != 0) {
        if (random.nextInt(3) == 0 || view.equals(Membership.OUTSIDE)) {
          view = look();
        }
        Step step = steering.next(now, view, linked(this));
        if (step instanceof Step.Probe probe) {
          Node target = at(probe.address());
          if (passes(this, target, cut)) { // otherwise it hangs, and the limit is Steering's
            boolean open = passes(this, target, filtered) && target.alive && target.uid != 0;
            after(random.nextLong(SECOND), () -> steering.probed(probe.address(), open));
          }
        } else if (step instanceof Step.Join join) {
          wish(at(join.address()), ++joins);
        } else if (step instanceof Step.Form) {
          joins++;
          group = new Group();
          group.seats.add(new Seat(this, uid, true));
          groups.add(group);
          view = look();
        } else if (step instanceof Step.Restart) {
          islandRestarts++;
          restart(true);
        }
      }
      announce();
    }

    private void wish(Node target, long number) {
      long asked = uid;
      after(
          SECOND / 4 + random.nextLong(SECOND),
          () -> {
            if (uid != asked || joins != number || group != null || !runs()) {
              return;
            }
            Group host = target.group;
            boolean in = host != null && target.runs() && reach(this, target);
            if (in) {
              host.seats.removeIf(seat -> seat.node == this);
              host.seats.add(new Seat(this, uid, false));
              group = host;
            } else {
              wish(target, number);
            }
          });
    }

    private Membership look() {
      if (group == null) {
        return Membership.OUTSIDE;
      }
      boolean up = false;
      List<Membership.Life> lives = new ArrayList<>();
      for (Seat seat : group.seats) {
        lives.add(
            new Membership.Life(Optional.of(seat.node.identity.incarnation()), seat.uid, seat.up));
        up |= seat.uid == uid && seat.up;
      }
      return new Membership(true, up, lives);
    }

    private void announce() {
      standing =
          uid == 0
              ? Standing.none(identity, "sim")
              : new Standing(
                  identity,
                  Optional.of(address()),
                  uid,
                  steering.clusterId(),
                  steering.clusterId().flatMap(id -> view.oldest()),
                  view.oldestFirst().size(),
                  steering.split(),
                  false,
                  "sim",
                  0);
    }

    @Override
    public String toString() {
      return "g"
          + number
          + "{alive="
          + alive
          + " uid="
          + uid
          + " up="
          + view.up()
          + " members="
          + view.oldestFirst().size()
          + " cluster="
          + (steering == null ? "" : steering.clusterId().map(ClusterId::shortText).orElse("-"))
          + " split="
          + (steering != null && steering.split())
          + " restarts="
          + restarts
          + "}";
    }
  }

  SimulatedGateways(long seed, int count) {
    random = new Random(seed);
    for (int i = 0; i < count; i++) {
      nodes.add(new Node(i));
    }
  }

  void start(Node node) {
    if (!node.alive) {
      node.boot();
    }
  }

  void after(long nanos, Runnable task) {
    later.add(new Later(now + nanos, task));
  }

  void run(Duration time) {
    long end = now + time.toNanos();
    while (now < end) {
      tick();
    }
  }

  /** Runs until all that live are one cluster and stay so for 20 s; whether it came to that. */
  boolean converges(Duration limit) {
    long end = now + limit.toNanos();
    long since = -1;
    while (now < end) {
      tick();
      since = isWhole() ? (since < 0 ? now : since) : -1;
      if (since >= 0 && now - since > 20 * SECOND) {
        return true;
      }
    }
    return false;
  }

  boolean isWhole() {
    Group first = null;
    Optional<ClusterId> id = Optional.empty();
    for (Node node : nodes) {
      if (!node.alive) {
        continue;
      }
      if (node.group == null || !node.view.up() || node.split() || node.clusterId().isEmpty()) {
        return false;
      }
      if (first == null) {
        first = node.group;
        id = node.clusterId();
      }
      if (node.group != first || !node.clusterId().equals(id)) {
        return false;
      }
    }
    return first != null && first.seats.stream().allMatch(seat -> seat.uid == seat.node.uid);
  }

  private void tick() {
    now += TICK;
    List<Later> due = later.stream().filter(task -> task.at() <= now).toList();
    later.removeAll(due);
    due.stream().sorted(Comparator.comparingLong(Later::at)).forEach(task -> task.task().run());
    for (Group group : List.copyOf(groups)) {
      resolve(group);
    }
    groups.removeIf(group -> group.seats.isEmpty());
    for (Node node : nodes) {
      if (node.runs()) {
        node.tick();
      }
    }
  }

  /** Members come up while all are reachable; who is not for a while costs one side its place. */
  private void resolve(Group group) {
    boolean whole = true;
    for (Seat one : group.seats) {
      for (Seat other : group.seats) {
        whole &= one == other || sees(one, other);
      }
    }
    if (whole) {
      group.unreachableSince = -1;
      for (Seat seat : group.seats) {
        if (!seat.up && random.nextInt(6) == 0) {
          seat.up = true;
        }
      }
      return;
    }
    if (group.unreachableSince < 0) {
      group.unreachableSince = now;
    }
    if (now - group.unreachableSince < 10 * SECOND) {
      return;
    }
    group.unreachableSince = -1;
    List<List<Seat>> sides = sides(group);
    sides.sort(
        Comparator.comparingInt((List<Seat> side) -> -side.size())
            .thenComparingInt(side -> side.stream().mapToInt(s -> s.node.number).min().orElse(0)));
    List<Seat> kept = sides.isEmpty() ? List.of() : sides.get(0);
    boolean majority = kept.size() * 2 >= group.seats.size();
    for (List<Seat> side : sides) {
      if (side == kept && majority) {
        continue;
      }
      if (hasty) { // both stay, under one id
        Group own = new Group();
        own.seats.addAll(side);
        groups.add(own);
        side.forEach(seat -> seat.node.group = own);
      } else {
        side.forEach(seat -> seat.node.restart(false));
      }
    }
    if (majority) {
      group.seats.retainAll(kept);
    } else {
      group.seats.clear();
    }
  }

  /** The members that live and see each other, side by side; who does not live is on none. */
  private List<List<Seat>> sides(Group group) {
    List<List<Seat>> sides = new ArrayList<>();
    for (Seat seat : group.seats) {
      if (!sees(seat, seat)) {
        continue;
      }
      Optional<List<Seat>> home =
          sides.stream()
              .filter(side -> side.stream().allMatch(other -> sees(seat, other)))
              .findFirst();
      if (home.isPresent()) {
        home.get().add(seat);
      } else {
        sides.add(new ArrayList<>(List.of(seat)));
      }
    }
    return sides;
  }

  private boolean sees(Seat one, Seat other) {
    return one.node.uid == one.uid
        && other.node.uid == other.uid
        && one.node.runs()
        && other.node.runs()
        && reach(one.node, other.node);
  }

  private boolean reach(Node one, Node other) {
    return passes(one, other, cut)
        && passes(other, one, cut)
        && passes(one, other, filtered)
        && passes(other, one, filtered);
  }

  private static boolean passes(Node from, Node to, Set<String> not) {
    return !not.contains(from.number + ">" + to.number);
  }

  private List<Standing> linked(Node node) {
    List<Standing> linked = new ArrayList<>();
    for (Node other : nodes) {
      if (other != node && other.runs() && passes(node, other, cut) && passes(other, node, cut)) {
        linked.add(other.standing);
      }
    }
    return linked;
  }

  private Node at(String address) {
    return nodes.stream().filter(node -> node.address().equals(address)).findFirst().orElseThrow();
  }

  void separate(Set<String> kind, Node one, Node other) {
    kind.add(one.number + ">" + other.number);
    kind.add(other.number + ">" + one.number);
  }
}
