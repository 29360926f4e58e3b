package dev.warren.protocol.frame;

import dev.warren.protocol.FaultCode;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/**
 * Cuts a byte stream into frames (PROTOCOL.md, section 2), however the bytes were cut before. The
 * payload of a DATA frame is handed on in slices as it arrives, so it is neither copied nor
 * gathered; of everything else at most one frame is kept, and only after its length was judged.
 */
public final class FrameReader {
  /** length (4), stream number (6), header length (2). */
  public static final int PREFIX_BYTES = 12;

  /**
   * The longest header: room for a DISCOVERY of a few hundred gateways, or for 4 KiB of attributes.
   */
  public static final int MAX_HEADER_BYTES = 32 * 1024;

  /** The largest payload that any side may ask for. */
  public static final int MAX_PAYLOAD_BYTES = 64 * 1024;

  /** What the length field does not count: itself. */
  private static final int LENGTH_BYTES = 4;

  /** Receives what was cut. */
  public interface Sink {
    /**
     * Bytes of a stream from {@code offset} on: the payload of one DATA frame or a part of it. The
     * sink releases them.
     */
    void data(long stream, long offset, ByteBuf bytes) throws ProtocolException;

    /** Any other frame. Both buffers are lent: they are valid during the call only. */
    void frame(long stream, ByteBuf header, ByteBuf payload) throws ProtocolException;
  }

  private final int maxPayloadBytes;
  private ByteBuf partial = Unpooled.EMPTY_BUFFER; // the beginning of a frame that is not complete
  private long dataStream;
  private long dataOffset;
  private int dataLeft; // bytes of a DATA payload that are still to come
  private boolean closed;

  /**
   * @param maxPayloadBytes what this side said in its limits
   */
  public FrameReader(int maxPayloadBytes) {
    if (maxPayloadBytes < 0 || maxPayloadBytes > MAX_PAYLOAD_BYTES) {
      throw new IllegalArgumentException(
          "maxPayloadBytes: " + maxPayloadBytes + " (expected: 0 to " + MAX_PAYLOAD_BYTES + ")");
    }
    this.maxPayloadBytes = maxPayloadBytes;
  }

  /**
   * Reads all of {@code in}, which stays the caller's; what follows {@link #close} is skipped.
   *
   * @throws ProtocolException where the bytes are no frames, or the sink says so; nothing may be
   *     fed afterwards
   */
  public void feed(ByteBuf in, Sink sink) throws ProtocolException {
    while (in.isReadable()) {
      if (closed) {
        in.skipBytes(in.readableBytes());
      } else if (dataLeft > 0) {
        int bytes = Math.min(dataLeft, in.readableBytes());
        long offset = dataOffset;
        dataLeft -= bytes;
        dataOffset += bytes;
        sink.data(dataStream, offset, in.readRetainedSlice(bytes));
      } else if (partial.isReadable()) {
        fillPartial(in, sink);
      } else if (!readFrame(in, sink)) {
        keep(in);
      }
    }
  }

  /** Gives back what it holds and reads no more. A sink may call it. */
  public void close() {
    closed = true;
    partial.release();
    partial = Unpooled.EMPTY_BUFFER;
    dataLeft = 0;
  }

  /** How many bytes it holds of a frame that is not complete: never more than one frame. */
  public int heldBytes() {
    return partial.readableBytes();
  }

  /** Takes one frame off {@code in}, or says that a part of it is missing. */
  private boolean readFrame(ByteBuf in, Sink sink) throws ProtocolException {
    int available = in.readableBytes();
    int start = in.readerIndex();
    if (available < PREFIX_BYTES) {
      return false;
    }
    int headerBytes = headerBytes(in, start);
    int payloadBytes = payloadBytes(in, start, headerBytes);
    if (available < PREFIX_BYTES + headerBytes) {
      return false;
    }
    long stream = stream(in, start);
    int header = start + PREFIX_BYTES;
    long offset = FrameCodec.plainDataOffset(in, header, headerBytes);
    if (offset >= 0) {
      in.skipBytes(PREFIX_BYTES + headerBytes);
      dataStream = stream;
      dataOffset = offset;
      dataLeft = payloadBytes;
      if (payloadBytes == 0) {
        sink.data(stream, offset, Unpooled.EMPTY_BUFFER);
      }
      return true;
    }
    if (available < PREFIX_BYTES + headerBytes + payloadBytes) {
      return false;
    }
    in.skipBytes(PREFIX_BYTES + headerBytes + payloadBytes);
    sink.frame(stream, in.slice(header, headerBytes), in.slice(header + headerBytes, payloadBytes));
    return true;
  }

  private void keep(ByteBuf in) {
    partial = in.alloc().buffer(Math.max(64, in.readableBytes()));
    partial.writeBytes(in);
  }

  /** Adds just what the frame under way is known to need, so that nothing behind it is copied. */
  private void fillPartial(ByteBuf in, Sink sink) throws ProtocolException {
    int held = partial.readableBytes();
    int needed = PREFIX_BYTES;
    if (held >= PREFIX_BYTES) {
      int headerBytes = headerBytes(partial, 0);
      needed += headerBytes;
      if (held >= needed) {
        needed += payloadBytes(partial, 0, headerBytes);
      }
    }
    partial.writeBytes(in, Math.min(needed - held, in.readableBytes()));
    ByteBuf frame = partial.retain(); // the sink may close this reader
    try {
      if (readFrame(frame, sink)) {
        partial.release();
        partial = Unpooled.EMPTY_BUFFER;
      }
    } finally {
      frame.release();
    }
  }

  private int headerBytes(ByteBuf in, int start) throws ProtocolException {
    long length = in.getUnsignedInt(start);
    int headerBytes = in.getUnsignedShort(start + 10);
    long most = PREFIX_BYTES - LENGTH_BYTES + MAX_HEADER_BYTES + (long) maxPayloadBytes;
    if (length > most) {
      throw fault("frame of " + length + " bytes (limit: " + most + ")");
    }
    if (headerBytes > MAX_HEADER_BYTES || headerBytes > length - (PREFIX_BYTES - LENGTH_BYTES)) {
      throw fault(
          "header of "
              + headerBytes
              + " bytes in a frame of "
              + length
              + " (limit: "
              + MAX_HEADER_BYTES
              + ", and it must fit)");
    }
    return headerBytes;
  }

  private int payloadBytes(ByteBuf in, int start, int headerBytes) throws ProtocolException {
    int payloadBytes =
        (int) (in.getUnsignedInt(start) - (PREFIX_BYTES - LENGTH_BYTES) - headerBytes);
    if (payloadBytes > maxPayloadBytes) {
      throw fault("payload of " + payloadBytes + " bytes (limit: " + maxPayloadBytes + ")");
    }
    return payloadBytes;
  }

  private static long stream(ByteBuf in, int start) {
    return (long) in.getUnsignedShort(start + 4) << 32 | in.getUnsignedInt(start + 6);
  }

  private static ProtocolException fault(String detail) {
    return new ProtocolException(FaultCode.PROTOCOL, detail);
  }
}
