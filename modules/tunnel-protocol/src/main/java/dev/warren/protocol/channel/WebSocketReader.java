package dev.warren.protocol.channel;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocketCloseStatus;
import io.netty.handler.codec.http.websocketx.WebSocketFrameDecoder;

/**
 * Reads WebSocket frames (RFC 6455, section 5) without waiting for their ends: the payload of
 * binary messages goes on in pieces, as it arrives, unmasked where it lies. Where a message ends
 * has no meaning (PROTOCOL.md, section 1), so nothing is gathered and nothing is copied. Netty's
 * decoder gathers each frame and copies it; under bulk traffic that was a fifth of a gateway's
 * time.
 *
 * <p>Control frames go on as Netty's objects, and so does a text message, empty, as soon as its
 * first header is there. What the RFC forbids, and a frame beyond {@link
 * Tunnels#MAX_WEB_SOCKET_FRAME_BYTES}, is a {@link CorruptedWebSocketFrameException}; after it, and
 * after a close, whatever comes is dropped.
 */
final class WebSocketReader extends ChannelInboundHandlerAdapter implements WebSocketFrameDecoder {
  private static final int MAX_HEADER_BYTES = 14;
  private static final int MAX_CONTROL_BYTES = 125;
  private static final int FIN = 0x80;
  private static final int RESERVED = 0x70;
  private static final int MASKED = 0x80;
  private static final int CONTINUATION = 0;
  private static final int TEXT = 1;
  private static final int BINARY = 2;
  private static final int CLOSE = 8;
  private static final int PING = 9;
  private static final int PONG = 10;

  private final boolean expectMasked;
  private final byte[] header = new byte[MAX_HEADER_BYTES];
  private int headerHeld; // of the header that is being read
  private int opcode;
  private int left; // bytes of the payload that are still to come
  private int key; // turned to where the payload goes on
  private ByteBuf control; // the payload of a control frame, until it is whole
  private boolean inMessage; // a continuation may follow
  private boolean over;
  private boolean passedOn; // something, since the last read was complete

  /**
   * @param expectMasked whether the far side is the WebSocket's client
   */
  WebSocketReader(boolean expectMasked) {
    this.expectMasked = expectMasked;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (!(message instanceof ByteBuf read)) {
      ctx.fireChannelRead(message);
      return;
    }
    ByteBuf in = expectMasked ? writable(ctx, read) : read;
    try {
      while (in.isReadable() && !over) {
        if (left > 0) {
          payload(ctx, in);
        } else if (readHeader(in)) {
          begin(ctx);
        }
      }
    } finally {
      in.release();
    }
  }

  /** Unmasking happens in place. */
  private static ByteBuf writable(ChannelHandlerContext ctx, ByteBuf in) {
    if (!in.isReadOnly() && in.nioBufferCount() == 1) {
      return in;
    }
    ByteBuf copy = ctx.alloc().directBuffer(in.readableBytes()).writeBytes(in);
    in.release();
    return copy;
  }

  /** Says whether the header is whole. */
  private boolean readHeader(ByteBuf in) {
    while (headerHeld < 2 || headerHeld < headerBytes()) {
      if (!in.isReadable()) {
        return false;
      }
      header[headerHeld++] = in.readByte();
    }
    return true;
  }

  private int headerBytes() {
    int length = header[1] & 0x7f;
    return 2 + lengthBytes(length) + ((header[1] & MASKED) != 0 ? Integer.BYTES : 0);
  }

  private static int lengthBytes(int length) {
    return length == 127 ? Long.BYTES : length == 126 ? Short.BYTES : 0;
  }

