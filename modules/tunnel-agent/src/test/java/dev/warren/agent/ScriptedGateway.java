package dev.warren.agent;

import dev.warren.agent.connect.GatewayAddress;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.channel.Tunnels;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.Opening;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshakerFactory;
import io.netty.handler.ssl.SslContext;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A gateway that does what a test says: it answers handshakes from a script, else it accepts. */
public final class ScriptedGateway implements AutoCloseable {
  /** What one handshake is answered with. */
  public interface Answer {
    void to(ChannelHandlerContext ctx, FullHttpRequest request);
  }

  /** A handshake as it came. */
  public record Request(String uri, HttpHeaders headers) {}

  private final EventLoopGroup loops =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final BlockingQueue<Request> requests = new LinkedBlockingQueue<>();
  private final BlockingQueue<GatewayEnd> tunnels = new LinkedBlockingQueue<>();
  private final Queue<Answer> answers = new ConcurrentLinkedQueue<>();
  private final SslContext tls;
  private final Channel listener;
  private volatile MuxSettings muxSettings = MuxSettings.DEFAULT;
  private volatile String welcomeSession = "foo";
  private volatile String id = "gw-1";
  private volatile boolean saysItsName;
  private volatile Frame.Rank rank = new Frame.Rank(7, 8, new byte[] {9});

  public ScriptedGateway() {
    this(null);
  }

