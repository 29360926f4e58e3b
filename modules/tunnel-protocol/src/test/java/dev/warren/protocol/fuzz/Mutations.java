package dev.warren.protocol.fuzz;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Conversations that are valid, or nearly, and what a hostile peer makes of them: bits flipped,
 * bytes cut out, doubled, spliced in from elsewhere, lengths changed.
 */
final class Mutations {
  private static final byte[] NOTHING = {};
  private static final int MOST_BYTES = 64 * 1024;

  private final SplittableRandom random;

  Mutations(SplittableRandom random) {
    this.random = random;
  }

  /** What {@code dialled} or the other side might send after the handshake, and before. */
  byte[] conversation(boolean dialled) {
    List<byte[]> frames = new ArrayList<>();
    if (random.nextInt(16) != 0) {
      frames.add(bytes(dialled ? hello() : welcome()));
    }
    for (int i = random.nextInt(24); i > 0; i--) {
      frames.add(bytes(frame()));
    }
    if (random.nextBoolean()) {
      shuffleSome(frames);
    }
    return mutated(joined(frames));
  }

  /** Frames as they may follow a handshake. */
  byte[] frames() {
    List<byte[]> frames = new ArrayList<>();
    for (int i = 1 + random.nextInt(24); i > 0; i--) {
      frames.add(bytes(frame()));
    }
    return mutated(joined(frames));
  }

  private void shuffleSome(List<byte[]> frames) {
    for (int i = random.nextInt(4); i > 0 && frames.size() > 1; i--) {
      int from = random.nextInt(frames.size());
      frames.add(random.nextInt(frames.size()), frames.remove(from));
    }
  }

  private static byte[] joined(List<byte[]> frames) {
    ByteBuf all = Unpooled.buffer();
    frames.forEach(all::writeBytes);
    byte[] bytes = new byte[all.readableBytes()];
    all.readBytes(bytes);
    return bytes;
  }

  private static byte[] bytes(Frame frame) {
    ByteBuf wire = Unpooled.buffer();
    FrameCodec.write(wire, frame);
    byte[] bytes = new byte[wire.readableBytes()];
    wire.readBytes(bytes);
    return bytes;
  }

  // ---- frames ----

  static Frame.Hello hello() {
    return new Frame.Hello(
        1,
        1,
        List.of("a"),
        "foo",
        new StreamId(1, 2),
        1,
        new Frame.Limits(32 * 1024, 100, 50),
        4_000,
        Frame.Rank.NONE,
        "fuzz",
        new byte[] {1, 2, 3});
  }

  static Frame.Welcome welcome() {
    return new Frame.Welcome(
        1,
        List.of(),
        "north-1",
        "_/foo",
        new Frame.Limits(32 * 1024, 100, 50),
        4_000,
        Frame.Rank.NONE,
        "fuzz");
  }

  private Frame frame() {
    long stream = 1L + random.nextInt(random.nextInt(8) == 0 ? 40 : 6);
    return switch (random.nextInt(16)) {
      case 0, 1, 2 ->
          new Frame.Open(
              stream,
              new StreamId(random.nextLong(), stream),
              random.nextInt(20) == 0 ? 1 : 0,
              "127.0.0.1:80",
              100,
              0,
              random.nextInt(3),
              List.of(),
              number(),
              "",
              "",
              "");
      case 3 -> new Frame.Opened(stream, number());
      case 4 -> new Frame.Refused(stream, code(), "why", 5);
      case 5, 6, 7 ->
          new Frame.Data(stream, small(), Unpooled.wrappedBuffer(new byte[random.nextInt(800)]));
      case 8 -> new Frame.Credit(stream, small(), number());
      case 9 -> new Frame.Finish(stream, small());
      case 10 -> new Frame.Reset(stream, code(), "why", small());
      case 11 -> new Frame.Ping(number());
      case 12 -> new Frame.Pong(random.nextInt(3));
      case 13 ->
          random.nextBoolean()
              ? new Frame.Skipped(stream)
              : new Frame.Peering(new byte[random.nextInt(300)]);
      case 14 ->
          random.nextBoolean() ? new Frame.Drain(10, "") : new Frame.Discovery(1, true, List.of());
      default -> random.nextInt(4) == 0 ? new Frame.GoAway(code(), "", 0) : new Frame.Ping(1);
    };
  }

