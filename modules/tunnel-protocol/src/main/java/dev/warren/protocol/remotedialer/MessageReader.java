package dev.warren.protocol.remotedialer;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.frame.ProtocolException;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads messages out of WebSocket fragments (REMOTEDIALER.md, section 2). The body of DATA is
 * handed on in slices as it arrives; of everything else at most the beginning is kept, and only as
 * much as a receiver reads.
 */
public final class MessageReader {
  /** The longest message (bytes); a stock sender's are 32 KiB. */
  public static final long MAX_MESSAGE_BYTES = 16L << 20;

  /** The most fragments of one message; the longest has 4,096 of a stock sender's 4 KiB. */
  public static final int MAX_FRAGMENTS = 10_000;

  /** The most connections in one SYNCCONNECTIONS. */
  public static final int MAX_SYNCED = 65_536;

  /** The longest body of ADDCLIENT and REMOVECLIENT (bytes). */
  public static final int MAX_CLIENT_BYTES = 100;

  /** The longest number (bytes). */
  static final int MAX_VARINT_BYTES = 10;

  private static final int ID_BYTES = 8;
  private static final byte[] NOTHING = {};

  /** Receives what was read. */
  public interface Sink {
    /** Bytes of a connection: the body of one DATA or a part of it. The sink releases them. */
    void data(long connection, ByteBuf bytes) throws ProtocolException;

    /** A wish to dial {@code address}, which is null where it was longer than it may be. */
    void connect(long connection, String address) throws ProtocolException;

    /** The connection has ended; what stands beyond the longest text was left out. */
    void error(long connection, String text) throws ProtocolException;

    void pause(long connection);

    void resume(long connection);

    /** The connections that are alive at the client; the array is the sink's. */
    void sync(long[] connections);

    /** A peer's client has come, or has gone. */
    void client(String client, boolean added) throws ProtocolException;
  }

  private boolean inMessage;
  private boolean inBody;
  private long messageBytes;
  private int fragments;

  // The number that is being read, and those before it.
  private int field;
  private int varintBytes;
  private long varint;
  private long connection;
  private MessageType type;

  // What is kept of a body that is not DATA.
  private byte[] body = NOTHING;
  private int kept;
  private long bodyBytes;

  /**
   * Reads one fragment, which stays the caller's.
   *
   * @param first whether it begins a message
   * @param last whether it ends one
   * @throws ProtocolException where the session has to end; nothing may be fed afterwards
   */
  public void feed(ByteBuf fragment, boolean first, boolean last, Sink sink)
      throws ProtocolException {
    if (first == inMessage) {
      throw fault(
          first
              ? "a message begins inside another one"
              : "a fragment of no message (expected: its beginning)");
    }
    if (first) {
      begin();
    }
    messageBytes += fragment.readableBytes();
    if (messageBytes > MAX_MESSAGE_BYTES) {
      throw fault(
          "a message of " + messageBytes + " bytes or more (limit: " + MAX_MESSAGE_BYTES + ")");
    }
    if (++fragments > MAX_FRAGMENTS) {
      throw fault(
          "a message of " + fragments + " fragments or more (limit: " + MAX_FRAGMENTS + ")");
    }
    while (!inBody && fragment.isReadable()) {
      head(fragment.readByte());
    }
    if (inBody && fragment.isReadable()) {
      body(fragment, sink);
    }
    if (last) {
      inMessage = false;
      if (!inBody) {
        throw fault("a message of " + messageBytes + " bytes ends before its body");
      }
      end(sink);
    }
  }

  private void begin() {
    inMessage = true;
    inBody = false;
    messageBytes = 0;
    fragments = 0;
    field = 0;
    varintBytes = 0;
    varint = 0;
    type = null;
    kept = 0;
    bodyBytes = 0;
    body = NOTHING;
  }

  private void head(byte next) throws ProtocolException {
    int bits = next & 0x7f;
    if (++varintBytes > MAX_VARINT_BYTES || varintBytes == MAX_VARINT_BYTES && (next & 0xff) > 1) {
      throw fault(
          "a number of more than 64 bits (expected: at most " + MAX_VARINT_BYTES + " bytes)");
    }
    varint |= (long) bits << 7 * (varintBytes - 1);
    if (next < 0) {
      return; // more bytes follow
    }
    long value = varint >>> 1 ^ -(varint & 1);
    varint = 0;
    varintBytes = 0;
    switch (field++) {
      case 0, 3 -> {} // the message's own number and the deadline say nothing
      case 1 -> connection = value;
      default -> {
        type = MessageType.of(value);
        if (type == null) {
          throw fault("a message of type " + value + " (expected: 1 to 8)");
        }
      }
    }
    inBody = field == (type != null && type.hasDeadline() ? 4 : 3);
  }

  private void body(ByteBuf fragment, Sink sink) throws ProtocolException {
    int bytes = fragment.readableBytes();
    bodyBytes += bytes;
    int most =
        switch (type) {
          case DATA -> {
            sink.data(connection, fragment.readRetainedSlice(bytes));
            yield 0;
          }
          case CONNECT -> Messages.MAX_ADDRESS_BYTES;
          case ERROR -> Messages.MAX_ERROR_BYTES;
          case ADD_CLIENT, REMOVE_CLIENT -> MAX_CLIENT_BYTES;
          case SYNC_CONNECTIONS -> ID_BYTES * MAX_SYNCED;
          case PAUSE, RESUME -> 0;
        };
    int taken = Math.min(most - kept, fragment.readableBytes());
    if (taken > 0) {
      if (kept + taken > body.length) {
        body = Arrays.copyOf(body, Math.min(most, Math.max(2 * body.length, kept + taken)));
      }
      fragment.readBytes(body, kept, taken);
      kept += taken;
    }
  }

  private void end(Sink sink) throws ProtocolException {
    switch (type) {
      case DATA -> {}
      case CONNECT -> sink.connect(connection, bodyBytes > kept ? null : text());
      case ERROR -> sink.error(connection, text());
      case ADD_CLIENT, REMOVE_CLIENT -> {
        if (bodyBytes > kept) {
          throw fault(type + " of " + bodyBytes + " bytes (limit: " + MAX_CLIENT_BYTES + ")");
        }
        sink.client(text(), type == MessageType.ADD_CLIENT);
      }
      case PAUSE -> sink.pause(connection);
      case RESUME -> sink.resume(connection);
      case SYNC_CONNECTIONS -> sink.sync(ids());
    }
    body = NOTHING;
  }

  private String text() {
    String text = new String(body, 0, kept, StandardCharsets.UTF_8);
    return text.chars().anyMatch(Character::isISOControl)
        ? text.replaceAll("\\p{Cntrl}", "?")
        : text;
  }

  private long[] ids() throws ProtocolException {
    if (bodyBytes % ID_BYTES != 0 || bodyBytes > kept) {
      throw fault(
          "SYNCCONNECTIONS of "
              + bodyBytes
              + " bytes (expected: "
              + ID_BYTES
              + " for each of at most "
              + MAX_SYNCED
              + " connections)");
    }
    long[] ids = new long[kept / ID_BYTES];
    for (int i = 0; i < ids.length; i++) {
      long id = 0;
      for (int at = ID_BYTES - 1; at >= 0; at--) {
        id = id << 8 | body[ID_BYTES * i + at] & 0xff;
      }
      ids[i] = id;
    }
    return ids;
  }

  /** Bytes that are kept of a message that is not complete. */
  int heldBytes() {
    return body.length;
  }

  private static ProtocolException fault(String detail) {
    return new ProtocolException(FaultCode.PROTOCOL, detail);
  }
}
