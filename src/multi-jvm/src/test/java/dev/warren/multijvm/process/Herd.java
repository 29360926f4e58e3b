package dev.warren.multijvm.process;

import dev.warren.agent.AgentSettings;
import dev.warren.agent.connect.ClientTls;
import dev.warren.agent.connect.GatewayAddress;
import dev.warren.agent.connect.GatewayConnector;
import dev.warren.agent.connect.GatewayRules;
import dev.warren.agent.dial.RefusalLog;
import dev.warren.agent.dial.TargetDialer;
import dev.warren.agent.net.SystemNames;
import dev.warren.agent.net.Transport;
import dev.warren.agent.pool.PoolStatus;
import dev.warren.agent.pool.TunnelPool;
import dev.warren.agent.pool.TunnelState;
import dev.warren.agent.pool.TunnelStatus;
import dev.warren.protocol.SessionKey;
import io.netty.channel.EventLoopGroup;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Agents with their real pools, dialers and protocol, which share a few event loops in place of
 * having their own: what matters of them is where their tunnels go, and that they are many.
 */
public final class Herd implements AutoCloseable {
  private final EventLoopGroup loops;
  private final SystemNames names;
  private final List<Member> members = new ArrayList<>();

  /** What all agents of a herd have in common. */
  public enum Finds {
    /** They dial the addresses that gateways advertise. */
    DIRECTLY,
    /** They dial nothing but their own addresses, as if no gateway advertised any. */
    BY_ITS_DOORS
  }

  private Herd(Transport transport, int threads) {
    this.loops = transport.eventLoops(threads);
    this.names = new SystemNames(transport);
  }

  /**
   * Starts so many; does not wait for their tunnels.
   *
   * @param prefix of their ids, which go on with -0, -1 ...
   * @param connect as in {@code --connect}; each agent begins with another one of them
   * @param tunnels as in {@code --tunnels}
   */
  public static Herd start(
      String prefix, int count, List<String> connect, int tunnels, Finds finds, int threads) {
    Transport transport = Transport.best();
    Herd herd = new Herd(transport, threads);
    for (int i = 0; i < count; i++) {
      List<GatewayAddress> addresses =
          new ArrayList<>(connect.stream().map(GatewayAddress::parse).toList());
      Collections.rotate(addresses, i);
      AgentSettings.Builder settings =
          AgentSettings.builder(SessionKey.of(prefix + "-" + i), addresses).tunnels(tunnels);
      if (finds == Finds.BY_ITS_DOORS) {
        settings.gatewayRules(GatewayRules.parse(List.of(AgentCrowd.NOWHERE)));
      }
      herd.members.add(new Member(settings.build(), transport, herd.names, herd.loops));
    }
    herd.members.forEach(member -> member.pool.start());
    return herd;
  }

  /** One agent, and what its pool told. */
  public static final class Member {
    private final String id;
    private final TunnelPool pool;
    private final Set<Long> up = new HashSet<>();
    private boolean wasUp;
    private long lonelySince;
    private long lonelyNanos;
    private int lonely;
    private int putOff;

    private Member(
        AgentSettings settings, Transport transport, SystemNames names, EventLoopGroup loops) {
      this.id = settings.session().toString();
      TargetDialer dialer =
          new TargetDialer(
              transport,
              names,
              settings.allow(),
              new RefusalLog(),
              settings.dialTimeout(),
              settings.maxPendingDials());
      GatewayConnector connector =
          new GatewayConnector(
              transport,
              names,
              settings.proxies(),
              new ClientTls(Optional.empty()),
              settings.session(),
              settings.token(),
              settings.connectLimit(),
              settings.software());
      this.pool =
          new TunnelPool(settings, loops, connector, dialer, new SecureRandom(), this::changed);
    }

    private synchronized void changed(TunnelStatus status) {
      boolean had = !up.isEmpty();
      switch (status.state()) {
        case UP, LEAVING -> up.add(status.connection());
        case CONNECTING -> {
          // A new tunnel is nothing yet.
        }
        case MOVED, WAITING, CLOSED -> up.remove(status.connection());
      }
      if (status.reason().startsWith("HTTP 503")) {
        putOff++;
      }
      wasUp |= !up.isEmpty();
      if (had && up.isEmpty()) {
        lonely++;
        lonelySince = System.nanoTime();
      } else if (!had && !up.isEmpty() && lonelySince != 0) {
        lonelyNanos = Math.max(lonelyNanos, System.nanoTime() - lonelySince);
        lonelySince = 0;
      }
    }

    public String id() {
      return id;
    }

    /** The gateways that it has tunnels to, one for each tunnel that takes streams, by name. */
    public List<String> gateways() {
      return pool.pool().tunnels().stream()
          .filter(each -> each.state() == TunnelState.UP || each.state() == TunnelState.LEAVING)
          .map(TunnelStatus::gateway)
          .sorted()
          .toList();
    }

    /** Tunnels that were replaced, and still are there. */
    public long moved() {
      return pool.pool().tunnels().stream()
          .filter(each -> each.state() == TunnelState.MOVED)
          .count();
    }

    public PoolStatus pool() {
      return pool.pool();
    }

    /** How often it was told to come later since {@link #forget}. */
    public synchronized int putOff() {
      return putOff;
    }

    /** How often it has been without a tunnel since {@link #forget}, and for how long at most. */
    public synchronized String lonely() {
      long longest =
          Math.max(lonelyNanos, up.isEmpty() && wasUp ? System.nanoTime() - lonelySince : 0);
      return lonely == 0 ? "" : id + ": " + lonely + " times, " + longest / 1_000_000 + " ms";
    }

    private synchronized void forget() {
      putOff = 0;
      lonely = 0;
      lonelyNanos = 0;
    }
  }

  public List<Member> members() {
    return List.copyOf(members);
  }

  public List<String> ids() {
    return members.stream().map(Member::id).toList();
  }

  /** How many have a tunnel. */
  public long up() {
    return members.stream().filter(member -> !member.gateways().isEmpty()).count();
  }

  /** Those that have been without any tunnel since {@link #forget}, and for how long. */
  public List<String> lonely() {
    return members.stream().map(Member::lonely).filter(text -> !text.isEmpty()).toList();
  }

  /** How many times the one that was put off most was told to come later since {@link #forget}. */
  public int mostPutOff() {
    return members.stream().mapToInt(Member::putOff).max().orElse(0);
  }

  /** From now on it is counted who is put off, and who is without a tunnel. */
  public void forget() {
    members.forEach(Member::forget);
  }

  /** That each has so many tunnels, all to different gateways, and no others. */
  public void assertTunnels(int expected) {
    List<String> wrong =
        members.stream()
            .filter(
                member ->
                    member.gateways().size() != expected
                        || Set.copyOf(member.gateways()).size() != expected
                        || member.moved() > 0)
            .map(member -> member.id + " " + member.gateways() + " " + member.pool().state())
            .toList();
    if (!wrong.isEmpty()) {
      throw new AssertionError(
          wrong.size()
              + " of "
              + members.size()
              + " agents have not "
              + expected
              + " tunnels to as many gateways, as "
              + wrong.subList(0, Math.min(4, wrong.size())));
    }
  }

  /** Dials of each so far. */
  public List<Long> dials() {
    return members.stream().map(member -> member.pool().dials()).toList();
  }

  @Override
  public void close() {
    names.close();
    members.stream()
        .map(member -> member.pool.close())
        .toList()
        .forEach(closed -> closed.awaitUninterruptibly(1, TimeUnit.SECONDS));
    loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}
