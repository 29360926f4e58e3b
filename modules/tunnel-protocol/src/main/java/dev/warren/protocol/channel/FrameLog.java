package dev.warren.protocol.channel;

import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.frame.FrameReader;
import dev.warren.protocol.frame.ProtocolException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs the headers of the frames that pass, never payloads, ids or MACs. It reads along and changes
 * nothing.
 */
final class FrameLog extends ChannelDuplexHandler {
  private static final Logger log = LoggerFactory.getLogger(FrameLog.class);

  private final FrameReader incoming = new FrameReader(FrameReader.MAX_PAYLOAD_BYTES);
  private final FrameReader outgoing = new FrameReader(FrameReader.MAX_PAYLOAD_BYTES);
  private boolean lost; // it no longer knows where a frame begins

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (message instanceof ByteBuf bytes) {
      follow(ctx, incoming, "in", bytes);
    }
    ctx.fireChannelRead(message);
  }

  @Override
  public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
    if (message instanceof ByteBuf bytes) {
      follow(ctx, outgoing, "out", bytes);
    }
    ctx.write(message, promise);
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    incoming.close();
    outgoing.close();
  }

  private void follow(ChannelHandlerContext ctx, FrameReader reader, String way, ByteBuf bytes) {
    if (lost) {
      return;
    }
    try {
      reader.feed(bytes.duplicate(), new Lines(ctx.channel().id().asShortText(), way));
    } catch (ProtocolException e) {
      lost = true; // the Mux says what is wrong
    }
  }

  private record Lines(String channel, String way) implements FrameReader.Sink {
    @Override
    public void data(long stream, long offset, ByteBuf bytes) {
      line(stream, "Data offset=" + offset + " bytes=" + bytes.readableBytes());
      bytes.release();
    }

    @Override
    public void frame(long stream, ByteBuf header, ByteBuf payload) throws ProtocolException {
      Frame frame = FrameCodec.decodeKnown(stream, header, Unpooled.EMPTY_BUFFER);
      line(stream, frame == null ? "(unknown kind)" : shown(frame));
    }

    private void line(long stream, String text) {
      log.atInfo()
          .addKeyValue("channel", channel)
          .addKeyValue("way", way)
          .addKeyValue("stream", stream)
          .addKeyValue("header", text)
          .log("frame");
    }

    /**
     * Records print their arrays as addresses and ids as public ids, so what is secret stays so.
     */
    private static String shown(Frame frame) {
      String text = frame.toString();
      return text.length() <= 400 ? text : text.substring(0, 400) + "...";
    }
  }
}
