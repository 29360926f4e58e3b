package dev.warren.peer.link;

import dev.warren.peer.route.RouteTable;
import dev.warren.peer.route.ScriptedTunnel;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.channel.Tunnels;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.testing.FrameParser;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.local.LocalAddress;
import io.netty.channel.local.LocalChannel;
import io.netty.channel.local.LocalServerChannel;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An agent whose tunnel runs in this process, frame by frame as the test says, and the gateway's
 * end of the tunnel.
 */
public final class ScriptedAgent implements AutoCloseable {
  private static final AtomicLong NAMES = new AtomicLong();

  private final RouteTable table;
  private final BlockingQueue<Frame> arrived = new LinkedBlockingQueue<>();
  private final CompletableFuture<ScriptedTunnel> up = new CompletableFuture<>();
  private final Channel listener;
  private final Channel channel;

  private ScriptedAgent(
      EventLoopGroup loops,
      RouteTable table,
      SessionKey session,
      StreamId instance,
      long connection) {
    this.table = table;
    LocalAddress address = new LocalAddress("agent-" + NAMES.incrementAndGet());
    listener =
        new ServerBootstrap()
            .group(loops)
            .channel(LocalServerChannel.class)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel accepted) {
                    TunnelHandler handler =
                        new TunnelHandler(
                            Mux.Side.ACCEPTED,
                            MuxSettings.DEFAULT,
                            new CreditBudget(64L << 20),
                            made -> new Events(made, session));
                    Tunnels.installRaw(accepted.pipeline(), handler, false);
                  }
                })
            .bind(address)
            .syncUninterruptibly()
            .channel();
    channel =
        new Bootstrap()
            .group(loops)
            .channel(LocalChannel.class)
            .handler(new Reader())
            .connect(address)
            .syncUninterruptibly()
            .channel();
    send(ScriptedTunnel.hello(session, instance, connection, Frame.Rank.NONE));
  }

  /** One whose tunnel is up. */
  public static ScriptedAgent attach(
      EventLoopGroup loops,
      RouteTable table,
      SessionKey session,
      StreamId instance,
      long connection)
      throws InterruptedException {
    ScriptedAgent agent = new ScriptedAgent(loops, table, session, instance, connection);
    agent.expect(Frame.Welcome.class);
    return agent;
  }

  /** The gateway's end. */
  public ScriptedTunnel tunnel() {
    return up.join();
  }

  public void send(Frame frame) {
    ByteBuf bytes = channel.alloc().buffer();
    FrameCodec.write(bytes, frame);
    channel.writeAndFlush(bytes);
  }

  /** The next frame of this kind; others are passed over. */
  public <T extends Frame> T expect(Class<T> kind) throws InterruptedException {
    while (true) {
      Frame frame = arrived.poll(20, TimeUnit.SECONDS);
      if (frame == null) {
        throw new AssertionError("no " + kind.getSimpleName() + " within 20 s");
      }
      if (kind.isInstance(frame)) {
        return kind.cast(frame);
      }
      if (frame instanceof Frame.Data data) {
        data.bytes().release();
      }
    }
  }

  /** Whether a frame of this kind has arrived and was not taken. */
  public boolean has(Class<? extends Frame> kind) {
    return arrived.stream().anyMatch(kind::isInstance);
  }

  /** The tunnel breaks, and the gateway knows. */
  @Override
  public void close() {
    channel.close().syncUninterruptibly();
    listener.close().syncUninterruptibly();
    for (Frame frame = arrived.poll(); frame != null; frame = arrived.poll()) {
      if (frame instanceof Frame.Data data) {
        data.bytes().release();
      }
    }
  }

  private final class Reader extends ChannelInboundHandlerAdapter {
    private final FrameParser parser = new FrameParser();

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      ByteBuf bytes = (ByteBuf) message;
      try {
        parser.feed(bytes, arrived::add);
      } finally {
        bytes.release();
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      parser.close();
    }
  }

  private final class Events implements MuxEvents {
    private final TunnelHandler handler;
    private final ScriptedTunnel tunnel;

    Events(TunnelHandler handler, SessionKey session) {
      this.handler = handler;
      this.tunnel = new ScriptedTunnel(session, handler);
    }

    @Override
    public void hello(Frame.Hello hello) {
      if (table.admit(tunnel, hello) instanceof RouteTable.Admission.Refused refused) {
        handler.mux().goAway(FaultCode.SUPERSEDED, refused.detail(), 0);
        return;
      }
      handler.mux().welcome("test", tunnel.session().toString(), tunnel.rank(), "test");
      table.welcomed(tunnel);
      up.complete(tunnel);
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
      tunnel.draining(true);
      table.changed(tunnel);
    }

    @Override
    public void discovery(Frame.Discovery discovery) {}

    @Override
    public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
      table.lost(tunnel, RouteTable.Removal.GONE);
    }
  }
}
