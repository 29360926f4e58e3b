package dev.warren.agent.dial;

import dev.warren.agent.net.ConnectInTurn;
import dev.warren.agent.net.HostText;
import dev.warren.agent.rules.Verdict;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.Target;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * One connection attempt to a target, for the streams that wait for it: the attempts of one dial,
 * over whichever tunnels of the agent they came. It runs on the event loop of the first; the others
 * join on loops of their own. When the target accepts, the highest attempt gets the connection,
 * which moves to its loop.
 *
 * <pre>dialling -connected, refused or nobody waits-> ended</pre>
 */
final class SharedDial {
  /** Streams that may wait for one dial. */
  static final int MAX_WAITING = 8;

  /** Of a name's addresses no more than these are judged and tried. */
  static final int MAX_ADDRESSES = 16;

  /** Only because a bootstrap needs a handler; it is taken out again. */
  private static final ChannelHandler NOTHING = new Nothing();

  private final TargetDialer dialer;
  private final DialRequest request;
  private final EventLoop loop;
  private final long deadline;

  // From several loops, under the dial's lock: who waits, and whether one may still join.
  private final List<TargetDial> waiting = new ArrayList<>();
  private int highestAttempt;
  private boolean ended;

  // On the dial's loop only.
  private boolean over;
  private Future<?> timer;
  private Future<?> lookup;
  private ConnectInTurn connecting;

  /** A dial for its first stream, whose deadline is the dial's. */
  SharedDial(TargetDialer dialer, TargetDial first) {
    this.dialer = dialer;
    this.request = first.request();
    this.loop = first.loop();
    this.waiting.add(first);
    this.highestAttempt = request.attempt();
    Duration time =
        request.deadline().compareTo(dialer.timeout()) < 0 ? request.deadline() : dialer.timeout();
    this.deadline = System.nanoTime() + time.toNanos();
  }

  DialRequest request() {
    return request;
  }

  /** What became of a wish to join. */
  enum Joined {
    YES,
    TOO_LATE,
    NOT_HIGHER,
    OTHER_TARGET,
    FULL
  }

  /** A further attempt wants to wait for the same connection. From any loop. */
  synchronized Joined join(TargetDial attempt) {
    if (ended) {
      return Joined.TOO_LATE;
    }
    if (attempt.request().attempt() <= highestAttempt) {
      return Joined.NOT_HIGHER;
    }
    if (!attempt.request().target().equals(request.target())) {
      return Joined.OTHER_TARGET;
    }
    if (waiting.size() >= MAX_WAITING) {
      return Joined.FULL;
    }
    highestAttempt = attempt.request().attempt();
    waiting.add(attempt);
    return Joined.YES;
  }

  /** One that waited is gone; with the last one the dial ends. From any loop. */
  void leave(TargetDial attempt) {
    synchronized (this) {
      if (ended || !waiting.remove(attempt) || !waiting.isEmpty()) {
        return;
      }
      ended = true;
    }
    dialer.leave(this);
    if (loop.inEventLoop()) {
      stop();
    } else {
      loop.execute(this::stop);
    }
  }

  /** From here on nobody joins. Who waited, the highest attempt first. */
  private List<TargetDial> endWaiting() {
    List<TargetDial> all;
    synchronized (this) {
      ended = true;
      all = new ArrayList<>(waiting);
      waiting.clear();
    }
    dialer.leave(this);
    Collections.reverse(all); // they joined in rising order
    return all;
  }

  /** On the dial's loop. */
  void start() {
    if (over) {
      return;
    }
    timer = loop.schedule(this::timedOut, left().toNanos(), TimeUnit.NANOSECONDS);
    if (request.target() instanceof Target.Unix unix) {
      dialSocket(unix);
    } else {
      dialHost((Target.Tcp) request.target());
    }
  }

  private void dialHost(Target.Tcp target) {
    HostText host = HostText.of(target.host());
    if (host instanceof HostText.Address literal) {
      dialAllowed(target, host, List.of(literal.address()));
    } else if (host instanceof HostText.Name name) {
      Future<List<InetAddress>> found = dialer.names().addresses(name.name(), loop);
      lookup = found;
      found.addListener(future -> lookedUp(target, name, found));
    } else {
      refuse(FaultCode.TARGET_UNKNOWN, ((HostText.Malformed) host).reason());
    }
  }

  private void lookedUp(Target.Tcp target, HostText.Name name, Future<List<InetAddress>> found) {
    if (over) {
      return;
    }
    if (found.isSuccess() && !found.getNow().isEmpty()) {
      dialAllowed(target, name, found.getNow());
    } else {
      refuse(FaultCode.TARGET_UNKNOWN, ConnectFaults.unknownName(name.name(), found.cause()));
    }
  }