  private FaultCode code() {
    return FaultCode.values()[random.nextInt(FaultCode.values().length)];
  }

  private long small() {
    return random.nextInt(3) == 0 ? random.nextInt(2_000) : 0;
  }

  private long number() {
    return switch (random.nextInt(4)) {
      case 0 -> 0;
      case 1 -> random.nextInt(1_000);
      case 2 -> 1L << random.nextInt(63);
      default -> Long.MAX_VALUE - random.nextInt(3);
    };
  }

  // ---- what is done to them ----

  byte[] mutated(byte[] valid) {
    byte[] bytes = valid;
    int kinds = random.nextInt(5); // 0: as it is
    for (int i = 0; i < kinds && bytes.length > 0; i++) {
      int at = random.nextInt(bytes.length);
      int length = Math.min(bytes.length - at, 1 + random.nextInt(40));
      bytes =
          switch (random.nextInt(8)) {
            case 0 -> flipped(bytes, at);
            case 1 -> spliced(bytes, at, at + length, NOTHING); // cut out
            case 2 -> spliced(bytes, at, at, java.util.Arrays.copyOfRange(bytes, at, at + length));
            case 3 -> java.util.Arrays.copyOf(bytes, at); // truncated
            case 4 -> {
              int from = random.nextInt(bytes.length);
              int end = Math.min(bytes.length, from + 1 + random.nextInt(100));
              yield spliced(bytes, at, at + length, java.util.Arrays.copyOfRange(bytes, from, end));
            }
            case 5 -> lengthChanged(bytes);
            case 6 -> interesting(bytes, at);
            default -> spliced(bytes, at, at, noise());
          };
    }
    return bytes.length > MOST_BYTES ? java.util.Arrays.copyOf(bytes, MOST_BYTES) : bytes;
  }

  private byte[] noise() {
    byte[] noise = new byte[1 + random.nextInt(30)];
    for (int i = 0; i < noise.length; i++) {
      noise[i] = (byte) random.nextInt();
    }
    return noise;
  }

  private byte[] flipped(byte[] bytes, int at) {
    byte[] copy = bytes.clone();
    copy[at] ^= (byte) (1 << random.nextInt(8));
    return copy;
  }

  private byte[] interesting(byte[] bytes, int at) {
    byte[] copy = bytes.clone();
    copy[at] = new byte[] {0, 1, 0x7f, (byte) 0x80, (byte) 0xff, 8, 16, 127}[random.nextInt(8)];
    return copy;
  }

  /** Finds a frame by its lengths, and changes one of them. */
  private byte[] lengthChanged(byte[] bytes) {
    byte[] copy = bytes.clone();
    int at = 0;
    for (int skip = random.nextInt(6); skip >= 0 && at + 12 <= copy.length; skip--) {
      int length = ((copy[at + 2] & 0xff) << 8) | (copy[at + 3] & 0xff);
      if (skip == 0) {
        int field = random.nextBoolean() ? at + random.nextInt(4) : at + 10 + random.nextInt(2);
        copy[field] += (byte) (random.nextInt(5) - 2);
      }
      at += 4 + length;
    }
    return copy;
  }

  private static byte[] spliced(byte[] bytes, int from, int to, byte[] middle) {
    byte[] all = new byte[from + middle.length + bytes.length - to];
    System.arraycopy(bytes, 0, all, 0, from);
    System.arraycopy(middle, 0, all, from, middle.length);
    System.arraycopy(bytes, to, all, from + middle.length, bytes.length - to);
    return all;
  }
}
