package dev.warren.client;

import dev.warren.protocol.Target;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.socksx.v5.DefaultSocks5CommandResponse;
import io.netty.handler.codec.socksx.v5.DefaultSocks5InitialResponse;
import io.netty.handler.codec.socksx.v5.Socks5AddressType;
import io.netty.handler.codec.socksx.v5.Socks5AuthMethod;
import io.netty.handler.codec.socksx.v5.Socks5CommandRequest;
import io.netty.handler.codec.socksx.v5.Socks5CommandRequestDecoder;
import io.netty.handler.codec.socksx.v5.Socks5CommandStatus;
import io.netty.handler.codec.socksx.v5.Socks5CommandType;
import io.netty.handler.codec.socksx.v5.Socks5InitialRequest;
import io.netty.handler.codec.socksx.v5.Socks5InitialRequestDecoder;
import io.netty.handler.codec.socksx.v5.Socks5ServerEncoder;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Who comes to a SOCKS5 port (RFC 1928): a greeting, a CONNECT, and from there on a stream. */
final class SocksCaller extends ChannelInboundHandlerAdapter {
  /** Who says nothing for so long is not waited for. */
  static final int SILENCE_SECONDS = 10;

  private final Session session;
  private final SocketChannel connection;
  private Future<?> silence;
  private boolean asked;

  private SocksCaller(Session session, SocketChannel connection) {
    this.session = session;
    this.connection = connection;
  }

  static void install(Session session, SocketChannel connection) {
    SocksCaller caller = new SocksCaller(session, connection);
    connection
        .pipeline()
        .addLast(Socks5ServerEncoder.DEFAULT, new Socks5InitialRequestDecoder(), caller);
    caller.silence =
        connection
            .eventLoop()
            .schedule(() -> connection.close(), SILENCE_SECONDS, TimeUnit.SECONDS);
    connection.eventLoop().execute(connection::read);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (message instanceof Socks5InitialRequest greeting && good(greeting.decoderResult())) {
      if (greeting.authMethods().contains(Socks5AuthMethod.NO_AUTH)) {
        ctx.pipeline()
            .replace(
                Socks5InitialRequestDecoder.class, "command", new Socks5CommandRequestDecoder());
        ctx.writeAndFlush(new DefaultSocks5InitialResponse(Socks5AuthMethod.NO_AUTH));
      } else {
        ctx.writeAndFlush(new DefaultSocks5InitialResponse(Socks5AuthMethod.UNACCEPTED))
            .addListener(ChannelFutureListener.CLOSE);
      }
    } else if (message instanceof Socks5CommandRequest command
        && good(command.decoderResult())
        && !asked) {
      asked = true;
      silence.cancel(false);
      dial(command);
    } else {
      ReferenceCountUtil.release(message);
      ctx.close();
    }
  }

  private static boolean good(DecoderResult result) {
    return result.isSuccess();
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    if (!asked) {
      ctx.read();
    }
  }

  private void dial(Socks5CommandRequest command) {
    if (!command.type().equals(Socks5CommandType.CONNECT)) {
      refuse(Socks5CommandStatus.COMMAND_UNSUPPORTED);
      return;
    }
    Target target;
    try {
      target = new Target.Tcp(command.dstAddr(), command.dstPort());
    } catch (IllegalArgumentException e) {
      refuse(Socks5CommandStatus.ADDRESS_UNSUPPORTED);
      return;
    }
    session
        .warren()
        .lines()
        .dial(session.key(), target, session.warren().settings().dialTimeout(), made -> made)
        .whenComplete(
            (stream, failure) -> {
              if (failure != null) {
                refuse(
                    failure instanceof DialException dial
                        ? status(dial)
                        : Socks5CommandStatus.FAILURE);
              } else if (!connection.isActive()) {
                Splice.reset(stream, "the connection broke");
              } else {
                connection.writeAndFlush(answer(Socks5CommandStatus.SUCCESS));
                Splice.join(connection, stream);
                // Bytes that came early are in the decoder, which hands them on.
                connection.pipeline().remove(this);
                connection.pipeline().remove("command");
                connection.pipeline().remove(Socks5ServerEncoder.class);
              }
            });
  }

  private static DefaultSocks5CommandResponse answer(Socks5CommandStatus status) {
    return new DefaultSocks5CommandResponse(status, Socks5AddressType.IPv4);
  }

  private void refuse(Socks5CommandStatus status) {
    connection.writeAndFlush(answer(status)).addListener(ChannelFutureListener.CLOSE);
  }

  private static Socks5CommandStatus status(DialException why) {
    return switch (why.reason()) {
      case FORBIDDEN, UNAUTHORIZED -> Socks5CommandStatus.FORBIDDEN;
      case REFUSED -> Socks5CommandStatus.CONNECTION_REFUSED;
      case TIMED_OUT -> Socks5CommandStatus.TTL_EXPIRED;
      case UNKNOWN_SESSION, OFFLINE -> Socks5CommandStatus.NETWORK_UNREACHABLE;
      default -> Socks5CommandStatus.FAILURE;
    };
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    ctx.close();
  }
}
