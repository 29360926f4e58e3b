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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** One dial, from OPEN to a connected channel or a reason. Lives on one event loop. */
public final class TargetDial {
  /** Of a name's addresses no more than these are judged and tried. */
  static final int MAX_ADDRESSES = 16;

  /** Only because a bootstrap needs a handler; it is taken out again. */
  private static final ChannelHandler NOTHING = new Nothing();

  private final TargetDialer dialer;
  private final DialRequest request;
  private final EventLoop loop;
  private final Consumer<DialResult> done;
  private final long deadline;

  private boolean over;
  private Future<?> timer;
  private Future<?> lookup;
  private ConnectInTurn connecting;

  TargetDial(TargetDialer dialer, DialRequest request, EventLoop loop, Consumer<DialResult> done) {
    this.dialer = dialer;
    this.request = request;
    this.loop = loop;
    this.done = done;
    Duration time =
        request.deadline().compareTo(dialer.timeout()) < 0 ? request.deadline() : dialer.timeout();
    this.deadline = System.nanoTime() + time.toNanos();
  }

  DialRequest request() {
    return request;
  }

  /** The caller is gone: nothing stays behind and nobody is told. To be called on the loop. */
  public void cancel() {
    if (!over) {
      end();
    }
  }

  void start() {
    if (over) {
      return;
    }
    DialResult.Refused full = dialer.enter(this);
    if (full != null) {
      over = true;
      done.accept(full);
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
                end();
                channel.pipeline().remove(NOTHING);
                done.accept(new DialResult.Connected((DuplexChannel) channel));
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

  private void finish(DialResult result) {
    end();
    done.accept(result);
  }

  private void end() {
    over = true;
    dialer.leave(this);
    if (timer != null) {
      timer.cancel(false);
    }
    if (connecting != null) {
      connecting.cancel();
    }
  }

  private Duration left() {
    return Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
  }

  @ChannelHandler.Sharable
  private static final class Nothing extends ChannelHandlerAdapter {}
}
