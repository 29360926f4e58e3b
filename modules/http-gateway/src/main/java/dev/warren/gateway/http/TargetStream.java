package dev.warren.gateway.http;

import dev.warren.peer.dial.OpenedStream;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One stream to a target, as the last handler of its pipeline. It serves one exchange after the
 * other, and between them it watches that nothing happens: a stream on which bytes, an end or an
 * error arrive while it waits is never used again.
 *
 * <pre>idle -begin-> busy -release-> idle;  idle, busy -finish-> finishing -> closed</pre>
 */
final class TargetStream extends ChannelInboundHandlerAdapter {
  private static final Logger log = LoggerFactory.getLogger(TargetStream.class);

  /**
   * How long a target may take to end its side after we ended ours, before the stream is reset. A
   * target that said it would close needs no longer.
   */
  private static final long FINISH_MILLIS = 1_000;

  private final DuplexChannel channel;
  private final IdleStreams idle;
  private final IdleStreams.Key key;
  private final String publicId;
  private final BooleanSupplier current;
  private final String via;
  private final TargetResponseDecoder decoder;
  private final SslHandler tlsOrNull;
  private ChannelHandlerContext context;
  private Exchange exchange;
  private boolean waiting;
  private boolean finishing;
  private boolean inputEnded;
  private boolean raw;
  private long waitsUntil;
  private Throwable cause;

  /**
   * Builds the pipeline of a stream that was just opened, for its first exchange.
   *
   * @param tlsOrNull where the target speaks TLS
   */
  TargetStream(
      OpenedStream opened,
      IdleStreams idle,
      IdleStreams.Key key,
      HttpSettings.Head limits,
      SslHandler tlsOrNull,
      Exchange first) {
    this.channel = opened.channel();
    this.current = opened.current();
    this.publicId = opened.publicId();
    this.via = opened.via();
    this.idle = idle;
    this.key = key;
    this.tlsOrNull = tlsOrNull;
    this.exchange = first;
    decoder = new TargetResponseDecoder(limits, tlsOrNull != null);
    // TLS comes last here: it starts its handshake when it is added, and what it fires must find
    // this handler. The two codecs are one step each between bytes and messages.
    channel.pipeline().addLast(decoder, new TargetRequestEncoder(), this);
    if (tlsOrNull != null) {
      channel.pipeline().addFirst(tlsOrNull);
    }
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
  }

  IdleStreams.Key key() {
    return key;
  }

  String publicId() {
    return publicId;
  }

  String via() {
    return via;
  }

  EventLoop eventLoop() {
    return channel.eventLoop();
  }

  DuplexChannel channel() {
    return channel;
  }

  // For the exchange that uses it.

  /** Takes an idle stream for a new exchange. */
  void begin(Exchange next) {
    waiting = false;
    exchange = next;
  }

  void await(HttpMethod method) {
    decoder.await(method.equals(HttpMethod.HEAD));
  }

  void write(Object message) {
    context.write(message, context.voidPromise());
  }

  void flush() {
    context.flush();
  }

  void read() {
    context.read();
  }

  boolean isWritable() {
    return channel.isWritable();
  }

  /** Whether the target has sent all it will ever send. */
  boolean inputEnded() {
    return inputEnded;
  }

  /** Why the stream broke, as far as is known; null otherwise. */
  Throwable cause() {
    return cause;
  }

  /**
   * After a response that ended cleanly, to a request that was sent completely.
   *
   * @param idleNanos how long the target is willing to wait for the next request
   */
  void release(long idleNanos) {
    exchange = null;
    if (inputEnded || decoder.hasBytesLeft() || !channel.isActive()) {
      finish();
      return;
    }
    waiting = true;
    idle.put(this, idleNanos);
    if (waiting) {
      read();
    }
  }

  /** Gives the stream up at once: what its target has not sent yet is lost. */
  void abort() {
    exchange = null;
    channel.close();
  }

  /** Ends the stream in good order: our end first, then the target's. */
  void finish() {
    exchange = null;
    waiting = false;
    if (!channel.isActive()) {
      channel.close();
      return;
    }
    finishing = true;
    if (tlsOrNull != null) {
      tlsOrNull.closeOutbound().addListener(closed -> shutdownOutput());
    } else {
      shutdownOutput();
    }
  }

  private void shutdownOutput() {
    if (inputEnded) {
      channel.close();
      return;
    }
    channel.shutdownOutput();
    channel.eventLoop().schedule(() -> channel.close(), FINISH_MILLIS, TimeUnit.MILLISECONDS);
    read();
  }

  /**
   * Takes the HTTP out of the pipeline: from here on it carries the bytes of another protocol. What
   * the decoder has read beyond the response comes first.
   */
  void becomeRaw(RawRelay relay) {
    raw = true;
    exchange = null;
    var pipeline = channel.pipeline();
    pipeline.addLast(relay);
    pipeline.remove(TargetRequestEncoder.class);
    pipeline.remove(this);
    pipeline.remove(decoder);
  }

  // For IdleStreams.

  void waitUntil(long nanoTime) {
    waitsUntil = nanoTime;
  }

  boolean isFresh(long now) {
    return channel.isActive()
        && current.getAsBoolean()
        && !inputEnded
        && !decoder.hasBytesLeft()
        && waitsUntil - now > 0;
  }

  // What happens on the stream.

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (exchange == null) {
      ReferenceCountUtil.release(message);
      return;
    }
    if (message instanceof HttpResponse head) {
      exchange.responseHead(head);
      if (!(message instanceof HttpContent)) {
        return;
      }
    }
    if (exchange == null) {
      ReferenceCountUtil.release(message);
    } else {
      exchange.responseContent((HttpContent) message);
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    if (raw) {
      return;
    }
    if (exchange != null) {
      exchange.streamReadComplete();
    } else if (waiting && decoder.hasBytesLeft()) {
      idle.remove(this);
      waiting = false;
      channel.close();
    } else if (!inputEnded) {
      read();
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (exchange != null && channel.isWritable()) {
      exchange.streamWritable();
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof ChannelInputShutdownEvent && !inputEnded) {
      inputEnded = true;
      if (exchange != null) {
        exchange.streamInputEnded();
      } else if (waiting) {
        idle.remove(this);
        finish();
      } else if (finishing) {
        channel.close();
      }
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    inputEnded = true;
    if (waiting) {
      waiting = false;
      idle.remove(this);
    }
    Exchange broken = exchange;
    exchange = null;
    if (broken != null) {
      broken.streamLost();
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable thrown) {
    if (cause == null) {
      cause = thrown;
    }
    if (!(thrown instanceof IOException || thrown instanceof DecoderException)) {
      log.atError().addKeyValue("stream", publicId).setCause(thrown).log("http.stream.broke");
    }
    Channel broken = ctx.channel();
    broken.close();
  }
}
