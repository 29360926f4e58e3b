package dev.warren.protocol.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CloseWebSocketFrame;
import io.netty.handler.codec.http.websocketx.ContinuationWebSocketFrame;
import io.netty.handler.codec.http.websocketx.CorruptedWebSocketFrameException;
import io.netty.handler.codec.http.websocketx.PingWebSocketFrame;
import io.netty.handler.codec.http.websocketx.PongWebSocketFrame;
import io.netty.handler.codec.http.websocketx.TextWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocket13FrameEncoder;
import io.netty.handler.codec.http.websocketx.WebSocketFrame;
import io.netty.util.ReferenceCountUtil;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Netty's encoder writes, our reader reads, however the bytes were cut. */
class WebSocketReaderTest {
  private static final int[] LENGTHS = {0, 1, 7, 125, 126, 127, 4_096, 65_535, 65_536, 262_144};

  private final Random random = new Random(11);
  private final ByteBuf read = ByteBufAllocator.DEFAULT.buffer();

  private static byte[] encoded(boolean masked, WebSocketFrame... frames) {
    EmbeddedChannel encoder = new EmbeddedChannel(new WebSocket13FrameEncoder(masked));
    ByteBuf all = Unpooled.buffer();
    for (WebSocketFrame frame : frames) {
      encoder.writeOutbound(frame);
    }
    for (ByteBuf part = encoder.readOutbound(); part != null; part = encoder.readOutbound()) {
      all.writeBytes(part);
      part.release();
    }
    encoder.finishAndReleaseAll();
    return ByteBufUtil.getBytes(all);
  }

