package dev.warren.bench.load;

import dev.warren.agent.net.Transport;
import dev.warren.cli.log.Logs;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshakerFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The target of what nginx as an origin cannot do, as a process of its own: a body is thrown away
 * and its length told, a path with {@link Stage#ONCE} has its connection closed behind the answer,
 * and behind an upgrade, to a WebSocket or to anything else, everything is sent back.
 */
final class Sink {
  private static final int BACKLOG = 4_096;

  private Sink() {}

  static Child start(Bench bench, List<Integer> ports) {
    List<String> command =
        new ArrayList<>(
            List.of(
                ProcessHandle.current().info().command().orElse("java"),
                "-XX:+UseSerialGC",
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                Sink.class.getName()));
    ports.forEach(port -> command.add(port.toString()));
    return bench.children().start("sink", command, Map.of());
  }

  /** Serves on these ports until it is ended. */
  public static void main(String[] ports) throws InterruptedException {
    Logs.configure(Logs.Threshold.WARN, Logs.Format.TEXT, false);
    EventLoopGroup loops = Transport.best().eventLoops(1);
    Class<? extends ServerChannel> kind =
        Epoll.isAvailable() ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    Channel last = null;
    for (String port : ports) {
      last =
          new ServerBootstrap()
              .group(loops)
              .channel(kind)
              .option(ChannelOption.SO_BACKLOG, BACKLOG)
              .childOption(ChannelOption.TCP_NODELAY, true)
              .childHandler(
                  new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel channel) {
                      channel.pipeline().addLast(new HttpServerCodec(), new Answers());
                    }
                  })
              .bind(FreePorts.HOST, Integer.parseInt(port))
              .sync()
              .channel();
    }
    last.closeFuture().sync();
  }

  private static final class Answers extends ChannelInboundHandlerAdapter {
    private HttpRequest head;
    private long bytes;

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      if (message instanceof HttpRequest request) {
        head = request;
        bytes = 0;
      }
      if (message instanceof HttpContent content) {
        bytes += content.content().readableBytes();
        content.release();
        if (content instanceof LastHttpContent) {
          complete(ctx);
        }
      }
    }

    private void complete(ChannelHandlerContext ctx) {
      String upgrade = head.headers().get(HttpHeaderNames.UPGRADE, "");
      if (upgrade.equalsIgnoreCase("websocket")) {
        WebSocketServerHandshaker handshaker =
            new WebSocketServerHandshakerFactory("", null, false).newHandshaker(head);
        ctx.pipeline().remove(this);
        ctx.pipeline().addLast(new SendBack());
        handshaker.handshake(
            ctx.channel(),
            new DefaultFullHttpRequest(
                HttpVersion.HTTP_1_1,
                head.method(),
                head.uri(),
                Unpooled.EMPTY_BUFFER,
                head.headers(),
                head.headers()));
      } else if (!upgrade.isEmpty()) {
        FullHttpResponse switching = answer(HttpResponseStatus.SWITCHING_PROTOCOLS, "");
        switching
            .headers()
            .set(HttpHeaderNames.CONNECTION, "Upgrade")
            .set(HttpHeaderNames.UPGRADE, upgrade);
        ctx.writeAndFlush(switching);
        ctx.pipeline().remove(HttpServerCodec.class);
        ctx.pipeline().remove(this);
        ctx.pipeline().addLast(new SendBack());
      } else {
        FullHttpResponse response = answer(HttpResponseStatus.OK, Long.toString(bytes));
        response.headers().set(HttpHeaderNames.CONTENT_LENGTH, response.content().readableBytes());
        boolean once = head.uri().contains(Stage.ONCE);
        if (once) {
          response.headers().set(HttpHeaderNames.CONNECTION, "close");
        }
        var written = ctx.writeAndFlush(response);
        if (once) {
          written.addListener(ChannelFutureListener.CLOSE);
        }
      }
    }

    private static FullHttpResponse answer(HttpResponseStatus status, String body) {
      ByteBuf content = Unpooled.copiedBuffer(body, StandardCharsets.US_ASCII);
      return new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, content);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      ctx.close(); // callers that are ended in the middle are usual here
    }
  }

  private static final class SendBack extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      ctx.write(message);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
      ctx.flush();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      ctx.close();
    }
  }
}