  private void begin(ChannelHandlerContext ctx) {
    headerHeld = 0;
    int first = header[0];
    opcode = first & 0xf;
    check((first & RESERVED) == 0, "reserved bits in a frame, and no extension was negotiated");
    boolean masked = (header[1] & MASKED) != 0;
    check(masked == expectMasked, masked ? "a masked frame of a server" : "an unmasked frame");
    boolean last = (first & FIN) != 0;
    left = length();
    int keyAt = 2 + lengthBytes(header[1] & 0x7f);
    key = masked ? (int) number(keyAt, Integer.BYTES) : 0;
    if (opcode >= CLOSE) {
      check(opcode <= PONG, "a control frame of unknown kind");
      check(last, "a control frame in pieces");
      check(left <= MAX_CONTROL_BYTES, "a control frame of more than 125 bytes");
      check(opcode != CLOSE || left != 1, "a close with half of a status");
      control = left == 0 ? Unpooled.EMPTY_BUFFER : ctx.alloc().buffer(left);
      if (left == 0) {
        control(ctx);
      }
      return;
    }
    check(opcode <= BINARY, "a data frame of unknown kind");
    check(
        (opcode == CONTINUATION) == inMessage,
        inMessage ? "a new message inside of another" : "a continuation of nothing");
    inMessage = !last;
    if (opcode == TEXT) {
      over = true;
      passOn(ctx, new TextWebSocketFrame(last, 0, Unpooled.EMPTY_BUFFER));
    }
  }

  private int length() {
    int length = header[1] & 0x7f;
    if (length < 126) {
      return length;
    }
    long longer = number(2, lengthBytes(length));
    check(longer < 0 || longer > (length == 126 ? 125 : 0xffff), "a length in too many bytes");
    if (longer < 0 || longer > Tunnels.MAX_WEB_SOCKET_FRAME_BYTES) {
      throw broken(
          WebSocketCloseStatus.MESSAGE_TOO_BIG,
          "a frame of "
              + Long.toUnsignedString(longer)
              + " bytes (limit: "
              + Tunnels.MAX_WEB_SOCKET_FRAME_BYTES
              + ")");
    }
    return (int) longer;
  }

  private long number(int at, int bytes) {
    long number = 0;
    for (int i = 0; i < bytes; i++) {
      number = number << 8 | (header[at + i] & 0xff);
    }
    return number;
  }

  private void payload(ChannelHandlerContext ctx, ByteBuf in) {
    int bytes = Math.min(left, in.readableBytes());
    if (expectMasked) {
      MaskedFrames.mask(in, in.readerIndex(), bytes, key);
      key = Integer.rotateLeft(key, 8 * (bytes & 3));
    }
    left -= bytes;
    if (control == null) {
      passOn(ctx, in.readRetainedSlice(bytes));
    } else {
      control.writeBytes(in, bytes);
      if (left == 0) {
        control(ctx);
      }
    }
  }

  private void control(ChannelHandlerContext ctx) {
    ByteBuf payload = control;
    control = null;
    if (opcode == PING) {
      passOn(ctx, new PingWebSocketFrame(payload));
    } else if (opcode == PONG) {
      passOn(ctx, new PongWebSocketFrame(payload));
    } else {
      over = true;
      passOn(ctx, new CloseWebSocketFrame(true, 0, payload));
    }
  }

  private void passOn(ChannelHandlerContext ctx, Object message) {
    passedOn = true;
    ctx.fireChannelRead(message);
  }

  private void check(boolean good, String fault) {
    if (!good) {
      throw broken(WebSocketCloseStatus.PROTOCOL_ERROR, fault);
    }
  }

  private CorruptedWebSocketFrameException broken(WebSocketCloseStatus status, String fault) {
    over = true;
    left = 0;
    return new CorruptedWebSocketFrameException(status, fault);
  }

  /** Who asked for a read waits for more than a part of a header. */
  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    boolean nothing = !passedOn;
    passedOn = false;
    if (nothing && !over && !ctx.channel().config().isAutoRead()) {
      ctx.read();
    }
    ctx.fireChannelReadComplete();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    over = true;
    if (control != null) {
      control.release();
      control = null;
    }
  }
}