  public ScriptedGateway(SslContext tls) {
    this.tls = tls;
    this.listener =
        new ServerBootstrap()
            .group(loops)
            .channel(NioServerSocketChannel.class)
            .childHandler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    install(channel);
                  }
                })
            .bind(Loopback.anyPort())
            .syncUninterruptibly()
            .channel();
  }

  private void install(Channel channel) {
    if (tls != null) {
      channel.pipeline().addLast(tls.newHandler(channel.alloc()));
    }
    channel.pipeline().addLast(new HttpServerCodec());
    channel.pipeline().addLast(new HttpObjectAggregator(8_192));
    channel
        .pipeline()
        .addLast(
            new SimpleChannelInboundHandler<FullHttpRequest>() {
              @Override
              protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
                requests.add(new Request(request.uri(), request.headers().copy()));
                Answer answer = answers.poll();
                if (answer == null) {
                  accept(ctx, request);
                } else {
                  answer.to(ctx, request);
                }
              }

              @Override
              public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
                ctx.close(); // a client that breaks off its TLS handshake
              }
            });
  }

  /** The handshake after those that were scripted before is answered so. */
  public void next(Answer answer) {
    answers.add(answer);
  }

  private void accept(ChannelHandlerContext ctx, FullHttpRequest request) {
    WebSocketServerHandshaker handshaker =
        new WebSocketServerHandshakerFactory(null, Tunnels.SUB_PROTOCOL, Tunnels.webSocket(true))
            .newHandshaker(request);
    GatewayEnd end = new GatewayEnd();
    end.tunnel =
        new TunnelHandler(
            Mux.Side.ACCEPTED, muxSettings, new CreditBudget(64L << 20), handler -> end);
    HttpHeaders named = new DefaultHttpHeaders();
    if (saysItsName) {
      named.set(Tunnels.GATEWAY_HEADER, id);
    }
    handshaker.handshake(ctx.channel(), request, named, ctx.newPromise());
    ctx.pipeline().remove(ctx.handler());
    Tunnels.install(ctx.pipeline(), end.tunnel, false);
  }

  public void settings(MuxSettings settings) {
    muxSettings = settings;
  }

  /** Its id, in WELCOME and in the answer to the upgrade. */
  public ScriptedGateway named(String name) {
    id = name;
    saysItsName = true;
    return this;
  }

  public String id() {
    return id;
  }

  /** How it stands in DISCOVERY, with its own address where it is asked for. */
  public Frame.Gateway listed(boolean draining, boolean advertised) {
    return new Frame.Gateway(id, 1, draining, 60, advertised ? "127.0.0.1:" + port() : "", false);
  }

  /** An agent that was welcomed and nobody asked for, or null. */
  public GatewayEnd anotherTunnel() {
    return tunnels.poll();
  }

  /** Handshakes that came so far and nobody asked for. */
  public int requests() {
    return requests.size();
  }

  public void welcomeAs(String session) {
    welcomeSession = session;
  }

  public void rank(Frame.Rank next) {
    rank = next;
  }

  public int port() {
    return ((InetSocketAddress) listener.localAddress()).getPort();
  }

  public GatewayAddress address() {
    return GatewayAddress.parse((tls == null ? "ws" : "wss") + "://127.0.0.1:" + port());
  }

  /** The next handshake. */
  public Request request() throws InterruptedException {
    return polled(requests, "handshake");
  }

  /** The next agent that was welcomed. */
  public GatewayEnd tunnel() throws InterruptedException {
    return polled(tunnels, "tunnel");
  }

  static <T> T polled(BlockingQueue<T> queue, String what) throws InterruptedException {
    T next = queue.poll(30, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("no " + what + " within 30 s");
    }
    return next;
  }

  @Override
  public void close() {
    listener.close().syncUninterruptibly();
    loops.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
  }

  /** How a tunnel ended. */
  public record Ended(FaultCode code, String detail, boolean byPeer) {}

  /** The gateway's end of one tunnel. */
  public final class GatewayEnd implements MuxEvents {
    private final BlockingQueue<Ended> ended = new LinkedBlockingQueue<>();
    private final BlockingQueue<Frame.Drain> drains = new LinkedBlockingQueue<>();
    private TunnelHandler tunnel;
    private volatile Frame.Hello hello;

    public Frame.Hello hello() {
      return hello;
    }

    public TunnelHandler handler() {
      return tunnel;
    }

    /** Asks for a stream to a target. */
    public StreamProbe open(String target) throws InterruptedException {
      return StreamProbe.open(tunnel, target);
    }

    /** Asks for a stream as one attempt of a dial that has others. */
    public StreamProbe open(String target, StreamId id, int attempt, String caller)
        throws InterruptedException {
      return StreamProbe.open(tunnel, target, id, attempt, caller);
    }

    /** Tells the agent which gateways there are. */
    public void tell(long version, Frame.Gateway... gateways) {
      tunnel
          .eventLoop()
          .execute(
              () -> {
                tunnel
                    .mux()
                    .discovery(new Frame.Discovery(version, version == 1, List.of(gateways)));
                tunnel.sendSoon();
              });
    }

    /** Asks the agent to go elsewhere. */
    public void drain(int deadlineMillis, String detail) {
      tunnel
          .eventLoop()
          .execute(
              () -> {
                tunnel.mux().drain(new Frame.Drain(deadlineMillis, detail));
                tunnel.sendSoon();
              });
    }

    /** The DRAIN that the agent sends. */
    public Frame.Drain drained() throws InterruptedException {
      return polled(drains, "DRAIN");
    }

    public void goAway(FaultCode code, String detail, int retryAfterMillis) {
      tunnel
          .eventLoop()
          .execute(
              () -> {
                tunnel.mux().goAway(code, detail, retryAfterMillis);
                tunnel.sendSoon();
              });
    }

    /** Breaks the connection, as a gateway that dies does. */
    public void kill() {
      Channel channel = tunnel.channel();
      channel.eventLoop().execute(() -> channel.unsafe().close(channel.newPromise()));
    }

    public Ended ended() throws InterruptedException {
      return polled(ended, "end of the tunnel");
    }

    @Override
    public void hello(Frame.Hello introduced) {
      hello = introduced;
      tunnel.mux().welcome(id, welcomeSession, rank, "scripted");
      tunnels.add(this);
    }

    @Override
    public void welcomed(Frame.Welcome welcome) {
      throw new IllegalStateException("a gateway is not welcomed");
    }

    @Override
    public void opening(Opening opening) {
      opening.refuse(FaultCode.UNSUPPORTED, "agents open no streams");
    }

    @Override
    public void drain(Frame.Drain drain) {
      drains.add(drain);
    }

    @Override
    public void discovery(Frame.Discovery discovery) {}

    @Override
    public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
      ended.add(new Ended(code, detail, byPeer));
    }
  }
}
