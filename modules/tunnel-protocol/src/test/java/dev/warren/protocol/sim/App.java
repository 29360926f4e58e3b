package dev.warren.protocol.sim;

import dev.warren.protocol.FaultCode;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.MuxStream;
import dev.warren.protocol.mux.Opening;
import dev.warren.protocol.mux.StreamEnd;
import io.netty.buffer.ByteBuf;
import java.util.List;
import java.util.Set;

/** The application at one end of one stream: it does what its {@link Plan} says. */
final class App implements StreamEnd {
  private static final int SEND_HIGH_WATER = 64 * 1024;

  private final EndStation station;
  private final World world;
  private final Plan plan;
  private final int side; // 0 origin, 1 target
  private MuxStream stream;

  private long written;
  private long sent;
  private long received;
  private long consumed;
  private boolean writing;
  private boolean finishing;
  private boolean finishAsked;
  private boolean open;
  private boolean finishHeard;
  private boolean broken; // by a reset, a refusal or the loss of the tunnel
  private boolean consuming;
  private boolean stopped;

  App(EndStation station, Plan plan, boolean origin) {
    this.station = station;
    this.world = station.world;
    this.plan = plan;
    this.side = origin ? 0 : 1;
  }

  private long now() {
    return world.clock.now();
  }

  // ---- the beginning ----

  /** The origin asks for the stream. */
  void ask() {
    if (station.port.mux.cannotOpen() != null) {
      broken = true;
      return;
    }
    Frame.Open wish =
        new Frame.Open(
            0,
            new StreamId(1, plan.number),
            Frame.Open.BYTES,
            "127.0.0.1:80",
            1_000,
            0,
            1,
            List.of(),
            0,
            "",
            "",
            "");
    stream = station.port.mux.open(wish, this, now());
    if (stream != null) {
      resetLater();
    }
    station.pump();
  }

  /** The target is asked. */
  void asked(Opening opening) {
    if (plan.answer == Plan.Answer.REFUSE) {
      opening.refuse(FaultCode.TARGET_REFUSED, "planned");
      broken = true;
      return;
    }
    stream = opening.accept(this);
    if (plan.answer == Plan.Answer.ACCEPT) {
      answer();
    } else {
      world.clock.after(plan.answerAfter, this::answer);
    }
    resetLater();
  }

  private void answer() {
    if (broken) {
      return;
    }
    if (plan.answer == Plan.Answer.REFUSE_LATER) {
      stream.refuse(FaultCode.TARGET_TIMEOUT, "planned");
      breaks();
    } else if (stream.opened(now())) {
      open = true;
      write();
    } else if (!broken) {
      breaks(); // the budget is used up
    }
    station.pump();
  }

  private void resetLater() {
    if (plan.resetAfter[side] >= 0) {
      world.clock.after(
          plan.resetAfter[side],
          () -> {
            if (!isDone() && !stream.isOver()) {
              stream.reset(FaultCode.CANCELLED, "planned");
              breaks();
              station.pump();
            } else {
              stream.reset(FaultCode.CANCELLED, "thrown away"); // what nobody will consume
              if (!isDone()) {
                breaks();
              }
            }
          });
    }
  }

  private void breaks() {
    broken = true;
  }

  // ---- writing ----

  private void write() {
    if (!open || broken || finishAsked || writing) {
      return;
    }
    while (written < plan.bytes[side] && written - sent < SEND_HIGH_WATER) {
      int length = 1 + world.random.nextInt(plan.largestWrite[side]);
      length = (int) Math.min(length, plan.bytes[side] - written);
      stream.write(Pattern.bytes(world.allocator, streamKey(side), written, length));
      boolean first = written == 0;
      written += length;
      if (first) {
        station.port.firstBytes(stream.open().stream());
      }
      if (plan.pauseBetweenWrites[side] > 0) {
        pause();
        break;
      }
    }
    if (written == plan.bytes[side] && !finishing && !waitsForTheOther()) {
      finishing = true;
      world.clock.after(plan.finishAfter[side], this::finish);
    }
  }

  private void pause() {
    writing = true;
    world.clock.after(
        plan.pauseBetweenWrites[side],
        () -> {
          writing = false;
          write();
          station.pump();
        });
  }

  private boolean waitsForTheOther() {
    return plan.finishesAfterTheOther[side] && !finishHeard;
  }

  private void finish() {
    if (!broken) {
      finishAsked = true;
      stream.finish();
      station.pump();
      checkDone();
    }
  }

  private int streamKey(int sender) {
    return plan.number * 2 + sender;
  }

  // ---- what the stream tells ----

  @Override
  public void opened() {
    if (side == 1 || open || broken) {
      throw new AssertionError(this + ": opened out of order");
    }
    open = true;
    write();
  }

