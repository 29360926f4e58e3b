package dev.warren.agent.connect;

import dev.warren.agent.connect.ConnectOutcome.Stage;
import dev.warren.agent.net.ConnectInTurn;
import dev.warren.agent.net.HostText;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** One try to reach one gateway address. Lives on one event loop. */
public final class ConnectAttempt {
  /** What epoll's messages begin with, and NIO's do not. */
  private static final Pattern SYSTEM_CALL =
      Pattern.compile("^\\w+\\(\\.\\.\\) failed with error\\(-?[0-9]+\\): ?");

  private final GatewayConnector connector;
  private final GatewayAddress gateway;
  private final GatewayAddress reached; // where TCP goes
  private final Predicate<InetAddress> mayDial;
  private final EventLoop loop;
  private final Consumer<ConnectOutcome> done;
  private final Optional<Proxy> proxy;
  private final long deadline;

  private boolean over;
  private Stage stage = Stage.TOKEN;
  private Optional<String> token = Optional.empty();
  private Future<?> timer;
  private ConnectInTurn connecting;
  private Channel channel;

  ConnectAttempt(
      GatewayConnector connector,
      GatewayAddress gateway,
      GatewayAddress reached,
      Predicate<InetAddress> mayDial,
      EventLoop loop,
      Consumer<ConnectOutcome> done) {
    this.connector = connector;
    this.gateway = gateway;
    this.reached = reached;
    this.mayDial = mayDial;
    this.loop = loop;
    this.done = done;
    this.proxy = connector.proxies().proxyFor(reached);
    this.deadline = System.nanoTime() + connector.limit().toNanos();
  }

  /** Nothing stays behind and nobody is told. To be called on the loop. */
  public void cancel() {
    if (!over) {
      end();
      closeChannel();
    }
  }

  void start() {
    if (over) {
      return;
    }
    timer = loop.schedule(this::timedOut, left().toNanos(), TimeUnit.NANOSECONDS);
    try {
      token = connector.token().token();
    } catch (IOException e) {
      fail(e.getMessage());
      return;
    }
    stage = Stage.NAME;
    String next = proxy.map(Proxy::host).orElse(reached.host());
    HostText host = HostText.of(next);
    if (host instanceof HostText.Address literal) {
      connect(List.of(literal.address()));
    } else if (host instanceof HostText.Name name) {
      Future<List<InetAddress>> found = connector.names().addresses(name.name(), loop);
      found.addListener(future -> lookedUp(next, found));
    } else {
      fail(((HostText.Malformed) host).reason());
    }
  }

  private void lookedUp(String name, Future<List<InetAddress>> found) {
    if (over) {
      return;
    }
    if (found.isSuccess() && !found.getNow().isEmpty()) {
      connect(found.getNow());
    } else {
      fail("the name " + name + " is unknown");
    }
  }

  private void connect(List<InetAddress> found) {
    stage = Stage.CONNECT;
    // Behind a proxy it is the proxy that looks the gateway's name up.
    List<InetAddress> addresses =
        proxy.isPresent() ? found : found.stream().filter(mayDial).toList();
    if (addresses.isEmpty()) {
      fail(reached.host() + " has no address that an agent may dial for a gateway");
      return;
    }
    int port = proxy.map(Proxy::port).orElse(reached.port());
    connecting =
        ConnectInTurn.start(
            loop,
            addresses.stream().map(address -> new InetSocketAddress(address, port)).toList(),
            left(),
            this::connect,
            new ConnectInTurn.Listener() {
              @Override
              public void connected(Channel connected, SocketAddress address) {
                connecting = null;
                channel = connected;
              }

              @Override
              public void failed(List<ConnectInTurn.Failure> failures) {
                connecting = null;
                fail(
                    failures.stream()
                        .map(failure -> shown(failure.address()) + ": " + reason(failure.cause()))
                        .collect(Collectors.joining(", ")));
              }
            });
  }

  private ChannelFuture connect(SocketAddress address) {
    // A proxy's handler is told where to go, and connects to the proxy instead.
    SocketAddress first =
        proxy.isPresent()
            ? InetSocketAddress.createUnresolved(reached.host(), reached.port())
            : address;
    return new Bootstrap()
        .group(loop)
        .channel(connector.transport().tcp())
        .disableResolver()
        .option(ChannelOption.TCP_NODELAY, true)
        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 0)
        .handler(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel connecting) throws IOException {
                if (proxy.isPresent()) {
                  connecting.pipeline().addLast("proxy", proxy.get().handler(address));
                }
                if (gateway.tls()) {
                  connecting
                      .pipeline()
                      .addLast("tls", connector.tls().handler(connecting.alloc(), gateway));
                }
                UpgradeHandler.install(connecting.pipeline(), ConnectAttempt.this);
              }
            })
        .connect(first);
  }

  // ---- what the upgrade handler asks and tells ----

  GatewayAddress gateway() {
    return gateway;
  }

  EventLoop loop() {
    return loop;
  }

  GatewayConnector connector() {
    return connector;
  }

  Optional<String> token() {
    return token;
  }

  void reached(Stage next) {
    stage = next;
  }

  /** The TCP connection is there. */
  void active() {
    stage = proxy.isPresent() ? Stage.PROXY : afterProxy();
  }

  Stage afterProxy() {
    return gateway.tls() ? Stage.TLS : Stage.UPGRADE;
  }

  void upgraded(Channel upgraded, String named) {
    if (over) {
      upgraded.close();
      return;
    }
    end();
    done.accept(new ConnectOutcome.Connected(upgraded, named));
  }

  void refused(ConnectOutcome.Refused refused) {
    finish(refused);
  }

  void failed(Throwable cause) {
    fail(reason(cause));
  }

  void fail(String reason) {
    finish(new ConnectOutcome.Failed(stage, reason));
  }

  private void timedOut() {
    fail("no answer within " + connector.limit().toMillis() + " ms");
  }

  private void finish(ConnectOutcome outcome) {
    if (over) {
      return;
    }
    end();
    closeChannel();
    done.accept(outcome);
  }

  private void end() {
    over = true;
    if (timer != null) {
      timer.cancel(false);
    }
    if (connecting != null) {
      connecting.cancel();
    }
  }

  private void closeChannel() {
    if (channel != null) {
      channel.close();
    }
  }

  private Duration left() {
    return Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
  }

  private static String shown(SocketAddress address) {
    return address instanceof InetSocketAddress inet && !inet.isUnresolved()
        ? io.netty.util.NetUtil.toSocketAddressString(inet)
        : String.valueOf(address);
  }

  /** The innermost cause says what happened; those around it say where in the libraries. */
  static String reason(Throwable cause) {
    Throwable innermost = cause;
    while (innermost.getCause() != null && innermost.getCause() != innermost) {
      innermost = innermost.getCause();
    }
    String message = innermost.getMessage();
    return message == null || message.isBlank()
        ? innermost.getClass().getSimpleName()
        : SYSTEM_CALL.matcher(message).replaceFirst("").replaceAll("\\p{Cntrl}+", " ");
  }
}
