package dev.warren.protocol.testing;

import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.frame.FrameReader;
import dev.warren.protocol.frame.ProtocolException;
import io.netty.buffer.ByteBuf;
import java.util.function.Consumer;

/** Reads frames off a byte stream, as {@link Frame}s. DATA that arrives in parts comes in parts. */
public final class FrameParser implements AutoCloseable {
  private final FrameReader reader = new FrameReader(FrameReader.MAX_PAYLOAD_BYTES);

  /** Reads all of {@code bytes}, which stay the caller's; the consumer releases payloads. */
  public void feed(ByteBuf bytes, Consumer<Frame> consumer) {
    try {
      reader.feed(
          bytes,
          new FrameReader.Sink() {
            @Override
            public void data(long stream, long offset, ByteBuf payload) {
              consumer.accept(new Frame.Data(stream, offset, payload));
            }

            @Override
            public void frame(long stream, ByteBuf header, ByteBuf payload)
                throws ProtocolException {
              consumer.accept(FrameCodec.decode(stream, header, payload));
            }
          });
    } catch (ProtocolException e) {
      throw new AssertionError("no frame: " + e.getMessage(), e);
    }
  }

  /** Bytes of a frame that is not complete. */
  public int heldBytes() {
    return reader.heldBytes();
  }

  @Override
  public void close() {
    reader.close();
  }
}
