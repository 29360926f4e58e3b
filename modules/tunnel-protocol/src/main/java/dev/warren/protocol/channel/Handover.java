package dev.warren.protocol.channel;

import dev.warren.protocol.FaultCode;
import io.netty.buffer.ByteBuf;
import io.netty.channel.EventLoop;
import java.util.ArrayDeque;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;

/**
 * What one relayed stream hands from one event loop to another, in its order, with one task for all
 * that waits. Small payloads are gathered, and of credits and of what was sent only the last
 * counts, so that what waits costs about what it weighs. The lock is held for moments only, by one
 * of two threads.
 */
final class Handover {
  /** Payload up to this length is copied behind what waits already (bytes). */
  private static final int SMALL_BYTES = 1_024;

  /** Copied pieces are gathered up to this length (bytes). */
  private static final int GATHER_BYTES = 8 * 1_024;

  /** One thing that is handed over. What holds buffers releases them where nobody takes it. */
  sealed interface Item {
    default void release() {}
  }

  record Data(long offset, ByteBuf bytes, boolean gathers) implements Item {
    @Override
    public void release() {
      bytes.release();
    }
  }

  /** A frame that passes as it came; the offset counts where it is DATA and is -1 where not. */
  record Whole(long offset, ByteBuf bytes, int headerBytes) implements Item {
    @Override
    public void release() {
      bytes.release();
    }
  }

  /** OPENED; {@code credit} is what it says. */
  record Opened(ByteBuf header, long credit) implements Item {
    @Override
    public void release() {
      header.release();
    }
  }

  /** Another frame that goes ahead of all payload. */
  record First(ByteBuf header) implements Item {
    @Override
    public void release() {
      header.release();
    }
  }

  /** The far side broke a rule, or more waits than may. */
  record Fault(FaultCode code, String detail) implements Item {}

  /** The connection is gone. */
  record Lost(FaultCode code, String detail) implements Item {}

  /** What was given before and waits for its turn is dropped. */
  record Drop() implements Item {}

  record Close() implements Item {}

  /** All that waited when it was taken. */
  static final class Batch {
    final ArrayDeque<Item> items = new ArrayDeque<>();
    long creditReceived;
    long creditLimit = -1; // below 0: there is none
    long sentTo = -1; // below 0: nothing was sent
    final ArrayDeque<Integer> sentWhole = new ArrayDeque<>();
  }

  private final EventLoop to;
  private final Runnable task;
  private final Consumer<Item> discard;
  private Batch waiting = new Batch();
  private boolean told;
  private boolean stopped;

  /**
   * @param task run on {@code to} when something waits; it calls {@link #take}
   * @param discard gets what nobody takes any more, and releases it
   */
  Handover(EventLoop to, Runnable task, Consumer<Item> discard) {
    this.to = to;
    this.task = task;
    this.discard = discard;
  }

  synchronized void add(Item item) {
    if (stopped) {
      discard.accept(item);
    } else {
      waiting.items.addLast(item);
    }
  }

  /** Payload, which is the handover's from now on. */
  synchronized void data(long offset, ByteBuf bytes) {
    int length = bytes.readableBytes();
    if (stopped || length == 0) {
      discard.accept(new Data(offset, bytes, false));
    } else if (length > SMALL_BYTES) {
      waiting.items.addLast(new Data(offset, bytes, false));
    } else {
      gather(offset, bytes, length);
    }
  }

  private void gather(long offset, ByteBuf bytes, int length) {
    if (waiting.items.peekLast() instanceof Data last
        && last.gathers()
        && last.bytes().readableBytes() + length <= GATHER_BYTES
        && last.offset() + last.bytes().readableBytes() == offset) {
      last.bytes().writeBytes(bytes, bytes.readerIndex(), length);
    } else {
      ByteBuf gathered = bytes.alloc().buffer(length, GATHER_BYTES * 2);
      gathered.writeBytes(bytes, bytes.readerIndex(), length);
      waiting.items.addLast(new Data(offset, gathered, true));
    }
    bytes.release();
  }

  /** Larger numbers count: credits of one side only grow, where it keeps to the rules. */
  synchronized void credit(long received, long limit) {
    waiting.creditReceived = Math.max(waiting.creditReceived, received);
    waiting.creditLimit = Math.max(waiting.creditLimit, limit);
  }

  synchronized void sent(long offset) {
    waiting.sentTo = offset;
  }

  synchronized void sentWhole(int bytes) {
    waiting.sentWhole.addLast(bytes);
  }

  /** A RESET overtakes what waits here as well. */
  synchronized void drop() {
    waiting.items.removeIf(
        item -> {
          boolean dropped = item instanceof Data || item instanceof Whole;
          if (dropped) {
            item.release();
          }
          return dropped;
        });
    add(new Drop());
  }

  /** What was added is to be taken. */
  void tell() {
    synchronized (this) {
      if (told || stopped) {
        return;
      }
      told = true;
    }
    try {
      to.execute(task);
    } catch (RejectedExecutionException e) {
      stop(); // the process ends: the other loop is gone, and its connections with it
    }
  }

  synchronized Batch take() {
    Batch taken = waiting;
    waiting = new Batch();
    told = false;
    return taken;
  }

  /** Nothing is taken any more: what waits is discarded, and so is what still comes. */
  synchronized void stop() {
    stopped = true;
    waiting.items.forEach(discard);
    waiting.items.clear();
  }
}
