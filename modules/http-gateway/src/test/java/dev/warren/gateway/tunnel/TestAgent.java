package dev.warren.gateway.tunnel;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.Target;
import dev.warren.protocol.channel.StreamBridge;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.channel.Tunnels;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.Opening;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.websocketx.WebSocketClientHandshaker13;
import io.netty.handler.codec.http.websocketx.WebSocketVersion;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * An agent in few lines: one tunnel, no rules, no second try. What it is told can be waited for.
 */
public final class TestAgent implements AutoCloseable {
  /** The tunnel's end, as the agent saw it. */
  public record End(FaultCode code, String detail, int retryAfterMillis) {}

  public final CompletableFuture<Frame.Welcome> welcome = new CompletableFuture<>();
  public final CompletableFuture<End> end = new CompletableFuture<>();
  public final CompletableFuture<Integer> refused = new CompletableFuture<>();
  public final CreditBudget budget = new CreditBudget(64L << 20);
  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final StreamId instance;
  private final long connection;
  private final Frame.Rank rank;
  private final String id;
  private Channel channel;

  private TestAgent(String id, StreamId instance, long connection, Frame.Rank rank) {
    this.id = id;
    this.instance = instance;
    this.connection = connection;
    this.rank = rank;
  }

  public static TestAgent connect(InetSocketAddress gateway, String id) throws Exception {
    return connect(gateway, id, StreamId.random(), 1, Frame.Rank.NONE);
  }

  public static TestAgent connect(
      InetSocketAddress gateway, String id, StreamId instance, long connection, Frame.Rank rank)
      throws Exception {
    TestAgent agent = new TestAgent(id, instance, connection, rank);
    agent.dial(gateway);
    return agent;
  }

  private void dial(InetSocketAddress gateway) throws Exception {
    HttpHeaders headers = new DefaultHttpHeaders().set("X-Tunnel-ID", id);
    WebSocketClientHandshaker13 handshaker =
        new WebSocketClientHandshaker13(
            URI.create("ws://" + gateway.getHostString() + ":" + gateway.getPort() + "/connect"),
            WebSocketVersion.V13,
            Tunnels.SUB_PROTOCOL,
            false,
            headers,
            Tunnels.MAX_WEB_SOCKET_FRAME_BYTES);
    channel =
        new Bootstrap()
            .group(group)
            .channel(NioSocketChannel.class)
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel made) {
                    made.pipeline()
                        .addLast(
                            new HttpClientCodec(),
                            new HttpObjectAggregator(8_192),
                            new Upgrade(handshaker));
                  }
                })
            .connect(gateway)
            .sync()
            .channel();
    handshaker.handshake(channel);
  }

  private final class Upgrade extends SimpleChannelInboundHandler<FullHttpResponse> {
    private final WebSocketClientHandshaker13 handshaker;

    Upgrade(WebSocketClientHandshaker13 handshaker) {
      this.handshaker = handshaker;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, FullHttpResponse response) {
      if (response.status().code() != 101) {
        refused.complete(response.status().code());
        ctx.close();
        return;
      }
      handshaker.finishHandshake(ctx.channel(), response);
      TunnelHandler handler =
          new TunnelHandler(Mux.Side.DIALLED, MuxSettings.DEFAULT, budget, Events::new);
      Tunnels.install(ctx.pipeline(), handler, false);
      handler
          .mux()
          .start(
              new Frame.Hello(
                  1,
                  1,
                  List.of(),
                  id,
                  instance,
                  connection,
                  MuxSettings.DEFAULT.limits(),
                  4_000,
                  rank,
                  "test-agent",
                  new byte[0]));
      handler.sendSoon();
      ctx.pipeline().remove(this);
    }
  }

  private final class Events implements MuxEvents {
    private final TunnelHandler tunnel;

    Events(TunnelHandler tunnel) {
      this.tunnel = tunnel;
    }

    @Override
    public void hello(Frame.Hello hello) {
      throw new IllegalStateException("HELLO for an agent");
    }

    @Override
    public void welcomed(Frame.Welcome welcomed) {
      welcome.complete(welcomed);
    }

    @Override
    public void opening(Opening opening) {
      StreamBridge bridge = new StreamBridge(tunnel, () -> {});
      bridge.attach(opening.accept(bridge));
      Target.Tcp target = (Target.Tcp) Target.parse(opening.open().target());
      new Bootstrap()
          .group(tunnel.eventLoop())
          .channel(NioSocketChannel.class)
          .option(ChannelOption.AUTO_READ, false)
          .option(ChannelOption.ALLOW_HALF_CLOSURE, true)
          .handler(
              new ChannelInitializer<Channel>() {
                @Override
                protected void initChannel(Channel made) {}
              })
          .connect(target.host(), target.port())
          .addListener(
              (ChannelFuture done) -> {
                if (done.isSuccess()) {
                  bridge.join((DuplexChannel) done.channel());
                } else {
                  bridge.refuse(FaultCode.TARGET_REFUSED, done.cause().getMessage());
                }
              });
    }

    @Override
    public void drain(Frame.Drain drain) {}

    @Override
    public void discovery(Frame.Discovery discovery) {}

    @Override
    public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
      end.complete(new End(code, detail, retryAfterMillis));
    }
  }

  /** As a crash would: no GOAWAY, no WebSocket close. */
  public void kill() {
    channel.eventLoop().execute(() -> channel.unsafe().close(channel.voidPromise()));
  }

  @Override
  public void close() {
    channel.close().awaitUninterruptibly(2_000);
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2_000);
  }
}
