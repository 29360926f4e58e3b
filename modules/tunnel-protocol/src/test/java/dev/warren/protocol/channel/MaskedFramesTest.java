package dev.warren.protocol.channel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.websocketx.BinaryWebSocketFrame;
import io.netty.handler.codec.http.websocketx.WebSocket13FrameDecoder;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What we mask, Netty's decoder unmasks. */
class MaskedFramesTest {
  private static final int[] LENGTHS = {
    0, 1, 7, 8, 9, 125, 126, 127, 4_096, 65_535, 65_536, 70_001
  };

  private final Random random = new Random(7);
  private final MaskedFrames masks = new MaskedFrames();

  private void roundTrip(ByteBuf payload) {
    byte[] expected = ByteBufUtil.getBytes(payload);
    EmbeddedChannel server =
        new EmbeddedChannel(new WebSocket13FrameDecoder(Tunnels.webSocket(true)));
    int key = masks.nextKey();
    server.writeInbound(MaskedFrames.header(ByteBufAllocator.DEFAULT, expected.length, key));
    server.writeInbound(MaskedFrames.masked(ByteBufAllocator.DEFAULT, payload, key));
    BinaryWebSocketFrame frame = server.readInbound();
    assertEquals(ByteBufUtil.hexDump(expected), ByteBufUtil.hexDump(frame.content()));
    frame.release();
    server.finishAndReleaseAll();
  }

  private byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  @Test
  void directPayloadsOfAllLengthsComeBack() {
    for (int length : LENGTHS) {
      roundTrip(ByteBufAllocator.DEFAULT.directBuffer(length + 1).writeBytes(bytes(length)));
    }
  }

  @Test
  void slicesAreMaskedAloneAndTheirNeighboursStay() {
    byte[] all = bytes(300);
    ByteBuf whole = ByteBufAllocator.DEFAULT.directBuffer().writeBytes(all);
    roundTrip(whole.retainedSlice(101, 77));
    assertEquals(ByteBufUtil.hexDump(all, 0, 101), ByteBufUtil.hexDump(whole, 0, 101));
    assertEquals(ByteBufUtil.hexDump(all, 178, 122), ByteBufUtil.hexDump(whole, 178, 122));
    whole.release();
  }

  @Test
  void heapReadOnlyAndCompositePayloadsComeBack() {
    for (int length : LENGTHS) {
      roundTrip(Unpooled.wrappedBuffer(bytes(length)));
      roundTrip(Unpooled.wrappedBuffer(bytes(length)).asReadOnly());
      roundTrip(Unpooled.wrappedBuffer(bytes(length), bytes(13)));
    }
  }

  @Test
  void keysDiffer() {
    assertNotEquals(
        masks.nextKey() + ":" + masks.nextKey(), masks.nextKey() + ":" + masks.nextKey());
  }
}