  private byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  /** Writes the bytes cut at random places, and gathers what comes of binary payload. */
  private void write(EmbeddedChannel channel, byte[] bytes, int largestCut) {
    for (int at = 0; at < bytes.length; ) {
      int length = Math.min(bytes.length - at, 1 + random.nextInt(largestCut));
      channel.writeInbound(
          ByteBufAllocator.DEFAULT.directBuffer(length).writeBytes(bytes, at, length));
      at += length;
      while (channel.inboundMessages().peek() instanceof ByteBuf) {
        ByteBuf piece = channel.readInbound();
        read.writeBytes(piece);
        piece.release();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void payloadsOfAllLengthsComeWholeHoweverTheyAreCut(boolean masked) {
    for (int largestCut : new int[] {1, 3, 1_000, 1 << 20}) {
      EmbeddedChannel channel = new EmbeddedChannel(new WebSocketReader(masked));
      ByteBuf expected = Unpooled.buffer();
      for (int length : LENGTHS) {
        byte[] payload = bytes(largestCut < 1_000 ? Math.min(length, 300) : length);
        expected.writeBytes(payload);
        write(
            channel,
            encoded(masked, new BinaryWebSocketFrame(Unpooled.wrappedBuffer(payload))),
            largestCut);
      }
      assertTrue(ByteBufUtil.equals(expected, read), "cut into at most " + largestCut);
      read.clear();
      channel.finishAndReleaseAll();
    }
    read.release();
  }

  @Test
  void whatHasArrivedOfAFrameGoesOnAtOnce() {
    EmbeddedChannel channel = new EmbeddedChannel(new WebSocketReader(true));
    byte[] payload = bytes(100);
    byte[] frame = encoded(true, new BinaryWebSocketFrame(Unpooled.wrappedBuffer(payload.clone())));
    channel.writeInbound(Unpooled.copiedBuffer(frame, 0, frame.length - 1));
    ByteBuf piece = channel.readInbound();
    assertEquals(ByteBufUtil.hexDump(payload, 0, 99), ByteBufUtil.hexDump(piece));
    piece.release();
    read.release();
    channel.finishAndReleaseAll();
  }

  @Test
  void bytesThatCannotBeWrittenOverAreCopied() {
    EmbeddedChannel channel = new EmbeddedChannel(new WebSocketReader(true));
    byte[] payload = bytes(500);
    byte[] frame = encoded(true, new BinaryWebSocketFrame(Unpooled.wrappedBuffer(payload.clone())));
    byte[] before = frame.clone();
    channel.writeInbound(Unpooled.wrappedBuffer(frame).asReadOnly());
    channel.writeInbound(
        Unpooled.wrappedBuffer(
            Unpooled.copiedBuffer(frame, 0, 250),
            Unpooled.copiedBuffer(frame, 250, frame.length - 250)));
    assertEquals(ByteBufUtil.hexDump(before), ByteBufUtil.hexDump(frame));
    for (int i = 0; i < 2; i++) {
      ByteBuf piece = channel.readInbound();
      assertEquals(ByteBufUtil.hexDump(payload), ByteBufUtil.hexDump(piece));
      piece.release();
    }
    read.release();
    channel.finishAndReleaseAll();
  }

  @Test
  void controlFramesMayStandInsideOfAMessage() {
    EmbeddedChannel channel = new EmbeddedChannel(new WebSocketReader(true));
    byte[] all =
        encoded(
            true,
            new BinaryWebSocketFrame(false, 0, Unpooled.wrappedBuffer(new byte[] {1, 2})),
            new PingWebSocketFrame(Unpooled.wrappedBuffer(new byte[] {9, 8, 7})),
            new PongWebSocketFrame(),
            new ContinuationWebSocketFrame(false, 0, Unpooled.EMPTY_BUFFER),
            new ContinuationWebSocketFrame(true, 0, Unpooled.wrappedBuffer(new byte[] {3})),
            new CloseWebSocketFrame(1001, "going"),
            new BinaryWebSocketFrame(Unpooled.wrappedBuffer(new byte[] {4})));
    write(channel, all, 1);
    assertEquals("0102", ByteBufUtil.hexDump(read));
    PingWebSocketFrame ping = assertInstanceOf(PingWebSocketFrame.class, channel.readInbound());
    assertEquals("090807", ByteBufUtil.hexDump(ping.content()));
    ping.release();
    PongWebSocketFrame pong = assertInstanceOf(PongWebSocketFrame.class, channel.readInbound());
    pong.release();
    ByteBuf rest = assertInstanceOf(ByteBuf.class, channel.readInbound());
    assertEquals("03", ByteBufUtil.hexDump(rest));
    rest.release();
    CloseWebSocketFrame close = assertInstanceOf(CloseWebSocketFrame.class, channel.readInbound());
    assertEquals(1001, close.statusCode());
    close.release();
    assertNull(channel.readInbound(), "nothing after a close");
    read.release();
    channel.finishAndReleaseAll();
  }

  @Test
  void aTextMessageIsToldAtItsHeaderAndNothingAfterIt() {
    EmbeddedChannel channel = new EmbeddedChannel(new WebSocketReader(true));
    channel.writeInbound(
        Unpooled.wrappedBuffer(
            encoded(
                true,
                new TextWebSocketFrame("some text"),
                new BinaryWebSocketFrame(Unpooled.wrappedBuffer(new byte[] {4})))));
    TextWebSocketFrame text = assertInstanceOf(TextWebSocketFrame.class, channel.readInbound());
    text.release();
    assertNull(channel.readInbound());
    read.release();
    channel.finishAndReleaseAll();
  }

  @ParameterizedTest
  @CsvSource({
    "true, c28000000000, 1002", // reserved bits
    "true, 8205, 1002", // not masked
    "false, 828500000000, 1002", // masked
    "true, 838000000000, 1002", // unknown kinds
    "true, 878000000000, 1002",
    "true, 8b8000000000, 1002",
    "true, 8f8000000000, 1002",
    "true, 808000000000, 1002", // a continuation of nothing
    "true, 028000000000828000000000, 1002", // a message inside of another
    "true, 098000000000, 1002", // a ping in pieces
    "true, 89fe007e00000000, 1002", // a ping of 126 bytes
    "true, 888100000000, 1002", // a close with half of a status
    "true, 82fe007d00000000, 1002", // lengths in too many bytes
    "true, 82ff000000000000ffff00000000, 1002",
    "true, 82ff000000000004000100000000, 1009", // one byte more than may be
    "true, 82ff7fffffffffffffff00000000, 1009",
    "true, 82ffffffffffffffffff00000000, 1009",
  })
  void whatTheRfcForbidsIsRefusedWithItsStatus(boolean masked, String hex, int status) {
    EmbeddedChannel channel = new EmbeddedChannel(new WebSocketReader(masked));
    CorruptedWebSocketFrameException broken =
        assertThrows(
            CorruptedWebSocketFrameException.class,
            () -> channel.writeInbound(Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump(hex))));
    assertEquals(status, broken.closeStatus().code());
    channel.writeInbound(
        Unpooled.wrappedBuffer(
            encoded(masked, new BinaryWebSocketFrame(Unpooled.wrappedBuffer(new byte[] {4})))));
    assertNull(channel.readInbound(), "nothing after a fault");
    read.release();
    channel.finishAndReleaseAll();
  }

  @Test
  void halfAControlFrameIsGivenBackWhenTheReaderGoes() {
    EmbeddedChannel channel = new EmbeddedChannel(new WebSocketReader(true));
    channel.writeInbound(Unpooled.wrappedBuffer(ByteBufUtil.decodeHexDump("898a0000000001")));
    Object nothing = channel.readInbound();
    ReferenceCountUtil.release(nothing);
    assertNull(nothing);
    read.release();
    channel.finishAndReleaseAll();
  }
}
