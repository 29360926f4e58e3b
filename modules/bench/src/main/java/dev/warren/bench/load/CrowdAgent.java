package dev.warren.bench.load;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.channel.Tunnels;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxEvents;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.Opening;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.websocketx.WebSocketClientHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketClientHandshakerFactory;
import io.netty.handler.codec.http.websocketx.WebSocketHandshakeException;
import io.netty.handler.codec.http.websocketx.WebSocketVersion;
import io.netty.util.ReferenceCountUtil;
import java.net.URI;
import java.util.List;

/**
 * As much of an agent as a crowd needs: one connection, which speaks the protocol by the same
 * handler as the real one, and streams that are answered in place. It does not come again when its
 * tunnel is lost; the {@link Crowd} counts that.
 */
final class CrowdAgent implements MuxEvents {
  private static final int MAX_REFUSAL_BYTES = 8_192;
  private static final String SOFTWARE = "warren-bench";

  private final Crowd crowd;
  private final SessionKey session;
  private final long startedNanos;
  private TunnelHandler tunnel;
  private boolean welcomed;
  private boolean over;

  private CrowdAgent(Crowd crowd, SessionKey session, long startedNanos) {
    this.crowd = crowd;
    this.session = session;
    this.startedNanos = startedNanos;
  }

  /** Puts an agent on a connection that is being made. */
  static void install(
      ChannelPipeline pipeline, Crowd crowd, SessionKey session, URI gateway, long startedNanos) {
    CrowdAgent agent = new CrowdAgent(crowd, session, startedNanos);
    pipeline
        .addLast(new HttpClientCodec())
        .addLast(new HttpObjectAggregator(MAX_REFUSAL_BYTES))
        .addLast(agent.new Upgrade(gateway));
  }

  /** From connect to the upgrade's answer; then it leaves the pipeline to the tunnel. */
  private final class Upgrade extends ChannelInboundHandlerAdapter {
    private final WebSocketClientHandshaker handshaker;

    Upgrade(URI gateway) {
      HttpHeaders headers = new DefaultHttpHeaders();
      headers.set("X-Tunnel-ID", session.toString());
      handshaker =
          WebSocketClientHandshakerFactory.newHandshaker(
              gateway,
              WebSocketVersion.V13,
              Tunnels.SUB_PROTOCOL,
              false,
              headers,
              Tunnels.MAX_WEB_SOCKET_FRAME_BYTES);
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
      handshaker.handshake(ctx.channel());
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      FullHttpResponse response = (FullHttpResponse) message;
      try {
        handshaker.finishHandshake(ctx.channel(), response);
      } catch (WebSocketHandshakeException e) {
        failed(ctx, response.status() + ": " + e.getMessage());
        return;
      } finally {
        ReferenceCountUtil.release(response);
      }
      introduce(ctx.pipeline());
      ctx.pipeline().remove(this);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      failed(ctx, "the connection was closed before the upgrade");
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      failed(ctx, cause.toString());
    }

    private void failed(ChannelHandlerContext ctx, String why) {
      CrowdAgent.this.failed(why);
      ctx.close();
    }
  }

  private void introduce(ChannelPipeline pipeline) {
    tunnel =
        new TunnelHandler(Mux.Side.DIALLED, MuxSettings.DEFAULT, crowd.budget(), handler -> this);
    tunnel
        .mux()
        .start(
            new Frame.Hello(
                Mux.VERSION,
                Mux.VERSION,
                List.of(),
                session.toString(),
                StreamId.random(),
                1,
                MuxSettings.DEFAULT.limits(),
                (int) MuxSettings.DEFAULT.heartbeat().toMillis(),
                Frame.Rank.NONE,
                SOFTWARE,
                new byte[0]));
    Tunnels.install(pipeline, tunnel, false);
  }

  private void failed(String why) {
    if (!over) {
      over = true;
      crowd.lost(welcomed, why);
    }
  }

  @Override
  public void hello(Frame.Hello hello) {
    throw new IllegalStateException("the Mux of the side that dialled takes no HELLO");
  }

  @Override
  public void welcomed(Frame.Welcome welcome) {
    welcomed = true;
    crowd.attached(System.nanoTime() - startedNanos);
  }

  @Override
  public void opening(Opening opening) {
    InPlaceAnswer.accept(opening, tunnel);
  }

  @Override
  public void drain(Frame.Drain drain) {
    // Its gateway ends when the run does.
  }

  @Override
  public void discovery(Frame.Discovery discovery) {
    // It never goes elsewhere.
  }

  @Override
  public void ended(FaultCode code, String detail, int retryAfterMillis, boolean byPeer) {
    failed(code + ": " + detail);
  }
}