  /** The addresses judged here are the ones dialled: the name is not looked up again. */
  private void dialAllowed(Target.Tcp target, HostText host, List<InetAddress> addresses) {
    LinkedHashSet<InetSocketAddress> allowed = new LinkedHashSet<>();
    Verdict.Forbidden forbidden = null;
    for (InetAddress address : addresses.subList(0, Math.min(addresses.size(), MAX_ADDRESSES))) {
      Verdict verdict = dialer.rules().judge(target, host, address);
      if (verdict instanceof Verdict.Forbidden no) {
        forbidden = forbidden == null ? no : forbidden;
      } else {
        allowed.add(new InetSocketAddress(address, target.port()));
      }
    }
    if (allowed.isEmpty()) {
      forbid(forbidden);
      return;
    }
    Bootstrap bootstrap =
        bootstrap().channel(dialer.transport().tcp()).option(ChannelOption.TCP_NODELAY, true);
    connect(bootstrap, List.copyOf(allowed));
  }

  private void dialSocket(Target.Unix target) {
    if (dialer.rules().judge(target) instanceof Verdict.Forbidden forbidden) {
      forbid(forbidden);
      return;
    }
    if (dialer.transport().unix().isEmpty()) {
      refuse(
          FaultCode.UNSUPPORTED,
          "this agent cannot dial sockets of the Unix domain (it needs epoll, and runs on "
              + dialer.transport().name()
              + ")");
      return;
    }
    connect(
        bootstrap().channel(dialer.transport().unix().get()),
        List.of(new DomainSocketAddress(target.path())));
  }

  private Bootstrap bootstrap() {
    return new Bootstrap()
        .group(loop)
        // Every address here is one: a resolver below would only look names up again.
        .disableResolver()
        .option(ChannelOption.ALLOW_HALF_CLOSURE, true)
        .option(ChannelOption.AUTO_READ, false)
        // The dial has its own timers.
        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 0)
        .handler(NOTHING);
  }

  private void connect(Bootstrap bootstrap, List<? extends SocketAddress> addresses) {
    connecting =
        ConnectInTurn.start(
            loop,
            addresses,
            left(),
            bootstrap::connect,
            new ConnectInTurn.Listener() {
              @Override
              public void connected(Channel channel, SocketAddress address) {
                connecting = null;
                stop();
                channel.pipeline().remove(NOTHING);
                offer((DuplexChannel) channel, endWaiting());
              }

              @Override
              public void failed(List<ConnectInTurn.Failure> failures) {
                connecting = null;
                finish(ConnectFaults.refused(request.target(), failures));
              }
            });
  }

  private void forbid(Verdict.Forbidden forbidden) {
    dialer.refusals().refused(request, forbidden.reason());
    refuse(FaultCode.FORBIDDEN, forbidden.reason());
  }

  private void timedOut() {
    boolean atName = lookup != null && !lookup.isDone();
    refuse(
        FaultCode.TARGET_TIMEOUT,
        atName ? "no answer about its name in time" : "no answer in time");
  }

  private void refuse(FaultCode code, String detail) {
    finish(new DialResult.Refused(code, detail));
  }

  private void finish(DialResult.Refused result) {
    if (over) {
      return; // nobody waits any more
    }
    stop();
    for (TargetDial attempt : endWaiting()) {
      attempt.tell(result);
    }
  }

  private void stop() {
    over = true;
    if (timer != null) {
      timer.cancel(false);
    }
    if (connecting != null) {
      connecting.cancel();
    }
  }

  /**
   * Gives the connection to the first that still waits and tells the others that it won. On the
   * connection's loop; where the winner lives on another one, the connection moves there first. Its
   * pipeline is empty and it does not read, so nothing can be lost on the way.
   */
  private static void offer(DuplexChannel channel, List<TargetDial> attempts) {
    if (attempts.isEmpty()) {
      channel.close(); // all gave up while it was being handed on
      return;
    }
    TargetDial winner = attempts.get(0);
    List<TargetDial> others = attempts.subList(1, attempts.size());
    if (winner.loop() == channel.eventLoop()) {
      give(channel, winner, others);
      return;
    }
    channel
        .deregister()
        .addListener(
            left -> {
              if (!left.isSuccess()) {
                fail(channel, attempts, left.cause());
                return;
              }
              winner
                  .loop()
                  .register(channel)
                  .addListener(
                      moved -> {
                        if (moved.isSuccess()) {
                          give(channel, winner, others);
                        } else {
                          fail(channel, attempts, moved.cause());
                        }
                      });
            });
  }

  private static void give(DuplexChannel channel, TargetDial winner, List<TargetDial> others) {
    if (!winner.end(new DialResult.Connected(channel))) {
      offer(channel, others); // it gave up meanwhile
      return;
    }
    DialResult.Refused lost =
        new DialResult.Refused(
            FaultCode.OTHER_ATTEMPT_WON,
            "attempt " + winner.request().attempt() + " got the connection");
    for (TargetDial other : others) {
      other.tell(lost);
    }
  }

  private static void fail(DuplexChannel channel, List<TargetDial> attempts, Throwable cause) {
    channel.unsafe().closeForcibly();
    for (TargetDial attempt : attempts) {
      attempt.tell(
          new DialResult.Refused(
              FaultCode.INTERNAL, "the connection could not change threads: " + cause));
    }
  }

  private Duration left() {
    return Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
  }

  @ChannelHandler.Sharable
  private static final class Nothing extends ChannelHandlerAdapter {}
}
