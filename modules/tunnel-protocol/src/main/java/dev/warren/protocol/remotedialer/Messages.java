package dev.warren.protocol.remotedialer;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.nio.charset.StandardCharsets;

/** Writes messages (REMOTEDIALER.md, section 2). */
public final class Messages {
  /** The text of an ERROR that is an orderly end. */
  public static final String EOF = "EOF";

  /** The longest text of an ERROR; of a longer one the rest is left out (bytes). */
  public static final int MAX_ERROR_BYTES = 100;

  /** The longest {@code network/address} of a CONNECT (bytes). */
  public static final int MAX_ADDRESS_BYTES = 266;

  /** Room for all that can stand before a body: four numbers. */
  public static final int MAX_HEAD_BYTES = 4 * 10;

  /** What senders write as deadline; nobody reads it any more (milliseconds). */
  private static final int DEADLINE_MILLIS = 15_000;

  private Messages() {}

  /** Writes what stands before the body. */
  public static void head(ByteBuf out, long message, long connection, MessageType type) {
    varint(out, message);
    varint(out, connection);
    varint(out, type.number());
    if (type.hasDeadline()) {
      varint(out, DEADLINE_MILLIS);
    }
  }

  /** Writes a signed number as Go's binary.PutVarint does: zigzag, then 7 bits a byte. */
  public static void varint(ByteBuf out, long value) {
    long left = value << 1 ^ value >> 63;
    while ((left & ~0x7fL) != 0) {
      out.writeByte((int) (left & 0x7f | 0x80));
      left >>>= 7;
    }
    out.writeByte((int) left);
  }

  /** Writes a text, cut between two characters where it is too long. */
  static void text(ByteBuf out, String text, int mostBytes) {
    String cut = text;
    while (ByteBufUtil.utf8Bytes(cut) > mostBytes) {
      int end = Math.min(cut.length(), mostBytes + 1) - 1;
      cut = cut.substring(0, Character.isHighSurrogate(cut.charAt(end - 1)) ? end - 1 : end);
    }
    out.writeCharSequence(cut, StandardCharsets.UTF_8);
  }
}
