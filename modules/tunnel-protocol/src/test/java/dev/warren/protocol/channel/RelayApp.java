package dev.warren.protocol.channel;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.mux.MuxStream;
import dev.warren.protocol.mux.StreamEnd;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * One end of a relayed stream: sends so many bytes that tell their offset, checks those that come,
 * and hears its last word once. All on its tunnel's event loop, save what is volatile.
 */
final class RelayApp implements StreamEnd {
  /** Bytes given to the stream and not yet sent. */
  private static final int OUTSTANDING = 96 * 1024;

  private final String name;
  private final TunnelHandler tunnel;
  private final long toSend;
  private final long toReceive;
  private final int piece;
  private long written;
  private int outstanding;
  private long received;
  private int unconsumed;
  private boolean finished;
  private MuxStream stream;
  boolean silent; // a test speaks in its place
  boolean unchecked; // ... to this end
  volatile boolean open;
  volatile boolean consumes;
  volatile String lastWord; // null: none yet
  volatile long moved;

  RelayApp(
      String name, TunnelHandler tunnel, long toSend, long toReceive, int piece, boolean consumes) {
    this.name = name;
    this.tunnel = tunnel;
    this.toSend = toSend;
    this.toReceive = toReceive;
    this.piece = piece;
    this.consumes = consumes;
  }

  void attach(MuxStream given) {
    stream = given;
  }

  MuxStream stream() {
    return stream;
  }

  /** Whether nothing more will come: a last word was heard, or both sides have finished. */
  boolean isDone() {
    return lastWord != null;
  }

  /** The answer to OPEN at the agent's end. */
  void accept() {
    if (stream.opened(System.nanoTime())) {
      open = true;
      fill();
    } else if (lastWord == null) {
      lastWord = "refused by ourselves";
    }
    tunnel.sendSoon();
  }

  void refuse() {
    if (lastWord == null) {
      stream.refuse(FaultCode.TARGET_REFUSED, "not today");
      lastWord = "refused by ourselves";
      tunnel.sendSoon();
    }
  }

  void breakOff() {
    if (lastWord == null && stream != null) {
      stream.reset(FaultCode.CANCELLED, "enough");
      lastWord = "reset by ourselves";
      tunnel.sendSoon();
    }
  }

  void consume() {
    if (unconsumed > 0) {
      stream.consumed(unconsumed, System.nanoTime());
      unconsumed = 0;
      tunnel.sendSoon();
    }
  }

  private void fill() {
    if (silent) {
      return;
    }
    while (open && lastWord == null && written < toSend && outstanding < OUTSTANDING) {
      int length = (int) Math.min(piece, toSend - written);
      ByteBuf bytes = ByteBufAllocator.DEFAULT.buffer(length);
      for (int i = 0; i < length; i++) {
        bytes.writeByte(at(written + i));
      }
      written += length;
      outstanding += length;
      stream.write(bytes);
    }
    if (open && lastWord == null && written == toSend && outstanding == 0) {
      stream.finish();
      endIfDone();
    }
  }

  private static byte at(long offset) {
    return (byte) ((offset * 131) >>> 5);
  }

  private void endIfDone() {
    if (finished && written == toSend && outstanding == 0 && lastWord == null) {
      lastWord = "finished";
    }
  }

  private void last(String word) {
    if (lastWord != null && !lastWord.endsWith("ourselves")) {
      throw new AssertionError(name + " hears " + word + " after " + lastWord);
    }
    lastWord = word;
  }

  @Override
  public void opened() {
    open = true;
    fill();
  }

  @Override
  public void refused(FaultCode code, String detail, int retryAfterMillis) {
    last("refused " + code + ": " + detail);
  }

  @Override
  public void data(ByteBuf bytes) {
    int length = bytes.readableBytes();
    for (int i = 0; i < length; i++) {
      byte expected = at(received + i);
      if (!unchecked && bytes.getByte(bytes.readerIndex() + i) != expected) {
        throw new AssertionError(name + ": wrong byte at offset " + (received + i));
      }
    }
    bytes.release();
    received += length;
    moved = received;
    unconsumed += length;
    if (consumes) {
      stream.consumed(unconsumed, System.nanoTime());
      unconsumed = 0;
    }
  }

  @Override
  public void finished() {
    if (received != toReceive) {
      throw new AssertionError(name + " got " + received + " bytes (expected: " + toReceive + ")");
    }
    finished = true;
    endIfDone();
  }

  @Override
  public void reset(FaultCode code, String detail) {
    last("reset " + code + ": " + detail);
  }

  @Override
  public void sent(int bytes) {
    outstanding -= bytes;
    fill();
  }

  @Override
  public void burstEnded() {
    // what it wrote is sent by its own handler
  }

  @Override
  public String toString() {
    return name + ": sent " + written + "/" + toSend + ", got " + received + "/" + toReceive + ", "
        + lastWord;
  }
}