  @Override
  public void refused(FaultCode code, String detail, int retryAfterMillis) {
    if (side == 1 || open || broken) {
      throw new AssertionError(this + ": refused out of order");
    }
    boolean planned =
        detail.equals("planned")
            || code == FaultCode.OVERLOADED
            || (world.isLossy() && (code == FaultCode.LINK_LOST || code == FaultCode.DRAINING));
    if (!planned) {
      throw new AssertionError(this + ": refused with " + code + ": " + detail);
    }
    breaks();
  }

  @Override
  public void data(ByteBuf bytes) {
    if (!open || broken || finishHeard) {
      throw new AssertionError(this + ": data out of order");
    }
    int length = bytes.readableBytes();
    if (!Pattern.matches(bytes, streamKey(1 - side), received)) {
      throw new AssertionError(this + ": other bytes than were sent, from " + received + " on");
    }
    bytes.release();
    received += length;
    if (received > plan.bytes[1 - side]) {
      throw new AssertionError(this + ": more bytes than were sent: " + received);
    }
    read();
  }

  private void read() {
    Plan.Reader reader = plan.reader[side];
    if (broken || consuming || stopped || reader == Plan.Reader.NEVER || consumed == received) {
      return;
    }
    switch (reader) {
      case EAGER -> consume(received - consumed);
      case SLOW -> consumeLater(2_000_000, 20_000);
      case BURSTY -> consumeLater(30_000_000, Integer.MAX_VALUE);
      case STOPPING -> {
        if (received > plan.bytes[1 - side] / 2) {
          stopped = true;
          world.clock.after(
              2_000_000_000L,
              () -> {
                consume(received - consumed);
                stopped = false;
                read();
                station.pump();
              });
        } else {
          consume(received - consumed);
        }
      }
      case NEVER -> {}
    }
  }

  private void consumeLater(long nanos, int most) {
    consuming = true;
    world.clock.after(
        nanos,
        () -> {
          consuming = false;
          consume(Math.min(most, received - consumed));
          read();
          station.pump();
        });
  }

  private void consume(long bytes) {
    if (bytes > 0) {
      consumed += broken ? 0 : bytes;
      stream.consumed((int) bytes, now());
      checkDone();
    }
  }

  @Override
  public void finished() {
    if (!open || broken || finishHeard || received != plan.bytes[1 - side]) {
      throw new AssertionError(
          this + ": finished after " + received + " bytes of " + plan.bytes[1 - side]);
    }
    finishHeard = true;
    write();
    checkDone();
  }

  @Override
  public void reset(FaultCode code, String detail) {
    if (broken) {
      throw new AssertionError(this + ": reset twice");
    }
    Set<FaultCode> newer = Set.of(FaultCode.OVERLOADED, FaultCode.UNSUPPORTED);
    boolean planned =
        detail.equals("planned")
            || (world.isLossy() && code == FaultCode.TUNNEL_LOST)
            || (world.newer && newer.contains(code));
    if (!planned) {
      throw new AssertionError(this + ": reset with " + code + ": " + detail);
    }
    breaks();
  }

  @Override
  public void sent(int bytes) {
    sent += bytes;
    if (sent > written) {
      throw new AssertionError(this + ": more sent than written");
    }
    write();
  }

  @Override
  public void burstEnded() {
    // nothing to flush
  }

  // ---- the end ----

  private void checkDone() {
    if (isDone()) {}
  }

  /** Whether nothing will happen here any more. */
  boolean isDone() {
    return broken || (isComplete() && stream.isOver());
  }

  /** Both directions were told to finish and everything came, only the frames are on their way. */
  boolean isComplete() {
    return finishAsked && finishHeard && consumed == received;
  }

  /** Returns what the budget holds for this stream, after a look at whether it is enough. */
  long checkReserved() {
    if (stream == null) {
      return 0;
    }
    long reserved = stream.reservedBytes();
    if (!broken && !stream.isOver()) {
      long told = station.port.told(stream.open().stream());
      long outstanding = finishHeard ? received - consumed : told - consumed;
      if (outstanding > reserved) {
        throw new AssertionError(
            this + ": " + outstanding + " bytes promised (reserved: " + reserved + ")");
      }
      if (reserved > CreditBudget.LARGEST_WINDOW) {
        throw new AssertionError(this + ": " + reserved + " bytes reserved");
      }
    }
    return reserved;
  }

  @Override
  public String toString() {
    return (side == 0 ? "origin" : "target")
        + " of "
        + plan
        + " at "
        + now()
        + " ns: "
        + (open ? "open " : "not open ")
        + (broken ? "broken " : "")
        + "wrote "
        + written
        + "/"
        + plan.bytes[side]
        + " sent "
        + sent
        + (finishAsked ? " finished" : "")
        + "; received "
        + received
        + "/"
        + plan.bytes[1 - side]
        + " consumed "
        + consumed
        + (finishHeard ? " finished" : "");
  }
}
