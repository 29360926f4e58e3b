package dev.warren.gateway.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import java.util.List;

/**
 * Netty's response decoder, which here decodes one response for each request and no more, knows
 * which of them has no body, and takes the end of the stream for the end of a body only where the
 * target really ended it.
 *
 * <p>Lines may end with LF alone, as the responses of many small servers do: what goes to the
 * caller is written anew, so there is nothing that two could read in two ways.
 */
final class TargetResponseDecoder extends HttpResponseDecoder {
  private static final int MAX_CONTENT_BYTES = 65_536;

  private final boolean secure;
  private boolean toHead;
  private boolean interim;
  private boolean done = true;
  private boolean ended;

  TargetResponseDecoder(HttpSettings.Head limits, boolean secure) {
    super(
        new HttpDecoderConfig()
            .setMaxInitialLineLength(limits.maxUriBytes())
            .setMaxHeaderSize(limits.maxHeaderBytes())
            .setMaxChunkSize(MAX_CONTENT_BYTES)
            .setInitialBufferSize(256)
            .setAllowDuplicateContentLengths(false)
            .setStrictLineParsing(false)
            .setUseRfc9112TransferEncoding(true)
            .setValidateHeaders(true));
    this.secure = secure;
  }

  /** The next message is the response to a request of this kind. */
  void await(boolean head) {
    toHead = head;
    done = false;
  }

  /** Whether there are bytes that belong to no response. */
  boolean hasBytesLeft() {
    return actualReadableBytes() > 0;
  }

  @Override
  protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) throws Exception {
    if (done) {
      return;
    }
    int before = out.size();
    super.decode(ctx, in, out);
    for (int i = before; i < out.size(); i++) {
      HttpObject message = (HttpObject) out.get(i);
      if (message instanceof HttpResponse response) {
        int code = response.status().code();
        interim = code < 200 && code != HttpResponseStatus.SWITCHING_PROTOCOLS.code();
      }
      if ((message instanceof LastHttpContent && !interim) || message.decoderResult().isFailure()) {
        done = true;
      }
    }
  }

  @Override
  protected boolean isContentAlwaysEmpty(HttpMessage message) {
    int code = ((HttpResponse) message).status().code();
    return toHead || code < 200 || code == 204 || code == 304;
  }

  /** What follows a 101 is left in the buffer, whatever the new protocol is called. */
  @Override
  protected boolean isSwitchingToNonHttp1Protocol(HttpResponse response) {
    return false;
  }

  /**
   * Ends a body that only the end of the stream ends, and nothing else: a stream that was reset or
   * lost has not ended, and a TLS stream has ended only if its sender said so.
   */
  @Override
  protected void decodeLast(ChannelHandlerContext ctx, ByteBuf in, List<Object> out)
      throws Exception {
    if (ended && !done) {
      super.decodeLast(ctx, in, out);
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) throws Exception {
    boolean end =
        secure
            ? event instanceof SslCloseCompletionEvent close && close.isSuccess()
            : event instanceof ChannelInputShutdownEvent;
    if (!end) {
      // Under TLS the end of the socket's input is not the end of the stream's; TargetStream is
      // told
      // all the same, and sees whether the stream had ended before.
      ctx.fireUserEventTriggered(event);
      return;
    }
    ended = true;
    if (done) {
      // Bytes of another protocol may wait behind a 101; Netty's decoder would drop them here.
      ctx.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
    } else {
      super.userEventTriggered(ctx, ChannelInputShutdownEvent.INSTANCE);
    }
  }

  /** The decoder of Netty would read on by itself here; {@link TargetStream} decides. */
  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    discardSomeReadBytes();
    ctx.fireChannelReadComplete();
  }
}
